//! A command line of a demo: split into words once, shown as a pupil would type it.
//!
//! No shell is involved, so nothing in a demo file can start more than one of the course's programs.

use serde::Deserialize;

use super::{Values, fill};

/// The name of a pupil's own program, which the checker is given.
const YOURS: &str = "yours";

/// A program of a chapter and its arguments: `tcp-client {server} --message 你好`.
///
/// Words are separated by spaces; double quotes hold a word with spaces together. Values are put in
/// after the split, so a captured value is always a part of one word.
///
/// # Examples
/// ```
/// use course::script::{CommandLine, Values};
///
/// let command = CommandLine::try_from(r#"tcp-client {server} --message "你好 world""#.to_owned())?;
/// let values = Values::from([("server".to_owned(), "127.0.0.1:8888".to_owned())]);
/// assert_eq!(command.program(), "tcp-client");
/// assert_eq!(command.args(&values), ["127.0.0.1:8888", "--message", "你好 world"]);
/// assert_eq!(
///     command.typed(&values),
///     r#"cargo run -p tcp-client -- 127.0.0.1:8888 --message "你好 world""#,
/// );
/// # Ok::<(), String>(())
/// ```
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "String")]
pub struct CommandLine {
    text: String,
    program: String,
    args: Vec<String>,
}

impl TryFrom<String> for CommandLine {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let mut words = split(&text)?.into_iter();
        let program = words.next().ok_or("an empty command")?;
        // It becomes a file name beside our own executable, and must stay one.
        if !program.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') {
            return Err(format!("`{program}` is no program of a chapter"));
        }
        let args = words.collect();
        Ok(Self { text, program, args })
    }
}

impl CommandLine {
    /// The program's name, which is its package's as well.
    #[must_use]
    pub fn program(&self) -> &str {
        &self.program
    }

    /// The package that has the program; `None` for `yours`, a pupil's own.
    #[must_use]
    pub fn package(&self) -> Option<&str> {
        (self.program != YOURS).then_some(self.program.as_str())
    }

    /// The arguments of `yours`, `address=127.0.0.1:0 folder={here}`, as values for the pupil's own command.
    #[must_use]
    pub fn places(&self, values: &Values) -> Values {
        let places = self.args.iter().filter_map(|arg| arg.split_once('='));
        places.map(|(name, value)| (name.to_owned(), fill(value, values))).collect()
    }

    /// The text as it was written in the demo.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The arguments, with the values put in.
    #[must_use]
    pub fn args(&self, values: &Values) -> Vec<String> {
        self.args.iter().map(|arg| fill(arg, values)).collect()
    }

    /// What a pupil types into a terminal to run the same.
    #[must_use]
    pub fn typed(&self, values: &Values) -> String {
        let args = fill(&self.text, values);
        match args.split_once(' ') {
            Some((program, args)) => format!("cargo run -p {program} -- {args}"),
            None => format!("cargo run -p {args}"),
        }
    }
}

fn split(text: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quoted = false;
    for c in text.chars() {
        match c {
            '"' => {
                quoted = !quoted;
                word.get_or_insert_default();
            }
            ' ' if !quoted => words.extend(word.take()),
            _ => word.get_or_insert_default().push(c),
        }
    }
    if quoted {
        return Err(format!("`{text}`: a quote is not closed"));
    }
    words.extend(word);
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_hold_a_word_together_and_make_an_empty_one() {
        for (text, want) in [
            ("a b  c", vec!["a", "b", "c"]),
            (r#"a "你 好" """#, vec!["a", "你 好", ""]),
            (r#"--message="x y""#, vec!["--message=x y"]),
            ("", vec![]),
        ] {
            assert_eq!(split(text).unwrap(), want);
        }
        assert!(split(r#"a "b"#).is_err());
    }

    #[test]
    fn a_program_is_a_name_and_never_a_path() {
        for text in ["", "../evil", "/bin/sh -c x", r"..\evil"] {
            assert!(CommandLine::try_from(text.to_owned()).is_err(), "{text}");
        }
    }

    #[test]
    fn a_captured_value_stays_within_its_word() {
        let command = CommandLine::try_from("p {x} end".to_owned()).unwrap();
        let values = Values::from([("x".to_owned(), "a --b".to_owned())]);
        assert_eq!(command.args(&values), ["a --b", "end"]);
    }
}
