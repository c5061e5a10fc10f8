//! Reports of captures, and the packet socket where this machine lets us have one.
//!
//! The socket needs `CAP_NET_RAW`; without it the test checks what is said about that. Read `pcapng.rs` before.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]
#![cfg(unix)] // Ends the program with a real signal.

mod common;

use std::io::{Read, Write};
use std::process::Command;

use netcommon::testing::{Finished, Program};

use crate::common::{connect, connections, log, serve};

const EXE: &str = env!("CARGO_BIN_EXE_net-monitor");

#[test]
fn a_report_of_the_proxys_own_capture_has_both_of_its_connections() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("流量.pcapng");
    let target = serve(|mut stream| {
        let mut all = Vec::new();
        stream.read_to_end(&mut all).unwrap();
        stream.write_all("收到了".as_bytes()).unwrap();
    });
    let args = ["proxy", "127.0.0.1:0", &target.addr.to_string(), "--pcapng", file.to_str().unwrap()];
    let mut program = Program::start(EXE, &args);
    let mut client = connect(program.listening_addr());
    client.write_all("你好".as_bytes()).unwrap();
    client.shutdown(std::net::Shutdown::Write).unwrap();
    client.read_to_end(&mut Vec::new()).unwrap();
    program.expect_line("orderly");
    program.interrupt();
    assert_eq!(program.wait().code, Some(0));

    let Finished { code, stdout, stderr } = Program::run(EXE, &["report", file.to_str().unwrap(), "--csv"], "");
    assert_eq!(code, Some(0), "{stderr}");
    let header: Vec<&str> = stdout.lines().next().unwrap().trim_start_matches('\u{feff}').split(',').collect();
    let column = |name: &str| header.iter().position(|known| *known == name).unwrap();
    let rows: Vec<Vec<&str>> = stdout.lines().skip(1).map(|line| line.split(',').collect()).collect();
    assert_eq!(rows.len(), 2, "{stdout}");
    for row in rows {
        let said = [row[column("bytes_in")], row[column("bytes_out")], row[column("how")]];
        assert_eq!(said, ["6", "9", "orderly"], "{stdout}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn packets_on_the_loopback_interface_count_once() {
    let folder = tempfile::tempdir().unwrap();
    let (path, packets) = (folder.path().join("log"), folder.path().join("packets.pcapng"));
    let target = serve(|mut stream| {
        let mut all = Vec::new();
        stream.read_to_end(&mut all).unwrap();
        stream.write_all(&[b'y'; 20_000]).unwrap();
    });
    let port = target.addr.port().to_string();
    let [log_path, packets_path] = [&path, &packets].map(|path| path.to_str().unwrap());
    let mut program = Program::start(EXE, &["capture", "lo", &port, "--log", log_path, "--pcapng", packets_path]);
    let Some(_first) = program.next_line(common::DEADLINE) else {
        let end = program.wait();
        assert_eq!(end.code, Some(1));
        assert!(end.stderr.contains("needs the right CAP_NET_RAW"), "{}", end.stderr);
        eprintln!("skipped: capture: {}", end.stderr);
        return;
    };
    let mut client = connect(target.addr);
    client.write_all(&vec![b'x'; 100_000]).unwrap();
    client.shutdown(std::net::Shutdown::Write).unwrap();
    client.read_to_end(&mut Vec::new()).unwrap();
    program.expect_line("orderly");
    program.interrupt();
    let end = program.wait();
    assert_eq!(end.code, Some(0), "{}", end.stderr);
    let live = connections(&log(&path));
    assert_eq!(live.len(), 1, "{live:#?}");
    assert_eq!((live[0].bytes_in, live[0].bytes_out), (100_000, 20_000));
    assert!(std::fs::read(&packets).unwrap().windows(15).any(|part| part == b"genuine packets"));
    let read = net_monitor::packets::file::read(&packets).unwrap();
    assert_eq!((read.connections[0].bytes_in, read.connections[0].bytes_out), (100_000, 20_000));
}

#[cfg(target_os = "linux")]
#[test]
fn without_the_right_the_program_says_which_one_and_how_to_give_just_that() {
    // As root, another user is asked for; `setpriv` is part of util-linux.
    let as_nobody =
        ["--reuid=65534", "--clear-groups", "--bounding-set=-all", "--inh-caps=-all", EXE, "capture", "lo", "1"];
    let output = Command::new("setpriv").args(as_nobody).output();
    let stderr = match output {
        Ok(output) if String::from_utf8_lossy(&output.stderr).starts_with("net-monitor:") => output.stderr,
        _ => {
            eprintln!("skipped: without the right: this user cannot become another, or nobody may run {EXE}");
            return;
        }
    };
    let stderr = String::from_utf8(stderr).unwrap();
    assert!(stderr.contains("open a packet socket on lo: Operation not permitted"), "{stderr}");
    assert!(stderr.contains("setcap cap_net_raw+ep /"), "{stderr}");
    let unknown = Program::run(EXE, &["capture", "../etc", "1"], "");
    assert_eq!(unknown.code, Some(1));
    assert!(unknown.stderr.contains("find interface ../etc"), "{}", unknown.stderr);
}
