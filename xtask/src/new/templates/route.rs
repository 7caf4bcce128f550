//! One medlar, and all of them.

use domain::QuinceId;
use domain::quince::document::{self, Document};

use crate::list::list;
use crate::listing::{CREATED, Sort};
use crate::one::resource;

resource! {
    /// A medlar.
    Quince = "medlar", of Damson in "damson";
    stream Quince(QuinceId);
    document Document, by document::fold;
}

const NEWEST: Sort = Sort::down("damson -", CREATED);

list! {
    /// Which of them.
    Damson of Damson in "damson", sorted NEWEST;
}
