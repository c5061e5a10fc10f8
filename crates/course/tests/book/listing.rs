//! Listings: the lines of a source file between `ANCHOR: name` and `ANCHOR_END: name`.
//!
//! The marks are comments of their own line (`// ANCHOR: name`, in TOML and Python `# ANCHOR: name`),
//! as mdBook has them. A listing loses its common indentation, blank lines at both ends, and the marks of
//! anchors nested in it.
//! Read `page.rs` before.

use std::collections::BTreeMap;

use crate::page::{Mark, Page};
use crate::support::{File, Finding, finding};

/// The languages whose blocks must be listings, because a copy made by hand grows old.
const QUOTED: [&str; 3] = ["rust", "python", "py"];

/// The anchors of one source file.
#[derive(Debug, Default)]
pub(crate) struct Anchors {
    /// Name → first line's number and the listing's lines.
    pub named: BTreeMap<String, (usize, Vec<String>)>,
    /// Marks without their other half, and names used twice.
    pub wrong: Vec<Finding>,
}

/// Reads the anchors of a source file.
pub(crate) fn anchors(file: &File) -> Anchors {
    let mut anchors = Anchors::default();
    let mut open: Vec<(String, usize)> = Vec::new();
    let lines: Vec<&str> = file.text.lines().collect();
    for (number, line) in lines.iter().enumerate() {
        match mark(line) {
            Some(("ANCHOR", name)) => open.push((name.to_owned(), number)),
            Some((_, name)) => match open.iter().rposition(|(open, _)| open == name) {
                Some(at) => {
                    let (name, first) = open.remove(at);
                    let listing = (first + 1, dedented(&lines[first + 1..number]));
                    if anchors.named.insert(name.clone(), listing).is_some() {
                        anchors.wrong.push(finding(&file.path, first + 1, format!("anchor `{name}` is there twice")));
                    }
                }
                None => {
                    anchors.wrong.push(finding(
                        &file.path,
                        number + 1,
                        format!("anchor `{name}` ends but never began"),
                    ));
                }
            },
            None => {}
        }
    }
    for (name, first) in open {
        anchors.wrong.push(finding(
            &file.path,
            first + 1,
            format!("anchor `{name}` never ends: `ANCHOR_END: {name}` is missing"),
        ));
    }
    anchors
}

/// `("ANCHOR" or "ANCHOR_END", name)` if the line is nothing but such a mark.
fn mark(line: &str) -> Option<(&str, &str)> {
    let comment = line.trim();
    let comment = comment.strip_prefix("//").or_else(|| comment.strip_prefix('#'))?;
    let (kind, name) = comment.trim().split_once(": ")?;
    matches!(kind, "ANCHOR" | "ANCHOR_END").then_some((kind, name.trim()))
}

fn dedented(lines: &[&str]) -> Vec<String> {
    let lines = || lines.iter().filter(|line| mark(line).is_none());
    let indent = |line: &&&str| line.len() - line.trim_start().len();
    let common = lines().filter(|line| !line.trim().is_empty()).map(|line| indent(&line)).min().unwrap_or(0);
    let dedented = lines().map(|line| line.get(common..).unwrap_or_default().trim_end().to_owned());
    let mut dedented: Vec<String> = dedented.skip_while(String::is_empty).collect();
    let len = dedented.iter().rposition(|line| !line.is_empty()).map_or(0, |last| last + 1);
    dedented.truncate(len);
    dedented
}

/// The lines that `reference` (`PATH#ANCHOR`, or `PATH` for a whole file) stands for.
pub(crate) fn quoted(reference: &str, sources: &[File]) -> Result<Vec<String>, String> {
    let (path, anchor) = reference.split_once('#').unwrap_or((reference, ""));
    let file = sources.iter().find(|file| file.path == path).ok_or_else(|| format!("no source file `{path}`"))?;
    if anchor.is_empty() {
        return Ok(dedented(&file.text.lines().collect::<Vec<_>>()));
    }
    let (_, lines) = anchors(file).named.remove(anchor).ok_or_else(|| format!("`{path}` has no `ANCHOR: {anchor}`"))?;
    Ok(lines)
}

/// A page's listings beside their sources, and the Rust and Python blocks that are no listings.
pub(crate) fn check(page: &Page, sources: &[File]) -> Vec<Finding> {
    let mut found = Vec::new();
    for block in &page.blocks {
        let line = page.line_of(block);
        let language = block.info.split([',', ' ']).next().unwrap_or_default();
        match &block.mark {
            Mark::Listing(reference) => match quoted(reference, sources) {
                Ok(lines) if lines == page.content(block) => {}
                Ok(lines) => {
                    let what = format!(
                        "listing {reference} differs from its source: {}",
                        difference(&lines, page.content(block))
                    );
                    found.push(finding(&page.path, line, what));
                }
                Err(error) => found.push(finding(&page.path, line, format!("listing {reference}: {error}"))),
            },
            _ if QUOTED.contains(&language) => {
                let what = "code that is no listing: quote an anchor of a real file with `<!-- listing: PATH#ANCHOR -->` above \
                            the fence, so that it cannot grow old (a sketch that is no code stands in a `text` block)";
                found.push(finding(&page.path, line, what));
            }
            _ => {}
        }
    }
    found
}

