//! What must be delivered: every message to everybody but its author, once, in one order for all.
//!
//! The first who hears a message fixes its place in the order, and everybody else must hear the same one
//! there. Authors are checked at the end: they do not hear their own messages, so that they cannot know
//! where those stand before others have heard them. Pure.

use std::time::Instant;

/// A message is this much: the author's number, its own number, and letters that must come back as well.
pub const HEAD_LEN: usize = 13;

/// Everything that has been said.
#[derive(Debug)]
pub struct Order {
    /// Authors and numbers, as the first who heard them did.
    order: Vec<Place>,
    /// For each author, its messages.
    sent: Vec<Vec<Message>>,
    listeners: Vec<Listener>,
    text_len: usize,
    filler: String,
}

type Place = (usize, usize);

#[derive(Debug)]
struct Message {
    sent_at: Instant,
    /// How many have not heard it yet.
    missing: usize,
}

#[derive(Debug)]
struct Listener {
    /// For each author, the number that must come next.
    next: Vec<usize>,
    /// How far in the order; for those who do not talk.
    at: usize,
    /// What it has heard; for those who talk.
    heard: Vec<Place>,
}

/// A delivery that is as it must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delivery {
    /// When its message went in.
    pub sent_at: Instant,
    /// The author whose message everybody has heard now.
    pub complete: Option<usize>,
}

impl Order {
    /// For so many authors, who are the first of the listeners.
    #[must_use]
    pub fn new(authors: usize, listeners: usize, text_len: usize) -> Self {
        let room = text_len.saturating_sub(HEAD_LEN);
        let mut filler: String = "早安大家好".chars().cycle().take(room / '早'.len_utf8()).collect();
        filler.extend(std::iter::repeat_n('.', room - filler.len()));
        let listener = || Listener { next: vec![0; authors], at: 0, heard: Vec::new() };
        let sent = (0..authors).map(|_| Vec::new()).collect();
        let listeners = (0..listeners).map(|_| listener()).collect();
        Self { order: Vec::new(), sent, listeners, text_len, filler }
    }

    /// The author's next message, which goes in at `at`.
    pub fn next(&mut self, author: usize, at: Instant) -> String {
        let number = self.sent[author].len();
        self.sent[author].push(Message { sent_at: at, missing: self.listeners.len() - 1 });
        format!("{author:03} {number:08} {}", self.filler)
    }

    /// A listener has heard this; `None` when it is not what it must be.
    pub fn hear(&mut self, listener: usize, text: &[u8]) -> Option<Delivery> {
        let (head, filler) = text.split_at_checked(HEAD_LEN)?;
        if text.len() != self.text_len || filler != self.filler.as_bytes() || head[3] != b' ' || head[12] != b' ' {
            return None;
        }
        let (author, number) = (digits(&head[..3])?, digits(&head[4..12])?);
        let who = &mut self.listeners[listener];
        let next = who.next.get_mut(author)?;
        if author == listener || *next != number {
            return None;
        }
        *next += 1;
        if listener < self.sent.len() {
            who.heard.push((author, number));
        } else {
            if who.at == self.order.len() {
                self.order.push((author, number));
            }
            let place = self.order[who.at];
            who.at += 1;
            if place != (author, number) {
                return None;
            }
        }
        let message = self.sent[author].get_mut(number)?;
        message.missing -= 1;
        Some(Delivery { sent_at: message.sent_at, complete: (message.missing == 0).then_some(author) })
    }

    /// How many deliveries are still to come.
    #[must_use]
    pub fn missing(&self) -> usize {
        self.sent.iter().flatten().map(|message| message.missing).sum()
    }

    /// How many authors have heard the others in another order than everybody else has.
    #[must_use]
    pub fn authors_out_of_order(&self) -> u64 {
        let is_wrong = |author: usize| {
            let others = self.order.iter().filter(|(from, _)| *from != author);
            !self.listeners[author].heard.iter().eq(others)
        };
        // Without anybody who only listens there is no order to compare with.
        let comparable = self.listeners.len() > self.sent.len();
        if comparable { (0..self.sent.len()).filter(|author| is_wrong(*author)).count() as u64 } else { 0 }
    }
}

fn digits(text: &[u8]) -> Option<usize> {
    text.iter().try_fold(0, |number, digit| digit.is_ascii_digit().then(|| number * 10 + usize::from(digit - b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two authors and two who listen; each author has said one thing.
    fn two_said() -> (Order, String, String) {
        let now = Instant::now();
        let mut order = Order::new(2, 4, 64);
        let (one, two) = (order.next(0, now), order.next(1, now));
        assert_eq!((one.len(), order.missing()), (64, 6));
        (order, one, two)
    }

    #[test]
    fn deliveries_are_counted_until_everybody_has_heard() {
        let (mut order, one, two) = two_said();
        for (listener, text, complete) in
            [(1, &one, None), (2, &two, None), (2, &one, None), (0, &two, None), (3, &two, Some(1)), (3, &one, Some(0))]
        {
            assert_eq!(order.hear(listener, text.as_bytes()).map(|heard| heard.complete), Some(complete));
        }
        assert_eq!((order.missing(), order.authors_out_of_order()), (0, 0));
    }

    #[test]
    fn what_is_doubled_damaged_or_out_of_order_is_found() {
        let (mut order, one, two) = two_said();
        assert!(order.hear(2, one.as_bytes()).is_some());
        assert_eq!(order.hear(2, one.as_bytes()), None, "twice");
        assert_eq!(order.hear(0, one.as_bytes()), None, "its own");
        assert_eq!(order.hear(2, two.replace('早', "晚").as_bytes()), None, "damaged");
        assert_eq!(order.hear(3, two.as_bytes()), None, "another order");
        assert_eq!(order.hear(2, b"000 00000001 x"), None, "never said");
    }

    #[test]
    fn authors_in_another_order_are_found_at_the_end() {
        let now = Instant::now();
        let mut order = Order::new(3, 4, 64);
        let said: Vec<String> = (0..3).map(|author| order.next(author, now)).collect();
        for text in &said {
            order.hear(3, text.as_bytes());
        }
        for (listener, heard) in [(0, [2, 1]), (1, [0, 2]), (2, [0, 1])] {
            heard.iter().for_each(|author| assert!(order.hear(listener, said[*author].as_bytes()).is_some()));
        }
        assert_eq!((order.missing(), order.authors_out_of_order()), (0, 1));
    }
}
