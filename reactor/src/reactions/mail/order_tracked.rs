//! Writes to who has placed an order under which number a parcel of it travels, where nobody knew
//! that when it left, or told them another.

use domain::page::order::Document;
use domain::{Category, Event, fulfilment};
use event_store::Recorded;
use mail::letter::Template;
use serde_json::{Value, json};

use super::{Occasion, on_its_way, with, write};
use crate::hands::Hands;
use crate::notes::List;
use crate::reaction::Reaction;
use crate::task::{Done, Retry, Task};

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
        let history = hands.history(stream).await?;
        let before = history.iter().take_while(|before| before.position < *position);
        match told(before) {
            Told::Nothing => {
                write(task, hands, Template::OrderTracked, |event, order, common| {
                    said(event, order, common, false)
                })
                .await
            }
            Told::Number => {
                write(task, hands, Template::OrderTracked, |event, order, common| {
                    said(event, order, common, true)
                })
                .await
            }
            Told::Ended => Ok(Done::Finished),
        }
    }
}

fn said(event: &Event, order: &Document, common: Value, corrected: bool) -> Value {
    let Event::Fulfilment(fulfilment::Event::TrackingSet(set)) = event else { return common };
    let common = with(common, json!({ "corrected": corrected }));
    on_its_way(order, common, &set.carrier, &set.tracking)
}

/// What whoever waits for a parcel was told of it.
enum Told {
    /// No number.
    Nothing,
    /// One, which is another now.
    Number,
    /// That it travels no more.
    Ended,
}

fn told<'a>(before: impl Iterator<Item = &'a Recorded>) -> Told {
    use fulfilment::Event as E;
    before.fold(Told::Nothing, |told, before| {
        let Event::Fulfilment(event) = &before.event else { return told };
        match event {
            E::Shipped(fulfilment::Shipped { tracking: Some(_), .. })
            | E::TrackingSet(fulfilment::TrackingSet { tracking: Some(_), .. }) => Told::Number,
            E::Delivered(_) | E::Lost(_) => Told::Ended,
            E::Shipped(_)
            | E::TrackingSet(_)
            | E::Created(_)
            | E::Packed(_)
            | E::PartlyDelivered(_)
            | E::DeliveryFailed(_)
            | E::ReturnedToSender(_)
            | E::Cancelled(_) => told,
        }
    })
}
