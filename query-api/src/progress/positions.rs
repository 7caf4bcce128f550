//! How far each slot of each read model has come, as far as is known. Nothing here asks or waits.

use domain::ReadModel;
use domain::stream::SLOTS;
use event_store::reached::Reached;

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Goal {
    /// A read model, in all its slots.
    Model(ReadModel),
    /// One slot of it.
    Slot(ReadModel, u16),
    /// The documents of search as Meilisearch shows them.
    Index,
}

impl Goal {
    /// How many have positions.
    const COUNT: usize = ReadModel::ALL.len() + 1;

    /// What a document of a model waits for: its own slot, where that is known.
    pub fn of(model: ReadModel, slot: Option<u16>) -> Self {
        slot.filter(|slot| *slot < SLOTS).map_or(Self::Model(model), |slot| Self::Slot(model, slot))
    }

    /// Its place among the positions.
    fn place(self) -> usize {
        match self {
            Self::Model(model) | Self::Slot(model, _) => model as usize,
            Self::Index => ReadModel::ALL.len(),
        }
    }
}

/// What is known of one goal.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Known {
    slots: Box<[i64]>,
    /// That of the slowest slot.
    least: i64,
}

impl Known {
    fn new(slots: Box<[i64]>) -> Self {
        let least = slots.iter().copied().min().unwrap_or(0);
        Self { slots, least }
    }
}

/// What each goal has come to: 0 before the projector first ran.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Positions(Vec<Known>);

impl Default for Positions {
    fn default() -> Self {
        let nothing = Known::new(vec![0; usize::from(SLOTS)].into());
        Self(vec![nothing; Goal::COUNT])
    }
}

impl Positions {
    /// How far a goal has come, the slowest of its slots.
    pub fn of(&self, goal: Goal) -> i64 {
        let known = &self.0[goal.place()];
        match goal {
            Goal::Slot(_, slot) => known.slots[usize::from(slot)],
            Goal::Model(_) | Goal::Index => known.least,
        }
    }

    /// Takes in what was told; the older news when two have overtaken each other are none. Says
    /// whether any slot has come further.
    pub fn hear(&mut self, goal: Goal, reached: &Reached) -> bool {
        let known = &mut self.0[goal.place()];
        let (from, to) = (*reached.slots.start(), *reached.slots.end());
        let slots = usize::try_from(from).ok().zip(usize::try_from(to).ok());
        let Some(slots) = slots.and_then(|(from, to)| known.slots.get_mut(from..=to)) else {
            return false;
        };
        let mut moved = false;
        for slot in slots {
            moved |= reached.position > *slot;
            *slot = reached.position.max(*slot);
        }
        known.least = known.slots.iter().copied().min().unwrap_or(0);
        moved
    }

    /// Puts right what was believed of a goal: of a whole model it is not known which slot it was
    /// wrong of. Says whether it was wrong.
    pub fn put_right(&mut self, goal: Goal, position: i64) -> bool {
        let wrong = self.of(goal) != position;
        let known = &mut self.0[goal.place()];
        match goal {
            Goal::Slot(_, slot) => known.slots[usize::from(slot)] = position,
            Goal::Model(_) | Goal::Index => known.slots.fill(position),
        }
        known.least = known.slots.iter().copied().min().unwrap_or(0);
        wrong
    }

    /// What a look saw; but for what was told since it began, which may be newer.
    pub fn merged(before: &Self, now: &Self, looked: Self) -> Self {
        let goals = before.0.iter().zip(&now.0).zip(looked.0);
        Self(
            goals
                .map(|((before, now), looked)| {
                    let slots = before.slots.iter().zip(&now.slots).zip(&looked.slots);
                    let newer = slots.map(
                        |((&before, &now), &looked)| {
                            if now > before { now.max(looked) } else { looked }
                        },
                    );
                    Known::new(newer.collect())
                })
                .collect(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORDERS: Goal = Goal::Model(ReadModel::Orders);

    fn slot(slot: u16) -> Goal {
        Goal::of(ReadModel::Orders, Some(slot))
    }

    fn at(position: i64) -> Positions {
        let mut positions = Positions::default();
        positions.put_right(ORDERS, position);
        positions
    }

    fn heard(positions: &mut Positions, from: i16, to: i16, position: i64) -> bool {
        positions.hear(ORDERS, &Reached { slots: from..=to, position })
    }

    #[test]
    fn a_model_has_come_as_far_as_its_slowest_slot() {
        let mut positions = at(5);
        assert!(heard(&mut positions, 0, 127, 9));
        assert_eq!(positions.of(ORDERS), 5, "the others are where they were");
        assert!(heard(&mut positions, 128, 255, 7));
        assert_eq!(positions.of(ORDERS), 7);
        assert_eq!(positions.of(slot(127)), 9);
        assert_eq!(positions.of(slot(128)), 7);
        assert!(!heard(&mut positions, 128, 255, 6), "overtaken on the way");
        assert!(!heard(&mut positions, 200, 300, 9), "there are no such slots");
        assert!(!heard(&mut positions, -1, 3, 9));
        assert_eq!(positions.of(ORDERS), 7);
        assert_eq!(positions.of(Goal::Index), 0);
    }

    #[test]
    fn what_was_wrong_of_one_slot_is_put_right_there() {
        let mut positions = at(5);
        assert!(!positions.put_right(slot(7), 5));
        assert!(positions.put_right(slot(7), 3));
        assert_eq!((positions.of(slot(7)), positions.of(slot(8))), (3, 5));
        assert_eq!(positions.of(ORDERS), 3);
        assert!(positions.put_right(slot(7), 6));
        assert_eq!(positions.of(ORDERS), 5);
        assert_eq!(Goal::of(ReadModel::Orders, Some(SLOTS)), ORDERS, "there is no such slot");
    }

    #[test]
    fn what_was_told_during_a_look_is_kept_if_it_is_newer() {
        let merged = |before, now, looked| {
            let (before, now) = (at(before), at(now));
            Positions::merged(&before, &now, at(looked)).of(ORDERS)
        };
        assert_eq!(merged(5, 5, 7), 7, "nothing was told");
        assert_eq!(merged(5, 9, 7), 9, "told while it looked");
        assert_eq!(merged(5, 6, 7), 7, "and known before");
        assert_eq!(merged(9, 9, 7), 7, "the log was set back");
        assert_eq!(merged(9, 6, 7), 7, "corrected meanwhile");
    }
}
