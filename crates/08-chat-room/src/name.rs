//! A name that its owner alone can have: valid, and like no other one that is in use.
//!
//! Two names are one when they are equal after NFKC and lower-casing (`Bob`, `ＢＯＢ`), and too alike when a
//! reader could take one for the other (`小口`, `小ロ`: a Chinese character and a Katakana one). Read `protocol.rs`
//! before, `room/roster.rs` (who has which name) next. Sources: UAX #15 (NFC, NFKC), UTS #39 sections 4
//! (skeletons) and 5 (mixed scripts).

use std::fmt;
use std::rc::Rc;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;
use unicode_security::mixed_script::AugmentedScriptSet;
use unicode_security::skeleton;
use unicode_width::UnicodeWidthChar;

use crate::protocol::NAME_CHARS_MAX;
use crate::text::is_unsafe;

/// Marks in a row over one letter: Vietnamese and Hindi need two, and a tower of twenty covers the lines above.
const MARKS_MAX: usize = 2;

/// Names that a reader would take for somebody else: the reader himself, and the server.
const RESERVED: [&str; 2] = ["you", "server"];

/// A valid name.
///
/// # Examples
/// ```
/// use chat_room::name::{Name, NameError};
///
/// let bob = Name::parse("Bob").unwrap();
/// assert_eq!(bob.to_string(), "Bob");
/// assert_eq!(bob.key(), Name::parse("ＢＯＢ").unwrap().key());
/// assert_eq!(Name::parse("小明 2").unwrap_err(), NameError::Character(' '));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    shown: Rc<str>,
    key: Rc<str>,
    look: Rc<str>,
}

/// Why a text is no name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Nothing at all.
    #[error("it is empty")]
    Empty,
    /// Longer than [`NAME_CHARS_MAX`].
    #[error("it has more than {NAME_CHARS_MAX} characters")]
    TooLong,
    /// A character that is neither letter nor digit, `_` nor `-`.
    #[error("only letters, digits, _ and - make a name, and {} is none of these", Shown(*.0))]
    Character(char),
    /// A letter that nobody can see.
    #[error("it holds a character that cannot be seen, {}", Shown(*.0))]
    Invisible(char),
    /// More than two marks on one letter, or a mark on none.
    #[error("it has marks on no letter, or more than {MARKS_MAX} on one")]
    Marks,
    /// Letters of scripts that nobody writes together, such as Latin and Cyrillic, which look alike.
    #[error("it mixes scripts, so that it could look like another name")]
    MixedScripts,
    /// One of the names that the server's own lines use.
    #[error("the room itself uses that name")]
    Reserved,
}

impl Name {
    /// Takes a line for a name if it is one.
    ///
    /// # Errors
    /// Which rule it breaks.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        // Composed first, so that é counts once, however it was typed. The limit before that bounds the work.
        if text.chars().nth(NAME_CHARS_MAX * (MARKS_MAX + 1)).is_some() {
            return Err(NameError::TooLong);
        }
        let shown: String = text.nfc().collect();
        check_characters(&shown)?;
        let key = fold(&shown);
        if key.chars().nth(NAME_CHARS_MAX).is_some() || shown.chars().nth(NAME_CHARS_MAX).is_some() {
            return Err(NameError::TooLong);
        }
        if mixes_scripts(&key) {
            return Err(NameError::MixedScripts);
        }
        let look: String = skeleton(&shown).collect();
        if RESERVED.iter().any(|reserved| key == *reserved || look == *reserved) {
            return Err(NameError::Reserved);
        }
        Ok(Self { shown: shown.into(), key: key.into(), look: look.into() })
    }

    /// What two names share that are one.
    #[must_use]
    pub fn key(&self) -> &Rc<str> {
        &self.key
    }

    /// What two names share that look alike: their skeleton.
    #[must_use]
    pub fn look(&self) -> &Rc<str> {
        &self.look
    }

    /// As its owner wrote it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.shown
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

/// The form in which names are compared: NFKC, then lower case, then NFKC of that.
///
/// # Examples
/// ```
/// assert_eq!(chat_room::name::fold("ＢＯＢ"), "bob");
/// ```
#[must_use]
pub fn fold(text: &str) -> String {
    let composed: String = text.nfkc().collect();
    composed.to_lowercase().nfkc().collect()
}

fn check_characters(name: &str) -> Result<(), NameError> {
    if name.is_empty() {
        return Err(NameError::Empty);
    }
    let mut marks = MARKS_MAX;
    for c in name.chars() {
        if is_invisible(c) {
            return Err(NameError::Invisible(c));
        }
        if is_combining_mark(c) {
            marks += 1;
            if marks > MARKS_MAX {
                return Err(NameError::Marks);
            }
        } else if c.is_alphanumeric() || c == '_' || c == '-' {
            marks = 0;
        } else {
            return Err(NameError::Character(c));
        }
    }
    Ok(())
}

