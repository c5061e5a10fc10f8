//! Watches real loopback sockets: stale keys, interests, removal between report and use, waking.
//!
//! Everything runs in level mode and, as on a system without it, in oneshot mode. Read `mod.rs` before.

use std::io::{Read, Write};
use std::time::{Duration, Instant};

use polling::{PollMode, Poller};

use super::{Interest, Key, Readiness, Ready, TcpSocket};
use crate::net::{TcpListener, TcpStream, UdpSocket};
use crate::shutdown::Shutdown;

/// Long enough for a busy machine; a wait that is not ended fails its test.
const GENEROUS: Duration = Duration::from_secs(20);

const MODES: [PollMode; 2] = [PollMode::Level, PollMode::Oneshot];

type Streams = Readiness<TcpStream, &'static str>;

fn streams(mode: PollMode) -> Streams {
    Readiness::with(Poller::new().unwrap(), mode).unwrap()
}

/// A stream and its peer.
fn pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (server, _) = listener.accept().unwrap();
    server.set_nonblocking(true).unwrap();
    (server, client)
}

fn wait(sockets: &mut Streams) -> Vec<Ready> {
    let mut ready = Vec::new();
    sockets.wait(Some(Instant::now() + GENEROUS), &mut ready).unwrap();
    assert!(!ready.is_empty(), "nothing was ready");
    ready
}

/// Waits for a deadline at which nothing is ready; a watchdog ends the wait that goes on for much longer.
#[cfg(target_os = "linux")]
fn wait_for_nothing_until(sockets: &mut Streams, deadline: Instant) {
    let watchdog = Shutdown::new();
    watchdog.wake_on_drain(sockets.waker());
    std::thread::scope(|scope| {
        let (done, is_done) = crossbeam_channel::bounded::<()>(0);
        scope.spawn(move || {
            is_done.recv_timeout(GENEROUS).is_err_and(|error| error.is_timeout()).then(|| watchdog.advance())
        });
        let mut ready = Vec::new();
        sockets.wait(Some(deadline), &mut ready).unwrap();
        drop(done);
        let late = Instant::now().checked_duration_since(deadline).expect("it ended before its deadline");
        assert!(ready.is_empty() && late < GENEROUS / 2, "{ready:?}, {late:?}");
    });
}

/// What is ready now.
fn look(sockets: &mut Streams) -> Vec<Key> {
    let mut ready = Vec::new();
    sockets.wait(Some(Instant::now()), &mut ready).unwrap();
    ready.into_iter().map(|ready| ready.key).collect()
}

#[test]
fn a_socket_is_reported_until_it_has_been_read() {
    for mode in MODES {
        let mut sockets = streams(mode);
        let (stream, mut peer) = pair();
        let key = sockets.insert(stream, Interest::Readable, "小明").unwrap();
        assert_eq!(look(&mut sockets), []);
        peer.write_all("早安".as_bytes()).unwrap();
        for _ in 0..3 {
            let ready = wait(&mut sockets);
            assert_eq!(ready, [Ready { key, readable: true, writable: false }], "{mode:?}");
        }
        let (mut stream, state) = sockets.get_mut(key).unwrap();
        assert_eq!(stream.read(&mut [0; 100]).unwrap(), 6);
        assert_eq!(std::mem::replace(state, "read"), "小明");
        assert_eq!(look(&mut sockets), [], "{mode:?}");
        assert_eq!(sockets.get(key).unwrap().1, &"read");
    }
}

#[test]
fn only_what_interests_is_reported() {
    for mode in MODES {
        let mut sockets = streams(mode);
        let (stream, mut peer) = pair();
        let key = sockets.insert(stream, Interest::Nothing, "").unwrap();
        peer.write_all(b"x").unwrap();
        assert_eq!(look(&mut sockets), [], "{mode:?}");
        for (interest, readable, writable) in
            [(Interest::Both, true, true), (Interest::Writable, false, true), (Interest::Readable, true, false)]
        {
            sockets.set_interest(key, interest).unwrap();
            assert_eq!(wait(&mut sockets), [Ready { key, readable, writable }], "{mode:?} {interest:?}");
        }
        sockets.set_interest(key, Interest::Nothing).unwrap();
        assert_eq!(look(&mut sockets), [], "{mode:?}");
    }
}

