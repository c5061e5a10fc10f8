//! Reports as a user makes them: every form, both languages, hostile logs, and a real browser where there is one.
//!
//! What is computed is tried in `src/record.rs` and `src/report/figures.rs`.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use net_monitor::connection::{Connection, How};
use net_monitor::event::{Event, Heading};
use net_monitor::journal::Journal;
use net_monitor::moment::Moment;
use net_monitor::observation::{Flow, Id, Proof, Protocol};
use netcommon::testing::Program;

const EXE: &str = env!("CARGO_BIN_EXE_net-monitor");

/// What a page must show and must not do.
const HOSTILE: &str = "=<script>document.title='被駭'</script>\u{202e}\x1b[2J";

fn at(millis: u64) -> Moment {
    Moment::from_micros(1_795_000_000_000_000).plus(Duration::from_millis(millis))
}

/// A log with so many connections, some of which ended badly.
fn log(folder: &Path, connections: u64) -> PathBuf {
    let path = folder.join("記錄.jsonl");
    let watching = vec!["tcp 127.0.0.1:8001 -> 127.0.0.1:8888".to_owned()];
    let heading = Heading { at: at(0), source: "proxy".to_owned(), watching, version: "0".to_owned(), part: 1 };
    let mut journal = Journal::open(&path, heading, None).unwrap();
    let mut add = |event: &Event| assert_eq!(journal.add(event, at(0)), None);
    for number in 1..=connections {
        let client = SocketAddr::from(([192, 0, 2, (number % 7) as u8], 40_000));
        let flow = Flow { client, server: SocketAddr::from(([127, 0, 0, 1], 8001)), target: None };
        let id = Id { protocol: Protocol::Tcp, number };
        let mut connection = Connection::new(id, &flow, at(number * 10), None);
        connection.end = at(number * 10 + number % 500);
        (connection.bytes_in, connection.bytes_out) = (number, 3 * number);
        connection.how = if number % 10 == 0 { How::ResetByServer } else { How::Orderly };
        connection.process = (number == connections).then(|| HOSTILE.to_owned());
        let (end, bytes_in, bytes_out) = (connection.end, number, 3 * number);
        add(&Event::Connection(connection));
        add(&Event::Traffic { at: end, protocol: Protocol::Tcp, on: 8001, bytes_in, bytes_out, opened: 1, open: 0 });
    }
    add(&Event::Missed { at: at(1), what: HOSTILE.to_owned(), at_least: 3 });
    let counted_by = "proxy (tcp)".to_owned();
    add(&Event::Proof(Proof { counted_by, opened: connections, listed: connections, open: 0 }));
    add(&Event::Finished { at: at(connections * 10 + 500) });
    journal.flush(at(0));
    path
}

