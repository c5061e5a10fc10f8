//! The loop that owns the socket: receive, decide, send.
//!
//! ```text
//! thread "main"      waits in recv_from       woken by the token's waker, which sends it a datagram
//! thread "ctrl-c"    waits for a signal       advances the token (made by the ctrlc crate)
//! thread "console"   waits for lines          ended by Console::finish
//! ```
//!
//! One socket and one thread serve every client, because there is no connection to wait on. Read
//! `answer.rs` first: what is sent, and what is not, is decided there. Source: UNP section 8.4.

use std::io;
use std::net::SocketAddr;

use netcommon::console::Lines;
use netcommon::error::{OpError, is_too_long};
use netcommon::escape::escape;
use netcommon::net::UdpSocket;
use netcommon::shutdown::{Shutdown, Waker};

use crate::answer::{Buffer, Decision, decide, refusal};
use crate::tally::Tally;

/// How many bytes of a message its line shows: a few rows of a terminal. A datagram may hold 65,507.
const MESSAGE_SHOWN_MAX: usize = 240;

/// After so many failed receives without a datagram between them the socket is broken for good, and
/// trying on would only heat the room.
const FAILURES_MAX: u32 = 100;

/// Answers datagrams on `socket` until `shutdown` asks for the end; returns what was counted.
///
/// `recvfrom(2)` and `sendto(2)`, one each for a datagram. Blocks until the token moves. With `quiet`
/// there is no line for each datagram.
///
/// # Errors
/// When the socket itself breaks. A datagram that cannot be answered, or a client that has gone, ends
/// nothing.
///
/// # Examples
/// ```
/// use netcommon::{console::Console, net::UdpSocket, shutdown::Shutdown};
///
/// let socket = UdpSocket::bind("127.0.0.1:0".parse().unwrap())?;
/// let (console, shutdown) = (Console::start(|| {})?, Shutdown::new());
/// shutdown.advance(); // Asked to end before it began: answers nobody.
/// let tally = udp_server::serve(&socket, false, &shutdown, &console.lines())?;
/// assert_eq!(tally.received, 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
// ANCHOR: serve
pub fn serve(socket: &UdpSocket, quiet: bool, shutdown: &Shutdown, lines: &Lines) -> Result<Tally, OpError> {
    let broken = |error| OpError::new("receive on", local_name(socket), error);
    shutdown.wake_on_drain(Waker::for_udp_socket(socket).map_err(broken)?);
    let mut server = Server { socket, log: (!quiet).then_some(lines), tally: Tally::default() };
    let mut buffer = Buffer::new();
    let mut failures = 0;
    loop {
        let received = socket.recv_from(buffer.room());
        if shutdown.is_draining() {
            shutdown.settle();
            lines.line(format_args!("Server shutting down..."));
            return Ok(server.tally);
        }
        match received {
            Ok((len, source)) => {
                failures = 0;
                server.answer(&buffer, len, source);
            }
            Err(error) if is_news_of_a_client(&error) => log::info!("receive: {error}"),
            Err(error) => {
                failures += 1;
                log::warn!("receive: {error}");
                if failures == FAILURES_MAX {
                    return Err(broken(error));
                }
            }
        }
    }
}
// ANCHOR_END: serve

struct Server<'a> {
    socket: &'a UdpSocket,
    /// `None` when it shall be quiet.
    log: Option<&'a Lines>,
    tally: Tally,
}

impl Server<'_> {
    // ANCHOR: answer
    /// Carries out what [`decide`] says about the datagram of `len` bytes in `buffer`.
    fn answer(&mut self, buffer: &Buffer, len: usize, source: SocketAddr) {
        let message = buffer.message(len);
        self.tally.count_received(len);
        let text = escape(message).at_most(MESSAGE_SHOWN_MAX);
        match len {
            ..=MESSAGE_SHOWN_MAX => self.log(format_args!("Received from {source}: {text}")),
            _ => self.log(format_args!("Received from {source}: {text} ({len} bytes)")),
        }
        match decide(message, source) {
            Decision::Echo => self.send(buffer.answer(len), len, source),
            Decision::Refuse { limit } => self.refuse(len, Some(limit), source),
            Decision::Silence(reason) => {
                self.tally.count_silence(reason);
                self.log(format_args!("Not answered {source}: {reason}"));
            }
        }
    }
    // ANCHOR_END: answer

    /// Sends an answer to a message of `len` bytes; what goes wrong concerns this client only.
    fn send(&mut self, answer: &[u8], len: usize, source: SocketAddr) {
        match self.socket.send_to(answer, source) {
            Ok(sent) => self.tally.count_answered(sent),
            // A system that allows less than a datagram can carry: macOS takes 9,216 bytes by default.
            Err(error) if is_too_long(&error) => self.refuse(len, None, source),
            Err(error) => self.fail(source, &error),
        }
    }

    /// Says that a message of `len` bytes is too long to send back.
    fn refuse(&mut self, len: usize, limit: Option<usize>, source: SocketAddr) {
        self.log(format_args!("Too long to send back to {source}: {len} bytes"));
        match self.socket.send_to(&refusal(len, limit), source) {
            Ok(sent) => {
                self.tally.count_answered(sent);
                self.tally.too_long += 1;
            }
            Err(error) => self.fail(source, &error),
        }
    }

    fn fail(&mut self, source: SocketAddr, error: &io::Error) {
        self.tally.failed += 1;
        self.log(format_args!("Not answered {source}: {error}"));
    }

    fn log(&self, line: std::fmt::Arguments<'_>) {
        if let Some(lines) = self.log {
            lines.line(line);
        }
    }
}

/// Whether a failed receive only tells that some client has gone, or that a signal came.
///
/// Windows reports an ICMP "port unreachable" that one of our answers met as `WSAECONNRESET` from the
/// next receive, although that receive has nothing to do with it.
fn is_news_of_a_client(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionRefused, ConnectionReset, HostUnreachable, Interrupted, NetworkUnreachable};

    matches!(error.kind(), ConnectionRefused | ConnectionReset | HostUnreachable | Interrupted | NetworkUnreachable)
}

fn local_name(socket: &UdpSocket) -> String {
    socket.local_addr().map_or_else(|_| "the socket".to_owned(), |addr| addr.to_string())
}
