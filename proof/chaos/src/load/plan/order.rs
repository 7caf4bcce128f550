//! Between an order and its end: what is called off, sent and comes back. Its money is in `money`.

use serde_json::{Value, json};

use super::{Plan, Planner, Then};
use crate::load::market::{Market, Order, Parcel, Return, uuid};

/// Commands after which a client turns to other orders.
const STEPS_MAX: u32 = 18;
impl Planner {
    /// One of the client's orders; every other time the one that has come furthest, so that some
    /// come to their end.
    fn choose_own(&mut self) -> Option<usize> {
        let furthest = (0..self.orders.len()).max_by_key(|number| self.orders[*number].steps)?;
        Some(if self.rng.bool() { furthest } else { self.rng.usize(..self.orders.len()) })
    }

    /// Somewhere between an order and its end.
    pub(super) fn handle_an_order(&mut self, market: &Market) -> Plan {
        self.orders.retain(|order| order.steps < STEPS_MAX);
        let own = self.choose_own();
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
        if order.is_delivered() && self.rng.u32(..3) == 0 {
            return self.take_back(market, &order);
        }
        match &order.payment {
            None => self.pay(market, &order),
            Some(payment) if self.pays_again(payment) => self.pay(market, &order),
            Some(payment) if payment.token == Some("tok_action") && self.rng.bool() => {
                self.handle_money(market, &order, payment)
            }
            Some(_) if self.rng.u32(..12) == 0 => self.change(market, &order),
            Some(payment) => {
                let all_sent = !order.parcels.is_empty() && open(&order).next().is_none();
                if self.rng.u32(..10) < if all_sent { 8 } else { 2 } {
                    return self.handle_money(market, &order, payment);
                }
                self.send(market, &order)
            }
        }
    }

    /// Calls an order off, or some of it.
    pub(super) fn cancel(&mut self, market: &Market, order: &Order) -> Plan {
        let mut body = json!({"reason": "changed their mind"});
        if self.rng.bool() {
            body["lines"] = self.some_units(market, order);
        }
        (self.command(market, "order.cancel", Some(&order.id), &body), Then::Nothing)
    }

    /// Makes an order smaller, sends it elsewhere, or writes something about it.
    fn change(&mut self, market: &Market, order: &Order) -> Plan {
        let sku = self.sku_of(market, order);
        let (name, body) = match self.rng.u32(..6) {
            0 => return self.cancel(market, order),
            // The shop may not, however often it asks.
            4 => {
                let body = json!({"customer_id": uuid(&mut self.ids)});
                return (
                    self.command(market, "order.assign", Some(&order.id), &body),
                    Then::Nothing,
                );
            }
            1 => ("order.change_address", json!({"address_id": uuid(&mut self.ids)})),
            2 => ("order.remove_line", json!({})),
            5 => ("order.add_note", json!({"note": "called, will pick it up on Friday"})),
            _ => ("order.change_line", json!({"quantity": self.rng.u32(..3)})),
        };
        let mut command = self.command(market, name, Some(&order.id), &body);
        command.sku = name.ends_with("_line").then_some(sku);
        (command, Then::Nothing)
    }

    /// A SKU of the order, or any.
    fn sku_of(&mut self, market: &Market, order: &Order) -> String {
        if order.skus.is_empty() {
            return self.item(market).sku;
        }
        order.skus[self.rng.usize(..order.skus.len())].clone()
    }

    fn some_units(&mut self, market: &Market, order: &Order) -> Value {
        json!([{"sku": self.sku_of(market, order), "quantity": self.rng.u32(1..3)}])
    }

