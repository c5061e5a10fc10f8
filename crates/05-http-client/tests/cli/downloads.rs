//! Downloads that go on where one stopped: what may be glued together, and what is left alone.
//!
//! Each test says what lies in the folder and what the server answers. Read `main.rs` and `server.rs` first;
//! source: RFC 9110 sections 8.8, 13.1.5, 14 and 15.3.7.

use std::fs::{self, File};
use std::path::PathBuf;

use netcommon::testing::Finished;
use tempfile::TempDir;

use crate::server::Server;
use crate::{run, text};

/// A folder with an old `a` and perhaps a part of a new one.
struct Folder(TempDir);

impl Folder {
    fn with_old() -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        fs::write(folder.path("a"), "old").unwrap();
        folder
    }

    fn with_part(version: &str) -> Self {
        let folder = Self::with_old();
        fs::write(folder.path("a.http-client-part"), "0123").unwrap();
        fs::write(folder.path("a.http-client-from"), version).unwrap();
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    fn count(&self) -> usize {
        fs::read_dir(&self.0).unwrap().count()
    }

    fn fetch(&self, options: &[&str], url: &str) -> Finished {
        let file = self.path("a");
        run(&[options, &["-o", file.to_str().unwrap(), url]].concat())
    }
}

/// A server that answers everything with these bytes, and closes.
fn saying(answer: &str) -> Server {
    let answer = answer.replacen("\r\n", "\r\nConnection: close\r\n", 1);
    Server::start(move |_, _| answer.clone().into_bytes())
}

#[test]
fn what_is_not_the_rest_is_refused_and_the_part_is_kept() {
    const PARTIAL: &str = "HTTP/1.1 206 Partial\r\n";
    for (answer, want) in [
        (
            format!("{PARTIAL}ETag: \"v2\"\r\nContent-Range: bytes 4-9/10\r\nContent-Length: 6\r\n\r\n456789"),
            "another version",
        ),
        (format!("{PARTIAL}Content-Range: bytes 4-6/10\r\nContent-Length: 3\r\n\r\n456"), "another part"),
        (format!("{PARTIAL}Content-Range: bytes 4-9/10\r\nContent-Length: 3\r\n\r\n456"), "another part"),
        (format!("{PARTIAL}Content-Range: bytes 9-4/10\r\nContent-Length: 6\r\n\r\n456789"), "another part"),
        (format!("{PARTIAL}Content-Range: bytes +4-9/10\r\nContent-Length: 6\r\n\r\n456789"), "another part"),
        (format!("{PARTIAL}Content-Range: lines 4-9/10\r\nContent-Length: 6\r\n\r\n456789"), "another part"),
        (format!("{PARTIAL}Content-Range: bytes 4-18446744073709551615/*\r\n\r\n456789"), "another part"),
        (
            format!("{PARTIAL}Content-Range: bytes 4-18446744073709551614/*\r\n\r\n456789"),
            "the rest that came makes 10 of",
        ),
        (format!("{PARTIAL}Content-Type: multipart/byteranges\r\nContent-Length: 6\r\n\r\n456789"), "another part"),
        (format!("{PARTIAL}Content-Range: bytes 4-9/10\r\n\r\n45678"), "the rest that came makes 9 of 10 bytes"),
        (format!("{PARTIAL}Content-Range: bytes 4-9/10\r\n\r\n4567890"), "the rest that came makes 11 of 10 bytes"),
        (
            "HTTP/1.1 416 No\r\nContent-Range: bytes */3\r\nContent-Length: 3\r\n\r\nbad".into(),
            "answered 416; what has come is kept",
        ),
        ("HTTP/1.1 503 Busy\r\nContent-Length: 3\r\n\r\nbad".into(), "answered 503; what has come is kept"),
    ] {
        let folder = Folder::with_part("\"v1\"");
        let server = saying(&answer);
        let finished = folder.fetch(&["--continue"], &server.url("/"));
        assert!(finished.code == Some(1) && finished.stderr.contains(want), "{answer}: {}", finished.stderr);
        assert_eq!((folder.read("a"), folder.read("a.http-client-part")), ("old".into(), "0123".into()), "{answer}");
        let seen = server.finish();
        assert!(seen.requests[0].has("Range: bytes=4-") && seen.requests[0].has("If-Range: \"v1\""), "{answer}");
    }
}

