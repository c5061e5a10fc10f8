//! The program as a user meets it, against small servers made with plain std.
//!
//! Each server is a thread of the test with one connection; every wait has a deadline.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::thread::{Builder, JoinHandle};

#[cfg(unix)]
use netcommon::testing::Terminal;
use netcommon::testing::{ClosedPort, DEADLINE, Program};

const CLIENT: &str = env!("CARGO_BIN_EXE_tcp-client");

/// A server for one client.
fn server(serve: impl FnOnce(TcpStream) + Send + 'static) -> (SocketAddr, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    let run = move || {
        let (stream, _) = listener.accept().unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        serve(stream);
    };
    (addr, Builder::new().name("server".to_owned()).spawn(run).unwrap())
}

/// Answers each read as the course's server does, until the client's FIN.
fn echo(mut stream: TcpStream) {
    let mut buf = [0; 1024];
    while let Ok(len @ 1..) = stream.read(&mut buf) {
        stream.write_all(&[b"Server received: ", &buf[..len]].concat()).unwrap();
    }
}

#[test]
fn lines_from_a_pipe_are_sent_one_by_one_and_answered() {
    let (addr, server) = server(echo);
    let finished = Program::run(CLIENT, &[&addr.to_string()], "你好\r\n\nbob\nlast, without a line feed");
    assert_eq!(
        finished.stdout,
        format!(
            "Connected to {addr}\nServer response: Server received: 你好\nServer response: Server received: bob\n\
             Server response: Server received: last, without a line feed\nConnection closed\n"
        )
    );
    assert!(finished.stderr.contains("an empty message is zero bytes"), "{}", finished.stderr);
    assert_eq!(finished.code, Some(0));
    server.join().unwrap();
}

#[test]
fn quit_ends_in_order_whatever_comes_after_it() {
    let (addr, server) = server(echo);
    let finished = Program::run(CLIENT, &[&addr.to_string()], "QUIT\nnever sent\n");
    assert_eq!(finished.stdout, format!("Connected to {addr}\nConnection closed\n"));
    assert_eq!(finished.code, Some(0));
    server.join().unwrap();
}

#[test]
#[cfg(unix)]
fn the_last_line_begins_at_the_left_edge_and_no_empty_one_stands_before_it() {
    for (keys, shown_as) in [("quit\r", "quit\n"), ("\x04", "\n")] {
        let (addr, server) = server(echo);
        let mut terminal = Terminal::start(CLIENT, &[&addr.to_string()]);
        terminal.wait_for("exit): ");
        terminal.press(keys);
        let (code, shown) = terminal.end();
        let prompt = "Enter message (or 'quit' to exit): ";
        assert_eq!(shown, format!("Connected to {addr}\n{prompt}{shown_as}Connection closed\n"));
        assert_eq!(code, Some(0));
        server.join().unwrap();
    }
}

#[test]
fn messages_of_the_command_line_need_no_input() {
    let (addr, server) = server(echo);
    let mut client = Program::start(CLIENT, &[&addr.to_string(), "--message", "早安", "-m", "quit", "-m", "再見"]);
    client.expect_line("Server response: Server received: 早安");
    client.expect_line("Server response: Server received: quit");
    client.expect_line("Server response: Server received: 再見");
    assert_eq!(client.wait().code, Some(0));
    server.join().unwrap();
}

#[test]
fn a_server_that_goes_away_is_said_at_once_and_not_at_the_next_message() {
    let (addr, server) = server(drop);
    // Its input stays open: only the server's FIN can end it.
    let mut client = Program::start(CLIENT, &[&addr.to_string()]);
    client.expect_line("Connected to");
    let line = client.expect_stderr_line("the server closed the connection");
    assert_eq!(line, format!("tcp-client: read from {addr}: the server closed the connection"));
    assert_eq!(client.wait().code, Some(1));
    server.join().unwrap();
}

#[test]
fn a_reset_is_told_from_an_orderly_end() {
    let (addr, server) = server(|stream| {
        socket2::SockRef::from(&stream).set_linger(Some(std::time::Duration::ZERO)).unwrap();
    });
    let finished = Program::run(CLIENT, &[&addr.to_string(), "--message", "hi", "--message", "there"], "");
    assert_eq!(finished.code, Some(1));
    assert!(finished.stderr.to_lowercase().contains("reset"), "{}", finished.stderr);
    server.join().unwrap();
}

#[test]
fn answers_after_our_fin_are_still_shown() {
    let (addr, server) = server(|mut stream| {
        let mut everything = Vec::new();
        stream.read_to_end(&mut everything).unwrap();
        assert_eq!(everything, "甲\n乙\n".as_bytes());
        stream.write_all("慢慢來\n一起到\n".as_bytes()).unwrap();
    });
    let args = [&addr.to_string(), "--framing", "lines", "--glue", "-m", "甲", "-m", "乙"];
    let finished = Program::run(CLIENT, &args, "");
    assert_eq!(
        finished.stdout,
        format!("Connected to {addr}\nServer response: 慢慢來\nServer response: 一起到\nConnection closed\n")
    );
    assert_eq!(finished.code, Some(0));
    server.join().unwrap();
}

