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
///
/// `getaddrinfo(3)`. Blocks until then; `timeout` is what an error calls the time until `deadline`.
///
/// # Errors
/// [`ConnectError::Resolve`] when there are none, or none in time, [`ConnectError::Interrupted`] by shutdown.
pub fn lookup(
    target: &HostPort,
    timeout: Duration,
    deadline: Instant,
    shutdown: &Shutdown,
) -> Result<Vec<SocketAddr>, ConnectError> {
    if let Some(addr) = target.socket_addr() {
        return Ok(vec![addr]);
    }
    let name = target.clone();
    wait_for(move || resolve(&name), target, timeout, deadline, shutdown)
}

/// The result of `find` on a thread of its own, if it comes in time.
fn wait_for(
    find: impl FnOnce() -> Result<Vec<SocketAddr>, OpError> + Send + 'static,
    target: &HostPort,
    timeout: Duration,
    deadline: Instant,
    shutdown: &Shutdown,
) -> Result<Vec<SocketAddr>, ConnectError> {
    let (sender, found) = bounded(1);
    let thread = Builder::new()
        .name("resolve".to_owned())
        .spawn(move || {
            // Nobody waits any more when the deadline has passed.
            let _ = sender.send(find());
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

#[cfg(test)]
mod tests {
    use crossbeam_channel::Receiver;

    use super::*;
    use crate::cli::describe;

    const GENEROUS: Duration = Duration::from_secs(20);

    /// A look-up that hangs until the test drops the other end of `release`.
    fn stuck(release: Receiver<()>) -> impl FnOnce() -> Result<Vec<SocketAddr>, OpError> + Send + 'static {
        move || {
            let _ = release.recv();
            Ok(Vec::new())
        }
    }

    fn target() -> HostPort {
        "教室.example:80".parse().unwrap()
    }

    #[test]
    fn a_look_up_that_hangs_is_left_at_the_deadline() {
        let (_held, release) = bounded(0);
        let timeout = Duration::from_millis(50);
        let begin = Instant::now();
        let error = wait_for(stuck(release), &target(), timeout, begin + timeout, &Shutdown::new()).unwrap_err();
        assert!((timeout..GENEROUS).contains(&begin.elapsed()), "{:?}", begin.elapsed());
        assert_eq!(
            describe(&error.into()),
            "resolve 教室.example (xn--wbtt9t.example): no answer within 50ms; \
             check the network, or give the IP address instead of the name"
        );
    }

    #[test]
    fn a_look_up_that_hangs_is_left_at_shutdown() {
        let (_held, release) = bounded(0);
        let shutdown = Shutdown::new();
        shutdown.advance();
        let result = wait_for(stuck(release), &target(), GENEROUS, Instant::now() + GENEROUS, &shutdown);
        assert!(matches!(result, Err(ConnectError::Interrupted { .. })), "{result:?}");
    }

    #[test]
    fn what_is_found_in_time_comes_back() {
        let found: Vec<SocketAddr> = vec!["192.0.2.1:80".parse().unwrap(), "[2001:db8::1]:80".parse().unwrap()];
        let copy = found.clone();
        let result = wait_for(move || Ok(copy), &target(), GENEROUS, Instant::now() + GENEROUS, &Shutdown::new());
        assert_eq!(result.unwrap(), found);
    }
}
