//! The pipe under a clock that the test moves.
//!
//! Read `pipe.rs` before. A run is written as what left when; nothing sleeps.

use proptest::prelude::*;

use super::*;

const MS: Duration = Duration::from_millis(1);

fn pipe(settings: &[(&str, &str)]) -> Pipe {
    let mut way = StreamWay::default();
    settings.iter().for_each(|(key, value)| way.set(key, value).unwrap());
    way.check().unwrap();
    Pipe::new(way, Duration::ZERO)
}

/// Lets the time pass up to `until` and tells what left when.
fn run(pipe: &mut Pipe, mut now: Duration, until: Duration) -> Vec<(u128, String)> {
    let mut left = Vec::new();
    loop {
        let (what, len) = match pipe.step(now) {
            Step::Write(bytes) => (String::from_utf8_lossy(bytes).into_owned(), bytes.len()),
            Step::End => ("END".to_owned(), 0),
            Step::Reset => ("RESET".to_owned(), 0),
            Step::Wait(Some(next)) if next <= until => {
                assert!(next > now, "waits for {next:?} at {now:?}");
                now = next;
                continue;
            }
            Step::Wait(_) => return left,
        };
        left.push((now.as_millis(), what));
        if len > 0 {
            pipe.wrote(now, len);
        }
    }
}

fn owned(list: &[(u128, &str)]) -> Vec<(u128, String)> {
    list.iter().map(|(ms, text)| (*ms, (*text).to_owned())).collect()
}

/// Each case: settings, what is pushed when, what leaves when.
type Case<'a> = (&'a [(&'a str, &'a str)], &'a [(u32, &'a str)], &'a [(u128, &'a str)]);

#[test]
fn each_impairment_does_what_it_says() {
    let cases: &[Case] = &[
        (&[], &[(0, "你好"), (1, "再見")], &[(0, "你好"), (1, "再見")]),
        (&[("delay", "50ms")], &[(0, "你好"), (9, "再見")], &[(50, "你好"), (59, "再見")]),
        (&[("slice", "3")], &[(0, "你好嗎")], &[(0, "你"), (100, "好"), (200, "嗎")]),
        (&[("slice", "2"), ("slice-gap", "1ms")], &[(0, "abcde")], &[(0, "ab"), (1, "cd"), (2, "e")]),
        (&[("glue", "10ms")], &[(0, "一"), (3, "二"), (9, "三"), (11, "四")], &[(10, "一二三"), (21, "四")]),
        (&[("glue", "10ms"), ("delay", "5ms")], &[(0, "一"), (9, "二")], &[(15, "一二")]),
        (&[("stall-after", "3")], &[(0, "你好")], &[(0, "你")]),
        (&[("stall-after", "3"), ("stall-for", "40ms")], &[(0, "你好")], &[(0, "你"), (40, "好")]),
        (&[("stall-after", "0")], &[(0, "你好")], &[]),
        (&[("stall-at", "5ms")], &[(4, "你"), (5, "好")], &[(4, "你")]),
        (&[("stall-at", "5ms"), ("stall-for", "5ms")], &[(4, "你"), (6, "好")], &[(4, "你"), (10, "好")]),
        (&[("reset-after", "3")], &[(0, "你好")], &[(0, "你"), (0, "RESET")]),
        (&[("reset-after", "0")], &[], &[(0, "RESET")]),
        (&[("close-after", "3")], &[(0, "你好"), (5, "嗎")], &[(0, "你"), (0, "END")]),
        (&[("rate", "8kbit")], &[(0, "abcdefgh")], &[(0, "abcde"), (5, "fgh")]),
    ];
    for (settings, pushed, want) in cases {
        let mut pipe = pipe(settings);
        let mut left = run(&mut pipe, Duration::ZERO, Duration::ZERO);
        let mut now = Duration::ZERO;
        for (ms, text) in *pushed {
            left.extend(run(&mut pipe, now, MS * *ms - Duration::from_nanos(u64::from(*ms > 0))));
            now = MS * *ms;
            pipe.push(now, text.as_bytes());
        }
        left.extend(run(&mut pipe, now, Duration::from_secs(3600)));
        assert_eq!(left, owned(want), "{settings:?}");
    }
}

