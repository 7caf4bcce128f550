//! `cargo xtask bench`: what the engine reaches on this machine, beside its baseline of the same
//! run. Two figures from different runs or machines compare nothing.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Output};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};

use crate::layout::Layout;
use crate::ports::{self, HOST};
use crate::process::{Spec, Stack, run_logged};
use crate::record::StopWith;
use crate::servers::{Durability, Program, Throwaway, find, postgres};
use crate::{cargo, http, progress};

/// Clients of the baseline and connections of the row.
const CLIENTS: u32 = 64;

/// Options of `bench`.
#[derive(clap::Args)]
pub struct Args {
    /// Which row
    #[arg(value_enum, default_value_t = Row::Append)]
    row: Row,
    /// Seconds that each side is measured, after a warm-up
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=600))]
    seconds: u64,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Row {
    /// Durable cart commands over HTTP, against one INSERT of one event per transaction
    Append,
}

/// The table of the baseline: that of the log, its indexes included, without the log's order.
const BASELINE_TABLE: &str = "CREATE TABLE baseline_events (
    position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, stream text NOT NULL,
    version bigint NOT NULL, type text NOT NULL, schema smallint NOT NULL, slot smallint NOT NULL,
    occurred_at timestamptz NOT NULL, recorded_at timestamptz NOT NULL,
    metadata json NOT NULL, data json NOT NULL, UNIQUE (stream, version))";

/// The statement of the baseline: one event of the same size as a cart's.
const BASELINE_INSERT: &str = r#"INSERT INTO baseline_events
    (stream, version, type, schema, slot, occurred_at, recorded_at, metadata, data)
    VALUES ('cart-' || gen_random_uuid(), 1, 'cart.line_added', 1, 17, now(), now(),
    '{"command":"c:0192d3a0b7c87f0ea1b2c3d4e5f60718-123"}',
    '{"sku":"0192d3a0b7c87f0ea1b2c3d4e5f60718-12","product_id":"0192d3a0-b7c8-7f0e-a1b2-c3d4e5f60718","title":"Bench 12","quantity":1,"unit_price":{"amount":"19.99","currency":"EUR"}}');
"#;

/// Runs the row, prints it and writes it to `bench.json` in the build folder.
pub fn run(layout: &Layout, args: &Args) -> Result<ExitCode> {
    let Row::Append = args.row;
    let program = find::postgres(layout, None)?;
    let pgbench = program.path.with_file_name("pgbench");
    ensure!(
        pgbench.exists(),
        "the baseline needs pgbench beside {}; Debian's package postgresql has it",
        program.path.display()
    );
    progress::step("Building", "command-api, bench (release)");
    let binaries = cargo::build_release(&["command-api", "bench"])?;

    let Throwaway { mut stack, folder } = Throwaway::new(layout)?;
    let database = postgres::start(
        &program,
        layout,
        &mut stack,
        &folder.path().join("postgres"),
        ports::free()?,
        Durability::Durable,
    )?;
    let row = append(args, &binaries, &mut stack, folder.path(), &program, &database)?;
    drop(stack);
    drop(folder);

    progress::result(&table(&row)?);
    let file = layout.target.join("bench.json");
    std::fs::write(&file, serde_json::to_vec_pretty(&json!([row]))?)
        .with_context(|| format!("cannot write {}", file.display()))?;
    progress::result(&format!("written to {}", file.display()));
    Ok(ExitCode::SUCCESS)
}

