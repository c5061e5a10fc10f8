//! The program as a user meets it: files, pipes, kept connections, Ctrl-C, deadlines.
//!
//! `conformance` beside this one tests what bytes mean; here it is what the program does around that. Read
//! `server.rs` for the servers.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod downloads;
mod long;
mod sending;
mod server;

use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use netcommon::testing::{Finished, Program};

use crate::server::{Server, text};

const CLIENT: &str = env!("CARGO_BIN_EXE_http-client");

fn run(args: &[&str]) -> Finished {
    let args = [&["--no-proxy"], args].concat();
    Program::run(CLIENT, &args, "")
}

#[test]
fn several_urls_of_one_host_share_a_connection() {
    let server = Server::start(|request, _| text(&format!("{}\n", request.path)));
    let urls: Vec<String> = (0..20).map(|i| server.url(&format!("/課{i}"))).collect();
    let finished = run(&urls.iter().map(String::as_str).collect::<Vec<_>>());
    let want: String = (0..20).map(|i| format!("/%E8%AA%B2{i}\n")).collect();
    assert_eq!((finished.stdout, finished.code), (want, Some(0)), "{}", finished.stderr);
    assert_eq!(server.finish().connections, 1);
}

#[test]
fn a_kept_connection_that_the_server_has_closed_costs_one_more_try() {
    // The server says that it keeps the connection, and closes it.
    let server = Server::start(|_, stream| {
        stream.write_all(&text("ok\n")).unwrap();
        Vec::new()
    });
    let finished = run(&[&server.url("/1"), &server.url("/2"), &server.url("/3")]);
    assert_eq!((finished.stdout.as_str(), finished.code), ("ok\nok\nok\n", Some(0)), "{}", finished.stderr);
    assert_eq!(server.finish().connections, 3);
}

#[test]
fn one_bad_url_does_not_keep_the_others_from_coming() {
    let server =
        Server::start(|request, _| if request.path == "/bad" { b"HTTP/9\r\n\r\n".to_vec() } else { text("ok\n") });
    let finished = run(&[&server.url("/a"), &server.url("/bad"), "http://", &server.url("/b")]);
    assert_eq!((finished.stdout.as_str(), finished.code), ("ok\nok\n", Some(1)));
    assert_eq!(finished.stderr.lines().count(), 2, "{}", finished.stderr);
    server.finish();
}

#[test]
fn a_download_appears_when_it_is_complete_and_a_failed_one_leaves_the_old_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("課.txt");
    let server = Server::start(|request, _| match request.path.as_str() {
        "/good" => text("新的\n"),
        _ => b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\nConnection: close\r\n\r\nhalf".to_vec(),
    });
    fs::write(&file, "old").unwrap();
    let finished = run(&["-o", file.to_str().unwrap(), &server.url("/cut")]);
    assert_eq!(finished.code, Some(1), "{}", finished.stderr);
    assert!(finished.stderr.contains("after 4 of 100 bytes"), "{}", finished.stderr);
    assert_eq!((fs::read_to_string(&file).unwrap().as_str(), fs::read_dir(&folder).unwrap().count()), ("old", 1));

    let finished = run(&["-o", file.to_str().unwrap(), &server.url("/good")]);
    assert_eq!((finished.code, finished.stdout.as_str()), (Some(0), ""), "{}", finished.stderr);
    assert_eq!((fs::read_to_string(&file).unwrap().as_str(), fs::read_dir(&folder).unwrap().count()), ("新的\n", 1));
    server.finish();
}

#[test]
fn a_cut_download_goes_on_where_it_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("課.bin");
    let server = Server::start(|request, _| {
        if request.has("Range: bytes=4-") && request.has("If-Range: \"v1\"") {
            let head =
                "HTTP/1.1 206 Partial\r\nETag: \"v1\"\r\nContent-Range: bytes 4-9/10\r\nContent-Length: 6\r\n\r\n";
            return [head.as_bytes(), b"456789"].concat();
        }
        b"HTTP/1.1 200 OK\r\nETag: \"v1\"\r\nContent-Length: 10\r\nConnection: close\r\n\r\n0123".to_vec()
    });
    let (path, url) = (file.to_str().unwrap().to_owned(), server.url("/"));
    let finished = run(&["-o", &path, &url]);
    assert!(finished.stderr.contains("4 bytes are kept in"), "{}", finished.stderr);
    assert!(!file.exists());
    let finished = run(&["--continue", "-o", &path, &url]);
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    assert_eq!((fs::read(&file).unwrap().as_slice(), fs::read_dir(&folder).unwrap().count()), (&b"0123456789"[..], 1));
    server.finish();
}

