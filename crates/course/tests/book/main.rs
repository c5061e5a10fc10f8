//! Holds the book to the truth: listings, transcripts, twins and links.
//!
//! ```text
//! cargo test -p course --test book                        compares every page with sources and programs
//! REFRESH=1 cargo test -p course --test book              writes listings and transcripts anew
//! REFRESH=twins cargo test -p course --test book          records pages that were read side by side
//! REFRESH=twins:02-tcp.md cargo test -p course --test book   the same for one page of which one language changed
//! ```
//! Read in this order: `page.rs`, `listing.rs`, `transcript.rs`, `session.rs`, `compare.rs`, `twins.rs`.

mod addresses;
mod check;
mod command;
mod compare;
#[cfg(target_os = "linux")]
mod lies;
mod links;
mod listing;
mod normal;
mod page;
#[path = "../programs/mod.rs"]
mod programs;
mod refresh;
mod session;
#[path = "../support/mod.rs"]
mod support;
mod transcript;
mod twins;

use std::collections::BTreeMap;
use std::sync::{Mutex, OnceLock};
use std::thread;

use page::Page;
use support::{File, Finding, demand_none, files, root};

/// What listings may quote.
const SOURCES: [&str; 7] = [".rs", ".toml", ".py", ".sh", ".lua", ".c", ".txt"];

/// The book's two folders, and the README, whose transcripts are held to the truth as well.
fn is_page(path: &str) -> bool {
    path.starts_with("docs/en/") || path.starts_with("docs/zh-TW/") || path == "README.md"
}

fn pages() -> Vec<Page> {
    let all = files(&[".md"]);
    all.iter().filter(|file| is_page(&file.path)).map(|file| Page::parse(&file.path, &file.text)).collect()
}

fn sources() -> Vec<File> {
    files(&SOURCES)
}

/// The pages, after what `REFRESH` asks for was done: once, before any test looks at them.
fn refreshed_pages() -> &'static [Page] {
    static PAGES: OnceLock<Vec<Page>> = OnceLock::new();
    PAGES.get_or_init(|| {
        match std::env::var("REFRESH").unwrap_or_default().as_str() {
            "" => {}
            "1" => refresh::listings_and_transcripts(&pages(), &sources()),
            what => refresh::twins(&pages(), what),
        }
        pages()
    })
}

#[test]
fn listings_are_what_the_sources_say() {
    let (pages, sources) = (refreshed_pages(), sources());
    let mut found: Vec<Finding> = pages.iter().flat_map(|page| listing::check(page, &sources)).collect();
    found.extend(listing::check_sources(&sources, pages));
    demand_none(&found);
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "the transcripts were taken on Linux, whose error texts they show")]
// Sessions wait more than they compute, so three are played at once. What differs is played once more, alone: on a machine
// that was too busy for a moment, a program asks again for what came late, as the pages say that it does.
fn transcripts_are_what_the_programs_say() {
    // Twins stay together, because they often show the same session.
    let mut twins: BTreeMap<Option<&str>, Vec<&Page>> = BTreeMap::new();
    for page in refreshed_pages() {
        twins.entry(page.path.rsplit('/').next()).or_default().push(page);
    }
    let waiting = Mutex::new(twins.into_values());
    let next = || waiting.lock().unwrap().next();
    let play = || -> Vec<_> { std::iter::from_fn(next).map(|pages| check_transcripts(&pages)).collect() };
    let found = thread::scope(|scope| [&play; 3].map(|play| scope.spawn(play)).map(|player| player.join().unwrap()));
    let mut all = Vec::new();
    for (found, differ) in found.into_iter().flatten() {
        all.extend(found);
        all.extend(differ.iter().flat_map(|(page, session)| check::session(page, session)));
    }
    demand_none(&all);
}

/// What is wrong with the blocks of these pages, and the sessions that came out differently.
fn check_transcripts<'a>(pages: &[&'a Page]) -> (Vec<Finding>, Vec<(&'a Page, transcript::Session)>) {
    let (mut found, mut differ) = (Vec::new(), Vec::new());
    let mut played: Vec<(transcript::Session, Vec<Finding>)> = Vec::new();
    for page in pages {
        let (sessions, wrong) = transcript::sessions(page);
        found.extend(wrong);
        for session in sessions {
            // The twins often show the same session; one run is enough for both.
            let same = played.iter().find(|(other, _)| refresh::is_same(other, &session));
            let wrong = same.map_or_else(|| check::session(page, &session), |(_, wrong)| wrong.clone());
            if !wrong.is_empty() {
                differ.push((*page, session.clone()));
            }
            played.push((session, wrong));
        }
    }
    (found, differ)
}

#[test]
fn twins_have_the_same_structure_and_age() {
    let pages = refreshed_pages();
    let records = twins::parse(&std::fs::read_to_string(root().join(refresh::TWINS)).unwrap_or_default());
    let mut found: Vec<Finding> = pages.iter().flat_map(twins::check_sections).collect();
    for twins in twins::pairs(pages) {
        found.extend(twins::check_structure(&twins));
        found.extend(twins::check_age(&twins, &records));
    }
    demand_none(&found);
}

#[test]
fn relative_links_lead_somewhere() {
    refreshed_pages();
    let all: Vec<Page> = files(&[".md"]).iter().map(|file| Page::parse(&file.path, &file.text)).collect();
    let check = |page| [links::check(page, &all, &root()), links::check_titles(page, &all)].concat();
    demand_none(&all.iter().flat_map(check).collect::<Vec<_>>());
}
