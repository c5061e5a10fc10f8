//! The sending loop of the simple protocol: one socket, one thread, one datagram at a time.
//!
//! Read `sender.rs` before: it decides, this loop talks. The socket is connected, so only the receiver's
//! datagrams come in, and the system tells when nobody listens there (RFC 8085 section 5.2).

use std::hash::{BuildHasher, RandomState};
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::{Duration, Instant};

use netcommon::error::{OpError, is_timeout};
use netcommon::net::UdpSocket;
use netcommon::shutdown::{Shutdown, Waker};

use super::message::{DATAGRAM_LEN_MAX, Message};
use super::sender::{Happened, Sender};
use super::{is_interrupted, log_received, log_sent};
use crate::file::{Offer, Session, Source};
use crate::report::{Fate, Report, Totals};

/// The smallest first number. All have ten digits, so that the same files make datagrams of the same length in each
/// run, and a bad network with the same seed does the same to them.
const NUMBER_MIN: u32 = 1_000_000_000;

/// A read timeout of zero would be none at all.
const WAIT_MIN: Duration = Duration::from_millis(1);

/// What is called with each datagram's fate, and when that was.
pub type OnFate<'a> = dyn FnMut(Duration, &Fate) + 'a;

/// Sends the files of `source` to `peer`; ends when each is saved, refused or given up, or on shutdown.
///
/// Blocks; every wait ends after `patience` at the latest, or when `shutdown` drains.
///
/// # Errors
/// The socket fails, or nothing listens at `peer`. A file that fails is told and counted, and is no error.
pub fn run<'a>(
    peer: SocketAddr,
    offers: &'a [Offer],
    source: &mut dyn Source,
    patience: Duration,
    shutdown: &Shutdown,
    tell: &'a mut dyn FnMut(&Report),
    trace: Option<&'a mut OnFate<'a>>,
) -> Result<Totals, OpError> {
    let socket = connected_to(peer).map_err(|error| OpError::new("connect to", peer, error))?;
    let waker = Waker::for_udp_socket(&socket).map_err(|error| OpError::new("prepare for", "shutdown", error))?;
    shutdown.wake_on_drain(waker);
    let number = NUMBER_MIN + RandomState::new().hash_one(peer) as u32 % (u32::MAX - NUMBER_MIN);
    let mut run = Run {
        socket,
        peer,
        start: Instant::now(),
        sender: Sender::new(offers.to_vec(), number, patience, Duration::ZERO),
        session: Session(number.into()),
        offers,
        totals: Totals { bytes_total: offers.iter().map(|offer| offer.size).sum(), ..Totals::default() },
        told: false,
        tell,
        tracer: Tracer { trace, sent: 0 },
    };
    let result = run.until_over(source, shutdown);
    run.end(&result, shutdown);
    result.map(|()| run.totals)
}

struct Run<'a> {
    socket: UdpSocket,
    peer: SocketAddr,
    start: Instant,
    sender: Sender,
    session: Session,
    offers: &'a [Offer],
    totals: Totals,
    /// Whether the session's start was told.
    told: bool,
    tell: &'a mut dyn FnMut(&Report),
    tracer: Tracer<'a>,
}

/// What became of each DATA, for `--trace`: at most one is on its way, the last that was sent.
struct Tracer<'a> {
    trace: Option<&'a mut OnFate<'a>>,
    sent: u64,
}

impl Tracer<'_> {
    fn sent(&mut self, at: Duration, index: usize, datagram: &[u8], again: bool) {
        let (Some(trace), Some(Message::Data { offset, bytes, .. })) = (&mut self.trace, Message::parse(datagram))
        else {
            return;
        };
        if again {
            trace(at, &Fate::Lost { number: self.sent });
        }
        self.sent += 1;
        let index = u32::try_from(index).unwrap_or(u32::MAX);
        trace(at, &Fate::Sent { number: self.sent, index, offset, len: bytes.len(), again });
    }

    fn arrived(&mut self, at: Duration) {
        if let Some(trace) = &mut self.trace {
            trace(at, &Fate::Arrived { number: self.sent });
        }
    }
}

