//! Compares what a page shows with what a program said, and writes the new text for a page.
//!
//! Both sides are made normal first (`normal.rs`), so that ports and times of one run do not matter.
//! `[...]` alone on a line of the page matches any number of lines. Read `transcript.rs` before.

use crate::normal::normal;
use crate::transcript::{ANYTHING, PROMPTS};

/// Says how `said` differs from what the page `expected`; `None` when it does not.
pub(crate) fn difference(expected: &[String], said: &[String], kept: &[String]) -> Option<String> {
    let normal = |lines: &[String]| lines.iter().map(|line| normal(line, kept)).collect::<Vec<_>>();
    let (expected, normal_said) = (normal(expected), normal(said));
    if matches(&expected, &normal_said) {
        return None;
    }
    let same = expected.iter().zip(&normal_said).take_while(|(page, said)| page == said && *page != ANYTHING).count();
    let show = |lines: &[String]| lines.get(same).map_or("(nothing more)".to_owned(), |line| format!("`{line}`"));
    let (page, program) = (show(&expected), show(&normal_said));
    let first = if page == format!("`{ANYTHING}`") {
        "the parts around `[...]` are not what the program said".to_owned()
    } else {
        format!("line {} of the output is {page} on the page, and the program said {program}", same + 1)
    };
    Some(format!("{first}; all that it said:\n    | {}", said.join("\n    | ")))
}

