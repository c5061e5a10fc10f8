//! Content so long that it goes into its file unseen where the system can do that (`netcommon::pipe`): nobody may notice.
//!
//! Read `main.rs` and `server.rs` first.

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use netcommon::testing::Program;

use crate::server::{Request, Server, whole_or_rest};
use crate::{CLIENT, run};

/// Three MB in which no two places look alike.
fn content() -> Vec<u8> {
    (0..750_000_u32).flat_map(|i| i.wrapping_mul(2_654_435_761).to_le_bytes()).collect()
}

fn answer(request: &Request) -> Vec<u8> {
    whole_or_rest(request, &content(), "ETag: \"v1\"\r\n")
}

/// The first `len` bytes of the whole answer, then silence until the client goes, or the end.
fn cut(whole: &[u8], len: usize) -> Vec<u8> {
    let head = format!("HTTP/1.1 200 OK\r\nETag: \"v1\"\r\nContent-Length: {}\r\n\r\n", whole.len());
    [head.as_bytes(), &whole[..len]].concat()
}

#[test]
fn it_comes_whole_into_a_file_and_the_connection_is_used_again() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(|request, _| answer(request));
    let urls = [server.url("/一.bin"), server.url("/二.bin")];
    let mut command = Command::new(CLIENT);
    let finished =
        Program::start_command(command.args(["--no-proxy", "-O"]).args(&urls).current_dir(folder.path())).wait();
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    for name in ["一.bin", "二.bin"] {
        assert!(fs::read(folder.path().join(name)).unwrap() == content(), "{name}");
    }
    assert_eq!(server.finish().connections, 1);
}

/// A pipe takes a splice, a file that is appended to does not.
#[cfg(unix)]
#[test]
fn it_comes_whole_through_stdout_whatever_that_is() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("課");
    let (path, server) = (file.display(), Server::start(|request, _| answer(request)));
    for (redirection, before) in [(format!("| cat > '{path}'"), ""), (format!(">> '{path}'"), "old")] {
        fs::write(&file, before).unwrap();
        let script = format!("'{CLIENT}' --no-proxy {} {redirection}", server.url("/"));
        let finished = Program::start_command(Command::new("sh").args(["-c", &script])).wait();
        assert_eq!(finished.code, Some(0), "{}", finished.stderr);
        assert!(fs::read(&file).unwrap() == [before.as_bytes(), &content()].concat(), "{redirection}");
    }
    server.finish();
}

#[test]
fn a_cut_one_is_told_and_gone_on_from() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("課");
    let part = folder.path().join("課.http-client-part");
    let server = Server::start(|request, stream| {
        use std::io::Write;
        if request.range_start().is_some() {
            return answer(request);
        }
        stream.write_all(&cut(&content(), 2_000_001)).unwrap();
        Vec::new()
    });
    let finished = run(&["-o", file.to_str().unwrap(), &server.url("/")]);
    assert!(finished.stderr.contains("after 2000001 of 3000000 bytes"), "{}", finished.stderr);
    assert!(finished.code == Some(1) && fs::read(&part).unwrap() == content()[..2_000_001]);
    let finished = run(&["--continue", "-o", file.to_str().unwrap(), &server.url("/")]);
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    assert!(fs::read(&file).unwrap() == content());
    server.finish();
}

#[test]
fn a_deadline_is_kept_in_its_middle() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(|request, stream| {
        use std::io::Write;
        stream.write_all(&cut(&content(), 2_000_000)).unwrap();
        request.hold(stream)
    });
    let begin = Instant::now();
    let file = folder.path().join("課");
    // Long enough for the first two thirds to come on a busy machine.
    let finished = run(&["--timeout", "4s", "-o", file.to_str().unwrap(), &server.url("/")]);
    let took = begin.elapsed();
    let want = "timeout: not done within the 4s of --timeout; after ";
    assert!(finished.stderr.contains(want) && finished.stderr.contains(" of 3000000 bytes"), "{}", finished.stderr);
    assert!(took > Duration::from_millis(3_990) && took < Duration::from_secs(30), "{took:?}");
    server.finish();
}

#[cfg(unix)]
#[test]
fn a_full_disk_keeps_what_can_be_gone_on_from() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("課");
    let part = folder.path().join("課.http-client-part");
    let server = Server::start(|request, _| answer(request));
    // 1 MiB, or 2 where the shell counts in other units.
    let args = ["-o", file.to_str().unwrap(), &server.url("/")];
    let finished = crate::run_with_little_room(2_048, &args);
    assert!(finished.stderr.contains("課.http-client-part: File too large"), "{}", finished.stderr);
    let kept = fs::read(&part).unwrap();
    assert!(!kept.is_empty() && content().starts_with(&kept), "{}", kept.len());
    let finished = run(&[&["--continue"], &args[..]].concat());
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    assert!(fs::read(&file).unwrap() == content());
    server.finish();
}
