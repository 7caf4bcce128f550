//! The gateway's books say what the log says: each payment was charged once, and what was taken and
//! given back is the same on both sides, whatever was lost on the way between them. What was asked
//! in an end that the log lost stays in its books alone: then no payment was charged twice.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use domain::payment::{Event as Paid, Payment, Stage};
use domain::{Event, Money, PaymentId, StreamId};
use serde_json::Value;
use sqlx::PgPool;

use super::log::Log;
use super::{Evidence, Verdict};

/// What it is called in payments.
const NAME: &str = "stripe";
/// As many of its payments as it shows at once.
const PAGE: &str = "100";

pub(super) async fn check(at: &Evidence<'_>) -> Result<Verdict> {
    let payments = fold(&at.log);
    let disputed = lost_disputes(at).await?;
    let mut books: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    let mut after: Option<String> = None;
    loop {
        let mut query = vec![("limit", PAGE)];
        query.extend(after.as_deref().map(|after| ("starting_after", after)));
        let page = at.addresses.stripe.intents(&query).await?;
        let Some(last) = page.last() else { break };
        after = last["id"].as_str().map(str::to_owned);
        for intent in page {
            let payment = intent["metadata"]["payment_id"].as_str().unwrap_or_default().to_owned();
            books.entry(payment).or_default().push(intent);
        }
    }
    let strange = books.keys().filter(|id| !payments.keys().any(|own| own.to_string() == **id));
    let strange: BTreeSet<String> = strange.map(|id| format!("payment-{id}")).collect();
    let mut verdict = compare(&payments, &books, &disputed, !at.history.cuts.is_empty());
    // A round before this one may have lost it.
    if at.log.lineage.is_empty() {
        for stream in unknown(&at.db, strange).await? {
            verdict.broken(format!("the gateway has {stream}, which the log has not"));
        }
    }
    let taken = books.values().flatten().filter(|intent| intent["status"] == "succeeded").count();
    Ok(verdict.covers(format!("{} payments; {taken} taken in all rounds", payments.len())))
}

/// Those of the streams that nothing was ever written to: not by an earlier round either.
async fn unknown(db: &PgPool, mut streams: BTreeSet<String>) -> Result<BTreeSet<String>> {
    let asked: Vec<&String> = streams.iter().collect();
    let known = sqlx::query_scalar::<_, String>(
        "SELECT stream FROM events WHERE stream = ANY($1) AND version = 1",
    );
    for stream in known.bind(asked).fetch_all(db).await? {
        streams.remove(&stream);
    }
    Ok(streams)
}

/// What banks took back, in cents, by the gateway's own name of the payment.
async fn lost_disputes(at: &Evidence<'_>) -> Result<BTreeMap<String, i64>> {
    let mut sums = BTreeMap::new();
    let mut after: Option<String> = None;
    loop {
        let mut query = vec![("limit", PAGE)];
        query.extend(after.as_deref().map(|after| ("starting_after", after)));
        let page = at.addresses.stripe.disputes(&query).await?;
        let Some(last) = page.last() else { return Ok(sums) };
        after = last["id"].as_str().map(str::to_owned);
        for dispute in page.iter().filter(|dispute| dispute["status"] == "lost") {
            let intent = dispute["payment_intent"].as_str().unwrap_or_default();
            *sums.entry(intent.to_owned()).or_default() += dispute["amount"].as_i64().unwrap_or(0);
        }
    }
}

/// A payment, and how much of it was given back by hand, of which the gateway hears nothing.
#[derive(Default)]
struct Ours {
    payment: Payment,
    by_hand: i64,
}

/// The payments that went through it.
fn fold(log: &Log) -> BTreeMap<PaymentId, Ours> {
    let mut payments = BTreeMap::new();
    for entry in &log.entries {
        let (StreamId::Payment(id), Event::Payment(event)) = (&entry.stream, &entry.event) else {
            continue;
        };
        if let Paid::Created(created) = event
            && created.gateway.as_ref().is_some_and(|gateway| gateway.as_str() == NAME)
        {
            payments.insert(*id, Ours::default());
        }
        let Some(ours) = payments.get_mut(id) else { continue };
        ours.payment.evolve(event);
        match event {
            Paid::Refunded(refunded) if refunded.is_by_hand() => {
                ours.by_hand += cents(refunded.amount);
            }
            Paid::RefundCorrected(told) => {
                ours.by_hand += cents(told.amount) - cents(told.before);
            }
            _ => {}
        }
    }
    payments
}

