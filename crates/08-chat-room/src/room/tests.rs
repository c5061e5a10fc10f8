//! The room without a socket: names, order, private messages, slow readers, and every way to leave.
//!
//! [`Table`] plays the server's loop: what a connection is sent is kept as text, and a connection that "does
//! not read" takes nothing. `properties.rs` tries every interleaving that proptest thinks of.

mod properties;
mod slow;

use std::time::Duration;

use super::*;

/// A room with the texts that its connections have got.
pub(super) struct Table {
    pub(super) room: Room,
    pub(super) now: Instant,
    scratch: Scratch,
    got: Vec<String>,
}

impl Table {
    pub(super) fn new(limits: Limits) -> Self {
        Self { room: Room::new(limits), now: Instant::now(), scratch: Scratch::default(), got: Vec::new() }
    }

    /// A connection that has not said anything.
    pub(super) fn arrive(&mut self) -> Id {
        let id = self.room.arrive(self.now);
        self.got.resize(self.got.len().max(id.index() + 1), String::new());
        self.got[id.index()].clear();
        id
    }

    /// A member, who has read all that newcomers get.
    pub(super) fn join(&mut self, name: &str) -> Id {
        let id = self.arrive();
        self.say(id, name);
        self.read(id);
        id
    }

    pub(super) fn say(&mut self, id: Id, line: &str) {
        self.room.hear(id, format!("{line}\n").as_bytes(), self.now);
    }

    /// One send, of which the system takes at most `room`; how much that was.
    pub(super) fn send(&mut self, id: Id, room: usize) -> usize {
        let pieces = self.room.to_send(id, &mut self.scratch);
        let all: Vec<u8> = pieces.as_slices().iter().flat_map(|piece| piece.iter().copied()).collect();
        let (len, of) = (all.len().min(room), all.len());
        self.room.sent(id, (len, of), &mut self.scratch, self.now);
        // A character may be cut by the send; the tests cut only where they look at bytes.
        self.got[id.index()].push_str(std::str::from_utf8(&all[..len]).expect("cut between characters"));
        len
    }

    /// Sends all that waits, and returns what this connection has got since the last call.
    pub(super) fn read(&mut self, id: Id) -> String {
        while self.room.has_mail(id) {
            self.send(id, usize::MAX);
        }
        std::mem::take(&mut self.got[id.index()])
    }
}

fn unlimited() -> Limits {
    Limits { history: 0, ..Limits::default().with_rate(0) }
}

#[test]
fn a_newcomer_is_asked_told_who_is_here_and_announced() {
    let mut table = Table::new(Limits::default());
    let ming = table.arrive();
    assert_eq!(table.read(ming), "* Welcome to the chat room. What is your name?\n");
    table.say(ming, "小明");
    assert_eq!(table.read(ming), "* In the room: (nobody else)\n");
    let (bob, carol) = (table.join("bob"), table.arrive());
    table.say(carol, "carol\r");
    assert_eq!(table.read(carol), "* Welcome to the chat room. What is your name?\n* In the room: 小明, bob\n");
    assert_eq!(table.read(ming), "* bob has joined\n* carol has joined\n");
    table.say(carol, "大家好");
    assert_eq!(table.read(bob), "* carol has joined\n[carol] 大家好\n");
    assert_eq!(table.read(carol), "");
    table.say(ming, "/who");
    assert_eq!(table.read(ming), "[carol] 大家好\n* In the room: 小明, bob, carol\n");
}

#[test]
fn a_private_message_goes_to_one_and_back() {
    let mut table = Table::new(Limits::default());
    let (ming, bob, eve) = (table.join("小明"), table.join("Bob"), table.join("eve"));
    for id in [ming, bob] {
        table.read(id);
    }
    table.say(ming, "/msg ｂｏｂ 這是 祕密\u{7}");
    assert_eq!(table.read(ming), "[you -> Bob] 這是 祕密\u{fffd}\n");
    assert_eq!(table.read(bob), "[小明 -> you] 這是 祕密\u{fffd}\n");
    table.say(ming, "/msg dora hi");
    table.say(ming, "/msg bob");
    assert_eq!(table.read(ming), "! No one here is called dora\n! /msg needs a name and a text: /msg NAME TEXT\n");
    assert_eq!(table.read(eve), "");
}

