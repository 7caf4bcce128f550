//! What those who work here write about an order, for each other. Nothing of it changes the order.

use super::{Error, Event, NOTES_MAX, NoteAdded, Order, Status};
use crate::text::Note;

impl Order {
    /// Adds a note, however far the order has come: it is asked about long after its end.
    pub fn add_note(&self, note: Note) -> Result<Vec<Event>, Error> {
        if self.status == Status::Unplaced {
            return Err(Error::NotFound);
        }
        if self.notes >= NOTES_MAX {
            return Err(Error::TooManyNotes);
        }
        Ok(vec![NoteAdded { note }.into()])
    }
}
