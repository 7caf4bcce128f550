//! The shapes of words: ids, and bounded text.

/// A UUID that cannot be mistaken for another kind of id.
macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
        #[serde(transparent)]
        pub struct $name(pub uuid::Uuid);

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
    };
}

/// Text of 1 to `$max` bytes or characters that satisfies `$allowed`. `$pattern` says as much of
/// that as a regular expression can, for the schema, which also shows an `$example`.
macro_rules! text {
    (@bounds bytes, $max:literal) => {
        /// The longest value, in bytes of UTF-8.
        pub const BYTES_MAX: usize = $max;
    };
    (@bounds characters, $max:literal) => {
        /// The longest value, in characters, whichever script they are of.
        pub const CHARACTERS_MAX: usize = $max;
        /// What that may take, in bytes of UTF-8.
        pub const BYTES_MAX: usize = 4 * $max;
    };
    (@length bytes, $text:ident) => { $text.len() };
    (@length characters, $text:ident) => { $text.chars().count() };
    (
        $(#[$doc:meta])* $name:ident, $max:literal $unit:ident, $allowed:expr,
        like $pattern:expr, such as $example:literal, $rule:literal
    ) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
        #[serde(try_from = "String", into = "String")]
        #[schemars(extend(
            "minLength" = 1, "maxLength" = $max, "pattern" = $pattern, "examples" = [$example]
        ))]
        pub struct $name(Box<str>);

        impl $name {
            text! { @bounds $unit, $max }

            /// The text itself.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = $crate::text::Invalid;
            fn try_from(text: String) -> Result<Self, Self::Error> {
                let allowed: fn(&str) -> bool = $allowed;
                let too_long = text!(@length $unit, text) > $max;
                if text.is_empty() || too_long || !allowed(&text) {
                    return Err($crate::text::Invalid($rule));
                }
                Ok(Self(text.into_boxed_str()))
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::text::Invalid;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::try_from(text.to_owned())
            }
        }

        impl From<$name> for String {
            fn from(text: $name) -> Self {
                text.0.into_string()
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}
