//! The source `watch` against real connections: what is said of each must be what its two ends know.
//!
//! Linux only, no rights. Other programs may open connections meanwhile, so nothing here looks at the counts of the
//! whole machine; the audit has its own tests. Read before: `src/kernel/watch.rs`.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{Shutdown as Half, SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use crossbeam_channel::Receiver;
use net_monitor::connection::{Connection, How};
use net_monitor::event::Event;
use net_monitor::kernel;
use net_monitor::kernel::diag::TcpState;
use net_monitor::kernel::filter::either_port;
use net_monitor::kernel::snmp::netlink_drops;
use net_monitor::kernel::sock_diag::{Asker, Deaths, Heard};
use net_monitor::ledger::Ledger;
use net_monitor::moment::Clock;
use net_monitor::observation::Mark;
use net_monitor::witness::{Seen, Witness};
use netcommon::error::OpError;
use netcommon::shutdown::Shutdown;
use netcommon::testing::{Aside, DEADLINE, aside};

/// A listener whose port is watched, and what has been said of it.
struct Watch {
    listener: TcpListener,
    shutdown: Shutdown,
    thread: Aside<Result<(), OpError>>,
    seen: Receiver<Seen>,
    ledger: Ledger,
    over: Vec<Connection>,
}

impl Watch {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (witness, seen) = Witness::new(Clock::start());
        let shutdown = Shutdown::new();
        let stop = shutdown.clone();
        let watch = kernel::Watch::open(&[port]).unwrap();
        let thread = aside("watch", move || watch.run(&witness, &stop));
        Self { listener, shutdown, thread, seen, ledger: Ledger::default(), over: Vec::new() }
    }

    fn pair(&self) -> (TcpStream, TcpStream) {
        let client = TcpStream::connect(self.listener.local_addr().unwrap()).unwrap();
        let (server, _) = self.listener.accept().unwrap();
        for stream in [&client, &server] {
            stream.set_read_timeout(Some(DEADLINE)).unwrap();
        }
        (client, server)
    }

    fn take(&mut self, (at, observation): Seen) {
        if let Some(Event::Connection(connection)) = self.ledger.take(at, observation) {
            self.over.push(connection);
        }
    }

    /// Takes what is said until `is_enough`.
    fn wait(&mut self, is_enough: impl Fn(&Self) -> bool) {
        let deadline = Instant::now() + DEADLINE;
        while !is_enough(self) {
            let seen = self.seen.recv_deadline(deadline);
            let seen = seen.unwrap_or_else(|why| panic!("{why}; {} are over: {:#?}", self.over.len(), self.over));
            self.take(seen);
        }
    }

    /// Ends the watcher; returns all that are over, and how many are still open.
    fn stop(mut self) -> (Vec<Connection>, usize) {
        self.shutdown.advance();
        let deadline = Instant::now() + DEADLINE;
        while let Ok(seen) = self.seen.recv_deadline(deadline) {
            self.take(seen);
        }
        self.thread.wait().expect("the watcher ends well");
        let open = self.ledger.open().len();
        (self.over, open)
    }
}

/// `from` sends so many bytes, and `to` has them all before this returns.
fn pass(mut from: &TcpStream, mut to: &TcpStream, len: usize) {
    from.write_all(&vec![b'x'; len]).unwrap();
    to.read_exact(&mut vec![0; len]).unwrap();
}

fn reset(stream: TcpStream) {
    socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO)).unwrap();
    drop(stream);
}

fn end_of_stream(mut stream: &TcpStream) {
    assert_eq!(stream.read(&mut [0]).unwrap(), 0);
}

/// The five ways in which connections of the workload end, and what must be said of each.
const WAYS: [How; 5] = [How::Orderly, How::Orderly, How::ResetByClient, How::ResetByServer, How::Orderly];

fn converse((client, server): (TcpStream, TcpStream), way: usize, bytes: [usize; 2]) {
    pass(&client, &server, bytes[0]);
    if way == 4 {
        // A half-close: the client says that it is done, then the answer comes.
        client.shutdown(Half::Write).unwrap();
        end_of_stream(&server);
    }
    pass(&server, &client, bytes[1]);
    match way {
        0 => {
            drop(client);
            end_of_stream(&server);
        }
        1 => {
            drop(server);
            end_of_stream(&client);
        }
        2 => reset(client),
        3 => reset(server),
        _ => drop(server),
    }
}

