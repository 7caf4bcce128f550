//! The order lines of a file as orders and products: rows gathered by order, lines of one product
//! merged, amounts rounded to what the currency has.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::{DateTime, TimeDelta, Utc};
use domain::text::{Label, Quantity};
use domain::{AddressId, Currency, CustomerId, Money, OrderId, ProductId, Sku};
use rust_decimal::{Decimal, RoundingStrategy};
use uuid::Uuid;

use super::discounts::Discounts;
use super::rows::LineRow;
use crate::csv::values;
use crate::ids;
use crate::report::Report;

/// How far the times of an order's rows may be apart: tills write them line by line.
const ROWS_APART_MAX: TimeDelta = TimeDelta::hours(1);

/// A product that was ordered.
#[derive(Debug)]
pub struct SoldProduct {
    /// The id it has if no other product sells its SKU.
    pub id: ProductId,
    /// Its SKU.
    pub sku: Sku,
    /// Its name where it was first ordered.
    pub title: Label,
}

/// One product of an order.
#[derive(Debug)]
pub struct PastLine {
    /// Which product.
    pub product: usize,
    /// How many.
    pub quantity: Quantity,
    /// What one cost, rounded.
    pub unit_price: Money,
    /// What all of them cost.
    pub total: Money,
    /// Units by the time they left; none for those that did not.
    pub left: BTreeMap<Option<DateTime<Utc>>, Quantity>,
}

impl PastLine {
    fn is_open(&self) -> bool {
        self.left.contains_key(&None)
    }
}

/// What of an order left at one time.
#[derive(Debug)]
pub struct Departure {
    /// When.
    pub at: DateTime<Utc>,
    /// How many of which line, by its place in the order.
    pub units: Vec<(usize, Quantity)>,
}

/// An order.
#[derive(Debug)]
pub struct PastOrder {
    /// Its id.
    pub id: OrderId,
    /// All its lines in the file.
    pub file_lines: Vec<u64>,
    /// When it was placed.
    pub at: DateTime<Utc>,
    /// Whose it was.
    pub customer: Option<CustomerId>,
    /// Where it went.
    pub address: Option<AddressId>,
    /// What was bought.
    pub lines: Vec<PastLine>,
    /// What left, in the order of time.
    pub departures: Vec<Departure>,
    /// Whether some of it has not left.
    pub is_open: bool,
    /// Whether an earlier import recorded it.
    pub is_recorded: bool,
    /// A digest of what the file tells of it, but for people.
    pub fingerprint: Uuid,
}

impl PastOrder {
    /// Whether nothing is to be paid for it.
    pub fn is_free(&self) -> bool {
        self.lines.iter().all(|line| line.total.is_zero())
    }
}

/// All that a file tells.
#[derive(Debug, Default)]
pub struct History {
    /// The orders, in the order in which they appear.
    pub orders: Vec<PastOrder>,
    /// The products.
    pub products: Vec<SoldProduct>,
    /// What rounding amounts moved, by currency.
    pub moved: BTreeMap<Currency, Moved>,
    /// What became of the discounts of whole orders, by currency.
    pub discounts: BTreeMap<Currency, Discounts>,
    /// Orders that lost some of their rows.
    pub orders_cut: u64,
    /// Lines that were merged into another of the same product.
    pub merged: u64,
    /// Products that come under several names.
    pub renamed: usize,
}

/// Sums before and after rounding.
#[derive(Clone, Copy, Debug, Default)]
pub struct Moved {
    /// As the file has it.
    pub exact: Decimal,
    /// As it was recorded.
    pub recorded: Decimal,
    /// Lines whose total was moved.
    pub lines: u64,
}

/// Rows of one order.
#[derive(Default)]
struct OrderRows {
    name: String,
    rows: Vec<LineRow>,
    lost_rows: bool,
    /// Why none of it is recorded, wherever in the file that was said.
    dropped: Option<String>,
}

/// Gathers rows into orders.
#[derive(Default)]
pub struct Gatherer {
    orders: Vec<OrderRows>,
    by_name: HashMap<String, usize>,
}

impl Gatherer {
    /// Adds a row.
    pub fn add(&mut self, row: LineRow) {
        let order = self.order(&row.order);
        order.rows.push(row);
    }

    /// Remembers that a row of this order was left out.
    pub fn lose(&mut self, order: &str) {
        self.order(order).lost_rows = true;
    }

    /// Remembers that nothing of this order is to be recorded.
    pub fn drop(&mut self, order: &str, reason: String) {
        self.order(order).dropped.get_or_insert(reason);
    }

