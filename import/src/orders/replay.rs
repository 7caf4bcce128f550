//! An order as the commands that record it, at the times of which the file tells. Catalogue, carts
//! and stock hear nothing of it: prices and units of today are none of an old order's business.

use chrono::{DateTime, Utc};
use domain::Command;
use domain::command::{fulfilment, order, payment};
use domain::order::{Line, PaymentMethod, Recording, Units};
use domain::payment::CapturePolicy;
use domain::{Options, ProductId, Quantity};
use event_store::Request;

use super::history::{Departure, PastLine, PastOrder, SoldProduct};
use crate::ids;
use crate::pipeline::Origin;

/// How an old order was paid: no gateway of this shop knows of it.
fn elsewhere() -> payment::Start {
    payment::Start {
        method: PaymentMethod::External,
        gateway: None,
        token: None,
        capture: CapturePolicy::ByHand,
        once: false,
        return_url: None,
    }
}

/// One thing that happened to an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Happening {
    /// It was placed, and paid.
    Placed,
    /// Its parcel of this number left and arrived.
    Left(usize),
}

/// The commands of one order.
pub struct Replay<'a> {
    /// Which one, in the file.
    pub item: usize,
    /// The order.
    pub order: &'a PastOrder,
    /// All products.
    pub products: &'a [SoldProduct],
    /// The product that sells each SKU today, or the one it had.
    pub sellers: &'a [ProductId],
}

/// The key of an order's first command: it tells what the order was imported as.
pub fn first_key(order: &PastOrder) -> String {
    key(order, &format!("record:{}", order.fingerprint))
}

fn key(order: &PastOrder, step: &str) -> String {
    format!("import:order:{}:{step}", order.id)
}

impl Replay<'_> {
    /// The commands of a happening, to be decided in this order.
    pub fn commands(&self, happening: Happening) -> Vec<(Origin, Request)> {
        match happening {
            Happening::Placed => self.placed(),
            Happening::Left(number) => self.left(number),
        }
    }

    fn placed(&self) -> Vec<(Origin, Request)> {
        let PastOrder { id, at, customer, address, lines, .. } = self.order;
        let lines = lines.iter().map(|line| self.line(line)).collect();
        let recording = Recording { customer_id: *customer, address_id: *address, lines, at: *at };
        let record = Command::Order(*id, order::Command::Record(recording));
        let mut commands = vec![self.request(first_key(self.order), *at, record)];
        if !self.order.is_free() {
            let start = payment::Command::Start { order_id: *id, start: elsewhere() };
            let collect = payment::Command::Collect { amount: None, at: *at };
            for (step, command) in [("pay", start), ("collect", collect)] {
                let command = Command::Payment(ids::payment(*id), command);
                commands.push(self.request(key(self.order, step), *at, command));
            }
        }
        commands
    }

    fn line(&self, line: &PastLine) -> Line {
        let product = &self.products[line.product];
        Line {
            sku: product.sku.clone(),
            product_id: self.sellers[line.product],
            title: product.title.clone(),
            variant_title: None,
            options: Options::default(),
            quantity: line.quantity,
            unit_price: line.unit_price,
            total: line.total,
        }
    }

    fn left(&self, number: usize) -> Vec<(Origin, Request)> {
        let id = self.order.id;
        let PastOrder { departures, is_open, .. } = self.order;
        let Some(Departure { at, units: left }) = departures.get(number) else { return vec![] };
        let parcel_id = ids::fulfilment(id, number);
        // One parcel with everything is asked for as such: whatever the order came to have.
        let is_all = departures.len() == 1 && !is_open;
        let units = |(line, quantity): &(usize, Quantity)| {
            let sku = self.products[self.order.lines[*line].product].sku.clone();
            Units { sku, quantity: *quantity }
        };
        let lines = if is_all { vec![] } else { left.iter().map(units).collect() };
        let steps = [
            ("create", fulfilment::Command::Create { order_id: id, lines, location: None }),
            ("pack", fulfilment::Command::Pack),
            ("ship", fulfilment::Command::Ship { carrier: None, tracking: None }),
            ("deliver", fulfilment::Command::Deliver { lines: vec![] }),
        ];
        let request = |(step, command)| {
            let command = Command::Fulfilment(parcel_id, command);
            self.request(key(self.order, &format!("{step}:{number}")), *at, command)
        };
        steps.map(request).into()
    }

    fn request(&self, key: String, at: DateTime<Utc>, command: Command) -> (Origin, Request) {
        let request = Request {
            key: Some(key),
            fingerprint: self.order.fingerprint,
            actor: Some(crate::ACTOR.to_owned()),
            correlation_id: Some(self.order.id.0),
            ..Request::new(command, at)
        };
        (Origin { item: self.item, line: None }, request)
    }
}
