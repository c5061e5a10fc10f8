//! The threads of a session, and the loop that waits for all of them at once.
//!
//! ```text
//! thread "input"    waits for a line on stdin    ends with the input; a blocked terminal read cannot be
//!                                                woken on every system, so the process's end takes it
//! thread "answers"  waits in recv                ends with the stream; Shutdown::Both ends it for sure
//! thread "writer"   waits for bytes, in send     see writer.rs
//! thread "main"     waits for any of them, for a deadline, for Ctrl-C; owns the dialogue
//! ```
//!
//! Read `dialogue.rs` first: it decides, this file does.

use std::io::{self, BufRead, Write};
use std::net;
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};
use crossbeam_channel::{Receiver, Sender as ChannelSender, at, bounded, never, select};
use netcommon::cli::{StdoutError, print_line};
use netcommon::escape::escape;
use netcommon::framing::{EncodeError, Framing, Limits, MessageReader, ReadError};
use netcommon::net::TcpStream;
use netcommon::shutdown::Shutdown;

use crate::dialogue::{Action, Dialogue, Ending};
use crate::sending::{Manner, encode_all};
use crate::writer::Writer;

/// Lines or answers that may wait for the main thread: it is quick, and a flood waits in the kernel.
const WAITING_MAX: usize = 16;

/// How much longer than a message an answer may be: what the server puts before it, generous for a pupil's own server.
const ANSWER_EXTRA_MAX: usize = 1024;

/// What the seed's client asks, to the letter.
const PROMPT: &str = "Enter message (or 'quit' to exit): ";

/// Where the messages come from.
#[derive(Debug)]
pub enum Input {
    /// A person at a terminal: prompt for each.
    Terminal,
    /// Lines from a pipe or a file.
    Pipe,
    /// From the command line, one by one.
    Messages(Vec<String>),
    /// From the command line, all with one write.
    Glued(Vec<String>),
}

/// A connected client that is about to talk.
#[derive(Debug)]
pub struct Session {
    /// The connection.
    pub stream: TcpStream,
    /// The framing that both ends agreed on.
    pub framing: Framing,
    /// The longest message of ours.
    pub limits: Limits,
    /// How the bytes go out.
    pub manner: Manner,
    /// How long an answer may take.
    pub timeout: Duration,
    /// Ctrl-C.
    pub shutdown: Shutdown,
}

type Answer = Result<Vec<u8>, ReadError>;

/// A line of the input, without its end.
enum Typed {
    /// The next message.
    Message(Vec<u8>),
    /// The word that ends the talk.
    Quit,
}

impl Session {
    /// Talks until the user or the server is done; the error of the stream, if it ended badly, comes along.
    ///
    /// Blocks in `select!`, which every thread, the deadline and Ctrl-C end.
    ///
    /// # Errors
    /// When stdout is gone, a thread cannot be started, or a message does not fit its framing.
    pub fn run(self, input: Input) -> anyhow::Result<(Ending, Option<ReadError>)> {
        let stream = Arc::new(self.stream);
        let (framing, limits) = (self.framing, self.limits);
        let writer = Writer::start(Arc::clone(&stream), self.manner).context("start a thread")?;
        let (answers, reader) = read_answers(Arc::clone(&stream), framing, limits).context("start a thread")?;
        let dialogue = Dialogue::new(self.timeout, matches!(input, Input::Terminal), framing == Framing::Raw);
        let mut talk =
            Talk { stream: &stream, framing, limits, writer, dialogue, why: None, cursor_after_prompt: false };
        let result = talk.run(input, &answers, &self.shutdown);
        if talk.writer.is_busy() || !matches!(result, Ok(Ending::Done | Ending::ServerLeft)) {
            // Wakes the writing thread, and the reading one. A stream that has ended by now refuses.
            let _ = stream.shutdown(net::Shutdown::Both);
        }
        drop(answers);
        reader.join().expect("the reading thread does not panic");
        let mut why = talk.why;
        note_reset(talk.writer.finish(), &mut why);
        if !matches!(result, Ok(Ending::Done)) {
            forget_half_a_line();
        }
        result.map(|ending| (ending, why))
    }
}

