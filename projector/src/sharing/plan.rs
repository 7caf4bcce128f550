//! Which slots a member gives to another or takes in, decided from what it sees alone. No IO, no
//! clock, no chance: two members that see the same do nothing that contradicts.

use std::cmp::Reverse;
use std::ops::RangeInclusive;

/// Members are left as they are while they differ by less than this part of a fair share: each move
/// makes two of them begin anew with what they remember.
const TOLERANCE: i16 = 4;
/// And what is moved is this part of the difference: a member may be given something from both
/// sides at once, and has no more than they after it.
const PART_MOVED: i16 = 3;

/// A range of slots of a build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Range {
    /// The first slot.
    pub from: i16,
    /// The last slot.
    pub to: i16,
    /// Who works on it, if anybody does.
    pub holder: Option<String>,
    /// Whether this member may take it where it is nobody's.
    pub open: bool,
    /// Who may not take it for now, as it was released from them.
    pub barred: Option<String>,
}

impl Range {
    fn len(&self) -> i16 {
        self.to - self.from + 1
    }

    fn is_held_by(&self, member: &str) -> bool {
        self.holder.as_deref() == Some(member)
    }
}

/// What a member sees.
#[derive(Clone, Debug)]
pub struct Sight<'a> {
    /// The member.
    pub me: &'a str,
    /// The first slot of the range that it works on.
    pub mine: i16,
    /// All ranges, in order.
    pub ranges: Vec<Range>,
    /// All who work on the projection or would, in order.
    pub members: Vec<String>,
    /// The fewest slots that a range may have, from a multiple of them on.
    pub grain: i16,
}

impl Sight<'_> {
    /// Members without a range.
    fn idle(&self) -> impl Iterator<Item = &String> {
        let has = |member: &String| self.ranges.iter().any(|range| range.is_held_by(member));
        self.members.iter().filter(move |member| !has(member))
    }

    /// How many ranges are nobody's.
    fn free(&self) -> usize {
        self.ranges.iter().filter(|range| range.holder.is_none()).count()
    }
}

/// What a member does next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Move {
    /// Nothing.
    Stay,
    /// Cuts slots off its range, at one of its ends.
    Give {
        /// Which.
        slots: RangeInclusive<i16>,
        /// For whom.
        to: String,
    },
    /// Makes the range beside its own, which is nobody's or its own too, part of it.
    TakeIn {
        /// The first slot of that range.
        from: i16,
    },
    /// Gives up a range that it holds beside its own and cannot join.
    LetGo {
        /// The first slot of that range.
        from: i16,
    },
}

/// What to do next, if anything.
pub fn next(sight: &Sight<'_>) -> Move {
    let held = |range: &Range| range.from == sight.mine && range.is_held_by(sight.me);
    let Some(place) = sight.ranges.iter().position(held) else { return Move::Stay };
    let beside = [place.checked_sub(1), Some(place + 1)];
    let beside = beside.map(|place| place.and_then(|place| sight.ranges.get(place)));
    second_of_mine(sight, beside)
        .or_else(|| nobodys(sight, place, beside))
        .or_else(|| for_newcomer(sight, place))
        .or_else(|| for_neighbour(sight, place, beside))
        .unwrap_or(Move::Stay)
}

type Beside<'a> = [Option<&'a Range>; 2];

/// What was given to a member that has a range already is joined with it, or given up.
fn second_of_mine(sight: &Sight<'_>, beside: Beside<'_>) -> Option<Move> {
    let second =
        |range: &&Range| range.is_held_by(sight.me) && range.from != sight.mine && range.open;
    let from = sight.ranges.iter().find(second)?.from;
    let joins = beside.into_iter().flatten().any(|range| range.from == from);
    Some(if joins { Move::TakeIn { from } } else { Move::LetGo { from } })
}

/// A range beside this one that is nobody's, unless a member without any will take it: it goes to
/// the smaller of its two neighbours.
fn nobodys(sight: &Sight<'_>, place: usize, beside: Beside<'_>) -> Option<Move> {
    let mine = &sight.ranges[place];
    for (side, range) in beside.into_iter().enumerate() {
        let Some(range) = range.filter(|range| range.holder.is_none() && range.open) else {
            continue;
        };
        let takers = sight.idle().filter(|member| range.barred.as_ref() != Some(*member)).count();
        if takers >= sight.free() {
            continue;
        }
        let beyond = if side == 0 { place.checked_sub(2) } else { Some(place + 2) };
        let beyond = beyond.and_then(|place| sight.ranges.get(place));
        let rival = beyond.filter(|range| range.holder.is_some());
        let goes_first = |rival: &Range| {
            mine.len() < rival.len() || (mine.len() == rival.len() && mine.from < rival.from)
        };
        if rival.is_none_or(goes_first) {
            return Some(Move::TakeIn { from: range.from });
        }
    }
    None
}

/// Whoever has most gives half of it to the first that has nothing, whoever has second most to the
/// second.
fn for_newcomer(sight: &Sight<'_>, place: usize) -> Option<Move> {
    let mine = &sight.ranges[place];
    let size = |range: &Range| (Reverse(range.len()), range.from);
    let before = sight.ranges.iter().filter(|range| range.holder.is_some());
    let rank = before.filter(|range| size(range) < size(mine)).count();
    // The first of them take what is nobody's.
    let to = sight.idle().nth(sight.free() + rank)?.clone();
    let cut = mine.from + aligned(mine.len() / 2, sight.grain);
    (cut > mine.from && cut <= mine.to).then_some(Move::Give { slots: cut..=mine.to, to })
}

/// A neighbour that has much less gets a part of the difference.
fn for_neighbour(sight: &Sight<'_>, place: usize, beside: Beside<'_>) -> Option<Move> {
    let mine = &sight.ranges[place];
    let all: i16 = sight.ranges.iter().map(Range::len).sum();
    let members = sight.ranges.iter().filter(|range| range.holder.is_some()).count();
    let fair = all / i16::try_from(members).unwrap_or(i16::MAX).max(1);
    let much = (fair / TOLERANCE).max(sight.grain);
    let poorer = beside.into_iter().enumerate().filter_map(|(side, range)| {
        let range = range?;
        let to = range.holder.as_ref().filter(|holder| *holder != sight.me)?;
        (mine.len() - range.len() > much).then_some((range.len(), side, to))
    });
    let (len, side, to) = poorer.min()?;
    let part = aligned((mine.len() - len) / PART_MOVED, sight.grain).max(sight.grain);
    let slots =
        if side == 0 { mine.from..=mine.from + part - 1 } else { mine.to - part + 1..=mine.to };
    Some(Move::Give { slots, to: to.clone() })
}

/// As many slots as fit, in multiples of the grain.
fn aligned(slots: i16, grain: i16) -> i16 {
    slots - slots % grain
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
