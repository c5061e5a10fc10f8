//! Hostile clients, each kind beside a hundred good ones who must not notice.
//!
//! Read `house.rs` before. What each costs (memory, processor, the good ones' times) is measured by
//! `scripts/bench/chat-room`; here is what must happen on any machine, however slow.

use std::collections::BTreeSet;
use std::time::Duration;

use chat_room::limits::Limits;

use crate::house::{Crowd, Guest, House};

/// How many hostile clients there are of a kind.
const MANY: usize = 20;

fn unlimited() -> Limits {
    Limits { per_address_max: None, history: 0, ..Limits::default().with_rate(0) }
}

#[test]
fn who_never_gives_a_name_is_let_go_with_a_reason() {
    // As long as a good one may be held up by a busy machine while it gives its name.
    let house = House::open(Limits { naming_time: Duration::from_secs(3), ..unlimited() });
    let mut crowd = Crowd::join(&house);
    let mut silent: Vec<Guest> = (0..MANY).map(|_| house.knock()).collect();
    let mut halves: Vec<Guest> = (0..MANY).map(|_| house.knock()).collect();
    halves.iter_mut().for_each(|guest| guest.send("半個名".as_bytes()));
    crowd.chat();
    for guest in silent.iter_mut().chain(&mut halves) {
        assert_eq!(guest.rest(), ["! You gave no name within 3s"]);
    }
    crowd.chat();
}

#[test]
fn who_never_reads_is_told_of_and_closed_and_nobody_waits_for_it() {
    let house = House::open(Limits {
        stall_timeout: Duration::from_millis(300),
        send_buffer_len: 4096,
        log_bytes_max: 32 * 1024,
        ..unlimited()
    });
    let mut crowd = Crowd::join(&house);
    let mut stuck = house.join("stuck");
    let mut talker = house.join("talker");
    crowd.chat();
    // More than any receive buffer takes; the talker and the crowd read on meanwhile.
    let line = "多".repeat(300);
    let mut said = 0;
    while house.board.stats().stalled == 0 {
        talker.say(&line);
        crowd.all_hear("[talker] ");
        said += 1;
        assert!(said < 100_000, "a reader of nothing was never closed");
    }
    assert_eq!(crowd.hears("* stuck has left"), "* stuck has left: has read nothing for 300ms");
    crowd.chat();
    let last = stuck.bytes_to_the_end();
    let last = String::from_utf8_lossy(&last);
    assert!(
        last.ends_with("\n! Closed: you have read nothing for 300ms\n"),
        "{:?}",
        last.lines().last().map(|line| line.len())
    );
}

#[test]
fn who_reads_slowly_is_told_what_it_missed_and_stays() {
    // Slow is not dead, however long a busy machine takes for this.
    let stall_timeout = Duration::from_secs(600);
    let house = House::open(Limits { send_buffer_len: 4096, log_bytes_max: 16 * 1024, stall_timeout, ..unlimited() });
    let mut crowd = Crowd::join(&house);
    let (mut slow, mut talker) = (house.join("slow"), house.join("talker"));
    slow.until("* talker has joined");
    let said = 20_000;
    let line = "慢".repeat(200);
    for number in 0..said {
        talker.say(&format!("{number} {line}"));
    }
    talker.say("/who");
    talker.until("* In the room: ");
    talker.say("the end");
    let (mut heard, mut missed) = (0, 0);
    loop {
        let next = slow.until("");
        if let Some(count) = next.strip_prefix("* You missed ") {
            missed += count.split(' ').next().unwrap().parse::<usize>().unwrap();
        } else if next == "[talker] the end" {
            break;
        } else if next.starts_with("[talker] ") {
            assert!(next.starts_with(&format!("[talker] {} ", heard + missed)), "{next}");
            heard += 1;
        }
    }
    assert_eq!(heard + missed, said);
    assert!(missed > 0, "the reader was not slow enough for this test");
    crowd.hears("[talker] the end");
    crowd.chat();
}

#[test]
fn a_flood_is_metered_told_and_drowns_nobody() {
    let house = House::open(Limits { per_address_max: None, ..Limits::default() });
    let mut crowd = Crowd::join(&house);
    let mut flood = house.join("flood");
    let lines = "spam\n".repeat(20_000);
    flood.send(lines.as_bytes());
    assert_eq!(flood.until("! "), "! Too fast: more than 10 lines a second are not passed on");
    house.wait_for("the flood to be heard", |stats| stats.messages + stats.too_fast >= 20_000);
    assert!(house.board.stats().messages < 2_000, "{}", house.board.stats());
    crowd.chat();
}

