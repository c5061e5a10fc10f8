//! The chapters' programs as child processes, for tests: start, wait for a line, type, signal, end.
//!
//! Only with the feature `testing`. Every wait has a deadline, and a wait that passes it fails with
//! everything that the program has said so far. A program that the test leaves behind is killed. What a
//! test runs beside itself is in `aside.rs`, a program at a terminal in `terminal.rs`.

mod aside;
mod closed_port;
#[cfg(target_os = "linux")]
pub mod strace;
#[cfg(unix)]
mod terminal;

pub use self::aside::{Aside, aside};
pub use self::closed_port::ClosedPort;
#[cfg(unix)]
pub use self::terminal::Terminal;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::SocketAddr;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::thread::Builder;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, unbounded};

/// The deadline of every wait: generous, because a busy machine is no failure of the program.
pub const DEADLINE: Duration = Duration::from_secs(20);

/// A running program with its three streams.
///
/// # Examples
/// ```no_run
/// use netcommon::testing::Program;
///
/// let mut server = Program::start("target/debug/tcp-server", &["127.0.0.1:0"]);
/// let addr = server.listening_addr();
/// server.interrupt();
/// assert_eq!(server.wait().code, Some(0));
/// ```
#[derive(Debug)]
pub struct Program {
    name: String,
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: Output,
    stderr: Output,
}

/// How a program ended, and all that it said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finished {
    /// The exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    /// Everything on stdout.
    pub stdout: String,
    /// Everything on stderr.
    pub stderr: String,
}

impl Program {
    /// Starts `exe` with `args`, all three streams as pipes.
    #[must_use]
    pub fn start(exe: &str, args: &[&str]) -> Self {
        Self::start_command(Command::new(exe).args(args))
    }

