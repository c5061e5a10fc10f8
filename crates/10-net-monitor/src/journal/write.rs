//! Writing the log: whole lines, at the end of the file, and never an end of the counting when the disk is full.
//!
//! Lines gather in memory for some milliseconds and leave in one `write(2)`. What a full disk has taken of them is cut
//! back to the last whole line; then lines are left out and counted until there is room again, and a `gap` line tells
//! how many. A log that exists is continued: what a kill has torn off at its end is cut away first.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use netcommon::error::OpError;

use crate::event::{Event, Heading};
use crate::moment::Moment;

/// Lines gather up to so many bytes before they are written without waiting any longer.
const BLOCK_LEN: usize = 256 * 1024;

/// When a log becomes several files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rotation {
    /// A file is full with so many bytes.
    pub file_len_max: u64,
    /// So many full files are kept beside the one that is written, as `FILE.1` (the newest), `FILE.2`, ...
    pub keep: u32,
}

/// What could not be written.
#[derive(Debug)]
struct Gap {
    since: Moment,
    lines: u64,
    cause: String,
}

/// An open log.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: File,
    /// The file's length, all of it whole lines.
    len: u64,
    heading: Heading,
    rotation: Option<Rotation>,
    waiting: Vec<u8>,
    lines_waiting: u64,
    gap: Option<Gap>,
}

impl Journal {
    /// Opens a log to be continued, or makes it, and writes the heading.
    ///
    /// # Errors
    /// The file cannot be opened or written, or it is something else than a log.
    pub fn open(path: &Path, heading: Heading, rotation: Option<Rotation>) -> Result<Self, OpError> {
        let open = || {
            let mut file = OpenOptions::new().read(true).append(true).create(true).open(path)?;
            let len = whole_lines(&mut file)?;
            Ok((file, len))
        };
        let (file, len) = open().map_err(|error: io::Error| {
            let not_ours = error.kind() == io::ErrorKind::InvalidData;
            let error = OpError::new("open log", path.display(), error);
            if not_ours { error.with_hint("name another file with --log") } else { error }
        })?;
        let path = path.to_owned();
        let mut journal = Self { path, file, len, heading, rotation, waiting: Vec::new(), lines_waiting: 0, gap: None };
        journal.push(&Event::Started(journal.heading.clone()));
        journal.write_waiting().map_err(|error| OpError::new("write to", journal.path.display(), error))?;
        Ok(journal)
    }

    /// Adds a line, which is written by the next [`Journal::flush`], or at once when many wait.
    ///
    /// Returns a sentence for the user when something has changed: the disk is full, or no longer.
    pub fn add(&mut self, event: &Event, now: Moment) -> Option<String> {
        if let Some(gap) = &mut self.gap {
            gap.lines += 1;
            return None;
        }
        self.push(event);
        if self.waiting.len() < BLOCK_LEN { None } else { self.flush(now) }
    }

    /// Writes what waits. During a gap it is tried whether there is room again; call it once a second then.
    ///
    /// Returns a sentence as [`Journal::add`] does.
    pub fn flush(&mut self, now: Moment) -> Option<String> {
        if let Some(Gap { since, lines, cause }) = &self.gap {
            let (since, lines, cause) = (*since, *lines, cause.clone());
            self.push(&Event::Gap { at: now, since, lines, cause });
            if self.write_waiting().is_err() {
                self.forget_waiting();
                return None;
            }
            self.gap = None;
            return Some(format!("{}: writing again; {lines} lines are missing", self.path.display()));
        }
        if self.waiting.is_empty() {
            return None;
        }
        let rotated = self.rotate_if_full();
        let Err(error) = self.write_waiting() else { return rotated };
        let (lines, cause) = (self.lines_waiting, error.to_string());
        self.forget_waiting();
        self.gap = Some(Gap { since: now, lines, cause });
        Some(format!("write to {}: {error}; counting goes on, the log has a gap", self.path.display()))
    }

    /// Whether lines are being left out.
    #[must_use]
    pub fn has_gap(&self) -> bool {
        self.gap.is_some()
    }

