//! Trees on the disk, so that a restart builds none again. What cannot be read, or is of another slot, is built anew.

use super::actor::Shell;
use crate::{
    actors::{
        ask,
        storage::{KeepTree, KeptTree, OpenedSlot},
    },
    env::{Work, blocking},
    types::{ContentHash, PlacementId},
};
use holdfast_proofs::tree::{KeptError, SlotTree};
use std::sync::Arc;

const VERSION: u8 = 1;
/// Bytes of the version and the slot.
const HEADER_BYTES: usize = 1 + 2;
const CHECKSUM_BYTES: usize = 32;

/// Why a file is not the tree of a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TreeFileError {
    /// Another version of this program wrote it.
    #[error("version {0}, this is version {VERSION}")]
    Version(u8),
    /// It is not what was written.
    #[error("checksum differs")]
    Checksum,
    /// It is of another slot.
    #[error("tree of slot {0}")]
    Slot(u16),
    /// It is no tree.
    #[error(transparent)]
    Tree(#[from] KeptError),
}

/// A version, the slot (little-endian), the tree, and the BLAKE3 hash of all before.
pub fn tree_file(slot: u16, tree: &SlotTree) -> Vec<u8> {
    let mut bytes = vec![VERSION];
    bytes.extend_from_slice(&slot.to_le_bytes());
    bytes.append(&mut tree.to_bytes());
    let checksum = ContentHash::of(&bytes);
    bytes.extend_from_slice(checksum.as_bytes());
    bytes
}

/// Reads the file of a slot's tree.
///
/// # Errors
/// [`TreeFileError`].
pub fn read_tree_file(slot: u16, bytes: &[u8]) -> Result<SlotTree, TreeFileError> {
    let (content, checksum) = bytes.split_last_chunk::<CHECKSUM_BYTES>().ok_or(TreeFileError::Checksum)?;
    if ContentHash::of(content).as_bytes() != checksum {
        return Err(TreeFileError::Checksum);
    }
    let ([version, found @ ..], tree) =
        content.split_first_chunk::<HEADER_BYTES>().ok_or(TreeFileError::Checksum)?;
    if *version != VERSION {
        return Err(TreeFileError::Version(*version));
    }
    let found = u16::from_le_bytes(*found);
    if found != slot {
        return Err(TreeFileError::Slot(found));
    }
    Ok(SlotTree::from_bytes(tree)?)
}

impl Shell {
    /// The tree that is on the disk, if it is this slot's and of the levels that are proven.
    pub(super) async fn tree_on_disk(
        &self,
        id: PlacementId,
        held: &OpenedSlot,
        levels: usize,
    ) -> Option<SlotTree> {
        let bytes = ask(&self.kept, KeptTree(id)).await.ok().flatten()?;
        let (slot, length) = (held.slot(), held.length());
        let work = Work::Compute { bytes: bytes.len() as u64 };
        match blocking(&*self.common.spawn, work, move || read_tree_file(slot, &bytes)).await {
            Ok(tree) => Some(tree).filter(|tree| (tree.levels(), tree.length()) == (levels, length)),
            Err(why) => {
                tracing::warn!(%id, %why, "a kept tree is built anew");
                None
            }
        }
    }

    /// Keeps a tree on the disk.
    pub(super) async fn keep_on_disk(&self, id: PlacementId, slot: u16, tree: &Arc<SlotTree>) {
        let tree = tree.clone();
        let work = Work::Compute { bytes: tree.length() / 100 };
        let bytes = blocking(&*self.common.spawn, work, move || tree_file(slot, &tree)).await;
        if let Err(why) = ask(&self.keep, KeepTree { placement: id, bytes: bytes.into() }).await {
            tracing::warn!(%id, %why, "a tree is not kept");
        }
    }
}
