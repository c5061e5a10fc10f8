//! Plays a session of the book: servers first, then the other lanes to their ends, then Ctrl-C.
//!
//! The pages show the default addresses; here every server gets port 0, and what it says is mapped
//! back, so that a page can be checked while the same program runs elsewhere. Every wait has a
//! deadline. Read `transcript.rs` and `addresses.rs` before.

use std::fs;
use std::path::PathBuf;
use std::process::Command as Process;
use std::time::Duration;

use netcommon::testing::{DEADLINE, Program};
use tempfile::TempDir;

use crate::addresses::Addresses;
use crate::command::{Command, Run};
use crate::compare::without_prompts;
use crate::normal::chosen_port;
use crate::programs::PROGRAMS;
use crate::support::root;
use crate::transcript::{ANYTHING, Lane, Session, Step};

/// How long a server has been quiet before a refresh, which does not know what to wait for, goes on.
const QUIET: Duration = Duration::from_millis(300);

/// What a step said when it was played.
#[derive(Debug, Clone, Default)]
pub(crate) struct Said {
    /// The lines as they belong on the page.
    pub lines: Vec<String>,
    /// Stderr, when the page does not show it.
    pub stderr: String,
    /// The exit code.
    pub code: Option<i32>,
    /// How many lines it had said when Ctrl-C was pressed.
    pub before_interrupt: usize,
}

/// The played session: per lane and step what it said, and the addresses that the page names.
#[derive(Debug, Clone, Default)]
pub(crate) struct Played {
    /// In the order of [`Session::lanes`] and [`Lane::steps`].
    pub said: Vec<Vec<Said>>,
    /// Addresses that stay on the page as they are.
    pub kept: Vec<String>,
}

/// Runs a Python program that Ctrl-C ends, also where this test itself was started with the signal ignored, as shells
/// start what runs in the background: Python leaves it so, our own programs do not.
const PYTHON_WITH_CTRL_C: &str = "import runpy, signal, sys; \
    signal.signal(signal.SIGINT, signal.default_int_handler); \
    sys.argv = sys.argv[1:]; \
    runpy.run_path(sys.argv[0], run_name='__main__')";

struct Player {
    chinese: bool,
    addrs: Addresses,
    /// Where the folders behind `--into` are, so that a page leaves no files behind and finds none.
    scratch: TempDir,
}

struct Server<'a> {
    program: Program,
    step: &'a Step,
    lines_seen: usize,
}

/// Plays a session; `refresh` when the page may be wrong, so that nothing can be waited for by it.
pub(crate) fn play(session: &Session, refresh: bool) -> Result<Played, String> {
    let scratch = tempfile::tempdir().map_err(|error| format!("make a scratch folder: {error}"))?;
    let mut player = Player { chinese: session.chinese, addrs: Addresses::default(), scratch };
    let mut servers = Vec::new();
    for lane in &session.lanes {
        servers.push(match lane.steps[0].listens_on() {
            Some(shown) => Some(player.start_server(&lane.steps[0], shown)?),
            None => None,
        });
    }
    let mut said = vec![Vec::new(); session.lanes.len()];
    let mut clients = 0;
    for (at, lane) in session.lanes.iter().enumerate().filter(|(_, lane)| lane.steps[0].listens_on().is_none()) {
        for step in &lane.steps {
            let now = player.play_step(step, said[at].last())?;
            said[at].push(now);
            clients += usize::from(step.run().is_some());
            for server in servers.iter_mut().flatten() {
                server.wait_for_client(clients, count_clients(session), refresh);
            }
        }
    }
    for (at, server) in servers.into_iter().enumerate() {
        let Some(server) = server else { continue };
        said[at].push(player.end_server(server, refresh));
        for step in &session.lanes[at].steps[1..] {
            let now = player.play_step(step, said[at].last())?;
            said[at].push(now);
        }
    }
    Ok(Played { said, kept: player.addrs.names() })
}

fn count_clients(session: &Session) -> usize {
    let clients = session.lanes.iter().filter(|lane| lane.steps[0].listens_on().is_none());
    clients.flat_map(|lane: &Lane| &lane.steps).filter(|step| step.run().is_some()).count()
}