#[test]
fn an_answer_that_does_not_come_is_an_error_with_a_hint() {
    let (addr, server) = server(|mut stream| {
        let mut buf = Vec::new();
        stream.read_to_end(&mut buf).unwrap();
    });
    // Not shorter: the connection has to be there within the same time.
    let finished = Program::run(CLIENT, &[&addr.to_string(), "--timeout", "1s", "-m", "hi"], "");
    assert_eq!(finished.code, Some(1));
    assert!(finished.stderr.contains("none within 1s") && finished.stderr.contains("--framing"), "{}", finished.stderr);
    server.join().unwrap();
}

/// More than the kernel holds between two ends of which the server's is small, so that a write of it waits.
const LARGE: usize = 8 << 20;

/// What the server's end of the connection holds in each direction, in bytes.
const SMALL_BUFFER: usize = 1 << 16;

#[test]
fn a_long_message_goes_out_and_comes_back_when_the_user_allows_it() {
    let (addr, server) = server(|stream| {
        let mut line = String::new();
        BufReader::new(&stream).read_line(&mut line).unwrap();
        (&stream).write_all(format!("Server received: {line}").as_bytes()).unwrap();
    });
    let (addr, long) = (addr.to_string(), "長".repeat(40_000));
    let args = [&*addr, "--framing", "lines", "--max-message", "1MiB"];
    let finished = Program::run(CLIENT, &args, &long);
    assert!(finished.stdout.contains(&long), "{} bytes", finished.stdout.len());
    server.join().unwrap();
}

#[test]
fn a_message_beyond_the_limit_names_the_option() {
    let (addr, server) = server(echo);
    let finished = Program::run(CLIENT, &[&addr.to_string(), "--framing", "length"], &"x".repeat(70_000));
    assert_eq!(finished.code, Some(1));
    let want = "tcp-client: send: message of 70000 bytes exceeds the limit of 65536 bytes; raise --max-message, ";
    assert!(finished.stderr.starts_with(want), "{}", finished.stderr);
    server.join().unwrap();
}

#[test]
fn a_server_that_answers_while_we_still_write_makes_nobody_wait_for_ever() {
    let (addr, server) = server(|mut stream| {
        stream.set_write_timeout(Some(DEADLINE)).unwrap();
        socket2::SockRef::from(&stream).set_send_buffer_size(SMALL_BUFFER).unwrap();
        socket2::SockRef::from(&stream).set_recv_buffer_size(SMALL_BUFFER).unwrap();
        let (mut buf, mut count) = (vec![0; SMALL_BUFFER], 0);
        // Goes on reading only when the answer is out.
        while let Ok(len @ 1..) = stream.read(&mut buf) {
            stream.write_all(&buf[..len]).unwrap();
            count += len;
        }
        assert_eq!(count, LARGE);
    });
    let finished = Program::run(CLIENT, &[&addr.to_string()], &"x".repeat(LARGE));
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    assert_eq!(finished.stdout.bytes().filter(|byte| *byte == b'x').count(), LARGE);
    server.join().unwrap();
}

#[test]
#[cfg(unix)]
fn ctrl_c_ends_a_write_that_a_server_lets_wait() {
    let (done, keep_open) = std::sync::mpsc::channel::<()>();
    let (addr, server) = server(move |_stream| assert!(keep_open.recv().is_err()));
    let mut client = Program::start(CLIENT, &[&addr.to_string()]);
    client.expect_line("Connected to");
    client.type_text(&"x".repeat(LARGE));
    client.type_text("\n");
    client.interrupt();
    assert_eq!(client.wait().code, Some(130));
    drop(done);
    server.join().unwrap();
}

#[test]
fn what_the_server_sends_cannot_move_the_cursor() {
    let (addr, server) = server(|mut stream| {
        stream.write_all(b"\x1b[2J\x9b\xff\n").unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        let _ = stream.read(&mut [0; 1]);
    });
    let mut client = Program::start(CLIENT, &[&addr.to_string(), "--framing", "lines"]);
    assert_eq!(client.expect_line("response"), r"Server response: \x1b[2J\x9b\xff");
    assert_eq!(client.wait().code, Some(1));
    server.join().unwrap();
}

#[test]
fn a_message_that_its_framing_cannot_carry_is_said_once_and_not_sent() {
    let (addr, server) = server(echo);
    let finished = Program::run(CLIENT, &[&addr.to_string(), "--framing", "lines", "-m", "two\nlines"], "");
    assert!(
        finished.stderr.starts_with("tcp-client: send: message has a line feed at byte 3, "),
        "{}",
        finished.stderr
    );
    assert_eq!((finished.code, finished.stdout.lines().count()), (Some(1), 1), "{}", finished.stdout);
    server.join().unwrap();
}

