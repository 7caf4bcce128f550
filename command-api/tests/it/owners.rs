//! Every route that is for one's own things, with two customers: each is let in to theirs, and is
//! told of the other's that there is none. A route of which nothing is said here fails.

use axum::http::{Method, StatusCode};
use chrono::Utc;
use command_api::{routes, sealed};
use domain::{CustomerId, FulfilmentId, OrderId, Owner, PaymentId};
use event_store::Request;
use identity::Access;
use identity::token::Subject;
use serde_json::{Value, json};
use sqlx::PgPool;
use uuid::Uuid;
use vault::DataSubject;
use vault::notes::{NoteReaders, WrittenNote};

use crate::known::Known;
use crate::shop::{Ask, ask, keyed};

/// A customer.
pub struct Customer {
    pub id: Uuid,
    pub token: String,
    pub address: String,
}

impl Customer {
    pub async fn of(known: &Known) -> Self {
        let id = Uuid::now_v7();
        let token = known.token(Subject::Customer(CustomerId(id))).await;
        let address = known.address(&token).await;
        Self { id, token, address }
    }

    pub async fn order(&self, known: &Known) -> String {
        let cart = known.cart(&self.token).await;
        known.check_out(&self.token, &cart, &self.address).await.id()
    }

    pub async fn payment(&self, known: &Known) -> String {
        let order = self.order(known).await;
        let pay = json!({"order_id": order, "method": "card", "token": "tok_success"});
        known.done(&self.token, keyed("/v1/payments", &pay)).await.id()
    }

    /// Something that was handed over to them, and that they want to send back.
    pub async fn back(&self, known: &Known) -> String {
        let order = self.order(known).await;
        let pay = json!({"order_id": order, "method": "cash_on_delivery"});
        known.done(&self.token, keyed("/v1/payments", &pay)).await;
        let (order_id, parcel) = (OrderId(order.parse().unwrap()), FulfilmentId(Uuid::now_v7()));
        let sent = [kit::plan(parcel, order_id, &[]), kit::pack(parcel), kit::ship(parcel)];
        for step in sent.into_iter().chain([kit::deliver(parcel)]) {
            kit_log::accept(&known.shop.writer, Request::new(step, Utc::now())).await;
        }
        let back = json!({"order_id": order, "reason": "too small",
                          "lines": [{"sku": "TOTE", "quantity": 1}]});
        known.done(&self.token, keyed("/v1/returns", &back)).await.id()
    }

    /// A thing of theirs that is of this kind, as good as new.
    async fn thing(&self, known: &Known, kind: &str) -> String {
        match kind {
            "cart" => known.cart(&self.token).await,
            "order" => self.order(known).await,
            "payment" => self.payment(known).await,
            "return" => self.back(known).await,
            other => panic!("nobody has a {other} here"),
        }
    }

    /// What they would say to a thing of somebody's.
    async fn says(&self, known: &Known, route: &str) -> Value {
        match route {
            "cart.assign" | "order.assign" => json!({ "customer_id": self.id }),
            "cart.merge" => json!({ "from": known.cart(&self.token).await }),
            "cart.add_line" => json!({"sku": "TOTE", "quantity": 1}),
            "cart.change_line" | "order.change_line" => json!({ "quantity": 1 }),
            "order.cancel" => json!({ "reason": "no more" }),
            "order.change_address" => json!({ "address_id": self.address }),
            "cart.remove_line"
            | "cart.checkout"
            | "cart.reopen"
            | "cart.abandon"
            | "order.remove_line"
            | "payment.abort"
            | "return.withdraw"
            | "payment.complete_action" => json!({}),
            other => panic!("{other} is of somebody, and is not tried here"),
        }
    }
}

/// Who is not theirs is told what they are told of what never was; whose it is is let in.
async fn is_for_one_alone(
    known: &Known,
    path: &str,
    ask: impl Fn(&str, bool) -> Ask,
    who: [&Customer; 2],
) {
    let [theirs, other] = who;
    let hidden = known.send(&other.token, ask(path, false)).await;
    assert_eq!(hidden.status, StatusCode::NOT_FOUND, "{path}: {hidden:?}");
    let answer = known.send(&theirs.token, ask(path, true)).await;
    let shut = [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN, StatusCode::NOT_FOUND];
    assert!(!shut.contains(&answer.status), "{path}: {answer:?}");
    assert!(!answer.status.is_server_error(), "{path}: {answer:?}");
}

