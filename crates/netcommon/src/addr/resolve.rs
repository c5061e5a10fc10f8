//! A name becomes addresses: `getaddrinfo(3)`.
//!
//! The system decides where it looks (the hosts file, DNS, the local network) and in which order the
//! addresses are to be tried (RFC 6724). The call blocks and cannot be interrupted; `crate::connect`
//! therefore makes it on a thread of its own. Read `mod.rs` first.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};

use super::{Host, HostPort};
use crate::error::OpError;

/// The addresses of `target` in the order in which to try them, each once; never empty.
///
/// `getaddrinfo(3)`; an IP address comes back without asking anybody. Blocks as long as the system
/// looks, with an unreachable name server for many seconds; nothing unblocks it.
///
/// # Errors
/// When the name is not found, when no name server answers, or when there is no such interface.
///
/// # Examples
/// ```
/// use netcommon::addr::{HostPort, resolve};
///
/// let addrs = resolve(&"localhost:8888".parse().unwrap())?;
/// assert!(addrs.iter().all(|addr| addr.ip().is_loopback() && addr.port() == 8888));
/// # Ok::<(), netcommon::error::OpError>(())
/// ```
pub fn resolve(target: &HostPort) -> Result<Vec<SocketAddr>, OpError> {
    if let Some(addr) = target.socket_addr() {
        return Ok(vec![addr]);
    }
    let found = (target.lookup_text().as_str(), target.port).to_socket_addrs();
    let addrs = each_once(found.map_err(|error| failure(target, &error))?);
    if addrs.is_empty() {
        return Err(failure(target, &io::ErrorKind::NotFound.into()));
    }
    Ok(addrs)
}

/// The same addresses in the same order, without repetitions: a host may stand twice in the hosts file.
fn each_once(found: impl Iterator<Item = SocketAddr>) -> Vec<SocketAddr> {
    let mut addrs = Vec::new();
    for addr in found {
        if !addrs.contains(&addr) {
            addrs.push(addr);
        }
    }
    addrs
}

/// Our own words for a failed look-up; the system's stand behind them in parentheses.
fn failure(target: &HostPort, error: &io::Error) -> OpError {
    let system = error.to_string();
    let system = system.strip_prefix("failed to lookup address information: ").unwrap_or(&system);
    let (kind, words, hint) = match &target.host {
        Host::Scoped(_, scope) => {
            (io::ErrorKind::NotFound, format!("no interface is called `{scope}` here ({system})"), interface_hint())
        }
        _ if is_no_answer(error) => (
            io::ErrorKind::TimedOut,
            format!("no name server answered ({system})"),
            "check the network, or give the IP address instead of the name",
        ),
        _ => (
            io::ErrorKind::NotFound,
            format!("name not found ({system})"),
            "check the spelling, or give the IP address instead of the name",
        ),
    };
    OpError::new("resolve", target.readable_host(), io::Error::new(kind, words)).with_hint(hint)
}

/// Where the names of the interfaces are listed.
fn interface_hint() -> &'static str {
    if cfg!(windows) {
        // Windows numbers them, and its look-up takes nothing else.
        "write its number: `netsh interface ipv6 show interfaces` lists them"
    } else if cfg!(target_os = "linux") {
        "`ip link` lists them"
    } else {
        "`ifconfig` lists them"
    }
}

/// Whether the look-up failed for now (`EAI_AGAIN`) rather than for good.
///
/// std keeps only the text of Unix' `EAI_` numbers: "Temporary failure in name resolution" with glibc
/// and on macOS, "Try again" with musl. On Windows it is `WSATRY_AGAIN`, 11002.
fn is_no_answer(error: &io::Error) -> bool {
    if cfg!(windows) {
        return error.raw_os_error() == Some(11002);
    }
    let text = error.to_string();
    text.contains("emporary failure") || text.contains("Try again")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_is_found_twice_is_tried_once() {
        let [a, b]: [SocketAddr; 2] = ["[::1]:80".parse().unwrap(), "127.0.0.1:80".parse().unwrap()];
        assert_eq!(each_once([a, b, a, b, b].into_iter()), [a, b]);
    }
}
