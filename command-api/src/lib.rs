//! The write side over HTTP: a command comes in, is decided and appended by the writer, and is
//! answered once it is durable.
//!
//! * [`routes`]: what each command looks like from outside, one line each;
//! * [`http`]: one command a request; [`batch`]: one a line, streamed;
//! * [`headers`], [`fingerprint`], [`command`], [`problem`]: what both share on the way to the
//!   writer and back;
//! * [`described`]: all of it as an OpenAPI document;
//! * [`paying`]: how orders are paid here;
//! * [`document`]: what a command's subject looks like to readers; [`today`]: what a cart's lines
//!   are now;
//! * [`entrance`]: who is let in to them; [`log_id`]: which log all of it is about;
//! * [`people`], [`notes`]: what commands say of people, put away; [`sealed`]: where it is read;
//! * [`mod@webhooks`]: what gateways tell without being asked;
//! * [`operations`]: what is done to the log by hand; [`serve`]: the process.
//!
//! No business rule lives here: those are the domain's. No SQL either: the log is event-store's.

pub mod batch;
pub mod command;
pub mod config;
pub mod described;
pub mod document;
pub mod entrance;
pub mod fingerprint;
pub mod headers;
pub mod http;
pub mod log_id;
pub mod metrics;
pub mod notes;
pub mod operations;
pub mod paying;
pub mod people;
pub mod problem;
pub mod routes;
pub mod sealed;
pub mod serve;
pub mod streams;
pub mod today;
pub mod webhooks;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, Request};
use axum::routing::{on, post};
use chrono::{TimeDelta, Utc};
use domain::GuestId;
use event_store::{Writer, under_way};
use futures::FutureExt as _;
use identity::routes::Beyond;
use identity::{Guard, Principal};
use service::health::Health;
use service::openapi;
use tokio::sync::Semaphore;
use trace::TraceParent;
use uuid::Uuid;
use vault::Vault;

use crate::entrance::Entrance;
use crate::paying::Payments;
use crate::routes::Edge;
use crate::webhooks::Webhooks;

/// What routes about people are told of paths and orders.
pub const BEYOND: Beyond = Beyond {
    resources: RESOURCES,
    orders_under_way: |db, owners, addresses| {
        let db = db.clone();
        async move { under_way::orders(&db, &owners, &addresses).await }.boxed()
    },
};

/// The first words of all paths, of query-api too: what API keys may be for. A test compares them
/// with the documents of both.
pub const RESOURCES: &[&str] = &[
    "addresses",
    "api-keys",
    "batch",
    "carts",
    "events",
    "fulfilments",
    "gateways",
    "guests",
    "locations",
    "mails",
    "notes",
    "orders",
    "payments",
    "people",
    "products",
    "projections",
    "returns",
    "sales",
    "search",
    "sessions",
    "sign-ins",
    "staff",
    "stock",
    "streams",
    "webhooks",
];

/// What the routes need. They share one: each request makes several clones of what its route
/// holds.
#[derive(Clone, Debug)]
pub struct App {
    writer: Writer,
    reservation: TimeDelta,
    payments: Arc<Payments>,
    kept: TimeDelta,
    /// What `Location` begins with; may be empty.
    query_url: Arc<str>,
    in_flight: Arc<Semaphore>,
    /// In bytes.
    bodies: Arc<Semaphore>,
    batches: Arc<Semaphore>,
    batch_time: Duration,
    webhooks: Option<Arc<Webhooks>>,
    vault: Option<Vault>,
}

impl App {
    /// Routes that submit to `writer`; a checkout reserves its units for `reservation`.
    pub fn new(writer: Writer, reservation: TimeDelta) -> Self {
        Self {
            writer,
            reservation,
            payments: Arc::default(),
            kept: TimeDelta::days(i64::from(event_store::forget::KEPT_DAYS)),
            query_url: "".into(),
            in_flight: Arc::new(Semaphore::new(http::IN_FLIGHT_MAX as usize)),
            bodies: Arc::new(Semaphore::new(http::BODIES_BYTES_MAX)),
            batches: Arc::new(Semaphore::new(batch::BATCHES_MAX)),
            batch_time: batch::BATCH_TIME_MAX,
            webhooks: None,
            vault: None,
        }
    }

