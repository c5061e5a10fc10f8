//! The TCP relay over real loopback sockets: streams whole, half-closes, resets, back-pressure, crowds.
//!
//! When pieces leave is tried without sockets in `src/pipe/tests.rs`; this is about the loop around it.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod common;

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown as How, SocketAddr, TcpListener as PlainListener, TcpStream as Plain};
use std::sync::mpsc::Receiver;
use std::thread;
use std::time::{Duration, Instant};

use bad_network::log::Log;
use bad_network::setting::{Setting, Settings};
use bad_network::stream_way::StreamWay;
use bad_network::tcp::{Config, Relay, Report};
use netcommon::descriptors::room_for;
use netcommon::net::TcpListener;
use netcommon::testing::aside;

use crate::common::{DEADLINE, any_port, connect, expect_line, serve, serve_on};

fn ways(both: &[&str], up: &[&str], down: &[&str]) -> Config {
    let list = |texts: &[&str]| texts.iter().map(|text| Setting::parse::<StreamWay>(text).unwrap()).collect();
    let settings = Settings { both: list(both), up: list(up), down: list(down) };
    Config { ways: Settings::ways(&[&settings]).unwrap(), ..Config::default() }
}

/// Runs `talk` against a relay to `target` and returns what the relay counted.
fn with_relay(
    target: SocketAddr,
    config: Config,
    grace: Duration,
    talk: impl FnOnce(SocketAddr, &Receiver<String>),
) -> Report {
    let listener = TcpListener::bind(any_port()).unwrap();
    let addr = listener.local_addr().unwrap();
    common::with_relay(
        move |voice, token| {
            Relay::new(listener, target, config, Log::default(), voice).unwrap().run(grace, token).unwrap()
        },
        |said| talk(addr, said),
    )
}

/// Sends everything back as it comes.
fn echo(mut stream: Plain) {
    let mut buffer = [0; 16 * 1024];
    while let Ok(len) = stream.read(&mut buffer) {
        if len == 0 || stream.write_all(&buffer[..len]).is_err() {
            return;
        }
    }
}

fn rest(mut stream: &Plain) -> Vec<u8> {
    let mut all = Vec::new();
    stream.read_to_end(&mut all).unwrap();
    all
}

/// Each chunk as one read returned it, up to `len` bytes.
fn reads(mut stream: &Plain, len: usize) -> Vec<String> {
    let (mut got, mut list) = (0, Vec::new());
    let mut buffer = [0; 1000];
    while got < len {
        let read = stream.read(&mut buffer).unwrap();
        got += read;
        list.push(String::from_utf8_lossy(&buffer[..read]).into_owned());
    }
    list
}

#[test]
fn a_megabyte_comes_back_whole_through_whatever_cuts_it() {
    let data: Vec<u8> = (0..1_000_000_u32).map(|number| (number % 251) as u8).collect();
    let settings: [&[&str]; 4] = [&[], &["delay=5ms"], &["slice=30000", "slice-gap=1ms"], &["glue=3ms", "rate=80mbit"]];
    let target = serve(echo);
    for settings in settings {
        let report = with_relay(target.addr, ways(settings, &[], &[]), DEADLINE, |front, _| {
            let client = connect(front);
            thread::scope(|both| {
                both.spawn(|| {
                    (&client).write_all(&data).unwrap();
                    client.shutdown(How::Write).unwrap();
                });
                assert!(rest(&client) == data, "{settings:?}");
            });
        });
        assert_eq!((report.accepted, report.bytes), (1, [1_000_000; 2]));
    }
}

/// A stream of its own for each client: no two places of two of them look alike for long. Made of blocks,
/// because byte by byte this and comparing with it takes a test build seconds.
fn stream_of(client: usize, len: usize) -> Vec<u8> {
    let counted: Vec<u8> = (0..512_u32).map(|number| number as u8).collect();
    let blocks = (0..=len / 251).map(|block| block * (client + 3) % 256);
    let mut stream: Vec<u8> = blocks.flat_map(|start| &counted[start..start + 251]).copied().collect();
    stream.truncate(len);
    stream
}

