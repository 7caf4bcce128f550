//! What people wrote into a command: why they cancel or send back, what the shop says of an order
//! to whose it is, and for itself. The log gets the name of it; the words are sealed for whom they
//! are about.

use domain::command::{fulfilment, order, payment, return_};
use domain::text::Note;
use domain::{Command, StreamId};
use service::problem::Problem;
use sqlx::PgPool;
use uuid::Uuid;
use vault::notes::{NoteReaders, WrittenNote};
use vault::{Vault, VaultError};

use crate::people;
use crate::routes::{Edge, UNSAID};

/// What somebody wrote into a command.
pub struct Written<'a> {
    /// About which stream.
    about: StreamId,
    readers: NoteReaders,
    note: &'a mut Note,
}

/// What somebody wrote into a command, if they did.
pub fn written(command: &mut Command) -> Option<Written<'_>> {
    let (mut about, mut readers) = (command.target(), NoteReaders::Both);
    let note = match command {
        Command::Order(_, order::Command::AddNote { note }) => {
            readers = NoteReaders::Shop;
            note
        }
        Command::Order(
            _,
            order::Command::Cancel { reason, .. } | order::Command::ShrinkLine { reason, .. },
        )
        | Command::Return(
            _,
            return_::Command::Reject { reason } | return_::Command::CorrectReceipt { reason, .. },
        )
        | Command::Payment(
            _,
            payment::Command::Abort { reason, .. }
            | payment::Command::Uncollect { reason, .. }
            | payment::Command::CorrectCollection { reason, .. }
            | payment::Command::CorrectRemittance { reason, .. }
            | payment::Command::CorrectRefund { reason, .. }
            | payment::Command::Resolve { note: reason, .. }
            | payment::Command::Refund { reason: Some(reason), .. },
        )
        | Command::Fulfilment(
            _,
            fulfilment::Command::Fail { reason } | fulfilment::Command::Lose { reason, .. },
        ) => reason,
        Command::Return(_, return_::Command::Request { reason, order_id, .. }) => {
            about = StreamId::Order(*order_id);
            reason
        }
        Command::Payment(_, payment::Command::Remit { written_off: Some(of), .. }) => {
            &mut of.reason
        }
        Command::Return(_, return_::Command::Receive { withheld: Some(withheld), .. }) => {
            &mut withheld.reason
        }
        _ => return None,
    };
    // What the engine says where nobody says anything is about nobody.
    (!UNSAID.contains(&note.as_str())).then_some(Written { about, readers, note })
}

/// A note that was sealed for a command which is not decided yet.
pub struct Sealed {
    vault: Vault,
    readers: NoteReaders,
    id: Uuid,
}

impl Sealed {
    /// The command was accepted, and an event names the note: it is kept. That of a command that
    /// was refused is swept after its term.
    ///
    /// # Errors
    /// 503, where the vault cannot be reached; who tries again under the same key keeps it.
    pub async fn keep(self) -> Result<(), Problem> {
        Ok(self.vault.take_note_into_use(self.readers, self.id).await?)
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
    written: Written<'_>,
    edge: &Edge,
) -> Result<Option<Sealed>, Problem> {
    let Edge { principal, now, .. } = *edge;
    let Written { about, readers, note } = written;
    let subject = people::subject(vault, db, &about, principal).await?;
    let written = WrittenNote { about: &about.to_string(), readers, note };
    let (id, name) = match vault.put_note_away(written, subject, now).await {
        Err(VaultError::Erased) if people::shopper(principal).is_none() => {
            *note = vault.name_of_note(written);
            return Ok(None);
        }
        sealed => sealed.map_err(people::failed)?,
    };
    *note = name;
    Ok(Some(Sealed { vault: vault.clone(), readers, id }))
}
