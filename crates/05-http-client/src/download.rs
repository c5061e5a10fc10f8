//! Downloads: a temporary name until everything is there, and going on from where one stopped.
//!
//! ```text
//!  FILE.http-client-part    what has come           renamed to FILE when it is complete
//!  FILE.http-client-from    of which version        without it nobody knows whether a rest would fit
//! ```
//! Whatever goes wrong, an old FILE is still whole. Only a part of a known version is kept, and only
//! `--continue` uses it. Read `output.rs` before. Sources: RFC 9110 sections 8.8 (validators), 14 (ranges).

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use netcommon::error::OpError;

use crate::error::FetchError;
use crate::fields::Fields;
use crate::request::HeaderArg;
use crate::response::Head;

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
        Self { target, part, from, resume, file: None, direct, complete: false, resumable: false }
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
    pub fn begin(&mut self, head: &Head, coded: bool) -> Result<u64, FetchError> {
        let have = self.resume.as_ref().map_or(0, |(len, _)| *len);
        if self.resume.is_some() && head.status == 416 && total_of_unsatisfied(&head.fields) == Some(have) {
            self.complete = true;
            return Ok(have);
        }
        let at = match (head.status, &self.resume) {
            (206, Some(_)) => {
                let begins = range_start(&head.fields);
                if begins != Some(have) || coded {
                    let why = format!("asked for the rest from byte {have}, and the server sent another part");
                    return Err(FetchError::Range(why));
                }
                have
            }
            (206, None) => return Err(FetchError::Range("206 Partial Content, which was not asked for".to_owned())),
            _ => 0,
        };
        let version = validator(&head.fields).filter(|_| !coded && !self.direct && matches!(head.status, 200 | 206));
        self.resumable = version.is_some();
        let path = if self.direct { &self.target } else { &self.part };
        let opened = OpenOptions::new()
            .write(true)
            .create(!self.direct)
            .truncate(at == 0 && !self.direct)
            .append(at > 0)
            .open(path);
        let file = opened.map_err(|cause| OpError::new("write", path.display(), cause))?;
        if let Some(version) = version {
            fs::write(&self.from, version).map_err(|cause| OpError::new("write", self.from.display(), cause))?;
        } else if !self.direct {
            remove(&self.from);
        }
        self.file = Some(file);
        Ok(at)
    }

    /// Writes the next bytes.
    ///
    /// # Errors
    /// Most often no space left on the disk.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), FetchError> {
        let Some(file) = &mut self.file else { return Ok(()) };
        let path = if self.direct { &self.target } else { &self.part };
        Ok(file.write_all(bytes).map_err(|cause| OpError::new("write", path.display(), cause))?)
    }

    /// Puts the complete file in its place.
    ///
    /// # Errors
    /// When the system does not let it be renamed; the part is kept then.
    pub fn finish(mut self) -> Result<(), FetchError> {
        let began = self.file.take().is_some() || self.complete;
        if self.direct || !began {
            return Ok(());
        }
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

/// What tells this version from every other: a strong `ETag`, or else the time of the last change.
fn validator(fields: &Fields) -> Option<String> {
    let text =
        |name| fields.get(name).and_then(|value| std::str::from_utf8(value).ok()).filter(|text| !text.is_empty());
    text("ETag").filter(|tag| !tag.starts_with("W/")).or_else(|| text("Last-Modified")).map(str::to_owned)
}

/// Where the part in a 206 begins: `bytes 100-199/200`.
fn range_start(fields: &Fields) -> Option<u64> {
    let range = std::str::from_utf8(fields.get("Content-Range")?).ok()?;
    digits(range.strip_prefix("bytes ")?.split_once('-')?.0)
}

/// How long the whole is, in a 416: `bytes */200`.
fn total_of_unsatisfied(fields: &Fields) -> Option<u64> {
    let range = std::str::from_utf8(fields.get("Content-Range")?).ok()?;
    digits(range.strip_prefix("bytes */")?)
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
