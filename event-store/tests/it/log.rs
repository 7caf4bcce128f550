//! What the database itself guarantees.

use event_store::read::{self, PAGE_BYTES_MAX, PageSize};
use sqlx::{PgPool, Row};

use crate::support::{accept, by_hand, cart_id, create_cart, raw, writer};

#[sqlx::test(migrations = "../migrations")]
async fn history_cannot_be_changed_by_its_owner(db: PgPool) {
    accept(&writer(&db), create_cart(cart_id())).await;
    for statement in ["UPDATE events SET version = 9", "DELETE FROM events", "TRUNCATE events"] {
        let error = sqlx::query(statement).execute(&db).await.unwrap_err();
        assert!(error.to_string().contains("append-only"), "{statement}: {error}");
    }
    // Nor by a session that calls itself a replica, to which ordinary triggers do not apply.
    let mut connection = db.acquire().await.unwrap();
    sqlx::query("SET session_replication_role = replica").execute(&mut *connection).await.unwrap();
    let error = sqlx::query("DELETE FROM events").execute(&mut *connection).await.unwrap_err();
    assert!(error.to_string().contains("append-only"), "{error}");
    assert_eq!(read::head(&db).await.unwrap(), 1);
}

/// An event at a position that the head knows nothing of would stop the log for good.
#[sqlx::test(migrations = "../migrations")]
async fn nothing_but_append_appends(db: PgPool) {
    accept(&writer(&db), create_cart(cart_id())).await;
    let by_hand = "INSERT INTO events SELECT position + 1, stream, version + 1, type, schema, slot,
                   occurred_at, recorded_at, metadata, data FROM events";
    let mut transaction = db.begin().await.unwrap();
    let append = "SELECT head FROM log_head, append_batch(
                      log_id, position, false, NULL, '{}', '{}', '{}', '{}', '{}', '{}', '{cart-a}',
                      '{1}', '{cart.created}', '{1}', '{0}', ARRAY[now()], '{1}', '{1}')";
    sqlx::query(append).execute(&mut *transaction).await.unwrap();
    let error = sqlx::query(by_hand).execute(&mut *transaction).await.unwrap_err();
    assert!(error.to_string().contains("INSERT on events is refused"), "{error}");
    transaction.rollback().await.unwrap();
    sqlx::query(by_hand).execute(&db).await.unwrap_err();
    accept(&writer(&db), create_cart(cart_id())).await;
    assert_eq!(read::head(&db).await.unwrap(), 2);
}

/// The clock of a machine that becomes primary may be behind.
#[sqlx::test(migrations = "../migrations")]
async fn the_time_of_recording_never_goes_back(db: PgPool) {
    by_hand(&db).await;
    sqlx::raw_sql(
        "INSERT INTO events VALUES (1, 'cart-a', 1, 'cart.created', 1, 0, now(),
             now() + interval '1 hour', '{\"command\":\"x\"}', '{\"currency\":\"EUR\"}')",
    )
    .execute(&db)
    .await
    .unwrap();
    raw(&db, "cart-b", 1, "cart.created", r#"{"currency":"EUR"}"#).await;
    let events = read::after(&db, 0, 2).await.unwrap();
    assert_eq!(events[0].recorded_at, events[1].recorded_at);
}

/// A writer appends to the log that it knows, and to no other that has taken its place.
#[sqlx::test(migrations = "../migrations")]
async fn an_append_names_its_log(db: PgPool) {
    let writer = writer(&db);
    accept(&writer, create_cart(cart_id())).await;
    let known = writer.log_id().unwrap();
    let (former, adopted) =
        event_store::identity::adopt(&mut db.acquire().await.unwrap()).await.unwrap();
    assert_eq!((former, adopted.head), (known, 1));
    assert_ne!(former, adopted.log_id);
    assert_eq!(writer.is_another(adopted.log_id, None).await.unwrap(), None);
    accept(&writer, create_cart(cart_id())).await;
    assert_eq!(writer.log_id(), Some(adopted.log_id), "it has looked which log it is");
    assert_eq!(writer.is_another(known, None).await.unwrap(), Some(adopted.log_id));
}

