//! Cutting a transfer at every piece, and damaging what it left: nothing wrong is ever taken for right.
//!
//! A part is dropped without a word, as SIGKILL would leave it.

use std::fs;
use std::sync::LazyLock;

use tempfile::TempDir;

use super::*;

/// A file of a few pieces and a rest.
const SIZE: u64 = 4 * PIECE_LEN + 100;

fn offer() -> Offer {
    Offer { name: "課表.txt".to_owned(), size: SIZE, modified_ns: 1_700_000_000_000_000_000 }
}

static CONTENTS: LazyLock<Vec<u8>> = LazyLock::new(|| (0..SIZE).map(|at| (at % 249) as u8).collect());

fn contents() -> &'static [u8] {
    &CONTENTS
}

fn digest() -> Digest {
    Digest(*blake3::hash(contents()).as_bytes())
}

fn open(dir: &TempDir, afresh: bool) -> (Part, u64) {
    let name = FileName::parse(offer().name.as_bytes()).unwrap();
    Part::open(&Folder::open(dir.path()).unwrap(), name, &offer(), afresh).unwrap()
}

fn write_pieces(part: &mut Part, pieces: impl IntoIterator<Item = u64>) {
    for piece in pieces {
        let range = piece_range(piece, SIZE);
        let bytes = &contents()[range.start as usize..range.end as usize];
        part.write(range.start, bytes).unwrap();
        part.add_piece(piece, bytes).unwrap();
    }
}

/// The names in the folder, ours as `part` and `pieces`.
fn names(dir: &TempDir) -> Vec<String> {
    let entries = fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let short = |name: String| match name.starts_with('.') {
        true => name.rsplit('.').next().unwrap().to_owned(),
        false => name,
    };
    let mut names: Vec<String> = entries.map(short).collect();
    names.sort();
    names
}

fn paths(dir: &TempDir) -> (PathBuf, PathBuf) {
    Folder::open(dir.path()).unwrap().part_paths(&offer(), 0)
}

#[test]
fn a_whole_file_gets_its_name_and_its_time_and_nothing_else_stays() {
    let dir = tempfile::tempdir().unwrap();
    let (mut part, from) = open(&dir, false);
    assert_eq!(from, 0);
    write_pieces(&mut part, [4, 1, 0, 3, 2]);
    assert_eq!(part.finish(digest()).unwrap(), End::Placed(FileName::parse("課表.txt".as_bytes()).unwrap()));
    assert_eq!(names(&dir), ["課表.txt"]);
    let placed = dir.path().join("課表.txt");
    assert_eq!(fs::read(&placed).unwrap(), contents());
    assert_eq!(super::super::time::to_ns(fs::metadata(placed).unwrap().modified().unwrap()), offer().modified_ns);
}

#[test]
fn cut_after_every_piece_it_goes_on_behind_the_last_one_without_a_gap() {
    for cut in 0..=4 {
        let dir = tempfile::tempdir().unwrap();
        let (mut part, _) = open(&dir, false);
        // The piece behind a gap does not count.
        write_pieces(&mut part, (0..cut).chain([cut + 1].into_iter().filter(|piece| *piece <= 4)));
        drop(part);
        let (mut part, from) = open(&dir, false);
        assert_eq!(from, cut * PIECE_LEN, "cut after {cut} pieces");
        write_pieces(&mut part, cut..=4);
        assert!(matches!(part.finish(digest()).unwrap(), End::Placed(_)));
        assert_eq!(fs::read(dir.path().join("課表.txt")).unwrap(), contents());
        assert_eq!(names(&dir), ["課表.txt"]);
    }
}

#[test]
fn cut_again_and_again_it_keeps_what_it_had() {
    let dir = tempfile::tempdir().unwrap();
    for piece in 0..4 {
        let (mut part, from) = open(&dir, false);
        assert_eq!(from, piece * PIECE_LEN);
        write_pieces(&mut part, [piece]);
        drop(part);
        // The cut went through a line.
        let (_, journal) = paths(&dir);
        let torn = [fs::read(&journal).unwrap(), b"17 abc".to_vec()].concat();
        fs::write(&journal, torn).unwrap();
    }
}

