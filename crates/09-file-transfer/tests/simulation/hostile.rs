//! Peers that lie, repeat, flood and vanish: nothing is written that was not sent, and nothing grows.
//!
//! The datagrams are made by hand here, with checksums that are right; the simulation's storms damage them
//! at random. Read `world.rs` before.

use std::net::SocketAddr;
use std::time::Duration;

use file_transfer::file::{Digest, Offer, Session};
use file_transfer::receiver::{Receiver, SESSIONS_MAX, SESSIONS_PER_ADDRESS_MAX};
use file_transfer::report::Report;
use file_transfer::sender::Sender;
use file_transfer::wire::{Ack, BASE_LEN, Cookie, Datagram, decode, encode};

use crate::chance::Chance;
use crate::memory::{Memory, Shelf, digest};
use crate::world::{self, TIMEOUT, World, addr};

const NOW: Duration = Duration::from_secs(1);

/// A receiver, its shelf, and what it answers.
struct Target {
    receiver: Receiver,
    shelf: Shelf,
}

impl Target {
    fn new() -> Self {
        Self { receiver: Receiver::new([7; 32], TIMEOUT), shelf: Shelf::default() }
    }

    /// Sends one datagram; returns the answers with their receivers.
    fn tell(
        &mut self,
        now: Duration,
        from: SocketAddr,
        session: u64,
        datagram: &Datagram<'_>,
    ) -> Vec<(SocketAddr, Vec<u8>)> {
        let mut bytes = Vec::new();
        encode(&mut bytes, Session(session), datagram);
        self.tell_bytes(now, from, &bytes)
    }

    fn tell_bytes(&mut self, now: Duration, from: SocketAddr, bytes: &[u8]) -> Vec<(SocketAddr, Vec<u8>)> {
        self.receiver.receive(now, from, bytes, &mut self.shelf);
        self.receiver.tick(now, &mut self.shelf);
        let mut answers = Vec::new();
        let mut out = Vec::new();
        while let Some(to) = self.receiver.transmit(now, &mut out) {
            answers.push((to, std::mem::take(&mut out)));
        }
        answers
    }

    fn cookie(&mut self, now: Duration, from: SocketAddr, session: u64) -> Cookie {
        let answers = self.tell(now, from, session, &Datagram::Hello);
        match decode(&answers[0].1).unwrap().datagram {
            Datagram::Cookie(cookie) => cookie,
            other => panic!("{other:?}"),
        }
    }

    /// Opens a session with one file of `size` bytes.
    fn open(&mut self, from: SocketAddr, session: u64, size: u64) -> Cookie {
        let cookie = self.cookie(NOW, from, session);
        let answers = self.tell(NOW, from, session, &offer(cookie, session, size));
        assert!(matches!(decode(&answers[0].1).unwrap().datagram, Datagram::Answer { .. }));
        cookie
    }

    fn sessions(&self) -> usize {
        self.receiver.totals(NOW).count()
    }
}

fn offer(cookie: Cookie, session: u64, size: u64) -> Datagram<'static> {
    let offer = Offer { name: format!("檔{session}.bin"), size, modified_ns: 0 };
    Datagram::Offer { cookie, files: 1, index: 0, afresh: false, offer }
}

fn data(number: u32, index: u32, offset: u64, bytes: &[u8]) -> Datagram<'_> {
    Datagram::Data { number, floor: 0, index, offset, bytes }
}

fn at(host: u8, port: u16) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, host], port))
}

#[test]
fn a_stranger_gets_no_more_than_it_sent_and_leaves_nothing() {
    let mut target = Target::new();
    for datagram in [
        Datagram::Hello,
        offer([9; 16], 1, 10),
        data(0, 0, 0, b"x"),
        data(0, 0, 0, &[7; 1_000]),
        Datagram::Probe { number: 0, floor: 0 },
        Datagram::Ack(Ack { ranges: vec![0..=5], delay_us: 0 }),
        Datagram::Finish { index: 0, digest: Digest([0; 32]) },
        Datagram::Bye { done: true, reason: String::new() },
    ] {
        let mut bytes = Vec::new();
        encode(&mut bytes, Session(1), &datagram);
        let answered: usize = target.tell_bytes(NOW, addr(), &bytes).iter().map(|(_, bytes)| bytes.len()).sum();
        assert!(answered <= bytes.len(), "{answered} bytes for {datagram:?}");
    }
    let mut short = Vec::new();
    encode(&mut short, Session(1), &Datagram::Hello);
    assert_eq!(target.tell_bytes(NOW, addr(), &short[..BASE_LEN - 1]), [], "a greeting that was cut");
    assert_eq!(target.sessions(), 0);
}

#[test]
fn a_cookie_of_another_address_opens_nothing() {
    let mut target = Target::new();
    let cookie = target.cookie(NOW, at(1, 5_000), 1);
    target.tell(NOW, at(2, 5_000), 1, &offer(cookie, 1, 10));
    target.tell(NOW, at(1, 5_001), 1, &offer(cookie, 1, 10));
    assert_eq!(target.sessions(), 0);
    target.tell(NOW, at(1, 5_000), 1, &offer(cookie, 1, 10));
    assert_eq!(target.sessions(), 1);
}

