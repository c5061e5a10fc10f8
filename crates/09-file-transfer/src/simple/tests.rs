//! The two machines of the simple protocol, talking over a link that loses, repeats, reorders and damages.
//!
//! Time is virtual, chance is a seed: a failing seed is printed, and fails again. The conversation of the
//! book is here too, word for word.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::time::Duration;

use super::receiver::{self, ANSWER_LEN_MAX, Receiver};
use super::sender::{self, Sender};
use super::*;
use crate::file::{Answer, Digest, FileId, Offer, Refusal, Source, Store, Verdict};

const PEER: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 5000);
const PATIENCE: Duration = Duration::from_secs(30);

/// Files in memory.
struct Memory(Vec<Vec<u8>>);

impl Source for Memory {
    fn read(&mut self, index: u32, offset: u64, into: &mut [u8]) -> Result<(), Refusal> {
        into.copy_from_slice(&self.0[index as usize][offset as usize..][..into.len()]);
        Ok(())
    }

    fn digest(&mut self, index: u32) -> Result<Digest, Refusal> {
        Ok(Digest(*blake3::hash(&self.0[index as usize]).as_bytes()))
    }

    fn close(&mut self, _index: u32) {}
}

/// A disk in memory; refuses a file called `不要`.
#[derive(Default)]
struct Shelf {
    coming: HashMap<FileId, (String, Vec<u8>)>,
    verdicts: Vec<(FileId, Verdict)>,
    saved: BTreeMap<String, Vec<u8>>,
    abandoned: usize,
}

impl Store for Shelf {
    fn offer(&mut self, file: FileId, offer: &Offer, _afresh: bool) -> Answer {
        if offer.name == "不要" {
            return Answer::Refuse(Refusal::new("不要這個"));
        }
        self.coming.insert(file, (offer.name.clone(), Vec::new()));
        Answer::Send { from: 0 }
    }

    fn write(&mut self, file: FileId, offset: u64, bytes: &[u8], whole: u64) -> Result<(), Refusal> {
        let (_, have) = self.coming.get_mut(&file).expect("offered before");
        assert_eq!((offset, whole), (have.len() as u64, (have.len() + bytes.len()) as u64), "in order, once");
        have.extend_from_slice(bytes);
        Ok(())
    }

    fn finish(&mut self, file: FileId, digest: Digest) {
        let (name, have) = self.coming.remove(&file).expect("offered before");
        let right = Digest(*blake3::hash(&have).as_bytes()) == digest;
        self.verdicts.push((file, if right { Verdict::Complete } else { Verdict::Differs }));
        self.saved.insert(name, have);
    }

    fn verdict(&mut self) -> Option<(FileId, Verdict)> {
        self.verdicts.pop()
    }

    fn abandon(&mut self, file: FileId) {
        self.coming.remove(&file);
        self.abandoned += 1;
    }
}

fn offers(files: &[(&str, Vec<u8>)]) -> (Vec<Offer>, Memory) {
    let offer =
        |(name, bytes): &(&str, Vec<u8>)| Offer { name: (*name).to_owned(), size: bytes.len() as u64, modified_ns: 0 };
    (files.iter().map(offer).collect(), Memory(files.iter().map(|(_, bytes)| bytes.clone()).collect()))
}

/// The quality of the link, each as a share of 256.
#[derive(Clone, Copy)]
struct Link {
    loss: u8,
    twice: u8,
    damage: u8,
    /// The longest delay; each datagram has its own, so they overtake each other.
    delay_ms: u64,
}

/// One run in virtual time.
struct World {
    now: Duration,
    chance: u64,
    link: Link,
    /// Datagrams on their way by their arrival; `true` is towards the receiver.
    on_the_way: BTreeMap<(Duration, u64), (bool, Vec<u8>)>,
    sent: u64,
}

impl World {
    fn dice(&mut self) -> u8 {
        self.chance ^= self.chance << 13;
        self.chance ^= self.chance >> 7;
        self.chance ^= self.chance << 17;
        (self.chance >> 20) as u8
    }

