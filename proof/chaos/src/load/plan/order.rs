//! Between an order and its end: money and parcels.

use serde_json::json;

use super::{Plan, Planner, Then};
use crate::load::market::{Market, Order, Parcel, Payment, price};

/// Commands after which a client turns to other orders.
const STEPS_MAX: u32 = 14;
/// Cards, the usual one most often.
const TOKENS: [&str; 8] = [
    "tok_success",
    "tok_success",
    "tok_success",
    "tok_timeout",
    "tok_timeout",
    "tok_decline",
    "tok_action",
    "tok_capture_decline",
];

impl Planner {
    /// Somewhere between an order and its end.
    pub(super) fn handle_an_order(&mut self, market: &Market) -> Plan {
        self.orders.retain(|order| order.steps < STEPS_MAX);
        let own = (!self.orders.is_empty()).then(|| self.rng.usize(..self.orders.len()));
        let shared = if self.rng.u32(..5) == 0 { market.shared_order(&mut self.rng) } else { None };
        let order = match (shared, own) {
            // Somebody else is at it: what comes of both at once is what this is for.
            (Some(order), _) => {
                return match order.payment.clone() {
                    Some(payment) => self.handle_money(market, &order, &payment),
                    None => self.pay(market, &order),
                };
            }
            (None, Some(number)) => {
                self.orders[number].steps += 1;
                self.orders[number].clone()
            }
            (None, None) => return self.shop(market),
        };
        match &order.payment {
            None => self.pay(market, &order),
            Some(Payment { id, token: Some("tok_action"), step: "payment.start" })
                if self.rng.bool() =>
            {
                let name = "payment.complete_action";
                let then = Then::Step(order.id.clone(), id.clone(), name);
                (self.command(market, name, Some(id), &json!({})), then)
            }
            Some(payment) => {
                let all_sent = !order.parcels.is_empty() && open(&order).next().is_none();
                if self.rng.u32(..10) < if all_sent { 8 } else { 2 } {
                    return self.handle_money(market, &order, payment);
                }
                self.send(market, &order)
            }
        }
    }

    fn pay(&mut self, market: &Market, order: &Order) -> Plan {
        if self.rng.u32(..12) == 0 {
            return self.cancel(market, order);
        }
        let token = (self.rng.u32(..10) < 7).then(|| TOKENS[self.rng.usize(..TOKENS.len())]);
        let mut body = json!({"order_id": order.id});
        match token {
            Some(token) => {
                body["method"] = json!("card");
                body["token"] = json!(token);
            }
            None => body["method"] = json!("cash_on_delivery"),
        }
        let start = self.command(market, "payment.start", None, &body);
        (start, Then::Paying(order.id.clone(), token))
    }

    fn cancel(&mut self, market: &Market, order: &Order) -> Plan {
        let body = json!({"reason": "changed their mind"});
        (self.command(market, "order.cancel", Some(&order.id), &body), Then::Nothing)
    }

    fn handle_money(&mut self, market: &Market, order: &Order, payment: &Payment) -> Plan {
        let amount = if self.rng.u32(..3) == 0 {
            json!({"amount": price(self.rng.u64(100..900))})
        } else {
            json!({})
        };
        let taken = ["payment.capture", "payment.refund"].contains(&payment.step);
        let (name, body) = match (payment.token, self.rng.u32(..20)) {
            (_, 0) => return self.cancel(market, order),
            (_, 1) => return self.pay(market, order),
            (Some(_), 2) => ("payment.void", json!({})),
            (Some(_), 3) => ("payment.complete_action", json!({})),
            (Some(_), 4) => ("payment.refund", amount),
            (Some(_), 5..12) if taken => ("payment.refund", amount),
            (Some(_), _) => ("payment.capture", amount),
            (None, 2..4) => ("payment.remit", json!({})),
            (None, _) if payment.step == "payment.collect" => ("payment.remit", json!({})),
            (None, _) => ("payment.collect", json!({})),
        };
        let then = Then::Step(order.id.clone(), payment.id.clone(), name);
        (self.command(market, name, Some(&payment.id), &body), then)
    }

    fn send(&mut self, market: &Market, order: &Order) -> Plan {
        let open: Vec<&Parcel> = open(order).collect();
        if open.is_empty() || self.rng.u32(..12) == 0 {
            let create = json!({"order_id": order.id});
            let create = self.command(market, "fulfilment.create", None, &create);
            return (create, Then::Sending(order.id.clone()));
        }
        let parcel = open[self.rng.usize(..open.len())];
        let dice = self.rng.u32(..20);
        let name = match (parcel.step, dice) {
            (_, 0) => {
                ["fulfilment.return", "fulfilment.fail", "fulfilment.pack"][self.rng.usize(..3)]
            }
            ("fulfilment.create" | "fulfilment.pack", 1..3) => "fulfilment.cancel",
            ("fulfilment.create", _) => "fulfilment.pack",
            ("fulfilment.pack", _) => "fulfilment.ship",
            ("fulfilment.fail", _) => "fulfilment.return",
            (_, 1..5) => "fulfilment.fail",
            _ => "fulfilment.deliver",
        };
        let body = match name {
            "fulfilment.fail" => json!({"reason": "nobody at home"}),
            "fulfilment.ship" => json!({"carrier": "DHL"}),
            _ => json!({}),
        };
        let then = Then::Step(order.id.clone(), parcel.id.clone(), name);
        (self.command(market, name, Some(&parcel.id), &body), then)
    }
}

/// Parcels that have not reached their end.
fn open(order: &Order) -> impl Iterator<Item = &Parcel> {
    let ended = ["fulfilment.deliver", "fulfilment.return", "fulfilment.cancel"];
    order.parcels.iter().filter(move |parcel| !ended.contains(&parcel.step))
}
