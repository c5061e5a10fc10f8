//! The state machine without a socket: every split, every amount that a kernel may take, ten minutes in none.
//!
//! A [`Script`] plays the socket and prints its steps when a test fails. Read `mod.rs` before.

use std::io::{self, ErrorKind};
use std::time::{Duration, Instant};

use netcommon::echo::{Config, LINGER};
use netcommon::framing::Framing;
use proptest::prelude::*;

use super::*;

const IDLE: Duration = Duration::from_secs(600);

fn config(framing: Framing) -> Config {
    Config { framing, idle_timeout: IDLE, message_len_max: 100, ..Config::default() }
}

/// A connection, its desk, and a kernel that takes as much at a time as the test says.
struct Script<'a> {
    desk: Desk<'a>,
    connection: Connection,
    now: Instant,
    /// What the client got.
    got: Vec<u8>,
    /// The connection has sent its FIN.
    released: bool,
}

impl<'a> Script<'a> {
    fn new(config: &'a Config) -> Self {
        let (desk, now) = (Desk::new(config, |_, _| {}), Instant::now());
        let connection = Connection::new("127.0.0.1:50312".parse().unwrap(), now, &desk);
        Self { desk, connection, now, got: Vec::new(), released: false }
    }

    fn says(&mut self, bytes: &[u8]) -> &mut Self {
        assert_eq!(self.connection.step(), Step::Wait(Interest::Readable), "it did not want to read");
        self.connection.received(bytes, self.now, &mut self.desk);
        self
    }

    fn ends(&mut self) -> &mut Self {
        self.connection.end_of_stream(&self.desk);
        self
    }

    fn later(&mut self, after: Duration) -> &mut Self {
        self.now += after;
        self
    }

    /// One call of `send`, of which the kernel takes at most `room` bytes.
    fn send(&mut self, room: usize) -> usize {
        let Step::Send(bytes) = self.connection.step() else { panic!("nothing to send") };
        let len = bytes.len().min(room);
        self.got.extend_from_slice(&bytes[..len]);
        self.connection.sent(len, self.now, &mut self.desk);
        assert!(!matches!(self.connection.step(), Step::Send(_)), "a second send in one turn");
        len
    }

    fn writable(&mut self) {
        self.connection.writable(self.now, &mut self.desk);
    }

    /// Does all that is to be done with a kernel that has `room` for each call; the last step.
    fn run(&mut self, room: usize) -> Step<'_> {
        loop {
            match self.connection.step() {
                Step::Send(_) => drop(self.send(room)),
                Step::Wait(Interest::Writable) => self.writable(),
                Step::Release => {
                    self.released = true;
                    self.connection.released(self.now);
                }
                Step::Wait(_) | Step::Close => break,
            }
        }
        self.connection.step()
    }

    fn end(self) -> String {
        assert_eq!(self.connection.step(), Step::Close);
        self.connection.summary(self.now).end.to_string()
    }
}

fn answers(messages: &[&str]) -> String {
    messages.iter().map(|message| format!("Server received: {message}\n")).collect()
}

#[test]
fn lines_that_are_cut_anywhere_get_the_same_answers() {
    let (config, text) = (config(Framing::Lines), "早安\r\n\nbob\n午安\n".as_bytes());
    for first in 0..=text.len() {
        for second in first..=text.len() {
            let mut script = Script::new(&config);
            for piece in [&text[..first], &text[first..second], &text[second..]] {
                script.says(piece).run(usize::MAX);
            }
            assert_eq!(String::from_utf8_lossy(&script.got), answers(&["早安", "", "bob", "午安"]), "{first} {second}");
            assert_eq!(script.ends().run(1), Step::Close);
            let summary = script.connection.summary(script.now).to_string();
            assert!(summary.contains("end of stream (4 messages, 20 bytes in, 87 bytes out"), "{summary}");
        }
    }
}

#[test]
fn a_length_that_is_cut_anywhere_gets_the_same_answer() {
    let (config, message) = (config(Framing::Length), "一則訊息".as_bytes());
    let wire = [&[0, 0, 0, 12][..], message, &[0, 0, 0, 0]].concat();
    for cut in 0..=wire.len() {
        let mut script = Script::new(&config);
        script.says(&wire[..cut]).run(1);
        script.says(&wire[cut..]).run(1);
        let want = [&[0, 0, 0, 29][..], b"Server received: ", message, &[0, 0, 0, 17], b"Server received: "].concat();
        assert_eq!(script.got, want, "{cut}");
        assert_eq!((script.connection.output.capacity(), script.connection.unread.capacity()), (0, 0));
    }
}

