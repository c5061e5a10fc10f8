//! What two or more chapters of the course share.
//!
//! A thing enters here when the *second* chapter needs it; what one chapter needs stays in that
//! chapter. No module knows a chapter, and no module reads a clock or a socket that it was not given,
//! unless talking to the system is its purpose (`net`, `connect`, `shutdown`, `console`).

pub mod framing;

#[cfg(test)]
mod tests {
    // The dependency exists to choose idna's Unicode tables, see the workspace's Cargo.toml.
    use idna_adapter as _;
}
