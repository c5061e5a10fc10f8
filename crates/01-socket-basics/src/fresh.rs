//! Four fresh sockets: TCP and UDP, over IPv4 and over IPv6, and one that cannot be made.
//!
//! `socket(2)` contacts nobody and takes no address: it makes a structure in the kernel and hands back
//! a small number for it. Read `families.rs` first; `options.rs` and `names.rs` look at what is inside.
//! Sources: socket(2), tcp(7), udp(7), ipv6(7).

use std::io;

use netcommon::lang::Lang;
use netcommon::net::Socket;
use serde::Serialize;
use socket2::{Domain, Protocol, Type};

use crate::page::Page;
use crate::system_error::Answer;
use crate::table::Table;

/// One combination of the three arguments of `socket(2)`.
#[derive(Debug, Clone, Copy)]
pub struct Kind {
    /// A short name for a table's head, and the key in the JSON.
    pub name: &'static str,
    /// The call as C writes it.
    pub call: &'static str,
    domain: Domain,
    ty: Type,
    protocol: Protocol,
}

/// The four kinds of socket that the course uses.
pub const KINDS: [Kind; 4] = [
    // ANCHOR: kind
    Kind {
        name: "tcp4",
        call: "socket(AF_INET, SOCK_STREAM, IPPROTO_TCP)",
        domain: Domain::IPV4,
        ty: Type::STREAM,
        protocol: Protocol::TCP,
    },
    // ANCHOR_END: kind
    Kind {
        name: "tcp6",
        call: "socket(AF_INET6, SOCK_STREAM, IPPROTO_TCP)",
        domain: Domain::IPV6,
        ty: Type::STREAM,
        protocol: Protocol::TCP,
    },
    Kind {
        name: "udp4",
        call: "socket(AF_INET, SOCK_DGRAM, IPPROTO_UDP)",
        domain: Domain::IPV4,
        ty: Type::DGRAM,
        protocol: Protocol::UDP,
    },
    Kind {
        name: "udp6",
        call: "socket(AF_INET6, SOCK_DGRAM, IPPROTO_UDP)",
        domain: Domain::IPV6,
        ty: Type::DGRAM,
        protocol: Protocol::UDP,
    },
];

/// A stream over UDP: the three numbers are valid one by one and senseless together.
const SENSELESS: Kind = Kind {
    name: "senseless",
    call: "socket(AF_INET, SOCK_STREAM, IPPROTO_UDP)",
    domain: Domain::IPV4,
    ty: Type::STREAM,
    protocol: Protocol::UDP,
};

impl Kind {
    /// Makes such a socket: `socket(2)`. Does not block.
    ///
    /// # Errors
    /// `EAFNOSUPPORT` where the system has no IPv6, `EMFILE` without a free descriptor.
    ///
    /// # Examples
    /// ```
    /// let socket = socket_basics::fresh::KINDS[0].open()?;
    /// assert!(socket.peer_addr().is_err()); // Nobody is at the other end yet.
    /// # Ok::<(), std::io::Error>(())
    /// ```
    // ANCHOR: open
    pub fn open(self) -> io::Result<Socket> {
        Socket::new(self.domain, self.ty, self.protocol)
    }
    // ANCHOR_END: open

    /// Whether its addresses are IPv6 addresses.
    #[must_use]
    pub fn is_ipv6(self) -> bool {
        self.domain == Domain::IPV6
    }

    /// Whether it speaks TCP.
    #[must_use]
    pub fn is_tcp(self) -> bool {
        self.protocol == Protocol::TCP
    }
}

/// A call of `socket(2)` and what came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Made {
    /// The call as C writes it.
    pub call: &'static str,
    /// The new socket's number: a descriptor on Unix, a handle on Windows.
    pub result: Answer<u64>,
}

/// Makes every kind of socket, all open at once so that their numbers differ, then the senseless one.
#[must_use]
pub fn make_all() -> Vec<Made> {
    let sockets: Vec<_> = KINDS.into_iter().chain([SENSELESS]).map(|kind| (kind.call, kind.open())).collect();
    sockets
        .iter()
        .map(|(call, socket)| {
            let result = match socket {
                Ok(socket) => Answer::Ok(socket.number()),
                Err(error) => Answer::Error(error.into()),
            };
            Made { call, result }
        })
        .collect()
}

/// The topic as text.
#[must_use]
pub fn page(made: &[Made], lang: Lang) -> String {
    let mut page = Page::new("create", lang.pick("a socket is a number", "socket 是一個號碼"));
    page.paragraph(lang.pick(
        "socket() contacts nobody. The kernel makes a structure and hands back a small number for it. Nothing is \
         sent, and no address is taken yet.",
        "socket() 不會聯絡任何人。核心建立一個結構，交給我們一個小小的號碼。什麼都還沒送出，也還沒有位址。",
    ));
    let mut table = Table::new(&[lang.pick("call", "呼叫"), lang.pick("result", "結果")]);
    for made in made {
        table.row([made.call.to_owned(), made.result.short()]);
    }
    page.table(&table);
    page.paragraph(lang.pick(
        "The last line is refused: each of its three numbers is valid, but no protocol in the kernel is a stream \
         over UDP.",
        "最後一行被拒絕：三個號碼單獨看都合法，但核心裡沒有「走 UDP 的串流」這種協定。",
    ));
    page.finish()
}
