//! Every command the API takes, one line each: who may send it, its batch name, its method, its
//! path and its body.
//!
//! That line is the only registration there is: it also says who may send the command, whether it
//! needs a key and whether it is done later. The HTTP route and the batch name both come from it,
//! and both parse the body with the same function, so the two cannot drift apart. A routes file
//! owns the bodies of one aggregate and what they become in the domain; no IO, no headers, no
//! answers here.

mod cart;
mod fulfilment;
mod location;
mod order;
mod payment;
mod product;
mod return_;
mod stock;

use std::fmt::Display;
use std::str::FromStr;
use std::sync::Arc;

use axum::http::{Method, StatusCode};
use axum::routing::MethodFilter;
use chrono::{DateTime, TimeDelta, Utc};
use domain::{Command, CustomerId, GuestId, Owner, Sku};
use identity::{Access, Principal};
use schemars::JsonSchema;
use serde::de::{DeserializeOwned, Error};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use service::openapi::Description;
use service::problem::Problem;
use trace::TraceParent;
use uuid::Uuid;

use crate::paying::Payments;
use crate::problem::{invalid_body, invalid_path};

/// What stands as a reason in events where nobody says one.
pub const UNSAID: [&str; 2] = [order::NO_REASON, payment::GIVEN_UP];

/// Every command there is.
pub fn all() -> impl Iterator<Item = &'static Route> {
    [
        product::ROUTES,
        stock::ROUTES,
        location::ROUTES,
        cart::ROUTES,
        order::ROUTES,
        payment::ROUTES,
        fulfilment::ROUTES,
        return_::ROUTES,
    ]
    .into_iter()
    .flatten()
}

/// The command called `name` in a batch.
pub fn named(name: &str) -> Option<&'static Route> {
    all().find(|route| route.name == name)
}

/// The body of a command. Made of the domain's own words, so that what parses is within bounds.
trait Body: DeserializeOwned + JsonSchema {
    /// The command it asks for, of the thing at `address`.
    fn command(self, address: &Address, edge: &Edge) -> Result<Command, Problem>;
}

/// What is named of many, where saying nothing means all: an empty list is a form in which nobody
/// chose anything, and not all of it.
fn some<'de, D: Deserializer<'de>, T: Deserialize<'de>>(d: D) -> Result<Option<Vec<T>>, D::Error> {
    let named = Option::<Vec<T>>::deserialize(d)?;
    if named.as_ref().is_some_and(Vec::is_empty) {
        return Err(D::Error::custom("must name at least one, or be left out for all"));
    }
    Ok(named)
}

/// Extent of the commands of a route something holds for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// For none.
    None,
    /// For some: it depends on what they say.
    Some,
    /// For all.
    All,
}

/// One command, as HTTP and the batch know it.
pub struct Route {
    /// Its name in a batch.
    pub name: &'static str,
    /// Its HTTP method.
    pub method: Method,
    /// Its HTTP path; `{id}` and `{sku}` stand for the parts of its [`Address`].
    pub path: &'static str,
    /// Who may send it.
    pub access: Access,
    /// What it makes, as a kind of stream, where its path does not say that it makes what its name
    /// begins with.
    pub made: Option<&'static str>,
    /// Extent of its commands are only taken with a key, and which are done later.
    pub keyed: Extent,
    /// See [`Self::is_later`].
    pub later: Extent,
    /// The schema of its body, entered into a document under a name.
    pub body: fn(&mut Description, &str) -> Value,
    /// Whether it is only taken with a key: it must never be done twice by accident, for it buys
    /// something, or moves money or units.
    pub needs_key: fn(&Command) -> bool,
    /// Whether what a command asks for is yet to be done when it is answered, by a gateway.
    pub is_later: fn(&Command) -> bool,
    parse: fn(&Address, &[u8], &Edge) -> Result<Command, Problem>,
}

