//! The loop that receives: a socket, a folder, a clock and the receiver's state machine.
//!
//! ```text
//! thread "main"      waits until a datagram comes or the state machine's deadline is there; woken by the token
//! thread "disk"      writes, hashes and syncs (started and joined by `DiskStore`)
//! thread "ctrl-c"    waits for a signal       advances the token (made by the ctrlc crate)
//! ```
//! It decides nothing: read `receiver/mod.rs` before, and `socket.rs`.

use std::net::SocketAddr;
use std::ops::Range;
use std::thread;
use std::time::Duration;

use netcommon::error::OpError;
use netcommon::net::UdpSocket;
use netcommon::shutdown::Shutdown;

use crate::file::Store;
use crate::receiver::Receiver;
use crate::report::{Report, Totals};
use crate::send::random;
use crate::socket::Endpoint;

/// How often the disk is asked for verdicts while it checks a file.
const DISK_LOOK: Duration = Duration::from_millis(5);

/// How often progress is told.
const PROGRESS_EVERY: Duration = Duration::from_millis(100);

/// When datagrams come this fast, a nap lets some gather: to be woken costs more than a datagram does. It is short
/// beside any round trip that is worth a window.
const NAP: Duration = Duration::from_micros(250);

/// So much must have come at one go before there is a nap: fewer bytes are a question that waits for its answer, and of
/// more the kernel's buffer would overflow meanwhile.
const NAP_BYTES: Range<usize> = 4 * 1024..32 * 1024;

/// Receives into `store` until `shutdown` drains, or with `once` until one session has ended; returns what was
/// counted for all sessions.
///
/// Blocks. A sender that is silent for `timeout` is given up, and what has come is kept for the next time.
///
/// # Errors
/// The socket fails. A file or a session that fails is told and counted, and is no error.
pub fn run(
    socket: UdpSocket,
    store: &mut dyn Store,
    timeout: Duration,
    once: bool,
    shutdown: &Shutdown,
    tell: &mut dyn FnMut(&Report),
) -> Result<Totals, OpError> {
    let broken = |operation| move |error| OpError::new(operation, "the socket", error);
    let mut endpoint = Endpoint::new(socket).map_err(broken("prepare"))?;
    shutdown.wake_on_drain(endpoint.waker());
    let mut receiver = Receiver::new(secret(), timeout);
    let mut tally = Tally { tell, totals: Totals::default(), ended: 0, next_progress: Duration::ZERO };
    let (mut out, mut came) = (Vec::new(), 0);
    loop {
        let receive = |now, from: SocketAddr, datagram: &[u8]| {
            came += datagram.len();
            receiver.receive(now, from, datagram, store);
        };
        let more = endpoint.receive(receive).map_err(broken("receive from"))?;
        let now = endpoint.now();
        receiver.tick(now, store);
        let stops = shutdown.is_draining();
        if stops {
            receiver.stop(now, "the receiver was stopped; the same command again goes on from here", store);
        }
        while let Some(to) = receiver.transmit(now, &mut out) {
            endpoint.send(to, &out, out.len()).map_err(broken("send on"))?;
            out.clear();
        }
        tally.tell_all(&mut receiver, now);
        if stops || once && tally.ended > 0 {
            return Ok(tally.totals);
        }
        if !more {
            let mut deadline = receiver.deadline();
            if receiver.is_checking() {
                deadline = deadline.map(|deadline| deadline.min(now + DISK_LOOK));
            }
            endpoint.wait(deadline).map_err(broken("wait on"))?;
            if NAP_BYTES.contains(&std::mem::take(&mut came)) && endpoint.now() < now + NAP {
                thread::sleep(NAP);
            }
        }
    }
}

/// Counts all sessions together, and passes their reports on.
struct Tally<'a> {
    tell: &'a mut dyn FnMut(&Report),
    totals: Totals,
    ended: u32,
    next_progress: Duration,
}

impl Tally<'_> {
    fn tell_all(&mut self, receiver: &mut Receiver, now: Duration) {
        while let Some(report) = receiver.report() {
            if let Report::SessionEnded { totals, .. } = &report {
                self.ended += 1;
                self.add(totals);
            }
            (self.tell)(&report);
        }
        if now >= self.next_progress {
            self.next_progress = now + PROGRESS_EVERY;
            for (session, totals) in receiver.totals(now) {
                (self.tell)(&Report::Progress { session, totals });
            }
        }
    }

    fn add(&mut self, session: &Totals) {
        let totals = &mut self.totals;
        totals.elapsed += session.elapsed;
        totals.files_done += session.files_done;
        totals.files_failed += session.files_failed;
        totals.bytes_done += session.bytes_done;
        totals.bytes_total += session.bytes_total;
        totals.datagrams_sent += session.datagrams_sent;
        totals.bytes_sent += session.bytes_sent;
        totals.datagrams_received += session.datagrams_received;
        totals.datagrams_refused += session.datagrams_refused;
        totals.duplicates += session.duplicates;
    }
}

fn secret() -> [u8; 32] {
    let mut secret = [0; 32];
    secret.chunks_exact_mut(8).for_each(|chunk| chunk.copy_from_slice(&random().to_be_bytes()));
    secret
}
