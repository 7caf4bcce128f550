//! What readers read, by name. The projector has a projection of each of these names, and does not
//! compile without; query-api reads them under the same names, and waits for them.

macro_rules! read_models {
    ($( $(#[$doc:meta])* $model:ident = $name:literal, )+) => {
        /// What a projection of this name makes of the log. The name stands in the database and on
        /// the command line: never rename one.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum ReadModel { $( $(#[$doc])* $model, )+ }

        impl ReadModel {
            /// All of them.
            pub const ALL: &'static [Self] = &[ $( Self::$model ),+ ];

            /// The stored name.
            pub const fn name(self) -> &'static str {
                match self { $( Self::$model => $name, )+ }
            }

            /// The one of a name.
            pub fn named(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|model| model.name() == name)
            }
        }
    };
}

read_models! {
    /// Products.
    Products = "products",
    /// Stock by SKU.
    Stock = "stock",
    /// Locations.
    Locations = "locations",
    /// Carts.
    Carts = "carts",
    /// Orders with their payments, parcels and returns.
    Orders = "orders",
    /// Payments.
    Payments = "payments",
    /// Parcels.
    Fulfilments = "fulfilments",
    /// Returns.
    Returns = "returns",
    /// Sales by day.
    Sales = "sales",
    /// The documents of search, as Postgres holds them.
    Search = "search",
}
