//! What happens next: half the time any command at all, half the time the natural next step of
//! one of a few stories, so that random lives get far enough to break something.

use domain::command::product as products;
use domain::command::{cart as carts, payment as payments, stock as stocks};
use domain::order::Order;
use domain::payment::{CapturePolicy, Finding, Operation, Payment, Report, Stage, Status, Verdict};
use domain::{
    Command, Owner, PaymentId, State, StreamId, cart, fulfilment, order, product, return_,
};
use proptest::prelude::*;
use proptest::sample::select;

use kit::*;

use super::asks::{of_orders, of_parcels, of_payments, of_reports, of_returns};

/// Stories: cart n becomes order n, paid by payment n or those after it, sent in parcels 10n and
/// up, and some of it comes back with return n.
pub const STORIES: u128 = 4;
/// Payments of a story: `n`, and `n + 10` and `n + 20` after those came to nothing.
pub const ATTEMPTS: [u128; 3] = [0, 1, 2];
/// Parcels of a story.
pub const PARCELS: u128 = 3;
pub const SKUS: [&str; 3] = [TOTE, PURSE, "SPARE"];
/// What comes back of a parcel of more, or of a parcel that has not got it.
pub const PIECES: [(&str, u32, Option<&str>); 2] = [(TOTE, 1, Some("depot")), (TOTE, 1, None)];
const PLACES: [&str; 3] = ["depot", "shop", "returns"];

/// One command, or one that depends on how things stand.
#[derive(Clone, Debug)]
pub enum Step {
    /// This command.
    Do(Box<Command>),
    /// The gateway's answer to the latest request of a payment, or to one so many before.
    Answer { payment: u128, back: u32, mood: Mood },
    /// A refund that was told to be done failed after all: the first one, if there is one.
    TakeBack { payment: u128 },
    /// What comes next in a story, of several possibilities.
    Advance { story: u128, choice: u8, mood: Mood },
}

impl Step {
    /// The command it comes to in this shop.
    pub fn command(self, shop: &Shop) -> Command {
        match self {
            Self::Do(command) => *command,
            Self::Answer { payment, back, mood } => {
                let state = payment_of(shop, payment);
                record(payment, state.requests.saturating_sub(back), mood.verdict(&state))
            }
            Self::TakeBack { payment } => {
                let counted = payment_of(shop, payment).counted;
                let reference = counted.into_iter().next().unwrap_or_else(|| token("none"));
                let (request, amount) = (None, eur("1.00"));
                let reason = note("the card is closed");
                report(payment, Report::RefundFailed { request, amount, reference, reason })
            }
            Self::Advance { story, choice, mood } => advance(shop, story, choice, mood),
        }
    }
}

/// How a gateway answers.
#[derive(Clone, Copy, Debug)]
pub enum Mood {
    /// It does what it is asked.
    Willing,
    /// It does not.
    Unwilling,
    /// It sends the customer to their bank.
    Careful,
    /// Its answer is lost.
    Mute,
}

impl Mood {
    /// What it says to what it is being asked.
    pub fn verdict(self, payment: &Payment) -> Verdict {
        let operation = payment.in_flight.map(|asked| asked.operation);
        match (self, operation) {
            (Self::Unwilling, _) => declined(),
            (Self::Mute, _) => Verdict::Unknown,
            (Self::Careful, Some(Operation::Authorize) | None) => {
                let url = "https://bank.example/confirm".parse().expect("a URL");
                Verdict::ActionRequired { reference: Some(token("begun")), url }
            }
            (_, Some(Operation::Authorize) | None) => was_authorized(),
            (_, Some(Operation::Capture)) => was_captured(),
            (_, Some(Operation::Void)) => Verdict::Voided,
            (_, Some(Operation::Refund)) => was_refunded(),
        }
    }
}

fn payment_of(shop: &Shop, n: u128) -> Payment {
    payment_of_id(shop, payment_id(n))
}

pub fn payment_of_id(shop: &Shop, id: PaymentId) -> Payment {
    match shop.state(&StreamId::Payment(id)) {
        State::Payment(payment) => payment,
        other => panic!("{other:?}"),
    }
}

/// The payment of a story that was begun last: `n`, or after it came to nothing `n + 10`, `n + 20`.
fn latest(shop: &Shop, n: u128) -> u128 {
    let begun = |id: &u128| payment_of(shop, *id).terms.is_some();
    ATTEMPTS.map(|attempt| n + 10 * attempt).into_iter().rfind(begun).unwrap_or(n)
}

