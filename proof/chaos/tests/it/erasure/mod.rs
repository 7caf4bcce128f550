//! A person is forgotten everywhere, backups included; and nothing that is secret or about a person
//! stands in a log line, a metric or a problem, before or after; nor in any file of the servers.

mod files;
mod markers;
mod shop;
mod traces;
mod wrong;

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use harness::Program;
use kit::http::Step;
use reqwest::StatusCode;
use serde_json::json;
use sqlx::{AssertSqlSafe, PgPool};
use uuid::Uuid;

use self::markers::unmistakable;
use self::shop::{INTERNAL_NOTE, Person, Shop, id};
use crate::stack;

/// A program of the Postgres that runs.
fn postgres(name: &str) -> Command {
    Command::new(PathBuf::from(harness::required("POSTGRES_BIN")).with_file_name(name))
}

fn dump(database: &str) -> Vec<u8> {
    let output = postgres("pg_dump").arg("--dbname").arg(database).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// Another database, as it was when the dump was taken.
async fn restored(db: &PgPool, dump: &[u8]) -> String {
    let name = format!("restored_{}", Uuid::now_v7().simple());
    let create = format!("CREATE DATABASE {name}");
    sqlx::query(AssertSqlSafe(create)).execute(db).await.unwrap();
    let file = std::env::temp_dir().join(format!("{name}.sql"));
    fs::write(&file, dump).unwrap();
    let mut psql = postgres("psql");
    psql.args(["--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--dbname"]);
    let output = psql.arg(stack::database_called(&name)).arg("--file").arg(&file).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    fs::remove_file(&file).unwrap();
    name
}

/// Buys as a guest and as a customer, and leaves traces wherever one can.
async fn live(shop: &mut Shop) -> Person {
    let email = shop.personal.add("e-mail", format!("{}@shop.example", unmistakable("quorvi")));
    let password = shop.secret.add("password", unmistakable("Correct horse "));
    let (token, orders, addresses) = (String::new(), vec![], vec![]);
    let mut person = Person { email, password, token, orders, addresses };
    let left = shop.visit(&mut person).await;
    shop.join(&mut person).await;
    shop.buy(&mut person, left).await;
    shop.write(&person).await;
    shop.send_back(&mut person).await;
    // They are written to about what they bought, where their addresses say.
    while !shop.inbox.next().await.to.starts_with("write") {}
    person
}

/// What is sold, one of them under a name that stands nowhere else.
async fn stock(shop: &Shop, name: &str) {
    let ask = async |(path, body): Step| id(&shop.ask(&shop.owner, &path, body).await);
    let named = json!({"title": name, "variants": [{"sku": "NAMED", "prices": [
        {"amount": "1.00", "currency": "EUR"}]}]});
    let named = ask(("/v1/products".to_owned(), named)).await;
    ask(kit::http::publish(&named)).await;
    kit::http::sell("TOTE", 5, ask).await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn who_is_forgotten_is_forgotten_everywhere(db: PgPool) {
    let mut shop = Shop::open(&db).await;
    let published = unmistakable("Plumplori");
    stock(&shop, &published).await;
    let person = live(&mut shop).await;
    let known = shop.personal.clone();
    shop.look_for(&person).await;
    shop.staff().await;
    shop.colleague().await;
    shop.people_of_files();
    shop.ask_wrongly(&person).await;
    let hidden = shop.personal.and(&shop.secret);
    let (status, export) = shop.get(shop.commands("/v1/people/me/export"), &person.token).await;
    assert_eq!(status, StatusCode::OK, "{export}");
    known.but("card's token").but(INTERNAL_NOTE).must_be_in("what is known of them", &export);
    assert!(!export.contains("Shouts"), "{export}");

    // Nobody reads any of it outside of the vault, also before.
    let database = stack::database(&db);
    let before = dump(&database);
    hidden.must_not_be_in(&[("an earlier dump".to_owned(), before.clone())]);
    hidden.must_not_be_in(&shop.what_programs_say().await);
    hidden.must_not_be_in(&shop.what_is_read(&person).await);

    let farewell = json!({"password": person.password});
    shop.ask(&person.token, "/v1/people/me/forget", farewell).await;
    hidden.must_not_be_in(&[("a dump".to_owned(), dump(&database))]);
    hidden.must_not_be_in(&shop.what_programs_say().await);
    hidden.must_not_be_in(&shop.what_is_read(&person).await);
    for address in &person.addresses {
        let gone = shop.get(shop.commands(&format!("/v1/addresses/{address}")), &shop.owner).await;
        assert_eq!(gone.0, StatusCode::GONE, "{}", gone.1);
    }
    forgotten_again(&shop, &db, &before, &person).await;
    files::must_not_hold(&db, &hidden, &published).await;
}

/// A backup of before still knows them, until it is told who was forgotten.
async fn forgotten_again(shop: &Shop, db: &PgPool, before: &[u8], person: &Person) {
    let name = restored(db, before).await;
    let database = stack::database_called(&name);
    let list = shop.by_hand(&stack::database(db), "erased", Stdio::null());
    let told = [&shop.told[..], &[("DATABASE_URL", database.clone())]].concat();
    let mut program: Program = stack::service("command-api", &["serve"], &told);
    program.start().await.unwrap();
    let read = async |program: &Program| {
        let mut statuses = Vec::new();
        for address in &person.addresses {
            let url = program.url(&format!("/v1/addresses/{address}"));
            statuses.push(shop.get(url, &shop.owner).await.0);
        }
        statuses
    };
    assert_eq!(read(&program).await, [StatusCode::OK; 2], "a backup knows what was known then");
    let file = std::env::temp_dir().join(format!("{name}.erased"));
    fs::write(&file, &list).unwrap();
    let known = shop.by_hand(&database, "erase", fs::File::open(&file).unwrap().into());
    fs::remove_file(&file).unwrap();
    assert_ne!(known.trim(), "0", "{list}");
    assert_eq!(read(&program).await, [StatusCode::GONE; 2]);
    program.stop("TERM").await.unwrap();
    let again = ("what was restored".to_owned(), dump(&database));
    shop.personal.and(&shop.secret).must_not_be_in(&[again]);
    let drop = format!("DROP DATABASE {name} WITH (FORCE)");
    sqlx::query(AssertSqlSafe(drop)).execute(db).await.unwrap();
}
