//! The network under a clock that the test moves: every moment is tried without waiting for it.
//!
//! Read `network.rs` before. Nothing here sleeps, and nothing depends on how fast the machine is.

use proptest::prelude::*;

use super::*;

const MS: Duration = Duration::from_millis(1);

fn way(settings: &[(&str, &str)]) -> DatagramWay {
    let mut way = DatagramWay::default();
    settings.iter().for_each(|(key, value)| way.set(key, value).unwrap());
    way
}

/// A network that treats both directions alike.
fn network(settings: &[(&str, &str)]) -> Network {
    Network::new([way(settings), way(settings)], 7)
}

/// Hands over one datagram, and the deliveries that are then due.
fn pass(network: &mut Network, now: Duration, text: &str) -> (Record, Vec<String>) {
    let mut bytes = text.as_bytes().to_vec();
    let arrival = network.arrive(now, 1, Direction::Up, &mut bytes);
    let mut left: Vec<String> =
        arrival.leaves_now.then(|| String::from_utf8_lossy(&bytes).into_owned()).into_iter().collect();
    left.extend(due(network, now));
    (arrival.record, left)
}

fn due(network: &mut Network, now: Duration) -> Vec<String> {
    std::iter::from_fn(|| network.take_due(now))
        .map(|delivery| String::from_utf8_lossy(&delivery.bytes).into_owned())
        .collect()
}

#[test]
fn a_good_network_passes_everything_at_once_and_keeps_nothing() {
    let mut network = network(&[]);
    for number in 1..=100 {
        let (record, left) = pass(&mut network, MS * number, "你好");
        assert_eq!((record.fate, record.number, left), (Outcome::Passed, u64::from(number), vec!["你好".to_owned()]));
    }
    assert_eq!(network.waiting(), (0, 0));
}

#[test]
fn a_delay_is_kept_to_the_nanosecond() {
    let mut network = network(&[("delay", "50ms")]);
    assert_eq!(pass(&mut network, 3 * MS, "你好").1, Vec::<String>::new());
    assert_eq!(network.next_due(), Some(53 * MS));
    assert_eq!(due(&mut network, 53 * MS - Duration::from_nanos(1)), Vec::<String>::new());
    assert_eq!(due(&mut network, 53 * MS), ["你好"]);
    assert_eq!(network.waiting(), (0, 0));
}

#[test]
fn delay_variation_changes_the_order_as_on_real_networks() {
    let mut network = network(&[("delay", "50ms"), ("vary", "50ms")]);
    let mut left: Vec<String> =
        (0..20).flat_map(|number| pass(&mut network, MS * number, &number.to_string()).1).collect();
    left.extend(due(&mut network, 1000 * MS));
    let order: Vec<u32> = left.iter().map(|text| text.parse().unwrap()).collect();
    assert_eq!(order.len(), 20);
    assert!(!order.is_sorted());
}

#[test]
fn a_held_one_leaves_right_behind_the_next() {
    let mut network = network(&[("reorder", "100%")]);
    assert_eq!(pass(&mut network, MS, "一").1, Vec::<String>::new());
    network.ways[0].reorder = crate::quantity::Probability::NEVER;
    assert_eq!(pass(&mut network, 2 * MS, "二").1, ["二", "一"]);
    assert_eq!((network.waiting(), network.next_due()), ((0, 0), None));
}

#[test]
fn a_held_one_waits_for_as_many_as_was_said_and_only_for_its_own_flow() {
    let mut network = network(&[("reorder", "100%"), ("reorder-gap", "3")]);
    pass(&mut network, MS, "一");
    network.ways[0].reorder = crate::quantity::Probability::NEVER;
    assert!(network.arrive(MS, 2, Direction::Up, &mut [1]).leaves_now);
    assert_eq!(pass(&mut network, 2 * MS, "二").1, ["二"]);
    assert_eq!(pass(&mut network, 3 * MS, "三").1, ["三"]);
    assert_eq!(pass(&mut network, 4 * MS, "四").1, ["四", "一"]);
    assert_eq!(pass(&mut network, 5 * MS, "五").1, ["五"]);
}

#[test]
fn a_held_one_that_nobody_passes_comes_late() {
    let mut network = network(&[("reorder", "100%"), ("delay", "10ms")]);
    pass(&mut network, MS, "一");
    assert_eq!(due(&mut network, 10 * MS + REORDER_WAIT), Vec::<String>::new());
    assert_eq!(due(&mut network, 11 * MS + REORDER_WAIT), ["一"]);
    assert!(network.flows[&1].held[0].is_empty());
}

