//! `/v1/sales`: what was sold, by day (UTC) and currency.

use domain::Currency;

use crate::cursor::Kind;
use crate::list::list;
use crate::listing::{Sort, word};
use crate::past::Day;

const BY_DAY: Sort = Sort::up("sales", &[("day", Kind::Day), ("id", Kind::Text)]);

list! {
    /// Which days.
    Sales of Sales in "sales", sorted BY_DAY;
    /// The first day.
    from: Day, "day >=" => Day::in_range;
    /// The last day.
    to: Day, "day <=" => Day::in_range;
    /// In this currency.
    currency: Currency, "currency =" => word;
}
