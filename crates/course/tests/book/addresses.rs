//! The page's addresses and the ones used now, mapped to and fro.
//!
//! ```text
//!   page                         played                                  page again
//!   tcp-server                   tcp-server 127.0.0.1:0
//!                                …listening on 127.0.0.1:45123           …listening on 127.0.0.1:8888
//!   tcp-client 127.0.0.1:8888    tcp-client 127.0.0.1:45123              Connected to 127.0.0.1:8888
//! ```
//! Where nobody listens on the page, a port is taken on which nobody listens here.

use std::net::TcpListener;

use crate::command::Run;

/// Where programs listen and connect when the command names no address.
const DEFAULT_ADDRS: [(&str, &str); 7] = [
    ("tcp-server", "127.0.0.1:8888"),
    ("chat-room", "127.0.0.1:7777"),
    ("tcp-client", "127.0.0.1:8888"),
    ("event-server", "127.0.0.1:8888"),
    ("udp-server", "127.0.0.1:9999"),
    ("udp-client", "127.0.0.1:9999"),
    ("file-transfer", "127.0.0.1:9900"),
];

/// All addresses of a session.
#[derive(Debug, Default)]
pub(crate) struct Addresses {
    mapped: Vec<Mapped>,
}

/// An address on the page and the one used now.
#[derive(Debug)]
struct Mapped {
    /// As the server's first line shows it, and as commands write it.
    names: Vec<String>,
    real: String,
}

impl Addresses {
    /// A server's arguments with port 0, and the address that the page names instead.
    pub(crate) fn of_server(&mut self, run: &Run) -> Result<(Vec<String>, String), String> {
        let mut args = run.args.clone();
        let at = addr_position(run, &mut args)
            .ok_or_else(|| format!("{}: no address to listen on is known", run.program))?;
        let named = args[at].clone();
        args[at] = format!("{}:0", host(&named));
        for arg in &mut args[at + 1..] {
            self.use_real(arg);
        }
        Ok((args, named))
    }

    /// Any other program's arguments, with the addresses used now.
    pub(crate) fn of_client(&mut self, run: &Run) -> Vec<String> {
        let mut args = run.args.clone();
        addr_position(run, &mut args);
        for arg in &mut args {
            self.use_real(arg);
        }
        args
    }

    /// Adds an address: its names on the page, the first one for showing, and the real one.
    pub(crate) fn add(&mut self, names: Vec<String>, real: String) {
        self.mapped.push(Mapped { names, real });
    }

    /// What the page calls its addresses.
    pub(crate) fn names(&self) -> Vec<String> {
        self.mapped.iter().flat_map(|addr| addr.names.clone()).collect()
    }

    /// A program's line with the page's addresses. A server (`own` is its address on the page) may also
    /// speak of the port 0 that it was asked for.
    pub(crate) fn as_shown(&self, line: &str, own: Option<&str>) -> String {
        let line = self.mapped.iter().fold(line.to_owned(), |line, addr| replaced(&line, &addr.real, &addr.names[0]));
        own.map_or(line.clone(), |own| replaced(&line, &format!("{}:0", host(own)), own))
    }

    /// Replaces an address of the page by the one used now; nobody listens on one that is new here.
    fn use_real(&mut self, arg: &mut String) {
        // Inside a URL the address stands between the scheme and the path.
        if let Some((scheme, rest)) = arg.split_once("://") {
            let (addr, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
            let mut addr = addr.to_owned();
            self.use_real(&mut addr);
            *arg = format!("{scheme}://{addr}{path}");
            return;
        }
        if !is_free_loopback(arg) {
            return;
        }
        if let Some(addr) = self.mapped.iter().find(|addr| addr.names.contains(arg)) {
            arg.clone_from(&addr.real);
            return;
        }
        let listener = TcpListener::bind(format!("{}:0", host(arg)));
        let Ok(free) = listener.and_then(|listener| listener.local_addr()) else { return };
        self.add(vec![arg.clone()], free.to_string());
        *arg = free.to_string();
    }
}

/// The part of an address before its port.
fn host(addr: &str) -> &str {
    addr.rsplit_once(':').map_or(addr, |(host, _)| host)
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

#[test]
fn arguments_get_the_addresses_used_now_and_lines_the_pages() {
    let run = |program: &str, args: &[&str]| Run {
        program: program.to_owned(),
        args: args.iter().map(|arg| (*arg).to_owned()).collect(),
        ..Run::default()
    };
    let mut addrs = Addresses::default();
    let (args, named) = addrs.of_server(&run("tcp-server", &["--framing", "lines"])).unwrap();
    assert_eq!((args.join(" "), named.as_str()), ("127.0.0.1:0 --framing lines".to_owned(), "127.0.0.1:8888"));
    addrs.add(vec![named.clone()], "127.0.0.1:45123".to_owned());
    assert_eq!(addrs.of_client(&run("tcp-client", &["-m", "12:30"])), ["127.0.0.1:45123", "-m", "12:30"]);
    assert_eq!(addrs.of_client(&run("tcp-client", &["127.0.0.1:8888"])), ["127.0.0.1:45123"]);
    assert_eq!(addrs.of_client(&run("http-client", &["http://127.0.0.1:8888/a:1"])), ["http://127.0.0.1:45123/a:1"]);
    assert_eq!(addrs.of_client(&run("socket-basics", &["errors"])), ["errors"]);
    assert_eq!(addrs.of_client(&run("tcp-client", &["192.0.2.1:9"])), ["192.0.2.1:9"]);
    assert_eq!(
        addrs.as_shown("bind(3, 127.0.0.1:0), then 127.0.0.1:45123", Some(&named)),
        "bind(3, 127.0.0.1:8888), then 127.0.0.1:8888"
    );
    assert_eq!(
        addrs.as_shown("bind(3, 127.0.0.1:0), then 127.0.0.1:45123", None),
        "bind(3, 127.0.0.1:0), then 127.0.0.1:8888"
    );
    let closed = addrs.of_client(&run("udp-client", &[])).remove(0);
    assert_eq!(addrs.as_shown(&format!("send to {closed}"), None), "send to 127.0.0.1:9999");
    assert!(addrs.of_server(&run("socket-basics", &[])).is_err());
}
