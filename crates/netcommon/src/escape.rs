//! Text from the network, made safe for a terminal and still readable.
//!
//! A terminal obeys what it is shown: ESC sequences move the cursor, change the title, fill the
//! clipboard; bidirectional overrides make a line read backwards. So bytes of a peer are printed
//! through [`escape`], which shows printable text as it is (Chinese stays Chinese) and everything
//! else as the escape that Rust and Python programmers know (`\n`, `\x1b`, `\u{202e}`).
//! Sources: ECMA-48 (control functions), UAX #9 section 2 (bidirectional formatting characters).

use std::fmt::{self, Write};

/// Shows `bytes` so that a terminal only prints them.
///
/// Valid UTF-8 that is printable comes through untouched; control characters, bidirectional
/// formatting, other invisible format characters, line and paragraph separators, private-use
/// characters and the backslash itself are escaped; a byte that is not UTF-8 becomes `\xNN`.
/// So two different inputs never look the same.
///
/// # Examples
/// ```
/// use netcommon::escape::escape;
///
/// assert_eq!(escape("你好".as_bytes()).to_string(), "你好");
/// assert_eq!(escape(b"\x1b[2J").to_string(), r"\x1b[2J");
/// // The first two of the three bytes of 好: a character that was cut.
/// assert_eq!(escape(&"好".as_bytes()[..2]).to_string(), r"\xe5\xa5");
/// ```
#[must_use]
pub fn escape(bytes: &[u8]) -> Escaped<'_> {
    Escaped { bytes, quote: false, bytes_shown_max: usize::MAX }
}

/// Shows `bytes` as [`escape`] does, in double quotes, and at most about `bytes_shown_max` of them;
/// `...` after the closing quote says that there was more.
///
/// A character is never cut by the limit, only by the network.
///
/// # Examples
/// ```
/// use netcommon::escape::quote;
///
/// assert_eq!(quote(b"say \"hi\"", 32).to_string(), r#""say \"hi\"""#);
/// assert_eq!(quote("你好嗎".as_bytes(), 6).to_string(), r#""你好"..."#);
/// ```
#[must_use]
pub fn quote(bytes: &[u8], bytes_shown_max: usize) -> Escaped<'_> {
    Escaped { bytes, quote: true, bytes_shown_max }
}

/// What [`escape`] and [`quote`] return: prints itself escaped, without an allocation.
#[derive(Debug, Clone, Copy)]
pub struct Escaped<'a> {
    bytes: &'a [u8],
    quote: bool,
    bytes_shown_max: usize,
}

impl Escaped<'_> {
    /// Shows at most about `bytes_shown_max` bytes; `...` at the end says that there were more.
    ///
    /// # Examples
    /// ```
    /// use netcommon::escape::escape;
    ///
    /// assert_eq!(escape("你好嗎".as_bytes()).at_most(6).to_string(), "你好...");
    /// ```
    #[must_use]
    pub fn at_most(self, bytes_shown_max: usize) -> Self {
        Self { bytes_shown_max, ..self }
    }
}

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.quote {
            f.write_char('"')?;
        }
        let mut shown = 0;
        'all: for chunk in self.bytes.utf8_chunks() {
            for c in chunk.valid().chars() {
                if shown + c.len_utf8() > self.bytes_shown_max {
                    break 'all;
                }
                shown += c.len_utf8();
                self.write_char(f, c)?;
            }
            for byte in chunk.invalid() {
                if shown == self.bytes_shown_max {
                    break 'all;
                }
                shown += 1;
                write!(f, "\\x{byte:02x}")?;
            }
        }
        if self.quote {
            f.write_char('"')?;
        }
        if shown < self.bytes.len() {
            f.write_str("...")?;
        }
        Ok(())
    }
}

impl Escaped<'_> {
    fn write_char(&self, f: &mut fmt::Formatter<'_>, c: char) -> fmt::Result {
        match c {
            '\n' => f.write_str("\\n"),
            '\r' => f.write_str("\\r"),
            '\t' => f.write_str("\\t"),
            '\\' => f.write_str("\\\\"),
            '"' if self.quote => f.write_str("\\\""),
            _ if c.is_ascii_control() => write!(f, "\\x{:02x}", u32::from(c)),
            _ if is_unsafe_to_show(c) => write!(f, "\\u{{{:x}}}", u32::from(c)),
            _ => f.write_char(c),
        }
    }
}

/// Whether a terminal would obey `c`, hide it, or reorder what stands around it.
fn is_unsafe_to_show(c: char) -> bool {
    c.is_control() // C1: U+009B is a one-character "ESC [".
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' // Soft hyphen, Arabic letter mark, vowel separator.
            | '\u{200b}'..='\u{200f}' // Zero-width characters, left-to-right and right-to-left marks.
            | '\u{2028}'..='\u{202e}' // Line and paragraph separators, embeddings and overrides.
            | '\u{2060}'..='\u{206f}' // Word joiner, isolates, deprecated formatting.
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}' // Byte order mark, interlinear annotation.
            | '\u{e000}'..='\u{f8ff}' // Private use: any picture at all.
            | '\u{e0000}'.. // Tags, variation selectors, private-use planes.
        )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_shown_instead() {
        for (input, want) in [
            ("\x1b]0;title\x07", r"\x1b]0;title\x07"),
            ("a\r\nb\tc\0", r"a\r\nb\tc\x00"),
            ("\u{9b}2J", r"\u{9b}2J"),
            ("abc\u{202e}cba", r"abc\u{202e}cba"),
            ("C:\\x1b", r"C:\\x1b"),
            ("教室 🎓", "教室 🎓"),
        ] {
            assert_eq!(escape(input.as_bytes()).to_string(), want);
        }
    }

    #[test]
    fn a_limit_inside_a_character_shows_only_whole_characters() {
        assert_eq!(quote("你好".as_bytes(), 5).to_string(), r#""你"..."#);
        assert_eq!(quote("你好".as_bytes(), 6).to_string(), r#""你好""#);
        assert_eq!(quote(b"\xff\xff", 1).to_string(), r#""\xff"..."#);
    }

    proptest! {
        #[test]
        fn nothing_that_a_terminal_obeys_comes_through(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let shown = escape(&bytes).to_string();
            prop_assert!(!shown.chars().any(is_unsafe_to_show), "{shown:?}");
        }

        #[test]
        fn different_bytes_look_different(a in any::<Vec<u8>>(), b in any::<Vec<u8>>()) {
            prop_assert_eq!(a == b, escape(&a).to_string() == escape(&b).to_string());
        }
    }
}
