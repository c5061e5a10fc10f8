//! Second experiment: a receiver that does not read, and a sender that is told nothing.
//!
//! On the loopback interface no wire loses anything; what overflows there is the receiver's own buffer,
//! which is also the most common loss between real machines. Part of `lesson`. Source: udp(7),
//! RFC 8085 section 3.1 (UDP has no flow control).

use std::io;
use std::time::Duration;

use anyhow::ensure;
use netcommon::cli::print_line;
use netcommon::error::is_timeout;
use netcommon::lang::Lang;
use netcommon::net::UdpSocket;

use super::{ANY_PORT, print};

/// How many datagrams are sent: far more than the buffer holds.
pub const SENT: usize = 1000;

/// The buffer that we ask for, in bytes: as small as systems allow.
const BUFFER_LEN: usize = 4096;

/// When nothing has come for so long, nothing is on its way.
const SILENCE: Duration = Duration::from_millis(200);

/// What became of the datagrams.
#[derive(Debug)]
pub struct Loss {
    /// Sends that reported an error: none, except where the sender's own queue is full.
    pub refused: usize,
    /// The numbers of those that arrived, in the order in which they came.
    pub arrived: Vec<usize>,
}

/// Sends [`SENT`] numbered datagrams to a receiver that reads only afterwards.
///
/// # Errors
/// When a socket fails.
// ANCHOR: observe
pub fn observe() -> io::Result<Loss> {
    let receiver = UdpSocket::bind(ANY_PORT)?;
    receiver.set_recv_buffer_size(BUFFER_LEN)?;
    let sender = UdpSocket::bind(ANY_PORT)?;
    sender.connect(receiver.local_addr()?)?;
    let refused = (1..=SENT).filter(|number| sender.send(number.to_string().as_bytes()).is_err()).count();

    receiver.set_read_timeout(Some(SILENCE))?;
    let mut arrived = Vec::new();
    let mut buffer = [0; 16];
    loop {
        match receiver.recv(&mut buffer) {
            Ok(len) => arrived.extend(parse(&buffer[..len])),
            Err(error) if is_timeout(&error) => return Ok(Loss { refused, arrived }),
            Err(error) => return Err(error),
        }
    }
}
// ANCHOR_END: observe

fn parse(bytes: &[u8]) -> Option<usize> {
    std::str::from_utf8(bytes).ok()?.parse().ok()
}

impl Loss {
    /// Prints what was seen.
    ///
    /// # Errors
    /// When nothing was lost, or when stdout is gone.
    pub fn show(&self, lang: Lang) -> anyhow::Result<()> {
        let (refused, arrived) = (self.refused, self.arrived.len());
        let lost = SENT - refused - arrived;
        ensure!(lost > 0, "nothing was lost this time");
        let last = self.arrived.last().copied().unwrap_or_default();

        match lang {
            Lang::En => {
                print(&["2. Loss: a thousand datagrams to a receiver that is busy elsewhere", ""])?;
                print_line(format_args!("   sent     {SENT:>4}   sends that reported an error: {refused}"))?;
                print_line(format_args!("   arrived  {arrived:>4}   the last one is number {last}"))?;
                print_line(format_args!("   lost     {lost:>4}   nobody was told"))?;
                print(&["", "   The receiver's buffer was full. TCP would have made the sender wait."])?;
            }
            Lang::ZhTw => {
                print(&["2. 遺失：一千個資料包，送給正在忙別的事的接收端", ""])?;
                print_line(format_args!("   送出  {SENT:>4}   回報錯誤的 send：{refused} 次"))?;
                print_line(format_args!("   到達  {arrived:>4}   最後一個是第 {last} 號"))?;
                print_line(format_args!("   遺失  {lost:>4}   沒有任何人接到通知"))?;
                print(&["", "   接收端的緩衝區滿了。換成 TCP，送的人會被要求等一等。"])?;
            }
        }
        Ok(())
    }
}
