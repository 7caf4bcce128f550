//! What is written to whose order it is: once for each thing that happened, in their language, and
//! not at all to who has no address or was forgotten.

use chrono::{TimeDelta, Utc};
use domain::command::{cart, order, payment};
use domain::payment::Report;
use domain::text::{Label, Note};
use domain::{AddressId, Command, CustomerId, GuestId, OrderId, Owner, Shopper};
use kit_mail::Inbox;
use reactor::Correspondence;
use serde_json::json;
use sqlx::PgPool;
use uuid::Uuid;
use vault::address::{PostalAddress, Profile};
use vault::records::{Kind, Record};
use vault::{DataSubject, Vault};

use crate::shop::{Running, Shop, react_with, vault};

const ANN: CustomerId = CustomerId(Uuid::from_u128(1));

fn react(db: &PgPool, vault: &Vault, inbox: &Inbox) -> Running {
    let carrier = inbox.settings().carrier().unwrap();
    react_with(db, Correspondence::new(Some(vault.clone()), carrier))
}

/// An address of Ann's, who reads German.
async fn address(vault: &Vault, email: Option<&str>) -> AddressId {
    let address = json!({"name": "Ann Lee", "lines": ["Hauptstr. 1"], "postcode": "10115",
                         "city": "Berlin", "country": "DE", "email": email, "locale": "de"});
    let plain: PostalAddress = serde_json::from_value(address).unwrap();
    let (id, subject, kind) = (Uuid::now_v7(), DataSubject(ANN.0), Kind::Address);
    let record = Record { id, subject, kind, lasting: true, plain: &plain };
    vault.keep(record, &plain.words(), Utc::now()).await.unwrap();
    AddressId(id)
}

async fn is_called(vault: &Vault, name: &str, email: &str) {
    let (name, email) = (Some(name.parse::<Label>().unwrap()), email.to_owned().try_into());
    let plain = Profile { name, email: Some(email.unwrap()), ..Profile::default() };
    let (subject, kind) = (DataSubject(ANN.0), Kind::Profile);
    let record = Record { id: ANN.0, subject, kind, lasting: true, plain: &plain };
    vault.keep(record, &plain.words(), Utc::now()).await.unwrap();
}

/// An order of Ann's that goes there.
async fn order(shop: &Shop, address_id: Option<AddressId>) -> OrderId {
    order_of(shop, Owner::customer(ANN), address_id).await
}

async fn order_of(shop: &Shop, owner: Owner, address_id: Option<AddressId>) -> OrderId {
    let (id, order_id) = (domain::CartId(Uuid::now_v7()), OrderId(Uuid::now_v7()));
    let currency = "EUR".parse().unwrap();
    let add =
        cart::Command::AddLine { sku: "TOTE".parse().unwrap(), quantity: 2.try_into().unwrap() };
    let reserved_until = Utc::now() + TimeDelta::minutes(15);
    let check_out = cart::Command::CheckOut { order_id, reserved_until, address_id };
    for command in [cart::Command::Create { currency, owner }, add, check_out] {
        shop.ask(Command::Cart(id, command)).await;
    }
    order_id
}

#[sqlx::test(migrations = "../migrations")]
async fn who_orders_is_told_of_it(db: PgPool) {
    let (shop, vault) = (Shop::open(&db).await, vault(&db));
    let mut inbox = Inbox::open().await;
    let reacting = react(&db, &vault, &inbox);
    shop.settled().await;
    let to = address(&vault, Some("ann@mail.example")).await;
    let id = order(&shop, Some(to)).await;
    let mail = inbox.next().await;
    assert_eq!(mail.to, "ann@mail.example");
    assert!(mail.subject.starts_with("Ihre Bestellung "), "{}", mail.subject);
    for said in ["Ann Lee", "2 × ", "10115 Berlin", "Summe: ", &id.to_string()] {
        assert!(mail.text.contains(said), "{said} in {}", mail.text);
    }
    let payment = shop.pay(id, Some("tok_success")).await;
    assert!(inbox.next().await.subject.ends_with("ist bestätigt (Totes)"));
    shop.ask(Command::Payment(payment, payment::Command::Capture { amount: None })).await;
    shop.until(&format!("payment-{payment}"), "payment.captured").await;
    let parcel = shop.ship(id, 2).await;
    let mail = inbox.next().await;
    assert!(mail.subject.ends_with("ist unterwegs (Totes)"), "{}", mail.subject);
    assert!(mail.text.contains("DHL") && mail.text.contains("JD01"), "{}", mail.text);
    shop.lose(parcel).await;
    let mut subjects = [inbox.next().await.subject, inbox.next().await.subject];
    subjects.sort();
    assert!(subjects[0].ends_with("ist storniert (Totes)"), "{subjects:?}");
    assert!(subjects[1].ends_with("zurück (Totes)"), "{subjects:?}");
    reacting.stop().await;
    assert!(inbox.is_empty());
}

