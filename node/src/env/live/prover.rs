//! arkworks on all cores.

use crate::env::{
    Challenged, Circuits, Prover, ProverError, ReadSlot, Rng, Visit,
    prover::{build_tree, make_pass},
};
use futures::future::LocalBoxFuture;
use holdfast_proofs::{
    circuit::{ProviderCircuit, SlotOpenings},
    groth16::{Proof, ProveError, ProvingKey, VerifyingKey, prove},
    tree::{Schedule, SlotTree},
};
use rayon::{ThreadPool, ThreadPoolBuilder};
use std::{
    rc::Rc,
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

/// Brings the proving key; called before each proof, from a thread that may block. What it returns is dropped after
/// the proof: a key takes more memory than all else of a node at rest.
pub type LoadKey = Box<dyn Fn() -> Result<Arc<ProvingKey>, ProverError> + Send + Sync>;

/// Where the keys come from, a circuit each.
pub struct ProofKeys {
    /// For the slots that a provider holds.
    pub provider: LoadKey,
    /// For doubted cells.
    pub opening: LoadKey,
    /// For passes.
    pub access: LoadKey,
}

/// Makes one proof at a time, on the threads of rayon's global pool: two proofs side by side would take twice
/// the memory and no less time. Beside it one tree is built, on threads of low priority.
pub struct LiveProver {
    shared: Arc<Shared>,
    rng: Rc<dyn Rng>,
}

struct Shared {
    circuits: Circuits,
    keys: ProofKeys,
    proof: Mutex<()>,
    pass: Mutex<()>,
    tree: Mutex<()>,
    builders: OnceLock<Option<ThreadPool>>,
}

/// Tells the work that nobody waits for it any more.
struct CancelOnDrop(Arc<AtomicBool>);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Shared {
    /// Runs `build` on the threads that build trees.
    fn on_builders<T: Send>(&self, build: impl FnOnce() -> T + Send) -> T {
        let start =
            || ThreadPoolBuilder::new().thread_name(|_| "trees".into()).start_handler(give_way).build().ok();
        match self.builders.get_or_init(start) {
            Some(pool) => pool.install(build),
            None => build(),
        }
    }
}

/// Lets this thread run only while no other thread wants its processor: a tree has time, and a shard that somebody
/// waits for has not. A low priority (`nice`) would still leave a tenth of the machine to the trees of a few nodes.
fn give_way(_: usize) {
    // Elsewhere than on Linux it would be the priority of the whole process.
    #[cfg(target_os = "linux")]
    {
        use thread_priority::{
            NormalThreadSchedulePolicy::Idle, ThreadPriority, ThreadSchedulePolicy::Normal,
            set_thread_priority_and_policy, thread_native_id,
        };
        // Where it is not allowed, trees are built all the same.
        let _ = set_thread_priority_and_policy(thread_native_id(), ThreadPriority::Min, Normal(Idle));
    }
}

impl LiveProver {
    /// A prover, and where its keys come from.
    pub fn new(circuits: Circuits, keys: ProofKeys, rng: Rc<dyn Rng>) -> Self {
        let shared = Shared {
            circuits,
            keys,
            proof: Mutex::default(),
            pass: Mutex::default(),
            tree: Mutex::default(),
            builders: OnceLock::new(),
        };
        Self { shared: Arc::new(shared), rng }
    }

    /// Runs `job` when it is its turn, unless nobody waits for it any more.
    fn run<T: Send + 'static>(
        &self,
        turn: fn(&Shared) -> &Mutex<()>,
        job: impl FnOnce(&Shared, Arc<AtomicBool>) -> Result<T, ProverError> + Send + 'static,
    ) -> LocalBoxFuture<'static, Result<T, ProverError>> {
        let (shared, cancelled) = (self.shared.clone(), Arc::new(AtomicBool::new(false)));
        let guard = CancelOnDrop(cancelled.clone());
        let work = tokio::task::spawn_blocking(move || {
            let _turn = turn(&shared).lock().unwrap_or_else(PoisonError::into_inner);
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
    fn circuit(&self) -> ProviderCircuit {
        self.shared.circuits.provider
    }

    fn commit(
        &self,
        length: u64,
        mut read: ReadSlot,
    ) -> LocalBoxFuture<'static, Result<SlotTree, ProverError>> {
        self.run(
            |shared| &shared.tree,
            move |shared, cancelled| {
                let mut read: ReadSlot = Box::new(move |range| {
                    let gone = cancelled.load(Ordering::Relaxed);
                    if gone { Err(ProveError::Cancelled.to_string()) } else { read(range) }
                });
                let levels = shared.circuits.provider.levels();
                shared.on_builders(|| build_tree(levels, Schedule::Pool, length, &mut read))
            },
        )
    }

    fn open(
        &self,
        tree: Arc<SlotTree>,
        challenged: Challenged,
        mut read: ReadSlot,
    ) -> LocalBoxFuture<'static, Result<SlotOpenings, ProverError>> {
        self.run(|shared| &shared.proof, move |shared, _| shared.circuits.open(&tree, challenged, &mut read))
    }

    fn prove(&self, slots: Vec<SlotOpenings>) -> LocalBoxFuture<'static, Result<Proof, ProverError>> {
        let mut random = self.rng.generator();
        self.run(
            |shared| &shared.proof,
            move |shared, cancelled| {
                let witness = shared.circuits.witness(slots)?;
                let key = (shared.keys.provider)()?;
                Ok(prove(&key, &shared.circuits.provider, &witness, &mut random, &cancelled)?)
            },
        )
    }

    fn uphold(
        &self,
        tree: Arc<SlotTree>,
        index: u64,
        mut read: ReadSlot,
    ) -> LocalBoxFuture<'static, Result<Proof, ProverError>> {
        let mut random = self.rng.generator();
        self.run(
            |shared| &shared.proof,
            move |shared, cancelled| {
                let witness = shared.circuits.doubted(&tree, index, &mut read)?;
                let key = (shared.keys.opening)()?;
                Ok(prove(&key, &shared.circuits.opening, &witness, &mut random, &cancelled)?)
            },
        )
    }

    fn pass(&self, visit: Visit) -> LocalBoxFuture<'static, Result<Vec<u8>, ProverError>> {
        let mut random = self.rng.generator();
        self.run(
            |shared| &shared.pass,
            move |shared, cancelled| {
                let key = (shared.keys.access)()?;
                make_pass(&key, &shared.circuits.access, &visit, &mut random, &cancelled)
            },
        )
    }

    fn access_key(&self) -> LocalBoxFuture<'static, Result<VerifyingKey, ProverError>> {
        self.run(|shared| &shared.pass, |shared, _| Ok((shared.keys.access)()?.verifying.clone()))
    }
}
