//! Orders that are found: by what is in them and by their parcels, by those whose they are; and by
//! what is known of people, by the back office alone, of which nothing is written anywhere.

use std::io::Write;
use std::sync::{Arc, Mutex};

use axum::http::StatusCode;
use chrono::{TimeDelta, Utc};
use domain::{CustomerId, GuestId};
use identity::issuer::Issuer;
use identity::token::Subject;
use identity::{Guard, Role};
use serde_json::{Value, json};
use service::config::Secret;
use sqlx::PgPool;
use tracing_subscriber::filter::LevelFilter;
use uuid::Uuid;
use vault::address::{PostalAddress, Profile};
use vault::index::WordIndex;
use vault::records::{Kind, Record};
use vault::{DataSubject, Master, Vault};

use crate::support::{Answer, Shop};

const ISSUER: &str = "https://shop.example";

/// A shop that knows people and asks who somebody is, as its back office, a customer and a guest.
struct Known {
    shop: Shop,
    vault: Vault,
    staff: String,
    customer: String,
    guest: String,
}

/// Whose the orders of [`Shop::put_order`] are whose number leaves 1 by four.
const CUSTOMER: Uuid = Uuid::from_u128(1);

impl Known {
    async fn open(db: &PgPool) -> Self {
        let master = Arc::new(Master::read(&Secret::from(Master::generate().as_str())).unwrap());
        let told = Secret::from(master.index().told().as_str());
        let index = Arc::new(WordIndex::read(&told).unwrap());
        let guard = Guard::new(None, false, Some((db.clone(), ISSUER.to_owned())));
        let shop = Shop::with(db, |settings| {
            settings.guard = guard;
            settings.index_key = Some(index);
        })
        .await;
        let issuer = Issuer::new(db.clone(), master.clone(), ISSUER);
        let token = async |subject| {
            let given = issuer.issue(subject, Utc::now(), TimeDelta::hours(1)).await;
            format!("Bearer {}", given.unwrap().token)
        };
        Self {
            shop,
            vault: Vault::new(db.clone(), master),
            staff: token(Subject::Member(Uuid::now_v7(), Role::Staff)).await,
            customer: token(Subject::Customer(CustomerId(CUSTOMER))).await,
            guest: token(Subject::Guest(GuestId(Uuid::now_v7()))).await,
        }
    }

    async fn get(&self, path: &str, token: &str) -> Answer {
        self.shop.ask(path, &[("authorization", token)]).await
    }

    /// Which orders the back office finds, by their numbers here, over pages of two.
    async fn found(&self, query: &str) -> Vec<u128> {
        let (mut ids, mut cursor) = (vec![], String::new());
        loop {
            let path = format!("/v1/orders?limit=2&sort=created_at&{query}{cursor}");
            let page = self.get(&path, &self.staff).await;
            assert_eq!(page.status, StatusCode::OK, "{path}: {}", page.text);
            ids.extend(page.ids().iter().map(|id| id.parse::<Uuid>().unwrap().as_u128()));
            match page.json()["next"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return ids,
            }
        }
    }

    /// Has an order go to somebody.
    async fn sent_to(&self, order: &str, address: &Value) {
        let id = Uuid::now_v7();
        let plain: PostalAddress = serde_json::from_value(address.clone()).unwrap();
        let (kind, subject) = (Kind::Address, DataSubject(id));
        let record = Record { id, subject, kind, lasting: false, plain: &plain };
        self.vault.keep(record, &plain.words(), Utc::now()).await.unwrap();
        let sent = sqlx::query("UPDATE orders_rows SET address_id = $1 WHERE id = $2::uuid");
        sent.bind(id).bind(order).execute(&self.shop.db).await.unwrap();
    }

    /// Has the customer be somebody.
    async fn is(&self, profile: &Value) {
        let plain: Profile = serde_json::from_value(profile.clone()).unwrap();
        let (kind, subject) = (Kind::Profile, DataSubject(CUSTOMER));
        let record = Record { id: CUSTOMER, subject, kind, lasting: true, plain: &plain };
        self.vault.keep(record, &plain.words(), Utc::now()).await.unwrap();
    }

    async fn holds(&self, order: &str, skus: &[&str], tracking_keys: &[&str]) {
        let holds = "UPDATE orders_rows SET skus = $2, tracking_keys = $3 WHERE id = $1::uuid";
        let holds = sqlx::query(holds).bind(order).bind(skus).bind(tracking_keys);
        holds.execute(&self.shop.db).await.unwrap();
    }
}

