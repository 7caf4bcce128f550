//! The TypeScript client: its types are those of the documents, it is well typed, and it does what
//! it promises against the running engine.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use contract::shop::{Shop, root};
use contract::tools::{node, succeed};
use sqlx::PgPool;

fn client() -> PathBuf {
    root().join("clients/typescript")
}

#[test]
fn its_types_are_those_of_the_documents() {
    for api in ["command-api", "query-api"] {
        let document = root().join("docs/api").join(format!("{api}.openapi.json"));
        let made = succeed(node("openapi-typescript").arg(document), "types are made");
        let file = client().join("src/generated").join(format!("{api}.ts"));
        if std::env::var_os("UPDATE_CLIENT").is_some() {
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(&file, &made).unwrap();
        }
        let same = fs::read_to_string(&file).is_ok_and(|committed| committed == made);
        assert!(same, "{} is old: run `cargo xtask api --client`", file.display());
    }
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
