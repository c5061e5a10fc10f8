//! The source `watch`: looks at the kernel's tables and listens to deaths, and tells the ledger. Linux only.
//!
//! ```text
//! thread "deaths"    owns the listening socket; waits in recv (100 ms at most); ends when nobody receives
//!     │ [ at most BATCHES_MAX batches; when it is full the kernel's queue fills, and the kernel says so ]
//!     ▼
//! the caller's thread   owns the asking socket, the tracker and the audit; waits for a death or the next look
//! ```
//! Nothing sleeps between two announcements, because a listener that sleeps loses them. Read `tracker.rs` and
//! `proof.rs` before. Source: `sock_diag(7)`.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded, select};
use netcommon::error::OpError;
use netcommon::shutdown::Shutdown;

use super::diag::{Cookie, Socket, TcpState};
use super::filter;
use super::owner::Owners;
use super::proof::{Audit, is_open};
use super::snmp::{Counters, netlink_drops};
use super::sock_diag::{Asker, Deaths, Heard};
use super::tracker::Tracker;
use crate::missed::{DEATHS_LOST, OPENED_MEANWHILE, SOME};
use crate::moment::{Clock, Moment};
use crate::observation::{Observation, Proof};
use crate::witness::Witness;

/// The shortest time between two looks; it bounds how late the start of a connection is known.
const LOOK_EVERY_MIN: Duration = Duration::from_millis(100);
/// The longest.
const LOOK_EVERY_MAX: Duration = Duration::from_secs(5);
/// A look may take this part of the time until the next: a quarter of a per cent of one core.
const LOOK_SHARE: u32 = 400;

/// How long the listening thread waits before it looks at the stop token again.
const WAIT_MAX: Duration = Duration::from_millis(100);
/// Announcements that travel together, so that a storm does not wake the other thread for each.
const BATCH_MAX: usize = 64;
/// Batches on their way: 64 * 4096 announcements, some 60 MB in the worst moment of a storm.
const BATCHES_MAX: usize = 4096;

/// How often the kernel's counters are read again when connections are opened meanwhile.
const AUDIT_TRIES: usize = 5;
/// When no announcement has come for so long, none of the dead is still on its way.
const QUIET: Duration = Duration::from_millis(30);

/// Something that the listening thread has heard, and when.
#[derive(Debug)]
enum News {
    /// A socket has died.
    Death(Moment, Box<Socket>),
    /// Announcements were lost before this moment.
    Gap(Moment),
}

/// A watch that is ready: whatever begins from now on will be told.
#[derive(Debug)]
pub struct Watch {
    ports: Vec<u16>,
    deaths: Deaths,
    asker: Asker,
    audit: Audit,
}

impl Watch {
    /// Joins the groups and opens the books, for TCP connections with one of `ports` at either end.
    ///
    /// Needs no right. Does not block for longer than a few looks take.
    ///
    /// # Errors
    /// When the kernel has no `sock_diag`, or does not let us ask.
    pub fn open(ports: &[u16]) -> Result<Self, OpError> {
        let mut deaths = Deaths::open(WAIT_MAX).map_err(|error| failed("listen to", error))?;
        let mut asker = Asker::open().map_err(|error| failed("ask", error))?;
        let audit = begin_audit(&mut asker, &mut deaths).map_err(|error| failed("ask", error))?;
        Ok(Self { ports: ports.to_vec(), deaths, asker, audit })
    }

    /// Tells `witness` what happens, until the shutdown begins.
    ///
    /// # Errors
    /// When the kernel answers what is no answer, or no thread can be started.
    pub fn run(self, witness: &Witness, shutdown: &Shutdown) -> Result<(), OpError> {
        let Self { ports, deaths, asker, audit } = self;
        let (news, heard) = bounded(BATCHES_MAX);
        let clock = *witness.clock();
        let netlink_port = deaths.port();
        thread::scope(|scope| {
            let listener = thread::Builder::new().name("deaths".to_owned());
            let listener = listener
                .spawn_scoped(scope, move || listen(deaths, clock, &news))
                .map_err(|error| OpError::new("start", "the thread that listens to deaths", error))?;
            let mut watcher = Watcher::new(&ports, asker, audit, netlink_port, heard, witness);
            let watched = watcher.run(shutdown).map_err(|error| failed("ask", error));
            // The thread ends when nobody receives any more.
            drop(watcher);
            let listened = listener.join().expect("the listening thread does not panic");
            watched.and(listened.map_err(|error| failed("listen to", error)))
        })
    }
}