#[test]
fn much_at_once_passes_whole_and_unmixed_to_receivers_that_pause() {
    const LEN: usize = 9_000_000;
    let (sender, checked) = std::sync::mpsc::channel();
    // Each tells who it is with its first byte; between its reads, the kernel's buffers fill.
    let target = serve(move |mut stream| {
        let mut client = [0];
        stream.read_exact(&mut client).unwrap();
        let (client, mut at, mut buffer) = (usize::from(client[0]), 0, vec![0; 700_001]);
        let want = stream_of(client, LEN);
        let wrong = loop {
            match stream.read(&mut buffer) {
                Ok(0) => break None,
                Ok(len) if want.get(at..at + len) == Some(&buffer[..len]) => at += len,
                Ok(_) => break Some(at),
                // The one that is aborted in the middle.
                Err(_) => break None,
            }
        };
        sender.send((client, at, wrong)).unwrap();
    });
    let report = with_relay(target.addr, Config::default(), DEADLINE, |front, _| {
        let clients = [0, 1, 2].map(|client| {
            aside("client", move || {
                let mut stream = connect(front);
                stream.write_all(&[client as u8]).unwrap();
                let data = stream_of(client, LEN);
                if client == 2 {
                    stream.write_all(&data[..LEN / 2]).unwrap();
                    socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO)).unwrap();
                } else {
                    stream.write_all(&data).unwrap();
                }
            })
        });
        clients.into_iter().for_each(|client| client.wait());
        let mut ends: Vec<_> = (0..3).map(|_| checked.recv_timeout(DEADLINE).unwrap()).collect();
        ends.sort_unstable();
        assert_eq!((ends[0], ends[1]), ((0, LEN, None), (1, LEN, None)));
        assert!(ends[2].1 <= LEN / 2 && ends[2].2.is_none(), "{:?}", ends[2]);
    });
    let [up, down] = report.bytes;
    assert!(down == 0 && up >= 2 * (LEN as u64 + 1), "{report:?}");
}

#[test]
fn a_half_close_passes_and_the_answer_comes_after_it() {
    let target = serve(|mut stream| {
        let question = rest(&stream);
        stream.write_all(format!("{} bytes", question.len()).as_bytes()).unwrap();
    });
    with_relay(target.addr, Config::default(), DEADLINE, |front, said| {
        let mut client = connect(front);
        client.write_all("你好".as_bytes()).unwrap();
        client.shutdown(How::Write).unwrap();
        assert_eq!(rest(&client), b"6 bytes");
        assert_eq!(expect_line(said, "ended"), "Flow 1 ended: 6 bytes up, 7 bytes down, closed");
    });
}

#[test]
fn a_slice_falls_inside_a_character() {
    let target = serve(echo);
    // Two pieces a short while apart could meet in one read of a client that is not woken in time.
    let report = with_relay(target.addr, ways(&[], &[], &["slice=4", "slice-gap=1h"]), Duration::ZERO, |front, _| {
        let mut client = connect(front);
        client.write_all("你好".as_bytes()).unwrap();
        let mut buffer = [0; 9];
        let len = client.read(&mut buffer).unwrap();
        assert_eq!(&buffer[..len], &"你好".as_bytes()[..4], "你 and a third of 好");
    });
    assert_eq!(report.bytes, [6, 4]);
}

#[test]
fn glue_makes_one_read_of_several_writes() {
    let target = serve(echo);
    // As long as a busy machine may need for three writes.
    with_relay(target.addr, ways(&[], &["glue=2s"], &[]), DEADLINE, |front, _| {
        let mut client = connect(front);
        for word in ["早", "安", "嗎"] {
            client.write_all(word.as_bytes()).unwrap();
        }
        assert_eq!(reads(&client, 9), ["早安嗎"]);
    });
}

