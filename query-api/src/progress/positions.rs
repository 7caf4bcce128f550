//! How far each slot of each read model has come, as far as is known. Nothing here asks or waits.

use domain::ReadModel;
use domain::stream::SLOTS;
use event_store::reached::Reached;

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Goal {
    /// A read model.
    Model(ReadModel),
    /// The documents of search as Meilisearch shows them.
    Index,
}

impl Goal {
    /// How many there are.
    const COUNT: usize = ReadModel::ALL.len() + 1;

    /// Its place among the positions.
    fn place(self) -> usize {
        match self {
            Self::Model(model) => model as usize,
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
    /// How far the slowest slot of a goal has come.
    pub fn of(&self, goal: Goal) -> i64 {
        self.0[goal.place()].least
    }

    /// Takes in what was told; the older news when two have overtaken each other are none. Says
    /// whether the goal has come further.
    pub fn hear(&mut self, goal: Goal, reached: &Reached) -> bool {
        let known = &mut self.0[goal.place()];
        let (from, to) = (*reached.slots.start(), *reached.slots.end());
        let slots = usize::try_from(from).ok().zip(usize::try_from(to).ok());
        let Some(slots) = slots.and_then(|(from, to)| known.slots.get_mut(from..=to)) else {
            return false;
        };
        for slot in slots {
            *slot = reached.position.max(*slot);
        }
        let before = known.least;
        known.least = known.slots.iter().copied().min().unwrap_or(0);
        known.least > before
    }

    /// Puts right what was believed of a goal: which slot it was wrong of is not known. Says
    /// whether it was wrong.
    pub fn put_right(&mut self, goal: Goal, position: i64) -> bool {
        let known = &mut self.0[goal.place()];
        let wrong = known.least != position;
        known.slots.fill(position);
        known.least = position;
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
        assert!(!heard(&mut positions, 0, 127, 9), "the others are where they were");
        assert!(heard(&mut positions, 128, 255, 7));
        assert_eq!(positions.of(ORDERS), 7);
        assert!(!heard(&mut positions, 128, 255, 6), "overtaken on the way");
        assert!(!heard(&mut positions, 200, 300, 9), "there are no such slots");
        assert!(!heard(&mut positions, -1, 3, 9));
        assert_eq!(positions.of(ORDERS), 7);
        assert_eq!(positions.of(Goal::Index), 0);
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
