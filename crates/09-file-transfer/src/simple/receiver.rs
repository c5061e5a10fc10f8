//! The receiver of the simple protocol: says to everybody what it has, again and again if it must.
//!
//! Pure: datagrams and the time go in, answers come out; the bytes go to a [`Store`]. A file is known by its
//! sender's address and its number. Nothing is sent without being asked, and no answer is longer than
//! `ANSWER_LEN_MAX`, so who forges an address gains little; the real protocol lets him gain nothing. Read
//! `message.rs` and `sender.rs` before.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::Duration;

use super::message::Message;
use crate::file::{Answer, Digest, FileId, Offer, Refusal, Session, Store, Verdict};

/// Files at once; each costs a part on the disk and some hundred bytes. There is no check of addresses here, so
/// a flood of forged ones takes these places, and no more.
const FILES_MAX: usize = 32;

/// How long a settled file is remembered, so that a sender that has not heard hears it again.
pub(super) const SETTLED_KEPT: Duration = Duration::from_secs(10);

/// The longest answer in bytes: a refusal with its reason.
pub(super) const ANSWER_LEN_MAX: usize = "00000000 NO 4294967295 \n".len() + REASON_LEN_MAX;

/// The longest reason in bytes: a line on a terminal.
const REASON_LEN_MAX: usize = 80;

/// What happened, for the loop to tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Happened {
    /// A file was offered and taken.
    Began {
        /// Which.
        file: FileId,
        /// A peer's text.
        name: String,
        /// In bytes.
        size: u64,
        /// Whose.
        peer: SocketAddr,
    },
    /// So many new bytes.
    Bytes(FileId, u64),
    /// A file is settled.
    Ended {
        /// Which.
        file: FileId,
        /// A peer's text.
        name: String,
        /// In bytes.
        size: u64,
        /// Its digest, or why it failed.
        result: Result<Digest, String>,
    },
    /// A sender has said goodbye.
    Bye(Session),
}

/// One file.
#[derive(Debug)]
struct Transfer {
    file: FileId,
    name: String,
    size: u64,
    have: u64,
    crc: crc32fast::Hasher,
    digest: blake3::Hasher,
    state: State,
    last_heard: Duration,
}

#[derive(Debug, Clone)]
enum State {
    /// Bytes are missing.
    Coming,
    /// All are there, and the disk is checking.
    Checking,
    /// This is the answer to whatever still comes.
    Settled(Vec<u8>),
}

/// Receives files from many senders.
#[derive(Debug)]
pub struct Receiver {
    transfers: HashMap<(SocketAddr, u32), Transfer>,
    /// One session for each address; dropped with its last file.
    sessions: HashMap<SocketAddr, (Session, u32)>,
    next_session: u64,
    patience: Duration,
    happened: Vec<Happened>,
}

impl Receiver {
    /// A receiver that gives up a sender that is silent for `patience`.
    #[must_use]
    pub fn new(patience: Duration) -> Self {
        Self { transfers: HashMap::new(), sessions: HashMap::new(), next_session: 1, patience, happened: Vec::new() }
    }

    /// What has happened since the last call.
    pub fn happened(&mut self) -> Vec<Happened> {
        std::mem::take(&mut self.happened)
    }

