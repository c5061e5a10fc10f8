//! The demos of the course, in the order of the tour: one file each, one line each.
//!
//! To add a chapter's demo: write `demos/NN-name.toml` (read `demos/02-tcp.toml` first) and add its line
//! to `FILES`. A test holds the folder and the list together.

use crate::script::{Demo, ScriptError};

/// Name and text of every demo file.
const FILES: &[(&str, &str)] = &[
    ("01-sockets.toml", include_str!("../demos/01-sockets.toml")),
    ("02-tcp.toml", include_str!("../demos/02-tcp.toml")),
    ("03-udp.toml", include_str!("../demos/03-udp.toml")),
    ("04-scan.toml", include_str!("../demos/04-scan.toml")),
    ("05-http.toml", include_str!("../demos/05-http.toml")),
    ("06-readiness.toml", include_str!("../demos/06-readiness.toml")),
    ("07-bad-network.toml", include_str!("../demos/07-bad-network.toml")),
    ("08-chat.toml", include_str!("../demos/08-chat.toml")),
    ("09-file.toml", include_str!("../demos/09-file.toml")),
    ("10-monitor.toml", include_str!("../demos/10-monitor.toml")),
];

/// A demo file of the course that cannot be read; a test keeps this from happening.
#[derive(Debug, thiserror::Error)]
#[error("read demo {file}")]
pub struct DemoError {
    file: String,
    #[source]
    cause: ScriptError,
}

/// All demos, in order.
///
/// # Errors
/// When a file is not a demo.
///
/// # Examples
/// ```
/// assert_eq!(course::demos::all()?[0].chapter, 1);
/// # Ok::<(), course::demos::DemoError>(())
/// ```
pub fn all() -> Result<Vec<Demo>, DemoError> {
    FILES.iter().map(|(file, text)| read(file, text)).collect()
}

/// Reads the demo in `text`; `file` names it in an error.
///
/// # Errors
/// When it is not a demo.
pub fn read(file: &str, text: &str) -> Result<Demo, DemoError> {
    Demo::parse(text).map_err(|cause| DemoError { file: file.to_owned(), cause })
}

/// The demo that a user means by `wanted`: its chapter's number, its name, or else a program, which a later chapter's
/// demo may use as well.
#[must_use]
pub fn meant<'a>(demos: &'a [Demo], wanted: &str) -> Option<&'a Demo> {
    let named = demos.iter().find(|demo| wanted.parse() == Ok(demo.chapter) || wanted == demo.name);
    named.or_else(|| demos.iter().find(|demo| demo.programs().contains(&wanted)))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    #[test]
    fn every_file_of_the_folder_is_in_the_list_and_in_order() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("demos");
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        let listed: Vec<_> = FILES.iter().map(|(name, _)| (*name).to_owned()).collect();
        assert_eq!(listed, names);
    }

    #[test]
    fn every_demo_can_be_played_and_bears_its_chapters_number() {
        for (file, text) in FILES {
            let demo = read(file, text).map_err(anyhow::Error::from).unwrap();
            let number = format!("{:02}-{}.toml", demo.chapter, demo.name);
            assert_eq!(*file, number);
        }
    }

    #[test]
    fn every_demo_asks_something_and_names_an_existing_file_to_read() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        for demo in all().unwrap() {
            let asks = demo.steps.iter().any(|step| matches!(step, crate::script::Step::Ask(_)));
            assert!(asks, "{} asks no question", demo.name);
            assert!(root.join(&demo.read).is_file(), "{}: {}", demo.name, demo.read);
        }
    }

    #[test]
    fn a_chapter_is_meant_by_its_number_its_name_or_a_program() {
        let demos = all().unwrap();
        for wanted in ["1", "01", "sockets", "socket-basics"] {
            assert_eq!(meant(&demos, wanted).unwrap().chapter, 1, "{wanted}");
        }
        assert!(meant(&demos, "0").is_none() && meant(&demos, "socket").is_none());
    }

    #[test]
    fn a_program_means_the_chapter_that_it_belongs_to() {
        let demos = all().unwrap();
        let folders = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("..")).unwrap();
        for folder in folders {
            let folder = folder.unwrap().file_name().into_string().unwrap();
            let Some((number, program)) = folder.split_once('-') else { continue };
            assert_eq!(meant(&demos, program).map(|demo| demo.chapter), number.parse().ok(), "{folder}");
        }
    }
}
