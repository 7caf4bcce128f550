//! The running APIs, asked whatever their documents allow, and what they do not: no answer may be a
//! failure of ours, none may be another than its document says, and what breaks a rule of it must
//! be refused. One answer leads to the next question by the links of the document.

use contract::shop::{Shop, root};
use contract::tools::{python, succeed};
use harness::Program;
use serde_json::json;
use sqlx::PgPool;

/// How long each who asks may take, in seconds, unless `cargo xtask contract` says otherwise.
const SECONDS: u32 = 30;

#[sqlx::test(migrations = "../../migrations")]
async fn commands_are_answered_as_their_document_says(db: PgPool) {
    let shop = Shop::open(&db).await;
    ask(&shop, &shop.commands, "commands", &shop.owner);
    ask(&shop, &shop.commands, "commands", &shop.customer);
}

#[sqlx::test(migrations = "../../migrations")]
async fn reads_are_answered_as_their_document_says(db: PgPool) {
    let shop = Shop::open(&db).await;
    ask(&shop, &shop.reads, "reads", &shop.owner);
    ask(&shop, &shop.reads, "reads", &shop.customer);
}

/// Has an API asked by somebody.
fn ask(shop: &Shop, api: &Program, name: &str, token: &str) {
    let seconds = std::env::var("CONTRACT_SECONDS");
    let seconds = seconds.map_or(SECONDS, |seconds| seconds.parse().unwrap());
    let folder = std::env::temp_dir().join(format!("contract-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let settings = folder.join("schemathesis.toml");
    std::fs::write(&settings, settings_of(shop, token)).unwrap();
    let mut schemathesis = python("schemathesis");
    schemathesis.arg("--config-file").arg(&settings);
    schemathesis.arg("run").arg(api.url("/openapi.json")).args(["--url", &api.url("")]);
    schemathesis.args(["--max-time", &seconds.to_string(), "--continue-on-failure"]);
    // Two rules of some bodies and queries are of several members together, and are said in words.
    schemathesis.args(["--exclude-checks", "positive_data_acceptance", "--warnings", "off"]);
    schemathesis.env("SCHEMATHESIS_HOOKS", root().join("proof/contract/tools/hooks.py"));
    let said = succeed(schemathesis.current_dir(&folder), "schemathesis asks");
    let summary = said.rsplit_once("SUMMARY").map_or("", |(_, summary)| summary);
    assert!(summary.contains("Stateful"), "{said}");
    println!("{name}: {summary}");
    std::fs::remove_dir_all(folder).unwrap();
}

/// Whose token is sent, of which log, and what is not taken for a failure: a read model that has
/// not come as far as was asked.
fn settings_of(shop: &Shop, token: &str) -> String {
    let text = |value: &str| json!(value).to_string();
    let (log_id, guest, token) = (text(&shop.log_id), text(&shop.guest), text(token));
    format!(
        "[parameters]\n\"header.Log-Id\" = {log_id}\n\"header.Guest-Token\" = {guest}\n\
         [auth.openapi.token]\nbearer = {token}\n\
         [checks.not_a_server_error]\nexpected-statuses = [\"2xx\", \"3xx\", \"4xx\", 504]\n"
    )
}