#[test]
fn long_lines_bad_bytes_and_terminal_codes_harm_nobody() {
    let house = House::open(unlimited());
    let mut crowd = Crowd::join(&house);
    let mut bad = house.join("bad");
    bad.send(&vec![b'x'; 1 << 20]);
    bad.send(b"\n\xff\xfe\xfa\n\xe5\xa5\n");
    bad.send("\u{1b}]52;c;aGk=\u{7}\u{202e}好\u{0}\u{9b}2J\n".as_bytes());
    assert_eq!(bad.line().unwrap(), "! A line has at most 1024 bytes; this one was not passed on");
    assert_eq!(bad.line().unwrap(), "! That line was not UTF-8, and was not passed on");
    assert_eq!(bad.line().unwrap(), "! That line was not UTF-8, and was not passed on");
    assert_eq!(crowd.hears("[bad] "), "[bad] \u{fffd}]52;c;aGk=\u{fffd}\u{fffd}好\u{fffd}\u{fffd}2J");
    crowd.chat();
}

#[test]
fn who_asks_and_never_reads_is_not_heard_and_the_others_are() {
    let house = House::open(Limits { send_buffer_len: 4096, ..unlimited() });
    let mut crowd = Crowd::join(&house);
    let asker = house.join("asker");
    asker.stream.get_ref().set_write_timeout(Some(Duration::from_millis(500))).unwrap();
    let asks = "/help\n".repeat(10_000);
    // Some megabytes of questions would be answered with a hundred: at some point nobody takes them any more.
    let taken =
        (0..1000).take_while(|_| std::io::Write::write_all(&mut asker.stream.get_ref(), asks.as_bytes()).is_ok());
    assert!(taken.count() < 1000, "every question was taken");
    assert!(house.board.stats().waiting_peak < 4 << 20, "{}", house.board.stats());
    crowd.chat();
}

#[test]
fn thousands_of_connections_from_one_address_are_told_and_the_places_stay_free() {
    let inside = Crowd::size();
    let house = House::open(Limits { per_address_max: Some(inside), ..unlimited() });
    let mut crowd = Crowd::join(&house);
    let reason = format!("! Too many connections from your address: {inside} at once; close one, or try again later");
    for _ in 0..5000 {
        assert_eq!(Guest::connect(house.addr).rest(), [reason.as_str()]);
    }
    house.wait_for("the refusals to be counted", |stats| stats.refused == 5000 && stats.connections == inside);
    crowd.chat();
}

#[test]
fn bytes_one_by_one_from_many_at_once_make_whole_lines() {
    let house = House::open(unlimited());
    let mut crowd = Crowd::join(&house);
    let mut snails: Vec<Guest> = (0..MANY).map(|number| house.join(&format!("蝸牛{number}"))).collect();
    for byte in "一個字一個字\n".bytes() {
        snails.iter_mut().for_each(|snail| snail.send(&[byte]));
    }
    let heard: BTreeSet<String> = snails.iter().map(|_| crowd.hears("[蝸牛")).collect();
    assert_eq!(heard, (0..MANY).map(|number| format!("[蝸牛{number}] 一個字一個字")).collect());
    crowd.chat();
}

#[test]
fn who_half_closes_beside_a_crowd_is_heard_and_answered() {
    let house = House::open(unlimited());
    let mut crowd = Crowd::join(&house);
    for number in 0..MANY {
        let mut passer = house.knock();
        passer.send(format!("路人{number}\n借過\n/msg 路人{number} 自言自語\n/x\n").as_bytes());
        passer.fall_silent();
        passer.until("[路人");
        assert_eq!(
            passer.rest(),
            [format!("[you -> 路人{number}] 自言自語").as_str(), "! Unknown command /x; try /help"]
        );
        assert_eq!(crowd.hears("[路人"), format!("[路人{number}] 借過"));
    }
    crowd.chat();
}

#[test]
fn resets_in_mid_line_give_the_names_back() {
    let house = House::open(unlimited());
    let mut crowd = Crowd::join(&house);
    let before = house.board.stats().connections;
    for _ in 0..5 {
        let mut visitors: Vec<Guest> = (0..MANY).map(|number| house.join(&format!("客人{number}"))).collect();
        visitors.iter_mut().for_each(|visitor| visitor.send("說到一半".as_bytes()));
        visitors.into_iter().for_each(Guest::reset);
        house.wait_for("the resets to be seen", |stats| stats.connections == before);
    }
    assert_eq!(crowd.hears("* 客人0 has left"), "* 客人0 has left: connection reset");
    crowd.chat();
}

#[test]
fn of_many_who_want_one_name_at_once_one_gets_it() {
    let house = House::open(unlimited());
    let mut crowd = Crowd::join(&house);
    let spellings = ["Bob", "BOB", "ｂｏｂ", "bOb"];
    for _ in 0..3 {
        let mut rivals: Vec<Guest> = (0..MANY).map(|_| house.knock()).collect();
        for (rival, name) in rivals.iter_mut().zip(spellings.iter().cycle()) {
            rival.say(name);
        }
        let answers: Vec<String> = rivals.iter_mut().map(|rival| rival.line().unwrap()).collect();
        assert_eq!(answers.iter().filter(|answer| answer.starts_with("* In the room: ")).count(), 1, "{answers:?}");
        assert!(answers.iter().all(|answer| answer.starts_with("* In") || answer.ends_with(" is in the room already")));
        rivals.into_iter().for_each(Guest::reset);
        house.wait_for("the rivals to be gone", |stats| stats.members == stats.connections);
    }
    crowd.chat();
}
