//! Placeholder of the program `udp-server`, filled by its own commits.

fn main() {}
