//! The shape of an aggregate's events.

/// An aggregate's events: each variant wraps the payload of the same name, and is stored under an
/// explicit type name and schema version, so that renaming Rust code never renames history.
macro_rules! events {
    ($( $(#[$variant_doc:meta])* $variant:ident = $name:literal, schema $schema:literal; )+) => {
        /// What can happen to the aggregate, as stored.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum Event {
            $( $(#[$variant_doc])* $variant($variant), )+
        }

        impl Event {
            /// Stored type names with their current schema versions.
            pub const TYPES: &'static [(&'static str, u16)] = &[$(($name, $schema)),+];

            /// The stored type name and schema version of this event.
            pub fn kind(&self) -> (&'static str, u16) {
                match self { $( Self::$variant(_) => ($name, $schema), )+ }
            }

            /// The schemas of today's payloads, each with its stored name and version.
            pub(crate) fn schemas(
                generator: &mut schemars::SchemaGenerator,
            ) -> Vec<(&'static str, u16, schemars::Schema)> {
                use schemars::JsonSchema as _;
                vec![ $( ($name, $schema, $variant::json_schema(generator)) ),+ ]
            }

            /// The payload as JSON.
            pub(crate) fn encode(&self) -> serde_json::Result<String> {
                match self { $( Self::$variant(payload) => serde_json::to_string(payload), )+ }
            }

            /// The event stored as `name`, or `None` if this aggregate has no such event.
            pub(crate) fn decode(name: &str, payload: &str) -> Option<serde_json::Result<Self>> {
                match name {
                    $( $name => Some(serde_json::from_str(payload).map(Self::$variant)), )+
                    _ => None,
                }
            }
        }

        $( impl From<$variant> for Event {
            fn from(payload: $variant) -> Self { Self::$variant(payload) }
        } )+
    };
}
