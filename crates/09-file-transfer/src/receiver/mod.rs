//! The receiver as a state machine: datagrams from anybody and the time in, datagrams and deadlines out.
//!
//! ```text
//!   stranger ──HELLO──▶ nothing is kept, 32 bytes go back
//!            ──OFFER with the right cookie──▶ a session, if there is room
//!   session  ──DATA, FINISH──▶ the disk
//! ```
//! Strangers cost nothing but a hash. Only who has shown that answers reach it gets a session, and sessions
//! are bounded: all together, for each address, and in time. Read `cookie.rs`, `incoming.rs` and `session.rs`
//! before.

mod cookie;
mod incoming;
mod session;

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::time::Duration;

pub use self::cookie::Jar;
use self::session::Live;
use crate::file::{Offer, Session, Store, Verdict};
use crate::report::{Report, Totals};
use crate::wire::{BASE_LEN, Datagram, HEADER_LEN, VERSION, WireError, decode, encode, session_of};

/// Sessions at once.
pub const SESSIONS_MAX: usize = 256;

/// Sessions of one address at once, so that one machine cannot take all places.
pub const SESSIONS_PER_ADDRESS_MAX: usize = 128;

/// A sender that is silent for so long may be a dead one: longer than any of its timers but the last ones.
const STALLED: Duration = Duration::from_secs(1);

/// Ended sessions that are remembered, so that a late or repeated OFFER does not start them again.
const ENDED_KEPT: usize = 1_024;

/// Everything that one socket receives.
#[derive(Debug)]
pub struct Receiver {
    jar: Jar,
    timeout: Duration,
    sessions: BTreeMap<Session, Live>,
    /// With whether all its files were complete.
    ended: VecDeque<(Session, bool)>,
    /// Answers to those who have no session.
    replies: VecDeque<(SocketAddr, Session, Datagram<'static>)>,
    reports: VecDeque<Report>,
    /// Datagrams that belonged to no session.
    refused: u64,
}

impl Receiver {
    /// A receiver whose cookies rest on `secret`, which must be random. A sender that is silent for `timeout`
    /// is given up.
    #[must_use]
    pub fn new(secret: [u8; 32], timeout: Duration) -> Self {
        Self {
            jar: Jar::new(secret),
            timeout,
            sessions: BTreeMap::new(),
            ended: VecDeque::new(),
            replies: VecDeque::new(),
            reports: VecDeque::new(),
            refused: 0,
        }
    }

    /// Takes one datagram that says that it comes from `from`.
    pub fn receive(&mut self, now: Duration, from: SocketAddr, bytes: &[u8], store: &mut dyn Store) {
        let received = match decode(bytes) {
            Ok(received) => received,
            Err(error) => return self.refuse(from, bytes, error),
        };
        let session = received.session;
        match self.sessions.get_mut(&session) {
            // Somebody who knows the number and is elsewhere: a guest whose address changed, or a thief.
            Some(live) if live.peer != from => self.refused += 1,
            Some(live) => {
                live.last_heard = now;
                live.count_received();
                match received.datagram {
                    Datagram::Offer { index, afresh, offer, .. } => live.on_offer(index, offer, afresh, store),
                    Datagram::Data { number, floor, index, offset, bytes } => {
                        live.on_data(now, (number, floor), Some((index, offset, bytes)), store);
                    }
                    Datagram::Probe { number, floor } => live.on_data(now, (number, floor), None, store),
                    Datagram::Finish { index, digest } => live.on_finish(now, index, digest, store),
                    Datagram::Bye { done, reason } => self.end(now, session, (!done).then_some(reason), store),
                    // A greeting that came twice; and what only a receiver sends.
                    _ => self.refused += 1,
                }
            }
            None => self.greet(now, from, session, received.datagram, bytes.len(), store),
        }
    }

    /// What is no datagram of ours is counted; only who greets in another version is told so.
    fn refuse(&mut self, from: SocketAddr, bytes: &[u8], error: WireError) {
        self.refused += 1;
        if let (WireError::Version(_), true, Some(session)) = (error, bytes.len() >= BASE_LEN, session_of(bytes)) {
            let bye = Datagram::Bye { done: false, reason: format!("this receiver speaks version {VERSION}") };
            self.replies.push_back((from, session, bye));
        }
    }

    /// A datagram of no session that is known. Never is the answer longer than the question.
    fn greet(
        &mut self,
        now: Duration,
        from: SocketAddr,
        session: Session,
        datagram: Datagram<'_>,
        len: usize,
        store: &mut dyn Store,
    ) {
        let bye = |reason: &str| Datagram::Bye { done: false, reason: reason.to_owned() };
        let ended = self.ended.iter().find(|(other, _)| *other == session).map(|(_, complete)| *complete);
        let anew = "it has started anew; the same command again goes on from here";
        let reply = match datagram {
            Datagram::Hello if len >= BASE_LEN => Datagram::Cookie(self.jar.bake(now, from, session)),
            Datagram::Offer { cookie, files, index, afresh, offer }
                if self.jar.knows(now, from, session, &cookie) && ended.is_none() =>
            {
                if self.ends_stalled(now, from, &offer, store) {
                    return; // The disk lets go of it; the sender asks again.
                }
                if !self.has_room(from) {
                    bye("no room for one more session; try again later")
                } else {
                    let mut live = Live::new(now, session, from, files);
                    live.on_offer(index, offer, afresh, store);
                    self.sessions.insert(session, live);
                    return;
                }
            }
            // The last verdict was lost, and the session is gone already.
            Datagram::Finish { index, .. } if ended == Some(true) => {
                Datagram::Verdict { index, verdict: Verdict::Complete }
            }
            Datagram::Offer { .. } | Datagram::Data { .. } | Datagram::Finish { .. }
                if ended.is_none() && len > HEADER_LEN + anew.len() =>
            {
                bye(anew)
            }
            _ => {
                self.refused += 1;
                return;
            }
        };
        self.replies.push_back((from, session, reply));
    }

