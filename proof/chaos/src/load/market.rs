//! What a round has on sale, and what its clients share with each other.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::ensure;
use fastrand::Rng;
use futures::future::join_all;
use serde_json::{Value, json};

use super::ask::until_answered;
use super::send::Sender;
use crate::history::{Answer, Asked, Command};

/// Products on sale, two variants each.
const PRODUCTS: usize = 12;
/// Of those, in which the first variant is scarce: everybody wants it.
const SCARCE_PRODUCTS: usize = 2;
/// Units of a scarce SKU when the round begins, and of any other, at each of two places.
const SCARCE_UNITS: u32 = 4;
const UNITS: u32 = 20_000;
/// Carts and orders that clients share.
const SHARED_MAX: usize = 24;

/// A SKU on sale.
#[derive(Clone, Debug)]
pub struct Item {
    /// Its product.
    pub product: String,
    /// Its name.
    pub sku: String,
}

/// What is on sale, and what is shared.
#[derive(Debug)]
pub struct Market {
    /// What keys, SKUs and titles of the round begin with.
    pub tag: String,
    /// Where stock is kept.
    pub places: [String; 2],
    /// SKUs of which there are too few.
    pub scarce: Vec<Item>,
    /// SKUs of which there are enough.
    pub plenty: Vec<Item>,
    carts: Mutex<VecDeque<String>>,
    orders: Mutex<VecDeque<Order>>,
}

/// An order, as a client knows it.
#[derive(Clone, Debug)]
pub struct Order {
    /// Its id.
    pub id: String,
    /// The latest payment somebody began.
    pub payment: Option<Payment>,
    /// Its parcels.
    pub parcels: Vec<Parcel>,
    /// What comes back of it.
    pub returns: Vec<Return>,
    /// SKUs that it was made of, as far as its holder knows.
    pub skus: Vec<String>,
    /// Commands its holder has spent on it.
    pub steps: u32,
}

/// A payment, as a client knows it.
#[derive(Clone, Debug)]
pub struct Payment {
    /// Its id.
    pub id: String,
    /// The card's token; none for cash.
    pub token: Option<&'static str>,
    /// The last command it took.
    pub step: &'static str,
}

/// A parcel, as a client knows it.
#[derive(Clone, Debug)]
pub struct Parcel {
    /// Its id.
    pub id: String,
    /// The last command it took.
    pub step: &'static str,
}

/// A return, as a client knows it.
#[derive(Clone, Debug)]
pub struct Return {
    /// Its id.
    pub id: String,
    /// The SKU that comes back.
    pub sku: String,
    /// The last command it took.
    pub step: &'static str,
}

impl Market {
    /// Puts the products of a round on sale. Returns what was asked for it.
    ///
    /// # Errors
    /// A product is not accepted.
    pub async fn open(
        tag: &str,
        rng: &mut Rng,
        sender: &Sender,
    ) -> anyhow::Result<(Self, Vec<Asked>)> {
        let (market, products) = Self::stocked(tag, rng);
        let asked = products.into_iter().map(async |commands| {
            let mut asked = Vec::new();
            for command in commands {
                asked.push(until_answered(sender, usize::MAX, command, Rng::with_seed(0)).await);
            }
            asked
        });
        let mut all = Vec::new();
        for command in locations(tag) {
            all.push(until_answered(sender, usize::MAX, command, Rng::with_seed(0)).await);
        }
        all.extend(join_all(asked).await.into_iter().flatten());
        for asked in &all {
            ensure!(asked.answer().is_some_and(Answer::is_accepted), "not on sale: {asked:?}");
        }
        Ok((market, all))
    }

    /// What is on sale, and for each product the commands that bring it there.
    pub fn stocked(tag: &str, rng: &mut Rng) -> (Self, Vec<Vec<Command>>) {
        let mut market = Self {
            tag: tag.to_owned(),
            places: places(tag),
            scarce: vec![],
            plenty: vec![],
            carts: Mutex::default(),
            orders: Mutex::default(),
        };
        let mut products = Vec::new();
        for number in 0..PRODUCTS {
            let product = uuid(rng);
            let skus = [0, 1].map(|variant| format!("{tag}-P{number}-V{variant}"));
            for (variant, sku) in skus.iter().enumerate() {
                let item = Item { product: product.clone(), sku: sku.clone() };
                let scarce = is_scarce(number, variant);
                if scarce { &mut market.scarce } else { &mut market.plenty }.push(item);
            }
            products.push(commands(tag, number, &product, &skus));
        }
        (market, products)
    }

