//! Content on a terminal: characters instead of bytes, and nothing that the terminal would obey.
//!
//! A page says in `Content-Type` how its characters are coded; old ones are Big5 or `Shift_JIS`. What comes
//! out is decoded, and control characters are shown as escapes: a page must not move the cursor, change
//! the title or hide a line. Read `output.rs` before. Sources: the WHATWG encoding standard (`encoding_rs`).

use encoding_rs::{Decoder, Encoding, UTF_8};
use netcommon::escape::escape;

use crate::fields::Fields;

/// Turns pieces of content into text for a terminal.
///
/// # Examples
/// ```
/// use http_client::{fields::Fields, text::TextDecoder};
///
/// let mut fields = Fields::default();
/// fields.push("Content-Type", "text/plain; charset=Big5");
/// let mut decoder = TextDecoder::of(&fields).unwrap();
/// // Half of a character comes later, and ESC is shown.
/// assert_eq!(decoder.push(b"\xb1\xd0\xab"), "教");
/// assert_eq!(decoder.push(b"\xc7\x1b[2J\n"), "室\\x1b[2J\n");
/// ```
#[derive(Debug)]
pub struct TextDecoder {
    decoder: Decoder,
    /// A CR at the end of a piece: whether it belongs to a line end is seen in the next.
    cr_waits: bool,
}

impl TextDecoder {
    /// A decoder for content with these fields; `None` when they say that it is no text.
    #[must_use]
    pub fn of(fields: &Fields) -> Option<Self> {
        let media_type = fields.get("Content-Type").map(|value| String::from_utf8_lossy(value).to_ascii_lowercase());
        let (kind, parameters) =
            media_type.as_deref().map_or(("text/plain", ""), |text| text.split_once(';').unwrap_or((text, "")));
        let kind = kind.trim();
        let words = ["json", "xml", "javascript", "x-www-form-urlencoded", "yaml", "toml"];
        if !kind.starts_with("text/") && !words.iter().any(|word| kind.ends_with(word)) {
            return None;
        }
        let charset = parameters.split(';').filter_map(|parameter| parameter.trim().strip_prefix("charset="));
        let charset = charset.map(|label| label.trim_matches('"')).next();
        let encoding = charset.and_then(|label| Encoding::for_label(label.as_bytes())).unwrap_or(UTF_8);
        Some(Self { decoder: encoding.new_decoder(), cr_waits: false })
    }

    /// The text of the next bytes; part of a character waits for the rest.
    #[must_use]
    pub fn push(&mut self, bytes: &[u8]) -> String {
        self.decode(bytes, false)
    }

    /// What still waits: at most one character that never became complete, as U+FFFD.
    #[must_use]
    pub fn finish(&mut self) -> String {
        self.decode(&[], true)
    }

    fn decode(&mut self, bytes: &[u8], last: bool) -> String {
        // Three bytes of UTF-8 for a byte are the most that any of these encodings becomes.
        let mut text = String::with_capacity(bytes.len() * 3 + 16);
        if std::mem::take(&mut self.cr_waits) {
            text.push('\r');
        }
        let _ = self.decoder.decode_to_string(bytes, &mut text, last);
        if !last && text.ends_with('\r') {
            self.cr_waits = true;
            text.pop();
        }
        harmless(&text)
    }
}

/// Escapes what a terminal would obey; line ends, tabs and backslashes stay.
fn harmless(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for part in text.split_inclusive(['\n', '\t', '\\']) {
        let (body, end) = match part.char_indices().next_back() {
            Some((at, c @ ('\n' | '\t' | '\\'))) => (&part[..at], Some(c)),
            _ => (part, None),
        };
        // A line may end in CR LF; the CR alone would return to the line's beginning and overwrite it.
        let body = if end == Some('\n') { body.strip_suffix('\r').unwrap_or(body) } else { body };
        shown.push_str(&escape(body.as_bytes()).to_string());
        shown.extend(end);
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(content_type: &str, pieces: &[&[u8]]) -> Option<String> {
        let mut fields = Fields::default();
        fields.push("Content-Type", content_type);
        let mut decoder = TextDecoder::of(&fields)?;
        let mut text: String = pieces.iter().map(|piece| decoder.push(piece)).collect();
        text.push_str(&decoder.finish());
        Some(text)
    }

    #[test]
    fn characters_come_out_whatever_the_charset_and_the_pieces() {
        let text = "教室\\ \ta\r\n";
        for (label, bytes) in
            [("utf-8", text.as_bytes().to_vec()), ("\"BIG5\"", b"\xb1\xd0\xab\xc7\\ \ta\r\n".to_vec())]
        {
            let pieces: Vec<&[u8]> = bytes.chunks(1).collect();
            assert_eq!(
                shown(&format!("text/html;charset={label}"), &pieces).as_deref(),
                Some("教室\\ \ta\n"),
                "{label}"
            );
        }
        assert_eq!(shown("text/plain", &[b"\xe6\x95"]).as_deref(), Some("\u{fffd}"));
        assert_eq!(shown("text/plain; charset=klingon", &[b"a\rb"]).as_deref(), Some("a\\rb"));
    }

    #[test]
    fn what_is_no_text_is_not_shown() {
        assert!(shown("image/png", &[]).is_none() && shown("application/octet-stream", &[]).is_none());
        assert!(shown("application/json", &[]).is_some() && shown("image/svg+xml", &[]).is_some());
    }
}