/// A, then B, on one server with fsync on; relay and projectors do not run.
fn append(
    args: &Args,
    binaries: &BTreeMap<String, PathBuf>,
    stack: &mut Stack,
    folder: &Path,
    program: &Program,
    database: &str,
) -> Result<Value> {
    let program_of = |name: &str| {
        let path = binaries.get(name).with_context(|| format!("cargo built no program {name}"))?;
        let mut command = Command::new(path);
        command.env("DATABASE_URL", database).env_remove("NATS_URL").env_remove("API_TOKEN");
        anyhow::Ok(command)
    };
    let log = stack.log("migrate");
    run_logged(program_of("command-api")?.arg("migrate"), "migrate the database", &log)?;
    let (table, insert) = (folder.join("baseline.sql"), folder.join("insert.sql"));
    std::fs::write(&table, BASELINE_TABLE)?;
    // pgbench reads one statement to the line's semicolon.
    std::fs::write(&insert, BASELINE_INSERT.replace('\n', " "))?;
    postgres::run_file(program, database, &table, &stack.log("baseline"))?;

    progress::step("Measuring", "A: one INSERT of one event per transaction (pgbench)");
    let mut pgbench = Command::new(program.path.with_file_name("pgbench"));
    pgbench.args(["--no-vacuum", "--protocol=prepared", "--jobs=2"]);
    pgbench.arg(format!("--client={CLIENTS}")).arg(format!("--time={}", args.seconds));
    pgbench.arg("--file").arg(&insert).arg(database);
    let baseline = inserts_per_second(&output(&mut pgbench, "pgbench")?)?;

    let port = ports::free()?;
    let url = format!("http://{HOST}:{port}");
    let mut serve = program_of("command-api")?;
    serve.arg("serve").env("LISTEN", format!("{HOST}:{port}")).env("RUST_LOG", "warn");
    let ready = format!("{url}/ready");
    let spec = Spec { name: "command-api", command: serve, stop_with: StopWith::Terminate, url };
    stack.start(spec, || http::is_ok(&ready))?;

    progress::step("Measuring", "B: durable cart commands over HTTP");
    let mut load = program_of("bench")?;
    load.arg("append").arg("--address").arg(format!("{HOST}:{port}"));
    load.arg(format!("--connections={CLIENTS}")).arg(format!("--seconds={}", args.seconds));
    let load: Value = serde_json::from_slice(&output(&mut load, "the load")?.stdout)
        .context("the load printed something else than its figures")?;
    let memory = stack.memory_peak_mib("command-api")?;
    let value = load["commands_per_second"].as_f64().context("the load printed no rate")?;
    Ok(json!({
        "row": "append", "unit": "commands/s", "value": value, "baseline": baseline,
        "ratio": value / baseline, "p50_ms": load["p50_ms"], "p99_ms": load["p99_ms"],
        "command_api_peak_mib": memory,
    }))
}

fn output(command: &mut Command, what: &str) -> Result<Output> {
    let output = command.output().with_context(|| format!("cannot run {what}"))?;
    if !output.status.success() {
        bail!("{what} failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(output)
}

/// Out of pgbench's `tps = 21000.1 (without initial connection time)`.
fn inserts_per_second(output: &Output) -> Result<f64> {
    let text = String::from_utf8_lossy(&output.stdout);
    let rate = text.lines().find_map(|line| line.strip_prefix("tps = ")?.split(' ').next());
    rate.context("pgbench printed no rate")?.parse().context("pgbench printed no number")
}

fn table(row: &Value) -> Result<String> {
    let number = |name: &str| row[name].as_f64().with_context(|| format!("no {name}"));
    let mut table = String::new();
    writeln!(table, "A  one INSERT of one event per transaction, {CLIENTS} clients (pgbench)")?;
    writeln!(table, "   {:>10.0} events/s", number("baseline")?)?;
    writeln!(table, "B  durable cart commands over HTTP, {CLIENTS} connections, a key each")?;
    write!(table, "   {:>10.0} commands/s", number("value")?)?;
    writeln!(table, "   p50 {} ms, p99 {} ms", row["p50_ms"], row["p99_ms"])?;
    writeln!(table, "   command-api's memory peaked at {} MiB", row["command_api_peak_mib"])?;
    write!(table, "B/A {:>10.2}", number("ratio")?)?;
    Ok(table)
}
