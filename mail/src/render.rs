//! Letters put into words: one template a letter and language, as plain text whose first line is
//! the subject. The HTML is made of the same text, so that the two never say different things.

use std::fs;
use std::io;
use std::path::Path;

use minijinja::{AutoEscape, Environment, Error as Broken, ErrorKind, UndefinedBehavior, context};
use serde::Serialize;

use crate::filters;
use crate::letter::{Letter, Template};

/// The language of who has said none, or one that nobody wrote in.
const USUAL: &str = "en";
/// The page around the text.
const LAYOUT: &str = "layout.html";

/// What comes with the program.
macro_rules! built_in {
    ($($name:literal),+ $(,)?) => {
        &[(LAYOUT, include_str!("../templates/layout.html")), $(
            (concat!("en/", $name), include_str!(concat!("../templates/en/", $name))),
            (concat!("de/", $name), include_str!(concat!("../templates/de/", $name))),
        )+]
    };
}

const BUILT_IN: &[(&str, &str)] = built_in![
    "verify_address.txt",
    "address_taken.txt",
    "reset_password.txt",
    "password_changed.txt",
    "address_change_asked.txt",
    "address_changed.txt",
    "second_factor_added.txt",
    "second_factor_removed.txt",
    "invitation.txt",
    "order_placed.txt",
    "order_confirmed.txt",
    "order_unsecured.txt",
    "order_cancelled.txt",
    "order_reduced.txt",
    "order_shipped.txt",
    "order_tracked.txt",
    "order_refunded.txt",
    "return_updated.txt",
];

/// Whose mails they are.
#[derive(Clone, Debug, Serialize)]
pub struct Shop {
    /// What it is called.
    pub name: String,
    /// Where its pages are, without a slash at the end.
    pub url: String,
}

