//! Callers who hang up in the middle of a read: whoever reads after them, on the connections they
//! used, sees what is there now.

use std::net::SocketAddr;
use std::time::Duration;

use axum::http::StatusCode;
use futures::future::join_all;
use kit::poll_times;
use sqlx::{Connection as _, PgConnection, PgPool};
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};

use crate::support::{SOON, Shop, reach};

/// Callers at once.
const CALLERS: usize = 6;
/// How often each of them hangs up before it is looked what became of the connections.
const ROUNDS: usize = 24;

/// A shop with one product, and its path.
async fn shop(db: &PgPool) -> (Shop, String) {
    let shop = Shop::open(db).await;
    let id = shop.put_product(7, "Tote", "published", 0).await;
    write(&shop, 100).await;
    (shop, format!("/v1/products/{id}"))
}

/// Writes as the log and the projector do, on a connection of its own.
async fn write(shop: &Shop, position: i64) {
    let mut writer = PgConnection::connect_with(&shop.db.connect_options()).await.unwrap();
    let mut tx = writer.begin().await.unwrap();
    reach(&mut *tx, position).await;
    for write in [
        "UPDATE products_rows SET document = json_build_object('at', $1)",
        "UPDATE projection_slots SET position = $1 WHERE projection = 'products'",
    ] {
        sqlx::query(write).bind(position).execute(&mut *tx).await.unwrap();
    }
    tx.commit().await.unwrap();
}

/// That whatever connection is used shows what was written last.
async fn nobody_reads_the_past(shop: &Shop, path: &str, position: i64) {
    join_all((0..CALLERS).map(async |_| {
        let any = shop.get(path).await;
        assert_eq!(any.json()["at"], position, "a read");
        let fresh = shop.get(&format!("{path}?min_position={position}")).await;
        assert_eq!(fresh.status, StatusCode::OK, "{}", fresh.text);
        assert_eq!(fresh.json()["at"], position, "one's own write");
        let list = shop.get(&format!("/v1/products?min_position={position}")).await;
        assert_eq!(list.json()["items"][0]["at"], position, "and in a list: {}", list.text);
    }))
    .await;
}

/// That no session of this database is left in a transaction, once all connections are back.
async fn no_transaction_is_open(db: &PgPool) {
    let idle = async {
        while db.num_idle() < db.size() as usize {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(SOON, idle).await.expect("every connection comes back");
    let mut watcher = PgConnection::connect_with(&db.connect_options()).await.unwrap();
    let open: Vec<String> = sqlx::query_scalar(
        "SELECT query FROM pg_stat_activity
         WHERE datname = current_database() AND state LIKE 'idle in transaction%'",
    )
    .fetch_all(&mut watcher)
    .await
    .unwrap();
    assert!(open.is_empty(), "{open:?}");
}

#[sqlx::test(migrations = "../migrations")]
async fn dropped_at_any_moment_a_read_leaves_no_transaction(db: PgPool) {
    let (shop, path) = shop(&db).await;
    let paths = [
        format!("{path}?min_position=100"),
        "/v1/products?min_position=100".to_owned(),
        "/v1/search?min_position=0&q=tote".to_owned(),
        format!("{path}?as_of=0"),
        "/v1/events?limit=1".to_owned(),
        format!("/v1/streams{}", path.trim_start_matches("/v1").replacen("products", "product", 1)),
    ];
    for round in 1..=ROUNDS {
        join_all((0..CALLERS).map(async |caller| {
            for read in &paths[..=caller % paths.len()] {
                poll_times(round.div_ceil(2), async { drop(shop.get(read).await) }).await;
            }
        }))
        .await;
        no_transaction_is_open(&db).await;
        let position = 100 + round as i64;
        write(&shop, position).await;
        nobody_reads_the_past(&shop, &path, position).await;
    }
}

/// Asks, and closes the socket after a while without a look at the answer.
async fn ask_and_hang_up(address: SocketAddr, path: &str, after: Duration) {
    let mut socket = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: shop\r\n\r\n");
    socket.write_all(request.as_bytes()).await.unwrap();
    sleep(after).await;
}

#[sqlx::test(migrations = "../migrations")]
async fn who_closes_his_socket_makes_nobody_read_the_past(db: PgPool) {
    let (shop, path) = shop(&db).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let serving = service::serve_on(listener, shop.router.clone(), shop.stop.clone());
    let serving = tokio::spawn(serving);
    let fresh = format!("{path}?min_position=100");
    for round in 1..=ROUNDS {
        join_all((0..CALLERS).map(async |caller| {
            for time in 0..CALLERS {
                let after = Duration::from_micros((round * 40 + caller * 97 + time * 13) as u64);
                ask_and_hang_up(address, &fresh, after).await;
            }
        }))
        .await;
        no_transaction_is_open(&db).await;
        let position = 100 + round as i64;
        write(&shop, position).await;
        nobody_reads_the_past(&shop, &path, position).await;
    }
    shop.stop.cancel();
    timeout(SOON, serving).await.unwrap().unwrap().unwrap();
}
