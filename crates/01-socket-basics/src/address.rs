//! Addresses: what they are made of, which ones are special, and how they are written.
//!
//! An address of the Internet is bytes; the dots and colons are for people. Some ranges mean
//! something by themselves (this machine, this network, everybody), and a program that knows them
//! understands half of its errors. Sources: RFC 791, RFC 4291; RFC 6890 (special-purpose addresses);
//! RFC 5952 (how IPv6 is written).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use netcommon::addr::HostPort;
use netcommon::lang::Lang;
use serde::Serialize;

use crate::byte_order::{as_hex, hex};
use crate::page::Page;
use crate::table::Table;

/// What the course's addresses stand for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// Nobody leaves this machine.
    Loopback,
    /// To bind: every address of this machine.
    Unspecified,
    /// For one home or school; not routed on the Internet.
    Private,
    /// For one cable or radio network; needs the interface in IPv6.
    LinkLocal,
    /// Everybody on this network.
    Broadcast,
    /// Everybody in a group.
    Multicast,
    /// For books; nobody has it.
    Documentation,
    /// An IPv4 client as an IPv6 socket sees it.
    MappedV4,
    /// Some host on the Internet.
    Global,
}

impl Scope {
    /// What it means, in one line.
    #[must_use]
    pub fn words(self, lang: Lang) -> &'static str {
        let (en, zh_tw) = match self {
            Self::Loopback => ("this machine itself", "這台機器自己"),
            Self::Unspecified => ("in bind: every address of this machine", "用在 bind：本機的每個位址"),
            Self::Private => ("a home or a school, not the Internet", "家裡或學校內部，不通網際網路"),
            Self::LinkLocal => ("this cable or radio network only", "只在同一段有線或無線網路"),
            Self::Broadcast => ("everybody on this network", "這個網路上的所有人"),
            Self::Multicast => ("everybody in a group", "一個群組的所有人"),
            Self::Documentation => ("for books; nobody has it", "寫書用的；沒有人擁有它"),
            Self::MappedV4 => ("IPv4, as an IPv6 socket sees it", "IPv6 socket 眼中的 IPv4"),
            Self::Global => ("a host on the Internet", "網際網路上的主機"),
        };
        lang.pick(en, zh_tw)
    }
}

/// What `ip` stands for; both families have the same ideas under different numbers.
///
/// # Examples
/// ```
/// use socket_basics::address::{Scope, scope};
///
/// assert_eq!(scope("127.0.0.1".parse()?), Scope::Loopback);
/// assert_eq!(scope("fd00::1".parse()?), Scope::Private);
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
#[must_use]
// ANCHOR: scope
pub fn scope(ip: IpAddr) -> Scope {
    match ip {
        _ if ip.is_loopback() => Scope::Loopback,
        _ if ip.is_unspecified() => Scope::Unspecified,
        _ if ip.is_multicast() => Scope::Multicast,
        IpAddr::V4(v4) => scope_v4(v4),
        IpAddr::V6(v6) => scope_v6(v6),
    }
}
// ANCHOR_END: scope

fn scope_v4(ip: Ipv4Addr) -> Scope {
    match ip {
        _ if ip.is_broadcast() => Scope::Broadcast,
        _ if ip.is_private() => Scope::Private,
        _ if ip.is_link_local() => Scope::LinkLocal,
        _ if ip.is_documentation() => Scope::Documentation,
        _ => Scope::Global,
    }
}

fn scope_v6(ip: Ipv6Addr) -> Scope {
    match ip {
        _ if ip.is_unicast_link_local() => Scope::LinkLocal,
        _ if ip.is_unique_local() => Scope::Private,
        _ if ip.to_ipv4_mapped().is_some() => Scope::MappedV4,
        // 2001:db8::/32, RFC 3849; std's own test for it is not stable yet.
        _ if ip.segments()[..2] == [0x2001, 0xdb8] => Scope::Documentation,
        _ => Scope::Global,
    }
}

/// One special address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Special {
    /// As people write it.
    pub address: IpAddr,
    /// What it is made of, in network byte order.
    #[serde(serialize_with = "as_hex")]
    pub bytes: Vec<u8>,
    /// What it stands for.
    pub scope: Scope,
}

/// A text that somebody may type where `HOST:PORT` is expected, and what becomes of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Written {
    /// The text.
    pub text: &'static str,
    /// The address, where it is one by itself; a name has to be looked up first.
    pub address: Option<SocketAddr>,
    /// What is wrong with it.
    pub problem: Option<String>,
}

/// Special addresses, and ways to write an address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Addresses {
    /// The ranges that mean something by themselves.
    pub special: Vec<Special>,
    /// Right and wrong ways to write one.
    pub written: Vec<Written>,
}

const SPECIAL: [&str; 13] = [
    "127.0.0.1",
    "0.0.0.0",
    "192.168.1.20",
    "169.254.7.7",
    "224.0.0.251",
    "255.255.255.255",
    "192.0.2.1",
    "::1",
    "::",
    "fd00::20",
    "fe80::7",
    "2001:db8::1",
    "::ffff:127.0.0.1",
];