    /// With payments that go like this unless their callers say otherwise.
    #[must_use]
    pub fn with_payments(self, payments: Payments) -> Self {
        Self { payments: Arc::new(payments), ..self }
    }

    /// With room for this many commands under way.
    #[must_use]
    pub fn with_commands_max(self, commands: usize) -> Self {
        Self { in_flight: Arc::new(Semaphore::new(commands)), ..self }
    }

    /// With answers that are kept under their keys for so long.
    #[must_use]
    pub fn with_commands_kept(self, kept: TimeDelta) -> Self {
        Self { kept, ..self }
    }

    /// With this place where callers reach query-api, which is what `Location` begins with.
    #[must_use]
    pub fn with_query_url(self, url: &str) -> Self {
        Self { query_url: url.into(), ..self }
    }

    /// With this much time for a batch.
    #[must_use]
    pub fn with_batch_time(self, batch_time: Duration) -> Self {
        Self { batch_time, ..self }
    }

    /// Where gateways may tell what they were not asked.
    #[must_use]
    pub fn with_webhooks(self, webhooks: Webhooks) -> Self {
        Self { webhooks: Some(Arc::new(webhooks)), ..self }
    }

    /// With a place for what commands say about people; without it, that is the callers' affair.
    #[must_use]
    pub fn with_vault(self, vault: Option<Vault>) -> Self {
        Self { vault, ..self }
    }

    fn edge(
        &self,
        (request_id, trace): (Uuid, Option<TraceParent>),
        principal: Principal,
        was_guest: Option<GuestId>,
    ) -> Edge {
        let payments = self.payments.clone();
        let Self { reservation, kept, .. } = *self;
        let (now, key) = (Utc::now(), None);
        Edge { request_id, trace, now, reservation, kept, principal, was_guest, payments, key }
    }
}

/// All of the service: every command and the batch for those whom `guard` lets in, health open to
/// everybody, what is `beside` them, the shell around it.
pub fn router(app: &App, guard: &Guard, health: &Health, beside: Router) -> Router {
    let app = &Arc::new(app.clone());
    let entrance = Entrance { app: app.clone(), guard: guard.clone() };
    let mut commands = Router::new();
    for route in routes::all() {
        let entrance = entrance.clone();
        let take = move |request: Request| {
            entrance.pass(route.access, request, |app, caller, request| {
                http::take_command(app, route, caller, request)
            })
        };
        commands = commands.route(route.path, on(route.filter(), take));
    }
    let take = move |request: Request| entrance.pass(batch::ACCESS, request, batch::take_batch);
    let commands = commands.route("/v1/batch", post(take));
    let sealed = sealed::router(app.vault.clone(), guard);
    let all = commands.merge(webhooks(app)).merge(sealed).merge(beside);
    #[cfg(debug_assertions)]
    let all = {
        openapi::serve::must_describe(&described::DOCUMENT, &all);
        openapi::refusals::must_be_described(all, &described::DOCUMENT)
    };
    let all = openapi::deprecation::announce(all, &described::DOCUMENT);
    let pages = openapi::serve::router(|| described::DOCUMENT.clone());
    let all = all.merge(pages).merge(health.router());
    service::http::shell_of(all, &described::DOCUMENT)
}

/// Where gateways tell what they were not asked, without the token: they sign instead.
fn webhooks(app: &Arc<App>) -> Router {
    let Some(webhooks) = app.webhooks.clone() else { return Router::new() };
    let app = app.clone();
    let take = move |Path(name): Path<String>, request: Request| {
        webhooks::take(app.clone(), webhooks.clone(), name, request)
    };
    Router::new().route(webhooks::PATH, post(take))
}
