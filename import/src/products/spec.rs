//! What a product file wants each product to be, in the domain's words.

use std::collections::{HashMap, HashSet};

use domain::options::VariantOption;
use domain::product::document::Status;
use domain::product::{Changed, MEDIA_MAX, Media, VARIANTS_MAX, VariantSet};
use domain::text::{Label, Quantity};
use domain::{Currency, Money, Options, ProductId, Sku};

use super::rows::{Columns, ImageRow, ProductRows, VariantRow};
use super::texts;
use crate::csv::numbers::Numbers;
use crate::csv::values;
use crate::csv::values::quote;
use crate::ids;
use crate::report::Report;

/// A variant as the file wants it.
#[derive(Debug)]
pub struct VariantSpec {
    /// Its line.
    pub line: u64,
    /// What it is, at its price in the file's currency, if it has one.
    pub set: VariantSet,
    /// Units in stock.
    pub quantity: Option<Quantity>,
}

/// A product as the file wants it.
#[derive(Debug)]
pub struct Spec {
    /// Its id.
    pub id: ProductId,
    /// Its lines.
    pub lines: Vec<u64>,
    /// What it is called.
    pub title: Label,
    /// What else the file says of it: only what it has columns for.
    pub details: Changed,
    /// Its variants; none if the file does not speak of variants.
    pub variants: Option<Vec<VariantSpec>>,
    /// Whether the file lists all of its variants, so that others may go.
    pub is_whole: bool,
    /// Whether it is to be for sale.
    pub status: Status,
}

/// How the fields of a file are to be read.
pub struct FieldFormat {
    /// Its numbers.
    pub numbers: Numbers,
    /// What its prices are in.
    pub currency: Currency,
}

/// Makes out what is wanted; rows that cannot be used are left out and reported.
pub fn specs(
    gathered: Vec<ProductRows>,
    columns: &Columns,
    reading: &FieldFormat,
    report: &mut Report,
) -> Vec<Spec> {
    let named: HashSet<Sku> = gathered
        .iter()
        .flat_map(|product| &product.variants)
        .filter(|variant| !variant.sku.is_empty())
        .map(|variant| values::sku(&variant.sku).0)
        .collect();
    let mut skus = Skus { named, used: HashMap::new(), of_archived: false };
    gathered
        .into_iter()
        .filter_map(|product| one(&product, columns, reading, &mut skus, report))
        .collect()
}

fn one(
    product: &ProductRows,
    columns: &Columns,
    reading: &FieldFormat,
    skus: &mut Skus,
    report: &mut Report,
) -> Option<Spec> {
    let first = *product.lines.first()?;
    let Some(title) = values::label(&product.title, "the title", first, report) else {
        skip_all(product, "the product has no title", report);
        return None;
    };
    let status = texts::status(&product.published, &product.status, first, report);
    skus.of_archived = status == Status::Archived;
    let mut rows = product.variants.iter();
    let variants = columns.has_variants().then(|| {
        let variants = rows.by_ref().filter_map(|row| {
            variant(product, row, reading, skus, report)
                .map_err(|reason| report.skip(row.line, reason))
                .ok()
        });
        variants.take(VARIANTS_MAX).collect::<Vec<_>>()
    });
    for row in rows {
        report.skip(row.line, format!("a product has at most {VARIANTS_MAX} variants"));
    }
    if variants.as_ref().is_some_and(Vec::is_empty) {
        skip_all(product, "none of the product's variants can be used", report);
        return None;
    }
    let details = Changed {
        title: Some(title.clone()),
        description: columns
            .body
            .map(|_| values::prose(&product.body, "the description", first, report)),
        brand: columns.vendor.map(|_| values::label(&product.vendor, "the vendor", first, report)),
        category: columns
            .category
            .or(columns.kind)
            .map(|_| texts::category(&product.category, &product.kind, first, report)),
        attributes: columns.tags.or(columns.kind).map(|_| {
            texts::attributes(&product.tags, &product.category, &product.kind, first, report)
        }),
        media: columns.image.map(|_| media(&product.images, first, report)),
    };
    Some(Spec {
        id: ids::product_of_handle(&product.handle),
        title,
        details,
        variants,
        is_whole: !product.lines.iter().any(|line| report.is_skipped(*line)),
        status,
        lines: product.lines.clone(),
    })
}

fn skip_all(product: &ProductRows, reason: &str, report: &mut Report) {
    for line in &product.lines {
        report.skip(*line, reason);
    }
}

/// The SKUs of the file.
struct Skus {
    /// Those that stand in it.
    named: HashSet<Sku>,
    /// Those that are taken, and by which line.
    used: HashMap<Sku, Used>,
    /// Whether the product at hand is archived.
    of_archived: bool,
}

/// Where a SKU was met.
struct Used {
    line: u64,
    by_archived: bool,
}

