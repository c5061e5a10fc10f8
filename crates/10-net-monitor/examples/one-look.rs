//! What one look at many sockets costs, beside the same dump received and thrown away.
//!
//! Opens its own connections on the loopback interface and takes turns: a raw dump, a look. Needs two descriptors for
//! each connection (`ulimit -n 20000`). For measuring only: `scripts/bench/net-monitor/watch` builds and runs it.

use std::error::Error;

#[cfg(target_os = "linux")]
fn main() -> Result<(), Box<dyn Error>> {
    linux::main()
}

#[cfg(not(target_os = "linux"))]
fn main() -> Result<(), Box<dyn Error>> {
    Err("only Linux has sockets to look at".into())
}

#[cfg(target_os = "linux")]
mod linux {
    use std::error::Error;
    use std::io::{Write, stdout};
    use std::net::{TcpListener, TcpStream};
    use std::time::{Duration, Instant};

    use net_monitor::kernel::diag::{Family, States, dump_request};
    use net_monitor::kernel::filter::either_port;
    use net_monitor::kernel::netlink::{DONE, Messages};
    use net_monitor::kernel::sock_diag::Asker;
    use rustix::net::netlink::{SOCK_DIAG, SocketAddrNetlink};
    use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, bind, recv, send, socket_with};

    pub(super) fn main() -> Result<(), Box<dyn Error>> {
        let number = |index, default| std::env::args().nth(index).map_or(Ok(default), |text| text.parse::<usize>());
        let (connections, rounds) = (number(1, 5000)?, number(2, 51)?);
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let port = listener.local_addr()?.port();
        let mut held = Vec::new();
        for _ in 0..connections {
            held.push((TcpStream::connect(listener.local_addr()?)?, listener.accept()?));
        }
        let mut asker = Asker::open()?;
        let (filter, nobody) = (either_port(&[port]), either_port(&[1]));
        let [mut raw, mut all, mut ours, mut none] = [const { Vec::new() }; 4];
        for _ in 0..rounds {
            raw.push(timed(raw_dump)?.0);
            all.push(look(&mut asker, &[])?.0);
            let (took, seen) = look(&mut asker, &filter)?;
            assert!(seen > 2 * connections, "{seen} of {} sockets", 2 * connections + 1);
            ours.push(took);
            none.push(look(&mut asker, &nobody)?.0);
        }
        let base = median(&mut raw);
        let mut out = stdout().lock();
        writeln!(out, "{} sockets, median of {rounds}: raw dump {base:.2?}", 2 * connections + 1)?;
        for (what, times) in [("look at all", &mut all), ("watched port has all", &mut ours), ("has none", &mut none)] {
            let time = median(times);
            writeln!(out, "  {what}: {time:.2?}, {:.2} of the raw dump", time.as_secs_f64() / base.as_secs_f64())?;
        }
        Ok(())
    }

    fn timed<T>(work: impl FnOnce() -> Result<T, Box<dyn Error>>) -> Result<(Duration, T), Box<dyn Error>> {
        let start = Instant::now();
        let result = work()?;
        Ok((start.elapsed(), result))
    }

    fn look(asker: &mut Asker, filter: &[u8]) -> Result<(Duration, usize), Box<dyn Error>> {
        timed(|| {
            let mut seen = 0;
            asker.look(filter, |_| seen += 1)?;
            Ok(seen)
        })
    }

    /// Both families, every byte received, nothing read but where a message ends.
    fn raw_dump() -> Result<(), Box<dyn Error>> {
        let socket = socket_with(AddressFamily::NETLINK, SocketType::RAW, SocketFlags::CLOEXEC, Some(SOCK_DIAG))?;
        bind(&socket, &SocketAddrNetlink::new(0, 0))?;
        let mut buffer = vec![0; 64 * 1024];
        for family in [Family::V4, Family::V6] {
            send(&socket, &dump_request(family, States::ALIVE, &[], 1), SendFlags::empty())?;
            loop {
                let (_, len) = recv(&socket, &mut buffer[..], RecvFlags::empty())?;
                // The end is a datagram of its own.
                if Messages::new(&buffer[..len]).next().is_none_or(|first| first.is_ok_and(|first| first.kind == DONE))
                {
                    break;
                }
            }
        }
        Ok(())
    }

    fn median(times: &mut [Duration]) -> Duration {
        times.sort_unstable();
        times[times.len() / 2]
    }
}
