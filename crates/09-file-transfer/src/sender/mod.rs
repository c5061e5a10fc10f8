//! The sender as a state machine: datagrams and the time in, datagrams and the next deadline out.
//!
//! ```text
//!   receive(now, datagram)  ─▶ ┌────────┐ ─▶ transmit(now)   one datagram after the other, while there are any
//!                              │ Sender │ ─▶ deadline(now)   when to come back if nothing is received before
//!   Source: bytes, digests  ─▶ └────────┘ ─▶ report()        what to tell the user
//! ```
//! It never reads a clock or a socket, so a test can let an hour pass in a millisecond. Read `book.rs` (one
//! file) and `flight.rs` (what is on its way) before, and `answers.rs` (what each answer changes) next.

mod answers;
mod book;
mod flight;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use self::book::{Ask, Book, Stage};
pub use self::flight::ACK_DELAY_MAX;
use self::flight::{Cargo, Flight};
use crate::congestion::Congestion;
use crate::file::{Offer, Refusal, Session, Source};
use crate::pacer::Pacer;
use crate::path::Path;
use crate::rate::Rate;
use crate::report::{Fate, Report, Totals};
use crate::rtt::Rtt;
use crate::wire::{Cookie, DATA_HEADER_LEN, Datagram, encode, encode_data, encode_probe};

/// So many files are offered or on their way at once: enough that small ones do not wait for each other's
/// round trips, and few enough to be held open.
pub const OPEN_MAX: usize = 16;

/// BYE is not answered, so it is sent so often: with every second datagram lost, one in eight is missed.
const BYES: u32 = 3;

/// Where nobody has ever answered, nobody is waited for longer than this: ten greetings.
const GREETING_MAX: Duration = Duration::from_secs(20);

/// How a session is to be run.
#[derive(Debug, Clone)]
pub struct Options {
    /// How much may be on its way.
    pub congestion: Congestion,
    /// Spread datagrams over the round trip.
    pub pacing: bool,
    /// Use the ranges that the receiver tells; without, everything behind a loss is sent again.
    pub sack: bool,
    /// A receiver that is silent for so long is given up.
    pub timeout: Duration,
    /// The longest datagram that is tried.
    pub datagram_len_max: usize,
    /// Tell every datagram's fate.
    pub trace: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum State {
    /// The receiver does not know yet that we are where we say.
    Greeting(Ask),
    /// It does.
    Working(Cookie),
    /// With the reason, if it was too early, and how many BYEs are still to be sent.
    Ended(Option<String>, u32),
}

/// One session's sending side.
#[derive(Debug)]
pub struct Sender {
    session: Session,
    peer: SocketAddr,
    options: Options,
    state: State,
    books: Vec<Book>,
    /// Files that are offered or flowing, and the first that is neither yet.
    open: VecDeque<u32>,
    next_file: u32,
    flight: Flight,
    rtt: Rtt,
    rate: Rate,
    pacer: Pacer,
    path: Path,
    last_heard: Duration,
    now: Duration,
    totals: Totals,
    reports: VecDeque<Report>,
    trace: Vec<(Duration, Fate)>,
}

impl Sender {
    /// A session with `peer` that begins at the time 0. `session` must be random: it is what strangers
    /// cannot guess.
    #[must_use]
    pub fn new(session: Session, peer: SocketAddr, offers: Vec<Offer>, options: Options) -> Self {
        let path = Path::new(peer, options.datagram_len_max);
        Self {
            session,
            peer,
            options,
            state: State::Greeting(Ask::new(Duration::ZERO)),
            books: offers.into_iter().map(Book::new).collect(),
            open: VecDeque::new(),
            next_file: 0,
            flight: Flight::default(),
            rtt: Rtt::default(),
            rate: Rate::default(),
            pacer: Pacer::default(),
            path,
            last_heard: Duration::ZERO,
            now: Duration::ZERO,
            totals: Totals::default(),
            reports: VecDeque::new(),
            trace: Vec::new(),
        }
    }

    /// Appends the next datagram to `out` and returns its length; `None` when there is none for now.
    // ANCHOR: transmit
    pub fn transmit(&mut self, now: Duration, source: &mut dyn Source, out: &mut Vec<u8>) -> Option<usize> {
        self.now = now;
        self.look_at_the_clock();
        let len = match self.state.clone() {
            State::Greeting(ask) => self.hello(ask, out),
            State::Working(cookie) => {
                self.open_files();
                self.ask(cookie, source, out).or_else(|| self.probe(out)).or_else(|| self.piece(source, out))
            }
            State::Ended(reason, byes) => self.bye(reason, byes, out),
        }?;
        self.totals.datagrams_sent += 1;
        self.totals.bytes_sent += len as u64;
        Some(len)
    }
    // ANCHOR_END: transmit

