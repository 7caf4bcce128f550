//! Stand-ins of payment gateways: programs that answer as Stripe and PayPal do, over HTTP, as far
//! as the engine and the gateways' own clients ask them.
//!
//! * [`stripe`]: PaymentIntents, refunds, disputes, events; [`paypal`]: Orders v2, Payments v2;
//! * [`stand`]: what both share around that: who may ask, once, what goes wrong on demand;
//! * [`hooks`]: the webhooks they send; [`form`]: the bodies that Stripe takes;
//! * [`play`]: one inside a test.
//!
//! They are strict: what the real ones refuse, they refuse, and where the real ones leave something
//! open, they take the harder way. Nothing happens here by time or by chance: what is to go wrong
//! is said over `/_control` first. Nothing of the engine is known here.

pub mod form;
pub mod hooks;
pub mod paypal;
pub mod play;
pub mod stand;
pub mod stripe;
