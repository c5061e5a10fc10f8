//! `inet_diag`: the question for TCP sockets, and one socket as the kernel describes it. Pure.
//!
//! The same message answers a question (a dump of all sockets) and announces a death: the kernel sends it to
//! the groups `SKNLGRP_INET_TCP_DESTROY` and `SKNLGRP_INET6_TCP_DESTROY` when a socket is freed. Read before:
//! `netlink.rs`. Read next: `tcp_info.rs`, `filter.rs`.
//! Sources: `sock_diag(7)`; `include/uapi/linux/inet_diag.h`, `sock_diag.h`.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::netlink::{self, Attributes, FLAG_DUMP, FLAG_REQUEST, Malformed, Message, part, push_attribute, u32_at};
use super::tcp_info::TcpInfo;

/// The message type of question, answer and event: `SOCK_DIAG_BY_FAMILY`.
pub const BY_FAMILY: u16 = 20;

/// The groups that hear of every TCP socket's death, as a mask: group 1 is IPv4 (bit 0), group 3 IPv6 (bit 2).
pub const DESTROY_GROUPS: u32 = 0b101;

const AF_INET: u8 = 2;
const AF_INET6: u8 = 10;
const IPPROTO_TCP: u8 = 6;

/// Attribute: `struct tcp_info`; the question asks for it with bit `INDEX - 1`.
const ATTRIBUTE_INFO: u16 = 2;
/// Attribute of a question: which sockets, as a program for the kernel.
const ATTRIBUTE_BYTECODE: u16 = 1;

/// What stands before the attributes of an answer: `struct inet_diag_msg`.
///
/// ```text
///  0               1               2               3
/// +---------------+---------------+---------------+---------------+
/// |  family       |  state        |  timer        |  retransmits  |
/// +---------------+---------------+---------------+---------------+
/// |  local port, big-endian       |  peer port, big-endian        |
/// +-------------------------------+-------------------------------+
/// |  local address: 4 bytes of IPv4 and 12 of zero, or 16 of IPv6 |
/// |  peer address, 16 bytes                                       |
/// +---------------------------------------------------------------+
/// |  interface    |  cookie, 8 bytes                              |
/// +---------------------------------------------------------------+
/// |  timer's rest |  receive queue  |  send queue  |  uid | inode |  32 bit each
/// +---------------------------------------------------------------+
/// ```
const FIXED_LEN: usize = INODE + 4;
const PORTS: usize = 4;
const LOCAL: usize = PORTS + 4;
const PEER: usize = LOCAL + ADDRESS_LEN;
const INTERFACE: usize = PEER + ADDRESS_LEN;
const COOKIE: usize = INTERFACE + 4;
const RECEIVE_QUEUE: usize = COOKIE + 8 + 4;
const SEND_QUEUE: usize = RECEIVE_QUEUE + 4;
const UID: usize = SEND_QUEUE + 4;
const INODE: usize = UID + 4;
const ADDRESS_LEN: usize = 16;

/// The timer's number of a socket in TIME-WAIT, which is only a shadow of one that has died.
const TIMER_TIME_WAIT: u8 = 3;

/// The kernel's name for a socket, never given to a second one while the machine runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cookie(pub u64);

/// A connection's state, as RFC 9293 section 3.3.2 spells it; the numbers are Linux's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TcpState {
    /// ESTABLISHED
    Established,
    /// SYN-SENT
    SynSent,
    /// SYN-RECEIVED
    SynReceived,
    /// FIN-WAIT-1
    FinWait1,
    /// FIN-WAIT-2
    FinWait2,
    /// TIME-WAIT
    TimeWait,
    /// CLOSED
    Closed,
    /// CLOSE-WAIT
    CloseWait,
    /// LAST-ACK
    LastAck,
    /// LISTEN
    Listen,
    /// CLOSING
    Closing,
    /// One that is newer than this program.
    Other(u8),
}

