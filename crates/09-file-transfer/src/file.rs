//! The seam between the protocol and the disk: what is said of a file, and who says it.
//!
//! ```text
//!   sender's disk            sender's core      datagrams      receiver's core            receiver's disk
//!   Source::read   ──bytes──▶ send.rs ═════════════════════════▶ receive.rs ──pieces──▶ Store::write
//!   Source::digest ──digest─▶                                               ──digest──▶ Store::finish
//!                            ◀═════════════════════════════════ Answer, Verdict ◀────── Store::offer, verdict
//! ```
//!
//! The protocol knows files by number only and never opens one; the disk knows nothing of datagrams. So the
//! simulation can put memory in the disk's place, and a test of the disk needs no network.

use std::fmt;

/// The longest name that an offer carries, in bytes: longer than any system takes (255), so that the
/// receiver can refuse such a name in words.
pub const NAME_LEN_MAX: usize = 600;

/// The longest explanation that a refusal carries, in bytes.
pub const REASON_LEN_MAX: usize = 400;

/// The number of a session: random, chosen by its sender, and what a stranger cannot guess.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Session(pub u64);

impl fmt::Display for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// One file of one session, by its place in the sender's list, from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FileId {
    /// Whose file.
    pub session: Session,
    /// Which one.
    pub index: u32,
}

/// What a sender says of a file before its bytes. A peer's words: a name is data, never a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// As its sender calls it, without folders; at most [`NAME_LEN_MAX`] bytes of anything.
    pub name: String,
    /// In bytes.
    pub size: u64,
    /// When it was last changed: nanoseconds since 1970, negative before.
    pub modified_ns: i64,
}

/// BLAKE3 of all bytes of a file.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Digest(pub [u8; 32]);

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What the receiver says to an offer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Send it from this byte on: 0 for a new file, more for one that was cut before; at most its size.
    Send {
        /// The first byte that is missing.
        from: u64,
    },
    /// Not this file.
    Refuse(Refusal),
}

/// Why a file is not taken, in the receiver's words; the sender shows them escaped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal(String);

impl Refusal {
    /// A refusal with at most [`REASON_LEN_MAX`] bytes of `reason`, cut between characters.
    ///
    /// # Examples
    /// ```
    /// use file_transfer::file::{REASON_LEN_MAX, Refusal};
    ///
    /// assert_eq!(Refusal::new("磁碟已滿").reason(), "磁碟已滿");
    /// assert_eq!(Refusal::new("滿".repeat(300)).reason().len(), REASON_LEN_MAX / 3 * 3);
    /// ```
    #[must_use]
    pub fn new(reason: impl Into<String>) -> Self {
        let mut reason = reason.into();
        while reason.len() > REASON_LEN_MAX {
            reason.pop();
        }
        Self(reason)
    }

    /// The reason.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.0
    }
}

/// How a file ended at the receiver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Its digest is right, and it is on disk under its final name.
    Complete,
    /// All bytes came, and they are not those of the digest; what was kept has been thrown away.
    Differs,
    /// The disk could not keep it.
    Refused(Refusal),
}

/// The sender's disk: where the bytes come from.
///
/// Both calls may take as long as a disk takes. An error ends this file only; its text goes to the user
/// and, shortened, to the receiver.
pub trait Source {
    /// Fills all of `into` with the bytes of file `index` from `offset` on.
    ///
    /// First transmissions come in order, from 0 or from where the receiver asked to resume; what is sent
    /// again may be asked for at any time before the digest has been confirmed.
    ///
    /// # Errors
    /// What the disk says; also that the file has changed since it was offered.
    fn read(&mut self, index: u32, offset: u64, into: &mut [u8]) -> Result<(), Refusal>;

    /// The digest of all `size` bytes of file `index`, as they were sent. Called once every byte was read
    /// once (or, for a file that the receiver resumes, is at the receiver).
    ///
    /// # Errors
    /// As [`Source::read`].
    fn digest(&mut self, index: u32) -> Result<Digest, Refusal>;

    /// File `index` is settled, well or not: nothing of it is asked for any more.
    fn close(&mut self, index: u32);
}

/// The receiver's disk: where the bytes go.
///
/// Calls for one file come in the order `offer`, `write`..., `finish`, then its verdict; `abandon` may come
/// at any time. The protocol never writes a byte twice and never behind the size that was offered.
pub trait Store {
    /// Decides about an offer: opens a place for it, finds what an earlier session left, or refuses.
    ///
    /// With `afresh` what was left must not be used: it turned out to be different.
    fn offer(&mut self, file: FileId, offer: &Offer, afresh: bool) -> Answer;

    /// Takes bytes that are new, in any order. All bytes before `whole` are there, counting these: what can
    /// be digested, and where a later session can go on.
    ///
    /// # Errors
    /// What the disk says (full, not writable): this file ends.
    fn write(&mut self, file: FileId, offset: u64, bytes: &[u8], whole: u64) -> Result<(), Refusal>;

    /// All bytes are there: check them against `digest`, sync, rename. Begins only; the end is told by
    /// [`Store::verdict`], so that a slow disk need not stop the network.
    fn finish(&mut self, file: FileId, digest: Digest);

    /// The next file whose [`Store::finish`] has come to its end. Does not block.
    fn verdict(&mut self) -> Option<(FileId, Verdict)>;

    /// The sender has gone, or gave this file up: free everything, keep what a later session can go on with.
    fn abandon(&mut self, file: FileId);
}
