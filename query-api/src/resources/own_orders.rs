//! `/v1/people/me/orders`: all orders of a customer, the oldest first, each with its payments,
//! parcels and returns, as lines of JSON to take along. What is known of them outside of the log
//! command-api exports.

use std::collections::BTreeSet;
use std::io;
use std::sync::{Mutex, PoisonError};

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use domain::CustomerId;
use futures::stream;
use identity::Principal;
use service::Problem;
use sqlx::PgConnection;
use tokio::sync::{Semaphore, SemaphorePermit};
use uuid::Uuid;

use crate::app::App;
use crate::queue::Who;

/// Orders that are taken along at once; who has more finds the others in their list.
pub const ORDERS_MAX: usize = 10_000;
/// Orders that are read at once.
const PAGE_ORDERS: usize = 20;
/// Such exports under way in a process.
const EXPORTS_MAX: usize = 8;
/// What who is turned away is told to wait.
const RETRY_AFTER: std::time::Duration = std::time::Duration::from_secs(5);
/// How they come.
const LINES: &str = "application/x-ndjson";

static PLACES: Semaphore = Semaphore::const_new(EXPORTS_MAX);
/// Whose they are: one each.
static UNDER_WAY: Mutex<BTreeSet<Uuid>> = Mutex::new(BTreeSet::new());

/// A customer's only export, for as long as it takes.
struct Turn {
    customer: Uuid,
    _place: SemaphorePermit<'static>,
}

impl Turn {
    /// None while another one of theirs is under way, or too many are.
    fn of(customer: Uuid) -> Option<Self> {
        let place = PLACES.try_acquire().ok()?;
        let is_first = UNDER_WAY.lock().unwrap_or_else(PoisonError::into_inner).insert(customer);
        is_first.then(|| Self { customer, _place: place })
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        UNDER_WAY.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.customer);
    }
}

/// An export under way.
struct Export {
    app: App,
    turn: Turn,
    /// The last order that was read.
    after: (DateTime<Utc>, Uuid),
    /// How many more there may be.
    left: usize,
}

/// `GET /v1/people/me/orders`
pub async fn orders(State(app): State<App>, principal: Principal) -> Result<Response, Problem> {
    let Principal::Customer(CustomerId(customer)) = principal else {
        let detail = "you are no customer who could have orders";
        return Err(Problem::new(StatusCode::NOT_FOUND, "not_found", detail));
    };
    let turn = Turn::of(customer).ok_or_else(|| {
        let detail = format!("{EXPORTS_MAX} exports are under way, or one of yours");
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "too_many_exports", detail)
            .retry_after(RETRY_AFTER)
    })?;
    // Where nothing can be read now, that is said while there is a status to say it with.
    let mut db = app.queue.connection(Who::Newcomer).await?;
    let after = (DateTime::UNIX_EPOCH, Uuid::nil());
    let mut export = Export { app, after, left: ORDERS_MAX, turn };
    let first = export.read(&mut db).await?;
    drop(db);
    let rest = stream::try_unfold(export, async |mut export| {
        let lines = export.next().await?;
        Ok::<_, io::Error>(lines.map(|lines| (lines, export)))
    });
    let first = stream::iter(first.map(Ok));
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(LINES)),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    let body = Body::from_stream(futures::StreamExt::chain(first, rest));
    Ok((headers, body).into_response())
}

impl Export {
    /// The next lines; nothing at the end.
    async fn next(&mut self) -> io::Result<Option<Bytes>> {
        if self.left == 0 {
            return Ok(None);
        }
        let connection = self.app.queue.clone();
        let connection = connection.connection(Who::LetIn).await;
        let mut db = connection.map_err(|problem| io::Error::other(problem.code().to_owned()))?;
        self.read(&mut db).await.map_err(io::Error::other)
    }

    async fn read(&mut self, db: &mut PgConnection) -> sqlx::Result<Option<Bytes>> {
        let wanted = self.left.min(PAGE_ORDERS);
        let (since, id) = self.after;
        let rows = sqlx::query!(
            r#"SELECT id AS "id!", created_at AS "created_at!", document::text AS "document!"
               FROM orders WHERE customer_id = $1 AND (created_at, id) > ($2, $3)
               ORDER BY created_at, id LIMIT $4"#,
            self.turn.customer,
            since,
            id,
            i64::try_from(wanted).unwrap_or(i64::MAX)
        );
        let rows = rows.fetch_all(db).await?;
        self.left = if rows.len() < wanted { 0 } else { self.left - rows.len() };
        let Some(last) = rows.last() else { return Ok(None) };
        self.after = (last.created_at, last.id);
        let lines = rows.iter().flat_map(|row| [row.document.as_bytes(), b"\n"]);
        Ok(Some(lines.collect::<Vec<_>>().concat().into()))
    }
}
