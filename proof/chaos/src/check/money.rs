//! Money is conserved: what the log says was taken and given back is what the sandbox's own books
//! say, within what was set aside, and what readers are shown. Whether it is what orders owe is in
//! `owed`.

use std::collections::BTreeMap;

use anyhow::ensure;
use domain::payment::{Event as Paid, Operation, Payment};
use domain::{Event, Money, OrderId, PaymentId, StreamId};
use futures::StreamExt;
use serde_json::{Value, json};
use sqlx::{PgPool, Row};

use super::log::Log;
use super::{Evidence, Verdict};

/// Orders that are read through the query-api.
const READ_MAX: usize = 3_000;
/// At once.
const AT_ONCE: usize = 16;

/// One payment's money, as the log tells it.
#[derive(Debug)]
pub(super) struct Account {
    order: OrderId,
    due: Money,
    authorized: Money,
    captured: Money,
    refunded: Money,
    /// Whether it went through the sandbox, whose books lie in the database. Another gateway's are
    /// looked at in `gateway`.
    by_sandbox: bool,
    /// What the sandbox did, by the number of the request.
    done: BTreeMap<u32, (Operation, Money)>,
    payment: Payment,
}

pub(super) type Accounts = BTreeMap<PaymentId, Account>;

pub(super) async fn check(at: &Evidence<'_>) -> anyhow::Result<Verdict> {
    let mut verdict = Verdict::new("money is conserved");
    let (accounts, wrong) = accounts(&at.log);
    for wrong in wrong {
        verdict.broken(wrong);
    }
    for (id, account) in &accounts {
        if let Some(wrong) = wrong_sums(account) {
            verdict.broken(format!("payment {id}: {wrong}"));
        }
    }
    for wrong in wrong_books(&accounts, &books(&at.db).await?) {
        verdict.broken(wrong);
    }
    let mut orders: BTreeMap<OrderId, Vec<PaymentId>> = BTreeMap::new();
    for (id, account) in &accounts {
        orders.entry(account.order).or_default().push(*id);
    }
    let step = orders.len().div_ceil(READ_MAX).max(1);
    let read = futures::stream::iter(orders.iter().step_by(step))
        .map(async |(order, payments)| (order, payments, document(at, *order).await))
        .buffer_unordered(AT_ONCE)
        .collect::<Vec<_>>()
        .await;
    let shown = read.len();
    for (order, payments, document) in read {
        if let Some(wrong) = misread(&accounts, payments, &document?) {
            verdict.broken(format!("order {order} as it is read: {wrong}"));
        }
    }
    let covered = format!("{} payments, {shown} of {} orders read", accounts.len(), orders.len());
    Ok(verdict.covers(covered))
}

/// Adds up what happened to each payment. Sums that cannot be are wrong by themselves.
pub(super) fn accounts(log: &Log) -> (Accounts, Vec<String>) {
    let mut accounts = Accounts::new();
    let mut wrong = Vec::new();
    for entry in &log.entries {
        let (StreamId::Payment(id), Event::Payment(event)) = (&entry.stream, &entry.event) else {
            continue;
        };
        if let Paid::Created(created) = event {
            let zero = Money::zero(created.amount.currency());
            let account = Account {
                order: created.order_id,
                due: created.amount,
                authorized: zero,
                captured: zero,
                refunded: zero,
                by_sandbox: created.gateway.as_ref().is_some_and(|it| it.as_str() == "sandbox"),
                done: BTreeMap::new(),
                payment: Payment::default(),
            };
            accounts.insert(*id, account);
        }
        let Some(account) = accounts.get_mut(id) else {
            wrong.push(format!("payment {id} begins with {event:?}"));
            continue;
        };
        if account.add(event).is_none() {
            wrong.push(format!("payment {id} at {}: {event:?} cannot be added", entry.position));
        }
        account.payment.evolve(event);
    }
    (accounts, wrong)
}

impl Account {
    /// The sandbox did it; nobody was asked for cash that is paid out by hand.
    fn did(&mut self, request: Option<u32>, operation: Operation, amount: Money) {
        let asked = request.filter(|_| self.by_sandbox);
        self.done.extend(asked.map(|request| (request, (operation, amount))));
    }

    fn add(&mut self, event: &Paid) -> Option<()> {
        match event {
            Paid::Authorized(event) => {
                self.authorized = event.amount;
                self.did(event.request, Operation::Authorize, event.amount);
            }
            Paid::Captured(event) => {
                self.captured = self.captured.plus(event.amount)?;
                self.did(Some(event.request), Operation::Capture, event.amount);
            }
            Paid::Refunded(event) => {
                self.refunded = self.refunded.plus(event.amount)?;
                self.did(event.request, Operation::Refund, event.amount);
            }
            Paid::Voided(event) => {
                // As much as was asked to be let go.
                let open = self.payment.in_flight.filter(|it| Some(it.request) == event.request);
                if let Some(open) = open {
                    self.did(event.request, Operation::Void, open.amount);
                }
            }
            // In the gateway's own dashboard.
            Paid::Reported(event) => match event.operation {
                Operation::Capture => self.captured = self.captured.plus(event.amount)?,
                Operation::Refund => self.refunded = self.refunded.plus(event.amount)?,
                Operation::Authorize | Operation::Void => {}
            },
            // Cash is set aside by nobody.
            Paid::CollectionDue(event) => self.authorized = event.amount,
            Paid::Collected(event) => self.captured = self.captured.plus(event.amount)?,
            Paid::CollectionCorrected(event) => self.captured = event.amount,
            Paid::RefundCorrected(event) => {
                self.refunded = self.refunded.minus(event.before)?.plus(event.amount)?;
            }
            _ => {}
        }
        Some(())
    }
}

