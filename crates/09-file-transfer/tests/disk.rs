//! The receiver's disk as the protocol sees it: offers, bytes in any order, verdicts; and what a hostile
//! sender can make of them. Nothing outside DIR is ever touched.
//!
//! The rules for names and parts are tested beside their code; here all of it works together.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use file_transfer::disk::DiskStore;
use file_transfer::disk::tree::PIECE_LEN;
use file_transfer::file::{Answer, Digest, FileId, Offer, Session, Store, Verdict};
use tempfile::TempDir;

/// How long the disk may take for a verdict.
const DEADLINE: Duration = Duration::from_secs(20);

fn file(index: u32) -> FileId {
    FileId { session: Session(0x1234), index }
}

fn offer(name: &str, size: u64) -> Offer {
    Offer { name: name.to_owned(), size, modified_ns: 1_234_567_000_000_000 }
}

fn contents(size: u64, seed: u64) -> Vec<u8> {
    (0..size).map(|at| ((at * 31 + seed) % 253) as u8).collect()
}

fn digest(bytes: &[u8]) -> Digest {
    Digest(*blake3::hash(bytes).as_bytes())
}

/// A folder inside a folder, so that a way out of it would show.
struct Place {
    outer: TempDir,
    store: DiskStore,
}

impl Place {
    fn new() -> Self {
        let outer = tempfile::tempdir().unwrap();
        fs::create_dir(outer.path().join("收件匣")).unwrap();
        let store = DiskStore::open(&outer.path().join("收件匣")).unwrap();
        Self { outer, store }
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.outer.path().join("收件匣").join(name)
    }

    fn names(&self) -> Vec<String> {
        names(&self.outer.path().join("收件匣"))
    }

    fn take(&mut self, index: u32, name: &str, size: u64) {
        assert_eq!(self.store.offer(file(index), &offer(name, size), false), Answer::Send { from: 0 }, "{name}");
    }

    fn verdict(&mut self) -> (FileId, Verdict) {
        let deadline = Instant::now() + DEADLINE;
        loop {
            if let Some(verdict) = self.store.verdict() {
                return verdict;
            }
            assert!(Instant::now() < deadline, "no verdict");
            std::thread::yield_now();
        }
    }

