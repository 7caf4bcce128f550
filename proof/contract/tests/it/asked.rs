//! The running APIs, asked whatever their documents allow, and what they do not: no answer may be a
//! failure of ours, none may be another than its document says, and what breaks a rule of it must
//! be refused. One answer leads to the next question by the links of the document.

use contract::shop::{Shop, root};
use contract::tools::{python, succeed};
use harness::Program;
use serde_json::json;
use sqlx::PgPool;

/// How long each way of asking may take, in seconds, unless `cargo xtask contract` says otherwise.
const SECONDS: u32 = 15;
/// The ways: each operation by itself with what is allowed and what is not, and what is allowed one
/// after the other by the links of the document.
const WAYS: [[&str; 4]; 2] = [
    ["--phases", "examples,coverage,fuzzing", "--mode", "all"],
    ["--phases", "stateful", "--mode", "positive"],
];
/// What is made up is made of this, so that the tests ask the same each time; whoever has hours
/// wants something new.
const SEED: &str = "1";

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

/// Has an API asked by somebody in each way.
fn ask(shop: &Shop, api: &Program, name: &str, token: &str) {
    let told = std::env::var("CONTRACT_SECONDS").ok();
    let seconds = told.as_ref().map_or(SECONDS, |seconds| seconds.parse().unwrap());
    let folder = std::env::temp_dir().join(format!("contract-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let settings = folder.join("schemathesis.toml");
    std::fs::write(&settings, settings_of(shop, token)).unwrap();
    for way in WAYS {
        let mut schemathesis = python("schemathesis");
        schemathesis.arg("--config-file").arg(&settings);
        schemathesis.arg("run").arg(api.url("/openapi.json")).args(["--url", &api.url("")]);
        schemathesis.args(way).args(["--max-time", &seconds.to_string()]);
        if way.contains(&"stateful") {
            schemathesis.env("OWN_KEYS", "yes");
        }
        if told.is_none() {
            schemathesis.args(["--seed", SEED]);
        }
        // Some rules are of several members together, which a document says in words alone.
        schemathesis.args(["--exclude-checks", "positive_data_acceptance"]);
        // A stream without an end is waited for in vain.
        schemathesis.args(["--exclude-operation-id", "order.live"]);
        schemathesis.args(["--continue-on-failure", "--warnings", "off"]);
        schemathesis.env("SCHEMATHESIS_HOOKS", root().join("proof/contract/tools/hooks.py"));
        let said = succeed(schemathesis.current_dir(&folder), "schemathesis asks");
        let counted =
            said.lines().filter(|line| line.contains("generated") || line.contains("Links"));
        println!("{name}, {}: {}", way[1], counted.collect::<Vec<_>>().join(", "));
    }
    std::fs::remove_dir_all(folder).unwrap();
}

/// Whose token is sent, of which log, and what is not taken for a failure: a read model that has
/// not come as far as was asked, and a batch whose lines are refused one by one.
fn settings_of(shop: &Shop, token: &str) -> String {
    let text = |value: &str| json!(value).to_string();
    let (log_id, guest, token) = (text(&shop.log_id), text(&shop.guest), text(token));
    format!(
        "[phases.stateful]\nmax-steps = 20\n[phases.stateful.inference]\nalgorithms = []\n\
         [parameters]\n\"header.Log-Id\" = {log_id}\n\"header.Guest-Token\" = {guest}\n\
         [auth.openapi.token]\nbearer = {token}\n\
         [checks.not_a_server_error]\nexpected-statuses = [\"2xx\", \"3xx\", \"4xx\", 504]\n\
         [[operations]]\ninclude-operation-id = \"batch.send\"\n\
         checks.negative_data_rejection.enabled = false\n"
    )
}