fn advance(shop: &Shop, n: u128, choice: u8, mood: Mood) -> Command {
    let State::Cart(cart) = shop.state(&StreamId::Cart(cart_id(n))) else { panic!("a cart") };
    let State::Order(order) = shop.state(&StreamId::Order(order_id(n))) else { panic!("an order") };
    let latest = latest(shop, n);
    let payment = payment_of(shop, latest);
    let chosen = SKUS[usize::from(choice) % SKUS.len()];
    match (cart.status, order.status) {
        (cart::Status::Unborn, _) => {
            let (currency, customer) = (currency("EUR"), Owner::customer(customer_id(1)));
            let guest = Owner { customer_id: None, guest_id: Some(guest_id(1)) };
            let owner = match choice % 4 {
                0 | 1 => customer,
                2 => guest,
                _ => Owner::default(),
            };
            to_cart(n, carts::Command::Create { currency, owner })
        }
        // A second time, into an order that no story tells on.
        (cart::Status::Open, order::Status::Cancelled) if choice.is_multiple_of(3) => {
            check_out(n, n + STORIES)
        }
        (cart::Status::CheckedOut, order::Status::Cancelled) if choice.is_multiple_of(4) => {
            reopen(n)
        }
        (cart::Status::Open, _) if cart.lines.len() <= usize::from(choice % 3) => {
            add(n, chosen, u32::from(choice % 2) + 1)
        }
        (_, order::Status::Unplaced) => check_out(n, n),
        _ if payment.in_flight.is_some_and(|asked| asked.unknown) && choice.is_multiple_of(5) => {
            resolve(latest, payment.requests, choice)
        }
        _ if payment.in_flight.is_some() && choice.is_multiple_of(2) => {
            let (request, verdict) = (payment.requests, mood.verdict(&payment));
            // Some shortly before the reservation ends.
            let at = hour(i64::from(choice % 4) / 2);
            to_payment(latest, payments::Command::Record { request, verdict, at })
        }
        (_, order::Status::Pending) => match payment.stage {
            Stage::Created | Stage::RequiresAction if choice.is_multiple_of(3) => to_payment(
                latest,
                payments::Command::Abort { reason: note("another card"), at: hour(0) },
            ),
            Stage::RequiresAction => to_payment(latest, payments::Command::CompleteAction),
            stage => {
                let next = if stage == Stage::Unborn { n } else { latest + 10 };
                match choice % 6 {
                    0 | 3 => pay_on_delivery(next, n),
                    1 => pay_by_card_as(next, n, CapturePolicy::AtShipment),
                    2 => pay_once(next, n),
                    4 => pay_by_card(next, n),
                    _ => pay_by_paypal(next, n),
                }
            }
        },
        (_, order::Status::Confirmed) if !choice.is_multiple_of(4) => {
            next_of_parcels(shop, n, choice, &order)
        }
        (_, order::Status::Completed) if choice.is_multiple_of(3) => {
            next_of_returns(shop, n, choice, &order)
        }
        (_, order::Status::Cancelled) if choice.is_multiple_of(5) => settle(n),
        _ => next_of_payment(latest, n, choice, &payment),
    }
}

fn resolve(n: u128, request: u32, choice: u8) -> Command {
    let done = Finding::Done {
        reference: Some(token("found")),
        expires_at: Some(hour(168)),
        amount: None,
    };
    let finding = if choice.is_multiple_of(3) { Finding::NotDone } else { done };
    let (note, at) = (note("asked the bank"), hour(0));
    to_payment(n, payments::Command::Resolve { request, finding, note, at })
}

fn next_of_payment(n: u128, order: u128, choice: u8, payment: &Payment) -> Command {
    use payments::Command as P;
    let some = Some(eur("5.00"));
    let amount = if (choice / 4).is_multiple_of(2) { some } else { None };
    let Some(status) = payment.status() else { return pay_on_delivery(n, order) };
    match status {
        Status::CodPending if choice.is_multiple_of(5) => {
            to_payment(n, P::Uncollect { reason: note("refused at the door"), at: hour(0) })
        }
        Status::CodPending | Status::PartiallyCollected => {
            to_payment(n, P::Collect { amount, at: hour(0) })
        }
        // The card that was tried before is charged after all; the desk had typed another amount.
        Status::Collected if choice % 5 == 1 => {
            report(order, Report::Captured { amount: eur("1.00"), reference: token("seen_0") })
        }
        Status::Collected if choice % 5 == 2 => {
            let (amount, reason) = (eur("5.00"), note("the desk typed another"));
            to_payment(n, P::CorrectCollection { amount, reason, at: hour(0) })
        }
        Status::Collected if choice.is_multiple_of(2) => refund(n, amount),
        Status::Remitted if choice.is_multiple_of(2) => {
            let (amount, reason) = (eur("5.00"), note("counted again"));
            to_payment(n, P::CorrectRemittance { amount, written_off: None, reason })
        }
        Status::Refunded if choice.is_multiple_of(2) => {
            let (amount, reason) = (eur("5.00"), note("the desk typed another"));
            to_payment(n, P::CorrectRefund { amount, reason, at: hour(0) })
        }
        Status::Collected => to_payment(n, P::Remit { amount, written_off: None }),
        Status::Authorized if choice.is_multiple_of(3) => to_payment(n, P::Void),
        Status::Authorized if choice.is_multiple_of(7) => lapse(n),
        Status::Captured | Status::PartiallyRefunded => refund(n, amount),
        Status::PartiallyCaptured if choice.is_multiple_of(5) => cancel(order),
        Status::Voided | Status::Expired | Status::Failed | Status::Uncollected => {
            pay_by_card(n + 10, order)
        }
        _ => capture(n, amount),
    }
}

