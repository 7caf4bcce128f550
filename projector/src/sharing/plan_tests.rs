//! Members that come, die and go, and what the plan makes of it. Whatever they see and in whatever
//! order they move, all slots stay theirs, and in the end each has a fair share in one piece.

use proptest::prelude::*;

use super::*;

const SLOTS: i16 = 256;

/// What happens to a projection.
#[derive(Clone, Debug)]
enum Turn {
    Comes(u8),
    Dies(u8),
    /// One looks, and does what it is told to.
    Looks(u8),
}

struct Shop {
    grain: i16,
    members: Vec<String>,
    ranges: Vec<Range>,
}

fn range(from: i16, to: i16, holder: Option<&str>) -> Range {
    Range { from, to, holder: holder.map(str::to_owned), open: true, barred: None }
}

impl Shop {
    fn new(grain: i16) -> Self {
        Self { grain, members: vec![], ranges: vec![range(0, SLOTS - 1, None)] }
    }

    fn comes(&mut self, member: &str) {
        if !self.members.iter().any(|known| known == member) {
            self.members.push(member.to_owned());
            self.members.sort();
        }
    }

    fn dies(&mut self, member: &str) {
        self.members.retain(|known| known != member);
        for range in self.ranges.iter_mut().filter(|range| range.is_held_by(member)) {
            range.holder = None;
        }
    }

    /// As the worker does: whoever has no range takes the largest that is nobody's.
    fn looks(&mut self, me: &str) -> bool {
        if !self.members.iter().any(|known| known == me) {
            return false;
        }
        let mine =
            self.ranges.iter().filter(|range| range.is_held_by(me)).max_by_key(|it| it.len());
        let Some(mine) = mine.map(|range| range.from) else {
            let free = self.ranges.iter_mut().filter(|range| range.holder.is_none());
            let free = free.max_by_key(|range| range.len());
            let taken = free.map(|range| range.holder = Some(me.to_owned()));
            return taken.is_some();
        };
        let (ranges, members) = (self.ranges.clone(), self.members.clone());
        let sight = Sight { me, mine, ranges, members, grain: self.grain };
        let next = next(&sight);
        let at = |from: i16| sight.ranges.iter().position(|range| range.from == from).unwrap();
        match &next {
            Move::Stay => {}
            Move::LetGo { from } => self.ranges[at(*from)].holder = None,
            Move::Give { slots, to } => self.give(at(mine), slots, to),
            Move::TakeIn { from } => {
                let (mine, other) = (at(mine), at(*from));
                assert_eq!(mine.abs_diff(other), 1, "only what lies beside it");
                let whose = self.ranges[other].holder.as_deref();
                assert!(whose.is_none_or(|holder| holder == me), "{whose:?} has it");
                let (left, right) = (mine.min(other), mine.max(other));
                let right = self.ranges.remove(right);
                self.ranges[left] = range(self.ranges[left].from, right.to, Some(me));
            }
        }
        next != Move::Stay
    }

    fn give(&mut self, place: usize, slots: &RangeInclusive<i16>, to: &str) {
        let Range { from, to: last, .. } = self.ranges[place];
        let (first, end) = (*slots.start(), *slots.end());
        assert!(first == from || end == last, "at one end of it");
        assert!(first > from || end < last, "and not all of it");
        assert!(self.members.iter().any(|known| known == to), "{to} is not there");
        let given = range(first, end, Some(to));
        if first == from {
            self.ranges[place].from = end + 1;
            self.ranges.insert(place, given);
        } else {
            self.ranges[place].to = first - 1;
            self.ranges.insert(place + 1, given);
        }
    }

    /// Until nobody has anything to do any more.
    fn settle(&mut self) {
        for _ in 0..200 {
            let members = self.members.clone();
            let moved = members.iter().filter(|member| self.looks(member)).count();
            if moved == 0 {
                return;
            }
        }
        panic!("it never settles: {:?}", self.ranges);
    }

    fn check(&self) {
        let mut from = 0;
        for range in &self.ranges {
            assert_eq!(range.from, from, "no gap, no overlap: {:?}", self.ranges);
            assert!(range.from % self.grain == 0 && (range.to + 1) % self.grain == 0);
            from = range.to + 1;
        }
        assert_eq!(from, SLOTS);
    }

    fn shares(&self) -> Vec<i16> {
        let share = |member: &String| {
            let held: Vec<i16> =
                self.ranges.iter().filter(|it| it.is_held_by(member)).map(Range::len).collect();
            assert!(held.len() <= 1, "{member} has {held:?}");
            held.first().copied().unwrap_or(0)
        };
        self.members.iter().map(share).collect()
    }
}

fn name(n: u8) -> String {
    format!("member-{n}")
}

