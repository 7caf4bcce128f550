//! Every payment that was begun comes to an end, or waits for somebody who may take their time: a
//! customer, a courier, or the shop itself.

use std::collections::{BTreeMap, BTreeSet};

use domain::order::{Order, Status as Ordered};
use domain::payment::{Event as Paid, Payment, Stage};
use domain::{Event, OrderId, PaymentId, StreamId};

use super::log::{Entry, Log};
use super::{Evidence, Verdict};

pub(super) async fn check(at: &Evidence<'_>) -> anyhow::Result<Verdict> {
    let mut verdict = Verdict::new("every payment comes to an end");
    let (payments, orders) = fold(&at.log);
    // What a gateway refused is asked again from time to time: of those, a request may be open.
    let refused = refused(&at.log);
    for (id, payment) in &payments {
        let order = payment.terms.as_ref().and_then(|terms| orders.get(&terms.order_id));
        if payment.in_flight.is_some() && refused.contains(id) {
            continue;
        }
        if let Some(wrong) = wrong(payment, order.map(|order| order.status)) {
            verdict.broken(format!("payment {id}: {wrong}"));
        }
    }
    let tasks = sqlx::query_scalar::<_, uuid::Uuid>(
        "SELECT subject::uuid FROM reaction_tasks WHERE reaction = 'ask_gateway'",
    );
    for subject in tasks.fetch_all(&at.db).await? {
        let known = payments.contains_key(&PaymentId(subject));
        let again = refused.contains(&PaymentId(subject));
        verdict.broken_if(known && !again, || {
            format!("the gateway is still to be asked about payment {subject}")
        });
    }
    Ok(verdict.covers(format!("{} payments", payments.len())))
}

fn fold(log: &Log) -> (BTreeMap<PaymentId, Payment>, BTreeMap<OrderId, Order>) {
    let (mut payments, mut orders) = (BTreeMap::new(), BTreeMap::new());
    for entry in &log.entries {
        match (&entry.stream, &entry.event) {
            (StreamId::Payment(id), Event::Payment(event)) => {
                payments.entry(*id).or_insert_with(Payment::default).evolve(event);
            }
            (StreamId::Order(id), Event::Order(event)) => {
                orders.entry(*id).or_insert_with(Order::default).evolve(event);
            }
            _ => {}
        }
    }
    (payments, orders)
}

/// Payments of which the gateway refused something that it is to do.
fn refused(log: &Log) -> BTreeSet<PaymentId> {
    let refused = |entry: &Entry| match (&entry.stream, &entry.event) {
        (StreamId::Payment(id), Event::Payment(Paid::RequestFailed(_))) => Some(*id),
        _ => None,
    };
    log.entries.iter().filter_map(refused).collect()
}

/// Why a payment is neither at its end nor waiting for somebody.
fn wrong(payment: &Payment, order: Option<Ordered>) -> Option<String> {
    if let Some(open) = &payment.in_flight {
        return Some(format!("the gateway's answer to request {open:?} was never recorded"));
    }
    let order = order?;
    let fits = match payment.stage {
        Stage::Unborn | Stage::Created => false,
        // The customer may confirm until the order is called off. What was delivered may be paid
        // too, where nothing stands for it any more.
        Stage::RequiresAction => {
            matches!(order, Ordered::Pending | Ordered::Confirmed | Ordered::Completed)
        }
        Stage::Open => matches!(order, Ordered::Confirmed | Ordered::Completed),
        Stage::Done | Stage::Voided | Stage::Expired | Stage::Failed | Stage::Uncollected => true,
    };
    (!fits).then(|| format!("{:?}, and its order is {order:?}", payment.stage))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_left_half_done() {
        let of = |stage| Payment { stage, ..Payment::default() };
        assert!(wrong(&of(Stage::Open), Some(Ordered::Confirmed)).is_none());
        assert!(wrong(&of(Stage::Open), Some(Ordered::Cancelled)).is_some());
        assert!(wrong(&of(Stage::RequiresAction), Some(Ordered::Cancelled)).is_some());
        assert!(wrong(&of(Stage::Created), Some(Ordered::Pending)).is_some());
        assert!(wrong(&of(Stage::Failed), Some(Ordered::Pending)).is_none());
        let in_flight = domain::payment::InFlight {
            operation: domain::payment::Operation::Refund,
            amount: serde_json::from_str(r#"{"amount": "1.00", "currency": "EUR"}"#).unwrap(),
            request: 2,
            unknown: true,
        };
        let open = Payment { in_flight: Some(in_flight), ..of(Stage::Done) };
        assert!(wrong(&open, Some(Ordered::Completed)).is_some());
    }
}