/// On young tables without statistics the planner would scan whole tables inside the append.
#[sqlx::test(migrations = "../migrations")]
async fn the_append_looks_everything_up_by_index(db: PgPool) {
    let settings: Vec<String> =
        sqlx::query_scalar("SELECT unnest(proconfig) FROM pg_proc WHERE proname = 'append_batch'")
            .fetch_all(&db)
            .await
            .unwrap();
    for setting in ["jit=off", "enable_seqscan=off", "enable_hashjoin=off", "enable_mergejoin=off"]
    {
        assert!(settings.iter().any(|found| found == setting), "{setting} in {settings:?}");
    }
    // With those settings, the plans of the two lookups, on empty tables that were never analysed.
    let mut connection = db.acquire().await.unwrap();
    for setting in &settings {
        sqlx::query(sqlx::AssertSqlSafe(format!("SET {setting}")))
            .execute(&mut *connection)
            .await
            .unwrap();
    }
    let versions =
        "EXPLAIN SELECT FROM unnest(ARRAY['a','b'], ARRAY[1,2]) AS believed (stream, version)
        WHERE believed.version IS DISTINCT FROM coalesce((SELECT e.version FROM events e
            WHERE e.stream = believed.stream ORDER BY e.version DESC LIMIT 1), 0)";
    let keys = "EXPLAIN SELECT FROM unnest(ARRAY['a','b']) AS new (key)
        WHERE EXISTS (SELECT FROM commands c WHERE c.key = new.key)";
    for (query, index) in [(versions, "events_stream_version_key"), (keys, "commands_pkey")] {
        let plan = sqlx::query(query).fetch_all(&mut *connection).await.unwrap();
        let plan: Vec<String> = plan.iter().map(|row| row.get(0)).collect();
        let plan = plan.join("\n");
        assert!(plan.contains(index), "{plan}");
        assert!(!plan.contains("Seq Scan"), "{plan}");
    }
}

/// A reader that takes its bound and its rows from different snapshots skips events in other
/// stores. Here what is below the head is there, whenever it is read.
#[sqlx::test(migrations = "../migrations")]
async fn types_are_read_up_to_a_bound_that_cannot_hide_anything(db: PgPool) {
    let writer = writer(&db);
    for _ in 0..25 {
        accept(&writer, create_cart(cart_id())).await;
    }
    let types = ["cart.created".to_owned()];
    let (mut after, mut seen) = (0, vec![]);
    loop {
        let page =
            read::of_types(&db, after, &types, &PageSize::new(10, PAGE_BYTES_MAX)).await.unwrap();
        if page.scanned_to == after {
            break;
        }
        seen.extend(page.events.iter().map(|event| event.position));
        after = page.scanned_to;
    }
    assert_eq!(seen, (1..=25).collect::<Vec<i64>>());
    let none =
        read::of_types(&db, 0, &["order.placed".to_owned()], &PageSize::new(10, 1)).await.unwrap();
    assert_eq!((none.events.len(), none.scanned_to), (0, 10));
}

#[sqlx::test(migrations = "../migrations")]
async fn pages_cover_the_log_once(db: PgPool) {
    use futures::TryStreamExt;
    let writer = writer(&db);
    for _ in 0..23 {
        accept(&writer, create_cart(cart_id())).await;
    }
    let pages: Vec<_> = read::pages(db.clone(), 2, 20, 5).try_collect().await.unwrap();
    assert!(pages.iter().all(|page| page.len() <= 5));
    let positions: Vec<i64> = pages.iter().flatten().map(|event| event.position).collect();
    assert_eq!(positions, (3..=20).collect::<Vec<i64>>());
}

