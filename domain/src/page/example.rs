//! What documents look like, for those who read their descriptions: those of a shop's life, which a
//! test makes (`tests/it/shown.rs`).

use serde_json::Value;

macro_rules! examples {
    ($($name:ident)+) => { $(
        pub(crate) fn $name() -> Value {
            let text = include_str!(concat!("examples/", stringify!($name), ".json"));
            serde_json::from_str(text).unwrap_or_default()
        }
    )+ };
}

examples! {
    cart fulfilment location order past_cart payment product return_ sales_day search_hit stock
}
