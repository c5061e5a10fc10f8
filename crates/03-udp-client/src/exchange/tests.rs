//! The exchange in virtual time: a network that loses, repeats, delays and reorders as the test says.
//!
//! The n-th transmission of the request meets the n-th fate: the datagrams that come back for it, each
//! after so many milliseconds. A failed test prints everything that happened before.

use super::*;

/// What comes back for one transmission: datagrams and their delay in milliseconds.
type Fate<'a> = &'a [(u64, &'a str)];

/// Plays `exchange` to its end; each event as a line, time first.
fn play(mut exchange: Exchange<'_>, fates: &[Fate<'_>]) -> Vec<String> {
    let start = Instant::now();
    let mut now = start;
    let mut on_their_way: Vec<(Instant, &str)> = Vec::new();
    let mut log = Vec::new();
    loop {
        let ms = (now - start).as_millis();
        match exchange.next(now) {
            Todo::Send => {
                log.push(format!("{ms} send"));
                let fate = fates.get(exchange.attempt() as usize - 1).copied().unwrap_or_default();
                on_their_way.extend(fate.iter().map(|(delay, text)| (now + Duration::from_millis(*delay), *text)));
                on_their_way.sort();
            }
            Todo::WaitUntil(until) if on_their_way.first().is_some_and(|(at, _)| *at < until) => {
                let (at, text) = on_their_way.remove(0);
                now = at;
                let meaning = exchange.judge(Datagram::whole(text.as_bytes()));
                log.push(format!("{} {text}: {meaning:?}", (now - start).as_millis()));
                if meaning == Meaning::Answer {
                    return log;
                }
            }
            Todo::WaitUntil(until) => now = until,
            Todo::GiveUp => {
                log.push(format!("{ms} give up"));
                return log;
            }
        }
    }
}

fn ask<'a>(request: &'a str, previous: Option<&'a str>) -> Exchange<'a> {
    Exchange::new(request.as_bytes(), previous.map(str::as_bytes), Patience::default())
}

#[test]
fn an_answer_ends_it_after_one_transmission() {
    let log = play(ask("你好", None), &[&[(20, "Server received: 你好")]]);
    assert_eq!(log, ["0 send", "20 Server received: 你好: Answer"]);
}

#[test]
fn a_lost_request_or_a_lost_answer_is_sent_again_after_the_timeout() {
    // From here both look the same: nothing comes.
    let log = play(ask("你好", None), &[&[], &[(20, "Server received: 你好")]]);
    assert_eq!(log, ["0 send", "1000 send", "1020 Server received: 你好: Answer"]);
}

#[test]
fn the_waits_double_until_it_gives_up() {
    assert_eq!(play(ask("你好", None), &[]), ["0 send", "1000 send", "3000 send", "7000 give up"]);
}

#[test]
fn an_answer_that_is_slower_than_the_timeout_still_counts_once() {
    let slow: Fate<'_> = &[(1500, "Server received: 你好")];
    let log = play(ask("你好", None), &[slow, slow]);
    // The second answer, at 2500, is a duplicate: the next request will meet it.
    assert_eq!(log, ["0 send", "1000 send", "1500 Server received: 你好: Answer"]);
}

#[test]
fn a_late_or_doubled_answer_to_the_previous_request_is_not_taken() {
    let late: Fate<'_> = &[(5, "Server received: 早安"), (6, "Server received: 早安"), (30, "Server received: 你好")];
    let log = play(ask("你好", Some("早安")), &[late]);
    assert_eq!(
        log,
        [
            "0 send",
            "5 Server received: 早安: Stray(Late)",
            "6 Server received: 早安: Stray(Late)",
            "30 Server received: 你好: Answer",
        ],
    );
}

#[test]
fn answers_in_the_wrong_order_find_their_requests() {
    // The answer to the previous request overtakes nothing here: it comes behind ours.
    let reordered: Fate<'_> = &[(10, "Server received: 你好"), (11, "Server received: 早安")];
    assert_eq!(play(ask("你好", Some("早安")), &[reordered]).len(), 2);
    assert_eq!(
        play(ask("再見", Some("你好")), &[reordered])[1..3],
        ["10 Server received: 你好: Stray(Late)", "11 Server received: 早安: Stray(Foreign)",]
    );
}

#[test]
fn strays_do_not_move_the_deadline() {
    let flood: Vec<(u64, &str)> = (1..2000).map(|ms| (ms, "哈")).collect();
    let log = play(ask("你好", None), &[&flood]);
    let sent: Vec<&String> = log.iter().filter(|line| line.ends_with("send")).collect();
    assert_eq!(sent, ["0 send", "1000 send", "3000 send"]);
}

#[test]
fn every_datagram_has_one_meaning() {
    use Meaning::{Answer, Stray as NotIt};

    let exchange = ask("你好嗎", Some("你"));
    for (datagram, want) in [
        ("Server received: 你好嗎", Answer),
        ("Server received: 9 bytes, too many to send back (at most 4)", Answer),
        ("Server received: 8 bytes, too many to send back (at most 4)", NotIt(Stray::Foreign)),
        ("Server received: 你好嗎?", NotIt(Stray::Foreign)),
        ("Server received: 你好", NotIt(Stray::Shortened(6))),
        ("Server received: 你", NotIt(Stray::Late)),
        ("你好嗎", NotIt(Stray::Foreign)),
        ("", NotIt(Stray::Foreign)),
    ] {
        assert_eq!(exchange.judge(Datagram::whole(datagram.as_bytes())), want, "{datagram}");
    }
}

#[test]
fn an_empty_request_has_the_bare_prefix_as_its_answer() {
    let exchange = ask("", None);
    assert_eq!(exchange.judge(Datagram::whole(PREFIX)), Meaning::Answer);
    assert_eq!(exchange.judge(Datagram::whole(b"")), Meaning::Stray(Stray::Foreign));
}

#[test]
fn an_answer_that_our_own_buffer_cut_is_recognised_by_what_is_left() {
    let answer = "Server received: 你好嗎".as_bytes();
    let exchange = ask("你好嗎", None);
    for len in 0..answer.len() {
        let datagram = Datagram { bytes: &answer[..len], cut: true };
        assert_eq!(exchange.judge(datagram), Meaning::Answer, "{len} bytes");
    }
    let other = Datagram { bytes: "Server received: 早".as_bytes(), cut: true };
    assert_eq!(exchange.judge(other), Meaning::Stray(Stray::Foreign));
}

#[test]
fn any_answer_takes_what_comes_first() {
    let log = play(ask("你好", None).with_any_answer(true), &[&[(3, "HELLO"), (9, "Server received: 你好")]]);
    assert_eq!(log, ["0 send", "3 HELLO: Answer"]);
}

#[test]
fn waits_stay_within_their_bound_however_many_attempts() {
    let patience = Patience { timeout: Duration::from_secs(1), attempts: u32::MAX };
    assert_eq!(patience.wait(7), WAIT_MAX);
    assert_eq!(patience.wait(u32::MAX), WAIT_MAX);
    let patient = Patience { timeout: Duration::from_secs(90), attempts: 3 };
    assert_eq!(patient.wait(3), Duration::from_secs(90));
}
