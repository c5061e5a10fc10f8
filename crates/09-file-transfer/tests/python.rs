//! The exercise's protocol spoken with another implementation: the book's Python, in both directions.
//!
//! Where python3 is missing, the tests say that they skipped.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::fs;
use std::process::{Command, Stdio};

use netcommon::testing::Program;

const EXE: &str = env!("CARGO_BIN_EXE_file-transfer");
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/python/simple_file.py");

fn python(args: &[&str]) -> Option<Program> {
    let there = Command::new("python3").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if !there.is_ok_and(|status| status.success()) {
        eprintln!("skipped: python3 is not installed");
        return None;
    }
    let mut command = Command::new("python3");
    Some(Program::start_command(command.arg(SCRIPT).args(args).env("PYTHONUNBUFFERED", "1").env("PYTHONUTF8", "1")))
}

/// Sizes around the chunk's, and none at all.
const SIZES: [usize; 3] = [0, 1025, 5000];

#[test]
fn python_sends_to_us() {
    let (from, into) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let args = ["receive", "127.0.0.1:0", "--protocol", "simple", "--into", into.path().to_str().unwrap()];
    let mut receiver = Program::start(EXE, &args);
    let addr = receiver.listening_addr().to_string();
    for size in SIZES {
        let name = format!("檔案 {size}.bin");
        let path = from.path().join(&name);
        fs::write(&path, vec![b'x'; size]).unwrap();
        let Some(sender) = python(&["send", path.to_str().unwrap(), &addr]) else { return };
        let sent = sender.wait();
        assert_eq!(sent.stdout, format!("{name}: {size} bytes saved\n"), "{sent:?}");
        assert_eq!(fs::read(into.path().join(&name)).unwrap(), vec![b'x'; size]);
    }
}

#[test]
fn python_receives_from_us() {
    for size in SIZES {
        let (from, into) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let Some(mut receiver) = python(&["receive", "127.0.0.1:0", into.path().to_str().unwrap()]) else { return };
        let addr = receiver.listening_addr().to_string();
        let path = from.path().join("檔案.bin");
        fs::write(&path, vec![b'y'; size]).unwrap();
        let sent = Program::run(EXE, &["send", path.to_str().unwrap(), "--to", &addr, "--protocol", "simple"], "");
        assert_eq!(sent.code, Some(0), "{sent:?}");
        assert_eq!(receiver.wait().code, Some(0));
        assert_eq!(fs::read(into.path().join("檔案.bin")).unwrap(), vec![b'y'; size]);
    }
}
