//! What the tests share: a far end to talk to, a relay whose observations a ledger takes, and JSON lines read back.
//!
//! The far end is made here and is no chapter's program: no chapter imports another. Threads are not scoped, because a
//! scope of a test that has failed would wait for them.

#![allow(dead_code, reason = "each test file uses a part of it")]

use std::io::Write;
use std::net::{Shutdown as How, SocketAddr, TcpStream as Plain};
use std::path::Path;
use std::time::Duration;

use net_monitor::connection::Connection;
use net_monitor::event::Event;
use net_monitor::ledger::Ledger;
use net_monitor::moment::Clock;
use net_monitor::witness::Witness;
use netcommon::net::TcpListener;
use netcommon::shutdown::{Shutdown, Waker};
pub(crate) use netcommon::testing::DEADLINE;
use netcommon::testing::aside;

pub(crate) fn any_port() -> SocketAddr {
    "127.0.0.1:0".parse().unwrap()
}

/// Accepts clients until the returned guard is dropped, and gives each to `answer` on a thread of its own.
pub(crate) fn serve(answer: impl Fn(Plain) + Send + Clone + 'static) -> Guard {
    let listener = TcpListener::bind(any_port()).unwrap();
    let over = Shutdown::new();
    over.wake_on_drain(Waker::for_listener(&listener).unwrap());
    let guard = Guard { addr: listener.local_addr().unwrap(), over: over.clone() };
    let _ended_by_the_guard = aside("target", move || {
        while let Ok((stream, _)) = listener.as_std().accept()
            && !over.is_draining()
        {
            let answer = answer.clone();
            let _has_deadlines_of_its_own = aside("answer", move || answer(with_deadlines(stream)));
        }
    });
    guard
}

/// What a test talks to; its thread ends with the test, however that ends.
pub(crate) struct Guard {
    pub(crate) addr: SocketAddr,
    over: Shutdown,
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.over.advance();
    }
}

/// A client of ours; no read and no write waits longer than the deadline.
pub(crate) fn connect(addr: SocketAddr) -> Plain {
    let stream = with_deadlines(Plain::connect(addr).unwrap());
    stream.set_nodelay(true).unwrap();
    stream
}

fn with_deadlines(stream: Plain) -> Plain {
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    stream.set_write_timeout(Some(DEADLINE)).unwrap();
    stream
}

/// Ends with an RST in place of a FIN.
pub(crate) fn abort(stream: Plain) {
    socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO)).unwrap();
    drop(stream);
}

/// Sends the end and everything before it.
pub(crate) fn send_all(mut stream: &Plain, bytes: &[u8]) {
    stream.write_all(bytes).unwrap();
    stream.shutdown(How::Write).unwrap();
}

/// Ends a source also when the test fails.
pub(crate) struct StopAtEnd(pub(crate) Shutdown);

impl Drop for StopAtEnd {
    fn drop(&mut self) {
        self.0.advance();
    }
}

/// Runs a source, and `talk` beside it; returns all events, the last one behind the source's end.
pub(crate) fn watched(
    source: impl FnOnce(Witness, &Shutdown) + Send + 'static,
    talk: impl FnOnce(&Shutdown),
) -> Vec<Event> {
    let clock = Clock::start();
    let (witness, seen) = Witness::new(clock);
    let recording = aside("recorder", move || {
        let mut ledger = Ledger::default();
        let mut events: Vec<Event> = seen.iter().filter_map(|(at, seen)| ledger.take(at, seen)).collect();
        events.extend(ledger.finish(clock.now()));
        events
    });
    let stop = StopAtEnd(Shutdown::new());
    let token = stop.0.clone();
    let running = aside("source", move || source(witness, &token));
    talk(&stop.0);
    drop(stop);
    let () = running.wait();
    recording.wait()
}

pub(crate) fn connections(events: &[Event]) -> Vec<Connection> {
    let connection = |event: &Event| match event {
        Event::Connection(connection) => Some(connection.clone()),
        _ => None,
    };
    events.iter().filter_map(connection).collect()
}

/// The lines of a log; every one of them must be whole.
pub(crate) fn log(path: &Path) -> Vec<Event> {
    let text = std::fs::read_to_string(path).unwrap();
    assert!(text.is_empty() || text.ends_with('\n'));
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
}