pub(super) fn wrong_sums(account: &Account) -> Option<String> {
    let Account { due, authorized, captured, refunded, payment, .. } = account;
    if captured.minus(*refunded).is_none() {
        return Some(format!("{refunded} of {captured} were given back"));
    }
    // What came in cash is what came, whatever was due.
    let in_cash = payment.terms.as_ref().is_some_and(|terms| !terms.by_gateway());
    let taken = in_cash || authorized.minus(*captured).is_some();
    let within = taken && due.minus(*authorized).is_some();
    (!within).then(|| format!("{captured} of {authorized} were taken, {due} was due"))
}

/// A line of the gateway's books: payment, request, operation, amount, currency; only what it did.
pub(super) type Booked = (PaymentId, u32, String, String, String);

async fn books(db: &PgPool) -> anyhow::Result<Vec<Booked>> {
    let rows = sqlx::query(
        "SELECT key, operation, amount::text AS amount, currency FROM sandbox_gateway
         WHERE declined IS NULL",
    )
    .fetch_all(db)
    .await?;
    let mut booked = Vec::with_capacity(rows.len());
    for row in rows {
        let key: String = row.try_get("key")?;
        let Some((payment, request)) = key.split_once(':') else { continue };
        let (amount, currency) = (row.try_get("amount")?, row.try_get("currency")?);
        booked.push((
            payment.parse()?,
            request.parse()?,
            row.try_get("operation")?,
            amount,
            currency,
        ));
    }
    Ok(booked)
}

/// Where the gateway's books and the log tell different stories.
pub(super) fn wrong_books(accounts: &Accounts, booked: &[Booked]) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut by_request = BTreeMap::new();
    for (payment, request, operation, amount, currency) in booked {
        let money: Result<Money, _> =
            serde_json::from_value(json!({"amount": amount, "currency": currency}));
        let Ok(money) = money else {
            wrong.push(format!("the gateway booked {amount} {currency}"));
            continue;
        };
        by_request.insert((*payment, *request), (operation.as_str(), money));
        let Some(account) = accounts.get(payment) else { continue };
        let waits = account.payment.in_flight.is_some_and(|open| open.request == *request);
        if !account.done.contains_key(request) && !waits {
            wrong.push(format!(
                "the gateway did {operation} {money} for request {request} of payment {payment}, \
                 and the log does not say so"
            ));
        }
    }
    for (payment, account) in accounts {
        for (request, (operation, amount)) in &account.done {
            let name = json!(operation);
            let found = by_request.get(&(*payment, *request));
            if found.is_none_or(|(known, money)| json!(known) != name || money != amount) {
                wrong.push(format!(
                    "the log has {operation:?} {amount} for request {request} of payment \
                     {payment}, the gateway {found:?}"
                ));
            }
        }
    }
    wrong
}

/// The order as readers see it.
async fn document(at: &Evidence<'_>, order: OrderId) -> anyhow::Result<Value> {
    let url = format!("{}/v1/orders/{order}?min_position={}", at.addresses.query, at.log.head);
    let answer = at.http.get(&url).header("Prefer", "wait=10").send().await?;
    let status = answer.status();
    ensure!(status.is_success(), "{url}: {status}");
    Ok(answer.json().await?)
}

/// How an order's document differs from its payments' accounts.
pub(super) fn misread(
    accounts: &Accounts,
    payments: &[PaymentId],
    document: &Value,
) -> Option<String> {
    let shown = document["payments"].as_array().map_or(&[][..], Vec::as_slice);
    if shown.len() != payments.len() {
        return Some(format!("{} payments, not {}", shown.len(), payments.len()));
    }
    shown.iter().find_map(|shown| {
        let id = serde_json::from_value(shown["id"].clone()).ok();
        let Some(account) = id.and_then(|id: PaymentId| accounts.get(&id)) else {
            return Some(format!("a payment nobody began: {}", shown["id"]));
        };
        let same = shown["captured"] == json!(account.captured)
            && shown["refunded"] == json!(account.refunded);
        (!same).then(|| {
            let (captured, refunded) = (account.captured, account.refunded);
            format!("{} − {}, not {captured} − {refunded}", shown["captured"], shown["refunded"])
        })
    })
}
