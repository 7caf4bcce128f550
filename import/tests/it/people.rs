//! People out of files: sealed, found again by their address, never in the log; and who was
//! forgotten stays so.

use std::sync::Arc;

use chrono::Utc;
use identity::master::Master;
use identity::people::{Email, Password, People, SignInError};
use import::{Args, Error, Report, import};
use serde_json::json;
use sqlx::PgPool;
use uuid::Uuid;
use vault::address::{PostalAddress, Profile};
use vault::records::Kind;
use vault::{DataSubject, VaultError};

use super::{assert_left_out, data, file, log, of_kind, orders};

/// As Shopify exports its customers, shortened.
const CUSTOMERS: &str = "\
Customer ID,First Name,Last Name,Email,Accepts Email Marketing,Default Address Company,\
Default Address Address1,Default Address Address2,Default Address City,\
Default Address Province Code,Default Address Country Code,Default Address Zip,\
Default Address Phone,Phone,Total Spent,Note,Tags\n\
7001,Zdenka,Quillfeather,zdenka@quill.example,yes,Quill & Co,Marrowgasse 17,Hof,Graz,ST,AT,\
'8010,'+43 316 555017,'+43 660 5550171,120.00,likes blue,vip\n\
7002,Ottokar,Brimblecombe,,no,,,,,,,,,,0.00,,\n\
,Nobody,Known,not an address,no,,,,,,,,,,0.00,,\n\
7004,Zdenka,Again,ZDENKA@quill.example,no,,,,,,,,,,0.00,,\n";

/// As Shopify exports its orders, shortened.
const ORDERS: &str = "\
Name,Email,Financial Status,Created at,Currency,Lineitem quantity,Lineitem name,Lineitem price,\
Lineitem sku,Shipping Name,Shipping Street,Shipping Address1,Shipping Address2,Shipping Company,\
Shipping City,Shipping Zip,Shipping Province,Shipping Country,Shipping Phone\n\
#1001,zdenka@quill.example,paid,2024-05-01 10:00:00 +0200,EUR,1,Tote,20.00,TOTE,\
Zdenka Quillfeather,Marrowgasse 17,Marrowgasse 17,,,Graz,'8010,ST,AT,\n\
#1001,zdenka@quill.example,,,,2,Cap,5.00,CAP,,,,,,,,,,\n\
#1002,ursula@plinth.example,paid,2024-05-02 10:00:00 +0200,EUR,1,Tote,20.00,TOTE,\
Ursula Plinthsworth,Kelp Row 3,Kelp Row 3,,,Dover,CT16,,GB,\n\
#1003,,paid,2024-05-03 10:00:00 +0200,EUR,1,Tote,20.00,TOTE,\
Wendeline Harkaway,Thrush Lane 9,Thrush Lane 9,,,Dover,CT17,,GB,\n";

const WORDS: [&str; 8] = [
    "Quillfeather",
    "quill.example",
    "Marrowgasse",
    "555017",
    "Brimblecombe",
    "Plinthsworth",
    "Kelp Row",
    "Harkaway",
];

fn customers(file: std::path::PathBuf) -> Args {
    Args::Customers { file }
}

pub fn people_of(db: &PgPool) -> People {
    let master = Master::read(&Master::generate().as_str().into()).unwrap();
    People::new(db.clone(), Arc::new(master))
}

fn email(text: &str) -> Email {
    Email::try_from(text.to_owned()).unwrap()
}

async fn id_of(people: &People, address: &str) -> Uuid {
    people.with_email(&email(address)).await.unwrap().unwrap().person.id
}

pub async fn run_with(db: &PgPool, people: &People, args: Args) -> Report {
    import(args, db.clone(), Some(people)).await.unwrap()
}

/// Everything that stands in any table, as text.
async fn all_text(db: &PgPool) -> String {
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = 'public'",
    )
    .fetch_all(db)
    .await
    .unwrap();
    let mut all = String::new();
    for table in tables {
        let rows = format!("SELECT coalesce(string_agg(t::text, ' '), '') FROM {table} t");
        let text: String =
            sqlx::query_scalar(sqlx::AssertSqlSafe(rows)).fetch_one(db).await.unwrap();
        all.push_str(&text);
    }
    all
}

