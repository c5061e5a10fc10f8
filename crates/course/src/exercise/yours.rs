//! The pupil's own command, with places for what a case decides: `python3 chat.py {address}`.
//!
//! It is started where the pupil stands, without a shell. Read `trial.rs` next.

use std::process::Command;

use crate::script::{Values, fill};

/// A program of any language and its arguments.
///
/// # Examples
/// ```
/// use course::exercise::yours::Yours;
/// use course::script::Values;
///
/// let yours = Yours::new(vec!["python3".to_owned(), "chat.py".to_owned(), "{address}".to_owned()]).unwrap();
/// let values = Values::from([("address".to_owned(), "127.0.0.1:0".to_owned())]);
/// assert_eq!(yours.typed(&values), "python3 chat.py 127.0.0.1:0");
/// ```
#[derive(Debug, Clone)]
pub struct Yours {
    program: String,
    args: Vec<String>,
}

impl Yours {
    /// The command's words; `None` for no words.
    #[must_use]
    pub fn new(words: Vec<String>) -> Option<Self> {
        let mut words = words.into_iter();
        Some(Self { program: words.next()?, args: words.collect() })
    }

    /// The program that is started.
    #[must_use]
    pub fn program(&self) -> &str {
        &self.program
    }

    /// The command with the values put in.
    #[must_use]
    pub fn command(&self, values: &Values) -> Command {
        let mut command = Command::new(fill(&self.program, values));
        command.args(self.args.iter().map(|arg| fill(arg, values)));
        // Python keeps back what it prints into a pipe, and we wait for its first line.
        command.env("PYTHONUNBUFFERED", "1");
        command
    }

    /// The same as one would type it.
    #[must_use]
    pub fn typed(&self, values: &Values) -> String {
        let words = std::iter::once(&self.program).chain(&self.args);
        words.map(|word| fill(word, values)).collect::<Vec<_>>().join(" ")
    }
}
