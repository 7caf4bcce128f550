//! The shop as a storefront and a back office see it: who buys, who works there, and whose is what.
//! What is somebody's is asked for by them, and the rest by who it is for.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use anyhow::{Context as _, Result, ensure};
use reqwest::{Client, Method};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::caller::{Caller, Place};
use crate::inbox::Inbox;

/// Customers of the season, who come again and again; between them guests buy, each once.
const CUSTOMERS: usize = 3;

/// The tokens of those who work there.
pub struct Staff {
    /// Sees to who works there.
    pub proprietor: String,
    /// Sells and sends.
    pub clerk: String,
    /// Looks at sales and events.
    pub analyst: String,
    /// Looks after the engine.
    pub ops: String,
}

/// Who buys.
pub struct Person {
    pub token: String,
    /// Where their orders go.
    pub address: String,
    /// How they sign in, if they do.
    pub credentials: Option<Value>,
}

/// The shop.
pub struct Shop {
    /// Where its mails arrive.
    pub inbox: Inbox,
    place: Place,
    staff: Staff,
    customers: RefCell<Vec<Rc<Person>>>,
    bought: Cell<usize>,
    /// Whose orders and payments are.
    owners: RefCell<BTreeMap<String, Rc<Person>>>,
}

impl Shop {
    /// A shop that answers there.
    pub fn new(command_api: String, query_api: String, staff: Staff, inbox: Inbox) -> Result<Self> {
        let client = Client::builder().no_proxy().build()?;
        let place = Place { client, command_api, query_api, position: Cell::new(0) };
        let (customers, owners) = (RefCell::default(), RefCell::default());
        Ok(Self { inbox, place, staff, customers, bought: Cell::new(0), owners })
    }

    /// Where Stripe tells what nobody asked.
    pub fn webhooks(&self) -> String {
        format!("{}/v1/gateways/stripe/events", self.place.command_api)
    }