/// Every state and the standard's spelling, by Linux's number less one.
const STATES: [(TcpState, &str); 12] = [
    (TcpState::Established, "ESTABLISHED"),
    (TcpState::SynSent, "SYN-SENT"),
    (TcpState::SynReceived, "SYN-RECEIVED"),
    (TcpState::FinWait1, "FIN-WAIT-1"),
    (TcpState::FinWait2, "FIN-WAIT-2"),
    (TcpState::TimeWait, "TIME-WAIT"),
    (TcpState::Closed, "CLOSED"),
    (TcpState::CloseWait, "CLOSE-WAIT"),
    (TcpState::LastAck, "LAST-ACK"),
    (TcpState::Listen, "LISTEN"),
    (TcpState::Closing, "CLOSING"),
    // The kernel keeps a half-open handshake in a smaller structure, under a number of its own.
    (TcpState::SynReceived, "SYN-RECEIVED"),
];

impl TcpState {
    /// The state of Linux's number.
    #[must_use]
    pub fn of(number: u8) -> Self {
        let index = usize::from(number).wrapping_sub(1);
        STATES.get(index).map_or(Self::Other(number), |(state, _)| *state)
    }

    /// Whether the handshake is done and the kernel still holds the connection.
    #[must_use]
    pub fn is_connected(self) -> bool {
        use TcpState::{CloseWait, Closing, Established, FinWait1, FinWait2, LastAck};
        matches!(self, Established | FinWait1 | FinWait2 | CloseWait | LastAck | Closing)
    }

    /// Whether the peer's FIN has come.
    #[must_use]
    pub fn has_peer_fin(self) -> bool {
        matches!(self, Self::CloseWait | Self::LastAck | Self::Closing | Self::TimeWait)
    }

    /// Whether our own FIN has been sent.
    #[must_use]
    pub fn has_own_fin(self) -> bool {
        matches!(self, Self::FinWait1 | Self::FinWait2 | Self::Closing | Self::LastAck | Self::TimeWait)
    }
}

impl fmt::Display for TcpState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match STATES.iter().find(|(state, _)| state == self) {
            Some((_, name)) => f.pad(name),
            None => f.pad("UNKNOWN"),
        }
    }
}

/// One socket, as the kernel describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Socket {
    /// Where it is in its life; always CLOSED in the announcement of its death.
    pub state: TcpState,
    /// Its own end.
    pub local: SocketAddr,
    /// The other end; port 0 where there is none, or none any more.
    pub peer: SocketAddr,
    /// Which socket.
    pub cookie: Cookie,
    /// Whose it is; 0 in the announcement of a death.
    pub uid: u32,
    /// Its number in `/proc/PID/fd`; 0 when no program holds it.
    pub inode: u32,
    /// Bytes nobody has read yet; on a listener: connections nobody has accepted yet.
    pub receive_queue: u32,
    /// Bytes without an ack; on a listener: how many may wait.
    pub send_queue: u32,
    /// Only the memory of a connection: its socket has died, the addresses are kept for a minute.
    pub is_shadow: bool,
    /// What TCP knows of it; `None` for a shadow and for half a handshake.
    pub info: Option<TcpInfo>,
}

impl Socket {
    /// Reads an answer or an event of type [`BY_FAMILY`].
    ///
    /// # Errors
    /// [`Malformed`] when it is shorter than its fixed part, or of another family than IPv4 and IPv6.
    pub fn read(message: &Message<'_>) -> Result<Self, Malformed> {
        let fixed = part(message.payload, 0, FIXED_LEN, "socket")?;
        let family = fixed[0];
        let local = endpoint(family, &fixed[PORTS..], &fixed[LOCAL..])?;
        let peer = endpoint(family, &fixed[PORTS + 2..], &fixed[PEER..])?;
        let mut info = None;
        for attribute in Attributes::new(&message.payload[FIXED_LEN..]) {
            if let (ATTRIBUTE_INFO, value) = attribute? {
                info = Some(TcpInfo::read(value));
            }
        }
        Ok(Self {
            state: TcpState::of(fixed[1]),
            local,
            peer,
            cookie: Cookie(u64::from(u32_at(fixed, COOKIE)) | u64::from(u32_at(fixed, COOKIE + 4)) << 32),
            uid: u32_at(fixed, UID),
            inode: u32_at(fixed, INODE),
            receive_queue: u32_at(fixed, RECEIVE_QUEUE),
            send_queue: u32_at(fixed, SEND_QUEUE),
            is_shadow: fixed[2] == TIMER_TIME_WAIT,
            info,
        })
    }
}