    /// One of the places.
    pub fn place(&self, rng: &mut Rng) -> &str {
        &self.places[rng.usize(..self.places.len())]
    }

    /// A cart of everybody's.
    pub fn shared_cart(&self, rng: &mut Rng) -> Option<String> {
        pick(&lock(&self.carts), rng)
    }

    /// Makes a cart everybody's.
    pub fn share_cart(&self, cart: String) {
        push(&mut lock(&self.carts), cart);
    }

    /// An order of everybody's.
    pub fn shared_order(&self, rng: &mut Rng) -> Option<Order> {
        pick(&lock(&self.orders), rng)
    }

    /// Makes an order everybody's.
    pub fn share_order(&self, order: Order) {
        push(&mut lock(&self.orders), order);
    }
}

/// Whether everybody wants this variant of the product.
fn is_scarce(product: usize, variant: usize) -> bool {
    product < SCARCE_PRODUCTS && variant == 0
}

/// What makes the places known where stock is kept.
pub fn locations(tag: &str) -> Vec<Command> {
    let set = |place: String| Command {
        name: "location.set",
        sku: None,
        if_match: None,
        body: json!({"sellable": true}).to_string(),
        key: format!("{tag}-open-{place}"),
        id: Some(place),
    };
    places(tag).into_iter().map(set).collect()
}

/// What puts a product on sale.
fn commands(tag: &str, number: usize, product: &str, skus: &[String; 2]) -> Vec<Command> {
    let variant = |sku: &str| json!({"sku": sku, "prices": [price(500 + 10 * number as u64)]});
    let create = json!({
        "id": product, "title": format!("{tag} product {number}"), "brand": tag,
        "category": ["Chaos", format!("Shelf {}", number % 4)],
        "variants": [variant(&skus[0]), variant(&skus[1])],
    });
    let command = |name, id: Option<&str>, step: String, body: &Value| Command {
        name,
        id: id.map(str::to_owned),
        sku: None,
        if_match: None,
        body: body.to_string(),
        key: format!("{tag}-open-{number}-{step}"),
    };
    let mut all = vec![
        command("product.create", None, "create".to_owned(), &create),
        command("product.publish", Some(product), "publish".to_owned(), &json!({})),
    ];
    for (variant, sku) in skus.iter().enumerate() {
        let scarce = is_scarce(number, variant);
        for place in places(tag) {
            let quantity = if scarce { SCARCE_UNITS } else { UNITS };
            let body = json!({"location": place, "quantity": quantity, "reference": tag});
            all.push(command("stock.receive", Some(sku), format!("{variant}-{place}"), &body));
        }
    }
    all
}

/// Where stock is kept: places of the round's own, so that all that happened to them is its doing.
fn places(tag: &str) -> [String; 2] {
    ["east", "west"].map(|place| format!("{tag}-{place}"))
}

/// Money as it stands in JSON: an amount in cents.
pub fn price(cents: u64) -> Value {
    json!({"amount": format!("{}.{:02}", cents / 100, cents % 100), "currency": "EUR"})
}

/// A random id that comes from the seed.
pub fn uuid(rng: &mut Rng) -> String {
    uuid::Builder::from_random_bytes(rng.u128(..).to_be_bytes()).into_uuid().to_string()
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    // Whoever panicked with it left a list of ids, which is never half a list.
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

fn pick<T: Clone>(all: &VecDeque<T>, rng: &mut Rng) -> Option<T> {
    (!all.is_empty()).then(|| all[rng.usize(..all.len())].clone())
}

fn push<T>(all: &mut VecDeque<T>, new: T) {
    if all.len() >= SHARED_MAX {
        all.pop_front();
    }
    all.push_back(new);
}
