//! The rows of an order file as order lines: which column means what, and what each field says.
//! Names, addresses and e-mail are not read.

use chrono::{DateTime, Utc};
use domain::Currency;
use domain::text::Quantity;
use rust_decimal::Decimal;

use crate::import::dates::Style;
use crate::import::table::{Column, Row, Table, TableError};
use crate::import::values;

/// Where the columns are.
pub struct Columns {
    order: Column,
    date: Column,
    shipped: Column,
    cancelled: Column,
    customer: Column,
    product: Column,
    name: Column,
    category: Column,
    subcategory: Column,
    quantity: Column,
    price: Column,
    total: Column,
    discount: Column,
    currency: Column,
}

impl Columns {
    /// Finds them under the names that different shops give them.
    pub fn find(table: &Table) -> Result<Self, TableError> {
        let of = |names: &[&str]| table.column(names);
        let columns = Self {
            order: of(&["order id", "order number", "order no", "order", "name"]),
            date: of(&["order date", "created at", "ordered at", "date", "invoice date"]),
            shipped: of(&["ship date", "shipped at", "fulfilled at", "shipping date"]),
            cancelled: of(&["cancelled at", "canceled at"]),
            customer: of(&["customer id", "customer number", "customer no"]),
            product: of(&[
                "product id",
                "lineitem sku",
                "sku",
                "product sku",
                "item id",
                "stock code",
            ]),
            name: of(&["product name", "lineitem name", "item name", "product", "description"]),
            category: of(&["category", "product category"]),
            subcategory: of(&["sub-category"]),
            quantity: of(&["quantity", "lineitem quantity", "qty", "order quantity"]),
            price: of(&["unit price", "lineitem price", "item price", "price"]),
            total: of(&["sales", "line total", "lineitem total", "sales amount"]),
            discount: of(&["lineitem discount"]),
            currency: of(&["currency", "currency code"]),
        };
        let needed = [
            (columns.order, "Order ID"),
            (columns.date, "Order Date"),
            (columns.product.or(columns.name), "Product ID"),
            (columns.quantity, "Quantity"),
            (columns.total.or(columns.price), "Sales or Unit Price"),
        ];
        let missing: Vec<&str> =
            needed.iter().filter(|(column, _)| column.is_none()).map(|(_, name)| *name).collect();
        if missing.is_empty() { Ok(columns) } else { Err(table.lacks(&missing)) }
    }

    /// Learns how the file writes its dates.
    pub fn style(&self, table: &Table) -> Style {
        let mut style = Style::default();
        for row in table.rows().flatten() {
            for column in [self.date, self.shipped] {
                style.learn(row.line, row.get(column));
            }
        }
        style
    }

    /// The order a row belongs to, if it says so.
    pub fn order<'a>(&self, row: &'a Row) -> &'a str {
        row.get(self.order)
    }

    /// Whether the file says when orders left.
    pub fn has_shipped(&self) -> bool {
        self.shipped.is_some()
    }
}

/// One row, understood.
#[derive(Debug)]
pub struct LineRow {
    /// Its line.
    pub line: u64,
    /// The order's id in the file.
    pub order: String,
    /// When it was ordered; files with several rows an order may say it in the first one only.
    pub date: Option<DateTime<Utc>>,
    /// When it left.
    pub shipped: Option<DateTime<Utc>>,
    /// The customer's id in the file.
    pub customer: Option<String>,
    /// What is paid in.
    pub currency: Option<Currency>,
    /// The product's id in the file; its name where it has none.
    pub product: String,
    /// What the product is called.
    pub name: String,
    /// Its category and sub-category.
    pub category: [String; 2],
    /// Units.
    pub quantity: Quantity,
    /// What all of them cost, exactly as the file has it.
    pub total: Decimal,
}

/// Reads a row; `currency` is what counts where it says none.
pub fn line_row(
    row: &Row,
    columns: &Columns,
    style: &Style,
    currency: Currency,
) -> Result<LineRow, String> {
    let text = |column| some(row.get(column));
    let order = text(columns.order).ok_or("the row has no order id")?;
    if text(columns.cancelled).is_some() {
        return Err("the order was cancelled; such orders are not replayed".to_owned());
    }
    let date = |column| text(column).map(|date| style.read(&date)).transpose();
    let own_currency = text(columns.currency)
        .map(|code| code.to_uppercase().parse::<Currency>())
        .transpose()
        .map_err(|rule| format!("the currency must be {}", rule.0))?;
    let name = text(columns.name).unwrap_or_default();
    let product = text(columns.product).or_else(|| some(&name));
    let quantity = quantity(row.get(columns.quantity))?;
    Ok(LineRow {
        line: row.line,
        order,
        date: date(columns.date)?,
        shipped: date(columns.shipped)?,
        customer: text(columns.customer),
        currency: own_currency,
        product: product.ok_or("the row has no product id")?,
        name,
        category: [columns.category, columns.subcategory].map(|column| row.get(column).to_owned()),
        quantity,
        total: total(row, columns, quantity, own_currency.unwrap_or(currency))?,
    })
}

fn some(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

fn quantity(text: &str) -> Result<Quantity, String> {
    let units = values::whole(text)?;
    let units = u32::try_from(units).ok().and_then(|units| Quantity::try_from(units).ok());
    units.ok_or_else(|| {
        let text = values::quote(text);
        format!("the quantity {text} must be a whole number from 1 to {}", Quantity::UNITS_MAX)
    })
}

/// The line's total: what the file says, or its unit price times its units, less its discount.
fn total(
    row: &Row,
    columns: &Columns,
    quantity: Quantity,
    currency: Currency,
) -> Result<Decimal, String> {
    if !row.get(columns.total).is_empty() {
        return values::amount(row.get(columns.total), currency);
    }
    let price = values::amount(row.get(columns.price), currency)?;
    let discount = match row.get(columns.discount) {
        "" => Decimal::ZERO,
        discount => values::amount(discount, currency)?,
    };
    price
        .checked_mul(Decimal::from(quantity.get()))
        .and_then(|total| total.checked_sub(discount))
        .filter(|total| !total.is_sign_negative() || total.is_zero())
        .ok_or_else(|| "the line costs less than nothing".to_owned())
}