    fn order(&mut self, name: &str) -> &mut OrderRows {
        let next = self.orders.len();
        let index = *self.by_name.entry(name.to_owned()).or_insert(next);
        if index == next {
            self.orders.push(OrderRows { name: name.to_owned(), ..OrderRows::default() });
        }
        &mut self.orders[index]
    }

    /// All that the rows tell. Orders of which nothing is left are none.
    pub fn history(self, currency: Currency, report: &mut Report) -> History {
        let mut history = History::default();
        let mut products = Products::default();
        let mut dated: Vec<(DateTime<Utc>, OrderRows)> = Vec::new();
        for mut order in self.orders {
            if let Some(reason) = &order.dropped {
                order.rows.iter().for_each(|row| report.skip(row.line, reason.as_str()));
                continue;
            }
            if let Some(at) = agree(&mut order, currency, report) {
                dated.push((at, order));
            }
        }
        // In the order of time, so that a product is called what it was first ordered as.
        dated.sort_by_key(|(at, _)| *at);
        for (at, mut order) in dated {
            let own = order.rows.first().and_then(|row| row.currency).unwrap_or(currency);
            let discounts = history.discounts.entry(own).or_default();
            discounts.take_off(&mut order.rows, !order.lost_rows, own);
            history.orders_cut += u64::from(order.lost_rows);
            let order = build(&order, at, currency, &mut products, &mut history, report);
            history.orders.extend(order);
        }
        history.renamed = products.renamed.len();
        history.products = products.list;
        history
    }
}

/// Makes all rows agree on the order's time, customer and currency: what is said first counts, and
/// a row that says otherwise is left out. Returns the time; none if nothing is left.
fn agree(order: &mut OrderRows, currency: Currency, report: &mut Report) -> Option<DateTime<Utc>> {
    let at = order.rows.iter().find_map(|row| row.date);
    let customer = order.rows.iter().find_map(|row| row.customer.clone());
    let own = order.rows.iter().find_map(|row| row.currency).unwrap_or(currency);
    let before = order.rows.len();
    inherit_departure(&mut order.rows);
    order.rows.retain_mut(|row| {
        let reason = match (at, row.date, row.shipped) {
            (None, ..) => "the order has no date",
            (Some(at), Some(date), _) if (date - at).abs() > ROWS_APART_MAX => {
                "the order has another date before"
            }
            (Some(at), _, Some(shipped)) if shipped.date_naive() < at.date_naive() => {
                "it left before it was ordered"
            }
            _ if row.customer.is_some() && row.customer != customer => {
                "the order has another customer before"
            }
            _ if row.currency.is_some_and(|currency| currency != own) => {
                "the order has another currency before"
            }
            _ => {
                row.customer.clone_from(&customer);
                row.currency = Some(own);
                return true;
            }
        };
        report.skip(row.line, reason);
        false
    });
    order.lost_rows |= order.rows.len() < before;
    at.filter(|_| !order.rows.is_empty())
}

/// Of an order's several rows, the first may speak for all: those without a date of their own left
/// when it did, unless they say that they have not.
fn inherit_departure(rows: &mut [LineRow]) {
    let shipped = rows.iter().find(|row| row.date.is_some()).and_then(|row| row.shipped);
    for row in rows {
        if row.date.is_none() {
            row.shipped = row.shipped.or(shipped);
        }
        if row.is_waiting {
            row.shipped = None;
        }
    }
}

fn build(
    order: &OrderRows,
    at: DateTime<Utc>,
    currency: Currency,
    products: &mut Products,
    history: &mut History,
    report: &mut Report,
) -> Option<PastOrder> {
    let first = order.rows.first()?;
    let customer = first.customer.as_deref().map(ids::customer);
    let currency = first.currency.unwrap_or(currency);
    let file_lines = order.rows.iter().map(|row| row.line).collect();
    let mut by_product: HashMap<&str, usize> = HashMap::new();
    let mut groups: Vec<Vec<&LineRow>> = Vec::new();
    for row in &order.rows {
        match by_product.entry(&row.product) {
            Entry::Occupied(group) => groups[*group.get()].push(row),
            Entry::Vacant(none) => {
                none.insert(groups.len());
                groups.push(vec![row]);
            }
        }
    }
    let mut lines = Vec::with_capacity(groups.len());
    for rows in &groups {
        match line(rows, at, currency, products, history, report) {
            Ok(line) => lines.push(line),
            Err(reason) => rows.iter().for_each(|row| report.skip(row.line, reason.as_str())),
        }
    }
    if lines.is_empty() {
        return None;
    }
    let id = ids::order(&order.name);
    let content = |line: &PastLine| {
        let PastLine { product, quantity, total, left, .. } = line;
        let left = left.iter().map(|(at, units)| (at.map(|at| at.timestamp_micros()), units.get()));
        let left = left.map(|(at, units)| format!("{at:?}:{units}")).collect::<Vec<_>>().join(",");
        format!("{} {} {total} {left}", products.list[*product].sku, quantity.get())
    };
    let contents = lines.iter().map(content).collect::<Vec<_>>().join("\n");
    let customer_text = customer.map(|customer| customer.to_string()).unwrap_or_default();
    let micros = at.timestamp_micros();
    let fingerprint =
        ids::fingerprint(&format!("{id}\n{micros}\n{customer_text}\n{currency}\n{contents}"));
    let (departures, is_open) = (departures(&lines), lines.iter().any(PastLine::is_open));
    Some(PastOrder {
        id,
        file_lines,
        at,
        customer,
        address: None,
        lines,
        departures,
        is_open,
        is_recorded: false,
        fingerprint,
    })
}

