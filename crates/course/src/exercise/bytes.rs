//! Bytes as an exercise's file writes them: text, escapes for what is no text, and `…` for whatever comes.
//!
//! Pure. `你好` stands for its UTF-8; `\n`, `\r`, `\t`, `\\`, `\xff` and `\u{202e}` for what the course prints
//! like that (`netcommon::escape`); `{1025 x a}` for 1,025 times `a`, because nobody counts such a line by eye.

use netcommon::escape::{Escaped, escape};

/// More repetitions than any case needs: a datagram's 65,507 bytes and a frame's 65,536 have room.
const REPEATED_MAX: usize = 200_000;

/// How much of a message a failure shows: enough for every case's own lines, little enough for a screen.
const SHOWN_MAX: usize = 160;

/// The bytes that `text` stands for.
///
/// # Errors
/// What is wrong with it, in words for its author.
///
/// # Examples
/// ```
/// use course::exercise::bytes::unescape;
///
/// assert_eq!(unescape(r"好\n\xff").unwrap(), b"\xe5\xa5\xbd\n\xff");
/// assert_eq!(unescape("{3 x 哈}").unwrap(), "哈哈哈".as_bytes());
/// assert_eq!(unescape("{not a count}").unwrap(), b"{not a count}");
/// assert!(unescape(r"\q").is_err());
/// ```
pub fn unescape(text: &str) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if let Some((count, repeated, after)) = repetition(rest) {
            if count > REPEATED_MAX {
                return Err(format!("{count} repetitions; at most {REPEATED_MAX}"));
            }
            bytes.extend(unescape(repeated)?.repeat(count));
            rest = after;
        } else if let Some(escaped) = rest.strip_prefix('\\') {
            rest =
                unescape_one(escaped, &mut bytes).ok_or_else(|| format!("`{rest}` does not begin with an escape"))?;
        } else {
            bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            rest = &rest[c.len_utf8()..];
        }
    }
    Ok(bytes)
}

/// Splits `{COUNT x TEXT}` from the front of `text`.
fn repetition(text: &str) -> Option<(usize, &str, &str)> {
    let (inside, after) = text.strip_prefix('{')?.split_once('}')?;
    let (count, repeated) = inside.split_once(" x ")?;
    Some((count.parse().ok()?, repeated, after))
}

/// Appends what `escaped`, which follows a backslash, begins with; returns what is behind it.
fn unescape_one<'a>(escaped: &'a str, bytes: &mut Vec<u8>) -> Option<&'a str> {
    let hex = |digits: &str| u32::from_str_radix(digits, 16).ok();
    match escaped.chars().next()? {
        'n' => bytes.push(b'\n'),
        'r' => bytes.push(b'\r'),
        't' => bytes.push(b'\t'),
        '\\' => bytes.push(b'\\'),
        'x' => {
            bytes.push(u8::try_from(hex(escaped.get(1..3)?)?).ok()?);
            return Some(&escaped[3..]);
        }
        'u' => {
            let (digits, after) = escaped[1..].strip_prefix('{')?.split_once('}')?;
            let c = char::from_u32(hex(digits)?)?;
            bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            return Some(after);
        }
        _ => return None,
    }
    Some(&escaped[1..])
}

/// A message for the screen: without anything that a terminal would obey, and cut when it is long.
#[must_use]
pub fn shown(message: &[u8]) -> Escaped<'_> {
    escape(message).at_most(SHOWN_MAX)
}

/// A message that is waited for: pieces of it, with anything between them.
///
/// # Examples
/// ```
/// use course::exercise::bytes::Wanted;
///
/// let wanted = Wanted::parse("! Name …: …").unwrap();
/// assert!(wanted.is(b"! Name bob: somebody has it"));
/// assert!(!wanted.is(b"! Name bob"));
/// assert!(!Wanted::parse("你好").unwrap().is("你好！".as_bytes()));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// The first one stands at the beginning and the last one at the end.
    pieces: Vec<Vec<u8>>,
}

impl Wanted {
    /// Reads what a file says.
    ///
    /// # Errors
    /// As [`unescape`].
    pub fn parse(text: &str) -> Result<Self, String> {
        Ok(Self { pieces: text.split('…').map(unescape).collect::<Result<_, _>>()? })
    }

    /// Whether `message` is what was waited for.
    #[must_use]
    pub fn is(&self, message: &[u8]) -> bool {
        let [first, between @ .., last] = &self.pieces[..] else {
            return self.pieces.first().is_some_and(|only| only == message);
        };
        let Some(mut rest) = message.strip_prefix(&first[..]).and_then(|rest| rest.strip_suffix(&last[..])) else {
            return false;
        };
        between.iter().all(|piece| match find(rest, piece) {
            Some(start) => {
                rest = &rest[start + piece.len()..];
                true
            }
            None => false,
        })
    }
}

/// Where `piece` begins in `bytes` for the first time.
fn find(bytes: &[u8], piece: &[u8]) -> Option<usize> {
    if piece.is_empty() { Some(0) } else { bytes.windows(piece.len()).position(|window| window == piece) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_course_escapes_comes_back_as_the_same_bytes() {
        for bytes in [&b"\0\x1b[2J\r\n\t\\"[..], "你好\u{202e}".as_bytes(), b"\xe4\xbd", b"{x}"] {
            assert_eq!(unescape(&escape(bytes).to_string()), Ok(bytes.to_vec()));
        }
    }

    #[test]
    fn a_wrong_escape_and_an_endless_repetition_are_refused() {
        for wrong in [r"\", r"\x", r"\x4", r"\xg0", r"\x你", r"\u{}", r"\u{d800}", "{999999999 x a}", r"{2 x \q}"] {
            assert!(unescape(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn anything_may_stand_for_the_ellipsis_and_nothing_for_the_rest() {
        let is = |wanted: &str, message: &str| Wanted::parse(wanted).unwrap().is(message.as_bytes());
        for (wanted, message) in
            [("…", ""), ("…", "好"), ("a…", "a"), ("…z", "xyz"), ("a…b…c", "a1b2c"), ("a…b…c", "abbc"), ("", "")]
        {
            assert!(is(wanted, message), "{wanted} {message}");
        }
        for (wanted, message) in [("a…a", "a"), ("a…b…c", "ac"), ("a…b…b", "ab"), ("a", "ab"), ("", "x"), ("…z", "zx")]
        {
            assert!(!is(wanted, message), "{wanted} {message}");
        }
    }

    #[test]
    fn a_long_message_is_cut_for_the_screen() {
        assert_eq!(shown("好\n".as_bytes()).to_string(), r"好\n");
        assert_eq!(shown(&[b'a'; 5000]).to_string().len(), SHOWN_MAX + "...".len());
    }
}
