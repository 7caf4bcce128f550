//! Any command to orders, payments, parcels and returns, and anything a gateway may tell: whether
//! it makes sense is for the rules to say.

use domain::command::{fulfilment as parcels, payment as payments};
use domain::payment::{CapturePolicy, DisputeStage, Finding, Report, WriteOff};
use domain::text::Token;
use domain::{Command, Money};
use proptest::prelude::*;
use proptest::sample::select;

use kit::*;

use super::step::{ATTEMPTS, PARCELS, PIECES, SKUS, STORIES};

pub fn of_orders() -> impl Strategy<Value = Command> {
    use domain::command::order::Command as O;
    let address_id = domain::AddressId(uuid::Uuid::from_u128(7));
    let shrink = (select(&SKUS[..]), 0..3_u32).prop_map(|(text, quantity)| O::ShrinkLine {
        sku: sku(text),
        quantity,
        reason: note("too many"),
    });
    // Some when the reservation ends, when it can be put off no longer, and some days later.
    let expire = select(vec![1, 2, 3, 80]).prop_map(|n| O::Expire { at: hour(n) });
    let units = select(vec![vec![(TOTE, 1)], vec![(PURSE, 1)], vec![]]);
    let cancel = units.prop_map(|lines| O::Cancel { reason: note("broken"), lines: of(&lines) });
    let recorded = vec![vec![(TOTE, 3, "10.00")], vec![(PURSE, 2, "21.00"), (TOTE, 1, "0.00")]];
    let record = (1..=STORIES, select(recorded)).prop_map(|(n, lines)| record_order(n, &lines));
    let command = prop_oneof![
        1 => (1..3_u128).prop_map(|n| O::Assign {
            customer_id: customer_id(n),
            guest_id: Some(guest_id(1)),
        }),
        2 => expire,
        3 => cancel,
        2 => shrink,
        1 => Just(O::ChangeAddress { address_id }),
        1 => Just(O::AddNote { note: note("called") }),
        2 => Just(O::Settle),
    ];
    let command = (1..=STORIES, command).prop_map(|(n, command)| to_order(n, command));
    prop_oneof![1 => record, 10 => command]
}

/// Payments of any story: its first, and what was begun after that came to nothing.
fn any_payment() -> impl Strategy<Value = u128> {
    (1..=STORIES, select(&ATTEMPTS[..])).prop_map(|(n, attempt)| n + 10 * attempt)
}

fn any_amount() -> impl Strategy<Value = Option<Money>> {
    select(vec![None, Some(eur("5.00")), Some(eur("30.00")), Some(money("1", "JPY"))])
}

pub fn of_payments() -> impl Strategy<Value = Command> {
    use payments::Command as P;
    let start = (1..=STORIES, any_payment(), 0..7_u8).prop_map(|(order, n, how)| match how {
        0 => pay_on_delivery(n, order),
        1 => pay_by_card_as(n, order, CapturePolicy::AtOnce),
        2 => pay_by_card_as(n, order, CapturePolicy::AtShipment),
        3 => pay_elsewhere(n, order),
        4 => pay_once(n, order),
        5 => pay_by_paypal(n, order),
        _ => pay_by_card(n, order),
    });
    let found = select(vec![
        Finding::NotDone,
        Finding::Done {
            reference: Some(token("found")),
            expires_at: Some(hour(168)),
            amount: None,
        },
    ]);
    let settled = (1..4_u32, found).prop_map(|(request, finding)| P::Resolve {
        request,
        finding,
        note: note("asked the bank"),
        at: hour(0),
    });
    let command =
        prop_oneof![
            Just(P::CompleteAction),
            Just(P::Abort { reason: note("another card"), at: hour(0) }),
            any_amount().prop_map(|amount| P::Capture { amount }),
            Just(P::Void),
            (any_amount(), any::<bool>()).prop_map(|(amount, by_hand)| P::Refund {
                amount,
                reason: None,
                by_hand,
                at: hour(0),
            }),
            Just(P::Expire { at: hour(2) }),
            any_amount().prop_map(|amount| P::Collect { amount, at: hour(0) }),
            (any_amount(), any_amount()).prop_map(|(amount, off)| P::Remit {
                amount,
                written_off: off.map(|amount| WriteOff { amount, reason: note("kept as a fee") }),
            }),
            select(vec![eur("0.00"), eur("5.00"), eur("30.00")]).prop_map(|amount| {
                P::CorrectCollection { amount, reason: note("the desk typed another"), at: hour(0) }
            }),
            (select(vec![eur("0.00"), eur("5.00")]), select(vec![None, Some(eur("0.00"))]))
                .prop_map(|(amount, written_off)| P::CorrectRemittance {
                    amount,
                    written_off,
                    reason: note("the desk typed another")
                }),
            select(vec![eur("0.00"), eur("5.00"), eur("30.00")])
                .prop_map(|amount| P::CorrectRefund { amount, reason: note("typed"), at: hour(0) }),
            Just(P::Uncollect { reason: note("refused at the door"), at: hour(0) }),
            settled,
        ];
    prop_oneof![
        1 => start,
        8 => (any_payment(), command).prop_map(|(n, command)| to_payment(n, command)),
    ]
}

