//! Everything that has one arm a kind of stream, made from the one list in `lib.rs`.
//!
//! Of a module it takes `Event`, the state it names, `SCHEMA`, `Refusal` and the state's `evolve`
//! and `items`; of the module of the same name in [`crate::command`], `Command` with `creates`, and
//! `decide`.

/// The kinds of stream: `Name = "prefix", module::State of Id;`, and where what is read together
/// lies in the slot of another stream, `beside` the method of the events that gives that stream's
/// key.
macro_rules! aggregates {
    ($($list:tt)+) => {
        streams! { $($list)+ }
        facts! { $($list)+ }
        asks! { $($list)+ }
    };
}

/// The names of streams.
macro_rules! streams {
    ($( $(#[$doc:meta])* $name:ident = $category:literal, $module:ident::$state:ident of $id:ty
        $(, beside $neighbour:ident)?; )+) => {
        /// The kinds of stream. The name is the prefix of the stream's name: never rename one.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Category { $( $(#[$doc])* $name, )+ }

        impl Category {
            /// All of them.
            pub const ALL: &'static [Self] = &[ $( Self::$name ),+ ];

            /// The stored name.
            pub fn name(self) -> &'static str {
                match self { $( Self::$name => $category, )+ }
            }
        }

        /// The name of one stream: `cart-0192…`, `stock-TOTE-BRN`.
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum StreamId { $( $(#[$doc])* $name($id), )+ }

        impl StreamId {
            /// The kind of stream.
            pub fn category(&self) -> Category {
                match self { $( Self::$name(_) => Category::$name, )+ }
            }

            /// The id within the category, as it stands in URLs.
            pub fn key(&self) -> String {
                match self { $( Self::$name(id) => id.to_string(), )+ }
            }

            /// The stream of `category` whose id is `key`; `None` if `key` is no such id.
            pub fn of(category: Category, key: &str) -> Option<Self> {
                Some(match category { $( Category::$name => Self::$name(key.parse().ok()?), )+ })
            }

            /// The slot that all its events lie in, where the name alone says it; `None` where they
            /// lie beside another stream.
            pub fn slot(&self) -> Option<u16> {
                match self { $( Self::$name(_) => streams!(@slot self $($neighbour)?), )+ }
            }

            /// Of the shape of its state and of the fold that makes it.
            pub fn schema(&self) -> i32 {
                match self { $( Self::$name(_) => $module::SCHEMA, )+ }
            }
        }

        impl std::fmt::Display for StreamId {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                match self { $( Self::$name(id) => write!(f, concat!($category, "-{}"), id), )+ }
            }
        }
    };
    (@slot $stream:ident) => { Some(stream::slot_of(&$stream.key())) };
    (@slot $stream:ident $neighbour:ident) => { None };
}

/// What happened, and what it comes to.
macro_rules! facts {
    ($( $(#[$doc:meta])* $name:ident = $category:literal, $module:ident::$state:ident of $id:ty
        $(, beside $neighbour:ident)?; )+) => {
        /// Something that happened in the shop, by the kind of stream it stands in.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum Event { $( $(#[$doc])* $name($module::Event), )+ }

        impl Event {
            /// The stored type name and schema version.
            pub fn kind(&self) -> (&'static str, u16) {
                match self { $( Self::$name(event) => event.kind(), )+ }
            }

            /// The kind of stream it belongs to.
            pub fn category(&self) -> Category {
                match self { $( Self::$name(_) => Category::$name, )+ }
            }

            /// All event types with their current schema versions.
            pub fn types() -> impl Iterator<Item = (&'static str, u16)> {
                [ $( $module::Event::TYPES ),+ ].into_iter().flatten().copied()
            }

            /// The schemas of today's payloads, each with its stored type name and version.
            pub fn schemas(
                generator: &mut schemars::SchemaGenerator,
            ) -> Vec<(&'static str, u16, schemars::Schema)> {
                [ $( $module::Event::schemas(generator) ),+ ].concat()
            }

            /// The payload as JSON.
            ///
            /// # Errors
            /// Never for events made by `decide`: their payloads have only text keys.
            pub fn encode(&self) -> serde_json::Result<String> {
                match self { $( Self::$name(event) => event.encode(), )+ }
            }

            /// The event of today's schema stored as `name`, or `None` if nothing has that name.
            fn decode_current(name: &str, payload: &str) -> Option<serde_json::Result<Self>> {
                match name.split('.').next()? {
                    $( $category => {
                        Some($module::Event::decode(name, payload)?.map(Self::$name))
                    } )+
                    _ => None,
                }
            }

            /// What is read together shares a partition key, and with it a slot: an order, its
            /// payments, parcels and returns; a SKU and its stock; anything else by itself.
            pub fn partition_key(&self, stream: &StreamId) -> String {
                match self {
                    $( Self::$name(_event) => facts!(@key stream _event $($neighbour)?), )+
                }
            }
        }

        $( impl From<$module::Event> for Event {
            fn from(event: $module::Event) -> Self { Self::$name(event) }
        } )+

        /// The state of one stream: its events, folded.
        #[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
        pub enum State { $( $(#[$doc])* $name($module::$state), )+ }

        impl State {
            /// The state of a stream without events.
            pub fn initial(stream: &StreamId) -> Self {
                match stream {
                    $( StreamId::$name(_) => Self::$name($module::$state::default()), )+
                }
            }

            /// How many things it holds, itself included: what a cache should count it as.
            pub fn items(&self) -> usize {
                1 + match self { $( Self::$name(state) => state.items(), )+ }
            }

            /// Folds one event into the state. An event of another category changes nothing: it
            /// cannot stand in the stream, whose name begins with the category.
            pub fn evolve(&mut self, event: &Event) {
                match (self, event) {
                    $( (Self::$name(state), Event::$name(event)) => state.evolve(event), )+
                    (state, event) => debug_assert!(false, "{event:?} in the stream of {state:?}"),
                }
            }
        }

        // One macro for ids that are Copy and SKUs that are not.
        #[allow(clippy::clone_on_copy)]
        impl<'a> state::Streams<'a> { $(
            $(#[$doc])*
            pub fn $module(self, id: &$id) -> Result<&'a $module::$state, state::Missing> {
                let stream = StreamId::$name(id.clone());
                match self.0.state(&stream) {
                    Some(State::$name(state)) => Ok(state),
                    _ => Err(state::Missing(vec![stream])),
                }
            }
        )+ }
    };
    (@key $stream:ident $event:ident) => { $stream.key() };
    (@key $stream:ident $event:ident $neighbour:ident) => { $event.$neighbour().to_string() };
}

/// What may be asked, and how it is refused.
macro_rules! asks {
    ($( $(#[$doc:meta])* $name:ident = $category:literal, $module:ident::$state:ident of $id:ty
        $(, beside $neighbour:ident)?; )+) => {
        /// Anything that can be asked of the shop, by what it is addressed to.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum Command { $( $(#[$doc])* $name($id, command::$module::Command), )+ }

        #[allow(clippy::clone_on_copy)]
        impl Command {
            /// The stream the command is addressed to; an expected version is that stream's.
            pub fn target(&self) -> StreamId {
                match self { $( Self::$name(id, _) => StreamId::$name(id.clone()), )+ }
            }

            /// Whether the subject is new: its stream should have no events yet.
            pub fn creates(&self) -> bool {
                match self { $( Self::$name(_, command) => command.creates(), )+ }
            }
        }

        /// Decides a command of somebody's against the states that `lookup` holds.
        ///
        /// # Errors
        /// When states are missing, or the answer is no.
        pub fn decide(
            by: By,
            command: &Command,
            lookup: &dyn state::Lookup,
        ) -> Result<command::Events, command::Stop> {
            by::check(by, command, lookup)?;
            let streams = state::Streams(lookup);
            match command.clone() {
                $( Command::$name(id, command) => command::$module::decide(id, command, streams), )+
            }
        }

        /// Why a command was refused. What is answered and kept of it is a [`RefusalRecord`].
        #[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
        pub enum Refusal {
            $( $(#[$doc])* #[error(transparent)] $name(#[from] $module::Refusal), )+
            /// By the catalogue: the SKU is not on offer.
            #[error(transparent)]
            Offer(#[from] refusal::OfSku<refusal::OfferError>),
            /// At checkout.
            #[error(transparent)]
            Checkout(#[from] refusal::CheckoutError),
            /// The stream has moved on since the caller read it.
            #[error("the version is {actual}, not {expected}")]
            VersionMismatch {
                /// The version the caller named.
                expected: i64,
                /// The version it has.
                actual: i64,
            },
            /// What the caller read was made of other streams too, and they have moved on.
            #[error("what was read has changed since: {} of its parts have moved on", .0.len())]
            DocumentChanged(Vec<refusal::MovedStream>),
        }

        impl Refusal {
            /// The codes of all refusals, each with its sort; several may have the same.
            pub fn codes() -> impl Iterator<Item = (&'static str, refusal::Kind)> {
                let precondition = refusal::Kind::Precondition;
                let read = [("version_mismatch", precondition), ("document_changed", precondition)];
                [ $( $module::Error::CODES, )+ refusal::OfferError::CODES,
                  refusal::CheckoutError::CODES ]
                    .into_iter()
                    .flatten()
                    .copied()
                    .chain(read)
            }

            /// The stable code and the sort of refusal.
            pub fn code(&self) -> (&'static str, refusal::Kind) {
                use refusal::Coded as _;
                match self {
                    $( Self::$name(refusal) => refusal.code(), )+
                    Self::Offer(refusal) => refusal.code(),
                    Self::Checkout(refusal) => refusal.code(),
                    Self::VersionMismatch { .. } => {
                        ("version_mismatch", refusal::Kind::Precondition)
                    }
                    Self::DocumentChanged(_) => {
                        ("document_changed", refusal::Kind::Precondition)
                    }
                }
            }
        }
    };
}