/// An address: port and IP are big-endian here, as on the wire, though everything around them is not.
fn endpoint(family: u8, port: &[u8], address: &[u8]) -> Result<SocketAddr, Malformed> {
    let bytes: [u8; ADDRESS_LEN] = address[..ADDRESS_LEN].try_into().expect("the caller's slice holds a whole address");
    let ip: IpAddr = match family {
        AF_INET => Ipv4Addr::new(bytes[0], bytes[1], bytes[2], bytes[3]).into(),
        // `::ffff:192.0.2.1` is IPv4 on the wire, through an IPv6 socket.
        AF_INET6 => Ipv6Addr::from(bytes).to_canonical(),
        _ => return Err(Malformed { what: "address family", have: usize::from(family), need: usize::from(AF_INET6) }),
    };
    Ok(SocketAddr::new(ip, u16::from_be_bytes([port[0], port[1]])))
}

/// The two families; a dump asks for one at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6, also sockets that speak IPv4 through it.
    V6,
}

/// Which sockets a dump asks for, as a mask of Linux's state numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct States(u32);

impl States {
    /// Connections whose socket is alive, from the first SYN to the last ack, and listeners; no shadows.
    pub const ALIVE: Self = Self(0x0fff_ffff & !(1 << 6) & !(1 << 7) & !1);
}

/// The question for all TCP sockets of a family and of these states that `filter` lets through.
///
/// `filter` is a program of [`super::filter`]; an empty one lets all through.
#[must_use]
pub fn dump_request(family: Family, states: States, filter: &[u8], seq: u32) -> Vec<u8> {
    let mut payload = question(family, states.0);
    payload.resize(payload.len() + SOCKET_ID_LEN, 0);
    if !filter.is_empty() {
        push_attribute(&mut payload, ATTRIBUTE_BYTECODE, filter);
    }
    netlink::request(BY_FAMILY, FLAG_REQUEST | FLAG_DUMP, seq, &payload)
}

/// The question for the one entry that has the addresses of `socket` now: after its death its TIME-WAIT, or a listener.
#[must_use]
pub fn find_request(socket: &Socket, seq: u32) -> Vec<u8> {
    let family = if socket.local.is_ipv4() { Family::V4 } else { Family::V6 };
    let mut payload = question(family, u32::MAX);
    payload.extend(socket.local.port().to_be_bytes());
    payload.extend(socket.peer.port().to_be_bytes());
    for ip in [socket.local.ip(), socket.peer.ip()] {
        let end = payload.len() + ADDRESS_LEN;
        match ip {
            IpAddr::V4(ip) => payload.extend(ip.octets()),
            IpAddr::V6(ip) => payload.extend(ip.octets()),
        }
        payload.resize(end, 0);
    }
    payload.extend(0_u32.to_ne_bytes()); // any interface
    payload.extend(u64::MAX.to_ne_bytes()); // any cookie: a TIME-WAIT need not have the socket's
    netlink::request(BY_FAMILY, FLAG_REQUEST, seq, &payload)
}

/// Ports, addresses, interface and cookie in a question, as in [`FIXED_LEN`].
const SOCKET_ID_LEN: usize = COOKIE + 8 - PORTS;

/// The beginning of `struct inet_diag_req_v2`: family, protocol, wished attributes, padding, states.
fn question(family: Family, states: u32) -> Vec<u8> {
    let family = match family {
        Family::V4 => AF_INET,
        Family::V6 => AF_INET6,
    };
    let mut payload = vec![family, IPPROTO_TCP, 1 << (ATTRIBUTE_INFO - 1), 0];
    payload.extend(states.to_ne_bytes());
    payload
}

#[cfg(test)]
mod tests;
