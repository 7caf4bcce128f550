//! Writes to who wants to send something back whether they may, and that it has come.

use domain::{Category, Event, return_};
use event_store::Recorded;
use mail::letter::Template;
use serde_json::json;

use super::{Occasion, with, write};
use crate::hands::Hands;
use crate::notes::List;
use crate::reaction::Reaction;
use crate::task::{Done, Retry, Task};

/// See above.
pub(crate) struct MailReturnUpdated;

impl Reaction for MailReturnUpdated {
    const NAME: &'static str = "mail_return_updated";
    const READS: &'static [Category] = &[Category::Return];
    type Subject = Occasion;

    fn note(event: &Recorded, list: &mut List<'_, Occasion>) {
        if let Event::Return(event_of_return) = &event.event
            && state(event_of_return).is_some()
        {
            Occasion::arises(event, list);
        }
    }

    async fn act(task: &Task<Occasion>, hands: &Hands) -> Result<Done, Retry> {
        write(task, hands, Template::ReturnUpdated, |event, _, common| {
            let Event::Return(event) = event else { return common };
            with(common, json!({ "state": state(event) }))
        })
        .await
    }
}

/// What the template calls it; none of what nobody is written to about.
fn state(event: &return_::Event) -> Option<&'static str> {
    match event {
        return_::Event::Approved(_) => Some("approved"),
        return_::Event::Rejected(_) => Some("rejected"),
        return_::Event::Received(_) => Some("received"),
        // Who withdrew it knows. What was told wrongly had been sent back, or not: that they know,
        // and of money that follows they are told by itself.
        return_::Event::Requested(_)
        | return_::Event::ReceiptCorrected(_)
        | return_::Event::Withdrawn(_)
        | return_::Event::Closed(_) => None,
    }
}