impl Route {
    const fn new<B: Body>(
        method: Method,
        access: Access,
        name: &'static str,
        path: &'static str,
    ) -> Self {
        let (needs_key, is_later) = (|_: &Command| false, |_: &Command| false);
        let (made, keyed, later) = (None, Extent::None, Extent::None);
        let (body, parse) = (body::<B>, parse::<B>);
        Self { name, method, path, access, made, keyed, later, body, needs_key, is_later, parse }
    }

    const fn post<B: Body>(access: Access, name: &'static str, path: &'static str) -> Self {
        Self::new::<B>(Method::POST, access, name, path)
    }

    const fn put<B: Body>(access: Access, name: &'static str, path: &'static str) -> Self {
        Self::new::<B>(Method::PUT, access, name, path)
    }

    const fn patch<B: Body>(access: Access, name: &'static str, path: &'static str) -> Self {
        Self::new::<B>(Method::PATCH, access, name, path)
    }

    const fn delete<B: Body>(access: Access, name: &'static str, path: &'static str) -> Self {
        Self::new::<B>(Method::DELETE, access, name, path)
    }

    /// Only taken with a key.
    const fn keyed(mut self) -> Self {
        self.needs_key = |_| true;
        self.keyed = Extent::All;
        self
    }

    /// These commands are only taken with a key.
    const fn keyed_if(mut self, needs_key: fn(&Command) -> bool) -> Self {
        (self.needs_key, self.keyed) = (needs_key, Extent::Some);
        self
    }

    /// Answered 202: it is done later.
    const fn later(mut self) -> Self {
        self.is_later = |_| true;
        self.later = Extent::All;
        self
    }

    /// Answered 202 for these commands.
    const fn later_if(mut self, is_later: fn(&Command) -> bool) -> Self {
        (self.is_later, self.later) = (is_later, Extent::Some);
        self
    }

    /// Makes something of another kind than its own.
    const fn makes(mut self, kind: &'static str) -> Self {
        self.made = Some(kind);
        self
    }

    /// The kind of stream that it is addressed to.
    pub fn kind(&self) -> &'static str {
        self.name.split('.').next().unwrap_or_default()
    }

    /// The kind of stream that its answer is about, and whether it is new.
    pub fn subject(&self) -> (&'static str, bool) {
        match self.made {
            Some(made) => (made, true),
            None => (self.kind(), !self.has_id()),
        }
    }

    /// The command that `body`, in JSON, asks of the thing at `address`. No body at all is read as
    /// an empty object, for the commands that need to say nothing more.
    ///
    /// # Errors
    /// A 4xx problem that points at what was wrong.
    pub fn parse(&self, address: &Address, body: &[u8], edge: &Edge) -> Result<Command, Problem> {
        (self.parse)(address, if body.is_empty() { b"{}" } else { body }, edge)
    }

    /// Its HTTP method, as the router wants it.
    pub(crate) fn filter(&self) -> MethodFilter {
        MethodFilter::try_from(self.method.clone()).expect("only common methods are given above")
    }

    /// Whether the path names the thing the command is for; otherwise the command makes it.
    pub fn has_id(&self) -> bool {
        self.path.contains("{id}")
    }

    /// Whether the path also names a SKU of that thing.
    pub fn has_sku(&self) -> bool {
        self.path.contains("{sku}")
    }
}

fn body<B: Body>(document: &mut Description, name: &str) -> Value {
    document.input_named::<B>(name)
}

fn parse<B: Body>(address: &Address, body: &[u8], edge: &Edge) -> Result<Command, Problem> {
    service::json::parse::<B>(body)?.command(address, edge)
}

/// What a command is for: the path parameters in HTTP, `id` and `data.sku` in a batch.
#[derive(Clone, Debug, Default)]
pub struct Address {
    /// The id of the aggregate: a UUID, the SKU for stock, or the code for locations.
    pub id: Option<String>,
    /// A SKU within it.
    pub sku: Option<String>,
}

impl Address {
    fn id<T: FromStr<Err: Display>>(&self) -> Result<T, Problem> {
        part("id", self.id.as_deref())
    }