    fn push(&mut self, event: &Event) {
        // Plain fields only: neither this nor writing to a Vec can fail.
        if serde_json::to_writer(&mut self.waiting, event).is_ok() {
            self.waiting.push(b'\n');
            self.lines_waiting += 1;
        }
    }

    fn forget_waiting(&mut self) {
        self.waiting.clear();
        self.lines_waiting = 0;
    }

    /// One `write(2)` if the system takes all. What it took of a line that is not whole is cut off again.
    // ANCHOR: write
    fn write_waiting(&mut self) -> io::Result<()> {
        let mut from = 0;
        while from < self.waiting.len() {
            match self.file.write(&self.waiting[from..]) {
                Ok(0) => return self.cut_back(from, io::ErrorKind::WriteZero.into()),
                Ok(taken) => from += taken,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return self.cut_back(from, error),
            }
        }
        self.len += self.waiting.len() as u64;
        self.forget_waiting();
        Ok(())
    }

    fn cut_back(&mut self, taken: usize, error: io::Error) -> io::Result<()> {
        let is_end = |byte: &u8| *byte == b'\n';
        let whole = self.waiting[..taken].iter().rposition(is_end).map_or(0, |end| end + 1);
        let lines = self.waiting[..whole].iter().filter(|byte| is_end(byte)).count();
        self.len += whole as u64;
        self.lines_waiting -= lines as u64;
        // A device cannot be cut; then the torn line stays, and whoever reads the log leaves it out.
        let _ = self.file.set_len(self.len);
        Err(error)
    }
    // ANCHOR_END: write

    /// Begins a new file when the next lines would make this one too long. A file has at least one batch of lines.
    fn rotate_if_full(&mut self) -> Option<String> {
        let Rotation { file_len_max, keep } = self.rotation?;
        if self.len == 0 || self.len + self.waiting.len() as u64 <= file_len_max {
            return None;
        }
        let result = self.rotate(keep);
        result.err().map(|error| format!("rotate {}: {error}; it grows on", self.path.display()))
    }

    fn rotate(&mut self, keep: u32) -> io::Result<()> {
        let name = |number: u32| {
            let mut name = self.path.clone().into_os_string();
            name.push(format!(".{number}"));
            PathBuf::from(name)
        };
        for number in (1..keep).rev() {
            if name(number).exists() {
                fs::rename(name(number), name(number + 1))?;
            }
        }
        if keep == 0 {
            fs::remove_file(&self.path)?;
        } else {
            fs::rename(&self.path, name(1))?;
        }
        self.file = OpenOptions::new().append(true).create_new(true).open(&self.path)?;
        self.len = 0;
        self.heading.part += 1;
        let lines = std::mem::take(&mut self.waiting);
        self.push(&Event::Started(self.heading.clone()));
        self.waiting.extend(lines);
        Ok(())
    }
}

