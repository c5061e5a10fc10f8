//! Reading in any order and beyond the cache, and every way in which a file may change under the sender.
//!
//! The file's time is set by hand, so that no test waits for a clock to tick.

use std::sync::LazyLock;
use std::time::{Duration, SystemTime};

use tempfile::TempDir;

use super::*;

const SIZE: u64 = 3 * PIECE_LEN + 10;

static CONTENTS: LazyLock<Vec<u8>> = LazyLock::new(|| (0..SIZE).map(|at| (at % 241) as u8).collect());

fn contents() -> &'static [u8] {
    &CONTENTS
}

fn digest() -> Digest {
    Digest(*blake3::hash(contents()).as_bytes())
}

fn source(dir: &TempDir) -> (FileSource, PathBuf) {
    let path = dir.path().join("筆記.txt");
    fs::write(&path, contents()).unwrap();
    set_time(&path, 1_000_000);
    (FileSource::open(std::slice::from_ref(&path)).unwrap(), path)
}

fn set_time(path: &Path, seconds: u64) {
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
    File::options().write(true).open(path).unwrap().set_modified(time).unwrap();
}

fn read(source: &mut FileSource, offset: u64, len: usize) -> Result<Vec<u8>, Refusal> {
    let mut bytes = vec![0; len];
    source.read(0, offset, &mut bytes).map(|()| bytes)
}

#[test]
fn bytes_come_from_where_they_are_asked_also_across_pieces_and_again() {
    let dir = tempfile::tempdir().unwrap();
    let (mut source, _) = source(&dir);
    for offset in [0, PIECE_LEN - 600, 2 * PIECE_LEN - 1, 0, SIZE - 1200] {
        let want = &contents()[offset as usize..][..1200];
        assert_eq!(read(&mut source, offset, 1200).unwrap(), want);
    }
    assert_eq!(source.digest(0).unwrap(), digest());
}

#[test]
fn the_digest_covers_all_bytes_also_those_that_were_not_sent() {
    let dir = tempfile::tempdir().unwrap();
    let (mut source, _) = source(&dir);
    read(&mut source, 2 * PIECE_LEN, 1200).unwrap();
    assert_eq!(source.digest(0).unwrap(), digest());
    assert_eq!(source.digest(0).unwrap(), digest(), "asked again");
}

#[test]
fn what_is_kept_in_memory_does_not_grow_with_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("大.bin");
    let size = (CACHED_MAX as u64 + 10) * PIECE_LEN;
    File::create(&path).unwrap().set_len(size).unwrap();
    let mut source = FileSource::open(&[path]).unwrap();
    for piece in 0..piece_count(size) {
        read(&mut source, piece * PIECE_LEN, 10).unwrap();
    }
    assert_eq!(source.cached.len(), CACHED_MAX);
    read(&mut source, 0, 10).unwrap();
    source.close(0);
    assert!(source.cached.is_empty() && source.open.is_empty());
}

#[test]
fn every_change_while_it_is_sent_is_said() {
    type Change = fn(&Path);
    let change: [(&str, Change); 3] = [
        ("and has", |path| fs::write(path, "短").unwrap()),
        ("and has", |path| {
            let longer = [contents(), &[1]].concat();
            fs::write(path, longer).unwrap();
        }),
        ("was written to", |path| {
            fs::write(path, vec![0; SIZE as usize]).unwrap();
            set_time(path, 2_000_000);
        }),
    ];
    for (want, change) in change {
        let dir = tempfile::tempdir().unwrap();
        let (mut before_reading, path) = source(&dir);
        let mut between = FileSource::open(std::slice::from_ref(&path)).unwrap();
        let mut at_the_end = FileSource::open(std::slice::from_ref(&path)).unwrap();
        read(&mut between, 0, 1200).unwrap();
        read(&mut at_the_end, 0, SIZE as usize).unwrap();
        change(&path);
        for result in [
            read(&mut before_reading, 0, 10).map(|_| ()),
            read(&mut between, PIECE_LEN, 10).map(|_| ()),
            at_the_end.digest(0).map(|_| ()),
        ] {
            let said = result.unwrap_err().reason().to_owned();
            assert!(said.starts_with("筆記.txt changed while it was sent") && said.contains(want), "{said}");
        }
    }
}

#[test]
fn a_file_that_goes_away_before_its_turn_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let (mut source, path) = source(&dir);
    fs::remove_file(path).unwrap();
    assert!(read(&mut source, 0, 10).unwrap_err().reason().starts_with("open 筆記.txt: "));
}

#[test]
fn a_file_that_is_replaced_by_another_is_still_the_one_that_was_opened() {
    let dir = tempfile::tempdir().unwrap();
    let (mut source, path) = source(&dir);
    read(&mut source, 0, 10).unwrap();
    let other = dir.path().join("other");
    fs::write(&other, "新版").unwrap();
    // Windows does not let an open file be replaced.
    if fs::rename(&other, &path).is_ok() {
        assert_eq!(source.digest(0).unwrap(), digest());
    }
}

#[test]
fn what_is_no_file_is_refused_before_anything_is_sent() {
    let dir = tempfile::tempdir().unwrap();
    let missing = dir.path().join("沒有.txt");
    let error = FileSource::open(&[missing]).unwrap_err();
    assert_eq!(error.cause.kind(), ErrorKind::NotFound);
    let error = FileSource::open(&[dir.path().to_owned()]).unwrap_err();
    assert_eq!(error.hint.as_deref(), Some("name the files in it"));
    #[cfg(unix)]
    {
        let error = FileSource::open(&[PathBuf::from("/dev/null")]).unwrap_err();
        assert!(error.cause.to_string().starts_with("not a file"), "{}", error.cause);
        let odd = dir.path().join("a:b.txt");
        fs::write(&odd, "x").unwrap();
        let error = FileSource::open(&[odd]).unwrap_err();
        assert_eq!(error.cause.to_string(), r#"name "a:b.txt": `:` is no part of a name"#);
    }
}

#[test]
fn an_empty_file_has_a_digest_and_no_bytes() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("空");
    fs::write(&path, "").unwrap();
    let mut source = FileSource::open(&[path]).unwrap();
    assert_eq!(source.digest(0).unwrap(), Digest(*blake3::hash(b"").as_bytes()));
    assert!(read(&mut source, 0, 1).is_err());
}