#[sqlx::test(migrations = "../migrations")]
async fn customers_have_an_account_and_lie_sealed(db: PgPool) {
    let people = people_of(&db);
    let report = run_with(&db, &people, customers(file(CUSTOMERS))).await;
    assert_left_out(&report, &[(4, "neither a customer id nor"), (5, "in the file before")]);
    assert!(report.to_string().contains("2 customers are new here"), "{report}");
    assert!(report.to_string().contains("not kept: accepts email marketing, total spent, note"));

    let zdenka = id_of(&people, "zdenka@QUILL.example").await;
    let profile = people.profile(zdenka).await.unwrap();
    assert_eq!(profile.name.unwrap().as_str(), "Zdenka Quillfeather");
    assert_eq!(profile.phone.unwrap().as_str(), "+43 660 5550171");
    let addresses = people.vault().all::<PostalAddress>(Kind::Address, DataSubject(zdenka), true);
    let [address] = &addresses.await.unwrap()[..] else { panic!("one address") };
    assert_eq!(
        serde_json::to_value(&address.plain).unwrap(),
        json!({
            "name": "Zdenka Quillfeather", "company": "Quill & Co",
            "lines": ["Marrowgasse 17", "Hof"], "postcode": "8010", "city": "Graz",
            "region": "ST", "country": "AT", "phone": "+43 316 555017",
        })
    );
    let guess = Password::from("correct horse battery".to_owned());
    let signed_in = people.sign_in(&email("zdenka@quill.example"), guess, Utc::now()).await;
    assert!(matches!(signed_in, Err(SignInError::Wrong)), "there is no password yet");

    assert!(log(&db).await.is_empty(), "people are no events");
    let (text, told) = (all_text(&db).await, format!("{report} {:?}", report.reasons()));
    for word in WORDS {
        assert!(!text.contains(word) && !told.contains(word), "{word}");
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn what_people_said_here_stays_and_the_forgotten_stay_forgotten(db: PgPool) {
    let people = people_of(&db);
    run_with(&db, &people, customers(file(CUSTOMERS))).await;
    let zdenka = id_of(&people, "zdenka@quill.example").await;
    let said = Profile { name: "Z. Quill".to_owned().try_into().ok(), ..Profile::default() };
    people.say(zdenka, &said, Utc::now()).await.unwrap();
    let again = run_with(&db, &people, customers(file(CUSTOMERS))).await;
    assert!(again.to_string().contains("0 customers are new here, 2 were known"), "{again}");
    assert_eq!(people.profile(zdenka).await.unwrap(), said);

    people.forget(zdenka, Utc::now()).await.unwrap();
    let later = run_with(&db, &people, customers(file(CUSTOMERS))).await;
    assert!(later.reasons().contains(&(2, "they were forgotten here".to_owned())), "{later}");
    assert!(people.with_email(&email("zdenka@quill.example")).await.unwrap().is_none());
    assert!(matches!(people.profile(zdenka).await, Err(VaultError::Erased)));
}

#[sqlx::test(migrations = "../migrations")]
async fn a_history_that_names_people_is_refused_where_they_cannot_be_kept(db: PgPool) {
    let emails = "Order,Date,SKU,Quantity,Price,Email\n1,2024-05-01,TOTE,1,20.00,\n\
                  2,2024-05-02,TOTE,1,20.00,zdenka@quill.example\n";
    for told in [emails, ORDERS] {
        let refused = import(orders(file(told)), db.clone(), None).await.unwrap_err().to_string();
        assert!(refused.contains("MASTER_KEY") && !refused.contains("quill"), "{refused}");
    }
    assert!(log(&db).await.is_empty(), "a later run with a key says who ordered");
    // A customer's number is no secret, and of an empty column nothing is lost.
    let nobody = "Order,Date,SKU,Quantity,Price,Email,Customer ID\n1,2024-05-01,TOTE,1,20.00,,7\n";
    let report = import(orders(file(nobody)), db.clone(), None).await.unwrap();
    assert_eq!(report.rows_skipped(), 0, "{report}");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_history_belongs_to_whom_it_names(db: PgPool) {
    let people = people_of(&db);
    run_with(&db, &people, customers(file(CUSTOMERS))).await;
    let report = run_with(&db, &people, orders(file(ORDERS))).await;
    assert_eq!(report.rows_skipped(), 0, "{:?}", report.reasons());
    assert!(report.to_string().contains("1 customers are new here"), "{report}");

    let placed = of_kind(&db, "order.placed").await;
    let zdenka = id_of(&people, "zdenka@quill.example").await;
    let ursula = id_of(&people, "ursula@plinth.example").await;
    assert_eq!(placed[0]["customer_id"], json!(zdenka));
    assert_eq!(placed[1]["customer_id"], json!(ursula));
    assert_eq!(placed[2].get("customer_id"), None);
    for (order, name) in placed.iter().zip(["Zdenka Quill", "Ursula Plinth", "Wendeline Hark"]) {
        let id: Uuid = order["address_id"].as_str().unwrap().parse().unwrap();
        let kept = people.vault().kept::<PostalAddress>(Kind::Address, id).await.unwrap().unwrap();
        assert!(kept.plain.name.as_str().starts_with(name));
        let of = order["customer_id"].as_str().map_or(id, |id| id.parse().unwrap());
        assert_eq!(kept.subject, DataSubject(of), "who is known, or who is in it alone");
    }
    let text = all_text(&db).await;
    for word in WORDS {
        assert!(!text.contains(word), "{word}");
    }

    let before = log(&db).await;
    people.forget(ursula, Utc::now()).await.unwrap();
    let again = run_with(&db, &people, orders(file(ORDERS))).await;
    assert_eq!((again.rows_skipped(), again.commands().accepted), (0, 0), "{:?}", again.reasons());
    assert_eq!(log(&db).await, before);
    assert!(people.with_email(&email("ursula@plinth.example")).await.unwrap().is_none());
}

/// Whoever registers with somebody's e-mail gets neither their history nor what is known of them.
#[sqlx::test(migrations = "../migrations")]
async fn who_has_not_shown_that_an_address_is_theirs_gets_no_history(db: PgPool) {
    let people = people_of(&db);
    let (address, mine) = (email("zdenka@quill.example"), Password::from("squatter".to_owned()));
    let squatter = people.register(&address, mine, None).await.unwrap().unwrap();
    let report = run_with(&db, &people, customers(file(CUSTOMERS))).await;
    assert!(report.reasons().iter().any(|(line, why)| *line == 2 && why.contains("not shown")));
    let report = run_with(&db, &people, orders(file(ORDERS))).await;
    assert!(report.remarks().iter().any(|(_, why)| why.contains("not shown")), "{report}");
    assert_eq!(report.rows_skipped(), 0, "the orders are kept: {:?}", report.reasons());
    let placed = of_kind(&db, "order.placed").await;
    assert_eq!(placed.len(), 3);
    assert!(placed.iter().all(|order| order.get("customer_id") != Some(&json!(squatter))));
    let id: Uuid = placed[0]["address_id"].as_str().unwrap().parse().unwrap();
    let kept = people.vault().kept::<PostalAddress>(Kind::Address, id).await.unwrap().unwrap();
    assert_eq!(kept.subject, DataSubject(id), "who is in it alone");
    assert_eq!(people.profile(squatter).await.unwrap(), Profile::default());
    let known = people.vault().all::<PostalAddress>(Kind::Address, DataSubject(squatter), true);
    assert!(known.await.unwrap().is_empty());
    // Who has shown it gets it.
    let proven = "UPDATE people SET verified_at = now() WHERE id = $1";
    sqlx::query(proven).bind(squatter).execute(&db).await.unwrap();
    let later = ORDERS.replace("#1001", "#2001");
    run_with(&db, &people, orders(file(&later))).await;
    let placed = of_kind(&db, "order.placed").await;
    assert_eq!(placed[3]["customer_id"], json!(squatter));
}

#[sqlx::test(migrations = "../migrations")]
async fn without_a_vault_nobody_is_known(db: PgPool) {
    let refused = import(customers(file(CUSTOMERS)), db.clone(), None).await;
    assert!(matches!(refused, Err(Error::NoVault)), "{refused:?}");
    assert!(log(&db).await.is_empty());
}

#[sqlx::test(migrations = "../migrations")]
async fn names_of_a_history_are_kept_with_its_customers(db: PgPool) {
    let people = people_of(&db);
    let report = run_with(&db, &people, orders(data("superstore-slice.csv"))).await;
    assert_eq!(report.rows_skipped(), 0);
    let placed = of_kind(&db, "order.placed").await;
    let id: Uuid = placed[0]["customer_id"].as_str().unwrap().parse().unwrap();
    let name = people.profile(id).await.unwrap().name.unwrap();
    assert_eq!(name.as_str(), "Private Person");
    assert!(!all_text(&db).await.contains("Private Person"));
}
