//! What must hold through every interleaving of arriving, talking, reading in pieces, leaving and reset.
//!
//! A model stands beside the room: it knows who has which name and what has been said since each member
//! joined. Read `../tests.rs` before. Failing cases are shrunk by proptest and printed.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

/// Something that happens.
#[derive(Debug, Clone)]
enum Act {
    Arrive,
    /// The connection of this number wants this name.
    Name(usize, usize),
    Say(usize),
    Tell(usize, usize),
    /// The connection's socket takes so many bytes.
    Read(usize, usize),
    Quit(usize),
    EndOfStream(usize),
    Reset(usize),
}

/// Three people's names in five ways of writing.
const NAMES: [&str; 5] = ["bob", "ＢＯＢ", "小明", "Bob", "carol"];

fn act() -> impl Strategy<Value = Act> {
    let who = 0..6_usize;
    prop_oneof![
        2 => Just(Act::Arrive),
        4 => (who.clone(), 0..NAMES.len()).prop_map(|(who, name)| Act::Name(who, name)),
        6 => who.clone().prop_map(Act::Say),
        3 => (who.clone(), 0..NAMES.len()).prop_map(|(who, name)| Act::Tell(who, name)),
        8 => (who.clone(), 0..200_usize).prop_map(|(who, len)| Act::Read(who, len)),
        1 => who.clone().prop_map(Act::Quit),
        1 => who.clone().prop_map(Act::EndOfStream),
        1 => who.prop_map(Act::Reset),
    ]
}

/// A connection of the model.
#[derive(Debug, Default)]
struct Seat {
    id: Option<Id>,
    /// The folded name of a member.
    name: Option<String>,
    is_gone: bool,
    got: Vec<u8>,
    /// Every line that it must have got when it has read all, in this order.
    due: Vec<String>,
}

/// The room beside what it should do.
struct Model {
    room: Room,
    scratch: Scratch,
    now: Instant,
    seats: Vec<Seat>,
    said: usize,
}

impl Model {
    fn play(&mut self, act: &Act) {
        let now = self.now;
        match *act {
            Act::Arrive => {
                let id = Some(self.room.arrive(now));
                let due = vec![WELCOME.to_owned()];
                self.seats.push(Seat { id, due, ..Seat::default() });
            }
            Act::Name(who, name) => self.name(who, NAMES[name]),
            Act::Say(who) => {
                let Some((id, name)) = self.member(who) else { return };
                self.said += 1;
                let text = format!("第 {} 句", self.said);
                self.room.hear(id, format!("{text}\n").as_bytes(), now);
                self.tell_others(who, &format!("[{name}] {text}"));
            }
            Act::Tell(who, to) => self.tell(who, NAMES[to]),
            Act::Read(who, len) => self.read(who, len),
            Act::Quit(who) => {
                let Some((id, name)) = self.member(who) else { return };
                self.room.hear(id, b"/quit\n", now);
                let seat = who % self.seats.len();
                self.seats[seat].due.push("* Goodbye".to_owned());
                self.gone(who, &format!("* {name} has left"));
            }
            Act::EndOfStream(who) => {
                let Some((id, name)) = self.member(who) else { return };
                self.room.end_of_stream(id);
                self.gone(who, &format!("* {name} has left"));
            }
            Act::Reset(who) => {
                let Some((id, name)) = self.member(who) else { return };
                self.room.lost(id, "reset");
                self.room.remove(id);
                let seat = who % self.seats.len();
                self.seats[seat].id = None;
                self.gone(who, &format!("* {name} has left: reset"));
            }
        }
    }

    /// A member's connection and its name as it wrote it.
    fn member(&self, who: usize) -> Option<(Id, String)> {
        let seat = self.seats.get(who % self.seats.len().max(1))?;
        if seat.is_gone { None } else { Some((seat.id?, seat.name.clone()?)) }
    }

    fn holder(&self, name: &str) -> Option<usize> {
        let same =
            |seat: &Seat| seat.name.as_deref().is_some_and(|own| crate::name::fold(own) == crate::name::fold(name));
        self.seats.iter().position(|seat| !seat.is_gone && same(seat))
    }

    fn name(&mut self, who: usize, name: &str) {
        let count = self.seats.len().max(1);
        let Some(seat) = self.seats.get(who % count) else { return };
        let (Some(id), None, false) = (seat.id, &seat.name, seat.is_gone) else { return };
        let holder = self.holder(name);
        self.room.hear(id, format!("{name}\n").as_bytes(), self.now);
        if let Some(holder) = holder {
            let theirs = self.seats[holder].name.clone().unwrap();
            let due = &mut self.seats[who % count].due;
            due.push(format!("! Name {name}: {theirs} is in the room already"));
            if due.len() == 4 {
                due.push("! That was the last try".to_owned());
                self.seats[who % count].is_gone = true;
            }
            return;
        }
        self.tell_others(who, &format!("* {name} has joined"));
        self.seats[who % count].name = Some(name.to_owned());
        // Who is here is asked of the room in another test; here the line is only known to come.
        self.seats[who % count].due.push("* In the room: …".to_owned());
    }

