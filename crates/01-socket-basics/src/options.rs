//! What a fresh socket looks like inside: its options and buffer sizes before anybody set one.
//!
//! Each option is read with `getsockopt(2)` from the four sockets of `fresh.rs`; an option that does
//! not belong to a kind of socket is left out rather than shown as an error. At the end one buffer size
//! is set and read again, because the system need not give what it was asked for.
//! Sources: socket(7), tcp(7), ip(7), ipv6(7); RFC 3493 section 5.

use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

use netcommon::lang::Lang;
use netcommon::net::Socket;
use serde::Serialize;

use crate::fresh::{KINDS, Kind};
use crate::page::Page;
use crate::system_error::Answer;
use crate::table::Table;

/// The buffer size that is asked for: no system's default, nor half of one, so that each answer looks like an answer.
const ASKED_BYTES: usize = 50_000;

/// The options of fresh sockets, and the buffer sizes after asking for others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Options {
    /// One entry per option.
    pub fresh: Vec<OptionRow>,
    /// One entry per kind of socket.
    pub asked: Vec<Asked>,
}

/// One option of all kinds of sockets that have it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OptionRow {
    /// The system's name, such as `SO_RCVBUF`.
    pub name: &'static str,
    /// What the system said, by the kind of socket: `tcp4`, `tcp6`, `udp4`, `udp6`.
    pub values: BTreeMap<&'static str, Answer<Value>>,
    #[serde(skip)]
    meaning: (&'static str, &'static str),
}

/// The value of an option.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Value {
    /// An option that is on or off.
    Flag(bool),
    /// A number: bytes for a buffer, hops for a time to live.
    Number(usize),
    /// A time in seconds; `None`, in the JSON `null`, when there is no limit.
    Seconds(Option<u64>),
}

impl Value {
    /// As the system writes it: 0 for off and for no limit.
    fn number(&self) -> u64 {
        match self {
            Self::Flag(on) => u64::from(*on),
            Self::Number(number) => *number as u64,
            Self::Seconds(seconds) => seconds.unwrap_or(0),
        }
    }
}

impl std::fmt::Display for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Flag(on) => f.write_str(if *on { "on" } else { "off" }),
            Self::Number(number) => number.fmt(f),
            Self::Seconds(None) => f.write_str("none"),
            Self::Seconds(Some(seconds)) => write!(f, "{seconds} s"),
        }
    }
}

/// A buffer size that was asked for, and what the socket has since.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Asked {
    /// The kind of socket.
    pub kind: &'static str,
    /// `SO_RCVBUF` before, in bytes.
    pub before: usize,
    /// What was asked for, in bytes.
    pub asked: usize,
    /// `SO_RCVBUF` afterwards, in bytes.
    pub after: usize,
}

/// An option and how to read it.
struct Reader {
    name: &'static str,
    read: fn(&socket2::Socket) -> io::Result<Value>,
    belongs_to: fn(Kind) -> bool,
    meaning: (&'static str, &'static str),
}

fn every(_: Kind) -> bool {
    true
}

const READERS: [Reader; 10] = [
    // ANCHOR: option
    Reader {
        name: "SO_RCVBUF",
        read: |socket| socket.recv_buffer_size().map(Value::Number),
        belongs_to: every,
        meaning: ("bytes that wait to be read", "最多有幾個位元組可以等我們讀"),
    },
    // ANCHOR_END: option
    Reader {
        name: "SO_SNDBUF",
        read: |socket| socket.send_buffer_size().map(Value::Number),
        belongs_to: every,
        meaning: ("bytes that wait to be sent", "最多有幾個位元組可以等著送出"),
    },
    Reader {
        name: "SO_RCVTIMEO",
        read: |socket| socket.read_timeout().map(seconds),
        belongs_to: every,
        meaning: ("longest wait of one receive", "一次接收最多等多久"),
    },
    Reader {
        name: "SO_REUSEADDR",
        read: |socket| socket.reuse_address().map(Value::Flag),
        belongs_to: every,
        meaning: ("bind while old ones linger", "舊連線還沒完全結束也能 bind"),
    },
    Reader {
        name: "SO_BROADCAST",
        read: |socket| socket.broadcast().map(Value::Flag),
        belongs_to: |kind| !kind.is_tcp(),
        meaning: ("may send to everybody", "允許送給所有人"),
    },
    Reader {
        name: "SO_KEEPALIVE",
        read: |socket| socket.keepalive().map(Value::Flag),
        belongs_to: Kind::is_tcp,
        meaning: ("asks if a silent peer lives", "對方久無聲息時，問它還在不在"),
    },
    Reader {
        name: "SO_LINGER",
        read: |socket| socket.linger().map(seconds),
        belongs_to: Kind::is_tcp,
        meaning: ("how long close waits", "close 要等對方多久"),
    },
    Reader {
        name: "TCP_NODELAY",
        read: |socket| socket.tcp_nodelay().map(Value::Flag),
        belongs_to: Kind::is_tcp,
        meaning: ("small writes go at once", "小筆資料立刻送出"),
    },
    Reader {
        name: "IP_TTL",
        read: |socket| socket.ttl_v4().map(hops),
        belongs_to: |kind| !kind.is_ipv6(),
        meaning: ("routers a packet may pass", "封包最多經過幾個路由器"),
    },
    Reader {
        name: "IPV6_V6ONLY",
        read: |socket| socket.only_v6().map(Value::Flag),
        belongs_to: Kind::is_ipv6,
        meaning: ("off: [::] takes IPv4 too", "關：[::] 也收 IPv4 的用戶端"),
    },
];

