//! NATS with `JetStream`.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result};

use super::Program;
use crate::layout::create_dir;
use crate::ports::HOST;
use crate::process::{Spec, Stack};
use crate::progress;
use crate::record::StopWith;

/// How long the greeting may take.
const GREETING_TIMEOUT: Duration = Duration::from_secs(1);

/// What streams may reserve together. A server lets them have three quarters of what is free on the
/// disk, if it is not told: each test reserves a stream that it hardly fills, and where little is
/// free the later ones would be refused.
const RESERVED_MAX: &str = "1TB";

/// Starts a server with its streams in `store` and returns its URL.
pub fn start(program: &Program, stack: &mut Stack, store: &Path, port: u16) -> Result<String> {
    create_dir(store)?;
    progress::step("Starting", &format!("NATS {} on port {port}", program.version));
    let (command, url) = (server(program, store, port)?, url(port));
    let spec = Spec { name: "nats", command, stop_with: StopWith::Terminate, url: url.clone() };
    stack.start(spec, || greets(port))?;
    Ok(url)
}

/// The server on the streams in `store`, beside which its settings lie.
pub fn server(program: &Program, store: &Path, port: u16) -> Result<Command> {
    let (settings, folder) = (store.with_extension("conf"), store.display());
    let jetstream =
        format!("jetstream {{ store_dir: '{folder}', max_file_store: {RESERVED_MAX} }}");
    store.parent().map_or(Ok(()), create_dir)?;
    fs::write(&settings, jetstream).with_context(|| format!("write {}", settings.display()))?;
    let mut command = Command::new(&program.path);
    command.arg("--config").arg(settings);
    command.args(["--addr", &HOST.to_string(), "--port", &port.to_string()]);
    Ok(command)
}

/// Where a server on that port is.
pub fn url(port: u16) -> String {
    format!("nats://{HOST}:{port}")
}

/// A NATS server greets with `INFO {…}`, which says whether `JetStream` is on.
fn greets(port: u16) -> bool {
    let greeting = || -> std::io::Result<String> {
        let stream = TcpStream::connect((HOST, port))?;
        stream.set_read_timeout(Some(GREETING_TIMEOUT))?;
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line)?;
        Ok(line)
    };
    greeting().is_ok_and(|line| line.starts_with("INFO ") && line.contains("\"jetstream\":true"))
}
