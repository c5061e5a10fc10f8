//! What clients get who keep to the protocol.
//!
//! Read `house.rs` before. The room's own rules are tested without sockets in `src/room/tests.rs`; here is
//! what the loop adds: bytes that come in any pieces, half-closed streams, the end.

use chat_room::limits::Limits;

use crate::house::House;

#[test]
fn a_conversation_as_the_protocol_has_it() {
    let house = House::open(Limits::default());
    let mut ming = house.join("小明");
    let mut bob = house.knock();
    bob.say("bob");
    assert_eq!(bob.line().unwrap(), "* In the room: 小明");
    assert_eq!(ming.line().unwrap(), "* bob has joined");
    bob.say("大家好");
    bob.say("/msg 小明 只給你看");
    bob.say("/nick x");
    bob.say("/quit");
    assert_eq!(ming.line().unwrap(), "[bob] 大家好");
    assert_eq!(ming.line().unwrap(), "[bob -> you] 只給你看");
    assert_eq!(ming.line().unwrap(), "* bob has left");
    assert_eq!(bob.rest(), ["[you -> 小明] 只給你看", "! Unknown command /nick; try /help", "* Goodbye"]);
}

#[test]
fn bytes_one_by_one_are_the_same_as_lines() {
    let house = House::open(Limits::default());
    let (mut ming, mut bob) = (house.join("小明"), house.knock());
    for byte in "鮑伯\r\n一個字一個字\n/who\n".bytes() {
        bob.send(&[byte]);
    }
    assert_eq!(ming.line().unwrap(), "* 鮑伯 has joined");
    assert_eq!(ming.line().unwrap(), "[鮑伯] 一個字一個字");
    assert_eq!(bob.line().unwrap(), "* In the room: 小明");
    assert_eq!(bob.line().unwrap(), "* In the room: 小明, 鮑伯");
}

#[test]
fn who_has_half_closed_is_heard_and_answered_to_the_end() {
    let house = House::open(Limits::default());
    let mut ming = house.join("小明");
    let mut bob = house.knock();
    // As `printf … | nc -N` does it: everything at once, then a FIN.
    bob.send("bob\n你們好\n/msg 小明 hi\n/who\nhalf".as_bytes());
    bob.fall_silent();
    assert_eq!(
        bob.rest(),
        [
            "* In the room: 小明",
            "[you -> 小明] hi",
            "* In the room: 小明, bob",
            "! Your stream ended inside a line; its 4 bytes were not passed on",
        ]
    );
    let heard: Vec<String> = (0..4).filter_map(|_| ming.line()).collect();
    assert_eq!(heard, ["* bob has joined", "[bob] 你們好", "[bob -> you] hi", "* bob has left"]);
}

#[test]
fn everybody_is_told_when_the_server_ends() {
    let house = House::open(Limits::default());
    let (mut ming, mut nobody) = (house.join("小明"), house.knock());
    let mut bob = house.join("bob");
    bob.say("最後一句");
    ming.until("[bob] ");
    house.shut_down();
    assert_eq!(ming.rest(), ["* The server is shutting down"]);
    assert_eq!(bob.rest(), ["* The server is shutting down"]);
    assert_eq!(nobody.rest(), ["* The server is shutting down"]);
}
