//! What linters say of the committed documents, and whether the log is as its document says. That
//! they are what the programs serve is the affair of `cargo xtask api --check`, and of each
//! service's own test.

use std::path::PathBuf;
use std::process::Command;

use contract::shop::{Shop, root};
use contract::tools::{node, node_modules, script, succeed};
use sqlx::PgPool;

fn document(name: &str) -> PathBuf {
    root().join("docs/api").join(name)
}

const APIS: [&str; 3] =
    ["command-api.openapi.json", "query-api.openapi.json", "projector.openapi.json"];

#[test]
fn spectral_and_redocly_find_nothing() {
    let rules = root().join("proof/contract/tools/spectral.yaml");
    let mut spectral = node("spectral");
    spectral.args(["lint", "--fail-severity", "hint", "--ruleset"]).arg(rules);
    succeed(spectral.args(APIS.map(document)), "spectral lints");
    let mut redocly = node("redocly");
    redocly.args(["lint", "--format", "summary", "--max-problems", "1"]);
    // Spectral holds that everything can succeed, and knows what begins with 101.
    redocly.args(["--skip-rule", "operation-2xx-response"]);
    let said = succeed(redocly.args(APIS.map(document)), "redocly lints");
    assert!(!said.contains("warning"), "{said}");
}

#[test]
fn the_parser_of_asyncapi_takes_the_events() {
    let script = root().join("proof/contract/tools/asyncapi.cjs");
    let mut node = Command::new("node");
    node.arg(script).arg(document("events.asyncapi.json")).env("NODE_PATH", node_modules());
    succeed(&mut node, "asyncapi parses");
}

#[sqlx::test(migrations = "../../migrations")]
async fn events_of_the_log_are_as_their_schemas_say(db: PgPool) {
    let shop = Shop::open(&db).await;
    let lines = std::env::temp_dir().join(format!("contract-log-{}", std::process::id()));
    std::fs::write(&lines, shop.log().await).unwrap();
    let mut judge = script("events.py");
    judge.arg(document("events.schema.json")).stdin(std::fs::File::open(&lines).unwrap());
    succeed(&mut judge, "events are judged");
    std::fs::remove_file(lines).unwrap();
}
