//! How long to wait before the next attempt, when a room is lost.
//!
//! ```text
//! lost ─ 0.5 s ─ attempt ─ 1 s ─ attempt ─ 2 s ─ … ─ 30 s ─ attempt ─ 30 s ─ …
//! ```
//! The waits grow, because a room that is down for an hour needs no thousand visitors; and each is drawn
//! around its mean, because a hundred clients that lost the same server at the same moment would otherwise
//! all come back at the same moment. Pure: the time and the draw come from the caller.

use std::time::{Duration, Instant};

/// The first wait: a server that is only started again is back by then.
pub const FIRST: Duration = Duration::from_millis(500);

/// The longest wait: so long a person looks at a screen without giving up.
pub const LONGEST: Duration = Duration::from_secs(30);

/// Who was in the room so long begins with [`FIRST`] again. A room that lets us in and closes at once
/// must not get an attempt every half a second.
pub const STAYED: Duration = LONGEST;

/// Decides when to try again.
///
/// # Examples
/// ```
/// use chat_room::join::patience::{FIRST, Patience};
/// use std::time::Instant;
///
/// let (mut patience, now) = (Patience::new(), Instant::now());
/// let middle = 0.5; // a draw in the middle of its range
/// assert_eq!(patience.lost(now, middle), FIRST);
/// assert_eq!(patience.lost(now, middle), FIRST * 2);
/// ```
#[derive(Debug, Clone)]
pub struct Patience {
    /// The mean of the next wait.
    next: Duration,
    /// Since when we have been in the room.
    joined: Option<Instant>,
}

impl Default for Patience {
    fn default() -> Self {
        Self::new()
    }
}

impl Patience {
    /// Before the first loss.
    #[must_use]
    pub fn new() -> Self {
        Self { next: FIRST, joined: None }
    }

    /// The room has let us in.
    pub fn joined(&mut self, now: Instant) {
        self.joined = Some(now);
    }

    /// The room is lost, or an attempt has failed: how long to wait.
    ///
    /// `draw` is a number from 0 up to 1; the wait is its mean times 0.75 to 1.25.
    // ANCHOR: lost
    #[must_use]
    pub fn lost(&mut self, now: Instant, draw: f64) -> Duration {
        if self.joined.take().is_some_and(|since| now.saturating_duration_since(since) >= STAYED) {
            self.next = FIRST;
        }
        let mean = self.next;
        self.next = (mean * 2).min(LONGEST);
        mean.mul_f64(0.75 + draw.clamp(0.0, 1.0) / 2.0)
    }
    // ANCHOR_END: lost
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The waits of a client that tries for `time`, by a clock that the test turns.
    fn waits(patience: &mut Patience, mut now: Instant, time: Duration, draw: f64) -> Vec<Duration> {
        let end = now + time;
        let mut waits = Vec::new();
        while now < end {
            let wait = patience.lost(now, draw);
            now += wait;
            waits.push(wait);
        }
        waits
    }

    #[test]
    fn the_waits_double_up_to_the_longest() {
        let waits = waits(&mut Patience::new(), Instant::now(), Duration::from_secs(100), 0.5);
        let seconds: Vec<f64> = waits.iter().map(Duration::as_secs_f64).collect();
        assert_eq!(seconds, [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0]);
    }

    #[test]
    fn an_hour_without_a_server_is_some_hundred_attempts() {
        let count = waits(&mut Patience::new(), Instant::now(), Duration::from_secs(3600), 0.5).len();
        assert!((110..130).contains(&count), "{count}");
    }

    #[test]
    fn clients_that_lost_the_same_server_do_not_come_back_together() {
        let now = Instant::now();
        let (early, late) = (Patience::new().lost(now, 0.0), Patience::new().lost(now, 1.0));
        assert_eq!((early, late), (FIRST.mul_f64(0.75), FIRST.mul_f64(1.25)));
    }

    #[test]
    fn a_stay_forgives_and_a_short_visit_does_not() {
        let (mut patience, now) = (Patience::new(), Instant::now());
        let _ = waits(&mut patience, now, Duration::from_secs(100), 0.5);
        patience.joined(now);
        assert_eq!(patience.lost(now + STAYED - Duration::from_millis(1), 0.5), LONGEST);
        patience.joined(now);
        assert_eq!(patience.lost(now + STAYED, 0.5), FIRST);
        assert_eq!(patience.lost(now + STAYED, 0.5), FIRST * 2);
    }

    #[test]
    fn a_room_that_lets_in_and_throws_out_is_not_hammered() {
        let (mut patience, mut now) = (Patience::new(), Instant::now());
        let mut attempts = 0;
        let end = now + Duration::from_secs(300);
        while now < end {
            patience.joined(now);
            now += patience.lost(now, 0.0);
            attempts += 1;
        }
        assert!(attempts < 20, "{attempts}");
    }
}
