//! Placeholder of the chapter `socket-basics`, filled by its own commits.
