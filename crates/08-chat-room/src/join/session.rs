//! The client's loop: waits for the person, for the room, for a deadline and for Ctrl-C, at once.
//!
//! ```text
//! thread "main"   waits for any of them; owns the visit, the patience and the connection's writing end
//! thread "room"   one for each connection, see `wire.rs`
//! threads of the desk: see `desk.rs` and `editor.rs`
//! ```
//! Nothing is decided here: `visit.rs` says what a line means, `patience.rs` when to come back. Read those
//! first.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};
use chrono::Local;
use crossbeam_channel::{Receiver, at, never, select};
use netcommon::addr::HostPort;
use netcommon::cli::describe;
use netcommon::net::TcpStream;
use netcommon::shutdown::Shutdown;

use super::desk::{Desk, Typed};
use super::look::Look;
use super::pace::Pace;
use super::patience::Patience;
use super::roster::Roster;
use super::visit::{Action, Ending, NOT_IN_THE_ROOM, Visit, Visitor};
use super::wire::{Attempt, FromRoom, half_close, send_line};

/// Names that one Tab lists: a screen's width or two.
const CHOICES_SHOWN: usize = 20;

/// What the user asked for.
#[derive(Debug, Clone)]
pub struct Options {
    /// The room.
    pub server: HostPort,
    /// The wished name.
    pub name: String,
    /// Come back when the room is lost.
    pub reconnect: bool,
    /// Show the time of each line.
    pub times: bool,
    /// No prompt, even on a terminal.
    pub plain: bool,
    /// How long the server may take to connect, to ask, to let us in and to say goodbye.
    pub timeout: Duration,
    /// The time between two lines of a script, once it has said [`super::pace::BURST`] of them.
    pub pace: Duration,
    /// How lines look.
    pub look: Look,
}

/// How the client ended, when nothing failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The person left, or everything was said.
    Done,
    /// Ctrl-C.
    Interrupted,
}

/// Joins, talks, and comes back if asked to, until the person leaves or the room is lost.
///
/// Blocks in `select!`, which the person, the room, a deadline and Ctrl-C end.
///
/// # Errors
/// No connection, a lost one, a refused name; a script's line that the room did not take; stdout gone.
pub fn run(options: Options, shutdown: &Shutdown) -> anyhow::Result<Outcome> {
    let attempt = Attempt::start(&options.server, options.timeout).context("start a thread")?;
    let first = select! {
        recv(attempt.events) -> event => event.ok(),
        recv(shutdown.draining()) -> _ => None,
    };
    let stream = match first {
        Some(FromRoom::Connected(stream)) => stream,
        Some(FromRoom::NotConnected(error)) => return Err(error.into()),
        _ => {
            attempt.end();
            return Ok(Outcome::Interrupted);
        }
    };
    let roster = Arc::default();
    let desk = Desk::open(options.plain, &roster).context("start a thread")?;
    let mut client = Client::new(options, roster, &desk, Connection::open(attempt));
    client.begin_visit(stream);
    let result = client.run(shutdown);
    client.connection.end();
    desk.close();
    result
}

/// How far the connection is.
#[derive(Debug)]
enum Connection {
    /// The room's thread connects, or reads.
    Open { attempt: Attempt, stream: Option<Arc<TcpStream>> },
    /// Lost; the next attempt begins then.
    Lost { until: Instant },
}

impl Connection {
    fn open(attempt: Attempt) -> Self {
        Self::Open { attempt, stream: None }
    }

    fn events(&self) -> Receiver<FromRoom> {
        match self {
            Self::Open { attempt, .. } => attempt.events.clone(),
            Self::Lost { .. } => never(),
        }
    }

    fn stream(&self) -> Option<&TcpStream> {
        match self {
            Self::Open { stream, .. } => stream.as_deref(),
            Self::Lost { .. } => None,
        }
    }

    /// Ends what is open; nothing comes from it any more.
    fn end(&mut self) {
        if let Self::Open { attempt, .. } = std::mem::replace(self, Self::Lost { until: Instant::now() }) {
            attempt.end();
        }
    }
}

struct Client<'a> {
    options: Options,
    roster: Arc<Mutex<Roster>>,
    desk: &'a Desk,
    connection: Connection,
    /// There is one while the connection is made.
    visit: Option<Visit>,
    patience: Patience,
    /// Whether a room has ever let us in; before that, nothing is tried twice.
    was_in: bool,
    /// Why the connection ended, when writing found out first.
    why: Option<anyhow::Error>,
    /// Whether more may be typed.
    input_open: bool,
    pace: Pace,
    /// When a script may say its next line.
    next_line: Instant,
    /// Lines that were not taken, of all visits that are over.
    refused: usize,
}

