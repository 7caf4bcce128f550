//! What analysts read by SQL says what it is: each table and view that their role may read, and
//! each column of it.

use sqlx::PgPool;

#[sqlx::test(migrations = "../migrations")]
async fn whatever_analysts_may_read_is_described(db: PgPool) {
    // What sqlx keeps of migrations is its own.
    let all = "SELECT c.relname || coalesce('.' || a.attname, ''),
                   coalesce(CASE WHEN a.attnum IS NULL THEN obj_description(c.oid, 'pg_class')
                            ELSE col_description(c.oid, a.attnum) END, '')
               FROM pg_class c
               CROSS JOIN LATERAL (
                   SELECT NULL::name AS attname, NULL::smallint AS attnum UNION ALL
                   SELECT attname, attnum FROM pg_attribute
                   WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped
               ) a
               WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'v')
                 AND c.relname <> '_sqlx_migrations'
                 AND has_table_privilege('commerce_analyst', c.oid, 'SELECT')";
    let all: Vec<(String, String)> = sqlx::query_as(all).fetch_all(&db).await.unwrap();
    assert!(all.len() > 150, "{}", all.len());
    let silent: Vec<_> = all.iter().filter(|(_, says)| says.is_empty()).collect();
    assert!(silent.is_empty(), "a migration is to say what these are (COMMENT ON): {silent:?}");
}
