//! The dissectors under `docs/wireshark` on their sample captures: every field named, nothing malformed.
//!
//! What is compared was typed into the programs when the samples were made. Read `tests/common/tshark.rs` before.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

#[path = "common/tshark.rs"]
mod tshark;

use std::path::{Path, PathBuf};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/wireshark")
}

/// The fields of a sample's packets that carry payload; `None` without tshark.
fn read(name: &str, options: &[&str], fields: &[&str]) -> Option<Vec<Vec<String>>> {
    let script = format!("lua_script:{}", folder().join(name).with_extension("lua").display());
    let options = [&["-X", &script], options].concat();
    // What a dissector gets wrong stands in the last two.
    let fields = [fields, &["_ws.malformed", "_ws.expert.message"]].concat();
    let lines = tshark::fields(name, &folder().join(name).with_extension("pcapng"), &options, &fields)?;
    for line in &lines {
        let faults = &line[fields.len() - 2..];
        // Wireshark's own notes about FIN and SYN are no faults.
        assert!(faults[0].is_empty() && !faults[1].contains("Lua"), "{name}: {line:?}");
    }
    Some(lines)
}

#[test]
fn every_length_prefixed_frame_is_read() {
    let options = ["-d", "tcp.port==8888,course-length", "-Y", "tcp.len > 0"];
    let fields = ["course-length.len", "course-length.message"];
    let Some(lines) = read("length", &options, &fields) else { return };
    let said: Vec<(&str, &str)> = lines.iter().map(|line| (line[0].as_str(), line[1].as_str())).collect();
    let want = [
        ("6", "你好"),
        ("23", "Server received: 你好"),
        ("16", "a second message"),
        ("33", "Server received: a second message"),
        ("6", "再見"),
        ("23", "Server received: 再見"),
    ];
    assert_eq!(said, want);
}

#[test]
fn every_line_of_the_chat_room_is_understood() {
    let fields = ["course-chat.kind", "course-chat.from", "course-chat.to", "course-chat.text"];
    let Some(lines) = read("chat", &["-Y", "course-chat"], &fields) else { return };
    let said: Vec<[&str; 4]> = lines.iter().map(|line| [0, 1, 2, 3].map(|field| line[field].as_str())).collect();
    assert!(!said.iter().any(|line| line[0].contains("unknown")), "{said:?}");
    for want in [
        ["message", "小明", "", "大家好"],
        ["private message", "", "小明", "只有你看得到"],
        ["private message", "carol", "you", "只有你看得到"],
        ["private message", "you", "小明", "只有你看得到"],
        ["notice", "", "", "In the room: 小明, carol"],
        ["error", "", "", "Unknown command /nonsense; try /help"],
        ["text", "", "", "/slash"],
        // Sent in two pieces.
        ["text", "", "", "分成兩段送出的一行"],
    ] {
        assert!(said.contains(&want), "{want:?} in {said:#?}");
    }
}

#[test]
fn every_datagram_of_the_file_transfer_is_understood() {
    let kinds = [
        "course-file.kind",
        "course-file.name",
        "course-file.offset",
        "course-file.data",
        "course-file.index",
        "course-file.session",
        "udp.dstport",
        "course-file.checksum",
    ];
    let Some(lines) = read("file-transfer", &["-Y", "udp"], &kinds) else { return };
    let mut seen: Vec<u8> = lines.iter().map(|line| line[0].parse().expect("every datagram has a kind")).collect();
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen, (1..=10).collect::<Vec<u8>>());
    assert!(lines.iter().any(|line| line[1] == "報告.bin") && lines.iter().any(|line| line[1] == "報告.txt"));
    // What went to the receiver, put together: the second file as it was.
    let text = lines.iter().find(|line| line[0] == "5" && line[4] == "1" && line[6] == "9900").unwrap();
    assert_eq!((text[2].as_str(), tshark::bytes(&text[3])), ("0", "期末報告：網路程式設計\n".as_bytes().to_vec()));
    assert!(lines.iter().all(|line| line[5] == lines[0][5]), "one session");
}