/// The client where no file may grow beyond `limit` of the shell's units; a write then fails as on a full disk.
#[cfg(unix)]
fn run_with_little_room(limit: u32, args: &[&str]) -> Finished {
    let script = format!("trap '' XFSZ; ulimit -f {limit}; exec \"$@\"");
    Program::start_command(Command::new("sh").args(["-c", &script, "sh", CLIENT, "--no-proxy"]).args(args)).wait()
}

#[cfg(unix)]
#[test]
fn a_full_disk_loses_neither_the_old_file_nor_what_can_be_gone_on_from() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("課.bin");
    let (path, content) = (file.to_str().unwrap(), "教室".repeat(50_000));
    let whole = content.clone();
    let server = Server::start(move |request, _| {
        let version = if request.path == "/known" { "ETag: \"v1\"\r\n" } else { "" };
        server::whole_or_rest(request, whole.as_bytes(), version)
    });
    for (place, kept) in [("/unknown", 0), ("/known", 2)] {
        fs::write(&file, "old").unwrap();
        let finished = run_with_little_room(8, &["-o", path, &server.url(place)]);
        let failure = "課.bin.http-client-part: File too large";
        assert!(finished.code == Some(1) && finished.stderr.contains(failure), "{}", finished.stderr);
        assert_eq!(finished.stderr.contains("--continue goes on from there"), kept > 0, "{}", finished.stderr);
        assert_eq!(fs::read_to_string(&file).unwrap(), "old");
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1 + kept, "{place}");
    }
    let part = fs::metadata(folder.path().join("課.bin.http-client-part")).unwrap().len();
    assert!(part > 0 && part < content.len() as u64, "{part}");
    let finished = run(&["--continue", "-o", path, &server.url("/known")]);
    assert_eq!((finished.code, fs::read_to_string(&file).unwrap() == content), (Some(0), true), "{}", finished.stderr);
    assert!(server.finish().requests[2].has(&format!("Range: bytes={part}-")));
}

#[cfg(target_os = "linux")]
#[test]
fn a_device_without_room_is_named_in_the_error() {
    let server = Server::start(|_, _| text("你好"));
    let finished = run(&["-o", "/dev/full", &server.url("/")]);
    assert_eq!(finished.code, Some(1));
    assert!(finished.stderr.contains(": write /dev/full: No space left on device"), "{}", finished.stderr);
    let url = server.url("/");
    let script = format!("exec '{CLIENT}' --no-proxy {url} >/dev/full");
    let finished = Program::start_command(Command::new("sh").args(["-c", &script])).wait();
    assert_eq!(finished.code, Some(1));
    assert!(finished.stderr.contains("stdout: No space left on device"), "{}", finished.stderr);
    server.finish();
}

#[test]
fn a_rest_of_another_version_or_place_is_not_glued_on() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a");
    let (path, part) = (file.to_str().unwrap().to_owned(), folder.path().join("a.http-client-part"));
    let server = Server::start(|request, _| match request.path.as_str() {
        "/new" => b"HTTP/1.1 200 OK\r\nETag: \"v2\"\r\nContent-Length: 3\r\n\r\nnew".to_vec(),
        _ => b"HTTP/1.1 206 Partial\r\nContent-Range: bytes 0-2/3\r\nContent-Length: 3\r\n\r\nnew".to_vec(),
    });
    for (place, want) in [("/wrong", None), ("/new", Some("new"))] {
        fs::write(&part, "old").unwrap();
        fs::write(folder.path().join("a.http-client-from"), "\"v1\"").unwrap();
        let finished = run(&["-C", "-o", &path, &server.url(place)]);
        assert_eq!(finished.code == Some(0), want.is_some(), "{}", finished.stderr);
        assert_eq!(fs::read_to_string(&file).ok().as_deref(), want);
    }
    server.finish();
}

