//! What the two tests that hold the workspace to its word share: its files, and what is found in them.
//!
//! Used by `tests/tidy` (how the code reads) and `tests/book` (whether the pages tell the truth).
//! Paths are relative to the workspace's root and written with `/` on every system.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

/// Folders that hold nothing of ours: builds, a pupil's programs, generated input, the version control's own files.
const SKIPPED: [&str; 7] = ["target", "mine", ".git", "corpus", "artifacts", "__pycache__", "node_modules"];

/// One text file of the workspace.
#[derive(Debug, Clone)]
pub(crate) struct File {
    /// The path below the root, with `/`.
    pub path: String,
    /// Its text, with LF line ends (a checkout on Windows may have CRLF).
    pub text: String,
}

impl File {
    /// A file that a test makes up.
    pub(crate) fn sample(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), text: text.replace("\r\n", "\n") }
    }
}

/// Something that breaks a rule: where, which rule, and why the rule exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    /// The path below the root.
    pub path: String,
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong, and the rule's reason or what to do.
    pub what: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.what)
    }
}

/// Builds a [`Finding`].
pub(crate) fn finding(path: &str, line: usize, what: impl Into<String>) -> Finding {
    Finding { path: path.to_owned(), line, what: what.into() }
}

/// Fails the test with every finding on its own line; an empty list passes.
pub(crate) fn demand_none(findings: &[Finding]) {
    let list: Vec<String> = findings.iter().map(Finding::to_string).collect();
    assert!(findings.is_empty(), "{} found\n\n{}\n", findings.len(), list.join("\n"));
}

/// The workspace's root folder.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).expect("the course lies in crates/course").to_path_buf()
}

/// Every text file of the workspace whose name ends with one of `extensions`, sorted by path.
pub(crate) fn files(extensions: &[&str]) -> Vec<File> {
    let mut found = Vec::new();
    walk(&root(), "", extensions, &mut found);
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

fn walk(folder: &Path, prefix: &str, extensions: &[&str], found: &mut Vec<File>) {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("read folder {}: {error}", folder.display()));
    for entry in entries {
        let entry = entry.unwrap_or_else(|error| panic!("read folder {}: {error}", folder.display()));
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = format!("{prefix}{name}");
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        if is_folder && !SKIPPED.contains(&name.as_str()) {
            walk(&entry.path(), &format!("{path}/"), extensions, found);
        } else if !is_folder && extensions.iter().any(|extension| name.ends_with(extension)) {
            let bytes = fs::read(entry.path()).unwrap_or_else(|error| panic!("read {path}: {error}"));
            found.push(File::sample(&path, &String::from_utf8_lossy(&bytes)));
        }
    }
}
