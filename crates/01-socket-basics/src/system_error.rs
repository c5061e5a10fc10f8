//! What the system said when it refused: the error's name, its number, its words.
//!
//! The number is what the kernel returned (`errno`), the name is what manual pages and search engines
//! know, the words are the system's own and may be in another language. All topics print errors
//! through this one type. Source: errno(3).

use std::fmt;
use std::io;

use netcommon::narrate::errno_name;
use serde::Serialize;

/// What the system answered to one call: a value, or an error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Answer<T> {
    /// The call was carried out.
    Ok(T),
    /// The system refused.
    Error(SystemError),
}

impl<T> From<io::Result<T>> for Answer<T> {
    fn from(result: io::Result<T>) -> Self {
        match result {
            Ok(value) => Self::Ok(value),
            Err(error) => Self::Error(SystemError::from(&error)),
        }
    }
}

impl<T: fmt::Display> Answer<T> {
    /// The value, or the error's name alone: short enough for a table's cell.
    #[must_use]
    pub fn short(&self) -> String {
        match self {
            Self::Ok(value) => value.to_string(),
            Self::Error(error) => error.name.clone(),
        }
    }
}

/// An error of the system in three parts.
///
/// # Examples
/// ```
/// use socket_basics::system_error::SystemError;
///
/// let refused = SystemError::from(&std::io::ErrorKind::ConnectionRefused.into());
/// assert!(refused.name.ends_with("ECONNREFUSED"));
/// assert_eq!(refused.number, None, "std made this one; the system's own carry a number");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SystemError {
    /// `ECONNREFUSED`; on Windows `WSAECONNREFUSED`. The words again where there is no such name.
    pub name: String,
    /// The number, where the error came with one: a name lookup's errors are not `errno`s.
    pub number: Option<i32>,
    /// The system's words, in the system's language.
    pub text: String,
}

impl From<&io::Error> for SystemError {
    fn from(error: &io::Error) -> Self {
        let text = error.to_string();
        let number = error.raw_os_error();
        // std ends the system's words with the number, which stands on its own here.
        let text = text.split(" (os error ").next().unwrap_or(&text).to_owned();
        Self { name: errno_name(error).into_owned(), number, text }
    }
}

impl fmt::Display for SystemError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.number {
            Some(number) => write!(f, "{} ({number}): {}", self.name, self.text),
            None => f.write_str(&self.text),
        }
    }
}