#[test]
fn a_device_is_written_to_and_not_replaced() {
    if cfg!(unix) {
        let server = Server::start(|_, _| text("hello"));
        let finished = run(&["-o", "/dev/null", &server.url("/")]);
        assert_eq!(finished.code, Some(0), "{}", finished.stderr);
        assert!(!fs::metadata("/dev/null").unwrap().is_file());
        server.finish();
    }
}

#[test]
fn verbose_shows_both_heads_and_json_is_one_object_a_url() {
    let server = Server::start(|_, _| {
        b"HTTP/1.1 200 OK\r\nX: a\xe2\x80\xaeb\r\nContent-Length: 6\r\n\r\n\xe4\xbd\xa0\xe5\xa5\xbd".to_vec()
    });
    let finished = run(&["-v", "--json", &server.url("/a"), "http://127.0.0.1:1/", &server.url("/b")]);
    assert!(finished.stderr.contains("> GET /a HTTP/1.1\n> Host: 127.0.0.1:"), "{}", finished.stderr);
    assert!(finished.stderr.contains("< HTTP/1.1 200 OK\n< X: a\\u{202e}b\n"), "{}", finished.stderr);
    let objects: Vec<serde_json::Value> =
        finished.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((objects.len(), &objects[0]["status"], &objects[0]["content_bytes"]), (3, &200.into(), &6.into()));
    assert!(objects[1]["error"].as_str().unwrap().contains("connect to 127.0.0.1:1"), "{}", finished.stdout);
    assert_eq!((&objects[2]["reused_connection"], finished.code), (&true.into(), Some(1)));
    server.finish();
}

#[test]
fn include_shows_status_and_headers_as_on_a_terminal() {
    let server = Server::start(|_, _| text("你好\n"));
    let finished = run(&["-i", &server.url("/")]);
    let want = "Status: HTTP/1.1 200 OK\n\nHeaders:\nContent-Type: text/plain\nContent-Length: 7\n\nBody:\n你好\n";
    assert_eq!((finished.stdout.as_str(), finished.code), (want, Some(0)), "{}", finished.stderr);
    server.finish();
}

#[test]
fn a_proxy_gets_the_whole_url_and_no_proxy_is_obeyed() {
    let proxy = Server::start(|request, _| text(&request.line()));
    let with_env = |url: &str, no_proxy: &str| {
        let mut command = Command::new(CLIENT);
        command.arg(url).env("http_proxy", format!("http://u:p@{}", proxy.addr())).env("no_proxy", no_proxy);
        Program::start_command(&mut command).wait()
    };
    let through = with_env("http://教室.example/a", "");
    assert_eq!(through.stdout, "GET http://xn--wbtt9t.example/a HTTP/1.1", "{}", through.stderr);
    let direct = with_env("http://127.0.0.1:1/", "127.0.0.1");
    assert!(direct.stderr.contains("nothing is listening"), "{}", direct.stderr);
    let requests = proxy.finish().requests;
    assert!(requests.iter().any(|request| request.has("Proxy-Authorization: Basic dTpw")), "{requests:?}");
}

#[test]
fn secrets_are_not_told_to_another_host_of_a_redirect() {
    let other = Server::start(|_, _| text("there\n"));
    let target = other.url("/");
    let first = Server::start(move |_, _| {
        format!("HTTP/1.1 302 Found\r\nLocation: {target}\r\nContent-Length: 0\r\n\r\n").into()
    });
    let url = first.url("/").replace("http://", "http://小明:秘密@");
    let finished = run(&["-H", "Cookie: 餅乾", "-H", "X-Plain: y", &url]);
    assert_eq!(finished.stdout, "there\n", "{}", finished.stderr);
    let (asked, told) = (first.finish().requests, other.finish().requests);
    assert!(asked[0].has("Cookie: 餅乾") && asked[0].has("Authorization: Basic "), "{asked:?}");
    assert!(told[0].has("X-Plain: y") && !told[0].has("Cookie") && !told[0].has("Authorization"), "{told:?}");
}

