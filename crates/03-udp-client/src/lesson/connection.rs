//! Third experiment: a port where nobody listens.
//!
//! TCP's `connect` is a conversation with the other side; UDP's only notes an address, and the refusal
//! comes as an ICMP message after a datagram was sent. Part of `lesson`. Sources: RFC 9293 section
//! 3.10.7.1 (a closed port answers with RST); RFC 1122 section 4.1.3.3 (ICMP reaches the program).

use std::io;
use std::net::SocketAddr;

use anyhow::ensure;
use netcommon::cli::print_line;
use netcommon::lang::Lang;
use netcommon::net::{TcpListener, TcpStream, UdpSocket};

use super::{ANY_PORT, PATIENCE, print};
use crate::datagram::is_port_unreachable;

/// How each call ended.
#[derive(Debug)]
pub struct Refusal {
    /// TCP's connect.
    pub tcp_connect: io::Result<()>,
    /// UDP's connect.
    pub udp_connect: io::Result<()>,
    /// UDP's send after it.
    pub udp_send: io::Result<usize>,
    /// UDP's recv after that.
    pub udp_recv: io::Result<usize>,
}

/// Talks to closed ports.
///
/// # Errors
/// When a socket cannot even be made.
// ANCHOR: observe
pub fn observe() -> io::Result<Refusal> {
    let tcp_connect = TcpStream::connect(closed_tcp_port()?).map(drop);
    let peer = closed_udp_port()?;
    let socket = UdpSocket::bind(ANY_PORT)?;
    socket.set_read_timeout(Some(PATIENCE))?;
    Ok(Refusal {
        tcp_connect,
        udp_connect: socket.connect(peer),
        udp_send: socket.send("你好".as_bytes()),
        udp_recv: socket.recv(&mut [0; 64]),
    })
}
// ANCHOR_END: observe

/// A port that was free a moment ago: bound, and given back.
fn closed_tcp_port() -> io::Result<SocketAddr> {
    TcpListener::bind(ANY_PORT)?.local_addr()
}

fn closed_udp_port() -> io::Result<SocketAddr> {
    UdpSocket::bind(ANY_PORT)?.local_addr()
}

impl Refusal {
    /// Prints what was seen.
    ///
    /// # Errors
    /// When TCP connected, or UDP's refusal did not come as late as it should; or when stdout is gone.
    pub fn show(&self, lang: Lang) -> anyhow::Result<()> {
        ensure!(self.tcp_connect.is_err(), "TCP connected to a closed port");
        ensure!(self.udp_connect.is_ok() && self.udp_send.is_ok(), "UDP was refused before it had sent anything");
        ensure!(self.udp_recv.as_ref().is_err_and(is_port_unreachable), "no ICMP message came back; is it filtered?");

        print(&[lang.pick("3. No connection: a port where nobody listens", "3. 沒有連線：沒有程式在聽的埠"), ""])?;
        print_line(format_args!("   TCP  connect  {}", outcome(&self.tcp_connect, lang)))?;
        print_line(format_args!("   UDP  connect  {}", outcome(&self.udp_connect, lang)))?;
        print_line(format_args!("        send     {}", outcome(&self.udp_send, lang)))?;
        print_line(format_args!("        recv     {}", outcome(&self.udp_recv, lang)))?;
        print(&[""])?;
        match lang {
            Lang::En => print(&[
                "   TCP asks before it sends. UDP sends, and may hear afterwards, by ICMP,",
                "   that nobody was there; where ICMP is filtered it hears nothing at all.",
            ])?,
            Lang::ZhTw => print(&[
                "   TCP 先問再送。UDP 直接送，事後也許才由 ICMP 得知那裡沒有人；",
                "   ICMP 被過濾掉的話，就什麼也聽不到。",
            ])?,
        }
        Ok(())
    }
}

fn outcome<T>(result: &io::Result<T>, lang: Lang) -> String {
    match result {
        Ok(_) => lang.pick("done", "成功").to_owned(),
        Err(error) => error.to_string(),
    }
}
