//! Placeholder of the program `tcp-server`, filled by its own commits.

fn main() {}