fn failed(operation: &'static str, error: io::Error) -> OpError {
    let hint = "`net-monitor proxy LISTEN TARGET` sees its own connections on any system";
    OpError::new(operation, "the kernel's socket tables (netlink sock_diag)", error).with_hint(hint)
}

/// The thread "deaths": reads, puts a time on it, hands it on; ends when nobody receives any more.
fn listen(mut deaths: Deaths, clock: Clock, news: &Sender<Vec<News>>) -> io::Result<()> {
    loop {
        let mut batch = Vec::new();
        let mut heard = deaths.wait(|socket| batch.push(News::Death(clock.now(), Box::new(socket))))?;
        while heard == Heard::Death && batch.len() < BATCH_MAX {
            heard = deaths.try_next(|socket| batch.push(News::Death(clock.now(), Box::new(socket))))?;
        }
        if heard == Heard::Gap {
            batch.push(News::Gap(clock.now()));
        }
        // An empty batch asks whether anybody is still there.
        if news.send(batch).is_err() {
            return Ok(());
        }
    }
}

/// The caller's thread: everything but the listening socket.
struct Watcher<'a> {
    ports: &'a [u16],
    filter: Vec<u8>,
    asker: Asker,
    netlink_port: u32,
    heard: Receiver<Vec<News>>,
    tracker: Tracker,
    audit: Audit,
    owners: Owners,
    /// Announcements that the kernel has dropped so far.
    drops: u64,
    witness: &'a Witness,
}

impl<'a> Watcher<'a> {
    fn new(
        ports: &'a [u16],
        asker: Asker,
        audit: Audit,
        netlink_port: u32,
        heard: Receiver<Vec<News>>,
        witness: &'a Witness,
    ) -> Self {
        let tracker = Tracker::new(ports.iter().copied(), witness.clock().now());
        let (filter, owners) = (filter::either_port(ports), Owners::default());
        Self { ports, filter, asker, netlink_port, heard, tracker, audit, owners, drops: 0, witness }
    }

    fn run(&mut self, shutdown: &Shutdown) -> io::Result<()> {
        let mut took = self.look()?;
        let mut looked = Instant::now();
        while !shutdown.is_draining() {
            let every = (took * LOOK_SHARE).clamp(LOOK_EVERY_MIN, LOOK_EVERY_MAX);
            let left = every.saturating_sub(looked.elapsed());
            if left.is_zero() {
                took = self.look()?;
                looked = Instant::now();
            }
            let (heard, draining) = (self.heard.clone(), shutdown.draining());
            select! {
                recv(heard) -> batch => self.hear(batch.unwrap_or_default())?,
                recv(draining) -> _ => break,
                default(left) => {}
            }
            self.tell();
        }
        self.finish()
    }

    /// Looks at the sockets with a watched port; returns how long that took.
    fn look(&mut self) -> io::Result<Duration> {
        // What has died before the look is known before it: then it is not missed in it.
        while let Ok(batch) = self.heard.try_recv() {
            self.hear(batch)?;
        }
        let (at, started) = (self.witness.clock().now(), Instant::now());
        let sockets = self.ask()?;
        let took = started.elapsed();
        self.tracker.look(at, &sockets);
        self.tell();
        Ok(took)
    }

    /// The sockets with a watched port that are alive; also learns whose the listeners are.
    fn ask(&mut self) -> io::Result<Vec<Socket>> {
        let (ports, mut sockets) = (self.ports, Vec::new());
        let is_ours = |socket: &Socket| [socket.local, socket.peer].iter().any(|end| ports.contains(&end.port()));
        self.asker.look(&self.filter, |socket| {
            // With more ports than a filter can name, all sockets come.
            if is_ours(&socket) {
                sockets.push(socket);
            }
        })?;
        for socket in sockets.iter().filter(|socket| socket.state == TcpState::Listen) {
            if let Some(owner) = self.owners.of(socket.inode) {
                self.tracker.set_owner(socket.local.port(), owner);
            }
        }
        Ok(sockets)
    }

