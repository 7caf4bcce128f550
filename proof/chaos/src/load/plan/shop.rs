//! Between a cart and its checkout, alone or with others at the same cart.

use serde_json::json;

use super::{Cart, Plan, Planner, Then};
use crate::load::market::{Item, Market, uuid};

impl Planner {
    /// Somewhere between a cart and its checkout.
    pub(super) fn shop(&mut self, market: &Market) -> Plan {
        let own = (!self.carts.is_empty()).then(|| self.rng.usize(..self.carts.len()));
        let shared = if self.rng.u32(..10) < 3 { market.shared_cart(&mut self.rng) } else { None };
        let cart = match (shared, own) {
            (Some(id), _) => {
                let sku = self.item(market).sku;
                Cart { id, version: None, skus: vec![sku] }
            }
            (None, Some(number)) if self.rng.u32(..10) < 9 => self.carts[number].clone(),
            (None, _) => return self.open_cart(market),
        };
        let dice = self.rng.u32(..100);
        let known = cart.skus.last().cloned();
        let mut plan = match (dice, known) {
            (95.., _) => {
                let abandon = self.command(market, "cart.abandon", Some(&cart.id), &json!({}));
                (abandon, Then::Closed(cart.id.clone()))
            }
            (93..95, _) => {
                let customer = uuid::Uuid::from_u128(self.rng.u128(1..3));
                let body = json!({"customer_id": customer});
                (self.command(market, "cart.assign", Some(&cart.id), &body), Then::Nothing)
            }
            (91..93, _) => {
                // Now and then into itself.
                let from = own.map_or(&cart.id, |number| &self.carts[number].id);
                let body = json!({"from": from});
                (self.command(market, "cart.merge", Some(&cart.id), &body), Then::Nothing)
            }
            (90..91, _) => {
                // As often as not of a cart whose order others have called off by now.
                let reopen = self.command(market, "cart.reopen", Some(&cart.id), &json!({}));
                (reopen, Then::Nothing)
            }
            (62..90, Some(_)) => self.check_out(market, &cart.id),
            (50..62, Some(sku)) => {
                let body = json!({"quantity": self.rng.u32(1..4)});
                let mut change = self.command(market, "cart.change_line", Some(&cart.id), &body);
                change.sku = Some(sku);
                (change, Then::Nothing)
            }
            (42..50, Some(sku)) => {
                let mut remove =
                    self.command(market, "cart.remove_line", Some(&cart.id), &json!({}));
                remove.sku = Some(sku);
                (remove, Then::Nothing)
            }
            _ => {
                let sku = self.item(market).sku;
                let body = json!({"sku": sku, "quantity": self.rng.u32(1..4)});
                let add = self.command(market, "cart.add_line", Some(&cart.id), &body);
                (add, Then::Line(cart.id.clone(), sku))
            }
        };
        if self.rng.u32(..10) == 0 && plan.0.id.as_deref() == Some(cart.id.as_str()) {
            // What it last saw, or what anybody might have.
            plan.0.if_match = Some(cart.version.unwrap_or(self.rng.i64(1..6)));
        }
        plan
    }

    pub(super) fn item(&mut self, market: &Market) -> Item {
        let from = if self.rng.u32(..5) < 2 { &market.scarce } else { &market.plenty };
        from[self.rng.usize(..from.len())].clone()
    }

    fn open_cart(&mut self, market: &Market) -> Plan {
        let mut body = json!({"currency": "EUR"});
        if self.rng.bool() {
            body["id"] = json!(uuid(&mut self.ids));
        }
        let shared = self.rng.u32(..4) == 0;
        (self.command(market, "cart.create", None, &body), Then::Cart { shared })
    }

    fn check_out(&mut self, market: &Market, cart: &str) -> Plan {
        let mut body = json!({});
        if self.rng.bool() {
            body["order_id"] = json!(uuid(&mut self.ids));
        }
        let command = self.command(market, "cart.checkout", Some(cart), &body);
        (command, Then::Closed(cart.to_owned()))
    }
}
