//! A look-up with a deadline: `getaddrinfo(3)` on a thread of its own.
//!
//! ```text
//! connect ── spawns ──▶ "resolve": owns the target, waits in getaddrinfo
//!    ▲                      │
//!    └── result ────────────┘     or the deadline, or shutdown, whichever comes first
//! ```
//!
//! `getaddrinfo` can be neither interrupted nor given a deadline. When we stop waiting, the thread is
//! left to itself: it ends when the system's own resolver gives up (with glibc 5 s a name server and
//! try), finds nobody to send to, and holds nothing that others need. Every other thread is joined.

use std::net::SocketAddr;
use std::thread::Builder;
use std::time::{Duration, Instant};

use crossbeam_channel::{RecvError, at, bounded, select};

use super::ConnectError;
use crate::addr::{HostPort, resolve};
use crate::error::OpError;
use crate::shutdown::Shutdown;

/// The addresses of `target`, if they are found before `deadline` and before shutdown begins.
pub(super) fn lookup(
    target: &HostPort,
    timeout: Duration,
    deadline: Instant,
    shutdown: &Shutdown,
) -> Result<Vec<SocketAddr>, ConnectError> {
    if let Some(addr) = target.socket_addr() {
        return Ok(vec![addr]);
    }
    let (sender, found) = bounded(1);
    let name = target.clone();
    let thread = Builder::new()
        .name("resolve".to_owned())
        .spawn(move || {
            // Nobody waits any more when the deadline has passed.
            let _ = sender.send(resolve(&name));
        })
        .map_err(|cause| ConnectError::System { target: target.clone(), cause })?;
    let result = select! {
        recv(found) -> result => result,
        recv(shutdown.draining()) -> _ => return Err(ConnectError::Interrupted { target: target.clone() }),
        recv(at(deadline)) -> _ => return Err(too_slow(target, timeout).into()),
    };
    let joined = thread.join();
    match result {
        Ok(result) => Ok(result?),
        // The thread ended without a result: it panicked, and so do we, with its reason.
        Err(RecvError) => std::panic::resume_unwind(joined.expect_err("only a panic drops the sender unused")),
    }
}

fn too_slow(target: &HostPort, timeout: Duration) -> OpError {
    let cause = std::io::Error::new(std::io::ErrorKind::TimedOut, format!("no answer within {timeout:?}"));
    OpError::new("resolve", target.readable_host(), cause)
        .with_hint("check the network, or give the IP address instead of the name")
}
