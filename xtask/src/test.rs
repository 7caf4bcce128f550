//! `cargo xtask test`: the tests of the workspace, against servers of their own.

use std::process::ExitCode;

use anyhow::Result;

use crate::layout::Layout;
use crate::process::run_in_terminal;
use crate::servers::{Durability, Ports, Servers, Source, Throwaway};
use crate::services::Services;
use crate::{cargo, chaos, debian, npm, progress, verifiers};

/// Options of `test`.
#[derive(clap::Args)]
pub struct Args {
    /// Passed on to `cargo test`, such as `-p domain` or `-- --nocapture`
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ARGUMENT")]
    rest: Vec<String>,
}

/// Builds every program, starts throwaway servers, runs `cargo test`, and stops them.
pub fn run(layout: &Layout, args: &Args) -> Result<ExitCode> {
    run_with(layout, &args.rest, &[])
}

/// The same, with what the tests are told besides.
pub fn run_with(layout: &Layout, rest: &[String], told: &[(&str, String)]) -> Result<ExitCode> {
    let servers = Servers::programs(layout)?;
    progress::step("Building", "all programs");
    let services = Services::built(cargo::build_for_tests()?);
    let Throwaway { mut stack, folder } = Throwaway::new(layout)?;
    let urls =
        servers.start(layout, &mut stack, folder.path(), Ports::free()?, Durability::Throwaway)?;
    let mut test = cargo::command();
    test.arg("test").args(whole_workspace(rest)).args(rest);
    test.envs(told.iter().map(|(name, value)| (name, value)));
    // What judges documents is fetched once, and lies there.
    test.env("CONTRACT_TOOLS", layout.target.join("contract"));
    urls.apply(&mut test);
    test.env("SQLX_OFFLINE", "true");
    // For tests that start, kill and start again a server of their own.
    let programs = ["POSTGRES_BIN", "NATS_SERVER_BIN", "MEILISEARCH_BIN"];
    for (variable, (_, source)) in programs.into_iter().zip(servers.each()) {
        if let Source::Program(program) = source {
            test.env(variable, &program.path);
        }
    }
    // For the one that looks in what the servers keep.
    test.env("SERVER_FILES", folder.path());
    // For those that have our metrics and alerts judged by somebody else.
    test.env("PROMTOOL_BIN", debian::find(layout, &debian::PROMTOOL)?);
    // For the one that has a cache in front of query-api.
    test.env("VARNISHD_BIN", debian::find(layout, &debian::VARNISHD)?);
    // For those that have a pooler in front of Postgres.
    test.env("PGBOUNCER_BIN", debian::find(layout, &debian::PGBOUNCER)?);
    // For the one that has our webhooks verified by others' libraries.
    test.env("WEBHOOK_VERIFIERS", verifiers::find(layout)?);
    test.env("OIDC_PROVIDER", npm::OIDC_PROVIDER.find(layout)?);
    // And for the one that breaks a whole stack of its own.
    let chaos = folder.path().join("chaos");
    let specification = chaos::specify(layout, &services, None, &chaos)?;
    test.env("CHAOS_SPECIFICATION", specification);
    let status = run_in_terminal(&mut test)?;
    drop(stack);
    drop(folder);
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, Into::into))
}

/// All packages, unless the arguments choose some.
fn whole_workspace(rest: &[String]) -> Option<&'static str> {
    let own = rest.iter().take_while(|argument| *argument != "--");
    let mut chosen = own.filter(|argument| {
        let package = argument.starts_with("-p") || argument.starts_with("--package");
        package || argument.starts_with("--manifest-path")
    });
    chosen.next().is_none().then_some("--workspace")
}

#[cfg(test)]
mod tests {
    use super::whole_workspace;

    fn chosen(arguments: &[&str]) -> Option<&'static str> {
        let owned: Vec<String> = arguments.iter().map(|&argument| argument.into()).collect();
        whole_workspace(&owned)
    }

    #[test]
    fn all_packages_are_tested_unless_some_are_named() {
        assert_eq!(chosen(&[]), Some("--workspace"));
        assert_eq!(chosen(&["--release", "--", "-p"]), Some("--workspace"));
        assert_eq!(chosen(&["-p", "domain"]), None);
        assert_eq!(chosen(&["--package=domain"]), None);
    }
}
