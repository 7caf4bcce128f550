//! What a command says about people, put into the vault or looked up there before it is decided:
//! the log gets none of it.
//!
//! * An address is the caller's own, and stays as it is from then on.
//! * What a payment is made with is sealed; its event names it.
//! * What the shop says of somebody is known to be about them: it is forgotten with them.
//! * Who takes their guest's cart or order along is forgotten with that guest.

use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use domain::command::{cart, order, payment};
use domain::text::Token;
use domain::{AddressId, Command, GuestId, StreamId};
use event_store::whose::{self, Whose};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use identity::Principal;
use service::problem::Problem;
use sqlx::PgPool;
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
    db: &'a PgPool,
    command: &'a mut Command,
    edge: &Edge,
) -> Option<BoxFuture<'a, Result<(), Problem>>> {
    let Edge { principal, now, .. } = *edge;
    Some(match command {
        Command::Cart(cart, cart::Command::CheckOut { address_id: Some(id), .. }) => {
            claim(vault, db, *id, StreamId::Cart(*cart), principal).boxed()
        }
        Command::Order(order, order::Command::ChangeAddress { address_id: id }) => {
            claim(vault, db, *id, StreamId::Order(*order), principal).boxed()
        }
        Command::Cart(cart, cart::Command::Assign { guest_id: Some(guest), .. })
        | Command::Cart(_, cart::Command::Merge { guest_id: Some(guest), from: cart }) => {
            unite(vault, db, *guest, StreamId::Cart(*cart), principal).boxed()
        }
        Command::Order(order, order::Command::Assign { guest_id: Some(guest), .. }) => {
            unite(vault, db, *guest, StreamId::Order(*order), principal).boxed()
        }
        Command::Payment(_, payment::Command::Start { start, order_id, .. }) => {
            let (token, of) = (start.token.as_mut()?, StreamId::Order(*order_id));
            let sealing = async move {
                let subject = subject(vault, db, &of, principal).await?;
                *token = seal(vault, token, subject, now).await?;
                Ok(())
            };
            sealing.boxed()
        }
        _ => return None,
    })
}

async fn claim(
    vault: &Vault,
    db: &PgPool,
    id: AddressId,
    target: StreamId,
    principal: Principal,
) -> Result<(), Problem> {
    let subject = vault.subject_of(Kind::Address, id.0).await?;
    match (shopper(principal), subject) {
        (Some(me), subject) => {
            let is_mine = match subject {
                Some(subject) => vault.is_of(subject, me).await?,
                None => false,
            };
            if !is_mine {
                let detail = "there is no such address of yours: POST /v1/addresses makes one";
                return Err(Problem::new(StatusCode::NOT_FOUND, "unknown_address", detail));
            }
        }
        // The shop kept it and did not say whose it is: whose it is now for.
        (None, Some(nobody)) if nobody.0 == id.0 => {
            let whose = whose_is(db, &target).await?;
            if let Some(owner) = whose.and_then(|whose| DataSubject::of(whose.owner)) {
                vault.unite(nobody, owner).await.map_err(failed)?;
            }
        }
        // The shop may keep addresses elsewhere.
        (None, _) => {}
    }
    vault.take_into_use(Kind::Address, id.0).await?;
    Ok(())
}

/// Whose a cart or an order is, or what else is of an order.
async fn whose_is(db: &PgPool, stream: &StreamId) -> Result<Option<Whose>, Problem> {
    let mut db = db.acquire().await?;
    Ok(whose::of_stream(&mut db, &stream.to_string()).await?)
}

/// Whom something is about that is said of a stream: a shopper speaks of themselves, the shop of
/// whose it is, or of who is in its address alone.
pub(crate) async fn subject(
    vault: &Vault,
    db: &PgPool,
    stream: &StreamId,
    principal: Principal,
) -> Result<Option<DataSubject>, Problem> {
    if let Some(me) = shopper(principal) {
        return Ok(Some(me));
    }
    let Some(whose) = whose_is(db, stream).await? else { return Ok(None) };
    if let Some(owner) = DataSubject::of(whose.owner) {
        return Ok(Some(owner));
    }
    let Some(address) = whose.address_id else { return Ok(None) };
    Ok(vault.subject_of(Kind::Address, address.0).await?)
}

/// Before it is decided, so that whatever breaks in between, who has the thing is forgotten with
/// the guest who had it. What is neither's will be refused, which is to change nothing.
async fn unite(
    vault: &Vault,
    db: &PgPool,
    guest: GuestId,
    target: StreamId,
    principal: Principal,
) -> Result<(), Problem> {
    let Some(customer) = shopper(principal) else { return Ok(()) };
    let guest = DataSubject(guest.0);
    let owner = whose_is(db, &target).await?.and_then(|whose| DataSubject::of(whose.owner));
    if owner.is_some_and(|owner| owner == guest || owner == customer) {
        vault.unite(guest, customer).await.map_err(failed)?;
    }
    Ok(())
}

/// What stands for a token in an event: the name of a record.
async fn seal(
    vault: &Vault,
    token: &Token,
    subject: Option<DataSubject>,
    now: DateTime<Utc>,
) -> Result<Token, Problem> {
    let id = Uuid::now_v7();
    let subject = subject.unwrap_or(DataSubject(id));
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
