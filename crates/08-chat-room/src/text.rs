//! Text that is passed on, made harmless for whoever reads it.
//!
//! A terminal obeys control characters, and an editor turns lines around for bidirectional overrides; both
//! arrive as U+FFFD, so that nothing is hidden and nothing obeyed. Line separators too: no reader shall see
//! two lines where one was said. Read `line.rs` before. Sources: ECMA-48, UAX #9 section 2.

/// Appends `text` to `to`, with U+FFFD for every character that a reader's screen might obey.
///
/// # Examples
/// ```
/// let mut safe = Vec::new();
/// chat_room::text::push_safe("早\u{1b}[2J安", &mut safe);
/// assert_eq!(safe, "早\u{fffd}[2J安".as_bytes());
/// ```
pub fn push_safe(text: &str, to: &mut Vec<u8>) {
    let mut rest = text;
    while let Some((at, c)) = rest.char_indices().find(|(_, c)| is_unsafe(*c)) {
        to.extend_from_slice(&rest.as_bytes()[..at]);
        to.extend_from_slice("\u{fffd}".as_bytes());
        rest = &rest[at + c.len_utf8()..];
    }
    to.extend_from_slice(rest.as_bytes());
}

/// As [`push_safe`], for a text of its own, cut after `chars_max` characters with `…`.
///
/// # Examples
/// ```
/// assert_eq!(chat_room::text::safe("一二三\u{7}", 2), "一二…");
/// ```
#[must_use]
pub fn safe(text: &str, chars_max: usize) -> String {
    let mut chars = text.chars().map(|c| if is_unsafe(c) { '\u{fffd}' } else { c });
    let mut short: String = chars.by_ref().take(chars_max).collect();
    if chars.next().is_some() {
        short.push('…');
    }
    short
}

/// Control characters (C0, DEL, C1), line and paragraph separators, bidirectional embeddings, overrides
/// and isolates.
#[must_use]
pub fn is_unsafe(c: char) -> bool {
    // Nearly all text passes the first test.
    c < ' ' || c >= '\u{7f}' && (c <= '\u{9f}' || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_character_that_a_screen_obeys_is_replaced_and_no_other() {
        for code in 0..=u32::from(char::MAX) {
            let Some(c) = char::from_u32(code) else { continue };
            let obeyed =
                c.is_control() || ('\u{2028}'..='\u{202e}').contains(&c) || ('\u{2066}'..='\u{2069}').contains(&c);
            assert_eq!(is_unsafe(c), obeyed, "U+{code:04X}");
        }
    }

    #[test]
    fn what_stands_around_stays() {
        for (text, want) in [
            ("", ""),
            ("大家好", "大家好"),
            ("\u{0}a\u{202e}b\u{9b}", "\u{fffd}a\u{fffd}b\u{fffd}"),
            ("\r\t", "\u{fffd}\u{fffd}"),
        ] {
            let mut safe = Vec::new();
            push_safe(text, &mut safe);
            assert_eq!(String::from_utf8(safe).unwrap(), want);
        }
    }
}
