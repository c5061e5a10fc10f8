//! Placeholder of the program `socket-basics`, filled by its own commits.

fn main() {}
