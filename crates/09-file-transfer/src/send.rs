//! The loop that sends: a socket, a disk, a clock and the sender's state machine.
//!
//! ```text
//! thread "main"      waits until an answer comes or the state machine's deadline is there; woken by the token
//! thread "ctrl-c"    waits for a signal       advances the token (made by the ctrlc crate)
//! ```
//! It decides nothing: read `sender/mod.rs` before, and `socket.rs`.

use std::hash::{BuildHasher, RandomState};
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use netcommon::error::OpError;
use netcommon::net::UdpSocket;
use netcommon::shutdown::Shutdown;

use crate::file::{Offer, Session, Source};
use crate::report::{Fate, Report, Totals};
use crate::sender::{Options, Sender};
use crate::socket::{BUFFER_LEN, Endpoint};

/// How often progress is told.
const PROGRESS_EVERY: Duration = Duration::from_millis(100);

/// Who is told what became of each datagram, and when.
pub type Tracer<'a> = &'a mut dyn FnMut(Duration, &Fate);

/// Sends the files of `source` to `peer`; ends when each is verified and in place, refused or given up.
///
/// Blocks; every wait ends with the state machine's deadline, or when `shutdown` drains. How it ended is told
/// by [`Report::SessionEnded`].
///
/// # Errors
/// The socket fails. A file or a session that fails is told and counted, and is no error.
pub fn run(
    peer: SocketAddr,
    offers: &[Offer],
    source: &mut dyn Source,
    options: Options,
    shutdown: &Shutdown,
    tell: &mut dyn FnMut(&Report),
    mut trace: Option<Tracer<'_>>,
) -> Result<Totals, OpError> {
    let any: SocketAddr = match peer {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let broken = |operation| move |error| OpError::new(operation, peer, error);
    let mut endpoint = UdpSocket::bind(any).and_then(Endpoint::new).map_err(broken("make a socket for"))?;
    shutdown.wake_on_drain(endpoint.waker());
    let options = Options { trace: trace.is_some(), ..options };
    let mut sender = Sender::new(Session(random()), peer, offers.to_vec(), options);
    let mut batch = Batch::default();
    let mut next_progress = Duration::ZERO;
    // ANCHOR: loop
    loop {
        let receive = |now, from, datagram: &[u8]| {
            if from == peer {
                sender.receive(now, datagram, source);
            }
        };
        endpoint.receive(receive).map_err(broken("receive from"))?;
        if shutdown.is_draining() {
            sender.stop("interrupted; the same command again goes on from here");
        }
        batch.send_all(&mut endpoint, peer, &mut sender, source).map_err(broken("send to"))?;
        while let Some(report) = sender.report() {
            tell(&report);
        }
        let now = endpoint.now();
        if now >= next_progress {
            next_progress = now + PROGRESS_EVERY;
            tell(&Report::Progress { session: sender.session(), totals: sender.totals(now) });
        }
        if let Some(trace) = &mut trace {
            sender.take_trace().iter().for_each(|(at, fate)| trace(*at, fate));
        }
        match sender.deadline(now) {
            Some(deadline) => endpoint.wait(Some(deadline.min(next_progress))).map_err(broken("wait for"))?,
            None => return Ok(sender.totals(now)),
        }
    }
    // ANCHOR_END: loop
}

/// Datagrams behind each other that one system call can send.
#[derive(Debug, Default)]
struct Batch {
    bytes: Vec<u8>,
    /// The length of all of them but the last.
    len: usize,
    count: usize,
}

impl Batch {
    /// Sends whatever the state machine wants to send now.
    fn send_all(
        &mut self,
        endpoint: &mut Endpoint,
        peer: SocketAddr,
        sender: &mut Sender,
        source: &mut dyn Source,
    ) -> io::Result<()> {
        loop {
            let before = self.bytes.len();
            let Some(len) = sender.transmit(endpoint.now(), source, &mut self.bytes) else {
                return self.flush(endpoint, peer, before);
            };
            let full = self.bytes.len() > BUFFER_LEN - 28 || self.count == endpoint.batch_max();
            if before > 0 && (len > self.len || full) {
                self.flush(endpoint, peer, before)?;
            }
            if self.count == 0 {
                self.len = len;
            }
            self.count += 1;
            // A shorter one can only be the last.
            if len < self.len {
                self.flush(endpoint, peer, self.bytes.len())?;
            }
        }
    }

    /// Sends the first `end` bytes; what is behind them begins the next batch.
    fn flush(&mut self, endpoint: &mut Endpoint, peer: SocketAddr, end: usize) -> io::Result<()> {
        if end > 0 {
            endpoint.send(peer, &self.bytes[..end], self.len)?;
            self.bytes.drain(..end);
        }
        self.count = 0;
        Ok(())
    }
}

/// A number that nobody can guess: std's hash maps take their keys from the system's source of chance, and
/// hash with a function that does not give its keys away (`SipHash`).
#[must_use]
pub fn random() -> u64 {
    RandomState::new().hash_one(())
}
