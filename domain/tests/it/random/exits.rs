//! From wherever a life has led there is a way to an end, for whoever wants one: the shopper who
//! gives up, with the shop's help or alone, the merchant who goes through with it, and the one who
//! has had enough. A search over the states that random lives reach; a state without a way out
//! fails it.

use domain::command::{order as orders, payment as payments, return_ as returns, stock as stocks};
use domain::order::{Order, Stage as Sent, Status, Units};
use domain::payment::{Stage, Terms};
use domain::{
    By, Command, Location, Money, OrderId, PaymentId, Shopper, State, StreamId, fulfilment, order,
    return_,
};

use kit::*;
use rust_decimal::Decimal;

use super::step::{Mood, payment_of_id};

/// Commands that a way out may take: more than any needs, so that one in circles ends.
const COMMANDS_MAX: usize = 400;

/// Who looks for a way out, and which.
#[derive(Clone, Copy, Debug)]
pub enum Wish {
    /// The order is to be called off as far as it can be.
    GiveUp,
    /// It is to be paid, sent and delivered.
    GoThrough,
}

/// Goes that way for every order of the shop, with gateways that do what they are asked.
pub fn check(shop: &Shop, wish: Wish) {
    let orders: Vec<OrderId> = shop
        .streams()
        .filter_map(|(stream, state)| match (stream, state) {
            (StreamId::Order(id), State::Order(order)) if order.total.is_some() => Some(*id),
            _ => None,
        })
        .collect();
    let mut shop = shop.clone();
    for (id, first) in orders.into_iter().zip((1_000..).step_by(COMMANDS_MAX)) {
        walk(&mut shop, id, wish, first);
    }
}

fn order_of(shop: &Shop, id: OrderId) -> Order {
    match shop.state(&StreamId::Order(id)) {
        State::Order(order) => order,
        other => panic!("{other:?}"),
    }
}

/// Whatever a gateway is doing, or is not, an order that waits for its money may be paid otherwise
/// at once.
pub fn check_other_ways(shop: &Shop) {
    for (stream, state) in shop.streams() {
        let (StreamId::Order(id), State::Order(order)) = (stream, state) else { continue };
        let owes = order.owed().is_some_and(|owed| !owed.is_zero());
        let room = order.payments.len() < order::PAYMENTS_MAX;
        let waits = order.status == Status::Pending || order.unsecured;
        if !waits || !owes || !room {
            continue;
        }
        let mut shop = shop.clone();
        let alive = |id: &PaymentId| payment_of_id(&shop, *id).is_alive();
        let alive: Vec<_> = order.standing_payments().filter(alive).collect();
        for payment in alive {
            let reason = note("another card");
            shop = shop
                .done(Command::Payment(payment, payments::Command::Abort { reason, at: hour(0) }));
        }
        shop.done(pay_on_delivery(9_999, *id));
    }
}

/// What shoppers can do alone: while nothing of an order has left they call it off and have their
/// money back; of what they have they may announce all, and think better of it.
pub fn check_alone(shop: &Shop) {
    for (stream, state) in shop.streams() {
        let (StreamId::Order(id), State::Order(order)) = (stream, state) else { continue };
        let Some(customer) = order.owner.customer_id else { continue };
        let by = By::Shopper(Shopper::Customer(customer));
        let mut shop = shop.clone();
        let ask = |shop: &mut Shop, command: Command| {
            let facts = shop.decide_by(by, &command);
            let facts = facts.unwrap_or_else(|no| panic!("{command:?}: {no} of {order:?}"));
            for fact in &facts {
                shop.evolve(fact);
            }
        };
        for back in order.returns.keys() {
            let State::Return(state) = shop.state(&StreamId::Return(*back)) else { continue };
            if state.arrivals == 0 {
                ask(&mut shop, withdraw(*back));
            }
        }
        let kept = order_of(&shop, *id);
        let had = kept.lines.iter().map(|line| (line.sku.as_str(), kept.returnable(&line.sku)));
        let had: Vec<(&str, u32)> = had.filter(|(_, count)| *count > 0).collect();
        if !had.is_empty() && kept.returns.len() < order::RETURNS_MAX {
            ask(&mut shop, request_return(9_999, *id, &had));
            ask(&mut shop, withdraw(9_999));
        }
        if matches!(order.status, Status::Pending | Status::Confirmed) && !order.has_left() {
            let packed = |id| match shop.state(&StreamId::Fulfilment(id)) {
                State::Fulfilment(parcel) => parcel.status == fulfilment::Status::Packed,
                other => panic!("{other:?}"),
            };
            let some = kept.lines.iter().find(|line| kept.kept(line) > 0);
            if let (Some(line), false) = (some, kept.planned().any(|(id, _)| packed(id))) {
                let (quantity, reason) = (kept.kept(line) - 1, note("too many"));
                let sku = line.sku.clone();
                ask(
                    &mut shop,
                    to_order(*id, orders::Command::ShrinkLine { sku, quantity, reason }),
                );
            }
            ask(&mut shop, cancel(*id));
            settle(&mut shop, *id);
            let order = order_of(&shop, *id);
            assert_eq!(order.status, Status::Cancelled);
            check_end(&shop, &order);
        }
    }
}