impl Skus {
    /// A product that is archived frees its SKUs, for one that is not and stands further down.
    fn take(&mut self, sku: Sku, line: u64) -> Result<Sku, String> {
        let by_archived = self.of_archived;
        let known = self.used.get(&sku);
        if let Some(other) = known.filter(|other| by_archived || !other.by_archived) {
            return Err(format!("SKU {sku} is on line {} already", other.line));
        }
        self.used.insert(sku.clone(), Used { line, by_archived });
        Ok(sku)
    }

    /// A SKU out of the handle and the options. One that stands elsewhere in the file gets a
    /// digest behind it.
    fn derive(&mut self, handle: &str, options: &[&str], line: u64) -> Result<Sku, String> {
        let words = [&[handle], options].concat();
        let name = values::hyphenated(&words.join("-"));
        let sku = values::sku(&name).0;
        if !name.is_empty() && !self.named.contains(&sku) && !self.used.contains_key(&sku) {
            return self.take(sku, line);
        }
        // The blank, which no SKU has, makes `sku` put the digest of all the words behind it.
        let sku = values::sku(&words.join(" / ")).0;
        self.take(sku, line).map_err(|_| "the product has a variant of these options".to_owned())
    }
}

fn variant(
    product: &ProductRows,
    row: &VariantRow,
    reading: &FieldFormat,
    skus: &mut Skus,
    report: &mut Report,
) -> Result<VariantSpec, String> {
    let mut prices = Vec::new();
    if row.price.is_empty() {
        report.remark(row.line, "the variant has no price and cannot be sold");
    } else {
        let FieldFormat { numbers, currency } = reading;
        let amount = numbers.amount(&row.price, *currency, row.line, report)?;
        let price = Money::new(amount, *currency)
            .map_err(|rule| format!("the price {} {rule}", quote(&row.price)))?;
        prices.push(price);
    }
    let options = options(product, row, report);
    let sku = if row.sku.is_empty() {
        let values = options.as_slice().iter().map(|option| option.value.as_str());
        let values: Vec<&str> = values.collect();
        skus.derive(&product.handle, &values, row.line)?
    } else {
        let (sku, changed) = values::sku(&row.sku);
        if changed {
            report.remark(row.line, format!("SKU {} is written {sku}", quote(&row.sku)));
        }
        skus.take(sku, row.line)?
    };
    let barcode =
        values::label(row.barcode.trim_start_matches('\''), "the barcode", row.line, report);
    Ok(VariantSpec {
        line: row.line,
        set: VariantSet { sku, title: None, options, prices, barcode },
        quantity: quantity(row, &reading.numbers, report),
    })
}

/// What sets the variant apart. A product of one variant has the option `Title: Default Title`,
/// which says nothing.
/// In the order of the columns. Of two of one name the later value counts.
fn options(product: &ProductRows, row: &VariantRow, report: &mut Report) -> Options {
    let mut options: Vec<VariantOption> = vec![];
    for (number, (name, value)) in (1..).zip(product.option_names.iter().zip(&row.options)) {
        if value.eq_ignore_ascii_case("default title") {
            continue;
        }
        let numbered = format!("Option {number}");
        let name = if name.is_empty() { &numbered } else { name };
        let name = values::label(name, "the option's name", row.line, report);
        let value = values::label(value, "the option's value", row.line, report);
        if let (Some(name), Some(value)) = (name, value) {
            match options.iter_mut().find(|known| known.name == name) {
                Some(known) => known.value = value,
                None => options.push(VariantOption { name, value }),
            }
        }
    }
    // Three columns at most, and each name once.
    options.try_into().unwrap_or_default()
}

fn quantity(row: &VariantRow, numbers: &Numbers, report: &mut Report) -> Option<Quantity> {
    if row.quantity.is_empty() {
        return None;
    }
    let units = match numbers.count(&row.quantity, row.line, report) {
        Ok(0) => return None,
        Ok(units) => u32::try_from(units).ok().and_then(|units| Quantity::try_from(units).ok()),
        Err(_) => None,
    };
    if units.is_none() {
        let text = quote(&row.quantity);
        report.remark(row.line, format!("the inventory of {text} units was not received"));
    }
    units
}

fn media(images: &[ImageRow], first: u64, report: &mut Report) -> Vec<Media> {
    let mut images: Vec<&ImageRow> = images.iter().collect();
    images.sort_by_key(|image| image.position);
    let mut seen = HashSet::new();
    let mut media = Vec::new();
    for image in images {
        let Some(url) = values::media_url(&image.url) else {
            let told = format!("the picture {} was left out: no web address", quote(&image.url));
            report.remark(image.line, told);
            continue;
        };
        if seen.insert(url.clone()) {
            let alt = values::label(&image.alt, "the picture's text", image.line, report);
            media.push(Media { url, alt });
        }
    }
    if media.len() > MEDIA_MAX {
        report.remark(first, format!("only the first {MEDIA_MAX} pictures were taken"));
        media.truncate(MEDIA_MAX);
    }
    media
}
