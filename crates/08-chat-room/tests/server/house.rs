//! A server on a thread of its own, and guests who read line by line with a deadline.
//!
//! [`Crowd`] is the good company of the hostile tests: a hundred members who talk and check every line.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

use chat_room::limits::Limits;
use chat_room::protocol::WELCOME;
use chat_room::room::{Room, Stats};
use chat_room::server::operator::Board;
use chat_room::server::report::Report;
use chat_room::server::serve;
use netcommon::console::Console;
use netcommon::descriptors::room_for;
use netcommon::net::TcpListener;
use netcommon::shutdown::Shutdown;

/// The deadline of every wait: generous, because a busy machine is no failure of the server.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);

/// Tests with crowds take turns: a process may have only so many descriptors.
static CROWDED: Mutex<()> = Mutex::new(());

/// A server; dropped, it ends.
pub(crate) struct House {
    pub(crate) addr: SocketAddr,
    pub(crate) board: Board,
    shutdown: Shutdown,
    thread: Option<JoinHandle<usize>>,
    _turn: MutexGuard<'static, ()>,
}

impl House {
    pub(crate) fn open(limits: Limits) -> Self {
        let turn = CROWDED.lock().unwrap_or_else(PoisonError::into_inner);
        let listener = TcpListener::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let (addr, shutdown, board) = (listener.local_addr().unwrap(), Shutdown::new(), Board::default());
        let (token, numbers) = (shutdown.clone(), board.clone());
        let run = move || {
            let console = Console::start_on(std::io::sink(), || {}).unwrap();
            let report = Report::new(console.lines(), true);
            let cut = serve(listener, Room::new(limits), Duration::from_secs(1), &token, &report, &numbers).unwrap();
            console.finish();
            cut
        };
        let thread = Some(Builder::new().name("server".to_owned()).spawn(run).unwrap());
        Self { addr, board, shutdown, thread, _turn: turn }
    }

    /// A client that has not said anything and has read the welcome.
    pub(crate) fn knock(&self) -> Guest {
        let mut guest = Guest::connect(self.addr);
        assert_eq!(guest.line().as_deref(), Some(WELCOME));
        guest
    }

    /// A member.
    pub(crate) fn join(&self, name: &str) -> Guest {
        let mut guest = self.knock();
        guest.say(name);
        guest.until("* In the room: ");
        guest
    }

    /// Asks the server to end, without waiting for it.
    pub(crate) fn shut_down(&self) {
        self.shutdown.advance();
    }

    /// Waits until the numbers are so.
    pub(crate) fn wait_for(&self, what: &str, is_so: impl Fn(&Stats) -> bool) {
        let until = Instant::now() + DEADLINE;
        while !is_so(&self.board.stats()) {
            assert!(Instant::now() < until, "waited for {what}: {}", self.board.stats());
            // tidy: sleep: the numbers are only left on a board, nothing can be waited for
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

impl Drop for House {
    fn drop(&mut self) {
        // Twice: whoever is left is cut, so that a test that fails ends.
        self.shutdown.advance();
        self.shutdown.advance();
        let ended = self.thread.take().map(JoinHandle::join);
        assert!(std::thread::panicking() || ended.is_some_and(|result| result.is_ok()), "the server panicked");
    }
}

/// A client.
#[derive(Debug)]
pub(crate) struct Guest {
    pub(crate) stream: BufReader<TcpStream>,
    /// The notices that it has passed over while it waited for something else.
    passed: Vec<String>,
}

impl Guest {
    pub(crate) fn connect(addr: SocketAddr) -> Self {
        let stream = TcpStream::connect(addr).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        stream.set_write_timeout(Some(DEADLINE)).unwrap();
        stream.set_nodelay(true).unwrap();
        // Small: a crowd of readers with the usual 8 KiB each would be most of this process.
        Self { stream: BufReader::with_capacity(1024, stream), passed: Vec::new() }
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) {
        self.stream.get_mut().write_all(bytes).unwrap();
    }

    pub(crate) fn say(&mut self, line: &str) {
        self.send(format!("{line}\n").as_bytes());
    }

    /// The next line; `None` at the end of the stream.
    pub(crate) fn line(&mut self) -> Option<String> {
        let mut line = Vec::new();
        let len = self.stream.read_until(b'\n', &mut line).expect("a line before the deadline");
        let line = String::from_utf8(line).expect("a server's lines are UTF-8");
        (len > 0).then(|| line.strip_suffix('\n').expect("a line ends").to_owned())
    }

    /// Reads on until a line begins like this; returns it.
    pub(crate) fn until(&mut self, beginning: &str) -> String {
        let mut passed = Vec::new();
        while let Some(line) = self.line() {
            if line.starts_with(beginning) {
                return line;
            }
            self.passed.extend(line.starts_with("* ").then(|| line.clone()));
            passed.push(line);
        }
        let last: Vec<String> = passed.iter().rev().take(3).map(|line| line.chars().take(60).collect()).collect();
        panic!("the stream ended before {beginning:?}; the last of {} lines, backwards: {last:?}", passed.len());
    }

    /// All lines to the end of the stream.
    pub(crate) fn rest(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.line()).collect()
    }

    /// Closes with an RST.
    pub(crate) fn reset(self) {
        socket2::SockRef::from(self.stream.get_ref()).set_linger(Some(Duration::ZERO)).unwrap();
    }

    /// Half-closes: nothing more will be said.
    pub(crate) fn fall_silent(&self) {
        self.stream.get_ref().shutdown(std::net::Shutdown::Write).unwrap();
    }

    /// Reads bytes that may be no whole lines, to the end of the stream or an error.
    pub(crate) fn bytes_to_the_end(&mut self) -> Vec<u8> {
        let mut all = Vec::new();
        let _ = self.stream.read_to_end(&mut all);
        all
    }
}

/// Good company: members who talk one after the other, and all hear everything.
pub(crate) struct Crowd {
    guests: Vec<Guest>,
    said: usize,
}

impl Crowd {
    /// How many they are: a hundred, or as many as descriptors allow.
    pub(crate) fn size() -> usize {
        // Both ends of each connection are in this process, and so are the hostile ones.
        100.min(room_for(600) / 6)
    }

    pub(crate) fn join(house: &House) -> Self {
        let guests = (0..Self::size()).map(|number| house.join(&format!("同學{number}"))).collect();
        Self { guests, said: 0 }
    }

    /// Three of them say three lines each; everybody else hears them in the order in which they were said.
    pub(crate) fn chat(&mut self) {
        for author in [0, self.guests.len() / 2, self.guests.len() - 1] {
            let lines: Vec<String> = (0..3).map(|number| format!("第 {} 句", self.said + number)).collect();
            self.said += 3;
            lines.iter().for_each(|line| self.guests[author].say(line));
            for (index, guest) in self.guests.iter_mut().enumerate().filter(|(index, _)| *index != author) {
                for line in &lines {
                    let head = format!("[同學{author}] ");
                    assert_eq!(guest.until(&head), format!("{head}{line}"), "member {index}");
                }
            }
        }
    }

    /// Everybody reads on to a line with this beginning.
    pub(crate) fn all_hear(&mut self, beginning: &str) {
        self.guests.iter_mut().for_each(|guest| drop(guest.until(beginning)));
    }

    /// What the first of them hears with this beginning, or has heard as a notice before.
    pub(crate) fn hears(&mut self, beginning: &str) -> String {
        let first = &mut self.guests[0];
        let passed = first.passed.iter().find(|line| line.starts_with(beginning)).cloned();
        passed.unwrap_or_else(|| first.until(beginning))
    }
}
