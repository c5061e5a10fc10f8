//! https against a server of rustls's own, with good and bad certificates.
//!
//! The certificates lie beside this file; `README.md` says what each is for. Every wait has a deadline.
#![cfg(feature = "tls")]
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};

use netcommon::testing::{DEADLINE, Finished, Program};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

const CLIENT: &str = env!("CARGO_BIN_EXE_http-client");
const CA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/tls/ca.pem");
const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n\xe4\xbd\xa0\xe5\xa5\xbd\n";

type Tls = StreamOwned<ServerConnection, TcpStream>;

/// A server for one connection; `serve` gets the TCP stream.
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

fn secure(stream: TcpStream, certificate: &str, key: &str) -> Tls {
    let chain = vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()];
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(rustls_graviola::default_provider()));
    let config = config.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
    let config = config.with_single_cert(chain, key).unwrap();
    StreamOwned::new(ServerConnection::new(Arc::new(config)).unwrap(), stream)
}

fn good(stream: TcpStream) -> Tls {
    secure(stream, include_str!("good.pem"), include_str!("good.key.pem"))
}

/// Reads a request and sends bytes; a client that refuses the certificate has gone before.
fn answer(mut tls: Tls, bytes: &[u8], says_goodbye: bool) {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && matches!(tls.read(&mut byte), Ok(1)) {
        head.push(byte[0]);
    }
    let _ = tls.write_all(bytes).and_then(|()| tls.flush());
    if says_goodbye {
        tls.conn.send_close_notify();
        let _ = tls.flush();
    }
}

fn fetch(addr: SocketAddr, args: &[&str]) -> Finished {
    let url = format!("https://{addr}/");
    Program::run(CLIENT, &[&["--no-proxy"], args, &[&url]].concat(), "")
}

#[test]
fn a_secure_answer_comes_through_and_its_handshake_is_timed() {
    let (addr, server) = server(|stream| answer(good(stream), ANSWER, true));
    let finished = fetch(addr, &["--ca", CA, "--timing"]);
    assert_eq!((finished.stdout.as_str(), finished.code), ("你好\n", Some(0)), "{}", finished.stderr);
    assert!(finished.stderr.contains("\n       tls "), "{}", finished.stderr);
    server.join().unwrap();
}

#[test]
fn a_certificate_that_is_not_to_be_trusted_is_refused_in_plain_words() {
    let other = (include_str!("other.pem"), include_str!("other.key.pem"));
    let expired = (include_str!("expired.pem"), include_str!("expired.key.pem"));
    let well = (include_str!("good.pem"), include_str!("good.key.pem"));
    for ((certificate, key), args, want) in [
        (well, &[][..], "nobody that we trust vouches for it"),
        (other, &["--ca", CA], "it belongs to another name than the one in the URL"),
        (expired, &["--ca", CA], "it has expired"),
    ] {
        let (addr, server) = server(move |stream| answer(secure(stream, certificate, key), ANSWER, true));
        let finished = fetch(addr, args);
        assert!(finished.code == Some(1) && finished.stderr.contains(want), "{}", finished.stderr);
        assert_eq!(finished.stdout, "");
        server.join().unwrap();
    }
}

#[test]
fn an_end_without_goodbye_may_be_an_attacker_and_is_a_truncation() {
    let (addr, server) = server(|stream| answer(good(stream), b"HTTP/1.1 200 OK\r\n\r\nhalf", false));
    let finished = fetch(addr, &["--ca", CA]);
    assert!(finished.code == Some(1) && finished.stderr.contains("after 4 bytes of content"), "{}", finished.stderr);
    server.join().unwrap();
}

#[test]
fn a_plain_server_on_the_port_is_recognised() {
    let (addr, server) = server(|mut stream| {
        let _ = stream.read(&mut [0; 1024]);
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n").unwrap();
    });
    let finished = fetch(addr, &["--ca", CA]);
    assert!(finished.stderr.contains("does not speak TLS there; is it an http:// port?"), "{}", finished.stderr);
    server.join().unwrap();
}

#[test]
fn a_server_that_never_shakes_hands_ends_at_the_deadline() {
    let (addr, server) = server(|mut stream| while matches!(stream.read(&mut [0; 1024]), Ok(1..)) {});
    let finished = fetch(addr, &["--ca", CA, "--timeout", "2s"]);
    assert!(finished.stderr.contains("within the 2s of --timeout; TLS handshake"), "{}", finished.stderr);
    server.join().unwrap();
}

#[test]
fn a_redirect_to_plain_http_is_not_followed() {
    let (addr, server) = server(|stream| {
        let redirect = b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n";
        answer(good(stream), redirect, true);
    });
    let finished = fetch(addr, &["--ca", CA]);
    assert!(finished.stderr.contains("a redirect from https to http://127.0.0.1:1/"), "{}", finished.stderr);
    server.join().unwrap();
}

#[test]
fn a_proxy_opens_a_tunnel_and_may_refuse_to() {
    for (says, want) in [("200 Fine", "你好\n"), ("407 教室", "")] {
        let (addr, server) = server(move |mut stream| {
            let mut head = Vec::new();
            let mut byte = [0];
            while !head.ends_with(b"\r\n\r\n") && matches!(stream.read(&mut byte), Ok(1)) {
                head.push(byte[0]);
            }
            assert!(head.starts_with(b"CONNECT localhost:443 HTTP/1.1\r\n"), "{}", String::from_utf8_lossy(&head));
            stream.write_all(format!("HTTP/1.1 {says}\r\n\r\n").as_bytes()).unwrap();
            if says.starts_with("200") {
                answer(good(stream), ANSWER, true);
            }
        });
        let mut command = std::process::Command::new(CLIENT);
        command.args(["--ca", CA, "https://localhost/"]).env("https_proxy", addr.to_string()).env_remove("no_proxy");
        let finished = Program::start_command(command.env_remove("NO_PROXY")).wait();
        assert_eq!(finished.stdout, want, "{}", finished.stderr);
        assert!(!want.is_empty() || finished.stderr.contains("the proxy answered 407 教室"), "{}", finished.stderr);
        server.join().unwrap();
    }
}
