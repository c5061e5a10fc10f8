//! The prompt: a line that is being typed survives the lines that arrive meanwhile.
//!
//! ```text
//! thread "keyboard"  rustyline's editor, in raw mode: keys, and lines that `screen` hands it to draw above
//!                    the prompt. On Unix a SIGINT to ourselves ends it; where a blocked terminal read
//!                    cannot be woken, the process's end takes it, after the terminal was put in order
//! thread "screen"    hands over one line at a time, because the editor takes the next one only when it has
//!                    drawn the last; ends when nobody can send to it any more
//! ```
//! Enter does not end the editor's call: `Key` takes the line away and leaves an empty one. So raw mode
//! lasts from the first key to the last, and there is no moment at which a line from the room could be
//! printed into the middle of a typed one. Read `recall.rs` and `roster.rs` before: the keys call them.

use std::io::{self, IsTerminal, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::Builder;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use rustyline::completion::Completer;
use rustyline::config::{Behavior, CompletionType, Config};
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::MemHistory;
use rustyline::line_buffer::LineBuffer;
use rustyline::validate::Validator;
use rustyline::{
    Changeset, Cmd, ConditionalEventHandler, Context, Event, EventContext, EventHandler, ExternalPrinter, Helper,
    KeyCode, KeyEvent, Modifiers, Movement, RepeatCount,
};

use super::desk::Typed;
use super::recall::Recall;
use super::roster::Roster;

/// What stands before the line that is being typed.
const PROMPT: &str = "> ";

/// Typed lines that the main thread has not taken yet; when there are more, Enter does nothing and the line
/// stays where it is. The editor never waits for the main thread, which may be waiting for the editor.
const TYPED_MAX: usize = 64;

/// Lines that wait to be drawn; more wait at the server.
const SCREEN_MAX: usize = 64;

/// How long [`Editor::finish`] waits for the last lines to be drawn, on a terminal that may be stuck.
const FINISH_MAX: Duration = Duration::from_secs(1);

/// Moves the cursor up and down again: nothing to see.
const NOTHING_TO_SEE: &str = "\x1b[A\n";

/// The prompt on this process's terminal.
#[derive(Debug)]
pub struct Editor {
    /// What was typed.
    pub typed: Receiver<Typed>,
    /// Lines to draw above the prompt.
    pub screen: Sender<String>,
    /// Ends when everything is drawn.
    drawn: Receiver<()>,
    /// Ends when the editor has given the terminal back.
    ended: Receiver<()>,
    terminal: TerminalAsFound,
}

impl Editor {
    /// Starts the two threads; `None` where no line can be edited: no terminal at either end, or a `dumb` one.
    ///
    /// Does not block. Tab completes from `roster`, which the caller keeps up to date.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(roster: &Arc<Mutex<Roster>>) -> io::Result<Option<Self>> {
        if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
            return Ok(None);
        }
        let terminal = TerminalAsFound::remember();
        let (type_line, typed) = bounded(TYPED_MAX);
        let Some((mut editor, mut printer)) = prepare(roster, &type_line) else { return Ok(None) };
        let (end, ended) = bounded(0);
        let keyboard = Builder::new().name("keyboard".to_owned());
        // Not joined: see this file's header. `finish` waits for `ended`.
        drop(keyboard.spawn(move || {
            // Enter, Ctrl-C and Ctrl-D are keys of ours; what ends the call is a signal, or a lost terminal.
            if let Err(ReadlineError::Interrupted) = editor.readline(PROMPT) {
                let _ = type_line.try_send(Typed::Interrupt);
            }
            drop(end);
        })?);
        let (screen, lines) = bounded::<String>(SCREEN_MAX);
        let (all_drawn, drawn) = bounded(0);
        // Not joined either: it may be stuck with a stuck terminal. `finish` waits for `drawn`.
        drop(Builder::new().name("screen".to_owned()).spawn(move || {
            for line in lines {
                if printer.print(line + "\n").is_err() {
                    break;
                }
            }
            // One line fits between us and the editor. When the second of these has found room, the editor
            // has taken the first, so it has drawn what came before.
            for _ in 0..2 {
                let _ = printer.print(NOTHING_TO_SEE.to_owned());
            }
            drop(all_drawn);
        })?);
        Ok(Some(Self { typed, screen, drawn, ended, terminal }))
    }

    /// Waits until all lines are drawn, for a second at most, ends the editor and puts the terminal back as it was.
    pub fn finish(mut self) {
        drop(self.screen);
        // They never send: either they end, or the time is up.
        let _ = self.drawn.recv_timeout(FINISH_MAX);
        self.terminal.is_free = interrupt_editor() && is_over(&self.ended);
    }
}