#[test]
fn a_reset_on_purpose_reaches_both_sides() {
    let (sender, how) = std::sync::mpsc::channel();
    let target = serve(move |mut stream| {
        let mut buffer = [0; 100];
        let mut got = 0;
        let end = loop {
            match stream.read(&mut buffer) {
                Ok(0) => break None,
                Ok(len) => got += len,
                Err(error) => break Some(error.kind()),
            }
        };
        sender.send((got, end)).unwrap();
    });
    with_relay(target.addr, ways(&[], &["reset-after=4"], &[]), DEADLINE, |front, said| {
        let mut client = connect(front);
        client.write_all("你好".as_bytes()).unwrap();
        let error = client.read(&mut [0; 9]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
        let (got, end) = how.recv_timeout(DEADLINE).unwrap();
        assert_eq!(end, Some(ErrorKind::ConnectionReset));
        // A reset may overtake bytes that the receiver has not read yet.
        assert!(got <= 4, "{got}");
        expect_line(said, "4 bytes up, 0 bytes down, reset on purpose");
    });
}

#[test]
fn an_abort_of_the_client_reaches_the_target_as_one() {
    let (sender, how) = std::sync::mpsc::channel();
    let target = serve(move |mut stream| {
        stream.write_all(b"hello").unwrap();
        sender.send(stream.read(&mut [0; 9]).map_err(|error| error.kind())).unwrap();
    });
    with_relay(target.addr, Config::default(), DEADLINE, |front, said| {
        let client = connect(front);
        assert_eq!(reads(&client, 5), ["hello"]);
        socket2::SockRef::from(&client).set_linger(Some(Duration::ZERO)).unwrap();
        drop(client);
        assert_eq!(how.recv_timeout(DEADLINE).unwrap(), Err(ErrorKind::ConnectionReset));
        expect_line(said, "reset by the client");
    });
}

#[test]
fn closing_after_some_bytes_cuts_the_answer_short() {
    let target = serve(echo);
    with_relay(target.addr, ways(&[], &[], &["close-after=4"]), DEADLINE, |front, _| {
        let mut client = connect(front);
        client.write_all("你好".as_bytes()).unwrap();
        assert_eq!(rest(&client), &"你好".as_bytes()[..4], "then the end, as if that had been all");
    });
    with_relay(target.addr, ways(&[], &["close-after=3"], &[]), DEADLINE, |front, _| {
        let mut client = connect(front);
        client.write_all("你好".as_bytes()).unwrap();
        assert_eq!(rest(&client), "你".as_bytes(), "the server saw the end after three bytes");
    });
}

#[test]
fn a_stall_keeps_the_connection_and_passes_nothing() {
    let target = serve(echo);
    let report = with_relay(target.addr, ways(&[], &[], &["stall-after=3"]), Duration::ZERO, |front, _| {
        let mut client = connect(front);
        client.write_all("你好".as_bytes()).unwrap();
        assert_eq!(reads(&client, 3), ["你"]);
        client.set_read_timeout(Some(Duration::from_millis(150))).unwrap();
        let error = client.read(&mut [0; 9]).unwrap_err();
        assert!(netcommon::error::is_timeout(&error), "{error}");
    });
    assert_eq!(report.cut, 1);
}

#[test]
fn a_target_that_is_not_there_is_said_and_may_come() {
    let absent = PlainListener::bind(any_port()).unwrap();
    let target = absent.local_addr().unwrap();
    drop(absent);
    with_relay(target, Config::default(), DEADLINE, |front, said| {
        for _ in 0..2 {
            let mut client = connect(front);
            let outcome = client.read(&mut [0; 9]);
            assert_eq!(outcome.unwrap_err().kind(), ErrorKind::ConnectionReset);
        }
        expect_line(said, &format!("Target {target} is not there"));
        let Ok(listener) = TcpListener::bind(target) else { return };
        let _back = serve_on(listener, echo);
        let mut client = connect(front);
        client.write_all("回來了".as_bytes()).unwrap();
        assert_eq!(reads(&client, 9).concat(), "回來了");
        expect_line(said, "is there again");
    });
}

#[test]
fn a_client_that_is_ignored_hears_nothing_and_the_target_neither() {
    let nobody = PlainListener::bind(any_port()).unwrap();
    let config = Config { ignore: true, ..Config::default() };
    let mut waiting = None;
    let report = with_relay(nobody.local_addr().unwrap(), config, DEADLINE, |front, said| {
        let mut client = connect(front);
        client.write_all("有人在嗎".as_bytes()).unwrap();
        client.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
        assert!(client.read(&mut [0; 9]).is_err());
        drop(client);
        // It is noticed that the client has given up.
        expect_line(said, "ended");
        waiting = Some(connect(front));
        expect_line(said, "Flow 2");
    });
    assert!(waiting.is_some_and(|mut waiting| waiting.read(&mut [0; 9]).is_err()), "a reset");
    nobody.set_nonblocking(true).unwrap();
    assert_eq!(nobody.accept().unwrap_err().kind(), ErrorKind::WouldBlock);
    assert_eq!((report.accepted, report.cut), (2, 1));
}

#[test]
fn a_receiver_that_does_not_read_stops_its_sender() {
    let (release, released) = std::sync::mpsc::channel::<()>();
    let released = std::sync::Arc::new(std::sync::Mutex::new(released));
    let target = serve(move |stream| {
        let _ = released.lock().unwrap().recv_timeout(DEADLINE);
        drop(stream);
    });
    for settings in [&["window=64KiB", "delay=1ms"][..], &["window=64KiB"]] {
        with_relay(target.addr, ways(settings, &[], &[]), Duration::ZERO, |front, _| {
            let mut client = connect(front);
            client.set_write_timeout(Some(Duration::from_millis(300))).unwrap();
            let mut sent = 0_usize;
            while let Ok(len) = client.write(&[7; 64 * 1024]) {
                sent += len;
                assert!(sent < 64 * 1024 * 1024, "nobody reads, and {sent} bytes were taken");
            }
            release.send(()).unwrap();
        });
    }
}

#[test]
fn a_crowd_is_served_up_to_the_limit_and_the_others_wait_for_their_turn() {
    // At most five descriptors a client in this process: its own, two of the relay, two of the target's side.
    let count = room_for(2 * 150 * 5) / 10;
    let connections_max = count * 2 / 3;
    let target = serve(echo);
    let config = Config { connections_max, ..ways(&["delay=1ms"], &[], &[]) };
    let report = with_relay(target.addr, config, DEADLINE, |front, said| {
        let mut clients: Vec<Plain> = (0..count).map(|_| connect(front)).collect();
        for (number, client) in clients.iter_mut().enumerate() {
            client.write_all(format!("我是第 {number} 號").as_bytes()).unwrap();
        }
        expect_line(said, &format!("Full: {connections_max} connections are open"));
        for (number, client) in clients.iter().enumerate() {
            let want = format!("我是第 {number} 號");
            assert_eq!(reads(client, want.len()).concat(), want);
            client.shutdown(How::Both).unwrap();
        }
    });
    assert_eq!(report.accepted, count as u64);
}

#[test]
fn at_the_end_answers_in_progress_arrive_and_idle_clients_are_let_go() {
    let target = serve(echo);
    let before = Instant::now();
    let mut clients = None;
    let report = with_relay(target.addr, ways(&["delay=150ms"], &[], &[]), DEADLINE, |front, said| {
        let (idle, asked) = (connect(front), connect(front));
        (&asked).write_all("再見".as_bytes()).unwrap();
        expect_line(said, "Flow 2");
        // Its bytes may still be in the kernel; what has been read will be answered.
        clients = Some((idle, asked));
    });
    assert_eq!(report.cut, 0);
    let (idle, asked) = clients.unwrap();
    assert_eq!(rest(&idle), b"");
    let mut answer = Vec::new();
    let _ = (&asked).read_to_end(&mut answer);
    assert!(answer.is_empty() || answer == "再見".as_bytes());
    assert!(before.elapsed() < DEADLINE, "nobody was waited for in vain");
}
