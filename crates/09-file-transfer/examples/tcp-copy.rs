//! The same job over TCP, for comparison: one file, a digest at both ends, synced before it is confirmed.
//!
//! `scripts/bench/file-transfer` runs it beside the program of this chapter. `tcp-copy receive HOST:PORT FILE`
//! takes one connection; `tcp-copy send FILE HOST:PORT` ends when the receiver has sent the same digest back.
//! What the kernel does here is what the chapter builds by hand.

use std::fs::File;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::time::Instant;

use anyhow::{Context, bail, ensure};

/// Bytes in one read and one write.
const BUFFER_LEN: usize = 256 * 1024;

fn main() -> anyhow::Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["receive", addr, path] => receive(addr, path),
        ["send", path, addr] => send(path, addr),
        _ => bail!("usage: tcp-copy receive HOST:PORT FILE, or tcp-copy send FILE HOST:PORT"),
    }
}

fn receive(addr: &str, path: &str) -> anyhow::Result<()> {
    let listener = TcpListener::bind(addr).with_context(|| format!("bind {addr}"))?;
    writeln!(std::io::stdout(), "listening on {}", listener.local_addr()?)?;
    let (mut stream, _) = listener.accept().context("accept")?;
    let mut file = File::create(path).with_context(|| format!("create {path}"))?;
    let digest = copy(&mut stream, &mut file)?;
    file.sync_all().context("sync")?;
    stream.write_all(digest.as_bytes()).context("send the digest")?;
    Ok(())
}

fn send(path: &str, addr: &str) -> anyhow::Result<()> {
    let start = Instant::now();
    let mut file = File::open(path).with_context(|| format!("open {path}"))?;
    let mut stream = TcpStream::connect(addr).with_context(|| format!("connect to {addr}"))?;
    let digest = copy(&mut file, &mut stream)?;
    stream.shutdown(Shutdown::Write)?;
    let mut theirs = [0; 32];
    stream.read_exact(&mut theirs).context("receive the digest")?;
    ensure!(theirs == *digest.as_bytes(), "the digests differ");
    writeln!(std::io::stdout(), "{{\"seconds\":{}}}", start.elapsed().as_secs_f64())?;
    Ok(())
}

fn copy(from: &mut impl Read, to: &mut impl Write) -> anyhow::Result<blake3::Hash> {
    let mut buffer = vec![0; BUFFER_LEN];
    let mut hasher = blake3::Hasher::new();
    loop {
        match from.read(&mut buffer).context("read")? {
            0 => return Ok(hasher.finalize()),
            len => {
                hasher.update(&buffer[..len]);
                to.write_all(&buffer[..len]).context("write")?;
            }
        }
    }
}
