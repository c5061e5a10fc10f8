//! What every way of seeing does the same way: first lines, the log, a thread for each source, the recorder, the end.
//!
//! Read `main.rs` before. The threads are drawn in the library's `witness.rs`.

use std::fmt;
use std::process::ExitCode;
use std::thread::{self, Builder};

use anyhow::Context;
use net_monitor::event::Heading;
use net_monitor::journal::Journal;
use net_monitor::moment::Clock;
use net_monitor::recorder::Recorder;
use net_monitor::witness::Witness;
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
        Ok(Self { shutdown, console, clock, heading })
    }

    /// Names what is watched, for the log, and prints a first line about it.
    pub(crate) fn watch(&mut self, what: String, line: fmt::Arguments<'_>) {
        self.heading.watching.push(what);
        self.console.lines().line(line);
    }

    /// Runs the sources until Ctrl-C, or until one of them breaks.
    pub(crate) fn run(self, recording: &Recording, sources: Vec<Source>) -> anyhow::Result<ExitCode> {
        let Self { shutdown, console, clock, heading } = self;
        let open = |path| Journal::open(path, heading, recording.rotation());
        let journal = recording.log.as_deref().map(open).transpose()?;
        let recorder = Recorder::new(clock, journal, console.lines(), recording.json);
        let (witness, seen) = Witness::new(clock);
        let results: Vec<anyhow::Result<()>> = thread::scope(|scope| {
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
            recorder.run(&seen, &shutdown);
            let ended =
                |thread: thread::ScopedJoinHandle<'_, _>| thread.join().expect("its panic would end us as well");
            threads.into_iter().map(|thread| Ok(ended(thread?)?)).collect()
        });
        shutdown.settle();
        console.finish();
        results.into_iter().collect::<anyhow::Result<()>>().map(|()| ExitCode::SUCCESS)
    }
}
