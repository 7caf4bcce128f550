//! Amounts as Stripe counts them: whole numbers of the smallest unit, which is not everywhere what
//! ISO 4217 says.

use super::problem::Problem;

/// Currencies that Stripe takes, as far as the stand-in does.
const KNOWN: &str = "aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bhd bif bmd bnd bob \
    brl bsd bwp byn bzd cad cdf chf clp cny cop crc cve czk djf dkk dop dzd egp etb eur fjd fkp \
    gbp gel gip gmd gnf gtq gyd hkd hnl htg huf idr ils inr isk jmd jod jpy kes kgs khr kmf krw \
    kwd kyd kzt lak lbp lkr lrd lsl mad mdl mga mkd mmk mnt mop mur mvr mwk mxn myr mzn nad ngn \
    nio nok npr nzd omr pab pen pgk php pkr pln pyg qar ron rsd rub rwf sar sbd scr sek sgd shp \
    sle sos srd std szl thb tjs tnd top try ttd twd tzs uah ugx usd uyu uzs vnd vuv wst xaf xcd \
    xof xpf yer zar zmw";
/// With a tenth of a hundredth, of which only whole hundredths are taken.
const THREE_DECIMALS: &[&str] = &["bhd", "jod", "kwd", "omr", "tnd"];
/// Written with two decimals that must be zero.
const WHOLE_IN_HUNDREDTHS: &[&str] = &["isk", "ugx"];
/// Eight digits.
const UNITS_MAX: i64 = 99_999_999;
/// The least that is charged in the currencies whose least is known here.
const LEAST: &[(&str, i64)] = &[
    ("usd", 50),
    ("eur", 50),
    ("chf", 50),
    ("cad", 50),
    ("gbp", 30),
    ("jpy", 50),
    ("sek", 300),
    ("nok", 300),
    ("dkk", 250),
];

/// Whether so much of a currency can be charged.
pub fn check(currency: &str, amount: i64) -> Result<(), Problem> {
    if !KNOWN.split_whitespace().any(|known| known == currency) {
        return Err(Problem::invalid("currency", &format!("Invalid currency: {currency}")));
    }
    if amount > UNITS_MAX {
        let message = "Amount must be no more than 99999999";
        return Err(Problem::coded("amount_too_large", "amount", message));
    }
    if LEAST.iter().any(|&(known, least)| known == currency && amount < least) {
        let message = "Amount is less than the least that can be charged";
        return Err(Problem::coded("amount_too_small", "amount", message));
    }
    whole(currency, amount)
}

/// Whether an amount is one of this currency's.
pub fn whole(currency: &str, amount: i64) -> Result<(), Problem> {
    let tenths = THREE_DECIMALS.contains(&currency) && amount % 10 != 0;
    let hundredths = WHOLE_IN_HUNDREDTHS.contains(&currency) && amount % 100 != 0;
    if tenths || hundredths {
        return Err(Problem::invalid("amount", "Invalid amount for this currency"));
    }
    Ok(())
}