impl Run<'_> {
    fn until_over(&mut self, source: &mut dyn Source, shutdown: &Shutdown) -> Result<(), OpError> {
        let mut buffer = [0; DATAGRAM_LEN_MAX + 1];
        while !self.sender.is_over() && !shutdown.is_draining() {
            let (index, now) = (self.sender.index(), self.start.elapsed());
            if let Some((datagram, again)) = self.sender.poll(now) {
                self.tracer.sent(now, index, datagram, again);
                send(&self.socket, datagram, &mut self.totals, again)
                    .map_err(|error| explained("send to", self.peer, error))?;
            }
            let wait = self.sender.deadline().saturating_sub(self.start.elapsed()).max(WAIT_MIN);
            let received = self.socket.set_read_timeout(Some(wait)).and_then(|()| self.socket.recv(&mut buffer));
            let happened = match received {
                Ok(len) => {
                    log_received(&buffer[..len]);
                    let (index, now) = (self.sender.index(), self.start.elapsed());
                    self.totals.datagrams_received += 1;
                    self.sender.handle(now, &buffer[..len], source).map(|happened| (index, happened))
                }
                Err(error) if is_timeout(&error) => {
                    let index = self.sender.index();
                    self.sender.give_up(self.start.elapsed()).map(|happened| (index, happened))
                }
                Err(error) if is_interrupted(&error) => None,
                // While the file is on its way the receiver may be starting again.
                Err(error) if error.kind() == io::ErrorKind::ConnectionRefused && self.told => None,
                Err(error) => return Err(explained("receive from", self.peer, error)),
            };
            if let Some((index, happened)) = happened {
                self.tell(index, happened);
            }
        }
        Ok(())
    }

    fn tell(&mut self, index: usize, happened: Happened) {
        self.totals.elapsed = self.start.elapsed();
        let (session, offer) = (self.session, &self.offers[index]);
        let place = u32::try_from(index).unwrap_or(u32::MAX);
        let (name, size) = (offer.name.clone(), offer.size);
        if !self.told {
            self.told = true;
            let files = u32::try_from(self.offers.len()).unwrap_or(u32::MAX);
            (self.tell)(&Report::SessionStarted { session, peer: self.peer, files });
        }
        match happened {
            Happened::Taken => (self.tell)(&Report::FileStarted { session, index: place, name, size, from: 0 }),
            Happened::Bytes(len) => {
                self.tracer.arrived(self.totals.elapsed);
                self.totals.bytes_done += len;
                (self.tell)(&Report::Progress { session, totals: self.totals });
            }
            Happened::Saved(digest) => {
                self.totals.files_done += 1;
                (self.tell)(&Report::FileEnded { session, index: place, name, size, result: Ok(digest) });
            }
            Happened::Failed(reason) => {
                self.totals.files_failed += 1;
                (self.tell)(&Report::FileEnded { session, index: place, name, size, result: Err(reason) });
            }
        }
    }

    fn end(&mut self, result: &Result<(), OpError>, shutdown: &Shutdown) {
        if self.told {
            // Once and without an answer: lost, it costs the receiver a wait, and nothing else.
            let _ = send(&self.socket, &self.sender.bye(), &mut self.totals, false);
        }
        let settled = self.totals.files_done + self.totals.files_failed;
        let missing = u32::try_from(self.offers.len()).unwrap_or(u32::MAX).saturating_sub(settled);
        self.totals.files_failed += missing;
        self.totals.elapsed = self.start.elapsed();
        let failure = match result {
            // Nothing had begun, so nothing ends: the error alone says it.
            Err(_) if !self.told => return,
            Err(error) => Some(error.cause.to_string()),
            Ok(()) if shutdown.is_draining() && missing > 0 => Some("interrupted".to_owned()),
            Ok(()) if missing > 0 => Some(format!("{missing} files were not sent")),
            Ok(()) => None,
        };
        (self.tell)(&Report::SessionEnded { session: self.session, totals: self.totals, failure });
    }
}

fn connected_to(peer: SocketAddr) -> io::Result<UdpSocket> {
    let any = if peer.is_ipv4() { (Ipv4Addr::UNSPECIFIED, 0).into() } else { (Ipv6Addr::UNSPECIFIED, 0).into() };
    let socket = UdpSocket::bind(any)?;
    socket.connect(peer)?;
    Ok(socket)
}

fn send(socket: &UdpSocket, datagram: &[u8], totals: &mut Totals, again: bool) -> io::Result<()> {
    log_sent(datagram);
    totals.datagrams_sent += 1;
    totals.bytes_sent += datagram.len() as u64;
    if again {
        totals.lost.by_silence += 1;
        totals.bytes_again += super::message::chunk_len(datagram) as u64;
    }
    match socket.send(datagram) {
        // The datagram before this one met a closed port; the receive tells, and decides.
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Ok(()),
        result => result.map(drop),
    }
}

fn explained(operation: &'static str, peer: SocketAddr, error: io::Error) -> OpError {
    let refused = matches!(error.kind(), io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionReset);
    let error = OpError::new(operation, peer, error);
    if refused { error.with_hint("start the receiver first: file-transfer receive --into DIR") } else { error }
}
