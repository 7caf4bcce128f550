//! What the warehouse counts, and what the catalogue offers at which price.

use serde_json::json;

use super::{Plan, Planner, Product, Then};
use crate::load::market::{Item, Market, price, uuid};

impl Planner {
    pub(super) fn stock(&mut self, market: &Market) -> Plan {
        let scarce = self.rng.u32(..4) == 0;
        let from = if scarce { &market.scarce } else { &market.plenty };
        let sku = from[self.rng.usize(..from.len())].sku.clone();
        let place = market.place(&mut self.rng);
        if self.rng.u32(..20) == 0 {
            return self.settings(market, &sku, place);
        }
        let (name, body) = match self.rng.u32(..10) {
            0..6 => {
                let quantity = if scarce { self.rng.u32(1..5) } else { self.rng.u32(1..200) };
                ("stock.receive", json!({"location": place, "quantity": quantity}))
            }
            6 => {
                let from = [place, "returns"][self.rng.usize(..2)];
                let to = market.places.iter().find(|to| *to != from);
                let quantity = self.rng.u32(1..4);
                ("stock.transfer", json!({"from": from, "to": to, "quantity": quantity}))
            }
            7 if scarce => {
                ("stock.count", json!({"location": place, "on_hand": self.rng.u32(2..8)}))
            }
            _ => {
                let delta = [-3, -2, -1, 1, 2][self.rng.usize(..5)];
                ("stock.adjust", json!({"location": place, "delta": delta, "reason": "counted"}))
            }
        };
        let mut command = self.command(market, name, Some(&sku), &body);
        let may_match = matches!(name, "stock.receive" | "stock.adjust");
        if may_match && self.rng.u32(..20) == 0 {
            command.if_match = Some(self.rng.i64(1..40));
        }
        (command, Then::Nothing)
    }

    /// What is said of a location, and of the stock of a SKU: of the latter what is so already, for
    /// the book of stock knows no thresholds and no backorders yet.
    fn settings(&mut self, market: &Market, sku: &str, place: &str) -> Plan {
        let (name, id, body) = match self.rng.u32(..3) {
            0 => {
                let name = ["North", "South"][self.rng.usize(..2)];
                ("location.set", place, json!({"sellable": true, "name": name}))
            }
            1 => ("stock.set_policy", sku, json!({"backorder_max": 0})),
            _ => ("stock.set_threshold", sku, json!({"threshold": null})),
        };
        (self.command(market, name, Some(id), &body), Then::Nothing)
    }

    pub(super) fn catalogue(&mut self, market: &Market) -> Plan {
        let dice = self.rng.u32(..100);
        if dice < 12 {
            return self.reprice(market);
        }
        let own = (!self.products.is_empty()).then(|| self.rng.usize(..self.products.len()));
        let Some(own) = own.filter(|_| dice < 85) else { return self.create_product(market) };
        let Product { id, sku } = self.products[own].clone();
        let id = Some(id.as_str());
        let second = format!("{sku}-B");
        match dice {
            12..45 => (self.command(market, "product.publish", id, &json!({})), Then::Nothing),
            45..60 => {
                let title = format!("{} renamed {}", market.tag, self.rng.u32(..1_000));
                let body = json!({"title": title, "brand": null});
                (self.command(market, "product.change", id, &body), Then::Nothing)
            }
            60..70 => {
                let body = json!({"prices": [price(self.rng.u64(100..9_000))]});
                let mut set = self.command(market, "product.set_variant", id, &body);
                set.sku = Some(second);
                (set, Then::Nothing)
            }
            70..73 => (self.command(market, "product.unpublish", id, &json!({})), Then::Nothing),
            73..76 => (self.command(market, "product.restore", id, &json!({})), Then::Nothing),
            76..80 => {
                let of = |name, value| json!({"name": name, "value": value});
                let options = [of("Size", "M"), of("Colour", "red")];
                let body = json!({"options": options, "barcode": null});
                let mut change = self.command(market, "product.change_variant", id, &body);
                change.sku = Some(second);
                (change, Then::Nothing)
            }
            80..83 => {
                let mut remove = self.command(market, "product.remove_variant", id, &json!({}));
                remove.sku = Some(second);
                (remove, Then::Nothing)
            }
            _ => {
                let skus = if self.rng.bool() { "keep" } else { "free" };
                let body = json!({"skus": skus});
                let archive = self.command(market, "product.archive", id, &body);
                let gone = archive.id.clone().filter(|_| skus == "free");
                (archive, gone.map_or(Then::Nothing, Then::Gone))
            }
        }
    }

    /// Another price for something on sale: carts that saw the old one are told at checkout.
    fn reprice(&mut self, market: &Market) -> Plan {
        let Item { product, sku } = self.item(market);
        if self.rng.u32(..5) == 0 {
            let body = json!({"description": format!("Seen {} times", self.rng.u32(..1_000))});
            return (self.command(market, "product.change", Some(&product), &body), Then::Nothing);
        }
        let body = json!({"prices": [price(self.rng.u64(400..900))]});
        let names = ["product.set_variant", "product.set_prices", "product.change_variant"];
        let name = names[self.rng.usize(..names.len())];
        let mut set = self.command(market, name, Some(&product), &body);
        set.sku = Some(sku);
        (set, Then::Nothing)
    }

    fn create_product(&mut self, market: &Market) -> Plan {
        let sku = format!("{}-C{}-{}", market.tag, self.client, self.asked);
        let material = ["wool", "felt", "cork"][self.rng.usize(..3)];
        let body = json!({
            "id": uuid(&mut self.ids), "title": format!("{} extra {}", market.tag, self.asked),
            "brand": "Extra", "category": ["Chaos", "Extra"],
            "attributes": {"material": material},
            "variants": [{"sku": sku, "prices": [price(self.rng.u64(100..9_000))]}],
        });
        (self.command(market, "product.create", None, &body), Then::Product(sku))
    }
}
