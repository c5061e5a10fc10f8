//! What the monitor's relay is measured with: a plain copying relay beside it, a sink behind it, load before it.
//!
//! One file for `rustc -O`, no packages:
//!   relay_load relay LISTEN TARGET       two threads and two 64 KiB buffers for each connection, as everybody writes it
//!   relay_load sink                      counts what comes; at the end of stream sends the count, 8 bytes, and closes
//!   relay_load bulk ADDR SECONDS         sends as fast as it goes; prints mbit
//!   relay_load rate ADDR SECONDS N       N threads connect, send 100 bytes, read the count; prints connections a second
//!   relay_load hold ADDR COUNT           opens COUNT connections, waits for a line on stdin, then ends and checks all

use std::io::{self, BufRead, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, Builder};
use std::time::{Duration, Instant};

const LEN: usize = 64 * 1024;

fn main() -> io::Result<()> {
    let arguments: Vec<String> = std::env::args().collect();
    let texts: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match texts[1..] {
        ["relay", listen, target] => relay(listen, target.to_owned()),
        ["sink"] => sink(),
        ["bulk", addr, seconds] => bulk(addr, seconds.parse().expect("seconds")),
        ["rate", addr, seconds, count] => rate(addr, seconds.parse().expect("seconds"), count.parse().expect("a count")),
        ["hold", addr, count] => hold(addr, count.parse().expect("a count")),
        _ => panic!("see the head of relay_load.rs"),
    }
}

fn relay(listen: &str, target: String) -> io::Result<()> {
    let listener = TcpListener::bind(listen)?;
    println!("relay listening on {}", listener.local_addr()?);
    for client in listener.incoming() {
        let (client, target) = (client?, target.clone());
        Builder::new().spawn(move || {
            let Ok(server) = TcpStream::connect(&target) else { return };
            let _ = (client.set_nodelay(true), server.set_nodelay(true));
            let (up_from, up_to) = (client.try_clone().expect("a descriptor"), server.try_clone().expect("a descriptor"));
            let up = Builder::new().spawn(move || pump(&up_from, &up_to)).expect("a thread");
            pump(&server, &client);
            let _ = up.join();
        })?;
    }
    Ok(())
}

fn pump(mut from: &TcpStream, mut to: &TcpStream) {
    let mut buffer = vec![0; LEN];
    while let Ok(len) = from.read(&mut buffer) {
        if len == 0 || to.write_all(&buffer[..len]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}

fn sink() -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    println!("sink listening on {}", listener.local_addr()?);
    for stream in listener.incoming() {
        let mut stream = stream?;
        Builder::new().stack_size(64 * 1024).spawn(move || {
            let (mut buffer, mut count) = (vec![0; 4 * LEN], 0_u64);
            while let Ok(len) = stream.read(&mut buffer) {
                if len == 0 {
                    let _ = stream.write_all(&count.to_be_bytes());
                    return;
                }
                count += len as u64;
            }
        })?;
    }
    Ok(())
}

fn end(mut stream: &TcpStream) -> io::Result<u64> {
    stream.shutdown(Shutdown::Write)?;
    let mut count = [0; 8];
    stream.read_exact(&mut count)?;
    Ok(u64::from_be_bytes(count))
}

fn bulk(addr: &str, seconds: f64) -> io::Result<()> {
    let mut stream = TcpStream::connect(addr)?;
    let buffer = vec![7; 4 * LEN];
    let start = Instant::now();
    let mut sent = 0;
    while start.elapsed().as_secs_f64() < seconds {
        stream.write_all(&buffer)?;
        sent += buffer.len() as u64;
    }
    let received = end(&stream)?;
    assert_eq!(received, sent, "bytes were lost");
    println!("{{\"mbit\":{:.0}}}", sent as f64 * 8e-6 / start.elapsed().as_secs_f64());
    Ok(())
}

fn rate(addr: &str, seconds: f64, threads: usize) -> io::Result<()> {
    let (done, failed) = (AtomicU64::new(0), AtomicU64::new(0));
    let start = Instant::now();
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while start.elapsed().as_secs_f64() < seconds {
                    let one = || -> io::Result<u64> {
                        let mut stream = TcpStream::connect(addr)?;
                        stream.set_read_timeout(Some(Duration::from_secs(20)))?;
                        stream.write_all(&[7; 100])?;
                        end(&stream)
                    };
                    let counter = if one().is_ok_and(|count| count == 100) { &done } else { &failed };
                    counter.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    let (done, failed) = (done.into_inner(), failed.into_inner());
    println!("{{\"per_second\":{:.0},\"done\":{done},\"failed\":{failed}}}", done as f64 / start.elapsed().as_secs_f64());
    Ok(())
}

fn hold(addr: &str, count: usize) -> io::Result<()> {
    let mut streams = Vec::new();
    for _ in 0..count {
        let mut stream = TcpStream::connect(addr)?;
        stream.set_read_timeout(Some(Duration::from_secs(60)))?;
        stream.write_all(&[7])?;
        streams.push(stream);
    }
    println!("open");
    io::stdin().lock().read_line(&mut String::new())?;
    let whole = streams.iter().filter(|stream| end(stream).is_ok_and(|count| count == 1)).count();
    println!("{{\"held\":{count},\"whole\":{whole}}}");
    Ok(())
}