fn difference(source: &[String], page: &[String]) -> String {
    let at = source.iter().zip(page).position(|(source, page)| source != page).unwrap_or(source.len().min(page.len()));
    let show = |lines: &[String]| lines.get(at).map_or("(its end)".to_owned(), |line| format!("`{line}`"));
    format!(
        "its line {} is {} on the page and {} in the source; REFRESH=1 copies the source",
        at + 1,
        show(page),
        show(source)
    )
}

/// Anchors that no page quotes, and marks without their other half.
pub(crate) fn check_sources(sources: &[File], pages: &[Page]) -> Vec<Finding> {
    let marks = || pages.iter().flat_map(|page| &page.blocks).map(|block| &block.mark);
    let mut found = Vec::new();
    for file in sources {
        let anchors = anchors(file);
        for (name, (line, _)) in &anchors.named {
            let reference = format!("{}#{name}", file.path);
            if !marks().any(|mark| *mark == Mark::Listing(reference.clone())) {
                let what = format!(
                    "anchor `{name}` that no page quotes: it tells a reader that the book speaks of these lines"
                );
                found.push(finding(&file.path, *line, what));
            }
        }
        found.extend(anchors.wrong);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = "fn one() {\n    // ANCHOR: outer\n    if 一 {\n        // ANCHOR: inner\n        two();\n\n        \
                          three();\n        // ANCHOR_END: inner\n    }\n    // ANCHOR_END: outer\n}\n";

    fn source(text: &str) -> File {
        File::sample("crates/x/src/a.rs", text)
    }

    fn page(text: &str) -> Page {
        Page::parse("docs/en/a.md", text)
    }

    fn listing(anchor: &str, lines: &str) -> Page {
        page(&format!("<!-- listing: crates/x/src/a.rs#{anchor} -->\n```rust\n{lines}```\n"))
    }

    #[test]
    fn a_listing_is_dedented_and_nested_marks_are_left_out() {
        let quoted = |anchor| quoted(&format!("crates/x/src/a.rs#{anchor}"), &[source(SOURCE)]).unwrap();
        assert_eq!(quoted("outer"), ["if 一 {", "    two();", "", "    three();", "}"]);
        assert_eq!(quoted("inner"), ["two();", "", "three();"]);
        let toml = File::sample("a.toml", "# ANCHOR: a\n\nb = 1\n\n# ANCHOR_END: a\n");
        assert_eq!(super::quoted("a.toml#a", std::slice::from_ref(&toml)).unwrap(), ["b = 1"]);
        assert_eq!(super::quoted("a.toml", &[toml]).unwrap(), ["b = 1"]);
    }

    #[test]
    fn a_listing_that_is_true_passes_and_each_fault_is_found() {
        let sources = [source(SOURCE)];
        assert_eq!(check(&listing("inner", "two();\n\nthree();\n"), &sources), Vec::new());
        let faults = [
            (listing("inner", "two();\nthree();\n"), "its line 2 is `three();`"),
            (listing("inner", "two();\n\nthree();\nfour();\n"), "its line 4 is `four();` on the page and (its end)"),
            (listing("none", ""), "has no `ANCHOR: none`"),
            (page("<!-- listing: gone.rs#a -->\n```rust\n```\n"), "no source file `gone.rs`"),
            (page("```rust\nfn copy() {}\n```\n"), "code that is no listing"),
        ];
        for (page, want) in faults {
            let found = check(&page, &sources);
            assert!(found.len() == 1 && found[0].what.contains(want), "wanted {want:?}, got {found:?}");
        }
    }

    #[test]
    fn unused_open_and_doubled_anchors_are_found() {
        let pages = [listing("inner", ""), listing("outer", "")];
        assert_eq!(check_sources(&[source(SOURCE)], &pages), Vec::new());
        assert_eq!(check_sources(&[source(SOURCE)], &pages[..1]).len(), 1);
        for text in ["// ANCHOR: inner\n", "// ANCHOR_END: inner\n"] {
            assert_eq!(check_sources(&[source(text)], &pages).len(), 1, "{text}");
        }
        let doubled = "// ANCHOR: inner\n// ANCHOR_END: inner\n".repeat(2);
        assert_eq!(check_sources(&[source(&doubled)], &pages).len(), 1);
    }
}
