//! The protocol over the loopback interface: real sockets, real files, both loops.
//!
//! Each receiver and sender runs in a thread of its own that is joined; a watchdog stops both if a test
//! should hang. Read `tests/simulation` before: there the protocol is tried out, here the loops.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{bounded, unbounded};
use file_transfer::congestion::{Bbr, Congestion};
use file_transfer::disk::{DiskStore, FileSource};
use file_transfer::report::{Report, Totals};
use file_transfer::sender::Options;
use file_transfer::{receive, send};
use netcommon::net::UdpSocket;
use netcommon::shutdown::Shutdown;

/// No test takes longer.
const DEADLINE: Duration = Duration::from_secs(60);

fn options() -> Options {
    Options {
        congestion: Congestion::Bbr(Box::new(Bbr::new(1))),
        pacing: true,
        sack: true,
        timeout: Duration::from_secs(20),
        datagram_len_max: 65_507,
        trace: false,
    }
}

/// Runs `client` against a receiver into `dir`; ends both at the deadline.
fn with_receiver<T>(
    dir: &Path,
    once: bool,
    client: impl FnOnce(SocketAddr, &Shutdown) -> T,
) -> (T, Totals, Vec<Report>) {
    let socket = UdpSocket::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let addr = socket.local_addr().unwrap();
    let mut store = DiskStore::open(dir).unwrap();
    let (stop, stop_client) = (Shutdown::new(), Shutdown::new());
    let (done, ended) = bounded::<()>(0);
    let (say, said) = unbounded();
    thread::scope(|scope| {
        let stops = [stop.clone(), stop_client.clone()];
        let watchdog = thread::Builder::new().name("watchdog".to_owned());
        watchdog
            .spawn_scoped(scope, move || {
                // Ends early when the test drops its end of the channel, also when it panics.
                let _ = ended.recv_timeout(DEADLINE);
                stops.iter().for_each(Shutdown::advance);
            })
            .unwrap();
        let receiver = thread::Builder::new().name("receiver".to_owned());
        let receiver = receiver
            .spawn_scoped(scope, || {
                let mut tell = |report: &Report| drop(say.send(report.clone()));
                receive::run(socket, &mut store, Duration::from_secs(20), once, &stop, &mut tell).unwrap()
            })
            .unwrap();
        let result = client(addr, &stop_client);
        if once {
            let totals = receiver.join().unwrap();
            drop(done);
            return (result, totals, said.try_iter().collect());
        }
        drop(done);
        (result, receiver.join().unwrap(), said.try_iter().collect())
    })
}

fn send_files(to: SocketAddr, paths: &[PathBuf], options: Options, shutdown: &Shutdown) -> (Totals, Option<String>) {
    let mut source = FileSource::open(paths).unwrap();
    let offers = source.offers().to_vec();
    let mut failure = None;
    let mut tell = |report: &Report| {
        if let Report::SessionEnded { failure: why, .. } = report {
            failure = why.clone();
        }
    };
    let totals = send::run(to, &offers, &mut source, options, shutdown, &mut tell, None).unwrap();
    (totals, failure)
}

/// Files with these contents below `dir`.
fn files(dir: &Path, contents: &[(&str, Vec<u8>)]) -> Vec<PathBuf> {
    let write = |(name, bytes): &(&str, Vec<u8>)| {
        let path = dir.join(name);
        fs::write(&path, bytes).unwrap();
        path
    };
    contents.iter().map(write).collect()
}

fn noise(len: usize) -> Vec<u8> {
    let mut bytes = vec![0; len];
    blake3::Hasher::new().update(&len.to_le_bytes()).finalize_xof().fill(&mut bytes);
    bytes
}

#[test]
fn files_of_every_awkward_size_arrive_as_they_are() {
    let (from, into) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let contents = [
        ("空的.txt", Vec::new()),
        ("一.bin", noise(1)),
        ("剛好.bin", noise((1_200 - 36) * 7)),
        ("一片.bin", noise(256 * 1024)),
        ("大的.bin", noise(5_000_000)),
    ];
    let paths = files(from.path(), &contents);
    let ((sent, failure), received, _) =
        with_receiver(into.path(), true, |addr, stop| send_files(addr, &paths, options(), stop));
    assert_eq!((failure, sent.files_done, received.files_done), (None, 5, 5));
    for (name, bytes) in contents {
        assert!(fs::read(into.path().join(name)).unwrap() == bytes, "{name} differs");
    }
    assert_eq!(sent.bytes_done, sent.bytes_total);
}

#[test]
fn a_thousand_small_files_do_not_wait_for_each_other() {
    let (from, into) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let contents: Vec<(String, Vec<u8>)> = (0..1_000).map(|n| (format!("檔{n}.txt"), noise(n % 700))).collect();
    let contents: Vec<(&str, Vec<u8>)> = contents.iter().map(|(name, bytes)| (name.as_str(), bytes.clone())).collect();
    let paths = files(from.path(), &contents);
    let ((sent, failure), ..) =
        with_receiver(into.path(), true, |addr, stop| send_files(addr, &paths, options(), stop));
    assert_eq!((failure, sent.files_done), (None, 1_000));
    for (name, bytes) in contents {
        assert_eq!(fs::read(into.path().join(name)).unwrap(), bytes);
    }
}

#[test]
fn nobody_there_is_said_soon() {
    let from = tempfile::tempdir().unwrap();
    let paths = files(from.path(), &[("信.txt", noise(9))]);
    let silent = UdpSocket::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let begin = Instant::now();
    let options = Options { timeout: Duration::from_secs(1), ..options() };
    let (totals, failure) = send_files(silent.local_addr().unwrap(), &paths, options, &Shutdown::new());
    assert!(begin.elapsed() < Duration::from_secs(10));
    assert!(failure.unwrap().contains("is a receiver there?"));
    assert_eq!((totals.files_done, totals.files_failed), (0, 1));
}
