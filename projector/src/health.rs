//! What the projector says of itself at `/ready` and `/health`.

use std::sync::Arc;

use service::health::Health;
use sqlx::PgPool;

use crate::projection::Projection;
use crate::search::Meili;
use crate::search::pusher::Trouble;
use crate::working::parking;
use crate::{projections, status};

/// Ready with Postgres alone: without NATS the log is read from Postgres, and without Meilisearch
/// documents wait in their table. What a projection suffers from shows in its own check.
pub fn checks(
    db: &PgPool,
    wanted: &[&'static Projection],
    bus: Option<async_nats::Client>,
    meili: &Meili,
    trouble: &Trouble,
) -> Health {
    let postgres = Arc::new(service::database::Probe::new(db));
    let mut health = Health::new().requires("postgres", move || {
        let postgres = postgres.clone();
        async move { postgres.check().await }
    });
    if let Some(bus) = bus {
        health = health.prefers("nats", move || {
            let bus = bus.clone();
            async move { service::bus::check(&bus).await }
        });
    }
    for projection in wanted.iter().copied() {
        let db = db.clone();
        health = health.prefers(projection.name, move || {
            let db = db.clone();
            async move { status::check(&db, projection).await }
        });
    }
    if wanted.iter().any(|projection| std::ptr::eq(*projection, projections::SEARCH)) {
        let (meili, trouble) = (meili.clone(), trouble.clone());
        health = health.prefers("meilisearch", move || {
            let (meili, trouble) = (meili.clone(), trouble.clone());
            async move {
                if let Some(trouble) = trouble.lock().await.clone() {
                    return Err(trouble);
                }
                meili.check().await.map_err(|error| parking::chain(&error))
            }
        });
    }
    health
}
