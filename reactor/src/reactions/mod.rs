//! The reactions. A new one is a file here and a line in [`ALL`].

mod ask_gateway;
mod expire_authorization;
mod expire_order;
mod expiry;
mod settle_order;

use crate::reaction::Registered;

/// Every reaction.
pub static ALL: [Registered; 4] = [
    Registered::of::<ask_gateway::AskGateway>(),
    Registered::of::<expire_order::ExpireOrder>(),
    Registered::of::<expire_authorization::ExpireAuthorization>(),
    Registered::of::<settle_order::SettleOrder>(),
];

/// The reaction of a name.
pub fn find(name: &str) -> Option<&'static Registered> {
    ALL.iter().find(|known| known.name == name)
}
