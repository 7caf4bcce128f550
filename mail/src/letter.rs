//! Which mails there are. A new one is a line in [`Template`], and a file for each language in
//! `templates/`.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use vault::Email;
use vault::address::Locale;

/// What a mail is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Template {
    /// Somebody registered: is it their address?
    VerifyAddress,
    /// Somebody tried to register with an address that is somebody's.
    AddressTaken,
    /// Somebody forgot their password.
    ResetPassword,
    /// Their password is another now.
    PasswordChanged,
    /// Somebody asked for another address for their account: did they?
    AddressChangeAsked,
    /// Their address is another now.
    AddressChanged,
    /// They sign in with a second factor from now on.
    SecondFactorAdded,
    /// They do no more: they, or the shop for them, took it away.
    SecondFactorRemoved,
    /// Somebody is to work here.
    Invitation,
    /// An order was placed.
    OrderPlaced,
    /// It is certain.
    OrderConfirmed,
    /// What it was to be paid with lapsed.
    OrderUnsecured,
    /// It is off.
    OrderCancelled,
    /// Some of it is off.
    OrderReduced,
    /// A parcel of it left.
    OrderShipped,
    /// It is known by now under which number a parcel travels that has left, or it is another one.
    OrderTracked,
    /// Money was given back.
    OrderRefunded,
    /// What is to come back was agreed to, or not, or has come.
    ReturnUpdated,
}

impl Template {
    /// All of them.
    pub const ALL: &'static [Self] = &[
        Self::VerifyAddress,
        Self::AddressTaken,
        Self::ResetPassword,
        Self::PasswordChanged,
        Self::AddressChangeAsked,
        Self::AddressChanged,
        Self::SecondFactorAdded,
        Self::SecondFactorRemoved,
        Self::Invitation,
        Self::OrderPlaced,
        Self::OrderConfirmed,
        Self::OrderUnsecured,
        Self::OrderCancelled,
        Self::OrderReduced,
        Self::OrderShipped,
        Self::OrderTracked,
        Self::OrderRefunded,
        Self::ReturnUpdated,
    ];

    /// Its name, in rows and as a file.
    pub const fn name(self) -> &'static str {
        match self {
            Self::VerifyAddress => "verify_address",
            Self::AddressTaken => "address_taken",
            Self::ResetPassword => "reset_password",
            Self::PasswordChanged => "password_changed",
            Self::AddressChangeAsked => "address_change_asked",
            Self::AddressChanged => "address_changed",
            Self::SecondFactorAdded => "second_factor_added",
            Self::SecondFactorRemoved => "second_factor_removed",
            Self::Invitation => "invitation",
            Self::OrderPlaced => "order_placed",
            Self::OrderConfirmed => "order_confirmed",
            Self::OrderUnsecured => "order_unsecured",
            Self::OrderCancelled => "order_cancelled",
            Self::OrderReduced => "order_reduced",
            Self::OrderShipped => "order_shipped",
            Self::OrderTracked => "order_tracked",
            Self::OrderRefunded => "order_refunded",
            Self::ReturnUpdated => "return_updated",
        }
    }
}

/// A mail, before it is put into words.
#[derive(Clone, Serialize, Deserialize)]
pub struct Letter {
    /// To whom.
    pub to: Email,
    /// In which language, if they have said.
    pub locale: Option<Locale>,
    /// What about.
    pub template: Template,
    /// What the template speaks of.
    pub about: Value,
}

impl std::fmt::Debug for Letter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Letter({})", self.template.name())
    }
}