/// What was told to be handed over never came, or was told by mistake: unless some of it came back
/// or is announced to, that can be said of every parcel.
pub fn check_never_came(shop: &Shop) {
    for (stream, state) in shop.streams() {
        let (StreamId::Fulfilment(id), State::Fulfilment(parcel)) = (stream, state) else {
            continue;
        };
        let Some(order_id) = parcel.order_id else { continue };
        let before = order_of(shop, order_id);
        let is_there = |units: &Units| before.returnable(&units.sku) >= units.quantity.get();
        let delivered = parcel.status == fulfilment::Status::Delivered;
        if !delivered || !parcel.whole().iter().all(is_there) {
            continue;
        }
        // By a wrong button: once it is there, all is as it was.
        if parcel.attempts < fulfilment::ATTEMPTS_MAX {
            let failed = shop.clone().done(fail(*id));
            assert_eq!(order_of(&failed, order_id).owed(), before.owed());
            let again = order_of(&failed.done(deliver(*id)), order_id);
            assert_eq!((again.owed(), again.status), (before.owed(), before.status));
            assert_eq!(again.progress, before.progress);
        }
        let mut lost = shop.clone().done(lose(*id));
        let less = order_of(&lost, order_id);
        let off: u64 = parcel.whole().iter().map(|units| u64::from(units.quantity.get())).sum();
        assert_eq!(less.units() + off, before.units());
        settle(&mut lost, order_id);
        let order = order_of(&lost, order_id);
        let payments = order.payments.keys().map(|id| payment_of_id(&lost, *id));
        let kept: Decimal = payments
            .filter_map(|payment| payment.terms)
            .filter(Terms::by_gateway)
            .map(|terms| terms.kept().amount())
            .sum();
        assert!(kept <= order.owed().expect("it was placed").amount(), "{order:?}");
    }
}

/// What was told by hand was typed wrong, all of it: put right last first, nothing of it stands.
pub fn check_typed_wrong(shop: &Shop) {
    for (stream, state) in shop.streams() {
        let (StreamId::Payment(id), State::Payment(payment)) = (stream, state) else { continue };
        let Some(terms) = &payment.terms else { continue };
        if payment.in_flight.is_some() {
            continue;
        }
        let (reason, amount) = (|| note("typed wrong"), Money::zero(terms.amount.currency()));
        let mut shop = shop.clone();
        let mut correct = |command| shop.ask(&Command::Payment(*id, command)).expect("it is said");
        correct(payments::Command::CorrectRefund { amount, reason: reason(), at: hour(0) });
        if !terms.by_gateway() {
            let written_off = Some(amount);
            correct(payments::Command::CorrectRemittance { amount, written_off, reason: reason() });
            if !terms.captured.is_zero() {
                correct(payments::Command::CorrectCollection {
                    amount,
                    reason: reason(),
                    at: hour(0),
                });
            }
            let terms = payment_of_id(&shop, *id).terms.expect("it was begun");
            let sums = [terms.captured, terms.refunded, terms.remitted, terms.written_off];
            assert!(sums.iter().all(|sum| sum.is_zero()), "{terms:?}");
        }
    }
}

