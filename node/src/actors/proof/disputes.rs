//! Answers to disputes: cells under the root that the owner signed, and under the root that is proven.

use super::{
    actor::{Shell, reading},
    messages::{ProofError, ShowDisputed, ShownCell, ShownCells, UpheldRoot, UpholdRoot},
};
use crate::{
    actors::storage::OpenedSlot,
    env::{ProverError, Work, blocking, prover::build_tree},
    limits,
};
use holdfast_proofs::tree::{CellTree, MAX_LEVELS, Schedule};

impl Shell {
    /// Shows cells with their paths by SHA-256. That tree is not kept: to build it takes a second a gigabyte, and who is
    /// disputed with less than once in a while has no use for it.
    pub(super) async fn show_disputed(
        &self,
        ShowDisputed { placement, cells }: ShowDisputed,
    ) -> Result<ShownCells, ProofError> {
        if cells.len() > limits::MAX_DISPUTED_CELLS {
            return Err(ProofError::Cells(cells.len()));
        }
        let slot = self.slot(placement).await?;
        let _turn = self.disputing.lock().await;
        let work = Work::Compute { bytes: slot.length() };
        Ok(blocking(&*self.common.spawn, work, move || show(&slot, &cells)).await?)
    }

    /// Shows a cell under both roots.
    pub(super) async fn uphold(
        &self,
        UpholdRoot { placement, cell }: UpholdRoot,
    ) -> Result<UpheldRoot, ProofError> {
        let asked = ShowDisputed { placement, cells: vec![cell] };
        let ShownCells { cell_root, cells } = self.show_disputed(asked).await?;
        let shown = cells.into_iter().next().expect("one was asked for");
        let slot = self.slot(placement).await?;
        let tree = self.tree(placement, &slot).await?;
        let root = tree.root();
        let proof = self.prover()?.uphold(tree, cell.into(), reading(slot)).await?;
        Ok(UpheldRoot { cell_root, shown, root, proof })
    }
}

/// Reads and hashes the slot, and opens the cells.
fn show(slot: &OpenedSlot, cells: &[u32]) -> Result<ShownCells, ProverError> {
    let mut read = reading(slot.clone());
    let tree: CellTree = build_tree(MAX_LEVELS, Schedule::Inline, slot.length(), &mut read)?;
    let mut open = |index: &u32| -> Result<ShownCell, ProverError> {
        let group = tree.group(u64::from(*index))?;
        let opening = tree.open(u64::from(*index), &read(group).map_err(ProverError::Read)?)?;
        Ok(ShownCell { content: opening.cell, path: opening.siblings() })
    };
    let cells = cells.iter().map(&mut open).collect::<Result<_, _>>()?;
    Ok(ShownCells { cell_root: tree.root(), cells })
}