/// Large events make short pages, not large ones.
#[sqlx::test(migrations = "../migrations")]
async fn a_page_is_bounded_in_bytes(db: PgPool) {
    by_hand(&db).await;
    sqlx::query(
        "INSERT INTO events
         SELECT n, 'cart-' || n, 1, 'cart.created', 1, 0, now(), now(), '{\"command\":\"x\"}',
                json_build_object('currency', 'EUR', 'padding', repeat('x', 1 << 20))
         FROM generate_series(1, 20) AS n",
    )
    .execute(&db)
    .await
    .unwrap();
    let mut after = 0;
    let mut pages = 0;
    loop {
        let page = read::after(&db, after, 100).await.unwrap();
        let Some(last) = page.last() else { break };
        assert!(page.len() <= 8, "{} MiB in one page", page.len());
        assert_eq!(page[0].position, after + 1);
        (after, pages) = (last.position, pages + 1);
    }
    assert_eq!((after, pages), (20, 3));
}

/// And what Postgres sends is not many times what is kept: less is asked for where rows weigh much.
#[sqlx::test(migrations = "../migrations")]
async fn what_is_asked_for_shrinks_with_what_rows_weigh(db: PgPool) {
    by_hand(&db).await;
    sqlx::query(
        "INSERT INTO events
         SELECT n, 'cart-' || n, 1, 'cart.created', 1, 0, now(), now(), '{\"command\":\"x\"}',
                json_build_object('currency', 'EUR',
                    'padding', repeat('x', CASE WHEN n <= 100 THEN 10000 ELSE 1 END))
         FROM generate_series(1, 400) AS n",
    )
    .execute(&db)
    .await
    .unwrap();
    let (mut size, mut after, mut asked) = (PageSize::new(200, 100_000), 0, vec![]);
    loop {
        asked.push(size.rows());
        let page = read::page(&db, None, after, &size).await.unwrap();
        let fitted = page.events.len() as i64;
        after += fitted;
        if !size.learn(fitted, page.cut) {
            break;
        }
    }
    assert_eq!(after, 400);
    assert_eq!(asked[0], 200);
    let heavy = &asked[1..10];
    assert!(heavy.iter().all(|rows| *rows <= 20), "about ten of them fit: {asked:?}");
    assert!(asked.last().unwrap() > &100, "and grows again: {asked:?}");
}

/// A point of time is a position, as the log was recorded in order.
#[sqlx::test(migrations = "../migrations")]
async fn a_time_is_a_position(db: PgPool) {
    let at = async |millis: i64| {
        let time = chrono::DateTime::from_timestamp_millis(millis).unwrap();
        read::position_at(&db, time).await.unwrap()
    };
    assert_eq!(at(5_000).await, 0, "of an empty log");
    by_hand(&db).await;
    sqlx::raw_sql(
        "INSERT INTO events
         SELECT n, 'cart-' || n, 1, 'cart.created', 1, 0, now(),
                to_timestamp(CASE n WHEN 7 THEN 6 ELSE n END), '{\"command\":\"x\"}',
                '{\"currency\":\"EUR\"}'
         FROM generate_series(1, 100) AS n",
    )
    .execute(&db)
    .await
    .unwrap();
    let expected = [(500, 0), (1_000, 1), (1_500, 1), (6_000, 7), (7_900, 7), (8_000, 8)];
    for (millis, position) in expected.into_iter().chain([(99_900, 99), (1_000_000, 100)]) {
        assert_eq!(at(millis).await, position, "at {millis}");
    }
}

