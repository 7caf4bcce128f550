//! Serving one stored document as it stands, under an `ETag`.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use domain::{Event, Seen, StreamId};
use serde::Serialize;
use service::{Problem, etag};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::fields::Fields;
use crate::fresh::Fresh;
use crate::log;
use crate::progress::Standing;
use crate::scope::{Viewer, is_for_by_log};

/// Reads the document of one stream, as fresh as was asked, as a [`Row`] if there is one:
/// `read!(app, fresh, Carts, stream, "carts", "id = $1", id)`, with the read model, the stream, the
/// view and which of its rows.
///
/// Each is one statement. A fresh read looks in the same statement how far the model has come, so
/// that both are of one moment, without a transaction that a caller who hangs up could leave open.
/// Of the model it is the stream's own slot that counts, where it has one.
/// Where a [`Viewer`] is named, there is nothing at once for shoppers whose it is not; a row that
/// is there is still to be looked at. A macro, so that the statements are checked when they are
/// compiled.
macro_rules! read {
    (
        $app:expr, $fresh:expr, $model:ident, $stream:expr, $view:tt, $row:tt, $id:expr
        $(, for $viewer:expr)?
    ) => {
        match $fresh.min_position {
            None => {
                let mut db = $app.queue.connection($crate::queue::Who::Newcomer).await?;
                let read = sqlx::query_as!(
                    $crate::document::Row,
                    r#"SELECT document::text AS "document!", version AS "version!",
                              position AS "position!", build AS "build!" FROM "#
                        + $view
                        + " WHERE "
                        + $row,
                    $id,
                );
                read.fetch_optional(&mut *db).await?
            }
            Some(wanted) => {
                let (model, name) = (domain::ReadModel::$model, $stream.to_string());
                let slot = $stream.slot();
                let mut attempt = $app.progress.attempt(model, slot, &$fresh, wanted);
                $( attempt.looks_first(&$viewer); )?
                loop {
                    let mut db = attempt.connection().await?;
                    let read = sqlx::query_as!(
                        $crate::document::FreshRow,
                        r#"SELECT s.log_id AS "log_id!", s.head AS "head!", s.standby AS "standby!",
                                  s.position AS "reached!", s.parked AS "parked!",
                                  k.stream AS "parked_stream?", k.position AS "parked_at?",
                                  d.document::text AS "document?", d.version AS "version?",
                                  d.position AS "position?", d.build AS "build?"
                           FROM standing($3, $4, $5) s LEFT JOIN parked_of($3, $2, $4) k ON true
                           LEFT JOIN (SELECT document, version, position, build FROM "#
                            + $view
                            + " WHERE "
                            + $row
                            + ") d ON true",
                        $id,
                        name,
                        model.name(),
                        wanted,
                        slot.map(|slot| slot as i16),
                    );
                    let read = read.fetch_one(&mut *db).await?;
                    $( if read.is_hidden(&mut db, &$fresh, $viewer, &name).await? {
                        break None;
                    } )?
                    drop(db);
                    if attempt.is_fresh(&read.standing())? {
                        attempt.must_not_lack(read.lacks())?;
                        break read.row();
                    }
                }
            }
        }
    };
}
pub(crate) use read;

/// A row of a read model.
pub struct Row {
    /// The JSON.
    pub document: String,
    /// Of its own stream.
    pub version: i64,
    /// Of the last event in it.
    pub position: i64,
    /// Which edition of the model it belongs to.
    pub build: i16,
}

impl Row {
    /// The document, with what tells it from itself at another time.
    pub fn stored<F: Folded>(self) -> Stored {
        let Self { document, version, position, build } = self;
        Stored { document, tag: Tag { build: Some(build), ..F::tag((version, position)) } }
    }
}

/// A row that may be there, and how far its model had come.
#[allow(missing_docs, reason = "the columns of Standing, of a parked stream and of Row")]
pub struct FreshRow {
    pub log_id: Uuid,
    pub head: i64,
    pub standby: bool,
    pub reached: i64,
    pub parked: i64,
    pub parked_stream: Option<String>,
    pub parked_at: Option<i64>,
    pub document: Option<String>,
    pub version: Option<i64>,
    pub position: Option<i64>,
    pub build: Option<i16>,
}

impl FreshRow {
    /// Where the model stood.
    pub fn standing(&self) -> Standing {
        let Self { log_id, head, standby, reached: position, parked, .. } = *self;
        Standing { log_id, head, standby, position, parked }
    }

    /// The first parked stream of which the row lacks events.
    pub fn lacks(&self) -> Option<(String, i64)> {
        self.parked_stream.clone().zip(self.parked_at)
    }

    /// Whether a shopper is told at once that there is none, for it is not theirs. Only what is
    /// late and does not say itself that it is theirs is looked up in the log; what is not late,
    /// who reads it looks at.
    ///
    /// # Errors
    /// 409, where the caller speaks of another log.
    pub async fn is_hidden(
        &self,
        db: &mut PgConnection,
        fresh: &Fresh,
        Viewer { principal, may_see }: Viewer,
        stream: &str,
    ) -> Result<bool, Problem> {
        let is_late = fresh.min_position.is_some_and(|wanted| self.reached < wanted)
            || self.parked_at.is_some();
        let shows_theirs = || self.document.as_ref().is_some_and(|it| may_see(principal, it));
        if principal.works_here() || !is_late || shows_theirs() {
            return Ok(false);
        }
        log::must_be(self.log_id, fresh.log_id)?;
        let is_theirs = is_for_by_log(db, principal, stream).await?;
        // A standby may not have heard of it yet.
        Ok(!is_theirs.unwrap_or(self.standby))
    }

    /// The row, if there is one.
    pub fn row(self) -> Option<Row> {
        let Self { document, version, position, build, .. } = self;
        Some(Row { document: document?, version: version?, position: position?, build: build? })
    }
}

/// A stream that an event names, of which the document holds the events too.
pub type PartOf = fn(&Event) -> Option<StreamId>;

/// What is stored of it was folded from the log, and can be once more, up to any point.
pub trait Folded: 'static {
    /// What is served.
    type Document: Serialize + Send + 'static;
    /// The streams that make it beside its own, if there are any.
    const PART: Option<PartOf> = None;

    /// The stream whose events it begins with, where nothing has happened in its own yet.
    fn begins_with(_: &StreamId) -> Option<StreamId> {
        None
    }

    /// The document after an event.
    fn fold(document: Option<Self::Document>, seen: &Seen<'_>) -> Option<Self::Document>;

    /// Its version and its position.
    fn revision(document: &Self::Document) -> (i64, i64);

    /// What tells it from itself at another time, as it was folded.
    fn tag((version, position): (i64, i64)) -> Tag {
        Tag { version, position: Self::PART.map(|_| position), build: None, digest: None }
    }
}

/// A document as it was stored or folded.
#[derive(Debug)]
pub struct Stored {
    /// The JSON, served byte for byte.
    pub document: String,
    /// What tells it from the same document at another time.
    pub tag: Tag,
}

impl Stored {
    /// A document of which some has no version here: its tag becomes another with each word that is
    /// shown, and only then. Another release of Rust may digest otherwise, which costs caches one
    /// answer.
    pub fn shown(version: i64, document: String) -> Self {
        let digest = Some(digest(&document));
        Self { document, tag: Tag { version, position: None, build: None, digest } }
    }

    /// It with a member more, under a tag of its own.
    #[must_use]
    pub fn with(self, member: &str, json: &str) -> Self {
        let Self { document, tag } = self;
        let members = document.trim_end().strip_suffix('}').unwrap_or(&document);
        let comma = if members.trim_end().ends_with('{') { "" } else { "," };
        Self::shown(tag.version, format!("{members}{comma}\"{member}\":{json}}}"))
    }

    /// Only some members of it, under a tag of its own: of the same version, which is what commands
    /// ask for.
    ///
    /// # Errors
    /// 500, where it is no JSON.
    pub fn only(self, fields: &Fields) -> Result<Self, Problem> {
        Ok(Self::shown(self.tag.version, fields.of(&self.document)?))
    }
}

/// What tells a document from itself at another time, as its `ETag`: numbers with dots between
/// them, the first of which is the version that commands take in `If-Match`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tag {
    /// Of its own stream.
    pub version: i64,
    /// Of the last event in it, where other streams make it too, as those of its payments do an
    /// order.
    pub position: Option<i64>,
    /// The build it was stored in: another one may show the same events otherwise.
    pub build: Option<i16>,
    /// Of all that is shown, where some of it comes from elsewhere and has no version here. Says
    /// what the build would, too.
    pub digest: Option<u64>,
}

