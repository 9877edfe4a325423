//! The prover of a simulated node: arkworks, for which the world waits, or a model of it.
//!
//! The model opens every challenged cell from the node's simulated disk, as a prover must, and then, instead of
//! proving, forges a proof with the public trapdoor of the development key, which every verifier of that key
//! accepts. So it costs no time to speak of, and fails exactly when a proof would. This file is part of the
//! simulator alone; a result whose run used the model says so.

use super::{Time, rng};
use crate::threads::beside;
use futures::future::LocalBoxFuture;
use holdfast::env::{
    Challenged, Circuits, Prover, ProverError, ReadSlot, Visit,
    prover::{build_tree, make_pass},
};
use holdfast_proofs::{
    circuit::{CircuitError, MAX_SLOTS, OpeningWitness, ProviderCircuit, ProviderWitness, SlotOpenings},
    field::{self, Fr},
    groth16::{Proof, ProvingKey, Trapdoor, VerifyingKey, prove, setup},
    r1cs::Circuit,
    tree::{Schedule, SlotTree},
};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use std::{
    cell::{OnceCell, RefCell},
    rc::Rc,
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

/// How simulated nodes prove.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProverPlan {
    /// With what.
    pub kind: ProverKind,
    /// Levels of a slot's tree, which has 8^levels cells of 496 bytes.
    pub levels: usize,
    /// Slots that are drawn for a challenge.
    #[serde(default = "slots")]
    pub slots: usize,
    /// Cells that it asks for of each of them.
    pub samples: usize,
    /// Virtual seconds that a proof takes.
    #[serde(default = "prove_s")]
    pub prove_s: f64,
    /// Megabytes of a slot a virtual second that are committed to.
    #[serde(default = "commit_mb_per_s")]
    pub commit_mb_per_s: f64,
}

/// What makes the proofs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProverKind {
    /// The real prover; the world waits for it.
    Inline,
    /// The model.
    Modelled,
}

fn slots() -> usize {
    MAX_SLOTS
}

/// Half of the 6.7 CPU-seconds that 80 cells of a gigabyte's slot were measured to take: two cores (docs/adr/0011).
fn prove_s() -> f64 {
    3.4
}

/// Measured on one core (docs/adr/0011).
fn commit_mb_per_s() -> f64 {
    4.9
}

impl ProverPlan {
    /// The statement that is proven.
    ///
    /// # Errors
    /// [`CircuitError`] if the levels, slots or samples cannot be.
    pub fn circuit(&self) -> Result<ProviderCircuit, CircuitError> {
        ProviderCircuit::new(self.levels, self.slots, self.samples)
    }

    /// Cells that a challenge asks for, all in all.
    pub fn cells(&self) -> usize {
        self.slots * self.samples
    }

    /// Checks what the types alone cannot.
    ///
    /// # Errors
    /// A sentence naming the first value that is out of its range.
    pub fn validate(&self) -> Result<(), String> {
        self.circuit().map_err(|error| error.to_string())?;
        let positive = [("prove_s", self.prove_s), ("commit_mb_per_s", self.commit_mb_per_s)];
        match positive.into_iter().find(|(_, value)| !(1e-6..=1e6).contains(value)) {
            Some((name, value)) => Err(format!("{name} is {value}, outside 0.000001..=1000000")),
            None => Ok(()),
        }
    }
}

/// What all provers of a world share: the circuits and their insecure development keys.
pub struct ProverKeys {
    plan: ProverPlan,
    circuits: Circuits,
    provider: ProvingKey,
    /// Made when the first root is doubted.
    opening: OnceCell<ProvingKey>,
    /// Made when the first pass is.
    access: OnceCell<ProvingKey>,
}

/// Virtual time that a pass or the proof of a doubted cell takes: 0.2 CPU-seconds on two cores.
const SMALL_PROOF: Duration = Duration::from_millis(100);

/// The public development trapdoor's key.
fn development_key<C: Circuit + Sync>(circuit: &C) -> ProvingKey {
    beside(|| setup(circuit, &Trapdoor::insecure_development())).expect("the circuit fits a domain")
}

impl ProverKeys {
    /// Sets the circuit up with the public development trapdoor.
    ///
    /// # Panics
    /// If the plan was not validated.
    pub fn new(plan: ProverPlan) -> Self {
        let circuits = Circuits::new(plan.circuit().expect("the plan was validated"));
        let provider = development_key(&circuits.provider);
        Self { plan, circuits, provider, opening: OnceCell::new(), access: OnceCell::new() }
    }

    fn opening(&self) -> &ProvingKey {
        self.opening.get_or_init(|| development_key(&self.circuits.opening))
    }

