//! Ports on the loopback address: chosen by the developer, checked before anything starts.

use std::net::{Ipv4Addr, TcpListener, TcpStream};

use anyhow::{Context as _, Result, bail};

/// Everything listens here and nowhere else.
pub const HOST: Ipv4Addr = Ipv4Addr::LOCALHOST;

/// The port in the environment variable `variable`, else `default`.
pub fn from_env(variable: &str, default: u16) -> Result<u16> {
    match std::env::var(variable) {
        Ok(text) => match text.trim().parse() {
            Ok(port) if port > 0 => Ok(port),
            _ => bail!("{variable}={text} is not a port: give a number from 1 to 65535"),
        },
        Err(_) => Ok(default),
    }
}

/// Fails with the remedy when `port` is taken.
pub fn require_free(port: u16, what: &str, variable: &str) -> Result<()> {
    match TcpListener::bind((HOST, port)) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => bail!(
            "port {port}, wanted for {what}, is in use by another program: stop that program \
             (`ss -ltnp 'sport = :{port}'` names it) or choose another port with {variable}=…"
        ),
        Err(error) => Err(error).with_context(|| {
            format!("cannot listen on port {port} for {what}; choose another with {variable}=…")
        }),
    }
}

/// A port free at this moment.
pub fn free() -> Result<u16> {
    let listener = TcpListener::bind((HOST, 0)).context("cannot find a free port")?;
    Ok(listener.local_addr().context("cannot read the free port's number")?.port())
}

/// Free ports for servers that will be away now and then: below those from which systems take the
/// near end of outgoing connections, so that no client sits on one while its server is away.
pub fn free_for_restarts<const COUNT: usize>() -> Result<[u16; COUNT]> {
    const CHOICE: std::ops::Range<u16> = 20_000..30_000;
    // Where to begin differs by process, so that two runs hardly meet.
    let start = std::process::id() as usize * COUNT % CHOICE.len();
    let mut free = CHOICE.cycle().skip(start).take(CHOICE.len());
    let mut ports = [0; COUNT];
    for port in &mut ports {
        let found = free.find(|port| TcpListener::bind((HOST, *port)).is_ok());
        *port = found.context("there are no free ports")?;
    }
    Ok(ports)
}

/// Whether something accepts connections on `port`.
pub fn answers(port: u16) -> bool {
    TcpStream::connect((HOST, port)).is_ok()
}