    /// Whether a file is still coming or being checked.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        self.transfers.values().any(|transfer| !matches!(transfer.state, State::Settled(_)))
    }

    /// Takes a datagram; the answer goes back to where it came from.
    // ANCHOR: handle
    pub fn handle(
        &mut self,
        now: Duration,
        peer: SocketAddr,
        datagram: &[u8],
        modified_ns: i64,
        store: &mut dyn Store,
    ) -> Option<Vec<u8>> {
        match Message::parse(datagram)? {
            Message::File { number, size, name } => self.offered(now, (peer, number), name, size, modified_ns, store),
            Message::Data { number, offset, bytes } => {
                let transfer = self.transfers.get_mut(&(peer, number))?;
                transfer.last_heard = now;
                let fits = offset == transfer.have && bytes.len() as u64 <= transfer.size - offset;
                if fits && matches!(transfer.state, State::Coming) {
                    self.take((peer, number), bytes, store);
                }
                self.answer((peer, number))
            }
            Message::End { number, crc } => {
                let transfer = self.transfers.get_mut(&(peer, number))?;
                transfer.last_heard = now;
                if matches!(transfer.state, State::Coming) && transfer.have == transfer.size {
                    self.check((peer, number), crc, store);
                }
                self.answer((peer, number))
            }
            Message::Bye { .. } => {
                let session = self.sessions.get(&peer)?.0;
                self.happened.push(Happened::Bye(session));
                None
            }
            Message::Ok { .. } | Message::Saved { .. } | Message::No { .. } => None,
        }
    }
    // ANCHOR_END: handle

    /// An answer that the disk has made possible. To be asked often, until there is none.
    pub fn poll(&mut self, store: &mut dyn Store) -> Option<(SocketAddr, Vec<u8>)> {
        let (file, verdict) = store.verdict()?;
        let key = *self.transfers.iter().find(|(_, transfer)| transfer.file == file)?.0;
        let transfer = &self.transfers[&key];
        let digest = Digest(*transfer.digest.finalize().as_bytes());
        self.settle(
            key,
            match verdict {
                Verdict::Complete => Ok(digest),
                Verdict::Differs => Err("the disk has other bytes than were written".to_owned()),
                Verdict::Refused(refusal) => Err(refusal.reason().to_owned()),
            },
        );
        Some((key.0, self.answer(key)?))
    }

    /// Forgets settled files after a while, and gives up those whose sender has gone.
    pub fn forget(&mut self, now: Duration, store: &mut dyn Store) {
        let patience = self.patience;
        let late = |transfer: &Transfer, after| now >= transfer.last_heard + after;
        let silent = self
            .transfers
            .iter()
            .filter(|(_, transfer)| matches!(transfer.state, State::Coming) && late(transfer, patience));
        for key in silent.map(|(key, _)| *key).collect::<Vec<_>>() {
            store.abandon(self.transfers[&key].file);
            self.settle(key, Err(format!("nothing came for {} s", patience.as_secs_f32())));
        }
        self.transfers.retain(|_, transfer| {
            !matches!(transfer.state, State::Settled(_)) || !late(transfer, SETTLED_KEPT.max(patience))
        });
        self.sessions.retain(|peer, _| self.transfers.keys().any(|(address, _)| address == peer));
    }

    /// Gives up everything that is still coming, because the program ends.
    pub fn abandon_all(&mut self, store: &mut dyn Store) {
        for key in self.transfers.keys().copied().collect::<Vec<_>>() {
            if !matches!(self.transfers[&key].state, State::Settled(_)) {
                store.abandon(self.transfers[&key].file);
                self.settle(key, Err("the receiver was ended".to_owned()));
            }
        }
    }

    fn offered(
        &mut self,
        now: Duration,
        key: (SocketAddr, u32),
        name: &[u8],
        size: u64,
        modified_ns: i64,
        store: &mut dyn Store,
    ) -> Option<Vec<u8>> {
        if let Some(transfer) = self.transfers.get_mut(&key) {
            transfer.last_heard = now;
            return self.answer(key);
        }
        if self.transfers.len() >= FILES_MAX {
            // Silence: the sender tries again, and by then there may be room.
            return None;
        }
        let Ok(name) = std::str::from_utf8(name).map(str::to_owned) else {
            return Some(no(key.1, &Refusal::new("the name is not UTF-8")));
        };
        let (session, files) = self.sessions.entry(key.0).or_insert_with(|| {
            self.next_session += 1;
            (Session(self.next_session), 0)
        });
        let file = FileId { session: *session, index: *files };
        *files += 1;
        let offer = Offer { name: name.clone(), size, modified_ns };
        let transfer = Transfer {
            file,
            name: name.clone(),
            size,
            have: 0,
            crc: crc32fast::Hasher::new(),
            digest: blake3::Hasher::new(),
            state: State::Coming,
            last_heard: now,
        };
        self.transfers.insert(key, transfer);
        self.happened.push(Happened::Began { file, name, size, peer: key.0 });
        // This protocol cannot go on with a file, so what an earlier transfer has left is of no use.
        match store.offer(file, &offer, true) {
            Answer::Send { .. } => {}
            Answer::Refuse(refusal) => self.settle(key, Err(refusal.reason().to_owned())),
        }
        self.answer(key)
    }

    /// Takes bytes that are the next ones.
    fn take(&mut self, key: (SocketAddr, u32), bytes: &[u8], store: &mut dyn Store) {
        let Some(transfer) = self.transfers.get_mut(&key) else { return };
        let whole = transfer.have + bytes.len() as u64;
        if let Err(refusal) = store.write(transfer.file, transfer.have, bytes, whole) {
            store.abandon(transfer.file);
            self.settle(key, Err(refusal.reason().to_owned()));
            return;
        }
        transfer.have = whole;
        transfer.crc.update(bytes);
        transfer.digest.update(bytes);
        self.happened.push(Happened::Bytes(transfer.file, bytes.len() as u64));
    }

    /// All bytes are there: compares the checksum, and lets the disk do its part.
    fn check(&mut self, key: (SocketAddr, u32), crc: u32, store: &mut dyn Store) {
        let Some(transfer) = self.transfers.get_mut(&key) else { return };
        if transfer.crc.clone().finalize() == crc {
            transfer.state = State::Checking;
            store.finish(transfer.file, Digest(*transfer.digest.finalize().as_bytes()));
        } else {
            store.abandon(transfer.file);
            self.settle(key, Err("the CRC of the whole file is another one".to_owned()));
        }
    }

    fn settle(&mut self, key: (SocketAddr, u32), result: Result<Digest, String>) {
        let Some(transfer) = self.transfers.get_mut(&key) else { return };
        let number = key.1;
        transfer.state = State::Settled(match &result {
            Ok(_) => Message::Saved { number }.datagram(),
            Err(reason) => no(number, &Refusal::new(reason.clone())),
        });
        let (file, name, size) = (transfer.file, transfer.name.clone(), transfer.size);
        self.happened.push(Happened::Ended { file, name, size, result });
    }

    /// What is to be said about a file now; nothing while the disk is checking it.
    fn answer(&self, (peer, number): (SocketAddr, u32)) -> Option<Vec<u8>> {
        let transfer = self.transfers.get(&(peer, number))?;
        match &transfer.state {
            State::Coming => Some(Message::Ok { number, offset: transfer.have }.datagram()),
            State::Checking => None,
            State::Settled(answer) => Some(answer.clone()),
        }
    }
}

fn no(number: u32, refusal: &Refusal) -> Vec<u8> {
    let reason = refusal.reason();
    let end = reason.char_indices().map(|(at, c)| at + c.len_utf8()).take_while(|end| *end <= REASON_LEN_MAX).last();
    let answer = Message::No { number, reason: &reason.as_bytes()[..end.unwrap_or(0)] }.datagram();
    debug_assert!(answer.len() <= ANSWER_LEN_MAX, "{} bytes", answer.len());
    answer
}
