//! Placeholder of the chapter `tcp-server`, filled by its own commits.
