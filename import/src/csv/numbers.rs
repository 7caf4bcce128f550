//! Amounts and counts as files write them. Whether a point or a comma separates decimals is decided
//! for a whole file, from the numbers that leave no doubt; a currency without decimals needs none.
//! Where nothing tells, that is remarked with the line: a wrong guess is a thousand times too much
//! or too little.

use domain::Currency;
use rust_decimal::Decimal;

use super::figures::{Shape, figures, other, shape, signed, tells, value};
use super::values::quote;
use crate::report::Report;

/// How a file writes its numbers.
#[derive(Clone, Debug, Default)]
pub struct Numbers {
    /// What amounts in currencies with decimals tell.
    amounts: Evidence,
    /// What amounts in currencies without decimals tell: they may be computed, and have some.
    coinless: Evidence,
    /// What is told by amounts that have thousands only because their currency has no decimals.
    /// For their own currency it proves nothing.
    grouped: Evidence,
    /// What counts tell. They are often written by other rules than prices, and tell nothing of
    /// those.
    counts: Evidence,
    /// The line of the first amount in doubt.
    amount_in_doubt: Option<u64>,
    /// The line of the first count in doubt.
    count_in_doubt: Option<u64>,
}

/// The lines of the first numbers that tell what separates decimals.
#[derive(Clone, Debug, Default)]
struct Evidence {
    point: Option<u64>,
    comma: Option<u64>,
}

/// How a separator in doubt is taken.
struct Taken {
    is_decimal: bool,
    /// Why it may be meant otherwise; nothing if the file or the currency decides.
    doubt: Option<String>,
}

impl Evidence {
    fn add(&mut self, line: u64, decimal: char) {
        let first = if decimal == '.' { &mut self.point } else { &mut self.comma };
        first.get_or_insert(line);
    }

    fn is_empty(&self) -> bool {
        self.point.is_none() && self.comma.is_none()
    }

    /// What separates decimals, and the line that tells.
    fn decides(&self) -> Option<(char, u64)> {
        match (self.point, self.comma) {
            (Some(line), None) => Some(('.', line)),
            (None, Some(line)) => Some((',', line)),
            _ => None,
        }
    }

    /// Why nothing is decided.
    fn doubt(&self) -> String {
        match (self.point, self.comma) {
            (Some(point), Some(comma)) => {
                format!("line {point} has a decimal point, line {comma} a decimal comma")
            }
            _ => "no other number of the file tells".to_owned(),
        }
    }

    /// Without a decision a point separates decimals and a comma thousands.
    fn take(&self, separator: char) -> Taken {
        match self.decides() {
            Some((decimal, _)) => Taken { is_decimal: separator == decimal, doubt: None },
            None => Taken { is_decimal: separator == '.', doubt: Some(self.doubt()) },
        }
    }
}

impl Numbers {
    /// Learns from one amount of the file.
    pub fn learn_amount(&mut self, line: u64, text: &str, currency: Currency) {
        let Ok(figures) = figures(text.trim_start_matches('-'), currency) else { return };
        let has_decimals = currency.decimals() > 0;
        let evidence = if has_decimals { &mut self.amounts } else { &mut self.coinless };
        match shape(&figures) {
            Shape::Decimal(decimal) if tells(&figures, decimal) => evidence.add(line, decimal),
            Shape::Doubtful(_) if has_decimals => {
                self.amount_in_doubt.get_or_insert(line);
            }
            Shape::Doubtful(separator) => self.grouped.add(line, other(separator)),
            Shape::Bare | Shape::Decimal(_) => {}
        }
    }

    /// Learns from one count of the file.
    pub fn learn_count(&mut self, line: u64, text: &str) {
        let (_, figures) = signed(text);
        match shape(figures) {
            Shape::Decimal(decimal) if tells(figures, decimal) => self.counts.add(line, decimal),
            Shape::Doubtful(_) => {
                self.count_in_doubt.get_or_insert(line);
            }
            Shape::Bare | Shape::Decimal(_) => {}
        }
    }

