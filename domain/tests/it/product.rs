//! Products, and the SKUs they take and give back in the same append.

use std::collections::BTreeMap;

use domain::command::product::Command;
use domain::product::SkusOfArchived::{Free, Keep};
use domain::product::{
    ATTRIBUTES_MAX, Archived, CATEGORY_LEVELS_MAX, Changed, Created, Error, MEDIA_MAX, Media,
    PRICES_MAX, PricesSet, Published, Restored, Unpublished, VARIANTS_MAX, VariantChange,
    VariantRemoved, VariantSet,
};
use domain::refusal::All;
use domain::sku::{Assigned, Released, TakenSku, TakenSkus};
use domain::{Currency, Money, Options};

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

fn cost(text: &str, price: &str) -> PricesSet {
    PricesSet { sku: sku(text), prices: vec![eur(price)] }
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
    let shop = catalogue().done(archive_freeing(1));
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
        .then_refused_with(Error::DuplicateCurrency(All(vec![sku("A")])));

    let too_many = vec![eur("1.00"); PRICES_MAX + 1];
    draft(vec![])
        .when(to_product(1, Command::SetVariant(variant("A", &too_many))))
        .then_refused_with(Error::Several(All(vec![
            Error::TooManyPrices(All(vec![sku("A")])),
            Error::DuplicateCurrency(All(vec![sku("A")])),
        ])));
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
fn setting_a_variant_tells_what_is_new() {
    let one = || variant("A", &[eur("1.00")]);
    let two = || variant("A", &[eur("2.00")]);
    let shop = draft(vec![one()]);
    shop.when(to_product(1, Command::SetVariant(one()))).then_nothing();
    shop.when(to_product(1, Command::SetVariant(two()))).then([of_product(1, cost("A", "2.00"))]);
    // The SKU is the product's already.
    let titled = VariantSet { title: Some(label("Small")), ..two() };
    shop.when(to_product(1, Command::SetVariant(titled.clone()))).then([of_product(1, titled)]);
}

#[test]
fn a_change_of_a_variant_leaves_the_rest() {
    let whole = VariantSet {
        title: Some(label("Small")),
        options: options(&[("Size", "S"), ("Colour", "red")]),
        barcode: Some(label("4006381333931")),
        ..variant("A", &[eur("1.00"), money("300", "JPY")])
    };
    let shop = draft(vec![whole.clone()]);
    let change = |change| to_product(1, Command::ChangeVariant(sku("A"), change));
    let none = VariantChange::default;
    shop.when(change(none())).then_nothing();
    let prices = Some(Some(vec![eur("2.00")]));
    shop.when(change(VariantChange { prices, ..none() })).then([of_product(1, cost("A", "2.00"))]);
    let untitled = VariantChange { title: Some(None), options: Some(None), ..none() };
    let expected = VariantSet { title: None, options: Options::default(), ..whole };
    shop.when(change(untitled)).then([of_product(1, expected)]);
    let absent = to_product(1, Command::ChangeVariant(sku("B"), none()));
    shop.when(absent).then_refused("variant_not_found");
}

#[test]
fn prices_are_set_alone() {
    let set = |text: &str, prices: &[Money]| {
        to_product(1, Command::SetPrices(sku(text), prices.to_vec()))
    };
    let shop = catalogue();
    shop.when(set(TOTE, &[eur("19.00")])).then([of_product(1, cost(TOTE, "19.00"))]);
    shop.when(set(TOTE, &[eur("20.00"), money("3300", "JPY")])).then_nothing();
    shop.when(set(TOTE, &[])).then_refused("last_variant");
    shop.when(set(TOTE, &[eur("1.00"), eur("2.00")])).then_refused("duplicate_currency");
    shop.when(set(PURSE, &[])).then_refused("variant_not_found");
    let shop = shop.done(set(TOTE, &[eur("19.00")])).done(create_cart(1));
    shop.done(create_cart(2)).done(add(2, TOTE, 1));
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
    shop.when(unprice).then([of_product(1, PricesSet { sku: sku(TOTE), prices: vec![] })]);
    shop.when(remove)
        .then([of_product(1, VariantRemoved { sku: sku(TOTE) }), of_sku(TOTE, released(1))]);
}

#[test]
fn taken_off_sale_it_is_a_draft_again() {
    let shop = catalogue();
    let unpublish = || to_product(1, Command::Unpublish);
    shop.when(unpublish()).then([of_product(1, Unpublished {})]);
    let shop = shop.done(create_cart(1)).done(add(1, TOTE, 1)).done(unpublish());
    shop.when(unpublish()).then_nothing();
    shop.when(add(1, TOTE, 1)).then_refused("not_for_sale");
    shop.done(publish(1)).done(add(1, TOTE, 1));
}

#[test]
fn an_archived_product_keeps_its_skus_unless_told_to_free_them() {
    let archive = |skus| to_product(1, Command::Archive(skus));
    let archived = |skus| of_product(1, Archived { skus });
    let freed = || [of_sku("A", released(1)), of_sku("B", released(1))];
    let shop = draft(vec![variant("A", &[eur("1.00")]), variant("B", &[])]);
    shop.when(archive(Keep)).then([archived(Keep)]);
    shop.when(archive(Free)).then([archived(Free)].into_iter().chain(freed()));

    let kept = shop.clone().done(archive(Keep));
    kept.when(archive(Keep)).then_nothing();
    let mine = variant("A", &[eur("1.00")]);
    kept.when(to_product(2, create("Copy", vec![mine]))).then_refused("sku_taken");
    kept.when(to_product(1, Command::Publish)).then_refused("product_archived");
    kept.when(to_product(1, Command::SetVariant(variant("C", &[]))))
        .then_refused("product_archived");
    kept.when(to_product(1, create("Tote", vec![]))).then_refused("product_already_exists");
    // They are freed later, and with that for good.
    kept.when(archive(Free)).then([archived(Free)].into_iter().chain(freed()));
    kept.done(archive(Free)).when(archive(Keep)).then_nothing();
}

#[test]
fn an_archived_product_comes_back_with_its_skus() {
    let restore = || to_product(1, Command::Restore);
    let shop = draft(vec![variant("A", &[eur("1.00")]), variant("B", &[])]);
    shop.when(restore()).then_nothing();
    let kept = shop.clone().done(to_product(1, Command::Archive(Keep)));
    kept.when(restore()).then([of_product(1, Restored {})]);
    kept.done(restore()).done(publish(1));

    let freed = shop.done(archive_freeing(1));
    let back = [of_product(1, Restored {}), of_sku("A", assigned(1)), of_sku("B", assigned(1))];
    freed.when(restore()).then(back);
    freed
        .done(restore())
        .when(to_product(1, Command::Archive(Keep)))
        .then([of_product(1, Archived { skus: Keep })]);
}

#[test]
fn what_others_took_meanwhile_is_named_and_may_be_left_behind() {
    let restore = || to_product(1, Command::Restore);
    let names = ["A", "B", "C"];
    let shop = draft(names.map(|name| variant(name, &[eur("1.00")])).into());
    let others = names[..2].iter().map(|name| variant(name, &[])).collect();
    let shop = shop.done(archive_freeing(1)).done(to_product(2, create("New", others)));
    let taken = |text| TakenSku { sku: sku(text), product_id: product_id(2) };
    let refusal = domain::sku::Error::Taken(TakenSkus(vec![taken("A"), taken("B")]));
    shop.when(restore()).then_refused_with(refusal);

    let remove = |text| to_product(1, Command::RemoveVariant(sku(text)));
    shop.when(remove("A")).then([of_product(1, VariantRemoved { sku: sku("A") })]);
    let shop = shop.done(remove("A")).done(remove("B"));
    shop.when(restore()).then([of_product(1, Restored {}), of_sku("C", assigned(1))]);
}

#[test]
fn what_was_never_created_is_not_found() {
    for command in [
        Command::Change(Changed::default()),
        Command::SetVariant(variant("A", &[])),
        Command::RemoveVariant(sku("A")),
        Command::SetPrices(sku("A"), vec![]),
        Command::Publish,
        Command::Unpublish,
        Command::Archive(Keep),
        Command::Restore,
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

#[test]
fn all_that_is_wrong_with_a_new_product_is_named() {
    let named = [variant("B", &[]), variant("A", &[]), variant("A", &[]), variant("B", &[])];
    given([])
        .when(to_product(1, create("Tote", named.into())))
        .then_refused_with(Error::DuplicateSku(All(vec![sku("A"), sku("B")])));
    let twice = [eur("1.00"), eur("2.00")];
    given([])
        .when(to_product(1, create("Tote", vec![variant("A", &twice), variant("B", &twice)])))
        .then_refused_with(Error::DuplicateCurrency(All(vec![sku("A"), sku("B")])));
    let mut details = details("Tote");
    details.category = vec![label("a"); CATEGORY_LEVELS_MAX + 1];
    let url = || "https://shop.example/a.jpg".parse().expect("a URL");
    details.media = (0..=MEDIA_MAX).map(|_| Media { url: url(), alt: None }).collect();
    given([])
        .when(to_product(1, Command::Create { details, variants: vec![] }))
        .then_refused_with(Error::TooMany(All(vec!["category levels", "media"])));
}

#[test]
fn all_sorts_of_trouble_are_told_at_once() {
    let twice = || variant("A", &[eur("1.00"), eur("2.00")]);
    let media = |n: usize| {
        let url = format!("https://shop.example/{n}.jpg").parse().expect("a URL");
        Media { url, alt: None }
    };
    let mut details = details("Tote");
    details.media = (0..=MEDIA_MAX).map(media).collect();
    let create = Command::Create { details, variants: vec![twice(), variant("A", &[])] };
    let all = All(vec![
        Error::TooMany(All(vec!["media"])),
        Error::DuplicateSku(All(vec![sku("A")])),
        Error::DuplicateCurrency(All(vec![sku("A")])),
    ]);
    given([]).when(to_product(1, create)).then_refused_with(Error::Several(all));
}