/// Letters and marks that Unicode has shown as nothing (`Default_Ignorable_Code_Point`).
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{34F}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}' | '\u{180B}'..='\u{180F}' | '\u{3164}')
        || matches!(c, '\u{FE00}'..='\u{FE0F}' | '\u{FFA0}' | '\u{E0100}'..='\u{E01EF}')
}

/// Whether the letters belong to scripts that are not written together.
///
/// Allowed are one script, Chinese with Bopomofo, Japanese, Korean, and each of those three with Latin:
/// "highly restrictive" in the words of UTS #39 section 5.2. Digits and marks belong to all.
fn mixes_scripts(key: &str) -> bool {
    let latin = AugmentedScriptSet::for_char('a');
    let mut others = AugmentedScriptSet::default();
    key.chars()
        .map(AugmentedScriptSet::for_char)
        .filter(|one| *one != latin)
        .for_each(|one| others.intersect_with(one));
    let east_asian = others.hanb || others.jpan || others.kore;
    AugmentedScriptSet::for_str(key).is_empty() && !east_asian
}

/// A character in an error: itself where it can be seen, else its number.
struct Shown(char);

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            ' ' => f.write_str("a space"),
            // No column of its own, or one that is empty: the number is all that a reader could see.
            c if c.width().unwrap_or(0) == 0 || c.is_whitespace() || is_invisible(c) || is_unsafe(c) => {
                write!(f, "U+{:04X}", u32::from(c))
            }
            c => write!(f, "`{c}`"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_many_scripts_are_names() {
        let twenty = "字".repeat(NAME_CHARS_MAX);
        for text in [
            "小明",
            "bob",
            "bob_小明-2",
            "ㄅㄆㄇ",
            "ひろし",
            "カナ子",
            "김철수",
            "Ольга",
            "नमस्ते",
            "Ngọc",
            "é",
            "X Æ".trim_end_matches(" Æ"),
            "_",
            "7",
            &twenty,
        ] {
            assert!(Name::parse(text).is_ok(), "{text}: {:?}", Name::parse(text));
        }
    }

    #[test]
    fn what_is_no_name_is_told_why() {
        for (text, want) in [
            ("", NameError::Empty),
            ("a b", NameError::Character(' ')),
            ("a\u{1b}", NameError::Character('\u{1b}')),
            ("[bob]", NameError::Character('[')),
            ("a\u{202e}b", NameError::Character('\u{202e}')),
            ("a\u{200b}b", NameError::Character('\u{200b}')),
            ("😀", NameError::Character('😀')),
            ("\u{3164}", NameError::Invisible('\u{3164}')),
            ("\u{301}a", NameError::Marks),
            ("x\u{301}\u{301}\u{301}", NameError::Marks),
            ("b\u{43e}b", NameError::MixedScripts),
            ("You", NameError::Reserved),
            ("ｙｏｕ", NameError::Reserved),
            ("123456789012345678901", NameError::TooLong),
        ] {
            assert_eq!(Name::parse(text).map(|name| name.to_string()), Err(want), "{text}");
        }
    }

    #[test]
    fn a_character_that_cannot_be_seen_is_told_by_its_number() {
        for (text, want) in [
            ("a\u{200b}b", "U+200B"),
            ("a\u{ad}b", "U+00AD"),
            ("a\u{3000}b", "U+3000"),
            ("a\u{202e}b", "U+202E"),
            ("\u{3164}", "U+3164"),
            ("a b", "a space"),
            ("a！b", "`！`"),
        ] {
            let reason = Name::parse(text).unwrap_err().to_string();
            assert!(reason.contains(want), "{text:?}: {reason}");
        }
    }

    #[test]
    fn a_name_that_grows_when_it_is_folded_is_too_long() {
        // One character as typed, eighteen when folded.
        assert_eq!(Name::parse(&"\u{fdfa}".repeat(2)).map(|name| name.to_string()), Err(NameError::TooLong));
    }

    #[test]
    fn names_that_are_one_share_a_key_and_lookalikes_a_look() {
        for (one, other) in [("Bob", "ＢＯＢ"), ("é", "e\u{301}"), ("Straße", "STRAßE"), ("①", "1")] {
            let keys = [one, other].map(|text| Name::parse(text).map(|name| name.key));
            assert!(keys[0].is_ok() && keys[0] == keys[1], "{one} {other} {keys:?}");
        }
        for (one, other) in [("小口", "小ロ"), ("coco", "\u{441}\u{43e}\u{441}\u{43e}"), ("Ian", "lan")] {
            let looks = [one, other].map(|text| Name::parse(text).map(|name| name.look));
            assert!(looks[0].is_ok() && looks[0] == looks[1], "{one} {other} {looks:?}");
        }
        let numbered: std::collections::BTreeSet<_> =
            (0..1000).map(|number| Name::parse(&format!("小明{number}")).unwrap().look).collect();
        assert_eq!(numbered.len(), 1000, "names that differ in a number look different");
    }
}