    fn send(&mut self, to_receiver: bool, datagram: &[u8]) {
        let copies = if self.dice() < self.link.twice { 2 } else { 1 };
        for _ in 0..copies {
            self.sent += 1;
            if self.dice() < self.link.loss {
                continue;
            }
            let mut datagram = datagram.to_vec();
            if self.dice() < self.link.damage {
                let at = usize::from(self.dice()) % datagram.len();
                datagram[at] ^= 1 << (self.dice() % 8);
            }
            let delay = Duration::from_millis(1 + u64::from(self.dice()) * self.link.delay_ms / 256);
            self.on_the_way.insert((self.now + delay, self.sent), (to_receiver, datagram));
        }
    }

    /// Lets both machines talk until the sender is over; what happened at the sender.
    fn run(
        &mut self,
        sender: &mut Sender,
        source: &mut Memory,
        receiver: &mut Receiver,
        shelf: &mut Shelf,
    ) -> Vec<sender::Happened> {
        let mut happened = Vec::new();
        while !sender.is_over() {
            if let Some((datagram, _)) = sender.poll(self.now) {
                let datagram = datagram.to_vec();
                self.send(true, &datagram);
            }
            let next = self.on_the_way.keys().next().map_or(sender.deadline(), |(at, _)| (*at).min(sender.deadline()));
            self.now = self.now.max(next);
            assert!(self.now < Duration::from_secs(3600), "no end");
            while let Some(entry) = self.on_the_way.first_entry().filter(|entry| entry.key().0 <= self.now) {
                let (to_receiver, datagram) = entry.remove();
                if !to_receiver {
                    happened.extend(sender.handle(self.now, &datagram, source));
                    continue;
                }
                if let Some(answer) = receiver.handle(self.now, PEER, &datagram, 0, shelf) {
                    assert!(answer.len() <= ANSWER_LEN_MAX);
                    self.send(false, &answer);
                }
            }
            while let Some((_, answer)) = receiver.poll(shelf) {
                self.send(false, &answer);
            }
            happened.extend(sender.give_up(self.now));
            receiver.forget(self.now, shelf);
        }
        happened
    }
}

fn bytes(len: usize) -> Vec<u8> {
    (0..len).map(|at| (at * 7 % 251) as u8).collect()
}

#[test]
fn whatever_the_link_does_the_files_arrive_whole_and_once() {
    for seed in 1..=400_u64 {
        let level = (seed % 4) as u8;
        let link = Link { loss: level * 40, twice: level * 30, damage: level * 20, delay_ms: 1 + 100 * (seed % 5) };
        let files = [("課表.txt", bytes(3 * 1024)), ("空", vec![]), ("一", bytes(1)), ("b", bytes(2500))];
        let (offers, mut source) = offers(&files);
        let mut sender = Sender::new(offers, u32::MAX - 1, PATIENCE, Duration::ZERO);
        let (mut receiver, mut shelf) = (Receiver::new(PATIENCE), Shelf::default());
        let mut world = World { now: Duration::ZERO, chance: seed, link, on_the_way: BTreeMap::new(), sent: 0 };
        let happened = world.run(&mut sender, &mut source, &mut receiver, &mut shelf);
        let saved = happened.iter().filter(|happened| matches!(happened, sender::Happened::Saved(_))).count();
        assert_eq!(saved, files.len(), "seed {seed}: {happened:?}");
        let want = files.iter().map(|(name, bytes)| ((*name).to_owned(), bytes.clone())).collect();
        assert!(shelf.saved == want, "seed {seed}");
    }
}

#[test]
fn a_clean_link_carries_each_datagram_once() {
    let (offers, mut source) = offers(&[("a", bytes(3000))]);
    let mut sender = Sender::new(offers, 7, PATIENCE, Duration::ZERO);
    let (mut receiver, mut shelf) = (Receiver::new(PATIENCE), Shelf::default());
    let link = Link { loss: 0, twice: 0, damage: 0, delay_ms: 10 };
    let mut world = World { now: Duration::ZERO, chance: 1, link, on_the_way: BTreeMap::new(), sent: 0 };
    world.run(&mut sender, &mut source, &mut receiver, &mut shelf);
    assert_eq!(world.sent, 2 * 5, "FILE, three DATA, END, and their answers");
}

