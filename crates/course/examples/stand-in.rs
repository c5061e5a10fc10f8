//! A stand-in for a chapter's program, for the tests of the tour: it needs no chapter to be built.
//!
//! `stand-in serve` listens on a free port and answers each line as chapter 2's server does, until
//! Ctrl-C; `stand-in connect ADDR` sends its input's lines there; `stand-in say TEXT…` prints each text
//! as a line and ends, with `--code N` with exit code N; `stand-in wait` waits for its input's end.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::process::ExitCode;

use netcommon::shutdown::Shutdown;

fn main() -> io::Result<ExitCode> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let mut words = args.iter().map(String::as_str);
    match words.next() {
        Some("serve") => serve(),
        Some("connect") => connect(words.next().unwrap_or_default()),
        Some("say") => say(words),
        Some("wait") => {
            println!("waiting");
            io::stdin().lines().try_for_each(|line| line.map(drop))?;
            Ok(ExitCode::SUCCESS)
        }
        other => Err(io::Error::other(format!("what is {other:?}?"))),
    }
}

/// One client after the other; the thread that accepts is left to the exit.
fn serve() -> io::Result<ExitCode> {
    let shutdown = Shutdown::on_signals()?;
    let listener = TcpListener::bind("127.0.0.1:0")?;
    println!("Server listening on {}", listener.local_addr()?);
    std::thread::Builder::new()
        .name("accept".to_owned())
        .spawn(move || listener.incoming().try_for_each(|stream| answer(&stream?)))?;
    // It never delivers anything; it ends.
    let _ = shutdown.draining().recv();
    println!("Server shutting down...");
    Ok(ExitCode::SUCCESS)
}

fn answer(mut stream: &TcpStream) -> io::Result<()> {
    for line in BufReader::new(stream).lines() {
        let line = line?;
        println!("Received from {}: {line}", stream.peer_addr()?);
        writeln!(stream, "Server received: {line}")?;
    }
    Ok(())
}

fn connect(addr: &str) -> io::Result<ExitCode> {
    let mut stream = TcpStream::connect(addr)?;
    println!("Connected to {addr}");
    let mut answers = BufReader::new(stream.try_clone()?).lines();
    for line in io::stdin().lines() {
        writeln!(stream, "{}", line?)?;
        println!("Server response: {}", answers.next().unwrap_or_else(|| Ok("none".to_owned()))?);
    }
    Ok(ExitCode::SUCCESS)
}

fn say<'a>(mut words: impl Iterator<Item = &'a str>) -> io::Result<ExitCode> {
    while let Some(word) = words.next() {
        if word == "--code" {
            let code = words.next().and_then(|code| code.parse::<u8>().ok());
            return code.map(ExitCode::from).ok_or_else(|| io::ErrorKind::InvalidInput.into());
        }
        println!("{word}");
    }
    Ok(ExitCode::SUCCESS)
}
