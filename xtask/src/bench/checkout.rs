//! Row `checkout`: whole checkouts over HTTP, each counted when its order is confirmed, while all
//! of the engine runs; against row `append`, whose commands are the smallest there are and go to a
//! command-api alone. A checkout is five commands of the shopper and one of the payment process.

use anyhow::Result;
use serde_json::json;

use super::ground::{Ground, number};
use super::{Goal, Measured, Row, append};

pub const ROW: Row = Row {
    name: "checkout",
    about: "whole checkouts until confirmed, all of the engine running, against row append",
    by_default: true,
    measure,
};

/// Shoppers at once.
const CONNECTIONS: &str = "32";

fn measure(ground: &mut Ground<'_>) -> Result<Vec<Measured>> {
    ground.nats()?;
    ground.meilisearch()?;
    let commands = ground.command_api("command-api")?;
    let baseline = match ground.earlier(append::ROW.name) {
        Some(rate) => rate,
        None => number(&append::carts(ground, &commands, ground.seconds)?, "per_second")?,
    };
    ground.projector(&[])?;
    let query = ground.query_api()?;
    let seconds = ground.seconds.to_string();
    let figures = ground.load(&[
        "checkouts",
        "--address",
        &commands.address,
        "--reads",
        &query.address,
        "--connections",
        CONNECTIONS,
        "--seconds",
        &seconds,
    ])?;
    Ok(vec![Measured {
        name: ROW.name.to_owned(),
        value: number(&figures, "per_second")?,
        unit: "1/s",
        baseline,
        baseline_is: "row append",
        goal: Goal::AtLeast { land: 0.02, goal: 0.05 },
        details: json!({
            "p50_ms": figures["p50_ms"], "p99_ms": figures["p99_ms"],
            "load_cpus": figures["load_cpus"],
        }),
    }])
}
