//! Products on sale: a few of no interest for carts to hold, or a catalogue with words, brands and
//! attributes for reads and searches. The same number makes the same product in every run.

use std::fmt::Write as _;

use anyhow::{Result, ensure};
use serde_json::json;
use uuid::Uuid;

use super::client::Connection;

/// Products made by one batch.
const PRODUCTS_PER_BATCH: usize = 500;

/// What titles are made of.
pub const MANNERS: [&str; 12] = [
    "Classic", "Slim", "Vintage", "Sturdy", "Light", "Waxed", "Woven", "Quilted", "Striped",
    "Padded", "Folding", "Travel",
];
const MATERIALS: [&str; 10] =
    ["leather", "canvas", "cotton", "linen", "wool", "denim", "suede", "bamboo", "steel", "cork"];
/// What titles end with.
pub const THINGS: [&str; 16] = [
    "bag", "wallet", "jacket", "scarf", "boots", "belt", "blanket", "cushion", "notebook", "mug",
    "lamp", "backpack", "gloves", "apron", "basket", "umbrella",
];
/// Who makes them.
pub const BRANDS: [&str; 9] =
    ["Alder", "Birch", "Cedar", "Damson", "Elm", "Fir", "Gorse", "Hazel", "Ivy"];
const COLOURS: [&str; 5] = ["black", "brown", "green", "blue", "red"];

/// Makes the catalogue: each product published, with two variants of which one is in stock.
pub async fn make(address: &str, products: usize) -> Result<()> {
    let mut connection = Connection::open(address).await?;
    let numbers: Vec<usize> = (0..products).collect();
    for numbers in numbers.chunks(PRODUCTS_PER_BATCH) {
        let mut lines = String::new();
        for number in numbers {
            describe(&mut lines, *number)?;
        }
        connection.batch(lines).await?;
    }
    Ok(())
}

/// The id of a product of the catalogue.
pub fn id(number: usize) -> Uuid {
    Uuid::new_v5(&Uuid::NAMESPACE_OID, format!("bench product {number}").as_bytes())
}

fn describe(lines: &mut String, number: usize) -> Result<()> {
    let pick = |words: &[&'static str], stride: usize| words[number / stride % words.len()];
    let (manner, thing) = (pick(&MANNERS, 1), pick(&THINGS, MANNERS.len()));
    let (material, brand) = (pick(&MATERIALS, 7), pick(&BRANDS, 5));
    let variant = |colour: &str| {
        json!({
            "sku": format!("B{number}-{colour}"), "options": [{"name": "colour", "value": colour}],
            "prices": [{"amount": format!("{}.90", 5 + number % 200), "currency": "EUR"}],
        })
    };
    let (one, other) = (pick(&COLOURS, 1), pick(&COLOURS[1..], 3));
    let mut variants = vec![variant(one)];
    if one != other {
        variants.push(variant(other));
    }
    let create = json!({"command": "product.create", "data": {
        "id": id(number), "title": format!("{manner} {material} {thing}"), "brand": brand,
        "description": format!("A {thing} of {material}, {manner} and made to last. No. {number}."),
        "category": ["Everything", if number.is_multiple_of(2) { "Home" } else { "Wear" }],
        "attributes": {"material": material}, "variants": variants,
    }});
    let publish = json!({"command": "product.publish", "id": id(number), "data": {}});
    let receive = json!({"command": "stock.receive", "key": Uuid::now_v7(),
                         "id": format!("B{number}-{one}"),
                         "data": {"location": "main", "quantity": 1_000}});
    writeln!(lines, "{create}\n{publish}\n{receive}")?;
    Ok(())
}

/// Puts so many products of no interest on sale; returns their SKUs.
pub async fn offer(connection: &mut Connection, products: usize) -> Result<Vec<String>> {
    let run = Uuid::now_v7().simple().to_string();
    let mut skus = Vec::new();
    let mut lines = String::new();
    for number in 0..products {
        let (id, sku) = (Uuid::now_v7(), format!("{run}-{number}"));
        let create = json!({"command": "product.create", "data": {
            "id": id, "title": format!("Bench {number}"),
            "variants": [{"sku": sku, "prices": [{"amount": "19.99", "currency": "EUR"}]}],
        }});
        let publish = json!({"command": "product.publish", "id": id, "data": {}});
        writeln!(lines, "{create}\n{publish}")?;
        skus.push(sku);
    }
    let effective = connection.batch(lines).await?;
    ensure!(effective == 2 * products, "{effective} of {} commands took effect", 2 * products);
    Ok(skus)
}
