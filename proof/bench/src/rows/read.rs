//! Row `read`: `GET /v1/products/{id}`, against a bare handler that does the same one-row query on
//! the same database with as many connections, under the same load.

use std::net::SocketAddr;

use anyhow::Result;
use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use serde_json::json;
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;
use tokio::net::TcpListener;
use uuid::Uuid;

use crate::ground::{Ground, Service, in_turns, wait_until_shown};
use crate::inserts::CLIENTS;
use crate::load::catalogue;
use crate::load::drive::{Caller, Pace, closed_loop};
use crate::load::figures::Figures;
use crate::load::wire::Request;
use crate::measured::{Goal, Measured};

/// Products to choose from.
const PRODUCTS: usize = 1_000;
/// Between one product and the next, so that neighbours do not follow each other: a prime.
const STRIDE: usize = 7_919;
/// The sides take turns this often.
const TURNS: u32 = 2;
/// The most connections of the bare handler to Postgres: as many as query-api opens.
const CONNECTIONS: u32 = 16;

pub async fn measure(ground: &mut Ground<'_>) -> Result<Vec<Measured>> {
    let commands = ground.command_api("command-api").await?;
    let projector = ground.projector(&["products"]).await?;
    let query = ground.query_api().await?;
    catalogue::make(&commands.address, PRODUCTS).await?;
    wait_until_shown(&query, &["products"]).await?;
    ground.stop(&projector).await?;
    ground.stop(&commands).await?;
    let bare = ground.serve_baseline("bare-read").await?;
    let seconds = ground.seconds.div_ceil(TURNS.into());
    let mut figures = Figures::default();
    let (baseline, value) = in_turns(
        TURNS,
        async || Ok(reads(&bare, seconds).await?.per_second),
        async || {
            figures = reads(&query, seconds).await?;
            Ok(figures.per_second)
        },
    )
    .await?;
    Ok(vec![Measured {
        name: ground.row.to_owned(),
        value,
        unit: "reads/s",
        baseline,
        baseline_is: "a bare axum handler with the same one-row query",
        goal: Goal::AtLeast { land: 0.8, goal: 0.95 },
        details: json!({
            "p50_ms": figures.p50_ms, "p99_ms": figures.p99_ms, "load_cpus": figures.load_cpus,
            "query_api_peak_mib": ground.running(&query.name)?.memory_peak_mib()?,
        }),
    }])
}

async fn reads(service: &Service, seconds: u64) -> Result<Figures> {
    let pace = Pace::on(&service.address, CLIENTS, seconds);
    closed_loop(&pace, |number| Reader { next: number }).await
}

struct Reader {
    next: usize,
}

impl Caller for Reader {
    fn next(&mut self) -> Request {
        self.next = (self.next + STRIDE) % PRODUCTS;
        Request::get(format!("/v1/products/{}", catalogue::id(self.next)))
    }
}

/// The baseline, a process of its own as query-api is.
#[derive(clap::Args)]
pub struct Bare {
    /// Where to listen
    #[arg(long, env = "LISTEN")]
    listen: SocketAddr,
    /// Postgres
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    database: String,
}

/// Answers until it is ended.
pub async fn serve(args: &Bare) -> Result<()> {
    // As query-api's pool: trying a connection before each use would be another round trip.
    let pool = PgPoolOptions::new().max_connections(CONNECTIONS).test_before_acquire(false);
    let db = pool.connect(&args.database).await?;
    let router = Router::new()
        .route("/ready", get(|| async {}))
        .route("/v1/products/{id}", get(product))
        .with_state(db);
    let listener = TcpListener::bind(args.listen).await?;
    axum::serve(listener, router).await?;
    Ok(())
}

async fn product(State(db): State<PgPool>, Path(id): Path<Uuid>) -> Response {
    let query = sqlx::query_scalar(
        "SELECT document::text FROM products WHERE id = $1 AND status = 'published'",
    );
    let document: sqlx::Result<Option<String>> = query.bind(id).fetch_optional(&db).await;
    match document {
        Ok(Some(document)) => ([(CONTENT_TYPE, "application/json")], document).into_response(),
        Ok(None) => StatusCode::NOT_FOUND.into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
