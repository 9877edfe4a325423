//! Access without a name, as a provider asks for it before it serves a protected shard.
//!
//! The one who asks sends the request with a [`Pass`]; the provider's [`Gate`] admits it once. What a request says is
//! the caller's affair; it must name what is asked for and be unlike any other, by the provider's nonce or the
//! connection's id. It enters the statement twice: the nullifier is derived from it, so that the same request is not
//! admitted again, and as the request hash, so that the pass cannot be carried over to another one. Two requests of
//! one member have nothing in common.

pub use crate::circuit::{AccessCircuit, AccessKey, AccessList};

use crate::{
    field::{Fr, from_be_bytes, to_be_bytes},
    groth16::{
        Proof, ProveError, ProvingKey, Verifier, VerifyError, VerifyingKey,
        encoding::{DecodeError, SEALED_PROOF_BYTES, open_proof, seal_proof},
        prove,
    },
};
use ark_ff::PrimeField;
use rand_core::Rng;
use sha2::{Digest, Sha256};
use std::{collections::BTreeSet, sync::atomic::AtomicBool};

/// Bytes of a pass.
pub const PASS_BYTES: usize = 32 + SEALED_PROOF_BYTES;

const CONTEXT: &[u8] = b"holdfast access context v1";
const REQUEST: &[u8] = b"holdfast access request v1";

/// Who is asked, and when: a pass is good at one provider and in one epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scope {
    /// The provider's id, hashed to 32 bytes if it is of another length.
    pub provider: [u8; 32],
    /// The provider's count of epochs; with each it forgets which passes it has seen.
    pub epoch: u64,
}

impl Scope {
    /// SHA-256 over domain, provider, epoch (u64, big-endian) and request, without its last byte: 248 bits.
    fn hash(&self, domain: &[u8], request: &[u8]) -> Fr {
        let parts: [&[u8]; 4] = [domain, &self.provider, &self.epoch.to_be_bytes(), request];
        let hash = parts.into_iter().fold(Sha256::new(), |hash, part| hash.chain_update(part)).finalize();
        Fr::from_be_bytes_mod_order(&hash[..31])
    }

    /// What the nullifier is derived from.
    #[must_use]
    pub fn context(&self, request: &[u8]) -> Fr {
        self.hash(CONTEXT, request)
    }

    /// The request hash of the statement.
    #[must_use]
    pub fn request(&self, request: &[u8]) -> Fr {
        self.hash(REQUEST, request)
    }
}

/// What goes with a request.
#[derive(Debug, Clone, PartialEq)]
pub struct Pass {
    /// The same whenever this member makes this request of this provider in this epoch.
    pub nullifier: Fr,
    /// That whoever made it is in the list.
    pub proof: Proof,
}

/// Why there is no pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PassError {
    /// The key is not in the list.
    #[error("key is not in the access list")]
    NotAMember,
    /// The prover refused.
    #[error(transparent)]
    Prove(#[from] ProveError),
}

impl Pass {
    /// Proves that `member` is in `list`, for one request. `rng` must be unpredictable.
    ///
    /// # Errors
    /// [`PassError`].
    pub fn prove(
        (key, circuit): (&ProvingKey, &AccessCircuit),
        (list, member): (&AccessList, &AccessKey),
        (scope, request): (&Scope, &[u8]),
        rng: &mut impl Rng,
        cancelled: &AtomicBool,
    ) -> Result<Self, PassError> {
        let context = scope.context(request);
        let witness = list.witness(member, context, scope.request(request)).ok_or(PassError::NotAMember)?;
        let proof = prove(key, circuit, &witness, rng, cancelled)?;
        Ok(Self { nullifier: member.nullifier(context), proof })
    }

    /// The nullifier, 32 bytes big-endian, and the proof with its header.
    #[must_use]
    pub fn to_bytes(&self, circuit: &[u8; 32]) -> Vec<u8> {
        [to_be_bytes(&self.nullifier).as_slice(), &seal_proof(&self.proof, circuit)].concat()
    }

