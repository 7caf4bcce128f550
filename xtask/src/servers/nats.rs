//! NATS with `JetStream`.

use std::io::{BufRead as _, BufReader};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::Result;

use super::Program;
use crate::layout::create_dir;
use crate::ports::HOST;
use crate::process::{Spec, Stack};
use crate::progress;
use crate::record::StopWith;

/// How long the greeting may take.
const GREETING_TIMEOUT: Duration = Duration::from_secs(1);

/// Starts a server with its streams in `store` and returns its URL.
pub fn start(program: &Program, stack: &mut Stack, store: &Path, port: u16) -> Result<String> {
    create_dir(store)?;
    progress::step("Starting", &format!("NATS {} on port {port}", program.version));
    let (command, url) = (server(program, store, port), url(port));
    let spec = Spec { name: "nats", command, stop_with: StopWith::Terminate, url: url.clone() };
    stack.start(spec, || greets(port))?;
    Ok(url)
}

/// The server on the streams in `store`.
pub fn server(program: &Program, store: &Path, port: u16) -> Command {
    let mut command = Command::new(&program.path);
    command.arg("--jetstream").arg("--store_dir").arg(store);
    command.args(["--addr", &HOST.to_string(), "--port", &port.to_string()]);
    command
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
