//! The program `course` as a user meets it: the tour into a pipe, a demo that goes wrong, Ctrl-C, the list.
//!
//! Most tests play `tests/demos/*.toml` with the stand-in of `examples/`, which needs no chapter.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod programs;

use std::collections::BTreeSet;
use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;

use course::demos;
use netcommon::columns;
use netcommon::lang::Lang;
#[cfg(unix)]
use netcommon::testing::Terminal;
use netcommon::testing::{Finished, Program};

use self::programs::PROGRAMS;

const COURSE: &str = env!("CARGO_BIN_EXE_course");

/// Cargo builds the examples before it runs the tests, into the folder beside the programs.
fn stand_ins() -> String {
    Path::new(COURSE).with_file_name("examples").to_str().unwrap().to_owned()
}

/// The course with the chapters' own programs. Its own deadlines bound it, longer ones than those of netcommon's tests.
fn course_with_programs(args: &[&str]) -> Finished {
    let ended = Command::new(COURSE).arg("--programs").arg(&*PROGRAMS).args(args).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Finished { code: ended.status.code(), stdout: text(ended.stdout), stderr: text(ended.stderr) }
}

fn demo_file(name: &str) -> String {
    format!("{}/tests/demos/{name}.toml", env!("CARGO_MANIFEST_DIR"))
}

fn play(file: &str, options: &[&str]) -> Finished {
    let programs = stand_ins();
    let args = [&["--programs", &programs, "--lang", "en", "demo", file], options].concat();
    Program::run(COURSE, &args, "")
}

/// A copy of the demo `good` with `from` replaced, in a scratch folder.
fn variant(from: &str, to: &str) -> (tempfile::TempDir, PathBuf) {
    let good = fs::read_to_string(demo_file("good")).unwrap();
    assert!(good.contains(from), "{from}");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("變化.toml");
    fs::write(&path, good.replace(from, to)).unwrap();
    (folder, path)
}

/// The address in the first line that names one.
fn server_addr(text: &str) -> SocketAddr {
    text.split("listening on ").nth(1).unwrap().split_whitespace().next().unwrap().parse().unwrap()
}

fn the_tour_plays_every_chapter_into_a_pipe(lang: Lang) {
    let Finished { code, stdout, stderr } = course_with_programs(&["--lang", &lang.to_string()]);
    assert_eq!(code, Some(0), "{stdout}\n{stderr}");
    for demo in demos::all().unwrap() {
        assert!(stdout.contains(demo.title.pick(lang)), "{}\n{stdout}", demo.name);
    }
    let widest = stdout.lines().max_by_key(|line| columns::width(line)).unwrap();
    assert!(columns::width(widest) <= 80, "{widest}");
    assert!(!stdout.contains('\x1b'));
    assert!(!stdout.contains(" MiB "), "a tour has no time for crowds");
}

// Two tests, because a tour waits more than it computes: they run at the same time.
#[test]
fn the_tour_plays_every_chapter_into_a_pipe_in_english() {
    the_tour_plays_every_chapter_into_a_pipe(Lang::En);
}

#[test]
fn the_tour_plays_every_chapter_into_a_pipe_in_chinese() {
    the_tour_plays_every_chapter_into_a_pipe(Lang::ZhTw);
}

#[test]
fn a_crowd_is_answered_by_both_servers() {
    let Finished { code, stdout, stderr } = course_with_programs(&["--lang", "en", "crowd", "50", "--seconds", "1"]);
    assert_eq!(code, Some(0), "{stdout}\n{stderr}");
    for (server, threads) in [("tcp-server", 53), ("event-server", 3)] {
        let line = stdout.lines().find(|line| line.starts_with(server) && line.ends_with(" answers/s")).unwrap();
        assert!(line.contains(" 50 clients ") && !line.ends_with(" 0 answers/s"), "{line}");
        assert!(!cfg!(target_os = "linux") || line.contains(&format!(" {threads} threads")), "{line}");
    }
}