#[test]
fn answers_stand_where_they_were_asked_for() {
    let mut table = Table::new(unlimited());
    let (ming, bob) = (table.join("小明"), table.join("bob"));
    table.read(ming);
    table.say(bob, "一");
    table.say(ming, "二");
    table.say(ming, "/x");
    table.say(bob, "三");
    table.say(bob, "/msg 小明 四");
    table.say(bob, "//五");
    assert_eq!(table.read(ming), "[bob] 一\n! Unknown command /x; try /help\n[bob] 三\n[bob -> you] 四\n[bob] /五\n");
    assert_eq!(table.read(bob), "[小明] 二\n[you -> 小明] 四\n");
    table.say(bob, "/help");
    assert_eq!(table.read(bob).lines().filter(|line| line.starts_with("* ")).count(), 5);
}

#[test]
fn what_was_not_understood_comes_back_whole() {
    let mut table = Table::new(unlimited());
    let bob = table.join("bob");
    let long = "x".repeat(900);
    table.say(bob, &format!("/{long}"));
    assert_eq!(table.read(bob), format!("! Unknown command /{long}; try /help\n"));
    table.say(bob, &format!("/msg {long} hi"));
    assert_eq!(table.read(bob), format!("! No one here is called {long}\n"));
}

#[test]
fn a_name_is_refused_with_a_reason_three_times() {
    let mut table = Table::new(Limits::default());
    let _bob = table.join("Bob");
    let eve = table.arrive();
    table.read(eve);
    table.say(eve, "ＢＯＢ");
    table.say(eve, "b\u{43e}b");
    assert_eq!(
        table.read(eve),
        "! Name ＢＯＢ: Bob is in the room already\n\
         ! Name b\u{43e}b: it mixes scripts, so that it could look like another name\n"
    );
    table.say(eve, "Воb has left\u{1b}[2J and a very long rest");
    assert_eq!(
        table.read(eve),
        "! Name Воb has left\u{fffd}[2J and…: it has more than 20 characters\n! That was the last try\n".replace(
            "it has more than 20 characters",
            "only letters, digits, _ and - make a name, and a space is none of these"
        )
    );
    assert_eq!(table.room.step(eve), Step::Release);
    table.say(eve, "carol");
    assert_eq!(table.read(eve), "");
}

#[test]
fn a_name_is_free_again_when_its_owner_has_gone() {
    for way in ["quit", "end", "reset", "removed"] {
        let mut table = Table::new(Limits::default());
        let (ming, bob) = (table.join("小明"), table.join("bob"));
        table.read(ming);
        let told = match way {
            "quit" => {
                table.say(bob, "/quit\nunheard");
                assert_eq!(table.read(bob), "* Goodbye\n");
                "* bob has left\n"
            }
            "end" => {
                table.room.hear(bob, "再見\nhalf a l".as_bytes(), table.now);
                table.room.end_of_stream(bob);
                assert_eq!(table.read(bob), "! Your stream ended inside a line; its 8 bytes were not passed on\n");
                "[bob] 再見\n* bob has left\n"
            }
            "reset" => {
                table.room.lost(bob, "Connection reset by peer");
                assert_eq!(table.room.step(bob), Step::Close);
                "* bob has left: Connection reset by peer\n"
            }
            _ => {
                table.room.remove(bob);
                "* bob has left: closed\n"
            }
        };
        assert_eq!(table.read(ming), told);
        let again = table.join("BOB");
        assert_eq!(table.read(ming), "* BOB has joined\n");
        table.say(again, "hi");
        assert_eq!(table.read(ming), "[BOB] hi\n");
    }
}