/// What was set aside was let go in the gateway's dashboard.
#[sqlx::test(migrations = "../migrations")]
async fn who_is_to_pay_again_is_told_of_it(db: PgPool) {
    let (shop, vault) = (Shop::open(&db).await, vault(&db));
    let mut inbox = Inbox::open().await;
    let reacting = react(&db, &vault, &inbox);
    shop.settled().await;
    let to = address(&vault, Some("ann@mail.example")).await;
    let id = order(&shop, Some(to)).await;
    let payment = shop.pay(id, Some("tok_success")).await;
    shop.until(&format!("order-{id}"), "order.confirmed").await;
    let told = payment::Command::Report { report: Report::Voided, at: Utc::now() };
    shop.ask(Command::Payment(payment, told)).await;
    let mut mails = [inbox.next().await, inbox.next().await, inbox.next().await];
    mails.sort_by(|one, other| one.subject.cmp(&other.subject));
    let again = &mails[0];
    assert!(again.subject.starts_with("Bitte bezahlen Sie"), "{}", again.subject);
    for said in [" UTC ", &id.to_string()] {
        assert!(again.text.contains(said), "{said} in {}", again.text);
    }
    reacting.stop().await;
    assert!(inbox.is_empty());
}

/// What is on its way is what is in the parcel, not all that was ordered.
#[sqlx::test(migrations = "../migrations")]
async fn a_parcel_is_told_of_by_what_is_in_it(db: PgPool) {
    let (shop, vault) = (Shop::open(&db).await, vault(&db));
    let mut inbox = Inbox::open().await;
    let reacting = react(&db, &vault, &inbox);
    shop.settled().await;
    let to = address(&vault, Some("ann@mail.example")).await;
    let id = order(&shop, Some(to)).await;
    assert!(inbox.next().await.text.contains("2 × "));
    shop.pay(id, Some("tok_success")).await;
    inbox.next().await;
    for _ in 0..2 {
        shop.ship(id, 1).await;
        let text = inbox.next().await.text;
        assert!(text.contains("1 × ") && !text.contains("2 × "), "{text}");
    }
    reacting.stop().await;
}

/// A parcel leaves before its label is known: one more mail, and one where the number was wrong.
#[sqlx::test(migrations = "../migrations")]
async fn a_number_that_comes_later_or_is_put_right_is_told(db: PgPool) {
    let (shop, vault) = (Shop::open(&db).await, vault(&db));
    let mut inbox = Inbox::open().await;
    let reacting = react(&db, &vault, &inbox);
    shop.settled().await;
    let to = address(&vault, Some("ann@mail.example")).await;
    let id = order(&shop, Some(to)).await;
    inbox.next().await;
    shop.pay(id, Some("tok_success")).await;
    inbox.next().await;
    let parcel = shop.ship_as(id, 2, None).await;
    let mail = inbox.next().await;
    assert!(mail.subject.ends_with("ist unterwegs (Totes)"), "{}", mail.subject);
    assert!(!mail.text.contains("Sendungsnummer"), "{}", mail.text);
    shop.track(parcel, "JD01").await;
    let mail = inbox.next().await;
    assert!(mail.subject.starts_with("Verfolgen Sie "), "{}", mail.subject);
    for said in ["2 × ", "DHL", "Sendungsnummer JD01"] {
        assert!(mail.text.contains(said), "{said} in {}", mail.text);
    }
    shop.track(parcel, "JD02").await;
    let mail = inbox.next().await;
    for said in ["eine", "anderen Nummer", "Sendungsnummer JD02"] {
        assert!(mail.text.contains(said), "{said} in {}", mail.text);
    }
    shop.track(parcel, "JD02").await;
    shop.settled().await;
    reacting.stop().await;
    assert!(inbox.is_empty());
}

