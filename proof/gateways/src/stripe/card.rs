//! The payment methods of Stripe's test mode: what a bank says of each.

use serde_json::{Value, json};

/// What becomes of a card.
#[derive(Clone, Copy, Debug)]
pub struct Card {
    /// Whether the shopper is asked first.
    pub asks: bool,
    /// Why it is refused, once it is tried: code, reason of the bank, words.
    pub declined: Option<Declined>,
    /// Whether the shopper disputes the charge afterwards.
    pub disputes: bool,
}

/// Why a card is refused: its code, the bank's, and words for the shopper.
pub type Declined = (&'static str, Option<&'static str>, &'static str);

const GOOD: Card = Card { asks: false, declined: None, disputes: false };
/// What a bank says that says no more.
pub const DECLINED: Declined =
    ("card_declined", Some("generic_decline"), "Your card was declined.");
const FUNDS: Declined =
    ("card_declined", Some("insufficient_funds"), "Your card has insufficient funds.");

/// A test card by its id; `None` where there is none of that name.
pub fn card(id: &str) -> Option<Card> {
    let declined = |why| Card { declined: Some(why), ..GOOD };
    Some(match id {
        "pm_card_visa" | "pm_card_mastercard" | "pm_card_amex" | "pm_card_visa_debit" => GOOD,
        "pm_card_chargeDeclined" | "pm_card_visa_chargeDeclined" | "pm_card_chargeCustomerFail" => {
            declined(DECLINED)
        }
        "pm_card_chargeDeclinedInsufficientFunds" => declined(FUNDS),
        "pm_card_chargeDeclinedExpiredCard" => {
            declined(("expired_card", None, "Your card has expired."))
        }
        "pm_card_chargeDeclinedIncorrectCvc" => {
            declined(("incorrect_cvc", None, "Your card's security code is incorrect."))
        }
        "pm_card_chargeDeclinedProcessingError" => declined((
            "processing_error",
            None,
            "An error occurred while processing your card. Try again in a little bit.",
        )),
        "pm_card_authenticationRequired" | "pm_card_threeDSecure2Required" => {
            Card { asks: true, ..GOOD }
        }
        "pm_card_authenticationRequiredChargeDeclinedInsufficientFunds" => {
            Card { asks: true, ..declined(FUNDS) }
        }
        "pm_card_createDispute" => Card { disputes: true, ..GOOD },
        _ => return None,
    })
}

/// A refusal, as an error tells it.
pub fn error((code, decline_code, message): Declined, charge: Option<&str>) -> Value {
    json!({
        "type": "card_error", "code": code, "decline_code": decline_code, "message": message,
        "charge": charge,
    })
}

/// What is said when the shopper did not confirm.
pub fn unauthenticated() -> Value {
    json!({
        "type": "card_error", "code": "payment_intent_authentication_failure",
        "message": "The provided PaymentMethod has failed authentication.",
    })
}
