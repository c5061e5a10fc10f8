//! The screen on terminals that exist only in memory: every size, every key, hostile text.
//!
//! Read `view.rs` before.

use std::time::Duration;

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::crossterm::event::{KeyCode, KeyModifiers};

use super::*;
use crate::moment::Moment;
use crate::observation::Protocol;

fn snapshot(rows: u16) -> Snapshot {
    let row = |number: u16| Row {
        protocol: Protocol::Tcp,
        peer: ([192, 0, 2, 1], 40_000 + number).into(),
        server: ([127, 0, 0, 1], 8001).into(),
        bytes_per_second: u64::from(number) * 1000,
        bytes_in: u64::from(1000 - number),
        bytes_out: 0,
        age: Duration::from_secs(u64::from(number % 7)),
    };
    let port = PortLine {
        name: "tcp 8001".to_owned(),
        open: u64::from(rows),
        connections: 1234,
        bytes_in: 5,
        bytes_out: 2_249_950,
        errors: 7,
    };
    Snapshot {
        at: Moment::from_micros(1_795_000_000_000_000),
        rows: (0..rows).map(row).collect(),
        open: usize::from(rows),
        ports: vec![port],
        rates: (0..SHOWN_RATES as u64).collect(),
        notice: String::new(),
    }
}

fn drawn(view: &mut View, snapshot: &Snapshot, width: u16, height: u16) -> String {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| view.draw(frame, snapshot)).unwrap();
    terminal.backend().to_string()
}

fn press(view: &mut View, keys: &str) -> Asked {
    keys.chars().fold(Asked::Nothing, |_, key| view.press(KeyCode::Char(key), KeyModifiers::NONE))
}

#[test]
fn eighty_by_twenty_four_has_everything() {
    let screen = drawn(&mut View::default(), &snapshot(50), 80, 24);
    for part in
        ["50 open", "bytes per second, at most 119 B", "tcp 8001", "1234", "2.2 MB", "by rate (50 of 50)", "q quit"]
    {
        assert!(screen.contains(part), "{part} is missing:\n{screen}");
    }
    assert!(screen.contains("49.0 kB/s   951 B"), "the fastest one is first:\n{screen}");
    assert!(screen.contains("tcp 192.0.2.1:40049"), "{screen}");
}

#[test]
fn the_longest_ipv4_address_keeps_its_port_on_every_usual_width() {
    let mut snapshot = snapshot(1);
    snapshot.rows[0].peer = "255.255.255.255:65535".parse().unwrap();
    for (width, server) in
        [(44, "8001"), (50, "8001"), (72, "8001"), (73, "8001"), (80, "8001"), (99, "8001"), (100, "127.0.0.1:8001")]
    {
        let screen = drawn(&mut View::default(), &snapshot, width, 24);
        assert!(screen.contains("tcp 255.255.255.255:65535 ") && screen.contains(server), "{width}:\n{screen}");
    }
}

#[test]
fn no_size_is_too_small_or_too_large() {
    for (width, height) in [(1, 1), (10, 3), (20, 9), (39, 12), (80, 24), (300, 100), (80, 1), (1, 24)] {
        for rows in [0, 1, 500] {
            drawn(&mut View::default(), &snapshot(rows), width, height);
        }
    }
    drawn(&mut View::default(), &Snapshot::default(), 80, 24);
}

#[test]
fn keys_sort_filter_pause_scroll_and_quit() {
    let (mut view, snapshot) = (View::default(), snapshot(50));
    assert_eq!(press(&mut view, "s"), Asked::Nothing);
    assert!(drawn(&mut view, &snapshot, 80, 24).contains("by bytes"));
    press(&mut view, "ss");
    let screen = drawn(&mut view, &snapshot, 80, 24);
    assert!(screen.contains("by peer") && screen.contains("192.0.2.1:40000"), "{screen}");
    view.press(KeyCode::PageDown, KeyModifiers::NONE);
    assert!(!drawn(&mut view, &snapshot, 80, 24).contains("192.0.2.1:40000"));
    // A `q` that is typed into the filter ends nothing.
    assert_eq!(press(&mut view, "/40042q"), Asked::Nothing);
    view.press(KeyCode::Backspace, KeyModifiers::NONE);
    assert!(drawn(&mut view, &snapshot, 80, 24).contains("filter: 40042_"));
    view.press(KeyCode::Enter, KeyModifiers::NONE);
    assert!(drawn(&mut view, &snapshot, 80, 24).contains("(1 of 50)"));
    view.press(KeyCode::Esc, KeyModifiers::NONE);
    press(&mut view, "p");
    assert!(view.is_paused() && drawn(&mut view, &snapshot, 80, 24).contains("PAUSED"));
    assert_eq!(press(&mut view, "q"), Asked::Quit);
    assert_eq!(view.press(KeyCode::Char('c'), KeyModifiers::CONTROL), Asked::Quit);
}

#[test]
fn scrolling_ends_with_the_last_row_and_text_cannot_command_the_terminal() {
    let (mut view, mut snapshot) = (View::default(), snapshot(3));
    for _ in 0..100 {
        view.press(KeyCode::Down, KeyModifiers::NONE);
    }
    snapshot.notice = "磁碟滿了 \x1b[2J".to_owned();
    let screen = drawn(&mut view, &snapshot, 80, 24);
    assert!(screen.contains("192.0.2.1:40000") && screen.contains(r"\x1b[2J") && !screen.contains('\x1b'), "{screen}");
}

#[test]
fn the_newest_snapshot_replaces_the_one_before() {
    let board = Board::default();
    board.leave(snapshot(1));
    board.leave(snapshot(2));
    assert_eq!(board.take().map(|snapshot| snapshot.open), Some(2));
    assert_eq!(board.take(), None);
}
