//! Placeholder of the chapter `course`, filled by its own commits.