impl Tag {
    fn header(self) -> Option<HeaderValue> {
        let position = self.position.map(|position| position.to_string());
        let build = self.build.map(|build| build.to_string());
        let digest = self.digest.map(|digest| digest.to_string());
        let more = [position, build, digest].into_iter().flatten();
        let text = more.fold(self.version.to_string(), |text, number| text + "." + &number);
        HeaderValue::from_str(&format!("\"{text}\"")).ok()
    }
}

/// The document, or 304 if the client has it already, or 404 if there is none.
pub fn respond(headers: &HeaderMap, what: &str, stored: Option<Stored>) -> Response {
    let Some(Stored { document, tag }) = stored else {
        let detail = format!("there is no such {what}");
        return Problem::new(StatusCode::NOT_FOUND, "not_found", detail).into_response();
    };
    tagged(headers, document, tag.header())
}

/// What has no version, or none that who asks may know, as it is shown; or 304 if the client has it
/// already. Its tag is weak, a digest: it tells that the same is shown, and nothing for `If-Match`.
pub fn respond_unversioned(headers: &HeaderMap, shown: String) -> Response {
    let tag = HeaderValue::from_str(&format!("W/\"{}\"", digest(&shown))).ok();
    tagged(headers, shown, tag)
}

/// What tells a text from others, in a tag.
fn digest(shown: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    shown.hash(&mut hasher);
    hasher.finish()
}

fn tagged(headers: &HeaderMap, json: String, tag: Option<HeaderValue>) -> Response {
    let mut response = if tag.as_ref().is_some_and(|tag| etag::is_known(headers, tag)) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let kind = HeaderValue::from_static("application/json");
        ([(header::CONTENT_TYPE, kind)], json).into_response()
    };
    let headers = response.headers_mut();
    // Caches may keep it, but ask each time whether it still stands.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    if let Some(tag) = tag {
        headers.insert(header::ETAG, tag);
    }
    response
}