/// Whether `lines` fit `pattern`, in which [`ANYTHING`] is any number of lines.
fn matches(pattern: &[String], lines: &[String]) -> bool {
    let mut parts = pattern.split(|line| line == ANYTHING);
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = lines.strip_prefix(first) else { return false };
    let parts: Vec<&[String]> = parts.collect();
    let Some((last, middle)) = parts.split_last() else { return rest.is_empty() };
    for part in middle.iter().filter(|part| !part.is_empty()) {
        let Some(at) = rest.windows(part.len()).position(|window| window == *part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

/// The lines that a program wrote, without the prompts, which stand on the page with what was typed.
pub(crate) fn without_prompts(text: &str) -> Vec<String> {
    let ends_in_prompt = PROMPTS.iter().any(|prompt| text.ends_with(prompt));
    let text = PROMPTS.iter().fold(text.to_owned(), |text, prompt| text.replace(prompt, ""));
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    if ends_in_prompt && lines.last().is_some_and(String::is_empty) {
        lines.pop();
    }
    lines
}

/// The new lines of a step: what the program said now, with typed lines and `^C` where they stood.
///
/// A line that differs only in a port or a time keeps its old text, so that a refresh changes little.
pub(crate) fn refreshed(shown: &[String], said: &[String], kept: &[String]) -> Vec<String> {
    let is_typed = |line: &str| line == "^C" || PROMPTS.iter().any(|prompt| line.starts_with(prompt.trim_end()));
    let own: Vec<String> = shown.iter().filter(|line| !is_typed(line)).cloned().collect();
    let said = shortened(&own, said, kept);
    let mut old: Vec<&String> = shown.iter().filter(|line| !is_typed(line)).collect();
    let mut said = said.iter().map(|line| {
        let same = old.iter().position(|old| normal(old, kept) == normal(line, kept));
        same.map_or_else(|| line.clone(), |at| old.remove(at).clone())
    });
    let mut new = Vec::new();
    for line in shown {
        if is_typed(line) {
            new.push(line.clone());
        } else {
            new.extend(said.next());
        }
    }
    new.extend(said);
    new
}

/// What a program said now, left out where the page left something out before.
///
/// A part that stays is found by its first and its last line. When one of them is gone, all is shown.
fn shortened(shown: &[String], said: &[String], kept: &[String]) -> Vec<String> {
    let find = |line: &String, from: usize| {
        let wanted = normal(line, kept);
        said[from..].iter().position(|line| normal(line, kept) == wanted).map(|at| from + at)
    };
    let parts: Vec<&[String]> = shown.split(|line| line == ANYTHING).collect();
    let mut new = Vec::new();
    let mut at = 0;
    for (number, part) in parts.iter().enumerate() {
        let (is_first, is_last) = (number == 0, number + 1 == parts.len());
        let start = if is_first { Some(0) } else { part.first().map_or(Some(at), |line| find(line, at)) };
        let end = |start| part.last().map_or(Some(start), |line| find(line, start).map(|at| at + 1));
        let (Some(start), Some(end)) = (start, start.and_then(end)) else { return said.to_vec() };
        let end = if is_last && (is_first || !part.is_empty()) { said.len() } else { end };
        if !is_first {
            new.push(ANYTHING.to_owned());
        }
        new.extend_from_slice(&said[start..end]);
        at = end;
    }
    new
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owned(lines: &[&str]) -> Vec<String> {
        lines.iter().map(|line| (*line).to_owned()).collect()
    }

    #[test]
    fn equal_but_for_ports_and_times_is_equal() {
        let page = owned(&["from 127.0.0.1:50312", "done in 1.2 s"]);
        assert_eq!(difference(&page, &owned(&["from 127.0.0.1:41111", "done in 3 ms"]), &[]), None);
        let other = difference(&page, &owned(&["from 127.0.0.1:41111", "done at 3 ms"]), &[]).unwrap();
        assert!(
            other.contains("line 2 of the output is `done in TIME` on the page, and the program said `done at TIME`"),
            "{other}"
        );
        let kept = ["127.0.0.1:8888".to_owned()];
        assert!(difference(&owned(&["to 127.0.0.1:8888"]), &owned(&["to 127.0.0.1:8889"]), &kept).is_some());
    }

    #[test]
    fn anything_matches_any_number_of_lines() {
        let lines = owned(&["一", "二", "三"]);
        for pattern in [&["[...]"][..], &["一", "[...]", "三"], &["[...]", "二", "[...]"], &["一", "[...]", "二", "三"]]
        {
            assert_eq!(difference(&owned(pattern), &lines, &[]), None, "{pattern:?}");
        }
        for pattern in
            [&["[...]", "二"][..], &["二", "[...]"], &["一", "[...]", "四", "[...]"], &["一", "二", "三", "四"], &[]]
        {
            assert!(difference(&owned(pattern), &lines, &[]).is_some(), "{pattern:?}");
        }
    }

    #[test]
    fn prompts_are_left_out_wherever_they_stand() {
        let prompt = PROMPTS[0];
        assert_eq!(without_prompts(&format!("a\n{prompt}b\n{prompt}")), ["a", "b"]);
        assert_eq!(without_prompts("a\n\n"), ["a", ""]);
    }

    #[test]
    fn a_refresh_keeps_what_was_typed_and_what_still_holds() {
        let prompt = format!("{}你好", PROMPTS[0]);
        let shown = owned(&["from 127.0.0.1:50312", &prompt, "old", "^C", "end"]);
        let said = owned(&["from 127.0.0.1:40000", "new", "end", "more"]);
        assert_eq!(
            refreshed(&shown, &said, &[]),
            owned(&["from 127.0.0.1:50312", &prompt, "new", "^C", "end", "more"])
        );
    }

    #[test]
    fn a_refresh_leaves_out_what_the_page_left_out() {
        let said = owned(&["title", "one", "two", "new", "three", "end"]);
        let cases: [(&[&str], &[&str]); 5] = [
            (&["[...]", "two", "three", "[...]"], &["[...]", "two", "new", "three", "[...]"]),
            (&["title", "[...]", "old end"], &["title", "one", "two", "new", "three", "end"]),
            (&["title", "one", "[...]"], &["title", "one", "[...]"]),
            (&["[...]", "three", "end"], &["[...]", "three", "end"]),
            (&["old"], &["title", "one", "two", "new", "three", "end"]),
        ];
        for (shown, want) in cases {
            assert_eq!(refreshed(&owned(shown), &said, &[]), owned(want), "{shown:?}");
        }
    }
}