#[test]
fn every_connection_is_listed_with_every_byte_however_short_and_however_it_ends() {
    let mut watch = Watch::start();
    let mut truth: HashMap<SocketAddr, (usize, [usize; 2])> = HashMap::new();
    for number in 0..100 {
        let (way, bytes) = (number % WAYS.len(), [number * 37 % 5000, 1 + number * 91 % 20_000]);
        let pair = watch.pair();
        truth.insert(pair.0.local_addr().unwrap(), (way, bytes));
        converse(pair, way, bytes);
    }
    watch.wait(|watch| watch.over.len() == 100);
    let (over, open) = watch.stop();
    assert_eq!((over.len(), open, truth.len()), (100, 0, 100));
    for connection in over {
        let (way, bytes) = truth[&connection.peer];
        let said = [connection.bytes_in, connection.bytes_out].map(|bytes| usize::try_from(bytes).unwrap());
        assert_eq!((said, connection.how), (bytes, WAYS[way]), "way {way}: {connection:#?}");
        // What an aborted end had counted is gone, and among what the other has received may be a FIN.
        let is_certain = connection.bytes_in_is.is_exact() && connection.bytes_out_is.is_exact();
        assert!(is_certain || matches!(way, 2 | 3), "way {way}: {connection:#?}");
        let marks = [connection.bytes_in_is, connection.bytes_out_is];
        assert!(!marks.contains(&Mark::AtLeast), "way {way}: {connection:#?}");
        let owner = format!("({})", std::process::id());
        assert!(connection.process.as_deref().is_none_or(|name| name.ends_with(&owner)), "{connection:#?}");
    }
}

#[test]
fn a_listener_that_sleeps_loses_announcements_and_is_told() {
    // The smallest queue that the system gives: a few announcements.
    let mut deaths = Deaths::with_queue(DEADLINE, 0).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let deadline = Instant::now() + DEADLINE;
    let dropped = || netlink_drops(&std::fs::read_to_string("/proc/net/netlink").unwrap(), deaths.port()).unwrap();
    while dropped() == 0 {
        assert!(Instant::now() < deadline, "the queue does not fill");
        let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        drop((listener.accept().unwrap(), client));
    }
    let mut heard = 0;
    let last = loop {
        match deaths.wait(|_| heard += 1).unwrap() {
            Heard::Death => assert!(heard < 1000, "{heard} announcements and no gap"),
            other => break other,
        }
    };
    assert_eq!(last, Heard::Gap);
}

#[test]
fn only_who_closes_first_has_a_time_wait() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut deaths = Deaths::open(DEADLINE).unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (server, name) = listener.accept().unwrap();
    drop(client);
    end_of_stream(&server);
    drop(server);
    let mut ends = Vec::new();
    while ends.len() < 2 {
        let heard = deaths.wait(|socket| ends.push(socket)).unwrap();
        assert_eq!(heard, Heard::Death);
        ends.retain(|socket| socket.local == name || socket.peer == name);
    }
    let mut asker = Asker::open().unwrap();
    for socket in ends {
        assert_eq!(asker.has_time_wait(&socket).unwrap(), socket.local == name, "{socket:?}");
    }
}

#[test]
fn a_look_shows_what_a_filter_lets_through() {
    let listener = TcpListener::bind("[::1]:0").unwrap();
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    let _client = TcpStream::connect(addr).unwrap();
    let mut found = Vec::new();
    let mut asker = Asker::open().unwrap();
    asker.look(&either_port(&[addr.port()]), |socket| found.push((socket.local.port(), socket.state))).unwrap();
    let listening = found.iter().filter(|found| **found == (addr.port(), TcpState::Listen)).count();
    let connected = found.iter().filter(|(_, state)| *state == TcpState::Established).count();
    assert_eq!((listening, connected, found.len()), (1, 2, 3), "{found:?}");
    let mut all = Vec::new();
    asker.look(&[], |socket| all.push(socket.local)).unwrap();
    assert!(all.contains(&addr) && all.contains(&other.local_addr().unwrap()));
}
