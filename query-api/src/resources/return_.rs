//! `/v1/returns/{id}`: goods that come back.

use domain::return_::document::{self, Document};
use domain::{ReturnId, Seen, StreamId};
use identity::Principal;
use service::Problem;

use crate::app::App;
use crate::document::{Folded, Stored};
use crate::fresh::Fresh;
use crate::one::{Id, Resource};
use crate::resources::part::read_part;

/// A return.
pub(crate) struct Return;

impl Folded for Return {
    type Document = Document;

    fn fold(document: Option<Document>, seen: &Seen<'_>) -> Option<Document> {
        document::fold(document, seen)
    }

    fn revision(document: &Document) -> (i64, i64) {
        (document.version, document.position)
    }
}

impl Resource for Return {
    const NAME: &'static str = "return";
    const PAST_IS_THEIRS: bool = true;
    type Id = Id;

    fn stream(id: &Id) -> Result<StreamId, Problem> {
        Ok(StreamId::Return(ReturnId(id.0)))
    }

    async fn read(
        app: &App,
        fresh: &Fresh,
        principal: Principal,
        id: Id,
    ) -> Result<Option<Stored>, Problem> {
        read_part::<Self>(app, fresh, principal, Self::stream(&id)?, ("returns", id.0)).await
    }
}