    /// Starts a command that the caller has prepared (environment, `sh -c 'ulimit …'`).
    #[must_use]
    pub fn start_command(command: &mut Command) -> Self {
        let name = format!("{command:?}");
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("start {name}: {error}"));
        let stdin = child.stdin.take();
        let stdout = Output::gather(child.stdout.take().expect("stdout is a pipe"));
        let stderr = Output::gather(child.stderr.take().expect("stderr is a pipe"));
        Self { name, child, stdin, stdout, stderr }
    }

    /// Runs `exe` to its end with `input` on stdin.
    #[must_use]
    pub fn run(exe: &str, args: &[&str], input: &str) -> Finished {
        let mut program = Self::start(exe, args);
        program.type_text(input);
        program.close_stdin();
        program.wait()
    }

    /// The process number.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits for a line on stdout that contains `part`, and returns it; lines before it are passed over.
    pub fn expect_line(&mut self, part: &str) -> String {
        let line = self.stdout.find_line(part);
        line.unwrap_or_else(|| self.fail(&format!("no line with {part:?} on stdout")))
    }

    /// Waits for a line on stderr that contains `part`, and returns it.
    pub fn expect_stderr_line(&mut self, part: &str) -> String {
        let line = self.stderr.find_line(part);
        line.unwrap_or_else(|| self.fail(&format!("no line with {part:?} on stderr")))
    }

    /// Waits at most so long for the next line on stdout; `None` when none came or the stream has ended.
    pub fn next_line(&mut self, at_most: Duration) -> Option<String> {
        self.stdout.next_line(Instant::now() + at_most)
    }

    /// Waits for a server's first line and returns the address at its end.
    pub fn listening_addr(&mut self) -> SocketAddr {
        let line = self.expect_line("listening on ");
        let addr = line.rsplit(' ').next().unwrap_or_default();
        addr.parse().unwrap_or_else(|error| panic!("{}: {line:?}: {error}", self.name))
    }

    /// Writes `text` to the program's stdin as it is.
    pub fn type_text(&mut self, text: &str) {
        // The program may have ended already; its exit code tells.
        if let Some(stdin) = &mut self.stdin {
            let _ = stdin.write_all(text.as_bytes()).and_then(|()| stdin.flush());
        }
    }

    /// Ends the program's input.
    pub fn close_stdin(&mut self) {
        self.stdin = None;
    }

    /// Sends SIGINT, as Ctrl-C does.
    #[cfg(unix)]
    pub fn interrupt(&self) {
        self.signal(rustix::process::Signal::INT);
    }

    /// Sends SIGTERM, as `kill` does.
    #[cfg(unix)]
    pub fn terminate(&self) {
        self.signal(rustix::process::Signal::TERM);
    }

    #[cfg(unix)]
    fn signal(&self, signal: rustix::process::Signal) {
        let pid = i32::try_from(self.child.id()).ok().and_then(rustix::process::Pid::from_raw);
        rustix::process::kill_process(pid.expect("a child has a process number"), signal)
            .unwrap_or_else(|error| panic!("{}: kill: {error}", self.name));
    }

    /// Waits for the program's end and returns all that it said.
    #[must_use]
    pub fn wait(mut self) -> Finished {
        let deadline = Instant::now() + DEADLINE;
        loop {
            if let Some(status) = self.child.try_wait().expect("a child can be waited for") {
                let stdout = self.stdout.all();
                let stderr = self.stderr.all();
                return Finished { code: status.code(), stdout, stderr };
            }
            if Instant::now() >= deadline {
                self.fail("still running");
            }
            // No portable wait with a deadline exists; its streams end when it does, so wait for those.
            self.stdout.wait_for_end(Duration::from_millis(10));
        }
    }

    /// Fails the test with everything that the program has said.
    fn fail(&mut self, what: &str) -> ! {
        let (stdout, stderr) = (self.stdout.so_far(), self.stderr.so_far());
        panic!("{}: {what}\n--- stdout\n{stdout}--- stderr\n{stderr}", self.name);
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It has ended already in most tests; then both calls fail, which is fine.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One output stream: a thread reads its lines into a channel.
#[derive(Debug)]
struct Output {
    lines: Receiver<Vec<u8>>,
    seen: Vec<u8>,
}

impl Output {
    fn gather(stream: impl Read + Send + 'static) -> Self {
        let (sender, lines) = unbounded();
        let reader = Builder::new().name("output".to_owned()).spawn(move || read_lines(stream, &sender));
        drop(reader.expect("a test may start a thread"));
        Self { lines, seen: Vec::new() }
    }

    fn find_line(&mut self, part: &str) -> Option<String> {
        let deadline = Instant::now() + DEADLINE;
        while let Some(line) = self.next_line(deadline) {
            if line.contains(part) {
                return Some(line);
            }
        }
        None
    }

    fn next_line(&mut self, deadline: Instant) -> Option<String> {
        let line = self.lines.recv_deadline(deadline).ok()?;
        self.seen.extend_from_slice(&line);
        Some(String::from_utf8_lossy(&line).trim_end_matches(['\r', '\n']).to_owned())
    }

    fn wait_for_end(&mut self, at_most: Duration) {
        match self.lines.recv_timeout(at_most) {
            Ok(line) => self.seen.extend_from_slice(&line),
            Err(RecvTimeoutError::Timeout) => {}
            // The stream has ended and the program is about to: let it.
            Err(RecvTimeoutError::Disconnected) => std::thread::yield_now(),
        }
    }

    fn so_far(&mut self) -> String {
        self.lines.try_iter().for_each(|line| self.seen.extend_from_slice(&line));
        String::from_utf8_lossy(&self.seen).into_owned()
    }

    /// Everything, once the program has ended; a grandchild that keeps the pipe open fails the test.
    fn all(&mut self) -> String {
        let deadline = Instant::now() + DEADLINE;
        while self.next_line(deadline).is_some() {}
        assert!(Instant::now() < deadline, "somebody keeps the pipe open:\n{}", String::from_utf8_lossy(&self.seen));
        self.so_far()
    }
}

fn read_lines(stream: impl Read, lines: &Sender<Vec<u8>>) {
    let mut stream = BufReader::new(stream);
    loop {
        let mut line = Vec::new();
        match stream.read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => return,
            Ok(_) => {
                if lines.send(line).is_err() {
                    return;
                }
            }
        }
    }
}
