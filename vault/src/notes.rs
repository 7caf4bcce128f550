//! What somebody wrote about an order, or the shop to whose it is or for itself: an event names it,
//! and it lies here as long as that person is known. One that no event names is swept after its
//! term.

use chrono::{DateTime, Utc};
use domain::text::Note;
use uuid::Uuid;

use crate::index::Word;
use crate::records::{KeptRecord, Kind, Record};
use crate::{DataSubject, NAMED, Vault, VaultError};

/// Whom a note is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoteReaders {
    /// Whom it is about, and the shop.
    Both,
    /// The shop alone.
    Shop,
}

impl NoteReaders {
    fn kind(self) -> Kind {
        match self {
            Self::Both => Kind::Note,
            Self::Shop => Kind::ShopNote,
        }
    }
}

/// What was written about a stream, and for whom.
#[derive(Clone, Copy, Debug)]
pub struct WrittenNote<'a> {
    /// The stream.
    pub about: &'a str,
    /// For whom.
    pub readers: NoteReaders,
    /// What.
    pub note: &'a Note,
}

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
        written: WrittenNote<'_>,
        subject: Option<DataSubject>,
        now: DateTime<Utc>,
    ) -> Result<(Uuid, Note), VaultError> {
        let (id, kind, plain) = (self.note_id(written), written.readers.kind(), written.note);
        let subject = subject.unwrap_or(DataSubject(id));
        let record = Record { id, subject, kind, lasting: false, plain };
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
    pub async fn take_note_into_use(&self, readers: NoteReaders, id: Uuid) -> sqlx::Result<()> {
        self.take_into_use(readers.kind(), id).await.map(drop)
    }

    /// The name of a note, of which nothing is kept.
    pub fn name_of_note(&self, written: WrittenNote<'_>) -> Note {
        name(self.note_id(written))
    }

    /// A note for these readers, if there is one.
    ///
    /// # Errors
    /// Whom it was about was forgotten, or it cannot be read.
    pub async fn note(
        &self,
        readers: NoteReaders,
        id: Uuid,
    ) -> Result<Option<KeptRecord<Note>>, VaultError> {
        self.kept(readers.kind(), id).await
    }

    fn note_id(&self, written: WrittenNote<'_>) -> Uuid {
        let WrittenNote { about, readers, note } = written;
        let word = match readers {
            NoteReaders::Both => Word::note(about, note),
            NoteReaders::Shop => Word::shop_note(about, note),
        };
        let digest = self.master().index().written(&word);
        let half = std::array::from_fn(|place| digest[place]);
        uuid::Builder::from_random_bytes(half).into_uuid()
    }
}

fn name(id: Uuid) -> Note {
    format!("{NAMED}{id}").parse().expect("a prefix and an id are a note")
}
