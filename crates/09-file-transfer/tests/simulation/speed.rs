//! How fast each algorithm is on one link, in virtual time: what the chapter's table says, without a clock.
//!
//! 20 Mbit/s, 20 ms there and back, and losses that no queue is to blame for. Read `world.rs` before.

use std::time::Duration;

use file_transfer::congestion::{Aimd, Bbr, Congestion, Fixed};
use file_transfer::sender::Options;

use crate::chance::Chance;
use crate::link::Weather;
use crate::memory::Memory;
use crate::world::{TIMEOUT, World};

/// Bytes a second.
const RATE: u64 = 2_500_000;

/// What a session got of the link in percent, bytes sent in percent of the file, and the mean round trip.
fn share(congestion: Congestion, loss: u64) -> (u64, u64, Duration) {
    let weather = Weather { loss, delay: [Duration::from_millis(10); 2], rate: RATE, ..crate::calm() };
    let len = 4_000_000;
    let source = Memory { files: vec![("大檔.bin".to_owned(), vec![5; len])] };
    let options =
        Options { congestion, pacing: true, sack: true, timeout: TIMEOUT, datagram_len_max: 1_472, trace: false };
    let mut world = World::new(weather, Chance::new(9), source, options);
    let (totals, failure) = world.run().ended.unwrap();
    assert_eq!(failure, None);
    let ideal = len as f64 / RATE as f64;
    let share = (ideal / totals.elapsed.as_secs_f64() * 100.0) as u64;
    (share, totals.bytes_sent * 100 / len as u64, world.srtt_sum / world.steps)
}

fn bbr() -> Congestion {
    Congestion::Bbr(Box::new(Bbr::new(3)))
}

#[test]
fn bbr_keeps_the_link_full_although_datagrams_are_lost() {
    for (loss, want) in [(0, 85), (10, 80), (50, 75), (100, 65)] {
        let (got, sent, _) = share(bbr(), loss);
        assert!(got >= want, "{loss} of 1,000 lost: {got} % of the link");
        assert!(sent <= 104 + loss / 8, "{loss} of 1,000 lost: {sent} bytes sent for 100 of the file");
    }
}

#[test]
fn bbr_adds_less_than_a_round_trip_of_queue() {
    let (.., rtt) = share(bbr(), 0);
    assert!(rtt <= Duration::from_millis(30), "a round trip of 20 ms has become one of {rtt:?} on average");
    let (.., rtt) = share(Congestion::Aimd(Aimd::default()), 0);
    assert!(rtt >= Duration::from_millis(40), "what fills the queue must show here: {rtt:?}");
}

#[test]
fn aimd_takes_losses_for_a_full_queue() {
    let (clean, ..) = share(Congestion::Aimd(Aimd::default()), 0);
    let (lossy, ..) = share(Congestion::Aimd(Aimd::default()), 50);
    assert!(clean >= 80 && lossy < clean / 3, "{clean} % without losses, {lossy} % with 5 % of them");
}

#[test]
fn a_window_of_one_is_stop_and_wait() {
    let (got, ..) = share(Congestion::Fixed(Fixed::new(1)), 0);
    // One datagram of 1,436 bytes in each round trip of 20 ms, and the receiver's wait for more.
    assert!((1..=3).contains(&got), "{got} %");
}
