//! Downloads: a temporary name until everything is there, and going on from where one stopped.
//!
//! ```text
//!  FILE.http-client-part    what has come           renamed to FILE when it is complete
//!  FILE.http-client-from    of which version        without it nobody knows whether a rest would fit
//! ```
//! Whatever goes wrong, an old FILE is still whole. Only a part of a known version is kept, and only
//! `--continue` uses it. Read `output.rs` before. Sources: RFC 9110 sections 8.8 (validators), 14 (ranges).

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use netcommon::error::OpError;
use netcommon::pipe::Pipe;

use crate::error::FetchError;
use crate::fields::Fields;
use crate::request::{HeaderArg, Request};
use crate::response::{Asked, Head};

/// One file on its way.
#[derive(Debug)]
pub struct Download {
    target: PathBuf,
    part: PathBuf,
    from: PathBuf,
    /// What `--continue` found: so many bytes of this version.
    resume: Option<(u64, String)>,
    file: Option<File>,
    /// A device or pipe: written to as it is.
    direct: bool,
    /// Everything was there already.
    complete: bool,
    /// Whether what has come can be gone on from.
    resumable: bool,
    /// How long the whole must be with the rest that comes.
    whole: Option<u64>,
}

impl Download {
    /// Looks at what is there; `resume` asks to go on from it.
    #[must_use]
    pub fn new(target: &Path, resume: bool) -> Self {
        // A link is followed, so that it is its file that is replaced.
        let target = fs::canonicalize(target).unwrap_or_else(|_| target.to_owned());
        let direct = fs::metadata(&target).is_ok_and(|metadata| !metadata.is_file() && !metadata.is_dir());
        let (part, from) = (beside(&target, ".http-client-part"), beside(&target, ".http-client-from"));
        let found = || Some((fs::metadata(&part).ok()?.len(), fs::read_to_string(&from).ok()?));
        let resume = if resume && !direct { found().filter(|(len, _)| *len > 0) } else { None };
        Self { target, part, from, resume, file: None, direct, complete: false, resumable: false, whole: None }
    }

    /// The fields that ask for the rest only, if it is still the same version.
    #[must_use]
    pub fn fields(&self) -> Vec<HeaderArg> {
        let Some((len, version)) = &self.resume else { return Vec::new() };
        let field = |name: &str, value: String| HeaderArg { name: name.to_owned(), value };
        vec![
            field("Range", format!("bytes={len}-")),
            field("If-Range", version.clone()),
            // Bytes can be counted in what is stored, not in what was coded on the way.
            field("Accept-Encoding", "identity".to_owned()),
        ]
    }

    /// Opens the file for what comes; returns how many bytes are there already.
    ///
    /// # Errors
    /// A rest that does not fit, or a file that cannot be written.
    pub fn begin(&mut self, head: &Head, request: &Request, coded: bool) -> Result<u64, FetchError> {
        // Neither brings the content that the file is for: an old one stays.
        if request.asked() == Asked::Head || head.status == 304 {
            return Ok(0);
        }
        let at = match &self.resume {
            None if head.status == 206 && !request.has("Range") => {
                return Err(FetchError::Range("206 Partial Content, which was not asked for".to_owned()));
            }
            None => 0,
            Some((have, _)) if head.status == 416 && total_of_unsatisfied(&head.fields) == Some(*have) => {
                self.complete = true;
                return Ok(*have);
            }
            Some((have, version)) => match rest(*have, version, head, coded)? {
                Some(whole) => {
                    self.whole = Some(whole);
                    *have
                }
                // Another version: from its beginning.
                None => 0,
            },
        };
        let version = validator(&head.fields).filter(|_| !coded && !self.direct && matches!(head.status, 200 | 206));
        let version = version.filter(|_| head.status == 200 || self.resume.is_some());
        self.resumable = version.is_some();
        let path = if self.direct || self.target.is_dir() { &self.target } else { &self.part };
        self.file = Some(self.open(at).map_err(|cause| OpError::new("write", path.display(), cause))?);
        if let Some(version) = version {
            fs::write(&self.from, version).map_err(|cause| OpError::new("write", self.from.display(), cause))?;
        } else if !self.direct {
            remove(&self.from);
        }
        Ok(at)
    }

