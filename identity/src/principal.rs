//! Who somebody is.

use std::fmt;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use domain::{By, Shopper};
use domain::{CustomerId, GuestId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use service::Problem;
use uuid::Uuid;

/// What somebody does for the shop.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, clap::ValueEnum,
)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Runs the back office: catalogue, stock, orders, money
    Staff,
    /// Reads what happened: events, sales
    Analyst,
    /// Keeps the programs running: projections
    Ops,
    /// A program of the shop's, such as its storefront
    Service,
    /// Everything
    Owner,
}

impl Role {
    const ALL: [Self; 5] = [Self::Staff, Self::Analyst, Self::Ops, Self::Service, Self::Owner];

    /// As it is written.
    pub fn name(self) -> &'static str {
        match self {
            Self::Staff => "staff",
            Self::Analyst => "analyst",
            Self::Ops => "ops",
            Self::Service => "service",
            Self::Owner => "owner",
        }
    }

    /// The one that is written so.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }
}

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Principal {
    /// Somebody who said nothing about themselves.
    Stranger,
    /// A shopper who has not signed in.
    Guest(GuestId),
    /// A shopper who has.
    Customer(CustomerId),
    /// Somebody of the shop who has to enrol a second factor before they may do anything else.
    Enrolling(Uuid),
    /// Somebody of the shop, or a program of its own.
    Member(Member, Role),
}

/// Which of those who work for the shop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Member {
    /// Anybody, where nobody is asked.
    Anyone,
    /// Who has the service's own token, of which this is a digest.
    Token(Uuid),
    /// One of them.
    Person(Uuid),
    /// A program that has an API key.
    Key(Uuid),
}

impl Principal {
    /// Anybody, where nobody is asked.
    pub const ANYONE: Self = Self::Member(Member::Anyone, Role::Owner);

    /// Whether they see what is the shop's own: drafts, how much there is, other people's orders.
    pub fn works_here(self) -> bool {
        matches!(self, Self::Member(..))
    }

    /// The shopper they are.
    pub fn shopper(self) -> Option<Shopper> {
        match self {
            Self::Guest(id) => Some(Shopper::Guest(id)),
            Self::Customer(id) => Some(Shopper::Customer(id)),
            Self::Stranger | Self::Enrolling(_) | Self::Member(..) => None,
        }
    }

    /// As whom a command of theirs is decided. A stranger has no commands, nor has who enrols:
    /// routes see to that.
    pub fn by(self) -> By {
        self.shopper().map_or(By::Shop, By::Shopper)
    }

    /// The name under which an idempotency key of theirs stands in the log: everybody has keys of
    /// their own, and none is one of the engine's.
    pub fn key(self, key: &str) -> String {
        format!("c:{self}:{key}")
    }

    /// Who asked, as it stands in events.
    pub fn actor(self) -> String {
        let what = match self {
            Self::Stranger => "stranger",
            Self::Guest(_) => "guest",
            Self::Customer(_) => "customer",
            Self::Enrolling(_) | Self::Member(Member::Person(_), _) => "member",
            Self::Member(Member::Key(_), _) => "key",
            Self::Member(..) => "client",
        };
        format!("{what}:{self}")
    }
}

impl fmt::Display for Principal {
    /// 32 hexadecimal digits, or a word.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stranger => f.write_str("stranger"),
            Self::Member(Member::Anyone, _) => f.write_str("anyone"),
            Self::Guest(GuestId(id))
            | Self::Customer(CustomerId(id))
            | Self::Enrolling(id)
            | Self::Member(Member::Token(id) | Member::Person(id) | Member::Key(id), _) => {
                id.simple().fmt(f)
            }
        }
    }
}

/// Who asks a route behind a guard.
impl<S: Send + Sync> FromRequestParts<S> for Principal {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parts.extensions.get().copied().ok_or_else(|| {
            tracing::error!(path = parts.uri.path(), "a route without a guard");
            Problem::internal()
        })
    }
}