impl<'a> Client<'a> {
    fn new(options: Options, roster: Arc<Mutex<Roster>>, desk: &'a Desk, connection: Connection) -> Self {
        let now = Instant::now();
        Self {
            pace: Pace::new(options.pace, now),
            options,
            roster,
            desk,
            connection,
            visit: None,
            patience: Patience::new(),
            was_in: false,
            why: None,
            input_open: true,
            next_line: now,
            refused: 0,
        }
    }

    // ANCHOR: loop
    fn run(&mut self, shutdown: &Shutdown) -> anyhow::Result<Outcome> {
        loop {
            let typed = if self.takes_typed() { self.desk.typed().clone() } else { never() };
            let (events, deadline) = (self.connection.events(), self.deadline().map_or(never(), at));
            let outcome = select! {
                recv(typed) -> typed => self.on_typed(typed.unwrap_or(Typed::End))?,
                recv(events) -> event => self.on_event(event.unwrap_or(FromRoom::Ended(None)))?,
                recv(deadline) -> _ => self.on_deadline()?,
                recv(shutdown.draining()) -> _ => Some(Outcome::Interrupted),
            };
            if let Some(outcome) = outcome {
                return Ok(outcome);
            }
        }
    }
    // ANCHOR_END: loop

    /// A person may type at any time; a script's lines wait until the room takes them.
    fn takes_typed(&self) -> bool {
        let ready = || self.visit.as_ref().is_some_and(Visit::wants_line) && Instant::now() >= self.next_line;
        self.input_open && (self.is_person() || ready())
    }

    fn is_person(&self) -> bool {
        matches!(self.desk, Desk::Terminal(_))
    }

    fn deadline(&self) -> Option<Instant> {
        if let Connection::Lost { until } = self.connection {
            return Some(until);
        }
        let visit = self.visit.as_ref()?;
        let pace = (self.input_open && visit.wants_line() && !self.is_person()).then_some(self.next_line);
        // A moment that is past has done its work: the line is taken as soon as it comes.
        let pace = pace.filter(|&moment| moment > Instant::now());
        visit.deadline().into_iter().chain(pace).min()
    }

    fn on_typed(&mut self, typed: Typed) -> anyhow::Result<Option<Outcome>> {
        let now = Instant::now();
        match typed {
            Typed::Interrupt => return Ok(Some(Outcome::Interrupted)),
            Typed::Choices(names) => self.desk.show(list(&names))?,
            Typed::End => {
                self.input_open = false;
                let Some(visit) = &mut self.visit else { return Ok(Some(Outcome::Done)) };
                let actions = visit.on_input_end(now);
                self.perform(actions)?;
            }
            Typed::Line(lines) => {
                self.next_line = self.pace.said(now);
                for line in lines.split(|&byte| byte == b'\n') {
                    let Some(visit) = &mut self.visit else {
                        self.desk.explain(NOT_IN_THE_ROOM)?;
                        break;
                    };
                    let actions = visit.on_typed(line.to_vec(), now);
                    self.perform(actions)?;
                }
            }
        }
        Ok(None)
    }

    fn on_event(&mut self, event: FromRoom) -> anyhow::Result<Option<Outcome>> {
        match event {
            FromRoom::Connected(stream) => self.begin_visit(stream),
            FromRoom::NotConnected(error) => return self.lost(error.into()),
            FromRoom::TooLong => self.desk.explain("a line of the room was too long and is not shown")?,
            FromRoom::Line(line) => {
                let Some(visit) = &mut self.visit else { return Ok(None) };
                self.roster.lock().unwrap_or_else(PoisonError::into_inner).hear(&String::from_utf8_lossy(&line));
                let (before, now) = (visit.is_in_room(), Instant::now());
                let actions = visit.on_line(line, now);
                if visit.is_in_room() && !before {
                    self.was_in = true;
                    self.patience.joined(now);
                }
                self.perform(actions)?;
            }
            FromRoom::Ended(why) => {
                let in_order = why.is_none() && self.why.is_none();
                let why = why.map_or_else(|| anyhow!("the server closed the connection"), anyhow::Error::from);
                self.why.get_or_insert(why.context(format!("read from {}", self.options.server)));
                if let Some(visit) = &mut self.visit {
                    visit.on_server_end(in_order);
                }
            }
        }
        self.conclude()
    }

    fn on_deadline(&mut self) -> anyhow::Result<Option<Outcome>> {
        if let Connection::Lost { until } = self.connection {
            if until <= Instant::now() {
                let attempt = Attempt::start(&self.options.server, self.options.timeout).context("start a thread")?;
                self.connection = Connection::open(attempt);
            }
        } else if let Some(visit) = &mut self.visit
            && visit.deadline().is_some_and(|deadline| deadline <= Instant::now())
        {
            visit.on_deadline();
        }
        self.conclude()
    }

