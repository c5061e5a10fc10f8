//! Cookies: proof that a sender is where its datagrams say, without remembering anything.
//!
//! ```text
//!   cookie = first 16 bytes of BLAKE3(secret; address, session number, which half minute)
//! ```
//! Whoever writes a stranger's address on a datagram never sees the cookie that goes there, so nothing is
//! kept, and nothing but 32 bytes is sent, for the sake of an address that may be a lie. The receiver need
//! not keep the cookie either: it computes it again. Sources: RFC 9000 section 8.1 (address validation),
//! RFC 4987 section 3.6 (the same idea against floods of SYNs).

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use crate::file::Session;
use crate::wire::Cookie;

/// A cookie is good for the half minute in which it was made, and for the next one.
const PERIOD: Duration = Duration::from_secs(30);

/// What makes and knows cookies.
#[derive(Clone)]
pub struct Jar {
    secret: [u8; 32],
}

impl std::fmt::Debug for Jar {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Jar") // Secrets do not belong into logs.
    }
}

impl Jar {
    /// A jar whose cookies nobody can make who does not know `secret`, which must be random.
    #[must_use]
    pub fn new(secret: [u8; 32]) -> Self {
        Self { secret }
    }

    /// The cookie for this sender at this time.
    #[must_use]
    pub fn bake(&self, now: Duration, from: SocketAddr, session: Session) -> Cookie {
        self.of_period(now.as_secs() / PERIOD.as_secs(), from, session)
    }

    /// Whether this is it.
    #[must_use]
    pub fn knows(&self, now: Duration, from: SocketAddr, session: Session, cookie: &Cookie) -> bool {
        let period = now.as_secs() / PERIOD.as_secs();
        // Guessing takes 2^128 datagrams, so it need not be compared in constant time.
        (period.saturating_sub(1)..=period).any(|period| self.of_period(period, from, session) == *cookie)
    }

    // ANCHOR: cookie
    fn of_period(&self, period: u64, from: SocketAddr, session: Session) -> Cookie {
        let mut hasher = blake3::Hasher::new_keyed(&self.secret);
        match from.ip() {
            IpAddr::V4(ip) => hasher.update(&ip.octets()),
            IpAddr::V6(ip) => hasher.update(&ip.octets()),
        };
        hasher.update(&from.port().to_be_bytes());
        hasher.update(&session.0.to_be_bytes());
        hasher.update(&period.to_be_bytes());
        let mut cookie = Cookie::default();
        hasher.finalize_xof().fill(&mut cookie);
        cookie
    }
    // ANCHOR_END: cookie
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_good_for_one_address_one_session_and_one_minute() {
        let jar = Jar::new([7; 32]);
        let (here, there) = ("127.0.0.1:5000".parse().unwrap(), "127.0.0.1:5001".parse().unwrap());
        let at = Duration::from_secs;
        let cookie = jar.bake(at(100), here, Session(1));
        assert!(jar.knows(at(100), here, Session(1), &cookie));
        assert!(jar.knows(at(149), here, Session(1), &cookie));
        assert!(!jar.knows(at(150), here, Session(1), &cookie));
        assert!(!jar.knows(at(100), there, Session(1), &cookie));
        assert!(!jar.knows(at(100), here, Session(2), &cookie));
        assert!(!Jar::new([8; 32]).knows(at(100), here, Session(1), &cookie));
    }
}
