//! The same statement as others write it: arkworks' own gadgets for hash and tree, cells of 1,054 bytes under a
//! sponge of rate 2, a binary tree of 2^20 cells, one index a hash.

use ark_crypto_primitives::{
    crh::{
        CRHScheme, CRHSchemeGadget, TwoToOneCRHScheme,
        poseidon::{
            CRH, TwoToOneCRH,
            constraints::{CRHGadget, CRHParametersVar, TwoToOneCRHGadget},
        },
    },
    merkle_tree::{
        Config, IdentityDigestConverter, Path,
        constraints::{ConfigGadget, PathVar},
    },
    sponge::poseidon::{PoseidonConfig, find_poseidon_ark_and_mds},
};
use ark_ff::{BigInteger, PrimeField};
use ark_r1cs_std::{
    alloc::AllocVar, convert::ToBitsGadget, eq::EqGadget, fields::fp::FpVar, prelude::Boolean,
};
use ark_relations::gr1cs::{ConstraintSynthesizer, ConstraintSystemRef, SynthesisError};
use holdfast_proofs::field::{Fr, pack};
use std::collections::BTreeMap;

/// Elements of a cell: 1,054 bytes.
const ELEMENTS: usize = 34;
/// Levels of the binary tree.
const LEVELS: usize = 20;

struct Tree;

impl Config for Tree {
    type Leaf = [Fr];
    type LeafDigest = Fr;
    type LeafInnerDigestConverter = IdentityDigestConverter<Fr>;
    type InnerDigest = Fr;
    type LeafHash = CRH<Fr>;
    type TwoToOneHash = TwoToOneCRH<Fr>;
}

struct TreeGadget;

impl ConfigGadget<Tree, Fr> for TreeGadget {
    type Leaf = [FpVar<Fr>];
    type LeafDigest = FpVar<Fr>;
    type LeafInnerConverter = IdentityDigestConverter<FpVar<Fr>>;
    type InnerDigest = FpVar<Fr>;
    type LeafHash = CRHGadget<Fr>;
    type TwoToOneHash = TwoToOneCRHGadget<Fr>;
}

/// A statement with its witness.
pub struct Stock {
    parameters: PoseidonConfig<Fr>,
    root: Fr,
    seed: Fr,
    samples: Vec<(Vec<Fr>, Path<Tree>)>,
}

impl Clone for Stock {
    fn clone(&self) -> Self {
        let copy = |path: &Path<Tree>| Path {
            leaf_sibling_hash: path.leaf_sibling_hash,
            auth_path: path.auth_path.clone(),
            leaf_index: path.leaf_index,
        };
        let samples = self.samples.iter().map(|(cell, path)| (cell.clone(), copy(path))).collect();
        Self { parameters: self.parameters.clone(), root: self.root, seed: self.seed, samples }
    }
}

fn cell_of(index: u64) -> Vec<Fr> {
    (0..ELEMENTS)
        .map(|element| {
            let mut bytes = [0x5a; 31];
            bytes[..8].copy_from_slice(&(index * 37 + element as u64).to_le_bytes());
            pack(&bytes)
        })
        .collect()
}

impl Stock {
    /// A slot in which only the challenged cells hold bytes: the circuit costs the same, and the tree need not be
    /// built in full.
    pub fn new(samples: usize) -> Result<Self, ark_crypto_primitives::Error> {
        let (ark, mds) = find_poseidon_ark_and_mds::<Fr>(254, 2, 8, 57, 0);
        let parameters = PoseidonConfig::new(8, 57, 5, mds, ark, 2, 1);
        let seed = Fr::from(99);
        let draw = |number: usize| -> Result<u64, ark_crypto_primitives::Error> {
            let drawn = CRH::evaluate(&parameters, [seed, Fr::from(number as u64)])?;
            let bits = drawn.into_bigint().to_bits_le();
            Ok(bits[..LEVELS].iter().rev().fold(0, |index, bit| index << 1 | u64::from(*bit)))
        };
        let indices = (0..samples).map(draw).collect::<Result<Vec<_>, _>>()?;
        let empty_cell = vec![Fr::from(0); ELEMENTS];
        let mut empty = vec![CRH::evaluate(&parameters, empty_cell.as_slice())?];
        let mut levels: Vec<BTreeMap<u64, Fr>> = vec![BTreeMap::new()];
        for index in &indices {
            levels[0].insert(*index, CRH::evaluate(&parameters, cell_of(*index).as_slice())?);
        }
        for level in 0..LEVELS {
            let node = |at: &u64| levels[level].get(at).copied().unwrap_or(empty[level]);
            let mut above = BTreeMap::new();
            for at in levels[level].keys().map(|at| at >> 1) {
                above.insert(at, TwoToOneCRH::evaluate(&parameters, node(&(at << 1)), node(&(at << 1 | 1)))?);
            }
            empty.push(TwoToOneCRH::evaluate(&parameters, empty[level], empty[level])?);
            levels.push(above);
        }
        let sibling = |level: usize, index: u64| {
            levels[level].get(&(index >> level ^ 1)).copied().unwrap_or(empty[level])
        };
        let open = |index: u64| {
            let auth_path = (1..LEVELS).rev().map(|level| sibling(level, index)).collect();
            let leaf_index = usize::try_from(index).expect("it is below 2^20");
            (cell_of(index), Path { leaf_sibling_hash: sibling(0, index), auth_path, leaf_index })
        };
        let root = levels[LEVELS][&0];
        let samples = indices.into_iter().map(open).collect();
        Ok(Self { parameters, root, seed, samples })
    }

    /// Public inputs.
    pub fn publics(&self) -> [Fr; 2] {
        [self.root, self.seed]
    }
}

impl ConstraintSynthesizer<Fr> for Stock {
    fn generate_constraints(self, system: ConstraintSystemRef<Fr>) -> Result<(), SynthesisError> {
        let root = FpVar::new_input(system.clone(), || Ok(self.root))?;
        let seed = FpVar::new_input(system.clone(), || Ok(self.seed))?;
        let parameters = CRHParametersVar { parameters: self.parameters };
        for (number, (cell, path)) in (0_u64..).zip(&self.samples) {
            let input = [seed.clone(), FpVar::Constant(Fr::from(number))];
            let drawn = CRHGadget::evaluate(&parameters, &input)?;
            let bits: Vec<Boolean<Fr>> = drawn.to_bits_le()?.into_iter().take(LEVELS).collect();
            let cell: Vec<FpVar<Fr>> = Vec::new_witness(system.clone(), || Ok(cell.as_slice()))?;
            let mut path = PathVar::<Tree, Fr, TreeGadget>::new_witness(system.clone(), || Ok(path))?;
            path.set_leaf_position(bits);
            path.verify_membership(&parameters, &parameters, &root, &cell)?.enforce_equal(&Boolean::TRUE)?;
        }
        Ok(())
    }
}
