//! What each answer of the receiver changes for its sender.
//!
//! Every answer may come twice, late, or never; so each looks first whether it is still news. Read `mod.rs`
//! before.

use std::time::Duration;

use super::book::{Ask, Stage};
use super::flight::{Cargo, Outcome, Sent};
use super::{Sender, State};
use crate::congestion::News;
use crate::file::{Answer, Digest, Refusal, Source, Verdict};
use crate::report::{Fate, Report};
use crate::wire::{Ack, Datagram, WireError, decode};

/// What an ACK, or the lack of one, made known; collected first, because it changes everything else.
#[derive(Debug, Default)]
struct Known {
    arrived: u64,
    lost: u64,
    lost_largest: Option<u64>,
    fates: Vec<(u64, Sent, Outcome)>,
}

impl Known {
    fn add(&mut self, number: u64, sent: &Sent, outcome: Outcome) {
        let weight = if sent.cargo == Cargo::Probe { 0 } else { sent.len as u64 };
        match outcome {
            Outcome::Arrived { late } => self.arrived += if late { 0 } else { weight },
            // The loss of a probe says something of its length, and nothing of a queue.
            Outcome::Lost if weight > 0 => {
                self.lost += weight;
                self.lost_largest = self.lost_largest.max(Some(number));
            }
            Outcome::Lost => {}
        }
        self.fates.push((number, *sent, outcome));
    }
}

impl Sender {
    /// Takes one datagram that came from the receiver's address.
    pub fn receive(&mut self, now: Duration, bytes: &[u8], source: &mut dyn Source) {
        self.now = now;
        let received = match decode(bytes) {
            Ok(received) if received.session == self.session => received,
            Err(WireError::Version(version)) if matches!(self.state, State::Greeting(_)) => {
                return self.end(Some(WireError::Version(version).to_string()));
            }
            _ => {
                self.totals.datagrams_refused += 1;
                return;
            }
        };
        if self.take(received.datagram, source).is_some() {
            self.totals.datagrams_received += 1;
            self.last_heard = now;
        } else {
            self.totals.datagrams_refused += 1;
        }
    }

    /// `None` for a datagram that a receiver does not send, or not now.
    fn take(&mut self, datagram: Datagram<'_>, source: &mut dyn Source) -> Option<()> {
        match (datagram, &self.state) {
            (Datagram::Cookie(cookie), State::Greeting(ask)) => {
                if let Some(asked_at) = ask.asked_once_at() {
                    self.rtt.sample(self.now - asked_at, Duration::ZERO);
                }
                self.state = State::Working(cookie);
                let files = u32::try_from(self.books.len()).ok()?;
                self.reports.push_back(Report::SessionStarted { session: self.session, peer: self.peer, files });
            }
            // The answer to a greeting that was sent twice.
            (Datagram::Cookie(_), State::Working(_)) => {}
            (Datagram::Answer { index, answer }, State::Working(_)) => self.on_answer(index, answer, source)?,
            (Datagram::Ack(ack), State::Working(_)) => self.on_ack(&ack)?,
            (Datagram::Verdict { index, verdict }, State::Working(_)) => self.on_verdict(index, verdict, source)?,
            (Datagram::Bye { reason, .. }, State::Greeting(_) | State::Working(_)) => {
                self.end(Some(format!("the receiver ended the session: {reason}")));
            }
            _ => return None,
        }
        Some(())
    }

    fn on_answer(&mut self, index: u32, answer: Answer, source: &mut dyn Source) -> Option<()> {
        let book = self.books.get_mut(index as usize)?;
        let Stage::Offered(_) = book.stage else { return Some(()) };
        match answer {
            Answer::Send { from } if from <= book.offer.size => {
                book.begin(from);
                self.totals.bytes_total += book.offer.size - from;
                let (name, size) = (book.offer.name.clone(), book.offer.size);
                self.reports.push_back(Report::FileStarted { session: self.session, index, name, size, from });
            }
            Answer::Send { .. } => return None,
            Answer::Refuse(refusal) => self.settle(index, Err(refusal), source),
        }
        Some(())
    }

    fn on_verdict(&mut self, index: u32, verdict: Verdict, source: &mut dyn Source) -> Option<()> {
        let book = self.books.get_mut(index as usize)?;
        match (verdict, book.stage) {
            (_, Stage::Settled) => {}
            (Verdict::Complete, Stage::Finishing(digest, _)) => self.settle(index, Ok(digest), source),
            // Nothing that was not all sent can be complete, whoever says so.
            (Verdict::Complete, _) => return None,
            // What an earlier session left was of another file with the same name, size and time.
            (Verdict::Differs, Stage::Finishing(..)) if !book.afresh => {
                book.afresh = true;
                book.stage = Stage::Offered(Ask::new(self.now));
            }
            (Verdict::Differs, Stage::Offered(_)) => {}
            (Verdict::Differs, _) => {
                let refusal = Refusal::new("the bytes that arrived are not those that were sent");
                self.settle(index, Err(refusal), source);
            }
            (Verdict::Refused(refusal), _) => self.settle(index, Err(refusal), source),
        }
        Some(())
    }

