//! A topic's text: a title, paragraphs of at most 80 columns, tables.
//!
//! Built to be read from the last row of a classroom, and in Chinese as well as in English. Uses `table.rs`, and
//! netcommon's `columns` for where a line may break.

use netcommon::columns::{width, wrap};

use crate::table::Table;

/// What a projector and an old terminal show without wrapping.
pub const COLUMNS: usize = 80;

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
        let rule = "=".repeat(width(&title));
        Self { text: format!("{title}\n{rule}\n") }
    }

    /// Adds a paragraph, wrapped.
    pub fn paragraph(&mut self, text: &str) {
        self.text.push('\n');
        self.labelled("", text);
    }

    /// Adds lines that begin with `label`; the text is wrapped and stands beside it.
    pub fn labelled(&mut self, label: &str, text: &str) {
        let indent = width(label);
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
