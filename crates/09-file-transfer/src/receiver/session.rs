//! One session at its receiver: which datagrams came, which files are open, and when to answer.
//!
//! Answers to questions (OFFER, FINISH) go out at once. What came is acknowledged after some datagrams or a
//! short time, whichever is first: an answer for each would cost the way back as much as the way there. Read
//! `incoming.rs` before. Source: RFC 9000 section 13.2 (when to acknowledge).

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::time::Duration;

use super::incoming::{Incoming, Taken};
use crate::file::{Answer, FileId, Offer, Refusal, Session, Store, Verdict};
use crate::ranges::RangeSet;
use crate::report::{Report, Totals};
use crate::sender::{ACK_DELAY_MAX, OPEN_MAX};
use crate::wire::{ACK_RANGES_MAX, Ack, Datagram};

/// So many bytes are acknowledged together: ten datagrams of Ethernet's length. Fewer, and the ranges of a
/// lossy path would take more room on the way back than the losses themselves; counted in datagrams, and a
/// window of few long ones would wait for an acknowledgement that waits for more.
const ACK_EVERY_BYTES: usize = 14_000;

/// On a fast path that would be too often for both ends: no more than so many in a second,
const ACK_GAP: Duration = Duration::from_micros(500);

/// unless so much has come that the sender must hear of it.
const ACK_AT_ONCE_BYTES: usize = 128 * 1024;

/// Gaps between the bytes that are there, in all files of a session: a window of 4,000 datagrams of which
/// every second one is missing. What would make one more is not taken, and so not acknowledged.
const RANGES_MAX: usize = 4_096;

/// So many verdicts other than "complete" are remembered, for senders that ask again.
const FAILURES_KEPT: usize = 64;

/// After its last file a session is kept so long for a sender that has not heard the last verdict: five of
/// its questions, which come every two seconds at the latest. That it has heard can never be certain (two
/// generals); TCP's TIME-WAIT has the same reason.
const LINGER: Duration = Duration::from_secs(10);

/// One session.
#[derive(Debug)]
pub(super) struct Live {
    pub session: Session,
    pub peer: SocketAddr,
    files: u32,
    open: BTreeMap<u32, Incoming>,
    complete: RangeSet,
    failed: VecDeque<(u32, Verdict)>,
    /// Numbers that came, from the sender's floor on.
    numbers: RangeSet,
    floor: u64,
    largest_at: Duration,
    /// Bytes that came since the last acknowledgement.
    unanswered: usize,
    ack_due: Option<Duration>,
    acked_at: Duration,
    started: Duration,
    pub last_heard: Duration,
    totals: Totals,
    pub replies: VecDeque<Datagram<'static>>,
    pub reports: Vec<Report>,
}

impl Live {
    pub(super) fn new(now: Duration, session: Session, peer: SocketAddr, files: u32) -> Self {
        Self {
            session,
            peer,
            files,
            open: BTreeMap::new(),
            complete: RangeSet::default(),
            failed: VecDeque::new(),
            numbers: RangeSet::default(),
            floor: 0,
            largest_at: now,
            unanswered: 0,
            ack_due: None,
            acked_at: now,
            started: now,
            last_heard: now,
            totals: Totals::default(),
            replies: VecDeque::new(),
            reports: vec![Report::SessionStarted { session, peer, files }],
        }
    }

    fn id(&self, index: u32) -> FileId {
        FileId { session: self.session, index }
    }

    pub(super) fn on_offer(&mut self, index: u32, offer: Offer, afresh: bool, store: &mut dyn Store) {
        if index >= self.files {
            return;
        }
        if let Some(incoming) = self.open.get(&index)
            && incoming.afresh == afresh
        {
            // It was asked twice, and gets the same answer.
            self.replies.push_back(Datagram::Answer { index, answer: Answer::Send { from: incoming.from } });
            return;
        }
        if let Some(verdict) = self.verdict_of(index)
            && !(afresh && verdict == Verdict::Differs)
        {
            self.replies.push_back(Datagram::Verdict { index, verdict });
            return;
        }
        if self.open.len() >= OPEN_MAX {
            return; // A sender that keeps to the protocol never comes here.
        }
        let answer = store.offer(self.id(index), &offer, afresh);
        match &answer {
            Answer::Send { from } => {
                let from = (*from).min(offer.size);
                self.failed.retain(|(other, _)| *other != index);
                let Offer { name, size, .. } = offer;
                self.totals.bytes_total += size - from;
                self.reports.push(Report::FileStarted { session: self.session, index, name: name.clone(), size, from });
                self.open.insert(index, Incoming::new(name, size, from, afresh));
            }
            Answer::Refuse(refusal) => {
                self.settle(index, &offer.name, offer.size, Verdict::Refused(refusal.clone()), None);
            }
        }
        self.replies.push_back(Datagram::Answer { index, answer });
    }

