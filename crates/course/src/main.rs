//! Placeholder of the program `course`, filled by its own commits.

fn main() {}