fn next_of_returns(shop: &Shop, n: u128, choice: u8, order: &Order) -> Command {
    let State::Return(state) = shop.state(&StreamId::Return(return_id(n))) else {
        panic!("a return")
    };
    let delivered = order.lines.iter().find(|line| order.progress(&line.sku).delivered > 0);
    let line = [(delivered.map_or(TOTE, |line| line.sku.as_str()), 1)];
    match state.status {
        return_::Status::Unborn => request_return(n, n, &line),
        return_::Status::Requested => approve(n),
        return_::Status::Approved => take_back(n, &line),
        return_::Status::Received if choice.is_multiple_of(2) => correct_receipt(n, &[], None),
        return_::Status::Closed if choice.is_multiple_of(2) => {
            correct_receipt(n, &[(line[0].0, 1, Some("shop"))], None)
        }
        _ => close_return(n),
    }
}

fn next_of_parcels(shop: &Shop, n: u128, choice: u8, order: &Order) -> Command {
    use fulfilment::Status as S;
    let mut unborn = 10 * n;
    for parcel in (10 * n..10 * n + PARCELS).rev() {
        let State::Fulfilment(state) = shop.state(&StreamId::Fulfilment(parcel_id(parcel))) else {
            panic!("a parcel")
        };
        match state.status {
            S::Unborn => unborn = parcel,
            S::Created => return pack(parcel),
            S::Packed => return ship(parcel),
            S::Shipped if choice.is_multiple_of(3) => return fail(parcel),
            S::Shipped | S::DeliveryFailed if choice.is_multiple_of(7) => return lose(parcel),
            S::Shipped if choice.is_multiple_of(5) => {
                let first = state.lines.first().map_or(TOTE, |units| units.sku.as_str());
                return hand_over(parcel, &[(first, 1)]);
            }
            S::Shipped => return deliver(parcel),
            S::DeliveryFailed if choice.is_multiple_of(5) => return deliver(parcel),
            S::Delivered if choice.is_multiple_of(11) => return fail(parcel),
            S::Delivered if choice.is_multiple_of(13) => return lose(parcel),
            S::PartlyDelivered | S::DeliveryFailed if choice.is_multiple_of(2) => {
                return send_again(parcel, "depot");
            }
            S::PartlyDelivered | S::DeliveryFailed => return give_back(parcel),
            S::Delivered | S::ReturnedToSender | S::Lost | S::Cancelled => {}
        }
    }
    let first = order.lines.first().map_or(TOTE, |line| line.sku.as_str());
    match choice {
        _ if choice.is_multiple_of(5) => plan(unborn, n, &[(first, 1)]),
        _ if choice.is_multiple_of(3) => plan_from(unborn, n, &[], "shop"),
        _ => plan(unborn, n, &[]),
    }
}

fn mood() -> impl Strategy<Value = Mood> {
    prop_oneof![
        5 => Just(Mood::Willing),
        1 => Just(Mood::Unwilling),
        1 => Just(Mood::Careful),
        1 => Just(Mood::Mute),
    ]
}

/// Any step.
pub fn any() -> impl Strategy<Value = Step> {
    let command = prop_oneof![
        4 => of_catalogue(),
        2 => of_warehouse(),
        3 => of_carts(),
        1 => of_orders(),
        4 => of_payments(),
        4 => of_parcels(),
        4 => of_returns(),
        3 => of_reports(),
        1 => crate::location::steps(),
    ];
    let story = 1..=STORIES;
    prop_oneof![
        8 => command.prop_map(|command| Step::Do(Box::new(command))),
        2 => (story.clone(), 0..3_u32, mood())
            .prop_map(|(payment, back, mood)| Step::Answer { payment, back, mood }),
        1 => story.clone().prop_map(|payment| Step::TakeBack { payment }),
        12 => (story, 0..=255_u8, mood())
            .prop_map(|(story, choice, mood)| Step::Advance { story, choice, mood }),
    ]
}

