//! Placeholder of the chapter `tcp-client`, filled by its own commits.
