//! `cargo xtask up`: the whole engine on this machine, with a demo shop in it.

use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use anyhow::{Result, bail};

use crate::layout::{Layout, create_dir, remove_dir};
use crate::process::Stack;
use crate::record::Record;
use crate::servers::{self, Durability, Servers, Source, Urls};
use crate::services::{self, Services};
use crate::{demo, http, interrupt, maildev, owner, progress, projections, token};

/// Pause between two looks whether everything still runs.
const WATCH_INTERVAL: Duration = Duration::from_millis(200);

/// What the environment may say, shown under the options.
pub const ENVIRONMENT: &str = "\
Environment:
  COMMAND_API_PORT, QUERY_API_PORT, PROJECTOR_PORT  where the services listen [8080, 8081, 8082]
  POSTGRES_PORT, NATS_PORT, MEILI_PORT              where the servers listen [5442, 4242, 7742]
  DATABASE_URL, NATS_URL, MEILI_URL                 servers that run already, used as they are
  MEILI_MASTER_KEY                                  the key that goes with MEILI_URL
  SMTP_PORT, MAIL_PORT                              where --mail takes mails, and shows them
                                                    [1025, 1080]
  ACCESS                                            open: who says nothing is the owner; asked:
                                                    they are strangers [open]
  API_TOKEN                                         a token of the owner's; with it ACCESS is asked
  XTASK_SERVERS=package                             leave the machine's own servers aside and take
                                                    the pinned packages";

/// Options of `up`.
#[derive(clap::Args)]
pub struct Args {
    /// Return once everything is ready; `cargo xtask down` stops it
    #[arg(long)]
    detach: bool,
    /// Begin with empty data
    #[arg(long)]
    fresh: bool,
    /// Write mails to people, and show them on a page of this machine: none leaves it
    #[arg(long)]
    mail: bool,
}

/// Starts everything, and watches it until Ctrl-C unless detached.
pub fn run(layout: &Layout, args: &Args) -> Result<ExitCode> {
    refuse_twice(layout)?;
    let ports = services::Ports::from_env()?;
    let server_ports = servers::Ports::from_env()?;
    ports.require_free()?;
    let mail_ports = args.mail.then(maildev::Ports::from_env).transpose()?;
    mail_ports.map_or(Ok(()), maildev::Ports::require_free)?;
    layout.explain_data_folder();
    let servers = Servers::for_up(layout, args.fresh)?;
    explain(&servers, args.fresh)?;
    server_ports.require_free(&servers)?;

    if args.fresh {
        remove_data(layout)?;
    }
    create_dir(&layout.data)?;
    let mut stack = Stack::new(&layout.data)?;
    let services = Services::build()?;
    let key = token::master_key(layout, &services)?;
    // Receivers are tried out next door.
    let services =
        services.with_master_key(key).with([("WEBHOOKS_ALLOW_PRIVATE", "true".to_owned())]);
    let mailing = mail_ports.map(|mails| mails.settings(&ports.command_url()));
    let services = services.with(mailing.into_iter().flatten());
    let mut urls =
        servers.start(layout, &mut stack, &layout.data, server_ports, Durability::Durable)?;
    services.migrate(&urls, &stack)?;
    servers.make_logins(layout, &mut urls, &stack.log("logins"))?;
    let index_key = token::index_key(&services, &urls)?;
    let services = services.with_index_key(index_key);
    if let Some(ports) = mail_ports {
        maildev::start(layout, &mut stack, ports)?;
    }
    services.start(&urls, ports, &mut stack)?;
    http::sign_in(token::of_owner(&services, &urls)?);
    demo::load(layout, &services, &urls, ports, &stack)?;
    projections::wait_until_caught_up(&ports.query_url())?;
    let owner = owner::welcome(&services, &urls, ports)?;
    progress::result(&welcome(&urls, ports, args.detach));
    progress::result(&owner);
    if let Some(mails) = mail_ports {
        progress::result(&correspondence(&mails.url(), ports));
    }
    if args.detach {
        stack.leave_running();
        return Ok(ExitCode::SUCCESS);
    }
    watch(stack)
}

