//! Whom to ask: a host, a block of addresses (`192.0.2.0/24`), a range (`192.0.2.5-192.0.2.9`).
//!
//! A block is two numbers and is walked one address at a time: a /8 takes no more memory than one host.
//! Parsing is pure; a name stays a name until [`Target::addresses`] asks the system.
//! Sources: RFC 4632 section 3.1 (CIDR notation), RFC 4007 section 11 (`%` and the interface).

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};
use std::str::FromStr;
use std::time::{Duration, Instant};

use netcommon::addr::{self, HostPort};
use netcommon::connect::{ConnectError, lookup};
use netcommon::shutdown::Shutdown;

/// How long a name may take: glibc asks each of up to three servers twice, 5 s each time (resolv.conf(5)).
pub const LOOKUP_TIME_MAX: Duration = Duration::from_secs(30);

/// One machine's address: a [`SocketAddr`] whose port has not been chosen yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostAddr {
    ip: IpAddr,
    /// The interface of a link-local IPv6 address, by number.
    scope_id: u32,
}

impl HostAddr {
    /// The address of one of its ports.
    #[must_use]
    pub fn with_port(self, port: u16) -> SocketAddr {
        match self.ip {
            IpAddr::V4(ip) => SocketAddr::from((ip, port)),
            IpAddr::V6(ip) => SocketAddrV6::new(ip, port, 0, self.scope_id).into(),
        }
    }

    /// Its IP address.
    #[must_use]
    pub fn ip(self) -> IpAddr {
        self.ip
    }
}

impl From<SocketAddr> for HostAddr {
    fn from(addr: SocketAddr) -> Self {
        let scope_id = if let SocketAddr::V6(v6) = addr { v6.scope_id() } else { 0 };
        Self { ip: addr.ip(), scope_id }
    }
}

impl From<IpAddr> for HostAddr {
    fn from(ip: IpAddr) -> Self {
        Self { ip, scope_id: 0 }
    }
}

impl fmt::Display for HostAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.scope_id {
            0 => self.ip.fmt(f),
            scope_id => write!(f, "{}%{scope_id}", self.ip),
        }
    }
}

/// Neighbouring addresses of one family, the first and the last included.
///
/// # Examples
/// ```
/// use port_scanner::target::AddrRange;
///
/// let block: AddrRange = "192.0.2.0/30".parse().unwrap();
/// let hosts: Vec<String> = block.map(|host| host.to_string()).collect();
/// assert_eq!(hosts, ["192.0.2.0", "192.0.2.1", "192.0.2.2", "192.0.2.3"]);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AddrRange {
    first: HostAddr,
    last: HostAddr,
    /// The last one has been given out.
    is_done: bool,
}

impl AddrRange {
    /// One host.
    #[must_use]
    pub fn one(host: HostAddr) -> Self {
        Self { first: host, last: host, is_done: false }
    }

    /// How many addresses are left; `u128::MAX` for all of IPv6, which is one more.
    #[must_use]
    pub fn address_count(&self) -> u128 {
        if self.is_done { 0 } else { (number(self.last.ip) - number(self.first.ip)).saturating_add(1) }
    }

    /// The first of those that are left.
    #[must_use]
    pub fn first(&self) -> Option<HostAddr> {
        (!self.is_done).then_some(self.first)
    }

    /// Takes `next` in if it begins right behind the end; false if it does not.
    pub(crate) fn append(&mut self, next: &Self) -> bool {
        let (end, begin) = (self.last, next.first);
        let is_behind = number(end.ip).checked_add(1) == Some(number(begin.ip))
            && (end.ip.is_ipv4(), end.scope_id) == (begin.ip.is_ipv4(), begin.scope_id)
            && !self.is_done
            && !next.is_done;
        if is_behind {
            self.last = next.last;
        }
        is_behind
    }
}

impl Iterator for AddrRange {
    type Item = HostAddr;

    fn next(&mut self) -> Option<HostAddr> {
        let host = self.first()?;
        if host.ip == self.last.ip {
            self.is_done = true;
        } else {
            self.first.ip = address(number(host.ip) + 1, host.ip.is_ipv4());
        }
        Some(host)
    }
}

impl fmt::Display for AddrRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.first.ip == self.last.ip { self.first.fmt(f) } else { write!(f, "{}-{}", self.first, self.last) }
    }
}

impl FromStr for AddrRange {
    type Err = ParseError;

    /// An address, a block or a range; never a name.
    fn from_str(text: &str) -> Result<Self, ParseError> {
        let bad = |why: &str| ParseError(why.to_owned());
        if let Some((ip, len)) = text.split_once('/') {
            let ip: IpAddr = ip.parse().map_err(|_| bad("expected an address before the `/`, as in 192.0.2.0/24"))?;
            let bits = if ip.is_ipv4() { 32 } else { 128 };
            let is_number = !len.is_empty() && len.bytes().all(|byte| byte.is_ascii_digit());
            let len = len.parse().ok().filter(|len| is_number && *len <= bits);
            let len: u32 = len.ok_or_else(|| ParseError(format!("expected 0 to {bits} after the `/`")))?;
            return Ok(block(ip, len, bits));
        }
        if let Ok(host) = parse_host(text) {
            return Ok(Self::one(host));
        }
        let (first, last) = text.split_once('-').ok_or_else(|| bad("expected an address"))?;
        let (first, last) = (parse_host(first)?, parse_host(last)?);
        if first.ip.is_ipv4() != last.ip.is_ipv4() || first.scope_id != last.scope_id || first.ip > last.ip {
            return Err(bad("expected two addresses of one family, the smaller one first"));
        }
        Ok(Self { first, last, is_done: false })
    }
}