    /// An amount of money, zero or more: `12`, `1,299.00`, `1.299,00`, `12,50`, `$12`, `12 EUR`.
    /// One that may be meant otherwise is remarked.
    pub fn amount(
        &self,
        text: &str,
        currency: Currency,
        line: u64,
        report: &mut Report,
    ) -> Result<Decimal, String> {
        let refuse = || format!("{} is not a price", quote(text));
        let figures = figures(text, currency)?;
        let decimal = match shape(&figures) {
            Shape::Bare => '.',
            Shape::Decimal(decimal) => decimal,
            Shape::Doubtful(separator) => {
                let Taken { is_decimal, doubt } = self.take_amount(separator, currency);
                if let Some(doubt) = doubt {
                    let how = if is_decimal {
                        "with three decimals, not as thousands"
                    } else {
                        "as thousands, not with three decimals"
                    };
                    let told = format!("the amount {} is read {how}: {doubt}", quote(text));
                    report.remark(line, told);
                }
                if is_decimal { separator } else { other(separator) }
            }
        };
        value(&figures, decimal).ok_or_else(refuse)
    }

    /// A whole number, perhaps with a sign or `.0` behind it. One that may be meant otherwise is
    /// remarked.
    pub fn count(&self, text: &str, line: u64, report: &mut Report) -> Result<i64, String> {
        let (is_negative, figures) = signed(text);
        let whole = |decimal| {
            let value = value(figures, decimal).filter(|value| value.fract().is_zero());
            value.and_then(|value| i64::try_from(value.trunc()).ok())
        };
        let read = match shape(figures) {
            Shape::Bare => whole('.'),
            Shape::Decimal(decimal) => whole(decimal),
            Shape::Doubtful(separator) => {
                let Taken { is_decimal, doubt } = self.of_counts().take(separator);
                let (fraction, thousands) = (whole(separator), whole(other(separator)));
                let (read, not) =
                    if is_decimal { (fraction, thousands) } else { (thousands, fraction) };
                if let (Some(read), Some(not), Some(doubt)) = (read, not, doubt) {
                    let text = quote(text);
                    let told = format!("the quantity {text} is read as {read}, not {not}: {doubt}");
                    report.remark(line, told);
                }
                read
            }
        };
        let read = read.ok_or_else(|| format!("{} is not a whole number", quote(text)))?;
        Ok(if is_negative { -read } else { read })
    }

    /// What was decided of numbers that leave doubt, in words.
    pub fn told(&self) -> Vec<String> {
        let told = |what: &str, first: Option<u64>, evidence: &Evidence| {
            let (first, (decimal, line)) = (first?, evidence.decides()?);
            let decimal = if decimal == '.' { "point" } else { "comma" };
            Some(format!(
                "{what} such as that on line {first} were read with a decimal {decimal}, \
                 as line {line} tells"
            ))
        };
        let amounts = told("amounts", self.amount_in_doubt, self.of_amounts());
        let counts = told("quantities", self.count_in_doubt, self.of_counts());
        amounts.into_iter().chain(counts).collect()
    }

    fn take_amount(&self, separator: char, currency: Currency) -> Taken {
        if currency.decimals() > 0 {
            return self.of_amounts().take(separator);
        }
        match self.coinless.decides() {
            Some((decimal, line)) if decimal == separator => {
                let doubt = format!("{currency} has no decimals, but line {line} has some");
                Taken { is_decimal: true, doubt: Some(doubt) }
            }
            None if !self.coinless.is_empty() => {
                Taken { is_decimal: false, doubt: Some(self.coinless.doubt()) }
            }
            _ => Taken { is_decimal: false, doubt: None },
        }
    }

    /// What decides amounts in currencies with decimals.
    fn of_amounts(&self) -> &Evidence {
        let known = [&self.amounts, &self.coinless].into_iter().find(|known| !known.is_empty());
        known.unwrap_or(&self.grouped)
    }