fn with_key(method: Method, path: &str, body: &Value) -> Ask {
    let key = Uuid::now_v7().to_string();
    ask(method, path, body.to_string()).with("idempotency-key", key)
}

#[sqlx::test(migrations = "../migrations")]
async fn every_command_to_a_thing_is_for_whose_it_is(db: PgPool) {
    let known = Known::open(&db);
    known.sell().await;
    let (ann, bob) = (Customer::of(&known).await, Customer::of(&known).await);
    let of_somebody = routes::all().filter(|route| route.access == Access::Shopper);
    let mut tried = 0;
    for route in of_somebody.filter(|route| route.has_id()) {
        for who in [[&ann, &bob], [&bob, &ann]] {
            let thing = who[0].thing(&known, route.kind()).await;
            let path = route.path.replace("{id}", &thing).replace("{sku}", "TOTE");
            let says =
                [who[0].says(&known, route.name).await, who[1].says(&known, route.name).await];
            let ask = |path: &str, is_theirs: bool| {
                with_key(route.method.clone(), path, &says[usize::from(!is_theirs)])
            };
            is_for_one_alone(&known, &path, ask, who).await;
            tried += 1;
        }
    }
    assert!(tried >= 28, "{tried}");
}

/// What lies sealed, in the address book and beside events.
#[sqlx::test(migrations = "../migrations")]
async fn what_is_sealed_is_for_whose_it_is(db: PgPool) {
    let known = Known::open(&db);
    known.sell().await;
    let (ann, bob) = (Customer::of(&known).await, Customer::of(&known).await);
    let doors = identity::routes::all().into_iter().map(|(path, access, _)| (path, access));
    let doors = doors.chain(sealed::all().into_iter().map(|(path, access, _)| (path, access)));
    let of_one = [Access::Shopper, Access::SignedIn, Access::Enrol];
    for (path, _) in doors.filter(|(path, access)| path.contains("{id}") && of_one.contains(access))
    {
        for who in [[&ann, &bob], [&bob, &ann]] {
            let (id, methods) = match path {
                "/v1/addresses/{id}" => {
                    (known.address(&who[0].token).await, &[Method::GET, Method::DELETE][..])
                }
                "/v1/payments/{id}/action" => (confirmed(&known, who[0]).await, &[Method::GET][..]),
                "/v1/notes/{id}" => (note(&known, who[0]).await, &[Method::GET][..]),
                // Of who signed in by a password: `a_customer_signs_in_and_out` has it.
                "/v1/people/me/sessions/{id}" => continue,
                other => panic!("{other} is of somebody, and is not tried here"),
            };
            for method in methods {
                let ask = |path: &str, _| ask(method.clone(), path, "");
                is_for_one_alone(&known, &path.replace("{id}", &id), ask, who).await;
            }
        }
    }
}

/// A payment that is to be confirmed at a bank.
async fn confirmed(known: &Known, whose: &Customer) -> String {
    let payment = whose.payment(known).await;
    let (id, owner) = (PaymentId(payment.parse().unwrap()), Owner::customer(CustomerId(whose.id)));
    let url = "https://bank.example/confirm?client_secret=s".parse().unwrap();
    reactor::actions::put_away(&known.vault, id, owner, &url, Utc::now()).await.unwrap();
    payment
}

async fn note(known: &Known, whose: &Customer) -> String {
    let (subject, note) = (Some(DataSubject(whose.id)), "was out".parse().unwrap());
    let stream = format!("order-{}", Uuid::now_v7());
    let written = WrittenNote { about: &stream, readers: NoteReaders::Both, note: &note };
    let kept = known.vault.put_note_away(written, subject, Utc::now()).await;
    kept.unwrap().0.to_string()
}
