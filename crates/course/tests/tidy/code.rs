//! The rules for Rust files: header, length, and calls that this workspace does without.
//!
//! Each rule is a function from a file to findings, so that its test at the end can hand it a file
//! that breaks it. Read `masked.rs` before: the rules look at code, not at comments and strings.
//! Source of the rules: `docs/contributing.md`.

use std::ops::Range;

use crate::masked::{closing_brace, line_of, mask};
use crate::support::{File, Finding, finding};

const HEADER_LINES_MIN: usize = 2;
/// Prose lines; drawings and tables in a header are not counted.
const HEADER_LINES_MAX: usize = 12;
const FILE_LINES_MAX: usize = 400;
const FUNCTION_LINES_MAX: usize = 70;

/// Every rule for one Rust file.
pub(crate) fn check(file: &File) -> Vec<Finding> {
    let masked = mask(&file.text);
    let tests = test_regions(file, &masked);
    let mut found = header(file);
    found.extend(file_length(file));
    found.extend(function_length(file, &masked));
    found.extend(unwrap_outside_tests(file, &masked, &tests));
    found.extend(forbidden_calls(file, &masked));
    found.extend(sleep_in_tests(file, &masked, &tests));
    found.extend(fixed_port_in_tests(file, &masked, &tests));
    found
}

fn header(file: &File) -> Vec<Finding> {
    let lines = file.text.lines().take_while(|line| line.starts_with("//!"));
    let mut drawing = false;
    let mut prose = 0;
    for line in lines.map(|line| line.trim_start_matches("//!").trim()) {
        drawing ^= line.starts_with("```");
        prose += usize::from(!drawing && !line.is_empty() && !line.starts_with("```") && !line.starts_with('|'));
    }
    // A crate's `lib.rs` is the chapter as rustdoc: as long as the lesson needs.
    let too_long = prose > HEADER_LINES_MAX && !file.path.ends_with("src/lib.rs");
    if prose >= HEADER_LINES_MIN && !too_long {
        return Vec::new();
    }
    let what = format!(
        "header of {prose} lines, wanted {HEADER_LINES_MIN} to {HEADER_LINES_MAX} lines of `//!` at the very top: a \
         reader who opens any file first learns what it is, where it sits and what to read before"
    );
    vec![finding(&file.path, 1, what)]
}

fn file_length(file: &File) -> Vec<Finding> {
    let lines = file.text.lines().count();
    if lines <= FILE_LINES_MAX {
        return Vec::new();
    }
    let what =
        format!("{lines} lines, at most {FILE_LINES_MAX}: a file is one noun and is read in one sitting; split it");
    vec![finding(&file.path, FILE_LINES_MAX, what)]
}

fn function_length(file: &File, masked: &str) -> Vec<Finding> {
    let mut found = Vec::new();
    for (start, name) in functions(masked) {
        let Some(open) = body_of(masked, start) else { continue };
        let first = line_of(masked, start);
        let lines = line_of(masked, closing_brace(masked, open)) - first + 1;
        if lines > FUNCTION_LINES_MAX {
            let what = format!(
                "`fn {name}` has {lines} lines, at most {FUNCTION_LINES_MAX}: a function fits on one page; split it"
            );
            found.push(finding(&file.path, first, what));
        }
    }
    found
}

/// Where each named function begins, and its name.
fn functions(masked: &str) -> impl Iterator<Item = (usize, &str)> {
    masked.match_indices("fn ").filter_map(|(at, _)| {
        let before = masked[..at].chars().next_back();
        let name = masked[at + 3..].split(|c: char| !(c.is_alphanumeric() || c == '_')).next()?;
        let named = !name.is_empty() && before.is_none_or(|c| c.is_whitespace() || c == '(');
        named.then_some((at, name))
    })
}

/// Where the body of the function that begins at `start` opens; `None` for a declaration without one.
fn body_of(masked: &str, start: usize) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, c) in masked[start..].char_indices() {
        match c {
            '(' | '[' => depth += 1,
            ')' | ']' => depth = depth.saturating_sub(1),
            '{' if depth == 0 => return Some(start + at),
            ';' if depth == 0 => return None,
            _ => {}
        }
    }
    None
}

