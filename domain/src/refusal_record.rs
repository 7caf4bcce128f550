//! A refusal as it is answered, and as it is kept under its command's key: no longer the enum that
//! it was, but its code, its sort, its words and its figures. What was kept can be read and told
//! again whatever has become of the enums since.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::cart::Misfit;
use crate::refusal::{All, CheckoutError, Coded as _, Kind, OfSku, RefusedLine};
use crate::{Refusal, cart, fulfilment, location, order, payment, product, return_, sku, stock};

/// A refusal, told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusalRecord {
    code: Cow<'static, str>,
    #[serde(default)]
    kind: Kind,
    #[serde(default)]
    detail: String,
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    figures: Map<String, Value>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    concerns: Vec<Concern>,
}

/// One of several things that a refusal concerns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Concern {
    /// Where it stands in what was refused, as a JSON pointer.
    pub pointer: String,
    /// What is wrong with it, for programs.
    #[serde(default)]
    pub code: String,
    /// And in words.
    pub detail: String,
}

impl RefusalRecord {
    /// The stable code and the sort of refusal.
    pub fn code(&self) -> (&str, Kind) {
        (&self.code, self.kind)
    }

    /// Whether it may pass by itself, so that the next try is decided anew.
    pub fn passes(&self) -> bool {
        self.kind.passes()
    }

    /// What a program needs to go on, by name.
    pub fn figures(&self) -> &Map<String, Value> {
        &self.figures
    }

    /// All it concerns, where that may be several things.
    pub fn concerns(&self) -> &[Concern] {
        &self.concerns
    }

    /// A value that cannot be JSON is left out.
    fn with(mut self, name: &str, value: impl Serialize) -> Self {
        if let Ok(value) = serde_json::to_value(value) {
            self.figures.insert(name.to_owned(), value);
        }
        self
    }

    fn concern(mut self, pointer: String, code: &str, detail: String) -> Self {
        self.concerns.push(Concern { pointer, code: code.to_owned(), detail });
        self
    }

    /// One SKU's figures stand by themselves; those of several in a list, each with its code.
    fn with_stocks(mut self, stocks: &[OfSku<stock::Error>]) -> Self {
        if let [OfSku { sku, error }] = stocks {
            self.figures.append(&mut stock_figures(error));
            return self.with("sku", sku);
        }
        let one = |OfSku { sku, error }: &OfSku<stock::Error>| {
            let mut figures = stock_figures(error);
            figures.insert("sku".to_owned(), json!(sku));
            figures.insert("code".to_owned(), json!(error.code().0));
            figures.insert("detail".to_owned(), json!(error.to_string()));
            figures
        };
        self.with("skus", stocks.iter().map(one).collect::<Vec<_>>())
    }

    fn with_misfits(self, lines: &[Misfit]) -> Self {
        let line = |record: Self, Misfit { line, sku, error }: &Misfit| {
            record.concern(format!("/lines/{line}"), error.code().0, format!("{sku}: {error}"))
        };
        let told = |Misfit { line, sku, error }: &Misfit| {
            let code = error.code().0;
            json!({"line": line, "sku": sku, "code": code})
        };
        let told: Vec<Value> = lines.iter().map(told).collect();
        lines.iter().fold(self, line).with("lines", told)
    }

    fn with_order(self, error: &order::Error) -> Self {
        use order::Error;
        match error {
            Error::NothingLeft(lines) | Error::NothingToReturn(lines) | Error::CameBack(lines) => {
                self.with("lines", lines)
            }
            Error::PaymentOpen { payment_id } => self.with("payment_id", payment_id),
            Error::NotSecured { owed, secured } => self.with("owed", owed).with("secured", secured),
            Error::Packed { fulfilment_ids } => self.with("fulfilment_ids", fulfilment_ids),
            Error::WithheldTooMuch { withheld, worth } => {
                self.with("withheld", withheld).with("worth", worth)
            }
            Error::LineCannotGrow { sku, has } => self.with("sku", sku).with("has", has),
            // Most have no figures.
            _ => self,
        }
    }