#[test]
fn a_flood_of_held_ones_costs_each_no_more_than_a_few() {
    // All are held and nobody passes them. Were each looked for among all, this would take a minute.
    let mut network = network(&[("reorder", "100%")]);
    for _ in 0..50_000 {
        network.arrive(Duration::ZERO, 1, Direction::Up, &mut [1]);
    }
    assert!(network.carries(1));
    assert_eq!(due(&mut network, REORDER_WAIT).len(), 50_000);
    assert!(network.flows[&1].held[0].is_empty() && !network.carries(1));
}

#[test]
fn a_duplicate_comes_twice_and_a_copy_is_bounded_like_the_original() {
    let mut network = network(&[("duplicate", "100%")]);
    let (record, left) = pass(&mut network, MS, "你好");
    assert!(record.twice);
    assert_eq!(left, ["你好", "你好"]);
}

#[test]
fn exactly_the_recorded_bit_is_flipped() {
    let mut network = network(&[("corrupt", "100%")]);
    for len in [1, 2, 1400] {
        let original = vec![0x5a; len];
        let mut bytes = original.clone();
        let bit = network.arrive(MS, 1, Direction::Up, &mut bytes).record.flipped_bit.unwrap();
        bytes[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(bytes, original);
    }
    assert_eq!(network.arrive(MS, 1, Direction::Up, &mut []).record.flipped_bit, None);
}

#[test]
fn the_rate_is_kept_and_the_queue_is_bounded_in_bytes() {
    // 1 mbit is 125 bytes a millisecond; the queue has room for 8 of 125 bytes.
    let mut network = network(&[("rate", "1mbit"), ("queue", "1000")]);
    let text = "x".repeat(125);
    let fates: Vec<Outcome> = (0..20).map(|_| pass(&mut network, Duration::ZERO, &text).0.fate).collect();
    assert_eq!(fates[..8], [Outcome::Passed; 8]);
    assert_eq!(fates[8..], [Outcome::QueueFull; 12]);
    for number in 1..=8 {
        assert_eq!(network.next_due(), Some(MS * number));
        assert_eq!(due(&mut network, MS * number).len(), 1);
    }
    // The link is free again, and takes what is larger than its queue.
    let (record, _) = pass(&mut network, 8 * MS, &"x".repeat(5000));
    assert_eq!((record.fate, record.queued_ms), (Outcome::Passed, 40.0));
}

#[test]
fn the_queue_is_bounded_in_time_as_well() {
    let mut network = network(&[("rate", "1mbit"), ("queue-time", "3ms")]);
    let text = "x".repeat(125);
    let passed = (0..20).filter(|_| pass(&mut network, Duration::ZERO, &text).0.fate == Outcome::Passed).count();
    assert_eq!(passed, 4, "the fourth waits for three milliseconds, a fifth would wait for four");
}

#[test]
fn nothing_passes_while_the_network_is_cut() {
    let mut network = network(&[("cut", "2s-5s")]);
    for (ms, want) in [
        (0, Outcome::Passed),
        (1999, Outcome::Passed),
        (2000, Outcome::CutOff),
        (4999, Outcome::CutOff),
        (5000, Outcome::Passed),
    ] {
        assert_eq!(pass(&mut network, MS * ms, "你好").0.fate, want, "{ms} ms");
    }
}

#[test]
fn what_would_leave_while_the_network_is_cut_is_lost_as_well() {
    let mut network = network(&[("cut", "1s-2s"), ("delay", "500ms")]);
    for (ms, want) in [
        (499, Outcome::Passed),
        (500, Outcome::CutOff),
        (999, Outcome::CutOff),
        (1499, Outcome::CutOff),
        (1999, Outcome::CutOff),
        (2000, Outcome::Passed),
    ] {
        assert_eq!(network.arrive(MS * ms, 1, Direction::Up, &mut [0]).record.fate, want, "{ms} ms");
    }
    let leaves: Vec<_> = std::iter::from_fn(|| network.take_due(Duration::MAX)).map(|delivery| delivery.due).collect();
    assert_eq!(leaves, [999 * MS, 2500 * MS]);
}

#[test]
fn one_that_is_held_back_waits_for_the_end_of_a_cut() {
    let mut network = network(&[("cut", "1s-2s"), ("reorder", "100%")]);
    pass(&mut network, 900 * MS, "你好");
    assert_eq!(network.next_due(), Some(2000 * MS));
}

#[test]
fn of_two_copies_only_one_is_held_back() {
    let mut network = network(&[("duplicate", "100%"), ("reorder", "100%")]);
    let (record, left) = pass(&mut network, MS, "你好");
    assert!(record.twice && record.held_behind == 1);
    assert_eq!(left, ["你好"]);
    assert_eq!(due(&mut network, MS + REORDER_WAIT), ["你好"]);
}

#[test]
fn a_flood_is_bounded() {
    let mut network = network(&[("delay", "10s")]);
    let mut bytes = vec![0; 65_507];
    let fates: Vec<Outcome> =
        (0..2000).map(|_| network.arrive(Duration::ZERO, 1, Direction::Up, &mut bytes).record.fate).collect();
    assert!(fates.contains(&Outcome::NoRoom) && network.waiting().1 <= WAITING_BYTES_MAX);
    // Empty ones cost as well.
    for _ in 0..1_000_000 {
        network.arrive(Duration::ZERO, 1, Direction::Up, &mut []);
    }
    assert!(network.waiting().1 <= WAITING_BYTES_MAX, "{:?}", network.waiting());
}

#[test]
fn fates_do_not_depend_on_time_or_on_other_flows() {
    let settings = [("loss", "30%"), ("delay", "5ms"), ("vary", "5ms"), ("duplicate", "10%"), ("burst", "2")];
    let fates = |network: &mut Network, step: Duration, others: u64| -> Vec<Record> {
        (0..500_u32)
            .map(|number| {
                for other in 0..others {
                    network.arrive(step * number, 2 + other, Direction::Up, &mut [0]);
                    network.arrive(step * number, 1, Direction::Down, &mut [0]);
                }
                network.arrive(step * number, 1, Direction::Up, &mut [0; 9]).record
            })
            .map(|record| Record { at_ms: 0.0, ..record })
            .collect()
    };
    let alone = fates(&mut network(&settings), MS, 0);
    assert_eq!(alone, fates(&mut network(&settings), 100 * MS, 5));
}

#[test]
fn a_replay_does_again_what_the_queue_and_chance_did() {
    let settings = [("rate", "1mbit"), ("queue", "1000"), ("loss", "20%"), ("vary", "3ms"), ("corrupt", "10%")];
    let mut first = network(&settings);
    let sent: Vec<Record> =
        (0..200).map(|number| first.arrive(MS * number / 2, 1, Direction::Up, &mut [7; 125]).record).collect();
    assert!(sent.iter().any(|record| record.fate == Outcome::QueueFull));
    let log: String = sent.iter().map(|record| serde_json::to_string(record).unwrap() + "\n").collect();
    let mut again = Network::replay(Recording::read(log.as_bytes(), "log").unwrap());
    for (number, want) in sent.iter().enumerate() {
        // A hundred times slower: without the recording no queue would fill.
        let now = MS * 50 * u32::try_from(number).unwrap();
        let record = again.arrive(now, 1, Direction::Up, &mut [7; 125]).record;
        assert_eq!(Record { at_ms: want.at_ms, ..record }, *want);
    }
    assert_eq!(again.arrive(Duration::ZERO, 1, Direction::Up, &mut [7]).record.fate, Outcome::Passed);
}

proptest! {
    /// Nothing is invented: what leaves is what came, as often as its fate says.
    #[test]
    fn what_leaves_is_what_came(
        seed: u64,
        loss in 0_u32..100,
        duplicate in 0_u32..100,
        reorder in 0_u32..100,
        gap in 1_u32..5,
        vary in 0_u32..20,
        steps in proptest::collection::vec((0_u32..30, 0_u64..3), 0..200),
    ) {
        let settings = way(&[
            ("loss", &format!("{loss}%")), ("duplicate", &format!("{duplicate}%")), ("delay", "10ms"),
            ("reorder", &format!("{reorder}%")), ("reorder-gap", &gap.to_string()), ("vary", &format!("{vary}ms")),
        ]);
        let mut network = Network::new([settings.clone(), settings], seed);
        let (mut now, mut wanted, mut left) = (Duration::ZERO, Vec::new(), Vec::new());
        for (number, (step, flow)) in steps.into_iter().enumerate() {
            now += MS * step;
            left.extend(std::iter::from_fn(|| network.take_due(now)).map(|delivery| delivery.bytes));
            let mut bytes = number.to_be_bytes();
            let arrival = network.arrive(now, flow, Direction::Down, &mut bytes);
            let copies = match arrival.record.fate {
                Outcome::Passed if arrival.record.twice => 2,
                Outcome::Passed => 1,
                _ => 0,
            };
            wanted.extend((0..copies).map(|_| Box::<[u8]>::from(bytes)));
            left.extend(arrival.leaves_now.then(|| Box::<[u8]>::from(bytes)));
        }
        left.extend(std::iter::from_fn(|| network.take_due(Duration::MAX)).map(|delivery| delivery.bytes));
        left.sort();
        prop_assert_eq!(left, wanted);
        prop_assert_eq!(network.waiting(), (0, 0));
    }
}
