//! A trace comes back as it was written, and its picture is well-formed XML with every mark in its place.
//!
//! The reader of XML here is small and strict: enough to see that what was opened is closed.

use netcommon::lang::Lang;

use super::*;

const ALL: std::ops::Range<Duration> = Duration::ZERO..Duration::MAX;

fn fates() -> Vec<(u64, Fate)> {
    let sent = |number, offset, again| Fate::Sent { number, index: 0, offset, len: 1000, again };
    let window = Fate::Window { cwnd: 5000, in_flight: 3000, pacing_rate: 1, srtt: Duration::from_millis(10) };
    vec![
        (0, sent(0, 0, false)),
        (1, sent(1, 1000, false)),
        (2, sent(2, 2000, false)),
        (10, Fate::Arrived { number: 0 }),
        (10, window),
        (12, Fate::Arrived { number: 2 }),
        (12, Fate::Lost { number: 1 }),
        (13, sent(3, 1000, true)),
        (23, Fate::Arrived { number: 3 }),
        (23, window),
    ]
}

fn written(fates: &[(u64, Fate)]) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    let mut trace = Trace::create(file.path()).unwrap();
    for (ms, fate) in fates {
        trace.add(Duration::from_millis(*ms), fate);
    }
    file
}

/// Panics unless every element is closed in order and no `<` or `&` stands bare.
fn check_xml(text: &str) {
    let mut open = Vec::new();
    for part in text.split('<').skip(1) {
        let (tag, text) = part.split_once('>').expect("a tag ends");
        assert!(!text.contains('&') || text.contains(';'), "{text}");
        assert_eq!(tag.matches('\'').count() % 2, 0, "{tag}");
        let name = tag.trim_start_matches('/').split([' ', '/']).next().unwrap();
        match (tag.starts_with('/'), tag.ends_with('/')) {
            (true, _) => assert_eq!(open.pop(), Some(name), "{tag}"),
            (false, true) => {}
            (false, false) => open.push(name),
        }
    }
    assert_eq!(open, [""; 0]);
}

#[test]
fn the_lines_are_as_they_are_documented() {
    let text = std::fs::read_to_string(written(&fates()).path()).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[1], r#"{"at_ms":1.0,"fate":"sent","number":1,"file":0,"offset":1000,"len":1000,"again":false}"#);
    assert_eq!(lines[3], r#"{"at_ms":10.0,"fate":"arrived","number":0}"#);
    assert_eq!(
        lines[4],
        r#"{"at_ms":10.0,"fate":"window","cwnd":5000,"in_flight":3000,"pacing_rate":1,"srtt_ms":10.0}"#
    );
    assert_eq!(lines.len(), fates().len());
}

#[test]
fn the_picture_is_well_formed_and_has_each_kind_of_mark() {
    let file = written(&fates());
    for (lang, words) in [(Lang::En, ["sent again", "lost", "cwnd"]), (Lang::ZhTw, ["重送", "遺失", "cwnd"])] {
        let svg = draw(file.path(), ALL, lang).unwrap();
        check_xml(&svg);
        for word in words {
            assert!(svg.contains(word), "{word} in {svg}");
        }
    }
    let svg = draw(file.path(), ALL, Lang::En).unwrap();
    assert!(svg.contains("4 datagrams sent, 1 of them again, 1 taken for lost"), "{svg}");
    // The cross stands where datagram 1 was sent: at 1 of 23 ms, byte 1000 of 3000.
    let cross = svg.lines().find(|line| line.contains("l6 6") && line.contains("#b3001b")).unwrap();
    assert!(cross.contains(&format!("M{:.1} {:.1}l6 6", 90.0 + 37.5 - 3.0, 64.0 + 200.0 - 3.0)), "{cross}");
}

#[test]
fn several_files_stand_above_each_other() {
    let sent = |ms, index, offset| (ms, Fate::Sent { number: ms, index, offset, len: 500, again: false });
    let svg = draw(written(&[sent(1, 0, 0), sent(2, 1, 0), sent(4, 1, 500)]).path(), ALL, Lang::En).unwrap();
    check_xml(&svg);
    // Three dots on a line, at a third and two thirds of the height; no window, so one panel.
    let dots = svg.lines().find(|line| line.contains("h.1M")).unwrap();
    assert_eq!(dots.matches("h.1").count(), 3);
    assert!(dots.contains(" 264.0h.1") && dots.contains(" 164.0h.1"), "{dots}");
    assert!(!svg.contains("cwnd"));
}

#[test]
fn a_trace_that_was_cut_is_drawn_and_another_file_is_refused_by_its_line() {
    let file = written(&fates());
    let text = std::fs::read_to_string(file.path()).unwrap();
    std::fs::write(file.path(), &text[..text.len() - 20]).unwrap();
    check_xml(&draw(file.path(), ALL, Lang::En).unwrap());

    std::fs::write(file.path(), format!("{text}第一節 國文\n")).unwrap();
    let error = draw(file.path(), ALL, Lang::En).unwrap_err().to_string();
    assert!(error.ends_with(", line 11: not a line of a trace"), "{error}");
    std::fs::write(file.path(), "x".repeat(5000)).unwrap();
    assert!(matches!(draw(file.path(), ALL, Lang::En), Err(DrawError::Line { number: 1, .. })));
    std::fs::write(file.path(), "").unwrap();
    assert!(matches!(draw(file.path(), ALL, Lang::En), Err(DrawError::Empty { .. })));
    assert!(matches!(draw(Path::new("沒有"), ALL, Lang::En), Err(DrawError::Read(_))));
}

#[test]
fn a_part_of_the_time_is_drawn_alone_and_fills_the_picture() {
    let file = written(&fates());
    let part = Duration::from_millis(1)..Duration::from_millis(3);
    let svg = draw(file.path(), part, Lang::En).unwrap();
    check_xml(&svg);
    assert!(svg.contains("2 datagrams sent, 0 of them again, 0 taken for lost"), "{svg}");
    // From 1 to 2 ms and from byte 1000 to 3000: the first dot is in the corner, and its cross with it.
    let dots = svg.lines().find(|line| line.contains("h.1M")).unwrap();
    assert!(dots.contains("M90.0 364.0h.1") && dots.contains("M950.0 214.0h.1"), "{dots}");
    assert!(svg.lines().any(|line| line.contains("M87.0 361.0l6 6")), "{svg}");
    let nothing = Duration::from_secs(5)..Duration::from_secs(6);
    assert!(matches!(draw(file.path(), nothing, Lang::En), Err(DrawError::Empty { .. })));
}