/// What is called off of an order is told, and where it was the last of it, that the order is off.
#[sqlx::test(migrations = "../migrations")]
async fn what_will_not_come_is_told(db: PgPool) {
    let (shop, vault) = (Shop::open(&db).await, vault(&db));
    let mut inbox = Inbox::open().await;
    let reacting = react(&db, &vault, &inbox);
    shop.settled().await;
    let to = address(&vault, Some("ann@mail.example")).await;
    let id = order(&shop, Some(to)).await;
    inbox.next().await;
    let shrink = async |quantity| {
        let (sku, reason) = ("TOTE".parse().unwrap(), "too heavy".parse().unwrap());
        shop.ask(Command::Order(id, order::Command::ShrinkLine { sku, quantity, reason })).await;
    };
    shrink(1).await;
    let mail = inbox.next().await;
    assert!(mail.subject.starts_with("Ein Teil Ihrer Bestellung "), "{}", mail.subject);
    for said in ["1 × ", "kostet nun", &id.to_string()] {
        assert!(mail.text.contains(said), "{said} in {}", mail.text);
    }
    shrink(0).await;
    assert!(inbox.next().await.subject.ends_with("ist storniert (Totes)"));
    shop.settled().await;
    reacting.stop().await;
    assert!(inbox.is_empty());
}

/// Where the address says no e-mail, the customer's own is taken; who was forgotten gets nothing.
#[sqlx::test(migrations = "../migrations")]
async fn who_was_forgotten_is_not_told(db: PgPool) {
    let (shop, vault) = (Shop::open(&db).await, vault(&db));
    let mut inbox = Inbox::open().await;
    let reacting = react(&db, &vault, &inbox);
    shop.settled().await;
    order(&shop, None).await;
    shop.settled().await;
    is_called(&vault, "Ann", "ann@home.example").await;
    let to = address(&vault, None).await;
    let id = order(&shop, Some(to)).await;
    let mail = inbox.next().await;
    assert_eq!(mail.to, "ann@home.example");
    assert!(mail.text.contains(&id.to_string()), "the first order's customer has no address");
    vault.erase(DataSubject(ANN.0), Utc::now()).await.unwrap();
    let reason: Note = "changed their mind".parse().unwrap();
    let cancel = order::Command::Cancel { reason, lines: vec![] };
    shop.ask(Command::Order(id, cancel)).await;
    shop.settled().await;
    reacting.stop().await;
    assert!(inbox.is_empty());
}

/// Who took their guest's order along is written to about it, from then on: the guest had left no
/// e-mail.
#[sqlx::test(migrations = "../migrations")]
async fn an_order_that_was_taken_along_is_told_of_to_whose_it_is(db: PgPool) {
    let (shop, vault) = (Shop::open(&db).await, vault(&db));
    let mut inbox = Inbox::open().await;
    let reacting = react(&db, &vault, &inbox);
    shop.settled().await;
    is_called(&vault, "Ann", "ann@home.example").await;
    let guest_id = GuestId(Uuid::now_v7());
    let mut ids = Vec::new();
    for _ in 0..2 {
        ids.push(order_of(&shop, Owner::from(Shopper::Guest(guest_id)), None).await);
    }
    shop.settled().await;
    assert!(inbox.is_empty(), "whose they are is not known yet");
    let assign = order::Command::Assign { customer_id: ANN, guest_id: Some(guest_id) };
    shop.ask_as(Shopper::Customer(ANN), Command::Order(ids[0], assign)).await;
    for id in ids.iter().rev() {
        let reason: Note = "out of fashion".parse().unwrap();
        let cancel = order::Command::Cancel { reason, lines: vec![] };
        shop.ask(Command::Order(*id, cancel)).await;
    }
    let mail = inbox.next().await;
    assert_eq!(mail.to, "ann@home.example");
    assert!(mail.text.contains(&ids[0].to_string()), "{}", mail.text);
    shop.settled().await;
    reacting.stop().await;
    assert!(inbox.is_empty(), "the other stays the guest's");
}

/// Where no mails are sent, there is nothing to do, and nothing piles up.
#[sqlx::test(migrations = "../migrations")]
async fn a_shop_that_sends_no_mails_writes_none(db: PgPool) {
    let (shop, vault) = (Shop::open(&db).await, vault(&db));
    let reacting = react_with(&db, Correspondence::new(Some(vault.clone()), None));
    shop.settled().await;
    let to = address(&vault, Some("ann@mail.example")).await;
    order(&shop, Some(to)).await;
    shop.settled().await;
    reacting.stop().await;
    let mails: i64 = sqlx::query_scalar("SELECT count(*) FROM mails").fetch_one(&db).await.unwrap();
    assert_eq!(mails, 0);
}
