//! A program in its lane: a child process whose lines are heard one by one, each with a deadline.
//!
//! ```text
//! player ──type_line──▶ stdin │ program │ stdout + stderr ──▶ one pipe ──▶ thread `lane NAME`
//!    ▲                                                                         │ at most 1024 lines
//!    └───────────────────────── next_line ◀────────────────────────────────────┘
//! ```
//!
//! Both output streams share one pipe, so lines keep the order in which the program wrote them, as on
//! a terminal. A lane that is dropped kills its program, reaps it and joins its thread,
//! unless a child of the program keeps the pipe open.

use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded, select};
use netcommon::escape::escape;
use netcommon::shutdown::StageReached;

/// Lines that may wait to be shown. A program that says more than any demo shows is held up by its
/// full pipe instead of filling our memory.
const WAITING_LINES_MAX: usize = 1024;

/// Bytes of one line; what is longer is cut into several. No chapter prints lines this long.
const LINE_BYTES_MAX: u64 = 16 * 1024;

/// Lines that a failed step shows of each lane: more than a demo has, less than floods a terminal.
const REMEMBERED_LINES_MAX: usize = 60;

/// How long the end of a program's output may be behind its own; longer, and a child of the program has it.
const OUTPUT_END_MAX: Duration = Duration::from_secs(1);

/// How long between two looks at a program that has closed its output and not yet ended.
const EXIT_POLL: Duration = Duration::from_millis(5);

/// A running program with its label.
///
/// # Examples
/// ```
/// use std::process::Command;
/// use std::time::{Duration, Instant};
///
/// use course::lane::{Heard, Lane};
/// use netcommon::shutdown::Shutdown;
///
/// let mut command = Command::new(env!("CARGO"));
/// command.arg("--version");
/// let mut lane = Lane::start("小明", command)?;
/// let deadline = Instant::now() + Duration::from_secs(20);
/// let shutdown = Shutdown::new();
/// let Heard::Line(line) = lane.next_line(deadline, shutdown.draining()) else { panic!("no line") };
/// assert!(line.starts_with("cargo "));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Lane {
    child: Child,
    stdin: Option<ChildStdin>,
    /// `None` once the lane is being dropped, so that the reader cannot stay blocked on a full queue.
    lines: Option<Receiver<String>>,
    reader: Option<JoinHandle<()>>,
    said: VecDeque<String>,
    killed: bool,
}

/// What [`Lane::next_line`] waited for.
#[derive(Debug, PartialEq, Eq)]
pub enum Heard {
    /// The next line, safe for a terminal.
    Line(String),
    /// The program has closed its output, most often because it has ended.
    End,
    /// The deadline has passed.
    TimedOut,
    /// The user has interrupted the course.
    Interrupted,
}

impl Lane {
    /// Starts `command` with its streams in our hands. Does not wait for anything that it says.
    ///
    /// # Errors
    /// When the program cannot be started or the system gives no thread or pipe.
    pub fn start(name: &str, mut command: Command) -> io::Result<Self> {
        let (output, program_end) = io::pipe()?;
        let stderr_end = program_end.try_clone()?;
        let mut child = command.stdin(Stdio::piped()).stdout(program_end).stderr(stderr_end).spawn()?;
        // The command holds our copies of the program's end; with them open, the pipe would never end.
        drop(command);
        let stdin = child.stdin.take();
        let (sender, lines) = bounded(WAITING_LINES_MAX);
        let mut lane = Self { child, stdin, lines: Some(lines), reader: None, said: VecDeque::new(), killed: false };
        // If this fails, the lane is dropped and its program with it.
        lane.reader = Some(Builder::new().name(format!("lane {name}")).spawn(move || read_lines(output, &sender))?);
        Ok(lane)
    }

    /// Waits for the next line until `deadline` or until `stop` ends.
    pub fn next_line(&mut self, deadline: Instant, stop: &StageReached) -> Heard {
        let Some(lines) = &self.lines else { return Heard::End };
        let heard = select! {
            recv(lines) -> line => line.map_or(Heard::End, Heard::Line),
            recv(stop) -> _ => Heard::Interrupted,
            default(deadline.saturating_duration_since(Instant::now())) => Heard::TimedOut,
        };
        if let Heard::Line(line) = &heard {
            self.remember(line.clone());
        }
        heard
    }

    /// The process number.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Types a line. A program that has ended does not hear it, which its exit code tells.
    pub fn type_line(&mut self, line: &str) {
        if let Some(stdin) = &mut self.stdin {
            let _ = stdin.write_all(format!("{line}\n").as_bytes()).and_then(|()| stdin.flush());
        }
    }

    /// Ends the program's input, as Ctrl-D does.
    pub fn end_input(&mut self) {
        self.stdin = None;
    }

    /// Sends what Ctrl-C sends: SIGINT, kill(2).
    ///
    /// # Errors
    /// When the system refuses, for example because the program has ended.
    #[cfg(unix)]
    pub fn interrupt(&mut self) -> io::Result<()> {
        use rustix::process::{Pid, Signal, kill_process};
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        kill_process(pid.ok_or(io::ErrorKind::NotFound)?, Signal::INT)?;
        Ok(())
    }