    /// Reads a pass for the circuit with this digest.
    ///
    /// # Errors
    /// [`DecodeError`].
    pub fn from_bytes(bytes: &[u8], circuit: &[u8; 32]) -> Result<Self, DecodeError> {
        let length = DecodeError::Length { got: bytes.len(), expected: PASS_BYTES };
        let (nullifier, proof) = bytes.split_first_chunk().ok_or(length)?;
        if bytes.len() != PASS_BYTES {
            return Err(length);
        }
        Ok(Self {
            nullifier: from_be_bytes(nullifier).ok_or(DecodeError::Scalar)?,
            proof: open_proof(proof, circuit)?,
        })
    }
}

/// Why a request is not served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum GateError {
    /// The pass was seen with this request before.
    #[error("request was made before")]
    Replay,
    /// The pass is not of a member, or of another request, provider or epoch.
    #[error(transparent)]
    Proof(#[from] VerifyError),
    /// Begin another epoch.
    #[error("gate remembers {0} passes and takes no more in this epoch")]
    Full(usize),
}

/// A provider's check of one file's access list.
#[derive(Debug, Clone)]
pub struct Gate {
    verifier: Verifier,
    list: Fr,
    scope: Scope,
    seen: BTreeSet<[u8; 32]>,
    most: usize,
}

impl Gate {
    /// A gate for the list with this root that remembers at most so many passes (32 bytes each) an epoch.
    #[must_use]
    pub fn new(key: &VerifyingKey, list: Fr, scope: Scope, most: usize) -> Self {
        Self { verifier: key.prepare(), list, scope, seen: BTreeSet::new(), most }
    }

    /// Admits a request once.
    ///
    /// # Errors
    /// [`GateError`]; then nothing is remembered.
    pub fn admit(&mut self, request: &[u8], pass: &Pass) -> Result<(), GateError> {
        let name = to_be_bytes(&pass.nullifier);
        if self.seen.contains(&name) {
            return Err(GateError::Replay);
        }
        if self.seen.len() >= self.most {
            return Err(GateError::Full(self.most));
        }
        let publics = [self.list, self.scope.context(request), pass.nullifier, self.scope.request(request)];
        self.verifier.verify(&publics, &pass.proof)?;
        self.seen.insert(name);
        Ok(())
    }

    /// Begins an epoch: passes of another one are no longer good, and those seen are forgotten.
    pub fn begin(&mut self, epoch: u64) {
        if epoch != self.scope.epoch {
            self.scope.epoch = epoch;
            self.seen.clear();
        }
    }

