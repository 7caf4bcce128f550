//! The Python client: it is made of the documents, it is well typed, and it does what it promises
//! against the running engine.

use std::path::PathBuf;
use std::process::Command;

use contract::shop::{Shop, root};
use contract::tools::{python, succeed};
use harness::required;
use sqlx::PgPool;

use crate::client::is_committed;

/// The documents, and what is called after them in Python.
const APIS: [[&str; 3]; 2] = [
    ["command-api.openapi.json", "CommandApi", "command_api.py"],
    ["query-api.openapi.json", "QueryApi", "query_api.py"],
];

fn client() -> PathBuf {
    root().join("clients/python")
}

/// Python, which leaves nothing beside what it reads.
fn interpreter() -> Command {
    let mut python = Command::new("python3");
    python.arg("-B").current_dir(client());
    python
}

#[test]
fn it_is_made_of_the_documents() {
    for [document, name, module] in APIS {
        let document = root().join("docs/api").join(document);
        let mut generate = interpreter();
        generate.arg("tools/generate.py").arg(document).arg(name);
        let made = succeed(&mut generate, "types and methods are made");
        is_committed(&client().join("src/commerce_client/generated").join(module), &made);
    }
}

/// What its types refuse is marked in `test/types_hold.py`; a mark without its error is one itself.
#[test]
fn its_use_is_well_typed() {
    let mut mypy = python("mypy");
    mypy.arg("--cache-dir").arg(PathBuf::from(required("CONTRACT_TOOLS")).join("mypy"));
    succeed(mypy.current_dir(client()), "its types are checked");
}

#[sqlx::test(migrations = "../../migrations")]
async fn it_does_what_it_promises(db: PgPool) {
    let shop = Shop::open(&db).await;
    let mut tests = interpreter();
    tests.args(["-m", "unittest", "discover", "--start-directory", "test"]);
    tests.env("PYTHONPATH", client().join("src"));
    tests.env("COMMANDS_URL", shop.commands.url("")).env("READS_URL", shop.reads.url(""));
    tests.env("TOKEN", &shop.owner);
    succeed(&mut tests, "its tests run");
}
