//! The program as a user runs it: its lines, its end, its exit code.
//!
//! Its targets are listeners of the test. Read `src/main.rs` before.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::io::Write;
use std::net::{SocketAddr, TcpListener};
use std::thread::{Builder, JoinHandle};

use netcommon::testing::{Finished, Program};

const EXE: &str = env!("CARGO_BIN_EXE_port-scanner");

fn run(args: &[&str]) -> Finished {
    Program::run(EXE, args, "")
}

/// Listeners on free ports, and those ports in order.
fn listeners(count: usize) -> (Vec<TcpListener>, Vec<u16>) {
    let listeners: Vec<TcpListener> = (0..count).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
    let mut ports: Vec<u16> = listeners.iter().map(|listener| listener.local_addr().unwrap().port()).collect();
    ports.sort_unstable();
    (listeners, ports)
}

fn list(ports: &[u16]) -> String {
    ports.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

/// A service that says `words` to its first client.
fn saying(words: Vec<u8>) -> (SocketAddr, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    let serve = move || {
        // The scan itself, which only knocks, and then the one who listens.
        drop(listener.accept().unwrap());
        let (mut client, _) = listener.accept().unwrap();
        let _ = client.write_all(&words);
        let _ = std::io::copy(&mut client, &mut std::io::sink());
    };
    (addr, Builder::new().name("service".to_owned()).spawn(serve).unwrap())
}

#[test]
fn the_report_has_the_lines_of_the_first_scanner_that_everybody_writes() {
    let (_listeners, ports) = listeners(3);
    for engine in ["events", "threads"] {
        let end = run(&["127.0.0.1", "-p", &format!("1,{}", list(&ports)), "--engine", engine]);
        assert_eq!((end.code, end.stderr.as_str()), (Some(0), ""), "{engine}");
        let lines: Vec<&str> = end.stdout.lines().collect();
        assert!(lines[0].starts_with("Scanning 127.0.0.1, ports 1,"), "{}", end.stdout);
        for port in &ports {
            assert!(lines.iter().any(|line| line.starts_with(&format!("Port {port} is open"))), "{}", end.stdout);
        }
        assert!(end.stdout.contains("\n\nScan completed in "), "{}", end.stdout);
        assert!(end.stdout.contains(&format!("Found 3 open ports\nOpen ports: {ports:?}\n")), "{}", end.stdout);
    }
}

#[test]
fn a_range_is_named_as_a_range_and_finding_nothing_is_no_failure() {
    let end = run(&["127.0.0.1", "-p", "1-9"]);
    assert_eq!(end.code, Some(0));
    assert!(end.stdout.starts_with("Scanning 127.0.0.1 from port 1 to 9\n"), "{}", end.stdout);
}

#[test]
fn json_is_an_object_a_line_and_a_summary_last() {
    let (_listeners, ports) = listeners(2);
    let end = run(&["127.0.0.1", "-p", &list(&ports), "--json"]);
    let lines: Vec<serde_json::Value> = end.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 3, "{}", end.stdout);
    for line in &lines[..2] {
        assert_eq!((&line["event"], &line["host"]), (&"open".into(), &"127.0.0.1".into()));
    }
    let summary = &lines[2];
    assert_eq!((&summary["event"], &summary["open"]), (&"summary".into(), &2.into()));
    assert_eq!(summary["hosts"][0]["open_ports"], serde_json::json!(ports));
    assert_eq!(summary["resume"], serde_json::Value::Null);
}