#[test]
fn a_kernel_that_takes_any_amount_gets_every_byte_once() {
    let config = config(Framing::Raw);
    for room in 1..=30 {
        let mut script = Script::new(&config);
        script.says("半滿的緩衝區".as_bytes());
        assert_eq!(script.run(room), Step::Wait(Interest::Readable));
        assert_eq!(String::from_utf8_lossy(&script.got), "Server received: 半滿的緩衝區", "{room}");
    }
}

#[test]
fn who_does_not_read_is_not_read_from_and_costs_a_bounded_buffer() {
    let config = config(Framing::Lines);
    let mut script = Script::new(&config);
    // The worst that a client can do: a full read of empty lines, each answered with eighteen bytes.
    let lines = vec![b'\n'; crate::server::READ_LEN];
    script.says(&lines);
    assert_eq!(script.send(5), 5);
    assert_eq!(script.connection.step(), Step::Wait(Interest::Writable));
    let Connection { output, unread, .. } = &script.connection;
    assert!(output.capacity() < GATHER_MAX + 100, "{}", output.capacity());
    assert!(unread.capacity() <= crate::server::READ_LEN, "{}", unread.capacity());
    // Still full: it goes on waiting, and asks again only when there is room.
    script.writable();
    assert_eq!(script.send(0), 0);
    assert_eq!(script.connection.step(), Step::Wait(Interest::Writable));
    // The client reads after all: every answer comes, in small bites.
    assert_eq!(script.run(1000), Step::Wait(Interest::Readable));
    assert_eq!(script.got.len(), lines.len() * 18);
    assert_eq!((script.connection.output.capacity(), script.connection.unread.capacity()), (0, 0));
}

#[test]
fn a_read_full_of_small_messages_is_answered_in_many_turns_of_one_send() {
    let config = config(Framing::Lines);
    let mut script = Script::new(&config);
    script.says(&vec![b'\n'; crate::server::READ_LEN]);
    let mut turns = 1;
    while script.send(usize::MAX) > 0 && script.connection.step() == Step::Wait(Interest::Writable) {
        // Between turns it keeps input alone: the buffer for answers is the next one's.
        assert_eq!(script.connection.output.capacity(), 0);
        script.writable();
        turns += 1;
    }
    assert_eq!(script.connection.step(), Step::Wait(Interest::Readable));
    assert_eq!(script.got.len(), crate::server::READ_LEN * 18);
    assert_eq!(turns, crate::server::READ_LEN.div_ceil(GATHER_MAX.div_ceil(18)));
    // What usually comes, one small message, needs no second turn.
    script.says(b"x\n").send(usize::MAX);
    assert_eq!(script.connection.step(), Step::Wait(Interest::Readable));
}

#[test]
fn the_buffer_goes_round_and_stays_with_who_is_blocked() {
    let config = config(Framing::Raw);
    let mut script = Script::new(&config);
    script.says(&[b'x'; 5000]).run(usize::MAX);
    let buffer = script.desk.spare.as_ptr();
    assert!(script.desk.spare.capacity() > 5000);
    script.says(b"y");
    assert_eq!((script.connection.output.as_ptr(), script.desk.spare.capacity()), (buffer, 0));
    script.send(3);
    // Blocked: what is kept is as small as its bytes.
    assert!(script.connection.output.capacity() < 100, "{}", script.connection.output.capacity());
}

#[test]
fn silence_is_idle_but_a_drip_is_idle_too() {
    let config = config(Framing::Lines);
    let mut script = Script::new(&config);
    script.says("有\n".as_bytes()).run(usize::MAX);
    let deadline = script.connection.deadline();
    script.later(IDLE / 2).says(b"x").run(usize::MAX);
    assert_eq!(script.connection.deadline(), deadline, "half a line bought time");
    script.connection.time_is_up();
    assert_eq!(script.end(), "idle");
}

#[test]
fn who_takes_no_answer_has_as_long_as_who_says_nothing() {
    let config = config(Framing::Lines);
    let mut script = Script::new(&config);
    script.says(b"bob\n");
    script.later(IDLE / 2).send(1);
    assert_eq!(script.connection.deadline(), script.now + IDLE, "it has taken a byte");
    script.connection.time_is_up();
    assert_eq!(script.end(), "the client does not read");
}

