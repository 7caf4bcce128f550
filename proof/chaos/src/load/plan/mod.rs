//! What a client does next: a random command that makes sense for what it has at hand, or now and
//! then one that does not. Pure: choices come from the generator, and what is at hand from the
//! answers.

mod catalogue;
mod money;
mod order;
mod shop;

use fastrand::Rng;
use serde_json::Value;

use super::market::{Market, Order, Parcel, Payment, Return};
use crate::history::{Answer, Command};

/// Carts, orders and products of its own that a client keeps in mind.
const AT_HAND_MAX: usize = 10;

/// A cart, as a client knows it.
#[derive(Clone, Debug)]
struct Cart {
    id: String,
    version: Option<i64>,
    skus: Vec<String>,
}

/// A product of a client's own.
#[derive(Clone, Debug)]
struct Product {
    id: String,
    sku: String,
}

/// What an accepted command means for what is at hand.
#[derive(Clone, Debug)]
pub enum Then {
    /// Nothing.
    Nothing,
    /// There is a cart.
    Cart {
        /// Whether it is to be everybody's.
        shared: bool,
    },
    /// The cart holds a SKU.
    Line(String, String),
    /// The cart is an order, or given up.
    Closed(String),
    /// The order has a payment.
    Paying(String, Option<&'static str>),
    /// The order has a parcel.
    Sending(String),
    /// Units of a SKU of the order are to come back.
    Returning(String, String),
    /// The payment, a parcel or a return of the order came further.
    Step(String, String, &'static str),
    /// There is a product with this SKU.
    Product(String),
    /// The product is gone.
    Gone(String),
}

/// A command, and what follows from it.
pub type Plan = (Command, Then);

/// One client's memory and mind.
#[derive(Debug)]
pub struct Planner {
    client: usize,
    rng: Rng,
    /// For ids and nothing else, so that they differ between rounds of one seed.
    ids: Rng,
    asked: u64,
    carts: Vec<Cart>,
    orders: Vec<Order>,
    products: Vec<Product>,
}

impl Planner {
    /// A client's, from the seed of the round; `ids` must be new in each round.
    pub fn new(client: usize, seed: u64, ids: u64) -> Self {
        let of =
            |seed: u64| Rng::with_seed(seed.wrapping_mul(0x9e37_79b9).wrapping_add(client as u64));
        Self {
            client,
            rng: of(seed),
            ids: of(ids),
            asked: 0,
            carts: vec![],
            orders: vec![],
            products: vec![],
        }
    }

    /// The client's dice.
    pub fn rng(&mut self) -> &mut Rng {
        &mut self.rng
    }

    /// A command, and what follows if it is accepted.
    pub fn next(&mut self, market: &Market) -> Plan {
        match self.rng.u32(..100) {
            0..48 => self.shop(market),
            48..86 => self.handle_an_order(market),
            86..93 => self.stock(market),
            _ => self.catalogue(market),
        }
    }

    /// Takes what an accepted command came to into what is at hand.
    pub fn take(&mut self, then: Then, answer: &Answer, market: &Market) {
        let id = answer.id().unwrap_or_default().to_owned();
        match then {
            Then::Nothing => {}
            Then::Cart { shared: true } => market.share_cart(id),
            Then::Cart { shared: false } => {
                keep(&mut self.carts, Cart { id, version: answer.version(), skus: vec![] });
            }
            Then::Line(cart, sku) => {
                if let Some(cart) = self.carts.iter_mut().find(|known| known.id == cart) {
                    cart.version = answer.version();
                    cart.skus.push(sku);
                }
            }
            Then::Closed(cart) => {
                let closed = self.carts.iter().find(|known| known.id == cart);
                let skus = closed.map_or(vec![], |cart| cart.skus.clone());
                self.carts.retain(|known| known.id != cart);
                // The answer to a checkout speaks of the order; to a cart given up, of the cart.
                if id != cart {
                    let (parcels, returns) = (vec![], vec![]);
                    let order = Order { id, payment: None, parcels, returns, skus, steps: 0 };
                    if self.rng.u32(..4) == 0 {
                        market.share_order(order.clone());
                    }
                    keep(&mut self.orders, order);
                }
            }
            Then::Paying(order, token) => {
                let payment = Payment { id, token, step: "payment.start" };
                if let Some(order) = self.orders.iter_mut().find(|known| known.id == order) {
                    order.payment = Some(payment);
                    market.share_order(order.clone());
                }
            }
            Then::Sending(order) => {
                if let Some(order) = self.orders.iter_mut().find(|known| known.id == order) {
                    order.parcels.push(Parcel { id, step: "fulfilment.create" });
                }
            }
            Then::Returning(order, sku) => {
                if let Some(order) = self.orders.iter_mut().find(|known| known.id == order) {
                    order.returns.push(Return { id, sku, step: "return.request" });
                }
            }
            Then::Step(order, part, step) => {
                if let Some(order) = self.orders.iter_mut().find(|known| known.id == order) {
                    order.take(&part, step);
                }
            }
            Then::Product(sku) => keep(&mut self.products, Product { id, sku }),
            Then::Gone(product) => self.products.retain(|known| known.id != product),
        }
    }

    /// Takes a refusal into account: what is over is not at hand any more.
    pub fn forget(&mut self, command: &Command, code: &str) {
        let speaks_of = |id: &str| command.id.as_deref() == Some(id) || command.body.contains(id);
        match code {
            "cart_checked_out" | "cart_abandoned" => self.carts.retain(|cart| !speaks_of(&cart.id)),
            "order_cancelled" | "order_completed" => self.orders.retain(|order| {
                let paid = order.payment.as_ref().is_some_and(|payment| speaks_of(&payment.id));
                let sent = order.parcels.iter().any(|parcel| speaks_of(&parcel.id));
                // What was delivered may still come back.
                let delivered = code == "order_completed" && order.is_delivered();
                delivered || (!speaks_of(&order.id) && !paid && !sent)
            }),
            _ => {}
        }
    }

    fn command(
        &mut self,
        market: &Market,
        name: &'static str,
        id: Option<&str>,
        body: &Value,
    ) -> Command {
        self.asked += 1;
        Command {
            name,
            id: id.map(str::to_owned),
            sku: None,
            if_match: None,
            body: body.to_string(),
            key: format!("{}-{}-{}", market.tag, self.client, self.asked),
        }
    }
}

fn keep<T>(all: &mut Vec<T>, new: T) {
    if all.len() >= AT_HAND_MAX {
        all.remove(0);
    }
    all.push(new);
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::json;

    use super::*;
    use crate::load::market::uuid;
    use crate::load::route::ROUTES;

    /// Lets a client plan, with a server that accepts everything.
    fn plans(seed: u64, count: usize) -> Vec<Command> {
        let (market, _) = Market::stocked("t", &mut Rng::with_seed(1));
        let mut planner = Planner::new(3, seed, 9);
        let mut ids = Rng::with_seed(5);
        let mut all = Vec::with_capacity(count);
        for _ in 0..count {
            let (command, then) = planner.next(&market);
            let id = command.id.clone().filter(|_| command.name != "cart.checkout");
            let id = id.unwrap_or_else(|| uuid(&mut ids));
            let body = json!({"id": id, "version": 1, "position": 1});
            planner.take(
                then,
                &Answer { status: 200, body, replayed: false, log_id: None },
                &market,
            );
            all.push(command);
        }
        all
    }

    #[test]
    fn every_kind_of_command_is_asked_for() {
        let planned: BTreeSet<&str> = plans(1, 60_000).iter().map(|command| command.name).collect();
        let known: BTreeSet<&str> = ROUTES.iter().map(|(name, ..)| *name).collect();
        assert_eq!(planned, known);
        let offered: BTreeSet<&str> = command_api::routes::all().map(|route| route.name).collect();
        assert_eq!(planned, offered);
    }

    #[test]
    fn one_seed_makes_the_same_choices() {
        assert_eq!(plans(4, 500), plans(4, 500));
        assert_ne!(plans(4, 500), plans(5, 500));
    }
}