fn of_catalogue() -> impl Strategy<Value = Command> {
    let prices = select(vec![vec![], vec![eur("20.00")], vec![eur("12.34")]]);
    let set = (select(&SKUS[..]), prices)
        .prop_map(|(text, prices)| products::Command::SetVariant(variant(text, &prices)));
    let created = select(&SKUS[..]).prop_map(|text| products::Command::Create {
        details: details("Bag"),
        variants: vec![variant(text, &[eur("20.00")])],
    });
    let price = select(&SKUS[..])
        .prop_map(|text| products::Command::SetPrices(sku(text), vec![eur("11.00")]));
    let skus = vec![product::SkusOfArchived::Keep, product::SkusOfArchived::Free];
    let changed = product::Changed { title: Some(label("Bag")), ..product::Changed::default() };
    let change = product::VariantChange {
        title: Some(Some(label("Small"))),
        prices: Some(Some(vec![eur("13.00")])),
        ..product::VariantChange::default()
    };
    let changed_variant = select(&SKUS[..])
        .prop_map(move |text| products::Command::ChangeVariant(sku(text), change.clone()));
    let command = prop_oneof![
        4 => set,
        1 => changed_variant,
        4 => created,
        4 => select(&SKUS[..]).prop_map(|text| products::Command::RemoveVariant(sku(text))),
        4 => Just(products::Command::Publish),
        1 => Just(products::Command::Change(changed)),
        1 => Just(products::Command::Unpublish),
        2 => select(skus).prop_map(products::Command::Archive),
        4 => Just(products::Command::Restore),
        1 => price,
    ];
    (1..=3_u128, command).prop_map(|(n, command)| to_product(n, command))
}

fn of_warehouse() -> impl Strategy<Value = Command> {
    let receive = (select(&PLACES[..]), 1..6_u32).prop_map(|(at, count)| {
        let (location, quantity) = (place(at), units(count));
        stocks::Command::Receive { location, quantity, reference: None }
    });
    let adjust = (select(&PLACES[..]), -4..3_i64).prop_map(|(at, delta)| stocks::Command::Adjust {
        location: place(at),
        delta,
        reason: note("count"),
    });
    let place_of = || select(&PLACES[..]).prop_map(place);
    let transfer = (place_of(), place_of(), 1..4_u32).prop_map(|(from, to, count)| {
        stocks::Command::Transfer { from, to, quantity: units(count), reason: None }
    });
    let count = (place_of(), 0..6_u32).prop_map(|(location, on_hand)| stocks::Command::Count {
        location,
        on_hand,
        reason: None,
    });
    let policy = (0..3_u32).prop_map(|backorder_max| stocks::Command::SetPolicy { backorder_max });
    let threshold = select(vec![None, Some(0), Some(3)])
        .prop_map(|threshold| stocks::Command::SetThreshold { threshold });
    let any = prop_oneof![
        4 => receive, 2 => adjust, 2 => transfer, 2 => count, 1 => policy, 1 => threshold,
    ];
    (select(&SKUS[..]), any).prop_map(|(text, command)| Command::Stock(sku(text), command))
}

fn of_carts() -> impl Strategy<Value = Command> {
    use carts::Command as C;
    let line = || (select(&SKUS[..]), (1..4_u32).prop_map(units));
    let order = (1..=STORIES, 0..2_i64);
    let command = prop_oneof![
        1 => Just(C::Create { currency: currency("EUR"), owner: Owner::customer(customer_id(1)) }),
        3 => line().prop_map(|(text, quantity)| C::AddLine { sku: sku(text), quantity }),
        2 => line().prop_map(|(text, quantity)| C::ChangeLine { sku: sku(text), quantity }),
        1 => select(&SKUS[..]).prop_map(|text| C::RemoveLine { sku: sku(text) }),
        2 => order.prop_map(|(n, until)| {
            let (order_id, address_id) = (order_id(n), None);
            C::CheckOut { order_id, reserved_until: hour(until), address_id }
        }),
        1 => (1..3_u128).prop_map(|n| C::Assign { customer_id: customer_id(n), guest_id: None }),
        1 => Just(C::Reopen),
        1 => select(vec![C::Abandon, C::Expire]),
        1 => (1..=STORIES).prop_map(|n| C::Merge { from: cart_id(n), guest_id: None }),
    ];
    (1..=STORIES, command).prop_map(|(n, command)| to_cart(n, command))
}
