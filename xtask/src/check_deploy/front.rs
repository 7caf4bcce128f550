//! The front: whether nginx takes its settings, and what it does before real programs.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use super::checks::{Checks, Outcome, copy, ended_well, holds};
use super::tools::{NGINX, PYTHON, Tool};
use super::{Part, programs};
use crate::ports::{self, HOST};
use crate::process::Spec;
use crate::record::StopWith;
use crate::servers::{Durability, Ports, Servers, Throwaway};
use crate::services::{self, COMMAND_API, PROJECTOR, QUERY_API, Services, said};
use crate::{demo, http, projections, token};

pub const PART: Part = Part {
    name: "front",
    does: "the settings of nginx",
    by_name: false,
    not_checked: "nginx is not started here: `front-served` does so",
    check,
};
pub const SERVED: Part = Part {
    name: "front-served",
    does: "a shop behind nginx, asked from outside",
    by_name: true,
    not_checked: "certbot and a certificate that somebody issued, and the names that compose's \
                  network looks up: ports, folders and addresses are others here",
    check: served,
};
/// Folders in which nginx keeps what passes through, which Debian's has where only root may write.
const KEPT: [&str; 5] =
    ["client_body_temp", "proxy_temp", "fastcgi_temp", "uwsgi_temp", "scgi_temp"];

fn check(checks: &mut Checks) -> Result<()> {
    let Some(place) = Place::prepare(checks)? else { return Ok(()) };
    certificate(checks, &place.folder)?;
    checks.run(
        NGINX,
        "the settings, with Debian's modules for brotli",
        |command| {
            command.arg("-t").args(place.arguments());
        },
        |said| said.line("test is successful").map(|_| "taken".to_owned()),
    )?;
    Ok(())
}

/// The settings as they can be had here, and where.
struct Place {
    folder: PathBuf,
    nginx: PathBuf,
    /// Plain and by TLS.
    ports: [u16; 4],
}

impl Place {
    /// Lays them down; `None` where there is no nginx.
    fn prepare(checks: &mut Checks) -> Result<Option<Self>> {
        let nginx = match NGINX.command(checks.layout) {
            Ok(nginx) => PathBuf::from(nginx.get_program()),
            Err(error) => {
                crate::interrupt::check()?;
                checks.add(&NGINX.name(), "the settings", Outcome::Missing(format!("{error:#}")));
                return Ok(None);
            }
        };
        let folder = checks.folder.join("nginx");
        copy(&checks.path("deploy/nginx"), &folder)?;
        let place = Self { nginx, folder, ports: ports::free_for_restarts()? };
        let settings = fs::read_to_string(place.settings())?;
        let rendered = render(&settings, &place.folder, &home(&place.nginx), place.ports);
        fs::write(place.settings(), rendered).context("cannot write the settings of nginx")?;
        Ok(Some(place))
    }

    fn settings(&self) -> PathBuf {
        self.folder.join("nginx.conf")
    }

    fn arguments(&self) -> [PathBuf; 6] {
        let (log, settings) = (self.folder.join("error.log"), self.settings());
        ["-e".into(), log, "-p".into(), self.folder.clone(), "-c".into(), settings]
    }
}

fn certificate(checks: &mut Checks, folder: &Path) -> Result<()> {
    checks.run(
        Tool::Machine("openssl"),
        "a certificate, as the entrance makes one",
        |command| {
            command.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]);
            command.args(["-nodes", "-days", "1", "-subj", "/CN=localhost", "-keyout"]);
            command.arg(folder.join("privkey.pem")).arg("-out").arg(folder.join("fullchain.pem"));
        },
        ended_well("made"),
    )?;
    Ok(())
}