fn seconds(time: Option<Duration>) -> Value {
    Value::Seconds(time.map(|time| time.as_secs()))
}

fn hops(hops: u32) -> Value {
    Value::Number(usize::try_from(hops).unwrap_or(usize::MAX))
}

impl Options {
    /// Makes one socket of each kind, reads its options, and asks for another buffer size.
    ///
    /// A kind that this system cannot make (no IPv6) is left out.
    #[must_use]
    pub fn of_system() -> Self {
        let sockets: Vec<(Kind, Socket)> =
            KINDS.into_iter().filter_map(|kind| Some((kind, kind.open().ok()?))).collect();
        let fresh = READERS.iter().map(|reader| read_all(reader, &sockets)).collect();
        let asked = sockets.iter().filter_map(|(kind, socket)| ask(*kind, socket).ok()).collect();
        Self { fresh, asked }
    }

    /// The topic as text.
    #[must_use]
    pub fn page(&self, lang: Lang) -> String {
        let mut page = Page::new("options", lang.pick("what a fresh socket looks like", "剛建立的 socket 長什麼樣子"));
        page.paragraph(lang.pick(
            "Read with getsockopt() from sockets that nobody has touched.",
            "對剛建立、還沒有人動過的 socket 呼叫 getsockopt() 讀到的值。",
        ));
        let mut head = vec![lang.pick("option", "選項")];
        head.extend(KINDS.map(|kind| kind.name));
        head.push(lang.pick("meaning", "意義"));
        let mut table = (1..=KINDS.len()).fold(Table::new(&head), Table::right);
        for row in &self.fresh {
            let [a, b, c, d] = KINDS.map(|kind| row.values.get(kind.name).map_or("-".to_owned(), Answer::short));
            let meaning = lang.pick(row.meaning.0, row.meaning.1).to_owned();
            table.row([row.name.to_owned(), a, b, c, d, meaning]);
        }
        page.table(&table);
        page.paragraph(lang.pick(
            "Ask for another SO_RCVBUF, then read it again: the system decides. (Linux takes at most \
             net.core.rmem_max of the request and doubles it, to have room for its own book-keeping.)",
            "要求另一個 SO_RCVBUF，再讀一次：決定的是系統。（Linux 最多採用 net.core.rmem_max 那麼多，再加倍，留空間給\
             自己記帳。）",
        ));
        let head = ["socket", lang.pick("before", "之前"), lang.pick("asked", "要求"), lang.pick("after", "之後")];
        let mut table = (1..=3).fold(Table::new(&head), Table::right);
        for Asked { kind, before, asked, after } in &self.asked {
            table.row([(*kind).to_owned(), before.to_string(), asked.to_string(), after.to_string()]);
        }
        page.table(&table);
        page.finish()
    }
}

fn read_all(reader: &Reader, sockets: &[(Kind, Socket)]) -> OptionRow {
    let those_that_have_it = sockets.iter().filter(|(kind, _)| (reader.belongs_to)(*kind));
    let values = those_that_have_it
        .map(|(kind, socket)| (kind.name, socket.option(reader.name, reader.read, Value::number).into()))
        .collect();
    OptionRow { name: reader.name, values, meaning: reader.meaning }
}

// ANCHOR: ask
/// Asks for a receive buffer of [`ASKED_BYTES`] and looks what the system made of it.
fn ask(kind: Kind, socket: &Socket) -> io::Result<Asked> {
    let before = recv_buffer_size(socket)?;
    socket.set_recv_buffer_size(ASKED_BYTES)?;
    Ok(Asked { kind: kind.name, before, asked: ASKED_BYTES, after: recv_buffer_size(socket)? })
}
// ANCHOR_END: ask

fn recv_buffer_size(socket: &Socket) -> io::Result<usize> {
    socket.option("SO_RCVBUF", socket2::Socket::recv_buffer_size, |bytes| *bytes as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fresh_socket_has_buffers_and_no_time_limits() {
        let options = Options::of_system();
        let value = |name| {
            let row = options.fresh.iter().find(|row| row.name == name).unwrap();
            row.values["tcp4"].clone()
        };
        assert!(matches!(value("SO_RCVBUF"), Answer::Ok(Value::Number(1..))));
        assert_eq!(value("SO_RCVTIMEO"), Answer::Ok(Value::Seconds(None)));
        assert_eq!(value("TCP_NODELAY"), Answer::Ok(Value::Flag(false)));
    }

    #[test]
    fn a_socket_shows_only_options_of_its_kind() {
        let options = Options::of_system();
        let nodelay = options.fresh.iter().find(|row| row.name == "TCP_NODELAY").unwrap();
        assert!(nodelay.values.contains_key("tcp4") && !nodelay.values.contains_key("udp4"));
    }

    #[test]
    fn a_buffer_that_was_asked_for_is_twice_that_large_on_linux_and_not_what_it_was() {
        if cfg!(target_os = "linux") {
            let asked = Options::of_system().asked;
            assert!(
                asked.iter().all(|asked| asked.after == 2 * asked.asked && asked.after != asked.before),
                "{asked:?}"
            );
        }
    }
}
