//! The book of a cart: which SKUs are in it and how many, whose it is, and whether it is still
//! open. What the catalogue or the stock refuses is not the cart's: it may be refused whenever
//! there is a cart. Two that became one are one object together, and are left out: what was decided
//! of each is decided again elsewhere.

use std::collections::{BTreeMap, HashMap, HashSet};

use domain::{Event, StreamId, cart};
use serde_json::Value;
use stateright::semantics::SequentialSpec;

use super::{Book, Object, Operation};
use crate::check::log::{Entry, Log};
use crate::history::{Answer, Asked, History};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Status {
    #[default]
    Absent,
    Open,
    CheckedOut,
    Abandoned,
}

#[derive(Clone, Debug, Default)]
pub struct Cart {
    status: Status,
    customer: Option<String>,
    lines: BTreeMap<String, u64>,
    version: i64,
}

#[derive(Clone, Debug)]
pub enum What {
    Create,
    Assign(String),
    Add(String, u64),
    Change(String, u64),
    Remove(String),
    CheckOut,
    Reopen,
    Abandon,
    Look,
}

#[derive(Clone, Debug)]
pub struct Op {
    what: What,
    if_match: Option<i64>,
    /// Whether the log has an event of it: for those that nobody was told about.
    took_effect: bool,
    /// How many events the cart has of it: a checkout lowers prices before it closes the cart.
    events: i64,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Ret {
    /// It is so; the version, where the answer speaks of the cart.
    Done(Option<i64>),
    /// It is not, for this reason.
    Refused(String),
    /// The version is another.
    Mismatch(i64),
    /// All there is to see.
    Seen(Vec<(String, u64)>, i64),
}

/// What the catalogue and the stock refuse.
const OTHERS: [&str; 4] =
    ["unknown_sku", "not_for_sale", "not_priced_in_currency", "checkout_refused"];
/// What the cart's order refuses.
const OF_ITS_ORDER: [&str; 2] = ["cart_order_stands", "cart_order_sent"];

impl Cart {
    /// What the cart itself has against it.
    fn refusal(&self, what: &What) -> Option<&'static str> {
        let has = |sku: &String| self.lines.contains_key(sku);
        match (what, self.status) {
            (What::Look, _)
            | (What::Create, Status::Absent)
            | (What::Reopen, Status::CheckedOut)
            | (What::Abandon, Status::Abandoned) => None,
            (What::Create, _) => Some("cart_already_exists"),
            (_, Status::Absent) => Some("cart_not_found"),
            (_, Status::CheckedOut) => Some("cart_checked_out"),
            (_, Status::Abandoned) => Some("cart_abandoned"),
            (What::Change(sku, _) | What::Remove(sku), Status::Open) if !has(sku) => {
                Some("cart_line_not_found")
            }
            (What::Assign(customer), Status::Open)
                if self.customer.as_ref().is_some_and(|owner| owner != customer) =>
            {
                Some("cart_of_another")
            }
            (What::CheckOut, Status::Open) if self.lines.is_empty() => Some("cart_empty"),
            (_, Status::Open) => None,
        }
    }

    /// Whether `code` may be the catalogue's or the stock's word against it.
    fn may_be_refused(&self, what: &What, code: &str) -> bool {
        if let What::Reopen = what {
            return self.status == Status::CheckedOut && OF_ITS_ORDER.contains(&code);
        }
        if !OTHERS.contains(&code) {
            return false;
        }
        match what {
            // Looked up before the cart is asked.
            What::Add(..) | What::Change(..) => self.status != Status::Absent,
            What::CheckOut => self.refusal(what).is_none(),
            _ => false,
        }
    }

    fn apply(&mut self, Op { what, events, .. }: &Op) {
        match what {
            What::Look => return,
            What::Create | What::Reopen => self.status = Status::Open,
            What::Assign(customer) => self.customer = Some(customer.clone()),
            What::Add(sku, quantity) => *self.lines.entry(sku.clone()).or_default() += quantity,
            What::Change(sku, quantity) => {
                self.lines.insert(sku.clone(), *quantity);
            }
            What::Remove(sku) => {
                self.lines.remove(sku);
            }
            What::CheckOut => self.status = Status::CheckedOut,
            What::Abandon => self.status = Status::Abandoned,
        }
        self.version += events;
    }

    fn seen(&self) -> Ret {
        Ret::Seen(self.lines.clone().into_iter().collect(), self.version)
    }
}

impl SequentialSpec for Cart {
    type Op = Op;
    type Ret = Ret;

    fn invoke(&mut self, op: &Op) -> Ret {
        if let What::Look = op.what {
            return self.seen();
        }
        if op.took_effect {
            self.apply(op);
        }
        Ret::Done(None)
    }

