//! What somebody wrote about an order, or the shop about whose it is: an event names it, and it
//! lies here as long as that person is known. One that no event names is swept after its term.

use chrono::{DateTime, Utc};
use domain::text::Note;
use uuid::Uuid;

use crate::index::Word;
use crate::records::{KeptRecord, Kind, Record};
use crate::{DataSubject, NAMED, Vault, VaultError};

impl Vault {
    /// Keeps what was written about a stream, as something about `subject`, or about nobody who is
    /// known; what stands for it in an event. It is swept unless it is
    /// [taken into use](Self::take_note_into_use) once an event names it. The same words about the
    /// same stream are one note, whose name tells nothing of them to who has no key.
    ///
    /// # Errors
    /// They were forgotten, very much was written about them, or the database does not answer.
    pub async fn put_note_away(
        &self,
        stream: &str,
        subject: Option<DataSubject>,
        note: &Note,
        now: DateTime<Utc>,
    ) -> Result<(Uuid, Note), VaultError> {
        let id = self.note_id(stream, note);
        let subject = subject.unwrap_or(DataSubject(id));
        let record = Record { id, subject, kind: Kind::Note, lasting: false, plain: note };
        match self.keep(record, &[], now).await {
            // An event names it already, or another wrote the same, and it is theirs.
            Ok(()) | Err(VaultError::NotTheirs) => Ok((id, name(id))),
            Err(error) => Err(error),
        }
    }

    /// An event names a note: it is not swept.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn take_note_into_use(&self, id: Uuid) -> sqlx::Result<()> {
        self.take_into_use(Kind::Note, id).await.map(drop)
    }

    /// The name of a note, of which nothing is kept.
    pub fn name_of_note(&self, stream: &str, note: &Note) -> Note {
        name(self.note_id(stream, note))
    }

    /// A note, if there is one.
    ///
    /// # Errors
    /// Whom it was about was forgotten, or it cannot be read.
    pub async fn note(&self, id: Uuid) -> Result<Option<KeptRecord<Note>>, VaultError> {
        self.kept(Kind::Note, id).await
    }

    fn note_id(&self, stream: &str, note: &Note) -> Uuid {
        let digest = self.master().index().written(&Word::note(stream, note));
        let half = std::array::from_fn(|place| digest[place]);
        uuid::Builder::from_random_bytes(half).into_uuid()
    }
}

fn name(id: Uuid) -> Note {
    format!("{NAMED}{id}").parse().expect("a prefix and an id are a note")
}