fn unwrap_outside_tests(file: &File, masked: &str, tests: &[Range<usize>]) -> Vec<Finding> {
    let outside = masked.match_indices(".unwrap()").filter(|(at, _)| !inside(tests, *at));
    let what = "`unwrap()` outside tests: what a peer or a user sends must never panic; return an error, or say in \
                `expect` why it cannot fail";
    outside.map(|(at, _)| finding(&file.path, line_of(masked, at), what)).collect()
}

fn forbidden_calls(file: &File, masked: &str) -> Vec<Finding> {
    let rules = [
        ("thread::spawn", "an unnamed thread: use `thread::Builder` with a name, or a scope, and join it"),
        ("process::exit", "skips every destructor: return an `ExitCode` from `main`"),
    ];
    let mut found = Vec::new();
    for (call, reason) in rules {
        for (at, _) in masked.match_indices(call) {
            found.push(finding(&file.path, line_of(masked, at), format!("`{call}`: {reason}")));
        }
    }
    found
}

fn sleep_in_tests(file: &File, masked: &str, tests: &[Range<usize>]) -> Vec<Finding> {
    let what = "`sleep` in a test: right on a fast machine, wrong on a busy one, slow on both; wait for the event with \
                a deadline, or give the reason above it as `// tidy: sleep: reason`";
    let calls = masked.match_indices("sleep(").filter(|(at, _)| inside(tests, *at));
    let lines = calls.map(|(at, _)| line_of(masked, at)).filter(|line| !excused(file, *line, "sleep"));
    lines.map(|line| finding(&file.path, line, what)).collect()
}

fn fixed_port_in_tests(file: &File, masked: &str, tests: &[Range<usize>]) -> Vec<Finding> {
    let what = "a fixed port in a test: two tests, or a test and a program, collide on it; bind port 0 and ask for the \
                address, or give the reason above it as `// tidy: port: reason`";
    let mut found = Vec::new();
    let mut start = 0;
    for (number, (raw, code)) in file.text.split('\n').zip(masked.split('\n')).enumerate() {
        let listens = ["bind(", "Program::start("].iter().any(|call| code.contains(call));
        if listens && inside(tests, start) && has_fixed_port(raw) && !excused(file, number + 1, "port") {
            found.push(finding(&file.path, number + 1, what));
        }
        start += code.len() + 1;
    }
    found
}

/// Whether a line holds an address as text or as a pair whose port is a number other than 0.
fn has_fixed_port(line: &str) -> bool {
    let texts = line.split('"').skip(1).step_by(2);
    let port = |text: &str, mark: char| text.rsplit_once(mark).is_some_and(|(_, port)| is_port(port.trim()));
    texts.clone().any(|text| port(text, ':'))
        || line.split(')').any(|pair| pair.rsplit_once('(').is_some_and(|(_, pair)| port(pair, ',')))
}

fn is_port(text: &str) -> bool {
    text.parse::<u16>().is_ok_and(|port| port != 0)
}

/// Whether the line, or the one above it, has `// tidy: RULE: reason`.
fn excused(file: &File, line: usize, rule: &str) -> bool {
    let mark = format!("// tidy: {rule}: ");
    let mut lines = file.text.lines().skip(line.saturating_sub(2)).take(2);
    lines.any(|line| line.split_once(&mark).is_some_and(|(_, reason)| !reason.trim().is_empty()))
}

/// The bytes of the file that are test code: all of it below `tests/`, else what `#[cfg(test)]` covers.
pub(crate) fn test_regions(file: &File, masked: &str) -> Vec<Range<usize>> {
    let all = file.path.contains("/tests/") || file.path.ends_with("/tests.rs") || file.path.contains("/benches/");
    if all {
        return std::iter::once(0..masked.len()).collect();
    }
    let covered = masked.match_indices("#[cfg(test)]").chain(masked.match_indices("#[test]"));
    let region = |(at, _): (usize, &str)| {
        let open = masked[at..].find(['{', ';']).map_or(masked.len(), |open| at + open);
        at..closing_brace(masked, open).max(open)
    };
    covered.map(region).collect()
}