#[test]
fn a_piece_that_is_not_what_the_journal_says_is_fetched_again_and_all_behind_it() {
    let dir = tempfile::tempdir().unwrap();
    let (mut part, _) = open(&dir, false);
    write_pieces(&mut part, 0..=3);
    part.write(2 * PIECE_LEN + 5, b"?").unwrap();
    drop(part);
    assert_eq!(open(&dir, false).1, 2 * PIECE_LEN);
}

#[test]
fn a_part_that_lost_its_end_with_the_power_goes_on_from_where_it_is_whole() {
    let dir = tempfile::tempdir().unwrap();
    let (mut part, _) = open(&dir, false);
    write_pieces(&mut part, 0..=3);
    part.file.set_len(PIECE_LEN + 7).unwrap();
    drop(part);
    assert_eq!(open(&dir, false).1, PIECE_LEN);
}

#[test]
fn a_damaged_journal_promises_only_what_stands_before_the_damage() {
    for (from, to, want) in [
        ("file-transfer 1\n", "file-transfer 2\n", 0),
        ("\n1 ", "\n1x ", 1),
        ("\n2 ", "\n2 zz", 2),
        ("\n3 ", "\n7 ", 3),
        ("file-transfer 1\n", "", 0),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let (mut part, _) = open(&dir, false);
        write_pieces(&mut part, 0..=3);
        drop(part);
        let (_, journal) = paths(&dir);
        let text = fs::read_to_string(&journal).unwrap().replacen(from, to, 1);
        fs::write(&journal, text).unwrap();
        assert_eq!(open(&dir, false).1, want * PIECE_LEN, "{from:?} to {to:?}");
    }
}

#[test]
fn a_journal_cut_at_every_byte_of_its_last_line_is_read_up_to_the_line_before() {
    let dir = tempfile::tempdir().unwrap();
    let (mut part, _) = open(&dir, false);
    write_pieces(&mut part, 0..=1);
    drop(part);
    let (_, journal) = paths(&dir);
    let whole = fs::read(&journal).unwrap();
    let last = whole.len() - "1 ".len() - 64 - 1;
    for len in last..whole.len() {
        fs::write(&journal, &whole[..len]).unwrap();
        let promised = Journal::reopen(&journal).map_or(0, |(_, promised)| promised.count());
        assert_eq!(promised, 1, "cut at byte {len} of {}", whole.len());
    }
}

#[test]
fn other_bytes_than_those_of_the_digest_are_never_placed_nor_kept() {
    let dir = tempfile::tempdir().unwrap();
    let (mut part, _) = open(&dir, false);
    write_pieces(&mut part, 0..=4);
    assert_eq!(part.finish(Digest([7; 32])).unwrap(), End::Differs);
    assert_eq!(names(&dir), [""; 0]);
}

#[test]
fn a_piece_that_never_came_is_no_whole_file() {
    let dir = tempfile::tempdir().unwrap();
    let (mut part, _) = open(&dir, false);
    write_pieces(&mut part, 0..=3);
    assert_eq!(part.finish(digest()).unwrap(), End::Differs);
}

#[test]
fn afresh_uses_nothing_that_lies_there() {
    let dir = tempfile::tempdir().unwrap();
    let (mut part, _) = open(&dir, false);
    write_pieces(&mut part, 0..=2);
    drop(part);
    let (mut part, from) = open(&dir, true);
    assert_eq!(from, 0);
    write_pieces(&mut part, 0..=4);
    assert!(matches!(part.finish(digest()).unwrap(), End::Placed(_)));
}

#[test]
fn a_second_transfer_of_the_same_file_at_the_same_time_has_a_part_of_its_own() {
    let dir = tempfile::tempdir().unwrap();
    let (mut first, _) = open(&dir, false);
    write_pieces(&mut first, 0..=1);
    let (mut second, from) = open(&dir, false);
    assert_eq!(from, 0);
    write_pieces(&mut second, 0..=4);
    write_pieces(&mut first, 2..=4);
    assert!(matches!(first.finish(digest()).unwrap(), End::Placed(name) if name.as_str() == "課表.txt"));
    assert!(matches!(second.finish(digest()).unwrap(), End::Placed(name) if name.as_str() == "課表.txt"));
    assert_eq!(names(&dir), ["課表.txt"], "what is there already is not kept twice");
}

