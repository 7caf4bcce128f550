//! Has the CDN forget what an event of a product has changed. What is done is the affair of
//! [`crate::cdn`], many tags at once; a process that was told of no CDN does not have this one.
//!
//! Events of stock purge nothing: how much there is changes with every order, and is kept for
//! seconds only.

use domain::{Category, Event, StreamId, product};
use event_store::Recorded;

use crate::notes::{Changes, List};
use crate::reaction::Registered;

const NAME: &str = "purge_cdn";

/// See above.
pub static PURGE_CDN: Registered = Registered::done_elsewhere(NAME, &[Category::Product], note);

fn note(event: &Recorded, changes: &mut Changes) {
    let mut list: List<'_, String> = List::new(NAME, event.position, changes);
    let (StreamId::Product(id), Event::Product(of)) = (&event.stream, &event.event) else { return };
    match of {
        // A draft, which nobody was shown.
        product::Event::Created(_) | product::Event::Restored(_) => {}
        // Maybe of a draft too: whether it is one, the event does not say.
        product::Event::Changed(_)
        | product::Event::VariantSet(_)
        | product::Event::PricesSet(_)
        | product::Event::VariantRemoved(_)
        | product::Event::Published(_)
        | product::Event::Unpublished(_)
        | product::Event::Archived(_) => {
            for tag in [format!("product-{id}"), "products".to_owned(), "search".to_owned()] {
                list.due(&tag, event.recorded_at);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use uuid::Uuid;

    use super::*;
    use crate::given::{history, product, recorded_at};
    use crate::notes::Change;

    fn noted(kind: &str, data: &Value) -> Changes {
        let mut changes = Changes::new();
        for recorded in history([product(kind, data)]) {
            note(&recorded, &mut changes);
        }
        changes
    }

    #[test]
    fn what_the_public_may_have_seen_of_a_product_is_purged_at_once() {
        let due = Change::Due { at: recorded_at(), cause: 1 };
        let tags = [format!("product-{}", Uuid::from_u128(7)), "products".into(), "search".into()];
        let all: Changes = tags.into_iter().map(|tag| ((NAME, tag), due)).collect();
        for (kind, data) in [
            ("changed", json!({"title": "Tote"})),
            ("variant_removed", json!({"sku": "TOTE"})),
            (
                "prices_set",
                json!({"sku": "TOTE", "prices": [{"amount": "9.99", "currency": "EUR"}]}),
            ),
            ("published", json!({})),
            ("unpublished", json!({})),
            ("archived", json!({"skus": "keep"})),
        ] {
            assert_eq!(noted(kind, &data), all, "{kind}");
        }
    }

    #[test]
    fn a_draft_nobody_was_shown_is_not() {
        for (kind, data) in [("created", json!({"title": "Tote"})), ("restored", json!({}))] {
            assert_eq!(noted(kind, &data), Changes::new(), "{kind}");
        }
    }
}
