//! A page of the book, read line by line: headings, fenced blocks and the marks above them.
//!
//! ```text
//! <!-- listing: crates/02-tcp-server/src/serve.rs#accept -->     the next block quotes this anchor
//! <!-- transcript: echo -->                                      the console blocks below are one session,
//!                                                                until the next mark or heading
//! ```
//! Only fences that begin at the line's start are blocks; Markdown inside a fence is text.

/// A page and what the checks need to know of it.
#[derive(Debug, Clone)]
pub(crate) struct Page {
    /// The path below the workspace's root.
    pub path: String,
    /// Every line, without its end.
    pub lines: Vec<String>,
    /// The headings in order.
    pub headings: Vec<Heading>,
    /// The fenced blocks in order.
    pub blocks: Vec<Block>,
}

/// `## Text`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Heading {
    /// The number of `#`.
    pub level: usize,
    /// The text behind them.
    pub text: String,
}

/// What is between two fences.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Block {
    /// What the comment above says of it.
    pub mark: Mark,
    /// The words behind the opening fence.
    pub info: String,
    /// The index in [`Page::lines`] of the line behind the opening fence.
    pub first: usize,
    /// The index of the closing fence.
    pub end: usize,
}

/// The comment that a block stands under.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Mark {
    /// No mark: plain text that nothing checks.
    None,
    /// `<!-- listing: PATH#ANCHOR -->`
    Listing(String),
    /// `<!-- transcript: NAME -->`
    Transcript(String),
}

impl Page {
    /// Reads a page.
    pub(crate) fn parse(path: &str, text: &str) -> Self {
        let lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let mut page = Self { path: path.to_owned(), lines, headings: Vec::new(), blocks: Vec::new() };
        let mut mark = Mark::None;
        let mut at = 0;
        while at < page.lines.len() {
            let line = page.lines[at].trim_end();
            if let Some(fence) = fence(line) {
                let end = page.closing(at + 1, fence);
                let info = line[fence.len()..].trim().to_owned();
                page.blocks.push(Block { mark: mark.of_block(&info), info, first: at + 1, end });
                at = end;
            } else if let Some(heading) = heading(line) {
                page.headings.push(heading);
                mark = Mark::None;
            } else if let Some(comment) = line.strip_prefix("<!--").and_then(|line| line.strip_suffix("-->")) {
                mark = Mark::parse(comment.trim());
            }
            at += 1;
        }
        page
    }

    /// The lines of a block.
    pub(crate) fn content(&self, block: &Block) -> &[String] {
        &self.lines[block.first..block.end]
    }

    /// The line, counted from 1, at which a block's content begins.
    pub(crate) fn line_of(&self, block: &Block) -> usize {
        block.first + 1
    }

    /// The language of the page, from its folder.
    pub(crate) fn is_chinese(&self) -> bool {
        self.path.contains("zh-TW")
    }

    fn closing(&self, from: usize, fence: &str) -> usize {
        let closes = |line: &String| line.starts_with(fence) && line.trim_end().chars().all(|c| fence.starts_with(c));
        self.lines[from..].iter().position(closes).map_or(self.lines.len(), |at| from + at)
    }
}

impl Mark {
    fn parse(comment: &str) -> Self {
        match comment.split_once(':') {
            Some(("listing", reference)) => Self::Listing(reference.trim().to_owned()),
            Some(("transcript", name)) => Self::Transcript(name.trim().to_owned()),
            _ => Self::None,
        }
    }

    /// The mark for the block that comes now: a listing is for one block, a transcript for console blocks.
    fn of_block(&mut self, info: &str) -> Self {
        match self {
            Self::Listing(_) => std::mem::replace(self, Self::None),
            Self::Transcript(_) if info.split(' ').next() == Some("console") => self.clone(),
            _ => Self::None,
        }
    }
}

/// The fence at the beginning of a line, such as three or four backticks.
fn fence(line: &str) -> Option<&str> {
    let len = line.len() - line.trim_start_matches('`').len();
    (len >= 3).then(|| &line[..len])
}

fn heading(line: &str) -> Option<Heading> {
    let level = line.len() - line.trim_start_matches('#').len();
    let text = line[level..].strip_prefix(' ')?;
    (1..=6).contains(&level).then(|| Heading { level, text: text.trim().to_owned() })
}

#[test]
fn marks_fences_and_headings_are_told_apart() {
    let text = "# One\n<!-- listing: a.rs#b -->\n\n```rust\n# not a heading\n```\n```rust\n```\n\n<!-- transcript: t -->\n\
                ```console server\n$ x\n```\ntext\n````console client\n```\n````\n```text\n```\n## Two\n```console\n```\n";
    let page = Page::parse("docs/en/a.md", text);
    let headings: Vec<_> = page.headings.iter().map(|heading| (heading.level, heading.text.as_str())).collect();
    assert_eq!(headings, [(1, "One"), (2, "Two")]);
    let transcript = Mark::Transcript("t".to_owned());
    let marks: Vec<_> = page.blocks.iter().map(|block| (&block.mark, block.info.as_str())).collect();
    assert_eq!(
        marks,
        [
            (&Mark::Listing("a.rs#b".to_owned()), "rust"),
            (&Mark::None, "rust"),
            (&transcript, "console server"),
            (&transcript, "console client"),
            (&Mark::None, "text"),
            (&Mark::None, "console"),
        ]
    );
    assert_eq!(page.content(&page.blocks[0]), ["# not a heading"]);
    assert_eq!(page.content(&page.blocks[3]), ["```"]);
}
