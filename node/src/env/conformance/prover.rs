//! What a prover must do.

use crate::{
    env::{AccessTicket, Clock, Prover, ProverError, ReadSlot, Visit, prover::build_tree},
    limits,
};
use futures::future::{Either, select};
use holdfast_proofs::{
    access::{AccessKey, AccessList, Gate, GateError, Pass, Scope},
    challenge,
    field::{self, Fr},
    groth16::{VerifyError, VerifyingKey},
    tree::{self, ARITY, GROUP_BYTES, Schedule, SlotTree, TreeError},
};
use std::{
    ops::Range,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

/// Bytes of the slot that is proven: some groups of cells, and a part of one.
const LENGTH: usize = 5 * GROUP_BYTES + 1_000;
/// How long a disk that hangs, hangs.
const HANG: Duration = Duration::from_millis(100);

/// Checks a prover whose circuit has at least two levels and whose proofs `key` verifies. `slow` takes some time, as a disk may, if in this world
/// blocking takes time.
///
/// # Panics
/// With a sentence that says what is broken.
pub async fn check(prover: &dyn Prover, key: &VerifyingKey, clock: &dyn Clock, slow: fn()) {
    let bytes: Arc<Vec<u8>> = Arc::new((0..LENGTH).map(|at| ((at * at) >> 3) as u8 | 1).collect());
    let tree = commits(prover, &bytes).await;
    proves(prover, key, &bytes, &tree).await;
    refuses(prover, &bytes, &tree).await;
    lets_members_in(prover).await;
    holds_up_nobody(prover, clock, &bytes, slow).await;
    stops_when_dropped(prover, clock, &bytes, slow).await;
}

fn reading(bytes: &Arc<Vec<u8>>) -> ReadSlot {
    let bytes = bytes.clone();
    Box::new(move |Range { start, end }| Ok(bytes[start as usize..end as usize].to_vec()))
}

fn seed(number: u8) -> Fr {
    field::pack(&[number; 31])
}

async fn commits(prover: &dyn Prover, bytes: &Arc<Vec<u8>>) -> Arc<SlotTree> {
    let tree = prover.commit(LENGTH as u64, reading(bytes)).await.expect("the slot is committed to");
    let expected = build_tree(&prover.circuit(), Schedule::Inline, LENGTH as u64, &mut reading(bytes));
    assert_eq!(tree.root(), expected.expect("the slot fits").root(), "the root is not the tree's");
    assert_eq!(tree.length(), LENGTH as u64, "the tree forgot its slot's length");
    Arc::new(tree)
}

async fn proves(prover: &dyn Prover, key: &VerifyingKey, bytes: &Arc<Vec<u8>>, tree: &Arc<SlotTree>) {
    let verifier = key.prepare();
    for number in 1..4 {
        let proof = prover.prove(tree.clone(), seed(number), reading(bytes)).await.expect("a proof");
        let again = prover.prove(tree.clone(), seed(number), reading(bytes)).await.expect("a proof");
        assert_ne!(proof, again, "two proofs are the same: nothing blinds them");
        let verify = |root, seed| verifier.verify(&[root, seed], &proof).is_ok();
        assert!(verify(tree.root(), seed(number)), "an honest proof is refused");
        assert!(!verify(tree.root(), seed(number + 1)), "a proof is good for another challenge");
        assert!(!verify(tree.root() + Fr::from(1), seed(number)), "a proof is good for another slot");
    }
}

async fn refuses(prover: &dyn Prover, bytes: &Arc<Vec<u8>>, tree: &Arc<SlotTree>) {
    let circuit = prover.circuit();
    let groups = LENGTH / GROUP_BYTES;
    let group = |index: u64| index as usize / ARITY;
    let challenged = |seed| challenge::indices(seed, circuit.samples(), circuit.levels());
    let (seed, index) = (1..=255)
        .map(seed)
        .find_map(|seed| {
            challenged(seed).into_iter().find(|index| group(*index) < groups).map(|it| (seed, it))
        })
        .expect("some challenge meets the slot's bytes");
    let mut flipped = bytes.to_vec();
    flipped[group(index) * GROUP_BYTES + 77] ^= 4;
    let answer = prover.prove(tree.clone(), seed, reading(&Arc::new(flipped))).await;
    assert!(
        matches!(answer, Err(ProverError::Tree(TreeError::Damaged { .. }))),
        "a flipped bit near challenged cell {index}: {answer:?}"
    );
    let gone = || -> ReadSlot { Box::new(|_| Err("it is gone".to_owned())) };
    let expected = ProverError::Read("it is gone".to_owned());
    assert_eq!(prover.prove(tree.clone(), seed, gone()).await.err(), Some(expected.clone()));
    assert_eq!(prover.commit(LENGTH as u64, gone()).await.err(), Some(expected));
    let capacity = tree::capacity(circuit.levels());
    let zeros: ReadSlot = Box::new(|range| Ok(vec![0; (range.end - range.start) as usize]));
    let answer = prover.commit(capacity + 1, zeros).await.err();
    assert_eq!(answer, Some(ProverError::Tree(TreeError::Full { capacity })), "a slot beyond its tree");
}

/// Whoever is in a list gets a pass, and nobody else.
async fn lets_members_in(prover: &dyn Prover) {
    let key = |number| AccessKey::new(Fr::from(1_000 + number));
    let members = (0..3).map(|number| key(number).member()).collect();
    let list = AccessList::new(limits::ACCESS_LEVELS, members).expect("a list");
    let root = list.root();
    let ticket = |number| Arc::new(AccessTicket { list: list.clone(), key: key(number) });
    let (scope, request) = (Scope { provider: [4; 32], epoch: 9 }, b"a shard".to_vec());
    let visit = |number| Visit { ticket: ticket(number), scope, request: request.clone() };
    let verifying = prover.access_key().await.expect("a key for passes");
    let mut gate = Gate::new(&verifying, root, scope, 10);
    let pass = prover.pass(visit(2)).await.expect("a member gets a pass");
    let pass = Pass::from_bytes(&pass, &verifying.circuit).expect("it is one");
    assert_eq!(gate.admit(b"another shard", &pass), Err(GateError::Proof(VerifyError::Refused)));
    assert_eq!(gate.admit(&request, &pass), Ok(()), "a member is refused");
    assert_eq!(prover.pass(visit(3)).await.err(), Some(ProverError::NotAMember));
}

/// A slow disk does not keep the world from going on.
async fn holds_up_nobody(prover: &dyn Prover, clock: &dyn Clock, bytes: &Arc<Vec<u8>>, slow: fn()) {
    let mut read = reading(bytes);
    let read: ReadSlot = Box::new(move |range| {
        slow();
        read(range)
    });
    match select(prover.commit(LENGTH as u64, read), clock.sleep(HANG / 10)).await {
        Either::Left(_) => panic!("a commit over a slow disk was over before a short sleep"),
        Either::Right(((), commit)) => {
            commit.await.expect("the slot is committed to");
        }
    }
}

/// Work that nobody waits for any more ends, and the prover is free again.
async fn stops_when_dropped(prover: &dyn Prover, clock: &dyn Clock, bytes: &Arc<Vec<u8>>, slow: fn()) {
    let reads = Arc::new(AtomicUsize::new(0));
    for _ in 0..20 {
        let (reads, mut read) = (reads.clone(), reading(bytes));
        let read: ReadSlot = Box::new(move |range| {
            reads.fetch_add(1, Ordering::Relaxed);
            slow();
            read(range)
        });
        drop(prover.commit(LENGTH as u64, read));
    }
    clock.sleep(2 * HANG).await;
    let before = reads.load(Ordering::Relaxed);
    clock.sleep(2 * HANG).await;
    assert_eq!(reads.load(Ordering::Relaxed), before, "dropped work goes on");
    prover.commit(LENGTH as u64, reading(bytes)).await.expect("the prover is free again");
}
