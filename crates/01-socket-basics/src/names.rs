//! A socket's two names: its own address and its peer's, and when each comes to be.
//!
//! `getsockname(2)` and `getpeername(2)` are asked after every step of a listener's, a client's and a
//! UDP socket's life. A name of zeros means: not chosen yet. Everything happens on the loopback
//! interface, at ports that the system chooses. Read `fresh.rs` first.
//! Sources: getsockname(2), getpeername(2), bind(2); UNP section 4.10.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};

use netcommon::error::OpError;
use netcommon::lang::Lang;
use netcommon::net::Socket;
use serde::Serialize;
use socket2::{Domain, Protocol, Type};

use crate::page::Page;
use crate::system_error::Answer;
use crate::table::Table;

/// Port 0: the system is to choose a free one.
const ANY_PORT: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0);

/// One connection may wait; there is only one client.
const BACKLOG: i32 = 1;

/// What a socket's names were after one step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    /// Which socket: `listener`, `client`, `accepted`, `udp`.
    pub socket: &'static str,
    /// The call that has just been made.
    pub after: &'static str,
    /// Its own name: `getsockname(2)`.
    pub local_addr: Answer<SocketAddr>,
    /// The other end's name: `getpeername(2)`.
    pub peer_addr: Answer<SocketAddr>,
}

impl Step {
    fn look(socket: &'static str, after: &'static str, which: &Socket) -> Self {
        Self { socket, after, local_addr: which.local_addr().into(), peer_addr: which.peer_addr().into() }
    }
}

/// Takes a listener, a client and a UDP socket through their lives and looks after each step.
///
/// Blocks only as long as a connection to this machine itself takes.
///
/// # Errors
/// Without an IPv4 loopback interface, or without free descriptors.
pub fn watch() -> Result<Vec<Step>, OpError> {
    let mut steps = tcp().map_err(|error| OpError::new("watch the names of", "TCP sockets", error))?;
    steps.extend(udp().map_err(|error| OpError::new("watch the names of", "a UDP socket", error))?);
    Ok(steps)
}

// ANCHOR: tcp
fn tcp() -> io::Result<Vec<Step>> {
    let listener = Socket::new(Domain::IPV4, Type::STREAM, Protocol::TCP)?;
    let mut steps = vec![Step::look("listener", "socket()", &listener)];
    listener.bind(ANY_PORT.into())?;
    steps.push(Step::look("listener", "bind(127.0.0.1:0)", &listener));
    listener.listen(BACKLOG)?;

    let client = Socket::new(Domain::IPV4, Type::STREAM, Protocol::TCP)?;
    steps.push(Step::look("client", "socket()", &client));
    client.connect(listener.local_addr()?)?;
    steps.push(Step::look("client", "connect()", &client));
    let (accepted, _) = listener.accept()?;
    steps.push(Step::look("accepted", "accept()", &accepted));
    steps.push(Step::look("listener", "accept()", &listener));
    Ok(steps)
}
// ANCHOR_END: tcp

fn udp() -> io::Result<Vec<Step>> {
    let other = Socket::new(Domain::IPV4, Type::DGRAM, Protocol::UDP)?;
    other.bind(ANY_PORT.into())?;

    let socket = Socket::new(Domain::IPV4, Type::DGRAM, Protocol::UDP)?;
    let mut steps = vec![Step::look("udp", "socket()", &socket)];
    socket.send_to("你好".as_bytes(), other.local_addr()?)?;
    steps.push(Step::look("udp", "sendto()", &socket));
    socket.connect(other.local_addr()?)?;
    steps.push(Step::look("udp", "connect()", &socket));
    Ok(steps)
}

/// The topic as text.
#[must_use]
pub fn page(steps: &[Step], lang: Lang) -> String {
    let mut page = Page::new("names", lang.pick("a socket's own address and its peer's", "自己的位址與對方的位址"));
    page.paragraph(lang.pick(
        "local_addr is getsockname(), peer_addr is getpeername(). A name of zeros is one that nobody has chosen yet.",
        "local_addr 就是 getsockname()，peer_addr 就是 getpeername()。全是零的位址，表示還沒有人選定。",
    ));
    let mut table = Table::new(&["socket", lang.pick("after", "在這之後"), "local_addr", "peer_addr"]);
    for step in steps {
        let (local, peer) = (step.local_addr.short(), step.peer_addr.short());
        table.row([step.socket.to_owned(), step.after.to_owned(), local, peer]);
    }
    page.table(&table);
    page.paragraph(lang.pick(
        "Port 0 in bind() means: choose one for me. A client need not bind: connect() and sendto() give it a port. \
         accept() returns a new socket with the listener's port; client and accepted name each other.",
        "bind() 的埠號 0 表示：請替我挑一個。用戶端不必 bind：connect() 和 sendto() 會給它一個埠。accept() 回傳一個新的 \
         socket，埠號和 listener 相同；client 和 accepted 互為對方。",
    ));
    page.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn client_and_accepted_socket_name_each_other() {
        let steps = watch().unwrap();
        let find = |socket, after| steps.iter().find(|step| step.socket == socket && step.after == after).unwrap();
        let (client, accepted) = (find("client", "connect()"), find("accepted", "accept()"));
        assert_eq!((&client.local_addr, &client.peer_addr), (&accepted.peer_addr, &accepted.local_addr));
        let listener = find("listener", "bind(127.0.0.1:0)");
        assert_eq!(listener.local_addr, client.peer_addr);
        assert_eq!(listener.peer_addr.short(), if cfg!(windows) { "WSAENOTCONN" } else { "ENOTCONN" });
    }

    #[test]
    fn sending_gives_a_udp_socket_a_port() {
        let steps = watch().unwrap();
        let sent = steps.iter().find(|step| step.after == "sendto()").unwrap();
        assert!(!sent.local_addr.short().ends_with(":0"), "{sent:?}");
    }
}
