//! Writing HTML: text is escaped by the one function through which all of it goes.
//!
//! What a log holds may come from a stranger: `<script>` in a process's name is shown as these eight characters. The page
//! also forbids the browser, by its policy, to run or load anything. Source: HTML Standard, section 13.3.

use std::fmt::{self, Write};

use netcommon::escape::escape;

/// A page that is being written.
#[derive(Debug, Default)]
pub(super) struct Html(String);

impl Html {
    /// Adds markup that this program has written itself.
    pub(super) fn raw(&mut self, markup: fmt::Arguments<'_>) {
        // Writing to a String cannot fail.
        let _ = self.0.write_fmt(markup);
    }

    /// Adds `<tag>text</tag>`; the tag may have attributes of ours.
    pub(super) fn element(&mut self, tag: &str, content: impl fmt::Display) {
        let name = tag.split(' ').next().unwrap_or(tag);
        self.raw(format_args!("<{tag}>{}</{name}>", text(content)));
    }

    /// Adds a table. The first cell of each row names it; columns in `left` are aligned left.
    pub(super) fn table(&mut self, caption: &str, heading: &[&str], left: &[usize], rows: &[Vec<String>]) {
        self.raw(format_args!("<div class=wide><table>"));
        if !caption.is_empty() {
            self.element("caption", caption);
        }
        let class = |at: usize| if at == 0 || left.contains(&at) { " class=l" } else { "" };
        // A heading of its own, which a printer repeats on every sheet.
        self.raw(format_args!("<thead><tr>"));
        for (at, cell) in heading.iter().enumerate() {
            self.element(&format!("th scope=col{}", class(at)), cell);
        }
        self.raw(format_args!("<tbody>"));
        for row in rows {
            self.raw(format_args!("<tr>"));
            for (at, cell) in row.iter().enumerate() {
                let tag = if at == 0 { "th scope=row class=l".to_owned() } else { format!("td{}", class(at)) };
                self.element(&tag, cell);
            }
        }
        self.raw(format_args!("</table></div>\n"));
    }

    /// The page.
    pub(super) fn finish(self) -> String {
        self.0
    }
}

/// Text as HTML shows it: nothing in it is markup, and no character in it is invisible or turns the line around.
pub(super) fn text(content: impl fmt::Display) -> String {
    let shown = escape(content.to_string().as_bytes()).to_string();
    let mut safe = String::with_capacity(shown.len());
    for c in shown.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c => safe.push(c),
        }
    }
    safe
}

#[test]
fn markup_in_text_is_shown_and_does_nothing() {
    let shown = text("<script>alert(\"1\")</script>' onload='x' \u{202e}教室\x1b[2J");
    assert!(!shown.contains(['<', '>', '"', '\'', '\u{202e}', '\x1b']) && shown.contains("教室"), "{shown}");
    let mut html = Html::default();
    html.element("td class=l", "<b>");
    assert_eq!(html.finish(), "<td class=l>&lt;b&gt;</td>");
}