    fn is_valid_step(&mut self, op: &Op, ret: &Ret) -> bool {
        let wrong_version = op.if_match.is_some_and(|version| version != self.version);
        match ret {
            Ret::Seen(..) => self.seen() == *ret,
            Ret::Mismatch(actual) => wrong_version && *actual == self.version,
            _ if wrong_version => false,
            Ret::Refused(code) => {
                self.refusal(&op.what) == Some(code.as_str()) || self.may_be_refused(&op.what, code)
            }
            Ret::Done(version) => {
                if self.refusal(&op.what).is_some() {
                    return false;
                }
                // The same quantity again changes nothing, unless the price is another one.
                let same = match &op.what {
                    What::Change(sku, quantity) => self.lines.get(sku) == Some(quantity),
                    What::Assign(customer) => self.customer.as_ref() == Some(customer),
                    What::Reopen => self.status == Status::Open,
                    What::Abandon => self.status == Status::Abandoned,
                    _ => false,
                };
                if op.took_effect {
                    self.apply(op);
                } else if !same {
                    return false;
                }
                version.is_none_or(|version| version == self.version)
            }
        }
    }
}

impl Book for Cart {
    const LOOK: Op = Op { what: What::Look, if_match: None, took_effect: false, events: 0 };
    const UNTOLD: Ret = Ret::Done(None);
}

/// The round's carts with what was asked of each.
pub fn objects(history: &History, log: &Log) -> Vec<Object<Cart>> {
    let mut carts: HashMap<String, Vec<Operation<Op, Ret>>> = HashMap::new();
    for asked in history.commands.iter().filter(|asked| !asked.reuses_key) {
        if let Some((cart, operation)) = operation(asked, log) {
            carts.entry(cart).or_default().push(operation);
        }
    }
    let merged: HashSet<String> = merged(log).collect();
    let mut carts: Vec<_> = carts.into_iter().filter(|(id, _)| !merged.contains(id)).collect();
    carts.sort_by(|one, other| one.0.cmp(&other.0));
    carts
}

/// Carts of which lines were put into another, and those.
fn merged(log: &Log) -> impl Iterator<Item = String> {
    let pair = |entry: &Entry| match (&entry.stream, &entry.event) {
        (StreamId::Cart(from), Event::Cart(cart::Event::Merged(merged))) => {
            Some([from.to_string(), merged.into.to_string()])
        }
        _ => None,
    };
    log.entries.iter().filter_map(pair).flatten()
}

fn operation(asked: &Asked, log: &Log) -> Option<(String, Operation<Op, Ret>)> {
    let command = &asked.command;
    let kept = log.kept(&command.key)?;
    let body: Value = serde_json::from_str(&command.body).ok()?;
    let quantity = || body["quantity"].as_u64();
    let what = match command.name {
        "cart.create" => What::Create,
        "cart.assign" => What::Assign(body["customer_id"].as_str()?.to_owned()),
        "cart.add_line" => What::Add(body["sku"].as_str()?.to_owned(), quantity()?),
        "cart.change_line" => What::Change(command.sku.clone()?, quantity()?),
        "cart.remove_line" => What::Remove(command.sku.clone()?),
        "cart.checkout" => What::CheckOut,
        "cart.reopen" => What::Reopen,
        "cart.abandon" => What::Abandon,
        _ => return None,
    };
    let made = kept.outcome["accepted"]["id"].as_str();
    let chosen = body["id"].as_str();
    let cart = command.id.as_deref().or(chosen).or(made)?.to_owned();
    let took_effect = log.made_by(&command.key).next().is_some();
    if !took_effect && asked.answer().is_none() {
        return None; // nothing came of it, and nobody was told so
    }
    let ret = asked.answer().map(|answer| ret(&what, answer));
    let of_cart = log.made_by(&command.key).filter(|entry| entry.stream.key() == cart);
    let events = i64::try_from(of_cart.count()).ok()?;
    let op = Op { what, if_match: command.if_match, took_effect, events };
    let times = Some((asked.sent(), asked.answered()));
    Some((cart, Operation { place: (kept.position, !took_effect), times, op, ret }))
}

fn ret(what: &What, answer: &Answer) -> Ret {
    if answer.is_accepted() {
        return Ret::Done(answer.version().filter(|_| !matches!(what, What::CheckOut)));
    }
    match answer.body["actual"].as_i64() {
        Some(actual) if answer.code() == "version_mismatch" => Ret::Mismatch(actual),
        _ => Ret::Refused(answer.code().to_owned()),
    }
}
