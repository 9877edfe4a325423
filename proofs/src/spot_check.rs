//! What an owner does before it signs a slot root that its provider computed: it asks for cells that it draws at
//! random and compares them with its own bytes, instead of hashing everything a second time.
//!
//! If a fraction x of the cells under a root are not the owner's, a check of c cells passes with probability
//! (1 − x)^c (docs/spec/proof.md).

use crate::{
    field::Fr,
    tree::{ARITY, CELL_BYTES, CircuitHash, Opening, TreeHash, capacity, cell},
};
use rand_core::Rng;
use std::collections::BTreeMap;

/// Cells that an owner asks for unless told otherwise: one wrong cell in a hundred is seen with 98.2 %, one in
/// twenty-five with 1 − 2^-23. A gigabyte's slot answers with 0.9 MB.
pub const DEFAULT_CELLS: usize = 400;

/// Why a claimed root is not signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SpotCheckError {
    /// The answer has not one opening for each cell asked for.
    #[error("{got} openings for {asked} cells")]
    Count {
        /// Openings of the answer.
        got: usize,
        /// Cells asked for.
        asked: usize,
    },
    /// The answer opens another cell.
    #[error("opening of cell {got}, asked for {asked}")]
    Index {
        /// The cell opened.
        got: u64,
        /// The cell asked for.
        asked: u64,
    },
    /// The cell does not lie under the claimed root.
    #[error("cell {0} does not lie under the claimed root")]
    Path(u64),
    /// The cell is not what the owner stored.
    #[error("cell {0} differs from the owner's bytes")]
    Cell(u64),
}

/// A question to a provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpotCheck {
    levels: usize,
    indices: Vec<u64>,
}

impl SpotCheck {
    /// Draws cells among those that hold bytes, with repetition. Nobody may foresee `rng`.
    ///
    /// # Panics
    /// If the slot is empty or larger than its tree.
    #[must_use]
    pub fn draw(rng: &mut impl Rng, count: usize, levels: usize, length: u64) -> Self {
        assert!((1..=capacity(levels)).contains(&length), "{length} bytes in a tree of {levels} levels");
        let used = length.div_ceil(CELL_BYTES as u64);
        // 128 random bits modulo less than 2^21: a bias below 2^-107.
        let mut below = || {
            let wide = u128::from(rng.next_u64()) << 64 | u128::from(rng.next_u64());
            u64::try_from(wide % u128::from(used)).expect("the remainder is below 2^21")
        };
        Self { levels, indices: (0..count).map(|_| below()).collect() }
    }

    /// The cells to open, in order.
    #[must_use]
    pub fn indices(&self) -> &[u64] {
        &self.indices
    }

    /// Holds an answer against the owner's bytes: `own` returns a cell's, without the zeros after the slot's end.
    ///
    /// # Errors
    /// [`SpotCheckError`]: then the root is not signed.
    pub fn check(
        &self,
        root: Fr,
        openings: &[Opening],
        mut own: impl FnMut(u64) -> Vec<u8>,
    ) -> Result<(), SpotCheckError> {
        if openings.len() != self.indices.len() {
            return Err(SpotCheckError::Count { got: openings.len(), asked: self.indices.len() });
        }
        let mut known = Known { root, levels: self.levels, children: BTreeMap::new() };
        for (&asked, opening) in self.indices.iter().zip(openings) {
            if opening.index != asked {
                return Err(SpotCheckError::Index { got: opening.index, asked });
            }
            if !known.contains(opening) {
                return Err(SpotCheckError::Path(asked));
            }
            if opening.cell != cell(&own(asked)) {
                return Err(SpotCheckError::Cell(asked));
            }
        }
        Ok(())
    }
}

/// What is known to lie under a root: paths of many cells share their upper nodes, and each is hashed once.
struct Known {
    root: Fr,
    levels: usize,
    /// Children of the nodes that were hashed, by level and place of the node.
    children: BTreeMap<(usize, u64), [Fr; ARITY]>,
}

impl Known {
    /// As [`Opening::verify`], and remembers what it learns.
    fn contains(&mut self, opening: &Opening) -> bool {
        if opening.path.len() != self.levels {
            return false;
        }
        let mut hash = CircuitHash::cell(&opening.cell);
        let mut index = opening.index;
        for (level, children) in (1..).zip(&opening.path) {
            if children[(index % ARITY as u64) as usize] != hash {
                return false;
            }
            index /= ARITY as u64;
            match self.children.get(&(level, index)) {
                Some(known) if known == children => return self.learn(opening, level),
                Some(_) => return false,
                None => hash = CircuitHash::node(children),
            }
        }
        index == 0 && hash == self.root && self.learn(opening, self.levels + 1)
    }

