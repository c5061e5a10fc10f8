//! The receiving loop of the simple protocol: one socket, one thread, any number of senders.
//!
//! Read `receiver.rs` before: it decides, this loop talks. The last answer is the hard one: when it is lost,
//! the sender asks again, and somebody must still be there. So with `once` the loop stays until the
//! sender has said BYE, or for [`LINGER`] of silence. No number of further messages makes that wait
//! unnecessary: it is the problem of the two generals.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::time::{Duration, Instant, SystemTime};

use netcommon::error::{OpError, is_timeout};
use netcommon::net::UdpSocket;
use netcommon::shutdown::{Shutdown, Waker};

use super::message::DATAGRAM_LEN_MAX;
use super::receiver::{Happened, Receiver};
use super::sender::ANSWER_WAIT;
use super::{is_interrupted, log_received, log_sent};
use crate::disk::to_ns;
use crate::file::{FileId, Session, Store};
use crate::report::{Report, Totals};

/// How long a sender that has not said goodbye may still ask: eight times its wait for an answer.
pub const LINGER: Duration = ANSWER_WAIT.saturating_mul(8);

/// How often the disk is asked for verdicts while it checks a file.
const DISK_LOOK: Duration = Duration::from_millis(5);

/// How often silent senders are looked for.
const IDLE_LOOK: Duration = Duration::from_millis(500);

/// Receives until `shutdown` drains, or with `once` until the first sender has gone; returns what was counted
/// for all senders.
///
/// Blocks; `patience` is how long a silent sender is waited for.
///
/// # Errors
/// The socket fails.
pub fn run(
    socket: &UdpSocket,
    store: &mut dyn Store,
    patience: Duration,
    once: bool,
    shutdown: &Shutdown,
    tell: &mut dyn FnMut(&Report),
) -> Result<Totals, OpError> {
    let waker = Waker::for_udp_socket(socket).map_err(|error| OpError::new("prepare for", "shutdown", error))?;
    shutdown.wake_on_drain(waker);
    let mut receiver = Receiver::new(patience);
    let mut news = News { start: Instant::now(), sessions: Vec::new(), over: Totals::default(), bye: false, tell };
    let mut buffer = [0; DATAGRAM_LEN_MAX + 1];
    let mut last_heard = Instant::now();
    loop {
        if shutdown.is_draining() || once && news.is_over(&receiver, last_heard) {
            break;
        }
        let wait = if receiver.is_busy() { DISK_LOOK } else { IDLE_LOOK };
        let received = socket.set_read_timeout(Some(wait)).and_then(|()| socket.recv_from(&mut buffer));
        match received {
            Ok((len, peer)) => {
                log_received(&buffer[..len]);
                last_heard = Instant::now();
                news.count(peer, |totals| totals.datagrams_received += 1);
                let now = news.start.elapsed();
                let answer = receiver.handle(now, peer, &buffer[..len], to_ns(SystemTime::now()), store);
                news.tell_all(&mut receiver);
                if let Some(answer) = answer {
                    send(socket, &answer, peer, &mut news);
                }
            }
            Err(error) if is_timeout(&error) || is_no_failure(&error) => {}
            Err(error) => return Err(OpError::new("receive from", "the socket", error)),
        }
        while let Some((peer, answer)) = receiver.poll(store) {
            send(socket, &answer, peer, &mut news);
        }
        receiver.forget(news.start.elapsed(), store);
        news.tell_all(&mut receiver);
    }
    receiver.abandon_all(store);
    news.tell_all(&mut receiver);
    Ok(news.end())
}

/// An earlier answer of ours met a closed port (Windows says so here), or a signal came.
fn is_no_failure(error: &io::Error) -> bool {
    is_interrupted(error) || matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::ConnectionRefused)
}

fn send(socket: &UdpSocket, answer: &[u8], peer: SocketAddr, news: &mut News<'_>) {
    log_sent(answer);
    // An answer that cannot be sent is an answer that is lost: the sender asks again.
    if socket.send_to(answer, peer).is_ok() {
        news.count(peer, |totals| {
            totals.datagrams_sent += 1;
            totals.bytes_sent += answer.len() as u64;
        });
    }
}

/// Turns what has happened into reports, and counts it.
struct News<'a> {
    start: Instant,
    /// Whose start was told and whose end was not.
    sessions: Vec<Told>,
    /// All sessions that are over, together.
    over: Totals,
    /// Whether a sender has gone in good order.
    bye: bool,
    tell: &'a mut dyn FnMut(&Report),
}

/// A sender, by its address.
struct Told {
    session: Session,
    peer: SocketAddr,
    since: Instant,
    totals: Totals,
}

impl News<'_> {
    fn is_over(&self, receiver: &Receiver, last_heard: Instant) -> bool {
        let settled = self.over.files_done + self.over.files_failed > 0
            || self.sessions.iter().any(|told| told.totals.files_done + told.totals.files_failed > 0);
        settled && !receiver.is_busy() && (self.bye || last_heard.elapsed() >= LINGER)
    }

    fn count(&mut self, peer: SocketAddr, count: impl FnOnce(&mut Totals)) {
        if let Some(told) = self.sessions.iter_mut().find(|told| told.peer == peer) {
            count(&mut told.totals);
        }
    }

    fn tell_all(&mut self, receiver: &mut Receiver) {
        for happened in receiver.happened() {
            self.tell_one(happened);
        }
    }

    fn tell_one(&mut self, happened: Happened) {
        match happened {
            Happened::Began { file: FileId { session, index }, name, size, peer } => {
                if !self.sessions.iter().any(|told| told.session == session) {
                    self.sessions.push(Told { session, peer, since: Instant::now(), totals: Totals::default() });
                    (self.tell)(&Report::SessionStarted { session, peer, files: 0 });
                }
                self.count(peer, |totals| totals.bytes_total = totals.bytes_total.saturating_add(size));
                (self.tell)(&Report::FileStarted { session, index, name, size, from: 0 });
            }
            Happened::Bytes(FileId { session, .. }, len) => {
                let Some(told) = self.sessions.iter_mut().find(|told| told.session == session) else { return };
                told.totals.bytes_done += len;
                told.totals.elapsed = told.since.elapsed();
                (self.tell)(&Report::Progress { session, totals: told.totals });
            }
            Happened::Ended { file: FileId { session, index }, name, size, result } => {
                if let Some(told) = self.sessions.iter_mut().find(|told| told.session == session) {
                    match result {
                        Ok(_) => told.totals.files_done += 1,
                        Err(_) => told.totals.files_failed += 1,
                    }
                }
                (self.tell)(&Report::FileEnded { session, index, name, size, result });
            }
            Happened::Bye(session) => {
                self.bye = true;
                self.end_session(session);
            }
        }
    }

    fn end_session(&mut self, session: Session) {
        let Some(at) = self.sessions.iter().position(|told| told.session == session) else { return };
        let Told { mut totals, since, .. } = self.sessions.remove(at);
        totals.elapsed = since.elapsed();
        self.over.files_done += totals.files_done;
        self.over.files_failed += totals.files_failed;
        self.over.bytes_done += totals.bytes_done;
        (self.tell)(&Report::SessionEnded { session, totals, failure: None });
    }

    fn end(mut self) -> Totals {
        while let Some(told) = self.sessions.first() {
            self.end_session(told.session);
        }
        self.over
    }
}
