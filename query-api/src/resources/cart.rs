//! `/v1/carts/{id}`: a cart, and of an open one what its lines are today: picture, price, what is
//! left, and what checkout will refuse. Those stand in other read models and are put beside the
//! lines when the cart is read, in the same statement. The past is shown without.

use domain::cart::document::{self, Document};
use domain::page::cart::{self as page, SkuFacts};
use domain::{CartId, Seen, StreamId};
use identity::Principal;
use serde::Deserialize;
use serde_json::value::RawValue;
use service::Problem;

use crate::app::App;
use crate::document::{Folded, Row, Stored, read};
use crate::fresh::Fresh;
use crate::included::Include;
use crate::one::{Id, Resource};
use crate::scope::{Viewer, is_for};

/// A cart.
pub struct CartAsShown;

impl Folded for CartAsShown {
    type Document = Document;

    fn fold(document: Option<Document>, seen: &Seen<'_>) -> Option<Document> {
        document::fold(document, seen)
    }

    fn revision(document: &Document) -> (i64, i64) {
        (document.version, document.position)
    }
}

impl Resource for CartAsShown {
    const NAME: &'static str = "cart";
    const INCLUDES: Option<Include> = Some(Include::Products);
    type Id = Id;

    fn stream(id: &Id) -> Result<StreamId, Problem> {
        Ok(StreamId::Cart(CartId(id.0)))
    }

    async fn read(
        app: &App,
        fresh: &Fresh,
        principal: Principal,
        id: Id,
    ) -> Result<Option<Stored>, Problem> {
        let stream = Self::stream(&id)?;
        let viewer = Viewer { principal, may_see };
        let row = read!(app, fresh, Carts, stream, "carts_today", "id = $1", id.0, for viewer);
        let shown = row.map(shown).transpose().map_err(|error| {
            tracing::error!(%error, "a cart cannot be shown");
            Problem::internal()
        })?;
        Ok(shown.filter(|shown| is_for(principal, &shown.document)))
    }
}

/// A cart as the view has it.
#[derive(Deserialize)]
struct WithKnown {
    cart: Document,
    known: Option<Vec<SkuFacts>>,
}

/// Whether somebody may see a cart, as the view has it.
fn may_see(principal: Principal, document: &str) -> bool {
    #[derive(Deserialize)]
    struct Cart<'a> {
        #[serde(borrow)]
        cart: &'a RawValue,
    }
    serde_json::from_str(document).is_ok_and(|Cart { cart }| is_for(principal, cart.get()))
}

fn shown(Row { document, version, .. }: Row) -> serde_json::Result<Stored> {
    let WithKnown { cart, known } = serde_json::from_str(&document)?;
    let shown = page::Document::of(cart, known.unwrap_or_default());
    // What is beside the cart has no version.
    Ok(Stored::shown(version, serde_json::to_string(&shown)?))
}
