//! `struct tcp_info`: what the kernel knows about one TCP connection. Pure.
//!
//! The structure has grown with the kernel: an old one sends fewer bytes, a new one more than we know.
//! So each field is read if it is there. What is not there is `None`, never zero. Read before:
//! `netlink.rs`. Sources: tcp(7); `include/uapi/linux/tcp.h`; RFC 4898 for the byte counters.

use std::time::Duration;

/// Where each field begins. All numbers are in the machine's byte order.
///
/// ```text
///   0  state, congestion state, retransmits, probes, backoff, options, scales, flags   8 x 8 bit
///   8  24 numbers of 32 bit: timers, sizes, losses, ages, rtt, window ...
/// 104  pacing rate, highest pacing rate, bytes acked, bytes received                   4 x 64 bit
/// 136  segments out, segments in, not sent, lowest rtt, data segments in and out       6 x 32 bit
/// 160  delivery rate, three stretches of time                                          4 x 64 bit
/// 192  delivered, with ECN marks                                                       2 x 32 bit
/// 200  bytes sent, bytes sent again                                                    2 x 64 bit
/// ```
mod at {
    pub(super) const STATE: usize = 0;
    pub(super) const RETRANSMITS: usize = 2;
    pub(super) const SND_MSS: usize = 16;
    pub(super) const LAST_DATA_SENT: usize = 44;
    pub(super) const LAST_DATA_RECV: usize = 52;
    pub(super) const LAST_ACK_RECV: usize = 56;
    pub(super) const PMTU: usize = 60;
    pub(super) const RTT: usize = 68;
    pub(super) const TOTAL_RETRANS: usize = 100;
    pub(super) const BYTES_ACKED: usize = 120;
    pub(super) const BYTES_RECEIVED: usize = 128;
    pub(super) const SEGS_OUT: usize = 136;
    pub(super) const SEGS_IN: usize = 140;
    pub(super) const MIN_RTT: usize = 148;
    pub(super) const BYTES_SENT: usize = 200;
    pub(super) const BYTES_RETRANS: usize = 208;
}

/// The kernel's word for "no round trip measured yet", in microseconds.
const MIN_RTT_NONE: u32 = u32::MAX;

/// The fields that the monitor uses.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TcpInfo {
    /// The state, by the kernel's number; see [`super::diag::TcpState`].
    pub state: u8,
    /// How often the segment that waits for its ack has been sent again: above 0 when the peer is silent.
    pub retransmits: u8,
    /// The largest segment that we send. 524 or 536 until the peer has named its own.
    pub snd_mss_bytes: u32,
    /// The path's packet size; 0 on a socket that never tried to connect.
    pub pmtu_bytes: u32,
    /// Since we last sent data, or since the handshake.
    pub since_sent: Duration,
    /// Since data last came, or since the handshake.
    pub since_received: Duration,
    /// Since an ack last came.
    pub since_ack: Duration,
    /// The smoothed round trip time; `None` while nothing was measured.
    pub srtt: Option<Duration>,
    /// The shortest round trip time of the last minutes.
    pub rtt_min: Option<Duration>,
    /// Segments that were sent again.
    pub segments_retransmitted: u32,
    /// Bytes that the peer has acknowledged; its SYN and FIN are counted as well (Linux 4.1).
    pub bytes_acked: Option<u64>,
    /// Bytes that came in order; the peer's FIN counts as one (Linux 4.1).
    pub bytes_received: Option<u64>,
    /// Segments sent, with those that carry no data (Linux 4.2).
    pub segments_out: Option<u32>,
    /// Segments that came, with those that carry no data (Linux 4.2).
    pub segments_in: Option<u32>,
    /// Bytes of data sent, those that were sent again counted again (Linux 4.19).
    pub bytes_sent: Option<u64>,
    /// Bytes of data that were sent again (Linux 4.19).
    pub bytes_retransmitted: Option<u64>,
}