fn report(arguments: &[&str]) -> String {
    let end = Program::run(EXE, &[&["report"], arguments].concat(), "");
    assert_eq!(end.code, Some(0), "{}", end.stderr);
    end.stdout
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn each_form_tells_the_same_sums() {
    let folder = tempfile::tempdir().unwrap();
    let path = log(folder.path(), 200);
    let plain = report(&[text(&path), "--lang", "en"]);
    assert!(
        plain.contains("200 connections") && plain.contains("20,100 bytes in, 60,300 bytes out (exact)"),
        "{plain}"
    );
    assert!(plain.contains("Not everything was seen\n- proxy (tcp) opened 200, listed 200, open 0, unexplained 0\n"));
    assert!(plain.contains("the 20 largest of 200"), "{plain}");
    assert!(!plain.contains(['\x1b', '\u{202e}']), "{plain}");
    let json: serde_json::Value = serde_json::from_str(&report(&[text(&path), "--json"])).unwrap();
    let sum = |list: &str, key: &str| -> u64 {
        json[list].as_array().unwrap().iter().map(|row| row[key].as_u64().unwrap()).sum()
    };
    let sums =
        [sum("connections", "bytes_in"), sum("ports", "bytes_in"), sum("peers", "bytes_in"), sum("timeline", "in")];
    assert_eq!(sums, [20_100; 4]);
    assert_eq!((json["totals"]["errors"].as_u64(), json["complete"].as_bool()), (Some(20), Some(false)));
    let csv = report(&[text(&path), "--csv"]);
    assert_eq!(csv.lines().count(), 201);
    let bytes_in: u64 = csv.lines().skip(1).map(|line| line.split(',').nth(8).unwrap().parse::<u64>().unwrap()).sum();
    assert_eq!(bytes_in, 20_100);
    assert!(csv.contains("'=<script>"), "a formula must not stay one: {csv}");
    let chinese = report(&[text(&path), "--lang", "zh-TW"]);
    assert!(chinese.contains("200 條連線") && chinese.contains("伺服器重設") && chinese.contains("並非全部都看到了"));
}

#[test]
fn the_page_is_one_file_without_references_and_nothing_in_it_is_anybodys_markup() {
    let folder = tempfile::tempdir().unwrap();
    let path = log(folder.path(), 1000);
    for (lang, title) in [("en", "Network report"), ("zh-TW", "網路報告")] {
        let html = folder.path().join("報告.html");
        let said = report(&[text(&path), "--html", text(&html), "--lang", lang]);
        assert!(said.starts_with("Report in "), "{said}");
        let page = std::fs::read_to_string(&html).unwrap();
        assert!(page.contains(&format!("<title>{title}</title>")));
        assert!(page.len() < 150_000, "{} bytes", page.len());
        for reference in ["<script", "src=", "href=", "url(", "@import", "http:", "https:", "\u{202e}", "\x1b"] {
            assert!(!page.contains(reference), "{reference}");
        }
        assert!(page.contains("&lt;script&gt;"), "what the log holds is shown");
    }
}

#[test]
fn what_cannot_be_read_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let none = folder.path().join("沒有.jsonl");
    let end = Program::run(EXE, &["report", text(&none)], "");
    assert_eq!((end.code, end.stderr.starts_with(&format!("net-monitor: open {}: ", none.display()))), (Some(1), true));
    let strange = folder.path().join("信.txt");
    std::fs::write(&strange, "親愛的\n").unwrap();
    let end = Program::run(EXE, &["report", text(&strange)], "");
    assert!(end.stderr.contains("no line of it is a line of a net-monitor log"), "{}", end.stderr);
}

/// Runs the browser on a page and returns what it makes of it.
fn browse(page: &Path, width: u32) -> Option<String> {
    let browser = ["chromium", "chromium-browser", "google-chrome"]
        .into_iter()
        .find(|name| Command::new(name).arg("--version").output().is_ok_and(|output| output.status.success()))?;
    let profile = tempfile::tempdir().unwrap();
    // A limit against hanging only; and nothing that a browser does by itself.
    let output = Command::new("timeout")
        .args(["300", browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"])
        .args(["--no-first-run", "--disable-background-networking", "--disable-component-update"])
        .args(["--disable-sync", "--disable-quic", "--dump-dom"])
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .args([format!("--window-size={width},800"), format!("file://{}", page.display())])
        .output()
        .unwrap();
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[cfg(target_os = "linux")]
#[test]
fn a_real_browser_shows_the_page_on_a_phone_and_runs_nothing_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = log(folder.path(), 300);
    let html = folder.path().join("report.html");
    report(&[text(&path), "--html", text(&html), "--lang", "zh-TW"]);
    let Some(dom) = browse(&html, 1200) else { return println!("skipped: no Chromium on this machine") };
    assert!(dom.contains("<title>網路報告</title>"), "{dom}");
    // A copy with a measuring script of ours, which the page's own policy would refuse to run.
    let page = std::fs::read_to_string(&html).unwrap();
    let policy = page.lines().find(|line| line.contains("Content-Security-Policy")).unwrap();
    let script = "<script>let d=document;let t=d.querySelectorAll('tr').length,g=d.querySelectorAll('.g i').length;\
                  let wide=d.documentElement.scrollWidth>innerWidth;\
                  let shown=[...d.querySelectorAll('.g i')].every(i=>i.getBoundingClientRect().width>=2);\
                  d.title=`rows ${t} bars ${g} wide ${wide} visible ${shown} scripts ${d.scripts.length}`</script>";
    let measured = folder.path().join("measured.html");
    std::fs::write(&measured, page.replace(policy, "") + script).unwrap();
    let dom = browse(&measured, 390).unwrap();
    let title = dom.split_once("<title>").unwrap().1.split_once("</title>").unwrap().0.to_owned();
    // Headings and rows of five tables: 7 peers, 1 port, 2 endings, 30 errors, 300 connections.
    assert_eq!(title, "rows 345 bars 150 wide false visible true scripts 1");
}
