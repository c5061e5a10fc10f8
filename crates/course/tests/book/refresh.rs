//! `REFRESH`: writes listings, transcripts and the twins' records anew, and says what changed.
//!
//! Only blocks that are wrong are written, so that a refresh of a true page changes nothing. What it
//! says goes to stderr past the test harness, which would keep it back.

use std::fs;
use std::io::Write;

use crate::compare::{difference, refreshed};
use crate::listing::quoted;
use crate::page::{Mark, Page};
use crate::session::{Said, play};
use crate::support::{File, root};
use crate::transcript::{Session, Step, sessions};
use crate::twins;

/// Where the twins' digests are kept.
pub(crate) const TWINS: &str = "docs/twins.toml";

fn say(what: &str) {
    // Nobody reads it when stderr is closed; the files are written all the same.
    let _ = writeln!(std::io::stderr(), "refresh: {what}");
}

/// Whether two sessions would be played alike and show the same.
pub(crate) fn is_same(one: &Session, other: &Session) -> bool {
    let content = |session: &Session| {
        let steps =
            session.lanes.iter().map(|lane| lane.steps.iter().map(|step| (step.command.clone(), step.shown.clone())));
        steps.map(Iterator::collect::<Vec<_>>).collect::<Vec<_>>()
    };
    one.chinese == other.chinese && content(one) == content(other)
}

/// Copies sources and plays sessions into the pages.
pub(crate) fn listings_and_transcripts(pages: &[Page], sources: &[File]) {
    for page in pages {
        if let Some(text) = refreshed_text(page, sources) {
            let path = root().join(&page.path);
            fs::write(&path, text).unwrap_or_else(|error| panic!("write {}: {error}", path.display()));
        }
    }
}

/// The page's new text; `None` when nothing on it is wrong.
pub(crate) fn refreshed_text(page: &Page, sources: &[File]) -> Option<String> {
    let mut blocks: Vec<(usize, Vec<String>)> = new_listings(page, sources);
    for session in sessions(page).0 {
        match new_transcripts(&session) {
            Ok(new) => blocks.extend(new),
            Err(error) => say(&format!("{}: transcript {} left as it is: {error}", page.path, session.name)),
        }
    }
    with_blocks(page, blocks)
}

fn new_listings(page: &Page, sources: &[File]) -> Vec<(usize, Vec<String>)> {
    let mut new = Vec::new();
    for (index, block) in page.blocks.iter().enumerate() {
        let Mark::Listing(reference) = &block.mark else { continue };
        match quoted(reference, sources) {
            Ok(lines) => new.push((index, lines)),
            Err(error) => say(&format!("{}:{}: listing left as it is: {error}", page.path, page.line_of(block))),
        }
    }
    new
}

/// The new lines of every block of a session that is wrong.
fn new_transcripts(session: &Session) -> Result<Vec<(usize, Vec<String>)>, String> {
    let played = play(session, true)?;
    let mut new = Vec::new();
    for (lane, said) in session.lanes.iter().zip(&played.said) {
        let pairs = || lane.steps.iter().zip(said);
        let is_wrong = |(step, said): (&Step, &Said)| difference(&step.expected(), &said.lines, &played.kept).is_some();
        if !pairs().any(is_wrong) {
            continue;
        }
        let [block] = lane.blocks.as_slice() else {
            return Err(format!("lane `{}` has more than one block: write it by hand", lane.label));
        };
        let mut lines = Vec::new();
        for (step, said) in pairs() {
            lines.push(step.typed_command.clone());
            lines.extend(refreshed_step(step, said, &played.kept));
        }
        new.push((*block, lines));
    }
    Ok(new)
}

/// The new lines of a step; `^C` stands where it was pressed this time.
fn refreshed_step(step: &Step, said: &Said, kept: &[String]) -> Vec<String> {
    let Some(at) = step.shown.iter().position(|line| line == "^C") else {
        return refreshed(&step.shown, &said.lines, kept);
    };
    let (before, after) = said.lines.split_at(said.before_interrupt.min(said.lines.len()));
    let mut lines = refreshed(&step.shown[..at], before, kept);
    lines.push("^C".to_owned());
    lines.extend(refreshed(&step.shown[at + 1..], after, kept));
    lines
}

/// The page's text with some of its blocks replaced, from the last to the first.
fn with_blocks(page: &Page, mut blocks: Vec<(usize, Vec<String>)>) -> Option<String> {
    blocks.retain(|(index, lines)| page.content(&page.blocks[*index]) != lines.as_slice());
    if blocks.is_empty() {
        return None;
    }
    blocks.sort_by_key(|(index, _)| std::cmp::Reverse(*index));
    let mut text = page.lines.clone();
    for (index, lines) in blocks {
        let block = &page.blocks[index];
        say(&format!("{}:{}: block written anew", page.path, page.line_of(block)));
        text.splice(block.first..block.end, lines);
    }
    Some(text.join("\n") + "\n")
}

/// Does what `REFRESH=twins` and `REFRESH=twins:NAME` ask for.
pub(crate) fn twins(pages: &[Page], what: &str) {
    let only = match what.split_once(':') {
        None if what == "twins" => "",
        Some(("twins", name)) => name,
        _ => panic!("REFRESH={what}: expected 1, twins or twins:NAME"),
    };
    let path = root().join(TWINS);
    let old = fs::read_to_string(&path).unwrap_or_default();
    let new = twins::print(&twins::record(&twins::pairs(pages), &twins::parse(&old), only));
    if new != old {
        fs::write(&path, new).unwrap_or_else(|error| panic!("write {}: {error}", path.display()));
        say(&format!("{TWINS} written anew"));
    }
}