#[test]
fn a_late_answer_is_not_answered_with_another_copy() {
    let (offers, mut source) = offers(&[("a", bytes(3000))]);
    let mut sender = Sender::new(offers, 7, PATIENCE, Duration::ZERO);
    let now = Duration::ZERO;
    sender.poll(now).unwrap();
    let ok = |offset| Message::Ok { number: 7, offset }.datagram();
    assert_eq!(sender.handle(now, &ok(0), &mut source), Some(sender::Happened::Taken));
    sender.poll(now).unwrap();
    for late in
        [ok(0), ok(2048), Message::Ok { number: 6, offset: 1024 }.datagram(), Message::Saved { number: 7 }.datagram()]
    {
        assert_eq!(sender.handle(now, &late, &mut source), None);
        assert_eq!(sender.poll(now), None, "nothing to send before the answer or its time");
    }
    assert_eq!(sender.handle(now, &ok(1024), &mut source), Some(sender::Happened::Bytes(1024)));
}

#[test]
fn a_refused_file_does_not_hold_up_the_next() {
    let files = [("不要", bytes(10)), ("要", bytes(10))];
    let (offers, mut source) = offers(&files);
    let mut sender = Sender::new(offers, 7, PATIENCE, Duration::ZERO);
    let (mut receiver, mut shelf) = (Receiver::new(PATIENCE), Shelf::default());
    let link = Link { loss: 0, twice: 0, damage: 0, delay_ms: 10 };
    let mut world = World { now: Duration::ZERO, chance: 1, link, on_the_way: BTreeMap::new(), sent: 0 };
    let happened = world.run(&mut sender, &mut source, &mut receiver, &mut shelf);
    assert_eq!(happened[0], sender::Happened::Failed("the receiver refused it: 不要這個".to_owned()));
    assert!(matches!(happened.last(), Some(sender::Happened::Saved(_))));
}

#[test]
fn silence_is_an_end_for_both() {
    let (offers, mut source) = offers(&[("a", bytes(3000))]);
    let mut sender = Sender::new(offers, 7, PATIENCE, Duration::ZERO);
    let (mut receiver, mut shelf) = (Receiver::new(PATIENCE), Shelf::default());
    let link = Link { loss: 255, twice: 0, damage: 0, delay_ms: 10 };
    let mut world = World { now: Duration::ZERO, chance: 1, link, on_the_way: BTreeMap::new(), sent: 0 };
    let happened = world.run(&mut sender, &mut source, &mut receiver, &mut shelf);
    assert_eq!(
        happened,
        [sender::Happened::Failed("no answer for 30 s; is a receiver there, with --protocol simple?".to_owned())]
    );
    assert_eq!(world.now, PATIENCE);

    let file = Message::File { number: 7, size: 5, name: b"a" }.datagram();
    assert!(receiver.handle(Duration::ZERO, PEER, &file, 0, &mut shelf).is_some() && receiver.is_busy());
    receiver.forget(PATIENCE - Duration::from_millis(1), &mut shelf);
    assert!(receiver.is_busy());
    receiver.forget(PATIENCE, &mut shelf);
    assert!(!receiver.is_busy() && shelf.abandoned == 1);
}

#[test]
fn what_a_stranger_sends_costs_a_bounded_place_and_gains_no_answer() {
    let (mut receiver, mut shelf) = (Receiver::new(PATIENCE), Shelf::default());
    for message in [
        Message::Data { number: 7, offset: 0, bytes: b"x" },
        Message::End { number: 7, crc: 0 },
        Message::Bye { number: 7 },
        Message::Ok { number: 7, offset: 0 },
        Message::Saved { number: 7 },
    ] {
        assert_eq!(receiver.handle(Duration::ZERO, PEER, &message.datagram(), 0, &mut shelf), None);
    }
    let file = Message::File { number: 7, size: 5, name: b"a" }.datagram();
    let answers = (1..=200)
        .filter_map(|port| receiver.handle(Duration::ZERO, SocketAddr::new(PEER.ip(), port), &file, 0, &mut shelf));
    assert_eq!(answers.count(), 32);
    assert_eq!(shelf.coming.len(), 32);
}