    /// Ends the program at once: Windows sends Ctrl-C to everybody on a console, the course included.
    ///
    /// # Errors
    /// When the system refuses.
    #[cfg(not(unix))]
    pub fn interrupt(&mut self) -> io::Result<()> {
        self.killed = true;
        self.child.kill()
    }

    /// Whether [`Lane::interrupt`] could only kill the program, so that it had no time for last words.
    #[must_use]
    pub fn was_killed(&self) -> bool {
        self.killed
    }

    /// Waits for the program's end; `None` if the deadline passes or `stop` ends before.
    ///
    /// # Errors
    /// When the system cannot say how the program ended.
    pub fn exit_status(&mut self, deadline: Instant, stop: &StageReached) -> io::Result<Option<ExitStatus>> {
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(Some(status));
            }
            // No system-independent wait with a deadline exists.
            let interrupted = stop.recv_timeout(EXIT_POLL) == Err(RecvTimeoutError::Disconnected);
            if interrupted || Instant::now() >= deadline {
                return Ok(None);
            }
        }
    }

    /// The last lines that the program has said, also those that nobody has asked for yet.
    pub fn last_words(&mut self) -> impl Iterator<Item = &str> {
        let waiting: Vec<_> = self.lines.iter().flat_map(Receiver::try_iter).collect();
        waiting.into_iter().for_each(|line| self.remember(line));
        self.said.iter().map(String::as_str)
    }

    fn remember(&mut self, line: String) {
        if self.said.len() == REMEMBERED_LINES_MAX {
            self.said.pop_front();
        }
        self.said.push_back(line);
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        // Both fail when it has ended and was waited for, which is what we want.
        let _ = self.child.kill();
        let _ = self.child.wait();
        let ended = self.lines.take().is_none_or(|lines| has_ended(&lines, Instant::now() + OUTPUT_END_MAX));
        if let Some(reader) = self.reader.take()
            && ended
        {
            // A panic of the reader has been printed by the panic hook; there is nothing to add.
            let _ = reader.join();
        }
    }
}

/// Whether the reader comes to the output's end before `deadline`. If not, a child that the program has left
/// behind keeps the pipe open, and nobody can say for how long: the reader is left to it.
fn has_ended(lines: &Receiver<String>, deadline: Instant) -> bool {
    loop {
        match lines.recv_deadline(deadline) {
            Ok(_) if Instant::now() < deadline => {}
            Err(RecvTimeoutError::Disconnected) => return true,
            Ok(_) | Err(RecvTimeoutError::Timeout) => return false,
        }
    }
}

fn read_lines(output: impl Read, lines: &Sender<String>) {
    let mut output = BufReader::new(output);
    let mut line = Vec::new();
    loop {
        line.clear();
        match output.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => return,
            Ok(_) => {
                if lines.send(printable(&line)).is_err() {
                    return;
                }
            }
        }
    }
}

/// The line without its end, safe for a terminal. The chapters escape what the network sends; this is for
/// a pupil's own program. Their backslashes stay as they are, so that `\n` is not escaped twice.
fn printable(line: &[u8]) -> String {
    let line = line.trim_ascii_end();
    line.split(|&byte| byte == b'\\').map(|part| escape(part).to_string()).collect::<Vec<_>>().join("\\")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(unix)]
    fn a_child_that_keeps_the_output_open_does_not_hold_up_the_end() {
        let mut shell = Command::new("sh");
        // `cat` outlives the shell until its input ends, which happens when the lane is gone.
        shell.args(["-c", "exec 3<&0; cat <&3 & echo started; wait"]);
        let mut lane = Lane::start("小明", shell).unwrap();
        let shutdown = netcommon::shutdown::Shutdown::new();
        let deadline = Instant::now() + netcommon::testing::DEADLINE;
        assert_eq!(lane.next_line(deadline, shutdown.draining()), Heard::Line("started".to_owned()));
        let () = netcommon::testing::aside("drop", move || drop(lane)).wait();
    }

    #[test]
    fn a_line_loses_its_end_and_whatever_a_terminal_would_obey() {
        for (line, want) in [
            ("你好\r\n", "你好"),
            ("  indented\n", "  indented"),
            (r"glued: A\nB", r"glued: A\nB"),
            ("\x1b[2Jgone", r"\x1b[2Jgone"),
        ] {
            assert_eq!(printable(line.as_bytes()), want);
        }
    }

    #[test]
    fn a_line_without_end_is_cut_and_not_gathered_for_ever() {
        let (sender, lines) = bounded(8);
        let bytes = vec![b'x'; usize::try_from(LINE_BYTES_MAX).unwrap() + 1];
        read_lines(&bytes[..], &sender);
        let lengths: Vec<_> = lines.try_iter().map(|line| line.len() as u64).collect();
        assert_eq!(lengths, [LINE_BYTES_MAX, 1]);
    }
}