    /// Whose the shop is.
    pub fn proprietor(&self) -> Caller<'_> {
        self.with(&self.staff.proprietor)
    }

    /// Somebody of the back office.
    pub fn clerk(&self) -> Caller<'_> {
        self.with(&self.staff.clerk)
    }

    /// Somebody who reckons.
    pub fn analyst(&self) -> Caller<'_> {
        self.with(&self.staff.analyst)
    }

    /// Somebody who looks after the engine.
    pub fn ops(&self) -> Caller<'_> {
        self.with(&self.staff.ops)
    }

    /// Somebody who says nothing of themselves.
    pub fn stranger(&self) -> Caller<'_> {
        Caller { place: &self.place, token: None }
    }

    /// A person who buys.
    pub fn person(&self, person: &Person) -> Caller<'_> {
        self.with(&person.token)
    }

    /// Whose that order or payment is.
    pub fn owner(&self, of: &str) -> Result<Caller<'_>> {
        Ok(self.person(&*self.who(of)?))
    }

    fn who(&self, of: &str) -> Result<Rc<Person>> {
        self.owners.borrow().get(of).cloned().with_context(|| format!("{of} is nobody's"))
    }

    /// Who has that token or key.
    pub fn with(&self, token: &str) -> Caller<'_> {
        Caller { place: &self.place, token: Some(token.to_owned()) }
    }

    /// Somebody new: a guest, or a customer who registers and signs in.
    pub async fn welcome(&self, registers: bool) -> Result<Rc<Person>> {
        let (credentials, token) = if registers {
            let (credentials, token) = self.register().await?;
            (Some(credentials), token)
        } else {
            (None, give(&self.stranger(), "/v1/guests", &json!({})).await?)
        };
        let token = token["token"].as_str().context("no token was given")?.to_owned();
        let home = json!({"name": "Anna Muster", "lines": ["Wiesenweg 7"], "postcode": "12345",
                          "city": "Musterstadt", "country": "DE"});
        let address =
            give(&self.with(&token), "/v1/addresses", &json!({ "address": home })).await?;
        let address = address["id"].as_str().context("an address has an id")?.to_owned();
        Ok(Rc::new(Person { token, address, credentials }))
    }

    /// Somebody registers, and signs in once they have shown that the address is theirs.
    async fn register(&self) -> Result<(Value, Value)> {
        let (stranger, name) = (self.stranger(), Uuid::now_v7());
        let email = format!("{name}@people.example");
        let who = json!({"email": email, "password": format!("the {name}")});
        give(&stranger, "/v1/people", &who).await?;
        stranger.refused("/v1/sessions", who.clone(), "wrong_credentials").await?;
        let code = self.inbox.code(&email, "your address").await?;
        let mut shown = json!({"code": code, "password": "of whoever reads the mailbox"});
        stranger.refused("/v1/people/verify", shown.clone(), "wrong_credentials").await?;
        shown["password"] = who["password"].clone();
        give(&stranger, "/v1/people/verify", &shown).await?;
        let token = give(&stranger, "/v1/sessions", &who).await?;
        Ok((who, token))
    }

    /// Who buys next: every other time a customer who may have been here, else a guest.
    async fn next(&self) -> Result<Rc<Person>> {
        let bought = self.bought.replace(self.bought.get() + 1);
        if bought.is_multiple_of(2) {
            return self.welcome(false).await;
        }
        let turn = bought / 2 % CUSTOMERS;
        if let Some(known) = self.customers.borrow().get(turn) {
            return Ok(known.clone());
        }
        let customer = self.welcome(true).await?;
        self.customers.borrow_mut().push(customer.clone());
        Ok(customer)
    }

    /// The back office asks something, which must be done; the id of its subject.
    pub async fn ask(&self, path: &str, body: Value) -> Result<String> {
        self.clerk().ask(path, body).await
    }

    /// The same by another method.
    pub async fn ask_by(&self, method: Method, path: &str, body: Value) -> Result<String> {
        self.clerk().ask_by(method, path, body).await
    }

    /// The back office asks something that must be refused for this reason.
    pub async fn refused(&self, path: &str, body: Value, code: &str) -> Result<()> {
        self.clerk().refused(path, body, code).await
    }

    /// A document, as the back office reads it after the last command.
    pub async fn read(&self, path: &str) -> Result<Value> {
        self.clerk().read(path).await
    }

    /// A cart with these units, bought by whose turn it is; the order.
    pub async fn buy(&self, lines: &[(&str, u32)]) -> Result<String> {
        let person = self.next().await?;
        self.buy_as(&person, lines).await
    }

    /// The same, bought by them.
    pub async fn buy_as(&self, person: &Rc<Person>, lines: &[(&str, u32)]) -> Result<String> {
        let cart = self.fill_cart(person, lines).await?;
        let to = json!({ "address_id": person.address });
        let order = self.person(person).ask(&format!("/v1/carts/{cart}/checkout"), to).await?;
        self.owners.borrow_mut().insert(order.clone(), person.clone());
        Ok(order)
    }

    /// A cart of theirs with these units.
    pub async fn fill_cart(&self, person: &Person, lines: &[(&str, u32)]) -> Result<String> {
        let shopper = self.person(person);
        let cart = shopper.ask("/v1/carts", json!({"currency": "EUR"})).await?;
        for (sku, quantity) in lines {
            let line = json!({"sku": sku, "quantity": quantity});
            shopper.ask(&format!("/v1/carts/{cart}/lines"), line).await?;
        }
        Ok(cart)
    }

    /// Its owner begins to pay an order by card; the payment.
    pub async fn pay(&self, order: &str, card: &str) -> Result<String> {
        let back = "https://shop.example/thanks";
        let pay = json!({"order_id": order, "method": "card", "gateway": "stripe", "token": card,
                         "return_url": back});
        self.begin_paying(order, pay).await
    }

    /// Its owner begins to pay it in cash; the payment.
    pub async fn pay_at_the_door(&self, order: &str) -> Result<String> {
        let pay = json!({"order_id": order, "method": "cash_on_delivery"});
        self.begin_paying(order, pay).await
    }

    async fn begin_paying(&self, order: &str, pay: Value) -> Result<String> {
        let person = self.who(order)?;
        let payment = self.person(&person).ask("/v1/payments", pay).await?;
        self.owners.borrow_mut().insert(payment.clone(), person);
        Ok(payment)
    }

    /// Its owner waits until an order is as far as that.
    pub async fn order_is(&self, order: &str, status: &str) -> Result<Value> {
        let path = format!("/v1/orders/{order}");
        self.owner(order)?.until(&path, "/status", &json!(status)).await
    }

    /// Its owner waits until a payment is as far as that.
    pub async fn payment_is(&self, payment: &str, status: &str) -> Result<Value> {
        let path = format!("/v1/payments/{payment}");
        self.owner(payment)?.until(&path, "/status", &json!(status)).await
    }

    /// Sends these units of an order, or all that is left; the parcel.
    pub async fn send_parcel(&self, order: &str, lines: &[(&str, u32)]) -> Result<String> {
        let lines: Vec<Value> =
            lines.iter().map(|(sku, n)| json!({"sku": sku, "quantity": n})).collect();
        // An empty list is no list of all.
        let lines = (!lines.is_empty()).then_some(lines);
        let plan = json!({"order_id": order, "lines": lines});
        let parcel = self.ask("/v1/fulfilments", plan).await?;
        self.ask(&format!("/v1/fulfilments/{parcel}/pack"), json!({})).await?;
        self.ask(&format!("/v1/fulfilments/{parcel}/ship"), json!({"carrier": "DHL"})).await?;
        Ok(parcel)
    }

    /// A parcel meets its fate: `deliver`, `fail`, `lose`, `return`.
    pub async fn parcel(&self, parcel: &str, fate: &str, body: Value) -> Result<()> {
        self.ask(&format!("/v1/fulfilments/{parcel}/{fate}"), body).await.map(drop)
    }
}

/// Asks for something that is no command, and must be given.
pub async fn give(caller: &Caller<'_>, path: &str, body: &Value) -> Result<Value> {
    let (status, answer) = caller.send(Method::POST, path, body).await?;
    ensure!((200..300).contains(&status), "{path}: {status} {answer}");
    Ok(answer)
}
