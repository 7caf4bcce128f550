//! An order as the commands that would have made it, at the times they would have been given.

use chrono::{DateTime, TimeDelta, Utc};
use domain::command::product as products;
use domain::command::{cart, fulfilment, payment, stock};
use domain::order::{PaymentMethod, Units};
use domain::payment::CapturePolicy;
use domain::product::{Details, VariantSet};
use domain::text::Note;
use domain::{Command, Location, Money, ProductId, Quantity};
use event_store::Request;

use super::history::{Departure, PastLine, PastOrder, Product};
use crate::ids;
use crate::pipeline::Origin;

/// How long the units of an old order stay reserved until the next command pays for it. Long, so
/// that a shop that is running meanwhile does not find it overdue.
const RESERVED: TimeDelta = TimeDelta::days(100 * 365);

/// What sells a product's SKU in the catalogue.
#[derive(Clone, Debug)]
pub struct Offer {
    /// The product.
    pub product_id: ProductId,
    /// The variant as it is there, if it is.
    pub variant: Option<VariantSet>,
}

impl Offer {
    /// The variant at the price an order paid; its prices in other currencies stay.
    fn at(&self, product: &Product, price: Money) -> VariantSet {
        let bare = || VariantSet {
            sku: product.sku.clone(),
            title: None,
            options: domain::Options::default(),
            prices: vec![],
            barcode: None,
        };
        let mut variant = self.variant.clone().unwrap_or_else(bare);
        variant.prices.retain(|other| other.currency() != price.currency());
        variant.prices.push(price);
        variant
    }
}

/// How an old order is paid: the shop was paid long ago, and no gateway is asked.
fn on_delivery() -> payment::Start {
    payment::Start {
        method: PaymentMethod::CashOnDelivery,
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
    /// It was placed.
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
    pub products: &'a [Product],
    /// What sells each of them.
    pub offers: &'a [Offer],
    /// Where units are received.
    pub location: &'a Location,
}

/// The key of an order's first command: it tells what the order was imported as.
pub fn first_key(order: &PastOrder) -> String {
    format!("import:order:{}:open:{}", order.id, order.fingerprint)
}

impl Replay<'_> {
    /// The commands of a happening, to be decided in this order. `introduced` says which products
    /// were brought in before, and is kept up.
    pub fn commands(
        &self,
        happening: Happening,
        introduced: &mut [bool],
    ) -> Vec<(Origin, Request)> {
        match happening {
            Happening::Placed => self.placed(introduced),
            Happening::Left(number) => self.left(number),
        }
    }

    fn placed(&self, introduced: &mut [bool]) -> Vec<(Origin, Request)> {
        let PastOrder { id, at, customer, currency, lines, .. } = self.order;
        let cart_id = ids::cart(*id);
        let mut commands = Vec::with_capacity(5 * lines.len() + 3);
        let open = cart::Command::Create { currency: *currency, customer_id: *customer };
        let mut open = self.request("", *at, Command::Cart(cart_id, open));
        open.key = Some(first_key(self.order));
        commands.push((self.origin(None), open));
        for line in lines {
            let is_new = !std::mem::replace(&mut introduced[line.product], true);
            self.line(line, is_new, &mut commands);
        }
        let (order_id, reserved_until) = (*id, *at + RESERVED);
        let check_out = cart::Command::CheckOut { order_id, reserved_until, address_id: None };
        let check_out = self.request("check_out", *at, Command::Cart(cart_id, check_out));
        commands.push((self.origin(None), check_out));
        if self.order.is_free() {
            return commands;
        }
        let pay = payment::Command::Start { order_id: *id, start: on_delivery() };
        let pay = self.request("pay", *at, Command::Payment(ids::payment(*id), pay));
        commands.push((self.origin(None), pay));
        commands
    }

    /// The product brought in if it is new, its price set to what was paid, the units received and
    /// put into the cart: nothing of another order comes between, so the price holds.
    fn line(&self, line: &PastLine, is_new: bool, commands: &mut Vec<(Origin, Request)>) {
        let at = self.order.at;
        let (product, offer) = (&self.products[line.product], &self.offers[line.product]);
        let sku = product.sku.clone();
        let origin = self.origin(Some(line.first));
        let variant = offer.at(product, line.unit_price);
        if is_new && offer.product_id == product.id {
            let details = Details {
                title: product.title.clone(),
                description: None,
                brand: None,
                category: product.category.clone(),
                attributes: std::collections::BTreeMap::new(),
                media: vec![],
            };
            let create = products::Command::Create { details, variants: vec![variant.clone()] };
            commands.push((origin, self.once(product.id, "create", create)));
            commands.push((origin, self.once(product.id, "publish", products::Command::Publish)));
        }
        let step =
            |step: &str, command| (origin, self.request(&format!("{step}:{sku}"), at, command));
        let set_price = products::Command::SetVariant(variant);
        commands.push(step("price", Command::Product(offer.product_id, set_price)));
        let receive = stock::Command::Receive {
            location: self.location.clone(),
            quantity: line.quantity,
            reference: "order history".parse::<Note>().ok(),
        };
        commands.push(step("receive", Command::Stock(sku.clone(), receive)));
        let add = cart::Command::AddLine { sku: sku.clone(), quantity: line.quantity };
        commands.push(step("add", Command::Cart(ids::cart(self.order.id), add)));
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
            ("deliver", fulfilment::Command::Deliver),
        ];
        let mut commands: Vec<(Origin, Request)> = Vec::with_capacity(steps.len() + 1);
        for (step, command) in steps {
            let command = Command::Fulfilment(parcel_id, command);
            let request = self.request(&format!("{step}:{number}"), *at, command);
            commands.push((self.origin(None), request));
        }
        if !is_open && number + 1 == departures.len() && !self.order.is_free() {
            let collect = payment::Command::Collect { amount: None };
            let collect = Command::Payment(ids::payment(id), collect);
            commands.push((self.origin(None), self.request("collect", *at, collect)));
        }
        commands
    }

    fn origin(&self, line: Option<u64>) -> Origin {
        Origin { item: self.item, line }
    }

    /// A command of this order alone.
    fn request(&self, step: &str, at: DateTime<Utc>, command: Command) -> Request {
        Request {
            key: Some(format!("import:order:{}:{step}", self.order.id)),
            fingerprint: self.order.fingerprint,
            actor: Some(crate::ACTOR.to_owned()),
            correlation_id: Some(self.order.id.0),
            ..Request::new(command, at)
        }
    }

    /// A command that takes effect once for a product, whichever order or file comes first.
    fn once(&self, id: ProductId, step: &str, command: products::Command) -> Request {
        let key = format!("import:history:{id}:{step}");
        let mut request = self.request("", self.order.at, Command::Product(id, command));
        request.fingerprint = ids::fingerprint(&key);
        request.key = Some(key);
        request
    }
}
