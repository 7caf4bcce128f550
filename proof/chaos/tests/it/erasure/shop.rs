//! The shop of the test, and what a person and those who work there do in it. All that must not be
//! found anywhere is noted as it comes about.

use std::cell::RefCell;
use std::fs;
use std::process::{Command, Stdio};

use kit_mail::Inbox;
use reqwest::{Client, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use sqlx::PgPool;
use uuid::Uuid;

use super::markers::{Markers, digits, unmistakable};
use crate::stack::{self, PATIENCE, Stack};

/// What the shop writes for itself, which nobody takes along.
pub const INTERNAL_NOTE: &str = "note of the shop for itself";

/// The shop, who asks it, and what must not be found.
pub struct Shop {
    pub db: PgPool,
    pub stack: Stack,
    pub client: Client,
    pub inbox: Inbox,
    pub told: Vec<(&'static str, String)>,
    /// The owner's token.
    pub owner: String,
    /// What is about the person.
    pub personal: Markers,
    /// What is nobody's to see again.
    pub secret: Markers,
    /// All that was refused, as it was told.
    pub problems: RefCell<Vec<(String, Vec<u8>)>>,
}

/// The person.
pub struct Person {
    pub email: String,
    pub password: String,
    pub token: String,
    pub orders: Vec<String>,
    pub addresses: Vec<String>,
}

impl Shop {
    pub async fn open(db: &PgPool) -> Self {
        let inbox = Inbox::open().await;
        let (mut secret, personal) = (Markers::default(), Markers::default());
        let owner = secret.add("the service's own token", unmistakable("owner-token-"));
        let made = Command::new(harness::built("command-api")).arg("master-key").output().unwrap();
        let key = String::from_utf8(made.stdout).unwrap().trim().to_owned();
        let master_key = [("MASTER_KEY", key.clone())];
        let index_key = by_hand(&stack::database(db), "index-key", &master_key, Stdio::null());
        let index_key = secret.add("the key of words", index_key.trim());
        let told = vec![
            ("API_TOKEN", owner.clone()),
            ("ACCESS", "asked".to_owned()),
            ("MASTER_KEY", secret.add("the master key", key)),
            ("INDEX_KEY", index_key),
            ("SMTP_URL", format!("smtp://127.0.0.1:{}", inbox.port)),
            ("MAIL_FROM", "Totes <shop@totes.example>".to_owned()),
            ("WEBHOOKS_ALLOW_PRIVATE", "true".to_owned()),
            ("RUST_LOG", "debug".to_owned()),
        ];
        let stack = Stack::start_told(db, &told).await;
        // A connection each: one that is idle for longer than the services let it be is closed.
        let client = Client::builder().pool_max_idle_per_host(0).build().unwrap();
        let problems = RefCell::default();
        let db = db.clone();
        Self { db, stack, client, inbox, told, owner, personal, secret, problems }
    }

    pub fn commands(&self, path: &str) -> String {
        self.stack.commands[0].url(path)
    }

    /// What is answered; what is refused is kept.
    pub async fn send(&self, request: RequestBuilder) -> (StatusCode, String) {
        let (client, request) = request.build_split();
        let asked = request.unwrap();
        let what = format!("the problem of {} {}", asked.method(), asked.url().path());
        let answer = client.execute(asked).await.unwrap();
        let (status, headers) = (answer.status(), format!("{:?}", answer.headers()));
        let text = answer.text().await.unwrap();
        if status.is_client_error() || status.is_server_error() {
            let said = format!("{headers} {text}").into_bytes();
            self.problems.borrow_mut().push((what, said));
        }
        (status, text)
    }

    pub async fn done(&self, request: RequestBuilder, what: &str) -> Value {
        let (status, text) = self.send(request).await;
        assert!(status.is_success(), "{what}: {status} {text}");
        serde_json::from_str(&text).unwrap_or_default()
    }

    /// Asks command-api with somebody's token, which is to be done.
    pub async fn ask(&self, token: &str, path: &str, body: Value) -> Value {
        let mut post = self.client.post(self.commands(path));
        // Where one more is made each time, a key is refused.
        if !["/v1/addresses", "/v1/api-keys", "/v1/staff", "/v1/webhooks"].contains(&path) {
            post = post.header("Idempotency-Key", Uuid::now_v7().to_string());
        }
        let post = if token.is_empty() { post } else { post.bearer_auth(token) };
        self.done(post.json(&body), path).await
    }

    /// Reads with somebody's token.
    pub async fn get(&self, url: String, token: &str) -> (StatusCode, String) {
        self.send(self.client.get(url).bearer_auth(token)).await
    }

    pub async fn until(&self, path: &str, token: &str, status: &str) {
        for _ in 0..PATIENCE.as_millis() / 100 {
            let (_, text) = self.get(self.stack.query.url(path), token).await;
            let seen: Value = serde_json::from_str(&text).unwrap_or_default();
            if seen["status"] == status {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
        panic!("{path} is not {status}");
    }

    /// A cart of theirs with something in it.
    pub async fn fill_cart(&self, token: &str) -> String {
        let cart = id(&self.ask(token, "/v1/carts", json!({"currency": "EUR"})).await);
        let line = json!({"sku": "TOTE", "quantity": 1});
        self.ask(token, &format!("/v1/carts/{cart}/lines"), line).await;
        cart
    }

    pub async fn check_out(&self, token: &str, cart: &str, address: &str) -> String {
        let to = json!({ "address_id": address });
        id(&self.ask(token, &format!("/v1/carts/{cart}/checkout"), to).await)
    }

    /// Every word of an address is one to look for.
    pub fn address(&mut self) -> Value {
        let personal = &mut self.personal;
        let phone = digits(9);
        let phone = personal.add("phone", format!("151{phone}"));
        json!({
            "name": personal.add("name", unmistakable("Quorvinella ")),
            "company": personal.add("company", unmistakable("Quorvi and ")),
            "lines": [personal.add("street", unmistakable("Zibbertatzweg ")),
                      personal.add("line below the street", unmistakable("Backhouse "))],
            "region": personal.add("region", unmistakable("Lower Saxib")),
            "city": personal.add("town", unmistakable("Obergrumpf")),
            "postcode": "12345", "country": "DE", "phone": format!("+49{phone}"),
            "email": personal.add("e-mail of an address", format!("{}@shop.example",
                                                                  unmistakable("write"))),
            "note": personal.add("delivery note", unmistakable("under the flowerpot ")),
        })
    }

    pub async fn keep_address(&mut self, token: &str) -> String {
        let address = self.address();
        id(&self.ask(token, "/v1/addresses", json!({ "address": address })).await)
    }

    /// Buys as a guest, and leaves a cart behind; the guest's token.
    pub async fn visit(&mut self, person: &mut Person) -> (String, String) {
        let guest = self.ask("", "/v1/guests", json!({})).await;
        let guest = self.secret.add("guest's token", text(&guest, "token"));
        let address = self.keep_address(&guest).await;
        let cart = self.fill_cart(&guest).await;
        person.orders.push(self.check_out(&guest, &cart, &address).await);
        person.addresses.push(address);
        (self.fill_cart(&guest).await, guest)
    }

    /// Registers, shows by a code that the address is theirs, and signs in.
    pub async fn join(&mut self, person: &mut Person) {
        let who = json!({"email": person.email, "password": person.password});
        self.ask("", "/v1/people", who.clone()).await;
        let code = loop {
            let mail = self.inbox.next().await;
            if mail.to == person.email {
                break self.secret.add("mailed code", mail.code());
            }
        };
        let shown = json!({"code": code, "password": person.password});
        self.ask("", "/v1/people/verify", shown).await;
        let me = self.ask("", "/v1/sessions", who).await;
        person.token = self.secret.add("access token", text(&me, "token"));
        let refresh = self.secret.add("refresh token", text(&me, "refresh_token"));
        let again = json!({ "refresh_token": refresh });
        let again = self.ask("", "/v1/sessions/refresh", again).await;
        person.token = self.secret.add("access token", text(&again, "token"));
        self.secret.add("refresh token", text(&again, "refresh_token"));
        let password = json!({"password": person.password});
        let totp = self.ask(&person.token, "/v1/people/me/totp", password).await;
        self.secret.add("secret of the second factor", text(&totp, "secret"));
        let phone = digits(9);
        let phone = self.personal.add("phone of the profile", format!("151{phone}"));
        let name = self.personal.add("name of the profile", unmistakable("Dame Quorvina "));
        let said = json!({"name": name, "phone": format!("+49{phone}")});
        let put = self.client.put(self.commands("/v1/people/me")).bearer_auth(&person.token);
        self.done(put.json(&said), "profile").await;
    }

    /// Takes the guest's cart along, buys, and pays with a card that is refused and another.
    pub async fn buy(&mut self, person: &mut Person, (cart, guest): (String, String)) {
        let token = person.token.clone();
        let me = self.get(self.commands("/v1/people/me"), &token).await.1;
        let me: Value = serde_json::from_str(&me).unwrap();
        let mine = json!({ "customer_id": me["id"] });
        let put = self.client.put(self.commands(&format!("/v1/carts/{cart}/customer")));
        let put = put.bearer_auth(&token).header("Guest-Token", guest).json(&mine);
        self.done(put, "taking the cart along").await;
        let address = self.keep_address(&token).await;
        let order = self.check_out(&token, &cart, &address).await;
        person.addresses.push(address);
        let refused = self.personal.add("card's token", unmistakable("tok_"));
        let mut payment = String::new();
        for (card, status) in [(refused.as_str(), "failed"), ("tok_action", "requires_action")] {
            let pay = json!({"order_id": order, "method": "card", "token": card});
            payment = id(&self.ask(&token, "/v1/payments", pay).await);
            self.until(&format!("/v1/payments/{payment}"), &token, status).await;
        }
        self.confirm(&token, &payment).await;
        self.until(&format!("/v1/orders/{order}"), &token, "confirmed").await;
        person.orders.push(order);
    }

    /// What they write of an order, and what the shop does of another.
    pub async fn write(&mut self, person: &Person) {
        let own = self.personal.add("reason of a shopper", unmistakable("My aunt paid "));
        let shops = self.personal.add("note of the shop", unmistakable("Called twice, was "));
        let [of_guest, of_customer] = &person.orders[..] else { panic!("{:?}", person.orders) };
        let owner = self.owner.clone();
        for (who, order, reason) in [(&owner, of_guest, shops), (&person.token, of_customer, own)] {
            let cancel = format!("/v1/orders/{order}/cancel");
            self.ask(who, &cancel, json!({ "reason": reason })).await;
        }
        let note = self.personal.add(INTERNAL_NOTE, unmistakable("Shouts, and is "));
        let notes = format!("/v1/orders/{of_customer}/notes");
        self.ask(&owner, &notes, json!({ "note": note })).await;
    }

    /// Goes to their bank and comes back.
    async fn confirm(&mut self, token: &str, payment: &str) {
        let page = self.commands(&format!("/v1/payments/{payment}/action"));
        let page = self.done(self.client.get(page).bearer_auth(token), "their bank").await;
        let page = text(&page, "action_url");
        let (_, secret) = page.split_once("client_secret=").unwrap();
        self.secret.add("secret of a payment", secret);
        let back = format!("/v1/payments/{payment}/complete-action");
        self.ask(token, &back, json!({})).await;
        self.until(&format!("/v1/payments/{payment}"), token, "authorized").await;
    }

    /// Somebody of the shop, a program and a webhook, whose secrets are told once.
    pub async fn staff(&mut self) {
        let owner = self.owner.clone();
        let wanted = json!({"name": "till", "role": "staff"});
        let key = text(&self.ask(&owner, "/v1/api-keys", wanted).await, "key");
        let key = self.secret.add("API key", key);
        let hook = json!({"url": "http://127.0.0.1:9/hook", "event_types": ["order.placed"]});
        let hook = self.ask(&owner, "/v1/webhooks", hook).await;
        self.secret.add("secret of a webhook", text(&hook, "secret"));
        assert_eq!(self.get(self.stack.query.url("/v1/orders"), &key).await.0, StatusCode::OK);
    }

    /// The log and the metrics of each program.
    pub async fn what_programs_say(&self) -> Vec<(String, Vec<u8>)> {
        let programs = self.stack.commands.iter().chain(&self.stack.projectors);
        let mut said = Vec::new();
        for program in programs.chain([&self.stack.query]) {
            let log = fs::read(stack::log(&program.name, program.port)).unwrap();
            assert!(!log.is_empty(), "{} has no log", program.name);
            said.push((format!("the log of {}", program.name), log));
            let (status, metrics) = self.get(program.url("/metrics"), &self.owner).await;
            assert_eq!(status, StatusCode::OK);
            said.push((format!("the metrics of {}", program.name), metrics.into_bytes()));
        }
        said.extend(self.problems.borrow().iter().cloned());
        said
    }

    /// What the APIs, the bus and the search know.
    pub async fn what_is_read(&self, person: &Person) -> Vec<(String, Vec<u8>)> {
        let mut paths = vec!["/v1/events?after=0".to_owned(), "/v1/orders".to_owned()];
        for order in &person.orders {
            paths.extend([
                format!("/v1/orders/{order}"),
                format!("/v1/orders/{order}/history"),
                format!("/v1/streams/order/{order}"),
            ]);
        }
        let mut read = Vec::new();
        for path in paths {
            let (status, text) = self.get(self.stack.query.url(&path), &self.owner).await;
            assert_eq!(status, StatusCode::OK, "{path}: {text}");
            read.push((path, text.into_bytes()));
        }
        read.push(("the stream".to_owned(), self.stream().await));
        let documents = format!(
            "{}/indexes/{}/documents?limit=1000",
            harness::required("MEILI_URL"),
            self.stack.own
        );
        let (status, found) = self.get(documents, &harness::required("MEILI_MASTER_KEY")).await;
        assert!(status.is_success() && found.contains("TOTE"), "{found}");
        read.push(("the index".to_owned(), found.into_bytes()));
        read
    }

    /// Every message of the test's own stream, headers included.
    pub async fn stream(&self) -> Vec<u8> {
        let nats = async_nats::connect(harness::required("NATS_URL")).await.unwrap();
        let nats = async_nats::jetstream::new(nats);
        let stream = nats.get_stream(&self.stack.own).await.unwrap();
        let state = stream.cached_info().state.clone();
        assert!(state.messages > 0);
        let mut all = Vec::new();
        for sequence in state.first_sequence..=state.last_sequence {
            let message = stream.get_raw_message(sequence).await.unwrap();
            all.extend_from_slice(
                format!("{} {:?}\n", message.subject, message.headers).as_bytes(),
            );
            all.extend_from_slice(&message.payload);
        }
        all
    }

    /// command-api does something by hand to a database.
    pub fn by_hand(&self, database: &str, action: &str, input: Stdio) -> String {
        by_hand(database, action, &self.told, input)
    }
}

fn by_hand(database: &str, action: &str, told: &[(&str, String)], input: Stdio) -> String {
    let mut command = Command::new(harness::built("command-api"));
    command.arg(action).envs(told.iter().cloned()).env("DATABASE_URL", database);
    let output = command.stdin(input).output().unwrap();
    assert!(output.status.success(), "{action}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

pub fn id(answer: &Value) -> String {
    text(answer, "id")
}

pub fn text(answer: &Value, name: &str) -> String {
    answer[name].as_str().unwrap_or_else(|| panic!("no {name}")).to_owned()
}