impl TcpInfo {
    /// Reads what is there of the structure.
    ///
    /// # Examples
    /// ```
    /// use net_monitor::kernel::tcp_info::TcpInfo;
    ///
    /// let info = TcpInfo::read(&[1]);
    /// assert_eq!((info.state, info.bytes_sent), (1, None));
    /// ```
    #[must_use]
    pub fn read(bytes: &[u8]) -> Self {
        let small = |at: usize| bytes.get(at).copied().unwrap_or(0);
        let number = |at| u32_at(bytes, at);
        let age = |at| Duration::from_millis(u64::from(number(at).unwrap_or(0)));
        let micros = |at| number(at).map(|micros| Duration::from_micros(u64::from(micros)));
        Self {
            state: small(at::STATE),
            retransmits: small(at::RETRANSMITS),
            snd_mss_bytes: number(at::SND_MSS).unwrap_or(0),
            pmtu_bytes: number(at::PMTU).unwrap_or(0),
            since_sent: age(at::LAST_DATA_SENT),
            since_received: age(at::LAST_DATA_RECV),
            since_ack: age(at::LAST_ACK_RECV),
            srtt: micros(at::RTT).filter(|rtt| !rtt.is_zero()),
            rtt_min: number(at::MIN_RTT)
                .filter(|micros| !matches!(*micros, 0 | MIN_RTT_NONE))
                .map(|micros| Duration::from_micros(u64::from(micros))),
            segments_retransmitted: number(at::TOTAL_RETRANS).unwrap_or(0),
            bytes_acked: u64_at(bytes, at::BYTES_ACKED),
            bytes_received: u64_at(bytes, at::BYTES_RECEIVED),
            segments_out: number(at::SEGS_OUT),
            segments_in: number(at::SEGS_IN),
            bytes_sent: u64_at(bytes, at::BYTES_SENT),
            bytes_retransmitted: u64_at(bytes, at::BYTES_RETRANS),
        }
    }

    /// Bytes of payload that we sent, each once; `None` on a kernel that does not count them.
    #[must_use]
    pub fn payload_sent(&self) -> Option<u64> {
        Some(self.bytes_sent?.saturating_sub(self.bytes_retransmitted?))
    }

    /// What was acknowledged beyond the payload: the SYN of the end that connected, and the FIN.
    ///
    /// The end that accepted has 1 after an orderly release and 0 after an abort; the end that
    /// connected has 2 and 1. More means nothing; less means that data was lost with the connection.
    #[must_use]
    pub fn acked_beyond_payload(&self) -> Option<i64> {
        let acked = i64::try_from(self.bytes_acked?).ok()?;
        Some(acked - i64::try_from(self.payload_sent()?).ok()?)
    }
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    let field = bytes.get(at..at.checked_add(4)?)?;
    Some(u32::from_ne_bytes(field.try_into().ok()?))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    let field = bytes.get(at..at.checked_add(8)?)?;
    Some(u64::from_ne_bytes(field.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(fields: &[(usize, u64)]) -> Vec<u8> {
        let mut bytes = vec![0; 280];
        for &(at, value) in fields {
            bytes[at..at + 8].copy_from_slice(&value.to_ne_bytes());
        }
        bytes
    }

    #[test]
    fn what_an_old_kernel_does_not_send_is_unknown_and_not_zero() {
        let bytes = with(&[(at::BYTES_ACKED, 51), (at::BYTES_RECEIVED, 100)]);
        let old = TcpInfo::read(&bytes[..136]);
        assert_eq!((old.bytes_received, old.bytes_sent, old.segments_in), (Some(100), None, None));
        assert_eq!(old.payload_sent(), None);
        assert_eq!(TcpInfo::read(&bytes).bytes_sent, Some(0));
    }

    #[test]
    fn every_length_can_be_read() {
        let bytes = vec![0xff; 400];
        for len in 0..bytes.len() {
            let _ = TcpInfo::read(&bytes[..len]);
        }
    }

    #[test]
    fn bytes_sent_again_are_taken_off() {
        let bytes = with(&[(at::BYTES_SENT, 3000), (at::BYTES_RETRANS, 1000), (at::BYTES_ACKED, 2001)]);
        let info = TcpInfo::read(&bytes);
        assert_eq!(info.payload_sent(), Some(2000));
        assert_eq!(info.acked_beyond_payload(), Some(1));
    }

    #[test]
    fn a_round_trip_that_was_never_measured_is_unknown() {
        let mut bytes = vec![0; 280];
        bytes[at::MIN_RTT..at::MIN_RTT + 4].copy_from_slice(&u32::MAX.to_ne_bytes());
        let info = TcpInfo::read(&bytes);
        assert_eq!((info.srtt, info.rtt_min), (None, None));
    }
}
