//! The rows of an order file as order lines: which column means what, and what each field says.
//! Who ordered is read elsewhere. Facts of the whole order may stand on one of its rows
//! only; which of them count for the others is not decided here.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use domain::Currency;
use domain::text::Quantity;
use rust_decimal::Decimal;

use crate::csv::dates::Style;
use crate::csv::numbers::Numbers;
use crate::csv::table::{Column, Row, Table, TableError};
use crate::csv::values;
use crate::report::Report;

/// Financial states of orders that brought no money, or gave it back.
const UNPAID: [&str; 4] = ["refunded", "voided", "pending", "expired"];
/// Financial states of orders that brought some of their money.
const PARTLY_PAID: [&str; 3] = ["partially_refunded", "partially_paid", "authorized"];
/// What the state of a line that has not left may be called.
const WAITING: [&str; 2] = ["pending", "unfulfilled"];
/// Stock codes of fees, postage and corrections in the ledgers that have a column of that name.
const NO_PRODUCTS: [&str; 10] =
    ["POST", "DOT", "D", "M", "S", "B", "C2", "CRUK", "BANK CHARGES", "AMAZONFEE"];

/// Where the columns are.
pub struct Columns {
    order: Column,
    date: Column,
    shipped: Column,
    cancelled: Column,
    status: Column,
    line_status: Column,
    customer: Column,
    product: Column,
    stock_code: Column,
    name: Column,
    quantity: Column,
    price: Column,
    total: Column,
    discount: Column,
    order_discount: Column,
    subtotal: Column,
    currency: Column,
    /// What an order costs besides its lines.
    extras: Vec<&'static str>,
}

