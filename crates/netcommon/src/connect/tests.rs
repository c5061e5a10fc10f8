//! Connects over loopback: refused, silent, interrupted, met by ourselves, and which address wins.
//!
//! Read `mod.rs` and `race.rs` before; the race itself is tested without sockets, on given moments.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::race::ATTEMPT_DELAY;
use super::{
    Cause, ConnectError, End, Failure, Failures, connect, connect_any, connect_until, failures, finish, meets_itself,
};
use crate::addr::HostPort;
use crate::cli::describe;
use crate::net::{TcpListener, TcpStream};
use crate::shutdown::Shutdown;

/// Long enough for a busy machine; a test that waits so long fails.
const GENEROUS: Duration = Duration::from_secs(20);

fn parse(text: &str) -> HostPort {
    text.parse().unwrap()
}

fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let addr = listener.local_addr().unwrap();
    (listener, addr)
}

/// An address that refuses, as long as its socket is kept: bound, so that nobody else gets the port, but
/// not listening.
fn closed_port() -> (socket2::Socket, SocketAddr) {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    socket.bind(&"127.0.0.1:0".parse::<SocketAddr>().unwrap().into()).unwrap();
    let addr = socket.local_addr().unwrap().as_socket().unwrap();
    (socket, addr)
}

fn race(addrs: &[SocketAddr], timeout: Duration) -> End {
    connect_any(addrs, Instant::now() + timeout, &Shutdown::new()).unwrap()
}

fn description(addrs: Vec<SocketAddr>, timeout: Duration) -> String {
    let End::Lost(attempts) = race(&addrs, timeout) else { panic!("{addrs:?} connected") };
    let target = parse("教室.example:80");
    describe(&ConnectError::Connect { target, failures: failures(addrs, attempts, timeout) }.into())
}

#[test]
fn a_closed_port_says_that_nothing_listens_and_what_to_try() {
    let (_bound, addr) = closed_port();
    let text = describe(&connect(&addr.into(), GENEROUS).unwrap_err().into());
    assert!(text.starts_with(&format!("connect to {addr}: nothing is listening there: ")), "{text}");
    assert!(text.ends_with("; start the server first, or check the port"), "{text}");
}

#[test]
fn a_name_with_one_address_is_named_with_it() {
    let (_bound, addr) = closed_port();
    let text = description(vec![addr], GENEROUS);
    assert!(text.starts_with(&format!("connect to 教室.example:80 ({addr}): nothing is listening there: ")), "{text}");
}

#[test]
fn after_a_refusal_the_next_address_is_tried_at_once() {
    let ((listener, open), (_bound, closed)) = (listen(), closed_port());
    let mut addrs = vec![closed; 12];
    addrs.push(open);
    let begin = Instant::now();
    let End::Connected(stream) = race(&addrs, GENEROUS) else { panic!("lost") };
    // Twelve delays would have passed if refusals were waited out.
    assert!(begin.elapsed() < 12 * ATTEMPT_DELAY, "{:?}", begin.elapsed());
    assert_eq!(listener.accept().unwrap().1, stream.local_addr().unwrap());
}

#[test]
fn the_stream_blocks_again_and_sends_small_writes_at_once() {
    let (listener, open) = listen();
    let stream = connect(&open.into(), GENEROUS).unwrap();
    assert!(stream.as_std().nodelay().unwrap());
    let (accepted, _) = listener.accept().unwrap();
    stream.set_read_timeout(Some(GENEROUS)).unwrap();
    std::io::Write::write_all(&mut &accepted, "你好".as_bytes()).unwrap();
    let mut buf = [0; 6];
    std::io::Read::read_exact(&mut &stream, &mut buf).unwrap();
    assert_eq!(&buf, "你好".as_bytes());
}

#[test]
fn localhost_finds_the_family_that_listens() {
    let (listener, open) = listen();
    let stream = connect(&parse(&format!("localhost:{}", open.port())), GENEROUS).unwrap();
    assert_eq!(listener.accept().unwrap().1, stream.local_addr().unwrap());
}

#[test]
fn both_families_of_one_port_where_only_ipv4_listens() {
    let (_listener, v4) = listen();
    let v6 = SocketAddr::new(std::net::Ipv6Addr::LOCALHOST.into(), v4.port());
    let End::Connected(stream) = race(&[v6, v4], GENEROUS) else { panic!("lost") };
    assert_eq!(stream.peer_addr().unwrap(), v4);
}

#[test]
fn a_connect_that_is_over_leaves_no_waker_behind() {
    let (_listener, open) = listen();
    let shutdown = Shutdown::new();
    for _ in 0..10 {
        connect_until(&open.into(), GENEROUS, &shutdown).unwrap();
    }
    assert_eq!(shutdown.waker_count(), 1);
}

#[test]
fn the_hint_is_for_the_failure_that_tells_most() {
    let failure = |text: &str, cause| Failure { addr: text.parse().unwrap(), cause };
    let said = |text, kind: ErrorKind| failure(text, Cause::Said(kind.into()));
    let refused = || said("127.0.0.1:1", ErrorKind::ConnectionRefused);
    let silent = || failure("127.0.0.2:1", Cause::Silence(GENEROUS));
    let no_way = || said("[::1]:1", ErrorKind::HostUnreachable);
    let no_interface = || said("[fe80::1]:1", ErrorKind::InvalidInput);
    for (failures, want) in [
        (vec![no_way(), silent(), refused()], "start the server first"),
        (vec![no_way(), silent()], "check the address; the host may be off"),
        (vec![no_way(), no_interface()], "check the address and this machine's network"),
        (vec![no_interface(), no_way()], "a link-local address needs its interface"),
    ] {
        let error = ConnectError::Connect { target: parse("教室.example:1"), failures: Failures(failures) };
        assert!(error.hint().unwrap().starts_with(want), "{}", describe(&error.into()));
    }
}

