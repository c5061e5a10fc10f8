//! The command lines of a transcript, as a pupil types them.
//!
//! ```text
//! $ cargo run -q -p tcp-client -- --message 你好 2>&1        a program, its stderr on the page as well
//! $ printf '一\n二\n' | cargo run -q -p tcp-client           with text from a pipe
//! $ python3 docs/python/tcp_server.py                        a Python program
//! $ echo $?                                                  the exit code of the command before
//! ```
//! Anything else is refused: what this test cannot run stands in a `text` block.

/// One line behind `$ `.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Command {
    /// A program of the course.
    Run(Run),
    /// `echo $?`
    ExitCode,
}

/// How to run a program.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Run {
    /// A package of the workspace, or `python3`.
    pub program: String,
    /// Its arguments.
    pub args: Vec<String>,
    /// What a pipe brings it; `None` when it reads what the pupil types.
    pub input: Option<String>,
    /// Whether stderr is shown (`2>&1`).
    pub merged: bool,
}

/// The package that a bare `cargo run` starts.
const DEFAULT_PROGRAM: &str = "course";

/// Parses what stands behind `$ `.
pub(crate) fn parse(line: &str) -> Result<Command, String> {
    if line.trim() == "echo $?" {
        return Ok(Command::ExitCode);
    }
    let mut words = split(line)?;
    let mut run = Run { merged: words.last().is_some_and(|word| word == "2>&1"), ..Run::default() };
    if run.merged {
        words.pop();
    }
    if let Some(pipe) = words.iter().position(|word| word == "|") {
        run.input = Some(output_of(&words[..pipe])?);
        words.drain(..=pipe);
    }
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let args = match words.as_slice() {
        ["cargo", "run", "-q", "-p", program, args @ ..] => {
            run.program = (*program).to_owned();
            args
        }
        ["cargo", "run", "-q", args @ ..] => {
            run.program = DEFAULT_PROGRAM.to_owned();
            args
        }
        ["python3", args @ ..] => {
            run.program = "python3".to_owned();
            args
        }
        _ => {
            return Err(format!(
                "`{line}`: only `cargo run -q [-p PROGRAM] [-- ARGS]` and `python3 FILE` can be checked"
            ));
        }
    };
    let args = args.strip_prefix(&["--"]).unwrap_or(args);
    run.args = args.iter().map(|arg| (*arg).to_owned()).collect();
    Ok(Command::Run(run))
}

/// What `echo` and `printf` would print.
fn output_of(words: &[String]) -> Result<String, String> {
    match words {
        [echo, text @ ..] if echo == "echo" => Ok(format!("{}\n", text.join(" "))),
        [printf, format, values @ ..] if printf == "printf" => {
            let format = unescaped(format);
            if values.is_empty() {
                return Ok(format);
            }
            Ok(values.iter().map(|value| format.replacen("%s", value, 1)).collect())
        }
        _ => Err(format!("`{}`: only `echo` and `printf` can feed a pipe here", words.join(" "))),
    }
}

fn unescaped(format: &str) -> String {
    format.replace("\\n", "\n").replace("\\r", "\r").replace("\\t", "\t").replace("%%", "%")
}

/// Splits a line as a shell does, with both kinds of quotes.
fn split(line: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    for c in line.chars() {
        match (quote, c) {
            (Some(end), c) if c == end => quote = None,
            (Some(_), c) => word.get_or_insert_default().push(c),
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, ' ') => words.extend(word.take()),
            (None, c) => word.get_or_insert_default().push(c),
        }
    }
    if quote.is_some() {
        return Err(format!("`{line}`: a quote is not closed"));
    }
    words.extend(word);
    Ok(words)
}

#[test]
fn command_lines_are_read_as_a_shell_reads_them() {
    let run = |program: &str, args: &[&str]| Run {
        program: program.to_owned(),
        args: args.iter().map(|arg| (*arg).to_owned()).collect(),
        ..Run::default()
    };
    let cases = [
        ("cargo run -q -p tcp-server", run("tcp-server", &[])),
        ("cargo run -q -- list", run("course", &["list"])),
        ("cargo run -q", run("course", &[])),
        ("cargo run -q -p x -- -m '你 好' \"b c\" ''", run("x", &["-m", "你 好", "b c", ""])),
        ("cargo run -q -p x 2>&1", Run { merged: true, ..run("x", &[]) }),
        ("printf '一\\n二\\n' | cargo run -q -p x", Run { input: Some("一\n二\n".to_owned()), ..run("x", &[]) }),
        ("printf '%s\\n' 一 二 | cargo run -q -p x", Run { input: Some("一\n二\n".to_owned()), ..run("x", &[]) }),
        ("echo 你 好 | cargo run -q -p x", Run { input: Some("你 好\n".to_owned()), ..run("x", &[]) }),
        ("python3 a.py 1", run("python3", &["a.py", "1"])),
    ];
    for (line, want) in cases {
        assert_eq!(parse(line), Ok(Command::Run(want)), "{line}");
    }
    assert_eq!(parse("echo $?"), Ok(Command::ExitCode));
}

#[test]
fn what_cannot_be_checked_is_refused() {
    for line in ["nc 127.0.0.1 8888", "cargo test", "cargo run -q -p x 'open", "cat a | cargo run -q", ""] {
        assert!(parse(line).is_err(), "{line}");
    }
}