/// Starts a shop, the front before it by its own entrance, and asks.
fn served(checks: &mut Checks) -> Result<()> {
    let Some(place) = Place::prepare(checks)? else { return Ok(()) };
    let services = Services::built(programs(&[COMMAND_API, QUERY_API, PROJECTOR])?);
    let layout = checks.layout;
    let Throwaway { mut stack, folder } = Throwaway::new(layout)?;
    let servers = Servers::programs(layout)?;
    let durability = Durability::Throwaway;
    let urls = servers.start(layout, &mut stack, folder.path(), Ports::free()?, durability)?;
    let [command_api, query_api, projector] = ports::free_for_restarts()?;
    let its = services::Ports { command_api, query_api, projector };
    let services = services.with([("PROXIES", "1".to_owned()), ("ACCESS", "asked".to_owned())]);
    let key = said(Command::new(services.program(COMMAND_API)?).arg("master-key"))?;
    let services = services.with_master_key(key);
    services.migrate(&urls, &stack)?;
    services.start(&urls, its, &mut stack)?;
    let owner = token::of_owner(&services, &urls)?;
    http::sign_in(owner.clone());
    demo::load(layout, &services, &urls, its, &stack)?;
    projections::wait_until_caught_up(&its.query_url())?;
    let upstreams = place.folder.join("upstreams.conf");
    let told = fs::read_to_string(&upstreams)?
        .replace("command-api:8080", &format!("{HOST}:{command_api}"))
        .replace("query-api:8081", &format!("{HOST}:{query_api}"));
    fs::write(&upstreams, told)?;
    let [plain, _, tls, _] = place.ports;
    let url = format!("https://{HOST}:{tls}");
    stack.start(entrance(&place, url.clone())?, || ports::answers(tls))?;
    checks.run(
        Tool::Machine(PYTHON),
        "TLS, paths, headers, packing, streams, bounds (`check/front.py`), of nginx and the \
         entrance before the programs",
        |command| {
            command.arg("deploy/nginx/check/front.py").arg(&url);
            command.arg(format!("http://{HOST}:{plain}")).arg(&owner);
            command.arg(place.folder.join("acme"));
        },
        |said| holds(&said.out),
    )?;
    Ok(())
}

/// The front, started as its container starts it.
fn entrance(place: &Place, url: String) -> Result<Spec<'static>> {
    let mut command = Command::new(place.folder.join("entrance"));
    command.args(place.arguments());
    let old = env::var_os("PATH").unwrap_or_default();
    let own = place.nginx.parent().map(Path::to_owned);
    command.env("PATH", env::join_paths(own.into_iter().chain(env::split_paths(&old)))?);
    command.env("PLACE", &place.folder).env("ISSUED", place.folder.join("issued"));
    Ok(Spec { name: "front", command, stop_with: StopWith::Terminate, url })
}

/// Where the files of Debian's packages are: below the folder that they were unpacked into, or at
/// the top where they were installed.
fn home(nginx: &Path) -> PathBuf {
    let unpacked = nginx.parent().filter(|folder| folder.join("usr/lib/nginx").exists());
    unpacked.unwrap_or(Path::new("/")).to_owned()
}

/// The settings with folders and ports that are to be had here.
fn render(settings: &str, folder: &Path, modules: &Path, ports: [u16; 4]) -> String {
    let listen = |which: usize| format!("listen {HOST}:{} ", ports[which]);
    let (folder, modules) = (folder.display(), modules.display().to_string());
    let modules = modules.trim_end_matches('/');
    // Who is no root starts it as whoever they are, and is warned where a user is named.
    let user = if rustix::process::geteuid().is_root() { "user root;\n" } else { "" };
    let kept: String = KEPT
        .map(|name| format!("    {name} {folder}/{name};\n").replace("_temp ", "_temp_path "))
        .concat();
    settings
        .replace("load_module modules/", &format!("load_module {modules}/usr/lib/nginx/modules/"))
        .replace("/etc/nginx/mime.types", &format!("{modules}/etc/nginx/mime.types"))
        .replace("/run/front/", &format!("{folder}/"))
        .replace("http {\n", &format!("http {{\n{kept}"))
        .replace("listen 80 ", &listen(0))
        .replace("listen [::]:80 ", &listen(1))
        .replace("listen 443 ", &listen(2))
        .replace("listen [::]:443 ", &listen(3))
        .replace("root /", &format!("root {folder}/"))
        .replace("user www-data;\n", user)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_left_of_a_containers_folders() {
        let settings = include_str!("../../../deploy/nginx/nginx.conf");
        let rendered = render(settings, Path::new("/here"), Path::new("/there"), [1, 2, 3, 4]);
        for gone in [
            "/run/front",
            "root /storefront",
            " /etc/nginx",
            "load_module modules",
            "listen 80",
            "listen 443",
        ] {
            assert!(!rendered.contains(gone), "{gone}");
        }
        assert!(rendered.contains("client_body_temp_path /here/client_body_temp;"));
    }
}
