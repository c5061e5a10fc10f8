//! A page and its twin in the other language: same structure, and neither older than the other.
//!
//! When two twins have been read side by side, `REFRESH=twins` writes a digest of each one's prose to
//! `docs/twins.toml`. A page whose prose has changed since then, while its twin's has not, is found.
//! The digest (FNV-1a, 64 bits) needs only to notice a change, not to resist an attacker. Listings and
//! transcripts are not prose: they are held to their programs, in both languages. Read `page.rs` before.

use std::fmt::Write as _;

use crate::page::{Heading, Mark, Page};
use crate::support::{Finding, finding};

/// The sections of every chapter's page, in the order in which a chapter is taught.
const SECTIONS_EN: [&str; 9] = [
    "The question",
    "Predict before you run",
    "The idea",
    "The program",
    "On the wire",
    "The same in Python",
    "Break it",
    "Exercises",
    "Sources",
];

/// The same in Traditional Chinese.
const SECTIONS_ZH_TW: [&str; 9] =
    ["問題", "執行前先猜", "概念", "程式", "線路上看得到什麼", "用 Python 做同樣的事", "弄壞它", "練習", "出處"];

/// A page in both languages.
pub(crate) struct Twins<'a> {
    /// The file's name in both folders.
    pub name: &'a str,
    /// `docs/en/NAME`
    pub en: &'a Page,
    /// `docs/zh-TW/NAME`
    pub zh_tw: &'a Page,
}

/// The pages that exist in both languages.
pub(crate) fn pairs<'a>(pages: &'a [Page]) -> Vec<Twins<'a>> {
    let twins = |en: &'a Page| {
        let name = en.path.strip_prefix("docs/en/")?;
        let zh_tw = pages.iter().find(|page| page.path.strip_prefix("docs/zh-TW/") == Some(name))?;
        Some(Twins { name, en, zh_tw })
    };
    pages.iter().filter_map(twins).collect()
}

/// A chapter's page has the sections in their order.
pub(crate) fn check_sections(page: &Page) -> Vec<Finding> {
    let name = page.path.rsplit('/').next().unwrap_or_default();
    if !name.starts_with(|c: char| c.is_ascii_digit()) {
        return Vec::new();
    }
    let wanted = if page.is_chinese() { SECTIONS_ZH_TW } else { SECTIONS_EN };
    let sections: Vec<&str> =
        page.headings.iter().filter(|heading| heading.level == 2).map(|heading| heading.text.as_str()).collect();
    if sections == wanted {
        return Vec::new();
    }
    let what = format!(
        "its sections are {sections:?}, wanted {wanted:?}: a reader finds the same thing at the same place in each chapter"
    );
    vec![finding(&page.path, 1, what)]
}

/// Both have the same headings by number and level, and the same listings and transcripts in order.
pub(crate) fn check_structure(twins: &Twins<'_>) -> Vec<Finding> {
    let levels = |page: &Page| page.headings.iter().map(|Heading { level, .. }| *level).collect::<Vec<_>>();
    let marks = |page: &Page| {
        page.blocks.iter().map(|block| block.mark.clone()).filter(|mark| *mark != Mark::None).collect::<Vec<_>>()
    };
    let mut found = Vec::new();
    if levels(twins.en) != levels(twins.zh_tw) {
        let what =
            format!("headings of levels {:?}, but {:?} in {}", levels(twins.zh_tw), levels(twins.en), twins.en.path);
        found.push(finding(&twins.zh_tw.path, 1, what));
    }
    if marks(twins.en) != marks(twins.zh_tw) {
        let what = format!("other listings or transcripts than {}, or in another order", twins.en.path);
        found.push(finding(&twins.zh_tw.path, 1, what));
    }
    found
}

/// What `docs/twins.toml` says of one page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Record {
    name: String,
    en: String,
    zh_tw: String,
}

impl Record {
    /// The page as it is now.
    pub(crate) fn of(twins: &Twins<'_>) -> Self {
        Self { name: twins.name.to_owned(), en: digest(twins.en), zh_tw: digest(twins.zh_tw) }
    }
}

/// Says which twin is older than the other.
pub(crate) fn check_age(twins: &Twins<'_>, records: &[Record]) -> Option<Finding> {
    let now = Record::of(twins);
    let record = "then record both with `REFRESH=twins cargo test -p course --test book`";
    let Some(then) = records.iter().find(|record| record.name == twins.name) else {
        return Some(finding(
            &twins.en.path,
            1,
            format!("not recorded: read it beside {}, {record}", twins.zh_tw.path),
        ));
    };
    let (changed, older) = match (now.en == then.en, now.zh_tw == then.zh_tw) {
        (true, true) => return None,
        (false, false) => {
            let what = format!("it and {} have both changed: read them side by side, {record}", twins.zh_tw.path);
            return Some(finding(&twins.en.path, 1, what));
        }
        (false, true) => (twins.en, twins.zh_tw),
        (true, false) => (twins.zh_tw, twins.en),
    };
    let what = format!(
        "older than its twin: {} has changed since the two were read side by side; bring this page up to date, {record} (if \
         nothing is to be done here, say so with `REFRESH=twins:{}`)",
        changed.path, twins.name
    );
    Some(finding(&older.path, 1, what))
}

/// The records after `REFRESH=twins` (`only` empty) or `REFRESH=twins:NAME`, and the names that stay open.
///
/// A page that changed in one language only is not recorded in passing: that is what the check is for.
pub(crate) fn record(pairs: &[Twins<'_>], old: &[Record], only: &str) -> Vec<Record> {
    let one = |twins: &Twins<'_>| {
        let now = Record::of(twins);
        match old.iter().find(|record| record.name == twins.name) {
            Some(then) if twins.name != only && (now.en == then.en || now.zh_tw == then.zh_tw) => then.clone(),
            Some(then) if !only.is_empty() && twins.name != only => then.clone(),
            _ => now,
        }
    };
    pairs.iter().map(one).collect()
}

