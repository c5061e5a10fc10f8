//! The name of a file that somebody else sends: data, never a path.
//!
//! A name that is taken as a path leads out of the folder (`../../.ssh/authorized_keys`), onto a device
//! (`NUL.txt` on Windows), behind a file's back (`a.txt:hidden`), or shows another ending than it has. So it is
//! parsed once, here, into a type that cannot be wrong. The rules are those of all systems at once: a name that
//! is good on one of a class's machines is good on every other. What breaks them is refused and said, never
//! changed in silence: two names that become one would be a lost file.
//! Sources: "Naming Files, Paths, and Namespaces" (Windows), `path_resolution(7)`, UAX #9 section 2.

use std::fmt;

use netcommon::escape::{escape, quote};

/// The longest name in bytes: what file systems of Linux, macOS and Windows all keep.
pub const NAME_LEN_MAX: usize = 255;

/// Characters that lead elsewhere on some system: separators, drives and streams, patterns, redirections.
const SPECIAL: &str = "/\\:*?\"<>|";

/// What Windows takes for a device, in any folder, with any ending, in any case.
const DEVICES: [&str; 6] = ["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"];

/// Devices that have a number behind: 0 to 9, and the small ones that Windows counts as digits as well.
const NUMBERED_DEVICES: [&str; 2] = ["COM", "LPT"];
const DEVICE_NUMBERS: &str = "0123456789¹²³";

/// How much of a refused name is shown.
const SHOWN_LEN_MAX: usize = 60;

/// The name of one file in one folder, good on every system.
///
/// # Examples
/// ```
/// use file_transfer::disk::FileName;
///
/// assert_eq!(FileName::parse("課表 (春).txt".as_bytes())?.as_str(), "課表 (春).txt");
/// let error = FileName::parse(b"../.ssh/authorized_keys").unwrap_err();
/// assert_eq!(error.to_string(), r#"name "../.ssh/authorized_keys": `/` is no part of a name"#);
/// # Ok::<(), file_transfer::disk::NameError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FileName(String);

/// Why a name is refused; shows the name safely.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("name {}: {problem}", quote(.name, SHOWN_LEN_MAX))]
pub struct NameError {
    name: Vec<u8>,
    /// What is wrong with it.
    pub problem: NameProblem,
}

/// What is wrong with a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NameProblem {
    /// No bytes at all.
    #[error("a name has at least one character")]
    Empty,
    /// More than [`NAME_LEN_MAX`].
    #[error("{0} bytes, at most {NAME_LEN_MAX}")]
    TooLong(usize),
    /// Bytes that are no text.
    #[error("not UTF-8")]
    NotUtf8,
    /// A separator or another character with a meaning of its own.
    #[error("`{0}` is no part of a name")]
    Special(char),
    /// A control character, or one that makes a name look like another.
    #[error("the character {} does not show", escape(.0.encode_utf8(&mut [0; 4]).as_bytes()))]
    Hidden(char),
    /// `.`, `..` and `.bashrc`: folders, hidden files, and our own.
    #[error("a name does not begin with a dot")]
    LeadingDot,
    /// A space in front: looks like another name.
    #[error("a name does not begin with a space")]
    LeadingSpace,
    /// Windows takes dots and spaces away from the end, and has another name then.
    #[error("a name does not end with a dot or a space")]
    Trailing,
    /// `NUL`, `com1.txt`.
    #[error("a device on Windows")]
    Device,
}