#[test]
#[cfg(unix)]
fn a_demo_that_is_played_alone_shows_its_crowd_as_far_as_descriptors_allow() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("人群.toml");
    let text = r#"
        chapter = 0
        name = "crowd"
        read = "README.md"
        title = { en = "A crowd", zh-TW = "人群" }
        about = { en = "Two servers.", zh-TW = "兩個伺服器。" }
        [crowd]
        clients = [20, 1000, 2000]
        seconds = 1
        ask = { en = "How many threads?", zh-TW = "幾個執行緒？" }
        answer = { en = "As you saw.", zh-TW = "如你所見。" }
        [[steps]]
        run.lane = "server"
        run.command = "event-server --help"
    "#;
    fs::write(&path, text).unwrap();
    let mut shell = Command::new("sh");
    shell.args(["-c", "ulimit -n 300 && exec \"$0\" --lang en --programs \"$1\" demo \"$2\"", COURSE]);
    shell.arg(&*PROGRAMS).arg(&path);
    // Its own deadlines bound it, longer ones than those of netcommon's tests.
    let played = shell.output().unwrap();
    let stdout = String::from_utf8(played.stdout).unwrap();
    assert_eq!(played.status.code(), Some(0), "{stdout}\n{}", String::from_utf8_lossy(&played.stderr));
    let rows: Vec<_> = stdout.lines().filter(|line| line.ends_with(" answers/s")).collect();
    // Twenty, then as many as fit, once though two crowds were too large for the limit.
    assert_eq!(rows.len(), 4, "{stdout}");
    assert!(rows[0].starts_with("tcp-server") && rows[0].contains(" 20 clients "), "{}", rows[0]);
    assert!(rows[3].starts_with("event-server") && !rows[3].contains(" 20 clients "), "{}", rows[3]);
    assert!(stdout.contains("threads?\n\ntcp-server: 20 clients"), "{stdout}");
    let text = stdout.replace('\n', " ");
    for part in ["Predict: How many threads?", "of 1000 clients in", "ulimit -Hn", "Answer: As you saw."] {
        assert!(text.contains(part), "{part}\n{stdout}");
    }
}

#[test]
fn a_demo_shows_commands_lines_and_sentences_in_their_lanes() {
    let played = play(&demo_file("good"), &[]);
    assert_eq!((played.code, played.stderr.as_str()), (Some(0), ""), "{}", played.stdout);
    let addr = server_addr(&played.stdout).to_string();
    for line in [
        "伺服器 | $ cargo run -p stand-in -- serve",
        &format!("小明   | $ cargo run -p stand-in -- connect {addr}"),
        &format!("Predict: What will the server at {addr} say?"),
        "小明   | > 你好",
        "小明   | Server response: Server received: 你好",
        "say    | (3 more lines; ended with exit code 3)",
        "Try:  cargo run -p stand-in",
    ] {
        assert!(played.stdout.lines().any(|shown| shown == line), "{line}\n{}", played.stdout);
    }
}

#[test]
fn without_a_terminal_step_does_not_wait() {
    let played = play(&demo_file("good"), &["--step"]);
    assert_eq!(played.code, Some(0), "{}", played.stderr);
    assert!(!played.stdout.contains("Press Enter"));
}

#[test]
#[cfg(unix)]
fn ctrl_c_in_the_wait_for_enter_leaves_the_line() {
    let mut terminal =
        Terminal::start(COURSE, &["--programs", &stand_ins(), "--lang", "en", "demo", &demo_file("good"), "--step"]);
    terminal.wait_for("stand-in serve`\n");
    terminal.press("\x03");
    let (code, shown) = terminal.end();
    assert_eq!(code, Some(130));
    assert!(shown.ends_with("stand-in serve`\n^C\n"), "{shown}");
}