/// Why a letter cannot be put into words.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// A template is broken, or speaks of what it was not told.
    #[error("a template cannot be filled in")]
    Template(#[from] Broken),
    /// Its first line is no subject.
    #[error("the first line of template {0} is no `Subject: …`")]
    NoSubject(String),
    /// A folder of templates cannot be read.
    #[error("the templates cannot be read")]
    Folder(#[from] io::Error),
}

/// A letter in words.
#[derive(Clone, PartialEq, Eq)]
pub struct Words {
    /// The one line.
    pub subject: String,
    /// As plain text.
    pub text: String,
    /// As HTML.
    pub html: String,
}

/// A piece of the text, as the page shows it.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Piece<'a> {
    Link { url: &'a str },
    Lines { lines: Vec<&'a str> },
}

/// All templates there are.
#[derive(Debug)]
pub struct Templates {
    shop: Shop,
    environment: Environment<'static>,
}

impl Templates {
    /// Those that come with the program, and before them those in a folder, which has one for each
    /// language: `de/order_placed.txt`; and `layout.html`.
    ///
    /// # Errors
    /// One cannot be read.
    pub fn new(shop: Shop, folder: Option<&Path>) -> Result<Self, RenderError> {
        let mut environment = Environment::new();
        // A template that speaks of what it is not told is found when it is written.
        environment.set_undefined_behavior(UndefinedBehavior::SemiStrict);
        environment.set_auto_escape_callback(|name| {
            if name == LAYOUT { AutoEscape::Html } else { AutoEscape::None }
        });
        environment.set_trim_blocks(true);
        environment.set_lstrip_blocks(true);
        environment.add_filter("counted", filters::counted);
        environment.add_filter("money", filters::money);
        environment.add_filter("moment", filters::moment);
        for (name, source) in BUILT_IN {
            environment.add_template(name, source)?;
        }
        let mut all = Self { shop, environment };
        if let Some(folder) = folder {
            all.read(folder)?;
        }
        Ok(all)
    }

    fn read(&mut self, folder: &Path) -> Result<(), RenderError> {
        for entry in fs::read_dir(folder)? {
            let (path, name) = entry.map(|entry| (entry.path(), entry.file_name()))?;
            let name = name.to_string_lossy().into_owned();
            if name == LAYOUT {
                self.environment.add_template_owned(name, fs::read_to_string(&path)?)?;
            } else if path.is_dir() {
                for template in Template::ALL {
                    let file = format!("{}.txt", template.name());
                    let Ok(source) = fs::read_to_string(path.join(&file)) else { continue };
                    self.environment.add_template_owned(format!("{name}/{file}"), source)?;
                }
            }
        }
        Ok(())
    }

    /// A letter in the language of who gets it.
    ///
    /// # Errors
    /// The template is broken.
    pub fn words(&self, letter: &Letter) -> Result<Words, RenderError> {
        let file = format!("{}.txt", letter.template.name());
        let language = letter.locale.as_ref().map(vault::address::Locale::language);
        let named = |language: &str| self.environment.get_template(&format!("{language}/{file}"));
        let theirs = language.and_then(|it| named(&it).ok().map(|template| (template, it)));
        let (template, language) = match theirs {
            Some(theirs) => theirs,
            None => (named(USUAL)?, USUAL.to_owned()),
        };
        let whole =
            template.render(context! { shop => self.shop, language, ..letter_context(letter) })?;
        let (subject, text) = whole.split_once('\n').unwrap_or((whole.as_str(), ""));
        let subject = subject.strip_prefix("Subject: ").filter(|subject| !subject.is_empty());
        let subject = subject.ok_or_else(|| RenderError::NoSubject(template.name().to_owned()))?;
        let text = text.trim().to_owned() + "\n";
        let layout = self.environment.get_template(LAYOUT)?;
        let pieces = pieces(&text);
        let html = layout.render(context! { shop => self.shop, subject, pieces })?;
        Ok(Words { subject: subject.to_owned(), text, html })
    }
}

fn letter_context(letter: &Letter) -> minijinja::Value {
    minijinja::Value::from_serialize(&letter.about)
}

/// Paragraphs, and links that stand alone on theirs.
fn pieces(text: &str) -> Vec<Piece<'_>> {
    let paragraphs = text.split("\n\n").map(str::trim).filter(|piece| !piece.is_empty());
    paragraphs
        .map(|piece| {
            let is_link = ["https://", "http://"].iter().any(|scheme| piece.starts_with(scheme));
            if is_link && !piece.contains(char::is_whitespace) {
                Piece::Link { url: piece }
            } else {
                Piece::Lines { lines: piece.lines().collect() }
            }
        })
        .collect()
}

impl From<RenderError> for Broken {
    fn from(error: RenderError) -> Self {
        Self::new(ErrorKind::InvalidOperation, error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use vault::Email;
    use vault::address::Locale;

    use super::*;

    fn templates() -> Templates {
        let shop = Shop { name: "Totes & Co".into(), url: "https://totes.example".into() };
        Templates::new(shop, None).unwrap()
    }

    fn letter(template: Template, locale: Option<&str>) -> Letter {
        let about = json!({
            "code": "c0de", "hours": 24, "name": "Ann <b>", "number": "1042", "order_id": "7f",
            "lines": [
                {"quantity": 2, "title": "Tote <i>", "variant": "L / Blue", "options": "L, Blue",
                 "total": "39.98"},
                {"quantity": 1, "title": "Purse", "options": "Brown", "total": "0.00"},
            ],
            "total": "39.98", "currency": "EUR", "address": ["Ann Lee", "High Street 1"],
            "amount": "10.00", "tracking": "JD01", "carrier": "DHL", "state": "approved",
            "reason": "", "invitation": "7f.5ec", "days": 3, "until": "2026-03-04 12:00 UTC",
            "owed": "29.98", "corrected": false,
        });
        let locale = locale.map(|text| Locale::try_from(text.to_owned()).unwrap());
        let to = Email::try_from("ann@shop.example".to_owned()).unwrap();
        Letter { to, locale, template, about }
    }

    #[test]
    fn every_letter_has_its_words_in_every_language() {
        let templates = templates();
        for &template in Template::ALL {
            let [en, de] =
                ["en", "de"].map(|it| templates.words(&letter(template, Some(it))).unwrap());
            assert_ne!(en.subject, de.subject, "{template:?}");
            for words in [&en, &de] {
                let all = format!("{}\n{}", words.subject, words.text);
                assert!(all.contains("Totes & Co"), "{all}");
                assert!(!all.contains("{{") && !all.contains("{%"), "{all}");
                assert!(!words.subject.contains('\n') && words.text.len() > 40);
                assert!(words.html.contains("Totes &amp; Co"), "{}", words.html);
                assert!(!words.html.contains("<b>") && !words.html.contains("<i>"));
            }
        }
    }

    /// Where a letter says a number, the words around it go by that number.
    #[test]
    fn one_hour_is_not_hours() {
        let templates = templates();
        let said = |template, locale, number: i64| {
            let mut letter = letter(template, Some(locale));
            for name in ["hours", "days"] {
                letter.about[name] = number.into();
            }
            templates.words(&letter).unwrap().text
        };
        let mut counting = 0;
        for &template in Template::ALL {
            for locale in ["en", "de"] {
                let [one, many] = [1, 77].map(|number| said(template, locale, number));
                let counts = one != many;
                counting += u32::from(counts);
                assert!(!counts || many.replace("77", "1") != one, "{locale} {template:?}: {one}");
            }
        }
        assert_eq!(counting, 6, "a link to verify, to reset and to join, in each language");
        assert!(said(Template::ResetPassword, "en", 1).contains("within 1 hour:"));
        assert!(said(Template::ResetPassword, "de", 1).contains("innerhalb von 1 Stunde eines:"));
    }

    /// Amounts and times are written as people write them who read the language.
    #[test]
    fn a_letter_has_the_numbers_of_its_language() {
        let templates = templates();
        let said = |template, locale, currency: &str| {
            let mut letter = letter(template, Some(locale));
            letter.about["total"] = json!("2469.00");
            letter.about["amount"] = json!("1234567.50");
            letter.about["currency"] = json!(currency);
            let words = templates.words(&letter).unwrap();
            format!("{}\n{}", words.subject, words.text)
        };
        for (template, locale, currency, wanted) in [
            (Template::OrderPlaced, "de", "EUR", "Summe: 2.469,00\u{a0}€\n"),
            (Template::OrderPlaced, "de-AT", "CHF", "Summe: 2.469,00\u{a0}CHF\n"),
            (Template::OrderPlaced, "en", "EUR", "Total: €2,469.00\n"),
            (Template::OrderPlaced, "fi", "CHF", "Total: CHF\u{a0}2,469.00\n"),
            (Template::OrderRefunded, "de", "EUR", "1.234.567,50\u{a0}€ zurück"),
            (Template::OrderUnsecured, "de", "EUR", "bis 04.03.2026, 12:00 UTC"),
            (Template::OrderUnsecured, "en", "EUR", "until 2026-03-04 12:00 UTC"),
        ] {
            let said = said(template, locale, currency);
            assert!(said.contains(wanted), "{wanted} in {said}");
        }
        for &template in Template::ALL {
            let german = said(template, "de", "EUR");
            assert!(!german.contains("EUR") && !german.contains("9.00"), "{german}");
        }
    }

    /// By the name that the shop gave a variant, or else by what sets it apart.
    #[test]
    fn a_line_says_which_variant_it_is() {
        let templates = templates();
        let of_lines = [
            Template::OrderPlaced,
            Template::OrderReduced,
            Template::OrderShipped,
            Template::OrderTracked,
        ];
        for (template, locale) in of_lines.iter().flat_map(|it| [(*it, "en"), (*it, "de")]) {
            let text = templates.words(&letter(template, Some(locale))).unwrap().text;
            for line in ["2 × Tote <i> (L / Blue)", "1 × Purse (Brown)"] {
                assert!(text.contains(line), "{line} in {text}");
            }
        }
    }

    /// Whether anything was paid, a letter about an order that is off does not know.
    #[test]
    fn nobody_is_promised_money_who_paid_nothing() {
        let templates = templates();
        for (locale, condition) in [("de", "Falls Sie"), ("en", "If you have paid")] {
            for template in [Template::OrderCancelled, Template::OrderReduced] {
                let text = templates.words(&letter(template, Some(locale))).unwrap().text;
                assert!(text.contains(condition), "{text}");
            }
        }
    }

    #[test]
    fn who_has_said_no_language_is_written_to_in_the_usual_one() {
        let templates = templates();
        let subject = |locale| {
            templates.words(&letter(Template::OrderPlaced, locale)).map(|words| words.subject)
        };
        let usual = subject(Some("en")).unwrap();
        assert_eq!(subject(None).unwrap(), usual);
        assert_eq!(subject(Some("fi")).unwrap(), usual);
        assert_ne!(subject(Some("de-AT")).unwrap(), usual);
    }

    #[test]
    fn a_link_that_stands_alone_is_one() {
        let text = "Hello\nAnn\n\nhttps://totes.example/verify?code=1\n\nhttps://a b\n";
        let url = "https://totes.example/verify?code=1";
        let wanted = [
            Piece::Lines { lines: vec!["Hello", "Ann"] },
            Piece::Link { url },
            Piece::Lines { lines: vec!["https://a b"] },
        ];
        assert_eq!(pieces(text), wanted);
        let words = templates().words(&letter(Template::VerifyAddress, None)).unwrap();
        let href = r#"href="https:&#x2f;&#x2f;totes.example&#x2f;verify?code=c0de""#;
        assert!(words.html.contains(href), "{}", words.html);
    }

    #[test]
    fn a_shop_has_templates_of_its_own() {
        let folder = std::env::temp_dir().join(format!("mail-templates-{}", std::process::id()));
        fs::create_dir_all(folder.join("fi")).unwrap();
        fs::write(folder.join("fi/order_placed.txt"), "Subject: Kiitos\nTilaus {{ number }}.")
            .unwrap();
        let shop = Shop { name: "S".into(), url: "https://s.example".into() };
        let templates = Templates::new(shop.clone(), Some(&folder)).unwrap();
        let words = templates.words(&letter(Template::OrderPlaced, Some("fi"))).unwrap();
        assert_eq!((words.subject.as_str(), words.text.as_str()), ("Kiitos", "Tilaus 1042.\n"));
        for broken in ["Subject: {{", "Kiitos", "Subject: {{ nothing_of_the_kind }}"] {
            fs::write(folder.join("fi/order_placed.txt"), broken).unwrap();
            let templates = Templates::new(shop.clone(), Some(&folder));
            let words =
                templates.and_then(|all| all.words(&letter(Template::OrderPlaced, Some("fi"))));
            assert!(words.is_err(), "{broken}");
        }
        fs::remove_dir_all(folder).unwrap();
    }
}
