//! How long a datagram may be: probing the path upward, after RFC 8899.
//!
//! ```text
//!  1,200 ──probe 1,472──▶ came: use it ──probe 8,972──▶ three times lost: stay
//! ```
//! A session begins with what every path carries. Then datagrams of nothing but padding are sent, with the
//! system forbidden to fragment them; one that is answered proves its length. That one is lost proves
//! nothing, so three must be. Their loss is no sign of a full queue. The lengths are those of packets that
//! are common: RFC 1191 section 7.1 calls it a table of plateaus. Source: RFC 8899 sections 5.1 and 5.2.

use std::net::SocketAddr;
use std::time::Duration;

use crate::wire::BASE_LEN;

/// Packets that links carry: IPv6's minimum, tunnels, DSL, Ethernet, jumbo frames, the loopback of Linux.
const PACKET_LENS: [usize; 7] = [1_280, 1_400, 1_492, 1_500, 9_000, 16_384, 65_535];

/// IP's and UDP's own bytes in a packet.
const OVERHEAD_V4: usize = 20 + 8;
const OVERHEAD_V6: usize = 40 + 8;

/// A length is too long when so many probes of it were lost (RFC 8899 section 5.1.2, `MAX_PROBES`).
const PROBES_MAX: u32 = 3;

/// After so many silences one behind the other, a path may have become narrower (RFC 8899 section 4.3),
const SILENCES_MAX: u32 = 3;
/// if they last so long: the peer may also be busy.
const SILENT_FOR: Duration = Duration::from_secs(1);

/// The length of datagrams on one path.
#[derive(Debug, Clone)]
pub struct Path {
    /// What is known to come through.
    len: usize,
    /// Lengths that are still to be tried, ascending.
    untried: Vec<usize>,
    probe: Option<usize>,
    lost: u32,
    silences: u32,
    /// Not before: one probe a round trip is enough.
    next_probe_at: Duration,
}

impl Path {
    /// A path to `peer`, with datagrams of at most `len_max` bytes.
    #[must_use]
    pub fn new(peer: SocketAddr, len_max: usize) -> Self {
        let overhead = if peer.is_ipv4() { OVERHEAD_V4 } else { OVERHEAD_V6 };
        let lens = PACKET_LENS.iter().map(|packet| packet - overhead);
        let untried = lens.filter(|len| *len > BASE_LEN && *len <= len_max).collect();
        Self { len: BASE_LEN, untried, probe: None, lost: 0, silences: 0, next_probe_at: Duration::ZERO }
    }

    /// Bytes that a datagram may have now.
    #[must_use]
    pub fn datagram_len(&self) -> usize {
        self.len
    }

    /// The length to try now, if one is to be tried.
    #[must_use]
    pub fn wants_probe(&self, now: Duration) -> Option<usize> {
        if self.probe.is_some() || now < self.next_probe_at {
            return None;
        }
        // Half of what is left, so that few probes decide; Ethernet's length is in the middle of the table.
        self.untried.get(self.untried.len() / 2).copied()
    }

    /// A probe of this length has left.
    pub fn on_probe_sent(&mut self, len: usize) {
        self.probe = Some(len);
    }

    /// It came.
    // ANCHOR: probe
    pub fn on_probe_arrived(&mut self, len: usize) {
        self.len = self.len.max(len);
        self.untried.retain(|other| *other > len);
        self.probe = None;
        self.lost = 0;
    }

    /// It was lost, for this or another reason.
    pub fn on_probe_lost(&mut self, len: usize, next_at: Duration) {
        if self.probe.take() != Some(len) {
            return;
        }
        self.lost += 1;
        self.next_probe_at = next_at;
        if self.lost >= PROBES_MAX {
            self.untried.retain(|other| *other < len);
            self.lost = 0;
        }
    }
    // ANCHOR_END: probe

    /// Something came: what is used now comes through.
    pub fn on_arrived(&mut self) {
        self.silences = 0;
    }

    /// Nothing came at all. Perhaps a part of the path no longer carries what it did: begin again, shorter.
    pub fn on_silence(&mut self, silent_for: Duration) {
        self.silences += 1;
        if self.silences >= SILENCES_MAX && silent_for >= SILENT_FOR && self.len > BASE_LEN {
            self.untried = PACKET_LENS.iter().map(|packet| packet - OVERHEAD_V6).collect();
            let len = self.len;
            self.untried.retain(|other| *other > BASE_LEN && *other < len);
            self.len = BASE_LEN;
            self.probe = None;
            self.lost = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Probes until nothing is left to try, on a path that carries `mtu`; the probes and the end.
    fn probed(peer: &str, mtu: usize) -> (Vec<usize>, usize) {
        let mut path = Path::new(peer.parse().unwrap(), usize::MAX);
        let mut tried = Vec::new();
        while let Some(len) = path.wants_probe(Duration::ZERO) {
            path.on_probe_sent(len);
            assert_eq!(path.wants_probe(Duration::ZERO), None, "one at a time");
            tried.push(len);
            match len <= mtu {
                true => path.on_probe_arrived(len),
                false => path.on_probe_lost(len, Duration::ZERO),
            }
        }
        (tried, path.datagram_len())
    }

    #[test]
    fn it_finds_what_the_path_carries() {
        for (peer, mtu, want) in [
            ("127.0.0.1:9", 65_507, 65_507),
            ("192.0.2.1:9", 1_472, 1_472),
            ("192.0.2.1:9", 1_471, 1_464),
            ("192.0.2.1:9", 1_252, 1_252),
            ("192.0.2.1:9", 1_200, 1_200),
            ("[2001:db8::1]:9", 1_232, 1_232),
            ("[2001:db8::1]:9", 8_952, 8_952),
        ] {
            assert_eq!(probed(peer, mtu).1, want, "{peer} {mtu}");
        }
        assert_eq!(probed("192.0.2.1:9", 1_472).0, [1_472, 16_356, 16_356, 16_356, 8_972, 8_972, 8_972]);
    }

    #[test]
    fn two_lost_probes_prove_nothing() {
        let mut path = Path::new("192.0.2.1:9".parse().unwrap(), 1_472);
        for _ in 0..2 {
            let len = path.wants_probe(Duration::ZERO).unwrap();
            path.on_probe_sent(len);
            path.on_probe_lost(len, Duration::ZERO);
        }
        let len = path.wants_probe(Duration::ZERO).unwrap();
        path.on_probe_sent(len);
        path.on_probe_arrived(len);
        assert_eq!(path.datagram_len(), len);
    }

    #[test]
    fn a_path_that_falls_silent_is_taken_for_narrower() {
        let mut path = Path::new("192.0.2.1:9".parse().unwrap(), 1_472);
        path.on_probe_sent(1_472);
        path.on_probe_arrived(1_472);
        (0..2).for_each(|_| path.on_silence(SILENT_FOR));
        path.on_arrived();
        (0..2).for_each(|_| path.on_silence(SILENT_FOR));
        assert_eq!(path.datagram_len(), 1_472);
        path.on_silence(SILENT_FOR / 2);
        assert_eq!(path.datagram_len(), 1_472, "the peer may be busy");
        path.on_silence(SILENT_FOR);
        assert_eq!(path.datagram_len(), BASE_LEN);
    }
}
