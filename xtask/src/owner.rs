//! Who owns the shop that `up` starts: the first of those who work here, made where there is
//! nobody. Their password is shown this once and kept nowhere.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::process::Stdio;

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;

use crate::servers::Urls;
use crate::services::{Ports, Services};
use crate::{http, progress};

/// Whom the owner of a demo shop signs in as.
const EMAIL: &str = "owner@demo.example";
/// What a password is made of, bytes: nobody guesses it.
const PASSWORD_BYTES: usize = 12;

/// Makes a first owner where nobody works here; what the developer is told of signing in.
pub fn welcome(services: &Services, urls: &Urls, ports: Ports) -> Result<String> {
    let command = ports.command_url();
    if somebody_works_here(&command)? {
        return Ok("\
Somebody works here already: sign in as them, or as the owner without a password
  cargo xtask token --role owner
"
        .to_owned());
    }
    progress::step("Registering", &format!("the owner, {EMAIL}"));
    let password = password()?;
    register(services, urls, &password)?;
    Ok(format!(
        "\
The owner is {EMAIL} with the password {password}, which is shown this once. Sign in for a token
  curl {command}/v1/sessions -H 'content-type: application/json' \\
       -d '{{\"email\":\"{EMAIL}\",\"password\":\"{password}\"}}'
"
    ))
}

fn somebody_works_here(command_url: &str) -> Result<bool> {
    let answer = http::get(&format!("{command_url}/v1/staff"))?;
    if !answer.is_success() {
        bail!("command-api did not say who works here ({}): {}", answer.status, answer.body);
    }
    let staff: Value =
        serde_json::from_str(&answer.body).context("command-api answered no JSON")?;
    let staff = staff["items"].as_array().context("a list of who works here has items")?;
    Ok(!staff.is_empty())
}

fn register(services: &Services, urls: &Urls, password: &str) -> Result<()> {
    let mut command = services.command_api(urls)?;
    command.args(["register", "--email", EMAIL, "--role", "owner"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut registering = command.spawn().context("run command-api register")?;
    let mut input = registering.stdin.take().context("command-api reads a password")?;
    let told = writeln!(input, "{password}");
    drop(input);
    let done = registering.wait_with_output().context("wait for command-api register")?;
    let why = String::from_utf8_lossy(&done.stderr);
    ensure!(done.status.success(), "command-api registered no owner: {why}");
    told.context("tell command-api the password")
}

fn password() -> Result<String> {
    let mut bytes = [0; PASSWORD_BYTES];
    let read = File::open("/dev/urandom").and_then(|mut random| random.read_exact(&mut bytes));
    read.context("read /dev/urandom")?;
    let mut password = String::new();
    for byte in bytes {
        write!(password, "{byte:02x}")?;
    }
    Ok(password)
}

#[cfg(test)]
mod tests {
    use super::{PASSWORD_BYTES, password};

    #[test]
    fn no_two_passwords_are_alike() {
        let (one, other) = (password().expect("random"), password().expect("random"));
        assert_eq!(one.len(), 2 * PASSWORD_BYTES);
        assert_ne!(one, other);
    }
}