#[test]
fn who_knows_the_number_but_is_elsewhere_changes_nothing() {
    let mut target = Target::new();
    target.open(at(1, 5_000), 1, 4);
    assert_eq!(target.tell(NOW, at(2, 5_000), 1, &data(0, 0, 0, b"evil")), []);
    target.tell(NOW, at(2, 5_000), 1, &Datagram::Bye { done: true, reason: String::new() });
    assert_eq!(target.sessions(), 1);
    target.tell(NOW, at(1, 5_000), 1, &data(0, 0, 0, b"good"));
    target.tell(NOW, at(1, 5_000), 1, &Datagram::Finish { index: 0, digest: digest(b"good") });
    assert_eq!(target.shelf.files["檔1.bin"], b"good");
}

#[test]
fn a_byte_that_came_is_never_written_again_and_none_behind_the_end() {
    let mut target = Target::new();
    target.open(addr(), 1, 6);
    // The shelf itself refuses both; here they come in every way that a liar or a slow path can send them.
    for (number, (offset, bytes)) in
        [(0, &b"abc"[..]), (0, b"xyz"), (2, b"XXd"), (5, b"fgh"), (6, b"z"), (u64::MAX - 8, b"z")]
            .into_iter()
            .enumerate()
    {
        target.tell(NOW, addr(), 1, &data(u32::try_from(number).unwrap(), 0, offset, bytes));
    }
    target.tell(NOW, addr(), 1, &data(9, 7, 0, b"of a file that was never offered"));
    target.tell(NOW, addr(), 1, &data(10, 0, 5, b"f"));
    target.tell(NOW, addr(), 1, &Datagram::Finish { index: 0, digest: digest(b"abcXdf") });
    assert_eq!(target.shelf.files["檔1.bin"], b"abcXdf");
}

#[test]
fn holes_beyond_the_bound_are_not_taken_and_not_acknowledged() {
    let mut target = Target::new();
    target.open(addr(), 1, 1 << 25);
    for number in 0..20_000_u32 {
        for (_, answer) in target.tell(NOW, addr(), 1, &data(number, 0, u64::from(number) * 1_000 + 1, b"x")) {
            assert!(answer.len() <= BASE_LEN);
        }
    }
    let (_, totals) = target.receiver.totals(NOW).next().unwrap();
    assert!((4_000..=4_100).contains(&totals.bytes_done), "{totals:?}");
    assert!(totals.datagrams_refused > 15_000);
}

#[test]
fn a_session_that_has_ended_is_not_opened_again_by_a_repeated_offer() {
    let mut target = Target::new();
    let cookie = target.open(addr(), 1, 4);
    target.tell(NOW, addr(), 1, &data(0, 0, 0, b"good"));
    target.tell(NOW, addr(), 1, &Datagram::Finish { index: 0, digest: digest(b"good") });
    target.tell(NOW, addr(), 1, &Datagram::Bye { done: true, reason: String::new() });
    assert_eq!(target.tell(NOW, addr(), 1, &offer(cookie, 1, 4)), []);
    assert_eq!(target.sessions(), 0);
    // But who has not heard the last verdict is told once more.
    let answers = target.tell(NOW, addr(), 1, &Datagram::Finish { index: 0, digest: digest(b"good") });
    assert!(matches!(decode(&answers[0].1).unwrap().datagram, Datagram::Verdict { .. }));
}

#[test]
fn a_sender_that_vanishes_is_forgotten_and_its_places_are_free_again() {
    let mut target = Target::new();
    for session in 0..SESSIONS_PER_ADDRESS_MAX as u64 {
        target.open(at(1, 5_000), session, 10);
    }
    let refused = |target: &mut Target, now, from, session| {
        let cookie = target.cookie(now, from, session);
        let answers = target.tell(now, from, session, &offer(cookie, session, 10));
        matches!(decode(&answers[0].1).unwrap().datagram, Datagram::Bye { done: false, .. })
    };
    assert!(refused(&mut target, NOW, at(1, 6_000), 900), "one address, all its places");
    for session in 0..SESSIONS_PER_ADDRESS_MAX as u64 {
        assert!(!refused(&mut target, NOW, at(2, 5_000), 1_000 + session));
    }
    assert_eq!(target.sessions(), SESSIONS_MAX);
    assert!(refused(&mut target, NOW, at(3, 5_000), 2_000), "all places");
    let later = NOW + TIMEOUT + Duration::from_millis(1);
    target.receiver.tick(later, &mut target.shelf);
    assert_eq!(target.sessions(), 0);
    let ends = std::iter::from_fn(|| target.receiver.report());
    let silent = |report: &Report| matches!(report, Report::SessionEnded { failure: Some(why), .. } if why.contains("nothing from"));
    assert_eq!(ends.filter(silent).count(), SESSIONS_MAX);
    assert!(!refused(&mut target, later, at(3, 5_000), 2_001));
}