struct Talk<'a> {
    stream: &'a TcpStream,
    framing: Framing,
    limits: Limits,
    writer: Writer,
    dialogue: Dialogue,
    why: Option<ReadError>,
    /// The terminal's cursor stands behind a prompt: whatever comes next begins on a new line.
    cursor_after_prompt: bool,
}

impl Talk<'_> {
    // ANCHOR: loop
    fn run(&mut self, input: Input, answers: &Receiver<Answer>, shutdown: &Shutdown) -> anyhow::Result<Ending> {
        let lines = self.begin(input)?;
        let written = self.writer.written().clone();
        let nothing = never();
        loop {
            if let Some(ending) = self.dialogue.ending() {
                self.leave_prompt()?;
                return Ok(ending);
            }
            let wants_line = self.dialogue.wants_line() && !self.writer.is_busy();
            let lines = if wants_line { &lines } else { &nothing };
            let deadline = self.dialogue.deadline().filter(|_| !self.writer.is_pausing()).map_or(never(), at);
            let actions = select! {
                recv(lines) -> typed => self.on_typed(typed.ok()),
                recv(answers) -> answer => self.on_answer(answer.ok()),
                recv(written) -> result => {
                    self.on_written(result.expect("the writer lives as long as the talk"));
                    Vec::new()
                }
                recv(deadline) -> _ => self.dialogue.on_deadline(),
                recv(shutdown.draining()) -> _ => {
                    self.dialogue.on_interrupt();
                    Vec::new()
                }
            };
            self.perform(actions)?;
        }
    }
    // ANCHOR_END: loop

    /// Opens the source of lines; glued messages are sent at once and leave nothing to ask for.
    fn begin(&mut self, input: Input) -> anyhow::Result<Receiver<Typed>> {
        let (sender, lines) = bounded(WAITING_MAX);
        match input {
            Input::Terminal | Input::Pipe => {
                let thread = Builder::new().name("input".to_owned());
                // Not joined: see this file's header.
                drop(thread.spawn(move || read_lines(&sender)).context("start a thread")?);
            }
            Input::Messages(messages) => return Ok(queue(messages)),
            Input::Glued(messages) => {
                self.send(&messages)?;
                return Ok(queue(Vec::new()));
            }
        }
        let actions = self.dialogue.begin();
        self.perform(actions)?;
        Ok(lines)
    }

    fn on_typed(&mut self, typed: Option<Typed>) -> Vec<Action> {
        // Enter has moved the cursor to a new line; Ctrl-D, the end without a line, leaves it where it is.
        self.cursor_after_prompt &= typed.is_none();
        match typed {
            Some(Typed::Message(line)) => self.dialogue.on_line(line, Instant::now()),
            Some(Typed::Quit) | None => self.dialogue.on_input_end(Instant::now()),
        }
    }

    fn on_answer(&mut self, answer: Option<Answer>) -> Vec<Action> {
        match answer {
            Some(Ok(answer)) => return self.dialogue.on_answer(answer, Instant::now()),
            Some(Err(error)) => self.why = Some(error),
            None => {}
        }
        self.dialogue.on_server_end();
        Vec::new()
    }

    fn on_written(&mut self, result: io::Result<()>) {
        self.writer.end();
        self.dialogue.on_sent(Instant::now());
        note_reset(result, &mut self.why);
    }

    fn perform(&mut self, actions: Vec<Action>) -> anyhow::Result<()> {
        for action in actions {
            match action {
                Action::Prompt => self.prompt()?,
                Action::Send(message) => self.send(&[message])?,
                Action::Show(answer) => {
                    self.leave_prompt()?;
                    print_line(format_args!("Server response: {}", escape(&answer)))?;
                }
                // A closed stderr is no reason to stop talking.
                Action::Explain(text) => drop(writeln!(io::stderr(), "tcp-client: {text}")),
                // A connection that is over already refuses; the reading thread says why.
                Action::HalfClose => drop(self.stream.shutdown(net::Shutdown::Write)),
            }
        }
        Ok(())
    }

    fn prompt(&mut self) -> anyhow::Result<()> {
        let mut stdout = io::stdout().lock();
        write!(stdout, "{PROMPT}").and_then(|()| stdout.flush()).map_err(StdoutError)?;
        self.cursor_after_prompt = true;
        Ok(())
    }

    fn leave_prompt(&mut self) -> anyhow::Result<()> {
        if std::mem::take(&mut self.cursor_after_prompt) {
            print_line(format_args!(""))?;
        }
        Ok(())
    }

    fn send(&mut self, messages: &[impl AsRef<[u8]>]) -> anyhow::Result<()> {
        log::debug!("send {} message(s) with one write", messages.len());
        self.writer.begin(encode_all(self.framing, self.limits, messages).map_err(unsendable)?);
        Ok(())
    }
}