#[test]
fn a_socket_that_met_itself_counts_as_refused() {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    let any: SocketAddr = "127.0.0.1:0".parse().unwrap();
    socket.bind(&any.into()).unwrap();
    let own = socket.local_addr().unwrap();
    if socket.connect(&own).is_err() {
        // This system does not do it; then nothing is to be guarded against.
        return;
    }
    let stream = TcpStream::from_std(socket.into());
    let error = finish(&stream, own.as_socket().unwrap()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
}

#[test]
fn meeting_oneself_is_told_from_meeting_a_server() {
    for (local, target, want) in [
        ("127.0.0.1:40000", "127.0.0.1:40000", true),
        ("127.0.0.1:40000", "0.0.0.0:40000", true),
        ("[::1]:40000", "[::1]:40000", true),
        ("127.0.0.1:40001", "127.0.0.1:40000", false),
        ("192.0.2.1:40000", "192.0.2.2:40000", false),
    ] {
        assert_eq!(meets_itself(local.parse().unwrap(), target.parse().unwrap()), want, "{local} {target}");
    }
}

#[test]
fn port_0_is_for_servers() {
    let error = connect(&parse("127.0.0.1:0"), GENEROUS).unwrap_err();
    assert_eq!(error.hint(), Some("port 0 means any free port and is for servers; name the server's port"));
}

#[test]
fn an_unknown_name_keeps_its_hint_through_the_chain() {
    let error = connect(&parse("教室.invalid:80"), GENEROUS).unwrap_err();
    let text = describe(&error.into());
    assert!(text.starts_with("resolve 教室.invalid (xn--wbtt9t.invalid): n"), "{text}");
    assert!(text.ends_with("or give the IP address instead of the name"), "{text}");
}

/// What takes an address that is silent for sure, which only Linux can be made to have on loopback.
#[cfg(target_os = "linux")]
mod silent {
    use std::thread;

    use super::super::wait_for_ends;
    use super::*;
    use crate::net::ListenOptions;
    use crate::readiness::{Interest, Readiness};

    /// An address that never answers: a listener whose queue is full, so that Linux drops each SYN. What is
    /// returned must be kept. Elsewhere a full queue refuses.
    fn silent_port() -> (TcpListener, Vec<TcpStream>, SocketAddr) {
        let listener = TcpListener::bind_with("127.0.0.1:0".parse().unwrap(), &ListenOptions { backlog: 0 }).unwrap();
        let addr = listener.local_addr().unwrap();
        // A backlog of n has room for n + 1; the second stream stays in SYN-SENT.
        let queued = (0..2).map(|_| TcpStream::start_connect(addr).unwrap()).collect();
        (listener, queued, addr)
    }

    #[test]
    fn a_port_that_drops_everything_says_that_nobody_answered() {
        let (_listener, _queued, addr) = silent_port();
        let timeout = Duration::from_millis(300);
        let begin = Instant::now();
        let text = describe(&connect(&addr.into(), timeout).unwrap_err().into());
        assert!(begin.elapsed() >= timeout);
        assert!(text.starts_with(&format!("connect to {addr}: no answer within 300ms; check the address;")), "{text}");
    }

    #[test]
    fn several_addresses_are_listed_each_with_its_failure() {
        let ((_listener, _queued, silent), (_bound, closed)) = (silent_port(), closed_port());
        let text = description(vec![closed, silent, closed], Duration::from_millis(100));
        assert_eq!(
            text,
            format!(
                "connect to 教室.example:80: {closed}: nothing is listening there (Connection refused (os error 111)), \
                 {silent}: no answer within 100ms, {closed}: not tried, the time was up; \
                 start the server first, or check the port"
            )
        );
    }

    #[test]
    fn beside_a_silent_address_the_next_one_starts_after_the_delay() {
        let ((_listener, _queued, silent), (listener, open)) = (silent_port(), listen());
        let begin = Instant::now();
        let End::Connected(stream) = race(&[silent, open], GENEROUS) else { panic!("lost") };
        assert!(begin.elapsed() >= ATTEMPT_DELAY, "{:?}", begin.elapsed());
        assert_eq!(listener.accept().unwrap().1, stream.local_addr().unwrap());
    }

    #[test]
    fn shutdown_ends_the_wait_for_a_silent_address() {
        let (_listener, _queued, silent) = silent_port();
        let shutdown = Shutdown::new();
        let begin = Instant::now();
        thread::scope(|scope| {
            let connecting = scope.spawn(|| connect_until(&silent.into(), GENEROUS, &shutdown));
            while shutdown.waker_count() == 0 {
                assert!(begin.elapsed() < GENEROUS, "nobody waits to be woken");
                thread::yield_now();
            }
            shutdown.advance();
            let error = connecting.join().unwrap().unwrap_err();
            assert_eq!(error.to_string(), format!("connect to {silent}: interrupted"));
        });
        assert!(begin.elapsed() < GENEROUS / 2, "{:?}", begin.elapsed());
    }

    #[test]
    fn of_two_that_are_connected_the_preferred_one_comes_first() {
        let (_listener, open) = listen();
        let mut running = Readiness::new().unwrap();
        // Over loopback the handshake is over when `connect` returns.
        for number in [1, 0] {
            running.insert(TcpStream::start_connect(open).unwrap(), Interest::Writable, number).unwrap();
        }
        let ended = wait_for_ends(&mut running, Instant::now() + GENEROUS).unwrap();
        assert_eq!(ended.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [0, 1]);
    }
}
