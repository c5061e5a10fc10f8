//! `HOST:PORT`, the one way in which every program of the course takes an address.
//!
//! [`HostPort`] is parsed once at the edge and cannot be wrong afterwards: an IPv4 address, an IPv6
//! address in brackets (with its interface where it needs one), or a name, also outside ASCII. Parsing
//! is pure; [`resolve`] asks the system, [`listen`] and [`bind_udp`] make sockets, `crate::connect`
//! connects. Sources: RFC 3986 section 3.2.2 (brackets), RFC 4007 section 11 (`%` and the interface),
//! UTS #46 (names outside ASCII).

mod bind;
mod error;
mod resolve;
#[cfg(test)]
mod tests;

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};
use std::str::FromStr;

use idna::AsciiDenyList;
use idna::uts46::{DnsLength, Hyphens, Uts46, verify_dns_length};

pub use self::bind::{bind_udp, listen};
pub use self::error::ParseError;
pub use self::resolve::resolve;
use crate::escape::escape;

/// A host and a port, as a user gives them: `127.0.0.1:8888`, `[::1]:8888`, `教室.example:80`.
///
/// Prints as it was written, IP addresses in their shortest form.
///
/// # Examples
/// ```
/// use netcommon::addr::HostPort;
///
/// let server: HostPort = "教室.example:80".parse()?;
/// assert_eq!((server.to_string().as_str(), server.port()), ("教室.example:80", 80));
///
/// let mistake = "::1:8888".parse::<HostPort>().unwrap_err();
/// assert_eq!(mistake.to_string(), "an IPv6 address needs brackets, for example [::1]:8888");
/// # Ok::<(), netcommon::addr::ParseError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct HostPort {
    host: Host,
    port: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Host {
    Ip(IpAddr),
    /// An IPv6 address that is unique on one link only, and that link's interface by name or number.
    Scoped(Ipv6Addr, String),
    /// As the user wrote it, and as the name service wants it: ASCII.
    Name {
        written: String,
        ascii: String,
    },
}

impl HostPort {
    /// The port; 0 lets the system choose a free one when a socket is bound.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The address, when no name has to be looked up for it.
    ///
    /// # Examples
    /// ```
    /// use netcommon::addr::HostPort;
    ///
    /// assert!("[::1]:8888".parse::<HostPort>()?.socket_addr().is_some());
    /// assert!("localhost:8888".parse::<HostPort>()?.socket_addr().is_none());
    /// # Ok::<(), netcommon::addr::ParseError>(())
    /// ```
    #[must_use]
    pub fn socket_addr(&self) -> Option<SocketAddr> {
        match &self.host {
            Host::Ip(ip) => Some(SocketAddr::new(*ip, self.port)),
            Host::Scoped(ip, scope) => {
                let index = scope.parse().ok()?;
                Some(SocketAddrV6::new(*ip, self.port, 0, index).into())
            }
            Host::Name { .. } => None,
        }
    }

    /// The target for an error's reader: as it was written, and `addr` where that says more.
    pub(crate) fn with_addr(&self, addr: SocketAddr) -> String {
        let (written, addr) = (self.to_string(), addr.to_string());
        if written == addr { written } else { format!("{written} ({addr})") }
    }

    /// The host for an error's reader: a name outside ASCII also as the name service sees it.
    pub(crate) fn readable_host(&self) -> String {
        match &self.host {
            Host::Name { written, ascii } if !written.is_ascii() => {
                format!("{} ({ascii})", escape(written.as_bytes()))
            }
            _ => self.lookup_text(),
        }
    }

    /// The host as `getaddrinfo(3)` takes it: ASCII, without brackets.
    fn lookup_text(&self) -> String {
        match &self.host {
            Host::Ip(ip) => ip.to_string(),
            Host::Scoped(ip, scope) => format!("{ip}%{scope}"),
            Host::Name { ascii, .. } => ascii.clone(),
        }
    }
}

impl From<SocketAddr> for HostPort {
    fn from(addr: SocketAddr) -> Self {
        let host = match addr {
            SocketAddr::V6(v6) if v6.scope_id() != 0 => Host::Scoped(*v6.ip(), v6.scope_id().to_string()),
            _ => Host::Ip(addr.ip()),
        };
        Self { host, port: addr.port() }
    }
}

impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            Host::Ip(ip) => SocketAddr::new(*ip, self.port).fmt(f),
            Host::Scoped(ip, scope) => write!(f, "[{ip}%{}]:{}", escape(scope.as_bytes()), self.port),
            Host::Name { written, .. } => write!(f, "{}:{}", escape(written.as_bytes()), self.port),
        }
    }
}

impl FromStr for HostPort {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        error::check_slips(text)?;
        let (host, port) = if let Some(rest) = text.strip_prefix('[') {
            let (inside, after) = rest.split_once(']').ok_or(ParseError::Brackets)?;
            let host = parse_v6(inside)?;
            let port = match after.strip_prefix(':') {
                Some(port) => port,
                None if after.is_empty() => "",
                None => return Err(ParseError::Brackets),
            };
            (host, port)
        } else {
            let (host, port) = text.rsplit_once(':').unwrap_or((text, ""));
            error::check_bare_v6(text, host)?;
            if host.is_empty() {
                return Err(ParseError::no_host(port));
            }
            (parse_v4_or_name(host)?, port)
        };
        let port = parse_port(port, &host)?;
        Ok(Self { host, port })
    }
}

/// What stands between the brackets: an IPv6 address and, after `%`, an interface.
fn parse_v6(inside: &str) -> Result<Host, ParseError> {
    let (ip, scope) = match inside.split_once('%') {
        Some((ip, scope)) => (ip, Some(scope)),
        None => (inside, None),
    };
    let ip: Ipv6Addr = ip.parse().map_err(|_| ParseError::Brackets)?;
    match scope {
        None => Ok(Host::Ip(ip.into())),
        Some(scope) if scope.is_empty() || scope.contains('%') || hides_something(scope) => {
            Err(ParseError::NoInterface { ip })
        }
        Some(scope) => Ok(Host::Scoped(ip, scope.to_owned())),
    }
}

fn parse_v4_or_name(host: &str) -> Result<Host, ParseError> {
    if let Ok(ip) = host.parse::<Ipv4Addr>() {
        return Ok(Host::Ip(ip.into()));
    }
    let written = host.to_owned();
    // The length is checked below, where the error can say so.
    let ascii = Uts46::new().to_ascii(host.as_bytes(), AsciiDenyList::URL, Hyphens::Allow, DnsLength::Ignore);
    let ascii = match ascii {
        Ok(ascii) if !hides_something(host) => ascii,
        _ => return Err(ParseError::NotAName { written }),
    };
    if let Ok(ip) = ascii.parse::<Ipv4Addr>() {
        // Full-width digits, typed with the input method still on.
        return Ok(Host::Ip(ip.into()));
    }
    if ends_in_a_number(&ascii) {
        return Err(ParseError::NotV4 { written });
    }
    if !verify_dns_length(&ascii, true) {
        return Err(ParseError::NameLength { written });
    }
    Ok(Host::Name { written, ascii: ascii.into_owned() })
}

/// Whether a reader would see something else than is there: UTS #46 drops soft hyphens, for one.
fn hides_something(text: &str) -> bool {
    escape(text.as_bytes()).to_string() != text
}

/// Whether the last label is a number, as no top-level domain is.
///
/// `getaddrinfo` would take `1.2.3` for 1.2.0.3 and `010.0.0.1` for 8.0.0.1; neither is what
/// a beginner meant. Source: WHATWG URL, "ends in a number checker".
fn ends_in_a_number(ascii: &str) -> bool {
    let last = ascii.strip_suffix('.').unwrap_or(ascii).rsplit('.').next().unwrap_or_default();
    let is_hex = last.strip_prefix("0x").is_some_and(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
    is_hex || (!last.is_empty() && last.bytes().all(|b| b.is_ascii_digit()))
}

fn parse_port(port: &str, host: &Host) -> Result<u16, ParseError> {
    let example = |port: u16| HostPort { host: host.clone(), port };
    if port.is_empty() {
        return Err(ParseError::NoPort { example: example(error::EXAMPLE_PORT) });
    }
    if !port.bytes().all(|b| b.is_ascii_digit()) {
        return Err(ParseError::PortNotANumber { port: port.to_owned(), example: example(error::EXAMPLE_PORT) });
    }
    port.parse().map_err(|_| ParseError::PortTooLarge { port: port.to_owned(), example: example(error::EXAMPLE_PORT) })
}