#[test]
fn banners_are_escaped_bounded_and_told_after_the_ports() {
    let (greeting, first) = saying("\x1b]0;你好\x07歡迎\r\n".into());
    let (endless, second) = saying(vec![b'x'; 1 << 20]);
    // What is said ends the wait, not the time: a slow machine has enough of it.
    let ports = list(&[greeting.port(), endless.port()]);
    let end = run(&["127.0.0.1", "-p", &ports, "--banner", "--timeout", "60s"]);
    assert_eq!(end.code, Some(0), "{}", end.stderr);
    let want = format!(r#"Port {} says "\x1b]0;你好\x07歡迎\r\n""#, greeting.port());
    assert!(end.stdout.contains(&want), "{}", end.stdout);
    let want = format!("Port {} says \"{}\"\n", endless.port(), "x".repeat(512));
    assert!(end.stdout.contains(&want), "{}", end.stdout);
    first.join().unwrap();
    second.join().unwrap();
}

/// A service that ends its second connection without a word, by a FIN or by an RST.
fn mute(by_reset: bool) -> (SocketAddr, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    let serve = move || {
        drop(listener.accept().unwrap());
        let (client, _) = listener.accept().unwrap();
        let linger = by_reset.then_some(std::time::Duration::ZERO);
        socket2::SockRef::from(&client).set_linger(linger).unwrap();
    };
    (addr, Builder::new().name("mute".to_owned()).spawn(serve).unwrap())
}

#[test]
fn a_service_that_hangs_up_is_told_apart_from_one_that_waits() {
    let ((fin, first), (rst, second)) = (mute(false), mute(true));
    let end = run(&["127.0.0.1", "-p", &list(&[fin.port(), rst.port()]), "--banner", "--timeout", "60s"]);
    assert!(end.stdout.contains(&format!("Port {} closes without a word\n", fin.port())), "{}", end.stdout);
    let want = format!("Port {} could not be listened to (", rst.port());
    assert!(end.stdout.contains(&want) && end.stdout.contains("ECONNRESET)\n"), "{}", end.stdout);
    first.join().unwrap();
    second.join().unwrap();
    let (_listeners, ports) = listeners(1);
    let end = run(&["127.0.0.1", "-p", &list(&ports), "--banner", "--timeout", "100ms"]);
    assert!(end.stdout.contains(" says nothing until it is asked\n"), "{}", end.stdout);
}

#[test]
#[cfg(unix)]
fn with_few_descriptors_every_greeting_is_heard() {
    let services: Vec<(SocketAddr, JoinHandle<()>)> = (0..8).map(|_| saying("歡迎\n".into())).collect();
    let ports: Vec<u16> = services.iter().map(|(addr, _)| addr.port()).collect();
    let script = format!("ulimit -n 16; exec {EXE} 127.0.0.1 -p {} --banner --timeout 60s", list(&ports));
    let end = Program::start_command(std::process::Command::new("sh").args(["-c", &script])).wait();
    assert_eq!(end.stdout.matches("says \"歡迎\\n\"").count(), 8, "{}", end.stdout);
    services.into_iter().for_each(|(_, service)| service.join().unwrap());
}

#[test]
fn interrupted_while_it_listens_it_ends_at_once_and_is_not_done() {
    let (_listeners, ports) = listeners(20);
    let begin = std::time::Instant::now();
    let mut program = Program::start(EXE, &["127.0.0.1", "-p", &list(&ports), "--banner", "--timeout", "300s"]);
    program.expect_line(" is open");
    program.interrupt();
    let end = program.wait();
    assert_eq!(end.code, Some(130), "{}", end.stderr);
    assert!(end.stderr.contains("port-scanner: interrupted; "), "{}", end.stderr);
    assert!(begin.elapsed() < std::time::Duration::from_secs(100), "{:?}", begin.elapsed());
}

#[test]
fn a_rate_is_kept_by_both_engines_and_by_the_banners() {
    for engine in ["events", "threads"] {
        let begin = std::time::Instant::now();
        run(&["127.0.0.1", "-p", "1-22", "--rate", "100", "--engine", engine]);
        // Twenty gaps of 10 ms for certain: of 21, one may be made good after a late wake-up.
        assert!(begin.elapsed() >= std::time::Duration::from_millis(200), "{engine}: {:?}", begin.elapsed());
    }
    let (_listeners, ports) = listeners(12);
    let begin = std::time::Instant::now();
    run(&["127.0.0.1", "-p", &list(&ports), "--rate", "100", "--banner", "--timeout", "10ms"]);
    assert!(begin.elapsed() >= std::time::Duration::from_millis(200), "{:?}", begin.elapsed());
}

#[test]
fn what_cannot_be_resolved_is_said_and_does_not_stop_the_others() {
    let end = run(&["教室.invalid", "127.0.0.1", "-p", "1"]);
    assert_eq!(end.code, Some(1));
    assert!(end.stderr.starts_with("port-scanner: resolve 教室.invalid"), "{}", end.stderr);
    assert!(end.stdout.contains("Found 0 open ports"), "{}", end.stdout);
    let end = run(&["教室.invalid"]);
    assert_eq!((end.code, end.stdout.as_str()), (Some(1), ""));
}

/// TCP has no way to an address that means everybody: Linux says so at once and sends nothing.
#[test]
#[cfg(target_os = "linux")]
fn a_host_without_a_route_ends_at_once_and_says_why() {
    for engine in ["events", "threads"] {
        let begin = std::time::Instant::now();
        let end = run(&["255.255.255.255", "-p", "1-500", "--timeout", "60s", "--engine", engine, "--i-may-scan-this"]);
        assert_eq!(end.code, Some(1), "{engine}: {}", end.stderr);
        let want = "port-scanner: reach 255.255.255.255: no port could be asked: ENETUNREACH\n";
        assert_eq!(end.stderr, want, "{engine}");
        assert!(end.stdout.contains("0 closed, 0 filtered, 500 unreachable (ENETUNREACH)\n"), "{}", end.stdout);
        assert!(begin.elapsed() < std::time::Duration::from_secs(20), "{engine}: {:?}", begin.elapsed());
    }
}

/// A network of the test's own in which nothing is up has no address to ask `::1` from: that is no want of ports,
/// which would pass.
#[test]
#[cfg(target_os = "linux")]
fn a_family_without_an_address_of_ours_ends_at_once_and_says_why() {
    for engine in ["events", "threads"] {
        let inside = |command: &[&str]| {
            let mut unshare = std::process::Command::new("unshare");
            unshare.args(["--user", "--map-root-user", "--net"]).args(command);
            unshare
        };
        if !inside(&["true"]).output().is_ok_and(|output| output.status.success()) {
            eprintln!("skipped: no namespace of our own here");
            return;
        }
        let end = Program::start_command(&mut inside(&[EXE, "::1", "-p", "1-50", "--engine", engine])).wait();
        assert_eq!(end.code, Some(1), "{engine}: {}", end.stderr);
        assert!(end.stdout.contains("50 unreachable (E"), "{engine}: {}", end.stdout);
    }
}

/// A firewall that answers each SYN with an ICMP message, in a network of the test's own: that takes no
/// root where users may have namespaces. Elsewhere the test says that it skipped.
#[test]
#[cfg(target_os = "linux")]
fn a_host_that_rejects_with_icmp_ends_at_once_and_says_why() {
    let rule = "table ip f { chain c { type filter hook input priority 0; \
                ip protocol tcp reject with icmp type host-prohibited; }; }";
    for engine in ["events", "threads"] {
        let inside = |command: &str| {
            let script = format!("ip link set lo up && nft '{rule}' && exec {command}");
            let mut unshare = std::process::Command::new("unshare");
            unshare.args(["--user", "--map-root-user", "--net", "sh", "-c", &script]);
            unshare
        };
        if !inside("true").output().is_ok_and(|output| output.status.success()) {
            eprintln!("skipped: no namespace of our own here, or no ip, or no nft");
            return;
        }
        let mut command = inside(&format!("{EXE} 127.0.0.1 -p 1-50 --timeout 20s --retries 0 --engine {engine}"));
        let begin = std::time::Instant::now();
        let end = Program::start_command(&mut command).wait();
        assert_eq!(end.code, Some(1), "{engine}: {}", end.stderr);
        assert_eq!(end.stderr, "port-scanner: reach 127.0.0.1: no port could be asked: EHOSTUNREACH\n", "{engine}");
        assert!(end.stdout.contains("50 unreachable (EHOSTUNREACH)\n"), "{engine}: {}", end.stdout);
        assert!(begin.elapsed() < std::time::Duration::from_secs(15), "{engine}: {:?}", begin.elapsed());
    }
}

#[test]
fn wrong_usage_says_what_would_be_right() {
    for (args, want) in [
        (vec![], "<HOST>"),
        (vec!["127.0.0.1", "-p", "0"], "ports are 1 to 65535"),
        (vec!["127.0.0.1", "-p", "80-20"], "write 20-80"),
        (vec!["256.1.1.1"], "256.1.1.1"),
        (vec!["127.0.0.1:80"], "-p"),
        (vec!["127.0.0.0/33"], "0 to 32"),
        (vec!["127.0.0.1", "--timeout", "0s"], "above zero"),
        (vec!["--resume", "127.0.0.1"], "ADDRESS=PORTS"),
    ] {
        let end = run(&args);
        assert_eq!((end.code, end.stdout.as_str()), (Some(2), ""), "{args:?}");
        assert!(end.stderr.contains(want), "{args:?}: {}", end.stderr);
    }
}

#[test]
fn the_first_open_port_is_enough_if_one_says_so() {
    let (_listeners, ports) = listeners(3);
    let end = run(&["127.0.0.1", "-p", &list(&ports), "--first"]);
    assert_eq!(end.stdout.matches(" is open").count(), 1, "{}", end.stdout);
    assert_eq!(end.code, Some(0));
}

#[test]
fn several_hosts_are_told_apart() {
    let (_listeners, ports) = listeners(1);
    let end = run(&["127.0.0.1", "127.0.0.0/30", "-p", &list(&ports)]);
    let want = format!("Port {} is open on 127.0.0.1", ports[0]);
    assert_eq!(end.stdout.matches(&want).count(), 2, "{}", end.stdout);
    assert_eq!(end.stderr, "", "all of 127.0.0.0/30 is this machine");
}

#[test]
#[cfg(unix)]
fn few_descriptors_make_it_slower_and_never_wrong() {
    let (_listeners, ports) = listeners(5);
    for limit in [64, 16] {
        for engine in ["events", "threads"] {
            let script =
                format!("ulimit -n {limit}; exec {EXE} 127.0.0.1 -p 1-2000,{} --engine {engine}", list(&ports));
            let end = Program::start_command(std::process::Command::new("sh").args(["-c", &script])).wait();
            assert_eq!(end.code, Some(0), "{engine} with {limit}: {}", end.stderr);
            for port in &ports {
                assert!(end.stdout.contains(&format!("Port {port} is open")), "{engine} with {limit}: {}", end.stdout);
            }
            assert!(!end.stdout.contains("unknown"), "{engine} with {limit}: {}", end.stdout);
        }
    }
}

#[test]
#[cfg(unix)]
fn a_closed_stdout_ends_it_quietly() {
    let (_listeners, ports) = listeners(200);
    let script = format!("{{ {EXE} 127.0.0.1 -p {}; echo ended with $? >&2; }} | true", list(&ports));
    let end = Program::start_command(std::process::Command::new("sh").args(["-c", &script])).wait();
    assert_eq!(end.stderr, "ended with 0\n");
}

/// A port whose backlog is full, so that asking it takes the whole timeout.
#[cfg(target_os = "linux")]
fn silent_port() -> (socket2::Socket, Vec<std::net::TcpStream>, u16) {
    let listener = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    listener.bind(&"127.0.0.1:0".parse::<SocketAddr>().unwrap().into()).unwrap();
    listener.listen(0).unwrap();
    let addr = listener.local_addr().unwrap().as_socket().unwrap();
    let wait = std::time::Duration::from_millis(200);
    let fillers = std::iter::from_fn(|| std::net::TcpStream::connect_timeout(&addr, wait).ok()).collect();
    (listener, fillers, addr.port())
}

#[test]
#[cfg(target_os = "linux")]
fn threads_ask_once_and_say_what_that_means() {
    let (_listeners, ports) = listeners(1);
    let (_silent, _fillers, silent) = silent_port();
    let ports = list(&[ports[0], silent]);
    let args = ["127.0.0.1", "-p", &ports, "--engine", "threads", "--retries", "3", "--timeout", "300ms"];
    let end = run(&args);
    assert!(end.stderr.starts_with("port-scanner: --retries has no effect with --engine threads"), "{}", end.stderr);
    assert!(end.stdout.contains("How sure: silent ports were asked only once"), "{}", end.stdout);
}

#[test]
#[cfg(target_os = "linux")]
fn interrupted_it_says_what_is_known_and_how_to_go_on() {
    let (_listeners, ports) = listeners(1);
    let (_silent, _fillers, silent) = silent_port();
    // A thread that waits in `connect` cannot be told to stop: it is waited for.
    for (engine, timeout) in [("events", "60s"), ("threads", "6s")] {
        let ports = format!("1,{silent}");
        let args = ["127.0.0.1", "-p", &ports, "--timeout", timeout, "--engine", engine, "--retries", "0", "-vv"];
        let mut program = Program::start(EXE, &args);
        program.expect_stderr_line("127.0.0.1:1: closed");
        program.interrupt();
        let end = program.wait();
        assert_eq!(end.code, Some(130), "{engine}: {}", end.stderr);
        assert!(end.stdout.contains("\nScan interrupted after "), "{engine}: {}", end.stdout);
        let want = format!("interrupted; 1 port is settled; the rest: --resume '127.0.0.1={silent}'\n");
        assert!(end.stderr.ends_with(&want), "{engine}: {}", end.stderr);
    }
    let end = run(&["--resume", &format!("127.0.0.1={}", list(&ports))]);
    assert!(end.stdout.contains(&format!("Port {} is open", ports[0])), "{}", end.stdout);
}
