//! A TCP relay with a test beside it, and what is said through it.
//!
//! For `tcp.rs` and `tcp_ends.rs`; read `mod.rs` before.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream as Plain};
use std::sync::mpsc::Receiver;
use std::time::Duration;

use bad_network::log::Log;
use bad_network::setting::{Setting, Settings};
use bad_network::stream_way::StreamWay;
use bad_network::tcp::{Config, Relay, Report};
use netcommon::net::TcpListener;

use super::any_port;

pub(crate) fn ways(both: &[&str], up: &[&str], down: &[&str]) -> Config {
    let list = |texts: &[&str]| texts.iter().map(|text| Setting::parse::<StreamWay>(text).unwrap()).collect();
    let settings = Settings { both: list(both), up: list(up), down: list(down) };
    Config { ways: Settings::ways(&[&settings]).unwrap(), ..Config::default() }
}

/// Runs `talk` against a relay to `target` and returns what the relay counted.
pub(crate) fn with_relay(
    target: SocketAddr,
    config: Config,
    grace: Duration,
    talk: impl FnOnce(SocketAddr, &Receiver<String>),
) -> Report {
    let listener = TcpListener::bind(any_port()).unwrap();
    let addr = listener.local_addr().unwrap();
    super::with_relay(
        move |voice, token| {
            Relay::new(listener, target, config, Log::default(), voice).unwrap().run(grace, token).unwrap()
        },
        |said| talk(addr, said),
    )
}

/// Sends everything back as it comes.
pub(crate) fn echo(mut stream: Plain) {
    let mut buffer = [0; 16 * 1024];
    while let Ok(len) = stream.read(&mut buffer) {
        if len == 0 || stream.write_all(&buffer[..len]).is_err() {
            return;
        }
    }
}

pub(crate) fn rest(mut stream: &Plain) -> Vec<u8> {
    let mut all = Vec::new();
    stream.read_to_end(&mut all).unwrap();
    all
}

/// Each chunk as one read returned it, up to `len` bytes.
pub(crate) fn reads(mut stream: &Plain, len: usize) -> Vec<String> {
    let (mut got, mut list) = (0, Vec::new());
    let mut buffer = [0; 1000];
    while got < len {
        let read = stream.read(&mut buffer).unwrap();
        got += read;
        list.push(String::from_utf8_lossy(&buffer[..read]).into_owned());
    }
    list
}