/// What was told to be back was another return's, and then was not after all: while its units are
/// where they were put, the first can be said, and after the second all is as it was.
pub fn check_told_back(shop: &Shop) {
    for (stream, state) in shop.streams() {
        let (StreamId::Return(id), State::Return(back)) = (stream, state) else { continue };
        let (Some(order_id), false) = (back.order_id, back.received.is_empty()) else { continue };
        let before = order_of(shop, order_id);
        let zero = Money::zero(before.total.expect("it was placed").currency());
        let (lines, reason) = (back.received.clone(), || note("of another"));
        let correct = |lines, part| {
            let (withheld, reason) = (Some(part), reason());
            Command::Return(*id, returns::Command::CorrectReceipt { lines, withheld, reason })
        };
        let mut shop = shop.clone();
        if let Err(no) = shop.ask(&correct(vec![], zero)) {
            assert_eq!(no.code().0, "stock_would_go_negative", "{back:?}");
            continue;
        }
        let none = order_of(&shop, order_id);
        let count = lines.iter().map(|it| u64::from(it.quantity.get())).sum::<u64>();
        assert_eq!(none.units(), before.units() + count, "{back:?}");
        let part = back.withheld.unwrap_or(zero);
        let again = if back.status == return_::Status::Closed {
            correct(lines, part)
        } else {
            let withheld = Some(return_::Withheld { amount: part, reason: reason() });
            Command::Return(*id, returns::Command::Receive { lines, withheld })
        };
        let again = order_of(&shop.done(again), order_id);
        assert_eq!(again.owed(), before.owed(), "{back:?}");
        assert_eq!(again.progress, before.progress, "{back:?}");
    }
}

/// Gateways do what they were asked, and are asked again for what they had refused.
fn settle(shop: &mut Shop, id: OrderId) {
    for _ in 0..COMMANDS_MAX {
        let order = order_of(shop, id);
        let mut commands: Vec<Command> =
            order.payments.keys().filter_map(|payment| answer(shop, *payment)).collect();
        commands.push(to_order(id, orders::Command::Settle));
        let Some(command) = commands.into_iter().find(|it| moves(shop, it)) else { return };
        shop.ask(&command).expect("it was asked before");
    }
    panic!("it is never settled: {:?}", order_of(shop, id));
}

/// What a willing gateway says to what it is being asked.
fn answer(shop: &Shop, payment: PaymentId) -> Option<Command> {
    let state = payment_of_id(shop, payment);
    let asked = state.in_flight?;
    Some(record(payment, asked.request, Mood::Willing.verdict(&state)))
}

/// What it makes anew is called `first` and what follows.
fn walk(shop: &mut Shop, id: OrderId, wish: Wish, first: u128) {
    let mut steps = Vec::new();
    for fresh in first..first + COMMANDS_MAX as u128 {
        let order = order_of(shop, id);
        let Some(command) =
            options(shop, id, &order, wish, fresh).into_iter().find(|it| moves(shop, it))
        else {
            let done = matches!(order.status, Status::Completed | Status::Cancelled);
            assert!(done, "{wish:?}: no way on from {order:?} after {steps:?}");
            return check_end(shop, &order);
        };
        for fact in shop.decide(&command).expect("it was asked before") {
            shop.evolve(&fact);
        }
        steps.push(command);
    }
    let order = order_of(shop, id);
    let refused: Vec<_> = options(shop, id, &order, wish, first)
        .iter()
        .filter_map(|it| Some((it.clone(), shop.decide(it).err()?)))
        .collect();
    steps.truncate(20);
    panic!("{wish:?}: {order:?} goes in circles after {steps:?}, where refused is {refused:?}");
}

/// Whether the command is accepted and does something.
fn moves(shop: &Shop, command: &Command) -> bool {
    shop.decide(command).is_ok_and(|facts| !facts.is_empty())
}