    /// When [`Sender::transmit`] has something to do if nothing is received before; `None` at the end.
    #[must_use]
    pub fn deadline(&mut self, now: Duration) -> Option<Duration> {
        let give_up = self.gives_up_at();
        match &self.state {
            State::Greeting(ask) => Some(ask.due.min(give_up)),
            State::Working(_) => {
                let asks = self.open.iter().filter_map(|index| match self.books[*index as usize].stage {
                    Stage::Offered(ask) | Stage::Finishing(_, ask) => Some(ask.due),
                    _ => None,
                });
                let first = asks.chain(self.flight.deadline(&self.rtt)).fold(give_up, Duration::min);
                let sends = self.has_piece() && self.has_room();
                Some(if sends { first.min(self.ready_at(now)) } else { first })
            }
            State::Ended(_, 0) => None,
            State::Ended(..) => Some(now),
        }
    }

    /// Whether all is said and done.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        matches!(self.state, State::Ended(_, 0))
    }

    /// Ends the session now, for a reason that the user and the receiver are told.
    pub fn stop(&mut self, reason: &str) {
        self.end(Some(reason.to_owned()));
    }

    /// The next thing to tell the user.
    pub fn report(&mut self) -> Option<Report> {
        self.reports.pop_front()
    }

    /// What became of datagrams since the last call; empty unless a trace was asked for.
    pub fn take_trace(&mut self) -> Vec<(Duration, Fate)> {
        std::mem::take(&mut self.trace)
    }

    /// The state at this moment.
    #[must_use]
    pub fn totals(&self, now: Duration) -> Totals {
        let datagram_len = self.path.datagram_len();
        Totals {
            elapsed: now,
            lost: self.flight.losses,
            lost_wrongly: self.flight.lost_wrongly,
            srtt: self.rtt.smoothed(),
            rtt_min: self.rtt.min(),
            cwnd: self.options.congestion.window(datagram_len as u64),
            in_flight: self.flight.bytes(),
            pacing_rate: self.pacing_rate().unwrap_or(0),
            datagram_len,
            ..self.totals
        }
    }

    /// Which session this is.
    #[must_use]
    pub fn session(&self) -> Session {
        self.session
    }

    fn gives_up_at(&self) -> Duration {
        let timeout = self.options.timeout;
        self.last_heard + if matches!(self.state, State::Greeting(_)) { timeout.min(GREETING_MAX) } else { timeout }
    }

    fn look_at_the_clock(&mut self) {
        if matches!(self.state, State::Ended(..)) {
            return;
        }
        if self.now >= self.gives_up_at() {
            let silent = self.gives_up_at() - self.last_heard;
            let hint = match self.state {
                State::Greeting(_) => "is a receiver there?",
                _ => "the same command again goes on from here",
            };
            self.end(Some(format!("no answer from {} for {silent:?}; {hint}", self.peer)));
        } else if self.flight.is_silent(self.now, &self.rtt) {
            self.on_silence();
        } else if self.flight.deadline(&self.rtt).is_some_and(|at| at <= self.now) {
            self.find_lost();
        }
    }

    fn open_files(&mut self) {
        while self.open.len() < OPEN_MAX && (self.next_file as usize) < self.books.len() {
            self.books[self.next_file as usize].stage = Stage::Offered(Ask::new(self.now));
            self.open.push_back(self.next_file);
            self.next_file += 1;
        }
        if self.open.is_empty() {
            self.end(None);
        }
    }

    fn hello(&mut self, mut ask: Ask, out: &mut Vec<u8>) -> Option<usize> {
        if ask.due > self.now {
            return None;
        }
        ask.asked(self.now, &self.rtt);
        self.state = State::Greeting(ask);
        Some(encode(out, self.session, &Datagram::Hello))
    }

    /// An offer or a digest whose time has come.
    fn ask(&mut self, cookie: Cookie, source: &mut dyn Source, out: &mut Vec<u8>) -> Option<usize> {
        let files = u32::try_from(self.books.len()).expect("as many as the command line has");
        for index in self.open.clone() {
            let book = &mut self.books[index as usize];
            if book.stage == Stage::Flowing && book.fresh == book.offer.size {
                match source.digest(index) {
                    Ok(digest) => book.stage = Stage::Finishing(digest, Ask::new(self.now)),
                    Err(refusal) => self.settle(index, Err(refusal), source),
                }
            }
            let book = &mut self.books[index as usize];
            match &mut book.stage {
                Stage::Offered(ask) if ask.due <= self.now => {
                    ask.asked(self.now, &self.rtt);
                    let (afresh, offer) = (book.afresh, book.offer.clone());
                    return Some(encode(out, self.session, &Datagram::Offer { cookie, files, index, afresh, offer }));
                }
                Stage::Finishing(digest, ask) if ask.due <= self.now => {
                    ask.asked(self.now, &self.rtt);
                    return Some(encode(out, self.session, &Datagram::Finish { index, digest: *digest }));
                }
                _ => {}
            }
        }
        None
    }