fn compare(
    payments: &BTreeMap<PaymentId, Ours>,
    books: &BTreeMap<String, Vec<Value>>,
    lost: &BTreeMap<String, i64>,
    has_lost_its_end: bool,
) -> Verdict {
    let mut verdict = Verdict::new("the gateway's books say what the log says");
    for (id, payment) in payments {
        let intents = books.get(&id.to_string()).map_or(&[][..], Vec::as_slice);
        let wrong = charged_twice(intents).or_else(|| {
            let differs = || wrong(payment, intents, lost);
            (!has_lost_its_end).then(differs).flatten()
        });
        if let Some(wrong) = wrong {
            verdict.broken(format!("payment {id}: {wrong}"));
        }
    }
    verdict
}

/// How often it was charged, if that is more than once.
fn charged_twice(intents: &[Value]) -> Option<String> {
    let stands = |it: &&Value| it["status"] == "requires_capture" || it["status"] == "succeeded";
    let charges = intents.iter().filter(stands).count();
    (charges > 1).then(|| format!("it was charged {charges} times"))
}

/// Where the two differ. While something is asked they may.
fn wrong(ours: &Ours, intents: &[Value], lost: &BTreeMap<String, i64>) -> Option<String> {
    let payment = &ours.payment;
    if payment.in_flight.is_some() {
        return None;
    }
    let with = |status: &str| intents.iter().filter(|it| it["status"] == status).count();
    let held = with("requires_capture");
    if (held == 1) != (payment.stage == Stage::Open) {
        return Some(format!("{:?}, and the gateway holds {held}", payment.stage));
    }
    let charged = intents.iter().map(|intent| &intent["latest_charge"]);
    let sum = |name: &str| charged.clone().filter_map(|charge| charge[name].as_i64()).sum();
    let names = intents.iter().filter_map(|intent| intent["id"].as_str());
    let lost: i64 = names.filter_map(|name| lost.get(name)).sum();
    let theirs = [sum("amount_captured"), sum("amount_refunded"), lost];
    let terms = payment.terms.as_ref()?;
    let refunded = cents(terms.refunded) - ours.by_hand;
    let ours = [cents(terms.captured), refunded, cents(terms.charged_back)];
    (ours != theirs).then(|| {
        format!("taken, given back and lost in disputes {ours:?}, the gateway says {theirs:?}")
    })
}

/// All that is sold here costs euros.
fn cents(money: Money) -> i64 {
    let mut amount = money.amount();
    amount.rescale(2);
    i64::try_from(amount.mantissa()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use domain::payment::Terms;
    use serde_json::json;

    use super::*;

    #[test]
    fn what_was_taken_twice_or_given_back_unheard_is_found() {
        let money = |amount: &str| json!({"amount": amount, "currency": "EUR"});
        let terms: Terms = serde_json::from_value(json!({
            "order_id": "01920003-0000-0000-0000-000000000001", "method": "card",
            "capture": "at_shipment", "once": true, "amount": money("50.50"),
            "authorized": money("50.50"), "captured": money("40.00"), "refunded": money("1.00"),
            "refunded_by_hand": money("0.00"), "charged_back": money("0.00"),
            "remitted": money("0.00"), "written_off": money("0.00"),
        }))
        .unwrap();
        let payment = Payment { stage: Stage::Done, terms: Some(terms), ..Payment::default() };
        let ours = Ours { payment, by_hand: 0 };
        let none = BTreeMap::new();
        let wrong = |intents: &[Value]| wrong(&ours, intents, &none);
        let intent = |status: &str, taken: i64, back: i64| {
            json!({"id": "pi_1", "status": status, "latest_charge": {
                "amount_captured": taken, "amount_refunded": back,
            }})
        };
        let taken = intent("succeeded", 4_000, 100);
        assert_eq!(wrong(std::slice::from_ref(&taken)), None);
        let twice = [taken.clone(), intent("requires_capture", 0, 0)];
        assert!(charged_twice(&twice).is_some() && charged_twice(&twice[..1]).is_none());
        assert!(wrong(&[taken.clone(), intent("succeeded", 4_000, 0)]).is_some());
        assert!(wrong(&[intent("succeeded", 4_000, 200)]).is_some());
        assert!(wrong(&[intent("canceled", 0, 0), taken]).is_none());
        assert!(wrong(&[intent("requires_capture", 4_000, 100)]).is_some());
        assert!(wrong(&[]).is_some(), "nobody was ever charged");
        let lost = BTreeMap::from([("pi_1".to_owned(), 3_900)]);
        let taken = intent("succeeded", 4_000, 100);
        assert!(super::wrong(&ours, std::slice::from_ref(&taken), &lost).is_some());
        let by_hand = Ours { by_hand: 100, ..ours };
        assert_eq!(super::wrong(&by_hand, &[intent("succeeded", 4_000, 0)], &none), None);
        assert!(super::wrong(&by_hand, &[taken], &none).is_some());
    }
}
