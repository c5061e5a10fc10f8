//! The UDP relay over real loopback sockets: many clients, odd lengths, a target that comes and goes.
//!
//! What chance and the queue decide is tried without sockets in `src/network/tests.rs`; this is about the
//! loop around it.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod common;

use std::net::{SocketAddr, UdpSocket as Plain};
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use bad_network::chance::Direction;
use bad_network::log::Log;
use bad_network::network::Network;
use bad_network::setting::{Setting, Settings};
use bad_network::totals::{Summary, Totals};
use bad_network::udp::{Limits, Relay};
use bad_network::way::DatagramWay;
use netcommon::net::UdpSocket;

use crate::common::{DEADLINE, any_port, ask, client_of, echo, echo_on, expect_line, receive};

/// Ways made of `KEY=VALUE` texts.
fn ways(both: &[&str], up: &[&str], down: &[&str]) -> [DatagramWay; 2] {
    let list = |texts: &[&str]| texts.iter().map(|text| Setting::parse::<DatagramWay>(text).unwrap()).collect();
    Settings::ways(&[&Settings { both: list(both), up: list(up), down: list(down) }]).unwrap()
}

/// Runs `talk` against a relay to `target` and returns what the relay counted.
fn with_relay(
    target: SocketAddr,
    network: Network,
    limits: Limits,
    grace: Duration,
    talk: impl FnOnce(SocketAddr, &Receiver<String>),
) -> Summary {
    let front = UdpSocket::bind(any_port()).unwrap();
    let addr = front.local_addr().unwrap();
    common::with_relay(
        move |voice, token| {
            Relay::new(front, target, network, Log::default(), voice, limits).unwrap().run(grace, token).unwrap()
        },
        |said| talk(addr, said),
    )
}

fn network(settings: &[&str]) -> Network {
    Network::new(ways(settings, &[], &[]), 7)
}

#[test]
fn every_client_gets_its_own_answers() {
    let target = echo();
    let summary = with_relay(target.addr, network(&[]), Limits::default(), DEADLINE, |front, _| {
        let clients: Vec<Plain> = (0..50).map(|_| client_of(front)).collect();
        for (number, client) in clients.iter().enumerate() {
            client.send(format!("我是第 {number} 號").as_bytes()).unwrap();
        }
        for (number, client) in clients.iter().enumerate() {
            assert_eq!(receive(client), format!("我是第 {number} 號").as_bytes());
        }
    });
    assert_eq!((summary.flows, summary.up.datagrams_out, summary.down.datagrams_out), (50, 50, 50));
}

#[test]
fn datagrams_of_every_length_pass_whole() {
    // macOS sends no more than 9,216 bytes by default.
    let longest = if cfg!(target_os = "macos") { 9216 } else { 65_507 };
    let target = echo();
    for settings in [&[][..], &["delay=1ms"]] {
        with_relay(target.addr, network(settings), Limits::default(), DEADLINE, |front, _| {
            let client = client_of(front);
            for len in [0, 1, 1471, 1472, 1473, longest] {
                let message = vec![0xe5; len];
                assert_eq!(ask(&client, &message), message, "{len} bytes");
            }
        });
    }
}

#[test]
fn a_delay_is_waited_for_and_the_order_is_kept() {
    let target = echo();
    with_relay(target.addr, network(&["delay=40ms"]), Limits::default(), DEADLINE, |front, _| {
        let client = client_of(front);
        let before = Instant::now();
        (0..20_u8).for_each(|number| assert_eq!(client.send(&[number]).unwrap(), 1));
        (0..20_u8).for_each(|number| assert_eq!(receive(&client), [number]));
        assert!(before.elapsed() >= Duration::from_millis(80), "forty there and forty back");
    });
}

#[test]
fn what_is_lost_is_lost_and_what_is_doubled_comes_twice() {
    let target = Plain::bind(any_port()).unwrap();
    target.set_read_timeout(Some(DEADLINE)).unwrap();
    let network = || Network::new(ways(&[], &["duplicate=100%"], &["loss=50%"]), 7);
    // The fates of the answers are known in advance, and so which is the last that arrives.
    let mut foreseen = network();
    let mut arrives = |number| foreseen.arrive(Duration::ZERO, 1, Direction::Down, &mut [number]).leaves_now;
    let arriving: Vec<u8> = (0..8).filter(|&number| arrives(number)).collect();
    let client = Plain::bind(any_port()).unwrap();
    client.set_read_timeout(Some(DEADLINE)).unwrap();
    let summary = with_relay(target.local_addr().unwrap(), network(), Limits::default(), DEADLINE, |front, _| {
        for question in 0..4 {
            client.send_to("你好".as_bytes(), front).unwrap();
            for number in [2 * question, 2 * question + 1] {
                let (len, relay) = target.recv_from(&mut [0; 9]).unwrap();
                assert_eq!(target.send_to(&[number], relay).unwrap(), 1, "{len}");
            }
        }
        assert_eq!(arriving.iter().map(|_| receive(&client)[0]).collect::<Vec<_>>(), arriving);
    });
    assert_eq!((summary.up.datagrams_in, summary.up.datagrams_out, summary.up.twice), (4, 8, 4));
    // Behind the last that arrived the end may have come before the others.
    let seen = u64::from(*arriving.last().unwrap()) + 1;
    let Totals { datagrams_in, datagrams_out, lost, .. } = summary.down;
    assert!((seen..=8).contains(&datagrams_in), "{summary:?}");
    assert_eq!((datagrams_out, lost), (arriving.len() as u64, datagrams_in - arriving.len() as u64));
    client.set_nonblocking(true).unwrap();
    assert!(client.recv(&mut [0; 9]).is_err());
}

