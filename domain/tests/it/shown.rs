//! The documents that descriptions of the API show as examples are those of the life of a small
//! shop: a tote is put on sale, bought, paid, sent, and comes back in part.

use std::path::PathBuf;

use chrono::{DateTime, TimeDelta, Utc};
use domain::command::{cart, product as products, stock};
use domain::page::{cart as shown, order, sales, search};
use domain::payment::CapturePolicy;
use domain::product::{Details, Media, VariantSet};
use domain::{
    Command, Event, Seen, StreamId, cart as carts, fulfilment, location, payment, product, return_,
    stock as stocks,
};
use serde::Serialize;
use std::collections::BTreeMap;

use kit::*;

/// What has happened in a shop, in the order of its log.
struct Life {
    shop: Shop,
    log: Vec<Fact>,
}

impl Life {
    fn done(mut self, command: &Command) -> Self {
        let facts = self.shop.decide(command).expect("it is accepted");
        for fact in &facts {
            self.shop.evolve(fact);
        }
        self.log.extend(facts);
        self
    }

    fn seen(&self) -> impl Iterator<Item = Seen<'_>> {
        let mut versions = BTreeMap::new();
        let begun: DateTime<Utc> = "2026-03-02T09:00:00Z".parse().expect("a time");
        self.log.iter().zip(1..).map(move |((stream, event), position)| {
            let version: &mut i64 = versions.entry(stream.clone()).or_default();
            *version += 1;
            let occurred_at = begun + TimeDelta::minutes(position * 20);
            Seen { stream, version: *version, position, occurred_at, event }
        })
    }

    /// The document that is made of these streams.
    fn document<D>(
        &self,
        is_of_it: impl Fn(&StreamId) -> bool,
        fold: fn(Option<D>, &Seen) -> Option<D>,
    ) -> D {
        let seen = self.seen().filter(|seen| is_of_it(seen.stream));
        seen.fold(None, |document, seen| fold(document, &seen)).expect("there is one")
    }

    fn of<D>(&self, stream: &StreamId, fold: fn(Option<D>, &Seen) -> Option<D>) -> D {
        self.document(|known| known == stream, fold)
    }
}

fn tote() -> Vec<Command> {
    let details = Details {
        title: label("Tote"),
        description: Some("<p>Soft <b>leather</b>, two pockets</p>".parse().expect("a text")),
        brand: Some(label("Acme")),
        category: vec![label("Bags"), label("Totes")],
        attributes: [(label("material"), label("leather"))].into(),
        media: vec![Media {
            url: "https://shop.example/tote.jpg".parse().expect("a URL"),
            alt: Some(label("A brown tote")),
        }],
    };
    let variant = |text: &str, colour: &str| VariantSet {
        sku: sku(text),
        title: Some(label(colour)),
        options: options(&[("Colour", colour)]),
        prices: vec![eur("19.99"), money("3300", "JPY")],
        barcode: Some(label("4006381333931")),
    };
    let variants = vec![variant(TOTE, "Brown"), variant(PURSE, "Black")];
    let received = |text: &str, count| {
        let (location, reference) = (place("depot"), Some(note("delivery note 7")));
        let quantity = units(count);
        Command::Stock(sku(text), stock::Command::Receive { location, quantity, reference })
    };
    vec![
        set_location("depot", true),
        to_product(1, products::Command::Create { details, variants }),
        publish(1),
        received(TOTE, 12),
        received(PURSE, 5),
    ]
}