    /// Ends the store, so that its thread has done everything.
    fn close(self) -> TempDir {
        drop(self.store);
        self.outer
    }
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn files_of_every_size_come_whole_from_chunks_in_any_order() {
    let mut place = Place::new();
    let sizes = [0, 1, 1199, 1200, 1201, 2400, PIECE_LEN - 1, PIECE_LEN, PIECE_LEN + 1, 3 * PIECE_LEN, 1_000_003];
    let mut want = HashMap::new();
    for (index, size) in (0..).zip(sizes) {
        let bytes = contents(size, 5);
        place.take(index, &format!("檔案 {size}"), size);
        let mut chunks: Vec<(usize, &[u8])> = bytes.chunks(1200).enumerate().collect();
        // Backwards in groups: neither in order nor the same for every size.
        chunks.sort_by_key(|(number, _)| (number % 7, usize::MAX - number));
        for (number, chunk) in chunks {
            place.store.write(file(index), number as u64 * 1200, chunk, 0).unwrap();
        }
        place.store.finish(file(index), digest(&bytes));
        want.insert(file(index), (format!("檔案 {size}"), bytes));
    }
    while !want.is_empty() {
        let (file, verdict) = place.verdict();
        let (name, bytes) = want.remove(&file).expect("one verdict for each file");
        assert_eq!(verdict, Verdict::Complete, "{name}");
        assert!(fs::read(place.path(&name)).unwrap() == bytes, "{name}");
    }
    assert_eq!(place.names().len(), sizes.len());
}

#[test]
fn more_pieces_at_once_than_memory_has_room_for_come_whole_as_well() {
    let mut place = Place::new();
    let (files, size) = (10, 9 * PIECE_LEN + 10);
    let all: Vec<Vec<u8>> = (0..files).map(|index| contents(size, index.into())).collect();
    for index in 0..files {
        place.take(index, &format!("{index}"), size);
    }
    let mut write = |index: u32, range: std::ops::Range<u64>| {
        let bytes = &all[index as usize][range.start as usize..range.end as usize];
        place.store.write(file(index), range.start, bytes, 0).unwrap();
    };
    // Every piece of every file is begun before the first one is whole.
    let pieces = || (0..files).flat_map(|index| (0..9).map(move |piece| (index, piece * PIECE_LEN)));
    pieces().for_each(|(index, start)| write(index, start + 10..start + PIECE_LEN));
    pieces().for_each(|(index, start)| write(index, start..start + 10));
    (0..files).for_each(|index| write(index, 9 * PIECE_LEN..size));
    for (index, bytes) in (0..).zip(&all) {
        place.store.finish(file(index), digest(bytes));
    }
    for _ in 0..files {
        assert_eq!(place.verdict().1, Verdict::Complete);
    }
    for (index, bytes) in all.iter().enumerate() {
        assert!(fs::read(place.path(&format!("{index}"))).unwrap() == *bytes, "file {index}");
    }
}

#[test]
fn a_name_that_leads_out_is_refused_in_words_and_nothing_is_written_anywhere() {
    let mut place = Place::new();
    let absolute = place.outer.path().join("出來").display().to_string();
    let long = "字".repeat(100);
    let names = [
        "../出來",
        "..",
        ".",
        "",
        "/etc/課表",
        &absolute,
        "C:\\課表",
        "C:課表",
        "a/b",
        "a\\b",
        "NUL",
        "com1.txt",
        &long,
        "a\nb",
        "\u{1b}]0;x\u{7}",
        "a\u{202e}gpj.exe",
        ".profile",
        " x",
        "x ",
        "x.",
        "課表.txt:流",
        "a*?",
    ];
    for (index, name) in (0..).zip(names) {
        let Answer::Refuse(refusal) = place.store.offer(file(index), &offer(name, 3), false) else {
            panic!("{name:?} was taken");
        };
        let reason = refusal.reason();
        assert!(reason.starts_with("name ") && !reason.contains(|c: char| c.is_control()), "{reason:?}");
        // A sender that does not listen changes nothing.
        let _ = place.store.write(file(index), 0, b"abc", 3);
        place.store.finish(file(index), digest(b"abc"));
    }
    let outer = place.close();
    assert_eq!(names_of_both(outer.path()), [vec!["收件匣".to_owned()], Vec::new()]);
}

fn names_of_both(outer: &Path) -> [Vec<String>; 2] {
    [names(outer), names(&outer.join("收件匣"))]
}

#[test]
fn two_files_of_one_name_are_both_kept() {
    let mut place = Place::new();
    for (index, text) in [(0, "第一個"), (1, "第二個")] {
        place.take(index, "筆記.txt", 9);
        place.store.write(file(index), 0, text.as_bytes(), 9).unwrap();
    }
    for (index, text) in [(0, "第一個"), (1, "第二個")] {
        place.store.finish(file(index), digest(text.as_bytes()));
        assert_eq!(place.verdict(), (file(index), Verdict::Complete));
    }
    assert_eq!(place.names(), ["筆記 (2).txt", "筆記.txt"]);
    assert_eq!(fs::read_to_string(place.path("筆記.txt")).unwrap(), "第一個");
    assert_eq!(fs::read_to_string(place.path("筆記 (2).txt")).unwrap(), "第二個");
}

#[test]
fn other_bytes_than_the_digest_says_are_told_and_thrown_away() {
    let mut place = Place::new();
    place.take(0, "課表", 6);
    place.store.write(file(0), 0, "壞了".as_bytes(), 6).unwrap();
    place.store.finish(file(0), digest("好的".as_bytes()));
    assert_eq!(place.verdict(), (file(0), Verdict::Differs));
    assert_eq!(place.names(), [""; 0]);
    assert_eq!(place.store.offer(file(0), &offer("課表", 6), true), Answer::Send { from: 0 });
    place.store.write(file(0), 0, "好的".as_bytes(), 6).unwrap();
    place.store.finish(file(0), digest("好的".as_bytes()));
    assert_eq!(place.verdict(), (file(0), Verdict::Complete));
}

#[test]
fn an_abandoned_transfer_goes_on_in_another_session() {
    let size = 2 * PIECE_LEN + 10;
    let bytes = contents(size, 9);
    let mut place = Place::new();
    place.take(0, "大檔", size);
    place.store.write(file(0), 0, &bytes[..PIECE_LEN as usize + 1000], PIECE_LEN + 1000).unwrap();
    place.store.abandon(file(0));
    let outer = place.close();
    assert_eq!(names(&outer.path().join("收件匣")).len(), 2, "the part and its journal");

    let mut store = DiskStore::open(&outer.path().join("收件匣")).unwrap();
    let again = FileId { session: Session(99), index: 3 };
    assert_eq!(store.offer(again, &offer("大檔", size), false), Answer::Send { from: PIECE_LEN });
    store.write(again, PIECE_LEN, &bytes[PIECE_LEN as usize..], size).unwrap();
    store.finish(again, digest(&bytes));
    let mut place = Place { outer, store };
    assert_eq!(place.verdict(), (again, Verdict::Complete));
    assert_eq!(place.names(), ["大檔"]);
}

#[test]
fn a_size_that_lies_costs_no_space_and_ends_in_words() {
    let mut place = Place::new();
    place.take(0, "謊言", u64::MAX);
    place.store.write(file(0), 0, b"abc", 3).unwrap();
    // Behind everything that a file system can address: only the disk can say so, a moment later.
    let deadline = Instant::now() + DEADLINE;
    let mut offset = u64::MAX - PIECE_LEN * 2;
    let refusal = loop {
        assert!(Instant::now() < deadline, "never refused");
        let bytes = vec![0; PIECE_LEN as usize];
        if let Err(refusal) = place.store.write(file(0), offset, &bytes, 3) {
            break refusal;
        }
        offset -= PIECE_LEN;
    };
    assert!(refusal.reason().starts_with("write 謊言: "), "{}", refusal.reason());
    place.store.finish(file(0), digest(b"abc"));
    assert!(matches!(place.verdict().1, Verdict::Refused(_)));
    let outer = place.close();
    assert_eq!(names_of_both(outer.path())[1], [""; 0]);
}

#[test]
fn what_comes_for_a_file_that_was_never_offered_is_passed_over() {
    let mut place = Place::new();
    place.store.write(file(5), 0, b"abc", 3).unwrap();
    place.store.finish(file(5), digest(b"abc"));
    place.store.abandon(file(6));
    let outer = place.close();
    assert_eq!(names_of_both(outer.path())[1], [""; 0]);
}

#[test]
fn a_folder_that_cannot_be_used_is_told_before_anyone_sends() {
    let outer = tempfile::tempdir().unwrap();
    let plain = outer.path().join("檔案");
    fs::write(&plain, "x").unwrap();
    let said = |path: &Path| netcommon::cli::describe(&DiskStore::open(path).map(drop).unwrap_err().into());
    assert!(said(&outer.path().join("沒有")).ends_with("; make the folder first, or choose another with --into"));
    assert!(said(&plain).starts_with("open folder ") && said(&plain).ends_with("; choose another folder with --into"));
    // Not even root can make a file there.
    #[cfg(target_os = "linux")]
    assert!(said(Path::new("/proc")).starts_with("write into folder /proc: "), "{}", said(Path::new("/proc")));
}

/// The disk that is full: a folder in memory with room for 1 MiB, if this user may make one.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_told_in_words_and_loses_nothing_that_was_there() {
    let exe = std::env::current_exe().unwrap();
    let inner = "full_disk_inside_a_namespace";
    let script = "mkdir -p \"$1\" && mount -t tmpfs -o size=1m none \"$1\" && shift && exec \"$0\" \"$@\"";
    let dir = tempfile::tempdir().unwrap();
    let mut command = std::process::Command::new("unshare");
    command.args(["-rm", "sh", "-c", script]).arg(exe).arg(dir.path());
    command.args(["--exact", inner, "--ignored", "--nocapture"]).env("FULL_DISK", dir.path());
    let Ok(output) = command.output() else { return };
    let said = String::from_utf8_lossy(&output.stdout);
    if said.contains("running 1 test") {
        assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    } else {
        eprintln!("not tried: this user may not mount a file system in a namespace of its own");
    }
}