#[test]
fn a_target_that_is_not_there_is_said_and_may_come() {
    let absent = Plain::bind(any_port()).unwrap();
    let target = absent.local_addr().unwrap();
    drop(absent);
    let summary = with_relay(target, network(&[]), Limits::default(), DEADLINE, |front, said| {
        let client = client_of(front);
        for _ in 0..3 {
            client.send("有人在嗎".as_bytes()).unwrap();
        }
        expect_line(said, "is not there: an ICMP message");
        // Somebody else may have been given the port meanwhile; then this test has nothing to say.
        let Ok(socket) = UdpSocket::bind(target) else { return };
        let _back = echo_on(socket);
        client.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
        let deadline = Instant::now() + DEADLINE;
        let mut buffer = [0; 64];
        while Instant::now() < deadline {
            client.send("回來了".as_bytes()).unwrap();
            if client.recv(&mut buffer).is_ok() {
                break;
            }
        }
        expect_line(said, "is there again");
    });
    assert_eq!(summary.flows, 1);
}

#[test]
fn clients_have_bounded_places_and_lose_them_by_silence() {
    let target = echo();
    // Silence is told from slowness, also on a busy machine.
    let limits = Limits { flows_max: 2, idle: Duration::from_secs(2) };
    let summary = with_relay(target.addr, network(&[]), limits, DEADLINE, |front, said| {
        let (first, second, third) = (client_of(front), client_of(front), client_of(front));
        assert_eq!((ask(&first, b"1"), ask(&second, b"2")), (b"1".to_vec(), b"2".to_vec()));
        third.send(b"3").unwrap();
        expect_line(said, "No place for");
        // Both fall silent, and the third one finds a place.
        third.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
        let deadline = Instant::now() + DEADLINE;
        while third.send(b"3").is_ok() && third.recv(&mut [0; 9]).is_err() {
            assert!(Instant::now() < deadline, "no place becomes free");
        }
    });
    assert!(summary.flows >= 3 && summary.refused >= 1, "{summary:?}");
}

#[test]
fn a_client_is_remembered_while_its_datagram_is_on_its_way() {
    let target = Plain::bind(any_port()).unwrap();
    target.set_read_timeout(Some(DEADLINE)).unwrap();
    let limits = Limits { idle: Duration::from_millis(60), ..Limits::default() };
    let network = network(&["delay=400ms"]);
    let summary = with_relay(target.local_addr().unwrap(), network, limits, DEADLINE, |front, _| {
        client_of(front).send("到火星".as_bytes()).unwrap();
        assert_eq!(receive(&target), "到火星".as_bytes());
    });
    assert_eq!((summary.up.datagrams_out, summary.up.not_sent), (1, 0));
}

#[test]
fn at_the_end_what_is_on_its_way_arrives() {
    let target = echo();
    let client = Plain::bind(any_port()).unwrap();
    let network = Network::new(ways(&[], &["delay=300ms"], &[]), 7);
    let summary = with_relay(target.addr, network, Limits::default(), DEADLINE, |front, said| {
        for _ in 0..20 {
            client.send_to("再見".as_bytes(), front).unwrap();
        }
        expect_line(said, "Flow 1 is");
    });
    // Some may not have been received yet when the end was asked for; those received have left.
    assert!(summary.up.datagrams_in > 0);
    assert_eq!((summary.up.datagrams_out, summary.up.on_their_way), (summary.up.datagrams_in, 0));
}

#[test]
fn when_the_grace_is_over_the_rest_is_counted() {
    let target = echo();
    let grace = Duration::from_millis(100);
    let before = Instant::now();
    let summary = with_relay(target.addr, network(&["delay=1h"]), Limits::default(), grace, |front, said| {
        client_of(front).send("再見".as_bytes()).unwrap();
        expect_line(said, "Flow 1 is");
    });
    assert_eq!(summary.up.on_their_way, 1);
    assert!(before.elapsed() < DEADLINE);
}

#[test]
fn a_flood_into_a_slow_line_costs_a_queue_and_no_more() {
    let target = echo();
    let network = network(&["rate=64kbit", "queue=16kB"]);
    let summary = with_relay(target.addr, network, Limits::default(), Duration::ZERO, |front, said| {
        let client = client_of(front);
        for _ in 0..5_000 {
            let _ = client.send(&[7; 1400]);
        }
        expect_line(said, "Flow 1 is");
    });
    assert!(summary.up.on_their_way <= 12, "16 kB are 11 datagrams and one on the line: {summary:?}");
    let told = summary.up.datagrams_out + summary.up.queue_full + summary.up.on_their_way;
    assert_eq!(told, summary.up.datagrams_in, "each one is accounted for");
}
