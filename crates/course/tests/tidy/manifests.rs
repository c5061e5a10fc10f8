//! The rules for Cargo manifests: reasons, inherited fields, and no chapter that imports another.
//!
//! A manifest is read line by line: sections in brackets, one dependency a line, as `cargo add` writes
//! them. Read `code.rs` before for the form of a rule. Source of the rules: `docs/architecture.md`.

use crate::support::{File, Finding, finding};

/// What every crate takes from the workspace, so that one edit changes all of them.
const INHERITED: [&str; 5] = ["version", "edition", "rust-version", "license", "publish"];

/// The one crate that the others share.
const SHARED: &str = "netcommon";

/// One crate of the workspace.
#[derive(Debug, Clone)]
pub(crate) struct Crate {
    /// The folder below `crates/`, for example `02-tcp-server`.
    pub folder: String,
    /// The package's name, for example `tcp-server`.
    pub name: String,
}

/// The crates that `manifests` describe.
pub(crate) fn crates(manifests: &[File]) -> Vec<Crate> {
    let one = |file: &File| {
        let folder = file.path.strip_prefix("crates/")?.strip_suffix("/Cargo.toml")?;
        let (_, _, line) = lines(&file.text).find(|(_, section, line)| section == "package" && key(line) == "name")?;
        let name = line.split('"').nth(1)?.to_owned();
        (!folder.contains('/')).then(|| Crate { folder: folder.to_owned(), name })
    };
    manifests.iter().filter_map(one).collect()
}

/// The root manifest: each dependency has its reason in the line above it.
pub(crate) fn reasons(root: &File) -> Vec<Finding> {
    let all: Vec<&str> = root.text.lines().collect();
    let mut found = Vec::new();
    for (number, section, line) in lines(&root.text) {
        // Crates of this workspace need no reason: their own headers say what they are.
        if section != "workspace.dependencies" || line.contains("path = ") || key(&line).is_empty() {
            continue;
        }
        let above = if number >= 2 { all[number - 2] } else { "" };
        if !above.starts_with("# ") {
            let what = format!(
                "dependency `{}` without a reason: one comment line directly above says what it saves us from writing, \
                 so that nobody adds a crate by habit",
                key(&line)
            );
            found.push(finding(&root.path, number, what));
        }
    }
    found
}

/// A crate's manifest: fields, lints and dependencies come from the workspace.
pub(crate) fn inherited(file: &File) -> Vec<Finding> {
    let mut found = Vec::new();
    let all: Vec<(usize, String, String)> = lines(&file.text).collect();
    for field in INHERITED {
        let wanted = format!("{field}.workspace = true");
        if !all.iter().any(|(_, section, line)| section == "package" && *line == wanted) {
            found.push(finding(
                &file.path,
                1,
                format!("no `{wanted}` in [package]: one edit at the root changes every crate"),
            ));
        }
    }
    if !all.iter().any(|(_, section, line)| section == "lints" && line == "workspace = true") {
        found.push(finding(
            &file.path,
            1,
            "no `[lints]` with `workspace = true`: every crate is held to the same lints",
        ));
    }
    for (number, section, line) in all {
        let inherits = line.contains(".workspace = true")
            || line.contains("workspace = true,")
            || line.contains("workspace = true }");
        if section.ends_with("dependencies") && !key(&line).is_empty() && !inherits {
            let what = "a dependency with its own version: it belongs into the root's [workspace.dependencies] with its reason";
            found.push(finding(&file.path, number, what));
        }
    }
    found
}

/// A crate's manifest: no chapter depends on another, not even in tests.
pub(crate) fn no_chapter_imports_another(file: &File, crates: &[Crate]) -> Vec<Finding> {
    let mut found = Vec::new();
    for (number, section, line) in lines(&file.text) {
        let dependency = key(&line);
        let chapter = crates.iter().any(|other| other.name == dependency && other.name != SHARED);
        if section.ends_with("dependencies") && chapter {
            found.push(finding(&file.path, number, format!("depends on `{dependency}`: {WHY_ALONE}")));
        }
    }
    found
}

/// A Rust file: no path into another chapter, neither by `use` nor by the file system.
pub(crate) fn no_path_into_another(file: &File, masked: &str, crates: &[Crate]) -> Vec<Finding> {
    let mut found = Vec::new();
    let Some(own) = file.path.strip_prefix("crates/").and_then(|path| path.split('/').next()) else { return found };
    for other in crates.iter().filter(|other| other.folder != own && other.name != SHARED) {
        let module = format!("{}::", other.name.replace('-', "_"));
        for (number, (raw, code)) in file.text.lines().zip(masked.lines()).enumerate() {
            let includes =
                (code.contains("#[path") || code.contains("include")) && raw.contains(&format!("/{}/", other.folder));
            if has_word(code, &module) || includes {
                found.push(finding(&file.path, number + 1, format!("reaches into `{}`: {WHY_ALONE}", other.name)));
            }
        }
    }
    found
}

