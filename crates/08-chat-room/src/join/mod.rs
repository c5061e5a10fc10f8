//! The client: `chat-room join NAME`.
//!
//! # Threads
//! ```text
//!                 keys ┌──────────┐ typed lines ┌──────┐ lines to send ┌────────┐
//!   the person ───────▶│ keyboard │────────────▶│ main │──────────────▶│ socket │
//!                      └──────────┘             └──────┘               └────────┘
//!                           ▲ draws above         │  ▲ lines              │
//!                      ┌────┴───┐   lines to show │  │    ┌──────┐       │
//!                      │ screen │◀────────────────┘  └────│ room │◀──────┘
//!                      └────────┘                         └──────┘
//! ```
//! `main` owns every decision's state and never waits for one of them alone. Into a pipe there is no
//! `keyboard` and no `screen`: a thread `input` reads lines, and `main` prints.
//!
//! Read [`visit`] (what a line means) · [`patience`] (when to come back) · [`roster`], [`recall`],
//! [`look`], [`pace`] (Tab, arrow keys, marks, a script's speed) · [`wire`] (the connection) · [`editor`], [`desk`] (the prompt) ·
//! [`session`] (the loop).

pub mod desk;
pub mod editor;
pub mod look;
pub mod pace;
pub mod patience;
pub mod recall;
pub mod roster;
pub mod session;
pub mod visit;
pub mod wire;
