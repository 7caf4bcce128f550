//! The log and an order, followed over a WebSocket: by a client of the same make as the server, and
//! by Node's own.

use std::net::SocketAddr;
use std::process::Stdio;

use axum::http::HeaderValue;
use domain::CustomerId;
use futures::{SinkExt as _, StreamExt as _};
use identity::Guard;
use identity::token::Subject;
use query_api::places::OF_ONE_MAX;
use query_api::socket::PROTOCOL;
use serde_json::{Value, json};
use service::config::Secret;
use sqlx::PgPool;
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Command;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};
use uuid::Uuid;

use crate::access::put;
use crate::following::happens;
use crate::support::{Asked, SOON, Shop, cart_created, line_added};

/// A shop that is served.
pub struct Served {
    shop: Shop,
    address: SocketAddr,
    serving: JoinHandle<()>,
}

impl Served {
    async fn open(db: &PgPool) -> Self {
        Self::of(Shop::open(db).await).await
    }

    pub async fn of(shop: Shop) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let serving = service::serve_on(listener, shop.router.clone(), shop.stop.clone());
        let serving = tokio::spawn(async move { serving.await.unwrap() });
        Self { shop, address, serving }
    }

    /// One that follows, after the message that says where it begins, if it is of the log.
    async fn connect(&self, path: &str) -> Client {
        let mut client = self.connect_with(path, &[]).await.unwrap();
        if path.starts_with("/v1/events/") {
            client.begins().await;
        }
        client
    }

    /// The status and the code where no WebSocket comes of it.
    pub async fn connect_with(
        &self,
        path: &str,
        headers: &[(&'static str, &str)],
    ) -> Result<Client, (u16, String)> {
        let mut request = format!("ws://{}{path}", self.address).into_client_request().unwrap();
        for (name, value) in headers {
            request.headers_mut().insert(*name, HeaderValue::from_str(value).unwrap());
        }
        let stream = TcpStream::connect(self.address).await.unwrap();
        match timeout(SOON, client_async(request, stream)).await.unwrap() {
            Ok((socket, answer)) => {
                let protocol = answer.headers().get("sec-websocket-protocol");
                let protocol = protocol.map(|value| value.to_str().unwrap().to_owned());
                Ok(Client { socket, protocol })
            }
            Err(Error::Http(answer)) => {
                let problem = answer.body().as_deref().unwrap_or_default();
                let problem: Value = serde_json::from_slice(problem).unwrap_or_default();
                let code = problem["code"].as_str().unwrap_or_default().to_owned();
                Err((answer.status().as_u16(), code))
            }
            Err(error) => panic!("{error}"),
        }
    }
}

pub struct Client {
    socket: WebSocketStream<TcpStream>,
    protocol: Option<String>,
}

impl Client {
    /// The next message, or with which code it closes.
    pub async fn hear(&mut self) -> Result<Value, CloseCode> {
        loop {
            let message = timeout(SOON, self.socket.next()).await.expect("a message in time");
            match message.expect("it closes first").unwrap() {
                Message::Text(text) => return Ok(serde_json::from_str(&text).unwrap()),
                Message::Close(frame) => return Err(frame.expect("a code").code),
                Message::Ping(_) => {}
                other => panic!("{other}"),
            }
        }
    }

    /// Where it begins, which is said first.
    async fn begins(&mut self) -> String {
        let first = self.next().await;
        assert_eq!(first.as_object().unwrap().len(), 1, "{first}");
        first["id"].as_str().unwrap().to_owned()
    }

    async fn next(&mut self) -> Value {
        self.hear().await.expect("no end")
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn the_log_is_followed_and_gone_on_with(db: PgPool) {
    let served = Served::open(&db).await;
    let shop = &served.shop;
    shop.append(&[cart_created(1), line_added(1, "TOTE", 2)]).await;
    let lines = shop.get("/v1/events").await.text;
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let mut all = served.connect("/v1/events/ws?after=0").await;
    let mut some = served.connect("/v1/events/ws?after=0&types=cart.line_added").await;
    let first = all.next().await;
    assert_eq!((&first["event"], &first["data"]), (&json!("cart.created"), &lines[0]));
    let second = all.next().await;
    assert_eq!(second["data"], lines[1], "what an export has of it");
    assert_eq!(some.next().await, second);
    // What comes now, and what was missed, once.
    let mut now = served.connect("/v1/events/ws").await;
    shop.append(&[line_added(1, "BAG", 1)]).await;
    let third = all.next().await;
    assert_eq!(third["data"]["data"]["sku"], "BAG");
    let id = first["id"].as_str().unwrap();
    let mut missed = served.connect(&format!("/v1/events/ws?last_event_id={id}")).await;
    assert_eq!([missed.next().await, missed.next().await], [second, third.clone()]);
    assert_eq!([now.next().await, some.next().await], [third.clone(), third]);
    let mut few = served.connect("/v1/events/ws?after=0&limit=1").await;
    assert_eq!(few.next().await, first);
    assert_eq!(few.hear().await, Err(CloseCode::Normal), "that was all");
}

/// Who is cut off before anything came goes on from where they began.
#[sqlx::test(migrations = "../migrations")]
async fn the_first_message_says_where_it_begins(db: PgPool) {
    let served = Served::open(&db).await;
    let shop = &served.shop;
    shop.append(&[cart_created(1)]).await;
    let mut cut_off = served.connect_with("/v1/events/ws", &[]).await.unwrap();
    let id = cut_off.begins().await;
    assert!(id.starts_with("1."), "{id}");
    drop(cut_off);
    shop.append(&[line_added(1, "BAG", 1)]).await;
    let mut again = served.connect(&format!("/v1/events/ws?last_event_id={id}")).await;
    assert_eq!(again.next().await["event"], "cart.line_added");
}

#[sqlx::test(migrations = "../migrations")]
async fn what_is_wrong_is_said_before_it_is_a_websocket(db: PgPool) {
    let served = Served::open(&db).await;
    let replaced = format!("/v1/events/ws?last_event_id=0.{}", Uuid::now_v7());
    for (path, status, code) in [
        ("/v1/events/ws?after=7", 400, "position_unknown"),
        ("/v1/events/ws?last_event_id=soon", 400, "invalid_last_event_id"),
        ("/v1/events/ws?types=order.dreamt", 400, "invalid_query"),
        ("/v1/events/ws?token=s3cret", 400, "invalid_query"),
        (&replaced, 409, "another_log"),
        (&format!("/v1/orders/{}/live/ws", Uuid::nil()), 404, "not_found"),
    ] {
        let refused = served.connect_with(path, &[]).await.err();
        assert_eq!(refused, Some((status, code.to_owned())), "{path}");
    }
    let plain = served.shop.get("/v1/events/ws").await;
    assert_eq!((plain.status.as_u16(), plain.code().as_str()), (426, "upgrade_required"));
    assert_eq!(plain.headers["upgrade"], "websocket");
}

#[sqlx::test(migrations = "../migrations")]
async fn an_order_is_followed_by_whose_it_is_alone(db: PgPool) {
    let asked = Asked::open(&db).await;
    let (ann, bob, order) = (Uuid::now_v7(), Uuid::now_v7(), Uuid::now_v7());
    put(&db, "orders_rows", order, &json!({"id": order, "customer_id": ann})).await;
    let of_ann = asked.token(Subject::Customer(CustomerId(ann))).await;
    let of_bob = asked.token(Subject::Customer(CustomerId(bob))).await;
    let served = Served::of(asked.shop).await;
    let path = format!("/v1/orders/{order}/live/ws");
    let refused = served.connect_with(&path, &[("authorization", &of_bob)]).await.err();
    assert_eq!(refused, Some((404, "not_found".to_owned())));
    let refused = served.connect_with(&path, &[]).await.err();
    assert_eq!(refused.map(|(status, _)| status), Some(401));
    assert!(served.connect_with(&path, &[("authorization", &of_ann)]).await.is_ok());
}

#[sqlx::test(migrations = "../migrations")]
async fn a_page_says_who_it_is_among_its_protocols(db: PgPool) {
    let shop = Shop::with(&db, |settings| {
        settings.guard = Guard::with_token(&Secret::from("s3cret"));
        settings.origins = "https://shop.example".parse().unwrap();
    });
    let served = Served::of(shop.await).await;
    let path = "/v1/events/ws";
    let named = |token: &str| format!("{PROTOCOL}, bearer.{token}");
    let (ours, wrong) = (named("s3cret"), named("wrong"));
    let (page, evil) = (("origin", "https://shop.example"), ("origin", "https://evil.example"));
    for (headers, refused) in [
        (vec![], (401, "unauthorized")),
        (vec![("sec-websocket-protocol", PROTOCOL)], (401, "unauthorized")),
        (vec![("sec-websocket-protocol", wrong.as_str())], (401, "unauthorized")),
        (vec![("sec-websocket-protocol", ours.as_str()), evil], (403, "origin_not_allowed")),
        (
            vec![("sec-websocket-protocol", ours.as_str()), ("origin", "null")],
            (403, "origin_not_allowed"),
        ),
    ] {
        let answer = served.connect_with(path, &headers).await.err();
        assert_eq!(answer, Some((refused.0, refused.1.to_owned())), "{headers:?}");
    }
    let protocols = ("sec-websocket-protocol", ours.as_str());
    let of_page = served.connect_with(path, &[protocols, page]).await.unwrap();
    assert_eq!(of_page.protocol.as_deref(), Some(PROTOCOL), "and not the token");
    let token = ("authorization", "Bearer s3cret");
    let of_program = served.connect_with(path, &[token]).await.unwrap();
    assert_eq!(of_program.protocol, None);
}

#[sqlx::test(migrations = "../migrations")]
async fn nothing_is_taken_from_the_other_side(db: PgPool) {
    let served = Served::open(&db).await;
    for (message, code) in [
        (Message::text("hello"), CloseCode::Unsupported),
        (Message::binary(vec![1]), CloseCode::Unsupported),
        (Message::text("x".repeat(100_000)), CloseCode::Protocol),
    ] {
        let mut client = served.connect("/v1/events/ws").await;
        client.socket.send(message).await.unwrap();
        assert_eq!(client.hear().await, Err(code));
    }
    // Signs of life are, if they are few.
    let mut client = served.connect("/v1/events/ws").await;
    client.socket.send(Message::Ping("there?".into())).await.unwrap();
    let answer = timeout(SOON, async {
        loop {
            if let Message::Pong(answer) = client.socket.next().await.unwrap().unwrap() {
                return answer;
            }
        }
    });
    assert_eq!(answer.await.unwrap(), "there?");
    let flood = async { while client.socket.send(Message::Ping("there?".into())).await.is_ok() {} };
    timeout(SOON, flood).await.expect("it is closed");
}

#[sqlx::test(migrations = "../migrations")]
async fn an_order_is_followed_and_its_places_come_back(db: PgPool) {
    let served = Served::open(&db).await;
    let shop = &served.shop;
    let order = shop.put_order(1, "confirmed", 10.0, 0).await;
    shop.log_reaches(9).await;
    shop.advance("orders", 9).await;
    let path = format!("/v1/orders/{order}/live/ws");
    let mut client = served.connect(&path).await;
    let first = client.next().await;
    assert_eq!((&first["event"], &first["data"]["id"]), (&json!("order"), &json!(order)));
    let id = first["id"].as_str().unwrap().to_owned();
    let position = happens(shop, &order).await;
    let second = client.next().await;
    assert!(second["id"].as_str().unwrap().starts_with(&format!("{position}.")), "{second}");
    let mut missed = served.connect(&format!("{path}?last_event_id={id}")).await;
    assert_eq!(missed.next().await["id"], second["id"]);
    let mut all = vec![client, missed];
    while all.len() < OF_ONE_MAX {
        all.push(served.connect(&path).await);
    }
    let refused = served.connect_with(&path, &[]).await.err();
    assert_eq!(refused, Some((429, "follows_too_many".to_owned())));
    let mut gone = all.pop().unwrap();
    gone.socket.close(None).await.unwrap();
    let free = async { while served.connect_with(&path, &[]).await.is_err() {} };
    timeout(SOON, free).await.expect("its place is free");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_process_that_stops_says_goodbye(db: PgPool) {
    let Served { shop, address, serving } = Served::open(&db).await;
    shop.append(&[cart_created(1)]).await;
    let served = Served { shop, address, serving };
    let mut all = [
        served.connect("/v1/events/ws?after=0").await,
        served.connect("/v1/events/ws?after=0").await,
    ];
    for client in &mut all {
        assert_eq!(client.next().await["event"], "cart.created");
    }
    let Served { shop, serving, .. } = served;
    shop.stop.cancel();
    for client in &mut all {
        assert_eq!(client.hear().await, Err(CloseCode::Away));
    }
    // Who does not answer is not waited for until the drain's end.
    timeout(SOON, serving).await.expect("it has stopped").unwrap();
}

/// What a page does, in the client that Node has of its own.
const PAGE: &str = "
const [address, protocol] = process.argv.slice(1);
const socket = new WebSocket(`ws://${address}/v1/events/ws?after=0`, [protocol, 'bearer.s3cret']);
socket.onmessage = ({ data }) => {
    if (!JSON.parse(data).event) return;
    console.log(JSON.stringify({ spoken: socket.protocol, message: JSON.parse(data) }));
    socket.close(1000);
};
socket.onerror = () => process.exit(2);
socket.onclose = ({ code }) => console.log(JSON.stringify({ code }));
";

#[sqlx::test(migrations = "../migrations")]
async fn a_client_that_nobody_here_wrote_follows(db: PgPool) {
    let token = |settings: &mut query_api::Settings| {
        settings.guard = Guard::with_token(&Secret::from("s3cret"));
    };
    let served = Served::of(Shop::with(&db, token).await).await;
    served.shop.append(&[cart_created(1)]).await;
    let address = served.address.to_string();
    let page = Command::new("node")
        .args(["--experimental-websocket", "--eval", PAGE, "--", &address, PROTOCOL])
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let page = timeout(SOON, page).await.expect("it ends").expect("node is there");
    let said = String::from_utf8(page.stdout).unwrap();
    assert!(page.status.success(), "{said} {}", String::from_utf8_lossy(&page.stderr));
    let said: Vec<Value> = said.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((&said[0]["spoken"], said.len()), (&json!(PROTOCOL), 2));
    assert_eq!(said[0]["message"]["event"], "cart.created");
    assert_eq!(said[1]["code"], 1000);
}
