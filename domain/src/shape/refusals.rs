//! The shape of refusals: for each the words for people, the code for programs and the sort for
//! HTTP, in one place.

/// Why something is refused: `Variant = "code", Kind, "sentence";`, or `Kind or Other if …` where
/// its fields say which. Codes never change, for clients act on them. What is kept of a refusal is
/// a [`crate::RefusalRecord`]; one that passes is not kept.
macro_rules! refusals {
    (
        $(#[$doc:meta])* $error:ident { $(
            $(#[$variant_doc:meta])* $variant:ident
            $( ( $($item:ty),+ ) )?
            $( { $( $(#[$field_doc:meta])* $field:ident: $type:ty ),+ $(,)? } )?
            = $code:literal, $kind:ident $( or $other:ident if $when:expr )?, $sentence:literal;
        )+ }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
        pub enum $error {
            $(
                $(#[$variant_doc])*
                #[error($sentence)]
                $variant $( ( $($item),+ ) )? $( { $( $(#[$field_doc])* $field: $type ),+ } )?,
            )+
        }

        impl $error {
            /// All codes, each with its sort.
            pub const CODES: &'static [(&'static str, $crate::refusal::Kind)] =
                &[ $(
                    ($code, $crate::refusal::Kind::$kind),
                    $( ($code, $crate::refusal::Kind::$other), )?
                )+ ];
        }

        impl $crate::refusal::Coded for $error {
            #[allow(unused_variables, reason = "few say more than one kind by their fields")]
            fn code(&self) -> (&'static str, $crate::refusal::Kind) {
                match self { $(
                    Self::$variant { $( $($field,)+ )? .. } => {
                        $( if $when { return ($code, $crate::refusal::Kind::$other); } )?
                        ($code, $crate::refusal::Kind::$kind)
                    }
                )+ }
            }
        }
    };
}
