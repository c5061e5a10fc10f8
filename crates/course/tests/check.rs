//! The exercises' checker as a pupil meets it: the course's own programs pass, and each mistake is found and told.
//!
//! The mistakes are those of the book's Python programs and of two-line programs here; without python3 these
//! tests say that they skipped.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod programs;

use std::path::Path;
use std::process::Command;

use netcommon::testing::{Finished, Program};

use self::programs::PROGRAMS;

const COURSE: &str = env!("CARGO_BIN_EXE_course");

/// How long a client waits for an answer that a busy machine brings late.
const PATIENCE: &str = "15s";
/// And for one that never comes.
const LITTLE_PATIENCE: &str = "2s";

fn program(name: &str) -> String {
    let path = PROGRAMS.join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    path.to_str().unwrap().to_owned()
}

/// What `course check` does with these words. Bounded by its own deadlines, a case's longer than those of other tests.
fn check(words: &[&str]) -> Finished {
    check_with(PATIENCE, words)
}

fn check_with(patience: &str, words: &[&str]) -> Finished {
    let mut course = Command::new(COURSE);
    course.args(["--lang", "en", "--programs"]).arg(&*PROGRAMS).args(["check", "--patience", patience]).args(words);
    let output = course.output().unwrap();
    Finished {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// A Python program's path; `None`, with a word about it, where there is no python3.
fn python(name: &str) -> Option<String> {
    if Command::new("python3").arg("--version").output().is_err() {
        eprintln!("skipped: no python3");
        return None;
    }
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/python").join(name);
    Some(docs.to_str().unwrap().to_owned())
}

/// The lines that a projector would break.
fn too_wide(text: &str) -> Vec<&str> {
    text.lines().filter(|line| netcommon::columns::width(line) > 80).collect()
}

/// The text wherever its lines were broken: without any blank.
fn unbroken(text: &str) -> String {
    text.split_whitespace().collect()
}

/// The numbers of the cases that failed.
fn failed(stdout: &str) -> Vec<u32> {
    let failed = stdout.lines().filter_map(|line| line.strip_prefix("FAILED"));
    failed.map(|rest| rest.split_whitespace().next().unwrap().parse().unwrap()).collect()
}

/// Demands that `words` pass every case.
fn passes(words: &[&str]) {
    let Finished { code, stdout, stderr } = check(words);
    assert_eq!(code, Some(0), "{stdout}{stderr}");
    assert!(
        stdout.contains("ok  ") && (stdout.contains(" cases hold.\n") || stdout.contains(" case holds.\n")),
        "{stdout}"
    );
}

#[test]
fn the_courses_own_servers_pass_every_case() {
    let tcp = program("tcp-server");
    passes(&["lines", "--", &tcp, "{address}", "--framing", "lines"]);
    passes(&["length", "--", &tcp, "{host}:{port}", "--framing", "length"]);
    passes(&["udp", "--", &program("udp-server"), "{address}"]);
    passes(&["chat", "--", &program("chat-room"), "serve", "{address}"]);
}

#[test]
fn the_courses_own_http_client_passes_every_case() {
    passes(&["http", "--", &program("http-client"), "--timeout", "2s", "{url}"]);
}

#[test]
fn the_courses_own_file_receiver_passes_every_case() {
    let file = program("file-transfer");
    passes(&["file-receive", "--", &file, "receive", "{address}", "--into", "{folder}", "--protocol", "simple"]);
}

#[test]
fn the_courses_own_file_sender_passes_every_case() {
    let file = program("file-transfer");
    passes(&["file-send", "--", &file, "send", "{file}", "--to", "{address}", "--protocol", "simple"]);
}

#[test]
fn a_server_that_takes_each_read_for_a_message_fails_where_messages_are_glued() {
    let checked = check(&["lines", "--case", "2", "--", &program("tcp-server"), "{address}"]);
    assert_eq!((checked.code, failed(&checked.stdout)), (Some(1), vec![2]), "{}", checked.stdout);
    let told = "            小明 < Server received: 你好\n          ! 小明 < Server received: 再見\n            instead: `再見`\n";
    assert!(checked.stdout.contains(told), "{}", checked.stdout);
    // It waits for the rest of a line that never comes.
    let words = ["length", "--case", "1", "--", &program("tcp-server"), "{address}", "--framing", "lines"];
    let checked = check_with(LITTLE_PATIENCE, &words);
    assert_eq!((checked.code, failed(&checked.stdout)), (Some(1), vec![1]), "{}", checked.stdout);
}

#[test]
fn the_mistakes_of_the_tutorials_udp_server_are_found() {
    let Some(udp) = python("udp_server.py") else { return };
    for (case, patience, told) in [
        (1, PATIENCE, ""),
        (2, PATIENCE, ""),
        (3, PATIENCE, ""),
        (
            4,
            LITTLE_PATIENCE,
            "            小明 > \\xe5\\xa5\n          ! 小明 < Server received: \\xe5\\xa5\n            instead: nothing within 2s\n",
        ),
        (5, PATIENCE, "            instead: `Server received:\n                     aaaa"),
        (6, PATIENCE, "instead: `Server received: Server received: 你好`"),
    ] {
        let words = ["udp", "--case", &case.to_string(), "--", "python3", &udp, "{address}"];
        let checked = check_with(patience, &words);
        let (code, wrong) = if told.is_empty() { (0, vec![]) } else { (1, vec![case]) };
        assert_eq!((checked.code, failed(&checked.stdout)), (Some(code), wrong), "{}", checked.stdout);
        assert!(checked.stdout.contains(told), "{}", checked.stdout);
        assert_eq!(too_wide(&checked.stdout), [""; 0], "a projector would break them");
    }
}

#[test]
fn one_case_is_tried_alone_and_told_whole() {
    let Some(chat) = python("chat_room.py") else { return };
    let checked = check(&["chat", "--case", "13", "--", "python3", &chat, "{port}"]);
    assert_eq!((checked.code, failed(&checked.stdout)), (Some(1), vec![13]), "{}", checked.stdout);
    let told = "            bob > //help\n          ! 小明 < [bob] /help\n            instead: `[bob] //help`\n";
    assert!(checked.stdout.contains(told) && checked.stdout.contains("小明 connects"), "{}", checked.stdout);
    let checked = check(&["chat", "--case", "2", "--", "python3", &chat, "{port}"]);
    assert_eq!(checked.code, Some(0), "{}", checked.stdout);
}

#[test]
fn the_books_python_exercise_passes_where_datagrams_are_lost() {
    let Some(file) = python("simple_file.py") else { return };
    passes(&["file-receive", "--case", "4", "--", "python3", &file, "receive", "{address}", "{folder}"]);
    passes(&["file-send", "--case", "4", "--", "python3", &file, "send", "{file}", "{address}"]);
}

#[test]
fn a_receiver_that_saves_something_else_is_found() {
    if python("simple_file.py").is_none() {
        return;
    }
    // Says SAVED to everything; saves a word of its own where a folder is given, and else nothing.
    let program = "import os,socket,sys,zlib\n\
        s=socket.socket(socket.AF_INET,socket.SOCK_DGRAM);s.bind(('127.0.0.1',0))\n\
        print('listening on 127.0.0.1:%d'%s.getsockname()[1])\n\
        while True:\n\
        \x20   d,p=s.recvfrom(2048);w=d[9:].split(b'\\n')[0].split(b' ')\n\
        \x20   if w[0]==b'FILE' and sys.argv[1:]: open(os.path.join(sys.argv[1],w[3].decode()),'w').write('saved')\n\
        \x20   n=int(w[2])+len(d[9:].split(b'\\n',1)[1]) if w[0]==b'DATA' else 0\n\
        \x20   a=(b'SAVED '+w[1] if w[0]==b'END' else b'OK '+w[1]+b' %d'%n)+b'\\n'\n\
        \x20   s.sendto(b'%08x '%zlib.crc32(a)+a,p)\n";
    let words = ["file-receive", "--case", "1", "--", "python3", "-c", program, "{folder}"];
    for (words, why) in [(&words[..], "its 5 bytes are not the 2760 of `課表.txt`"), (&words[..7], "o such file")] {
        let Finished { code, stdout, .. } = check(words);
        assert_eq!(code, Some(1), "{stdout}");
        let told = unbroken(&stdout);
        assert!(told.contains(&unbroken("expected `收件匣/課表.txt` to be the same as `課表.txt`")), "{stdout}");
        assert!(cfg!(windows) || told.contains(&unbroken(why)), "{stdout}");
    }
}

#[test]
fn a_client_that_believes_everything_is_found() {
    if python("simple_file.py").is_none() {
        return;
    }
    let Finished { code, stdout, .. } = check(&["http", "--", "python3", "-c", "print('你好，教室')"]);
    assert_eq!((code, failed(&stdout)), (Some(1), vec![2, 3, 4]), "{stdout}");
    assert!(stdout.contains("expected exit code 1, but it ended with exit status: 0"), "{stdout}");
}

#[test]
fn a_program_that_never_listens_is_told_once() {
    let checked = check(&["chat", "--", COURSE, "--version"]);
    assert_eq!((checked.code, failed(&checked.stdout)), (Some(1), vec![1]), "{}", checked.stdout);
    assert!(checked.stdout.contains("instead: the program ended without that line"), "{}", checked.stdout);
    assert!(checked.stdout.contains("your program said:\n              course "), "{}", checked.stdout);
    assert!(checked.stdout.contains("\n0 of 24 cases hold (23 not tried: "), "{}", checked.stdout);
    let checked = check(&["chat", "--case", "2", "--", COURSE, "--version"]);
    assert!(checked.stdout.contains("\n0 of 1 case holds. "), "{}", checked.stdout);
}

#[test]
fn what_cannot_be_checked_is_said() {
    for (words, want) in [
        (
            &["chat"][..],
            "course: check chat: no command; give yours behind `--`: check chat -- python3 chat.py {address}\n",
        ),
        (&["nope", "--", "x"], "course: exercise `nope`: there is none; `cargo run -- check` lists them\n"),
        (&["chat", "--case", "99", "--", "x"], "course: check chat: case 99: there are 24\n"),
        (&["chat", "--case", "0", "--", "x"], "course: check chat: case 0: there are 24\n"),
    ] {
        let checked = check(words);
        assert_eq!((checked.code, checked.stderr.as_str()), (Some(2), want));
    }
    let checked = check(&["chat", "--", "沒有這個程式"]);
    assert_eq!(checked.code, Some(1));
    assert!(checked.stderr.starts_with("course: start `沒有這個程式`: "), "{}", checked.stderr);
}

#[test]
fn the_list_names_every_exercise_with_a_command() {
    for lang in ["en", "zh-TW"] {
        let listed = Program::run(COURSE, &["--lang", lang, "check"], "");
        assert_eq!(listed.code, Some(0));
        for exercise in course::exercise::all() {
            let command = format!("check {} -- {}", exercise.name, exercise.example);
            assert!(listed.stdout.contains(&command), "{command}\n{}", listed.stdout);
        }
        assert_eq!(too_wide(&listed.stdout), [""; 0], "a projector would break them");
    }
}

#[test]
fn a_first_file_runs_fails_its_exercise_and_is_never_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    for exercise in course::exercise::all() {
        let place = folder.path().join(&exercise.name);
        let place = place.to_str().unwrap();
        let start = || Program::run(COURSE, &["--lang", "en", "start", &exercise.name, place], "");
        let started = start();
        assert_eq!((started.code, started.stderr.as_str()), (Some(0), ""));
        let page = format!("docs/en/{}", exercise.page);
        assert!(started.stdout.contains(&page), "{}", started.stdout);
        let again = start();
        assert_eq!(again.code, Some(1));
        let hint = format!(
            ": it is there already; go on in it, or give another folder: cargo run -- start {} FOLDER\n",
            exercise.name
        );
        assert!(again.stderr.starts_with("course: write ") && again.stderr.ends_with(&hint), "{}", again.stderr);
        // Where nothing comes, clients are patient for longer than a test should be.
        if ["udp", "file-receive"].contains(&&*exercise.name) || python("").is_none() {
            continue;
        }
        // What it says to type next, with the path that it has used.
        let (_, command) = started.stdout.split_once(" -- check ").unwrap();
        let words: Vec<_> = command.trim_end().split(' ').collect();
        let Finished { code, stdout, .. } = check(&[&words[..1], &["--case", "1"], &words[1..]].concat());
        assert_eq!((code, failed(&stdout)), (Some(1), vec![1]), "{stdout}");
        assert!(!stdout.contains("can't open file"), "{stdout}");
    }
}