#[test]
#[cfg(unix)]
fn a_question_has_the_whole_width_and_what_to_press_stands_below() {
    let mut terminal =
        Terminal::start(COURSE, &["--programs", &stand_ins(), "--lang", "en", "demo", &demo_file("good"), "--step"]);
    terminal.wait_for("stand-in serve`\n");
    terminal.press("\r");
    terminal.wait_for("leaves]\n");
    let question = terminal.shown();
    let question = question.split_once("Predict: ").unwrap().1.split_once('\n').unwrap();
    assert_eq!((question.0.ends_with(" say?"), question.1), (true, "[Enter; Ctrl-C leaves]\n"), "{}", terminal.shown());
}

#[test]
fn a_line_that_does_not_come_fails_the_demo_and_names_the_step() {
    let (_folder, path) = variant("wait.for = \"Server shutting down...\"", "wait.for = \"a farewell\"");
    let played = play(path.to_str().unwrap(), &[]);
    assert_eq!(played.code, Some(1));
    for part in [
        "course: chapter 0, step 14 (wait in lane `伺服器`): expected a line with `a farewell`, but the program ended",
        "  伺服器 said:\n    Server listening on 127.0.0.1:",
        "    Server shutting down...",
        "course: play good: not everything happened",
    ] {
        assert!(played.stderr.contains(part), "{part}\n{}", played.stderr);
    }
}

#[test]
fn a_line_that_looks_wrong_fails_the_demo_and_leaves_no_program() {
    let (_folder, path) = variant("\"Connected to {server}\"", "\"已連線 {server}\"");
    let played = play(path.to_str().unwrap(), &[]);
    assert_eq!(played.code, Some(1));
    let addr = server_addr(&played.stdout);
    let want = format!("that reads `已連線 {addr}`, but the line was `Connected to {addr}`");
    assert!(played.stderr.contains(&want), "{}", played.stderr);
    assert!(TcpStream::connect(addr).is_err(), "the server still runs");
}

#[test]
fn a_wrong_exit_code_and_an_output_that_lacks_something_fail_the_demo() {
    for (from, to, want) in [
        ("run.code = 3", "run.code = 4", "expected exit code 4, but it ended with exit"),
        ("\"{last}\"]", "\"五\"]", "expected a line with `五`, but the program ended without it"),
    ] {
        let (_folder, path) = variant(from, to);
        let played = play(path.to_str().unwrap(), &[]);
        assert_eq!(played.code, Some(1));
        assert!(played.stderr.contains(want), "{want}\n{}", played.stderr);
    }
}

#[test]
#[cfg(unix)]
fn ctrl_c_ends_the_demo_and_its_programs() {
    let (_folder, path) = variant("wait.for = \"Received from {peer}: 你好\"", "wait.for = \"{peer} never\"");
    let args = ["--programs", &stand_ins(), "demo", path.to_str().unwrap()];
    let mut course = Program::start(COURSE, &args);
    let addr = server_addr(&course.expect_line("listening on"));
    course.expect_line("Received from");
    course.interrupt();
    let ended = course.wait();
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(130), ""));
    assert!(TcpStream::connect(addr).is_err(), "the server still runs");
}

#[test]
fn a_closed_pipe_ends_it_quietly() {
    let mut command = Command::new(COURSE);
    command.args(["--programs", &stand_ins(), "demo", &demo_file("good")]);
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let ended = command.stdout(writer).output().unwrap();
    assert_eq!((ended.status.code(), ended.stderr.as_slice()), (Some(0), &b""[..]));
}

#[test]
fn a_missing_program_is_said_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let args = ["--programs", folder.path().to_str().unwrap(), "demo", &demo_file("good")];
    let ended = Program::run(COURSE, &args, "");
    assert_eq!(ended.code, Some(1));
    assert!(ended.stderr.contains("run `cargo build --workspace`"), "{}", ended.stderr);
}

