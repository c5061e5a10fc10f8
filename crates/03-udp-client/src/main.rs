//! Placeholder of the program `udp-client`, filled by its own commits.

fn main() {}
