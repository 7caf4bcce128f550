//! Meilisearch.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use super::Program;
use crate::layout::create_dir;
use crate::ports::HOST;
use crate::process::{Spec, Stack};
use crate::record::StopWith;
use crate::{http, progress};

/// No secret: the server listens on the loopback address only and holds a developer's data.
pub const MASTER_KEY: &str = "commerce-development-key";

/// What it may use for indexing. Left to itself it takes two thirds of the machine, and zeroes a
/// good part of that before its first documents: 3,000 of them took 2.4 s, and take 0.3 s like
/// this.
const INDEXING_MEMORY_MAX: &str = "512MiB";

/// Starts a server with its indexes in `folder` and returns its URL.
pub fn start(program: &Program, stack: &mut Stack, folder: &Path, port: u16) -> Result<String> {
    create_dir(folder)?;
    progress::step("Starting", &format!("Meilisearch {} on port {port}", program.version));
    let (command, url) = (server(program, folder, port), url(port));
    let spec =
        Spec { name: "meilisearch", command, stop_with: StopWith::Terminate, url: url.clone() };
    stack.start(spec, || http::is_ok(&format!("{url}/health")))?;
    Ok(url)
}

/// The server on the indexes in `folder`.
pub fn server(program: &Program, folder: &Path, port: u16) -> Command {
    let mut command = Command::new(&program.path);
    command.args(["--http-addr", &format!("{HOST}:{port}"), "--master-key", MASTER_KEY]);
    command.args(["--no-analytics", "--env", "development"]);
    command.args(["--max-indexing-memory", INDEXING_MEMORY_MAX]);
    command.arg("--db-path").arg(folder.join("data"));
    command.arg("--dump-dir").arg(folder.join("dumps"));
    command.arg("--snapshot-dir").arg(folder.join("snapshots"));
    // It writes a file or two where it stands.
    command.current_dir(folder);
    command
}

/// Where a server on that port is.
pub fn url(port: u16) -> String {
    format!("http://{HOST}:{port}")
}
