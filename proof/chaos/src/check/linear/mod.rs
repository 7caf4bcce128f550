//! The recorded history of each cart and of each SKU's stock is linearizable: some order of its
//! operations respects real time, and in it every answer is what a shop keeper with one book and
//! one pen would have given. Searched for by `stateright`, against small books of our own.
//!
//! Operations are cut into windows where nothing was under way, so that the search ends. The state
//! at a window's beginning, and a look at its end, come from our own book, filled in the order of
//! the log; within a window only real time binds. So windows that hold one by one make a history
//! that holds as a whole. What cannot be cut small enough is left out and counted.

mod cart;
mod stock;

use std::cell::Cell;
use std::rc::Rc;

use stateright::semantics::{ConsistencyTester, LinearizabilityTester, SequentialSpec};

use super::Verdict;
use super::log::Log;
use crate::history::History;

/// Operations in one window; the search takes some milliseconds then.
const WINDOW_MAX: usize = 48;
/// Steps of one search. The order of the log is tried first, which takes one step an operation.
const STEPS_MAX: u64 = 20_000;
/// Operations looked at of one promise.
const OPERATIONS_MAX: usize = 200_000;

/// Carts.
pub(super) fn carts(history: &History, log: &Log) -> Verdict {
    let objects = cart::objects(history, log);
    examine::<cart::Cart>("the history of each cart is linearizable", objects)
}

/// Stock.
pub(super) fn stock(history: &History, log: &Log) -> Verdict {
    let objects = stock::objects(history, log);
    examine::<stock::Stock>("the history of each SKU's stock is linearizable", objects)
}

/// A book that can be looked at.
trait Book: SequentialSpec<Op: Clone + std::fmt::Debug, Ret: Clone + std::fmt::Debug> + Clone {
    /// The operation that changes nothing and shows all.
    const LOOK: Self::Op;
    /// The answer to what took effect and nobody was told of.
    const UNTOLD: Self::Ret;

    /// The book after these operations, in this order. Those that changed nothing are no entries.
    fn after(&self, operations: &[Operation<Self::Op, Self::Ret>]) -> Self {
        let mut book = self.clone();
        for operation in operations.iter().filter(|operation| !operation.place.1) {
            book.invoke(&operation.op);
        }
        book
    }
}

/// One operation.
#[derive(Clone, Debug)]
struct Operation<O, R> {
    /// Its place in the log; of those that changed nothing at one place, after the one that did.
    place: (i64, bool),
    /// When it was sent, and when it was answered; no times for what no client asked. What was
    /// never answered was under way until its window ends.
    times: Option<(u64, Option<u64>)>,
    op: O,
    /// What was answered, if anything.
    ret: Option<R>,
}

/// The operations on one thing.
type Object<B> = (String, Vec<Operation<<B as SequentialSpec>::Op, <B as SequentialSpec>::Ret>>);

fn examine<B: Book + Default>(promise: &'static str, objects: Vec<Object<B>>) -> Verdict {
    let mut verdict = Verdict::new(promise);
    let (mut things, mut operations, mut left_out, mut open) = (0, 0, 0, 0);
    for (name, mut object) in objects {
        object.sort_by_key(|operation| operation.place);
        if operations > OPERATIONS_MAX {
            left_out += object.len();
            continue;
        }
        things += 1;
        open += object.iter().filter(|one| matches!(one.times, Some((_, None)))).count();
        let mut book = B::default();
        for window in windows(&object) {
            if window.len() > WINDOW_MAX {
                left_out += window.len();
            } else {
                operations += window.len();
                if !is_linearizable(&book, window) {
                    verdict.broken(describe(&name, window));
                }
            }
            book = book.after(window);
        }
    }
    verdict.covers(format!(
        "{operations} operations on {things} of them, {open} never answered; {left_out} left out"
    ))
}

/// Cuts operations, in the order of the log, where everything before was answered before anything
/// after was sent; as many to a window as it may hold.
fn windows<O, R>(operations: &[Operation<O, R>]) -> Vec<&[Operation<O, R>]> {
    // From the end: when the earliest of all that follow was sent.
    let mut earliest = vec![u64::MAX; operations.len() + 1];
    for (number, operation) in operations.iter().enumerate().rev() {
        let sent = operation.times.map_or(u64::MAX, |(sent, _)| sent);
        earliest[number] = earliest[number + 1].min(sent);
    }
    let (mut windows, mut begin, mut cut, mut latest) = (vec![], 0, 0, 0);
    for number in 1..=operations.len() {
        // What was never answered is bound by its place alone: it may end with its window.
        let answered = operations[number - 1].times.and_then(|(_, answered)| answered);
        latest = latest.max(answered.unwrap_or(0));
        if latest >= earliest[number] && number < operations.len() {
            continue;
        }
        if number - begin > WINDOW_MAX && cut > begin {
            windows.push(&operations[begin..cut]);
            begin = cut;
        }
        cut = number;
    }
    if begin < operations.len() {
        windows.push(&operations[begin..]);
    }
    windows
}

