//! Reading logs: every whole line is taken, what is torn is counted, and nothing in a file can panic us.
//!
//! Several files are put into the order of their headings, so that the files of a rotation may be named in any order.
//! Read `write.rs` before.

use std::cmp::Reverse;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

use netcommon::error::OpError;

use crate::event::Event;
use crate::moment::Moment;
use crate::record::Record;

/// A line of ours has a few hundred bytes; a longer one than this was not written by us.
pub const LINE_MAX: usize = 64 * 1024;

/// Why a log cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// What the system says.
    #[error(transparent)]
    System(#[from] OpError),
    /// Not one line of it is a line of a log.
    #[error("read {0}: no line of it is a line of a net-monitor log")]
    NotALog(String),
}

/// Reads logs into one record.
///
/// # Errors
/// A file cannot be read, or has no line of ours at all. An empty file is a log without lines.
pub fn read(paths: &[PathBuf]) -> Result<Record, ReadError> {
    let mut files = Vec::new();
    for path in paths {
        files.push((beginning(path)?, path));
    }
    // Of two that begin at the same moment, as the parts of a rotation do, the lower part comes first.
    files.sort_by_key(|(beginning, _)| *beginning);
    let mut record = Record::default();
    for (_, path) in files {
        let failed = |error| OpError::new("read", path.display(), error);
        let file = File::open(path).map_err(|error| OpError::new("open", path.display(), error))?;
        let (taken, torn) = read_lines(BufReader::new(file), &mut record).map_err(failed)?;
        if taken == 0 && torn > 0 {
            return Err(ReadError::NotALog(path.display().to_string()));
        }
    }
    record.finish();
    Ok(record)
}

/// When a file's run began, and which part of it this is; files without a heading come last.
fn beginning(path: &Path) -> Result<(Reverse<bool>, Moment, u32), OpError> {
    let file = File::open(path).map_err(|error| OpError::new("open", path.display(), error))?;
    let mut line = Vec::new();
    let read = next_line(&mut BufReader::new(file), &mut line);
    read.map_err(|error| OpError::new("read", path.display(), error))?;
    Ok(match serde_json::from_slice(&line) {
        Ok(Event::Started(heading)) => (Reverse(true), heading.at, heading.part),
        _ => (Reverse(false), Moment::default(), 0),
    })
}

/// Takes every line; returns how many could be read, and how many could not.
fn read_lines(mut file: impl BufRead, record: &mut Record) -> io::Result<(u64, u64)> {
    let (mut taken, mut torn) = (0, 0);
    let mut line = Vec::new();
    while let Some(whole) = next_line(&mut file, &mut line)? {
        match serde_json::from_slice(&line) {
            Ok(event) if whole => {
                record.take(event);
                taken += 1;
            }
            _ => torn += 1,
        }
    }
    record.lines_torn += torn;
    Ok((taken, torn))
}

/// Reads up to the next LF; whether the line has one and is no longer than [`LINE_MAX`]; `None` at the end.
fn next_line(file: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<Option<bool>> {
    line.clear();
    let mut too_long = false;
    loop {
        let bytes = file.fill_buf()?;
        if bytes.is_empty() {
            return Ok((!line.is_empty() || too_long).then_some(false));
        }
        let end = bytes.iter().position(|byte| *byte == b'\n');
        let part = &bytes[..end.unwrap_or(bytes.len())];
        too_long |= line.len() + part.len() > LINE_MAX;
        if !too_long {
            line.extend_from_slice(part);
        }
        let used = part.len() + usize::from(end.is_some());
        file.consume(used);
        if end.is_some() {
            return Ok(Some(!too_long));
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LINES: &str = concat!(
        r#"{"event":"started","at":"2026-11-23T08:00:00Z","source":"proxy","watching":[],"version":"0","part":1}"#,
        "\n",
        r#"{"event":"opened","at":"2026-11-23T08:00:01Z","number":1,"protocol":"tcp","from":"127.0.0.1:5","to":"127.0.0.1:8001"}"#,
        "\n",
        r#"{"event":"invented-later","what":"新的"}"#,
        "\n",
        r#"{"event":"connection","number":1,"protocol":"tcp","peer":"127.0.0.1:5","port":8001,"server":"127.0.0.1:8001","start":"2026-11-23T08:00:01Z","end":"2026-11-23T08:00:02Z","bytes_in":6,"bytes_out":23,"how":"orderly","new_key":"新的"}"#,
        "\n",
        r#"{"event":"finished","at":"2026-11-23T08:00:03Z"}"#,
        "\n",
    );

    fn record(bytes: &[u8]) -> (Record, u64, u64) {
        let mut record = Record::default();
        let (taken, torn) = read_lines(bytes, &mut record).unwrap();
        record.finish();
        (record, taken, torn)
    }

    #[test]
    fn a_log_cut_at_any_byte_gives_all_lines_before_the_cut() {
        for cut in 0..=LINES.len() {
            let bytes = &LINES.as_bytes()[..cut];
            let (record, taken, torn) = record(bytes);
            let whole = bytes.iter().filter(|byte| **byte == b'\n').count() as u64;
            assert_eq!((taken, torn), (whole, u64::from(!bytes.ends_with(b"\n") && cut > 0)), "cut at {cut}");
            assert_eq!(record.is_complete(), cut == 0, "a line of a newer version, or a cut: {cut}");
        }
        let (record, _, _) = record(LINES.as_bytes());
        assert_eq!((record.connections[0].bytes_out, record.lines_unknown, record.broken_off), (23, 1, 0));
    }

    #[test]
    fn a_line_without_end_takes_no_memory() {
        let mut long = vec![b'x'; 3 * LINE_MAX];
        long.push(b'\n');
        long.extend_from_slice(LINES.as_bytes());
        let (record, taken, torn) = record(&long);
        assert_eq!((taken, torn, record.connections.len()), (5, 1, 1));
    }

    #[test]
    fn what_is_no_log_is_told_from_one_that_is_empty() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("相片.jpg");
        std::fs::write(&path, b"\xff\xd8\xff\n").unwrap();
        assert!(matches!(read(std::slice::from_ref(&path)), Err(ReadError::NotALog(_))));
        std::fs::write(&path, b"").unwrap();
        assert_eq!(read(&[path]).unwrap().connections.len(), 0);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(at in 0..LINES.len(), bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            let mut log = LINES.as_bytes().to_vec();
            let end = (at + bytes.len()).min(log.len());
            log.splice(at..end, bytes);
            record(&log);
        }
    }
}
