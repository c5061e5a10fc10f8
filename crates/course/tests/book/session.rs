//! Plays a session of the book: servers first, then the other lanes to their ends, then Ctrl-C.
//!
//! The pages show the default addresses; here every server gets port 0, and what it says is mapped
//! back, so that a page can be checked while the same program runs elsewhere. Every wait has a
//! deadline. Read `transcript.rs` before.

use std::net::TcpListener;
use std::process::Command as Process;
use std::time::Duration;

use netcommon::testing::{DEADLINE, Program};

use crate::command::{Command, Run};
use crate::compare::without_prompts;
use crate::normal::chosen_port;
use crate::programs;
use crate::support::root;
use crate::transcript::{ANYTHING, Lane, Session, Step};

/// Where programs listen and connect when the command names no address.
const DEFAULT_ADDRS: [(&str, &str); 4] = [
    ("tcp-server", "127.0.0.1:8888"),
    ("tcp-client", "127.0.0.1:8888"),
    ("udp-server", "127.0.0.1:9999"),
    ("udp-client", "127.0.0.1:9999"),
];

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
}

/// The played session: per lane and step what it said, and the addresses that the page names.
#[derive(Debug, Clone, Default)]
pub(crate) struct Played {
    /// In the order of [`Session::lanes`] and [`Lane::steps`].
    pub said: Vec<Vec<Said>>,
    /// Addresses that stay on the page as they are.
    pub kept: Vec<String>,
}

/// An address on the page and the one used now.
struct Mapped {
    /// As commands write it, and as the server's first line shows it.
    names: Vec<String>,
    /// What the server was asked to listen on, for example `127.0.0.1:0`.
    asked: String,
    real: String,
}

struct Player {
    chinese: bool,
    addrs: Vec<Mapped>,
}

struct Server<'a> {
    program: Program,
    step: &'a Step,
    lines_seen: usize,
}

/// Plays a session; `refresh` when the page may be wrong, so that nothing can be waited for by it.
pub(crate) fn play(session: &Session, refresh: bool) -> Result<Played, String> {
    let mut player = Player { chinese: session.chinese, addrs: Vec::new() };
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
    let kept = player.addrs.iter().flat_map(|addr| addr.names.clone()).collect();
    Ok(Played { said, kept })
}

fn count_clients(session: &Session) -> usize {
    let clients = session.lanes.iter().filter(|lane| lane.steps[0].listens_on().is_none());
    clients.flat_map(|lane: &Lane| &lane.steps).filter(|step| step.run().is_some()).count()
}