    /// A datagram of nothing but its length, if a length is to be tried.
    fn probe(&mut self, out: &mut Vec<u8>) -> Option<usize> {
        // Not before there is something to use it for, and a round trip to compare with.
        if !self.has_piece() || self.rtt.smoothed().is_zero() {
            return None;
        }
        let len = self.path.wants_probe(self.now)?;
        let (number, floor) = self.numbers()?;
        encode_probe(out, self.session, number, floor, len);
        self.path.on_probe_sent(len);
        let stamp = self.rate.on_sent(self.now, false);
        self.flight.on_sent(self.now, len, Cargo::Probe, stamp);
        Some(len)
    }

    /// The next bytes of a file, if the window and the pacer let them go.
    fn piece(&mut self, source: &mut dyn Source, out: &mut Vec<u8>) -> Option<usize> {
        if !self.has_room() {
            return None;
        }
        let Some((index, offset, len, again)) = self.next_piece() else {
            self.rate.on_app_limited(self.flight.bytes());
            return None;
        };
        if self.ready_at(self.now) > self.now {
            return None;
        }
        let (number, floor) = self.numbers()?;
        let header = Datagram::Data { number, floor, index, offset, bytes: &[] };
        let sent = encode_data(out, self.session, &header, len, |bytes| source.read(index, offset, bytes));
        let datagram_len = match sent {
            Ok(datagram_len) => datagram_len,
            Err(refusal) => {
                self.settle(index, Err(refusal), source);
                return self.piece(source, out);
            }
        };
        self.on_piece_sent(index, offset, len, again, datagram_len);
        Some(datagram_len)
    }

    fn on_piece_sent(&mut self, index: u32, offset: u64, len: usize, again: bool, datagram_len: usize) {
        let number = self.flight.next_number();
        let stamp = self.rate.on_sent(self.now, self.flight.bytes() == 0);
        self.pacer.sent(self.now, datagram_len as u64, self.pacing_rate(), self.path.datagram_len() as u64);
        self.flight.on_sent(self.now, datagram_len, Cargo::Piece { index, offset, len }, stamp);
        self.books[index as usize].on_sent(offset, len as u64);
        self.totals.bytes_again += if again { len as u64 } else { 0 };
        self.tell(Fate::Sent { number, index, offset, len, again });
    }

    /// The next piece of the first file that has one: what is lost before what is new, file by file.
    fn next_piece(&self) -> Option<(u32, u64, usize, bool)> {
        let len_max = (self.path.datagram_len() - DATA_HEADER_LEN) as u64;
        self.open.iter().find_map(|index| {
            let (offset, len, again) = self.books[*index as usize].next_piece(len_max)?;
            Some((*index, offset, usize::try_from(len).ok()?, again))
        })
    }

    fn has_piece(&self) -> bool {
        self.next_piece().is_some()
    }

    fn has_room(&self) -> bool {
        let len = self.path.datagram_len() as u64;
        let on_its_way = self.flight.bytes();
        on_its_way == 0 || on_its_way + len <= self.options.congestion.window(len)
    }

    fn ready_at(&mut self, now: Duration) -> Duration {
        let rate = self.pacing_rate();
        self.pacer.ready_at(now, rate, self.path.datagram_len() as u64)
    }

    fn pacing_rate(&self) -> Option<u64> {
        self.options.congestion.pacing_rate().filter(|_| self.options.pacing)
    }

    /// The next number, and below which number nothing needs to be told.
    fn numbers(&mut self) -> Option<(u32, u32)> {
        let numbers = (u32::try_from(self.flight.next_number()), u32::try_from(self.flight.floor()));
        let (Ok(number), Ok(floor)) = numbers else {
            self.end(Some("4,294,967,296 datagrams were sent; the same command again goes on from here".to_owned()));
            return None;
        };
        Some((number, floor))
    }

    fn bye(&mut self, reason: Option<String>, byes: u32, out: &mut Vec<u8>) -> Option<usize> {
        let left = byes.checked_sub(1)?;
        let bye = Datagram::Bye { done: reason.is_none(), reason: short(reason.as_deref().unwrap_or_default()) };
        self.state = State::Ended(reason, left);
        Some(encode(out, self.session, &bye))
    }

    fn end(&mut self, reason: Option<String>) {
        if matches!(self.state, State::Ended(..)) {
            return;
        }
        let settled = self.totals.files_done + self.totals.files_failed;
        self.totals.files_failed += u32::try_from(self.books.len()).unwrap_or(u32::MAX) - settled;
        let totals = self.totals(self.now);
        self.reports.push_back(Report::SessionEnded { session: self.session, totals, failure: reason.clone() });
        self.state = State::Ended(reason, BYES);
    }

    fn tell(&mut self, fate: Fate) {
        if self.options.trace {
            self.trace.push((self.now, fate));
        }
    }
}

/// At most as much as a datagram's reason may have.
fn short(reason: &str) -> String {
    Refusal::new(reason).reason().to_owned()
}
