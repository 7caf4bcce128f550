//! Single reads: the document of one thing, as it stands and as fresh as was asked, or as it stood
//! at a point of the past.
//!
//! A [`Resource`] says what is particular to one; `resource!` writes it where its document is that
//! of a stream under a UUID.

use axum::extract::{MatchedPath, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use domain::StreamId;
use identity::Principal;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use service::Problem;
use service::extract::{Path, Query, empty_as_none};
use uuid::Uuid;

use crate::app::App;
use crate::described;
use crate::document::{Folded, Stored, respond};
use crate::fields::{FieldNames, Fields};
use crate::fresh::{Fresh, Prefer};
use crate::included::{Include, MEMBER};
use crate::past::Point;
use crate::queue::Who;
use crate::scope::{is_for_by_log, must_work_here};

/// What may be asked of a single document.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct One {
    /// As new as this position of the log, or newer.
    pub(crate) min_position: Option<i64>,
    /// As it was then: at a position, or when all was recorded up to a time.
    as_of: Option<Point>,
    /// Only these members of it, with commas between them, and with a dot before one that is below
    /// another: `id,lines.sku`. A name stands for all that is below it.
    #[serde(default, deserialize_with = "empty_as_none")]
    pub(crate) fields: Option<FieldNames>,
    /// What is wanted beside it.
    #[schemars(skip)]
    include: Option<Include>,
}

impl One {
    /// Whether the past is asked for.
    pub(crate) fn is_past(&self) -> bool {
        self.as_of.is_some()
    }

    /// The point of the past that was asked for.
    pub(crate) fn point(&self) -> Result<Option<Point>, Problem> {
        let wrong = |parameter, detail| {
            let problem = "a parameter of the query is wrong";
            Problem::new(StatusCode::BAD_REQUEST, "invalid_query", problem).parameter(
                parameter,
                "contradicts_as_of",
                detail,
            )
        };
        if self.as_of.is_some() && self.min_position.is_some() {
            let detail = "the past does not get any fresher: ask for as_of or for min_position";
            return Err(wrong("min_position", detail));
        }
        if self.as_of.is_some() && self.include.is_some() {
            return Err(wrong("include", "what is included is of today: ask for as_of without"));
        }
        Ok(self.as_of)
    }
}

/// The id of a document in a path, spelled as answers spell it: one address a document, for caches
/// and for rules by path.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(inline, extend(
    "format" = "uuid",
    "pattern" = "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$",
))]
pub struct Id(pub(crate) Uuid);

impl TryFrom<String> for Id {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let id: Option<Uuid> = text.parse().ok();
        let id = id.filter(|id| id.to_string() == text);
        id.map(Self).ok_or("must be a UUID in lower case with hyphens")
    }
}

/// Something that is read by itself.
pub trait Resource: Folded {
    /// What it is called where there is none.
    const NAME: &'static str;
    /// Whether its past is for whose it is too, and not for those who work here alone: where it
    /// shows nothing of another kind than what is there today, and was always the same one's.
    const PAST_IS_THEIRS: bool = false;
    /// What may be shown beside it.
    const INCLUDES: Option<Include> = None;
    /// How it is named in a path.
    type Id: DeserializeOwned + Send;

    /// Its own stream.
    ///
    /// # Errors
    /// 400 `invalid_path`, where nothing can have that id.
    fn stream(id: &Self::Id) -> Result<StreamId, Problem>;

    /// What is stored of it, as far as the caller may see it.
    fn read(
        app: &App,
        fresh: &Fresh,
        principal: Principal,
        id: Self::Id,
    ) -> impl Future<Output = Result<Option<Stored>, Problem>> + Send;
}

/// `GET` of a single document. The past is for those who are trusted, and that of their orders for
/// shoppers.
pub async fn one<R: Resource>(
    State(app): State<App>,
    Path(id): Path<R::Id>,
    Query(one): Query<One>,
    prefer: Prefer,
    principal: Principal,
    path: MatchedPath,
    request: Request,
) -> Result<Response, Problem> {
    let stream = R::stream(&id)?;
    let point = one.point()?;
    let include = Include::checked(one.include, R::INCLUDES, request.extensions())?;
    let fields = one.fields.map(|names| described::fields(path.as_str(), &names)).transpose()?;
    let fresh = Fresh::new(one.min_position, prefer).of(principal);
    let stored = match point {
        Some(point) => past::<R>(&app, principal, stream, point).await?,
        None => R::read(&app, &fresh, principal, id).await?,
    };
    let stored = match stored {
        Some(stored) => Some(shown(&app, principal, stored, fields, include).await?),
        None => None,
    };
    Ok((fresh.applied(), respond(request.headers(), R::NAME, stored)).into_response())
}

