//! Text in columns: as wide as a terminal shows it, where `字` takes two columns and `a` one.
//!
//! Pure. Bytes are not characters are not columns: a label is padded and a sentence is broken by what
//! the eye sees. Source: UAX #11 (East Asian width) through unicode-width; the characters that must
//! not begin a line are the common part of UAX #14's closing punctuation.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Punctuation that belongs to what stands before it.
const NEVER_FIRST: &str = "，。、；：！？）」』》…,.;:!?)";

/// Punctuation that belongs to what follows it.
const NEVER_LAST: &str = "（「『《(";

/// The columns that `text` takes.
///
/// # Examples
/// ```
/// assert_eq!(netcommon::columns::width("小明 a"), 6);
/// ```
#[must_use]
pub fn width(text: &str) -> usize {
    text.width()
}

/// `text` with spaces after it up to `columns`.
///
/// # Examples
/// ```
/// assert_eq!(netcommon::columns::pad("小明", 6), "小明  ");
/// ```
#[must_use]
pub fn pad(text: &str, columns: usize) -> String {
    let missing = columns.saturating_sub(width(text));
    format!("{text}{}", " ".repeat(missing))
}

/// Breaks `text` into lines of at most `columns` columns: after spaces and beside Chinese characters,
/// and inside a word only if that word alone is too wide. A text that fits comes back as it is.
///
/// # Examples
/// ```
/// use netcommon::columns::wrap;
///
/// assert_eq!(wrap("two words", 6), ["two", "words"]);
/// assert_eq!(wrap("你好，世界", 5), ["你", "好，", "世界"]);
/// ```
#[must_use]
pub fn wrap(text: &str, columns: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut rest = text;
    while let Some(end) = break_at(rest, columns) {
        lines.push(rest[..end].trim_end().to_owned());
        rest = rest[end..].trim_start();
    }
    if !rest.is_empty() || lines.is_empty() {
        lines.push(rest.to_owned());
    }
    lines
}

/// Where the first line of `text` ends; `None` if all of it fits.
fn break_at(text: &str, columns: usize) -> Option<usize> {
    let mut used = 0;
    let mut best = None;
    let mut before = ' ';
    for (start, c) in text.char_indices() {
        // Spaces before a break are dropped, so they may stick out.
        if start > 0 && may_break(before, c) && !text[..start].trim().is_empty() {
            best = Some(start);
        }
        used += c.width().unwrap_or(0);
        if used > columns && c != ' ' {
            // At least one character a line, or a narrow column would never end.
            return best.or(Some(start)).map(|end| end.max(text.chars().next().map_or(1, char::len_utf8)));
        }
        before = c;
    }
    None
}

fn may_break(before: char, after: char) -> bool {
    let is_wide = |c: char| c.width() == Some(2);
    if before == ' ' {
        return after != ' ';
    }
    let hangs_together = NEVER_FIRST.contains(after) || NEVER_LAST.contains(before) || after == ' ';
    !hangs_together && (is_wide(before) || is_wide(after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_fits_and_no_character_is_lost() {
        let text = "The server said 你好，世界！ and then (really) closed 「連線」; averyveryverylongword follows.";
        for columns in 2..100 {
            let lines = wrap(text, columns);
            assert!(lines.iter().all(|line| width(line) <= columns), "{columns}: {lines:?}");
            let squeeze = |text: &str| text.replace(' ', "");
            assert_eq!(squeeze(&lines.concat()), squeeze(text));
        }
    }

    #[test]
    fn closing_punctuation_does_not_begin_a_line() {
        for columns in 6..40 {
            let lines = wrap("他說「你好，世界」，然後（真的）離開。", columns);
            let bad =
                lines.iter().any(|line| line.starts_with(['，', '」', '。', '）']) || line.ends_with(['「', '（']));
            assert!(!bad, "{columns}: {lines:?}");
        }
    }

    #[test]
    fn a_text_that_fits_keeps_its_spaces() {
        assert_eq!(wrap("  a   b", 7), ["  a   b"]);
        assert_eq!(wrap("", 7), [""]);
        assert_eq!(wrap("with ::1.", 5), ["with", "::1."]);
    }

    #[test]
    fn a_column_narrower_than_a_character_still_ends() {
        assert_eq!(wrap("你好", 1), ["你", "好"]);
    }
}
