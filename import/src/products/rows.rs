//! The rows of a product file, gathered by handle: which column means what, which row is a variant
//! and which only a picture. What the fields say is still text.

use std::collections::HashMap;

use domain::Currency;

use crate::csv::numbers::Numbers;
use crate::csv::table::{Column, Row, Table, TableError};
use crate::report::Report;

/// Where the columns are.
pub struct Columns {
    handle: Column,
    pub title: Column,
    pub body: Column,
    pub vendor: Column,
    pub category: Column,
    pub kind: Column,
    pub tags: Column,
    published: Column,
    status: Column,
    option_names: [Column; 3],
    option_values: [Column; 3],
    sku: Column,
    price: Column,
    quantity: Column,
    barcode: Column,
    pub image: Column,
    image_position: Column,
    image_alt: Column,
    variant_image: Column,
    /// Read only to say that it is dropped, and for how it is written.
    pub compare_at: Column,
}

impl Columns {
    /// Finds them under the names they have in older and newer exports.
    pub fn find(table: &Table) -> Result<Self, TableError> {
        let of = |names: &[&str]| table.column(names);
        let option = |number: u8, what: &str| of(&[&format!("option{number} {what}")]);
        let columns = Self {
            handle: of(&["handle", "url handle", "product handle"]),
            title: of(&["title", "product title"]),
            body: of(&["body (html)", "body html", "body", "description"]),
            vendor: of(&["vendor", "brand"]),
            category: of(&["product category", "category"]),
            kind: of(&["type", "product type", "custom product type"]),
            tags: of(&["tags"]),
            published: of(&["published", "published on online store"]),
            status: of(&["status"]),
            option_names: [1, 2, 3].map(|number| option(number, "name")),
            option_values: [1, 2, 3].map(|number| option(number, "value")),
            sku: of(&["variant sku", "sku"]),
            price: of(&["variant price", "price"]),
            quantity: of(&["variant inventory qty", "inventory quantity", "inventory qty"]),
            barcode: of(&["variant barcode", "barcode"]),
            image: of(&["image src", "product image url", "image url"]),
            image_position: of(&["image position"]),
            image_alt: of(&["image alt text"]),
            variant_image: of(&["variant image", "variant image url"]),
            compare_at: of(&["variant compare at price", "compare at price", "compare-at price"]),
        };
        match (columns.handle, columns.title) {
            (Some(_), Some(_)) => Ok(columns),
            (None, Some(_)) => Err(table.lacks(&["Handle"])),
            (Some(_), None) => Err(table.lacks(&["Title"])),
            (None, None) => Err(table.lacks(&["Handle", "Title"])),
        }
    }

    /// Learns how the file writes its numbers.
    pub fn numbers(&self, table: &Table, currency: Currency) -> Numbers {
        let mut numbers = Numbers::default();
        for row in table.rows().flatten() {
            for column in [self.price, self.compare_at] {
                numbers.learn_amount(row.line, row.get(column), currency);
            }
            numbers.learn_count(row.line, row.get(self.quantity));
        }
        numbers
    }

    /// Whether the file speaks of variants at all.
    pub fn has_variants(&self) -> bool {
        self.sku.is_some() || self.price.is_some() || self.option_values[0].is_some()
    }
}

/// A variant as its row has it.
#[derive(Debug, Default)]
pub struct VariantRow {
    pub line: u64,
    pub options: [String; 3],
    pub sku: String,
    pub price: String,
    pub quantity: String,
    pub barcode: String,
}

/// A picture as its row has it.
#[derive(Debug)]
pub struct ImageRow {
    pub line: u64,
    /// Where it wants to stand; those that do not say come last.
    pub position: i64,
    pub url: String,
    pub alt: String,
}

/// A product as its rows have it.
#[derive(Debug, Default)]
pub struct ProductRows {
    pub handle: String,
    /// All its rows.
    pub lines: Vec<u64>,
    pub title: String,
    pub body: String,
    pub vendor: String,
    pub category: String,
    pub kind: String,
    pub tags: String,
    pub published: String,
    pub status: String,
    pub option_names: [String; 3],
    pub variants: Vec<VariantRow>,
    pub images: Vec<ImageRow>,
}

impl ProductRows {
    /// Adds a row. Of what is said of the product as a whole, what is said first counts.
    fn add(&mut self, row: &Row, columns: &Columns) {
        self.lines.push(row.line);
        let facts = [
            (&mut self.title, columns.title),
            (&mut self.body, columns.body),
            (&mut self.vendor, columns.vendor),
            (&mut self.category, columns.category),
            (&mut self.kind, columns.kind),
            (&mut self.tags, columns.tags),
            (&mut self.published, columns.published),
            (&mut self.status, columns.status),
        ];
        let names = self.option_names.iter_mut().zip(columns.option_names);
        for (fact, column) in facts.into_iter().chain(names) {
            if fact.is_empty() {
                row.get(column).clone_into(fact);
            }
        }
        self.add_variant(row, columns);
        let position = row.get(columns.image_position).parse().unwrap_or(i64::MAX);
        self.add_image(row, columns.image, position, row.get(columns.image_alt));
        self.add_image(row, columns.variant_image, i64::MAX, "");
    }

    fn add_variant(&mut self, row: &Row, columns: &Columns) {
        let says = |column| !row.get(column).is_empty();
        let first = self.lines.len() == 1;
        let named = says(columns.sku) || says(columns.price) || says(columns.option_values[0]);
        if columns.has_variants() && (first || named) {
            self.variants.push(VariantRow {
                line: row.line,
                options: columns.option_values.map(|column| row.get(column).to_owned()),
                sku: row.get(columns.sku).to_owned(),
                price: row.get(columns.price).to_owned(),
                quantity: row.get(columns.quantity).to_owned(),
                barcode: row.get(columns.barcode).to_owned(),
            });
        }
    }

    fn add_image(&mut self, row: &Row, column: Column, position: i64, alt: &str) {
        let url = row.get(column);
        if !url.is_empty() {
            let (url, alt) = (url.to_owned(), alt.to_owned());
            self.images.push(ImageRow { line: row.line, position, url, alt });
        }
    }
}

/// Gathers the rows by handle, in the order in which the handles appear.
pub fn gather(table: &Table, columns: &Columns, report: &mut Report) -> Vec<ProductRows> {
    let mut products: Vec<ProductRows> = Vec::new();
    let mut by_handle: HashMap<String, usize> = HashMap::new();
    for row in table.rows() {
        let Some(row) = report.row(row) else { continue };
        let handle = row.get(columns.handle);
        if handle.is_empty() {
            report.skip(row.line, "the row has no handle");
            continue;
        }
        let index = *by_handle.entry(handle.to_owned()).or_insert_with(|| {
            products.push(ProductRows { handle: handle.to_owned(), ..ProductRows::default() });
            products.len() - 1
        });
        products[index].add(&row, columns);
    }
    products
}
