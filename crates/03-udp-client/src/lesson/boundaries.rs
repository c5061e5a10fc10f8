//! First experiment: the same three messages, as a stream and as datagrams.
//!
//! All three are sent before the first receive, so what TCP glues and cuts does not depend on luck. Part
//! of `lesson`. Sources: RFC 9293 section 3.8 (a stream of bytes); RFC 768.

use std::io::{self, Read, Write};
use std::net;
use std::time::Instant;

use anyhow::ensure;
use netcommon::cli::print_line;
use netcommon::escape::escape;
use netcommon::lang::Lang;
use netcommon::net::{TcpListener, TcpStream, UdpSocket};

use super::{ANY_PORT, PATIENCE, print};
use crate::datagram::receive;

/// What is sent: 6, 15 and 6 bytes.
pub const MESSAGES: [&str; 3] = ["你好", "今天天氣好", "再見"];

/// Room for one receive: enough for each message, not for two; and it ends inside a character.
const ROOM: usize = 16;

/// Too little room for the second message.
const SMALL_ROOM: usize = 8;

/// What each receive returned.
#[derive(Debug)]
pub struct Boundaries {
    /// TCP's reads.
    pub reads: Vec<Vec<u8>>,
    /// UDP's datagrams.
    pub datagrams: Vec<Vec<u8>>,
    /// What is left of the second message in too small a buffer.
    pub cut: Vec<u8>,
}

/// Sends the messages both ways and receives them.
///
/// # Errors
/// When a socket fails.
pub fn observe() -> io::Result<Boundaries> {
    let (datagrams, cut) = over_udp()?;
    Ok(Boundaries { reads: over_tcp()?, datagrams, cut })
}

fn over_tcp() -> io::Result<Vec<Vec<u8>>> {
    let listener = TcpListener::bind(ANY_PORT)?;
    let mut sender = TcpStream::connect(listener.local_addr()?)?;
    let (mut receiver, _) = listener.accept()?;
    for message in MESSAGES {
        sender.write_all(message.as_bytes())?;
    }
    sender.shutdown(net::Shutdown::Write)?;
    wait_for_all(&receiver)?;

    let mut reads = Vec::new();
    let mut buffer = [0; ROOM];
    loop {
        match receiver.read(&mut buffer)? {
            0 => return Ok(reads),
            len => reads.push(buffer[..len].to_vec()),
        }
    }
}

// ANCHOR: over-udp
fn over_udp() -> io::Result<(Vec<Vec<u8>>, Vec<u8>)> {
    let sender = UdpSocket::bind(ANY_PORT)?;
    let receiver = UdpSocket::bind(ANY_PORT)?;
    sender.connect(receiver.local_addr()?)?;
    receiver.set_read_timeout(Some(PATIENCE))?;
    for message in MESSAGES {
        sender.send(message.as_bytes())?;
    }

    let mut datagrams = Vec::new();
    let mut buffer = [0; ROOM + 1];
    for _ in MESSAGES {
        datagrams.push(receive(&receiver, &mut buffer)?.bytes.to_vec());
    }
    sender.send(MESSAGES[1].as_bytes())?;
    let cut = receive(&receiver, &mut buffer[..SMALL_ROOM + 1])?.bytes.to_vec();
    Ok((datagrams, cut))
}
// ANCHOR_END: over-udp

/// Waits until all bytes lie in the receiver's buffer, so that the reads show TCP and not the scheduler.
fn wait_for_all(receiver: &TcpStream) -> io::Result<()> {
    let total = MESSAGES.iter().map(|message| message.len()).sum();
    let mut buffer = vec![0; total];
    let deadline = Instant::now() + PATIENCE;
    while receiver.as_std().peek(&mut buffer)? < total {
        if Instant::now() >= deadline {
            return Err(io::ErrorKind::TimedOut.into());
        }
        std::thread::yield_now();
    }
    Ok(())
}

impl Boundaries {
    /// Prints what was seen.
    ///
    /// # Errors
    /// When TCP kept the boundaries or UDP did not, or when stdout is gone.
    pub fn show(&self, lang: Lang) -> anyhow::Result<()> {
        ensure!(self.reads.concat() == MESSAGES.concat().as_bytes(), "TCP lost bytes");
        ensure!(self.reads.len() != MESSAGES.len(), "TCP kept the boundaries this time");
        ensure!(self.datagrams.iter().map(Vec::as_slice).eq(MESSAGES.map(str::as_bytes)), "UDP lost a boundary");

        print_line(format_args!(
            "{}",
            lang.pick(
                "1. Boundaries: three sends; each receive has room for 16 bytes",
                "1. 邊界：送三次；每次接收有 16 個位元組的空間"
            ),
        ))?;
        print(&[""])?;
        show_rows(lang.pick("sent", "送出"), MESSAGES.iter().map(|message| message.as_bytes()), lang)?;
        show_rows("TCP ", self.reads.iter().map(Vec::as_slice), lang)?;
        show_rows("UDP ", self.datagrams.iter().map(Vec::as_slice), lang)?;
        print(&[""])?;
        let (cut, lost) = (escape(&self.cut), MESSAGES[1].len() - self.cut.len());
        match lang {
            Lang::En => {
                print(&[
                    "   TCP keeps the order of the bytes and forgets the sends: here it glued two,",
                    "   and cut inside a character. UDP keeps every send whole.",
                ])?;
                print_line(format_args!(
                    "   With room for {SMALL_ROOM} bytes UDP gives {cut} and throws {lost} bytes away."
                ))?;
            }
            Lang::ZhTw => {
                print(&[
                    "   TCP 保住位元組的順序，忘了當初分幾次送：黏在一起，還切在字的中間。",
                    "   UDP 讓每次送出的內容保持完整。",
                ])?;
                print_line(format_args!(
                    "   空間只有 {SMALL_ROOM} 個位元組時，UDP 給 {cut}，其餘 {lost} 個位元組就丟掉了。"
                ))?;
            }
        }
        Ok(())
    }
}

fn show_rows<'a>(label: &str, rows: impl Iterator<Item = &'a [u8]>, lang: Lang) -> anyhow::Result<()> {
    for (index, bytes) in rows.enumerate() {
        let label = if index == 0 { label } else { "    " };
        let (number, len, text) = (index + 1, bytes.len(), escape(bytes));
        match lang {
            Lang::En => print_line(format_args!("   {label}  {number}: {len:>2} bytes  {text}"))?,
            Lang::ZhTw => print_line(format_args!("   {label}  {number}：{len:>2} 個位元組  {text}"))?,
        }
    }
    Ok(())
}