fn life() -> Life {
    let begun = Life { shop: given([]), log: vec![] };
    let owner = domain::Owner { customer_id: Some(customer_id(1)), guest_id: None };
    let opened = cart::Command::Create { currency: currency("EUR"), owner };
    let bought = [
        to_cart(1, opened),
        add(1, TOTE, 2),
        check_out(1, 1),
        pay_by_card_as(1, 1, CapturePolicy::AtShipment),
    ];
    let sent = [record(1, 1, was_authorized()), plan(1, 1, &[]), pack(1), ship(1)];
    let there = [label_anew(1, "DHL", "00340434292135100186"), record(1, 2, was_captured())];
    let back = [deliver(1), request_return(1, 1, &[(TOTE, 1)]), approve(1)];
    let back = back.into_iter().chain([take_back(1, &[(TOTE, 1)]), record(1, 3, was_refunded())]);
    let all = tote().into_iter().chain(bought).chain(sent).chain(there).chain(back);
    let again = [to_cart(2, cart::Command::Create { currency: currency("EUR"), owner })];
    let again = again.into_iter().chain([add(2, PURSE, 1), close_return(1)]);
    all.chain(again).fold(begun, |life, command| life.done(&command))
}

/// A cart beside which stands what its lines are today.
fn cart_today(life: &Life) -> shown::Document {
    let cart = life.of(&StreamId::Cart(cart_id(2)), carts::document::fold);
    let product = life.of(&StreamId::Product(product_id(1)), product::document::fold);
    let variant = product.variants.into_iter().find(|variant| variant.sku == sku(PURSE));
    let Details { title, media, .. } = product.details;
    let sold = shown::Sold {
        product_id: product.id,
        status: product.status,
        title,
        image: media.into_iter().next().map(|media| media.url),
        variant: variant.expect("it has it"),
    };
    let known = shown::SkuFacts { sold: Some(sold), available: 5, obtainable: 5 };
    shown::Document::of(cart, vec![known])
}

fn sold(life: &Life) -> sales::Document {
    let (mut days, mut ledger) = (BTreeMap::new(), sales::Ledger::default());
    for seen in life.seen() {
        sales::fold(&mut days, &mut ledger, &seen);
    }
    days.into_values().next().expect("a day")
}

/// The example that is shown is this; `INSTA_UPDATE=always` makes it so.
fn is_shown(name: &str, document: &impl Serialize) {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/page/examples");
    let file = folder.join(name).with_extension("json");
    let made = serde_json::to_string_pretty(document).expect("JSON") + "\n";
    if std::env::var("INSTA_UPDATE").is_ok_and(|wish| wish == "always") {
        std::fs::write(&file, &made).expect("it can be written");
    }
    let shown = std::fs::read_to_string(&file).unwrap_or_default();
    assert_eq!(shown, made, "{}: INSTA_UPDATE=always makes it anew", file.display());
}

#[test]
fn what_descriptions_show_are_documents_of_a_shop() {
    let life = life();
    let order = |stream: &StreamId| {
        use StreamId::{Fulfilment, Order, Payment, Return};
        matches!(stream, Fulfilment(_) | Order(_) | Payment(_) | Return(_))
    };
    let product = StreamId::Product(product_id(1));
    is_shown("product", &life.of(&product, product::document::fold));
    let mut hit = life.of(&product, search::fold);
    for (text, position) in [(TOTE, 4), (PURSE, 5)] {
        hit.set_in_stock(&sku(text), true, position);
    }
    is_shown("search_hit", &hit);
    is_shown("stock", &life.of(&StreamId::Stock(sku(TOTE)), stocks::document::fold));
    let depot = StreamId::Location(place("depot"));
    is_shown("location", &life.of(&depot, location::document::fold));
    is_shown("past_cart", &life.of(&StreamId::Cart(cart_id(1)), carts::document::fold));
    is_shown("cart", &cart_today(&life));
    is_shown("order", &life.document(order, order::fold));
    is_shown("payment", &life.of(&StreamId::Payment(payment_id(1)), payment::document::fold));
    is_shown(
        "fulfilment",
        &life.of(&StreamId::Fulfilment(parcel_id(1)), fulfilment::document::fold),
    );
    is_shown("return_", &life.of(&StreamId::Return(return_id(1)), return_::document::fold));
    is_shown("sales_day", &sold(&life));
    let tells = |kind: &str| life.log.iter().any(|(_, event): &(_, Event)| event.kind().0 == kind);
    assert!(tells("payment.refunded") && tells("return.closed"), "it is a whole life");
}
