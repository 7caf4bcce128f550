//! `/v1/locations`: where stock may lie. Those that are there from the start show once they are
//! set.

use domain::location::document::{self, Document};
use domain::{Category, Seen, StreamId};
use identity::Principal;
use service::Problem;

use crate::app::App;
use crate::cursor::Kind;
use crate::document::{Folded, Row, Stored, read};
use crate::fresh::Fresh;
use crate::list::list;
use crate::listing::Sort;
use crate::one::Resource;
use crate::past;
use crate::scope::must_work_here;

/// A location.
pub struct Location;

impl Folded for Location {
    type Document = Document;

    fn fold(document: Option<Document>, seen: &Seen<'_>) -> Option<Document> {
        document::fold(document, seen)
    }

    fn revision(document: &Document) -> (i64, i64) {
        (document.version, document.position)
    }
}

impl Resource for Location {
    const NAME: &'static str = "location";
    type Id = String;

    fn stream(code: &String) -> Result<StreamId, Problem> {
        past::stream(Category::Location, "code", code)
    }

    async fn read(
        app: &App,
        fresh: &Fresh,
        principal: Principal,
        code: String,
    ) -> Result<Option<Stored>, Problem> {
        must_work_here(principal)?;
        let stream = Self::stream(&code)?;
        let row = read!(app, fresh, Locations, stream, "locations", "id = $1", code);
        Ok(row.map(Row::stored::<Self>))
    }
}

const BY_CODE: Sort = Sort::up("locations", &[("id", Kind::Text)]);

list! {
    /// Which locations.
    Locations of Locations in "locations", sorted BY_CODE;
    /// Those whose units are for sale, or the others.
    sellable: bool, "sellable =";
}
