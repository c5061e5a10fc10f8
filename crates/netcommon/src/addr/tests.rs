//! What a `HOST:PORT` may look like, what each mistake is told, and what the system's look-up adds.
//!
//! Read `mod.rs` before; none of it needs a network.

use std::net::{Ipv6Addr, SocketAddr, SocketAddrV6};

use proptest::prelude::*;

use super::{HostPort, bind_udp, listen, resolve};
use crate::cli::describe;

fn parse(text: &str) -> HostPort {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn an_address_prints_as_it_was_written_or_shorter() {
    for (text, want) in [
        ("127.0.0.1:8888", "127.0.0.1:8888"),
        ("0.0.0.0:0", "0.0.0.0:0"),
        ("[::1]:8888", "[::1]:8888"),
        ("[0:0:0:0:0:0:0:1]:08", "[::1]:8"),
        ("[fe80::1%eth0]:80", "[fe80::1%eth0]:80"),
        ("[fe80::1%2]:80", "[fe80::1%2]:80"),
        ("[::ffff:192.0.2.1]:80", "[::ffff:192.0.2.1]:80"),
        ("localhost:8888", "localhost:8888"),
        ("my_printer.local:9100", "my_printer.local:9100"),
        ("教室.example:80", "教室.example:80"),
        ("Bücher.example.:80", "Bücher.example.:80"),
    ] {
        assert_eq!(parse(text).to_string(), want);
    }
}

#[test]
fn a_name_outside_ascii_is_looked_up_in_ascii() {
    // RFC 3492 and UTS #46; the same as Python's "教室.example".encode("idna").
    assert_eq!(parse("教室.example:80").lookup_text(), "xn--wbtt9t.example");
    assert_eq!(parse("BÜCHER.example:80").lookup_text(), "xn--bcher-kva.example");
    // The ideographic full stop separates labels too.
    assert_eq!(parse("教室。example:80").lookup_text(), "xn--wbtt9t.example");
}

#[test]
fn full_width_digits_in_the_host_are_digits() {
    assert_eq!(parse("１２７.０.０.１:80"), parse("127.0.0.1:80"));
    assert_eq!(parse("127。0。0。1:80"), parse("127.0.0.1:80"));
}

#[test]
fn each_mistake_has_its_own_words_and_an_example() {
    for (text, want) in [
        ("", "no host; for this machine only 127.0.0.1:8888, for every interface 0.0.0.0:8888"),
        (":9000", "no host; for this machine only 127.0.0.1:9000, for every interface 0.0.0.0:9000"),
        ("9000", "no host; for this machine only 127.0.0.1:9000, for every interface 0.0.0.0:9000"),
        ("localhost", "no port; expected HOST:PORT, so for port 8888 it is localhost:8888"),
        ("教室.example:", "no port; expected HOST:PORT, so for port 8888 it is 教室.example:8888"),
        ("[::1]", "no port; expected HOST:PORT, so for port 8888 it is [::1]:8888"),
        ("localhost:http", "the port `http` is not a number, for example localhost:8888"),
        ("localhost:+80", "the port `+80` is not a number, for example localhost:8888"),
        ("127.0.0.1:-1", "the port `-1` is not a number, for example 127.0.0.1:8888"),
        ("127.0.0.1:65536", "the port `65536` is above 65535, the largest; for example 127.0.0.1:8888"),
        ("::1", "an IPv6 address needs brackets, for example [::1]:8888"),
        ("::1:80", "an IPv6 address needs brackets, for example [::1]:80"),
        ("fe80::1%eth0:80", "an IPv6 address needs brackets, for example [fe80::1%eth0]:80"),
        ("a:b:1", "more than one `:`; expected HOST:PORT, for example 127.0.0.1:8888 or [::1]:8888"),
        ("[::1", "expected an IPv6 address in brackets and a port, for example [::1]:8888"),
        ("[::1]8888", "expected an IPv6 address in brackets and a port, for example [::1]:8888"),
        ("[127.0.0.1]:80", "expected an IPv6 address in brackets and a port, for example [::1]:8888"),
        ("[fe80::1%]:80", "no interface after the `%`, for example [fe80::1%eth0]:8888"),
        ("256.1.1.1:80", "`256.1.1.1` is no IPv4 address (four numbers from 0 to 255), for example 127.0.0.1:8888"),
        ("127.1:80", "`127.1` is no IPv4 address (four numbers from 0 to 255), for example 127.0.0.1:8888"),
        (
            "0x7f.0.0.0x1:80",
            "`0x7f.0.0.0x1` is no IPv4 address (four numbers from 0 to 255), for example 127.0.0.1:8888",
        ),
        (" localhost:80", "a blank is not part of an address; expected HOST:PORT, for example localhost:80"),
        ("localhost 80", "a blank is not part of an address; expected HOST:PORT, for example 127.0.0.1:8888"),
        ("http://localhost:8000/教室", "expected only HOST:PORT, not a URL, for example localhost:8000"),
        ("http://教室.example", "expected only HOST:PORT, not a URL, for example 教室.example:80"),
        ("127.0.0.1：8888", "full-width characters where ordinary ones belong, for example 127.0.0.1:8888"),
        ("localhost:８０", "full-width characters where ordinary ones belong, for example localhost:80"),
        ("［::1］:80", "full-width characters where ordinary ones belong, for example [::1]:80"),
        ("教室@example:80", "`教室@example` has a character that a host name cannot have, for example localhost:8888"),
        ("a\u{202e}b:80", "`a\\u{202e}b` has a character that a host name cannot have, for example localhost:8888"),
        ("a\u{ad}b:80", "`a\\u{ad}b` has a character that a host name cannot have, for example localhost:8888"),
        (
            "a..b:80",
            "`a..b` has a part of no or more than 63 bytes, or more than 253 in all; for example localhost:8888",
        ),
    ] {
        let error = text.parse::<HostPort>().expect_err(text);
        assert_eq!(error.to_string(), want, "{text}");
    }
}

#[test]
fn a_label_may_have_63_bytes_after_punycode_and_no_more() {
    for (label_len, good) in [(1, true), (63, true), (64, false)] {
        assert_eq!(format!("{}.example:80", "a".repeat(label_len)).parse::<HostPort>().is_ok(), good);
    }
    // 教 repeated needs fewer bytes in Punycode than in UTF-8, but not for ever.
    assert!(format!("{}.example:80", "教".repeat(60)).parse::<HostPort>().is_err());
}

#[test]
fn an_address_needs_no_look_up() {
    let addr: SocketAddr = SocketAddrV6::new(Ipv6Addr::LOCALHOST, 80, 0, 3).into();
    assert_eq!(parse("[::1%3]:80").socket_addr(), Some(addr));
    assert_eq!(HostPort::from(addr), parse("[::1%3]:80"));
    assert_eq!(resolve(&parse("192.0.2.1:80")).unwrap(), ["192.0.2.1:80".parse().unwrap()]);
}

#[test]
fn localhost_is_loopback_each_address_once() {
    let addrs = resolve(&parse("localhost:8888")).unwrap();
    assert!(addrs.iter().all(|addr| addr.ip().is_loopback() && addr.port() == 8888), "{addrs:?}");
    let mut once = addrs.clone();
    once.sort_unstable();
    once.dedup();
    assert_eq!(once.len(), addrs.len());
}

#[test]
#[cfg(target_os = "linux")]
fn an_interface_is_found_by_its_name() {
    let addrs = resolve(&parse("[fe80::1%lo]:80")).unwrap();
    let SocketAddr::V6(addr) = addrs[0] else { panic!("{addrs:?}") };
    // The loopback interface is the first of every network namespace.
    assert_eq!(addr.scope_id(), 1);
}

#[test]
fn an_unknown_interface_is_named() {
    let error = resolve(&parse("[fe80::1%教室]:80")).unwrap_err();
    assert_eq!(error.to_string(), "resolve fe80::1%教室");
    let text = describe(&error.into());
    assert!(text.starts_with("resolve fe80::1%教室: no interface is called `教室` here ("), "{text}");
}

#[test]
fn an_unknown_name_is_named_as_written_and_as_looked_up() {
    // RFC 6761 section 6.4: names under `invalid` never exist, whoever answers.
    let text = describe(&resolve(&parse("教室.invalid:80")).unwrap_err().into());
    assert!(text.starts_with("resolve 教室.invalid (xn--wbtt9t.invalid): n"), "{text}");
    assert!(text.ends_with("or give the IP address instead of the name"), "{text}");
}

#[test]
fn listening_twice_on_one_address_says_what_to_try() {
    let first = listen(&parse("127.0.0.1:0"), &Default::default()).unwrap();
    let addr = first.local_addr().unwrap();
    let text = describe(&listen(&addr.into(), &Default::default()).unwrap_err().into());
    assert!(text.starts_with(&format!("bind {addr}: ")), "{text}");
    assert!(text.ends_with("stop that one, or take a free port with 127.0.0.1:0"), "{text}");
}

#[test]
fn an_address_of_another_machine_cannot_be_bound() {
    // RFC 5737: 192.0.2.0/24 is for documentation, so no machine should have it.
    let text = describe(&bind_udp(&parse("192.0.2.1:9999")).unwrap_err().into());
    assert!(text.starts_with("bind 192.0.2.1:9999: "), "{text}");
    assert!(text.ends_with("127.0.0.1:9999 is its own, 0.0.0.0:9999 means all it has"), "{text}");
}

#[test]
fn a_name_binds_to_the_first_of_its_addresses_that_is_free() {
    let target = parse("localhost:0");
    let listener = listen(&target, &Default::default()).unwrap();
    let socket = bind_udp(&target).unwrap();
    assert!(listener.local_addr().unwrap().ip().is_loopback());
    assert!(socket.local_addr().unwrap().ip().is_loopback());
}

proptest! {
    #[test]
    fn no_text_panics_and_what_parses_prints_back_to_itself(text in "\\PC{0,40}|[\\[\\]:%.0-9a-f]{0,40}") {
        if let Ok(parsed) = text.parse::<HostPort>() {
            prop_assert_eq!(parsed.to_string().parse::<HostPort>(), Ok(parsed));
        }
    }

    #[test]
    fn every_socket_address_survives_the_way_through_text(
        ip in any::<std::net::IpAddr>(), scope in 0..100_u32, port in any::<u16>(),
    ) {
        let mut addr = SocketAddr::new(ip, port);
        if let SocketAddr::V6(v6) = &mut addr {
            v6.set_scope_id(scope);
        }
        let parsed: HostPort = addr.to_string().parse().unwrap();
        prop_assert_eq!(parsed.socket_addr(), Some(addr));
        prop_assert_eq!(HostPort::from(addr), parsed);
    }
}
