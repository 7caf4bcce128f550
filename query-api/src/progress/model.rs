//! What readers wait for.

/// What readers wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Model {
    /// Products.
    Products,
    /// Stock by SKU.
    Stock,
    /// Carts.
    Carts,
    /// Orders with their payments and parcels.
    Orders,
    /// Payments.
    Payments,
    /// Sales by day.
    Sales,
    /// The documents of search, as Postgres holds them.
    Search,
    /// The same, as Meilisearch shows them.
    Index,
}

impl Model {
    /// How many there are.
    pub const COUNT: usize = 8;

    /// The projection that builds it.
    pub fn projection(self) -> &'static str {
        match self {
            Self::Products => "products",
            Self::Stock => "stock",
            Self::Carts => "carts",
            Self::Orders => "orders",
            Self::Payments => "payments",
            Self::Sales => "sales",
            Self::Search | Self::Index => "search",
        }
    }

    /// What a projection builds in Postgres.
    pub fn built_by(projection: &str) -> Option<Self> {
        [
            Self::Products,
            Self::Stock,
            Self::Carts,
            Self::Orders,
            Self::Payments,
            Self::Sales,
            Self::Search,
        ]
        .into_iter()
        .find(|model| model.projection() == projection)
    }
}
