//! What each algorithm does with an ACK, a loss and a silence; how fast they are is in `tests/simulation`.
//!
//! Read `mod.rs` before.

use super::*;

const LEN: u64 = 1_000;

/// An ACK at `ms` for `arrived` datagrams of which `lost` were lost, with everything in flight that may be.
fn news(ms: u64, arrived: u64, lost: u64, window: u64) -> News {
    News {
        now: Duration::from_millis(ms),
        arrived: arrived * LEN,
        lost: lost * LEN,
        lost_largest: (lost > 0).then_some(ms),
        next_number: ms + 100,
        arrived_largest: ms,
        in_flight_before: window,
        in_flight: window - arrived * LEN,
        delivered: ms * LEN,
        rtt: Some(Duration::from_millis(100)),
        srtt: Duration::from_millis(100),
        rate: None,
        datagram_len: LEN,
    }
}

#[test]
fn aimd_doubles_at_first_then_adds_one_a_round_trip_and_halves_once_for_each() {
    let mut aimd = Congestion::Aimd(Aimd::default());
    let start = aimd.window(LEN);
    aimd.on_news(&news(1, 10, 0, start));
    assert_eq!(aimd.window(LEN), start + 10 * LEN);
    let before = aimd.window(LEN);
    aimd.on_news(&news(2, 1, 1, before));
    assert_eq!(aimd.window(LEN), before / 2);
    aimd.on_news(&news(3, 1, 1, before));
    assert!((before / 2..before / 2 + LEN).contains(&aimd.window(LEN)), "the same round trip");
    // A whole window answered, one by one: one datagram more.
    let before = aimd.window(LEN);
    (0..before / LEN).for_each(|_| aimd.on_news(&news(4, 1, 0, before)));
    assert!((before + LEN - 100..=before + LEN).contains(&aimd.window(LEN)), "{before} {}", aimd.window(LEN));
    let before = aimd.window(LEN);
    aimd.on_news(&news(300, 1, 1, before));
    assert_eq!(aimd.window(LEN), before / 2, "another round trip");
    aimd.on_silence(LEN);
    assert_eq!(aimd.window(LEN), 2 * LEN);
}

#[test]
fn aimd_does_not_grow_while_it_is_not_the_window_that_holds_it_back() {
    let mut aimd = Congestion::Aimd(Aimd::default());
    let before = aimd.window(LEN);
    aimd.on_news(&news(1, 2, 0, 3 * LEN));
    assert_eq!(aimd.window(LEN), before);
}

#[test]
fn a_fixed_window_stays() {
    let mut fixed = Congestion::Fixed(Fixed::new(1));
    assert_eq!((fixed.window(LEN), fixed.pacing_rate()), (LEN, None));
    fixed.on_news(&news(1, 1, 1, LEN));
    fixed.on_silence(LEN);
    assert_eq!(fixed.window(LEN), LEN);
}

#[test]
fn bbr_keeps_twice_what_the_path_holds_and_asks_for_a_quarter_more_now_and_then() {
    let mut bbr = Bbr::new(0);
    // 1,000,000 bytes a second and 100 ms: the path holds 100,000 bytes.
    let mut rates = Vec::new();
    for round in 1..40 {
        let mut news = news(round * 101, 100, 0, 120_000);
        news.delivered = round * 101_000;
        let rate = 1_000_000.min(40_000 << round);
        news.rate = Some(Sample { rate, delivered_before: (round - 1) * 101_000, app_limited: false });
        news.in_flight = if round % 8 == 0 { 135_000 } else { 90_000 };
        bbr.on_news(&news);
        rates.push(bbr.pacing_rate().unwrap());
    }
    assert!(rates[..4].windows(2).all(|pair| pair[1] > pair[0]), "STARTUP: {rates:?}");
    let steady = &rates[15..];
    assert!(steady.contains(&1_250_000) && steady.contains(&750_000) && steady.contains(&1_000_000), "{rates:?}");
    let bursts = 3 * crate::pacer::burst(1_250_000, LEN);
    assert!((200_000..=200_000 + bursts).contains(&bbr.window()), "{}", bbr.window());
    bbr.on_silence(LEN);
    assert_eq!(bbr.window(), 4 * LEN);
}

#[test]
fn bbr_steps_back_for_a_moment_when_the_shortest_round_trip_is_old() {
    let mut bbr = Bbr::new(0);
    for round in 1..140 {
        let mut news = news(round * 100, 10, 0, 120_000);
        news.rtt = Some(Duration::from_millis(if round == 1 { 50 } else { 60 }));
        news.delivered = round * 100_000;
        news.rate = Some(Sample { rate: 1_000_000, delivered_before: (round - 1) * 100_000, app_limited: false });
        news.in_flight = if bbr.window() == 4 * LEN { 4 * LEN } else { 60_000 };
        bbr.on_news(&news);
        let steps_back = matches!(bbr.state, bbr::State::ProbeRtt { .. });
        assert_eq!(steps_back, (102..105).contains(&round), "round {round}");
    }
    assert_eq!(bbr.min_rtt(), Some(Duration::from_millis(60)));
}

#[test]
fn bbr_makes_up_for_no_loss_of_the_rounds_after_it_has_stepped_back() {
    // With one of these it steps back while it asks for little.
    for shortest_until in 1..9 {
        let (mut bbr, mut has_stepped_back, mut lost_since) = (Bbr::new(1), false, 0);
        for round in 1..140 {
            let cruises = matches!(bbr.state, bbr::State::ProbeBw { phase: 4.., .. });
            let lost = if has_stepped_back && cruises { 2 } else { 0 };
            lost_since += lost;
            let mut news = news(round * 100, 10, lost, 200_000);
            news.rtt = Some(Duration::from_millis(if round <= shortest_until { 50 } else { 60 }));
            news.delivered = round * 100_000;
            news.rate = Some(Sample { rate: 1_000_000, delivered_before: (round - 1) * 100_000, app_limited: false });
            // While it asks for more, more is on its way.
            let asks = matches!(bbr.state, bbr::State::ProbeBw { phase: 0, .. });
            news.in_flight = if bbr.window() == 4 * LEN {
                4 * LEN
            } else if asks {
                200_000
            } else {
                40_000
            };
            bbr.on_news(&news);
            has_stepped_back |= matches!(bbr.state, bbr::State::ProbeRtt { .. });
            if matches!(bbr.state, bbr::State::ProbeBw { phase: 4.., .. }) {
                assert_eq!(bbr.pacing_rate(), Some(1_000_000), "{shortest_until}, round {round}");
            }
        }
        assert!(lost_since > 0);
    }
}
