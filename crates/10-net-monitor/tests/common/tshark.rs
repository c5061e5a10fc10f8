//! Wireshark's own reader, for what we write: fields of a capture as lines of text.
//!
//! Where tshark is not installed, a test says so and passes; `.ci/run` installs it.

use std::path::Path;
use std::process::Command;

/// What tshark says of a capture: one line a packet, fields separated by tabs; `None` without tshark.
pub(crate) fn fields(test: &str, file: &Path, options: &[&str], fields: &[&str]) -> Option<Vec<Vec<String>>> {
    let mut command = Command::new("tshark");
    // No preferences and no plugins of whoever runs the test.
    let home = tempfile::tempdir().expect("a scratch folder");
    command.env("HOME", home.path()).env("XDG_CONFIG_HOME", home.path()).env("LC_ALL", "C.UTF-8");
    command.arg("-r").arg(file).args(["-n", "-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE"]);
    command.args(options).args(["-T", "fields", "-E", "occurrence=a"]);
    for field in fields {
        command.args(["-e", field]);
    }
    let output = match command.output() {
        Ok(output) => output,
        Err(error) => {
            eprintln!("skipped: {test}: tshark: {error}");
            return None;
        }
    };
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && !stderr.contains("Lua"), "{stderr}");
    let lines = String::from_utf8(output.stdout).expect("tshark writes UTF-8");
    Some(lines.lines().map(|line| line.split('\t').map(str::to_owned).collect()).collect())
}

/// Bytes that tshark has written as hexadecimal digits.
pub(crate) fn bytes(digits: &str) -> Vec<u8> {
    let digits = digits.replace([',', ':'], "");
    let pairs = digits.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).expect("digits are ASCII"));
    pairs.map(|pair| u8::from_str_radix(pair, 16).expect("two hexadecimal digits")).collect()
}
