//! The closed window over UDP: every socket keeps a fixed number of datagrams on their way, and
//! sends the next one when one is answered or given up.
//!
//! Each place in the window has its own messages: place 3 of 32 sends the numbers 3, 35, 67 and so
//! on, so an answer finds its place by its number. The sockets are asked in turn and without waiting:
//! a generator that sleeps lets the server pay for waking it, once for every answer, and that would be
//! measured too. So it keeps one core busy for as long as it runs. Read `exchange` first.

use std::io::{ErrorKind, Read};
use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use socket2::{Domain, Protocol, Socket, Type};

use crate::exchange::{Exchange, Verdict};
use crate::histogram::Histogram;
use crate::process::{Disturbance, Usage};
use crate::report::Report;
use crate::tcp::{report_costs, report_times};

/// An answer that has not come after so long is lost: on loopback one takes microseconds, and even a
/// full queue is worked off in a few milliseconds.
const LOST_AFTER: Duration = Duration::from_millis(250);

/// How often the windows are searched for lost datagrams.
const SEARCH_EVERY: Duration = Duration::from_millis(50);

/// How the server is loaded.
#[derive(Debug, Clone)]
pub struct Load {
    /// How many sockets, each a client of its own.
    pub sockets: usize,
    /// How many datagrams each socket keeps on their way.
    pub outstanding: usize,
    /// The length of each message.
    pub message_len: usize,
    /// What each answer begins with.
    pub prefix: Vec<u8>,
    /// For how long new datagrams are sent.
    pub measured: Duration,
}

/// One socket's window.
#[derive(Debug)]
struct Window {
    exchange: Exchange,
    places: Vec<Place>,
}

/// A datagram that is on its way.
#[derive(Debug, Clone, Copy)]
struct Place {
    number: u64,
    sent_at: Instant,
    free: bool,
}

#[derive(Debug, Default)]
struct Tally {
    round_trips: Histogram,
    /// Right answers that came after the measured time.
    late: u64,
    lost: u64,
    wrong: u64,
}

/// Loads the server; the second value says whether every answer was right. Lost datagrams are
/// counted and are no fault: UDP promises nothing.
///
/// # Errors
///
/// When a socket cannot be made, nothing listens there, or the system fails us.
pub fn load(server: SocketAddr, load: &Load, server_pid: Option<u32>) -> Result<(Report, bool)> {
    let mut generator = Generator::new(server, load)?;
    let server_before = server_pid.map(|pid| Usage::of(pid).map(|usage| (pid, usage)));
    let server_before = server_before.transpose()?;
    let disturbance = Disturbance::begin(server_before);
    generator.run(Instant::now() + load.measured)?;

    let tally = &generator.tally;
    let mut report = Report::default();
    report.count("sockets", load.sockets as u64);
    report.count("outstanding", load.outstanding as u64);
    report.count("message_bytes", load.message_len as u64);
    report_times(&tally.round_trips, load.measured, &mut report);
    report.count("lost", tally.lost);
    report.count("wrong", tally.wrong);
    let requests = tally.round_trips.count() + tally.late;
    report_costs(disturbance, server_before, requests, &mut report)?;
    Ok((report, tally.wrong == 0))
}

#[derive(Debug)]
struct Generator {
    sockets: Vec<Socket>,
    windows: Vec<Window>,
    tally: Tally,
    buffer: Vec<u8>,
}

impl Generator {
    fn new(server: SocketAddr, load: &Load) -> Result<Self> {
        let mut sockets = Vec::with_capacity(load.sockets);
        let mut windows = Vec::with_capacity(load.sockets);
        for sender in 0..load.sockets {
            let socket = connected_socket(server).with_context(|| format!("socket to {server}"))?;
            sockets.push(socket);
            let unused = |place| Place { number: place as u64, sent_at: Instant::now(), free: true };
            windows.push(Window {
                exchange: Exchange::new(sender, load.message_len, &load.prefix),
                places: (0..load.outstanding).map(unused).collect(),
            });
        }
        Ok(Self { sockets, windows, tally: Tally::default(), buffer: vec![0; 64 * 1024] })
    }