impl FileName {
    /// Takes the name as it came.
    ///
    /// # Errors
    /// [`NameError`] says what is wrong with it.
    pub fn parse(bytes: &[u8]) -> Result<Self, NameError> {
        // A hostile name may be long; the error keeps no more than it shows.
        let refuse = |problem| NameError { name: bytes[..bytes.len().min(NAME_LEN_MAX)].to_vec(), problem };
        let name = std::str::from_utf8(bytes).map_err(|_| refuse(NameProblem::NotUtf8))?;
        match problem_of(name) {
            Some(problem) => Err(refuse(problem)),
            None => Ok(Self(name.to_owned())),
        }
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name when another file has it already: `課表.txt` becomes `課表 (2).txt`.
    ///
    /// Cut before the ending where it would become too long.
    #[must_use]
    pub fn numbered(&self, number: u32) -> Self {
        let (stem, ending) = match self.0.rfind('.') {
            Some(dot) => self.0.split_at(dot),
            None => (self.0.as_str(), ""),
        };
        let suffix = format!(" ({number}){ending}");
        // An ending that leaves no room is no ending; then the number goes to the end of all.
        let (stem, suffix) =
            if suffix.len() > NAME_LEN_MAX / 2 { (self.0.as_str(), format!(" ({number})")) } else { (stem, suffix) };
        let room = NAME_LEN_MAX - suffix.len();
        let end = stem.char_indices().map(|(at, c)| at + c.len_utf8()).take_while(|end| *end <= room).last();
        Self(format!("{}{suffix}", stem[..end.unwrap_or(0)].trim_end()))
    }
}

// ANCHOR: problem_of
fn problem_of(name: &str) -> Option<NameProblem> {
    let special = name.chars().find(|c| SPECIAL.contains(*c));
    match name {
        "" => Some(NameProblem::Empty),
        _ if name.len() > NAME_LEN_MAX => Some(NameProblem::TooLong(name.len())),
        _ if special.is_some() => special.map(NameProblem::Special),
        _ if hidden(name).is_some() => hidden(name).map(NameProblem::Hidden),
        _ if name.starts_with('.') => Some(NameProblem::LeadingDot),
        _ if name.starts_with(char::is_whitespace) => Some(NameProblem::LeadingSpace),
        _ if name.ends_with('.') || name.ends_with(char::is_whitespace) => Some(NameProblem::Trailing),
        _ if is_device(name) => Some(NameProblem::Device),
        _ => None,
    }
}
// ANCHOR_END: problem_of

/// The first character that a terminal would not show as it is.
///
/// Joiners are allowed: Persian and families of emoji are written with them.
fn hidden(name: &str) -> Option<char> {
    let shows = |c: char| {
        let mut buf = [0; 4];
        let text = c.encode_utf8(&mut buf);
        escape(text.as_bytes()).to_string() == *text
    };
    name.chars().find(|c| !matches!(c, '\u{200c}' | '\u{200d}') && !shows(*c))
}

/// Whether Windows opens a device under this name: what counts is the part before the first dot.
fn is_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default().trim_end().to_uppercase();
    let numbered = NUMBERED_DEVICES.iter().any(|device| {
        stem.strip_prefix(device).is_some_and(|number| {
            let mut chars = number.chars();
            chars.next().is_some_and(|c| DEVICE_NUMBERS.contains(c)) && chars.next().is_none()
        })
    });
    numbered || DEVICES.contains(&stem.as_str())
}

impl fmt::Display for FileName {
    /// As it is: a name that passed shows nothing that a terminal obeys.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use std::path::{Component, Path};

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ordinary_names_of_any_script_pass() {
        for name in
            ["課表.txt", "a", "會議記錄 (2).pdf", "naïve.md", "ファイル", "a.tar.gz", "100%.txt", "COM10", "nul一"]
        {
            assert_eq!(FileName::parse(name.as_bytes()).unwrap().as_str(), name);
        }
        assert!(FileName::parse("家庭👨\u{200d}👩\u{200d}👧.jpg".as_bytes()).is_ok());
        assert!(FileName::parse(&[b'a'; NAME_LEN_MAX]).is_ok());
    }