impl Player {
    fn start_server<'a>(&mut self, step: &'a Step, shown: &str) -> Result<Server<'a>, String> {
        let run = step.run().ok_or("a server is a program")?;
        let (args, named) = self.addrs.of_server(run)?;
        let mut program = self.start(run, &args)?;
        let real = program.listening_addr().to_string();
        self.addrs.add(vec![shown.to_owned(), named], real);
        // The lines up to the one that says so were read while waiting for it.
        let before = step.shown.iter().take_while(|line| !line.contains("listening on ")).count();
        Ok(Server { program, step, lines_seen: before + 1 })
    }

    fn play_step(&mut self, step: &Step, before: Option<&Said>) -> Result<Said, String> {
        match &step.command {
            Command::Run(run) => self.run_to_end(step, run),
            Command::ExitCode => {
                let code = before.and_then(|said| said.code).map_or("none".to_owned(), |code| code.to_string());
                Ok(Said { lines: vec![code], code: Some(0), ..Said::default() })
            }
        }
    }

    fn run_to_end(&mut self, step: &Step, run: &Run) -> Result<Said, String> {
        let args = self.addrs.of_client(run);
        let mut program = self.start(run, &args)?;
        let typed: String = step.typed().iter().map(|line| format!("{line}\n")).collect();
        program.type_text(run.input.as_deref().unwrap_or(&typed));
        if step.is_interrupted() {
            let before_interrupt = step.before_interrupt().iter().map_while(|_| program.next_line(DEADLINE)).count();
            interrupt(&program);
            return Ok(Said { before_interrupt, ..self.finish(program, None) });
        }
        program.close_stdin();
        Ok(self.finish(program, None))
    }

    fn end_server(&self, mut server: Server<'_>, refresh: bool) -> Said {
        server.wait_for_lines(server.step.before_interrupt().len(), refresh);
        interrupt(&server.program);
        let finished = self.finish(server.program, server.step.listens_on());
        let mut said = Said { before_interrupt: server.lines_seen, ..finished };
        if !server.step.is_interrupted() {
            // The page leaves the terminal before the server ends.
            said.lines.truncate(server.step.expected().len());
        }
        said
    }

    /// Reads on while the program talks, so that only silence runs into the deadline.
    fn finish(&self, mut program: Program, own: Option<&str>) -> Said {
        while program.next_line(DEADLINE).is_some() {}
        let finished = program.wait();
        let lines = without_prompts(&finished.stdout).iter().map(|line| self.addrs.as_shown(line, own)).collect();
        Said { lines, stderr: finished.stderr, code: finished.code, before_interrupt: 0 }
    }

    /// The arguments with a folder of this session for each one behind `--into`.
    fn in_scratch(&self, args: &[String]) -> Result<Vec<PathBuf>, String> {
        let mut args: Vec<PathBuf> = args.iter().map(PathBuf::from).collect();
        for at in 1..args.len() {
            if args[at - 1].as_os_str() == "--into" {
                args[at] = self.scratch.path().join(&args[at]);
                fs::create_dir_all(&args[at]).map_err(|error| format!("make {}: {error}", args[at].display()))?;
            }
        }
        Ok(args)
    }

    fn start(&self, run: &Run, args: &[String]) -> Result<Program, String> {
        let mut process = Process::new("sh");
        process.arg("-c").arg(if run.merged { "exec \"$0\" \"$@\" 2>&1" } else { "exec \"$0\" \"$@\"" });
        if run.program == "python3" {
            process.args(["python3", "-c", PYTHON_WITH_CTRL_C]);
        } else {
            process.arg(PROGRAMS.join(&run.program));
        }
        process.args(self.in_scratch(args)?).current_dir(root());
        if run.program == "course" {
            process.arg("--programs").arg(&*PROGRAMS);
        }
        process.env("LC_ALL", if self.chinese { "zh_TW.UTF-8" } else { "C.UTF-8" });
        process.env("PYTHONUNBUFFERED", "1").env_remove("RUST_BACKTRACE");
        for variable in ["RUST_LOG", "LANGUAGE", "COLUMNS"] {
            process.env_remove(variable);
        }
        Ok(Program::start_command(&mut process))
    }
}

impl Server<'_> {
    /// Waits until the server has said what the page shows of the first `ended` of `all` clients.
    ///
    /// The page tells which lines are a client's by its port, if every client has its own.
    fn wait_for_client(&mut self, ended: usize, all: usize, refresh: bool) {
        let shown = self.step.before_interrupt();
        let own = [self.step.listens_on().unwrap_or_default().to_owned()];
        let mut ports: Vec<(String, usize)> = Vec::new();
        for (number, line) in shown.iter().enumerate() {
            let Some(port) = chosen_port(line, &own) else { continue };
            match ports.iter_mut().find(|(known, _)| *known == port) {
                Some((_, last)) => *last = number + 1,
                None => ports.push((port, number + 1)),
            }
        }
        if refresh || ports.len() == all {
            self.wait_for_lines(ports.get(ended - 1).map_or(0, |(_, last)| *last), refresh);
        }
    }

    fn wait_for_lines(&mut self, lines: usize, refresh: bool) {
        if refresh {
            while self.program.next_line(QUIET).is_some() {
                self.lines_seen += 1;
            }
            return;
        }
        if self.step.expected().iter().any(|line| line == ANYTHING) {
            // How many lines the dots stand for is not known: let it say what it has to say.
            while self.program.next_line(QUIET).is_some() {}
            return;
        }
        while self.lines_seen < lines && self.program.next_line(DEADLINE).is_some() {
            self.lines_seen += 1;
        }
    }
}

#[cfg(unix)]
fn interrupt(program: &Program) {
    program.interrupt();
}

/// Sessions are played on Linux only, see `main.rs`.
#[cfg(not(unix))]
fn interrupt(_: &Program) {}
