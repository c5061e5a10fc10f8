//! `--json`: one object per URL, for other programs.
//!
//! The shape is stable: fields are added, never renamed. Bytes of the network that are not UTF-8 become
//! U+FFFD. Read `client.rs` for the [`Answer`].

use serde::Serialize;

use crate::client::Answer;
use crate::redirect::shown;
use crate::timing::millis;

/// One URL's result.
#[derive(Debug, Serialize)]
pub struct Report<'a> {
    /// The URL as it was given.
    pub url: &'a str,
    /// Why there is no answer; the fields below are missing then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    answer: Option<Facts>,
}

#[derive(Debug, Serialize)]
struct Facts {
    final_url: String,
    http_version: String,
    status: u16,
    reason: String,
    headers: Vec<(String, String)>,
    trailers: Vec<(String, String)>,
    content_bytes: u64,
    redirects: usize,
    reused_connection: bool,
    /// Milliseconds per stage of the last exchange.
    timing_ms: Vec<(&'static str, f64)>,
}

impl<'a> Report<'a> {
    /// An answer that arrived whole.
    #[must_use]
    pub fn answer(url: &'a str, answer: &Answer) -> Self {
        let pairs = |fields: &crate::fields::Fields| {
            let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
            fields.iter().map(|(name, value)| (name.to_owned(), text(value))).collect()
        };
        let facts = Facts {
            final_url: shown(&answer.url),
            http_version: format!("1.{}", answer.head.minor_version),
            status: answer.head.status,
            reason: String::from_utf8_lossy(&answer.head.reason).into_owned(),
            headers: pairs(&answer.head.fields),
            trailers: pairs(&answer.trailers),
            content_bytes: answer.content_bytes,
            redirects: answer.redirects,
            reused_connection: answer.reused,
            timing_ms: answer.timing.stages().iter().map(|(name, _, took)| (*name, millis(*took))).collect(),
        };
        Self { url, error: None, answer: Some(facts) }
    }

    /// A failure, in the words of stderr.
    #[must_use]
    pub fn failure(url: &'a str, error: String) -> Self {
        Self { url, error: Some(error), answer: None }
    }
}
