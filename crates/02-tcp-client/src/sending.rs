//! How a message goes out: with its framing, and as badly as the user wants to see it.
//!
//! A good client writes a message with one call. A network may still deliver it in pieces, or glue it to
//! the next; on one machine that hardly ever happens, so [`Manner`] makes it happen. Read `writer.rs` next.

use std::io::{self, Write};
use std::thread;
use std::time::Duration;

use netcommon::framing::{EncodeError, Framing, Limits, encode_within};

/// Between two slices: long enough that the server reads the first before the second comes, also on a
/// busy machine, and short enough to watch.
const SLICE_PAUSE: Duration = Duration::from_millis(250);

/// The bytes of `messages` as they go on the wire, one behind the other.
///
/// # Errors
/// When the framing cannot carry one of them, or it is longer than `limits` allow.
///
/// # Examples
/// ```
/// use netcommon::framing::{Framing, Limits};
/// use tcp_client::sending::encode_all;
///
/// let wire = encode_all(Framing::Lines, Limits::default(), &["你好", "bob"])?;
/// assert_eq!(wire, "你好\nbob\n".as_bytes());
/// # Ok::<(), netcommon::framing::EncodeError>(())
/// ```
pub fn encode_all(framing: Framing, limits: Limits, messages: &[impl AsRef<[u8]>]) -> Result<Vec<u8>, EncodeError> {
    let mut wire = Vec::new();
    for message in messages {
        encode_within(framing, message.as_ref(), limits, &mut wire)?;
    }
    Ok(wire)
}

/// How the encoded bytes are handed to the kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// One write for each message.
    Whole,
    /// So many bytes at a time, with a pause between, as a slow network would deliver them.
    Sliced(usize),
}

impl Manner {
    /// Writes all of `wire`.
    ///
    /// `send(2)`; blocks while the send buffer is full, and for the pauses between slices.
    ///
    /// # Errors
    /// When the connection is over.
    ///
    /// # Examples
    /// ```
    /// use tcp_client::sending::Manner;
    ///
    /// let mut sent = Vec::new(); // a `&TcpStream` serves as well
    /// Manner::Sliced(2).write(&mut sent, "你好".as_bytes())?;
    /// assert_eq!(sent, "你好".as_bytes());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn write(self, stream: &mut impl Write, wire: &[u8]) -> io::Result<()> {
        match self {
            Self::Whole => stream.write_all(wire),
            Self::Sliced(len) => write_sliced(stream, wire, len),
        }
    }
}

fn write_sliced(stream: &mut impl Write, wire: &[u8], len: usize) -> io::Result<()> {
    for (index, slice) in wire.chunks(len.max(1)).enumerate() {
        if index > 0 {
            thread::sleep(SLICE_PAUSE);
        }
        stream.write_all(slice)?;
    }
    Ok(())
}
