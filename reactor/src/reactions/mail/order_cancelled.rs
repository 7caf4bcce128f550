//! Writes to who has placed an order that it is off.

use domain::{Category, Event, order};
use event_store::Recorded;
use mail::letter::Template;

use super::{Occasion, write};
use crate::hands::Hands;
use crate::notes::List;
use crate::reaction::Reaction;
use crate::task::{Done, Retry, Task};

/// See above.
pub(crate) struct MailOrderCancelled;

impl Reaction for MailOrderCancelled {
    const NAME: &'static str = "mail_order_cancelled";
    const READS: &'static [Category] = &[Category::Order];
    type Subject = Occasion;

    fn note(event: &Recorded, list: &mut List<'_, Occasion>) {
        if let Event::Order(order::Event::Cancelled(_)) = &event.event {
            Occasion::arises(event, list);
        }
    }

    async fn act(task: &Task<Occasion>, hands: &Hands) -> Result<Done, Retry> {
        write(task, hands, Template::OrderCancelled, |_, _, common| common).await
    }
}
