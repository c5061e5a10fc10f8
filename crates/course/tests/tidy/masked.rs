//! A Rust file without its comments and the contents of its strings, line for line.
//!
//! Enough of a lexer for rules that look for words and count braces: what stands in a comment, a
//! string or a character becomes spaces, everything else stays where it is. It knows nested block
//! comments, raw strings, byte strings and the difference between `'a'` and the lifetime `'a`.

/// `source` with comments, string contents and character literals replaced by spaces.
pub(crate) fn mask(source: &str) -> String {
    let chars: Vec<char> = source.chars().collect();
    let mut out = String::with_capacity(source.len());
    let mut at = 0;
    while at < chars.len() {
        let len = opaque_len(&chars, at);
        if len == 0 {
            out.push(chars[at]);
            at += 1;
        } else {
            out.extend(chars[at..at + len].iter().map(|c| if *c == '\n' { '\n' } else { ' ' }));
            at += len;
        }
    }
    out
}

/// How many characters from `at` on are a comment, a string or a character literal; 0 for none.
fn opaque_len(chars: &[char], at: usize) -> usize {
    let rest = &chars[at..];
    match rest {
        ['/', '/', ..] => rest.iter().position(|c| *c == '\n').unwrap_or(rest.len()),
        ['/', '*', ..] => block_comment_len(rest),
        ['"', ..] => quoted_len(rest, '"'),
        ['r', '"' | '#', ..] if !is_word(chars, at) => raw_string_len(rest, 1),
        ['b' | 'c', 'r', '"' | '#', ..] if !is_word(chars, at) => raw_string_len(rest, 2),
        ['\'', '\\', ..] => quoted_len(rest, '\''),
        ['\'', _, '\'', ..] => 3,
        _ => 0,
    }
}

/// Whether the character before `at` continues a word, so that `r` in `for` begins no raw string.
fn is_word(chars: &[char], at: usize) -> bool {
    at > 0 && (chars[at - 1].is_alphanumeric() || chars[at - 1] == '_')
}

fn block_comment_len(rest: &[char]) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at < rest.len() {
        match &rest[at..] {
            ['/', '*', ..] => (depth, at) = (depth + 1, at + 2),
            ['*', '/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            return at;
        }
    }
    rest.len()
}

fn quoted_len(rest: &[char], end: char) -> usize {
    let mut at = 1;
    while at < rest.len() {
        match rest[at] {
            '\\' => at += 2,
            c if c == end => return at + 1,
            _ => at += 1,
        }
    }
    rest.len()
}

/// The length of `r##"…"##` whose `#` begin at `prefix`; 0 when it is a raw identifier such as `r#type`.
fn raw_string_len(rest: &[char], prefix: usize) -> usize {
    let hashes = rest[prefix..].iter().take_while(|c| **c == '#').count();
    if rest.get(prefix + hashes) != Some(&'"') {
        return 0;
    }
    let mut at = prefix + hashes + 1;
    while at < rest.len() {
        let closes = rest[at] == '"' && rest[at + 1..].iter().take(hashes).filter(|c| **c == '#').count() == hashes;
        if closes {
            return at + 1 + hashes;
        }
        at += 1;
    }
    rest.len()
}

/// The line number, counted from 1, of the byte at `at`.
pub(crate) fn line_of(text: &str, at: usize) -> usize {
    text[..at].matches('\n').count() + 1
}

/// The byte behind the brace that closes the one at `open`; the end of the text when none does.
pub(crate) fn closing_brace(masked: &str, open: usize) -> usize {
    let mut depth = 0_usize;
    for (at, c) in masked[open..].char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            _ => continue,
        }
        if depth == 0 {
            return open + at + 1;
        }
    }
    masked.len()
}

#[test]
fn comments_and_strings_are_blank_and_code_stays_in_place() {
    let cases = [
        ("a // b {\nc", "a       \nc"),
        ("a /* { /* } */ */ b", "a                 b"),
        (r#"f("{\"}") + 1"#, "f(       ) + 1"),
        (r##"f(r#"{ " }"#, b"x")"##, "f(           ,  b   )"),
        ("'{' 'a: &'a str '\\'' x", "    'a: &'a str      x"),
        ("for r in r#type {}", "for r in r#type {}"),
        ("\"一\n二\" }", "  \n   }"),
    ];
    for (source, want) in cases {
        let masked = mask(source);
        assert_eq!(
            masked.split_whitespace().collect::<Vec<_>>(),
            want.split_whitespace().collect::<Vec<_>>(),
            "{source}"
        );
        assert_eq!(masked.chars().count(), source.chars().count(), "{source}");
    }
}