fn turns() -> impl Strategy<Value = Vec<Turn>> {
    let turn = (0..8u8).prop_flat_map(|n| {
        prop_oneof![
            2 => Just(Turn::Comes(n)),
            1 => Just(Turn::Dies(n)),
            6 => Just(Turn::Looks(n)),
        ]
    });
    proptest::collection::vec(turn, 0..60)
}

proptest! {
    #[test]
    fn all_slots_are_somebodys_and_fairly_so_in_the_end(
        turns in turns(), grain in prop_oneof![Just(1), Just(16), Just(32)],
    ) {
        let mut shop = Shop::new(grain);
        for turn in turns {
            match turn {
                Turn::Comes(n) => shop.comes(&name(n)),
                Turn::Dies(n) => shop.dies(&name(n)),
                Turn::Looks(n) => drop(shop.looks(&name(n))),
            }
            shop.check();
        }
        shop.settle();
        shop.check();
        let shares = shop.shares();
        if shares.is_empty() {
            return Ok(());
        }
        prop_assert_eq!(shares.iter().sum::<i16>(), SLOTS, "nothing is left: {:?}", shop.ranges);
        // Neighbours differ by less than a quarter of a share, or a grain; so do two at a distance
        // by as many quarters.
        let least = shares.iter().min().copied().unwrap_or(0);
        prop_assert!(least >= grain, "everybody has something: {shares:?}");
    }
}

fn settled(members: u8) -> Vec<i16> {
    let mut shop = Shop::new(1);
    for n in 0..members {
        shop.comes(&name(n));
        shop.settle();
    }
    shop.shares()
}

#[test]
fn shares_are_alike() {
    assert_eq!(settled(1), [256]);
    assert_eq!(settled(2), [128, 128]);
    for members in 3..20 {
        let shares = settled(members);
        let fair = f64::from(SLOTS) / f64::from(members);
        for share in &shares {
            assert!(f64::from(*share) <= 1.5 * fair, "{share} of {shares:?}");
        }
    }
}

#[test]
fn whoever_comes_alone_has_all_and_stays_so() {
    let mut shop = Shop::new(1);
    shop.comes("one");
    assert!(shop.looks("one"));
    assert!(!shop.looks("one"));
    assert_eq!(shop.ranges, [range(0, 255, Some("one"))]);
}

#[test]
fn what_a_member_leaves_goes_to_whoever_has_none() {
    let ranges = vec![range(0, 127, Some("a")), range(128, 255, None)];
    let see = |members: &[&str]| {
        let members = members.iter().map(|&member| member.to_owned()).collect();
        next(&Sight { me: "a", mine: 0, ranges: ranges.clone(), members, grain: 1 })
    };
    assert_eq!(see(&["a", "b"]), Move::Stay, "b takes it");
    assert_eq!(see(&["a"]), Move::TakeIn { from: 128 });
    let Move::Give { slots, to } = see(&["a", "b", "c"]) else { panic!("c has none") };
    assert_eq!((slots, to.as_str()), (64..=127, "c"));
}

/// Whoever it was released from stands by, and cannot take it.
#[test]
fn what_the_idle_may_not_take_is_not_left_to_them() {
    let mut released = range(128, 255, None);
    released.barred = Some("b".to_owned());
    let ranges = vec![range(0, 127, Some("a")), released];
    let members = vec!["a".to_owned(), "b".to_owned()];
    let sight = Sight { me: "a", mine: 0, ranges, members, grain: 1 };
    assert_eq!(next(&sight), Move::TakeIn { from: 128 });
}

#[test]
fn what_is_not_open_is_left_alone() {
    let mut closed = range(128, 255, None);
    closed.open = false;
    let ranges = vec![range(0, 127, Some("a")), closed];
    let sight = Sight { me: "a", mine: 0, ranges, members: vec!["a".to_owned()], grain: 1 };
    assert_eq!(next(&sight), Move::Stay);
}

#[test]
fn what_cannot_be_cut_is_not() {
    let ranges = vec![range(0, 255, Some("a"))];
    let members = vec!["a".to_owned(), "b".to_owned()];
    assert_eq!(next(&Sight { me: "a", mine: 0, ranges, members, grain: 256 }), Move::Stay);
}

#[test]
fn two_that_were_given_to_one_are_joined_or_let_go() {
    let three = |holders: [&str; 3]| {
        let ends = [(0, 99), (100, 199), (200, 255)].into_iter().zip(holders);
        let ranges = ends.map(|((from, to), holder)| range(from, to, Some(holder))).collect();
        let members = vec!["a".to_owned(), "b".to_owned()];
        next(&Sight { me: "a", mine: 0, ranges, members, grain: 1 })
    };
    assert_eq!(three(["a", "a", "b"]), Move::TakeIn { from: 100 });
    assert_eq!(three(["a", "b", "a"]), Move::LetGo { from: 200 });
}
