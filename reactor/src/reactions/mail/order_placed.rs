//! Writes to who has placed an order, what is in it and where it goes.

use domain::{Category, Event, order};
use event_store::Recorded;
use mail::letter::Template;
use serde_json::json;

use super::{Occasion, lines, with, write};
use crate::hands::Hands;
use crate::notes::List;
use crate::reaction::Reaction;
use crate::task::{Done, Retry, Task};

/// See above.
pub(crate) struct MailOrderPlaced;

impl Reaction for MailOrderPlaced {
    const NAME: &'static str = "mail_order_placed";
    const READS: &'static [Category] = &[Category::Order];
    type Subject = Occasion;

    fn note(event: &Recorded, list: &mut List<'_, Occasion>) {
        if let Event::Order(order::Event::Placed(_)) = &event.event {
            Occasion::arises(event, list);
        }
    }

    async fn act(task: &Task<Occasion>, hands: &Hands) -> Result<Done, Retry> {
        write(task, hands, Template::OrderPlaced, |_, order, common| {
            with(common, json!({ "lines": lines(order, None) }))
        })
        .await
    }
}