/// Cuts off what stands behind the last whole line, and returns the length of the rest.
///
/// A file that has no line of ours at its beginning is somebody else's, and stays as it is.
fn whole_lines(file: &mut File) -> io::Result<u64> {
    let len = file.metadata()?.len();
    let mut head = [0; 20];
    let head_len = file.read(&mut head)?;
    let ours = b"{\"event\":\"started\",";
    if !ours.starts_with(&head[..head_len.min(ours.len())]) {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "it exists and is no log of net-monitor"));
    }
    let mut end = len;
    let mut block = vec![0; 4096];
    while end > 0 {
        let start = end.saturating_sub(block.len() as u64);
        let part = &mut block[..usize::try_from(end - start).unwrap_or_default()];
        file.seek(SeekFrom::Start(start))?;
        file.read_exact(part)?;
        if let Some(at) = part.iter().rposition(|byte| *byte == b'\n') {
            end = start + at as u64 + 1;
            break;
        }
        end = start;
    }
    if end < len {
        file.set_len(end)?;
    }
    Ok(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heading() -> Heading {
        let watching = vec!["tcp 127.0.0.1:8001 -> 127.0.0.1:8888".to_owned()];
        Heading { at: Moment::default(), source: "proxy".to_owned(), watching, version: "0".to_owned(), part: 1 }
    }

    fn missed(what: &str) -> Event {
        Event::Missed { at: Moment::default(), what: what.to_owned(), at_least: 0 }
    }

    fn lines(path: &Path) -> Vec<Event> {
        fs::read_to_string(path).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn a_log_that_was_cut_anywhere_is_continued_behind_its_last_whole_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("記錄.jsonl");
        let mut journal = Journal::open(&path, heading(), None).unwrap();
        journal.add(&missed("小明"), Moment::default());
        assert_eq!(journal.flush(Moment::default()), None);
        let whole = fs::read(&path).unwrap();
        let first = whole.iter().position(|byte| *byte == b'\n').unwrap() + 1;
        for cut in 0..=whole.len() {
            fs::write(&path, &whole[..cut]).unwrap();
            drop(Journal::open(&path, heading(), None).unwrap());
            let want = 1 + usize::from(cut >= first) + usize::from(cut == whole.len());
            assert_eq!(lines(&path).len(), want, "cut at {cut}");
        }
    }

    #[test]
    fn somebody_elses_file_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("作業.txt");
        fs::write(&path, "我的作業\n").unwrap();
        let error = Journal::open(&path, heading(), None).unwrap_err();
        assert_eq!(error.hint.as_deref(), Some("name another file with --log"));
        assert_eq!(fs::read_to_string(&path).unwrap(), "我的作業\n");
    }

    #[test]
    fn a_full_file_becomes_the_first_of_the_old_ones_and_the_oldest_goes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.jsonl");
        let rotation = Rotation { file_len_max: 400, keep: 2 };
        let mut journal = Journal::open(&path, heading(), Some(rotation)).unwrap();
        for number in 0..20 {
            journal.add(&missed(&number.to_string()), Moment::default());
            assert_eq!(journal.flush(Moment::default()), None);
        }
        let mut names: Vec<_> = fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        assert_eq!(names, ["log.jsonl", "log.jsonl.1", "log.jsonl.2"]);
        let mut parts = Vec::new();
        for name in names.iter().rev() {
            let path = folder.path().join(name);
            assert!(fs::metadata(&path).unwrap().len() <= 400);
            match &lines(&path)[0] {
                Event::Started(heading) => parts.push(heading.part),
                other => panic!("{other:?}"),
            }
        }
        assert!(parts.windows(2).all(|pair| pair[0] + 1 == pair[1]), "{parts:?}");
        assert_eq!(lines(&path).last(), Some(&missed("19")));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_is_said_once_and_counting_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.jsonl");
        let mut journal = Journal::open(&path, heading(), None).unwrap();
        // Every write to it fails as on a full disk.
        let real = std::mem::replace(&mut journal.file, OpenOptions::new().write(true).open("/dev/full").unwrap());
        journal.add(&missed("1"), Moment::default());
        let said = journal.flush(Moment::default()).unwrap();
        assert!(said.contains("No space left on device") && said.ends_with("the log has a gap"), "{said}");
        journal.add(&missed("2"), Moment::default());
        assert_eq!(journal.flush(Moment::default()), None);
        journal.file = real;
        assert!(journal.flush(Moment::default()).unwrap().ends_with("writing again; 2 lines are missing"));
        journal.add(&missed("3"), Moment::default());
        journal.flush(Moment::default());
        let lines = lines(&path);
        assert!(matches!(&lines[1], Event::Gap { lines: 2, .. }), "{lines:?}");
        assert_eq!(lines[2], missed("3"));
    }

    #[test]
    fn what_a_disk_took_of_a_line_is_cut_off_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.jsonl");
        let mut journal = Journal::open(&path, heading(), None).unwrap();
        journal.push(&missed("一"));
        journal.push(&missed("二"));
        let whole = journal.waiting.iter().position(|byte| *byte == b'\n').unwrap() + 1;
        journal.file.write_all(&journal.waiting[..whole + 5]).unwrap();
        journal.cut_back(whole + 5, io::ErrorKind::StorageFull.into()).unwrap_err();
        assert_eq!((lines(&path).len(), journal.lines_waiting), (2, 1));
    }
}
