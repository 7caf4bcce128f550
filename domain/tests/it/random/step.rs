//! What happens next: half the time any command at all, half the time the natural next step of
//! one of a few stories, so that random lives get far enough to break something.

use domain::command::product as products;
use domain::command::{cart as carts, payment as payments, stock as stocks};
use domain::order::Order;
use domain::payment::{Payment, Status, Verdict};
use domain::{Command, Money, State, StreamId, cart, fulfilment, order, product};
use proptest::prelude::*;
use proptest::sample::select;

use kit::*;

/// Stories: cart n becomes order n, paid by payment n, sent in parcels 10n and up.
const STORIES: u128 = 4;
/// Parcels of a story.
const PARCELS: u128 = 3;
const SKUS: [&str; 3] = [TOTE, PURSE, "SPARE"];
const PLACES: [&str; 3] = ["depot", "shop", "returns"];

/// One command, or one that depends on how things stand.
#[derive(Clone, Debug)]
pub enum Step {
    /// This command.
    Do(Box<Command>),
    /// The gateway's answer to the latest request of a payment, or to one so many before.
    Answer { payment: u128, back: u32, verdict: Verdict },
    /// What comes next in a story, of several possibilities.
    Advance { story: u128, choice: u8, verdict: Verdict },
}

impl Step {
    /// The command it comes to in this shop.
    pub fn command(self, shop: &Shop) -> Command {
        match self {
            Self::Do(command) => *command,
            Self::Answer { payment, back, verdict } => {
                let requests = payment_of(shop, payment).requests;
                record(payment, requests.saturating_sub(back), verdict)
            }
            Self::Advance { story, choice, verdict } => advance(shop, story, choice, verdict),
        }
    }
}

fn payment_of(shop: &Shop, n: u128) -> Payment {
    match shop.state(&StreamId::Payment(payment_id(n))) {
        State::Payment(payment) => payment,
        other => panic!("{other:?}"),
    }
}

fn advance(shop: &Shop, n: u128, choice: u8, verdict: Verdict) -> Command {
    let State::Cart(cart) = shop.state(&StreamId::Cart(cart_id(n))) else { panic!("a cart") };
    let State::Order(order) = shop.state(&StreamId::Order(order_id(n))) else { panic!("an order") };
    let payment = payment_of(shop, n);
    let chosen = SKUS[usize::from(choice) % SKUS.len()];
    match (cart.status, order.status) {
        (cart::Status::Unborn, _) => {
            let currency = currency("EUR");
            to_cart(n, carts::Command::Create { currency, customer_id: None })
        }
        (cart::Status::Open, _) if cart.lines.len() <= usize::from(choice % 3) => {
            add(n, chosen, u32::from(choice % 2) + 1)
        }
        (_, order::Status::Unplaced) => check_out(n, n),
        _ if payment.in_flight.is_some() && choice.is_multiple_of(2) => {
            record(n, payment.requests, verdict)
        }
        (_, order::Status::Pending) => match payment.status {
            Status::RequiresAction => to_payment(n, payments::Command::CompleteAction),
            _ if choice.is_multiple_of(3) => pay_on_delivery(n, n),
            _ => pay_by_card(n, n),
        },
        (_, order::Status::Confirmed) if !choice.is_multiple_of(4) => {
            next_of_parcels(shop, n, choice, &order)
        }
        _ => next_of_payment(n, choice, &payment),
    }
}

fn next_of_payment(n: u128, choice: u8, payment: &Payment) -> Command {
    let some = Some(eur("5.00"));
    let amount = if (choice / 4).is_multiple_of(2) { some } else { None };
    match payment.status {
        Status::CodPending => to_payment(n, payments::Command::Collect),
        Status::Collected => to_payment(n, payments::Command::Remit),
        Status::Authorized if choice.is_multiple_of(3) => to_payment(n, payments::Command::Void),
        Status::Authorized if choice.is_multiple_of(7) => to_payment(n, payments::Command::Expire),
        Status::Captured | Status::PartiallyRefunded => refund(n, amount),
        Status::PartiallyCaptured if choice.is_multiple_of(5) => cancel(n),
        _ => capture(n, amount),
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
            S::Shipped => return deliver(parcel),
            S::DeliveryFailed => return give_back(parcel),
            S::Delivered | S::ReturnedToSender | S::Cancelled => {}
        }
    }
    let first = order.lines.first().map_or(TOTE, |line| line.sku.as_str());
    if choice.is_multiple_of(5) { plan(unborn, n, &[(first, 1)]) } else { plan(unborn, n, &[]) }
}