fn address(name: &str, more: &[(&str, &str)]) -> Value {
    let mut address = json!({"name": name, "lines": ["Road 1"], "city": "Berlin",
                             "postcode": "10115", "country": "DE"});
    for (name, value) in more {
        address[name] = json!(value);
    }
    address
}

#[sqlx::test(migrations = "../migrations")]
async fn orders_are_found_by_who_they_are_for(db: PgPool) {
    let known = Known::open(&db).await;
    let mut orders = vec![];
    for n in 1..=9 {
        orders.push(known.shop.put_order(n, "confirmed", 10.0, n).await);
    }
    let (mail, phone) = (("email", "Jorg@Shop.example"), ("phone", "+49 171 2345678"));
    known.sent_to(&orders[1], &address("Jörg Müller", &[mail])).await;
    known.sent_to(&orders[2], &address("Anna Müller", &[phone])).await;
    known.sent_to(&orders[3], &address("Jorg Smith", &[])).await;
    // Orders 1, 5 and 9 are the customer's, of which one goes to somebody else.
    known.is(&json!({"name": "Mueller Anna", "email": "anna@shop.example"})).await;
    known.sent_to(&orders[4], &address("Bertha Benz", &[])).await;
    for (query, wanted) in [
        ("name=muller", &[2, 3][..]),
        ("name=M%C3%BCller+j%C3%B6rg", &[2]),
        ("name=jorg", &[2, 4]),
        ("name=jorg+JORG", &[2, 4]),
        ("name=anna", &[1, 3, 5, 9]),
        ("name=anna&sku=NONE", &[]),
        ("name=benz", &[5]),
        ("name=benz+anna", &[]),
        ("email=jorg%40shop.EXAMPLE", &[2]),
        ("email=anna@shop.example", &[1, 5, 9]),
        ("email=anna@shop.example&name=anna", &[1, 5, 9]),
        ("email=anna@shop.example&name=muller", &[]),
        ("email=anna@shop.example&name=benz", &[5]),
        ("email=nobody@shop.example", &[]),
        ("phone=0171/2345678", &[3]),
        ("phone=0171/2345678&name=anna", &[3]),
        ("phone=0171/2345678&name=jorg", &[]),
        ("name=anna&status=pending", &[]),
    ] {
        assert_eq!(known.found(query).await, wanted, "{query}");
    }
    for wrong in ["name=-", "name=", "email=jorg", "phone=12"] {
        let path = format!("/v1/orders?{wrong}");
        let refused = known.get(&path, &known.staff).await;
        let problem = (StatusCode::BAD_REQUEST, "invalid_query".to_owned());
        assert_eq!((refused.status, refused.code()), problem, "{wrong}");
        assert!(!refused.text.contains("jorg") && !refused.text.contains("12"), "{wrong}");
    }
    // Who was forgotten is not found any more.
    sqlx::query("DELETE FROM vault_index").execute(&db).await.unwrap();
    assert_eq!(known.found("name=anna").await, [0; 0]);
}

#[sqlx::test(migrations = "../migrations")]
async fn orders_are_found_by_what_is_in_them_and_by_their_parcels(db: PgPool) {
    let known = Known::open(&db).await;
    for n in 1..=9 {
        let order = known.shop.put_order(n, "confirmed", 10.0, n).await;
        let skus = if n < 7 { &["TOTE", "BAG"][..] } else { &["BAG"] };
        known.holds(&order, skus, &[&format!("1z{n}"), "lost"]).await;
    }
    assert_eq!(known.found("sku=TOTE").await, [1, 2, 3, 4, 5, 6]);
    assert_eq!(known.found("sku=tote").await, [0; 0], "it is spelled otherwise");
    assert_eq!(known.found("tracking=1%20Z%207").await, [7]);
    assert_eq!(known.found("tracking=LOST&sku=TOTE").await, [1, 2, 3, 4, 5, 6]);
    assert_eq!(known.found("tracking=1z7&sku=TOTE").await, [0; 0]);
    // A customer finds what is theirs.
    let mine = async |query: &str| {
        let page = known.get(&format!("/v1/orders?sort=created_at&{query}"), &known.customer).await;
        page.ids().iter().map(|id| id.parse::<Uuid>().unwrap().as_u128()).collect::<Vec<_>>()
    };
    assert_eq!(mine("sku=TOTE").await, [1, 5]);
    assert_eq!(mine("tracking=1Z9").await, [9]);
    assert_eq!(mine("tracking=1Z8").await, [0; 0]);
}

