//! The digest of a file whose pieces come in any order: BLAKE3 as the tree that it is.
//!
//! ```text
//!                   root = the file's digest
//!                 /      \
//!           0..2            \           a parent is the hash of its two children
//!          /    \            \
//!     piece 0  piece 1     piece 2      the last one may be short
//! ```
//! SHA-256 must see a file from its first byte to its last. In BLAKE3's tree each piece is hashed by itself,
//! whenever it is complete, and two neighbours make their parent as soon as both are there. So the disk
//! is read once, and what must be kept are only the nodes that still wait for a neighbour.
//! Source: the BLAKE3 paper, section 2.1 (tree structure).

use std::collections::BTreeMap;

use blake3::hazmat::{ChainingValue, HasherExt, Mode, merge_subtrees_non_root, merge_subtrees_root};
use blake3::{Hash, Hasher};

/// Bytes in a piece: large enough that BLAKE3 runs at full speed and one write a piece is nothing, small
/// enough that a cut transfer has to repeat only a blink of it. A power of two of BLAKE3's 1,024-byte chunks,
/// so that a piece is a node of the tree.
pub const PIECE_LEN: u64 = 256 * 1024;

/// What one piece adds to the tree: the hash of a node that is not the root.
pub type PieceHash = ChainingValue;

/// Where a piece begins and how long it is, in a file of `size` bytes.
///
/// # Examples
/// ```
/// use file_transfer::disk::tree::{PIECE_LEN, piece_range};
///
/// assert_eq!(piece_range(0, 12), 0..12);
/// assert_eq!(piece_range(1, PIECE_LEN + 5), PIECE_LEN..PIECE_LEN + 5);
/// ```
#[must_use]
pub fn piece_range(piece: u64, size: u64) -> std::ops::Range<u64> {
    let start = piece.saturating_mul(PIECE_LEN).min(size);
    start..start.saturating_add(PIECE_LEN).min(size)
}

/// How many pieces a file of `size` bytes has; an empty file has none.
#[must_use]
pub fn piece_count(size: u64) -> u64 {
    size.div_ceil(PIECE_LEN)
}

/// Hashes one piece of a file: `bytes` are all of it, and there is at least one.
#[must_use]
pub fn piece_hash(piece: u64, bytes: &[u8]) -> PieceHash {
    debug_assert!(!bytes.is_empty() && bytes.len() as u64 <= PIECE_LEN, "a piece of {} bytes", bytes.len());
    Hasher::new().set_input_offset(piece * PIECE_LEN).update(bytes).finalize_non_root()
}

/// Gathers the pieces of one file.
///
/// # Examples
/// ```
/// use file_transfer::disk::tree::{PIECE_LEN, Tree};
///
/// let file = vec![7; PIECE_LEN as usize + 5];
/// let (first, second) = file.split_at(PIECE_LEN as usize);
/// let mut tree = Tree::new(file.len() as u64);
/// tree.add(1, second);
/// tree.add(0, first);
/// assert_eq!(tree.digest(), Some(blake3::hash(&file)));
/// ```
#[derive(Debug, Clone)]
pub struct Tree {
    size: u64,
    /// Nodes whose neighbour is missing, by their first piece, with how many pieces they cover.
    nodes: BTreeMap<u64, (u64, PieceHash)>,
    /// The digest of a file that has no more than one piece: there the piece is the root itself.
    whole: Option<Hash>,
}

impl Tree {
    /// The tree of a file of `size` bytes, of which nothing is there yet.
    #[must_use]
    pub fn new(size: u64) -> Self {
        let whole = (size == 0).then(|| blake3::hash(b""));
        Self { size, nodes: BTreeMap::new(), whole }
    }

    /// Adds a piece that is complete and returns its hash. Each piece is added once, in any order.
    pub fn add(&mut self, piece: u64, bytes: &[u8]) -> PieceHash {
        let hash = piece_hash(piece, bytes);
        if piece_count(self.size) == 1 {
            self.whole = Some(blake3::hash(bytes));
        }
        self.add_node(piece, 1, hash);
        hash
    }

