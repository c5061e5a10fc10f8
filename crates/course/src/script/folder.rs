//! The folder that a demo is played in, when it needs files: made before the first step, removed after the last.
//!
//! ```toml
//! [folder]
//! folders = ["收件匣"]
//! files = { "課表.txt" = "第一節 國文" }
//! ```
//! Its programs are started in it, so that a command reads as a pupil would type it. Names are plain names: a
//! demo writes nowhere else. Read `mod.rs` before.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::{env, fs, io, process};

/// What lies in the folder when the demo begins.
#[derive(Debug, Clone, Default, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contents {
    /// Empty folders.
    #[serde(default)]
    folders: Vec<String>,
    /// Files by their names.
    #[serde(default)]
    files: BTreeMap<String, String>,
}

impl Contents {
    /// The first name that is not a plain one.
    pub(super) fn wrong_name(&self) -> Option<&str> {
        self.folders.iter().chain(self.files.keys()).map(String::as_str).find(|name| !is_plain(name))
    }

    /// Makes the folder; `None` for a demo that needs none.
    ///
    /// # Errors
    /// The system's folder for temporary files cannot be written to.
    pub(crate) fn make(&self) -> io::Result<Option<Scratch>> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        if self.folders.is_empty() && self.files.is_empty() {
            return Ok(None);
        }
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = env::temp_dir().join(format!("course-{}-{number}", process::id()));
        fs::create_dir(&path)?;
        // From here on a failure removes what was made.
        let scratch = Scratch(path);
        for folder in &self.folders {
            fs::create_dir(scratch.0.join(folder))?;
        }
        for (name, text) in &self.files {
            fs::write(scratch.0.join(name), text)?;
        }
        Ok(Some(scratch))
    }
}

/// A name that leads to no other folder.
pub(super) fn is_plain(name: &str) -> bool {
    matches!(Path::new(name).components().collect::<Vec<_>>()[..], [Component::Normal(one)] if one == name)
}

/// A path of plain names, one in the other: it leads to something below the folder.
pub(super) fn is_inside(path: &str) -> bool {
    path.split('/').all(is_plain)
}

/// A folder that is removed with all that lies in it.
#[derive(Debug)]
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    /// Its path.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Left in the system's folder for temporary files it does no harm.
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contents(folders: &[&str], files: &[(&str, &str)]) -> Contents {
        let owned = |text: &&str| (*text).to_owned();
        let files = files.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        Contents { folders: folders.iter().map(owned).collect(), files }
    }

    #[test]
    fn the_folder_has_what_was_asked_for_and_goes_away() {
        let scratch = contents(&["收件匣"], &[("課表.txt", "國文")]).make().unwrap().unwrap();
        let path = scratch.path().to_owned();
        assert!(path.join("收件匣").is_dir());
        assert_eq!(fs::read_to_string(path.join("課表.txt")).unwrap(), "國文");
        drop(scratch);
        assert!(!path.exists());
        assert!(contents(&[], &[]).make().unwrap().is_none());
    }

    #[test]
    fn a_name_that_leads_out_is_found() {
        for name in ["../x", "/x", "a/b", "..", ".", "", "a/"] {
            assert_eq!(contents(&[name], &[]).wrong_name(), Some(name));
            assert_eq!(contents(&[], &[(name, "")]).wrong_name(), Some(name));
        }
        assert_eq!(contents(&["收件匣"], &[("課表.txt", "")]).wrong_name(), None);
    }
}
