//! The dissectors under `docs/wireshark` on their sample captures: every field named, nothing malformed.
//!
//! What is compared was typed into the programs when the samples were made. Read `tests/common/tshark.rs` before.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

#[path = "common/tshark.rs"]
mod tshark;

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use netcommon::framing::{Framing, Limits, encode_within};
use netcommon::pcapng::block;
use netcommon::pcapng::conversation::{Packet, Stream, datagram_packet};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/wireshark")
}

/// The fields of a sample's packets; `None` without tshark.
fn read(name: &str, options: &[&str], fields: &[&str]) -> Option<Vec<Vec<String>>> {
    read_file(&folder().join(name).with_extension("pcapng"), name, options, fields)
}

/// The same of any capture, with the dissector of this name.
fn read_file(file: &Path, name: &str, options: &[&str], fields: &[&str]) -> Option<Vec<Vec<String>>> {
    let script = format!("lua_script:{}", folder().join(name).with_extension("lua").display());
    let options = [&["-X", &script], options].concat();
    // What a dissector gets wrong stands in the last two.
    let fields = [fields, &["_ws.malformed", "_ws.expert.message"]].concat();
    let lines = tshark::fields(name, file, &options, &fields)?;
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

/// A capture with these packets.
fn capture(file: &Path, packets: &[Packet]) {
    let mut bytes = [block::section("test"), block::interface("test", "")].concat();
    for (number, (direction, packet)) in (0..).zip(packets) {
        bytes.extend(block::packet(number * 1_000_000, packet.len() as u32, packet, Some(*direction), None));
    }
    fs::write(file, bytes).unwrap();
}

/// A connection for each size of segments, from one byte to all at once: `bytes` from the client to `port`.
fn in_every_segmentation(bytes: &[u8], port: u16) -> (Vec<Packet>, usize) {
    let connections = (1..=bytes.len()).flat_map(|size| {
        let ends = [40_000 + size as u16, port].map(|port| SocketAddr::from(([127, 0, 0, 1], port)));
        let (mut stream, mut packets) = Stream::connect(ends[0], ends[1]);
        bytes.chunks(size).for_each(|part| packets.extend(stream.send(part)));
        packets.extend(stream.finish());
        packets
    });
    (connections.collect(), bytes.len())
}

#[test]
fn frames_come_together_however_they_are_cut_into_segments() {
    let messages = ["你好", "", "second", "再見，下次再聊"];
    let mut wire = Vec::new();
    for message in messages {
        encode_within(Framing::Length, message.as_bytes(), Limits::default(), &mut wire).unwrap();
    }
    let (packets, connections) = in_every_segmentation(&wire, 8888);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("切開.pcapng");
    capture(&file, &packets);
    let options = ["-d", "tcp.port==8888,course-length", "-Y", "course-length", "-E", "aggregator=|"];
    let fields = ["tcp.stream", "course-length.len", "course-length.message"];
    let Some(lines) = read_file(&file, "length", &options, &fields) else { return };
    let mut said = vec![(Vec::new(), Vec::new()); connections];
    for line in &lines {
        let (lens, texts) = &mut said[line[0].parse::<usize>().unwrap()];
        lens.extend(line[1].split('|'));
        texts.extend(line[2].split('|').filter(|text| !text.is_empty()));
    }
    let lens: Vec<String> = messages.iter().map(|message| message.len().to_string()).collect();
    let texts: Vec<&str> = messages.into_iter().filter(|message| !message.is_empty()).collect();
    for (number, said) in said.iter().enumerate() {
        let lens: Vec<&str> = lens.iter().map(String::as_str).collect();
        assert_eq!(*said, (lens, texts.clone()), "segments of {} bytes", number + 1);
    }
}

#[test]
fn lines_of_the_chat_come_together_however_they_are_cut_into_segments() {
    let lines_sent = ["小明", "大家好", "/msg carol 只有你", "/quit"];
    let wire = lines_sent.join("\n") + "\n";
    let (packets, connections) = in_every_segmentation(wire.as_bytes(), 7777);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("切開.pcapng");
    capture(&file, &packets);
    let options = ["-Y", "course-chat", "-E", "aggregator=|"];
    let Some(lines) = read_file(&file, "chat", &options, &["tcp.stream", "course-chat.text"]) else { return };
    let mut said = vec![Vec::new(); connections];
    for line in &lines {
        said[line[0].parse::<usize>().unwrap()].extend(line[1].split('|'));
    }
    for (number, said) in said.iter().enumerate() {
        assert_eq!(*said, ["小明", "大家好", "只有你", "/quit"], "segments of {} bytes", number + 1);
    }
}

#[test]
fn datagrams_of_the_file_transfer_that_are_cut_or_damaged_stop_no_dissector() {
    let name = folder().join("file-transfer.pcapng");
    let record = fs::read(&name).unwrap();
    let ends = [50_000, 9900].map(|port| SocketAddr::from(([127, 0, 0, 1], port)));
    let mut packets = Vec::new();
    // Every datagram's bytes stand in the file as they are, behind their mark.
    let starts: Vec<usize> = (0..record.len() - 4).filter(|at| record[*at..*at + 3] == *b"FT\x01").collect();
    for (turn, start) in starts.iter().enumerate() {
        let whole = &record[*start..(start + 120).min(record.len())];
        for cut in (0..whole.len()).step_by(1 + starts.len() / 10) {
            let mut bytes = whole[..cut].to_vec();
            if let Some(byte) = bytes.get_mut(3 + turn % 40) {
                *byte ^= 1 << (turn % 8);
            }
            packets.push(datagram_packet(ends[0], ends[1], block::Direction::Out, &bytes));
        }
    }
    assert!(packets.len() > 100, "{} datagrams", packets.len());
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("損壞.pcapng");
    capture(&file, &packets);
    let Some(lines) = read_file(&file, "file-transfer", &["-Y", "udp"], &["course-file.kind"]) else { return };
    assert_eq!(lines.len(), packets.len());
}
