//! Programs that tests and checks need and that are no servers of the engine's: the machine's own,
//! or those of Debian's packages, unpacked beside the servers without being installed.

use std::env;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::layout::{Layout, create_dir, remove_dir};
use crate::process::run_logged;
use crate::progress;

/// A program, and where it is had.
pub struct Program {
    pub name: &'static str,
    /// Where its package has it.
    place: &'static str,
    /// Its package, and those of the libraries that it needs and a small machine lacks.
    packages: &'static [&'static str],
}

/// What judges our metrics and alerts.
pub const PROMTOOL: Program =
    Program { name: "promtool", place: "usr/bin/promtool", packages: &["prometheus"] };
/// The cache that stands in front of query-api. It compiles its rules with the machine's `cc`.
pub const VARNISHD: Program = Program {
    name: "varnishd",
    place: "usr/sbin/varnishd",
    packages: &["varnish", "libjemalloc2"],
};
/// The pooler that stands between our programs and Postgres.
pub const PGBOUNCER: Program = Program {
    name: "pgbouncer",
    place: "usr/sbin/pgbouncer",
    packages: &["pgbouncer", "libc-ares2", "libevent-2.1-7"],
};
/// What judges who is told of alerts.
pub const AMTOOL: Program =
    Program { name: "amtool", place: "usr/bin/amtool", packages: &["prometheus-alertmanager"] };
/// The front, with its modules and what it knows of files.
pub const NGINX: Program = Program {
    name: "nginx",
    place: "usr/sbin/nginx",
    packages: &[
        "nginx",
        "nginx-common",
        "libnginx-mod-http-brotli-filter",
        "libnginx-mod-http-brotli-static",
        "libbrotli1",
    ],
};

/// The program, fetched unless it is there.
pub fn find(layout: &Layout, program: &Program) -> Result<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    // Who is no administrator seldom has the second folder among theirs.
    let mut folders = env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]);
    if let Some(own) =
        folders.find_map(|folder| Some(folder.join(program.name)).filter(|file| file.exists()))
    {
        return Ok(own);
    }
    let home = layout.servers.join(program.name);
    let started = home.join(program.name);
    if !started.exists() {
        let (name, package) = (program.name, program.packages[0]);
        fetch(layout, program, &home).with_context(|| {
            format!("no {name}: put it on PATH (Debian: `apt update && apt install {package}`)")
        })?;
    }
    Ok(started)
}

/// The signatures are apt's affair.
fn fetch(layout: &Layout, program: &Program, home: &Path) -> Result<()> {
    let Program { name, packages, .. } = program;
    progress::step("Fetching", &format!("{name}, out of Debian's package {}", packages[0]));
    let draft = layout.servers.join(format!(".{name}.{}", std::process::id()));
    let log = layout.servers.join(format!("{name}.log"));
    let unpacked = draft.join("unpacked");
    create_dir(&draft)?;
    let mut download = Command::new("apt-get");
    download.arg("download").args(*packages).current_dir(&draft);
    let fetched = run_logged(&mut download, "download it", &log).and_then(|()| {
        for file in fs::read_dir(&draft)? {
            let mut unpack = Command::new("dpkg-deb");
            unpack.arg("--extract").arg(file?.path()).arg(&unpacked);
            run_logged(&mut unpack, "unpack it", &log)?;
        }
        starter(program, &unpacked, home)?;
        remove_dir(home)?;
        fs::rename(&unpacked, home).context("cannot move it in place")
    });
    remove_dir(&draft)?;
    fetched
}

/// What starts it with the libraries that lie beside it.
fn starter(program: &Program, unpacked: &Path, home: &Path) -> Result<()> {
    let Program { name, place, .. } = program;
    let home = home.display();
    let libraries = format!("{home}/usr/lib/{}-linux-gnu", env::consts::ARCH);
    let script =
        format!("#!/bin/sh\nexport LD_LIBRARY_PATH='{libraries}'\nexec '{home}/{place}' \"$@\"\n");
    let file = unpacked.join(name);
    fs::write(&file, script)?;
    fs::set_permissions(&file, Permissions::from_mode(0o755))?;
    Ok(())
}