    pub(super) fn on_data(
        &mut self,
        now: Duration,
        numbers: (u32, u32),
        piece: Option<(u32, u64, &[u8])>,
        store: &mut dyn Store,
    ) {
        if let Some((index, offset, bytes)) = piece {
            match self.take_piece(index, offset, bytes, store) {
                Taken::New(new) => self.totals.bytes_done += new,
                Taken::Duplicate => self.totals.duplicates += 1,
                Taken::Refused => {
                    self.totals.datagrams_refused += 1;
                    return; // No acknowledgement without the bytes.
                }
            }
        }
        self.acknowledge(now, numbers, piece.map_or(0, |(.., bytes)| bytes.len()));
    }

    fn take_piece(&mut self, index: u32, offset: u64, bytes: &[u8], store: &mut dyn Store) -> Taken {
        let id = self.id(index);
        let ranges: usize = self.open.values().map(|incoming| incoming.there.len()).sum();
        let Some(incoming) = self.open.get_mut(&index) else {
            // Of a file that is settled: the sender need not send it again. Of one that was never offered: a lie.
            return if self.verdict_of(index).is_some() { Taken::Duplicate } else { Taken::Refused };
        };
        let ranges_max = RANGES_MAX.saturating_sub(ranges - incoming.there.len());
        match incoming.take(id, offset, bytes, ranges_max, store) {
            Ok(taken) => {
                self.finish_if_ready(index, store);
                taken
            }
            Err(refusal) => {
                self.fail(index, refusal, store);
                Taken::Duplicate
            }
        }
    }

    pub(super) fn on_finish(&mut self, now: Duration, index: u32, digest: crate::file::Digest, store: &mut dyn Store) {
        if let Some(incoming) = self.open.get_mut(&index) {
            incoming.digest.get_or_insert(digest);
            self.finish_if_ready(index, store);
            // Its sender waits: tell what is missing, or at least that somebody is here.
            self.ack_due = self.ack_due.or(Some(now));
        } else if let Some(verdict) = self.verdict_of(index) {
            self.replies.push_back(Datagram::Verdict { index, verdict });
        }
    }

    fn finish_if_ready(&mut self, index: u32, store: &mut dyn Store) {
        let id = self.id(index);
        if let Some(incoming) = self.open.get_mut(&index)
            && let Some(digest) = incoming.is_ready()
        {
            incoming.checking = true;
            store.finish(id, digest);
        }
    }

    /// The disk has come to an end with a file.
    pub(super) fn on_verdict(&mut self, now: Duration, index: u32, verdict: Verdict) {
        // A disk may take long, and its sender asks less and less often: only now may the session grow old.
        self.last_heard = now;
        let Some(incoming) = self.open.remove(&index) else { return };
        self.settle(index, &incoming.name, incoming.size, verdict.clone(), incoming.digest);
        self.replies.push_back(Datagram::Verdict { index, verdict });
    }

    fn fail(&mut self, index: u32, refusal: Refusal, store: &mut dyn Store) {
        let Some(incoming) = self.open.remove(&index) else { return };
        store.abandon(self.id(index));
        let verdict = Verdict::Refused(refusal);
        self.settle(index, &incoming.name, incoming.size, verdict.clone(), None);
        self.replies.push_back(Datagram::Verdict { index, verdict });
    }

    fn settle(&mut self, index: u32, name: &str, size: u64, verdict: Verdict, digest: Option<crate::file::Digest>) {
        let result = match (&verdict, digest) {
            (Verdict::Complete, Some(digest)) => Ok(digest),
            (Verdict::Refused(refusal), _) => Err(refusal.reason().to_owned()),
            _ => Err("the bytes that arrived are not those that were sent".to_owned()),
        };
        match result {
            Ok(_) => {
                self.totals.files_done += 1;
                self.complete.insert(u64::from(index)..u64::from(index) + 1);
            }
            Err(_) => {
                self.totals.files_failed += 1;
                self.failed.push_back((index, verdict));
                if self.failed.len() > FAILURES_KEPT {
                    self.failed.pop_front();
                }
            }
        }
        let (session, name) = (self.session, name.to_owned());
        self.reports.push(Report::FileEnded { session, index, name, size, result });
    }

