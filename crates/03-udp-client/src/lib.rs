//! Placeholder of the chapter `udp-client`, filled by its own commits.
