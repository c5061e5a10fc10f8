//! The TCP relay over real loopback sockets: streams whole, half-closes, resets, back-pressure, crowds.
//!
//! When pieces leave is tried without sockets in `src/pipe/tests.rs`; this is about the loop around it.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod common;

use std::io::{Read, Write};
use std::net::{Shutdown as How, TcpStream as Plain};
use std::thread;
use std::time::Duration;

use bad_network::tcp::Config;
use netcommon::descriptors::room_for;
use netcommon::testing::aside;

use crate::common::tcp::{echo, reads, rest, ways, with_relay};
use crate::common::{DEADLINE, connect, expect_line, serve};

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
