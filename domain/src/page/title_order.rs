//! The orders that titles are listed in: as people do who read a language.
//!
//! They follow the rules of Unicode's CLDR, as one crate brings them along, and not those of a
//! server's libraries: a title has the same key wherever it is made, and keys are compared byte by
//! byte. They are stored, so whoever raises that crate, or changes anything here, raises the
//! version of the projection that stores them; a test knows when that is due.

use std::str::FromStr as _;
use std::sync::LazyLock;

use icu_collator::options::CollatorOptions;
use icu_collator::{Collator, CollatorBorrowed};
use schemars::JsonSchema;
use serde::Deserialize;

/// The longest key, in bytes: what titles have in common to there, they are in no order by.
pub const KEY_BYTES_MAX: usize = 400;

/// An order of titles. What is stored has a key for each, at the place that it has here: a new one
/// comes last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TitleOrder {
    /// Of all scripts, for languages that want nothing else of their own.
    #[default]
    Root,
    /// Czech: ch comes after h.
    Czech,
    /// Danish: æ, ø, å come last, and capitals first.
    Danish,
    /// Finnish: å, ä, ö come last.
    Finnish,
    /// Greek: it comes before other scripts.
    Greek,
    /// Japanese: kanji come as they do in JIS X 0208.
    Japanese,
    /// Norwegian: æ, ø, å come last.
    Norwegian,
    /// Polish: ł comes after l.
    Polish,
    /// Russian: Cyrillic comes before other scripts.
    Russian,
    /// Spanish: ñ comes after n.
    Spanish,
    /// Swedish: å, ä, ö come last.
    Swedish,
    /// Turkish: ı comes before i.
    Turkish,
    /// Ukrainian: Cyrillic comes first, and ґ after г.
    Ukrainian,
}

impl TitleOrder {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::Root,
        Self::Czech,
        Self::Danish,
        Self::Finnish,
        Self::Greek,
        Self::Japanese,
        Self::Norwegian,
        Self::Polish,
        Self::Russian,
        Self::Spanish,
        Self::Swedish,
        Self::Turkish,
        Self::Ukrainian,
    ];

    /// What sorts a title among others.
    pub fn key(self, title: &str) -> Vec<u8> {
        let mut key = Vec::new();
        if let Some(collator) = &COLLATORS[self as usize] {
            // Writing to memory cannot fail.
            let Ok(()) = collator.write_sort_key_to(title.trim(), &mut key);
        }
        key.truncate(KEY_BYTES_MAX);
        key
    }

    /// What sorts a title among others, in each order.
    pub fn keys(title: &str) -> [Vec<u8>; Self::ALL.len()] {
        Self::ALL.map(|order| order.key(title))
    }

    /// Numbers in a title count as numbers: 9 comes before 10.
    fn locale(self) -> &'static str {
        match self {
            Self::Root => "und-u-kn",
            Self::Czech => "cs-u-kn",
            Self::Danish => "da-u-kn",
            Self::Finnish => "fi-u-kn",
            Self::Greek => "el-u-kn",
            Self::Japanese => "ja-u-kn",
            Self::Norwegian => "nb-u-kn",
            Self::Polish => "pl-u-kn",
            Self::Russian => "ru-u-kn",
            Self::Spanish => "es-u-kn",
            Self::Swedish => "sv-u-kn",
            Self::Turkish => "tr-u-kn",
            Self::Ukrainian => "uk-u-kn",
        }
    }
}

/// A language that titles are listed in the order of, as BCP 47 calls it: `de`, `pt-BR`. One that
/// has no order of its own here is given that of all scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(inline, with = "String", extend(
    "pattern" = "^[A-Za-z]{2,3}([-_][A-Za-z0-9]{1,8})*$",
    "examples" = ["de", "pt-BR", "nb"],
))]
pub struct TitleLocale(TitleOrder);

impl From<TitleLocale> for TitleOrder {
    fn from(locale: TitleLocale) -> Self {
        locale.0
    }
}

impl TryFrom<String> for TitleLocale {
    type Error = &'static str;

    fn try_from(tag: String) -> Result<Self, Self::Error> {
        let mut parts = tag.split(['-', '_']);
        let language = parts.next().unwrap_or_default();
        let is_language = (2..=3).contains(&language.len())
            && language.bytes().all(|letter| letter.is_ascii_alphabetic());
        let are_subtags = parts.all(|part| {
            (1..=8).contains(&part.len()) && part.bytes().all(|it| it.is_ascii_alphanumeric())
        });
        if !is_language || !are_subtags {
            return Err("must be the tag of a language, such as de or pt-BR");
        }
        Ok(Self(match language.to_ascii_lowercase().as_str() {
            "cs" => TitleOrder::Czech,
            "da" => TitleOrder::Danish,
            "el" => TitleOrder::Greek,
            "es" => TitleOrder::Spanish,
            "fi" => TitleOrder::Finnish,
            "ja" => TitleOrder::Japanese,
            "nb" | "nn" | "no" => TitleOrder::Norwegian,
            "pl" => TitleOrder::Polish,
            "ru" => TitleOrder::Russian,
            "sv" => TitleOrder::Swedish,
            "tr" => TitleOrder::Turkish,
            "uk" => TitleOrder::Ukrainian,
            _ => TitleOrder::Root,
        }))
    }
}