#[test]
fn a_broken_rule_is_told_behind_the_answers_and_then_released() {
    let config = config(Framing::Lines);
    let mut script = Script::new(&config);
    script.says(format!("好\n{}\n還有\n", "x".repeat(101)).as_bytes());
    assert_eq!(script.run(7), Step::Wait(Interest::Readable));
    let told = format!("{}Server error: line exceeds the limit of 100 bytes\n", answers(&["好"]));
    assert_eq!(String::from_utf8_lossy(&script.got), told);
    assert!(script.released && script.connection.deadline() == script.now + LINGER);
    script.says("還在說\n".as_bytes()).run(7);
    assert_eq!(script.got.len(), told.len(), "answered behind its FIN");
    script.ends();
    assert_eq!(script.end(), "line exceeds the limit of 100 bytes of --max-message");
}

#[test]
fn the_end_inside_a_message_is_told_with_how_much_was_there() {
    let config = config(Framing::Length);
    let mut script = Script::new(&config);
    script.says(&[0, 0, 0, 12, b'a', b'b', b'c']).ends().run(usize::MAX);
    assert!(script.got.ends_with(b"Server error: peer closed after 3 of 12 bytes"));
    script.later(LINGER).connection.time_is_up();
    assert_eq!(script.end(), "peer closed after 3 of 12 bytes");
}

#[test]
fn shutdown_answers_what_was_read_and_takes_nothing_more() {
    let config = config(Framing::Lines);
    let mut script = Script::new(&config);
    // More than one gathering, so that input waits behind a blocked answer.
    script.says("早\n".repeat(2000).as_bytes()).send(1);
    script.connection.drain();
    assert_eq!(script.run(4096), Step::Wait(Interest::Readable));
    assert_eq!(script.got.len(), "Server received: 早\n".len() * 2000);
    assert!(script.released);
    script.ends();
    assert_eq!(script.end(), "shutdown");
}

#[test]
fn each_failure_has_its_own_end() {
    let config = config(Framing::Raw);
    let reset = || io::Error::from(ErrorKind::ConnectionReset);
    let mut talking = Script::new(&config);
    talking.connection.failed(reset());
    assert_eq!(talking.end(), "reset by the client");

    for fails in [true, false] {
        let mut blocked = Script::new(&config);
        blocked.says(b"x").send(1);
        blocked.connection.drain();
        if fails {
            blocked.connection.failed(reset());
        } else {
            blocked.connection.time_is_up();
        }
        assert_eq!(blocked.end(), "shutdown, cut before its answer was out");
    }

    let mut lingering = Script::new(&config);
    lingering.connection.drain();
    lingering.run(usize::MAX);
    lingering.connection.failed(reset());
    assert_eq!(lingering.end(), "shutdown");
}

proptest! {
    /// Any messages, any cuts, any kernel: the answers are those of one message after the other.
    #[test]
    fn any_cuts_and_any_kernel_give_the_same_answers(
        messages in prop::collection::vec("[^\r\n]{0,12}", 0..40),
        cuts in prop::collection::vec(1..50_usize, 1..20),
        rooms in prop::collection::vec(0..200_usize, 1..20),
    ) {
        let config = config(Framing::Lines);
        let mut script = Script::new(&config);
        let wire: String = messages.iter().map(|message| format!("{message}\n")).collect();
        let (mut rest, mut cuts, mut rooms) = (wire.as_bytes(), cuts.iter().cycle(), rooms.iter().cycle());
        let mut zeros = 0;
        loop {
            match script.connection.step() {
                Step::Send(_) => {
                    let room = *rooms.next().unwrap();
                    zeros = if room == 0 { zeros + 1 } else { 0 };
                    // A kernel that never has room at all proves nothing.
                    script.send(if zeros > 20 { 1 } else { room });
                }
                Step::Wait(Interest::Writable) => script.writable(),
                Step::Wait(_) if rest.is_empty() => break,
                Step::Wait(_) => {
                    let (piece, behind) = rest.split_at(rest.len().min(*cuts.next().unwrap()));
                    script.says(piece);
                    rest = behind;
                }
                step => panic!("{step:?}"),
            }
        }
        let messages: Vec<&str> = messages.iter().map(String::as_str).collect();
        prop_assert_eq!(String::from_utf8_lossy(&script.got), answers(&messages));
    }
}
