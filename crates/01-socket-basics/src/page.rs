//! A topic's text: a title, paragraphs of at most 80 columns, tables.
//!
//! Built to be read from the last row of a classroom, and in Chinese as well as in English: a line may
//! break at a blank and between two wide characters, but not before a closing mark. Uses `table.rs`.
//! Source: the rules for closing marks are a small part of UAX #14, Line Breaking.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::table::Table;

/// What a projector and an old terminal show without wrapping.
pub const COLUMNS: usize = 80;

/// Marks that may not begin a line.
const CLOSING: &str = "，。；：、！？」』）”’";

/// The text of one topic, growing from top to bottom.
#[derive(Debug, Clone)]
pub struct Page {
    text: String,
}

impl Page {
    /// A page with the topic's name and what it is about.
    #[must_use]
    pub fn new(topic: &str, about: &str) -> Self {
        let title = format!("{topic} - {about}");
        let rule = "=".repeat(title.width());
        Self { text: format!("{title}\n{rule}\n") }
    }

    /// Adds a paragraph, wrapped.
    pub fn paragraph(&mut self, text: &str) {
        self.text.push('\n');
        self.labelled("", text);
    }

    /// Adds lines that begin with `label`; the text is wrapped and stands beside it.
    pub fn labelled(&mut self, label: &str, text: &str) {
        let indent = label.width();
        for (index, line) in wrap(text, COLUMNS - indent).into_iter().enumerate() {
            let before = if index == 0 { label.to_owned() } else { " ".repeat(indent) };
            let line = format!("{before}{line}");
            self.text.push_str(line.trim_end());
            self.text.push('\n');
        }
    }

    /// Adds an empty line.
    pub fn gap(&mut self) {
        self.text.push('\n');
    }

    /// Adds a table after an empty line.
    pub fn table(&mut self, table: &Table) {
        self.text.push('\n');
        self.text.push_str(&table.to_string());
    }

    /// The finished text, without a line end at its end.
    #[must_use]
    pub fn finish(self) -> String {
        self.text.trim_end().to_owned()
    }
}

/// Cuts `text` into lines of at most `columns`; a word longer than that stays whole.
fn wrap(text: &str, columns: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for piece in pieces(text) {
        if !line.is_empty() && line.width() + piece.trim_end().width() > columns {
            lines.push(line.trim_end().to_owned());
            line.clear();
        }
        line.push_str(piece);
    }
    lines.push(line.trim_end().to_owned());
    lines
}

/// The parts of `text` between which a line may break: words with their blank, single wide characters
/// with the closing marks behind them.
fn pieces(text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut start = 0;
    let mut before: Option<char> = None;
    for (at, c) in text.char_indices() {
        let may_break = before.is_some_and(|before| {
            c != ' ' && !CLOSING.contains(c) && (before == ' ' || is_wide(before) || is_wide(c)) && !opens(before)
        });
        if may_break {
            pieces.push(&text[start..at]);
            start = at;
        }
        before = Some(c);
    }
    pieces.push(&text[start..]);
    pieces
}

fn is_wide(c: char) -> bool {
    c.width() == Some(2)
}

/// Marks that may not end a line.
fn opens(c: char) -> bool {
    "「『（“‘".contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn english_breaks_at_blanks() {
        assert_eq!(wrap("one two three", 9), ["one two", "three"]);
        assert_eq!(wrap("unbreakable word", 4), ["unbreakable", "word"]);
    }

    #[test]
    fn chinese_breaks_between_characters_but_not_before_a_closing_mark() {
        assert_eq!(wrap("主機在，但沒有人在聽。", 8), ["主機在，", "但沒有人", "在聽。"]);
        assert_eq!(wrap("用戶端在聽。", 10), ["用戶端在", "聽。"]);
        assert_eq!(wrap("執行 connect 之前", 12), ["執行 connect", "之前"]);
    }
}