/// Ends the editor's call as a Ctrl-C from outside would; `false` where that cannot be done.
///
/// While the editor reads keys, SIGINT is its own. Else nobody minds it any more: the client is at its end.
fn interrupt_editor() -> bool {
    #[cfg(unix)]
    {
        use rustix::process::{Signal, getpid, kill_process};
        kill_process(getpid(), Signal::INT).is_ok()
    }
    #[cfg(not(unix))]
    false
}

fn is_over(ended: &Receiver<()>) -> bool {
    ended.recv_timeout(FINISH_MAX) == Err(RecvTimeoutError::Disconnected)
}

type Rustyline = rustyline::Editor<Fill, MemHistory>;

/// The editor with our keys, and the way to draw above its prompt.
fn prepare(
    roster: &Arc<Mutex<Roster>>,
    typed: &Sender<Typed>,
) -> Option<(Rustyline, impl ExternalPrinter + Send + 'static)> {
    // Completion of type `List` with one candidate changes the line and does not wait for another key.
    let config = Config::builder().completion_type(CompletionType::List).behavior(Behavior::Stdio).build();
    let history = MemHistory::with_config(&config);
    let mut editor = Rustyline::with_history(config, history).ok()?;
    let printer = editor.create_external_printer().ok()?;
    let (recall, recalled) = (Arc::default(), Arc::default());
    editor.set_helper(Some(Fill { roster: Arc::clone(roster), typed: typed.clone(), recalled: Arc::clone(&recalled) }));
    let plain = |code| KeyEvent(code, Modifiers::NONE);
    for (event, does) in [
        (plain(KeyCode::Enter), Does::Say),
        (KeyEvent::ctrl('J'), Does::Say),
        (plain(KeyCode::Up), Does::Older),
        (KeyEvent::ctrl('P'), Does::Older),
        (plain(KeyCode::Down), Does::Newer),
        (KeyEvent::ctrl('N'), Does::Newer),
        (KeyEvent::ctrl('D'), Does::End),
        (KeyEvent::ctrl('C'), Does::Interrupt),
    ] {
        let (recall, recalled) = (Arc::clone(&recall), Arc::clone(&recalled));
        let key = Key { does, typed: typed.clone(), recall, recalled };
        editor.bind_sequence(event, EventHandler::Conditional(Box::new(key)));
    }
    // Its own history stays empty, so there is nothing to search in.
    for key in ['R', 'S'] {
        editor.bind_sequence(KeyEvent::ctrl(key), Cmd::Noop);
    }
    Some((editor, printer))
}

#[derive(Debug, Clone, Copy)]
enum Does {
    Say,
    Older,
    Newer,
    End,
    Interrupt,
}

/// What a key does that is not the editor's own.
struct Key {
    does: Does,
    typed: Sender<Typed>,
    /// Guards the typed lines, for all keys; nothing blocks under it.
    recall: Arc<Mutex<Recall>>,
    recalled: Recalled,
}

/// A line that an arrow key has brought back, on its way into the editor; nothing blocks under the lock.
type Recalled = Arc<Mutex<Option<String>>>;

