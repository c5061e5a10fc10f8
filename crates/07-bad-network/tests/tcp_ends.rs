//! How connections end through the TCP relay: resets, targets that are absent, being ignored, and the relay's own end.
//!
//! Read `tcp.rs` before.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod common;

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown as How, TcpListener as PlainListener, TcpStream as Plain};
use std::time::{Duration, Instant};

use bad_network::tcp::Config;
use netcommon::error::is_timeout;
use netcommon::net::TcpListener;
use netcommon::testing::ClosedPort;

use crate::common::tcp::{echo, reads, rest, ways, with_relay};
use crate::common::{DEADLINE, any_port, connect, expect_line, serve, serve_on};

/// Closes a stream with a reset in place of a FIN.
fn abort(stream: Plain) {
    socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO)).unwrap();
    drop(stream);
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
        abort(client);
        assert_eq!(how.recv_timeout(DEADLINE).unwrap(), Err(ErrorKind::ConnectionReset));
        expect_line(said, "reset by the client");
    });
}

/// Elsewhere a reset may overtake what the receiver has not read yet.
#[cfg(target_os = "linux")]
#[test]
fn what_was_sent_before_a_reset_arrives_before_it() {
    let text: Vec<u8> = (0..1_000_u32).map(|number| (number % 251) as u8).collect();
    let all_and_the_end = |mut stream: &Plain| {
        let mut all = Vec::new();
        let error = stream.read_to_end(&mut all).unwrap_err();
        (all, error.kind())
    };
    for settings in [&[][..], &["delay=50ms"], &["slice=300", "slice-gap=10ms"], &["rate=80kbit"]] {
        let (sender, got) = std::sync::mpsc::channel();
        let speaker = serve({
            let text = text.clone();
            move |mut stream| {
                stream.write_all(&text).unwrap();
                abort(stream);
            }
        });
        with_relay(speaker.addr, ways(settings, &[], &[]), DEADLINE, |front, said| {
            let client = connect(front);
            assert_eq!(all_and_the_end(&client), (text.clone(), ErrorKind::ConnectionReset), "{settings:?}");
            expect_line(said, "0 bytes up, 1000 bytes down, reset by the target");
        });
        let listener = serve(move |stream| sender.send(all_and_the_end(&stream)).unwrap());
        with_relay(listener.addr, ways(settings, &[], &[]), DEADLINE, |front, said| {
            let mut client = connect(front);
            client.write_all(&text).unwrap();
            abort(client);
            let got = got.recv_timeout(DEADLINE).unwrap();
            assert_eq!(got, (text.clone(), ErrorKind::ConnectionReset), "{settings:?}");
            expect_line(said, "1000 bytes up, 0 bytes down, reset by the client");
        });
    }
}

#[test]
fn a_target_has_several_addresses() {
    let target = serve(echo);
    let nobody = [(); 2].map(|()| ClosedPort::new());
    let config = Config { others: vec![nobody[1].addr, target.addr], ..Config::default() };
    with_relay(nobody[0].addr, config, DEADLINE, |front, said| {
        let mut client = connect(front);
        client.write_all("你好".as_bytes()).unwrap();
        assert_eq!(reads(&client, 6).concat(), "你好");
        assert!(!said.try_iter().any(|line| line.contains("is not there")));
    });
}

#[test]
fn a_target_that_is_not_there_is_said_and_may_come() {
    let absent = ClosedPort::new();
    let target = absent.addr;
    with_relay(target, Config::default(), DEADLINE, |front, said| {
        for _ in 0..2 {
            let mut client = connect(front);
            let outcome = client.read(&mut [0; 9]);
            assert_eq!(outcome.unwrap_err().kind(), ErrorKind::ConnectionReset);
        }
        expect_line(said, &format!("Target {target} is not there"));
        drop(absent);
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
        // Not even the end of its own stream is answered.
        client.shutdown(How::Write).unwrap();
        client.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
        let error = client.read(&mut [0; 9]).unwrap_err();
        assert!(is_timeout(&error), "{error}");
        abort(connect(front));
        expect_line(said, "reset by the client");
        waiting = Some(connect(front));
        expect_line(said, "Flow 3");
    });
    assert!(waiting.is_some_and(|mut waiting| waiting.read(&mut [0; 9]).is_err()), "a reset");
    nobody.set_nonblocking(true).unwrap();
    assert_eq!(nobody.accept().unwrap_err().kind(), ErrorKind::WouldBlock);
    assert_eq!((report.accepted, report.cut), (3, 2));
}

#[test]
fn at_the_end_what_clients_have_sent_is_answered_and_idle_ones_are_let_go() {
    let target = serve(echo);
    let question: Vec<u8> = (0..100_000_u32).map(|number| (number % 251) as u8).collect();
    for settings in [&[][..], &["delay=150ms"], &["window=16KiB", "delay=1ms"]] {
        let before = Instant::now();
        let mut clients = None;
        let report = with_relay(target.addr, ways(settings, &[], &[]), DEADLINE, |front, said| {
            let (idle, asked) = (connect(front), connect(front));
            (&asked).write_all(&question).unwrap();
            expect_line(said, "Flow 2");
            // Its bytes may still be in the kernel.
            clients = Some((idle, asked));
        });
        assert_eq!(report.bytes, [100_000; 2], "{settings:?}");
        assert_eq!(report.cut, 0);
        let (idle, asked) = clients.unwrap();
        assert_eq!(rest(&idle), b"");
        assert!(rest(&asked) == question, "{settings:?}");
        assert!(before.elapsed() < DEADLINE, "nobody was waited for in vain");
    }
}
