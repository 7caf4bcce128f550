//! Reads of single products; and, as their baseline, a handler that does the same one-row query and
//! nothing else.

use std::net::SocketAddr;
use std::str::FromStr as _;

use anyhow::Result;
use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use serde_json::{Value, json};
use sqlx::PgPool;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use tokio::net::TcpListener;
use uuid::Uuid;

use crate::catalogue;
use crate::drive::{Caller, Pace, closed_loop};
use crate::wire::Request;

/// Between one product and the next, so that neighbours do not follow each other: a prime.
const STRIDE: usize = 7_919;

/// What to read, and how hard.
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    pace: Pace,
    /// Products of the catalogue
    #[arg(long, default_value_t = 1_000)]
    products: usize,
}

/// The baseline.
#[derive(clap::Args)]
pub struct Bare {
    /// Where to listen
    #[arg(long)]
    listen: SocketAddr,
    /// Postgres
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    database: String,
    /// The most connections to it: as many as query-api opens
    #[arg(long, default_value_t = 16)]
    connections: u32,
}

/// Drives reads and returns the figures.
pub async fn run(args: &Args) -> Result<Value> {
    closed_loop(&args.pace, |number| Reader { next: number, products: args.products }).await
}

struct Reader {
    next: usize,
    products: usize,
}

impl Caller for Reader {
    fn next(&mut self) -> Request {
        self.next = (self.next + STRIDE) % self.products;
        Request::get(format!("/v1/products/{}", catalogue::id(self.next)))
    }
}

/// Answers until it is ended.
pub async fn serve(args: &Bare) -> Result<Value> {
    let options = PgConnectOptions::from_str(&args.database)?;
    // As query-api's pool: trying a connection before each use would be another round trip.
    let pool = PgPoolOptions::new().max_connections(args.connections).test_before_acquire(false);
    let db = pool.connect_with(options).await?;
    let router = Router::new()
        .route("/ready", get(|| async {}))
        .route("/v1/products/{id}", get(product))
        .with_state(db);
    let listener = TcpListener::bind(args.listen).await?;
    axum::serve(listener, router).await?;
    Ok(json!({}))
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
