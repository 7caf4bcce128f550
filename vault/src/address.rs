//! Where something goes, and to whom: what an order needs to know of people, and no event says.

use domain::text::{Label, Note};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::email::Email;
use crate::index::Word;
use crate::phone::Phone;

/// Lines of a street address.
const LINES_MAX: usize = 4;
/// Characters of a postal code: the longest there are have ten.
const POSTCODE_CHARS_MAX: usize = 12;

/// The countries there are (ISO 3166-1 alpha-2, and XK, which the post of most uses for Kosovo).
const COUNTRIES: &str = "\
    AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ \
    BR BS BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM \
    DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS \
    GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN \
    KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ \
    MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM \
    PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV \
    SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI \
    VN VU WF WS XK YE YT ZA ZM ZW";

/// A country, as two capitals.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(extend("pattern" = "^[A-Z]{2}$", "examples" = ["DE"]))]
pub struct Country(String);

impl TryFrom<String> for Country {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, &'static str> {
        let known = COUNTRIES.split(' ').any(|country| country == text);
        known.then_some(Self(text)).ok_or("must be two capitals of ISO 3166-1, such as DE")
    }
}

impl From<Country> for String {
    fn from(country: Country) -> Self {
        country.0
    }
}

/// An address with who is there.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, try_from = "Wire")]
pub struct PostalAddress {
    /// Who.
    pub name: Label,
    /// Where they work, if it goes there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub company: Option<Label>,
    /// Street and number, and what else leads to the door.
    #[schemars(length(min = 1, max = LINES_MAX))]
    pub lines: Vec<Label>,
    /// The postal code, where there are some.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub postcode: Option<Label>,
    /// The town.
    pub city: Label,
    /// The state or province, where letters name it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<Label>,
    /// The country.
    pub country: Country,
    /// Where they are called.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<Phone>,
    /// Where they are written to about what goes there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<Email>,
    /// What the courier should know.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<Note>,
    /// The language they read, such as `de` or `pt-BR`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locale: Option<Locale>,
}

/// The same as it is sent, before its bounds are looked at.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Wire {
    name: Label,
    company: Option<Label>,
    #[schemars(length(min = 1, max = LINES_MAX))]
    lines: Vec<Label>,
    postcode: Option<Label>,
    city: Label,
    region: Option<Label>,
    country: Country,
    phone: Option<Phone>,
    email: Option<Email>,
    note: Option<Note>,
    locale: Option<Locale>,
}

impl TryFrom<Wire> for PostalAddress {
    type Error = &'static str;

    fn try_from(wire: Wire) -> Result<Self, &'static str> {
        let Wire { name, company, lines, postcode, city, region, country, .. } = wire;
        if lines.is_empty() || lines.len() > LINES_MAX {
            return Err("must have 1 to 4 lines");
        }
        let chars = |code: &Label| code.as_str().chars().count();
        if postcode.as_ref().is_some_and(|code| chars(code) > POSTCODE_CHARS_MAX) {
            return Err("has a postcode of more than 12 characters");
        }
        let Wire { phone, email, note, locale, .. } = wire;
        let whole = Self {
            name,
            company,
            lines,
            postcode,
            city,
            region,
            country,
            phone,
            email,
            note,
            locale,
        };
        Ok(whole)
    }
}

impl PostalAddress {
    /// By what it is found: its name, its company, its phone number, its e-mail.
    pub fn words(&self) -> Vec<Word> {
        let mut words = Word::name(self.name.as_str());
        words.extend(self.company.iter().flat_map(|company| Word::name(company.as_str())));
        words.extend(self.phone.as_ref().map(Word::phone));
        words.extend(self.email.as_ref().map(Word::email));
        words
    }
}

impl std::fmt::Debug for PostalAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PostalAddress(…)")
    }
}

/// Who a customer is, beyond their address book.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// What they are called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Label>,
    /// Where they are called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<Phone>,
    /// Where they are written to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<Email>,
    /// The language they read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locale: Option<Locale>,
}

impl Profile {
    /// By what they are found.
    pub fn words(&self) -> Vec<Word> {
        let mut words = Vec::new();
        words.extend(self.name.iter().flat_map(|name| Word::name(name.as_str())));
        words.extend(self.phone.as_ref().map(Word::phone));
        words.extend(self.email.as_ref().map(Word::email));
        words
    }
}

impl std::fmt::Debug for Profile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Profile(…)")
    }
}

/// A language, as a tag of BCP 47 with at most a script and a region.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(extend(
    "pattern" = "^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,4}){0,2}$",
    "examples" = ["de", "pt-BR"],
))]
pub struct Locale(String);

impl Locale {
    /// The language alone, in small letters.
    pub fn language(&self) -> String {
        self.0.split('-').next().unwrap_or_default().to_lowercase()
    }
}

impl TryFrom<String> for Locale {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, &'static str> {
        let mut parts = text.split('-');
        let is = |part: &str, chars: std::ops::RangeInclusive<usize>| {
            chars.contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
        };
        let language = parts.next().unwrap_or_default();
        let letters = language.bytes().all(|byte| byte.is_ascii_alphabetic());
        let rest: Vec<&str> = parts.collect();
        let good = is(language, 2..=3) && letters && rest.len() <= 2;
        let good = good && rest.iter().all(|part| is(part, 2..=4));
        good.then_some(Self(text)).ok_or("must be a language such as de, or pt-BR")
    }
}

impl From<Locale> for String {
    fn from(locale: Locale) -> Self {
        locale.0
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn address() -> Value {
        json!({"name": "Ann Lee", "lines": ["High Street 1"], "postcode": "10115",
               "city": "Berlin", "country": "DE", "phone": "030 1234567",
               "email": "ann@shop.example", "locale": "de"})
    }

    fn with(member: &str, value: Value) -> Result<PostalAddress, String> {
        let mut address = address();
        address[member] = value;
        serde_json::from_value(address).map_err(|error| error.to_string())
    }

    #[test]
    fn what_leads_to_a_door_is_one() {
        let read: PostalAddress = serde_json::from_value(address()).unwrap();
        assert_eq!(serde_json::to_value(&read).unwrap(), address());
        assert_eq!(format!("{read:?}"), "PostalAddress(…)");
        assert_eq!(read.words().len(), 4);
        for (member, value) in [
            ("lines", json!([])),
            ("lines", json!(["1", "2", "3", "4", "5"])),
            ("country", json!("ZZ")),
            ("country", json!("de")),
            ("postcode", json!("1234567890123")),
            ("locale", json!("deutsch")),
            ("locale", json!("de-")),
            ("phone", json!("none")),
            ("email", json!("ann")),
            ("name", json!(" ")),
            ("note", json!("card 4242 4242 4242 4242")),
            ("street", json!("High Street")),
        ] {
            assert!(with(member, value.clone()).is_err(), "{member} {value}");
        }
        for locale in ["de", "pt-BR", "zh-Hant-TW", "es-419"] {
            assert!(with("locale", json!(locale)).is_ok(), "{locale}");
        }
    }
}
