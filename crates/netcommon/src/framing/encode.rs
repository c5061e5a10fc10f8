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
    encode_parts(framing, &[message], limits, out)
}

/// As [`encode_within`], with the message in parts, which are copied once: to `out`.
///
/// # Errors
///
/// As [`encode_within`].
///
/// # Examples
///
/// ```
/// use netcommon::framing::{Framing, Limits, encode_parts};
///
/// let mut wire = Vec::new();
/// encode_parts(Framing::Lines, &["早".as_bytes(), "安".as_bytes()], Limits::default(), &mut wire)?;
/// assert_eq!(wire, "早安\n".as_bytes());
/// # Ok::<(), netcommon::framing::EncodeError>(())
/// ```
pub fn encode_parts(framing: Framing, parts: &[&[u8]], limits: Limits, out: &mut Vec<u8>) -> Result<(), EncodeError> {
    let len = parts.iter().map(|part| part.len()).sum();
    let too_long = |limit| EncodeError::TooLong { len, limit };
    if framing != Framing::Raw && len > limits.message_len_max {
        return Err(too_long(limits.message_len_max));
    }
    let announced = u32::try_from(len).map_err(|_| too_long(u32::MAX as usize));
    match framing {
        Framing::Raw => {}
        Framing::Lines => {
            let mut before = 0;
            for part in parts {
                if let Some(at) = memchr::memchr(b'\n', part) {
                    return Err(EncodeError::LineFeedInside { at: before + at });
                }
                before += part.len();
            }
        }
        Framing::Length => out.extend_from_slice(&announced?.to_be_bytes()),
    }
    parts.iter().for_each(|part| out.extend_from_slice(part));
    if framing == Framing::Lines {
        let ends_with_cr = parts.iter().rfind(|part| !part.is_empty()).is_some_and(|part| part.ends_with(b"\r"));
        out.extend_from_slice(if ends_with_cr { b"\r\n" } else { b"\n" });
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