    /// A file is done, well or not.
    pub(super) fn settle(&mut self, index: u32, result: Result<Digest, Refusal>, source: &mut dyn Source) {
        let book = &mut self.books[index as usize];
        book.stage = Stage::Settled;
        let (name, size) = (book.offer.name.clone(), book.offer.size);
        match result {
            Ok(_) => {
                self.totals.files_done += 1;
                // The answers to its last bytes may be on their way, or lost; the verdict says that they came.
                self.totals.bytes_done += book.on_arrived(0, size);
            }
            Err(_) => self.totals.files_failed += 1,
        }
        let result = result.map_err(|refusal| refusal.reason().to_owned());
        self.reports.push_back(Report::FileEnded { session: self.session, index, name, size, result });
        self.open.retain(|other| *other != index);
        source.close(index);
    }

    // ANCHOR: on_ack
    fn on_ack(&mut self, ack: &Ack) -> Option<()> {
        // An answer to what was never sent: from a liar, or from another session's end.
        if u64::from(ack.largest()) >= self.flight.next_number() {
            return None;
        }
        let in_flight_before = self.flight.bytes();
        let mut known = Known::default();
        let sent_at = self.flight.on_ack(&ack.ranges, |number, sent, outcome| known.add(number, sent, outcome));
        let rtt = sent_at.map(|sent_at| self.now - sent_at);
        if let Some(rtt) = rtt {
            self.rtt.sample(rtt, Duration::from_micros(ack.delay_us.into()));
        }
        self.flight.find_lost(self.now, &self.rtt, |number, sent, outcome| known.add(number, sent, outcome));
        if known.lost > 0 && !self.options.sack {
            self.flight.lose_all(|number, sent, outcome| known.add(number, sent, outcome));
        }
        self.learn(&known, rtt.map(|_| self.rtt.latest()), in_flight_before);
        Some(())
    }
    // ANCHOR_END: on_ack

    /// Time has passed for datagrams that others have overtaken.
    pub(super) fn find_lost(&mut self) {
        let in_flight_before = self.flight.bytes();
        let mut known = Known::default();
        self.flight.find_lost(self.now, &self.rtt, |number, sent, outcome| known.add(number, sent, outcome));
        self.learn(&known, None, in_flight_before);
    }

    /// Nothing came at all.
    pub(super) fn on_silence(&mut self) {
        let mut known = Known::default();
        let everything = self.flight.on_silence(|number, sent, outcome| known.add(number, sent, outcome));
        if everything {
            self.options.congestion.on_silence(self.path.datagram_len() as u64);
        }
        self.path.on_silence(self.now - self.last_heard);
        self.apply(&known);
    }

    /// Hands on what became known: to the files, to the path's length, to congestion control.
    fn learn(&mut self, known: &Known, rtt: Option<Duration>, in_flight_before: u64) {
        self.apply(known);
        let rate = self.rate.sample(self.rtt.min());
        let news = News {
            now: self.now,
            arrived: known.arrived,
            lost: known.lost,
            lost_largest: known.lost_largest,
            next_number: self.flight.next_number(),
            arrived_largest: self.flight.arrived_largest().unwrap_or(0),
            in_flight_before,
            in_flight: self.flight.bytes(),
            delivered: self.rate.delivered(),
            rtt,
            srtt: self.rtt.smoothed(),
            rate,
            datagram_len: self.path.datagram_len() as u64,
        };
        self.options.congestion.on_news(&news);
        self.tell(Fate::Window {
            cwnd: self.options.congestion.window(news.datagram_len),
            in_flight: news.in_flight,
            pacing_rate: self.pacing_rate().unwrap_or(0),
            srtt: news.srtt,
        });
    }

    fn apply(&mut self, known: &Known) {
        for (number, sent, outcome) in &known.fates {
            let (number, now) = (*number, self.now);
            match (sent.cargo, outcome) {
                (Cargo::Piece { index, offset, len }, Outcome::Arrived { .. }) => {
                    self.totals.bytes_done += self.books[index as usize].on_arrived(offset, len as u64);
                    self.rate.on_arrived(now, sent.len as u64, sent.at, sent.stamp);
                    self.path.on_arrived();
                    self.tell(Fate::Arrived { number });
                }
                (Cargo::Piece { index, offset, len }, Outcome::Lost) => {
                    self.books[index as usize].on_lost(offset, len as u64);
                    self.tell(Fate::Lost { number });
                }
                (Cargo::Probe, Outcome::Arrived { .. }) => self.path.on_probe_arrived(sent.len),
                (Cargo::Probe, Outcome::Lost) => self.path.on_probe_lost(sent.len, now + self.rtt.smoothed()),
            }
        }
    }
}
