//! The baseline of the append rows: one INSERT of one event per transaction, by pgbench, into a
//! table with the columns and indexes of the log and none of its order.

use std::fs;
use std::path::PathBuf;

use anyhow::Result;

use crate::ground::Ground;

/// Clients of the baseline, and connections or tasks of the rows beside it.
pub const CLIENTS: usize = 64;

/// What the baseline is, for the table.
pub const NAME: &str = "one INSERT per transaction (pgbench)";

/// The table of the baseline: that of the log, its indexes included, without the log's order.
const TABLE: &str = "CREATE TABLE baseline_events (
    position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, stream text NOT NULL,
    version bigint NOT NULL, type text NOT NULL, schema smallint NOT NULL, slot smallint NOT NULL,
    occurred_at timestamptz NOT NULL, recorded_at timestamptz NOT NULL,
    metadata json NOT NULL, data json NOT NULL, UNIQUE (stream, version))";

/// One event of the same size as a cart's.
const INSERT: &str = concat!(
    "INSERT INTO baseline_events
    (stream, version, type, schema, slot, occurred_at, recorded_at, metadata, data)
    VALUES ('cart-' || gen_random_uuid(), 1, 'cart.line_added', 1, 17, now(), now(),\n",
    r#"'{"command":"c:0192d3a0b7c87f0ea1b2c3d4e5f60718-123"}', "#,
    r#"'{"sku":"0192d3a0b7c87f0ea1b2c3d4e5f60718-12","#,
    r#""product_id":"0192d3a0-b7c8-7f0e-a1b2-c3d4e5f60718","title":"Bench 12","quantity":1,"#,
    r#""unit_price":{"amount":"19.99","currency":"EUR"}}');"#,
    "\n",
);

/// The baseline, its table made.
pub struct Inserts {
    script: PathBuf,
}

impl Inserts {
    /// Makes the table in the row's database.
    pub async fn prepare(ground: &mut Ground<'_>) -> Result<Self> {
        ground.database().await?;
        ground.sql(TABLE).await?;
        let script = ground.file("insert.sql");
        // pgbench reads one statement to the line's semicolon.
        fs::write(&script, INSERT.replace('\n', " "))?;
        Ok(Self { script })
    }

    /// Events per second over so many seconds.
    pub async fn per_second(&self, ground: &Ground<'_>, seconds: u64) -> Result<f64> {
        let (clients, time) = (format!("--client={CLIENTS}"), format!("--time={seconds}"));
        ground.pgbench(&["--jobs=2", &clients, &time], &self.script).await
    }
}
