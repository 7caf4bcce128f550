//! Products, and the SKUs they take and give back in the same append.

use std::collections::BTreeMap;

use domain::command::product::Command;
use domain::product::{
    ATTRIBUTES_MAX, Archived, CATEGORY_LEVELS_MAX, Changed, Created, Error, MEDIA_MAX, Media,
    PRICES_MAX, Published, VARIANTS_MAX, VariantRemoved, VariantSet,
};
use domain::sku::{Assigned, Released};
use domain::{Currency, Money};

use kit::*;

use crate::warehouse::count;

fn create(title: &str, variants: Vec<VariantSet>) -> Command {
    Command::Create { details: details(title), variants }
}

fn draft(variants: Vec<VariantSet>) -> Shop {
    given([]).done(to_product(1, create("Tote", variants)))
}

fn assigned(n: u128) -> Assigned {
    Assigned { product_id: product_id(n) }
}

fn released(n: u128) -> Released {
    Released { product_id: product_id(n) }
}

#[test]
fn creating_takes_the_skus() {
    let variants = vec![variant("A", &[eur("1.00")]), variant("B", &[])];
    given([]).when(to_product(1, create("Tote", variants))).then([
        of_product(1, Created { details: details("Tote") }),
        of_product(1, variant("A", &[eur("1.00")])),
        of_product(1, variant("B", &[])),
        of_sku("A", assigned(1)),
        of_sku("B", assigned(1)),
    ]);
}

#[test]
fn creating_twice_is_refused() {
    draft(vec![])
        .when(to_product(1, create("Tote", vec![])))
        .then_refused("product_already_exists");
}

#[test]
fn a_sku_belongs_to_one_product() {
    let shop = catalogue();
    let mine = variant(TOTE, &[eur("1.00")]);
    shop.when(to_product(3, create("Copy", vec![mine.clone()]))).then_refused("sku_taken");
    shop.when(to_product(2, Command::SetVariant(mine))).then_refused("sku_taken");
}

#[test]
fn a_sku_given_back_can_be_taken() {
    let mine = || variant(TOTE, &[eur("1.00")]);
    let shop = catalogue().done(to_product(1, Command::Archive));
    shop.when(to_product(2, Command::SetVariant(mine()))).then_refused("stock_not_empty");
    let shop = shop.done(count(TOTE, "depot", 0)).done(count(TOTE, "shop", 0));
    shop.when(to_product(2, Command::SetVariant(mine())))
        .then([of_product(2, mine()), of_sku(TOTE, assigned(2))]);
}

#[test]
fn one_command_names_a_sku_once() {
    let variants = vec![variant("A", &[]), variant("A", &[])];
    given([]).when(to_product(1, create("Tote", variants))).then_refused("duplicate_sku");
}

#[test]
fn lists_are_bounded() {
    let many = |count: usize| (0..count).map(|n| label(&n.to_string()));
    let of = |edit: fn(&mut domain::product::Details, Vec<domain::text::Label>), count: usize| {
        let mut details = details("Tote");
        edit(&mut details, many(count).collect());
        given([]).when(to_product(1, Command::Create { details, variants: vec![] }))
    };
    of(|details, names| details.category = names, CATEGORY_LEVELS_MAX + 1)
        .then_refused("too_many_items");
    of(
        |details, names| details.attributes = names.into_iter().map(|n| (n.clone(), n)).collect(),
        ATTRIBUTES_MAX + 1,
    )
    .then_refused("too_many_items");
    of(
        |details, names| {
            let url = || "https://shop.example/a.jpg".parse().expect("a URL");
            details.media = names.into_iter().map(|n| Media { url: url(), alt: Some(n) }).collect();
        },
        MEDIA_MAX + 1,
    )
    .then_refused("too_many_items");

    let variants = |count: usize| (0..count).map(|n| variant(&n.to_string(), &[])).collect();
    given([])
        .when(to_product(1, create("Tote", variants(VARIANTS_MAX + 1))))
        .then_refused("too_many_items");
    draft(variants(VARIANTS_MAX))
        .when(to_product(1, Command::SetVariant(variant("one-more", &[]))))
        .then_refused("too_many_items");
}

#[test]
fn a_variant_has_one_price_a_currency() {
    let twice = variant("A", &[eur("1.00"), eur("2.00")]);
    draft(vec![])
        .when(to_product(1, Command::SetVariant(twice)))
        .then_refused_with(Error::DuplicateCurrency(sku("A")));

    let too_many = vec![eur("1.00"); PRICES_MAX + 1];
    draft(vec![])
        .when(to_product(1, Command::SetVariant(variant("A", &too_many))))
        .then_refused("too_many_items");

    let mut options = variant("A", &[]);
    options.options = (0..=ATTRIBUTES_MAX).map(|n| (label(&n.to_string()), label("x"))).collect();
    draft(vec![]).when(to_product(1, Command::SetVariant(options))).then_refused("too_many_items");
}

