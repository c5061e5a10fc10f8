//! Placeholder of the chapter `udp-server`, filled by its own commits.
