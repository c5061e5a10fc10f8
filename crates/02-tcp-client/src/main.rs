//! Placeholder of the program `tcp-client`, filled by its own commits.

fn main() {}