fn inside(regions: &[Range<usize>], at: usize) -> bool {
    regions.iter().any(|region| region.contains(&at))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "//! What this is.\n//! Where it sits.\n\n";

    /// What `check` says about a sample, as `line: first words`.
    fn said(path: &str, code: &str) -> Vec<String> {
        let file = File::sample(path, &format!("{HEADER}{code}"));
        check(&file).iter().map(|found| format!("{}: {}", found.line, found.what)).collect()
    }

    fn demand(path: &str, code: &str, want: &str) {
        let said = said(path, code);
        assert!(said.len() == 1 && said[0].starts_with(want), "wanted {want:?}, got {said:?} for\n{code}");
    }

    #[test]
    fn a_good_file_passes() {
        let code = "fn main() {\n    // No .unwrap() here, and no thread::spawn.\n    run(\".unwrap()\");\n}\n\n\
                    #[cfg(test)]\nmod tests {\n    fn ok() {\n        bind(\"127.0.0.1:0\").unwrap();\n    }\n}\n";
        assert_eq!(said("crates/x/src/a.rs", code), Vec::<String>::new());
    }

    #[test]
    fn a_missing_short_or_long_header_is_found() {
        let long = "//! A line.\n".repeat(HEADER_LINES_MAX + 1);
        for text in ["fn main() {}\n", "//! One line.\n", "\n//! Not at\n//! the top.\n", long.as_str()] {
            assert_eq!(header(&File::sample("crates/x/src/a.rs", text)).len(), 1, "{text}");
        }
        let drawing = format!("//! A.\n//! B.\n//! ```text\n{}//! ```\n", "//! --->\n".repeat(20));
        assert_eq!(header(&File::sample("crates/x/src/a.rs", &drawing)), Vec::new());
        assert_eq!(header(&File::sample("crates/x/src/lib.rs", &long)), Vec::new());
    }

    #[test]
    fn a_long_file_and_a_long_function_are_found() {
        demand("crates/x/src/a.rs", &"// Line.\n".repeat(FILE_LINES_MAX), "400: 403 lines");
        let body = "    step();\n".repeat(FUNCTION_LINES_MAX - 1);
        demand("crates/x/src/a.rs", &format!("fn one() -> [u8; 4] {{\n{body}}}\n"), "4: `fn one` has 71 lines");
        let body = "    let open = '{'; // }\n".repeat(FUNCTION_LINES_MAX - 2);
        assert_eq!(said("crates/x/src/a.rs", &format!("fn one() {{\n{body}}}\nfn two();\n")), Vec::<String>::new());
    }

    #[test]
    fn unwrap_is_found_outside_tests_only() {
        demand("crates/x/src/a.rs", "#[cfg(windows)]\nfn one() {\n    two().unwrap();\n}\n", "6: `unwrap()` outside");
        assert_eq!(said("crates/x/tests/a.rs", "fn one() {\n    two().unwrap();\n}\n"), Vec::<String>::new());
    }

    #[test]
    fn unnamed_threads_and_early_exits_are_found_everywhere() {
        demand("crates/x/tests/a.rs", "fn one() { std::thread::spawn(two); }\n", "4: `thread::spawn`");
        demand("crates/x/src/a.rs", "use std::process::exit;\n", "4: `process::exit`");
    }

    #[test]
    fn sleep_is_found_in_tests_without_a_reason() {
        demand("crates/x/tests/a.rs", "fn one() {\n    sleep(SECOND);\n}\n", "5: `sleep` in a test");
        demand("crates/x/tests/a.rs", "fn one() {\n    // tidy: sleep: \n    sleep(SECOND);\n}\n", "6: `sleep` in");
        let reason = "fn one() {\n    // tidy: sleep: the silence is what is tested\n    sleep(SECOND);\n}\n";
        assert_eq!(said("crates/x/tests/a.rs", reason), Vec::<String>::new());
        assert_eq!(said("crates/x/src/a.rs", "fn one() {\n    sleep(SECOND);\n}\n"), Vec::<String>::new());
    }

    #[test]
    fn a_fixed_port_is_found_where_a_test_binds() {
        for bind in ["bind(\"127.0.0.1:8888\")", "bind((LOCALHOST, 9999))", "Program::start(EXE, &[\"[::1]:7777\"])"] {
            demand("crates/x/tests/a.rs", &format!("fn one() {{\n    {bind};\n}}\n"), "5: a fixed port");
        }
        let good = "fn one() {\n    bind(\"127.0.0.1:0\");\n    connect(\"127.0.0.1:1\");\n}\n";
        assert_eq!(said("crates/x/tests/a.rs", good), Vec::<String>::new());
    }
}
