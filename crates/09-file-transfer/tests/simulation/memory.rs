//! Files in memory, in the place of both disks.
//!
//! The store checks what the protocol promises to a store: no byte twice, none behind the end, and that
//! `whole` is true.

use std::collections::{BTreeMap, VecDeque};

use file_transfer::file::{Answer, Digest, FileId, Offer, Refusal, Source, Store, Verdict};
use file_transfer::ranges::RangeSet;

pub(crate) fn digest(bytes: &[u8]) -> Digest {
    Digest(*blake3::hash(bytes).as_bytes())
}

/// What is sent.
#[derive(Debug, Clone, Default)]
pub(crate) struct Memory {
    pub(crate) files: Vec<(String, Vec<u8>)>,
}

impl Memory {
    pub(crate) fn offers(&self) -> Vec<Offer> {
        let offer =
            |(name, bytes): &(String, Vec<u8>)| Offer { name: name.clone(), size: bytes.len() as u64, modified_ns: 7 };
        self.files.iter().map(offer).collect()
    }
}

impl Source for Memory {
    fn read(&mut self, index: u32, offset: u64, into: &mut [u8]) -> Result<(), Refusal> {
        let start = usize::try_from(offset).unwrap();
        into.copy_from_slice(&self.files[index as usize].1[start..start + into.len()]);
        Ok(())
    }

    fn digest(&mut self, index: u32) -> Result<Digest, Refusal> {
        Ok(digest(&self.files[index as usize].1))
    }

    fn close(&mut self, _index: u32) {}
}

#[derive(Debug)]
struct Part {
    offer: Offer,
    bytes: Vec<u8>,
    there: RangeSet,
}

/// What has been received.
#[derive(Debug, Default)]
pub(crate) struct Shelf {
    parts: BTreeMap<FileId, Part>,
    /// What a cut session left, up to the first gap, by name.
    left: BTreeMap<String, Vec<u8>>,
    /// Whole files by name; two of one name are an error of the test.
    pub(crate) files: BTreeMap<String, Vec<u8>>,
    verdicts: VecDeque<(FileId, Verdict)>,
    /// What no part may hold: then it is "full".
    pub(crate) room: Option<usize>,
    /// How many bytes were kept from an earlier session.
    pub(crate) resumed: u64,
}

impl Shelf {
    /// What an earlier session left of a file, which may not be the one that comes.
    pub(crate) fn leave(&mut self, name: &str, bytes: Vec<u8>) {
        self.left.insert(name.to_owned(), bytes);
    }
}

impl Store for Shelf {
    fn offer(&mut self, file: FileId, offer: &Offer, afresh: bool) -> Answer {
        assert!(!self.parts.contains_key(&file), "offered twice: {file:?}");
        let left = self.left.remove(&offer.name).filter(|_| !afresh).unwrap_or_default();
        let bytes = match self.files.get(&offer.name) {
            Some(whole) if !afresh => whole.clone(),
            _ => left,
        };
        let from = bytes.len() as u64;
        self.resumed += from;
        let mut there = RangeSet::default();
        there.insert(0..from);
        let mut part = Part { offer: offer.clone(), bytes, there };
        part.bytes.resize(usize::try_from(offer.size).unwrap(), 0xee);
        self.parts.insert(file, part);
        Answer::Send { from }
    }

    fn write(&mut self, file: FileId, offset: u64, bytes: &[u8], whole: u64) -> Result<(), Refusal> {
        let part = self.parts.get_mut(&file).expect("written to what was not offered");
        let range = offset..offset + bytes.len() as u64;
        assert!(range.end <= part.offer.size, "written behind the end");
        assert!(part.there.missing(range.clone()).eq([range.clone()]), "written twice");
        part.there.insert(range);
        assert_eq!(part.there.whole(), whole);
        if self.room.is_some_and(|room| part.there.count() > room as u64) {
            return Err(Refusal::new("磁碟已滿"));
        }
        let start = usize::try_from(offset).unwrap();
        part.bytes[start..start + bytes.len()].copy_from_slice(bytes);
        Ok(())
    }

    fn finish(&mut self, file: FileId, want: Digest) {
        let part = self.parts.remove(&file).expect("finished what was not offered");
        assert_eq!(part.there.whole(), part.offer.size, "finished before it was whole");
        let verdict = if digest(&part.bytes) == want {
            self.files.insert(part.offer.name, part.bytes);
            Verdict::Complete
        } else {
            Verdict::Differs
        };
        self.verdicts.push_back((file, verdict));
    }

    fn verdict(&mut self) -> Option<(FileId, Verdict)> {
        self.verdicts.pop_front()
    }

    fn abandon(&mut self, file: FileId) {
        if let Some(mut part) = self.parts.remove(&file) {
            part.bytes.truncate(usize::try_from(part.there.whole()).unwrap());
            self.left.insert(part.offer.name, part.bytes);
        }
    }
}
