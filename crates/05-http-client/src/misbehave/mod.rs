//! A server that misbehaves on request: `http-client --misbehave 127.0.0.1:8080`.
//!
//! A real server cannot be asked to truncate its answer or to drip it, so the chapter brings one that does:
//! the path says what goes wrong (`answers.rs`). It serves one client after the other, because each demo has
//! one; how to serve many is chapter 2. Every wait has a bound, or ends with Ctrl-C.

mod answers;

use std::io::{self, Read, Write};
use std::sync::Arc;
use std::time::Duration;

use netcommon::cli::{StdoutError, print_line};
use netcommon::error::is_timeout;
use netcommon::escape::quote;
use netcommon::net::{TcpListener, TcpStream};
use netcommon::shutdown::{Shutdown, Waker};

use self::answers::{Answer, answer};

/// Between two bytes of `/drip`.
const DRIP_PACE: Duration = Duration::from_millis(200);

/// How long a client may take to ask or to read.
const PATIENCE: Duration = Duration::from_secs(5);

/// The longest request that is read: a client's head with a long URL.
const REQUEST_BYTES_MAX: usize = 64 * 1024;

/// Serves until shutdown begins, and says on stdout what each client gets.
///
/// # Errors
/// Only when stdout is closed or the system lets nobody in; a client's failures end that client.
pub fn serve(listener: &TcpListener, shutdown: &Shutdown) -> anyhow::Result<()> {
    shutdown.wake_on_drain(Waker::for_listener(listener)?);
    loop {
        let accepted = listener.accept();
        if shutdown.is_draining() {
            shutdown.settle();
            return Ok(());
        }
        let (stream, _) = accepted?;
        let stream = Arc::new(stream);
        // Ctrl-C ends a drip as well.
        shutdown.wake_on_drain(Waker::for_stream(&stream));
        match serve_one(&stream) {
            Ok(()) => {}
            Err(error) if error.downcast_ref::<StdoutError>().is_some() => return Err(error),
            Err(error) => log::info!("client: {error:#}"),
        }
    }
}

fn serve_one(stream: &TcpStream) -> anyhow::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let Some(path) = read_path(stream)? else { return Ok(()) };
    let answer = answer(&path);
    print_line(format_args!("GET {}: {}", quote(path.as_bytes(), 60), answer.about))?;
    Ok(send(stream, &answer)?)
}

/// The path of the request line; `None` when no whole head came.
fn read_path(mut stream: &TcpStream) -> io::Result<Option<String>> {
    let mut head = Vec::new();
    let mut buf = [0; 1024];
    while !head.windows(4).any(|bytes| bytes == b"\r\n\r\n") {
        let len = stream.read(&mut buf)?;
        if len == 0 || head.len() > REQUEST_BYTES_MAX {
            return Ok(None);
        }
        head.extend_from_slice(&buf[..len]);
    }
    let line = String::from_utf8_lossy(&head);
    Ok(line.split(' ').nth(1).map(str::to_owned))
}

fn send(mut stream: &TcpStream, answer: &Answer) -> io::Result<()> {
    stream.write_all(&answer.bytes)?;
    if answer.drip.is_empty() {
        return Ok(());
    }
    // Waiting for the client's end is the pace of the drip.
    stream.set_read_timeout(Some(DRIP_PACE))?;
    loop {
        match stream.read(&mut [0; 16]) {
            Err(error) if is_timeout(&error) => stream.write_all(answer.drip)?,
            _ => return Ok(()),
        }
    }
}