#[cfg(target_os = "linux")]
#[test]
#[ignore = "started by a_full_disk_is_told_in_words_and_loses_nothing_that_was_there, in a file system of 1 MiB"]
fn full_disk_inside_a_namespace() {
    let dir = std::path::PathBuf::from(std::env::var_os("FULL_DISK").expect("FULL_DISK is set"));
    fs::write(dir.join("很重要"), "原文").unwrap();
    let mut store = DiskStore::open(&dir).unwrap();
    let size = 16 * PIECE_LEN;
    assert_eq!(store.offer(file(0), &offer("太大", size), false), Answer::Send { from: 0 });
    let deadline = Instant::now() + DEADLINE;
    let mut refused = None;
    for piece in 0..16 {
        refused = refused.or(store.write(file(0), piece * PIECE_LEN, &contents(PIECE_LEN, piece), 0).err());
    }
    store.finish(file(0), Digest([0; 32]));
    let verdict = loop {
        assert!(Instant::now() < deadline, "no verdict");
        if let Some((_, verdict)) = store.verdict() {
            break verdict;
        }
        std::thread::yield_now();
    };
    let Verdict::Refused(reason) = verdict else { panic!("{verdict:?}") };
    assert_eq!(reason.reason(), "write 太大: No space left on device (os error 28)");
    drop(store);
    assert_eq!(fs::read_to_string(dir.join("很重要")).unwrap(), "原文");
    // What had come stays for another try, when there is room.
    let mut store = DiskStore::open(&dir).unwrap();
    let Answer::Send { from } = store.offer(file(1), &offer("太大", size), false) else { panic!("refused") };
    assert!(from >= PIECE_LEN, "{from}");
}
