//! Holds the workspace to what `docs/contributing.md` and `docs/architecture.md` say of its text.
//!
//! One test per rule group over the real files; beside each rule, in its module, a test with a bad
//! sample shows that the rule can fail. Run it with `cargo test -p course --test tidy`.
//!
//! Read in this order: `code.rs`, `manifests.rs`, `layout.rs`, `words.rs`; `masked.rs` as needed.

mod code;
mod layout;
mod manifests;
mod masked;
#[path = "../support/mod.rs"]
mod support;
mod words;

use support::{File, demand_none, files, root};

/// Whatever people write by hand here.
const TEXT: [&str; 10] = [".rs", ".md", ".toml", ".py", ".sh", ".c", ".lua", ".yml", ".json", "/run"];

fn manifests() -> Vec<File> {
    files(&["Cargo.toml"])
        .into_iter()
        .filter(|file| file.path.starts_with("crates/") && file.path.matches('/').count() == 2)
        .collect()
}

#[test]
fn rust_files_keep_to_the_rules() {
    let files = files(&[".rs"]);
    assert!(files.len() > 10, "the walk found only {} Rust files", files.len());
    demand_none(&files.iter().flat_map(code::check).collect::<Vec<_>>());
}

#[test]
fn manifests_inherit_and_give_reasons() {
    let root =
        files(&["Cargo.toml"]).into_iter().find(|file| file.path == "Cargo.toml").expect("the root has a manifest");
    let mut found = manifests::reasons(&root);
    found.extend(manifests().iter().flat_map(manifests::inherited));
    demand_none(&found);
}

#[test]
fn no_chapter_imports_another() {
    let manifests = manifests();
    let crates = manifests::crates(&manifests);
    let mut found: Vec<_> =
        manifests.iter().flat_map(|file| manifests::no_chapter_imports_another(file, &crates)).collect();
    for file in files(&[".rs"]) {
        found.extend(manifests::no_path_into_another(&file, &masked::mask(&file.text), &crates));
    }
    demand_none(&found);
}

#[test]
fn the_top_level_holds_only_what_it_may() {
    let entries = std::fs::read_dir(root()).expect("the root can be read");
    let names: Vec<String> = entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    demand_none(&layout::top_level(&names));
}

#[test]
fn the_readme_lists_every_program() {
    let readme =
        files(&["README.md"]).into_iter().find(|file| file.path == "README.md").expect("the root has a README");
    demand_none(&layout::readme_lists_programs(&readme, &manifests::crates(&manifests())));
}

#[test]
fn the_map_shows_every_crate() {
    let map = files(&["architecture.md"]).into_iter().find(|file| file.path == "docs/architecture.md");
    let map = map.expect("the contributors have a map");
    demand_none(&layout::map_shows_crates(&map, &manifests::crates(&manifests())));
}

#[test]
fn every_page_has_its_twin() {
    let pages: Vec<String> = files(&[".md", "book.toml"]).into_iter().map(|file| file.path).collect();
    demand_none(&layout::page_twins(&pages));
}

#[test]
fn no_line_ends_with_whitespace() {
    demand_none(&files(&TEXT).iter().flat_map(layout::trailing_whitespace).collect::<Vec<_>>());
}

#[test]
fn chinese_is_written_as_in_taiwan() {
    let check = |file: &File| [words::taiwan_terms(file), words::punctuation(file)].concat();
    demand_none(&files(&TEXT).iter().flat_map(check).collect::<Vec<_>>());
}
