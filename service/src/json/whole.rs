//! Whole numbers that are not written as such.

/// Of an `f64` the largest number up to which all whole ones have their own.
const WHOLE_MAX: f64 = 9_007_199_254_740_992.0;

/// The whole number that was written with a point or an exponent, as `1.0`: to JSON Schema and to
/// many languages it is the same number.
#[expect(clippy::cast_possible_truncation, reason = "it is whole, and has at most 53 bits")]
pub fn whole(number: f64) -> Option<i64> {
    (number.fract() == 0.0 && number.abs() <= WHOLE_MAX).then_some(number as i64)
}
