//! Says here what happens by itself after which event of a damson, and when.

use domain::{Category, DamsonId, Event, StreamId};
use event_store::Recorded;

use crate::hands::Hands;
use crate::notes::List;
use crate::reaction::Reaction;
use crate::task::{Done, Retry, Task};

/// See above.
pub(super) struct Quince;

impl Reaction for Quince {
    const NAME: &'static str = "quince";
    const READS: &'static [Category] = &[Category::Damson];
    type Subject = DamsonId;

    fn note(event: &Recorded, list: &mut List<'_, DamsonId>) {
        let Recorded { stream, version, recorded_at, event, .. } = event;
        let (StreamId::Damson(id), Event::Damson(_)) = (stream, event) else { return };
        // In the place of this: an arm for each event of the kind, due, settled or nothing.
        if *version == 1 {
            list.due(id, *recorded_at);
        }
    }

    async fn act(_: &Task<DamsonId>, _: &Hands) -> Result<Done, Retry> {
        // `hands.submit(task, Self::NAME, command)` takes effect once, by a key made of the task.
        Ok(Done::Finished)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::given::{self, given};

    #[test]
    fn events_of_other_kinds_are_none_of_its_business() {
        let others = [given::payment("requested"), given::placed()];
        let others = others.into_iter().filter(|(stream, _)| stream.category() != Category::Damson);
        given::<Quince>(others).then_nothing();
    }
}
