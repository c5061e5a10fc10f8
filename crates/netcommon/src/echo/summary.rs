//! One line about each connection when it is over: how much went which way, how long, and how it ended.
//!
//! The ends are told apart because they mean different things to whoever runs the server: an orderly
//! release (FIN) is normal, an abort (RST) is not, and a limit is our own decision.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use crate::framing::FrameError;
use crate::units::counted;

/// How a connection ended.
#[derive(Debug)]
pub enum End {
    /// The client sent its FIN between two messages.
    EndOfStream,
    /// The client sent its FIN inside a message, or a message that is too long.
    Frame(FrameError),
    /// No whole message for the idle timeout.
    Idle,
    /// The client did not take its answers for the idle timeout.
    NotReading,
    /// We are shutting down; the answer in progress was sent.
    Shutdown,
    /// We are shutting down; the client did not take its answer within the grace period.
    Cut,
    /// The client's RST, or what else the system said.
    Failed(std::io::Error),
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EndOfStream => f.write_str("end of stream"),
            Self::Frame(error @ FrameError::TooLong { .. }) => write!(f, "{error} of --max-message"),
            Self::Frame(error) => write!(f, "{error}"),
            Self::Idle => f.write_str("idle"),
            Self::NotReading => f.write_str("the client does not read"),
            Self::Shutdown => f.write_str("shutdown"),
            Self::Cut => f.write_str("shutdown, cut before its answer was out"),
            Self::Failed(error) if error.kind() == std::io::ErrorKind::ConnectionReset => {
                f.write_str("reset by the client")
            }
            Self::Failed(error) => write!(f, "{error}"),
        }
    }
}

/// What one connection carried.
#[derive(Debug)]
pub struct Summary {
    /// The client's end.
    pub peer: SocketAddr,
    /// Messages answered.
    pub messages: u64,
    /// Bytes read from the client, with framing, and with what was refused or thrown away.
    pub bytes_in: u64,
    /// Bytes written to the client, with framing and refusals.
    pub bytes_out: u64,
    /// From accept to close.
    pub duration: Duration,
    /// How it ended.
    pub end: End,
}

impl fmt::Display for Summary {
    /// `Connection from 127.0.0.1:50312 closed: end of stream (2 messages, 12 bytes in, 46 bytes out, 3.2 s)`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { peer, messages, bytes_in, bytes_out, duration, end } = self;
        let messages = counted(*messages, "message");
        let (bytes_in, bytes_out) = (counted(*bytes_in, "byte"), counted(*bytes_out, "byte"));
        let seconds = duration.as_secs_f64();
        write!(f, "Connection from {peer} closed: {end} ")?;
        write!(f, "({messages}, {bytes_in} in, {bytes_out} out, {seconds:.1} s)")
    }
}

#[cfg(test)]
mod tests {
    use crate::framing::Inside;

    use super::*;

    #[test]
    fn a_summary_is_one_line_with_every_figure() {
        let summary = Summary {
            peer: "127.0.0.1:50312".parse().unwrap(),
            messages: 1,
            bytes_in: 1,
            bytes_out: 18,
            duration: Duration::from_millis(3210),
            end: End::Frame(FrameError::TruncatedAtEnd { inside: Inside::Message, got: 3, want: Some(12) }),
        };
        let want = "Connection from 127.0.0.1:50312 closed: peer closed after 3 of 12 bytes (1 message, 1 byte in, 18 bytes out, 3.2 s)";
        assert_eq!(summary.to_string(), want);
    }
}
