//! What a line of a program must contain, with words that are captured: `listening on {server}`.
//!
//! Not a regular expression on purpose: what a demo waits for should read like what the program prints.

use serde::Deserialize;

use super::Values;

/// A text with placeholders. A placeholder that has a value stands for it; one that has none captures
/// a word: at least one character, no white space, as short as what follows it allows.
///
/// # Examples
/// ```
/// use course::script::{Pattern, Values};
///
/// let pattern = Pattern::from("Received from {peer}: 你好".to_owned());
/// let captured = pattern.find_in("12:00 Received from 127.0.0.1:50312: 你好!", &Values::new());
/// assert_eq!(captured.unwrap()["peer"], "127.0.0.1:50312");
/// ```
#[derive(Debug, Clone, Deserialize)]
#[serde(from = "String")]
pub struct Pattern {
    text: String,
}

impl From<String> for Pattern {
    fn from(text: String) -> Self {
        Self { text }
    }
}

#[derive(Debug, PartialEq)]
enum Part<'a> {
    Literal(&'a str),
    Name(&'a str),
}

impl Pattern {
    /// The text with the known values put in, for a message.
    #[must_use]
    pub fn show(&self, values: &Values) -> String {
        fill(&self.text, values)
    }

    /// The placeholders' names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        names(&self.text)
    }

    /// What `line` captures if some part of it matches; `None` if no part does.
    #[must_use]
    pub fn find_in(&self, line: &str, values: &Values) -> Option<Values> {
        let parts = parts(&self.text);
        line.char_indices()
            .map(|(start, _)| start)
            .chain([line.len()])
            .find_map(|start| match_from(&parts, &line[start..], values, false))
    }

    /// As [`Pattern::find_in`], with each run of blanks in `line` as one: in a table, the columns' width depends
    /// on the language.
    #[must_use]
    pub fn find_in_table(&self, line: &str, values: &Values) -> Option<Values> {
        let mut chars: Vec<char> = line.chars().collect();
        chars.dedup_by(|next, before| *next == ' ' && *before == ' ');
        self.find_in(&chars.into_iter().collect::<String>(), values)
    }

    /// What `line` captures if it matches as a whole.
    #[must_use]
    pub fn match_whole(&self, line: &str, values: &Values) -> Option<Values> {
        match_from(&parts(&self.text), line, values, true)
    }
}

/// `text` with the known values put in; other placeholders stay as they are.
#[must_use]
pub fn fill(text: &str, values: &Values) -> String {
    let put_in = |part: &Part<'_>| match *part {
        Part::Literal(literal) => literal.to_owned(),
        Part::Name(name) => values.get(name).cloned().unwrap_or_else(|| format!("{{{name}}}")),
    };
    parts(text).iter().map(put_in).collect()
}

/// The placeholders' names in `text`.
pub(super) fn names(text: &str) -> impl Iterator<Item = &str> {
    parts(text).into_iter().filter_map(|part| match part {
        Part::Name(name) => Some(name),
        Part::Literal(_) => None,
    })
}

/// Matches at the beginning of `text`; `whole`: up to its end.
fn match_from(parts: &[Part<'_>], text: &str, values: &Values, whole: bool) -> Option<Values> {
    let Some((part, rest)) = parts.split_first() else {
        return (!whole || text.is_empty()).then(Values::new);
    };
    match *part {
        Part::Literal(literal) => match_from(rest, text.strip_prefix(literal)?, values, whole),
        Part::Name(name) => {
            if let Some(value) = values.get(name) {
                return match_from(rest, text.strip_prefix(value.as_str())?, values, whole);
            }
            let word_len = text.find(char::is_whitespace).unwrap_or(text.len());
            // At the pattern's end the whole word is meant; before more text, as little as that allows.
            let ends = text[..word_len].char_indices().map(|(start, c)| start + c.len_utf8());
            let mut ends = ends.filter(|&end| !rest.is_empty() || end == word_len);
            ends.find_map(|end| {
                let mut captured = match_from(rest, &text[end..], values, whole)?;
                captured.insert(name.to_owned(), text[..end].to_owned());
                Some(captured)
            })
        }
    }
}

fn parts(mut text: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    while let Some((before, name, after)) = first_name(text) {
        if !before.is_empty() {
            parts.push(Part::Literal(before));
        }
        parts.push(Part::Name(name));
        text = after;
    }
    if !text.is_empty() {
        parts.push(Part::Literal(text));
    }
    parts
}

/// Splits at the first `{name}`; a brace around anything but a lower-case name is only a brace.
fn first_name(text: &str) -> Option<(&str, &str, &str)> {
    text.match_indices('{').find_map(|(open, _)| {
        let (name, after) = text[open + 1..].split_once('}')?;
        let is_name = !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase());
        is_name.then(|| (&text[..open], name, after))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(pattern: &str, line: &str, values: &Values) -> Option<Values> {
        Pattern::from(pattern.to_owned()).find_in(line, values)
    }

    fn server(addr: &str) -> Values {
        Values::from([("server".to_owned(), addr.to_owned())])
    }

    #[test]
    fn a_placeholder_captures_a_whole_word() {
        let line = "UDP Server listening on [::1]:9999";
        assert_eq!(find("listening on {server}", line, &Values::new()), Some(server("[::1]:9999")));
        assert_eq!(find("listening on {server}", "listening on ", &Values::new()), None);
        assert_eq!(find("listening on {server}", "listening on  x", &Values::new()), None);
    }

    #[test]
    fn a_row_is_found_however_wide_its_columns_are() {
        let row = Pattern::from("網路 6 2 4 e7".to_owned());
        for line in ["  網路         6           2        4  e7 b6", "  網路  6  2  4  e7 b6"] {
            assert!(row.find_in_table(line, &Values::new()).is_some(), "{line}");
        }
        assert!(row.find_in_table("  網路  2  6  4  e7 b6", &Values::new()).is_none());
    }

    #[test]
    fn a_known_value_must_come_again() {
        let known = server("127.0.0.1:80");
        assert_eq!(find("to {server}", "Connected to 127.0.0.1:80", &known), Some(Values::new()));
        assert_eq!(find("to {server}", "Connected to 127.0.0.1:81", &known), None);
    }

    #[test]
    fn a_later_place_is_tried_when_an_earlier_one_does_not_fit() {
        assert_eq!(find("on {server}!", "on a b on c!", &Values::new()), Some(server("c")));
        assert_eq!(find("訊息：{server}", "收到訊息：你好", &Values::new()), Some(server("你好")));
    }

    #[test]
    fn a_whole_line_is_matched_to_its_end() {
        let pattern = Pattern::from("收到 {server} 了".to_owned());
        assert!(pattern.match_whole("收到 3 了", &Values::new()).is_some());
        for line in ["收到 3 了。", " 收到 3 了", "收到  了"] {
            assert_eq!(pattern.match_whole(line, &Values::new()), None, "{line}");
        }
    }

    #[test]
    fn other_braces_are_text() {
        let line = r#"{"peer":"x"}"#;
        assert!(find(line, line, &Values::new()).is_some());
        assert_eq!(fill("{A} {} {server} {other}", &server("s")), "{A} {} s {other}");
    }
}
