//! One refund of ours over several captures, for PayPal gives back capture by capture.
//!
//! What was given back already stands in the order, each part under the key of its request; so one
//! that broke off in the middle is gone on with, and nothing is given back twice.

use domain::Money;
use domain::payment::Verdict;
use reqwest::Method;
use serde_json::{Value, json};

use super::super::Call;
use super::super::wire::Answer;
use super::{Paypal, amount, declined, list, refused};

/// What a refund carries that is all of what was asked for, and one that is a part.
pub(super) const WHOLE: &str = "refund";
pub(super) const PART: &str = "part";

impl Paypal {
    /// Gives the call's amount back, from the first capture on.
    pub(super) async fn refund(&self, call: &Call, order: &str) -> Verdict {
        let Answer::Done(order) = self.get_order(order).await else { return Verdict::Unknown };
        let payments = &order["purchase_units"][0]["payments"];
        if let Some(found) = outcome(call, payments) {
            return found;
        }
        let zero = Money::zero(call.amount.currency());
        let mut to_go = call.amount.minus(given_back(call, payments)).unwrap_or(zero);
        let left = list(&payments["captures"]).iter().filter_map(|it| left_of(it, payments));
        let left = left.fold(zero, |sum, left| sum.plus(left).unwrap_or(sum));
        if left.amount() < to_go.amount() {
            let begun = to_go != call.amount;
            let why = "it is more than is left of what was taken";
            return if begun { Verdict::Unknown } else { declined(why) };
        }
        let mut reference = None;
        for capture in list(&payments["captures"]) {
            let (Some(id), Some(left)) = (capture["id"].as_str(), left_of(capture, payments))
            else {
                continue;
            };
            let part = if left.amount() < to_go.amount() { left } else { to_go };
            if part.is_zero() {
                continue;
            }
            let kind = if part == call.amount { WHOLE } else { PART };
            let body = json!({
                "amount": amount::written(part), "custom_id": format!("{}:{kind}", call.key()),
            });
            let key = format!("{}:{id}", call.key());
            let path = format!("/v2/payments/captures/{id}/refund");
            match self.ask(Method::POST, &path, Some(&key), &body).await {
                Answer::Done(refund) if refund["status"] == "COMPLETED" => {
                    reference = refund["id"].as_str().and_then(|id| id.parse().ok());
                }
                // Waits for the shop's bank: it is found later.
                Answer::Done(refund) if refund["status"] == "PENDING" => return Verdict::Unknown,
                Answer::Done(_) if to_go == call.amount => {
                    return declined("PayPal did not give it back");
                }
                Answer::Refused(status, body) if to_go == call.amount => {
                    return refused(status, &body);
                }
                // Some of it was given back: only a person can tell what is to become of the rest.
                Answer::Done(_) | Answer::Refused(..) | Answer::Lost => return Verdict::Unknown,
            }
            to_go = to_go.minus(part).unwrap_or(to_go);
        }
        if !to_go.is_zero() {
            return Verdict::Unknown;
        }
        Verdict::Refunded { reference, amount: None }
    }
}

/// What became of a refund: none while some of it is still to be given back.
pub(super) fn outcome(call: &Call, payments: &Value) -> Option<Verdict> {
    if given_back(call, payments) != call.amount {
        return None;
    }
    let last = own(call, payments).last();
    let reference = last.and_then(|refund| refund["id"].as_str()?.parse().ok());
    Some(Verdict::Refunded { reference, amount: None })
}

/// The refunds that a call has made.
fn own<'a>(call: &Call, payments: &'a Value) -> impl Iterator<Item = &'a Value> {
    let key = call.key();
    let named = [WHOLE, PART].map(|kind| format!("{key}:{kind}"));
    list(&payments["refunds"])
        .iter()
        .filter(move |refund| named.iter().any(|name| refund["custom_id"] == name.as_str()))
}

fn given_back(call: &Call, payments: &Value) -> Money {
    let amounts = own(call, payments).filter(|refund| refund["status"] == "COMPLETED");
    let amounts = amounts.filter_map(|refund| amount::read(&refund["amount"]));
    let zero = Money::zero(call.amount.currency());
    amounts.fold(zero, |sum, amount| sum.plus(amount).unwrap_or(sum))
}

/// What is left of a capture.
fn left_of(capture: &Value, payments: &Value) -> Option<Money> {
    let up = format!("/v2/payments/captures/{}", capture["id"].as_str()?);
    let of_it = |refund: &&Value| {
        list(&refund["links"]).iter().any(|link| {
            link["rel"] == "up" && link["href"].as_str().is_some_and(|to| to.ends_with(&up))
        })
    };
    let refunds = list(&payments["refunds"]).iter().filter(of_it);
    let gone = refunds.filter(|refund| refund["status"] != "FAILED");
    gone.filter_map(|refund| amount::read(&refund["amount"]))
        .try_fold(amount::read(&capture["amount"])?, Money::minus)
}
