//! What every way of seeing does the same way: first lines, the log, a thread for each source, the recorder, the end.
//!
//! Read `main.rs` before. The threads are drawn in the library's `witness.rs`.

use std::fmt;
use std::io::{self, IsTerminal};
use std::process::ExitCode;
use std::thread::{self, Builder};

use anyhow::Context;
use net_monitor::event::Heading;
use net_monitor::journal::Journal;
use net_monitor::lines;
use net_monitor::moment::Clock;
use net_monitor::recorder::{Recorder, Show};
use net_monitor::screen::{Board, Screen};
use net_monitor::witness::Witness;
use netcommon::cli::print_line;
use netcommon::console::Console;
use netcommon::error::OpError;
use netcommon::shutdown::Shutdown;

use crate::args::Recording;

type Work = Box<dyn FnOnce(Witness, &Shutdown) -> Result<(), OpError> + Send>;

/// A way of seeing: what runs on a thread of its own until the token moves.
pub(crate) struct Source {
    name: &'static str,
    work: Work,
}

impl Source {
    /// A source whose thread has this name.
    pub(crate) fn new(
        name: &'static str,
        work: impl FnOnce(Witness, &Shutdown) -> Result<(), OpError> + Send + 'static,
    ) -> Self {
        Self { name, work: Box::new(work) }
    }
}

/// A run that is being prepared.
pub(crate) struct Session {
    shutdown: Shutdown,
    console: Console,
    clock: Clock,
    heading: Heading,
    /// Somebody sits before a terminal and wants to see.
    on_screen: bool,
}

impl Session {
    /// Listens to signals and starts the console.
    pub(crate) fn begin(recording: &Recording, source: &str) -> anyhow::Result<Self> {
        recording.common.apply();
        let shutdown = Shutdown::on_signals().context("wait for signals")?;
        let on_closed = shutdown.clone();
        let console = Console::start(move || on_closed.advance()).context("start the console")?;
        let clock = Clock::start();
        let version = env!("CARGO_PKG_VERSION").to_owned();
        let heading = Heading { at: clock.now(), source: source.to_owned(), watching: Vec::new(), version, part: 1 };
        let piped = !io::stdout().is_terminal() || !io::stdin().is_terminal();
        let on_screen = !(recording.json || recording.plain || recording.common.narrate.is_some() || piped);
        if on_screen && cfg!(not(feature = "screen")) {
            console.lines().line(format_args!("no live screen: this program was built without the feature `screen`"));
        }
        let on_screen = on_screen && cfg!(feature = "screen");
        Ok(Self { shutdown, console, clock, heading, on_screen })
    }

    /// Names what is watched, for the log, and prints a first line about it.
    pub(crate) fn watch(&mut self, what: String, line: fmt::Arguments<'_>) {
        self.heading.watching.push(what);
        if self.on_screen {
            // At once, so that it stands on the terminal before the screen covers that; a failure shows there.
            let _ = print_line(line);
        } else {
            self.console.lines().line(line);
        }
    }

    /// Runs the sources until Ctrl-C, or until one of them breaks.
    pub(crate) fn run(self, recording: &Recording, sources: Vec<Source>) -> anyhow::Result<ExitCode> {
        let Self { shutdown, console, clock, heading, on_screen } = self;
        let open = |path| Journal::open(path, heading, recording.rotation());
        let journal = recording.log.as_deref().map(open).transpose()?;
        let over = Shutdown::new();
        let (show, screen) = show(recording.json, on_screen, &shutdown, &over)?;
        let recorder = Recorder::new(clock, journal, console.lines(), show, recording.alert.clone());
        let (witness, seen) = Witness::new(clock);
        let (recorded, results): (_, Vec<anyhow::Result<()>>) = thread::scope(|scope| {
            let mut threads = Vec::new();
            for Source { name, work } in sources {
                let (witness, shutdown) = (witness.clone(), &shutdown);
                let thread = Builder::new().name(name.to_owned()).spawn_scoped(scope, move || {
                    let result = work(witness, shutdown);
                    if result.is_err() {
                        // The others have nothing to wait for.
                        shutdown.advance();
                    }
                    result
                });
                threads.push(thread.context("start a thread"));
            }
            drop(witness);
            if threads.iter().any(Result::is_err) {
                shutdown.advance();
            }
            let recorded = recorder.run(&seen, &shutdown);
            let ended =
                |thread: thread::ScopedJoinHandle<'_, _>| thread.join().expect("its panic would end us as well");
            (recorded, threads.into_iter().map(|thread| Ok(ended(thread?)?)).collect())
        });
        shutdown.settle();
        // The last lines come behind the screen, on the terminal as it was before.
        over.advance();
        screen.map_or(Ok(()), Screen::finish).context("draw the screen")?;
        if !recording.json {
            lines::summary(&recorded.ledger).iter().for_each(|line| console.lines().line(format_args!("{line}")));
        }
        console.finish();
        let code = if recorded.alerted { ExitCode::FAILURE } else { ExitCode::SUCCESS };
        results.into_iter().collect::<anyhow::Result<()>>().map(|()| code)
    }
}

/// How the run is to be shown.
fn show(json: bool, on_screen: bool, shutdown: &Shutdown, over: &Shutdown) -> anyhow::Result<(Show, Option<Screen>)> {
    if !on_screen {
        return Ok((if json { Show::Json } else { Show::Lines }, None));
    }
    // Log lines would be written across it, unless stderr goes elsewhere.
    if io::stderr().is_terminal() {
        log::set_max_level(log::LevelFilter::Off);
    }
    let board = Board::default();
    let screen = Screen::start(board.clone(), shutdown.clone(), over.clone()).context("take the terminal over")?;
    Ok((Show::Screen(board), Some(screen)))
}