    /// Adds which lines, how many are left, which version it is.
    fn with_figures(self, refusal: &Refusal) -> Self {
        match refusal {
            Refusal::Checkout(CheckoutError::Refused(lines)) => {
                let line = |record: Self, refused: &RefusedLine| {
                    let RefusedLine { line, sku, problem } = refused;
                    let (pointer, detail) = (format!("/lines/{line}"), format!("{sku}: {problem}"));
                    record.concern(pointer, problem.code(), detail)
                };
                lines.iter().fold(self, line).with("lines", lines)
            }
            Refusal::Stock(All(stocks)) => self.with_stocks(stocks),
            Refusal::Location(
                location::Error::Unknown(locations) | location::Error::SellsNothing(locations),
            ) => self.with("locations", locations),
            Refusal::Location(location::Error::SellableStays { sellable }) => {
                self.with("sellable", sellable)
            }
            Refusal::Sku(sku::Error::Taken(taken)) => self.with("skus", taken),
            Refusal::Product(
                product::Error::DuplicateSku(skus)
                | product::Error::DuplicateCurrency(skus)
                | product::Error::TooManyPrices(skus),
            ) => self.with("skus", skus),
            Refusal::Offer(OfSku { sku, .. }) => self.with("sku", sku),
            Refusal::Order(error) => self.with_order(error),
            Refusal::Fulfilment(fulfilment::Error::NotInIt(lines)) => self.with("lines", lines),
            Refusal::Fulfilment(fulfilment::Error::LocationRequired(parts)) => {
                self.with("parts", parts)
            }
            Refusal::Cart(cart::Error::DoNotFit(lines)) => self.with_misfits(lines),
            Refusal::Product(product::Error::Several(All(wrongs))) => {
                self.with("problems", wrongs.iter().map(problem).collect::<Vec<_>>())
            }
            Refusal::Cart(
                cart::Error::OrderStands { order_id } | cart::Error::OrderSent { order_id },
            ) => self.with("order_id", order_id),
            Refusal::Payment(payment::Error::TooMuch { at_most }) => self.with("left", at_most),
            Refusal::Payment(payment::Error::TooLittle { at_least }) => {
                self.with("at_least", at_least)
            }
            Refusal::Payment(payment::Error::WrongState { status, .. }) => {
                self.with("state", status)
            }
            Refusal::Fulfilment(fulfilment::Error::WrongState { status, .. }) => {
                self.with("state", status.name())
            }
            Refusal::Return(return_::Error::WrongState { status, .. }) => {
                self.with("state", status)
            }
            Refusal::VersionMismatch { expected, actual } => {
                self.with("expected", expected).with("actual", actual)
            }
            Refusal::DocumentChanged(moved) => self.with("moved", moved),
            // Most have no figures.
            _ => self,
        }
    }
}

/// One of several things that are wrong with a product, as it would be told alone.
fn problem(error: &product::Error) -> Map<String, Value> {
    let RefusalRecord { code, detail, mut figures, .. } = (&Refusal::from(error.clone())).into();
    figures.insert("code".to_owned(), json!(code));
    figures.insert("detail".to_owned(), json!(detail));
    figures
}

/// What a stock refused with, by name.
fn stock_figures(error: &stock::Error) -> Map<String, Value> {
    let figures = match error {
        stock::Error::OutOfStock { available, wanted } => {
            json!({"available": available, "wanted": wanted})
        }
        stock::Error::WouldGoNegative { on_hand } => json!({"on_hand": on_hand}),
        stock::Error::NotThere { on_hand, wanted } => json!({"on_hand": on_hand, "wanted": wanted}),
        stock::Error::OthersThere { own, wanted } => json!({"own": own, "wanted": wanted}),
        stock::Error::OfAnother { product_id } => json!({"product_id": product_id}),
        stock::Error::NotEmpty { on_hand, held } => json!({"on_hand": on_hand, "held": held}),
        // The others have no figures.
        _ => json!({}),
    };
    match figures {
        Value::Object(figures) => figures,
        _ => Map::new(),
    }
}

impl From<&Refusal> for RefusalRecord {
    fn from(refusal: &Refusal) -> Self {
        let (code, kind) = refusal.code();
        let (figures, concerns) = (Map::new(), Vec::new());
        let detail = refusal.to_string();
        Self { code: code.into(), kind, detail, figures, concerns }.with_figures(refusal)
    }
}

impl fmt::Display for RefusalRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}
