//! Who follows and may no longer is not told anything more.

use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use chrono::TimeDelta;
use domain::CustomerId;
use http_body_util::BodyExt as _;
use identity::Role;
use identity::token::Subject;
use sqlx::PgPool;
use tokio::time::timeout;
use tower::ServiceExt as _;
use uuid::Uuid;

use crate::sockets::Served;
use crate::support::Asked;

/// Longer than it is believed that a token was not withdrawn, and than it takes to look again.
const WITHDRAWN: Duration = Duration::from_mins(1);

async fn live(asked: &Asked, path: &str, token: &str) -> Body {
    let request = Request::get(path).header("accept", "text/event-stream");
    let request = request.header("authorization", token).body(Body::empty()).unwrap();
    let response = asked.shop.router.clone().oneshot(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    response.into_body()
}

async fn ends(mut body: Body) {
    let all = async { while body.frame().await.is_some() {} };
    timeout(WITHDRAWN, all).await.expect("it ends");
}

#[sqlx::test(migrations = "../migrations")]
async fn who_is_sent_away_follows_no_longer(db: PgPool) {
    let asked = Asked::open(&db).await;
    let analyst = Uuid::now_v7();
    let token = asked.token(Subject::Member(analyst, Role::Analyst)).await;
    let staying = asked.token(Subject::Member(Uuid::now_v7(), Role::Analyst)).await;
    let (body, mut stays) =
        (live(&asked, "/v1/events", &token).await, live(&asked, "/v1/events", &staying).await);
    let away = "INSERT INTO voided_tokens VALUES ($1, now() + interval '1 hour')";
    sqlx::query(away).bind(analyst).execute(&db).await.unwrap();
    ends(body).await;
    let again = asked.get("/v1/events", Some(&token)).await;
    assert_eq!(again.status, StatusCode::UNAUTHORIZED);
    stays.frame().await.expect("the others follow on").unwrap();
}

#[sqlx::test(migrations = "../migrations")]
async fn a_token_that_runs_out_ends_what_is_followed_with_it(db: PgPool) {
    let asked = Asked::open(&db).await;
    let customer = CustomerId(Uuid::now_v7());
    let order = asked.shop.put_order(1, "confirmed", 10.0, 0).await;
    let theirs = "UPDATE orders_rows
                  SET document = jsonb_set(document::jsonb, '{customer_id}', to_jsonb($1::text))";
    sqlx::query(theirs).bind(customer.to_string()).execute(&db).await.unwrap();
    asked.shop.log_reaches(9).await;
    asked.shop.advance("orders", 9).await;
    let brief = TimeDelta::seconds(8);
    let analyst = asked.token_for(Subject::Member(Uuid::now_v7(), Role::Analyst), brief).await;
    let shopper = asked.token_for(Subject::Customer(customer), brief).await;
    let events = live(&asked, "/v1/events", &analyst).await;
    let of_order = live(&asked, &format!("/v1/orders/{order}/live"), &shopper).await;
    let served = Served::of(asked.shop).await;
    let token = [("authorization", analyst.as_str())];
    let mut socket = served.connect_with("/v1/events/ws", &token).await.unwrap();
    let closes = async { while socket.hear().await.is_ok() {} };
    tokio::join!(ends(events), ends(of_order), async {
        timeout(WITHDRAWN, closes).await.expect("it closes");
    });
    let again = served.connect_with("/v1/events/ws", &token).await.err();
    assert_eq!(again, Some((401, "unauthorized".to_owned())));
}