impl Player {
    fn start_server<'a>(&mut self, step: &'a Step, shown: &str) -> Result<Server<'a>, String> {
        let run = step.run().ok_or("a server is a program")?;
        let mut args = run.args.clone();
        let at = addr_position(run, &mut args)
            .ok_or_else(|| format!("{}: no address to listen on is known", run.program))?;
        let name = args[at].clone();
        let host = name.rsplit_once(':').map_or(name.as_str(), |(host, _)| host);
        let asked = format!("{host}:0");
        args[at].clone_from(&asked);
        for arg in &mut args[at + 1..] {
            self.use_real(arg);
        }
        let mut program = self.start(run, &args)?;
        let real = program.listening_addr().to_string();
        self.addrs.push(Mapped { names: vec![shown.to_owned(), name], asked, real });
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
        let mut args = run.args.clone();
        addr_position(run, &mut args);
        for arg in &mut args {
            self.use_real(arg);
        }
        let mut program = self.start(run, &args)?;
        let typed: String = step.typed().iter().map(|line| format!("{line}\n")).collect();
        program.type_text(run.input.as_deref().unwrap_or(&typed));
        if step.is_interrupted() {
            for _ in step.before_interrupt() {
                program.next_line(DEADLINE);
            }
            interrupt(&program);
        } else {
            program.close_stdin();
        }
        Ok(self.finish(program))
    }

    fn end_server(&self, mut server: Server<'_>, refresh: bool) -> Said {
        server.wait_for_lines(server.step.before_interrupt().len(), refresh);
        interrupt(&server.program);
        let mut said = self.finish(server.program);
        if !server.step.is_interrupted() {
            // The page leaves the terminal before the server ends.
            said.lines.truncate(server.step.expected().len());
        }
        said
    }

    /// Reads on while the program talks, so that only silence runs into the deadline.
    fn finish(&self, mut program: Program) -> Said {
        while program.next_line(DEADLINE).is_some() {}
        let finished = program.wait();
        let lines = without_prompts(&finished.stdout).iter().map(|line| self.as_shown(line)).collect();
        Said { lines, stderr: finished.stderr, code: finished.code }
    }

    fn start(&self, run: &Run, args: &[String]) -> Result<Program, String> {
        let exe = programs::find(&run.program)?;
        let mut process = Process::new("sh");
        process.arg("-c").arg(if run.merged { "exec \"$0\" \"$@\" 2>&1" } else { "exec \"$0\" \"$@\"" });
        process.arg(exe).args(args).current_dir(root());
        if run.program == "course" {
            process.args(programs::of_the_course()?);
        }
        process.env("LC_ALL", if self.chinese { "zh_TW.UTF-8" } else { "C.UTF-8" });
        process.env("PYTHONUNBUFFERED", "1").env_remove("RUST_BACKTRACE").env_remove("RUST_LOG");
        Ok(Program::start_command(&mut process))
    }

    /// Replaces an address of the page by the one used now; nobody listens on one that is new here.
    fn use_real(&mut self, arg: &mut String) {
        if !is_free_loopback(arg) {
            return;
        }
        if let Some(addr) = self.addrs.iter().find(|addr| addr.names.contains(arg)) {
            arg.clone_from(&addr.real);
            return;
        }
        let host = arg.rsplit_once(':').map_or("127.0.0.1", |(host, _)| host);
        let listener = TcpListener::bind(format!("{host}:0"));
        let Ok(free) = listener.and_then(|listener| listener.local_addr()) else { return };
        self.addrs.push(Mapped { names: vec![arg.clone()], asked: free.to_string(), real: free.to_string() });
        *arg = free.to_string();
    }

    /// A program's line with the page's addresses.
    fn as_shown(&self, line: &str) -> String {
        let mut line = line.to_owned();
        for addr in &self.addrs {
            line = replaced(&line, &addr.real, &addr.names[0]);
            line = replaced(&line, &addr.asked, &addr.names[0]);
        }
        line
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

/// Where the address stands in `args`; the program's default is put in when there is none.
fn addr_position(run: &Run, args: &mut Vec<String>) -> Option<usize> {
    if let Some(at) = args.iter().position(|arg| is_addr(arg)) {
        return Some(at);
    }
    let (_, default) = DEFAULT_ADDRS.iter().find(|(program, _)| *program == run.program)?;
    let at = args.iter().position(|arg| arg.starts_with('-')).unwrap_or(args.len());
    args.insert(at, (*default).to_owned());
    Some(at)
}

fn is_addr(arg: &str) -> bool {
    let Some((host, port)) = arg.rsplit_once(':') else { return false };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    port.parse::<u16>().is_ok() && (host == "localhost" || host.parse::<std::net::IpAddr>().is_ok())
}

/// Whether the page means an address of this machine that anyone may listen on.
fn is_free_loopback(arg: &str) -> bool {
    let port = arg.rsplit_once(':').and_then(|(_, port)| port.parse::<u16>().ok());
    let local = ["127.", "localhost:", "[::1]:"].iter().any(|host| arg.starts_with(host));
    is_addr(arg) && local && port.is_some_and(|port| port >= 1024)
}

/// `line` with `from` replaced by `to` where no digit follows (`127.0.0.1:80` is not in `127.0.0.1:8080`).
///
/// A column behind it that was padded with spaces stays where it was.
fn replaced(line: &str, from: &str, to: &str) -> String {
    let mut out = String::new();
    let mut rest = line.to_owned();
    while let Some(at) = rest.find(from) {
        let behind = &rest[at + from.len()..];
        let whole = !behind.starts_with(|c: char| c.is_ascii_digit());
        out.push_str(&rest[..at]);
        out.push_str(if whole { to } else { from });
        let gap = " ".repeat(if whole { from.len().saturating_sub(to.len()) } else { 0 });
        rest = match behind.find(PADDING) {
            Some(padding) => format!("{}{gap}{}", &behind[..padding], &behind[padding..]),
            None => behind.to_owned(),
        };
    }
    out + &rest
}

/// More spaces than stand between two columns that are not padded.
const PADDING: &str = "    ";

#[test]
fn an_address_is_replaced_whole_and_its_column_kept() {
    for (line, want) in [
        ("at 127.0.0.1:45123, 127.0.0.1:451234", "at 127.0.0.1:8888, 127.0.0.1:451234"),
        ("connect(127.0.0.1:45123) = 0     waits", "connect(127.0.0.1:8888) = 0      waits"),
        ("connect(127.0.0.1:45123) = 0   waits", "connect(127.0.0.1:8888) = 0   waits"),
    ] {
        assert_eq!(replaced(line, "127.0.0.1:45123", "127.0.0.1:8888"), want);
    }
}

#[cfg(unix)]
fn interrupt(program: &Program) {
    program.interrupt();
}

/// Sessions are played on Linux only, see `main.rs`.
#[cfg(not(unix))]
fn interrupt(_: &Program) {}