    /// Puts another list in place, after a member was added or removed.
    pub fn replace_list(&mut self, list: Fr) {
        self.list = list;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::groth16::{Trapdoor, setup};
    use ark_ff::Field;
    use rand_chacha::ChaCha8Rng;
    use rand_core::SeedableRng;
    use std::sync::LazyLock;

    const SCOPE: Scope = Scope { provider: [4; 32], epoch: 9 };

    fn circuit() -> AccessCircuit {
        AccessCircuit::new(2).unwrap()
    }

    static KEY: LazyLock<ProvingKey> =
        LazyLock::new(|| setup(&circuit(), &Trapdoor::insecure_development()).unwrap());

    fn key(number: u64) -> AccessKey {
        AccessKey::new(Fr::from(1_000 + number))
    }

    fn list() -> AccessList {
        AccessList::new(2, (0..10).map(|number| key(number).member()).collect()).unwrap()
    }

    fn pass(member: u64, scope: Scope, request: &[u8]) -> Result<Pass, PassError> {
        let mut rng = ChaCha8Rng::seed_from_u64(member);
        let parts = ((&*KEY, &circuit()), (&list(), &key(member)), (&scope, request));
        Pass::prove(parts.0, parts.1, parts.2, &mut rng, &AtomicBool::new(false))
    }

    fn gate(most: usize) -> Gate {
        Gate::new(&KEY.verifying, list().root(), SCOPE, most)
    }

    #[test]
    fn a_member_is_served_once_for_each_request() {
        let mut gate = gate(10);
        let first = pass(3, SCOPE, b"shard 1, nonce 1").unwrap();
        assert_eq!(gate.admit(b"shard 1, nonce 1", &first), Ok(()));
        assert_eq!(gate.admit(b"shard 1, nonce 1", &first), Err(GateError::Replay));
        // Another proof of the same statement is the same pass.
        let again = pass(3, SCOPE, b"shard 1, nonce 1").unwrap();
        assert_eq!(gate.admit(b"shard 1, nonce 1", &again), Err(GateError::Replay));
        let second = pass(3, SCOPE, b"shard 1, nonce 2").unwrap();
        assert_ne!(first.nullifier, second.nullifier);
        assert_eq!(gate.admit(b"shard 1, nonce 2", &second), Ok(()));
        assert_eq!(gate.admit(b"shard 1, nonce 1", &pass(4, SCOPE, b"shard 1, nonce 1").unwrap()), Ok(()));
    }

    #[test]
    fn a_pass_is_good_for_its_request_provider_epoch_and_list_alone() {
        let refused = Err(GateError::Proof(VerifyError::Refused));
        let request = b"shard 1";
        let mut gate = gate(10);
        assert_eq!(gate.admit(b"shard 2", &pass(3, SCOPE, request).unwrap()), refused);
        let elsewhere = Scope { provider: [5; 32], ..SCOPE };
        assert_eq!(gate.admit(request, &pass(3, elsewhere, request).unwrap()), refused);
        let earlier = Scope { epoch: 8, ..SCOPE };
        assert_eq!(gate.admit(request, &pass(3, earlier, request).unwrap()), refused);
        let mut renamed = pass(3, SCOPE, request).unwrap();
        renamed.nullifier += Fr::ONE;
        assert_eq!(gate.admit(request, &renamed), refused);
        assert_eq!(pass(10, SCOPE, request), Err(PassError::NotAMember));
        gate.replace_list(list().root() + Fr::ONE);
        assert_eq!(gate.admit(request, &pass(3, SCOPE, request).unwrap()), refused);
        gate.replace_list(list().root());
        assert_eq!(gate.admit(request, &pass(3, SCOPE, request).unwrap()), Ok(()));
    }

    #[test]
    fn a_gate_s_memory_is_bounded_and_emptied_by_an_epoch() {
        let mut gate = gate(1);
        assert_eq!(gate.admit(b"a", &pass(1, SCOPE, b"a").unwrap()), Ok(()));
        assert_eq!(gate.admit(b"b", &pass(1, SCOPE, b"b").unwrap()), Err(GateError::Full(1)));
        gate.begin(SCOPE.epoch);
        assert_eq!(gate.admit(b"a", &pass(1, SCOPE, b"a").unwrap()), Err(GateError::Replay));
        let next = Scope { epoch: 10, ..SCOPE };
        gate.begin(next.epoch);
        assert_eq!(gate.admit(b"b", &pass(1, next, b"b").unwrap()), Ok(()));
    }

    #[test]
    fn a_pass_survives_its_encoding_and_nothing_shorter_or_other_decodes() {
        let circuit = KEY.verifying.circuit;
        let pass = pass(1, SCOPE, b"a").unwrap();
        let bytes = pass.to_bytes(&circuit);
        assert_eq!(bytes.len(), PASS_BYTES);
        assert_eq!(Pass::from_bytes(&bytes, &circuit), Ok(pass));
        for cut in 0..bytes.len() {
            let length = DecodeError::Length { got: cut, expected: PASS_BYTES };
            assert_eq!(Pass::from_bytes(&bytes[..cut], &circuit), Err(length));
        }
        let mut alias = bytes.clone();
        alias[..32].fill(0xff);
        assert_eq!(Pass::from_bytes(&alias, &circuit), Err(DecodeError::Scalar));
        assert!(matches!(Pass::from_bytes(&bytes, &[0; 32]), Err(DecodeError::OtherCircuit { .. })));
    }
}
