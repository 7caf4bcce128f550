//! The money of an order: one payment after the other, until one of them does.

use serde_json::json;

use super::{Plan, Planner, Then};
use crate::load::market::{Market, Order, Payment, price};

/// Cards and their gateways, the usual one most often: the sandbox, and the stand-in of Stripe.
const CARDS: [(&str, &str); 16] = [
    ("sandbox", "tok_success"),
    ("sandbox", "tok_success"),
    ("sandbox", "tok_success"),
    ("sandbox", "tok_timeout"),
    ("sandbox", "tok_timeout"),
    ("sandbox", "tok_decline"),
    ("sandbox", "tok_action"),
    ("sandbox", "tok_capture_decline"),
    ("sandbox", "tok_refund_decline"),
    ("stripe", "pm_card_visa"),
    ("stripe", "pm_card_visa"),
    ("stripe", "pm_card_visa"),
    ("stripe", "pm_card_visa"),
    ("stripe", "pm_card_visa"),
    ("stripe", "pm_card_visa"),
    ("stripe", "pm_card_visa_chargeDeclined"),
];
/// Those with which nothing is paid.
const DECLINED: [&str; 2] = ["tok_decline", "pm_card_visa_chargeDeclined"];
/// When money is taken, the usual way most often: by nobody's wish.
const CAPTURES: [Option<&str>; 4] = [None, None, Some("at_once"), Some("by_hand")];
/// Why a client gives money back. What the engine gives back by itself has no reason.
const GOODWILL: &str = "with our apologies";

impl Planner {
    /// Begins to pay an order, for the first time or after another way was of no use.
    pub(super) fn pay(&mut self, market: &Market, order: &Order) -> Plan {
        if self.rng.u32(..12) == 0 {
            return self.cancel(market, order);
        }
        let card = (self.rng.u32(..10) < 7).then(|| CARDS[self.rng.usize(..CARDS.len())]);
        let mut body = json!({"order_id": order.id});
        match card {
            Some((gateway, token)) => {
                body["method"] = json!("card");
                body["gateway"] = json!(gateway);
                body["token"] = json!(token);
                if let Some(capture) = CAPTURES[self.rng.usize(..CAPTURES.len())] {
                    body["capture"] = json!(capture);
                }
            }
            None => body["method"] = json!("cash_on_delivery"),
        }
        let start = self.command(market, "payment.start", None, &body);
        (start, Then::Paying(order.id.clone(), card.map(|(_, token)| token)))
    }

    /// Whether another payment is due: nothing comes of the one there is, as far as is known.
    pub(super) fn pays_again(&mut self, payment: &Payment) -> bool {
        let ended = ["payment.abort", "payment.void", "payment.uncollect"].contains(&payment.step);
        let declined = payment.token.is_some_and(|token| DECLINED.contains(&token));
        (ended || declined) && self.rng.u32(..10) < 7
    }

    pub(super) fn handle_money(
        &mut self,
        market: &Market,
        order: &Order,
        payment: &Payment,
    ) -> Plan {
        let amount = if self.rng.u32(..3) == 0 {
            json!({"amount": price(self.rng.u64(100..900))})
        } else {
            json!({})
        };
        let mut refund = amount.clone();
        refund["reason"] = json!(GOODWILL);
        let mut by_hand = refund.clone();
        by_hand["by_hand"] = json!(true);
        let typed = price(self.rng.u64(0..900));
        let typed = json!({"amount": typed, "reason": "the desk typed another"});
        let taken = ["payment.capture", "payment.refund"].contains(&payment.step);
        let at_the_bank = payment.token == Some("tok_action");
        let (name, body) = match (payment.token, self.rng.u32(..24)) {
            (_, 0) => return self.cancel(market, order),
            (_, 1) => return self.pay(market, order),
            (Some(_), 2) => ("payment.void", json!({})),
            (Some(_), 3) => ("payment.resolve", unknown()),
            (Some(_), dice @ 4..14) if dice == 4 || at_the_bank => {
                ("payment.complete_action", json!({}))
            }
            (Some(_), dice @ 5..17) if dice == 5 || at_the_bank => ("payment.abort", json!({})),
            (Some(_), 14) if taken => ("payment.refund", by_hand),
            (Some(_), 15) if payment.step == "payment.refund" => ("payment.correct_refund", typed),
            (Some(_), dice @ 6..14) if dice == 6 || taken => ("payment.refund", refund),
            (Some(_), _) => ("payment.capture", amount),
            (None, 2) => ("payment.uncollect", json!({"reason": "would not pay"})),
            (None, 3..5) => ("payment.remit", amount),
            (None, 5) => ("payment.refund", refund),
            (None, 6) => match payment.step {
                "payment.remit" => ("payment.correct_remittance", typed),
                "payment.refund" => ("payment.correct_refund", typed),
                _ => ("payment.correct_collection", typed),
            },
            (None, _) if payment.step == "payment.collect" => ("payment.remit", amount),
            (None, _) => ("payment.collect", amount),
        };
        let then = Then::Step(order.id.clone(), payment.id.clone(), name);
        (self.command(market, name, Some(&payment.id), &body), then)
    }
}

/// What a person found out who did not look properly: refused whatever was asked, for it would be a
/// lie as often as not.
fn unknown() -> serde_json::Value {
    json!({"request": 1, "outcome": "done", "note": "it must have gone through"})
}
