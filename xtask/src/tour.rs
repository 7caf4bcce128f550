//! `cargo xtask tour`: a season of a shop, played through the public API of a whole engine that is
//! started for it, with a stand-in of Stripe.
//!
//! Owns where all of it listens, and the tokens of those who work there. What is played
//! is the program `tour`'s (in `proof/tour`).

use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result};

use crate::layout::Layout;
use crate::ports::HOST;
use crate::process::run_in_terminal;
use crate::servers::{Durability, Ports, Servers, Throwaway};
use crate::services::{self, COMMAND_API, PROJECTOR, QUERY_API, Services, said};
use crate::{cargo, ports, progress, stand_in};

/// Options of `tour`.
#[derive(clap::Args)]
pub struct Args {
    /// Passed on to `tour`, such as `--outage-minutes 60`
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ARGUMENT")]
    rest: Vec<String>,
}

/// Builds everything, starts it on ports of its own, and lets `tour` play.
pub fn run(layout: &Layout, args: &Args) -> Result<ExitCode> {
    progress::step("Building", "the services, the stand-in and the tour (quick)");
    let binaries =
        cargo::build_quick(&[COMMAND_API, QUERY_API, PROJECTOR, stand_in::PROGRAM, "tour"])?;
    let tour = binaries.get("tour").context("cargo built no program tour")?.clone();
    let stand_in = binaries.get(stand_in::PROGRAM).context("cargo built no stand-in")?.clone();
    let Throwaway { mut stack, folder } = Throwaway::new(layout)?;
    let servers = Servers::programs(layout)?;
    let server_ports = Ports::free()?;
    let durability = Durability::Throwaway;
    let urls = servers.start(layout, &mut stack, folder.path(), server_ports, durability)?;
    let [command_api, query_api, projector, stripe, smtp] = ports::free_for_restarts::<5>()?;
    let ports = services::Ports { command_api, query_api, projector };
    let services = Services::built(binaries).with(stand_in::settings(stripe));
    let services = services.with([
        ("ACCESS", "asked".to_owned()),
        // Receivers and mails are the tour's own.
        ("WEBHOOKS_ALLOW_PRIVATE", "true".to_owned()),
        ("SMTP_URL", format!("smtp://{HOST}:{smtp}")),
        ("MAIL_FROM", "Tour <shop@tour.example>".to_owned()),
    ]);
    let key = said(Command::new(services.program(COMMAND_API)?).arg("master-key"))?;
    let services = services.with_master_key(key);
    services.migrate(&urls, &stack)?;
    services.start(&urls, ports, &mut stack)?;
    let mut command = Command::new(tour);
    command.arg("--command-api").arg(ports.command_url());
    command.arg("--query-api").arg(ports.query_url());
    command.arg("--stand-in").arg(stand_in).arg("--stand-in-port").arg(stripe.to_string());
    command.arg("--smtp-port").arg(smtp.to_string());
    command.arg("--log").arg(folder.path().join("stripe.log"));
    for role in ["owner", "staff", "analyst", "ops"] {
        let token = said(services.command_api(&urls)?.args(["token", "--role", role]))?;
        command.env(format!("{}_TOKEN", role.to_uppercase()), token);
    }
    command.args(&args.rest);
    let status = run_in_terminal(&mut command)?;
    drop(stack);
    if status.success() {
        return Ok(ExitCode::SUCCESS);
    }
    progress::warning(&format!("kept to be looked into: {}", folder.path().display()));
    folder.keep();
    Ok(ExitCode::FAILURE)
}
