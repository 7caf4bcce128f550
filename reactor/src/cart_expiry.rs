//! After how long a cart is given up that nobody touches.

use chrono::TimeDelta;
use clap::Args;

/// How long a cart lies unless it is said, and at most, in days.
const CART_DAYS: u16 = 90;
const CART_DAYS_MAX: i64 = 3_650;

/// Settings of that.
#[derive(Clone, Copy, Debug, Args)]
pub struct CartExpiry {
    /// After how many days a cart is given up that nobody touched; 0 for never
    #[arg(long, env = "CART_DAYS", default_value_t = CART_DAYS,
          value_parser = clap::value_parser!(u16).range(0..=CART_DAYS_MAX))]
    pub cart_days: u16,
}

impl CartExpiry {
    /// How long a cart lies; for ever, where there is none.
    pub fn term(&self) -> Option<TimeDelta> {
        (self.cart_days > 0).then(|| TimeDelta::days(self.cart_days.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cart_lies_for_days_or_for_ever() {
        assert_eq!(CartExpiry { cart_days: 90 }.term(), Some(TimeDelta::days(90)));
        assert_eq!(CartExpiry { cart_days: 0 }.term(), None);
    }
}
