//! Slots and real Groth16 proofs of them.

use alloy::primitives::{B256, U256};
use holdfast_contracts::{abi::Submission, deployment::Circuit};
use holdfast_proofs::{
    circuit::ProviderCircuit,
    field::{Fr, to_be_bytes},
    groth16::{ProvingKey, Trapdoor, encoding::proof_to_bytes, prove, setup},
    tree::{CellTree, CellTreeBuilder, Schedule, SlotTree, SlotTreeBuilder, TreeError},
    window::Challenge,
};
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};
use std::{cell::RefCell, sync::atomic::AtomicBool};

/// Levels of the tree that disputes are settled against.
const CELL_LEVELS: usize = 7;
/// Bytes of a slot: some groups of cells, the rest of the tree is zeros.
const BYTES: usize = 25_000;

/// Proves for the circuit of a deployment.
pub struct Prover {
    pub kind: Circuit,
    circuit: ProviderCircuit,
    key: ProvingKey,
    levels: usize,
    rng: RefCell<ChaCha20Rng>,
}

/// A slot as its provider keeps it.
pub struct Slot {
    data: Vec<u8>,
    circuit: SlotTree,
    cells: CellTree,
}

/// One cell for a dispute: its bytes, and its siblings from the cell up.
pub struct Shown {
    pub cell: Vec<u8>,
    pub path: Vec<B256>,
}

impl Prover {
    pub fn new(kind: Circuit) -> Self {
        let (levels, samples) = match kind {
            Circuit::Full => (7, 5),
            Circuit::Small => (2, 1),
        };
        let circuit = ProviderCircuit::new(levels, 16, samples).unwrap();
        let key = setup(&circuit, &Trapdoor::insecure_development()).unwrap();
        Self { kind, circuit, key, levels, rng: RefCell::new(ChaCha20Rng::seed_from_u64(1)) }
    }

    /// A slot of bytes that follow from a number.
    pub fn slot(&self, number: u64) -> Slot {
        let mut data = vec![0; BYTES];
        ChaCha20Rng::seed_from_u64(number).fill_bytes(&mut data);
        let mut circuit = SlotTreeBuilder::new(self.levels, Schedule::Inline).unwrap();
        let mut cells = CellTreeBuilder::new(CELL_LEVELS, Schedule::Inline).unwrap();
        circuit.push(&data).unwrap();
        cells.push(&data).unwrap();
        Slot { data, circuit: circuit.finish(), cells: cells.finish() }
    }

    /// Proves a provider's window: `slots` in the order of its set.
    pub fn prove(&self, challenge: &Challenge, slots: &[&Slot]) -> Submission {
        let drawn: Vec<&Slot> =
            challenge.draw(slots.len() as u64).into_iter().map(|place| slots[place as usize]).collect();
        let trees: Vec<&SlotTree> = drawn.iter().map(|slot| &slot.circuit).collect();
        let read = |at: usize, range: std::ops::Range<u64>| -> Result<Vec<u8>, TreeError> {
            Ok(drawn[at].data[range.start as usize..range.end as usize].to_vec())
        };
        let witness = self.circuit.gather(&trees, challenge.seed(), read).unwrap();
        let roots: Vec<Fr> = trees.iter().map(|tree| tree.root()).collect();
        let mut rng = self.rng.borrow_mut();
        let proof = prove(&self.key, &self.circuit, &witness, &mut *rng, &AtomicBool::new(false)).unwrap();
        let words = proof_to_bytes(&proof);
        let word = |at: usize| U256::from_be_slice(&words[32 * at..32 * (at + 1)]);
        Submission {
            provider: challenge.provider.into(),
            h: U256::from_be_bytes(to_be_bytes(&holdfast_proofs::circuit::roots_hash(&roots))),
            proof: std::array::from_fn(word),
        }
    }
}

impl Slot {
    /// The root that proofs are checked against.
    pub fn root(&self) -> B256 {
        to_be_bytes(&self.circuit.root()).into()
    }

    /// The root that disputes are settled against.
    pub fn cell_root(&self) -> B256 {
        self.cells.root().into()
    }

    /// Bytes of the whole slot, as its tree spans them.
    pub fn capacity(&self) -> u64 {
        holdfast_proofs::tree::capacity(self.circuit.levels())
    }

    /// Shows a cell.
    pub fn show(&self, index: u32) -> Shown {
        let range = self.cells.group(index.into()).unwrap();
        let group = &self.data[range.start as usize..range.end as usize];
        let opening = self.cells.open(index.into(), group).unwrap();
        let path = opening.siblings().into_iter().map(B256::from).collect();
        Shown { cell: opening.cell.to_vec(), path }
    }
}
