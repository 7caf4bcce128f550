//! `/v1/sales`: what was sold, by day (UTC) and currency.

use chrono::NaiveDate;
use domain::Currency;

use crate::cursor::{Kind, day_in_range};
use crate::list::list;
use crate::listing::{Sort, word};

const BY_DAY: Sort = Sort::up("sales", &[("day", Kind::Day), ("id", Kind::Text)]);

list! {
    /// Which days.
    Sales of Sales in "sales", sorted BY_DAY;
    /// The first day.
    from: NaiveDate, "day >=" => day_in_range;
    /// The last day.
    to: NaiveDate, "day <=" => day_in_range;
    /// In this currency.
    currency: Currency, "currency =" => word;
}
