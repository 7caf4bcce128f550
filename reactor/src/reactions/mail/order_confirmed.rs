//! Writes to who has placed an order that it is certain.

use domain::{Category, Event, order};
use event_store::Recorded;
use mail::letter::Template;

use super::{Occasion, write};
use crate::hands::Hands;
use crate::notes::List;
use crate::reaction::Reaction;
use crate::task::{Done, Retry, Task};

/// See above.
pub(crate) struct MailOrderConfirmed;

impl Reaction for MailOrderConfirmed {
    const NAME: &'static str = "mail_order_confirmed";
    const READS: &'static [Category] = &[Category::Order];
    type Subject = Occasion;

    fn note(event: &Recorded, list: &mut List<'_, Occasion>) {
        if let Event::Order(order::Event::Confirmed(_)) = &event.event {
            Occasion::arises(event, list);
        }
    }

    async fn act(task: &Task<Occasion>, hands: &Hands) -> Result<Done, Retry> {
        write(task, hands, Template::OrderConfirmed, |_, _, common| common).await
    }
}
