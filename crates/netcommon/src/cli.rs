//! What every program of the course does the same way on its command line.
//!
//! The options that all share ([`Common`]), results on stdout ([`print_line`]), one place that prints
//! an error ([`finish`]), and the exit codes: 0 done, 1 failed, 2 wrong usage (clap's own), 130
//! interrupted before the job was done. A binary's `main` is
//! `netcommon::cli::finish("tcp-client", run(&Args::parse()))`.

use std::fmt;
use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use crate::connect::ConnectError;
use crate::error::OpError;
use crate::lang::Lang;
use crate::{narrate, pcapng};

/// The exit code of a program that was interrupted before its job was done: 128 + SIGINT, as shells say it.
pub const INTERRUPTED: u8 = 130;

/// The exit code of wrong usage, which is clap's.
const WRONG_USAGE: u8 = 2;

/// The options that every program has.
#[derive(Debug, Clone, clap::Args)]
pub struct Common {
    /// Log in detail to stderr; twice for more
    #[arg(short, long, action = clap::ArgAction::Count)]
    pub verbose: u8,

    /// Explain each socket call on stderr while it happens, in `en` or `zh-TW`
    #[arg(long, value_name = "LANG", num_args = 0..=1, require_equals = true, default_missing_value = "auto")]
    pub narrate: Option<Lang>,

    /// Write the program's own traffic into FILE for Wireshark: true payload, rebuilt headers, no rights needed
    #[arg(long, value_name = "FILE", value_parser = begin_capture)]
    pub pcapng: Option<PathBuf>,

    /// The language of explanations: `en` or `zh-TW`; by default the system's
    #[arg(long, value_name = "LANG", default_value = "auto", hide_default_value = true)]
    pub lang: Lang,
}

impl Common {
    /// Turns on what the options ask for: log lines for `-v` and `-vv`, the narration for `--narrate`.
    pub fn apply(&self) {
        let level = match self.verbose {
            0 => log::LevelFilter::Warn,
            1 => log::LevelFilter::Info,
            _ => log::LevelFilter::Debug,
        };
        // A second call is a test that parses twice; the first logger stays.
        let _ = env_logger::Builder::new().filter_level(level).format_target(false).try_init();
        if let Some(lang) = self.narrate {
            narrate::start(lang, self.verbose == 0);
        }
    }
}

/// Begins the capture while the options are read, so that a file that cannot be made is wrong usage and not a surprise
/// in the middle.
fn begin_capture(path: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(path);
    let program = std::env::args_os().next().map(PathBuf::from);
    let program = program.as_deref().and_then(|path| path.file_stem()?.to_str()).unwrap_or("program");
    pcapng::start(&path, program).map_err(|error| describe(&error.into()))?;
    narrate::start_capture();
    Ok(path)
}

/// What a program ends with after Ctrl-C, [`INTERRUPTED`]; at a terminal it leaves the line that has the `^C`, so that
/// the shell's prompt begins a new one.
#[must_use]
pub fn interrupted() -> ExitCode {
    if io::stdin().is_terminal() && io::stdout().is_terminal() {
        // A terminal that has gone shows no prompt either.
        let _ = writeln!(io::stdout());
    }
    ExitCode::from(INTERRUPTED)
}

/// Stdout cannot be written to, most often because the reader of a pipe has gone (`| head -1`).
#[derive(Debug, thiserror::Error)]
#[error("write to stdout")]
pub struct StdoutError(#[source] pub io::Error);

/// Wrong usage that shows only behind the options, such as a name that nothing has; [`finish`] exits with 2.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Usage(pub String);

/// Prints one line of results to stdout and flushes it, so that a pipe's reader sees it at once.
///
/// May block while the reader of a pipe is slow. A server's threads use [`crate::console`] instead.
///
/// # Errors
/// [`StdoutError`]; [`finish`] turns a closed pipe into a quiet end.
///
/// # Examples
/// ```
/// netcommon::cli::print_line(format_args!("Server response: {}", "你好"))?;
/// # Ok::<(), netcommon::cli::StdoutError>(())
/// ```
pub fn print_line(line: fmt::Arguments<'_>) -> Result<(), StdoutError> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{line}").and_then(|()| stdout.flush()).map_err(StdoutError)
}

/// Ends a program: prints a failure once to stderr and chooses the exit code.
///
/// A failure reads `program: operation object: cause; hint`. A closed stdout is no failure of ours and
/// ends quietly with 0, as a program that dies of SIGPIPE would be quiet.
pub fn finish(program: &str, result: anyhow::Result<ExitCode>) -> ExitCode {
    narrate::finish();
    let error = match result {
        Ok(code) => return code,
        Err(error) => error,
    };
    if error.downcast_ref::<StdoutError>().is_some_and(|StdoutError(cause)| is_closed_pipe(cause)) {
        return ExitCode::SUCCESS;
    }
    // Stderr may be closed as well; then nobody is left to tell.
    let _ = writeln!(io::stderr(), "{program}: {}", describe(&error));
    if error.is::<Usage>() { ExitCode::from(WRONG_USAGE) } else { ExitCode::FAILURE }
}

/// Windows has two more ways to say it than std counts as `BrokenPipe`: `ERROR_NO_DATA` (232) and
/// `ERROR_PIPE_NOT_CONNECTED` (233).
fn is_closed_pipe(error: &io::Error) -> bool {
    let on_windows = cfg!(windows) && matches!(error.raw_os_error(), Some(232 | 233));
    error.kind() == io::ErrorKind::BrokenPipe || on_windows
}

/// The error's chain joined with `: `, then the hint of the [`OpError`] or [`ConnectError`] in it, after `; `.
///
/// # Examples
/// ```
/// use netcommon::error::OpError;
///
/// let refused = std::io::ErrorKind::ConnectionRefused.into();
/// let error = OpError::new("connect to", "127.0.0.1:8888", refused).with_hint("start the server first");
/// assert_eq!(
///     netcommon::cli::describe(&error.into()),
///     "connect to 127.0.0.1:8888: connection refused; start the server first",
/// );
/// ```
#[must_use]
pub fn describe(error: &anyhow::Error) -> String {
    let hint = error.chain().find_map(|part| match part.downcast_ref::<ConnectError>() {
        Some(error) => error.hint(),
        None => part.downcast_ref::<OpError>()?.hint.as_deref(),
    });
    match hint {
        Some(hint) => format!("{error:#}; {hint}"),
        None => format!("{error:#}"),
    }
}