    fn sku(&self) -> Result<Sku, Problem> {
        part("sku", self.sku.as_deref())
    }
}

fn part<T: FromStr<Err: Display>>(name: &'static str, text: Option<&str>) -> Result<T, Problem> {
    let text = text.ok_or_else(|| invalid_path(name, "is missing".to_owned()))?;
    text.parse().map_err(|error: T::Err| invalid_path(name, error.to_string()))
}

/// What the edge of the process adds to a command: the time and new ids, which the domain never
/// makes, and who asks.
#[derive(Clone, Debug)]
pub struct Edge {
    /// The request it came in by.
    pub request_id: Uuid,
    /// Where that belongs in a trace.
    pub trace: Option<TraceParent>,
    /// When the command came in.
    pub now: DateTime<Utc>,
    /// How long a checkout's units stay reserved without a payment.
    pub reservation: TimeDelta,
    /// How long the answer to a command is kept.
    pub kept: TimeDelta,
    /// Who sent it.
    pub principal: Principal,
    /// The guest they were before they signed in, as they have shown.
    pub was_guest: Option<GuestId>,
    /// How payments go whose callers do not say.
    pub payments: Arc<Payments>,
    /// The key that it came under, as it stands in the log.
    pub key: Option<String>,
}

impl Edge {
    /// Whose a thing is that is made now: a shopper's own, or of the customer whom the shop names.
    fn owner(&self, customer_id: Option<CustomerId>) -> Result<Owner, Problem> {
        let Some(shopper) = self.principal.shopper() else {
            return Ok(Owner { customer_id, guest_id: None });
        };
        let owner = Owner::from(shopper);
        if customer_id.is_some() && customer_id != owner.customer_id {
            return Err(invalid_body("/customer_id", "is somebody else"));
        }
        Ok(owner)
    }

    /// The customer to whom something is given: the one who is named, or who asks.
    fn customer(&self, named: Option<CustomerId>) -> Result<CustomerId, Problem> {
        let own = self.principal.shopper().and_then(|shopper| Owner::from(shopper).customer_id);
        named.or(own).ok_or_else(|| {
            let problem = Problem::new(
                StatusCode::BAD_REQUEST,
                "invalid_body",
                "the body is not what is wanted",
            );
            problem.pointer("/customer_id", "missing_field", "says whose it is from now on")
        })
    }

    /// The id the caller chose, or a new one.
    fn id<T>(chosen: Option<T>, new: fn(Uuid) -> T) -> T {
        chosen.unwrap_or_else(|| new(Uuid::now_v7()))
    }

    /// The same of what others outside know by it, as a gateway does: made of the key, so that a
    /// command which is asked again, and of which the log knows nothing because it lost its end, is
    /// the same one to them.
    fn id_for_others<T>(&self, chosen: Option<T>, new: fn(Uuid) -> T) -> T {
        let made = self.key.as_ref().map(|key| Uuid::new_v5(&Uuid::NAMESPACE_OID, key.as_bytes()));
        chosen.or(made.map(new)).unwrap_or_else(|| new(Uuid::now_v7()))
    }
}

/// A body that says nothing: `{}`, or none at all.
#[derive(serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
struct Nothing {}

/// Bodies that are [`Nothing`]: a type and the command it always becomes.
macro_rules! plain {
    ($( $(#[$doc:meta])* $name:ident => |$address:ident| $command:expr; )+) => { $(
        $(#[$doc])*
        #[derive(serde::Deserialize, schemars::JsonSchema)]
        #[serde(transparent)]
        struct $name(#[allow(dead_code)] crate::routes::Nothing);

        impl crate::routes::Body for $name {
            fn command(
                self,
                $address: &crate::routes::Address,
                _: &crate::routes::Edge,
            ) -> Result<domain::Command, service::problem::Problem> {
                Ok($command)
            }
        }
    )+ };
}
use plain;
