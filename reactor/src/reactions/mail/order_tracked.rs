//! Writes to who has placed an order under which number a parcel of it travels, where nobody knew
//! that when it left. Once a parcel: a number that is put right is shown with the order.

use domain::{Category, Event, fulfilment};
use event_store::Recorded;
use mail::letter::Template;

use super::{Occasion, on_its_way, write};
use crate::hands::Hands;
use crate::notes::List;
use crate::reaction::{Done, Reaction, Retry, Task};

/// See above.
pub(crate) struct MailOrderTracked;

impl Reaction for MailOrderTracked {
    const NAME: &'static str = "mail_order_tracked";
    const READS: &'static [Category] = &[Category::Fulfilment];
    type Subject = Occasion;

    fn note(event: &Recorded, list: &mut List<'_, Occasion>) {
        if let Event::Fulfilment(fulfilment::Event::TrackingSet(set)) = &event.event
            && set.tracking.is_some()
        {
            Occasion::arises(event, list);
        }
    }

    async fn act(task: &Task<Occasion>, hands: &Hands) -> Result<Done, Retry> {
        let Occasion { stream, position } = &task.subject;
        if !is_news(&hands.history(stream).await?, *position) {
            return Ok(Done::Finished);
        }
        write(task, hands, Template::OrderTracked, |event, order, common| {
            let Event::Fulfilment(fulfilment::Event::TrackingSet(set)) = event else {
                return common;
            };
            on_its_way(order, common, &set.carrier, &set.tracking)
        })
        .await
    }
}

/// Whether what was told at this position of a parcel's history was its first number, and the
/// parcel still on its way.
fn is_news(history: &[Recorded], position: i64) -> bool {
    history.iter().take_while(|before| before.position < position).all(|before| {
        use fulfilment::Event as E;
        let Event::Fulfilment(event) = &before.event else { return true };
        match event {
            E::Shipped(shipped) => shipped.tracking.is_none(),
            E::TrackingSet(set) => set.tracking.is_none(),
            E::Delivered(_) | E::Lost(_) => false,
            E::Created(_)
            | E::Packed(_)
            | E::PartlyDelivered(_)
            | E::DeliveryFailed(_)
            | E::ReturnedToSender(_)
            | E::Cancelled(_) => true,
        }
    })
}
