//! How a message goes out: with its framing, and as badly as the user wants to see it.
//!
//! A good client writes a message with one call. A network may still deliver it in pieces, or glue it to
//! the next; on one machine that hardly ever happens, so [`Manner`] makes it happen.

use std::io::{self, Write};
use std::thread;
use std::time::Duration;

use netcommon::framing::{EncodeError, Framing, encode};

/// Between two slices: long enough that the server reads the first before the second comes, also on a
/// busy machine.
const SLICE_PAUSE: Duration = Duration::from_millis(100);

/// How the encoded bytes are handed to the kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// One write for each message.
    Whole,
    /// So many bytes at a time, with a pause between, as a slow network would deliver them.
    Sliced(usize),
}

/// Encodes messages and writes them.
#[derive(Debug, Clone, Copy)]
pub struct Sender {
    /// The framing that both ends agreed on.
    pub framing: Framing,
    /// How the bytes go out.
    pub manner: Manner,
}

/// A message could not be sent.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// The framing cannot carry it; nothing was sent.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// The system refused it.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl Sender {
    /// Sends `messages` as if they were one: encoded one after the other, written together.
    ///
    /// `send(2)`; blocks while the send buffer is full, and for the pauses between slices.
    ///
    /// # Errors
    /// [`SendError::Encode`] before anything is sent, [`SendError::Io`] when the connection is over.
    ///
    /// # Examples
    /// ```
    /// use netcommon::framing::Framing;
    /// use tcp_client::sending::{Manner, Sender};
    ///
    /// let mut wire = Vec::new();
    /// let sender = Sender { framing: Framing::Lines, manner: Manner::Whole };
    /// sender.send(&mut wire, &["你好", "bob"])?;
    /// assert_eq!(wire, "你好\nbob\n".as_bytes());
    /// # Ok::<(), tcp_client::sending::SendError>(())
    /// ```
    pub fn send(&self, stream: &mut impl Write, messages: &[impl AsRef<[u8]>]) -> Result<(), SendError> {
        let mut wire = Vec::new();
        for message in messages {
            encode(self.framing, message.as_ref(), &mut wire)?;
        }
        match self.manner {
            Manner::Whole => stream.write_all(&wire)?,
            Manner::Sliced(len) => write_sliced(stream, &wire, len)?,
        }
        Ok(())
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
