//! The client, in its plainest form: two copies, stdin to the room and the room to stdout.
//!
//! The name is only the first line that is sent. One thread reads the server while the caller reads the
//! person. Read `protocol.rs` before. Source: the course's contract for chat.

use std::io::{BufRead, BufReader, Write};
use std::net::Shutdown;
use std::thread;

use netcommon::cli::print_line;
use netcommon::escape::escape;
use netcommon::net::TcpStream;

/// Joins as `name`, sends the lines of `input`, and prints what the room says until it has no more.
///
/// Blocks until the server ends the stream. The end of `input` is a half-close: answers still arrive.
///
/// # Errors
/// When the connection breaks or stdout cannot be written to.
pub fn run(stream: &TcpStream, name: &str, input: impl BufRead) -> anyhow::Result<()> {
    let mut out = stream;
    writeln!(out, "{name}")?;
    thread::scope(|scope| {
        let reader = thread::Builder::new().name("reader".to_owned()).spawn_scoped(scope, || print_all(stream))?;
        for line in input.split(b'\n') {
            out.write_all(&[line?.as_slice(), b"\n"].concat())?;
        }
        stream.shutdown(Shutdown::Write)?;
        reader.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

/// Prints each line of the server, made safe for a terminal.
fn print_all(stream: &TcpStream) -> anyhow::Result<()> {
    for line in BufReader::new(stream).split(b'\n') {
        print_line(format_args!("{}", escape(&line?)))?;
    }
    Ok(())
}