fn refuse_twice(layout: &Layout) -> Result<()> {
    if let Some(record) = Record::load(&layout.record())?
        && (record.owner.is_alive() || record.is_alive())
    {
        bail!(
            "this checkout is up already, or in part: `cargo xtask status` shows it and \
             `cargo xtask down` stops it"
        );
    }
    Ok(())
}

fn remove_data(layout: &Layout) -> Result<()> {
    progress::step("Removing", &format!("the data in {}", layout.data.display()));
    for server in ["postgres", "nats", "meilisearch"] {
        remove_dir(&layout.data.join(server))?;
    }
    Ok(())
}

/// Says where each server comes from. Data we do not own is never emptied.
fn explain(servers: &Servers, fresh: bool) -> Result<()> {
    for (name, source) in servers.each() {
        match source {
            Source::Running(_) if fresh => bail!(
                "--fresh cannot empty the {name} named in the environment: empty it yourself, or \
                 unset its URL to get one of our own"
            ),
            Source::Running(_) => progress::step("Using", &format!("{name} of the environment")),
            Source::Program(program) => progress::step("Using", &format!("{name} {program}")),
        }
    }
    Ok(())
}

/// Waits for Ctrl-C, or for something to end that should not.
fn watch(mut stack: Stack) -> Result<ExitCode> {
    while !interrupt::requested() {
        stack.check_running()?;
        thread::sleep(WATCH_INTERVAL);
    }
    drop(stack);
    Ok(ExitCode::SUCCESS)
}

fn welcome(urls: &Urls, ports: services::Ports, detached: bool) -> String {
    let (command, query) = (ports.command_url(), ports.query_url());
    let stop = if detached { "cargo xtask down" } else { "Ctrl-C" };
    let (database, nats) = (without_password(&urls.database), without_password(&urls.nats));
    let meilisearch = &urls.meilisearch;
    let order = demo::ORDER;
    format!(
        "
The shop is open. Stop it with {stop}; what runs shows `cargo xtask status`.

  writes       {command}
  reads        {query}
  projections  {}
  PostgreSQL   {database}
  NATS         {nats}
  Meilisearch  {meilisearch}

Storefront, writing: open a cart, safely retried under its key
  curl -X POST {command}/v1/carts -H 'content-type: application/json' \\
       -H 'idempotency-key: first-cart' -d '{{\"currency\":\"EUR\"}}'

Storefront, reading: search the catalogue, typing errors forgiven
  curl '{query}/v1/search?q=lether+bag'

Analyst: every event ever, and the sales made of them
  curl '{query}/v1/events?after=0'
  curl '{query}/v1/sales'

Back office: one order, and how it came to be
  curl '{query}/v1/orders/{order}'
  curl '{query}/v1/streams/order/{order}'

Ops: how far each projection is behind
  curl '{query}/v1/projections'

As somebody: whoever sends a token is known by it, a guest as one of the shop
  curl -X POST {command}/v1/guests
  curl '{query}/v1/orders' -H \"authorization: Bearer $(cargo xtask token --role staff)\"
",
        ports.projector_url()
    )
}

fn correspondence(mails: &str, ports: services::Ports) -> String {
    let command = ports.command_url();
    format!(
        "\
Mails to people are shown at {mails}; for programs: curl {mails}/api/email
  curl -X POST {command}/v1/people -H 'content-type: application/json' \\
       -d '{{\"email\":\"ann@demo.example\",\"password\":\"correct horse\"}}'
Their links are of the shop's pages (SHOP_URL), of which the demo has none: a page posts the code,
with the password, for which it asks
  curl -X POST {command}/v1/people/verify -H 'content-type: application/json' \\
       -d '{{\"code\":\"…\",\"password\":\"correct horse\"}}'
"
    )
}

/// A URL fit for showing.
fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    match rest.rsplit_once('@') {
        Some((user, host)) => {
            let name = user.split(':').next().unwrap_or_default();
            format!("{scheme}://{name}@{host}")
        }
        None => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::without_password;

    #[test]
    fn passwords_are_not_shown() {
        let shown = without_password("postgres://shop:s3cr@t@db:5432/shop");
        assert_eq!(shown, "postgres://shop@db:5432/shop");
        assert_eq!(without_password("postgres://db/shop"), "postgres://db/shop");
    }
}