    /// Opens the file and goes to byte `at` of it, alone: what two programs write into one part is neither's.
    fn open(&self, at: u64) -> io::Result<File> {
        if self.direct {
            return OpenOptions::new().write(true).open(&self.target);
        }
        if self.target.is_dir() {
            return Err(ErrorKind::IsADirectory.into());
        }
        let mut file = OpenOptions::new().write(true).create(true).truncate(false).open(&self.part)?;
        // Where the file system knows no locks, we go on without.
        if let Err(TryLockError::WouldBlock) = file.try_lock() {
            return Err(io::Error::new(ErrorKind::ResourceBusy, "another program is downloading into it"));
        }
        file.set_len(at)?;
        file.seek(SeekFrom::Start(at))?;
        Ok(file)
    }

    /// Whether what comes is written anywhere.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.file.is_some()
    }

    /// Writes the next bytes.
    ///
    /// # Errors
    /// Most often no space left on the disk.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), FetchError> {
        self.with_file(|mut file| file.write_all(bytes))
    }

    /// Writes the next bytes, all that are in the pipe.
    ///
    /// # Errors
    /// Most often no space left on the disk.
    pub fn write_from(&mut self, pipe: &Pipe, len: usize) -> Result<(), FetchError> {
        self.with_file(|file| pipe.save_into(file, len))
    }

    fn with_file(&mut self, write: impl FnOnce(&File) -> io::Result<()>) -> Result<(), FetchError> {
        let Some(file) = &self.file else { return Ok(()) };
        let path = if self.direct { &self.target } else { &self.part };
        Ok(write(file).map_err(|cause| OpError::new("write", path.display(), cause))?)
    }

    /// Puts the complete file in its place.
    ///
    /// # Errors
    /// When the system does not let it be renamed; the part is kept then.
    pub fn finish(mut self) -> Result<(), FetchError> {
        let file = self.file.take();
        if self.direct || (file.is_none() && !self.complete) {
            return Ok(());
        }
        if let (Some(file), Some(whole)) = (&file, self.whole) {
            let len = file.metadata().map_or(0, |metadata| metadata.len());
            if len != whole {
                // What was there before is still right.
                let have = self.resume.as_ref().map_or(0, |(have, _)| *have);
                file.set_len(have).map_err(|cause| OpError::new("write", self.part.display(), cause))?;
                return Err(FetchError::Range(format!("the rest that came makes {len} of {whole} bytes")));
            }
        }
        // Closed before it is renamed, which Windows insists on.
        drop(file);
        let replace = || -> io::Result<()> {
            if let Ok(old) = fs::metadata(&self.target) {
                fs::set_permissions(&self.part, old.permissions())?;
            }
            fs::rename(&self.part, &self.target)
        };
        replace().map_err(|cause| OpError::new("rename to", self.target.display(), cause))?;
        remove(&self.from);
        Ok(())
    }

    /// Keeps what can be gone on from and removes the rest; returns how much is kept, and where.
    #[must_use]
    pub fn give_up(mut self) -> Option<(u64, PathBuf)> {
        let file = self.file.take().filter(|_| !self.direct)?;
        // Asked of the file: a full disk may have taken a part of what was written last.
        let len = file.metadata().map_or(0, |metadata| metadata.len());
        if self.resumable && len > 0 {
            return Some((len, self.part));
        }
        remove(&self.part);
        remove(&self.from);
        None
    }
}

/// A file that is not there needs no removing, and one that cannot be removed does no harm.
fn remove(path: &Path) {
    if let Err(error) = fs::remove_file(path) {
        log::debug!("remove {}: {error}", path.display());
    }
}