impl Columns {
    /// Finds them under the names that different shops give them.
    pub fn find(table: &Table) -> Result<Self, TableError> {
        let of = |names: &[&str]| table.column(names);
        let columns = Self {
            order: of(&[
                "order id",
                "order number",
                "order no",
                "order",
                "invoice no",
                "invoice number",
                "invoice id",
                "invoice",
                "transaction id",
                "transaction no",
                "name",
            ]),
            date: of(&[
                "order date",
                "created at",
                "ordered at",
                "invoice date",
                "transaction date",
                "date",
            ]),
            shipped: of(&["ship date", "shipped at", "fulfilled at", "shipping date"]),
            cancelled: of(&["cancelled at", "canceled at"]),
            status: of(&["financial status", "payment status"]),
            line_status: of(&["lineitem fulfillment status", "lineitem fulfilment status"]),
            customer: of(&["customer id", "customer number", "customer no", "client id"]),
            product: of(&[
                "product id",
                "lineitem sku",
                "sku",
                "product sku",
                "item id",
                "product code",
                "item no",
                "stock code",
            ]),
            stock_code: of(&["stock code"]),
            name: of(&["product name", "lineitem name", "item name", "product", "description"]),
            quantity: of(&["quantity", "lineitem quantity", "qty", "order quantity"]),
            price: of(&["unit price", "lineitem price", "item price", "price each", "price"]),
            total: of(&["sales", "line total", "lineitem total", "sales amount"]),
            discount: of(&["lineitem discount"]),
            order_discount: of(&["discount amount"]),
            subtotal: of(&["subtotal"]),
            currency: of(&["currency", "currency code"]),
            extras: ["shipping", "shipping cost", "taxes", "tax", "tip"]
                .into_iter()
                .filter(|name| of(&[name]).is_some())
                .collect(),
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

    /// Learns how the file writes its dates and numbers, and what its orders are in.
    pub fn reading(&self, table: &Table, currency: Currency, latest: DateTime<Utc>) -> FieldFormat {
        let mut reading = FieldFormat {
            style: Style::default(),
            latest,
            numbers: Numbers::default(),
            currency,
            currencies: HashMap::new(),
        };
        for row in table.rows().flatten() {
            for column in [self.date, self.shipped] {
                reading.style.learn(row.line, row.get(column));
            }
            if let Ok(Some(own)) = self.own_currency(&row)
                && !reading.currencies.contains_key(self.order(&row))
            {
                reading.currencies.insert(self.order(&row).to_owned(), own);
            }
        }
        // How an amount is written depends on its currency, which may stand further down.
        for row in table.rows().flatten() {
            let Ok(own) = self.own_currency(&row) else { continue };
            let currency = reading.currency_of(own, self.order(&row)).unwrap_or(currency);
            let amounts =
                [self.price, self.total, self.discount, self.order_discount, self.subtotal];
            for column in amounts {
                reading.numbers.learn_amount(row.line, row.get(column), currency);
            }
            reading.numbers.learn_count(row.line, row.get(self.quantity));
        }
        reading
    }

    /// The currency that the row itself names.
    fn own_currency(&self, row: &Row) -> Result<Option<Currency>, String> {
        let code = some(row.get(self.currency));
        code.map(|code| code.to_uppercase().parse::<Currency>())
            .transpose()
            .map_err(|rule| format!("the currency must be {}", rule.0))
    }

    /// Why the order of a row is not to be recorded, if the row says so.
    pub fn dropped(&self, row: &Row) -> Option<String> {
        if !row.get(self.cancelled).is_empty() {
            return Some("the order was cancelled; such orders are not recorded".to_owned());
        }
        let status = self.status(row);
        UNPAID
            .contains(&status.as_str())
            .then(|| format!("the order is {status}; such orders are not recorded"))
    }

    /// The financial status of the row's order.
    fn status(&self, row: &Row) -> String {
        row.get(self.status).to_lowercase().replace([' ', '-'], "_")
    }

    /// What an order costs besides its lines, as far as the file has columns for it.
    pub fn extras(&self) -> &[&'static str] {
        &self.extras
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
    /// When it left, or its order did.
    pub shipped: Option<DateTime<Utc>>,
    /// Whether it has not left, whenever its order did.
    pub is_waiting: bool,
    /// The customer's id in the file.
    pub customer: Option<String>,
    /// What is paid in.
    pub currency: Option<Currency>,
    /// The product's id in the file; its name where it has none.
    pub product: String,
    /// What the product is called.
    pub name: String,
    /// Units.
    pub quantity: Quantity,
    /// What all of them cost, exactly as the file has it.
    pub total: Decimal,
    /// Whether the file gives the total, and not the price of one.
    pub is_total_given: bool,
    /// What is taken off the whole order.
    pub order_discount: Option<Decimal>,
    /// What the lines of the whole order cost, after discounts.
    pub subtotal: Option<Decimal>,
}

/// How the fields of a file are to be read.
pub struct FieldFormat {
    /// Its dates.
    pub style: Style,
    /// After this nothing can have happened.
    latest: DateTime<Utc>,
    /// Its numbers.
    pub numbers: Numbers,
    /// What counts where nothing says which.
    currency: Currency,
    /// What its orders are in, where any row of one says it.
    currencies: HashMap<String, Currency>,
}

impl FieldFormat {
    fn date(&self, text: &str) -> Result<DateTime<Utc>, String> {
        let at = self.style.read(text)?;
        if at > self.latest {
            return Err(format!("{} is yet to come", values::quote(text)));
        }
        Ok(at)
    }

    /// The currency of a row that names `own`: of an order's rows, only one may name it.
    fn currency_of(&self, own: Option<Currency>, order: &str) -> Option<Currency> {
        own.or_else(|| self.currencies.get(order).copied())
    }
}

/// Reads a row.
pub fn line_row(
    row: &Row,
    columns: &Columns,
    reading: &FieldFormat,
    report: &mut Report,
) -> Result<LineRow, String> {
    let text = |column| some(row.get(column));
    let order = text(columns.order).ok_or("the row has no order id")?;
    let date = |column| text(column).map(|date| reading.date(&date)).transpose();
    let own_currency = reading.currency_of(columns.own_currency(row)?, &order);
    let name = text(columns.name).unwrap_or_default();
    let product = text(columns.product).or_else(|| some(&name));
    let code = row.get(columns.stock_code);
    if NO_PRODUCTS.iter().any(|other| code.eq_ignore_ascii_case(other)) {
        return Err(format!(
            "{} is a fee, postage or a correction, no product",
            values::quote(code)
        ));
    }
    let numbers = &reading.numbers;
    let quantity = quantity(numbers.count(row.get(columns.quantity), row.line, report)?)?;
    let currency = own_currency.unwrap_or(reading.currency);
    let mut amount = |text: &str| numbers.amount(text, currency, row.line, report);
    let total = total(row, columns, quantity, &mut amount)?;
    // Some write what is taken off as less than nothing.
    let mut of_order =
        |column| text(column).map(|text| amount(text.trim_start_matches('-'))).transpose();
    let (order_discount, subtotal) =
        (of_order(columns.order_discount)?, of_order(columns.subtotal)?);
    let read = LineRow {
        line: row.line,
        order,
        date: date(columns.date)?,
        shipped: date(columns.shipped)?,
        is_waiting: WAITING.contains(&row.get(columns.line_status).to_lowercase().as_str()),
        // One that is an address tells who it is, which is not for ids.
        customer: text(columns.customer).filter(|id| !id.contains('@')),
        currency: own_currency,
        product: product.ok_or("the row has no product id")?,
        name,
        quantity,
        total,
        is_total_given: !row.get(columns.total).is_empty(),
        order_discount,
        subtotal,
    };
    let status = columns.status(row);
    if PARTLY_PAID.contains(&status.as_str()) {
        let told = format!("the order is {status}; it is recorded as if all of it were paid");
        report.remark(row.line, told);
    }
    Ok(read)
}

fn some(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

fn quantity(units: i64) -> Result<Quantity, String> {
    if units < 0 {
        return Err(format!("'{units}' units are a return or a correction"));
    }
    let quantity = u32::try_from(units).ok().and_then(|units| Quantity::try_from(units).ok());
    quantity.ok_or_else(|| {
        format!("the quantity '{units}' must be a whole number from 1 to {}", Quantity::UNITS_MAX)
    })
}

/// The line's total: what the file says, or its unit price times its units, less its discount.
fn total(
    row: &Row,
    columns: &Columns,
    quantity: Quantity,
    mut amount: impl FnMut(&str) -> Result<Decimal, String>,
) -> Result<Decimal, String> {
    if !row.get(columns.total).is_empty() {
        return amount(row.get(columns.total));
    }
    let price = amount(row.get(columns.price))?;
    let discount = match row.get(columns.discount) {
        "" => Decimal::ZERO,
        discount => amount(discount)?,
    };
    price
        .checked_mul(Decimal::from(quantity.get()))
        .and_then(|total| total.checked_sub(discount))
        .filter(|total| !total.is_sign_negative() || total.is_zero())
        .ok_or_else(|| "the line costs less than nothing".to_owned())
}
