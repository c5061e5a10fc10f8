//! The framing over a real connection: loopback, port 0, a deadline on every wait.
//!
//! The logic is tested where it lives (`src/framing/tests/`); here is what only a socket can show:
//! what a read timeout looks like on this system, and that both ends understand each other.

use std::error::Error;
use std::io::Write;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::time::Duration;

use netcommon::framing::{Framing, Limits, MessageReader, encode, write_message};

/// Far more than loopback needs, so that a hang fails instead of hanging.
const DEADLINE: Duration = Duration::from_secs(10);

fn connected_pair() -> Result<(TcpStream, TcpStream), Box<dyn Error>> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let client = TcpStream::connect(listener.local_addr()?)?;
    let (server, _) = listener.accept()?;
    client.set_nodelay(true)?;
    server.set_read_timeout(Some(DEADLINE))?;
    Ok((client, server))
}

#[test]
fn messages_sent_byte_by_byte_arrive_whole() -> Result<(), Box<dyn Error>> {
    for framing in [Framing::Lines, Framing::Length] {
        let (mut client, server) = connected_pair()?;
        let mut reader = MessageReader::new(&server, framing, Limits::default());
        let mut wire = Vec::new();
        for text in ["早安，小明", "", "bob"] {
            encode(framing, text.as_bytes(), &mut wire)?;
        }
        for byte in wire {
            client.write_all(&[byte])?;
        }
        client.shutdown(Shutdown::Write)?;
        assert_eq!(reader.read_message()?, Some("早安，小明".as_bytes()), "{framing}");
        assert_eq!(reader.read_message()?, Some(&b""[..]));
        assert_eq!(reader.read_message()?, Some(&b"bob"[..]));
        assert_eq!(reader.read_message()?, None);
    }
    Ok(())
}

#[test]
fn a_read_timeout_in_mid_message_loses_nothing() -> Result<(), Box<dyn Error>> {
    let (mut client, server) = connected_pair()?;
    let mut reader = MessageReader::new(&server, Framing::Lines, Limits::default());
    client.write_all(&"早安\n".as_bytes()[..4])?;
    server.set_read_timeout(Some(Duration::from_millis(20)))?;
    let error = reader.read_message().expect_err("the line has no end yet");
    assert!(error.is_timeout(), "{error:?}");
    server.set_read_timeout(Some(DEADLINE))?;
    client.write_all(&"早安\n".as_bytes()[4..])?;
    assert_eq!(reader.read_message()?, Some("早安".as_bytes()));
    Ok(())
}

#[test]
fn closing_inside_a_message_says_how_much_had_come() -> Result<(), Box<dyn Error>> {
    let (mut client, server) = connected_pair()?;
    let mut reader = MessageReader::new(&server, Framing::Length, Limits::default());
    write_message(&mut client, Framing::Length, "你好".as_bytes())?;
    client.write_all(b"\0\0\0\x0cabc")?;
    drop(client);
    assert_eq!(reader.read_message()?, Some("你好".as_bytes()));
    let error = reader.read_message().expect_err("nine bytes are missing");
    assert_eq!(error.to_string(), "peer closed after 3 of 12 bytes");
    Ok(())
}
