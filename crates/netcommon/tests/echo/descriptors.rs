//! 200 clients (or as many as we may have ourselves) and 64 descriptors: who fits is served, the rest wait, and the processor sleeps.
//!
//! Linux: the limit is set by a shell, the processor time is read from /proc.

#![cfg(target_os = "linux")]

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::time::Duration;

use crate::harness::{clients_that_fit, connect, expect};
use netcommon::testing::Program;

use crate::SERVER;

/// How many clients fit in any case: a server has at most a dozen descriptors for itself.
const SURELY_SERVED: usize = 50;

/// Ticks of 10 ms that the process has used: fields 14 and 15 of `proc_pid_stat(5)`.
fn ticks_used(pid: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let after_name = stat.rsplit(") ").next().unwrap();
    after_name.split(' ').skip(11).take(2).map(|field| field.parse::<u64>().unwrap()).sum()
}

#[test]
fn running_out_of_descriptors_neither_ends_the_server_nor_spins() {
    let mut shell = Command::new("sh");
    shell.args(["-c", "ulimit -n 64 && exec \"$0\" 127.0.0.1:0 --quiet", SERVER]);
    let mut server = Program::start_command(&mut shell);
    let addr = server.listening_addr();
    let clients: Vec<TcpStream> = (0..clients_that_fit(200, 1)).map(|_| connect(addr)).collect();
    for client in &clients {
        (&*client).write_all("等".as_bytes()).unwrap();
    }
    server.expect_stderr_line("clients wait in the backlog until a connection ends");

    // The first are served, and with their answers here nothing is left to do. The last is in the backlog:
    // nothing comes, and its read is our stopwatch.
    for client in clients.iter().take(SURELY_SERVED) {
        expect(client, "Server received: 等".as_bytes());
    }
    let last = clients.last().unwrap();
    let before = ticks_used(server.pid());
    last.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
    assert!((&*last).read(&mut [0; 1]).is_err(), "more clients than descriptors were served");
    let used = ticks_used(server.pid()) - before;
    assert!(used <= 10, "{used} ticks of 10 ms in one second of waiting");

    // As clients leave, those behind them get their places, down to the last.
    last.set_read_timeout(Some(netcommon::testing::DEADLINE)).unwrap();
    for client in clients {
        expect_answered(&client);
    }
    server.interrupt();
    assert_eq!(server.wait().code, Some(0));
}

fn expect_answered(mut client: &TcpStream) {
    let mut start = [0; 3];
    client.shutdown(std::net::Shutdown::Write).unwrap();
    // The first clients have had their answers; for all others they come now.
    if client.read(&mut start).unwrap() > 0 {
        let mut rest = Vec::new();
        client.read_to_end(&mut rest).unwrap();
        assert_eq!([&start[..], &rest].concat(), "Server received: 等".as_bytes());
    }
}
