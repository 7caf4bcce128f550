//! What a command says about people, put into the vault or looked up there before it is decided:
//! the log gets none of it.
//!
//! * An address is the caller's own, and stays as it is from then on.
//! * What a payment is made with is sealed; its event names it.
//! * Who takes their guest's cart or order along is forgotten with that guest.

use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use domain::command::{cart, order, payment};
use domain::text::Token;
use domain::{AddressId, Command, GuestId};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use identity::Principal;
use service::problem::Problem;
use uuid::Uuid;
use vault::records::{Kind, Record};
use vault::{DataSubject, Vault, VaultError};

use crate::routes::Edge;

/// What puts away what `command` says about people, if it says anything.
///
/// # Errors
/// 404 `unknown_address`, of a shopper who names one that is not theirs; 410 `erased`, of who was
/// forgotten; 503, where the vault cannot be reached.
pub fn put_away<'a>(
    vault: &'a Vault,
    command: &'a mut Command,
    edge: &Edge,
) -> Option<BoxFuture<'a, Result<(), Problem>>> {
    let Edge { principal, now, .. } = *edge;
    Some(match command {
        Command::Cart(_, cart::Command::CheckOut { address_id: Some(id), .. })
        | Command::Order(_, order::Command::ChangeAddress { address_id: id }) => {
            claim(vault, *id, principal).boxed()
        }
        Command::Cart(
            _,
            cart::Command::Assign { guest_id: Some(guest), .. }
            | cart::Command::Merge { guest_id: Some(guest), .. },
        )
        | Command::Order(_, order::Command::Assign { guest_id: Some(guest), .. }) => {
            unite(vault, *guest, principal).boxed()
        }
        Command::Payment(_, payment::Command::Start { start, .. }) => {
            let token = start.token.as_mut()?;
            let sealing = async move {
                *token = seal(vault, token, principal, now).await?;
                Ok(())
            };
            sealing.boxed()
        }
        _ => return None,
    })
}

async fn claim(vault: &Vault, id: AddressId, principal: Principal) -> Result<(), Problem> {
    let subject = vault.take_into_use(Kind::Address, id.0).await?;
    // The shop may keep addresses elsewhere; a shopper is never shown somebody else's.
    let Some(me) = shopper(principal) else { return Ok(()) };
    let is_mine = match subject {
        Some(subject) => vault.is_of(subject, me).await?,
        None => false,
    };
    if is_mine {
        return Ok(());
    }
    let detail = "there is no such address of yours: POST /v1/addresses makes one";
    Err(Problem::new(StatusCode::NOT_FOUND, "unknown_address", detail))
}

async fn unite(vault: &Vault, guest: GuestId, principal: Principal) -> Result<(), Problem> {
    match shopper(principal) {
        Some(customer) => Ok(vault.unite(DataSubject(guest.0), customer).await?),
        None => Ok(()),
    }
}

/// What stands for a token in an event: the name of a record.
async fn seal(
    vault: &Vault,
    token: &Token,
    principal: Principal,
    now: DateTime<Utc>,
) -> Result<Token, Problem> {
    let id = Uuid::now_v7();
    let subject = shopper(principal).unwrap_or(DataSubject(id));
    // It is needed until the gateway has answered, and swept after a while.
    let record = Record { id, subject, kind: Kind::PaymentToken, lasting: false, plain: token };
    vault.keep(record, &[], now).await.map_err(failed)?;
    Ok(reactor::tokens::name(id))
}

/// Of whom something is known, where they are a shopper.
pub(crate) fn shopper(principal: Principal) -> Option<DataSubject> {
    match principal {
        Principal::Guest(id) => Some(DataSubject(id.0)),
        Principal::Customer(id) => Some(DataSubject(id.0)),
        Principal::Stranger | Principal::Enrolling(_) | Principal::Member(..) => None,
    }
}

pub(crate) fn failed(error: VaultError) -> Problem {
    match error {
        VaultError::Erased => {
            Problem::new(StatusCode::GONE, "erased", "who this is about was forgotten")
        }
        VaultError::TooMuch => {
            let detail = "there are too many payments of yours: come back later";
            Problem::new(StatusCode::CONFLICT, "too_many_records", detail)
        }
        VaultError::Database(error) => error.into(),
        error => {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "what is sealed cannot be had"
            );
            Problem::internal()
        }
    }
}
