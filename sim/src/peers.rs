//! Peers that cheat.

use crate::env::SimDisk;
use holdfast::{
    env::{Disk, DiskError},
    types::PlacementId,
};
use holdfast_proofs::tree;
use rand::seq::index;
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeSet;

/// Cells that one stored node of a slot's tree stands for: whoever keeps the tree and drops cells saves most by
/// dropping all eight of them.
pub const GROUP: u64 = tree::ARITY as u64;
/// Bytes of such a group.
const GROUP_BYTES: u64 = tree::GROUP_BYTES as u64;

/// Deletes a share of all cells of a slot of one segment, in whole groups drawn at random, by overwriting them
/// with zeros on the provider's disk. Returns the numbers of the dropped groups.
///
/// # Errors
/// [`DiskError`] as the simulated disk says.
pub fn drop_cells(
    disk: &SimDisk,
    placement: PlacementId,
    slot: u16,
    cells: u64,
    share: f64,
    rng: &mut ChaCha8Rng,
) -> Result<BTreeSet<u64>, DiskError> {
    let dir = format!("shards/{placement}");
    let ours = |name: &String| name.starts_with(&format!("0-{slot}-"));
    let Some(name) = disk.list(&dir)?.into_iter().find(ours) else {
        return Err(DiskError::NotFound(dir));
    };
    let file = disk.open(&format!("{dir}/{name}"), false)?;
    let whole = (file.len()? / GROUP_BYTES) as usize;
    let wanted = (share * (cells / GROUP) as f64).round() as usize;
    let dropped: BTreeSet<u64> =
        index::sample(rng, whole, wanted.min(whole)).into_iter().map(|group| group as u64).collect();
    for group in &dropped {
        file.write_at(group * GROUP_BYTES, &[0; GROUP_BYTES as usize])?;
    }
    file.sync()?;
    Ok(dropped)
}