    #[test]
    fn each_way_out_of_the_folder_or_into_a_device_is_refused_in_words() {
        for (name, want) in [
            ("", NameProblem::Empty),
            (".", NameProblem::LeadingDot),
            ("..", NameProblem::LeadingDot),
            (".bashrc", NameProblem::LeadingDot),
            ("../x", NameProblem::Special('/')),
            ("..\\x", NameProblem::Special('\\')),
            ("/etc/passwd", NameProblem::Special('/')),
            ("C:x", NameProblem::Special(':')),
            ("課表.txt:hidden", NameProblem::Special(':')),
            ("\\\\server\\share", NameProblem::Special('\\')),
            ("a*", NameProblem::Special('*')),
            ("a\0b", NameProblem::Hidden('\0')),
            ("a\nb", NameProblem::Hidden('\n')),
            ("\x1b[2J", NameProblem::Hidden('\x1b')),
            ("a\u{202e}txt.exe", NameProblem::Hidden('\u{202e}')),
            ("a\u{feff}", NameProblem::Hidden('\u{feff}')),
            (" a", NameProblem::LeadingSpace),
            ("a ", NameProblem::Trailing),
            ("a.", NameProblem::Trailing),
            ("a\u{3000}", NameProblem::Trailing),
            ("nul", NameProblem::Device),
            ("Con.txt", NameProblem::Device),
            ("aux .tar.gz", NameProblem::Device),
            ("COM1.log", NameProblem::Device),
            ("lpt³", NameProblem::Device),
            ("CONOUT$", NameProblem::Device),
        ] {
            assert_eq!(FileName::parse(name.as_bytes()).map_err(|error| error.problem), Err(want), "{name:?}");
        }
        let long = "字".repeat(100);
        assert_eq!(FileName::parse(long.as_bytes()).unwrap_err().problem, NameProblem::TooLong(300));
        assert_eq!(FileName::parse(b"\xff").unwrap_err().problem, NameProblem::NotUtf8);
    }

    #[test]
    fn a_refusal_shows_the_name_safely_and_not_all_of_it() {
        let error = FileName::parse("\x1b]0;看\u{202e}".repeat(40).as_bytes()).unwrap_err().to_string();
        assert!(error.is_ascii() || !error.contains('\u{1b}') && !error.contains('\u{202e}'), "{error}");
        assert!(error.len() < 400, "{error}");
    }

    #[test]
    fn a_numbered_name_keeps_its_ending_and_its_limit() {
        let numbered = |name: &str| FileName::parse(name.as_bytes()).unwrap().numbered(2);
        assert_eq!(numbered("課表.txt").as_str(), "課表 (2).txt");
        assert_eq!(numbered("課表").as_str(), "課表 (2)");
        let long = format!("{}.txt", "字".repeat(83));
        assert_eq!(numbered(&long).as_str(), format!("{} (2).txt", "字".repeat(82)));
        let odd = format!("a.{}", "字".repeat(84));
        assert!(numbered(&odd).as_str().ends_with(" (2)"), "{}", numbered(&odd));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1_000))]

        /// Whatever passes is exactly one plain component of a path, on this system and on Windows.
        #[test]
        fn what_passes_stays_in_its_folder(
            name in prop_oneof!["\\PC{0,20}", "[./\\\\:a-c字 \u{202e}\u{0}-]{0,12}", "(CON|nul|Com1|LPT9)[. a]{0,3}"],
        ) {
            if let Ok(name) = FileName::parse(name.as_bytes()) {
                for name in [name.clone(), name.numbered(2), name.numbered(999)] {
                    let again = FileName::parse(name.as_str().as_bytes());
                    prop_assert_eq!(again, Ok(name.clone()), "parses again");
                    let parts: Vec<_> = Path::new(name.as_str()).components().collect();
                    prop_assert!(matches!(parts[..], [Component::Normal(one)] if one == name.as_str()), "{parts:?}");
                    prop_assert!(!name.as_str().contains(|c: char| SPECIAL.contains(c) || c.is_control()));
                }
            }
        }

        #[test]
        fn any_bytes_are_taken_or_refused_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            if let Err(error) = FileName::parse(&bytes) {
                prop_assert!(!error.to_string().contains(|c: char| c.is_control()));
            }
        }
    }
}