    fn run(&mut self, until: Instant) -> Result<()> {
        self.fill_windows()?;
        let mut next_search = Instant::now() + SEARCH_EVERY;
        loop {
            let mut taken = 0;
            for socket in 0..self.sockets.len() {
                taken += self.take_answers(socket, until)?;
            }
            if taken == 0 {
                // Nothing to do: whoever shares this core with us goes first.
                thread::yield_now();
            }
            let now = Instant::now();
            if now < next_search {
                continue;
            }
            next_search = now + SEARCH_EVERY;
            self.give_up_lost(now);
            if now < until {
                self.fill_windows()?;
            } else if self.windows.iter().all(Window::is_idle) {
                return Ok(());
            }
        }
    }

    /// Sends on every free place.
    fn fill_windows(&mut self) -> Result<()> {
        for socket in 0..self.windows.len() {
            for place in 0..self.windows[socket].places.len() {
                if self.windows[socket].places[place].free {
                    self.send(socket, place, Instant::now())?;
                }
            }
        }
        Ok(())
    }

    fn send(&mut self, socket: usize, place: usize, now: Instant) -> Result<()> {
        let window = &mut self.windows[socket];
        let number = window.places[place].number + window.places.len() as u64;
        let message = window.exchange.message_with_number(number);
        match self.sockets[socket].send(message) {
            Ok(_) => {}
            // A full send buffer: the place stays free, and the next search fills it.
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error).context("send a datagram"),
        }
        window.places[place] = Place { number, sent_at: now, free: false };
        Ok(())
    }

    /// Receives as many datagrams as one window holds, so that no socket starves the others; returns
    /// how many came.
    fn take_answers(&mut self, socket: usize, until: Instant) -> Result<usize> {
        for taken in 0..self.windows[socket].places.len() {
            let mut source = &self.sockets[socket];
            let datagram = match source.read(&mut self.buffer) {
                Ok(len) => &self.buffer[..len],
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(taken),
                Err(error) => return Err(error).context("receive a datagram"),
            };
            let now = Instant::now();
            let window = &mut self.windows[socket];
            let Some((place, verdict)) = window.judge(datagram) else {
                continue; // An answer to a datagram that was given up.
            };
            match verdict {
                Verdict::Whole if now < until => {
                    let sent_at = window.places[place].sent_at;
                    self.tally.round_trips.record(now - sent_at);
                    self.send(socket, place, now)?;
                }
                Verdict::Whole => self.tally.late += 1,
                Verdict::Partial | Verdict::Wrong => self.tally.wrong += 1,
            }
        }
        Ok(self.windows[socket].places.len())
    }

    fn give_up_lost(&mut self, now: Instant) {
        for place in self.windows.iter_mut().flat_map(|window| &mut window.places) {
            if !place.free && now - place.sent_at > LOST_AFTER {
                place.free = true;
                self.tally.lost += 1;
            }
        }
    }
}

impl Window {
    /// Finds the place that a datagram answers and frees it; `None` when nobody waits for it any
    /// more. A datagram without a readable number is wrong, and any place will do.
    fn judge(&mut self, datagram: &[u8]) -> Option<(usize, Verdict)> {
        let Some(number) = self.exchange.number_of(datagram) else {
            return Some((0, Verdict::Wrong));
        };
        let index = (number % self.places.len() as u64) as usize;
        let place = &mut self.places[index];
        if place.number != number || place.free {
            return None;
        }
        place.free = true;
        self.exchange.message_with_number(number);
        Some((index, self.exchange.feed(datagram)))
    }

    fn is_idle(&self) -> bool {
        self.places.iter().all(|place| place.free)
    }
}

/// A socket whose datagrams go to the server and that receives from nobody else (`connect(2)`).
fn connected_socket(server: SocketAddr) -> std::io::Result<Socket> {
    let domain = Domain::for_address(server);
    let socket = Socket::new(domain, Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_nonblocking(true)?;
    socket.connect(&server.into())?;
    Ok(socket)
}