fn departures(lines: &[PastLine]) -> Vec<Departure> {
    let mut departures: BTreeMap<DateTime<Utc>, Vec<(usize, Quantity)>> = BTreeMap::new();
    for (number, line) in lines.iter().enumerate() {
        for (at, quantity) in &line.left {
            if let Some(at) = at {
                departures.entry(*at).or_default().push((number, *quantity));
            }
        }
    }
    departures.into_iter().map(|(at, units)| Departure { at, units }).collect()
}

/// One line out of the rows of one product: the units and totals added, the price that comes
/// nearest to the total.
fn line(
    rows: &[&LineRow],
    at: DateTime<Utc>,
    currency: Currency,
    products: &mut Products,
    history: &mut History,
    report: &mut Report,
) -> Result<PastLine, String> {
    let first = rows[0];
    let units = rows.iter().map(|row| u64::from(row.quantity.get())).sum::<u64>();
    let quantity = u32::try_from(units).ok().and_then(|units| Quantity::try_from(units).ok());
    let quantity = quantity.ok_or("the lines of this product have too many units together")?;
    let out_of_bounds = || "the price is beyond what money can be".to_owned();
    let exact = rows
        .iter()
        .try_fold(Decimal::ZERO, |sum, row| sum.checked_add(row.total))
        .ok_or_else(out_of_bounds)?;
    let money = |amount: Decimal| {
        let strategy = RoundingStrategy::MidpointAwayFromZero;
        let amount = amount.round_dp_with_strategy(currency.decimals(), strategy);
        Money::new(amount, currency).map_err(|_| out_of_bounds())
    };
    let (unit_price, total) = (money(exact / Decimal::from(quantity.get()))?, money(exact)?);
    let recorded = total.amount();

    let moved = history.moved.entry(currency).or_default();
    moved.exact = moved.exact.checked_add(exact).ok_or_else(out_of_bounds)?;
    moved.recorded = moved.recorded.checked_add(recorded).ok_or_else(out_of_bounds)?;
    moved.lines += u64::from(exact != recorded);
    history.merged += rows.len() as u64 - 1;
    let mut left: BTreeMap<Option<DateTime<Utc>>, u32> = BTreeMap::new();
    for row in rows {
        *left.entry(row.shipped.map(|shipped| shipped.max(at))).or_default() += row.quantity.get();
    }
    // Each is part of the whole, which is within its bounds.
    let left = left
        .into_iter()
        .filter_map(|(at, units)| Some((at, Quantity::try_from(units).ok()?)))
        .collect();
    let product = products.of(first, report);
    Ok(PastLine { product, quantity, unit_price, total, left })
}

/// The products of a file.
#[derive(Default)]
struct Products {
    list: Vec<SoldProduct>,
    by_id: HashMap<String, usize>,
    renamed: HashSet<usize>,
}

impl Products {
    fn of(&mut self, row: &LineRow, report: &mut Report) -> usize {
        let title = if row.name.is_empty() { &row.product } else { &row.name };
        if let Some(&index) = self.by_id.get(&row.product) {
            if !row.name.is_empty() && self.list[index].title.as_str() != row.name {
                self.renamed.insert(index);
            }
            return index;
        }
        let (sku, _) = values::sku(&row.product);
        let title = values::label(title, "the product's name", row.line, report);
        // A SKU is never longer than a label, and always printable.
        let title = title.or_else(|| Label::try_from(sku.to_string()).ok());
        let title = title.unwrap_or_else(|| unreachable!("a SKU is a label"));
        let id = ids::product_of_history(&row.product);
        self.by_id.insert(row.product.clone(), self.list.len());
        self.list.push(SoldProduct { id, sku, title });
        self.list.len() - 1
    }
}