#[sqlx::test(migrations = "../migrations")]
async fn people_are_looked_for_by_the_back_office_alone(db: PgPool) {
    let known = Known::open(&db).await;
    for query in ["name=anna", "email=anna@shop.example", "phone=0171/2345678"] {
        let path = format!("/v1/orders?{query}");
        for token in [&known.customer, &known.guest] {
            let refused = known.get(&path, token).await;
            let wanted = (StatusCode::FORBIDDEN, "forbidden".to_owned());
            assert_eq!((refused.status, refused.code()), wanted, "{query}");
        }
        assert_eq!(known.shop.get(&path).await.status, StatusCode::UNAUTHORIZED);
        assert_eq!(known.get(&path, &known.staff).await.status, StatusCode::OK);
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn nobody_is_found_without_the_key(db: PgPool) {
    let shop = Shop::open(&db).await;
    for query in ["name=anna", "email=anna@shop.example", "phone=0171/2345678"] {
        let refused = shop.get(&format!("/v1/orders?{query}")).await;
        let wanted = (StatusCode::SERVICE_UNAVAILABLE, "no_index_key".to_owned());
        assert_eq!((refused.status, refused.code()), wanted);
        assert!(!refused.headers.contains_key("retry-after"));
    }
    assert_eq!(shop.get("/v1/orders?sku=TOTE&tracking=1z").await.status, StatusCode::OK);
}

/// A key of another database finds nobody, which is not to be taken for an answer.
#[sqlx::test(migrations = "../migrations")]
async fn by_another_key_nobody_is_looked_for(db: PgPool) {
    let known = Known::open(&db).await;
    let path = "/v1/orders?name=anna";
    assert_eq!(known.get(path, &known.staff).await.status, StatusCode::OK);
    let another = Master::read(&Secret::from(Master::generate().as_str())).unwrap();
    vault::check::check(&db, Some(&another)).await.unwrap();
    let refused = known.get(path, &known.staff).await;
    let wanted = (StatusCode::SERVICE_UNAVAILABLE, "wrong_index_key".to_owned());
    assert_eq!((refused.status, refused.code()), wanted);
    assert!(!refused.headers.contains_key("retry-after"));
    let health = known.shop.get("/health").await.json();
    let checks = health["checks"].as_array().unwrap();
    let found = checks.iter().find(|check| check["name"] == "index_key").unwrap();
    assert_eq!((&found["ok"], &health["status"]), (&false.into(), &"degraded".into()));
}

/// The lines of a log.
#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn what_people_are_looked_for_by_is_written_nowhere(db: PgPool) {
    let known = Known::open(&db).await;
    let (written, metrics) = (Written::default(), service::metrics::install());
    let writer = written.clone();
    let log = tracing_subscriber::fmt().with_max_level(LevelFilter::TRACE);
    let log = log.with_span_events(tracing_subscriber::fmt::format::FmtSpan::FULL);
    let log = log.with_writer(move || writer.clone()).finish();
    let logging = tracing::subscriber::set_default(log);
    for (query, status) in [
        ("name=Hildegard&email=hildegard@shop.example&phone=0171+2345678", StatusCode::OK),
        ("name=Hildegard&email=hildegard", StatusCode::BAD_REQUEST),
        ("phone=01712345678+hildegard", StatusCode::BAD_REQUEST),
        ("name=Hildegard&cursor=hildegard", StatusCode::BAD_REQUEST),
        ("sku=HILDEGARD&tracking=hildegard", StatusCode::OK),
    ] {
        let answer = known.get(&format!("/v1/orders?{query}"), &known.staff).await;
        assert_eq!(answer.status, status, "{query}: {}", answer.text);
        let token = &known.customer;
        let refused = known.get(&format!("/v1/orders?name=x&{query}"), token).await.status;
        assert!(refused.is_client_error());
    }
    // What fails at the database is told of, too.
    sqlx::query("DROP TABLE vault_index").execute(&db).await.unwrap();
    let failed = known.get("/v1/orders?name=Hildegard&phone=0171+2345678", &known.staff).await;
    assert!(failed.status.is_server_error());
    drop(logging);
    let log = String::from_utf8_lossy(&written.0.lock().unwrap()).to_lowercase();
    assert!(log.contains("/v1/orders") && log.contains("vault_index"), "{log}");
    let metrics = metrics.render().to_lowercase();
    assert!(metrics.contains("/v1/orders"), "{metrics}");
    for secret in ["hildegard", "2345678"] {
        assert!(!log.contains(secret), "{log}");
        assert!(!metrics.contains(secret), "{metrics}");
        assert!(!failed.text.to_lowercase().contains(secret), "{}", failed.text);
    }
}