    fn hear(&mut self, batch: Vec<News>) -> io::Result<()> {
        for news in batch {
            match news {
                News::Death(at, socket) => {
                    self.audit.death(&socket);
                    if self.tracker.death(at, &socket)
                        && let Some(number) = self.tracker.to_ask(&socket)
                    {
                        let has_time_wait = self.asker.has_time_wait(&socket)?;
                        self.tracker.answer(number, has_time_wait);
                    }
                }
                News::Gap(at) => self.resync(at)?,
            }
        }
        Ok(())
    }

    /// Announcements were lost: whatever is not there any more has died unheard.
    fn resync(&mut self, at: Moment) -> io::Result<()> {
        let dropped = self.drops_since_last();
        let sockets = self.ask()?;
        self.tracker.resync(at, &sockets);
        let count = dropped.map_or_else(|| SOME.say(&[]), |dropped| dropped.to_string());
        let what = DEATHS_LOST.say(&[&count]);
        self.witness.tell_at(at, Observation::Missed { what, at_least: 0 });
        Ok(())
    }

    fn drops_since_last(&mut self) -> Option<u64> {
        let text = fs::read_to_string("/proc/net/netlink").ok()?;
        let drops = netlink_drops(&text, self.netlink_port)?;
        Some(drops - std::mem::replace(&mut self.drops, drops).min(drops))
    }

    fn tell(&mut self) {
        for (at, observation) in self.tracker.drain() {
            self.witness.tell_at(at, observation);
        }
    }

    /// Closes the books, and tells what is left.
    fn finish(&mut self) -> io::Result<()> {
        self.look()?;
        self.tracker.finish(self.witness.clock().now());
        let proof = self.prove()?;
        self.tell();
        self.witness.tell(Observation::Proof(proof));
        Ok(())
    }

    /// Holds our list against the kernel's count, at a moment when nothing is opened and no death is on its way.
    fn prove(&mut self) -> io::Result<Proof> {
        let mut tries = 0;
        loop {
            tries += 1;
            let before = counted()?;
            let mut open = all_open(&mut self.asker)?;
            open.extend(self.tracker.alive());
            while let Ok(batch) = self.heard.recv_timeout(QUIET) {
                for news in &batch {
                    if let News::Death(_, socket) = news {
                        open.remove(&socket.cookie);
                    }
                }
                // Every 100 ms an empty one says that nobody has died.
                let is_quiet = batch.is_empty();
                self.hear(batch)?;
                if is_quiet {
                    break;
                }
            }
            let opened_meanwhile = counted()?.wrapping_sub(before);
            if opened_meanwhile == 0 {
                return Ok(self.audit.result(before, open));
            }
            if tries == AUDIT_TRIES {
                let what = OPENED_MEANWHILE.say(&[&opened_meanwhile]);
                self.witness.tell(Observation::Missed { what, at_least: 0 });
                return Ok(self.audit.result(before, open));
            }
        }
    }
}

/// Opens the books: what the kernel has counted until now, and what is open.
fn begin_audit(asker: &mut Asker, deaths: &mut Deaths) -> io::Result<Audit> {
    // Once before the count and once between two equal ones: what was open at the count is in one of them.
    let mut open = all_open(asker)?;
    let mut opens = counted()?;
    for _ in 0..AUDIT_TRIES {
        open.extend(all_open(asker)?);
        // What has died by now was opened before the count; after a gap there may be more of it.
        while deaths.try_next(drop)? != Heard::Nothing {}
        let after = counted()?;
        if std::mem::replace(&mut opens, after) == after {
            break;
        }
    }
    Ok(Audit::begin(opens, open))
}

/// Every connection of this network namespace that is alive.
fn all_open(asker: &mut Asker) -> io::Result<HashSet<Cookie>> {
    let mut open = HashSet::new();
    asker.look(&[], |socket| {
        if is_open(&socket) {
            open.insert(socket.cookie);
        }
    })?;
    Ok(open)
}

/// How many connections the kernel has opened in this network namespace.
fn counted() -> io::Result<u64> {
    let text = fs::read_to_string("/proc/net/snmp")?;
    Counters::read(&text).map(Counters::opens).ok_or_else(|| io::Error::other("/proc/net/snmp has no TCP counters"))
}