    /// Ends a session that offered the same file from the same machine and has fallen silent: its sender was
    /// killed, and here it is again.
    fn ends_stalled(&mut self, now: Duration, from: SocketAddr, offer: &Offer, store: &mut dyn Store) -> bool {
        let same = |live: &&Live| live.peer.ip() == from.ip() && live.has_open(offer);
        let stalled = self.sessions.values().filter(same).find(|live| now > live.last_heard + STALLED);
        let Some(session) = stalled.map(|live| live.session) else { return false };
        self.end(now, session, Some("its sender has begun again".to_owned()), store);
        true
    }

    fn has_room(&self, from: SocketAddr) -> bool {
        let same = self.sessions.values().filter(|live| live.peer.ip() == from.ip()).count();
        self.sessions.len() < SESSIONS_MAX && same < SESSIONS_PER_ADDRESS_MAX
    }

    /// Asks the disk for verdicts and the clock for sessions that are over.
    pub fn tick(&mut self, now: Duration, store: &mut dyn Store) {
        while let Some((file, verdict)) = store.verdict() {
            if let Some(live) = self.sessions.get_mut(&file.session) {
                live.on_verdict(now, file.index, verdict);
            }
        }
        let timeout = self.timeout;
        let over = self.sessions.iter().filter(|(_, live)| live.expires_at(timeout) <= now);
        let over: Vec<(Session, bool)> = over.map(|(session, live)| (*session, live.is_settled())).collect();
        for (session, settled) in over {
            let silent = || format!("nothing from the sender for {timeout:?}");
            self.end(now, session, (!settled).then(silent), store);
        }
    }

    /// Ends all sessions now; their senders are told why.
    pub fn stop(&mut self, now: Duration, reason: &str, store: &mut dyn Store) {
        for (session, peer) in self.sessions.iter().map(|(session, live)| (*session, live.peer)).collect::<Vec<_>>() {
            let bye = Datagram::Bye { done: false, reason: reason.to_owned() };
            self.replies.push_back((peer, session, bye));
            self.end(now, session, Some(reason.to_owned()), store);
        }
    }

    fn end(&mut self, now: Duration, session: Session, reason: Option<String>, store: &mut dyn Store) {
        let Some(mut live) = self.sessions.remove(&session) else { return };
        live.end(now, reason, store);
        self.reports.extend(live.reports.drain(..));
        self.ended.push_back((session, live.is_complete()));
        if self.ended.len() > ENDED_KEPT {
            self.ended.pop_front();
        }
    }

    /// Appends the next datagram to `out` and says where it goes; `None` when there is none for now.
    pub fn transmit(&mut self, now: Duration, out: &mut Vec<u8>) -> Option<SocketAddr> {
        if let Some((peer, session, datagram)) = self.replies.pop_front() {
            encode(out, session, &datagram);
            return Some(peer);
        }
        for live in self.sessions.values_mut() {
            let reply = live.replies.pop_front();
            if let Some(datagram) = reply.or_else(|| live.ack(now).map(Datagram::Ack)) {
                let len = encode(out, live.session, &datagram);
                live.count_sent(len);
                return Some(live.peer);
            }
        }
        None
    }

    /// When [`Receiver::tick`] and [`Receiver::transmit`] have something to do if nothing is received before.
    #[must_use]
    pub fn deadline(&self) -> Option<Duration> {
        let of = |live: &Live| {
            let expires = live.expires_at(self.timeout);
            live.ack_due().map_or(expires, |due| due.min(expires))
        };
        self.sessions.values().map(of).min()
    }

    /// Whether the disk must be asked soon, because a file is with it.
    #[must_use]
    pub fn is_checking(&self) -> bool {
        self.sessions.values().any(Live::is_checking)
    }

    /// The next thing to tell the user.
    pub fn report(&mut self) -> Option<Report> {
        for live in self.sessions.values_mut() {
            self.reports.extend(live.reports.drain(..));
        }
        self.reports.pop_front()
    }

    /// The state of every session at this moment.
    pub fn totals(&self, now: Duration) -> impl Iterator<Item = (Session, Totals)> + '_ {
        self.sessions.iter().map(move |(session, live)| (*session, live.totals(now)))
    }

    /// Datagrams that belonged to no session: damaged, forged, foreign, or late.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.refused
    }
}