/// So is a page of one stream, which says that it was cut short.
#[sqlx::test(migrations = "../migrations")]
async fn a_page_of_a_stream_is_bounded_in_bytes(db: PgPool) {
    by_hand(&db).await;
    sqlx::query(
        "INSERT INTO events
         SELECT n, 'cart-1', n, 'cart.created', 1, 0, now(), now(), '{\"command\":\"x\"}',
                json_build_object('currency', 'EUR', 'padding', repeat('x', 1 << 20))
         FROM generate_series(1, 20) AS n",
    )
    .execute(&db)
    .await
    .unwrap();
    let (mut after, mut cuts) = (0, vec![]);
    while after < 20 {
        let page = read::of_stream(&db, "cart-1", after, 100).await.unwrap();
        assert!(page.events.len() <= 8, "{} MiB in one page", page.events.len());
        assert_eq!(page.events[0].version, after + 1);
        after = page.events.last().unwrap().version;
        cuts.push(page.cut);
    }
    assert_eq!(cuts, [true, true, false]);
    let asked = read::of_stream(&db, "cart-1", 0, 3).await.unwrap();
    assert_eq!((asked.events.len(), asked.cut), (3, false));
}

/// A page by type is bounded in bytes too, and says how far it has really come.
#[sqlx::test(migrations = "../migrations")]
async fn a_page_by_type_is_bounded_in_bytes(db: PgPool) {
    by_hand(&db).await;
    sqlx::query(
        "INSERT INTO events
         SELECT n, 'cart-' || n, 1, CASE n % 2 WHEN 0 THEN 'cart.created' ELSE 'cart.abandoned' END,
                1, 0, now(), now(), '{\"command\":\"x\"}',
                json_build_object('currency', 'EUR', 'padding', repeat('x', 1 << 20))
         FROM generate_series(1, 41) AS n",
    )
    .execute(&db)
    .await
    .unwrap();
    let (types, categories) = (["cart.created".to_owned()], ["cart".to_owned()]);
    let (mut after, mut seen, mut pages) = (0, vec![], 0);
    loop {
        let page =
            read::of_types(&db, after, &types, &PageSize::new(100, PAGE_BYTES_MAX)).await.unwrap();
        if page.scanned_to == after {
            break;
        }
        assert!(page.events.len() <= 8, "{} MiB in one page", page.events.len());
        seen.extend(page.events.iter().map(|event| event.position));
        (after, pages) = (page.scanned_to, pages + 1);
    }
    assert_eq!((after, pages), (41, 3));
    assert_eq!(seen, (1..=20).map(|n| 2 * n).collect::<Vec<i64>>());
    let page = read::of_categories(&db, 0, (&categories, &[]), 100).await.unwrap();
    assert_eq!((page.events.len(), page.scanned_to), (8, 8));
    let page = read::of_categories(&db, 0, (&categories, &types), 100).await.unwrap();
    assert!(page.events.iter().all(|event| event.kind != types[0]), "what is left out");
    let page = read::entries(&db, 0, 41, &categories).await.unwrap();
    assert_eq!((page.entries.len(), page.scanned_to, page.cut), (16, 16, true));
}

/// What a rebuild reads is what the log holds of some kinds of stream, unknown events among it.
#[sqlx::test(migrations = "../migrations")]
async fn entries_are_the_events_of_their_streams(db: PgPool) {
    let writer = writer(&db);
    let cart = cart_id();
    accept(&writer, create_cart(cart)).await;
    by_hand(&db).await;
    sqlx::query(
        "INSERT INTO events VALUES
         (2, 'sofa-1', 1, 'cart.created', 1, 0, now(), now(), '{}', '{\"currency\":\"EUR\"}'),
         (3, 'cart-nonsense', 1, 'sofa.sat_on', 1, 0, now(), now(), '{}', '{}')",
    )
    .execute(&db)
    .await
    .unwrap();
    let page = read::entries(&db, 0, 3, &["cart".to_owned()]).await.unwrap();
    assert_eq!((page.entries.len(), page.scanned_to, page.cut), (2, 3, false));
    let whole = read::after(&db, 0, 1).await.unwrap().remove(0).decode().unwrap();
    assert_eq!(page.entries[0].read.as_ref().unwrap(), &whole);
    assert_eq!(page.entries[1].stream, "cart-nonsense");
    assert!(page.entries[1].read.is_err());
}
