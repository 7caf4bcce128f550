//! From what the log has to what the file wants: the commands that are missing, and no others.

use domain::command::product::Command;
use domain::product::{
    Changed, Details, SkusOfArchived, Status, VariantChange, VariantSet, document,
};
use domain::{Currency, Sku};

use super::spec::{Spec, VariantSpec};
use crate::catalogue::Known;

/// A command to a product, and the line it comes from; none if it speaks for the whole product.
pub type LineCommand = (Option<u64>, Command);

/// What is to be done about a product.
#[derive(Debug, Default)]
pub struct Steps {
    /// What to ask, in this order.
    pub commands: Vec<LineCommand>,
    /// What cannot be done although the file wants it.
    pub remark: Option<&'static str>,
}

impl Steps {
    /// The variants that are to go.
    pub fn removed(&self) -> impl Iterator<Item = &Sku> {
        self.commands.iter().filter_map(|(_, command)| match command {
            Command::RemoveVariant(sku) => Some(sku),
            _ => None,
        })
    }
}

/// What leads from `known` to `wanted`. Prices in other currencies than the file's stay.
pub fn steps(known: &Known, wanted: &Spec, currency: Currency) -> Steps {
    let mut steps = Steps::default();
    match (known.product.status, wanted.status) {
        (Status::Unborn, _) => create(&mut steps, wanted),
        (Status::Archived, document::Status::Archived) => return steps,
        (Status::Archived, _) => {
            // First what is to go: another product may have it by now.
            remove(&mut steps, known, wanted);
            steps.commands.push((None, Command::Restore));
            change(&mut steps, known, wanted, currency);
        }
        (Status::Draft | Status::Published, document::Status::Archived) => {}
        (Status::Draft | Status::Published, _) => {
            if (known.product.status, wanted.status) == (Status::Published, document::Status::Draft)
            {
                // First, for what is for sale must keep a variant with a price.
                steps.commands.push((None, Command::Unpublish));
            }
            change(&mut steps, known, wanted, currency);
            // Last what is to go: something must be left to sell meanwhile.
            remove(&mut steps, known, wanted);
        }
    }
    match (known.product.status, wanted.status) {
        // Elsewhere an archived product may share its SKUs with one that is sold.
        (_, document::Status::Archived) => {
            steps.commands.push((None, Command::Archive(SkusOfArchived::Free)));
        }
        (Status::Published, document::Status::Published) | (_, document::Status::Draft) => {}
        (_, document::Status::Published) if will_sell(known, wanted) => {
            steps.commands.push((None, Command::Publish));
        }
        (_, document::Status::Published) => {
            steps.remark = Some("the product stays a draft: it has no variant with a price");
        }
    }
    steps
}

fn create(steps: &mut Steps, wanted: &Spec) {
    let mut details = Details {
        title: wanted.title.clone(),
        description: None,
        brand: None,
        category: vec![],
        attributes: std::collections::BTreeMap::new(),
        media: vec![],
    };
    wanted.details.apply(&mut details);
    let variants = wanted.variants.iter().flatten().map(|variant| variant.set.clone()).collect();
    steps.commands.push((None, Command::Create { details, variants }));
}

fn change(steps: &mut Steps, known: &Known, wanted: &Spec, currency: Currency) {
    if let Some(details) = &known.details {
        let changed = difference(details, &wanted.details);
        if changed != Changed::default() {
            steps.commands.push((None, Command::Change(changed)));
        }
    }
    let Some(variants) = &wanted.variants else { return };
    for VariantSpec { line, set, .. } in variants {
        let Some(current) = known.product.variants.get(&set.sku) else {
            steps.commands.push((Some(*line), Command::SetVariant(set.clone())));
            continue;
        };
        let change = change_of(current, merged(current, set, currency));
        if change != VariantChange::default() {
            steps.commands.push((Some(*line), Command::ChangeVariant(set.sku.clone(), change)));
        }
    }
}

