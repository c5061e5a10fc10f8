//! Loopback in both families, the course's own ports, and the largest datagram: each tried for real.
//!
//! Sources: RFC 768 and RFC 791 for the datagram's limit. Read `finding.rs` before this file.

use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::time::Duration;

use netcommon::lang::Lang;

use super::{CHECK_MAX, Finding};

/// 65,535 bytes of an IPv4 packet less 20 of its header and 8 of UDP's (RFC 791 section 3.1, RFC 768).
const DATAGRAM_BYTES_MAX: usize = 65_507;

/// Where the chapters' servers listen if nobody says otherwise.
const PORTS: [(&str, u16, Protocol, &str); 4] = [
    ("port 8888", 8888, Protocol::Tcp, "tcp-server"),
    ("port 9999", 9999, Protocol::Udp, "udp-server"),
    ("port 7777", 7777, Protocol::Tcp, "chat-room"),
    ("port 9900", 9900, Protocol::Udp, "file-transfer"),
];

/// How long one datagram may take over loopback, where it arrives before `send_to` returns. Short, because
/// the search for the limit tries up to eighteen.
const DATAGRAM_MAX: Duration = Duration::from_secs(1);

#[derive(Debug, Clone, Copy)]
enum Protocol {
    Tcp,
    Udp,
}

pub(super) fn check(lang: Lang) -> Vec<Finding> {
    let mut findings = vec![
        loopback("IPv4", (Ipv4Addr::LOCALHOST, 0).into(), lang).needed(),
        loopback("IPv6", (Ipv6Addr::LOCALHOST, 0).into(), lang),
    ];
    findings.extend(PORTS.map(|(name, port, protocol, program)| own_port(name, port, protocol, program, lang)));
    findings.push(datagrams(lang));
    findings
}

/// Binds and connects; the handshake is the kernel's, so nobody needs to accept.
fn loopback(name: &'static str, any_port: SocketAddr, lang: Lang) -> Finding {
    let connect = || {
        let listener = TcpListener::bind(any_port)?;
        let addr = listener.local_addr()?;
        TcpStream::connect_timeout(&addr, CHECK_MAX).map(|_| addr)
    };
    match connect() {
        Ok(addr) => Finding::ok(name, lang.pick(format!("connected to {addr}"), format!("已連線到 {addr}"))),
        Err(error) => Finding::missing(
            name,
            format!("{}: {error}", any_port.ip()),
            lang.pick("look at the loopback interface and the firewall", "請檢查迴路介面與防火牆"),
        ),
    }
}

fn own_port(name: &'static str, port: u16, protocol: Protocol, program: &str, lang: Lang) -> Finding {
    let addr = (Ipv4Addr::LOCALHOST, port);
    let bound = match protocol {
        Protocol::Tcp => TcpListener::bind(addr).map(drop),
        Protocol::Udp => UdpSocket::bind(addr).map(drop),
    };
    let Err(error) = bound else {
        return Finding::ok(name, lang.pick(format!("free ({program})"), format!("可用（{program}）")));
    };
    let found = match error.kind() {
        ErrorKind::AddrInUse => lang.pick(format!("taken ({program})"), format!("已被占用（{program}）")),
        _ => format!("{error} ({program})"),
    };
    let to_do = lang.pick(
        format!("stop the program that has it, or give {program} another address, such as 127.0.0.1:0"),
        format!("請結束占用的程式，或給 {program} 另一個位址，例如 127.0.0.1:0"),
    );
    Finding::limited(name, found, to_do)
}

fn datagrams(lang: Lang) -> Finding {
    const NAME: &str = "datagrams";
    let found = |bytes| lang.pick(format!("up to {bytes} bytes"), format!("最大 {bytes} 位元組"));
    match largest(DATAGRAM_BYTES_MAX, passes_loopback) {
        Some(DATAGRAM_BYTES_MAX) => Finding::ok(NAME, found(DATAGRAM_BYTES_MAX)),
        Some(bytes) => {
            let macos = "sudo sysctl net.inet.udp.maxdgram=65535";
            let to_do = lang.pick(
                format!("UDP allows {DATAGRAM_BYTES_MAX}; on macOS: `{macos}`"),
                format!("UDP 容許 {DATAGRAM_BYTES_MAX}；在 macOS 上：`{macos}`"),
            );
            Finding::limited(NAME, found(bytes), to_do)
        }
        None => Finding::missing(
            NAME,
            lang.pick("none arrives", "一個也收不到"),
            lang.pick("look at the firewall", "請檢查防火牆"),
        )
        .needed(),
    }
}

/// Whether a datagram of `bytes` bytes arrives whole.
fn passes_loopback(bytes: usize) -> bool {
    let pass = || -> io::Result<bool> {
        let receiver = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        receiver.set_read_timeout(Some(DATAGRAM_MAX))?;
        let sender = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        sender.send_to(&vec![0x5a; bytes], receiver.local_addr()?)?;
        Ok(receiver.recv(&mut vec![0; bytes + 1])? == bytes)
    };
    pass().unwrap_or(false)
}

/// The largest number up to `most` that `passes`, if smaller ones pass wherever larger ones do; `None` if 1 does not.
fn largest(most: usize, passes: impl Fn(usize) -> bool) -> Option<usize> {
    if passes(most) {
        return Some(most);
    }
    // `good` passes and `bad` does not, until they are neighbours.
    let (mut good, mut bad) = (1, most);
    if !passes(good) {
        return None;
    }
    while bad - good > 1 {
        let middle = good.midpoint(bad);
        if passes(middle) {
            good = middle;
        } else {
            bad = middle;
        }
    }
    Some(good)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_datagram_is_found_in_few_tries() {
        for limit in [1, 2, 9216, DATAGRAM_BYTES_MAX - 1, DATAGRAM_BYTES_MAX] {
            let tries = std::cell::Cell::new(0);
            let passes = |bytes| {
                tries.set(tries.get() + 1);
                bytes <= limit
            };
            assert_eq!(largest(DATAGRAM_BYTES_MAX, passes), Some(limit));
            assert!(tries.get() <= 18, "{} tries", tries.get());
        }
        assert_eq!(largest(DATAGRAM_BYTES_MAX, |_| false), None);
    }

    #[test]
    fn a_taken_port_is_said_and_a_free_one_too() {
        let holder = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = holder.local_addr().unwrap().port();
        let shown = || own_port("port", port, Protocol::Tcp, "tcp-server", Lang::En).show(Lang::En);
        assert!(shown().contains("taken (tcp-server)") && shown().ends_with("limited"), "{}", shown());
        drop(holder);
        assert!(shown().contains("free"), "{}", shown());
    }

    #[test]
    fn an_address_that_nobody_has_is_missing() {
        // RFC 5737: kept for documentation, so no interface has it.
        let shown = loopback("IPv4", "192.0.2.1:0".parse().unwrap(), Lang::En).show(Lang::En);
        assert!(shown.ends_with("missing"), "{shown}");
    }
}