/// Why a message cannot go out, and what to try.
fn unsendable(error: EncodeError) -> anyhow::Error {
    match error {
        EncodeError::TooLong { .. } => anyhow!("send: {error}; raise --max-message, here and at the server"),
        EncodeError::LineFeedInside { .. } => anyhow::Error::new(error).context("send"),
    }
}

/// The reading thread says that the connection has ended, after the server's last words. But a reset is
/// reported once, to whichever call comes first.
fn note_reset(written: io::Result<()>, why: &mut Option<ReadError>) {
    if let Err(error) = written
        && error.kind() == io::ErrorKind::ConnectionReset
    {
        *why = Some(error.into());
    }
}

/// What the user had typed without Enter would be the shell's next command: throws it away.
fn forget_half_a_line() {
    #[cfg(unix)]
    if io::IsTerminal::is_terminal(&io::stdin()) {
        use rustix::termios::{QueueSelector, tcflush};
        // A terminal that has gone has no half line either.
        let _ = tcflush(io::stdin(), QueueSelector::IFlush);
    }
}

/// A source that holds `messages` and then ends.
fn queue(messages: Vec<String>) -> Receiver<Typed> {
    let (sender, lines) = bounded(messages.len());
    for message in messages {
        sender.send(Typed::Message(message.into_bytes())).expect("the queue has room for all");
    }
    lines
}

/// The thread `input`: lines without their ends, until the input ends, the user says `quit`, or nobody
/// wants them.
fn read_lines(lines: &ChannelSender<Typed>) {
    let mut stdin = io::stdin().lock();
    loop {
        let mut line = Vec::new();
        match stdin.read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => return,
            Ok(_) => {
                let end = line.iter().rposition(|byte| !matches!(byte, b'\r' | b'\n')).map_or(0, |last| last + 1);
                line.truncate(end);
                let quit = line.eq_ignore_ascii_case(b"quit");
                if lines.send(if quit { Typed::Quit } else { Typed::Message(line) }).is_err() || quit {
                    return;
                }
            }
        }
    }
}

/// Starts the thread `answers`: what the server sends, message by message, until its stream ends.
fn read_answers(
    stream: Arc<TcpStream>,
    framing: Framing,
    limits: Limits,
) -> io::Result<(Receiver<Answer>, JoinHandle<()>)> {
    let (sender, answers) = bounded(WAITING_MAX);
    let thread = Builder::new().name("answers".to_owned()).spawn(move || {
        let limits = Limits { message_len_max: limits.message_len_max + ANSWER_EXTRA_MAX };
        let mut reader = MessageReader::new(&*stream, framing, limits);
        loop {
            let answer = match reader.read_message() {
                Ok(None) => return,
                Ok(Some(answer)) => Ok(answer.to_vec()),
                Err(error) => Err(error),
            };
            match &answer {
                Ok(answer) => log::debug!("received a message of {} bytes", answer.len()),
                Err(error) => log::debug!("received no message: {error}"),
            }
            let ended = answer.is_err();
            if sender.send(answer).is_err() || ended {
                return;
            }
        }
    })?;
    Ok((answers, thread))
}
