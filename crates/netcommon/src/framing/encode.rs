//! The way out: a message with its framing around it.
//!
//! The inverse of the decoders: whatever `encode` writes, a decoder of the same framing gives back
//! byte for byte. Read `lines.rs` and `length.rs` for the formats first.

use std::io::Write;

use super::{EncodeError, Framing, Limits, WriteError};

/// Appends `message` to `out` as it goes on the wire, within [`Limits::default`].
///
/// Several messages encoded into one buffer can be sent with one write. On an error `out` is as before.
/// A line that ends with CR is ended with CR LF, because the receiver drops one CR.
///
/// # Errors
///
/// [`EncodeError::LineFeedInside`] and [`EncodeError::TooLong`]: the receiver would take the message for
/// two, or refuse it. Raw takes any bytes.
///
/// # Examples
///
/// ```
/// use netcommon::framing::{Framing, encode};
///
/// let mut wire = Vec::new();
/// encode(Framing::Length, "你好".as_bytes(), &mut wire)?;
/// encode(Framing::Length, b"", &mut wire)?;
/// assert_eq!(wire, b"\0\0\0\x06\xe4\xbd\xa0\xe5\xa5\xbd\0\0\0\0");
/// # Ok::<(), netcommon::framing::EncodeError>(())
/// ```
pub fn encode(framing: Framing, message: &[u8], out: &mut Vec<u8>) -> Result<(), EncodeError> {
    encode_within(framing, message, Limits::default(), out)
}

/// As [`encode`], with the receiver's limits where they are not the default.
///
/// # Errors
///
/// As [`encode`]; whatever the limits, a length prefix carries 4,294,967,295 bytes at most.
///
/// # Examples
///
/// ```
/// use netcommon::framing::{Framing, Limits, encode_within};
///
/// let limits = Limits { message_len_max: 5 };
/// let error = encode_within(Framing::Lines, "早安".as_bytes(), limits, &mut Vec::new()).unwrap_err();
/// assert_eq!(error.to_string(), "message of 6 bytes exceeds the limit of 5 bytes");
/// ```
pub fn encode_within(framing: Framing, message: &[u8], limits: Limits, out: &mut Vec<u8>) -> Result<(), EncodeError> {
    let len = message.len();
    let too_long = |limit| EncodeError::TooLong { len, limit };
    if framing != Framing::Raw && len > limits.message_len_max {
        return Err(too_long(limits.message_len_max));
    }
    match framing {
        Framing::Raw => out.extend_from_slice(message),
        Framing::Lines => {
            if let Some(at) = message.iter().position(|&byte| byte == b'\n') {
                return Err(EncodeError::LineFeedInside { at });
            }
            out.extend_from_slice(message);
            let ending: &[u8] = if message.ends_with(b"\r") { b"\r\n" } else { b"\n" };
            out.extend_from_slice(ending);
        }
        Framing::Length => {
            let announced = u32::try_from(len).map_err(|_| too_long(u32::MAX as usize))?;
            out.extend_from_slice(&announced.to_be_bytes());
            out.extend_from_slice(message);
        }
    }
    Ok(())
}

/// Writes one message, within [`Limits::default`], with one `write_all`.
///
/// Header and message go out together on purpose. Written apart they are two small segments: without
/// `TCP_NODELAY` the second waits for the acknowledgement of the first (Nagle's algorithm, RFC 9293
/// §3.7.4), which the receiver may delay by up to half a second (RFC 9293 §3.8.6.3); with it they cost
/// two system calls and two segments. Blocks while the send buffer is full; a write timeout or the
/// peer's reset ends that.
///
/// # Errors
///
/// [`WriteError::Encode`] if the framing cannot carry the message (nothing was written), else
/// [`WriteError::Io`].
///
/// # Examples
///
/// ```
/// use netcommon::framing::{Framing, write_message};
///
/// let mut sent = Vec::new(); // a `&TcpStream` serves as well
/// write_message(&mut sent, Framing::Lines, "早安".as_bytes())?;
/// assert_eq!(sent, "早安\n".as_bytes());
/// # Ok::<(), netcommon::framing::WriteError>(())
/// ```
pub fn write_message<W: Write>(writer: &mut W, framing: Framing, message: &[u8]) -> Result<(), WriteError> {
    let mut wire = Vec::new();
    encode(framing, message, &mut wire)?;
    writer.write_all(&wire)?;
    Ok(())
}
