//! Addresses of this machine and its network, to which nothing is sent unless that is allowed.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};

use axum::http::Method;
use kit_log::eventually;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use serde_json::{Value, json};
use sqlx::PgPool;
use tokio::net::TcpListener;
use webhook::target::Reach;
use webhook::wire::Wire;

use crate::house::House;

/// Who looks names up, and says what the test wants.
#[derive(Clone, Default)]
struct Names(Arc<Mutex<Vec<IpAddr>>>);

impl Names {
    fn lead_to(&self, addresses: &[&str]) {
        *self.0.lock().unwrap() = addresses.iter().map(|ip| ip.parse().unwrap()).collect();
    }
}

impl Resolve for Names {
    fn resolve(&self, _: Name) -> Resolving {
        let found: Vec<SocketAddr> =
            self.0.lock().unwrap().iter().map(|&ip| SocketAddr::new(ip, 0)).collect();
        Box::pin(async move {
            if found.is_empty() {
                return Err("no such name".into());
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

fn house(db: &PgPool) -> (House, Names) {
    let names = Names::default();
    let wire = Wire::with_resolver(Reach::Public, Arc::new(names.clone())).unwrap();
    (House::with(db, wire), names)
}

#[sqlx::test(migrations = "../migrations")]
async fn nobody_is_subscribed_who_is_next_door(db: PgPool) {
    let (house, names) = house(&db);
    let refused = async |url: &str| {
        let body = json!({"url": url, "event_types": ["order.*"]});
        let refused = house.post("/v1/webhooks", &body).await;
        assert_eq!(refused.refused(), (400, "invalid_body", "/url"), "{url}: {refused:?}");
    };
    for url in [
        "http://shop.example/",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://169.254.169.254/",
        "https://2130706433/",
        "https://ann:pw@shop.example/",
        "https://shop.example/#a",
        "x",
    ] {
        refused(url).await;
    }
    // A name that leads to one, be it to others too.
    for addresses in [&["10.0.0.1"][..], &["1.1.1.1", "127.0.0.1"], &["fd00::1"]] {
        names.lead_to(addresses);
        refused("https://shop.example/").await;
    }
    names.lead_to(&["1.1.1.1"]);
    let (path, _) = house.subscribe("https://shop.example/", &["order.*"]).await;
    names.lead_to(&["192.168.0.1"]);
    let moved = json!({"url": "https://moved.example/"});
    let refused = house.ask(Method::PATCH, &path, &moved).await;
    assert_eq!(refused.refused(), (400, "invalid_body", "/url"));
    // One that nobody knows yet may come to lead somewhere.
    names.lead_to(&[]);
    house.subscribe("https://unheard-of.example/", &["order.*"]).await;
}

/// A name that leads to the internet when it is looked at, and next door when it is used.
#[sqlx::test(migrations = "../migrations")]
async fn a_name_that_leads_next_door_by_then_is_not_connected_to(db: PgPool) {
    let (house, names) = house(&db);
    let next_door = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = next_door.local_addr().unwrap().port();
    let (path, _) = {
        names.lead_to(&["1.1.1.1"]);
        house.subscribe(&format!("https://shop.example:{port}/"), &["product.published"]).await
    };
    names.lead_to(&["127.0.0.1"]);
    let sending = house.send();
    house.product().await;
    let why = "it was not sent: the URL leads to an address that is not of the internet";
    eventually("it is refused", async || {
        let waiting = house.deliveries(&path, "pending").await;
        waiting.first().is_some_and(|one| one["last_error"] == why)
    })
    .await;
    sending.stop().await;
    let tested = house.post(&format!("{path}/test"), &Value::Null).await;
    assert_eq!((tested.text("error"), &tested.body["delivered"]), (why, &json!(false)));
    let connected = std::future::poll_fn(|context| {
        std::task::Poll::Ready(next_door.poll_accept(context).is_ready())
    });
    assert!(!connected.await, "somebody connected");
}

/// One that was subscribed while that was allowed.
#[sqlx::test(migrations = "../migrations")]
async fn an_address_that_was_allowed_once_is_looked_at_again(db: PgPool) {
    let (house, _) = house(&db);
    let lax = House::open(&db);
    let next_door = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}/", next_door.local_addr().unwrap());
    let (path, _) = lax.subscribe(&url, &["product.published"]).await;
    let tested = house.post(&format!("{path}/test"), &Value::Null).await;
    assert!(tested.text("error").contains("not of the internet"), "{tested:?}");
}
