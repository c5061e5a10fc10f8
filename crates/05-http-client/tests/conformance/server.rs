//! A server that plays one case: reads a request, says the case's bytes, ends as the case says.
//!
//! One thread per case. It ends when every answer was given or when [`Server::finish`] says that the client
//! is done; every wait has a deadline.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use netcommon::escape::quote;
use netcommon::testing::DEADLINE;

use crate::script::{Answer, Case, End, More};

/// Between two bytes of a drip.
const DRIP_PACE: Duration = Duration::from_millis(20);

/// What an endless server says at most: far above every bound of the client's.
const ENDLESS_BYTES_MAX: usize = 64 << 20;

pub(crate) struct Server {
    addr: SocketAddr,
    thread: JoinHandle<Option<String>>,
}

impl Server {
    pub(crate) fn start(case: &Case) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap();
        let answers = case.answers.clone();
        let run = move || answers.iter().find_map(|answer| play(&listener, answer));
        let thread = Builder::new().name("server".to_owned()).spawn(run).unwrap();
        Self { addr, thread }
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Waits for the server's end; what the requests lacked.
    pub(crate) fn finish(self) -> Option<String> {
        // A server that still waits for a request finds an empty one from us instead.
        while !self.thread.is_finished() && TcpStream::connect(self.addr).is_ok() {}
        self.thread.join().unwrap()
    }
}

/// Serves one connection; `Some` says what was wrong with the request.
fn play(listener: &TcpListener, answer: &Answer) -> Option<String> {
    let (mut stream, _) = listener.accept().unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    stream.set_write_timeout(Some(DEADLINE)).unwrap();
    let request = read_request(&mut stream);
    let missing = answer.asked.iter().find(|part| !request.windows(part.len()).any(|window| window == **part));
    if let Some(part) = missing {
        return Some(format!("wanted {} in the request, found {}", quote(part, 200), quote(&request, 1000)));
    }
    let addr = listener.local_addr().unwrap().to_string();
    // The client may have refused and gone already: then a write fails, and that is its right.
    let _ = stream.write_all(&with_addr(&answer.bytes, &addr)).and_then(|()| go_on(&mut stream, &answer.more));
    match answer.end {
        End::Close => {}
        End::Reset => socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO)).unwrap(),
        // Until the client closes.
        End::Hold => while matches!(stream.read(&mut [0; 1024]), Ok(1..)) {},
    }
    None
}

fn with_addr(bytes: &[u8], addr: &str) -> Vec<u8> {
    const MARK: &[u8] = b"{addr}";
    match bytes.windows(MARK.len()).position(|window| window == MARK) {
        Some(at) => [&bytes[..at], addr.as_bytes(), &bytes[at + MARK.len()..]].concat(),
        None => bytes.to_vec(),
    }
}

fn go_on(stream: &mut TcpStream, more: &More) -> std::io::Result<()> {
    match more {
        More::Nothing => Ok(()),
        More::Endless(bytes) => {
            let block = bytes.repeat(64 * 1024 / bytes.len());
            (0..ENDLESS_BYTES_MAX / block.len()).try_for_each(|_| stream.write_all(&block))
        }
        More::Drip(bytes) => {
            // Waiting for the client's end is the pace.
            stream.set_read_timeout(Some(DRIP_PACE))?;
            for byte in bytes.iter().cycle() {
                stream.write_all(&[*byte])?;
                match stream.read(&mut [0; 16]) {
                    Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
                    _ => return Ok(()),
                }
            }
            Ok(())
        }
    }
}

/// Reads a head and as much content as it announces.
fn read_request(stream: &mut TcpStream) -> Vec<u8> {
    let mut request = Vec::new();
    let mut buf = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&request);
        if let Some(end) = text.find("\r\n\r\n") {
            let announced = text.lines().find_map(|line| line.strip_prefix("Content-Length: ")?.parse::<usize>().ok());
            if text.len() >= end + 4 + announced.unwrap_or(0) {
                return request;
            }
        }
        match stream.read(&mut buf) {
            Ok(len @ 1..) => request.extend_from_slice(&buf[..len]),
            _ => return request,
        }
    }
}