/// Only what differs: what else is changed meanwhile by others stays.
fn change_of(current: &VariantSet, wanted: VariantSet) -> VariantChange {
    let VariantSet { sku: _, title, options, prices, barcode } = wanted;
    VariantChange {
        title: (title != current.title).then_some(title),
        options: (options != current.options).then_some(Some(options)),
        prices: (prices != current.prices).then_some(Some(prices)),
        barcode: (barcode != current.barcode).then_some(barcode),
    }
}

/// The variants that a whole file does not list.
fn remove(steps: &mut Steps, known: &Known, wanted: &Spec) {
    let Some(variants) = &wanted.variants else { return };
    let is_wanted = |sku: &&Sku| variants.iter().any(|variant| variant.set.sku == **sku);
    if wanted.is_whole {
        let gone = known.product.variants.keys().filter(|sku| !is_wanted(sku));
        steps.commands.extend(gone.map(|sku| (None, Command::RemoveVariant(sku.clone()))));
    }
}

/// Only what differs.
fn difference(current: &Details, wanted: &Changed) -> Changed {
    let Changed { title, description, brand, category, attributes, media } = wanted.clone();
    Changed {
        title: title.filter(|title| *title != current.title),
        description: description.filter(|text| *text != current.description),
        brand: brand.filter(|brand| *brand != current.brand),
        category: category.filter(|category| *category != current.category),
        attributes: attributes.filter(|attributes| *attributes != current.attributes),
        media: media.filter(|media| *media != current.media),
    }
}

/// The variant as the file wants it, with what the file cannot say left as it is.
fn merged(current: &VariantSet, wanted: &VariantSet, currency: Currency) -> VariantSet {
    let mut set = VariantSet { title: current.title.clone(), ..wanted.clone() };
    let mut prices = current.prices.clone();
    match wanted.prices.first() {
        Some(price) => match prices.iter_mut().find(|other| other.currency() == currency) {
            Some(own) => *own = *price,
            None => prices.push(*price),
        },
        None => prices.retain(|price| price.currency() != currency),
    }
    set.prices = prices;
    set
}

/// Whether the product will have a variant with a price.
fn will_sell(known: &Known, wanted: &Spec) -> bool {
    let has_price = |set: &VariantSet| !set.prices.is_empty();
    match &wanted.variants {
        Some(variants) => variants.iter().any(|variant| has_price(&variant.set)),
        None => known.product.variants.values().any(has_price),
    }
}

#[cfg(test)]
mod tests {
    use domain::Money;
    use domain::options::Options;

    use super::*;

    fn eur() -> Currency {
        "EUR".parse().unwrap()
    }

    fn tote(price: i64) -> VariantSet {
        let prices = vec![Money::new(price.into(), eur()).unwrap()];
        let (sku, options) = ("TOTE".parse().unwrap(), Options::default());
        VariantSet { sku, title: None, options, prices, barcode: None }
    }

    fn wanted(set: VariantSet) -> Spec {
        Spec {
            id: crate::ids::product_of_handle("tote"),
            title: "Tote".parse().unwrap(),
            lines: vec![2],
            details: Changed::default(),
            variants: Some(vec![VariantSpec { line: 2, set, quantity: None }]),
            is_whole: true,
            status: document::Status::Published,
        }
    }

    #[test]
    fn what_others_change_of_a_variant_meanwhile_stays() {
        let mut known = Known::default();
        known.product.status = Status::Published;
        known.product.variants.insert(tote(10).sku, tote(10));
        assert!(steps(&known, &wanted(tote(10)), eur()).commands.is_empty());
        let steps = steps(&known, &wanted(tote(12)), eur());
        let [(Some(2), Command::ChangeVariant(_, change))] = &steps.commands[..] else {
            panic!("{:?}", steps.commands)
        };
        // Behind the reading and before the append.
        let barcode = Some("4006381333931".parse().unwrap());
        let by_staff = VariantSet { barcode: barcode.clone(), ..tote(10) };
        assert_eq!(change.clone().apply(by_staff), VariantSet { barcode, ..tote(12) });
    }
}