/// What may be tried next, the best first.
fn options(shop: &Shop, id: OrderId, order: &Order, wish: Wish, fresh: u128) -> Vec<Command> {
    let mut options = Vec::new();
    options.extend(order.payments.keys().filter_map(|payment| answer(shop, *payment)));
    for (parcel, of) in &order.fulfilments {
        match (of.stage, wish) {
            (Sent::Planned, Wish::GoThrough) => options.extend([ship(*parcel), pack(*parcel)]),
            (Sent::Shipped, Wish::GoThrough) => options.push(deliver(*parcel)),
            (Sent::Shipped, Wish::GiveUp) => {
                options.extend([give_back(*parcel), fail(*parcel), lose(*parcel)]);
            }
            (Sent::Planned | Sent::Closed(_), _) => {}
        }
    }
    for back in order.returns.keys() {
        let State::Return(state) = shop.state(&StreamId::Return(*back)) else { continue };
        options.push(Command::Return(
            *back,
            match state.status {
                return_::Status::Requested => returns::Command::Reject { reason: note("worn") },
                _ => returns::Command::Close,
            },
        ));
    }
    match wish {
        Wish::GiveUp => options.push(cancel(id)),
        Wish::GoThrough => {
            // What lies apart is brought together.
            options.extend([plan(fresh, id, &[]), plan_from(fresh, id, &[], "depot")]);
            options.push(pay_by_card(fresh, id));
            let go_on = |payment| Command::Payment(payment, payments::Command::CompleteAction);
            options.extend(order.standing_payments().map(go_on));
        }
    }
    let leave = |payment| {
        let reason = note("another card");
        Command::Payment(payment, payments::Command::Abort { reason, at: hour(0) })
    };
    options.extend(order.standing_payments().map(leave));
    options.push(to_order(id, orders::Command::Settle));
    options.extend(order.payments.keys().flat_map(|payment| last_of(*payment)));
    options.extend(replenish(shop, id, order, fresh));
    options
}

/// Where units are missing that were promised: more arrive where the parcel is packed, each SKU in
/// turn, or, if nobody sells it any more, they are called off after all.
fn replenish(shop: &Shop, id: OrderId, order: &Order, turn: u128) -> Vec<Command> {
    let planned = order.fulfilments.iter().filter(|(_, of)| of.stage == Sent::Planned);
    let mut arriving: Vec<Command> = planned
        .flat_map(|(parcel, of)| {
            let State::Fulfilment(state) = shop.state(&StreamId::Fulfilment(*parcel)) else {
                panic!("{parcel} is a fulfilment")
            };
            let location = state.location.unwrap_or_else(|| place("depot"));
            of.lines.iter().map(move |units| receive(units, location.clone()))
        })
        .collect();
    if arriving.is_empty() {
        return arriving;
    }
    arriving.push(cancel(id));
    let first = turn % arriving.len() as u128;
    arriving.rotate_left(usize::try_from(first).expect("less than there are"));
    arriving
}

fn receive(units: &Units, location: Location) -> Command {
    let receive = stocks::Command::Receive { location, quantity: units.quantity, reference: None };
    Command::Stock(units.sku.clone(), receive)
}

/// What people do at last about the money of an order that is done.
fn last_of(id: PaymentId) -> [Command; 3] {
    let ask = |command| Command::Payment(id, command);
    [
        ask(payments::Command::Collect { amount: None, at: hour(0) }),
        ask(payments::Command::Capture { amount: None }),
        ask(payments::Command::Remit { amount: None, written_off: None }),
    ]
}

/// Nothing is held, nothing is under way, nobody is owed anything.
fn check_end(shop: &Shop, order: &Order) {
    for line in &order.lines {
        let State::Stock(stock) = shop.state(&StreamId::Stock(line.sku.clone())) else { continue };
        let held = stock.holds.keys().any(|id| order_of(shop, *id) == *order);
        assert!(!held, "{stock:?} {order:?}");
    }
    let Some(owed) = order.owed() else { return };
    for id in order.payments.keys() {
        let payment = payment_of_id(shop, *id);
        assert_eq!(payment.in_flight, None, "{payment:?} {order:?}");
        let Some(terms) = &payment.terms else { continue };
        let waits = payment.stage == Stage::Open && order.status == Status::Completed;
        assert!(!payment.is_alive() || waits, "{payment:?} {order:?}");
        // Cash goes back by hand; what a gateway took is what is owed, or less.
        if terms.by_gateway() {
            assert!(terms.kept().amount() <= owed.amount(), "{payment:?} {order:?}");
        }
    }
}
