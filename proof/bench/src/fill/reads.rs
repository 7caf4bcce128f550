//! Reads all over a filled log: how long a reader waits for an answer, whatever its length.

use anyhow::Result;
use serde_json::{Value, json};
use uuid::Uuid;

use super::time;
use crate::drive::{Caller, Pace, closed_loop};
use crate::wire::Request;

/// Connections: few enough that an answer's time is the service's, not the queue's before it.
const CONNECTIONS: usize = 2;

/// What to read.
#[derive(clap::Args)]
pub struct Args {
    /// Where query-api listens
    #[arg(long)]
    address: String,
    /// Seconds for each kind of read
    #[arg(long)]
    seconds: u64,
    /// Rounds in the log
    #[arg(long)]
    rounds: i64,
    /// A product of the first round
    #[arg(long)]
    product: Uuid,
    /// An order of the first round
    #[arg(long)]
    order: Uuid,
}

/// Reads one kind after the other and returns the figures of each.
pub async fn run(args: &Args) -> Result<Value> {
    let product = args.product.to_string();
    let order = args.order.to_string();
    let kinds = [
        ("product", format!("/v1/products/{product}")),
        ("orders", "/v1/orders".to_owned()),
        // Rare ones among many, oldest first and newest first.
        ("orders-filtered", "/v1/orders?status=pending&sort=created_at".to_owned()),
        ("orders-two-filters", "/v1/orders?status=confirmed&payment_status=authorized".to_owned()),
        ("order-as-of", format!("/v1/orders/{order}?as_of=2037-01-01T00:00:00Z")),
        ("projections", "/v1/projections".to_owned()),
    ];
    let pace = Pace {
        addresses: vec![args.address.clone()],
        connections: CONNECTIONS,
        seconds: args.seconds,
        warm_up: 1,
    };
    let mut figures = json!({});
    for (kind, path) in kinds {
        let reader =
            |number| Reader { path: path.clone(), rounds: args.rounds, next: number as i64 };
        figures[kind] = closed_loop(&pace, reader).await?;
    }
    Ok(figures)
}

/// Asks for the same thing of one round after the other.
struct Reader {
    path: String,
    rounds: i64,
    next: i64,
}

impl Caller for Reader {
    fn next(&mut self) -> Request {
        // A stride without a common divisor visits every round, near ones far apart.
        self.next = (self.next + 7_919) % self.rounds;
        Request::get(time::in_round(&self.path, self.next))
    }
}