    fn begin_visit(&mut self, connected: Arc<TcpStream>) {
        // Who comes back is not asked for another name: the old one may only need time to be free.
        let visitor = if self.is_person() && !self.was_in { Visitor::Person } else { Visitor::Alone };
        self.visit = Some(Visit::new(&self.options.name, visitor, self.options.timeout, Instant::now()));
        if let Connection::Open { stream, .. } = &mut self.connection {
            *stream = Some(connected);
        }
    }

    fn perform(&mut self, actions: Vec<Action>) -> anyhow::Result<()> {
        for action in actions {
            let time = self.options.times.then(|| Local::now().format("%H:%M").to_string());
            let name = self.visit.as_ref().map_or(self.options.name.as_str(), Visit::name);
            match action {
                Action::Show(line) => self.desk.show(self.options.look.heard(&line, name, time.as_deref()))?,
                Action::ShowOwn(text) if self.is_person() => {
                    self.desk.show(self.options.look.own(&text, name, time.as_deref()))?;
                }
                Action::ShowOwn(_) => {}
                Action::Explain(text) => self.desk.explain(&text)?,
                Action::HalfClose => self.connection.stream().into_iter().for_each(half_close),
                Action::Send(line) => self.send(&line),
            }
        }
        Ok(())
    }

    /// The room's thread will find the end as well, after the server's last words; but a reset is told only
    /// once, to whoever comes first, and a server that has stopped reading is found out only here.
    fn send(&mut self, line: &[u8]) {
        let Some(Err(error)) = self.connection.stream().map(|stream| send_line(stream, line)) else { return };
        let stuck = netcommon::error::is_timeout(&error);
        self.why = Some(anyhow::Error::from(error).context(format!("send to {}", self.options.server)));
        if stuck && let Connection::Open { attempt, .. } = &self.connection {
            attempt.stop_reading();
        }
    }

    /// What the end of a visit means, if it has ended.
    fn conclude(&mut self) -> anyhow::Result<Option<Outcome>> {
        let Some(ending) = self.visit.as_ref().and_then(Visit::ending).cloned() else { return Ok(None) };
        self.refused += self.visit.take().map_or(0, |visit| {
            visit.name().clone_into(&mut self.options.name);
            visit.refused()
        });
        let server = &self.options.server;
        match ending {
            Ending::Left | Ending::RoomStays if self.refused > 0 && !self.is_person() => {
                Err(anyhow!("not every line was taken; the lines above say why").context(format!("say to {server}")))
            }
            Ending::Left | Ending::RoomStays => Ok(Some(Outcome::Done)),
            Ending::Broken => Err(self.why.take().unwrap_or_else(|| anyhow!("read from {server}: broken"))),
            Ending::RoomLeft => {
                let why = self.why.take().unwrap_or_else(|| anyhow!("read from {server}: ended"));
                self.lost(why)
            }
            Ending::NoAnswer => {
                let timeout = self.options.timeout;
                let why = anyhow!("none within {timeout:?}; --timeout waits longer");
                self.lost(why.context(format!("answer from {server}")))
            }
            Ending::NameRefused(why) => {
                let why = anyhow!("the room says {why}").context(format!("join {server}"));
                if self.was_in { self.lost(why) } else { Err(why) }
            }
            Ending::NoRoom(said) => Err(anyhow!("no chat room, it says {said}").context(format!("join {server}"))),
        }
    }

    fn lost(&mut self, why: anyhow::Error) -> anyhow::Result<Option<Outcome>> {
        self.connection.end();
        self.visit = None;
        self.why = None;
        if !self.options.reconnect || !self.was_in {
            return Err(why);
        }
        let now = Instant::now();
        let wait = self.patience.lost(now, draw());
        self.desk.explain(&format!("{}; next attempt in {:.1} s", describe(&why), wait.as_secs_f64()))?;
        self.connection = Connection::Lost { until: now + wait };
        Ok(None)
    }
}

/// A number from 0 to 1, from the seed that std draws for its hash maps.
fn draw() -> f64 {
    // Both conversions lose digits that nobody misses in a wait.
    RandomState::new().build_hasher().finish() as f64 / u64::MAX as f64
}

/// What Tab found, for a person to choose from.
fn list(choices: &[String]) -> String {
    let shown = choices.iter().take(CHOICES_SHOWN).map(String::as_str).collect::<Vec<_>>().join("  ");
    match choices.len().saturating_sub(CHOICES_SHOWN) {
        0 => format!("  {shown}"),
        more => format!("  {shown}  and {more} more"),
    }
}
