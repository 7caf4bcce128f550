//! Writes to who has placed an order that some of it will not come. Where the rest ends with that,
//! that is written alone.

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
pub(crate) struct MailOrderReduced;

impl Reaction for MailOrderReduced {
    const NAME: &'static str = "mail_order_reduced";
    const READS: &'static [Category] = &[Category::Order];
    type Subject = Occasion;

    fn note(event: &Recorded, list: &mut List<'_, Occasion>) {
        if let Event::Order(order::Event::UnitsCancelled(_)) = &event.event {
            Occasion::arises(event, list);
        }
    }

    async fn act(task: &Task<Occasion>, hands: &Hands) -> Result<Done, Retry> {
        let Occasion { stream, position } = &task.subject;
        if is_end(&hands.history(stream).await?, *position) {
            return Ok(Done::Finished);
        }
        write(task, hands, Template::OrderReduced, |event, order, common| {
            let Event::Order(order::Event::UnitsCancelled(cancelled)) = event else {
                return common;
            };
            let (lines, owed) = (lines(order, Some(&cancelled.lines)), order.owed.amount());
            with(common, json!({ "lines": lines, "owed": owed.to_string() }))
        })
        .await
    }
}

/// Whether what was called off at this position was the last of an order.
fn is_end(history: &[Recorded], position: i64) -> bool {
    let next = history.iter().find(|recorded| recorded.position > position);
    next.is_some_and(|next| matches!(next.event, Event::Order(order::Event::Cancelled(_))))
}
