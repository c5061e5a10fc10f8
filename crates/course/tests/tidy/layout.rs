//! The rules for the tree: the top level, the README's contents, and a twin for every page.
//!
//! Read `manifests.rs` before: it finds the crates. Source of the rules: `docs/architecture.md`.

use crate::manifests::Crate;
use crate::support::{File, Finding, finding};

/// What may lie at the top besides dot-files: the course itself and what tools insist on.
const TOP_LEVEL: [&str; 11] = [
    "Cargo.toml",
    "Cargo.lock",
    "README.md",
    "LICENSE",
    "clippy.toml",
    "rustfmt.toml",
    "crates",
    "docs",
    "scripts",
    "target",
    // What `course start` makes: a pupil's own, and never committed.
    "mine",
];

/// The names at the top level.
pub(crate) fn top_level(names: &[String]) -> Vec<Finding> {
    let strange = names.iter().filter(|name| !name.starts_with('.') && !TOP_LEVEL.contains(&name.as_str()));
    let what = "not at home at the top level: the tree is the table of contents; code goes to crates/, words to docs/, the \
                rest to scripts/";
    strange.map(|name| finding(name, 1, what)).collect()
}

/// The README names the command that runs each program.
pub(crate) fn readme_lists_programs(readme: &File, crates: &[Crate]) -> Vec<Finding> {
    let mut found = Vec::new();
    for one in crates.iter().filter(|one| one.folder.starts_with(|c: char| c.is_ascii_digit())) {
        let command = format!("cargo run -p {}", one.name);
        let named = readme.text.match_indices(&command).any(|(at, _)| {
            let behind = readme.text[at + command.len()..].chars().next();
            behind.is_none_or(|c| !c.is_alphanumeric() && c != '-')
        });
        if !named {
            let what = format!("`{command}` is missing: the chapter table is how a pupil finds crates/{}", one.folder);
            found.push(finding(&readme.path, 1, what));
        }
    }
    found
}

/// The map in `docs/architecture.md` has a line for the folder of each crate.
pub(crate) fn map_shows_crates(map: &File, crates: &[Crate]) -> Vec<Finding> {
    let shown: Vec<&str> = map.text.lines().filter_map(|line| line.split_whitespace().next()).collect();
    let missing = crates.iter().filter(|one| !shown.contains(&format!("{}/", one.folder).as_str()));
    let what =
        |one: &Crate| format!("crates/{} is not on the map: whoever looks for it there does not find it", one.folder);
    missing.map(|one| finding(&map.path, 1, what(one))).collect()
}

/// Every page of one language has its twin in the other.
pub(crate) fn page_twins(pages: &[String]) -> Vec<Finding> {
    let twins = [("docs/en/", "docs/zh-TW/"), ("docs/zh-TW/", "docs/en/")];
    let mut found = Vec::new();
    for page in pages {
        let twin = twins.iter().find_map(|(own, other)| page.strip_prefix(own).map(|name| format!("{other}{name}")));
        if let Some(twin) = twin.filter(|twin| !pages.contains(twin)) {
            let what = format!("no twin {twin}: a reader of either language finds every page");
            found.push(finding(page, 1, what));
        }
    }
    found
}

/// Any text file: no spaces or tabs at the end of a line.
pub(crate) fn trailing_whitespace(file: &File) -> Vec<Finding> {
    let lines = file.text.lines().enumerate().filter(|(_, line)| line.ends_with([' ', '\t']));
    let what = "whitespace at the end of the line: it shows in every diff and to nobody else";
    lines.map(|(number, _)| finding(&file.path, number + 1, what)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owned(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn a_stranger_at_the_top_level_is_found() {
        assert_eq!(top_level(&owned(&["crates", "Cargo.toml", ".gitignore", "target"])), Vec::new());
        assert_eq!(top_level(&owned(&["notes.txt"])).len(), 1);
    }

    #[test]
    fn a_program_that_the_readme_does_not_list_is_found() {
        let crates = [Crate { folder: "02-tcp-server".into(), name: "tcp-server".into() }];
        let readme = |text: &str| File::sample("README.md", text);
        assert_eq!(readme_lists_programs(&readme("`cargo run -p tcp-server`"), &crates), Vec::new());
        assert_eq!(readme_lists_programs(&readme("`cargo run -p tcp-server-x`"), &crates).len(), 1);
        assert_eq!(readme_lists_programs(&readme(""), &crates).len(), 1);
    }

    #[test]
    fn a_crate_that_is_not_on_the_map_is_found() {
        let crates = [Crate { folder: "02-tcp-server".into(), name: "tcp-server".into() }];
        let map = |text: &str| File::sample("docs/architecture.md", text);
        assert_eq!(map_shows_crates(&map("  02-tcp-server/   a thread per connection"), &crates), Vec::new());
        assert_eq!(map_shows_crates(&map("  02-tcp-server-x/   as 02-tcp-server/"), &crates).len(), 1);
    }

    #[test]
    fn a_page_without_its_twin_is_found() {
        assert_eq!(page_twins(&owned(&["docs/en/a.md", "docs/zh-TW/a.md", "docs/glossary.md"])), Vec::new());
        assert_eq!(page_twins(&owned(&["docs/en/a.md"])).len(), 1);
        assert_eq!(page_twins(&owned(&["docs/zh-TW/a.md"])).len(), 1);
    }

    #[test]
    fn whitespace_at_the_end_of_a_line_is_found() {
        assert_eq!(trailing_whitespace(&File::sample("a.md", "one\n  two\n")), Vec::new());
        let found = trailing_whitespace(&File::sample("a.md", "one\ntwo  \n\t\n"));
        assert_eq!(found.iter().map(|found| found.line).collect::<Vec<_>>(), [2, 3]);
    }
}