/// Reads `docs/twins.toml`.
pub(crate) fn parse(text: &str) -> Vec<Record> {
    let mut records: Vec<Record> = Vec::new();
    for line in text.lines() {
        let value = || line.split('"').nth(1).unwrap_or_default().to_owned();
        match (line.split(['=', '"']).next().unwrap_or_default().trim(), records.last_mut()) {
            ("[", _) => records.push(Record { name: value(), en: String::new(), zh_tw: String::new() }),
            ("en", Some(record)) => record.en = value(),
            ("zh-TW", Some(record)) => record.zh_tw = value(),
            _ => {}
        }
    }
    records
}

/// Writes `docs/twins.toml`.
pub(crate) fn print(records: &[Record]) -> String {
    let mut text = "# When both languages of a page were last read side by side: a digest of each one's prose.\n\
                    # Written by `REFRESH=twins cargo test -p course --test book`, see docs/contributing.md.\n"
        .to_owned();
    for Record { name, en, zh_tw } in records {
        write!(text, "\n[\"{name}\"]\nen = \"{en}\"\nzh-TW = \"{zh_tw}\"\n").expect("a String takes everything");
    }
    text
}

/// A digest of the page without its listings and transcripts.
fn digest(page: &Page) -> String {
    let checked =
        |at: usize| page.blocks.iter().any(|block| block.mark != Mark::None && (block.first..block.end).contains(&at));
    let prose = page.lines.iter().enumerate().filter(|(at, _)| !checked(*at)).map(|(_, line)| line);
    // FNV-1a: its offset basis and its prime for 64 bits.
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for byte in prose.flat_map(|line| line.trim_end().bytes().chain([b'\n'])) {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    format!("{hash:016x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pages(en: &str, zh_tw: &str) -> [Page; 2] {
        [Page::parse("docs/en/02-tcp.md", en), Page::parse("docs/zh-TW/02-tcp.md", zh_tw)]
    }

    #[test]
    fn other_structure_is_found() {
        let same = pages(
            "# TCP\n<!-- transcript: a -->\n```console\n```\n",
            "# 連線\n<!-- transcript: a -->\n```console\n```\n",
        );
        assert_eq!(check_structure(&pairs(&same)[0]), Vec::new());
        for zh_tw in [
            "# 連線\n## 多\n<!-- transcript: a -->\n```console\n```\n",
            "# 連線\n",
            "# 連線\n<!-- transcript: b -->\n```console\n```\n",
        ] {
            let pages = [same[0].clone(), Page::parse("docs/zh-TW/02-tcp.md", zh_tw)];
            assert_eq!(check_structure(&pairs(&pages)[0]).len(), 1, "{zh_tw}");
        }
    }

    #[test]
    fn other_sections_are_found() {
        let text =
            |sections: &[&str]| sections.iter().map(|section| format!("## {section}\n### Part\n")).collect::<String>();
        let [en, zh_tw] = pages(&text(&SECTIONS_EN), &text(&SECTIONS_ZH_TW));
        assert_eq!((check_sections(&en), check_sections(&zh_tw)), (Vec::new(), Vec::new()));
        let [en, zh_tw] = pages(&text(&SECTIONS_EN[1..]), &text(&SECTIONS_EN));
        assert_eq!((check_sections(&en).len(), check_sections(&zh_tw).len()), (1, 1));
        assert_eq!(check_sections(&Page::parse("docs/en/README.md", "## Other\n")), Vec::new());
    }

    #[test]
    fn the_older_twin_is_named() {
        let old = pages("# TCP\none\n", "# 連線\n一\n");
        let records = parse(&print(&record(&pairs(&old), &[], "")));
        let age = |en, zh_tw| check_age(&pairs(&pages(en, zh_tw))[0], &records).map(|found| format!("{found}"));
        assert_eq!(age("# TCP\none\n", "# 連線\n一\n"), None);
        assert!(
            age("# TCP\ntwo\n", "# 連線\n一\n")
                .unwrap()
                .starts_with("docs/zh-TW/02-tcp.md:1: older than its twin: docs/en/")
        );
        assert!(
            age("# TCP\none\n", "# 連線\n二\n")
                .unwrap()
                .starts_with("docs/en/02-tcp.md:1: older than its twin: docs/zh-TW/")
        );
        assert!(age("# TCP\ntwo\n", "# 連線\n二\n").unwrap().contains("both changed"));
        assert!(check_age(&pairs(&old)[0], &[]).unwrap().what.starts_with("not recorded"));
    }

    #[test]
    fn recording_takes_both_or_what_is_named() {
        let old = record(&pairs(&pages("one\n", "一\n")), &[], "");
        let both = pages("two\n", "二\n");
        assert_ne!(record(&pairs(&both), &old, ""), old);
        assert_eq!(record(&pairs(&both), &old, "03-udp.md"), old);
        let one = pages("two\n", "一\n");
        assert_eq!(record(&pairs(&one), &old, ""), old);
        assert_ne!(record(&pairs(&one), &old, "02-tcp.md"), old);
    }

    #[test]
    fn a_new_listing_or_transcript_leaves_the_digest() {
        let text = |line: &str| format!("text\n<!-- listing: a.rs#b -->\n```rust\n{line}\n```\n");
        let digest = |text: &str| digest(&Page::parse("docs/en/a.md", text));
        assert_eq!(digest(&text("one")), digest(&text("two")));
        assert_ne!(digest(&text("one")), digest(&format!("{}more\n", text("one"))));
    }
}