fn verdict() -> impl Strategy<Value = Verdict> {
    let url = "https://bank.example/confirm".parse().expect("a URL");
    prop_oneof![
        5 => Just(succeeded()),
        1 => Just(declined()),
        1 => Just(Verdict::ActionRequired(url)),
        1 => Just(Verdict::Unknown),
    ]
}

/// Any step.
pub fn any() -> impl Strategy<Value = Step> {
    let command = prop_oneof![
        2 => of_catalogue(),
        2 => of_warehouse(),
        3 => of_carts(),
        1 => of_orders(),
        4 => of_payments(),
        4 => of_parcels(),
        1 => crate::location::steps(),
    ];
    let story = 1..=STORIES;
    prop_oneof![
        8 => command.prop_map(|command| Step::Do(Box::new(command))),
        2 => (story.clone(), 0..3_u32, verdict())
            .prop_map(|(payment, back, verdict)| Step::Answer { payment, back, verdict }),
        12 => (story, 0..=255_u8, verdict())
            .prop_map(|(story, choice, verdict)| Step::Advance { story, choice, verdict }),
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
    let changed = product::Changed { title: Some(label("Bag")), ..product::Changed::default() };
    let command = prop_oneof![
        4 => set,
        4 => created,
        4 => select(&SKUS[..]).prop_map(|text| products::Command::RemoveVariant(sku(text))),
        4 => Just(products::Command::Publish),
        1 => Just(products::Command::Change(changed)),
        1 => Just(products::Command::Archive),
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
        1 => Just(C::Create { currency: currency("EUR"), customer_id: Some(customer_id(1)) }),
        3 => line().prop_map(|(text, quantity)| C::AddLine { sku: sku(text), quantity }),
        2 => line().prop_map(|(text, quantity)| C::ChangeLine { sku: sku(text), quantity }),
        1 => select(&SKUS[..]).prop_map(|text| C::RemoveLine { sku: sku(text) }),
        2 => order.prop_map(|(n, until)| {
            C::CheckOut { order_id: order_id(n), reserved_until: hour(until) }
        }),
        1 => Just(C::Abandon),
    ];
    (1..=STORIES, command).prop_map(|(n, command)| to_cart(n, command))
}

fn of_orders() -> impl Strategy<Value = Command> {
    (1..=STORIES, proptest::bool::ANY).prop_map(|(n, due)| if due { expire(n) } else { cancel(n) })
}

fn of_payments() -> impl Strategy<Value = Command> {
    use payments::Command as P;
    let amounts = vec![None, Some(eur("5.00")), Some(eur("30.00")), Some(money("1", "JPY"))];
    let amount = || select::<Option<Money>>(amounts.clone());
    let start = (1..=STORIES, proptest::bool::ANY).prop_map(|(order, card)| P::Start {
        order_id: order_id(order),
        token: card.then(|| token("tok_success")),
    });
    let command = prop_oneof![
        start,
        Just(P::CompleteAction),
        amount().prop_map(|amount| P::Capture { amount }),
        Just(P::Void),
        amount().prop_map(|amount| P::Refund { amount }),
        Just(P::Expire),
        Just(P::Collect),
        Just(P::Remit),
    ];
    (1..=STORIES, command).prop_map(|(n, command)| to_payment(n, command))
}

fn of_parcels() -> impl Strategy<Value = Command> {
    let lines = select(vec![
        vec![],
        vec![(TOTE, 1)],
        vec![(PURSE, 1)],
        vec![(TOTE, 1), (PURSE, 1), (TOTE, 1)],
    ]);
    let planned = (1..=STORIES, lines);
    (1..=STORIES, 0..PARCELS, 0..7_u8, planned).prop_map(|(story, parcel, act, (order, lines))| {
        let parcel = 10 * story + parcel;
        match act {
            0 => plan(parcel, order, &lines),
            1 => pack(parcel),
            2 => ship(parcel),
            3 => deliver(parcel),
            4 => fail(parcel),
            5 => give_back(parcel),
            _ => call_off(parcel),
        }
    })
}
