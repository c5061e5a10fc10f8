//! How long one UDP datagram may be.
//!
//! The limit comes from two 16-bit length fields, UDP's and IP's, and not from any buffer; a system may
//! allow less (macOS sends 9,216 bytes until `net.inet.udp.maxdgram` is raised). What arrives without
//! being cut into fragments is much shorter: about 1,400 bytes on most paths. Sources: RFC 768; RFC 791
//! section 3.1; RFC 8200 section 3; RFC 8085 section 3.2.

use std::net::{IpAddr, SocketAddr};

/// What UDP's own header takes of a packet.
const UDP_HEADER_LEN: usize = 8;
/// The largest packet of IPv4, whose length field counts its own header as well.
const IPV4_PACKET_LEN_MAX: usize = 65_535;
/// IPv4's header without options.
const IPV4_HEADER_LEN: usize = 20;
/// The most that an IPv6 packet carries behind its header, which its length field leaves out.
const IPV6_PAYLOAD_LEN_MAX: usize = 65_535;

/// The most that one datagram carries over IPv4: 65,507 bytes.
pub const DATAGRAM_LEN_MAX_V4: usize = IPV4_PACKET_LEN_MAX - IPV4_HEADER_LEN - UDP_HEADER_LEN;
/// The most that one datagram carries over IPv6: 65,527 bytes.
pub const DATAGRAM_LEN_MAX_V6: usize = IPV6_PAYLOAD_LEN_MAX - UDP_HEADER_LEN;

/// The most that one datagram to `peer` carries, in bytes.
///
/// # Examples
/// ```
/// use netcommon::net::datagram_len_max;
///
/// assert_eq!(datagram_len_max("127.0.0.1:9999".parse().unwrap()), 65_507);
/// assert_eq!(datagram_len_max("[::1]:9999".parse().unwrap()), 65_527);
/// // IPv4 on the wire, though an IPv6 socket shows it so.
/// assert_eq!(datagram_len_max("[::ffff:127.0.0.1]:9999".parse().unwrap()), 65_507);
/// ```
#[must_use]
pub fn datagram_len_max(peer: SocketAddr) -> usize {
    match peer.ip().to_canonical() {
        IpAddr::V4(_) => DATAGRAM_LEN_MAX_V4,
        IpAddr::V6(_) => DATAGRAM_LEN_MAX_V6,
    }
}