#[test]
fn a_reset_is_not_reported_to_those_who_asked_for_nothing() {
    for mode in MODES {
        let mut sockets = streams(mode);
        let (stream, peer) = pair();
        let key = sockets.insert(stream, Interest::Readable, "").unwrap();
        peer.set_linger(Some(Duration::ZERO)).unwrap();
        drop(peer);
        wait(&mut sockets);
        sockets.set_interest(key, Interest::Nothing).unwrap();
        assert_eq!(look(&mut sockets), [], "{mode:?}");
        sockets.set_interest(key, Interest::Writable).unwrap();
        assert_eq!(wait(&mut sockets)[0].key, key, "{mode:?}");
    }
}

#[test]
fn a_report_of_a_removed_socket_does_not_reach_the_newcomer_in_its_place() {
    for mode in MODES {
        let mut sockets = streams(mode);
        let (stream, mut peer) = pair();
        let old = sockets.insert(stream, Interest::Readable, "old").unwrap();
        peer.write_all(b"x").unwrap();
        let ready = wait(&mut sockets);
        // Between the report and its use, the socket goes and another takes its place and its descriptor.
        drop(sockets.remove(old).unwrap());
        let (stream, _peer) = pair();
        let new = sockets.insert(stream, Interest::Readable, "new").unwrap();
        assert_eq!((new.index, ready[0].key), (old.index, old), "the place is used again");
        assert!(sockets.get(old).is_none() && sockets.get_mut(old).is_none() && sockets.remove(old).is_none());
        sockets.set_interest(old, Interest::Both).unwrap();
        assert_eq!(look(&mut sockets), [], "{mode:?}: the newcomer got the interest of its predecessor");
        assert_eq!(sockets.get(new).unwrap().1, &"new");
    }
}

#[test]
fn a_removed_socket_is_alive_and_unwatched() {
    for mode in MODES {
        let mut sockets = streams(mode);
        let (stream, mut peer) = pair();
        let key = sockets.insert(stream, Interest::Both, "").unwrap();
        let (mut stream, _) = sockets.remove(key).unwrap();
        assert!(sockets.is_empty() && sockets.keys().next().is_none());
        peer.write_all(b"x").unwrap();
        assert_eq!(look(&mut sockets), []);
        stream.set_nonblocking(false).unwrap();
        assert_eq!(stream.read(&mut [0; 10]).unwrap(), 1);
        // It may come back, under another name.
        assert_ne!(sockets.insert(stream, Interest::Writable, "").unwrap(), key);
        assert_eq!((wait(&mut sockets).len(), sockets.len()), (1, 1), "{mode:?}");
    }
}

#[test]
fn places_of_hundreds_that_come_and_go_are_used_again() {
    let mut sockets = Readiness::new().unwrap();
    let (target, mut keys) = ("127.0.0.1:0".parse().unwrap(), Vec::new());
    for round in 0..300_u32 {
        keys.push((sockets.insert(UdpSocket::bind(target).unwrap(), Interest::Writable, round).unwrap(), round));
        if round % 3 != 0 {
            let (key, state) = keys.swap_remove(round as usize % keys.len());
            assert_eq!(sockets.remove(key).unwrap().1, state);
        }
        assert_eq!(sockets.len(), keys.len());
    }
    assert!(sockets.places.len() <= 102, "{} places", sockets.places.len());
    assert!(keys.iter().all(|(key, state)| sockets.get(*key).unwrap().1 == state));
    let mut known: Vec<Key> = keys.iter().map(|(key, _)| *key).collect();
    known.sort_unstable();
    assert_eq!(sockets.keys().collect::<Vec<_>>(), known);
}

#[test]
fn both_stages_of_shutdown_end_a_wait_without_a_deadline() {
    for mode in MODES {
        let mut sockets = streams(mode);
        let (stream, mut peer) = pair();
        let key = sockets.insert(stream, Interest::Readable, "").unwrap();
        let shutdown = Shutdown::new();
        for stage in [Shutdown::wake_on_drain, Shutdown::wake_on_cut] {
            stage(&shutdown, sockets.waker());
            let mut ready = Vec::new();
            std::thread::scope(|scope| {
                scope.spawn(|| shutdown.advance());
                sockets.wait(None, &mut ready).unwrap();
            });
            assert_eq!(ready, [], "{mode:?}");
        }
        assert!(shutdown.is_cutting());
        assert_eq!(look(&mut sockets), []);
        peer.write_all(b"x").unwrap();
        assert_eq!(wait(&mut sockets)[0].key, key, "{mode:?}");
    }
}