/// The last but one was typed with the input method for Chinese still on.
const WRITTEN: [&str; 8] = [
    "127.0.0.1:8888",
    "[::1]:8888",
    "教室.example:80",
    "127.0.0.1",
    "::1:8888",
    "127.1:8888",
    "127.0.0.1：８８８８",
    "localhost:70000",
];

impl Addresses {
    /// Parses all of them; makes no system call.
    #[must_use]
    pub fn examples() -> Self {
        let special = SPECIAL.iter().filter_map(|text| text.parse().ok()).map(special).collect();
        Self { special, written: WRITTEN.map(written).into() }
    }

    /// The topic as text.
    #[must_use]
    pub fn page(&self, lang: Lang) -> String {
        let mut page =
            Page::new("addresses", lang.pick("bytes; the dots are for people", "位址是位元組；點是給人看的"));
        let head = [lang.pick("address", "位址"), lang.pick("bytes", "位元組"), lang.pick("stands for", "代表")];
        let mut table = Table::new(&head);
        for Special { address, bytes, scope } in &self.special {
            table.row([address.to_string(), short_hex(bytes), scope.words(lang).to_owned()]);
        }
        page.table(&table);
        page.paragraph(lang.pick(
            "(An IPv6 address has 16 bytes; `..` stands for zeros, as `::` does.)",
            "（IPv6 位址有 16 個位元組；`..` 代表中間的零，和 `::` 一樣。）",
        ));
        page.paragraph(lang.pick(
            "An address for a socket is HOST:PORT. What the course's programs say to these:",
            "socket 要的位址是 HOST:PORT。這門課的程式看到下面這些，會這樣說（錯誤訊息一律英文，方便搜尋）：",
        ));
        page.gap();
        for Written { text, address, problem } in &self.written {
            let answer = match (address, problem) {
                (_, Some(problem)) => format!("✗ {problem}"),
                (Some(SocketAddr::V4(_)), _) => format!("✓ {}", lang.pick("IPv4 address and port", "IPv4 位址與埠")),
                (Some(SocketAddr::V6(_)), _) => format!("✓ {}", lang.pick("IPv6 address and port", "IPv6 位址與埠")),
                (None, None) => format!("✓ {}", lang.pick("a name: to be looked up", "名稱：還要查詢")),
            };
            page.labelled("  ", text);
            page.labelled("      ", &answer);
        }
        page.finish()
    }
}

fn special(address: IpAddr) -> Special {
    let bytes = match address {
        IpAddr::V4(v4) => v4.octets().into(),
        IpAddr::V6(v6) => v6.octets().into(),
    };
    Special { address, bytes, scope: scope(address) }
}

fn written(text: &'static str) -> Written {
    match text.parse::<HostPort>() {
        Ok(target) => Written { text, address: target.socket_addr(), problem: None },
        Err(error) => Written { text, address: None, problem: Some(error.to_string()) },
    }
}

/// All of an IPv4 address; of the 16 bytes of IPv6 those beside the longest row of zeros, as people write it.
fn short_hex(bytes: &[u8]) -> String {
    if bytes.len() == 4 {
        return hex(bytes);
    }
    let zeros_from = |start: usize| start + bytes[start..].iter().take_while(|byte| **byte == 0).count();
    let rows = (0..bytes.len()).map(|start| start..zeros_from(start));
    let zeros = rows.max_by_key(ExactSizeIterator::len).unwrap_or_default();
    format!("{} .. {}", hex(&bytes[..zeros.start]), hex(&bytes[zeros.end..])).trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scope_but_global_has_an_example() {
        let examples = Addresses::examples();
        assert_eq!(examples.special.len(), SPECIAL.len(), "each text is an address");
        for (text, want) in [
            ("192.168.1.20", Scope::Private),
            ("169.254.7.7", Scope::LinkLocal),
            ("fe80::7", Scope::LinkLocal),
            ("::ffff:127.0.0.1", Scope::MappedV4),
            ("2001:db8::1", Scope::Documentation),
            ("1.1.1.1", Scope::Global),
        ] {
            assert_eq!(scope(text.parse().unwrap()), want, "{text}");
        }
    }

    #[test]
    fn no_two_addresses_show_the_same_bytes() {
        let shown: Vec<_> = Addresses::examples().special.iter().map(|special| short_hex(&special.bytes)).collect();
        assert_eq!(shown[7..], [".. 01", "..", "fd .. 20", "fe 80 .. 07", "20 01 0d b8 .. 01", ".. ff ff 7f 00 00 01"]);
    }

    #[test]
    fn the_first_three_texts_are_addresses_and_the_others_are_not() {
        let fine = Addresses::examples().written.iter().map(|written| written.problem.is_none()).collect::<Vec<_>>();
        assert_eq!(fine, [true, true, true, false, false, false, false, false]);
    }
}
