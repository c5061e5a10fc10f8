//! A room full of people who check every line that they get.
//!
//! One thread plays all of them. Some talk, all listen, some may be told never to read; every line must
//! come to everybody but its author, once, whole, and in the one order that the first reader saw.
//!
//! Read in this order: [`dialect`] (the course's protocol and IRC, as far as needed), [`crowd`] (sockets and
//! lines), [`order`] (what must be delivered), [`fan`] (the loads).

pub mod crowd;
pub mod dialect;
pub mod fan;
pub mod order;
