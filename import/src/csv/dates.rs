//! Dates and times as files write them. Which of day and month comes first is decided for a whole
//! file, from the dates that leave no doubt.

use chrono::{DateTime, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, TimeZone, Utc};

use super::values::quote;

/// Years that an order may be of.
const YEARS: std::ops::RangeInclusive<i32> = 1970..=2199;
/// The longest date, in bytes.
const DATE_BYTES_MAX: usize = 64;
const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/// How a file writes its dates.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Style {
    /// The line with the first date that must have the day first.
    day_first: Option<u64>,
    /// The line with the first date that must have the month first.
    month_first: Option<u64>,
    /// Whether any date leaves doubt.
    in_doubt: bool,
}

/// The three numbers of a date, as far as they are understood.
enum Numbers {
    Certain(i32, u32, u32),
    /// The first two, which are day and month or month and day, and the year. With points between
    /// them the day is first, everywhere; with hyphens, more often than not.
    Doubtful {
        first: u32,
        second: u32,
        year: i32,
        separator: char,
    },
}

impl Style {
    /// Learns from one date of the file.
    pub fn learn(&mut self, line: u64, text: &str) {
        match split(text).and_then(|(date, _)| numbers(date)) {
            Some(Numbers::Doubtful { first, second, separator, .. }) => match (first, second) {
                (13.., _) => self.day_first = self.day_first.or(Some(line)),
                (_, 13..) => self.month_first = self.month_first.or(Some(line)),
                (first, second) => self.in_doubt |= first != second && separator != '.',
            },
            Some(Numbers::Certain(..)) | None => {}
        }
    }

    /// What was decided, in words; nothing if no date left doubt.
    pub fn told(&self) -> Option<String> {
        let told = match (self.day_first, self.month_first) {
            _ if !self.in_doubt => return None,
            (Some(line), None) => format!("day first, as on line {line}"),
            (None, Some(line)) => format!("month first, as on line {line}"),
            (None, None) => "month first where slashes separate them, day first with hyphens; \
                             no date of the file tells"
                .to_owned(),
            (Some(day), Some(month)) => format!(
                "left out where day and month could be either: line {day} has the day first, \
                 line {month} the month"
            ),
        };
        Some(format!("doubtful dates were read {told}"))
    }

    fn is_day_first(&self, separator: char) -> Option<bool> {
        match (self.day_first, self.month_first) {
            _ if separator == '.' => Some(true),
            (Some(_), None) => Some(true),
            (None, Some(_)) => Some(false),
            (None, None) => Some(separator != '/'),
            (Some(_), Some(_)) => None,
        }
    }

    /// Reads a date, with or without a time; midnight and UTC where it says no more.
    pub fn read(&self, text: &str) -> Result<DateTime<Utc>, String> {
        let refuse = || format!("{} is not a date", quote(text));
        let (date, time) = split(text).ok_or_else(refuse)?;
        let (year, month, day) = match numbers(date).ok_or_else(refuse)? {
            Numbers::Certain(year, month, day) => (year, month, day),
            Numbers::Doubtful { first, second, year, separator } => {
                let day_first = match (first, second) {
                    (13.., _) => true,
                    (_, 13..) => false,
                    (first, second) if first == second => true,
                    _ => self.is_day_first(separator).ok_or_else(|| {
                        format!("{} may have the day or the month first", quote(text))
                    })?,
                };
                if day_first { (year, second, first) } else { (year, first, second) }
            }
        };
        let date = NaiveDate::from_ymd_opt(year, month, day).filter(|_| YEARS.contains(&year));
        let date = date.ok_or_else(refuse)?;
        let (time, offset) = time_of(time).ok_or_else(refuse)?;
        let local = NaiveDateTime::new(date, time);
        let at = offset.from_local_datetime(&local).single().ok_or_else(refuse)?;
        Ok(at.with_timezone(&Utc))
    }
}

/// The date and the time of a text.
fn split(text: &str) -> Option<(&str, &str)> {
    let text = text.trim();
    if text.len() > DATE_BYTES_MAX || !text.is_ascii() {
        return None;
    }
    let Some(colon) = text.find(':') else { return Some((text, "")) };
    // The time begins with the digits before the first colon.
    let start = text[..colon].rfind(|c: char| !c.is_ascii_digit())?;
    let date = text[..start].trim_end_matches([' ', 'T', 't', ',']);
    Some((date, text[start + 1..].trim()))
}