#[test]
fn the_same_contents_with_another_time_are_not_kept_twice_and_other_contents_are() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("課表.txt");
    fs::write(&path, contents()).unwrap();
    let (mut part, from) = open(&dir, false);
    assert_eq!(from, 0, "another time: nobody knows yet that it is the same");
    write_pieces(&mut part, 0..=4);
    assert!(matches!(part.finish(digest()).unwrap(), End::Placed(name) if name.as_str() == "課表.txt"));
    assert_eq!(names(&dir), ["課表.txt"]);

    let mut other = contents().to_vec();
    other[17] ^= 1;
    fs::write(&path, &other).unwrap();
    let (mut part, _) = open(&dir, false);
    write_pieces(&mut part, 0..=4);
    assert!(matches!(part.finish(digest()).unwrap(), End::Placed(name) if name.as_str() == "課表 (2).txt"));
    assert!(fs::read(&path).unwrap() == other);
}

#[test]
fn what_is_there_already_is_known_by_its_digest_and_not_fetched_again() {
    let dir = tempfile::tempdir().unwrap();
    let (mut part, _) = open(&dir, false);
    write_pieces(&mut part, 0..=4);
    part.finish(digest()).unwrap();
    let (again, from) = open(&dir, false);
    assert_eq!(from, SIZE);
    assert!(matches!(again.finish(digest()).unwrap(), End::Placed(_)));
    assert_eq!(names(&dir), ["課表.txt"]);

    // Same name, size and time, and other contents: told by the digest, and left where it is.
    let (again, _) = open(&dir, false);
    assert_eq!(again.finish(Digest([7; 32])).unwrap(), End::Differs);
    assert_eq!(fs::read(dir.path().join("課表.txt")).unwrap(), contents());
}

#[test]
fn a_file_of_that_name_with_other_contents_is_never_replaced() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("課表.txt"), "很重要").unwrap();
    fs::create_dir(dir.path().join("課表 (2).txt")).unwrap();
    let (mut part, _) = open(&dir, false);
    write_pieces(&mut part, 0..=4);
    assert!(matches!(part.finish(digest()).unwrap(), End::Placed(name) if name.as_str() == "課表 (3).txt"));
    assert_eq!(fs::read_to_string(dir.path().join("課表.txt")).unwrap(), "很重要");
}

#[test]
fn given_up_it_keeps_what_another_session_can_use_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let (part, _) = open(&dir, false);
    part.write_for_test(0, b"less than a piece");
    part.keep();
    assert_eq!(names(&dir), [""; 0]);
    let (mut part, _) = open(&dir, false);
    write_pieces(&mut part, [0]);
    part.keep();
    assert_eq!(names(&dir), ["part", "pieces"]);
}

#[test]
fn a_part_that_was_longer_than_the_file_is_cut_to_its_size() {
    let dir = tempfile::tempdir().unwrap();
    let (part, _) = paths(&dir);
    fs::write(&part, vec![b'x'; SIZE as usize + 5000]).unwrap();
    let (mut part, _) = open(&dir, false);
    write_pieces(&mut part, 0..=4);
    part.finish(digest()).unwrap();
    assert_eq!(fs::read(dir.path().join("課表.txt")).unwrap(), contents());
}

#[cfg(unix)]
#[test]
fn links_in_the_folder_are_neither_followed_nor_written_through() {
    use std::os::unix::fs::symlink;

    let outside = tempfile::tempdir().unwrap();
    let victim = outside.path().join("很重要");
    fs::write(&victim, "原文").unwrap();
    let dir = tempfile::tempdir().unwrap();
    let (part, journal) = paths(&dir);
    symlink(&victim, dir.path().join("課表.txt")).unwrap();
    symlink(outside.path().join("新的"), dir.path().join("課表 (2).txt")).unwrap();
    symlink(&victim, &part).unwrap();
    symlink(&victim, &journal).unwrap();
    let (_, second_journal) = Folder::open(dir.path()).unwrap().part_paths(&offer(), 1);
    symlink(&victim, second_journal).unwrap();
    let (mut part, from) = open(&dir, false);
    assert_eq!(from, 0);
    write_pieces(&mut part, 0..=4);
    assert!(matches!(part.finish(digest()).unwrap(), End::Placed(name) if name.as_str() == "課表 (3).txt"));
    assert_eq!(fs::read_to_string(&victim).unwrap(), "原文");
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 1);
}

impl Part {
    fn write_for_test(&self, offset: u64, bytes: &[u8]) {
        write_all_at(&self.file, bytes, offset).unwrap();
    }
}
