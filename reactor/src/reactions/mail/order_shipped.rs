//! Writes to who has placed an order that a parcel of it has left, and how to follow it.

use domain::{Category, Event, fulfilment};
use event_store::Recorded;
use mail::letter::Template;

use super::{Occasion, on_its_way, write};
use crate::hands::Hands;
use crate::notes::List;
use crate::reaction::Reaction;
use crate::task::{Done, Retry, Task};

/// See above.
pub(crate) struct MailOrderShipped;

impl Reaction for MailOrderShipped {
    const NAME: &'static str = "mail_order_shipped";
    const READS: &'static [Category] = &[Category::Fulfilment];
    type Subject = Occasion;

    fn note(event: &Recorded, list: &mut List<'_, Occasion>) {
        if let Event::Fulfilment(fulfilment::Event::Shipped(_)) = &event.event {
            Occasion::arises(event, list);
        }
    }

    async fn act(task: &Task<Occasion>, hands: &Hands) -> Result<Done, Retry> {
        write(task, hands, Template::OrderShipped, |event, order, common| {
            let Event::Fulfilment(fulfilment::Event::Shipped(shipped)) = event else {
                return common;
            };
            on_its_way(order, common, &shipped.carrier, &shipped.tracking)
        })
        .await
    }
}