/// Of a document what was asked for, with what is wanted beside it.
async fn shown(
    app: &App,
    principal: Principal,
    stored: Stored,
    fields: Option<Fields>,
    include: Option<Include>,
) -> Result<Stored, Problem> {
    let included = match include {
        Some(include) => {
            let mut db = app.queue.connection(Who::LetIn).await?;
            Some(include.beside([stored.document.as_str()], principal, &mut db).await?)
        }
        None => None,
    };
    let (stored, below) = match fields {
        Some(mut fields) => {
            let below = fields.take(MEMBER);
            (stored.only(&fields)?, below)
        }
        None => (stored, None),
    };
    match included {
        Some(included) => Ok(stored.with(MEMBER, &included.json(below.as_ref())?)),
        None => Ok(stored),
    }
}

/// A document as it was, as far as the caller may see it. Who may not is told before a place is
/// taken.
async fn past<R: Resource>(
    app: &App,
    principal: Principal,
    stream: StreamId,
    point: Point,
) -> Result<Option<Stored>, Problem> {
    if !principal.works_here() {
        if !R::PAST_IS_THEIRS {
            must_work_here(principal)?;
        }
        let mut db = app.queue.connection(Who::Newcomer).await?;
        if is_for_by_log(&mut db, principal, &stream.to_string()).await? != Some(true) {
            return Ok(None);
        }
    }
    app.past.document::<R>(principal, stream, point).await
}

/// A document under a UUID: what it is called, where it stands, its own stream, and how it is
/// folded, if need be with the streams that its events name as `parts`. It is for whose it is;
/// `strangers` says which rows everybody sees, `past_is_theirs` whether that holds of its past,
/// `includes` what may be shown beside it.
macro_rules! resource {
    (
        $(#[$doc:meta])*
        $name:ident = $word:literal, of $model:ident in $view:tt;
        stream $stream:ident($id:path);
        document $document:ty, by $fold:path $(, parts $part:path)?;
        $( strangers $row:tt; )?
        $( past_is_theirs $theirs:literal; )?
        $( includes $include:ident; )?
    ) => {
        $(#[$doc])*
        pub struct $name;

        impl $crate::document::Folded for $name {
            type Document = $document;
            $( const PART: Option<$crate::document::PartOf> = Some($part); )?

            fn fold(document: Option<$document>, seen: &domain::Seen<'_>) -> Option<$document> {
                $fold(document, seen)
            }

            fn revision(document: &$document) -> (i64, i64) {
                (document.version, document.position)
            }
        }

        impl $crate::one::Resource for $name {
            const NAME: &'static str = $word;
            $( const PAST_IS_THEIRS: bool = $theirs; )?
            $( const INCLUDES: Option<$crate::included::Include> =
                Some($crate::included::Include::$include); )?
            type Id = $crate::one::Id;

            fn stream(id: &Self::Id) -> Result<domain::StreamId, service::Problem> {
                Ok(domain::StreamId::$stream($id(id.0)))
            }

            async fn read(
                app: &$crate::app::App,
                fresh: &$crate::fresh::Fresh,
                principal: identity::Principal,
                id: Self::Id,
            ) -> Result<Option<$crate::document::Stored>, service::Problem> {
                use $crate::document::read;

                let stream = Self::stream(&id)?;
                $( if !principal.works_here() {
                    let row = read!(app, fresh, $model, stream, $view, $row, id.0);
                    return Ok(row.map($crate::document::Row::stored::<Self>));
                } )?
                let viewer = $crate::scope::Viewer::of(principal);
                let row = read!(app, fresh, $model, stream, $view, "id = $1", id.0, for viewer);
                let row = row.filter(|row| $crate::scope::is_for(principal, &row.document));
                Ok(row.map($crate::document::Row::stored::<Self>))
            }
        }
    };
}
pub(crate) use resource;