/// What the crate has of each order. None lacks, as a test knows.
static COLLATORS: LazyLock<[Option<CollatorBorrowed<'static>>; TitleOrder::ALL.len()]> =
    LazyLock::new(|| TitleOrder::ALL.map(|order| collator(order.locale())));

fn collator(locale: &str) -> Option<CollatorBorrowed<'static>> {
    let locale = icu_locale_core::Locale::from_str(locale).ok()?;
    Collator::try_new((&locale).into(), CollatorOptions::default()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted(order: TitleOrder, titles: &str) -> String {
        let mut titles: Vec<&str> = titles.split(' ').collect();
        titles.sort_by_key(|title| order.key(title));
        titles.join(" ")
    }

    #[test]
    fn titles_are_in_the_order_of_those_who_read_them() {
        for (order, titles) in [
            (TitleOrder::Root, "42 apple Apple äpple éclair Eclairs zebra Zoo αλφα яблоко 机 機"),
            (TitleOrder::Czech, "cukr čaj daň hora chata ikona"),
            (TitleOrder::Danish, "Apple apple zebra æble øre år"),
            (TitleOrder::Finnish, "ahven zebra ångström äiti öljy"),
            (TitleOrder::Greek, "αλφα ωμέγα apple zebra яблоко"),
            (TitleOrder::Japanese, "apple あさ アジ 亜鉛 机"),
            (TitleOrder::Norwegian, "apple Apple zebra ære øre år"),
            (TitleOrder::Polish, "lampa lody łania mama"),
            (TitleOrder::Russian, "арбуз ёж яблоко apple αλφα"),
            (TitleOrder::Spanish, "nube nuez ñandú oso"),
            (TitleOrder::Swedish, "apple zebra ångström äpple öl"),
            (TitleOrder::Turkish, "cam çam hala ılık ipek"),
            (TitleOrder::Ukrainian, "вода гора ґанок дім apple"),
        ] {
            let backwards: Vec<&str> = titles.rsplit(' ').collect();
            assert_eq!(sorted(order, &backwards.join(" ")), titles, "{order:?}");
        }
    }

    #[test]
    fn numbers_in_titles_are_numbers() {
        for order in TitleOrder::ALL {
            assert!(order.key("Tote 9") < order.key("Tote 10"), "{order:?}");
            assert_eq!(order.key(" Tote "), order.key("Tote"));
        }
    }

    #[test]
    fn languages_without_an_order_of_their_own_want_that_of_all() {
        let letters = "a à á â ã ä å æ b c ç d e è é ê ë f g h i ì í î ï ij ĳ j k l m n ñ o ò ó ô \
                       õ ö œ p q r s ß t u ù ú û ü v w x y ÿ z A Ä Z α я 机 - ' 1 10 2";
        for locale in ["de", "en", "fr", "it", "nl", "pt"] {
            let collator = collator(&format!("{locale}-u-kn")).unwrap();
            for letter in letters.split(' ') {
                let mut key = Vec::new();
                let Ok(()) = collator.write_sort_key_to(letter, &mut key);
                assert_eq!(key, TitleOrder::Root.key(letter), "{letter} in {locale}");
            }
        }
    }

    #[test]
    fn a_locale_is_read_as_browsers_say_it() {
        let read = |tag: &str| TitleLocale::try_from(tag.to_owned()).map(TitleOrder::from);
        for (tag, order) in [
            ("sv", TitleOrder::Swedish),
            ("sv-SE", TitleOrder::Swedish),
            ("SV_se", TitleOrder::Swedish),
            ("no", TitleOrder::Norwegian),
            ("nn-NO", TitleOrder::Norwegian),
            ("de-DE-u-co-phonebk", TitleOrder::Root),
            ("hu", TitleOrder::Root),
            ("gsw", TitleOrder::Root),
        ] {
            assert_eq!(read(tag), Ok(order), "{tag}");
        }
        for wrong in ["", "s", "svea", "s1", "sv-", "sv--SE", "sv SE", "sv-åland", "sv-123456789"]
        {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn keys_are_bounded() {
        let long = "\u{fdfa}".repeat(500);
        assert_eq!(TitleOrder::Root.key(&long).len(), KEY_BYTES_MAX);
    }

    /// Keys are stored: others than these need a higher version of the projections that store them.
    #[test]
    fn keys_are_those_that_are_stored() {
        let titles =
            ["Tote 10", "Éclair", "Ångström", "Łódź", "chata", "İpek", "ґанок", "机", "😀"];
        let keys = titles.iter().flat_map(|title| TitleOrder::keys(title)).flatten();
        let bytes: Vec<u8> = keys.collect();
        assert_eq!((bytes.len(), crc32fast::hash(&bytes)), (1_322, 21_079_084));
    }
}