fn beside(target: &Path, ending: &str) -> PathBuf {
    let mut name: OsString = target.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// What tells this version from every other: a strong `ETag`, or the time of the last change.
///
/// A weak `ETag` says that bytes may differ, and the time beside it is no better. A change in the second in which
/// the answer was made may be followed by another in the same second (RFC 9110 sections 8.8.2.2 and 13.1.5).
fn validator(fields: &Fields) -> Option<String> {
    let text =
        |name| fields.get(name).and_then(|value| std::str::from_utf8(value).ok()).filter(|text| !text.is_empty());
    match text("ETag") {
        Some(tag) => Some(tag).filter(|tag| !tag.starts_with("W/")),
        None => text("Last-Modified").filter(|changed| text("Date") != Some(changed)),
    }
    .map(str::to_owned)
}

// ANCHOR: rest
/// How long the whole is with the rest from byte `have` on, which this answer brings; `None` when it brings
/// another version from its beginning.
fn rest(have: u64, version: &str, head: &Head, coded: bool) -> Result<Option<u64>, FetchError> {
    let refused = |why: &str| Err(FetchError::Range(format!("asked for the rest from byte {have}, {why}")));
    match head.status {
        200 => return Ok(None),
        206 => {}
        // An error page must not take the place of what has come.
        status => return refused(&format!("and the server answered {status}; what has come is kept")),
    }
    let Some((first, last, whole)) = content_range(&head.fields).filter(|_| !coded) else {
        return refused("and the server sent another part");
    };
    let len = head.fields.get("Content-Length").and_then(|len| digits(std::str::from_utf8(len).ok()?));
    let Some(end) = last.checked_add(1) else { return refused("and the server sent another part") };
    let until_its_end = whole.is_none_or(|whole| whole == end);
    if first != have || last < first || !until_its_end || len.is_some_and(|len| len != end - first) {
        return refused("and the server sent another part");
    }
    // A server need not repeat its validators, but what it repeats must fit (RFC 9110 section 15.3.7.3).
    let named = |name| head.fields.get(name).is_some_and(|value| value != version.as_bytes());
    if named(if version.starts_with('"') { "ETag" } else { "Last-Modified" }) {
        return refused("and the server sent the rest of another version");
    }
    Ok(Some(end))
}
// ANCHOR_END: rest

/// First byte, last byte and length of the whole in a 206: `bytes 100-199/200`.
fn content_range(fields: &Fields) -> Option<(u64, u64, Option<u64>)> {
    let (range, whole) = bytes_of_range(fields)?.split_once('/')?;
    let (first, last) = range.split_once('-')?;
    let whole = if whole == "*" { None } else { Some(digits(whole)?) };
    Some((digits(first)?, digits(last)?, whole))
}

fn bytes_of_range(fields: &Fields) -> Option<&str> {
    let (unit, range) = std::str::from_utf8(fields.get("Content-Range")?).ok()?.split_once(' ')?;
    Some(range).filter(|_| unit.eq_ignore_ascii_case("bytes"))
}

/// How long the whole is, in a 416: `bytes */200`.
fn total_of_unsatisfied(fields: &Fields) -> Option<u64> {
    digits(bytes_of_range(fields)?.strip_prefix("*/")?)
}

/// A number without a sign.
fn digits(text: &str) -> Option<u64> {
    text.parse().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()))
}

/// The file name that a URL suggests for `-O`: its last segment, if that is a plain name.
///
/// # Examples
/// ```
/// use http_client::{download::name_of, target::parse_url};
///
/// let name = |url: &str| name_of(&parse_url(url).unwrap());
/// assert_eq!(name("http://a/b/%E8%AA%B2.pdf?x=y").as_deref(), Some("課.pdf"));
/// assert_eq!(name("http://a/b/"), None);
/// // Data, never a path: what would leave the folder stays encoded.
/// assert_eq!(name("http://a/..%2Fb").as_deref(), Some("..%2Fb"));
/// ```
#[must_use]
pub fn name_of(url: &url::Url) -> Option<String> {
    let segment = url.path_segments()?.next_back().filter(|segment| !segment.is_empty())?;
    let decoded = String::from_utf8(crate::target::percent_decode(segment)).ok();
    let is_plain = |name: &String| {
        let bad = |c: char| c.is_control() || "/\\:*?\"<>|".contains(c);
        !name.contains(bad) && !name.starts_with('.') && !name.ends_with(['.', ' '])
    };
    let name = decoded.filter(is_plain).unwrap_or_else(|| segment.to_owned());
    (name != "." && name != "..").then_some(name)
}
