//! Who is not let in: too many from one address, too many in all. Told, and closed without an RST.
//!
//! Read `house.rs` before. Descriptors that run out are in `program.rs`, because the limit is a process's.

use chat_room::limits::Limits;

use crate::house::{Guest, House};

#[test]
fn too_many_from_one_address_are_told_and_the_others_stay() {
    let house = House::open(Limits { per_address_max: Some(5), ..Limits::default() });
    let mut inside: Vec<Guest> = (0..5).map(|number| house.join(&format!("m{number}"))).collect();
    for _ in 0..50 {
        let mut refused = Guest::connect(house.addr);
        let reason = "! Too many connections from your address: 5 at once; close one, or try again later";
        assert_eq!(refused.rest(), [reason]);
    }
    house.wait_for("the refusals to be counted", |stats| stats.refused == 50);
    drop(inside.pop());
    house.wait_for("the place to be free", |stats| stats.connections == 4);
    let _again = house.join("again");
    inside[0].until("* again has joined");
}

#[test]
fn a_full_room_says_so() {
    let house = House::open(Limits { connections_max: 2, ..Limits::default() });
    let (_one, _two) = (house.join("一"), house.join("二"));
    let mut third = Guest::connect(house.addr);
    assert_eq!(third.rest(), ["! The room is full: 2 connections at once; try again later"]);
}
