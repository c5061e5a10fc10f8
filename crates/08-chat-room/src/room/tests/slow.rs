//! Slow readers: what they missed is said, what they cost is bounded, and only the dead are let go.
//!
//! Read `../tests.rs` before, for [`Table`].

use std::time::Duration;

use super::*;
use crate::limits::WAITING_MAX;

fn small_log() -> Limits {
    Limits { log_bytes_max: 4096, ..unlimited() }
}

#[test]
fn what_a_slow_reader_missed_is_counted_to_the_line() {
    let mut table = Table::new(small_log());
    let (ming, bob) = (table.join("小明"), table.join("bob"));
    table.read(bob);
    table.read(ming);
    for number in 0..1000 {
        table.say(bob, &format!("第 {number} 句"));
    }
    let got = table.read(ming);
    let mut lines = got.lines();
    let missed: u64 =
        lines.next().unwrap().strip_prefix("* You missed ").unwrap().split(' ').next().unwrap().parse().unwrap();
    assert!(missed > 900);
    for number in missed..1000 {
        assert_eq!(lines.next(), Some(format!("[bob] 第 {number} 句").as_str()));
    }
    assert_eq!(lines.next(), None);
}

#[test]
fn a_line_that_was_begun_is_ended_before_the_gap_is_told() {
    for cut in [1, 8, 9, 10, 11] {
        let mut table = Table::new(small_log());
        let (ming, bob) = (table.join("ming"), table.join("bob"));
        table.read(ming);
        table.say(bob, "123");
        table.say(bob, "456");
        assert_eq!(table.send(ming, cut), cut);
        assert!(table.room.is_stuck(ming));
        for _ in 0..1000 {
            table.say(bob, "and so on");
        }
        let got = table.read(ming);
        let before = if cut <= 10 { "[bob] 123\n* You missed " } else { "[bob] 123\n[bob] 456\n* You missed " };
        assert!(got.starts_with(before) && got.ends_with("[bob] and so on\n"), "{cut}: {got}");
        assert!(!table.room.is_stuck(ming));
    }
}

#[test]
fn own_lines_are_neither_sent_nor_counted_as_missed() {
    let mut table = Table::new(small_log());
    let (ming, bob) = (table.join("小明"), table.join("bob"));
    table.read(ming);
    for _ in 0..5000 {
        table.say(ming, "mine");
        table.say(bob, "yours");
        table.read(bob);
    }
    let got = table.read(ming);
    let missed: usize = got.split(' ').nth(3).unwrap().parse().unwrap();
    assert_eq!(missed + got.lines().filter(|line| *line == "[bob] yours").count(), 5000);
    assert!(!got.contains("mine"));
}

#[test]
fn private_messages_survive_the_gap_and_their_number_is_bounded() {
    let mut table = Table::new(small_log());
    let (ming, bob) = (table.join("小明"), table.join("bob"));
    table.read(ming);
    let mut answers = String::new();
    for number in 0..1000 {
        table.say(bob, &format!("/msg 小明 {number} {}", "長".repeat(100)));
        answers += &table.read(bob);
        table.say(bob, "in between, to everybody, until the log has forgotten it");
    }
    let delivered = answers.lines().filter(|line| line.starts_with("[you -> 小明] ")).count();
    assert!(answers.lines().last().unwrap().starts_with("! 小明 is not reading"));
    let waiting = table.room.stats().waiting_peak;
    assert!((50..1000).contains(&delivered) && waiting < WAITING_MAX + 1024, "{delivered} {waiting}");
    let got = table.read(ming);
    assert!(got.starts_with("* You missed "));
    let private: Vec<&str> = got.lines().filter(|line| line.starts_with("[bob -> you] ")).collect();
    assert!(private.iter().enumerate().all(|(number, line)| line.starts_with(&format!("[bob -> you] {number} "))));
    assert_eq!(private.len(), delivered);
}

#[test]
fn who_asks_and_never_reads_is_not_heard_after_a_while() {
    let mut table = Table::new(unlimited());
    let bob = table.join("bob");
    let mut asked = 0;
    while (table.room.step(bob) == Step::Wait { hear: true, send: false }) && asked < 100_000 {
        table.say(bob, "/help");
        asked += 1;
    }
    assert!(asked < 1000, "{asked}");
    let lists = table.join("carol");
    while matches!(table.room.step(lists), Step::Wait { hear: true, .. }) && asked < 100_000 {
        table.say(lists, "/who");
        asked += 1;
    }
    assert!(asked < 2000, "{asked}");
    table.read(bob);
    assert_eq!(table.room.step(bob), Step::Wait { hear: true, send: false });
}

#[test]
fn slow_is_not_dead_and_dead_is_told() {
    let mut table = Table::new(unlimited());
    let (ming, bob) = (table.join("小明"), table.join("bob"));
    table.read(ming);
    let patience = table.room.limits().stall_timeout;
    table.say(bob, "a long line that nobody takes whole");
    for _ in 0..10 {
        // A byte just in time, each time.
        assert_eq!(table.send(ming, 1), 1);
        table.now += patience - Duration::from_millis(1);
        assert!(!table.room.time_is_up(ming, table.now));
    }
    assert_eq!(table.send(ming, 0), 0);
    table.now = table.room.deadline(ming).unwrap();
    assert!(table.room.time_is_up(ming, table.now), "room for the last words is wanted");
    assert_eq!(
        table.read(ming),
        "[bob] a long line that nobody takes whole\n! Closed: you have read nothing for 30s\n"
    );
    assert_eq!(table.room.step(ming), Step::Release);
    assert_eq!(table.read(bob), "* 小明 has left: has read nothing for 30s\n");
    assert_eq!(table.room.stats().stalled, 1);
}
