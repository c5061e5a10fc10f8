//! The conversation: a message from the user, the answer or why there is none, and again.
//!
//! Above `client.rs`. A message without an answer is said at once and does not end the conversation: in
//! UDP the next one may well get through. It does end in exit code 1, which a script relies on.
//! Source: Python's `input()`, whose prompt the course's Python programs show.

use std::io::{self, BufRead, Write};
use std::process::ExitCode;

use anyhow::{Context, bail};
use netcommon::cli::{StdoutError, print_line};
use netcommon::escape::escape;

use crate::client::{Client, Reply};

/// What the user is asked, to the letter as in the course's Python programs.
pub const PROMPT: &str = "Enter message (or 'quit' to exit): ";

/// Where the messages come from.
#[derive(Debug)]
pub enum Input {
    /// A person at a terminal: a prompt before each.
    Terminal,
    /// Lines from a pipe or a file.
    Pipe,
    /// From the command line, one by one.
    Messages(Vec<String>),
}

/// Asks the server every message of `input`; ends with its end, or with `quit` as a line.
///
/// Blocks as long as a person thinks and the server is silent.
///
/// # Errors
/// When stdin or stdout fails, or at the end, when one of several messages got no answer.
pub fn run(client: &mut Client, input: Input) -> anyhow::Result<ExitCode> {
    let mut session = Session { client, asked: 0, unanswered: 0 };
    match input {
        Input::Messages(messages) => {
            for message in messages {
                session.ask(message.as_bytes())?;
            }
        }
        Input::Pipe => session.ask_lines(false)?,
        Input::Terminal => session.ask_lines(true)?,
    }
    session.end()
}

struct Session<'a> {
    client: &'a mut Client,
    asked: u64,
    unanswered: u64,
}

impl Session<'_> {
    fn ask_lines(&mut self, with_prompt: bool) -> anyhow::Result<()> {
        let mut stdin = io::stdin().lock();
        let mut line = Vec::new();
        loop {
            if with_prompt {
                prompt(PROMPT)?;
            }
            line.clear();
            if stdin.read_until(b'\n', &mut line).context("read from stdin")? == 0 {
                // The shell's next line shall not stand behind our prompt.
                return if with_prompt { prompt("\n") } else { Ok(()) };
            }
            let message = without_line_end(&line);
            if message.eq_ignore_ascii_case(b"quit") {
                return Ok(());
            }
            self.ask(message)?;
        }
    }

    fn ask(&mut self, message: &[u8]) -> anyhow::Result<()> {
        self.asked += 1;
        match self.client.ask(message) {
            Ok(reply) => show(reply)?,
            Err(error) => {
                self.unanswered += 1;
                // Stderr may be closed; then nobody is left to tell.
                let _ = writeln!(io::stderr(), "udp-client: {error}");
            }
        }
        Ok(())
    }

    fn end(self) -> anyhow::Result<ExitCode> {
        match (self.unanswered, self.asked) {
            (0, _) => Ok(ExitCode::SUCCESS),
            // It has just been said.
            (1, 1) => Ok(ExitCode::FAILURE),
            (unanswered, asked) => bail!("{unanswered} of {asked} messages got no answer"),
        }
    }
}

fn show(reply: Reply<'_>) -> Result<(), StdoutError> {
    let text = escape(reply.datagram.bytes);
    if reply.attempts > 1 {
        log::info!("answered after {} attempts", reply.attempts);
    }
    if reply.datagram.cut {
        let kept = reply.datagram.bytes.len();
        return print_line(format_args!("Server response: {text} (cut to {kept} bytes by --buffer; the rest is lost)"));
    }
    print_line(format_args!("Server response: {text}"))
}

fn prompt(text: &str) -> anyhow::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()).map_err(StdoutError)?;
    Ok(())
}

/// A line's bytes without LF or CR LF.
fn without_line_end(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_line_end_is_taken_off() {
        for (line, want) in [("你好\n", "你好"), ("你好\r\n", "你好"), ("你好", "你好"), ("\n", ""), (" a \n", " a ")]
        {
            assert_eq!(without_line_end(line.as_bytes()), want.as_bytes());
        }
    }
}
