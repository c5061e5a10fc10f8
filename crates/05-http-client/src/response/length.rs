//! How long the content is: the rules of RFC 9112 section 6.3, in their order.
//!
//! This is where clients are fooled most often. `"+5".parse::<u64>()` succeeds in Rust, two different
//! lengths make two readers see two messages, and `Transfer-Encoding` overrules them all. Read `head.rs`
//! before, `chunked.rs` after. Source: RFC 9112 sections 6.1 to 6.3.

use super::Asked;
use super::error::ResponseError;
use super::head::Head;

/// How the end of the content is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContentLength {
    /// No content at all, whatever the fields say.
    None,
    /// So many bytes.
    Bytes(u64),
    /// Pieces that each say their size.
    Chunked,
    /// Everything up to the end of stream.
    UntilClose,
}

impl ContentLength {
    /// Applies the rules to a final response.
    ///
    /// # Errors
    /// Lengths that contradict one another or are no numbers, and codings that we do not know.
    // ANCHOR: rules
    pub fn of(head: &Head, asked: Asked) -> Result<Self, ResponseError> {
        // Rule 1: no content, even where the fields announce some.
        if asked == Asked::Head || matches!(head.status, 204 | 304) {
            return Ok(Self::None);
        }
        // Rule 2: behind a successful CONNECT the bytes belong to the tunnel.
        if asked == Asked::Connect && (200..300).contains(&head.status) {
            return Ok(Self::None);
        }
        // Rules 3 and 4: Transfer-Encoding overrules Content-Length.
        if head.fields.get("Transfer-Encoding").is_some() && is_chunked(head)? {
            return Ok(Self::Chunked);
        }
        // Rules 5 and 6: one valid Content-Length. Rule 8: nothing is announced.
        Ok(announced(head)?.map_or(Self::UntilClose, Self::Bytes))
    }
    // ANCHOR_END: rules
}

/// Chunked must be there, once and alone: we ask for no other coding (no `TE` field is sent).
///
/// `identity` was HTTP/1.1's name for no coding at all until RFC 7230 took it away: whoever still says it means
/// that the other rules hold.
fn is_chunked(head: &Head) -> Result<bool, ResponseError> {
    let codings = head.fields.members("Transfer-Encoding");
    let codings: Vec<&str> = codings.iter().map(String::as_str).collect();
    let why = match codings.as_slice() {
        ["chunked"] => return Ok(true),
        ["identity"] => return Ok(false),
        [] => "the list is empty",
        codings if codings.iter().filter(|coding| **coding == "chunked").count() > 1 => "chunked more than once",
        _ => "only `chunked` is known, and it was the only one offered",
    };
    Err(ResponseError::TransferCoding { value: codings.join(", "), why })
}

/// The length in `Content-Length`, if there is one.
///
/// The same length twice could be taken for one (RFC 9110 section 8.6 leaves it open). It comes from two
/// programs on the way that each believed to be the only one; then nothing else of theirs is to be believed.
fn announced(head: &Head) -> Result<Option<u64>, ResponseError> {
    let mut values = head.fields.all("Content-Length");
    let Some(value) = values.next() else { return Ok(None) };
    let wrong = |value: &[u8], why| ResponseError::ContentLength { value: value.to_vec(), why };
    if let Some(other) = values.next() {
        let both = [value, b" and ", other].concat();
        let why = if other == value { "the field is repeated" } else { "two different lengths" };
        return Err(wrong(&both, why));
    }
    parse_decimal(value).map(Some).map_err(|why| wrong(value, why))
}

/// Digits and nothing else: no sign, no list, no `0x`.
fn parse_decimal(value: &[u8]) -> Result<u64, &'static str> {
    if value.contains(&b',') {
        return Err("several lengths in one field");
    }
    if value.is_empty() || !value.iter().all(u8::is_ascii_digit) {
        return Err("only the digits 0 to 9 make a length");
    }
    let add = |sum: u64, digit: &u8| sum.checked_mul(10)?.checked_add(u64::from(digit - b'0'));
    value.iter().try_fold(0, add).ok_or("more than 2^64 - 1 bytes")
}
