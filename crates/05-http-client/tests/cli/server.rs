//! Small servers for the tests: a closure turns each request into bytes.
//!
//! One thread serves one connection after the other; it ends when [`Server::finish`] connects and asks for
//! nothing. Every wait has a deadline.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{Builder, JoinHandle};

use netcommon::testing::DEADLINE;

/// What was asked.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) path: String,
    head: String,
}

impl Request {
    pub(crate) fn has(&self, part: &str) -> bool {
        self.head.contains(part)
    }

    /// Where `Range: bytes=N-` begins.
    pub(crate) fn range_start(&self) -> Option<usize> {
        self.head.lines().find_map(|line| line.strip_prefix("Range: bytes=")?.strip_suffix('-')?.parse().ok())
    }

    pub(crate) fn line(&self) -> String {
        self.head.lines().next().unwrap_or_default().to_owned()
    }

    /// Says nothing until the client has gone.
    pub(crate) fn hold(&self, stream: &mut &TcpStream) -> Vec<u8> {
        while matches!(stream.read(&mut [0; 1024]), Ok(1..)) {}
        Vec::new()
    }
}

/// What a server has seen.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) connections: usize,
    pub(crate) requests: Vec<Request>,
}

pub(crate) struct Server {
    addr: SocketAddr,
    ending: Arc<AtomicBool>,
    thread: JoinHandle<Seen>,
}

/// A good answer.
pub(crate) fn text(content: &str) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n\r\n{content}", content.len()).into()
}

/// The whole, or the rest that is asked for; `version` is a field that names it, or nothing.
pub(crate) fn whole_or_rest(request: &Request, whole: &[u8], version: &str) -> Vec<u8> {
    let from = request.range_start().unwrap_or(0);
    let status = match from {
        0 => "200 OK".to_owned(),
        from => format!("206 Partial\r\nContent-Range: bytes {from}-{}/{}", whole.len() - 1, whole.len()),
    };
    let head = format!("HTTP/1.1 {status}\r\n{version}Content-Length: {}\r\n\r\n", whole.len() - from);
    [head.as_bytes(), &whole[from..]].concat()
}

impl Server {
    /// `answer` gives the bytes for a request; no bytes end the connection.
    pub(crate) fn start(answer: impl Fn(&Request, &mut &TcpStream) -> Vec<u8> + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap();
        let ending = Arc::new(AtomicBool::new(false));
        let stop = Arc::clone(&ending);
        let run = move || {
            let mut seen = Seen::default();
            loop {
                let (stream, _) = listener.accept().unwrap();
                if stop.load(Ordering::SeqCst) {
                    return seen;
                }
                seen.connections += 1;
                stream.set_read_timeout(Some(DEADLINE)).unwrap();
                serve(&stream, &answer, &mut seen);
            }
        };
        Self { addr, ending, thread: Builder::new().name("server".to_owned()).spawn(run).unwrap() }
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.addr)
    }

    pub(crate) fn finish(self) -> Seen {
        self.ending.store(true, Ordering::SeqCst);
        drop(TcpStream::connect(self.addr));
        self.thread.join().unwrap()
    }
}

fn serve(mut stream: &TcpStream, answer: impl Fn(&Request, &mut &TcpStream) -> Vec<u8>, seen: &mut Seen) {
    while let Some(request) = read_request(stream) {
        seen.requests.push(request.clone());
        let bytes = answer(&request, &mut stream);
        let closes = bytes.is_empty() || bytes.windows(17).any(|part| part == b"Connection: close");
        if stream.write_all(&bytes).is_err() || closes {
            return;
        }
    }
}

fn read_request(mut stream: &TcpStream) -> Option<Request> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        if !matches!(stream.read(&mut byte), Ok(1)) {
            return None;
        }
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap();
    let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
    Some(Request { path, head })
}