/// What a gateway tells without being asked.
pub fn of_reports() -> impl Strategy<Value = Command> {
    let (reference, expires_at) = (|n: u8| token(&format!("seen_{n}")), hour(168));
    let stages = [DisputeStage::Opened, DisputeStage::Won, DisputeStage::Lost];
    let sum = |report: fn(Money, Token) -> Report| {
        (0..2_u8).prop_map(move |n| report(eur("1.00"), token(&format!("seen_{n}"))))
    };
    let told = prop_oneof![
        Just(Report::Approved),
        Just(Report::Voided),
        Just(Report::Failed { reason: note("declined") }),
        Just(Report::Authorized { reference: reference(9), expires_at }),
        (1..4_u32).prop_map(|request| Report::Answer { request, verdict: was_captured() }),
        (0..3_u8, select(stages.to_vec())).prop_map(move |(n, stage)| Report::Disputed {
            reference: reference(n + 3),
            amount: eur("1.00"),
            stage,
        }),
        sum(|amount, reference| Report::Captured { amount, reference }),
        sum(|amount, reference| Report::Refunded { amount, reference }),
        sum(|amount, reference| {
            let reason = note("the card is closed");
            Report::RefundFailed { request: None, amount, reference, reason }
        }),
    ];
    (any_payment(), told).prop_map(|(n, told)| report(n, told))
}

pub fn of_returns() -> impl Strategy<Value = Command> {
    let lines = select(vec![vec![(TOTE, 1)], vec![(PURSE, 1)], vec![(TOTE, 2), (PURSE, 1)]]);
    (1..=STORIES, 0..10_u8, 1..=STORIES, lines).prop_map(|(n, act, order, lines)| match act {
        0 => request_return(n, order, &lines),
        1 => approve(n),
        2 => take_back(n, &lines),
        3 => take_back_worn(n, &lines, eur("7.00")),
        4 => withdraw(n),
        5 => to_return(n, domain::command::return_::Command::Reject { reason: note("worn") }),
        6 => correct_receipt(n, &[], Some(eur("0.00"))),
        7 => correct_receipt(n, &[(TOTE, 1, Some("shop"))], None),
        8 => correct_receipt(n, &[(TOTE, 2, None), (PURSE, 1, Some("depot"))], Some(eur("3.00"))),
        _ => close_return(n),
    })
}

pub fn of_parcels() -> impl Strategy<Value = Command> {
    let lines = select(vec![
        vec![],
        vec![(TOTE, 1)],
        vec![(PURSE, 1)],
        vec![(TOTE, 1), (PURSE, 1), (TOTE, 1)],
    ]);
    let planned = (1..=STORIES, lines);
    (1..=STORIES, 0..PARCELS, 0..15_u8, planned).prop_map(|(story, parcel, act, (order, lines))| {
        let parcel = 10 * story + parcel;
        match act {
            0 => plan(parcel, order, &lines),
            1 => pack(parcel),
            2 => ship(parcel),
            3 => deliver(parcel),
            4 => fail(parcel),
            5 => give_back(parcel),
            6 => lose(parcel),
            7 => hand_over(parcel, &lines),
            8 => label_anew(parcel, "GLS", "G1"),
            9 => to_parcel(parcel, parcels::Command::Lose { reason: note("stolen"), at: hour(0) }),
            10 => send_again(parcel, "shop"),
            11 => some_back(parcel, &PIECES, false),
            12 => some_back(parcel, &PIECES, true),
            13 => plan_from(parcel, order, &lines, "shop"),
            _ => call_off(parcel),
        }
    })
}
