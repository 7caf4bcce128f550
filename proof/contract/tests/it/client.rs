//! The TypeScript client: its types are those of the documents, it is well typed, and it does what
//! it promises against the running engine.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use contract::shop::{Shop, root};
use contract::tools::{node, succeed};
use serde_json::Value;
use sqlx::PgPool;

fn client() -> PathBuf {
    root().join("clients/typescript")
}

#[test]
fn its_types_are_those_of_the_documents() {
    for api in ["command-api", "query-api"] {
        let document = root().join("docs/api").join(format!("{api}.openapi.json"));
        let made = succeed(node("openapi-typescript").arg(document), "types are made");
        is_committed(&generated(&format!("{api}.ts")), &made);
    }
}

fn generated(name: &str) -> PathBuf {
    client().join("src/generated").join(name)
}

/// What is made of the documents stands in the client's folder, or is written there.
pub fn is_committed(file: &Path, made: &str) {
    if std::env::var_os("UPDATE_CLIENT").is_some() {
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, made).unwrap();
    }
    let same = fs::read_to_string(file).is_ok_and(|committed| committed == made);
    assert!(same, "{} is old: run `cargo xtask api --client`", file.display());
}

/// What may be asked again is what takes a key by its document, and nothing else.
#[test]
fn it_knows_what_takes_a_key() {
    let document = root().join("docs/api/command-api.openapi.json");
    let document: Value = serde_json::from_slice(&fs::read(document).unwrap()).unwrap();
    let takes_key = |operation: &Value| {
        let parameters = operation["parameters"].as_array().into_iter().flatten();
        parameters.into_iter().any(|parameter| {
            let name = parameter["$ref"].as_str().or(parameter["name"].as_str());
            name.is_some_and(|name| name.rsplit('/').next() == Some("Idempotency-Key"))
        })
    };
    let mut keyed = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        let methods = methods.as_object().unwrap().iter();
        let methods = methods.filter(|(_, operation)| takes_key(operation));
        keyed.extend(methods.map(|(method, _)| format!("  \"{method} {path}\",\n")));
    }
    let about = "/** What takes an idempotency key, as the document has it. */";
    let keyed = keyed.concat();
    let made =
        format!("{about}\nexport const KEYED: ReadonlySet<string> = new Set([\n{keyed}]);\n");
    assert!(made.contains("post /v1/payments\"") && !made.contains("/v1/sessions"));
    is_committed(&generated("keyed.ts"), &made);
}

#[sqlx::test(migrations = "../../migrations")]
async fn it_is_well_typed_and_does_what_it_promises(db: PgPool) {
    succeed(node("tsc").arg("-p").arg(client().join("test")), "its use is well typed");
    succeed(node("tsc").arg("-p").arg(client()), "it is compiled");
    let shop = Shop::open(&db).await;
    let mut tests = Command::new("node");
    tests.arg("--test").arg(client().join("test/shop.test.mjs")).current_dir(client());
    tests.env("COMMANDS_URL", shop.commands.url("")).env("READS_URL", shop.reads.url(""));
    tests.env("TOKEN", &shop.owner);
    succeed(&mut tests, "its tests run");
}