    fn tell(&mut self, who: usize, to: &str) {
        let Some((id, from)) = self.member(who) else { return };
        let holder = self.holder(to);
        self.said += 1;
        let text = format!("祕密 {}", self.said);
        self.room.hear(id, format!("/msg {to} {text}\n").as_bytes(), self.now);
        let seat = who % self.seats.len();
        if let Some(holder) = holder {
            let theirs = self.seats[holder].name.clone().unwrap();
            self.seats[holder].due.push(format!("[{from} -> you] {text}"));
            self.seats[seat].due.push(format!("[you -> {theirs}] {text}"));
        } else {
            self.seats[seat].due.push(format!("! No one here is called {to}"));
        }
    }

    fn tell_others(&mut self, who: usize, line: &str) {
        let own = who % self.seats.len();
        for (index, seat) in self.seats.iter_mut().enumerate() {
            if index != own && seat.name.is_some() && !seat.is_gone {
                seat.due.push(line.to_owned());
            }
        }
    }

    fn gone(&mut self, who: usize, line: &str) {
        self.tell_others(who, line);
        let seat = who % self.seats.len();
        self.seats[seat].is_gone = true;
    }

    fn read(&mut self, who: usize, len: usize) {
        let count = self.seats.len().max(1);
        let Some(seat) = self.seats.get_mut(who % count) else { return };
        let Some(id) = seat.id else { return };
        let pieces = self.room.to_send(id, &mut self.scratch);
        let all: Vec<u8> = pieces.as_slices().iter().flat_map(|piece| piece.iter().copied()).collect();
        let (taken, of) = (all.len().min(len), all.len());
        seat.got.extend_from_slice(&all[..taken]);
        self.room.sent(id, (taken, of), &mut self.scratch, self.now);
    }

    /// Everybody reads to the end; then each has got what was due, in that order, and nothing else.
    fn finish(mut self) -> Result<(), TestCaseError> {
        for who in 0..self.seats.len() {
            while self.seats[who].id.is_some_and(|id| self.room.has_mail(id)) {
                self.read(who, 7 + self.said % 90);
            }
            let Seat { id, got, due, .. } = &self.seats[who];
            let got = String::from_utf8(got.clone()).unwrap_or_default();
            let got: Vec<&str> = got
                .lines()
                .map(|line| if line.starts_with("* In the room") { "* In the room: …" } else { line })
                .collect();
            // A reset connection has got a part.
            let due = if id.is_some() { &due[..] } else { &due[..got.len().saturating_sub(1).min(due.len())] };
            prop_assert_eq!(&got[..due.len().min(got.len())], due);
            prop_assert!(id.is_none() || got.len() == due.len());
        }
        let held: BTreeMap<_, _> = self
            .seats
            .iter()
            .filter(|seat| !seat.is_gone && seat.name.is_some())
            .map(|seat| (seat.name.clone(), ()))
            .collect();
        prop_assert_eq!(self.room.stats().members, held.len());
        Ok(())
    }
}

proptest! {
    #[test]
    fn everybody_sees_one_order_and_nothing_that_is_not_theirs(acts in prop::collection::vec(act(), 0..200)) {
        let limits = Limits { history: 0, ..Limits::default().with_rate(0) };
        let room = Room::new(limits);
        let mut model = Model { room, scratch: Scratch::default(), now: Instant::now(), seats: Vec::new(), said: 0 };
        acts.iter().for_each(|act| model.play(act));
        model.finish()?;
    }

    #[test]
    fn with_a_log_that_forgets_the_order_still_holds_and_the_counts_add_up(
        acts in prop::collection::vec((0..4_usize, 0..400_usize, any::<bool>()), 1..400),
    ) {
        let mut table = Table::new(Limits { log_bytes_max: 1024, ..unlimited() });
        let ids: Vec<Id> = ["a", "b", "c", "d"].map(|name| table.join(name)).to_vec();
        for id in &ids {
            table.read(*id);
        }
        let (mut said, mut got) = ([0_usize; 4], vec![String::new(); 4]);
        for (number, (who, len, reads)) in acts.iter().enumerate() {
            if *reads {
                table.send(ids[*who], *len);
            } else {
                table.say(ids[*who], &format!("{number} says {who}"));
                said[*who] += 1;
            }
        }
        for (who, id) in ids.iter().enumerate() {
            got[who] = table.read(*id);
            let numbers = |line: &str| line.split(' ').nth(1).and_then(|number| number.parse::<usize>().ok());
            let heard: Vec<usize> = got[who].lines().filter(|line| line.starts_with('[')).filter_map(numbers).collect();
            prop_assert!(heard.is_sorted() && heard.windows(2).all(|two| two[0] < two[1]), "{:?}", heard);
            let missed: usize = got[who].lines().filter_map(|line| line.strip_prefix("* You missed ")).map(|line| {
                line.split(' ').next().and_then(|number| number.parse::<usize>().ok()).unwrap()
            }).sum();
            prop_assert_eq!(heard.len() + missed, said.iter().sum::<usize>() - said[who], "{}", got[who]);
        }
    }
}