const WHY_ALONE: &str =
    "no chapter imports another, so that each can be read alone; what two chapters need moves to netcommon";

/// Whether `word` occurs in `code` as the beginning of a path, not as the end of a longer name.
fn has_word(code: &str, word: &str) -> bool {
    let begins = |at: usize| !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':');
    code.match_indices(word).any(|(at, _)| begins(at))
}

/// The lines with their number and section, without blank lines and comments.
fn lines(text: &str) -> impl Iterator<Item = (usize, String, String)> {
    let mut section = String::new();
    text.lines().enumerate().filter_map(move |(number, line)| {
        let line = line.trim();
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            section = name.to_owned();
            return None;
        }
        let code = !line.is_empty() && !line.starts_with('#');
        code.then(|| (number + 1, section.clone(), line.to_owned()))
    })
}

/// The name before `=` or before the first dot of `name.workspace = true`; empty when there is none.
fn key(line: &str) -> &str {
    let Some((key, _)) = line.split_once('=') else { return "" };
    let key = key.trim().trim_matches('"');
    key.split('.').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "[package]\nname = \"two\"\nversion.workspace = true\nedition.workspace = true\n\
        rust-version.workspace = true\nlicense.workspace = true\npublish.workspace = true\n\n[dependencies]\n\
        clap.workspace = true\nlog = { workspace = true, optional = true }\n\n[lints]\nworkspace = true\n";

    fn two(text: &str) -> File {
        File::sample("crates/02-two/Cargo.toml", text)
    }

    fn both() -> Vec<Crate> {
        let named = |folder: &str, name: &str| Crate { folder: folder.to_owned(), name: name.to_owned() };
        vec![named("01-one", "one"), named("02-two", "two"), named("netcommon", "netcommon")]
    }

    #[test]
    fn a_good_manifest_passes() {
        let file = two(GOOD);
        assert_eq!(crates(std::slice::from_ref(&file))[0].name, "two");
        assert_eq!(inherited(&file), Vec::new());
        assert_eq!(no_chapter_imports_another(&file, &both()), Vec::new());
    }

    #[test]
    fn a_dependency_without_its_own_reason_is_found() {
        let text = "[workspace.dependencies]\n# What it saves.\nlog = \"0.4\"\nclap = { version = \"4\" }\n\nour = { path = \"x\" }\n";
        let found = reasons(&File::sample("Cargo.toml", text));
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].line == 4 && found[0].what.contains("`clap`"), "{found:?}");
    }

    #[test]
    fn a_field_lint_or_version_of_its_own_is_found() {
        for (from, to) in [
            ("edition.workspace = true", "edition = \"2021\""),
            ("[lints]\nworkspace = true\n", ""),
            ("clap.workspace = true", "clap = \"4\""),
        ] {
            assert_eq!(inherited(&two(&GOOD.replace(from, to))).len(), 1, "{from} -> {to}");
        }
    }

    #[test]
    fn a_chapter_that_imports_another_is_found() {
        let file = two(&GOOD.replace("clap.workspace", "one.workspace"));
        assert_eq!(no_chapter_imports_another(&file, &both()).len(), 1);
        let dev = two(&format!("{GOOD}\n[target.'cfg(unix)'.dev-dependencies]\none.workspace = true\n"));
        assert_eq!(no_chapter_imports_another(&dev, &both()).len(), 1);
        let shared = two(&GOOD.replace("clap.workspace", "netcommon.workspace"));
        assert_eq!(no_chapter_imports_another(&shared, &both()), Vec::new());
    }

    #[test]
    fn a_path_into_another_chapter_is_found() {
        for (text, want) in [
            ("use one::Server;\n", 1),
            ("#[path = \"../../01-one/src/a.rs\"] mod a;\n", 1),
            ("use netcommon::net; use crate::one::A; let x = none::B; // one::C\n", 0),
        ] {
            let file = File::sample("crates/02-two/src/a.rs", text);
            let found = no_path_into_another(&file, &crate::masked::mask(text), &both());
            assert_eq!(found.len(), want, "{text}");
        }
    }
}
