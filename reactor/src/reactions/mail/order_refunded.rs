//! Writes to who has placed an order that money comes back to them.

use domain::{Category, Event, payment};
use event_store::Recorded;
use mail::letter::Template;
use serde_json::json;

use super::{Occasion, with, write};
use crate::hands::Hands;
use crate::notes::List;
use crate::reaction::Reaction;
use crate::task::{Done, Retry, Task};

/// See above.
pub(crate) struct MailOrderRefunded;

impl Reaction for MailOrderRefunded {
    const NAME: &'static str = "mail_order_refunded";
    const READS: &'static [Category] = &[Category::Payment];
    type Subject = Occasion;

    fn note(event: &Recorded, list: &mut List<'_, Occasion>) {
        if let Event::Payment(payment::Event::Refunded(_)) = &event.event {
            Occasion::arises(event, list);
        }
    }

    async fn act(task: &Task<Occasion>, hands: &Hands) -> Result<Done, Retry> {
        write(task, hands, Template::OrderRefunded, |event, _, common| {
            let Event::Payment(payment::Event::Refunded(refunded)) = event else { return common };
            with(common, json!({ "amount": refunded.amount.amount().to_string() }))
        })
        .await
    }
}