/// An IP address, with the number of its interface where it has one.
fn parse_host(text: &str) -> Result<HostAddr, ParseError> {
    let (ip, scope_id) = text.split_once('%').unwrap_or((text, "0"));
    match (ip.parse(), scope_id.parse()) {
        (Ok(ip), Ok(scope_id)) => Ok(HostAddr { ip, scope_id }),
        _ => Err(ParseError("expected an address".to_owned())),
    }
}

/// The addresses that share their first `len` bits with `ip`.
fn block(ip: IpAddr, len: u32, bits: u32) -> AddrRange {
    // Shifting by all 128 bits would be an overflow: a /0 of IPv6 keeps no bit.
    let rest = u128::MAX.checked_shr(128 - bits + len).unwrap_or(0);
    let first = number(ip) & !rest;
    let host = |number| HostAddr { ip: address(number, ip.is_ipv4()), scope_id: 0 };
    AddrRange { first: host(first), last: host(first | rest), is_done: false }
}

fn number(ip: IpAddr) -> u128 {
    match ip {
        IpAddr::V4(ip) => ip.to_bits().into(),
        IpAddr::V6(ip) => ip.to_bits(),
    }
}

fn address(number: u128, is_v4: bool) -> IpAddr {
    match u32::try_from(number) {
        Ok(number) if is_v4 => Ipv4Addr::from_bits(number).into(),
        _ => Ipv6Addr::from_bits(number).into(),
    }
}

/// Why a text names no target; says what would be right.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ParseError(String);

/// What a user gives: addresses, or a name to be looked up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// No question to anybody is needed.
    Addresses(AddrRange),
    /// The port in it is of no meaning.
    Name(HostPort),
}

impl Target {
    /// The addresses behind it; a name may have several. `getaddrinfo(3)`.
    ///
    /// Blocks for a name, until shutdown begins or [`LOOKUP_TIME_MAX`] has passed.
    ///
    /// # Errors
    /// When the name is not found, when nobody answers, when shutdown begins.
    pub fn addresses(&self, shutdown: &Shutdown) -> Result<Vec<AddrRange>, ConnectError> {
        match self {
            Self::Addresses(range) => Ok(vec![*range]),
            Self::Name(name) => {
                let addrs = lookup(name, LOOKUP_TIME_MAX, Instant::now() + LOOKUP_TIME_MAX, shutdown)?;
                Ok(addrs.into_iter().map(|addr| AddrRange::one(HostAddr::from(addr))).collect())
            }
        }
    }
}

impl FromStr for Target {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
        match bare.parse::<AddrRange>() {
            Ok(range) => return Ok(Self::Addresses(range)),
            // A name has no slash, so this was meant as a block.
            Err(error) if bare.contains('/') => return Err(error),
            Err(_) => {}
        }
        // The one parser of hosts wants a port as well.
        let with_port = if bare.contains(':') { format!("[{bare}]:1") } else { format!("{bare}:1") };
        match with_port.parse() {
            Ok(name) => Ok(Self::Name(name)),
            Err(addr::ParseError::Brackets | addr::ParseError::NoPort { .. }) => Err(ParseError(
                "expected a host, for example 127.0.0.1, ::1 or 192.0.2.0/24; ports go behind -p".to_owned(),
            )),
            Err(error) => Err(ParseError(error.to_string())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(text: &str) -> AddrRange {
        text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    #[test]
    fn blocks_have_as_many_addresses_as_their_length_says() {
        for (text, want, count) in [
            ("127.0.0.1", "127.0.0.1", 1),
            ("127.0.0.1/32", "127.0.0.1", 1),
            ("192.0.2.77/24", "192.0.2.0-192.0.2.255", 256),
            ("0.0.0.0/0", "0.0.0.0-255.255.255.255", 1 << 32),
            ("::1", "::1", 1),
            ("2001:db8::/126", "2001:db8::-2001:db8::3", 4),
            ("::/0", "::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", u128::MAX),
            ("192.0.2.5-192.0.2.9", "192.0.2.5-192.0.2.9", 5),
            ("fe80::1%2", "fe80::1%2", 1),
        ] {
            let range = range(text);
            assert_eq!((range.to_string().as_str(), range.address_count()), (want, count), "{text}");
        }
    }

    #[test]
    fn walking_ends_at_the_last_address_of_its_family() {
        assert_eq!(range("255.255.255.254-255.255.255.255").address_count(), 2);
        assert_eq!(range("255.255.255.252/30").map(|host| host.to_string()).last().unwrap(), "255.255.255.255");
        let last = range("ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe/127");
        assert_eq!(Iterator::count(last), 2);
        assert_eq!(
            range("10.0.0.255-10.0.1.0").map(|host| host.to_string()).collect::<Vec<_>>(),
            ["10.0.0.255", "10.0.1.0"]
        );
    }

    #[test]
    fn a_name_stays_a_name_and_brackets_may_be_left_out() {
        assert!(matches!("教室.example".parse(), Ok(Target::Name(_))));
        assert!(matches!("my-host".parse(), Ok(Target::Name(_))));
        assert_eq!("[::1]".parse::<Target>(), "::1".parse());
    }

    #[test]
    fn what_is_no_host_is_refused_with_words() {
        for text in [
            "",
            "256.1.1.1",
            "[::1",
            "10.0.0.0/33",
            "10.0.0.0/+8",
            "10.0.0.0/",
            "/8",
            "::1/129",
            "名字/8",
            "127.0.0.1:80",
        ] {
            let error = text.parse::<Target>().unwrap_err();
            assert!(!error.to_string().is_empty(), "{text}");
        }
        assert!("10.0.0.9-10.0.0.1".parse::<AddrRange>().is_err());
    }
}