    fn access(&self) -> &ProvingKey {
        self.access.get_or_init(|| development_key(&self.circuits.access))
    }

    /// What verifies the proofs of windows.
    pub fn verifying_key(&self) -> &VerifyingKey {
        &self.provider.verifying
    }

    /// What verifies the proofs of doubted cells.
    pub fn opening_key(&self) -> &VerifyingKey {
        &self.opening().verifying
    }
}

/// The Prover capability of one node.
pub struct SimProver {
    keys: Rc<ProverKeys>,
    time: Time,
    rng: RefCell<ChaCha8Rng>,
}

impl SimProver {
    /// A prover with randomness of its own.
    pub fn new(keys: Rc<ProverKeys>, time: Time, seed: u64, node: u64) -> Self {
        Self { keys, time, rng: RefCell::new(rng::stream(seed, "prover", node)) }
    }

    /// A proof, or a forgery of what is so: the witness was read and opened like that of a proof.
    fn proof<C: Circuit<Witness: Sync> + Sync>(
        &self,
        key: &ProvingKey,
        circuit: &C,
        witness: &C::Witness,
        publics: [Fr; 4],
    ) -> Result<Proof, ProverError> {
        let random = &mut *self.rng.borrow_mut();
        if self.keys.plan.kind == ProverKind::Inline {
            let never = AtomicBool::new(false);
            return Ok(beside(|| prove(key, circuit, witness, random, &never))?);
        }
        let (a, b) = (field::random(random), field::random(random));
        let forged = Trapdoor::insecure_development().forge(&key.verifying, &publics, a, b);
        Ok(forged.expect("the circuit has four public inputs"))
    }

    /// What comes after `duration`, or at once if it is a failure.
    fn after<T: 'static>(
        &self,
        duration: Duration,
        outcome: Result<T, ProverError>,
    ) -> LocalBoxFuture<'static, Result<T, ProverError>> {
        let time = self.time.clone();
        Box::pin(async move {
            if outcome.is_ok() {
                time.sleep(duration).await;
            }
            outcome
        })
    }
}

impl Prover for SimProver {
    fn circuit(&self) -> ProviderCircuit {
        self.keys.circuits.provider
    }

    fn pass(&self, visit: Visit) -> LocalBoxFuture<'static, Result<Vec<u8>, ProverError>> {
        let (key, circuit) = (self.keys.access(), &self.keys.circuits.access);
        let never = AtomicBool::new(false);
        let random = &mut *self.rng.borrow_mut();
        let pass = beside(|| make_pass(key, circuit, &visit, random, &never));
        self.after(SMALL_PROOF, pass)
    }

    fn access_key(&self) -> LocalBoxFuture<'static, Result<VerifyingKey, ProverError>> {
        self.after(Duration::ZERO, Ok(self.keys.access().verifying.clone()))
    }

    fn commit(
        &self,
        length: u64,
        mut read: ReadSlot,
    ) -> LocalBoxFuture<'static, Result<SlotTree, ProverError>> {
        let levels = self.keys.circuits.provider.levels();
        let tree = build_tree(levels, Schedule::Inline, length, &mut read);
        let seconds = length as f64 / 1e6 / self.keys.plan.commit_mb_per_s;
        self.after(Duration::from_secs_f64(seconds), tree)
    }

    fn open(
        &self,
        tree: Arc<SlotTree>,
        challenged: Challenged,
        mut read: ReadSlot,
    ) -> LocalBoxFuture<'static, Result<SlotOpenings, ProverError>> {
        self.after(Duration::ZERO, self.keys.circuits.open(&tree, challenged, &mut read))
    }

    fn prove(&self, slots: Vec<SlotOpenings>) -> LocalBoxFuture<'static, Result<Proof, ProverError>> {
        let ProverKeys { plan, circuits, provider, .. } = &*self.keys;
        let witness = circuits.witness(slots);
        let prove =
            |witness: ProviderWitness| self.proof(provider, &circuits.provider, &witness, witness.publics());
        self.after(Duration::from_secs_f64(plan.prove_s), witness.and_then(prove))
    }

    fn uphold(
        &self,
        tree: Arc<SlotTree>,
        index: u64,
        mut read: ReadSlot,
    ) -> LocalBoxFuture<'static, Result<Proof, ProverError>> {
        let circuits = &self.keys.circuits;
        let witness = circuits.doubted(&tree, index, &mut read);
        let prove = |witness: OpeningWitness| {
            self.proof(self.keys.opening(), &circuits.opening, &witness, witness.publics())
        };
        self.after(SMALL_PROOF, witness.and_then(prove))
    }
}
