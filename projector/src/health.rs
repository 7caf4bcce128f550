//! What the projector says of itself at `/ready` and `/health`.

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
    let mut health = service::database::watch(Health::new(), db);
    if let Some(bus) = bus {
        health = service::bus::watch(health, bus);
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
