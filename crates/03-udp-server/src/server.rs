//! The loop that owns the socket: receive, decide, send.
//!
//! ```text
//! thread "main"      waits for datagrams      woken by the token's waker, which sends it a datagram
//! thread "ctrl-c"    waits for a signal       advances the token (made by the ctrlc crate)
//! thread "console"   waits for lines          ended by Console::finish
//! ```
//!
//! One socket and one thread serve every client, because there is no connection to wait on. Read
//! `answer.rs` first: what is sent, and what is not, is decided there. Source: UNP section 8.4.

use std::borrow::Cow;
use std::io;
use std::net::SocketAddr;

use netcommon::console::Lines;
use netcommon::error::{OpError, is_too_long};
use netcommon::escape::escape;
use netcommon::net::{BATCH_MAX, Inbox, UdpSocket};
use netcommon::shutdown::{Shutdown, Waker};

use crate::answer::{Buffer, Decision, PREFIX, decide, refusal};
use crate::tally::Tally;

/// How many bytes of a message its line shows: a few rows of a terminal. A datagram may hold 65,507.
const MESSAGE_SHOWN_MAX: usize = 240;

/// After so many failed receives without a datagram between them the socket is broken for good, and
/// trying on would only heat the room.
const FAILURES_MAX: u32 = 100;

/// Answers datagrams on `socket` until `shutdown` asks for the end; returns what was counted.
///
/// `recvmmsg(2)` and `sendmmsg(2)` where the system has them, else `recvfrom(2)` and `sendto(2)`, one each for a
/// datagram. Blocks until the token moves. With `quiet`
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
    let mut buffers: Vec<Buffer> = (0..BATCH_MAX).map(|_| Buffer::new()).collect();
    let mut inbox = Inbox::new();
    let mut failures = 0;
    loop {
        let received = socket.recv_many(&mut inbox, buffers.iter_mut().map(Buffer::room));
        if shutdown.is_draining() {
            shutdown.settle();
            lines.line(format_args!("Server shutting down..."));
            return Ok(server.tally);
        }
        match received {
            Ok(came) => {
                failures = 0;
                let answers = buffers
                    .iter()
                    .zip(came)
                    .filter_map(|(buffer, &(len, source))| Some((server.answer(buffer, len, source)?, source)));
                let answers: Vec<Answer<'_>> = answers.collect();
                server.send(&answers);
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

/// What is sent to whom: the buffer in which the message came, or words of our own.
type Answer<'a> = (Cow<'a, [u8]>, SocketAddr);

struct Server<'a> {
    socket: &'a UdpSocket,
    /// `None` when it shall be quiet.
    log: Option<&'a Lines>,
    tally: Tally,
}

impl Server<'_> {
    // ANCHOR: answer
    /// What the sender of the datagram of `len` bytes in `buffer` gets, as [`decide`] says.
    fn answer<'b>(&mut self, buffer: &'b Buffer, len: usize, source: SocketAddr) -> Option<Cow<'b, [u8]>> {
        let message = buffer.message(len);
        self.tally.count_received(len);
        let text = escape(message).at_most(MESSAGE_SHOWN_MAX);
        match len {
            ..=MESSAGE_SHOWN_MAX => self.log(format_args!("Received from {source}: {text}")),
            _ => self.log(format_args!("Received from {source}: {text} ({len} bytes)")),
        }
        match decide(message, source) {
            Decision::Echo => Some(buffer.answer(len).into()),
            Decision::Refuse { limit } => Some(self.refuse(len, Some(limit), source).into()),
            Decision::Silence(reason) => {
                self.tally.count_silence(reason);
                self.log(format_args!("Not answered {source}: {reason}"));
                None
            }
        }
    }
    // ANCHOR_END: answer

    // ANCHOR: send
    /// Sends answers with as few system calls as it can; what goes wrong with one concerns its client only.
    fn send(&mut self, mut answers: &[Answer<'_>]) {
        while let [(first, client), others @ ..] = answers {
            match self.socket.send_many(answers) {
                Ok(sent) => {
                    answers[..sent].iter().for_each(|(answer, _)| self.tally.count_answered(answer.len()));
                    answers = &answers[sent..];
                }
                Err(error) => {
                    self.not_sent(first, *client, &error);
                    answers = others;
                }
            }
        }
    }
    // ANCHOR_END: send

    fn not_sent(&mut self, answer: &[u8], client: SocketAddr, error: &io::Error) {
        // A system that allows less than a datagram can carry: macOS takes 9,216 bytes by default.
        if !is_too_long(error) {
            return self.fail(client, error);
        }
        let refusal = self.refuse(answer.len() - PREFIX.len(), None, client);
        match self.socket.send_to(&refusal, client) {
            Ok(sent) => self.tally.count_answered(sent),
            Err(error) => self.fail(client, &error),
        }
    }

    /// The words for a message of `len` bytes that is too long to send back.
    fn refuse(&mut self, len: usize, limit: Option<usize>, source: SocketAddr) -> Vec<u8> {
        self.log(format_args!("Too long to send back to {source}: {len} bytes"));
        self.tally.too_long += 1;
        refusal(len, limit)
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
