//! The player on its own: Enter before each action, deadlines that pass, Ctrl-C while it waits.
//!
//! It plays the stand-in of `examples/`; `tests/cli.rs` looks at the same from outside.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::io;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use course::failure::PlayError;
use course::keyboard::Keyboard;
use course::player::{DEADLINE, Player};
use course::programs::Programs;
use course::screen::Screen;
use course::script::Demo;
use crossbeam_channel::{Receiver, bounded};
use netcommon::lang::Lang;
use netcommon::shutdown::Shutdown;

const HEAD: &str = r#"
    chapter = 0
    name = "test"
    read = "README.md"
    title = { en = "Title", zh-TW = "標題" }
    about = { en = "About.", zh-TW = "關於。" }
    [[steps]]
    start.lane = "小明"
    start.command = "stand-in wait"
"#;

fn play(text: &str, enters: Option<Receiver<()>>, shutdown: &Shutdown, deadline: Duration) -> Result<(), PlayError> {
    let demo = Demo::parse(text).unwrap();
    let programs = Programs::in_folder(Path::new(env!("CARGO_BIN_EXE_course")).with_file_name("examples"));
    let mut screen = Screen::on(Box::new(io::sink()), Lang::En);
    let keyboard = enters.map(Keyboard::from_channel);
    let stop = shutdown.draining();
    Player { programs: &programs, screen: &mut screen, keyboard, stop, deadline }.play(&demo)
}

fn good() -> String {
    std::fs::read_to_string(format!("{}/tests/demos/good.toml", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

#[test]
fn step_stops_before_each_action_but_once_for_a_question_and_its_action() {
    // A send on a channel without room succeeds only while the player waits for Enter.
    let (press, enters) = bounded(0);
    thread::scope(|scope| {
        let player = scope.spawn(move || play(&good(), Some(enters), &Shutdown::new(), DEADLINE));
        let mut stops = 0;
        while press.send_timeout((), DEADLINE).is_ok() {
            stops += 1;
        }
        player.join().unwrap().unwrap();
        // The server; the question, with 小明's start; a line; the end of input; `say`; Ctrl-C.
        assert_eq!(stops, 6);
    });
}

#[test]
fn a_keyboard_that_ends_does_not_hold_the_demo_up() {
    let (press, enters) = bounded(0);
    drop(press);
    play(&good(), Some(enters), &Shutdown::new(), DEADLINE).unwrap();
}

#[test]
fn ctrl_c_ends_a_wait_for_enter_and_a_wait_for_a_line() {
    let (_press, enters) = bounded(0);
    let never =
        format!("{HEAD}\n[[steps]]\nwait.lane = \"小明\"\nwait.for = \"永不\"\n[[steps]]\nexit.lane = \"小明\"\n");
    let shutdown = Shutdown::new();
    shutdown.advance();
    for enters in [Some(enters), None] {
        let played = play(&never, enters, &shutdown, DEADLINE);
        assert!(matches!(played, Err(PlayError::Interrupted)), "{played:?}");
    }
}

#[test]
fn what_takes_longer_than_the_deadline_fails_and_is_named() {
    let deadline = Duration::from_millis(50);
    let wait = "[[steps]]\nwait.lane = \"小明\"\nwait.for = \"永不\"\n";
    let exit = "[[steps]]\nexit.lane = \"小明\"\n";
    for (steps, want) in [
        (
            format!("{wait}{exit}"),
            "chapter 0, step 2 (wait in lane `小明`): expected a line with `永不`, but it did not come within 50ms",
        ),
        (
            exit.to_owned(),
            "chapter 0, step 2 (exit of lane `小明`): expected the program's end, but it still ran after 50ms",
        ),
    ] {
        let begin = Instant::now();
        let error = play(&format!("{HEAD}\n{steps}"), None, &Shutdown::new(), deadline).unwrap_err().to_string();
        assert!(error.starts_with(want), "{error}");
        // The program waits for its input's end for ever; that we are here means that it was killed.
        assert!(begin.elapsed() >= deadline && begin.elapsed() < DEADLINE);
    }
}