fn numbers(date: &str) -> Option<Numbers> {
    let separator = date.chars().find(|c| matches!(c, '-' | '/' | '.')).unwrap_or(' ');
    let parts: Vec<&str> =
        date.split(['-', '/', '.', ',', ' ']).filter(|part| !part.is_empty()).collect();
    let number = |part: &str| part.parse::<u32>().ok().filter(|_| part.len() <= 4);
    let year = |part: &str| {
        let year = i32::try_from(number(part)?).ok()?;
        match part.len() {
            4 => Some(year),
            2 if year < 70 => Some(2000 + year),
            2 => Some(1900 + year),
            _ => None,
        }
    };
    let month = |part: &str| {
        let name = part.to_ascii_lowercase();
        let found = MONTHS.iter().position(|month| name.len() >= 3 && name.starts_with(month))?;
        u32::try_from(found + 1).ok()
    };
    match *parts.as_slice() {
        [compact] if compact.len() == 8 => Some(Numbers::Certain(
            compact.get(..4)?.parse().ok()?,
            compact.get(4..6)?.parse().ok()?,
            compact.get(6..)?.parse().ok()?,
        )),
        [a, b, c] if a.len() == 4 => {
            let month = number(b).or_else(|| month(b))?;
            Some(Numbers::Certain(year(a)?, month, number(c)?))
        }
        [a, b, c] => match (month(a), month(b)) {
            (Some(month), _) => Some(Numbers::Certain(year(c)?, month, number(b)?)),
            (None, Some(month)) => Some(Numbers::Certain(year(c)?, month, number(a)?)),
            (None, None) => Some(Numbers::Doubtful {
                first: number(a)?,
                second: number(b)?,
                year: year(c)?,
                separator,
            }),
        },
        _ => None,
    }
}

fn time_of(text: &str) -> Option<(NaiveTime, FixedOffset)> {
    let utc = FixedOffset::east_opt(0)?;
    if text.is_empty() {
        return Some((NaiveTime::MIN, utc));
    }
    let end = text.find(|c: char| !c.is_ascii_digit() && !matches!(c, ':' | '.'));
    let (clock, rest) = text.split_at(end.unwrap_or(text.len()));
    let rest = rest.trim().to_ascii_lowercase();
    let (half, zone) = match (rest.strip_prefix("am"), rest.strip_prefix("pm")) {
        (Some(zone), _) => (Some(0), zone),
        (_, Some(zone)) => (Some(12), zone),
        _ => (None, rest.as_str()),
    };
    let (hour, minutes) = clock.split_once(':')?;
    let hour: u32 = hour.parse().ok()?;
    let hour = match half {
        Some(later) if (1..=12).contains(&hour) => hour % 12 + later,
        Some(_) => return None,
        None => hour,
    };
    let clock = format!("{hour}:{minutes}");
    let time = NaiveTime::parse_from_str(&clock, "%H:%M:%S%.f")
        .or_else(|_| NaiveTime::parse_from_str(&clock, "%H:%M"))
        .ok()?;
    let offset = match zone.trim() {
        "" | "z" | "utc" | "gmt" => utc,
        zone => zone.to_ascii_uppercase().parse().ok()?,
    };
    Some((time, offset))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn style(dates: &[&str]) -> Style {
        let mut style = Style::default();
        for (line, date) in (2..).zip(dates) {
            style.learn(line, date);
        }
        style
    }

    fn read(style: &Style, text: &str) -> String {
        style.read(text).map_or_else(|error| error, |at| at.format("%F %T").to_string())
    }

    #[test]
    fn certain_dates_are_read_as_they_stand() {
        let style = style(&[]);
        for text in ["2016-11-08", "2016/11/8", "20161108", "8-Nov-2016", "Nov 8, 2016", "8.11.16"]
        {
            assert_eq!(read(&style, text), "2016-11-08 00:00:00", "{text}");
        }
        for text in [
            "2016-11-08T14:05:00Z",
            "2016-11-08 15:05:00 +0100",
            "2016-11-08 09:05:00 -0500",
            "2016-11-08T14:05:00.000+00:00",
            "2016-11-08 2:05 PM",
            "8 November 2016 14:05",
            "2016-11-08 14:05:00 UTC",
        ] {
            assert_eq!(read(&style, text), "2016-11-08 14:05:00", "{text}");
        }
    }

    #[test]
    fn the_file_tells_what_comes_first() {
        let months = style(&["1/3/2014", "1/13/2014"]);
        assert_eq!(read(&months, "1/3/2014"), "2014-01-03 00:00:00");
        assert!(months.told().unwrap().contains("line 3"));
        let days = style(&["1/3/2014", "13/1/2014"]);
        assert_eq!(read(&days, "1/3/2014"), "2014-03-01 00:00:00");
        let untold = style(&["1/3/2014", "1-3-2014"]);
        assert_eq!(read(&untold, "1/3/2014"), "2014-01-03 00:00:00");
        assert_eq!(read(&untold, "1-3-2014"), "2014-03-01 00:00:00");
        let both = style(&["13/1/2014", "1/13/2014", "1/3/2014"]);
        assert!(both.read("1/3/2014").is_err());
        assert_eq!(read(&both, "1/13/2014"), "2014-01-13 00:00:00");
    }

    #[test]
    fn what_is_no_date_is_refused() {
        let style = style(&[]);
        for text in
            ["", "soon", "2016-13-01", "2016-02-30", "0001-01-01", "1/2", ":", "2016-01-01 25:00"]
        {
            assert!(style.read(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(
            line in 1..9_u64, text in any::<String>(), near in "[0-9/:. TZa-p+-]{0,24}"
        ) {
            let mut style = Style::default();
            style.learn(line, &text);
            style.learn(line, &near);
            let _ = (style.read(&text), style.read(&near), style.told());
        }
    }
}