#[test]
fn what_is_the_rest_completes_the_file() {
    for (version, answer) in [
        ("\"v1\"", "206 P\r\nETag: \"v1\"\r\nContent-Range: bytes 4-9/10\r\nContent-Length: 6\r\n\r\n456789"),
        ("\"v1\"", "206 P\r\nContent-Range: Bytes 4-9/*\r\nContent-Length: 6\r\n\r\n456789"),
        ("\"v1\"", "206 P\r\nContent-Range: bytes 4-9/10\r\n\r\n456789"),
        ("Sun, 29 Nov 2026 00:00:00 GMT", "206 P\r\nETag: W/\"x\"\r\nContent-Range: bytes 4-9/10\r\n\r\n456789"),
        ("\"v1\"", "200 OK\r\nETag: \"v2\"\r\nContent-Length: 10\r\n\r\n0123456789"),
    ] {
        let folder = Folder::with_part(version);
        let server = saying(&format!("HTTP/1.1 {answer}"));
        let finished = folder.fetch(&["--continue"], &server.url("/"));
        assert_eq!(
            (finished.code, folder.read("a").as_str()),
            (Some(0), "0123456789"),
            "{answer}: {}",
            finished.stderr
        );
        assert_eq!(folder.count(), 1, "{answer}");
        server.finish();
    }
    let folder = Folder::with_part("\"v1\"");
    let server = saying("HTTP/1.1 416 No\r\nContent-Range: bytes */4\r\nContent-Length: 3\r\n\r\nbad");
    let finished = folder.fetch(&["-C"], &server.url("/"));
    assert_eq!((finished.code, folder.read("a").as_str(), folder.count()), (Some(0), "0123", 1), "{}", finished.stderr);
    server.finish();
}

#[test]
fn a_part_is_kept_only_with_a_validator_that_tells_its_bytes_from_all_others() {
    const DATE: &str = "Mon, 30 Nov 2026 00:00:00 GMT";
    for (fields, kept) in [
        ("ETag: \"教\"\r\n".to_owned(), "\"教\""),
        (format!("Last-Modified: {DATE}\r\n"), DATE),
        (format!("Date: Mon, 30 Nov 2026 00:00:01 GMT\r\nLast-Modified: {DATE}\r\n"), DATE),
        (format!("Date: {DATE}\r\nLast-Modified: {DATE}\r\n"), ""),
        (format!("ETag: W/\"v1\"\r\nLast-Modified: {DATE}\r\n"), ""),
        (String::new(), ""),
    ] {
        let folder = Folder::with_old();
        let server = saying(&format!("HTTP/1.1 200 OK\r\n{fields}Content-Length: 10\r\n\r\n0123"));
        let finished = folder.fetch(&[], &server.url("/"));
        assert!(finished.code == Some(1) && finished.stderr.contains("after 4 of 10 bytes"), "{}", finished.stderr);
        assert_eq!((folder.read("a"), folder.read("a.http-client-from")), ("old".into(), kept.into()), "{fields}");
        assert_eq!(folder.count(), if kept.is_empty() { 1 } else { 3 }, "{fields}");
        server.finish();
    }
}

#[test]
fn an_answer_without_the_content_leaves_the_file_alone() {
    for (options, status) in [(&["-I"][..], "200 OK"), (&["-H", "If-None-Match: \"v1\""], "304 Not Modified")] {
        let folder = Folder::with_old();
        let server = saying(&format!("HTTP/1.1 {status}\r\nContent-Length: 10\r\n\r\n"));
        let finished = folder.fetch(options, &server.url("/"));
        assert_eq!((finished.code, folder.read("a").as_str(), folder.count()), (Some(0), "old", 1), "{options:?}");
        server.finish();
    }
}

#[test]
fn a_part_is_a_file_of_its_own_only_for_those_who_ask_for_one() {
    let answer = "HTTP/1.1 206 P\r\nETag: \"v1\"\r\nContent-Range: bytes 2-3/10\r\nContent-Length: 2\r\n\r\n23";
    for (options, code, want) in [(&["-H", "Range: bytes=2-3"][..], 0, "23"), (&[], 1, "old")] {
        let folder = Folder::with_old();
        let server = saying(answer);
        let finished = folder.fetch(options, &server.url("/"));
        assert_eq!((finished.code, folder.read("a").as_str()), (Some(code), want), "{}", finished.stderr);
        assert_eq!(folder.count(), 1);
        server.finish();
    }
}

#[test]
fn two_programs_do_not_write_into_one_part() {
    let folder = Folder::with_part("\"v1\"");
    let other = File::options().write(true).open(folder.path("a.http-client-part")).unwrap();
    other.lock().unwrap();
    let server = Server::start(|_, _| text("new"));
    let finished = folder.fetch(&[], &server.url("/"));
    assert!(finished.stderr.contains("another program is downloading into it"), "{}", finished.stderr);
    drop(other);
    assert_eq!((finished.code, folder.read("a.http-client-part").as_str()), (Some(1), "0123"));
    let finished = folder.fetch(&[], &server.url("/"));
    assert_eq!((finished.code, folder.read("a").as_str(), folder.count()), (Some(0), "new", 1), "{}", finished.stderr);
    server.finish();
}

#[test]
fn a_folder_is_no_file_to_write_to() {
    let folder = tempfile::tempdir().unwrap();
    let want = format!("{}: is a directory\n", folder.path().file_name().unwrap().display());
    let server = Server::start(|_, _| text("new"));
    let finished = run(&["-o", folder.path().to_str().unwrap(), &server.url("/")]);
    assert!(finished.code == Some(1) && finished.stderr.ends_with(&want), "{}", finished.stderr);
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
    server.finish();
}
