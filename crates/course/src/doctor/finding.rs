//! One line of the doctor's report: what was looked at, what was found, what to do, and a word at the end.
//!
//! Pure: the checks beside this file make findings, `mod.rs` prints them.

use netcommon::columns::{pad, width, wrap};
use netcommon::lang::Lang;

use crate::screen::COLUMNS;

/// Columns of the name, with the space after it.
const NAME_COLUMNS: usize = 13;

/// Columns of the word at the end, with two spaces before it: ` missing` is the longest.
const WORD_COLUMNS: usize = 9;

/// The word at the end of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// As the course wants it.
    Ok,
    /// There, but less than the course could use.
    Limited,
    /// Not there.
    Missing,
}

/// What one check has found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Finding {
    pub(super) name: &'static str,
    verdict: Verdict,
    found: String,
    to_do: Option<String>,
    needed: bool,
}

impl Finding {
    pub(super) fn ok(name: &'static str, found: impl Into<String>) -> Self {
        Self::new(name, Verdict::Ok, found, None)
    }

    pub(super) fn limited(name: &'static str, found: impl Into<String>, to_do: impl Into<String>) -> Self {
        Self::new(name, Verdict::Limited, found, Some(to_do.into()))
    }

    pub(super) fn missing(name: &'static str, found: impl Into<String>, to_do: impl Into<String>) -> Self {
        Self::new(name, Verdict::Missing, found, Some(to_do.into()))
    }

    fn new(name: &'static str, verdict: Verdict, found: impl Into<String>, to_do: Option<String>) -> Self {
        Self { name, verdict, found: found.into(), to_do, needed: false }
    }

    /// The same for a thing without which the course cannot be followed.
    pub(super) fn needed(self) -> Self {
        Self { needed: true, ..self }
    }

    /// Whether a needed thing is missing.
    pub(super) fn is_lacking(&self) -> bool {
        self.needed && self.verdict == Verdict::Missing
    }

    /// The finding as text of at most 80 columns; the word stands at the end of its last line.
    pub(super) fn show(&self, lang: Lang) -> String {
        let text = match &self.to_do {
            Some(to_do) => format!("{}{}{to_do}", self.found, lang.pick("; ", "；")),
            None => self.found.clone(),
        };
        let columns = COLUMNS - NAME_COLUMNS - WORD_COLUMNS;
        let mut lines = wrap(&text, columns);
        if let Some(last) = lines.last_mut() {
            let word = self.verdict.word(lang);
            let gap = WORD_COLUMNS.saturating_sub(width(word));
            *last = format!("{}{}{word}", pad(last, columns), " ".repeat(gap));
        }
        let name = pad(self.name, NAME_COLUMNS);
        format!("{name}{}", lines.join(&format!("\n{}", " ".repeat(NAME_COLUMNS))))
    }
}

impl Verdict {
    fn word(self, lang: Lang) -> &'static str {
        match self {
            Self::Ok => lang.pick("ok", "正常"),
            Self::Limited => lang.pick("limited", "受限"),
            Self::Missing => lang.pick("missing", "缺少"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_ends_with_its_word_at_the_right_edge() {
        let to_do = "安裝 netcat-openbsd，或者用課程自己的 tcp-client；兩者都可以和伺服器說話。";
        for (finding, lang, word) in [
            (Finding::ok("IPv4", "127.0.0.1"), Lang::En, "ok"),
            (
                Finding::missing(
                    "nc",
                    "not found",
                    "install netcat-openbsd with your package manager, or use tcp-client",
                ),
                Lang::En,
                "missing",
            ),
            (Finding::limited("nc", "沒有找到", to_do), Lang::ZhTw, "受限"),
        ] {
            let shown = finding.show(lang);
            assert!(shown.ends_with(&format!(" {word}")), "{shown}");
            assert_eq!(shown.lines().map(width).max(), Some(COLUMNS), "{shown}");
        }
    }

    #[test]
    fn only_a_needed_thing_that_is_missing_is_lacking() {
        assert!(Finding::missing("IPv4", "x", "y").needed().is_lacking());
        assert!(!Finding::missing("nc", "x", "y").is_lacking());
        assert!(!Finding::limited("cargo", "x", "y").needed().is_lacking());
    }
}
