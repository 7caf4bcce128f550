//! Writes to who has placed an order that it is to be paid again.

use domain::{Category, Event, order};
use event_store::Recorded;
use mail::letter::Template;
use serde_json::json;

use super::{Occasion, with, write};
use crate::hands::Hands;
use crate::notes::List;
use crate::reaction::Reaction;
use crate::task::{Done, Retry, Task};

/// See above.
pub(crate) struct MailOrderUnsecured;

impl Reaction for MailOrderUnsecured {
    const NAME: &'static str = "mail_order_unsecured";
    const READS: &'static [Category] = &[Category::Order];
    type Subject = Occasion;

    fn note(event: &Recorded, list: &mut List<'_, Occasion>) {
        if let Event::Order(order::Event::Unsecured(_)) = &event.event {
            Occasion::arises(event, list);
        }
    }

    async fn act(task: &Task<Occasion>, hands: &Hands) -> Result<Done, Retry> {
        write(task, hands, Template::OrderUnsecured, |event, order, common| {
            let Event::Order(order::Event::Unsecured(lapsed)) = event else { return common };
            let until = lapsed.reserved_until.format("%Y-%m-%d %H:%M UTC").to_string();
            // Some of it may be off by now, or was paid.
            let owed = order.owed.less(order.paid).amount().to_string();
            with(common, json!({ "until": until, "total": owed }))
        })
        .await
    }
}