#[test]
fn history_is_marked_and_shows_messages_only() {
    let mut table = Table::new(Limits { history: 2, ..Limits::default() });
    let ming = table.join("小明");
    for line in ["一", "二", "三"] {
        table.say(ming, line);
    }
    let bob = table.arrive();
    table.say(bob, "bob");
    table.say(ming, "四");
    assert_eq!(
        table.read(bob),
        "* Welcome to the chat room. What is your name?\n* In the room: 小明\n\
         * Earlier: [小明] 二\n* Earlier: [小明] 三\n[小明] 四\n"
    );
}

#[test]
fn bad_lines_are_told_and_harm_nobody() {
    let mut table = Table::new(unlimited());
    let (ming, bob) = (table.join("小明"), table.join("bob"));
    table.read(ming);
    table.room.hear(bob, b"\xff\xfe\n", table.now);
    table.room.hear(bob, &[b'x'; 5000], table.now);
    table.room.hear(bob, "\n\u{202e}後\n".as_bytes(), table.now);
    assert_eq!(
        table.read(bob),
        "! That line was not UTF-8, and was not passed on\n! A line has at most 1024 bytes; this one was not passed on\n"
    );
    assert_eq!(table.read(ming), "[bob] \u{fffd}後\n");
}

#[test]
fn too_fast_is_told_once_and_counted() {
    let mut table = Table::new(Limits::default());
    let (ming, bob) = (table.join("小明"), table.join("bob"));
    table.read(ming);
    for _ in 0..1000 {
        table.say(bob, "spam");
    }
    assert_eq!(table.read(ming).lines().count(), 49, "fifty at once, and the name was one of them");
    assert_eq!(table.read(bob), "! Too fast: more than 10 lines a second are not passed on\n");
    table.now += Duration::from_secs(1);
    table.say(bob, "sorry");
    assert_eq!(table.read(bob), "! Lines that came too fast and were not passed on: 951\n");
    assert_eq!(table.read(ming), "[bob] sorry\n");
}

#[test]
fn who_finds_no_name_in_time_is_let_go() {
    let mut table = Table::new(Limits::default());
    let id = table.arrive();
    let deadline = table.room.deadline(id).unwrap();
    assert_eq!(deadline, table.now + Duration::from_secs(60));
    table.room.time_is_up(id, deadline - Duration::from_millis(1));
    assert!(matches!(table.room.step(id), Step::Wait { hear: true, .. }));
    table.room.time_is_up(id, deadline);
    assert!(table.read(id).ends_with("! You gave no name within 60s\n"));
    assert_eq!(table.room.step(id), Step::Release);
    table.room.released(id, deadline);
    assert_eq!(table.room.step(id), Step::Wait { hear: true, send: false });
    table.room.time_is_up(id, deadline + Duration::from_secs(1));
    assert_eq!(table.room.step(id), Step::Close);
}

#[test]
fn at_the_end_everybody_is_told_and_gets_what_was_said_before() {
    let mut table = Table::new(Limits::default());
    let (ming, bob, nobody) = (table.join("小明"), table.join("bob"), table.arrive());
    table.say(bob, "最後一句");
    table.room.shut_down();
    table.say(bob, "unheard");
    assert_eq!(table.read(ming), "* bob has joined\n[bob] 最後一句\n* The server is shutting down\n");
    assert!(table.read(nobody).ends_with("name?\n* The server is shutting down\n"));
    assert_eq!(table.read(bob), "* The server is shutting down\n");
    assert!([ming, bob, nobody].iter().all(|id| table.room.step(*id) == Step::Release));
}

#[test]
fn a_thousand_names_come_in_lines_that_fit() {
    let mut table = Table::new(unlimited());
    let names: Vec<String> = (0..1000).map(|number| format!("同學{number}")).collect();
    for name in &names {
        table.join(name);
    }
    let last = table.join("bob");
    table.say(last, "/who");
    let said = table.read(last);
    assert!(said.lines().all(|line| line.len() < crate::protocol::LINE_LEN_MAX));
    let listed: Vec<&str> = said.lines().flat_map(crate::protocol::names_in).collect();
    assert_eq!(listed.len(), 1001);
    assert!(listed.iter().zip(&names).all(|(listed, name)| listed == name) && listed[1000] == "bob");
}