impl Key {
    fn say(&self, line: &str) -> Cmd {
        match self.typed.try_send(Typed::Line(line.to_owned().into_bytes())) {
            Ok(()) => {
                lock(&self.recall).add(line);
                Cmd::Kill(Movement::WholeBuffer)
            }
            // Too many wait, or the visit is over: the line stays.
            Err(_) => Cmd::Noop,
        }
    }

    /// `Cmd::Replace` would leave the cursor in front of the line; a completion leaves it behind.
    fn bring_back(&self, line: Option<String>) -> Cmd {
        let command = if line.is_some() { Cmd::Complete } else { Cmd::Noop };
        *lock(&self.recalled) = line;
        command
    }
}

impl ConditionalEventHandler for Key {
    // ANCHOR: keys
    fn handle(&self, _: &Event, _: RepeatCount, _: bool, now: &EventContext<'_>) -> Option<Cmd> {
        match self.does {
            Does::Say => Some(self.say(now.line())),
            Does::Older => Some(self.bring_back(lock(&self.recall).older(now.line()))),
            Does::Newer => Some(self.bring_back(lock(&self.recall).newer())),
            // In the middle of a line it deletes a character, as in any shell.
            Does::End if !now.line().is_empty() => None,
            Does::End => {
                let _ = self.typed.try_send(Typed::End);
                Some(Cmd::Noop)
            }
            Does::Interrupt => {
                let _ = self.typed.try_send(Typed::Interrupt);
                Some(Cmd::Noop)
            }
        }
    }
    // ANCHOR_END: keys
}

/// What fills the line: Tab from the roster, an arrow key from what was typed.
///
/// At most one candidate for the editor, because it would wait for a key to choose among several and draw
/// nothing meanwhile. The choice is shown as a line of its own.
struct Fill {
    /// Guards the names; nothing blocks under it.
    roster: Arc<Mutex<Roster>>,
    typed: Sender<Typed>,
    recalled: Recalled,
}

impl Completer for Fill {
    type Candidate = String;

    fn complete(&self, line: &str, pos: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<String>)> {
        if let Some(recalled) = lock(&self.recalled).clone() {
            return Ok((0, vec![recalled]));
        }
        let Some(tab) = lock(&self.roster).complete(&line[..pos]) else { return Ok((pos, Vec::new())) };
        if !tab.choices.is_empty() {
            let _ = self.typed.try_send(Typed::Choices(tab.choices));
        }
        Ok((tab.start, vec![tab.text]))
    }

    fn update(&self, line: &mut LineBuffer, start: usize, text: &str, changes: &mut Changeset) {
        let end = if lock(&self.recalled).take().is_some() { line.len() } else { line.pos() };
        line.replace(start..end, text, changes);
    }
}

impl Helper for Fill {}
impl Highlighter for Fill {}
impl Validator for Fill {}
impl Hinter for Fill {
    type Hint = String;
}

/// A thread that panicked under the lock has at worst left half a list: go on.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The terminal's settings as the program found them; they come back when this is dropped.
#[derive(Debug)]
struct TerminalAsFound {
    #[cfg(unix)]
    settings: Option<rustix::termios::Termios>,
    /// The editor has ended and left its line.
    is_free: bool,
}

impl TerminalAsFound {
    fn remember() -> Self {
        Self {
            #[cfg(unix)]
            settings: rustix::termios::tcgetattr(io::stdin()).ok(),
            is_free: false,
        }
    }
}

impl Drop for TerminalAsFound {
    fn drop(&mut self) {
        if self.is_free {
            return;
        }
        // The editor sits in its call and cannot do this itself. On Windows the shells set their own mode.
        #[cfg(unix)]
        if let Some(settings) = &self.settings {
            use rustix::termios::{OptionalActions, tcsetattr};
            let _ = tcsetattr(io::stdin(), OptionalActions::Now, settings);
        }
        // Ends bracketed paste, and leaves the prompt's line. A terminal that has gone needs neither.
        let _ = io::stdout().write_all(b"\x1b[?2004l\n").and_then(|()| io::stdout().flush());
    }
}
