//! The prover of a simulated node: arkworks, for which the world waits, or a model of it.
//!
//! The model opens every challenged cell from the node's simulated disk, as a prover must, and then, instead of
//! proving, forges a proof with the public trapdoor of the development key, which every verifier of that key
//! accepts. So it costs no time to speak of, and fails exactly when a proof would. This file is part of the
//! simulator alone; a result whose run used the model says so.

use super::{Time, rng};
use crate::threads::beside;
use futures::future::LocalBoxFuture;
use holdfast::{
    env::{
        Prover, ProverError, ReadSlot, Visit,
        prover::{build_tree, make_pass, open_cells},
    },
    limits,
};
use holdfast_proofs::{
    circuit::{AccessCircuit, CircuitError, SlotCircuit},
    field::{self, Fr},
    groth16::{Proof, ProvingKey, Trapdoor, VerifyingKey, prove, setup},
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
    /// Cells that a challenge asks for.
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
    /// [`CircuitError`] if the levels or samples cannot be.
    pub fn circuit(&self) -> Result<SlotCircuit, CircuitError> {
        SlotCircuit::new(self.levels, self.samples)
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

/// What all provers of a world share: the circuit and its insecure development key.
pub struct ProverKeys {
    plan: ProverPlan,
    circuit: SlotCircuit,
    key: ProvingKey,
    /// Made when the first pass is.
    access: OnceCell<(AccessCircuit, ProvingKey)>,
}

/// Virtual time that a pass takes: 0.2 CPU-seconds on two cores.
const PASS: Duration = Duration::from_millis(100);

impl ProverKeys {
    /// Sets the circuit up with the public development trapdoor.
    ///
    /// # Panics
    /// If the plan was not validated.
    pub fn new(plan: ProverPlan) -> Self {
        let circuit = plan.circuit().expect("the plan was validated");
        let key = beside(|| setup(&circuit, &Trapdoor::insecure_development()));
        Self { plan, circuit, key: key.expect("the circuit fits a domain"), access: OnceCell::new() }
    }

    fn access(&self) -> (&AccessCircuit, &ProvingKey) {
        let make = || {
            let circuit = AccessCircuit::new(limits::ACCESS_LEVELS).expect("there are such lists");
            let key = beside(|| setup(&circuit, &Trapdoor::insecure_development()));
            (circuit, key.expect("the circuit fits a domain"))
        };
        let (circuit, key) = self.access.get_or_init(make);
        (circuit, key)
    }

    /// What verifies the proofs.
    pub fn verifying_key(&self) -> &VerifyingKey {
        &self.key.verifying
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

    fn proof(&self, tree: &SlotTree, seed: Fr, read: &mut ReadSlot) -> Result<Proof, ProverError> {
        let ProverKeys { plan, circuit, key, .. } = &*self.keys;
        let witness = open_cells(circuit, tree, seed, read)?;
        let random = &mut *self.rng.borrow_mut();
        if plan.kind == ProverKind::Inline {
            let never = AtomicBool::new(false);
            return Ok(beside(|| prove(key, circuit, &witness, random, &never))?);
        }
        let (a, b) = (field::random(random), field::random(random));
        let forged = Trapdoor::insecure_development().forge(&key.verifying, &[tree.root(), seed], a, b);
        Ok(forged.expect("the circuit has two public inputs"))
    }
}

impl Prover for SimProver {
    fn circuit(&self) -> SlotCircuit {
        self.keys.circuit
    }

    fn pass(&self, visit: Visit) -> LocalBoxFuture<'static, Result<Vec<u8>, ProverError>> {
        let (circuit, key) = self.keys.access();
        let never = AtomicBool::new(false);
        let random = &mut *self.rng.borrow_mut();
        let pass = beside(|| make_pass(key, circuit, &visit, random, &never));
        let time = self.time.clone();
        Box::pin(async move {
            time.sleep(PASS).await;
            pass
        })
    }

    fn access_key(&self) -> LocalBoxFuture<'static, Result<VerifyingKey, ProverError>> {
        let key = self.keys.access().1.verifying.clone();
        Box::pin(async move { Ok(key) })
    }

    fn commit(
        &self,
        length: u64,
        mut read: ReadSlot,
    ) -> LocalBoxFuture<'static, Result<SlotTree, ProverError>> {
        let tree = build_tree(&self.keys.circuit, Schedule::Inline, length, &mut read);
        let seconds = length as f64 / 1e6 / self.keys.plan.commit_mb_per_s;
        let time = self.time.clone();
        Box::pin(async move {
            time.sleep(Duration::from_secs_f64(seconds)).await;
            tree
        })
    }

    fn prove(
        &self,
        tree: Arc<SlotTree>,
        seed: Fr,
        mut read: ReadSlot,
    ) -> LocalBoxFuture<'static, Result<Proof, ProverError>> {
        let proof = self.proof(&tree, seed, &mut read);
        let (time, seconds) = (self.time.clone(), self.keys.plan.prove_s);
        Box::pin(async move {
            // Who cannot open a cell knows it at once.
            if proof.is_ok() {
                time.sleep(Duration::from_secs_f64(seconds)).await;
            }
            proof
        })
    }
}