    /// How a file ended, as far as it is remembered.
    fn verdict_of(&self, index: u32) -> Option<Verdict> {
        if self.complete.contains(index.into()) {
            return Some(Verdict::Complete);
        }
        self.failed.iter().find(|(other, _)| *other == index).map(|(_, verdict)| verdict.clone())
    }

    fn acknowledge(&mut self, now: Duration, (number, floor): (u32, u32), len: usize) {
        let (number, floor) = (u64::from(number), u64::from(floor));
        if number >= self.numbers.iter().next_back().map_or(0, |range| range.end) {
            self.largest_at = now;
        }
        self.numbers.insert(number..number + 1);
        self.floor = self.floor.max(floor.min(number));
        self.numbers.remove(0..self.floor);
        // A sender that never moves its floor pays with answers that tell less.
        while self.numbers.len() > ACK_RANGES_MAX {
            let lowest = self.numbers.first().map_or(0, |range| range.end);
            self.numbers.remove(0..lowest);
        }
        self.unanswered += len;
        let due = match self.unanswered {
            ACK_AT_ONCE_BYTES.. => now,
            ACK_EVERY_BYTES.. => now.max(self.acked_at + ACK_GAP),
            _ => now + ACK_DELAY_MAX,
        };
        self.ack_due = Some(self.ack_due.map_or(due, |old| old.min(due)));
    }

    /// The acknowledgement, if its time has come.
    pub(super) fn ack(&mut self, now: Duration) -> Option<Ack> {
        self.ack_due.filter(|due| *due <= now)?;
        self.ack_due = None;
        self.acked_at = now;
        self.unanswered = 0;
        let number = |number: u64| u32::try_from(number).expect("only numbers of 32 bits were put in");
        let ranges = self.numbers.iter().rev().map(|range| number(range.start)..=number(range.end - 1));
        let ack = Ack {
            ranges: ranges.collect(),
            delay_us: u32::try_from((now - self.largest_at).as_micros()).unwrap_or(u32::MAX),
        };
        (!ack.ranges.is_empty()).then_some(ack)
    }

    pub(super) fn ack_due(&self) -> Option<Duration> {
        self.ack_due
    }

    /// Whether every file has its verdict.
    pub(super) fn is_settled(&self) -> bool {
        self.open.is_empty() && self.totals.files_done + self.totals.files_failed >= self.files
    }

    /// When nothing more is to be expected of this session.
    pub(super) fn expires_at(&self, timeout: Duration) -> Duration {
        self.last_heard + if self.is_settled() { timeout.min(LINGER) } else { timeout }
    }

    pub(super) fn count_received(&mut self) {
        self.totals.datagrams_received += 1;
    }

    pub(super) fn count_sent(&mut self, len: usize) {
        self.totals.datagrams_sent += 1;
        self.totals.bytes_sent += len as u64;
    }

    pub(super) fn totals(&self, now: Duration) -> Totals {
        Totals { elapsed: now - self.started, ..self.totals }
    }

    /// Whether a file like this one is on its way.
    pub(super) fn has_open(&self, offer: &Offer) -> bool {
        self.open.values().any(|incoming| incoming.name == offer.name && incoming.size == offer.size)
    }

    /// Whether every file was verified and is in place.
    pub(super) fn is_complete(&self) -> bool {
        self.complete.count() == u64::from(self.files)
    }

    /// Whether a file still waits for the disk.
    pub(super) fn is_checking(&self) -> bool {
        self.open.values().any(|incoming| incoming.checking)
    }

    /// The end of the session: what is open is given up.
    pub(super) fn end(&mut self, now: Duration, reason: Option<String>, store: &mut dyn Store) {
        for (index, incoming) in std::mem::take(&mut self.open) {
            store.abandon(self.id(index));
            let cut = "the session ended before it was complete; what has arrived is kept for the next time";
            self.settle(index, &incoming.name, incoming.size, Verdict::Refused(Refusal::new(cut)), None);
        }
        let missing = self.files.saturating_sub(self.totals.files_done + self.totals.files_failed);
        self.totals.files_failed += missing;
        let totals = self.totals(now);
        self.reports.push(Report::SessionEnded { session: self.session, totals, failure: reason });
    }
}