#[test]
fn a_deadline_is_kept_against_a_server_that_says_nothing() {
    let server = Server::start(|request, stream| request.hold(stream));
    let begin = Instant::now();
    let finished = run(&["--timeout", "1s", &server.url("/")]);
    let took = begin.elapsed();
    assert!(finished.stderr.contains("timeout: not done within the 1s"), "{}", finished.stderr);
    // 100 ms is the promise, which scripts/bench/http-client measures; the rest is for a busy machine.
    assert!(took > Duration::from_millis(990) && took < Duration::from_secs(20), "{took:?}");
    server.finish();
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_the_wait_at_once_with_130_and_keeps_the_old_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("課");
    fs::write(&file, "old").unwrap();
    let server = Server::start(|request, stream| {
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf").unwrap();
        request.hold(stream)
    });
    let args = ["--no-proxy", "-v", "--timeout", "60s", "-o", file.to_str().unwrap(), &server.url("/")];
    let mut client = Program::start(CLIENT, &args);
    client.expect_stderr_line("< Content-Length: 100");
    client.interrupt();
    let finished = client.wait();
    assert_eq!(finished.code, Some(130), "{}", finished.stderr);
    assert_eq!((fs::read_to_string(&file).unwrap().as_str(), fs::read_dir(&folder).unwrap().count()), ("old", 1));
    server.finish();
}

#[test]
fn a_closed_stdout_ends_quietly() {
    let server =
        Server::start(|_, _| [&b"HTTP/1.1 200 OK\r\nContent-Length: 9000000\r\n\r\n"[..], &[b'x'; 9_000_000]].concat());
    let mut command = Command::new(CLIENT);
    let mut client =
        command.args(["--no-proxy", &server.url("/")]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(client.stdout.take());
    let output = client.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &b""[..]));
    server.finish();
}

#[test]
fn slips_on_the_command_line_are_told() {
    for (args, code, want) in [
        (&["http://a/b c"][..], 1, "white space in it"),
        (&["ftp://a/"], 1, "only http and https"),
        (&["-H", "no colon", "http://a/"], 2, "expected `Name: value`"),
        (&["-X", "GET /", "http://a/"], 2, "expected a method"),
        (&["--timeout", "5", "http://a/"], 2, "no unit"),
        (&[], 2, "required"),
        (&["-O", "http://a/"], 1, "--output FILE gives one"),
        (&["-o", "x", "http://a/", "http://b/"], 2, "-O names each file by its URL"),
        (&["-X", "CONNECT", "http://a/"], 2, "it opens a tunnel"),
        (&["-o", "/nonexistent/x", "http://127.0.0.1:1/"], 1, "connect to 127.0.0.1:1"),
    ] {
        let finished = run(args);
        assert!(finished.code == Some(code) && finished.stderr.contains(want), "{args:?}: {}", finished.stderr);
    }
}

#[cfg(unix)]
#[test]
fn the_misbehaving_server_does_as_asked_and_ends_politely() {
    let mut server = Program::start(CLIENT, &["--misbehave", "127.0.0.1:0"]);
    let addr = server.listening_addr();
    // A busy machine takes its time to unpack a bomb; only the drip never ends.
    let fetch = |path: &str| {
        let timeout = if path == "/drip" { "3s" } else { "60s" };
        run(&["--timeout", timeout, &format!("http://{addr}{path}")])
    };
    assert_eq!(fetch("/chunked").stdout, "你好，教室\n");
    assert_eq!(fetch("/gzip").stdout, "教室\n教室\n教室\n");
    for (path, want) in [
        ("/cut", "after 9 of 18 bytes"),
        ("/cut-gzip", "gzip: truncated"),
        ("/bomb", "a bomb?"),
        ("/loop", "a redirect loop"),
        ("/drip", "timeout: not done within the 3s of --timeout; after "),
    ] {
        let finished = fetch(path);
        assert!(finished.code == Some(1) && finished.stderr.contains(want), "{path}: {}", finished.stderr);
        server.expect_line(&format!("GET \"{path}\": "));
    }
    server.interrupt();
    let finished = server.wait();
    assert!(finished.stdout.ends_with("Server shutting down...\n"), "{}", finished.stdout);
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
}