#[test]
fn bytes_behind_the_size_and_a_wrong_crc_of_the_whole_are_not_taken() {
    let (mut receiver, mut shelf) = (Receiver::new(PATIENCE), Shelf::default());
    let mut ask = |message: Message<'_>| {
        let answer = receiver.handle(Duration::ZERO, PEER, &message.datagram(), 0, &mut shelf);
        answer.map(|answer| String::from_utf8_lossy(&answer[9..]).into_owned())
    };
    let file = Message::File { number: 7, size: 3, name: b"a" };
    assert_eq!(ask(file.clone()).as_deref(), Some("OK 7 0\n"));
    assert_eq!(ask(Message::Data { number: 7, offset: 0, bytes: b"abcd" }).as_deref(), Some("OK 7 0\n"));
    assert_eq!(ask(Message::Data { number: 7, offset: 1, bytes: b"b" }).as_deref(), Some("OK 7 0\n"));
    assert_eq!(ask(Message::End { number: 7, crc: 0 }).as_deref(), Some("OK 7 0\n"));
    assert_eq!(ask(Message::Data { number: 7, offset: 0, bytes: b"abc" }).as_deref(), Some("OK 7 3\n"));
    assert_eq!(ask(Message::Data { number: 7, offset: 0, bytes: b"abc" }).as_deref(), Some("OK 7 3\n"));
    let wrong = ask(Message::End { number: 7, crc: 0 });
    assert_eq!(wrong.as_deref(), Some("NO 7 the CRC of the whole file is another one\n"));
    assert_eq!(ask(file), wrong, "told again");
    let happened = receiver.happened();
    assert!(matches!(happened.last(), Some(receiver::Happened::Ended { result: Err(_), .. })), "{happened:?}");
    assert_eq!((shelf.abandoned, shelf.saved.len()), (1, 0));
}

/// The conversation of the book: the last words of each line say what the network did.
const NOTE: &str = "     ";
const CONVERSATION: &str = include_str!("conversation.txt");

#[test]
fn the_books_conversation_is_what_the_machines_say() {
    let contents = [vec![b'a'; 1024], b"bye\n".to_vec()].concat();
    let (offers, mut source) = offers(&[("課表.txt", contents)]);
    let mut sender = Sender::new(offers, 7, PATIENCE, Duration::ZERO);
    let (mut receiver, mut shelf) = (Receiver::new(PATIENCE), Shelf::default());
    let mut now = Duration::ZERO;
    let mut said = Vec::new();
    let lines: Vec<&str> = CONVERSATION.lines().filter(|line| !line.starts_with('#')).collect();
    // What happens to each datagram of both, in the order of the book.
    let mut notes = lines.iter().map(|line| line.split_once(NOTE).map_or("", |(_, note)| note));
    let mut note = |who: &str, datagram: &[u8]| {
        let note = notes.next().unwrap_or_default();
        let line = format!("{who:<9} {}", shown(datagram));
        said.push(if note.is_empty() { line } else { format!("{line}{NOTE}{note}") });
        note == "lost"
    };
    while !sender.is_over() {
        let Some((datagram, _)) = sender.poll(now) else {
            now = sender.deadline();
            continue;
        };
        let datagram = datagram.to_vec();
        if note("sender", &datagram) {
            continue;
        }
        let answer = receiver.handle(now, PEER, &datagram, 0, &mut shelf);
        let Some(answer) = answer.or_else(|| receiver.poll(&mut shelf).map(|(_, answer)| answer)) else { continue };
        if !note("receiver", &answer) {
            sender.handle(now, &answer, &mut source);
        }
    }
    note("sender", &sender.bye());
    assert_eq!(said, lines);
}
