//! The course itself: it plays the chapters' programs as a pupil would, checks what pupils write, and sees whether
//! a computer is ready.
//!
//! No chapter is imported here. Every program is a child process with real sockets, so what the tour
//! shows is what the programs do, and a tour that ends with 0 has seen all of it happen.
//!
//! # Read in this order
//!
//! | file | what |
//! |---|---|
//! | `demos/02-tcp.toml` | a demo, as its author writes it |
//! | [`script`] | that file as types that cannot be wrong |
//! | [`lane`] | a program as a child process, heard line by line |
//! | [`player`] | one step after the other, each wait with a deadline |
//! | [`tour`] | all demos, one demo, the list |
//! | [`crowd`] | thousands of clients before two servers, live |
//! | [`exercise`] | a pupil's own program, held to its exercise |
//! | [`doctor`] | toolchain, loopback, ports, limits, tools |
//!
//! [`demos`] is the list to which a chapter adds its file; [`screen`] prints, [`programs`]
//! builds and finds the programs (`ahead.rs` builds those of the next demo meanwhile), [`failure`] says what did not
//! happen, [`keyboard`] waits for Enter and [`words`] holds the course's own sentences in both languages.
//!
//! # What we left out
//!
//! A demo has no conditions and no loops: a session is a line, and what cannot be shown in a line belongs
//! into a test of its chapter.

mod ahead;
pub mod crowd;
pub mod demos;
pub mod doctor;
pub mod exercise;
pub mod failure;
pub mod keyboard;
pub mod lane;
mod page;
pub mod player;
pub mod programs;
pub mod screen;
pub mod script;
pub mod tour;
pub mod words;