#[test]
fn a_waker_that_fires_among_events_hides_none_of_them() {
    let mut sockets = streams(PollMode::Level);
    let (stream, mut peer) = pair();
    let key = sockets.insert(stream, Interest::Readable, "").unwrap();
    peer.write_all(b"x").unwrap();
    let shutdown = Shutdown::new();
    shutdown.wake_on_drain(sockets.waker());
    shutdown.advance();
    for _ in 0..3 {
        assert_eq!(wait(&mut sockets).iter().map(|ready| ready.key).collect::<Vec<_>>(), [key]);
    }
}

#[test]
fn a_wait_ends_at_its_deadline() {
    for micros in [0, 300, 1_000, 1_700, 30_400] {
        let mut sockets = streams(PollMode::Level);
        let deadline = Instant::now() + Duration::from_micros(micros);
        sockets.wait(Some(deadline), &mut Vec::new()).unwrap();
        assert!(Instant::now() >= deadline, "{micros}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn far_deadlines_are_met_whatever_the_alarm_was_set_to_before() {
    use super::direct::FAR;

    let (mut sockets, start) = (streams(PollMode::Level), Instant::now());
    let (stream, mut peer) = pair();
    let key = sockets.insert(stream, Interest::Readable, "").unwrap();
    peer.write_all(b"x").unwrap();
    // Waits that end at once leave the alarm set: to an hour, and then to the earlier of two times.
    for far in [3600 * FAR, FAR * 5 / 4, FAR * 3 / 2] {
        let mut ready = Vec::new();
        sockets.wait(Some(start + far), &mut ready).unwrap();
        assert_eq!(ready.iter().map(|ready| ready.key).collect::<Vec<_>>(), [key]);
    }
    sockets.set_interest(key, Interest::Nothing).unwrap();
    // It rings inside this wait, which goes on; and it is set anew for the next.
    for far in [FAR * 3 / 2, 3 * FAR] {
        wait_for_nothing_until(&mut sockets, start + far);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn an_alarm_that_rings_beside_a_wake_up_does_not_hide_the_next_deadline() {
    use super::direct::FAR;

    let (mut sockets, mut others) = (streams(PollMode::Level), streams(PollMode::Level));
    let (stream, mut peer) = pair();
    let key = sockets.insert(stream, Interest::Readable, "").unwrap();
    peer.write_all(b"x").unwrap();
    let (shutdown, mut ready) = (Shutdown::new(), Vec::new());
    shutdown.wake_on_drain(sockets.waker());
    // It ends at once and leaves the alarm set; then comes the wake-up, then the ring, and nobody has looked yet.
    let start = Instant::now();
    sockets.wait(Some(start + FAR * 5 / 4), &mut ready).unwrap();
    sockets.set_interest(key, Interest::Nothing).unwrap();
    shutdown.advance();
    others.wait(Some(start + 2 * FAR), &mut ready).unwrap();
    sockets.wait(None, &mut ready).unwrap();
    wait_for_nothing_until(&mut sockets, Instant::now() + 2 * FAR);
}

#[test]
fn a_listener_and_its_streams_are_watched_together() {
    let mut sockets = Readiness::new().unwrap();
    let listener = TcpListener::bind("[::1]:0".parse().unwrap())
        .unwrap_or_else(|_| TcpListener::bind("127.0.0.1:0".parse().unwrap()).unwrap());
    let addr = listener.local_addr().unwrap();
    let (stream, _peer) = pair();
    sockets.insert(TcpSocket::Stream(stream), Interest::Readable, ()).unwrap();
    let key = sockets.insert(TcpSocket::Listener(listener), Interest::Readable, ()).unwrap();
    let _client = TcpStream::connect(addr).unwrap();
    let mut ready = Vec::new();
    sockets.wait(Some(Instant::now() + GENEROUS), &mut ready).unwrap();
    assert_eq!(ready.iter().map(|ready| ready.key).collect::<Vec<_>>(), [key]);
    let Some((TcpSocket::Listener(listener), ())) = sockets.get(key) else { panic!("the listener is gone") };
    assert!(listener.accept().is_ok());
}

#[test]
fn a_set_of_sockets_may_be_handed_to_another_thread() {
    fn is_send<T: Send>() {}
    is_send::<Streams>();
}
