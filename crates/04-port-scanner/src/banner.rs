//! What a service says first, before it has been asked anything.
//!
//! Some services greet (SSH, SMTP, FTP), others wait for the client to begin (HTTP). The greeting often
//! tells the program and its version. It comes from the network: so it is bounded in length and in time,
//! and escaped before it is shown. Read `engine/threads.rs` before: the same shape.

use std::io::{self, Read};
use std::net::SocketAddr;
use std::thread::{self, Builder};
use std::time::{Duration, Instant};

use crossbeam_channel::unbounded;
use netcommon::error::is_timeout;
use netcommon::net::TcpStream;
use netcommon::shutdown::Shutdown;

/// How much of a greeting is kept: a line of SMTP has at most 512 bytes (RFC 5321 section 4.5.3.1.5).
pub const BANNER_LEN_MAX: usize = 512;

/// How many services are listened to at once.
const LISTENERS: usize = 16;

/// Listens to each of `addrs` for up to `patience`, and hands over what was heard, in no particular order.
///
/// Blocks until all have been heard, or shutdown begins and the current ones have been.
///
/// # Errors
/// What `heard` returns; the others are not listened to then.
pub fn listen_to(
    addrs: Vec<SocketAddr>,
    patience: Duration,
    shutdown: &Shutdown,
    heard: &mut dyn FnMut(SocketAddr, &[u8]) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let listeners = LISTENERS.min(addrs.len());
    // At most one entry a port that has been found.
    let (questions, queue) = unbounded();
    addrs.into_iter().try_for_each(|addr| questions.send(addr))?;
    drop(questions);
    let (greetings, answers) = unbounded();
    thread::scope(|scope| {
        for number in 1..=listeners {
            let (queue, greetings) = (queue.clone(), greetings.clone());
            let work = move || {
                for addr in queue.iter().take_while(|_| !shutdown.is_draining()) {
                    let banner = first_words(addr, patience).unwrap_or_else(|error| {
                        log::info!("banner of {addr}: {error}");
                        Vec::new()
                    });
                    if greetings.send((addr, banner)).is_err() {
                        return;
                    }
                }
            };
            Builder::new().name(format!("listener {number}")).spawn_scoped(scope, work)?;
        }
        drop(greetings);
        let result = answers.iter().try_for_each(|(addr, banner)| heard(addr, &banner));
        // If nobody wants to hear more, the queue ends for the workers too.
        if result.is_err() {
            while queue.try_recv().is_ok() {}
        }
        result
    })
}

/// The first bytes that the service at `addr` says on its own, up to a line feed, the limit or the time.
fn first_words(addr: SocketAddr, patience: Duration) -> io::Result<Vec<u8>> {
    let deadline = Instant::now() + patience;
    let mut stream = TcpStream::connect_timeout(addr, patience)?;
    stream.set_linger(Some(Duration::ZERO))?;
    let mut banner = Vec::new();
    let mut buf = [0; BANNER_LEN_MAX];
    // One that says a byte a second would otherwise be listened to for ever.
    while banner.len() < BANNER_LEN_MAX && !banner.contains(&b'\n') {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            break;
        }
        stream.set_read_timeout(Some(left.max(Duration::from_millis(1))))?;
        match stream.read(&mut buf[..BANNER_LEN_MAX - banner.len()]) {
            Ok(0) => break,
            Ok(len) => banner.extend_from_slice(&buf[..len]),
            Err(error) if is_timeout(&error) => break,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if banner.is_empty() => return Err(error),
            Err(_) => break,
        }
    }
    Ok(banner)
}