#[test]
fn changing_says_only_what_changed() {
    let changed = Changed { title: Some(label("Bag")), brand: Some(None), ..Changed::default() };
    let shop = draft(vec![]);
    shop.when(to_product(1, Command::Change(changed.clone()))).then([of_product(1, changed)]);
    shop.when(to_product(1, Command::Change(Changed::default()))).then_nothing();
    let levels = vec![label("x"); CATEGORY_LEVELS_MAX + 1];
    let deep = Changed { category: Some(levels), ..Changed::default() };
    shop.when(to_product(1, Command::Change(deep))).then_refused("too_many_items");
}

#[test]
fn changes_apply_to_details() {
    let mut details = details("Tote");
    details.brand = Some(label("Acme"));
    details.category = vec![label("Bags")];
    let changed = Changed {
        brand: Some(None),
        description: Some(Some("Big".parse().expect("a text"))),
        attributes: Some(BTreeMap::from([(label("material"), label("leather"))])),
        ..Changed::default()
    };
    changed.apply(&mut details);
    assert_eq!(details.title, label("Tote"));
    assert_eq!(details.brand, None);
    assert_eq!(details.description.map(String::from).as_deref(), Some("Big"));
    assert_eq!(details.category, [label("Bags")]);
    assert_eq!(details.attributes.len(), 1);
}

#[test]
fn setting_a_variant_twice_gives_nothing() {
    let one = || variant("A", &[eur("1.00")]);
    let two = || variant("A", &[eur("2.00")]);
    let shop = draft(vec![one()]);
    shop.when(to_product(1, Command::SetVariant(one()))).then_nothing();
    // A new price; the SKU is the product's already.
    shop.when(to_product(1, Command::SetVariant(two()))).then([of_product(1, two())]);
}

#[test]
fn removing_a_variant_gives_its_sku_back() {
    let shop = draft(vec![variant("A", &[])]);
    let remove = |text: &str| to_product(1, Command::RemoveVariant(sku(text)));
    shop.when(remove("A"))
        .then([of_product(1, VariantRemoved { sku: sku("A") }), of_sku("A", released(1))]);
    shop.when(remove("B")).then_refused("variant_not_found");
    shop.done(remove("A")).when(remove("A")).then_refused("variant_not_found");
}

#[test]
fn publishing_needs_something_to_sell() {
    draft(vec![]).when(to_product(1, Command::Publish)).then_refused("nothing_to_sell");
    let unpriced = vec![variant("A", &[])];
    draft(unpriced).when(to_product(1, Command::Publish)).then_refused("nothing_to_sell");

    let shop = draft(vec![variant("A", &[eur("1.00")])]);
    shop.when(to_product(1, Command::Publish)).then([of_product(1, Published {})]);
    shop.done(to_product(1, Command::Publish)).when(to_product(1, Command::Publish)).then_nothing();
}

#[test]
fn a_published_product_keeps_something_to_sell() {
    let shop = catalogue();
    let remove = to_product(1, Command::RemoveVariant(sku(TOTE)));
    let unprice = to_product(1, Command::SetVariant(variant(TOTE, &[])));
    shop.when(remove.clone()).then_refused("last_variant");
    shop.when(unprice.clone()).then_refused("last_variant");

    let shop = shop.done(to_product(1, Command::SetVariant(variant("B", &[eur("1.00")]))));
    shop.when(unprice).then([of_product(1, variant(TOTE, &[]))]);
    shop.when(remove)
        .then([of_product(1, VariantRemoved { sku: sku(TOTE) }), of_sku(TOTE, released(1))]);
}

#[test]
fn archiving_gives_all_skus_back_for_good() {
    let shop = draft(vec![variant("A", &[]), variant("B", &[])]);
    shop.when(to_product(1, Command::Archive)).then([
        of_product(1, Archived {}),
        of_sku("A", released(1)),
        of_sku("B", released(1)),
    ]);
    let shop = shop.done(to_product(1, Command::Archive));
    shop.when(to_product(1, Command::Archive)).then_nothing();
    shop.when(to_product(1, Command::Publish)).then_refused("product_archived");
    shop.when(to_product(1, Command::SetVariant(variant("C", &[]))))
        .then_refused("product_archived");
    shop.when(to_product(1, create("Tote", vec![]))).then_refused("product_already_exists");
}

#[test]
fn what_was_never_created_is_not_found() {
    for command in [
        Command::Change(Changed::default()),
        Command::SetVariant(variant("A", &[])),
        Command::RemoveVariant(sku("A")),
        Command::Publish,
        Command::Archive,
    ] {
        given([]).when(to_product(9, command)).then_refused("product_not_found");
    }
}

#[test]
fn a_price_is_found_by_its_currency() {
    let domain::State::Product(product) =
        catalogue().state(&domain::StreamId::Product(product_id(1)))
    else {
        panic!("a product")
    };
    let price = |code: &str| -> Option<Money> {
        let currency: Currency = currency(code);
        product.price(&sku(TOTE), currency)
    };
    assert_eq!(price("EUR"), Some(eur("20.00")));
    assert_eq!(price("JPY"), Some(money("3300", "JPY")));
    assert_eq!(price("USD"), None);
}
