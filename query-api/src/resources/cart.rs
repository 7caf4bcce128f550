//! `/v1/carts/{id}`

use domain::CartId;
use domain::cart::document::{self, Document};

use crate::one::resource;

resource! {
    /// A cart.
    Cart = "cart", of Carts in "carts";
    stream Cart(CartId);
    document Document, by document::fold;
}
