//! The echo server that tokio's tutorials show: a task for each connection, a buffer for each task.
//!
//! A peer of `scripts/bench/event-server`, which builds it in a scratch folder; the buffer's size is the
//! tutorials' 8 KiB, TCP_NODELAY and the backlog are as ours.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

const PREFIX: &[u8] = b"Server received: ";

async fn serve(mut stream: TcpStream) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut buffer = vec![0; PREFIX.len() + 8 * 1024];
    buffer[..PREFIX.len()].copy_from_slice(PREFIX);
    loop {
        let len = stream.read(&mut buffer[PREFIX.len()..]).await?;
        if len == 0 {
            return Ok(());
        }
        stream.write_all(&buffer[..PREFIX.len() + len]).await?;
    }
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let addr: SocketAddr = std::env::args().nth(1).and_then(|addr| addr.parse().ok()).expect("usage: tcp-tokio ADDR:PORT");
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(addr)?;
    let listener = socket.listen(4096)?;
    println!("Server listening on {}", listener.local_addr()?);
    loop {
        if let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream));
        }
    }
}