#[test]
fn a_reset_leaves_behind_what_came_before_it_and_as_late() {
    let cases: [(&[_], &[(u128, &str)]); 4] = [
        (&[], &[(3, "你好"), (4, "RESET")]),
        (&[("delay", "50ms")], &[(53, "你好"), (54, "RESET")]),
        (&[("slice", "3")], &[(3, "你"), (103, "好"), (103, "RESET")]),
        (&[("stall-after", "3")], &[(3, "你")]),
    ];
    for (settings, want) in cases {
        let mut pipe = pipe(settings);
        pipe.push(MS * 3, "你好".as_bytes());
        // A FIN before it changes nothing.
        pipe.push_end(MS * 4);
        pipe.push_reset(MS * 4);
        assert_eq!(run(&mut pipe, MS * 3, Duration::from_secs(3600)), owned(want), "{settings:?}");
        assert_eq!(pipe.is_stuck(MS * 3), settings.first().is_some_and(|(key, _)| *key == "stall-after"));
    }
    let mut pipe = pipe(&[]);
    pipe.push(MS, "你好".as_bytes());
    pipe.close();
    pipe.push(MS, "再見".as_bytes());
    assert!(run(&mut pipe, MS, MS * 9).is_empty() && pipe.is_over() && pipe.waiting() == 0);
}

#[test]
fn the_end_of_the_stream_passes_behind_all_bytes() {
    let mut pipe = pipe(&[("delay", "50ms"), ("slice", "3")]);
    pipe.push(MS, "再見".as_bytes());
    pipe.push_end(2 * MS);
    assert_eq!(run(&mut pipe, 2 * MS, MS * 1000), owned(&[(51, "再"), (151, "見"), (151, "END")]));
    assert!(pipe.is_over());
    assert_eq!(pipe.step(MS * 2000), Step::Wait(None));
}

#[test]
fn a_sender_that_is_too_fast_finds_no_room() {
    let mut pipe = pipe(&[("delay", "1s"), ("window", "1kB")]);
    assert_eq!(pipe.room(), 1000);
    pipe.push(MS, &[7; 600]);
    assert!(pipe.room() < 400);
    // Single bytes cost more than they are.
    let mut pushed = 0;
    while pipe.room() > 0 {
        pipe.push(MS * (2 + pushed), &[7]);
        pushed += 1;
    }
    assert!(pushed < 15, "{pushed}");
}

#[test]
fn after_the_end_the_rest_is_read_and_thrown_away() {
    let mut pipe = pipe(&[("close-after", "2")]);
    pipe.push(MS, b"abcdef");
    assert_eq!(run(&mut pipe, MS, MS), owned(&[(1, "ab"), (1, "END")]));
    pipe.push(2 * MS, b"more");
    assert_eq!((pipe.waiting(), pipe.room() > 0, pipe.left()), (0, true, 2));
}

#[test]
fn a_rate_is_kept_over_time_also_when_wake_ups_are_late() {
    let mut pipe = pipe(&[("rate", "1mbit"), ("window", "1MiB")]);
    pipe.push(Duration::ZERO, &[7; 250_000]);
    let mut now = Duration::ZERO;
    while pipe.waiting() > 0 {
        match pipe.step(now) {
            Step::Write(bytes) => {
                let len = bytes.len();
                pipe.wrote(now, len);
            }
            // Each wake-up comes 2 ms late.
            Step::Wait(Some(next)) => now = next + 2 * MS,
            other => panic!("{other:?}"),
        }
    }
    let seconds = now.as_secs_f64();
    assert!((seconds - 2.0).abs() < 0.02, "2 mbit at 1 mbit/s took {seconds} s");
}

proptest! {
    /// Whatever happens to the pieces, the stream is the same.
    #[test]
    fn the_bytes_that_leave_are_the_bytes_that_came(
        slice in proptest::option::of(1_usize..20),
        glue in 0_u32..30,
        delay in 0_u32..30,
        rate in proptest::option::of(1_u32..500),
        pushes in proptest::collection::vec((0_u32..20, proptest::collection::vec(any::<u8>(), 0..50)), 0..30),
    ) {
        let mut way = StreamWay { glue: MS * glue, delay: MS * delay, ..StreamWay::default() };
        way.slice = slice.and_then(std::num::NonZeroUsize::new);
        if let Some(kbit) = rate {
            way.set("rate", &format!("{kbit}kbit")).unwrap();
        }
        let (mut pipe, mut now) = (Pipe::new(way, Duration::ZERO), Duration::ZERO);
        let (mut wanted, mut left, mut ended) = (Vec::new(), Vec::new(), false);
        for (step, bytes) in &pushes {
            now += MS * *step;
            pipe.push(now, bytes);
            wanted.extend_from_slice(bytes);
        }
        pipe.push_end(now);
        for _ in 0..100_000 {
            match pipe.step(now) {
                Step::Write(bytes) => {
                    // The kernel takes half of it.
                    let len = bytes.len().div_ceil(2);
                    left.extend_from_slice(&bytes[..len]);
                    pipe.wrote(now, len);
                }
                Step::Wait(Some(next)) => {
                    prop_assert!(next > now);
                    now = next;
                }
                Step::End => {
                    ended = true;
                    break;
                }
                other => prop_assert!(false, "{:?}", other),
            }
        }
        prop_assert!(ended);
        prop_assert_eq!(left, wanted);
    }
}
