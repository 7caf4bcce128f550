//! What is taken off an order as a whole, spread over its lines; what could not be placed is added
//! up for the summary. Discounts of single lines are none of its business.

use domain::Currency;
use rust_decimal::{Decimal, RoundingStrategy};

use super::rows::LineRow;

/// Amounts of several orders.
#[derive(Clone, Copy, Debug, Default)]
pub struct Amounts {
    /// How many orders.
    pub orders: u64,
    /// Their sum.
    pub sum: Decimal,
}

impl Amounts {
    fn add(&mut self, amount: Decimal) {
        self.orders += 1;
        self.sum = self.sum.saturating_add(amount);
    }
}

/// What became of the discounts of all orders in one currency.
#[derive(Clone, Copy, Debug, Default)]
pub struct Discounts {
    /// Those spread over lines.
    pub spread: Amounts,
    /// Those that stand nowhere in what is recorded.
    pub unplaced: Amounts,
    /// How much more the lines come to than the subtotal the file has.
    pub above_subtotal: Amounts,
}

impl Discounts {
    /// Takes an order's discount off its rows. It is not placed if it cannot be told what it is
    /// taken off: rows are missing, several have one, or the file has totals, perhaps after it.
    pub fn take_off(&mut self, rows: &mut [LineRow], is_whole: bool, currency: Currency) {
        let own: Vec<Decimal> =
            rows.iter().filter_map(|row| row.order_discount).filter(|own| !own.is_zero()).collect();
        let mut subtotals = rows.iter().filter_map(|row| row.subtotal);
        let subtotal = subtotals.next().filter(|_| is_whole && subtotals.next().is_none());
        let is_given = rows.iter().any(|row| row.is_total_given);
        // Lines that come to the subtotal have the discount in them already.
        if !own.is_empty() && (subtotal.is_none() || sum(rows) != subtotal) {
            let placed = match own.as_slice() {
                [own] if is_whole && !is_given => spread(rows, *own, currency.decimals()),
                _ => None,
            };
            let all = own.iter().fold(Decimal::ZERO, |sum, own| sum.saturating_add(*own));
            if placed.is_some() { &mut self.spread } else { &mut self.unplaced }.add(all);
        }
        if let (Some(subtotal), Some(sum)) = (subtotal, sum(rows))
            && subtotal != sum
        {
            self.above_subtotal.add(sum - subtotal);
        }
    }
}

fn sum(rows: &[LineRow]) -> Option<Decimal> {
    rows.iter().try_fold(Decimal::ZERO, |sum, row| sum.checked_add(row.total))
}

/// Spreads a discount in proportion to what the rows cost, in steps of the smallest coin; what is
/// left over goes to the last that can bear it. None, and nothing is changed, if it is more than
/// all of them cost.
fn spread(rows: &mut [LineRow], discount: Decimal, decimals: u32) -> Option<()> {
    let sum = sum(rows).filter(|sum| discount <= *sum)?;
    let share = |row: &LineRow| {
        let share = row.total.checked_mul(discount)?.checked_div(sum)?;
        Some(share.round_dp_with_strategy(decimals, RoundingStrategy::ToZero).min(row.total))
    };
    let shares: Vec<Decimal> = rows.iter().map(share).collect::<Option<_>>()?;
    let mut rest = shares.iter().try_fold(discount, |rest, share| rest.checked_sub(*share))?;
    for (row, share) in rows.iter_mut().zip(shares).rev() {
        row.total -= share;
        let more = rest.min(row.total);
        row.total -= more;
        rest -= more;
    }
    Some(())
}
