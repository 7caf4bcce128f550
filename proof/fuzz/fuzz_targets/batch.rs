//! The body of a batch: cut into lines the same way wherever its chunks end, and each line taken or
//! refused by itself. What is taken is decided one after the other.

#![no_main]

use std::sync::LazyLock;
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use chrono::{DateTime, TimeDelta};
use command_api::batch::ask;
use command_api::batch::lines::{Lines, RawLine};
use command_api::routes::Edge;
use futures::stream;
use fuzz::check_amounts;
use identity::Principal;
use kit::Shop;
use libfuzzer_sys::fuzz_target;
use tokio::time::Instant;
use uuid::Uuid;

/// Short enough to cut every line of the corpus.
const CHUNK_BYTES: usize = 7;
/// A refusal repeats three texts at most; see the library of this crate.
const REFUSAL_BYTES_MAX: usize = 3 * 6 * service::problem::TEXT_BYTES_MAX + 1024;

static EDGE: LazyLock<Edge> = LazyLock::new(|| Edge {
    request_id: Uuid::nil(),
    trace: None,
    now: DateTime::UNIX_EPOCH,
    reservation: TimeDelta::minutes(15),
    kept: TimeDelta::days(30),
    principal: Principal::ANYONE,
    was_guest: None,
    key: None,
    payments: std::sync::Arc::default(),
});

fuzz_target!(|data: &[u8]| {
    let lines = lines(data, data.len().max(1));
    assert_eq!(lines, self::lines(data, CHUNK_BYTES));
    assert!(lines.len() <= data.iter().filter(|byte| **byte == b'\n').count() + 1);
    let mut shop = Shop::default();
    for line in lines {
        let RawLine::Bytes(line) = line else { continue };
        match ask::prepare(&line, &EDGE, None) {
            Ok(prepared) => {
                check_amounts(&prepared.request.command);
                let _ = shop.ask(&prepared.request.command);
            }
            Err(refused) => {
                assert!((400..500).contains(&refused.status), "{refused:?}");
                let length = refused.problem.to_string().len();
                assert!(length <= REFUSAL_BYTES_MAX, "{length} bytes: {refused:?}");
            }
        }
    }
    shop.check_states();
});

fn lines(data: &[u8], chunk: usize) -> Vec<RawLine> {
    let chunks =
        data.chunks(chunk).map(|chunk| Ok::<_, axum::Error>(Bytes::copy_from_slice(chunk)));
    let chunks: Vec<_> = chunks.collect();
    let mut lines = Lines::new(Body::from_stream(stream::iter(chunks)));
    let mut all = Vec::new();
    // A body in memory is there at once.
    let deadline = Instant::now() + Duration::from_mins(1);
    while let Some(line) = fuzz::run(lines.next(deadline)).expect("a body that ends properly") {
        all.push(line);
    }
    all
}
