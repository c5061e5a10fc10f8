//! Relative links of all Markdown files: the file exists, and the heading behind `#` as well.
//!
//! Anchors are made as GitHub makes them: lower case, spaces to hyphens, punctuation dropped. Links
//! into the network are not followed: a test needs no network. Read `page.rs` before.

use std::path::Path;

use crate::page::Page;
use crate::support::{Finding, finding};

/// Every relative link of `page` that leads nowhere; `all` are the pages whose headings are known.
pub(crate) fn check(page: &Page, all: &[Page], root: &Path) -> Vec<Finding> {
    let mut found = Vec::new();
    for (number, target) in links(page) {
        let outside = target.contains("://") || target.starts_with("mailto:");
        if outside || target.is_empty() {
            continue;
        }
        if let Err(why) = follow(page, &target, all, root) {
            found.push(finding(&page.path, number, format!("link `{target}`: {why}")));
        }
    }
    found
}

/// A table of contents (`- [title](NN-page.md)`) calls every chapter as its page does.
pub(crate) fn check_titles(page: &Page, all: &[Page]) -> Vec<Finding> {
    let folder = page.path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut found = Vec::new();
    for (number, line) in page.lines.iter().enumerate() {
        let Some((title, target)) = line.strip_prefix("- [").and_then(|line| line.strip_suffix(')')?.split_once("]("))
        else {
            continue;
        };
        let aim = all.iter().find(|aim| aim.path == format!("{folder}/{target}"));
        let Some(own) = aim.and_then(|aim| aim.headings.first()) else { continue };
        if target.starts_with(|c: char| c.is_ascii_digit()) && own.text != title {
            let what = format!("calls {target} \"{title}\", but its title is \"{}\"", own.text);
            found.push(finding(&page.path, number + 1, what));
        }
    }
    found
}

fn follow(page: &Page, target: &str, all: &[Page], root: &Path) -> Result<(), String> {
    let (path, fragment) = target.split_once('#').unwrap_or((target, ""));
    let folder = page.path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let path = if path.is_empty() { page.path.clone() } else { joined(folder, path)? };
    if path != page.path && !root.join(&path).exists() {
        return Err(format!("no file {path}"));
    }
    if fragment.is_empty() || !path.ends_with(".md") {
        return Ok(());
    }
    let Some(aim) = all.iter().find(|page| page.path == path) else { return Ok(()) };
    let slugs = slugs(aim);
    if slugs.iter().any(|slug| slug == fragment) {
        Ok(())
    } else {
        Err(format!("{path} has no heading for `#{fragment}`"))
    }
}

/// `folder/path` with its `..` resolved.
fn joined(folder: &str, path: &str) -> Result<String, String> {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/').filter(|part| !part.is_empty() && *part != ".") {
        if part == ".." {
            parts.pop().ok_or("it leaves the repository")?;
        } else {
            parts.push(part);
        }
    }
    Ok(parts.join("/"))
}

/// The targets of `[text](target)` and of `[name]: target`, with their line numbers, outside of code.
fn links(page: &Page) -> Vec<(usize, String)> {
    let fenced = |at: usize| page.blocks.iter().any(|block| (block.first..block.end).contains(&at));
    let mut links = Vec::new();
    for (at, line) in page.lines.iter().enumerate().filter(|(at, _)| !fenced(*at)) {
        let text: String = line.split('`').step_by(2).collect::<Vec<_>>().join("`");
        for (_, behind) in text.match_indices("](").map(|(at, mark)| (at, &text[at + mark.len()..])) {
            let target = behind.split([')', ' ']).next().unwrap_or_default();
            links.push((at + 1, target.trim_matches(['<', '>']).to_owned()));
        }
        if let Some((_, target)) = text.strip_prefix('[').and_then(|text| text.split_once("]: ")) {
            links.push((at + 1, target.split(' ').next().unwrap_or_default().to_owned()));
        }
    }
    links
}

/// The anchors of a page's headings; the second heading of the same text gets `-1`, and so on.
fn slugs(page: &Page) -> Vec<String> {
    let mut slugs: Vec<String> = Vec::new();
    for heading in &page.headings {
        let kept = |c: &char| c.is_alphanumeric() || matches!(c, '-' | '_' | ' ');
        let text: String = heading.text.to_lowercase().chars().filter(kept).collect();
        let slug = text.replace(' ', "-");
        let same = slugs.iter().filter(|other| **other == slug).count();
        slugs.push(if same == 0 { slug } else { format!("{slug}-{same}") });
    }
    slugs
}

#[test]
fn links_that_lead_nowhere_are_found() {
    let root = crate::support::root();
    let aim = Page::parse("docs/en/02-tcp.md", "# The idea\n## 線路上看得到什麼 (`ss`)\n## The idea\n");
    let cases = [
        ("[a](../../Cargo.toml) [b](https://example.org/x) [c](#here)\n# Here\n", 0),
        ("`[a](gone.md)`\n```text\n[a](gone.md)\n```\n", 0),
        ("[a](gone.md)\n", 1),
        ("[a](../../../../x)\n", 1),
        ("[a]: gone.md\n", 1),
        ("[c](#there)\n# Here\n", 1),
    ];
    for (text, want) in cases {
        let page = Page::parse("docs/en/a.md", text);
        let found = check(&page, &[aim.clone(), page.clone()], &root);
        assert_eq!(found.len(), want, "{text}: {found:?}");
    }
    assert_eq!(slugs(&aim), ["the-idea", "線路上看得到什麼-ss", "the-idea-1"]);
}

#[test]
fn other_titles_in_a_table_of_contents_are_found() {
    let chapter = Page::parse("docs/en/02-tcp.md", "# Chapter 2: a server\n");
    let count = |text| check_titles(&Page::parse("docs/en/SUMMARY.md", text), std::slice::from_ref(&chapter)).len();
    assert_eq!(count("- [Chapter 2: a server](02-tcp.md)\n- [Other](README.md)\n"), 0);
    assert_eq!(count("- [Chapter 2: servers](02-tcp.md)\n"), 1);
}