#[test]
fn a_sender_that_was_killed_and_comes_back_goes_on_at_once() {
    let mut target = Target::new();
    target.open(at(1, 5_000), 1, 8);
    target.tell(NOW, at(1, 5_000), 1, &data(0, 0, 0, b"half"));
    let again = NOW + Duration::from_secs(2);
    let cookie = target.cookie(again, at(1, 5_001), 2);
    let offer = offer(cookie, 1, 8);
    assert_eq!(target.tell(again, at(1, 5_001), 2, &offer), [], "the disk lets go of it first");
    let answers = target.tell(again, at(1, 5_001), 2, &offer);
    let answer = decode(&answers[0].1).unwrap().datagram;
    assert!(
        matches!(answer, Datagram::Answer { answer: file_transfer::file::Answer::Send { from: 4 }, .. }),
        "{answer:?}"
    );
}

/// A sender that has one file on its way, and hears this.
fn sender_hears(datagram: &Datagram<'_>) -> (Sender, Memory) {
    let mut source = Memory { files: vec![("信.txt".to_owned(), vec![1; 50_000])] };
    let mut sender = Sender::new(Session(1), addr(), source.offers(), world::options(2));
    let hear = |sender: &mut Sender, source: &mut Memory, datagram: &Datagram<'_>| {
        let mut out = Vec::new();
        while sender.transmit(NOW, source, &mut out).is_some() {}
        out.clear();
        encode(&mut out, Session(1), datagram);
        sender.receive(NOW, &out, source);
    };
    hear(&mut sender, &mut source, &Datagram::Cookie([1; 16]));
    let answer = file_transfer::file::Answer::Send { from: 0 };
    hear(&mut sender, &mut source, &Datagram::Answer { index: 0, answer });
    hear(&mut sender, &mut source, datagram);
    (sender, source)
}

#[test]
fn an_ack_for_what_was_never_sent_and_a_verdict_too_early_are_refused() {
    for datagram in [
        Datagram::Ack(Ack { ranges: vec![0..=4_000_000], delay_us: 0 }),
        Datagram::Verdict { index: 0, verdict: file_transfer::file::Verdict::Complete },
        Datagram::Verdict { index: 9, verdict: file_transfer::file::Verdict::Complete },
        Datagram::Answer { index: 9, answer: file_transfer::file::Answer::Send { from: 0 } },
        Datagram::Hello,
        data(0, 0, 0, b"x"),
    ] {
        let (sender, _) = sender_hears(&datagram);
        let totals = sender.totals(NOW);
        assert_eq!((totals.datagrams_refused, totals.files_done, totals.bytes_done), (1, 0, 0), "{datagram:?}");
    }
}

#[test]
fn what_an_earlier_session_left_of_another_file_is_thrown_away_and_sent_again() {
    let source = Memory { files: vec![("同名.bin".to_owned(), vec![5; 30_000])] };
    let mut world = World::new(crate::calm(), Chance::new(1), source, world::options(2));
    world.shelf.leave("同名.bin", vec![6; 10_000]);
    let outcome = world.run();
    assert_eq!(outcome.complete, ["同名.bin"]);
    assert_eq!(world.shelf.files["同名.bin"], vec![5; 30_000]);
}

#[test]
fn a_full_disk_is_said_to_the_sender() {
    let source =
        Memory { files: vec![("大.bin".to_owned(), vec![5; 300_000]), ("小.bin".to_owned(), vec![5; 3_000])] };
    let mut world = World::new(crate::calm(), Chance::new(1), source, world::options(2));
    world.shelf.room = Some(100_000);
    let outcome = world.run();
    assert_eq!(outcome.failed, [("大.bin".to_owned(), "磁碟已滿".to_owned())]);
    assert_eq!(outcome.complete, ["小.bin"]);
}

#[test]
fn a_receiver_that_has_started_anew_says_so() {
    let source = Memory { files: vec![("大.bin".to_owned(), vec![5; 3_000_000])] };
    let weather = crate::link::Weather { rate: 1_000_000, ..crate::calm() };
    let mut world = World::new(weather, Chance::new(1), source, world::options(2));
    world.kill_at = Some(Duration::from_secs(1));
    world.run();
    world.receiver = Receiver::new([8; 32], TIMEOUT);
    let (_, failure) = world.run().ended.unwrap();
    assert!(failure.unwrap().contains("it has started anew; the same command again goes on from here"));
}

#[test]
fn a_path_of_1280_bytes_carries_everything() {
    let source = Memory { files: vec![("大.bin".to_owned(), vec![5; 500_000])] };
    let weather = crate::link::Weather { mtu: 1_280 - 28, ..crate::calm() };
    let mut world = World::new(weather, Chance::new(1), source, world::options(2));
    let outcome = world.run();
    assert_eq!(outcome.complete, ["大.bin"]);
    assert!(outcome.ended.unwrap().0.datagram_len <= 1_252);
}
