//! How a member's socket is set up: it never waits, keeps little, and notices a peer that has vanished.
//!
//! `TCP_NODELAY` is on already (`netcommon::net`). Read `../limits.rs` for the numbers. Sources: tcp(7),
//! socket(7), RFC 9293 section 3.8.4 (keep-alives), RFC 5482 (user timeout).

use std::io;
use std::time::Duration;

use netcommon::net::TcpStream;
use socket2::{SockRef, TcpKeepalive};

use crate::limits::Limits;

/// What kernels take for the time of silence: whole seconds, and on Linux nine hours at most. They refuse the rest.
const KEEPALIVE_MIN: Duration = Duration::from_secs(1);
const KEEPALIVE_MAX: Duration = Duration::from_secs(32_767);

/// How long the kernel waits for an answer to its keep-alive before it asks again.
const KEEPALIVE_EVERY: Duration = Duration::from_secs(10);

/// How many questions may stay without an answer: a peer that vanished is found out within 90 s, by default.
#[cfg(not(windows))]
const KEEPALIVE_TRIES: u32 = 3;

/// What Linux takes at most for bytes that nobody acknowledges: 24 days.
#[cfg(target_os = "linux")]
const USER_TIMEOUT_MAX: Duration = Duration::from_millis(i32::MAX as u64);

/// Prepares an accepted stream for the loop.
///
/// # Errors
/// When the system refuses; the stream is of no use then.
pub(super) fn prepare(stream: &TcpStream, limits: &Limits) -> io::Result<()> {
    stream.set_nonblocking(true)?;
    let socket = SockRef::from(stream.as_std());
    socket.set_send_buffer_size(limits.send_buffer_len)?;
    let after = limits.keepalive.clamp(KEEPALIVE_MIN, KEEPALIVE_MAX);
    let keepalive = TcpKeepalive::new().with_time(after).with_interval(KEEPALIVE_EVERY);
    #[cfg(not(windows))]
    let keepalive = keepalive.with_retries(KEEPALIVE_TRIES);
    socket.set_tcp_keepalive(&keepalive)?;
    // Keep-alives are sent only while nothing else is; for sent bytes that nobody acknowledges, Linux has this
    // limit, and other systems their own of some minutes. The room's own limit, which says why, comes first.
    #[cfg(target_os = "linux")]
    socket.set_tcp_user_timeout(Some(limits.stall_timeout.saturating_mul(2).min(USER_TIMEOUT_MAX)))?;
    Ok(())
}

/// How much larger a full send buffer is made for the last words. The kernel counts what a buffer costs it, not
/// the bytes in it, and one send may have gone past the limit by 64 KiB; what is not used costs nothing.
const LAST_WORDS_ROOM: usize = 256 * 1024;

/// Lets the kernel keep more for a member that has let its send buffer fill up. A refusal is no harm.
pub(super) fn make_room(stream: &TcpStream, limits: &Limits) {
    let _ = SockRef::from(stream.as_std()).set_send_buffer_size(limits.send_buffer_len + LAST_WORDS_ROOM);
}

#[cfg(test)]
mod tests {
    use netcommon::net::TcpListener;

    use super::*;

    fn accepted() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        (listener.accept().unwrap().0, client)
    }

    #[test]
    fn nobody_is_turned_away_because_the_kernel_refuses_a_number() {
        let (stream, _client) = accepted();
        for time in [Duration::from_millis(1), Duration::from_secs(366 * 24 * 3600)] {
            prepare(&stream, &Limits { keepalive: time, stall_timeout: time, ..Limits::default() }).unwrap();
        }
    }

    #[test]
    fn a_member_costs_the_kernel_little_and_a_vanished_one_is_asked_for() {
        let (stream, _client) = accepted();
        let limits = Limits::default();
        prepare(&stream, &limits).unwrap();
        let socket = SockRef::from(stream.as_std());
        assert!(socket.keepalive().unwrap() && socket.tcp_nodelay().unwrap());
        #[cfg(not(windows))]
        assert_eq!(socket.tcp_keepalive_time().unwrap(), limits.keepalive);
        // Linux says twice what was asked for.
        assert!((limits.send_buffer_len..=2 * limits.send_buffer_len).contains(&socket.send_buffer_size().unwrap()));
        #[cfg(target_os = "linux")]
        assert_eq!(socket.tcp_user_timeout().unwrap(), Some(Duration::from_secs(60)));
    }
}
