//! The stand-in of Stripe, and what the services are told of it. Programs of `proof/` start it.

use std::process::Command;

use anyhow::Result;

use crate::ports::HOST;
use crate::services::Services;

/// The program, in `proof/gateways`.
pub const PROGRAM: &str = "gateway-stand-in";
/// What command-api says who it is, and the stand-in whose webhooks they are. Nobody else has them,
/// and they are worth nothing.
pub const SECRET_KEY: &str = "sk_test_stand_in";
const WEBHOOK_SECRET: &str = "whsec_stand_in";

/// What services are told of one that listens there.
pub fn settings(port: u16) -> [(&'static str, String); 4] {
    [
        ("STRIPE_SECRET_KEY", SECRET_KEY.to_owned()),
        // Cards go through both.
        ("SANDBOX", "true".to_owned()),
        ("STRIPE_WEBHOOK_SECRET", WEBHOOK_SECRET.to_owned()),
        ("STRIPE_API_BASE", format!("http://{HOST}:{port}")),
    ]
}

/// Where a command-api hears its webhooks.
pub fn webhooks(command_api: &str) -> String {
    format!("{command_api}/v1/gateways/stripe/events")
}

/// How one is started.
pub fn stripe(services: &Services, port: u16, webhooks: &str) -> Result<Command> {
    let mut command = Command::new(services.program(PROGRAM)?);
    command.arg("stripe").args(["--secret-key", SECRET_KEY]);
    command.args(["--webhook-secret", WEBHOOK_SECRET]);
    command.env("LISTEN", format!("{HOST}:{port}")).env("WEBHOOK_URL", webhooks);
    Ok(command)
}