    /// Remembers a path's children below a level.
    fn learn(&mut self, opening: &Opening, below: usize) -> bool {
        for (level, children) in (1..below).zip(&opening.path) {
            self.children.insert((level, opening.index >> (3 * level)), *children);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::{Schedule, SlotTree, SlotTreeBuilder, TreeError};
    use ark_ff::Field;
    use rand_chacha::ChaCha8Rng;
    use rand_core::SeedableRng;

    fn tree(data: &[u8]) -> SlotTree {
        let mut builder = SlotTreeBuilder::new(3, Schedule::Inline).unwrap();
        builder.push(data).unwrap();
        builder.finish()
    }

    fn answer(check: &SpotCheck, tree: &SlotTree, data: &[u8]) -> Vec<Opening> {
        let open = |&index: &u64| -> Result<Opening, TreeError> {
            let range = tree.group(index)?;
            tree.open(index, &data[range.start as usize..range.end as usize])
        };
        check.indices().iter().map(open).collect::<Result<_, _>>().unwrap()
    }

    fn own(data: &[u8]) -> impl FnMut(u64) -> Vec<u8> {
        |index| data.chunks(CELL_BYTES).nth(index as usize).unwrap_or_default().to_vec()
    }

    #[test]
    fn an_honest_root_passes_and_each_lie_is_named() {
        let data: Vec<u8> = (0..100_001).map(|at| (at * 31 + at / 257) as u8).collect();
        let tree = tree(&data);
        let check = SpotCheck::draw(&mut ChaCha8Rng::seed_from_u64(1), 50, 3, data.len() as u64);
        assert!(check.indices().iter().all(|&index| index < 202));
        let openings = answer(&check, &tree, &data);
        assert_eq!(check.check(tree.root(), &openings, own(&data)), Ok(()));
        let first = check.indices()[0];
        assert_eq!(
            check.check(tree.root() + Fr::ONE, &openings, own(&data)),
            Err(SpotCheckError::Path(first))
        );
        let fewer = SpotCheckError::Count { got: 49, asked: 50 };
        assert_eq!(check.check(tree.root(), &openings[1..], own(&data)), Err(fewer));
        // The first path is checked up to the root; a later one until it meets what is known already.
        let met = |at: &usize| {
            let before = &check.indices()[..*at];
            let index = check.indices()[*at];
            before.iter().any(|it| it / 64 == index / 64) && before.iter().all(|it| it / 8 != index / 8)
        };
        let later = (1..50).find(met).unwrap();
        for (place, level) in [(0, 0), (0, 1), (0, 2), (later, 0), (later, 1)] {
            let mut forged = openings.clone();
            let opening = &mut forged[place];
            let beside = ((opening.index >> (3 * level)) as usize % 8) ^ 1;
            opening.path[level][beside] += Fr::ONE;
            let refused = Err(SpotCheckError::Path(check.indices()[place]));
            assert_eq!(check.check(tree.root(), &forged, own(&data)), refused);
        }
        let mut short = openings.clone();
        short[0].path.pop();
        assert_eq!(check.check(tree.root(), &short, own(&data)), Err(SpotCheckError::Path(first)));
        let mut swapped = openings.clone();
        swapped[0] = openings[1].clone();
        assert!(matches!(check.check(tree.root(), &swapped, own(&data)), Err(SpotCheckError::Index { .. })));
    }

    /// A provider commits to a slot with a tenth of its cells changed: found as often as (1 − x)^c says.
    #[test]
    fn wrong_cells_are_found_as_often_as_foretold() {
        let data = vec![7; 200 * CELL_BYTES];
        let mut forged = data.clone();
        for cell in 0..20 {
            forged[cell * 10 * CELL_BYTES] ^= 1;
        }
        let tree = tree(&forged);
        let mut rng = ChaCha8Rng::seed_from_u64(2);
        let mut passed = 0;
        for _ in 0..400 {
            let check = SpotCheck::draw(&mut rng, 7, 3, data.len() as u64);
            let openings = answer(&check, &tree, &forged);
            passed += i32::from(check.check(tree.root(), &openings, own(&data)).is_ok());
        }
        // 0.9^7 of 400 is 191, with a standard deviation of 10.
        assert!((151..=231).contains(&passed), "{passed} of 400 passed");
    }
}