    /// What was delivered comes back, or is to.
    fn take_back(&mut self, market: &Market, order: &Order) -> Plan {
        let open = order.returns.iter().find(|back| !back.has_ended());
        let Some(Return { id, sku, step }) = open else {
            let sku = self.sku_of(market, order);
            let lines = json!([{"sku": sku, "quantity": 1}]);
            let body = json!({"order_id": order.id, "lines": lines, "reason": "does not fit"});
            let request = self.command(market, "return.request", None, &body);
            return (request, Then::Returning(order.id.clone(), sku));
        };
        let name = match (*step, self.rng.u32(..8)) {
            ("return.receive", 1..=3) => "return.correct_receipt",
            (_, 0) | ("return.receive" | "return.correct_receipt", _) => "return.close",
            ("return.request", 1) => "return.reject",
            ("return.request" | "return.approve", 2) => "return.withdraw",
            ("return.request", _) => "return.approve",
            _ => "return.receive",
        };
        let body = match name {
            "return.reject" => json!({"reason": "it was worn"}),
            "return.receive" if self.rng.u32(..4) == 0 => {
                json!({"lines": [{"sku": sku, "quantity": 1, "written_off": true}]})
            }
            "return.receive" => {
                let place = market.place(&mut self.rng);
                let mut body = json!({"lines": [{"sku": sku, "quantity": 1, "location": place}]});
                if self.rng.u32(..4) == 0 {
                    let amount = json!({"amount": "1.00", "currency": "EUR"});
                    body["withheld"] = json!({"amount": amount, "reason": "worn"});
                }
                body
            }
            // It lies elsewhere, or never came.
            "return.correct_receipt" => {
                let place = market.place(&mut self.rng);
                let mut lines = vec![json!({"sku": sku, "quantity": 1, "location": place})];
                lines.truncate(self.rng.usize(..2));
                json!({"lines": lines, "reason": "the clerk mistyped"})
            }
            _ => json!({}),
        };
        let then = Then::Step(order.id.clone(), id.clone(), name);
        (self.command(market, name, Some(id), &body), then)
    }

    fn send(&mut self, market: &Market, order: &Order) -> Plan {
        if let Some(wrong) = order.parcels.iter().find(|parcel| parcel.is_delivered())
            && self.rng.u32(..12) == 0
        {
            // It never came, or by a wrong button.
            let name = ["fulfilment.lose", "fulfilment.fail"][self.rng.usize(..2)];
            let then = Then::Step(order.id.clone(), wrong.id.clone(), name);
            let body = json!({"reason": "it was not handed over"});
            return (self.command(market, name, Some(&wrong.id), &body), then);
        }
        let open: Vec<&Parcel> = open(order).collect();
        if open.is_empty() || self.rng.u32(..12) == 0 {
            let mut create = json!({"order_id": order.id});
            if self.rng.u32(..3) == 0 {
                create["lines"] = self.some_units(market, order);
            }
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
            // It is tried once more, or sent back.
            ("fulfilment.fail", 1..8) => "fulfilment.deliver",
            ("fulfilment.fail", 8) => "fulfilment.lose",
            ("fulfilment.fail", _) => "fulfilment.return",
            (_, 1..5) => "fulfilment.fail",
            (_, 5) => "fulfilment.lose",
            _ => "fulfilment.deliver",
        };
        let body = match name {
            "fulfilment.fail" => json!({"reason": "nobody at home"}),
            "fulfilment.lose" => json!({"reason": "it never arrived"}),
            "fulfilment.ship" => json!({"carrier": "DHL"}),
            // It goes out again, in another parcel.
            "fulfilment.return" if self.rng.bool() => {
                json!({"location": market.place(&mut self.rng), "send_again": true})
            }
            _ => json!({}),
        };
        // Not all of it is taken at the door: the rest is as if nobody had.
        let (body, reached) = match (name, self.rng.u32(..4)) {
            ("fulfilment.deliver", 0) => {
                (json!({"lines": self.some_units(market, order)}), "fulfilment.fail")
            }
            _ => (body, name),
        };
        let then = Then::Step(order.id.clone(), parcel.id.clone(), reached);
        (self.command(market, name, Some(&parcel.id), &body), then)
    }
}

/// Parcels that have not reached their end.
fn open(order: &Order) -> impl Iterator<Item = &Parcel> {
    let ended = ["fulfilment.deliver", "fulfilment.return", "fulfilment.lose", "fulfilment.cancel"];
    order.parcels.iter().filter(move |parcel| !ended.contains(&parcel.step))
}

impl Order {
    /// Whether a parcel of it was delivered.
    pub(super) fn is_delivered(&self) -> bool {
        self.parcels.iter().any(Parcel::is_delivered)
    }

    /// A part of it took a command.
    pub(super) fn take(&mut self, part: &str, step: &'static str) {
        if let Some(payment) = self.payment.as_mut().filter(|payment| payment.id == part) {
            payment.step = step;
        }
        for parcel in self.parcels.iter_mut().filter(|parcel| parcel.id == part) {
            parcel.step = step;
        }
        for back in self.returns.iter_mut().filter(|back| back.id == part) {
            back.step = step;
        }
    }
}

impl Parcel {
    fn is_delivered(&self) -> bool {
        self.step == "fulfilment.deliver"
    }
}

impl Return {
    fn has_ended(&self) -> bool {
        ["return.reject", "return.withdraw", "return.close"].contains(&self.step)
    }
}
