//! What people wrote into a command: why they cancel or send back, what the shop says of an order
//! and whose it is. The log gets the name of it; the words are sealed for whom they are about.

use domain::command::{fulfilment, order, payment, return_};
use domain::text::Note;
use domain::{AddressId, Command, OrderId, Owner, StreamId};
use event_store::read;
use serde::Deserialize;
use service::problem::Problem;
use sqlx::PgPool;
use uuid::Uuid;
use vault::records::Kind;
use vault::{DataSubject, Vault, VaultError};

use crate::people;
use crate::routes::{Edge, UNSAID};

/// The first event of an order, or of a part of one, as far as it says whose it is.
#[derive(Deserialize)]
struct First {
    #[serde(flatten)]
    owner: Owner,
    order_id: Option<OrderId>,
    address_id: Option<AddressId>,
}

/// What somebody wrote into a command, if they did, and about which stream.
pub fn written(command: &mut Command) -> Option<(StreamId, &mut Note)> {
    let mut about = command.target();
    let note = match command {
        Command::Order(
            _,
            order::Command::Cancel { reason, .. } | order::Command::ShrinkLine { reason, .. },
        )
        | Command::Return(_, return_::Command::Reject { reason })
        | Command::Payment(
            _,
            payment::Command::Abort { reason, .. }
            | payment::Command::Uncollect { reason, .. }
            | payment::Command::Resolve { note: reason, .. }
            | payment::Command::Refund { reason: Some(reason), .. },
        )
        | Command::Fulfilment(
            _,
            fulfilment::Command::Fail { reason } | fulfilment::Command::Lose { reason },
        ) => reason,
        Command::Return(_, return_::Command::Request { reason, order_id, .. }) => {
            about = StreamId::Order(*order_id);
            reason
        }
        Command::Return(_, return_::Command::Receive { withheld: Some(withheld), .. }) => {
            &mut withheld.reason
        }
        _ => return None,
    };
    // What the engine says where nobody says anything is about nobody.
    (!UNSAID.contains(&note.as_str())).then_some((about, note))
}

/// A note that was sealed for a command which is not decided yet.
pub struct Sealed {
    vault: Vault,
    id: Uuid,
}

impl Sealed {
    /// The command was accepted, and an event names the note: it is kept. That of a command that
    /// was refused is swept after its term.
    ///
    /// # Errors
    /// 503, where the vault cannot be reached; who tries again under the same key keeps it.
    pub async fn keep(self) -> Result<(), Problem> {
        Ok(self.vault.take_note_into_use(self.id).await?)
    }
}

/// Seals a note about a stream, and puts its name in its place. A shopper's is about them; the
/// shop's, about whose order it is. Of who was forgotten nothing more is sealed: the shop goes on
/// without its words.
///
/// # Errors
/// 410 `erased`, of a shopper who was forgotten; 409 `too_many_records`; 503, where the vault or
/// the log cannot be reached.
pub async fn put_away(
    vault: &Vault,
    db: &PgPool,
    (stream, note): (StreamId, &mut Note),
    edge: &Edge,
) -> Result<Option<Sealed>, Problem> {
    let Edge { principal, now, .. } = *edge;
    let me = people::shopper(principal);
    let subject = match me {
        Some(me) => Some(me),
        None => subject(vault, db, &stream).await?,
    };
    let stream = stream.to_string();
    let (id, name) = match vault.put_note_away(&stream, subject, note, now).await {
        Err(VaultError::Erased) if me.is_none() => {
            *note = vault.name_of_note(&stream, note);
            return Ok(None);
        }
        sealed => sealed.map_err(people::failed)?,
    };
    *note = name;
    Ok(Some(Sealed { vault: vault.clone(), id }))
}

/// Whose the order is that a stream is about, or who is in its address alone.
async fn subject(
    vault: &Vault,
    db: &PgPool,
    stream: &StreamId,
) -> Result<Option<DataSubject>, Problem> {
    let Some(mut first) = first(db, stream).await? else { return Ok(None) };
    if DataSubject::of(first.owner).is_none()
        && let Some(order) = first.order_id
        && let Some(of_order) = self::first(db, &StreamId::Order(order)).await?
    {
        first = of_order;
    }
    if let Some(owner) = DataSubject::of(first.owner) {
        return Ok(Some(owner));
    }
    let Some(address) = first.address_id else { return Ok(None) };
    Ok(vault.subject_of(Kind::Address, address.0).await?)
}

async fn first(db: &PgPool, stream: &StreamId) -> Result<Option<First>, Problem> {
    let page = read::of_stream(db, &stream.to_string(), 0, 1).await?;
    let first = page.events.first().map(|event| serde_json::from_str(event.data.get()));
    // What cannot be read, the writer says.
    Ok(first.and_then(Result::ok))
}
