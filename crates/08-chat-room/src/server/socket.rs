//! How a member's socket is set up: it never waits, keeps little, and notices a peer that has vanished.
//!
//! `TCP_NODELAY` is on already (`netcommon::net`). Read `../limits.rs` for the numbers. Sources: tcp(7),
//! socket(7), RFC 9293 section 3.8.4 (keep-alives), RFC 5482 (user timeout).

use std::io;
use std::time::Duration;

use netcommon::net::TcpStream;
use socket2::{SockRef, TcpKeepalive};

use crate::limits::Limits;

/// How long a silent connection is left alone before the kernel asks whether the peer is still there.
const KEEPALIVE_AFTER: Duration = Duration::from_secs(60);

/// How long it waits for the answer before it asks again.
const KEEPALIVE_EVERY: Duration = Duration::from_secs(10);

/// How many questions may stay without an answer: a peer that vanished is found out within 90 s.
#[cfg(not(windows))]
const KEEPALIVE_TRIES: u32 = 3;

/// Prepares an accepted stream for the loop.
///
/// # Errors
/// When the system refuses; the stream is of no use then.
pub(super) fn prepare(stream: &TcpStream, limits: &Limits) -> io::Result<()> {
    stream.set_nonblocking(true)?;
    let socket = SockRef::from(stream.as_std());
    socket.set_send_buffer_size(limits.send_buffer_len)?;
    let keepalive = TcpKeepalive::new().with_time(KEEPALIVE_AFTER).with_interval(KEEPALIVE_EVERY);
    #[cfg(not(windows))]
    let keepalive = keepalive.with_retries(KEEPALIVE_TRIES);
    socket.set_tcp_keepalive(&keepalive)?;
    // Keep-alives are sent only while nothing else is; for sent bytes that nobody acknowledges, Linux has this
    // limit, and other systems their own of some minutes. The room's own limit, which says why, comes first.
    #[cfg(target_os = "linux")]
    socket.set_tcp_user_timeout(Some(2 * limits.stall_timeout))?;
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

    #[test]
    fn a_member_costs_the_kernel_little_and_a_vanished_one_is_asked_for() {
        let listener = TcpListener::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let _client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (stream, _) = listener.accept().unwrap();
        let limits = Limits::default();
        prepare(&stream, &limits).unwrap();
        let socket = SockRef::from(stream.as_std());
        assert!(socket.keepalive().unwrap() && socket.tcp_nodelay().unwrap());
        // Linux says twice what was asked for.
        assert!((limits.send_buffer_len..=2 * limits.send_buffer_len).contains(&socket.send_buffer_size().unwrap()));
        #[cfg(target_os = "linux")]
        assert_eq!(socket.tcp_user_timeout().unwrap(), Some(Duration::from_secs(60)));
    }
}
