//! The reactions. A new one is a file here and a line in [`ALL`]; one that writes to somebody is a
//! file in `mail`.

mod ask_gateway;
mod expire_authorization;
mod expire_cart;
mod expire_order;
mod expiry;
mod mail;
mod purge_cdn;
mod settle_order;

pub use self::purge_cdn::PURGE_CDN;
use crate::reaction::Registered;

/// Every reaction, but the one that only those have who know a CDN.
pub static ALL: &[Registered] = &[
    Registered::of::<ask_gateway::AskGateway>(),
    Registered::of::<expire_order::ExpireOrder>(),
    Registered::of::<expire_authorization::ExpireAuthorization>(),
    Registered::of::<expire_cart::ExpireCart>(),
    Registered::of::<settle_order::SettleOrder>(),
    Registered::of::<mail::MailOrderPlaced>(),
    Registered::of::<mail::MailOrderConfirmed>(),
    Registered::of::<mail::MailOrderUnsecured>(),
    Registered::of::<mail::MailOrderCancelled>(),
    Registered::of::<mail::MailOrderReduced>(),
    Registered::of::<mail::MailOrderShipped>(),
    Registered::of::<mail::MailOrderTracked>(),
    Registered::of::<mail::MailOrderRefunded>(),
    Registered::of::<mail::MailReturnUpdated>(),
];

/// The reaction of a name.
pub fn find(name: &str) -> Option<&'static Registered> {
    ALL.iter().chain([&PURGE_CDN]).find(|known| known.name == name)
}