    /// Adds a node and merges it with its neighbours as far as they are there.
    ///
    /// Only pairs that begin at a multiple of their length are brothers, and the pair at the very top waits
    /// for [`Tree::digest`], because a root is hashed differently.
    // ANCHOR: merge
    fn add_node(&mut self, mut first: u64, mut count: u64, mut hash: PieceHash) {
        while count * 2 < piece_count(self.size) {
            let is_left = first.is_multiple_of(count * 2);
            let brother = if is_left { first + count } else { first - count };
            let Some((_, other)) = self.nodes.get(&brother).copied().filter(|(pieces, _)| *pieces == count) else {
                break;
            };
            self.nodes.remove(&brother);
            let (left, right) = if is_left { (&hash, &other) } else { (&other, &hash) };
            hash = merge_subtrees_non_root(left, right, Mode::Hash);
            first = first.min(brother);
            count *= 2;
        }
        self.nodes.insert(first, (count, hash));
    }
    // ANCHOR_END: merge

    /// The file's digest, as `b3sum FILE` prints it; `None` while a piece is missing.
    #[must_use]
    pub fn digest(&self) -> Option<Hash> {
        if self.whole.is_some() {
            return self.whole;
        }
        let covered: u64 = self.nodes.values().map(|(count, _)| count).sum();
        if covered != piece_count(self.size) || covered <= 1 {
            return None;
        }
        // From the left each node is larger than all behind it together: they merge from the right.
        let mut hashes = self.nodes.values().rev().map(|(_, hash)| *hash);
        let mut right = hashes.next()?;
        let mut left = hashes.next()?;
        for next in hashes {
            right = merge_subtrees_non_root(&left, &right, Mode::Hash);
            left = next;
        }
        Some(merge_subtrees_root(&left, &right, Mode::Hash))
    }

    /// How many nodes are kept, so that a test can see that their number does not grow with the file.
    #[cfg(test)]
    fn node_count(&self) -> usize {
        self.nodes.len()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn file(size: u64) -> Vec<u8> {
        (0..size).map(|at| (at % 251) as u8).collect()
    }

    fn bytes_of(piece: u64, file: &[u8]) -> &[u8] {
        let range = piece_range(piece, file.len() as u64);
        &file[range.start as usize..range.end as usize]
    }

    #[test]
    fn every_number_of_pieces_gives_blake3s_own_digest_forwards_and_backwards() {
        for pieces in 0..=9 {
            for rest in [0, 1, 1024, PIECE_LEN - 1] {
                let file = file(pieces * PIECE_LEN + rest);
                let count = piece_count(file.len() as u64);
                let mut forwards = Tree::new(file.len() as u64);
                let mut backwards = forwards.clone();
                for piece in 0..count {
                    assert_eq!(forwards.digest(), None);
                    forwards.add(piece, bytes_of(piece, &file));
                    let piece = count - 1 - piece;
                    backwards.add(piece, bytes_of(piece, &file));
                }
                let want = Some(blake3::hash(&file));
                assert_eq!((forwards.digest(), backwards.digest()), (want, want), "{pieces} pieces and {rest} bytes");
            }
        }
    }

    #[test]
    fn in_order_the_tree_stays_as_small_as_the_number_of_its_levels() {
        // The hashes need not be true here; a file of 4 TiB.
        let mut tree = Tree::new(1 << 42);
        for piece in 0..1 << 16 {
            tree.add_node(piece, 1, [0; 32]);
            assert!(tree.node_count() <= 17, "{} nodes", tree.node_count());
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn any_order_gives_the_same_digest(order in Just((0..12_u64).collect::<Vec<_>>()).prop_shuffle()) {
            let file = file(11 * PIECE_LEN + 77);
            let mut tree = Tree::new(file.len() as u64);
            for piece in order {
                tree.add(piece, bytes_of(piece, &file));
            }
            prop_assert_eq!(tree.digest(), Some(blake3::hash(&file)));
        }
    }
}
