//! Reading and writing at a place in a file, and a lock on it: three things that systems name differently.
//!
//! A file's own position would be one more piece of state to keep right, so every access says where. The
//! lock keeps a second program out of a part that a first one is writing. Sources: pread(2), pwrite(2),
//! flock(2), `CreateFileW` (share mode).

use std::fs::{File, Metadata, OpenOptions};
use std::io;
use std::path::Path;

/// Writes all of `bytes` at `offset`: `pwrite(2)`. May leave a hole before it, which reads as zeros.
///
/// # Errors
/// Among others `StorageFull`.
pub(crate) fn write_all_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
    #[cfg(unix)]
    return std::os::unix::fs::FileExt::write_all_at(file, bytes, offset);
    #[cfg(windows)]
    {
        let mut done = 0;
        while done < bytes.len() {
            match std::os::windows::fs::FileExt::seek_write(file, &bytes[done..], offset + done as u64) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(len) => done += len,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// Reads as much of `bytes` from `offset` as the file has: `pread(2)`. Less than asked means its end.
///
/// # Errors
/// What the system says.
pub(crate) fn read_at(file: &File, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut done = 0;
    while done < bytes.len() {
        #[cfg(unix)]
        let read = std::os::unix::fs::FileExt::read_at(file, &mut bytes[done..], offset + done as u64);
        #[cfg(windows)]
        let read = std::os::windows::fs::FileExt::seek_read(file, &mut bytes[done..], offset + done as u64);
        match read {
            Ok(0) => break,
            Ok(len) => done += len,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(done)
}

/// Opens a part of ours for reading and writing, alone: a new one, or one that a cut transfer has left.
///
/// # Errors
/// `WouldBlock` when another transfer is writing it, `AlreadyExists` when something else has its name.
pub(crate) fn open_alone(path: &Path, new: bool) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(new);
    if !new && !is_plain(&std::fs::symlink_metadata(path)?) {
        return Err(io::ErrorKind::AlreadyExists.into());
    }
    let file = open_locked(&options, path)?;
    // Looked at again behind the lock: the name may have been given to another file in between.
    if !new && !is_same(&file.metadata()?, &std::fs::symlink_metadata(path)?) {
        return Err(io::ErrorKind::AlreadyExists.into());
    }
    Ok(file)
}

#[cfg(unix)]
fn open_locked(options: &OpenOptions, path: &Path) -> io::Result<File> {
    use rustix::fs::{FlockOperation, flock};

    let file = options.open(path)?;
    flock(&file, FlockOperation::NonBlockingLockExclusive)?;
    Ok(file)
}

#[cfg(windows)]
fn open_locked(options: &OpenOptions, path: &Path) -> io::Result<File> {
    use std::os::windows::fs::OpenOptionsExt;

    /// `FILE_SHARE_READ`, `FILE_SHARE_DELETE`: others may read and rename it, and nobody else writes.
    const SHARE: u32 = 0x1 | 0x4;
    /// `ERROR_SHARING_VIOLATION`.
    const TAKEN: i32 = 32;
    options.clone().share_mode(SHARE).open(path).map_err(|error| match error.raw_os_error() {
        Some(TAKEN) => io::ErrorKind::WouldBlock.into(),
        _ => error,
    })
}

/// Whether it is a file of this folder alone: no link to another one, neither symbolic nor hard.
fn is_plain(metadata: &Metadata) -> bool {
    #[cfg(unix)]
    let one_name = std::os::unix::fs::MetadataExt::nlink(metadata) == 1;
    #[cfg(not(unix))]
    let one_name = true;
    metadata.is_file() && one_name
}

/// Whether the opened file is the one that the name means.
fn is_same(opened: &Metadata, named: &Metadata) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        is_plain(opened) && is_plain(named) && (opened.dev(), opened.ino()) == (named.dev(), named.ino())
    }
    #[cfg(not(unix))]
    {
        is_plain(opened) && is_plain(named)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_part_is_written_by_one_at_a_time() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("part");
        let first = open_alone(&path, true).unwrap();
        assert_eq!(open_alone(&path, false).unwrap_err().kind(), io::ErrorKind::WouldBlock);
        assert_eq!(open_alone(&path, true).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        drop(first);
        open_alone(&path, false).unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn a_link_in_a_parts_place_is_never_written_through() {
        let dir = tempfile::tempdir().unwrap();
        let outside = tempfile::NamedTempFile::new_in(dir.path()).unwrap();
        let linked = |name: &str| dir.path().join(name);
        std::os::unix::fs::symlink(outside.path(), linked("symbolic")).unwrap();
        std::os::unix::fs::symlink(linked("nowhere"), linked("dangling")).unwrap();
        fs::hard_link(outside.path(), linked("hard")).unwrap();
        for name in ["symbolic", "dangling", "hard"] {
            for new in [false, true] {
                let error = open_alone(&linked(name), new).unwrap_err();
                assert_eq!(error.kind(), io::ErrorKind::AlreadyExists, "{name}");
            }
        }
        assert!(!linked("nowhere").exists());
    }

    #[test]
    fn what_is_written_at_a_place_is_read_there_and_the_end_is_noticed() {
        let dir = tempfile::tempdir().unwrap();
        let file = open_alone(&dir.path().join("part"), true).unwrap();
        write_all_at(&file, "你好".as_bytes(), 3).unwrap();
        let mut bytes = [1; 20];
        assert_eq!(read_at(&file, &mut bytes, 0).unwrap(), 9);
        assert_eq!(&bytes[..9], [b"\0\0\0", "你好".as_bytes()].concat());
        assert_eq!(read_at(&file, &mut bytes, 9).unwrap(), 0);
    }
}