    /// What decides counts.
    fn of_counts(&self) -> &Evidence {
        if self.counts.is_empty() { self.of_amounts() } else { &self.counts }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn code(code: &str) -> Currency {
        code.parse().unwrap()
    }

    /// A file with these amounts in one currency, from line 2.
    fn file(currency: &str, amounts: &[&str]) -> Numbers {
        let mut numbers = Numbers::default();
        for (line, amount) in (2..).zip(amounts) {
            numbers.learn_amount(line, amount, code(currency));
        }
        numbers
    }

    /// What an amount of a file is read as, and whether that is remarked.
    fn read(numbers: &Numbers, text: &str, currency: &str) -> (String, bool) {
        let mut report = Report::default();
        let read = numbers.amount(text, code(currency), 1, &mut report);
        (read.map_or_else(|error| error, |read| read.to_string()), !report.remarks().is_empty())
    }

    fn count(numbers: &Numbers, text: &str) -> (Result<i64, String>, bool) {
        let mut report = Report::default();
        (numbers.count(text, 1, &mut report), !report.remarks().is_empty())
    }

    #[test]
    fn prices_are_read_in_many_spellings() {
        let none = Numbers::default();
        let same = [
            ("12", "12"),
            ("12.5", "12.5"),
            ("12,50", "12.5"),
            ("1,299.00", "1299"),
            ("1.299,00", "1299"),
            ("0,999", "0.999"),
            ("1,299,000", "1299000"),
            ("1.299.000", "1299000"),
            ("1,299,000.5", "1299000.5"),
            ("$12", "12"),
            ("12 €", "12"),
            ("EUR 1 299,50", "1299.5"),
            ("1'299.50", "1299.5"),
            ("1 299,500", "1299.5"),
            (".5", "0.5"),
            ("957.5775", "957.5775"),
            ("1\u{a0}299,5", "1299.5"),
            ("12.", "12"),
            ("12,", "12"),
        ];
        for (text, amount) in same {
            assert_eq!(read(&none, text, "EUR"), (amount.to_owned(), false), "{text}");
        }
        let wrong =
            ["", "abc", "1.2.3", "12,34.56.7", "--1", "-5", "(5)", "$-5", "USD 5", "1e3", "1,5.00"];
        for text in wrong {
            let mut report = Report::default();
            assert!(none.amount(text, code("EUR"), 1, &mut report).is_err(), "{text}");
        }
    }

    #[test]
    fn a_file_decides_what_its_doubtful_amounts_are() {
        for certain in ["1.299,00", "12,5", "0,999", "1250,000", "1.299.000", "-3,5"] {
            let comma = file("EUR", &["7", certain, "2.", "x.5"]);
            assert_eq!(read(&comma, "1.000", "EUR"), ("1000".to_owned(), false), "{certain}");
            assert_eq!(read(&comma, "12,500", "TND"), ("12.5".to_owned(), false), "{certain}");
        }
        for certain in ["19.99", "1,234.56", ".500", "957.5775", "1,299,000", "$ 1'299.500"] {
            let point = file("USD", &["1.000", certain]);
            assert_eq!(read(&point, "1.000", "EUR"), ("1".to_owned(), false), "{certain}");
            assert_eq!(read(&point, "12,500", "TND"), ("12500".to_owned(), false), "{certain}");
            assert!(point.told()[0].contains("line 2 were read with a decimal point, as line 3"));
        }
    }

    #[test]
    fn where_no_amount_decides_that_is_remarked() {
        let doubtful = ["1.299", "12,500", "7", "12."];
        for numbers in [file("EUR", &doubtful), file("EUR", &["1.5", "1,5"])] {
            for currency in ["EUR", "TND", "CLF"] {
                assert_eq!(read(&numbers, "1.299", currency), ("1.299".to_owned(), true));
                assert_eq!(read(&numbers, "€ 12,500", "EUR"), ("12500".to_owned(), true));
            }
            assert_eq!(numbers.told(), Vec::<String>::new());
        }
        let mut report = Report::default();
        let both = file("EUR", &["1.5", "1,5"]);
        both.amount("1.299", code("EUR"), 9, &mut report).unwrap();
        let told = "the amount '1.299' is read with three decimals, not as thousands: line 2 has a \
                    decimal point, line 3 a decimal comma";
        assert_eq!(report.remarks(), [(9, told.to_owned())]);
    }

    #[test]
    fn a_currency_without_decimals_has_thousands() {
        for numbers in [Numbers::default(), file("EUR", &["9,50"]), file("EUR", &["9.50"])] {
            for text in ["12.500", "12,500", "¥12,500"] {
                assert_eq!(read(&numbers, text, "JPY"), ("12500".to_owned(), false), "{text}");
            }
        }
        // Unless its own amounts have decimals, being computed.
        let computed = file("JPY", &["957.5775"]);
        assert_eq!(read(&computed, "957.577", "JPY"), ("957.577".to_owned(), true));
        assert_eq!(read(&computed, "12,500", "JPY"), ("12500".to_owned(), false));
        assert_eq!(
            read(&file("JPY", &["1.5", "1,5"]), "12.500", "JPY"),
            ("12500".to_owned(), true)
        );
        // Such amounts tell what a point is in others.
        assert_eq!(read(&file("CLP", &["12.500"]), "1.000", "EUR"), ("1000".to_owned(), false));
    }

    #[test]
    fn whole_numbers_are_whole() {
        let none = Numbers::default();
        for (text, number) in
            [("3", 3), ("-2", -2), ("+4.0", 4), ("1,500", 1500), ("1,234.0", 1234)]
        {
            assert_eq!(count(&none, text), (Ok(number), false), "{text}");
        }
        for text in ["1.5", "", "many", "1.500", "0,500", "--1"] {
            assert!(count(&none, text).0.is_err(), "{text}");
        }
    }

    #[test]
    fn a_count_with_three_zeros_is_what_the_file_says() {
        let none = Numbers::default();
        assert_eq!(count(&none, "1.000"), (Ok(1), true));
        assert_eq!(count(&none, "-1,000"), (Ok(-1000), true));
        let comma = file("EUR", &["4,99"]);
        assert_eq!(count(&comma, "1.000"), (Ok(1000), false));
        assert_eq!(count(&comma, "1,000"), (Ok(1), false));
        assert_eq!(count(&comma, "1.500"), (Ok(1500), false));
        assert!(count(&comma, "1,500").0.is_err());

        // Counts have a style of their own, which says nothing of prices.
        let mut own = comma;
        own.learn_count(3, "1.000");
        own.learn_count(4, "2.0");
        assert_eq!(count(&own, "1.000"), (Ok(1), false));
        assert_eq!(read(&own, "1.000", "EUR"), ("1000".to_owned(), false));
        let told = "quantities such as that on line 3 were read with a decimal point, as line 4 \
                    tells";
        assert_eq!(own.told(), [told]);
    }

    proptest! {
        #[test]
        fn no_text_panics(
            text in any::<String>(), near in "[$ (-]{0,2}[0-9.,' ]{0,12}", code in "EUR|JPY|TND"
        ) {
            let currency: Currency = code.parse().unwrap();
            let mut numbers = Numbers::default();
            let mut report = Report::default();
            for text in [&text, &near] {
                let _ = numbers.amount(text, currency, 1, &mut report);
                numbers.learn_amount(1, text, currency);
                numbers.learn_count(1, text);
                let _ = numbers.amount(text, currency, 1, &mut report);
                let _ = (numbers.count(text, 1, &mut report), numbers.told());
            }
        }

        #[test]
        fn what_a_file_writes_in_its_own_style_is_read(
            whole in 0..10_000_000_u64, cents in 1..100_u64, is_comma in any::<bool>()
        ) {
            let [decimal, thousands] = if is_comma { [',', '.'] } else { ['.', ','] };
            let digits = whole.to_string();
            let mut grouped = digits.clone();
            for place in (1..digits.len()).filter(|place| (digits.len() - place) % 3 == 0).rev() {
                grouped.insert(place, thousands);
            }
            let numbers = file("EUR", &[&format!("{grouped}{decimal}{cents:02}")]);
            prop_assert_eq!(read(&numbers, &grouped, "EUR"), (digits, false));
            prop_assert_eq!(count(&numbers, &grouped), (Ok(i64::try_from(whole).unwrap()), false));
        }
    }
}