/// A book that stops answering after so many steps, so that every search ends.
#[derive(Clone)]
struct Bounded<B> {
    book: B,
    steps: Rc<Cell<u64>>,
}

impl<B: Book> SequentialSpec for Bounded<B> {
    type Op = B::Op;
    type Ret = B::Ret;

    fn invoke(&mut self, op: &Self::Op) -> Self::Ret {
        self.book.invoke(op)
    }

    fn is_valid_step(&mut self, op: &Self::Op, ret: &Self::Ret) -> bool {
        self.steps.set(self.steps.get() + 1);
        self.steps.get() <= STEPS_MAX && self.book.is_valid_step(op, ret)
    }
}

/// Whether some order of the window explains it: from `book`, to what the book says after it.
fn is_linearizable<B: Book>(book: &B, window: &[Operation<B::Op, B::Ret>]) -> bool {
    let look = book.after(window).invoke(&B::LOOK);
    // Each operation is a thread of its own, numbered by its place: the search begins with the
    // order of the log, which is the answer unless something is wrong.
    let mut moments = Vec::new();
    for (number, operation) in window.iter().enumerate() {
        // What nobody asked for or was told of may have happened at any time.
        let (sent, answered) = operation.times.unwrap_or((0, None));
        moments.push((sent, true, number));
        moments.push((answered.unwrap_or(u64::MAX), false, number));
    }
    moments.sort_unstable();
    let bounded = Bounded { book: book.clone(), steps: Rc::default() };
    let mut tester = LinearizabilityTester::new(bounded);
    for (_, invoked, number) in moments {
        // Each thread is invoked once and returns once.
        let Operation { op, ret, .. } = &window[number];
        if invoked {
            let _ = tester.on_invoke(number, op.clone());
        } else {
            let _ = tester.on_return(number, ret.clone().unwrap_or(B::UNTOLD));
        }
    }
    let _ = tester.on_invoke(window.len(), B::LOOK);
    let _ = tester.on_return(window.len(), look);
    tester.is_consistent()
}

/// The window for people, in the order of the log.
fn describe<O: std::fmt::Debug, R: std::fmt::Debug>(
    name: &str,
    window: &[Operation<O, R>],
) -> String {
    let one = |one: &Operation<O, R>| {
        format!("  {} {:?} {:?} -> {:?}", one.place.0, one.times, one.op, one.ret)
    };
    let lines: Vec<String> = window.iter().map(one).collect();
    format!("no order explains this history of {name}:\n{}", lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A counter that tells its value.
    #[derive(Clone, Debug, Default)]
    struct Counter(i64);

    impl SequentialSpec for Counter {
        type Op = bool;
        type Ret = Option<i64>;

        fn invoke(&mut self, counts: &bool) -> Option<i64> {
            self.0 += i64::from(*counts);
            Some(self.0)
        }

        fn is_valid_step(&mut self, counts: &bool, ret: &Option<i64>) -> bool {
            let value = self.invoke(counts);
            ret.is_none() || *ret == value
        }
    }

    impl Book for Counter {
        const LOOK: bool = false;
        const UNTOLD: Option<i64> = None;
    }

    fn count(place: i64, times: (u64, Option<u64>), ret: i64) -> Operation<bool, Option<i64>> {
        let ret = times.1.map(|_| Some(ret));
        Operation { place: (place, false), times: Some(times), op: true, ret }
    }

    #[test]
    fn windows_end_only_where_nothing_is_under_way() {
        // Pairs that overlap, one after the other.
        let pairs: Vec<_> = (0..100)
            .map(|n: i64| {
                let sent = n.unsigned_abs() / 2 * 10;
                count(n, (sent, Some(sent + 5)), n + 1)
            })
            .collect();
        let cut = windows(&pairs);
        assert!(cut.iter().all(|window| window.len() <= WINDOW_MAX && window.len() % 2 == 0));
        assert_eq!(cut.concat().len(), pairs.len());
        // One that is under way all the time keeps everything together.
        let mut all = pairs.clone();
        all[0].times = Some((0, Some(1_000)));
        assert_eq!(windows(&all).len(), 1);
        // One that was never answered does not.
        all[0].times = Some((0, None));
        assert!(windows(&all).len() > 1);
    }

    #[test]
    fn a_search_that_would_not_end_ends() {
        let same = |n| count(n, (0, Some(1)), n + 1);
        let true_one: Vec<_> = (0..30).map(same).collect();
        assert!(is_linearizable(&Counter::default(), &true_one));
        let mut wrong = true_one.clone();
        wrong[29].ret = Some(Some(29));
        assert!(!is_linearizable(&Counter::default(), &wrong), "two say the same");
        // Nobody was told anything but the last, and wrongly: every order would have to be tried.
        for one in &mut wrong {
            (one.times, one.ret) = (Some((0, None)), None);
        }
        assert!(is_linearizable(&Counter::default(), &wrong));
        wrong[29] = count(29, (0, Some(1)), 99);
        assert!(!is_linearizable(&Counter::default(), &wrong));
    }
}
