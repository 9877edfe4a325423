//! arkworks on all cores.

use crate::env::{
    Prover, Rng,
    prover::{ProverError, ReadSlot, build_tree, open_cells},
};
use futures::future::LocalBoxFuture;
use holdfast_proofs::{
    circuit::SlotCircuit,
    field::Fr,
    groth16::{Proof, ProveError, ProvingKey, VerifyingKey, prove},
    tree::{Schedule, SlotTree},
};
use std::{
    rc::Rc,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

/// Proves one slot at a time, on the threads of rayon's global pool: two proofs side by side would take twice
/// the memory and no less time.
pub struct LiveProver {
    shared: Arc<Shared>,
    rng: Rc<dyn Rng>,
}

struct Shared {
    circuit: SlotCircuit,
    key: ProvingKey,
    turn: Mutex<()>,
}

/// Tells the work that nobody waits for it any more.
struct CancelOnDrop(Arc<AtomicBool>);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl LiveProver {
    /// A prover for the circuit that the key was made for.
    pub fn new(circuit: SlotCircuit, key: ProvingKey, rng: Rc<dyn Rng>) -> Self {
        Self { shared: Arc::new(Shared { circuit, key, turn: Mutex::new(()) }), rng }
    }

    /// Runs `job` when it is its turn, unless nobody waits for it any more.
    fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Shared, Arc<AtomicBool>) -> Result<T, ProverError> + Send + 'static,
    ) -> LocalBoxFuture<'static, Result<T, ProverError>> {
        let (shared, cancelled) = (self.shared.clone(), Arc::new(AtomicBool::new(false)));
        let guard = CancelOnDrop(cancelled.clone());
        let work = tokio::task::spawn_blocking(move || {
            let _turn = shared.turn.lock().unwrap_or_else(PoisonError::into_inner);
            if cancelled.load(Ordering::Relaxed) {
                return Err(ProveError::Cancelled.into());
            }
            job(&shared, cancelled)
        });
        Box::pin(async move {
            let _guard = guard;
            work.await.unwrap_or_else(|panic| Err(ProverError::Read(panic.to_string())))
        })
    }
}

impl Prover for LiveProver {
    fn circuit(&self) -> SlotCircuit {
        self.shared.circuit
    }

    fn verifying_key(&self) -> &VerifyingKey {
        &self.shared.key.verifying
    }

    fn commit(
        &self,
        length: u64,
        mut read: ReadSlot,
    ) -> LocalBoxFuture<'static, Result<SlotTree, ProverError>> {
        self.run(move |shared, cancelled| {
            let mut read: ReadSlot = Box::new(move |range| {
                let gone = cancelled.load(Ordering::Relaxed);
                if gone { Err(ProveError::Cancelled.to_string()) } else { read(range) }
            });
            build_tree(&shared.circuit, Schedule::Pool, length, &mut read)
        })
    }

    fn prove(
        &self,
        tree: Arc<SlotTree>,
        seed: Fr,
        mut read: ReadSlot,
    ) -> LocalBoxFuture<'static, Result<Proof, ProverError>> {
        let mut random = self.rng.generator();
        self.run(move |shared, cancelled| {
            let witness = open_cells(&shared.circuit, &tree, seed, &mut read)?;
            Ok(prove(&shared.key, &shared.circuit, &witness, &mut random, &cancelled)?)
        })
    }
}
