//! Access without a name: "I hold one of the keys in this list", bound to one request.
//!
//! A member's leaf is `H₃(key, 0, tag)`; leaves stand under nodes of eight, empty places are zero. The nullifier
//! `H₃(key, context, tag')` is the same whenever one member acts in one context, so that a provider that remembers the
//! nullifiers of a context stops both a replay and a second request, and tells nothing across contexts.

use super::{path::climb, samples::CircuitError};
use crate::{
    field::{Fr, pack},
    poseidon::{challenge_hash, node_hash},
    r1cs::{Circuit, System, gadgets::compress},
    tree::{ARITY, MAX_LEVELS},
};
use ark_ff::AdditiveGroup;
use zeroize::{Zeroize, ZeroizeOnDrop};

const MEMBER_TAG: &[u8] = b"holdfast access member v1";
const NULLIFIER_TAG: &[u8] = b"holdfast access nullifier v1";

/// A member's secret.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct AccessKey(Fr);

impl std::fmt::Debug for AccessKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AccessKey(..)")
    }
}

impl AccessKey {
    /// A key out of a uniformly random element, such as [`crate::field::random`] yields.
    #[must_use]
    pub fn new(secret: Fr) -> Self {
        Self(secret)
    }

    /// What an access list holds of this member.
    #[must_use]
    pub fn member(&self) -> Fr {
        challenge_hash().compress(&[self.0, Fr::ZERO, pack(MEMBER_TAG)])
    }

    /// What makes this member's acts in a context the same, and no others.
    #[must_use]
    pub fn nullifier(&self, context: Fr) -> Fr {
        challenge_hash().compress(&[self.0, context, pack(NULLIFIER_TAG)])
    }
}

/// The members of a file's access list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessList {
    /// Members first, then each level up to the root; each without the empty places at its end.
    levels: Vec<Vec<Fr>>,
    empty: Vec<Fr>,
}

impl AccessList {
    /// A list of at most 8^levels members, in the order given.
    ///
    /// # Errors
    /// [`CircuitError::List`] or [`CircuitError::Members`].
    pub fn new(levels: usize, members: Vec<Fr>) -> Result<Self, CircuitError> {
        AccessCircuit::new(levels)?;
        if members.len() > 1 << (3 * levels) {
            return Err(CircuitError::Members(members.len()));
        }
        let mut list = Self { levels: vec![members], empty: vec![Fr::ZERO] };
        for level in 0..levels {
            let empty = list.empty[level];
            let parents = list.levels[level].chunks(ARITY).map(|children| {
                let mut all = [empty; ARITY];
                all[..children.len()].copy_from_slice(children);
                node_hash().compress(&all)
            });
            let parents = parents.collect();
            list.levels.push(parents);
            list.empty.push(node_hash().compress(&[empty; ARITY]));
        }
        Ok(list)
    }

    /// The list's root.
    #[must_use]
    pub fn root(&self) -> Fr {
        self.node(self.levels.len() - 1, 0)
    }

    /// The children of every node above a member, the member's own group first.
    fn path(&self, index: usize) -> Vec<[Fr; ARITY]> {
        let group = |level: usize| index >> (3 * (level + 1)) << 3;
        let children = |level| std::array::from_fn(|child| self.node(level, group(level) + child));
        (0..self.levels.len() - 1).map(children).collect()
    }

    fn node(&self, level: usize, at: usize) -> Fr {
        self.levels[level].get(at).copied().unwrap_or(self.empty[level])
    }

    /// What a member needs to prove: `None` if the key is not in the list.
    #[must_use]
    pub fn witness(&self, key: &AccessKey, context: Fr, request: Fr) -> Option<AccessWitness> {
        let member = key.member();
        let index = self.levels[0].iter().position(|other| *other == member)?;
        let publics = [self.root(), context, key.nullifier(context), request];
        Some(AccessWitness { publics, key: key.clone(), index: index as u64, path: self.path(index) })
    }
}

/// Public inputs: `[list root, context, nullifier, request hash]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AccessCircuit {
    levels: usize,
}

/// What a member knows.
#[derive(Debug, Clone)]
pub struct AccessWitness {
    pub(super) publics: [Fr; 4],
    pub(super) key: AccessKey,
    pub(super) index: u64,
    pub(super) path: Vec<[Fr; ARITY]>,
}

impl AccessWitness {
    /// The public inputs to go with the proof.
    #[must_use]
    pub fn publics(&self) -> [Fr; 4] {
        self.publics
    }
}

impl AccessCircuit {
    /// Lists of at most 8^levels members.
    ///
    /// # Errors
    /// [`CircuitError::List`].
    pub fn new(levels: usize) -> Result<Self, CircuitError> {
        if (1..=MAX_LEVELS).contains(&levels) { Ok(Self { levels }) } else { Err(CircuitError::List(levels)) }
    }
}

impl Circuit for AccessCircuit {
    type Witness = AccessWitness;

    fn publics(&self) -> usize {
        4
    }

    fn blank(&self) -> AccessWitness {
        let key = AccessKey(Fr::ZERO);
        AccessWitness { publics: [Fr::ZERO; 4], key, index: 0, path: vec![[Fr::ZERO; ARITY]; self.levels] }
    }

    fn synthesize<S: System>(&self, system: &mut S, witness: &AccessWitness) {
        assert_eq!(witness.path.len(), self.levels, "the list belongs to another circuit");
        let [root, context, nullifier, request] = witness.publics.map(|value| system.public(value));
        let key = system.witness(witness.key.0);
        let constants = [Fr::ZERO, pack(MEMBER_TAG), pack(NULLIFIER_TAG)];
        let [zero, member_tag, nullifier_tag] = constants.map(|value| system.constant(value));
        let member = compress(system, challenge_hash(), &[key.clone(), zero, member_tag]);
        let (_, top) = climb(system, member, witness.index, &witness.path);
        system.equal(&top, &root);
        let computed = compress(system, challenge_hash(), &[key, context, nullifier_tag]);
        system.equal(&computed, &nullifier);
        // The request takes part in a constraint of its own, so that no proof can be carried over to another one.
        let _ = system.product(&request, &request);
    }
}