#[test]
fn a_slice_splits_characters_and_framing_repairs_it() {
    let (addr, server) = server(|mut stream| {
        let mut reads = Vec::new();
        let mut buf = [0; 1024];
        while let Ok(len @ 1..) = stream.read(&mut buf) {
            reads.push(buf[..len].to_vec());
        }
        assert!(reads.len() > 1 && reads.iter().any(|read| std::str::from_utf8(read).is_err()), "{reads:?}");
        assert_eq!(reads.concat(), "\0\0\0\x06你好".as_bytes());
    });
    let args = [&addr.to_string(), "--framing", "length", "--slice", "2", "-m", "你好", "--glue"];
    assert_eq!(Program::run(CLIENT, &args, "").code, Some(0));
    server.join().unwrap();
}

#[test]
fn pauses_between_slices_do_not_count_as_waiting_for_an_answer() {
    let (addr, server) = server(|mut stream| {
        stream.read_exact(&mut [0; 10]).unwrap();
        stream.write_all("\0\0\0\x06收到".as_bytes()).unwrap();
        let _ = stream.read(&mut [0; 1]);
    });
    // Ten slices take longer than the answer may.
    let args = [&addr.to_string(), "--framing", "length", "--slice", "1", "-m", "你好", "--timeout", "1s"];
    let finished = Program::run(CLIENT, &args, "");
    assert!(finished.stdout.ends_with("Server response: 收到\nConnection closed\n"), "{}", finished.stdout);
    assert_eq!(finished.code, Some(0));
    server.join().unwrap();
}

#[test]
fn nobody_listening_is_said_with_what_to_try() {
    let nobody = ClosedPort::new();
    let addr = nobody.addr;
    let finished = Program::run(CLIENT, &[&addr.to_string()], "");
    assert_eq!((finished.code, finished.stdout.as_str()), (Some(1), ""));
    assert!(finished.stderr.starts_with(&format!("tcp-client: connect to {addr}: ")), "{}", finished.stderr);
}

#[test]
fn the_lesson_needs_no_server_and_shows_both_faults_of_raw() {
    let finished = Program::run(CLIENT, &["--lesson", "--lang", "en"], "");
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    assert_eq!(finished.stdout.matches("WRONG").count(), 2, "{}", finished.stdout);
    assert_eq!(finished.stdout.matches("right").count(), 4, "{}", finished.stdout);
    assert!(finished.stdout.contains(r"\xe6"), "a cut character is shown as bytes:\n{}", finished.stdout);
}

#[test]
#[cfg(unix)]
fn ctrl_c_before_the_job_is_done_is_130() {
    let (addr, server) = server(echo);
    let mut client = Program::start(CLIENT, &[&addr.to_string()]);
    client.expect_line("Connected to");
    client.interrupt();
    let finished = client.wait();
    assert_eq!((finished.code, finished.stderr.as_str()), (Some(130), ""));
    server.join().unwrap();
}

#[test]
#[cfg(target_os = "linux")]
fn the_narration_is_what_the_kernel_was_asked() {
    use netcommon::testing::strace;

    let (addr, server) = server(echo);
    let scratch = tempfile::tempdir().unwrap();
    let log = scratch.path().join("strace.log");
    let args = [&addr.to_string(), "--narrate=en", "-m", "你好"];
    let Some(client) = strace::start(&log, CLIENT, &args) else { return };
    let pid = client.pid();
    let finished = client.wait();
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    strace::compare(&finished.stderr, &strace::read_log(&log, pid));
    server.join().unwrap();
}

#[test]
fn a_narration_in_a_file_is_whole_when_the_client_has_ended() {
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("旁白.txt");
    let calls = |narration: &str| {
        let mut names: Vec<String> = narration.lines().map(|line| line.split('(').next().unwrap().to_owned()).collect();
        // Its threads speak in any order.
        names.sort_unstable();
        names
    };
    let narrate = |to_file: bool| {
        let (addr, server) = server(echo);
        let mut client = Command::new(CLIENT);
        client.args([&addr.to_string(), "--narrate=en", "-m", "你好"]).stdin(Stdio::null());
        if to_file {
            client.stderr(std::fs::File::create(&path).unwrap());
        }
        let ended = client.output().unwrap();
        assert!(ended.status.success());
        server.join().unwrap();
        String::from_utf8(ended.stderr).unwrap()
    };
    let told = narrate(false);
    assert_eq!(narrate(true), "");
    let written = std::fs::read_to_string(&path).unwrap();
    assert_eq!(calls(&written), calls(&told), "{written}");
    assert!(written.contains("recv(") && written.contains("close("), "{written}");
}