#[test]
#[cfg(unix)]
fn a_build_that_fails_ends_the_tour_in_cargos_words() {
    use std::os::unix::fs::PermissionsExt;

    let folder = tempfile::tempdir().unwrap();
    let cargo = folder.path().join("cargo");
    fs::write(&cargo, "#!/bin/sh\necho \"no room for: $*\" >&2\nexit 101\n").unwrap();
    fs::set_permissions(&cargo, fs::Permissions::from_mode(0o755)).unwrap();
    let mut tour = Command::new(COURSE);
    let ended = Program::start_command(tour.args(["--lang", "en"]).env("CARGO", &cargo)).wait();
    assert_eq!(ended.code, Some(1), "{}", ended.stdout);
    // The first chapter alone, so that it can be played early, and without what no demo shows.
    assert!(ended.stderr.contains("--no-default-features -p socket-basics\n"), "{}", ended.stderr);
    assert!(ended.stderr.ends_with("cargo build failed; its own words are above\n"), "{}", ended.stderr);
}

#[test]
fn the_list_names_every_chapter_in_the_users_language() {
    let list = Program::run(COURSE, &["list", "--lang", "zh-TW"], "");
    assert_eq!(list.code, Some(0));
    for demo in demos::all().unwrap() {
        let programs = demo.programs().join(", ");
        for part in [&demo.name, demo.title.pick(Lang::ZhTw), &programs] {
            assert!(list.stdout.contains(part), "{part}\n{}", list.stdout);
        }
    }
}

#[test]
#[cfg(unix)]
fn the_help_of_every_program_fits_the_terminal() {
    let all = demos::all().unwrap();
    let names: BTreeSet<_> = all.iter().flat_map(course::script::Demo::programs).collect();
    assert!(names.len() > 10, "{names:?}");
    for name in names {
        let (code, help) = Terminal::start(PROGRAMS.join(name).to_str().unwrap(), &["--help"]).end();
        let wide: Vec<_> = help.lines().filter(|line| columns::width(line) > 80).collect();
        assert_eq!((code, wide), (Some(0), vec![]), "{name}");
    }
}

#[test]
fn the_doctor_ends_every_finding_with_a_word_and_finds_this_computer_fit() {
    let report = Program::run(COURSE, &["doctor", "--lang", "en"], "");
    assert_eq!(report.code, Some(0), "{}", report.stdout);
    let findings = report.stdout.split("\n\n").next().unwrap();
    for name in ["cargo", "rustc", "IPv4", "IPv6", "port 8888", "datagrams", "descriptors", "encoding", "nc"] {
        // A finding may go on in indented lines; its word ends the last one.
        let mut lines = findings.lines().skip_while(|line| !line.starts_with(name));
        let first = lines.next().unwrap_or_else(|| panic!("{name}\n{findings}"));
        let last = lines.take_while(|line| line.starts_with(' ')).last().unwrap_or(first);
        let word = last.rsplit(' ').next().unwrap();
        assert!(["ok", "limited", "missing"].contains(&word), "{name}: {last}");
    }
}

#[test]
fn the_doctor_says_what_to_do_when_a_needed_thing_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(COURSE);
    command.args(["doctor", "--lang", "en"]).env("PATH", folder.path()).env_remove("CARGO").env_remove("RUSTC");
    let report = Program::start_command(&mut command).wait();
    assert_eq!(report.code, Some(1), "{}", report.stdout);
    for part in ["not found; install Rust from https://rustup.rs", "first put right: cargo, rustc."] {
        assert!(report.stdout.contains(part), "{part}\n{}", report.stdout);
    }
}

#[test]
fn what_is_no_chapter_and_what_is_no_demo_are_refused_in_one_line() {
    let (_folder, path) = variant("[[steps]]\nexit.lane = \"小明\"\n", "");
    let no_demo = path.to_str().unwrap();
    for (code, wanted, want) in [
        (2, "99", "course: demo `99`: no such chapter; `cargo run -- list` shows them\n".to_owned()),
        (1, no_demo, format!("course: read demo {no_demo}: step 15: the demo ends without `exit` for lane `小明`\n")),
    ] {
        let ended = Program::run(COURSE, &["demo", wanted], "");
        assert_eq!((ended.code, ended.stderr), (Some(code), want));
    }
    let none = Program::run(COURSE, &["demo", "沒有.toml"], "");
    assert!(none.stderr.starts_with("course: read 沒有.toml: "), "{}", none.stderr);
}
