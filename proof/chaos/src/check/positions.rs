//! Positions run 1…n without a hole; every stream's versions run 1…m. Over the
//! whole log, whoever wrote it.

use sqlx::{PgPool, Row};

use super::Verdict;

const SHOWN: i64 = 5;

pub(super) async fn check(db: &PgPool, began_at: i64) -> anyhow::Result<Verdict> {
    let mut verdict = Verdict::new("positions run 1…n, and versions within each stream");
    // One statement, one snapshot: the reactor may be writing.
    let row = sqlx::query(
        "SELECT count(*) AS count, coalesce(min(position), 1) AS first,
                coalesce(max(position), 0) AS last FROM events",
    )
    .fetch_one(db)
    .await?;
    let get = |name| row.try_get::<i64, _>(name);
    let (count, first, last) = (get("count")?, get("first")?, get("last")?);
    if count != last || first != 1 {
        verdict.broken(format!("{count} events stand at positions {first} to {last}"));
    }
    let torn = sqlx::query_scalar::<_, String>(
        "SELECT stream || ': ' || count(*) || ' events, versions ' || min(version) || ' to '
                || max(version)
         FROM events GROUP BY stream
         HAVING count(*) <> max(version) OR min(version) <> 1 LIMIT $1",
    )
    .bind(SHOWN)
    .fetch_all(db)
    .await?;
    for stream in torn {
        verdict.broken(stream);
    }
    // A later version is a later position. What is older was looked at in its round.
    let crossed = sqlx::query_scalar::<_, String>(
        "SELECT stream || ' version ' || version FROM (
             SELECT stream, version, position,
                    lag(position) OVER (PARTITION BY stream ORDER BY version) AS before
             FROM events WHERE position > $2) AS ordered
         WHERE position < before LIMIT $1",
    )
    .bind(SHOWN)
    .bind(began_at)
    .fetch_all(db)
    .await?;
    for event in crossed {
        verdict.broken(format!("{event} stands before the version before it"));
    }
    Ok(verdict.covers(format!("{count} events")))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn append(db: &PgPool, position: i64, stream: &str, version: i64) {
        sqlx::query(
            "INSERT INTO events
             VALUES ($1, $2, $3, 'cart.created', 1, 0, now(), now(), '{}', '{}')",
        )
        .bind(position)
        .bind(stream)
        .bind(version)
        .execute(db)
        .await
        .unwrap();
    }

    #[sqlx::test(migrations = "../../migrations")]
    async fn torn_and_crossed_streams_are_seen(db: PgPool) {
        let by_hand = "ALTER TABLE events DISABLE TRIGGER events_by_append";
        sqlx::query(by_hand).execute(&db).await.unwrap();
        let broken = async || check(&db, 0).await.unwrap().violations.len();
        assert_eq!(broken().await, 0);
        append(&db, 1, "cart-a", 1).await;
        append(&db, 2, "cart-b", 2).await;
        assert_eq!(broken().await, 1, "cart-b begins with its second version");
        append(&db, 3, "cart-b", 1).await;
        assert_eq!(broken().await, 1, "and its first one comes after that");
        append(&db, 5, "cart-a", 2).await;
        assert_eq!(broken().await, 2, "position 4 is missing");
    }
}
