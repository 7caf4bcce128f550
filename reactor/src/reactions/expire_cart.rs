//! Gives a cart up that nobody has touched for long.
//!
//! A cart is on the list once, from when it is opened on, and not anew with each line: most of the
//! log is that. When it was touched last is looked up when it is looked at, and the cart is given
//! up as it stood then, or not at all.

use std::time::Duration;

use chrono::TimeDelta;
use domain::command::cart::Command as Ask;
use domain::{CartId, Category, Command, Event, StreamId, cart};
use event_store::{Outcome, Recorded};

use crate::hands::Hands;
use crate::notes::List;
use crate::reaction::Reaction;
use crate::task::{Done, Retry, Task};

/// When a cart is looked at first: after the shortest term that there may be, for what it is is not
/// known where events are noted.
const FIRST_LOOK: TimeDelta = TimeDelta::days(1);
/// The pause before carts are looked at again that are given up never, as things are.
const LOOK_AGAIN: Duration = Duration::from_hours(30 * 24);

/// See above.
pub(super) struct ExpireCart;

impl Reaction for ExpireCart {
    const NAME: &'static str = "expire_cart";
    const READS: &'static [Category] = &[Category::Cart];
    const PASSES: &'static [&'static str] =
        &["cart.line_added", "cart.line_changed", "cart.line_removed"];
    type Subject = CartId;

    fn note(event: &Recorded, list: &mut List<'_, CartId>) {
        let (StreamId::Cart(id), Event::Cart(happened)) = (&event.stream, &event.event) else {
            return;
        };
        match happened {
            cart::Event::Created(_) | cart::Event::Reopened(_) => {
                list.due(id, event.recorded_at + FIRST_LOOK);
            }
            cart::Event::CheckedOut(_) | cart::Event::Abandoned(_) | cart::Event::Merged(_) => {
                list.settled(id);
            }
            cart::Event::Assigned(_)
            | cart::Event::LineAdded(_)
            | cart::Event::LineChanged(_)
            | cart::Event::LineRemoved(_) => {}
        }
    }

    async fn act(task: &Task<CartId>, hands: &Hands) -> Result<Done, Retry> {
        let Some(term) = hands.cart_term() else { return Ok(Done::Later(LOOK_AGAIN)) };
        let Some(last) = hands.last_event(&StreamId::Cart(task.subject)).await? else {
            return Ok(Done::Finished);
        };
        let left = last.recorded_at + term - hands.now();
        if left > TimeDelta::zero() {
            return Ok(Done::Later(left.to_std().unwrap_or(LOOK_AGAIN)));
        }
        let expire = Command::Cart(task.subject, Ask::Expire);
        let outcome = hands.submit_at(task, task.reaction, expire, Some(last.version)).await?;
        Ok(match outcome {
            // Somebody touched it just now.
            Outcome::Refused(refusal) if refusal.code().0 == MOVED_ON => {
                Done::Later(term.to_std().unwrap_or(LOOK_AGAIN))
            }
            Outcome::Accepted { .. } | Outcome::Refused(_) => Done::Finished,
        })
    }
}

/// The refusal of what was expected of another version.
const MOVED_ON: &str = "version_mismatch";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::given::{self, cart_id, given};

    #[test]
    fn a_cart_is_looked_at_from_when_it_is_opened() {
        let due = given::recorded_at() + FIRST_LOOK;
        given::<ExpireCart>([given::cart("created")]).then_due(&cart_id(), due, 1);
        let reopened =
            [given::cart("created"), given::cart("checked_out"), given::cart("reopened")];
        given::<ExpireCart>(reopened).then_due(&cart_id(), due, 3);
    }

    #[test]
    fn one_that_came_to_an_end_is_not() {
        for end in ["checked_out", "abandoned", "merged"] {
            let events = [given::cart("created"), given::cart(end)];
            given::<ExpireCart>(events).then_settled(&cart_id());
        }
    }

    #[test]
    fn what_is_put_in_and_taken_out_is_not_even_read() {
        let known = crate::reactions::find(ExpireCart::NAME).unwrap();
        for other in ["line_added", "line_changed", "line_removed"] {
            given::<ExpireCart>([given::cart(other)]).then_nothing();
            assert!(!known.reads(&format!("cart.{other}")));
        }
        given::<ExpireCart>([given::cart("assigned")]).then_nothing();
        assert!(known.reads("cart.assigned") && known.reads("cart.dreamt_of"));
    }
}
