//! What a prover must do.

use crate::{
    env::{AccessTicket, Challenged, Clock, Prover, ProverError, ReadSlot, Visit, prover::build_tree},
    limits,
};
use futures::future::{Either, select};
use holdfast_proofs::{
    access::{AccessKey, AccessList, Gate, GateError, Pass, Scope},
    challenge,
    circuit::{ProviderCircuit, SlotOpenings, opening_publics, provider_publics},
    field::{self, Fr},
    groth16::{VerifyError, VerifyingKey},
    tree::{self, ARITY, CELL_BYTES, GROUP_BYTES, Schedule, SlotTree, TreeError},
};
use std::{
    ops::Range,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

/// Bytes of the first slot that is proven: some groups of cells, and a part of one.
const LENGTH: usize = 5 * GROUP_BYTES + 1_000;
/// How long a disk that hangs, hangs.
const HANG: Duration = Duration::from_millis(100);

/// What verifies a prover's proofs.
pub struct Verifying<'a> {
    /// Those of windows.
    pub provider: &'a VerifyingKey,
    /// Those of doubted cells.
    pub opening: &'a VerifyingKey,
}

/// A slot and its tree.
struct Slot {
    bytes: Arc<Vec<u8>>,
    tree: Arc<SlotTree>,
}

/// Checks a prover whose circuit has at least two levels and two slots. `slow` takes some time, as a disk may, if in
/// this world blocking takes time.
///
/// # Panics
/// With a sentence that says what is broken.
pub async fn check(prover: &dyn Prover, keys: Verifying<'_>, clock: &dyn Clock, slow: fn()) {
    let bytes = |number: usize, length: usize| -> Arc<Vec<u8>> {
        Arc::new((0..length).map(|at| ((at * (at + number)) >> 3) as u8 | 1).collect())
    };
    let slots =
        [commits(prover, bytes(0, LENGTH)).await, commits(prover, bytes(1, LENGTH + GROUP_BYTES)).await];
    proves(prover, keys.provider, &slots).await;
    refuses_what_is_lost(prover, &slots[0]).await;
    refuses_other_slots(prover, &slots).await;
    upholds(prover, keys.opening, &slots[0]).await;
    lets_members_in(prover).await;
    let bytes = &slots[0].bytes;
    holds_up_nobody(prover, clock, bytes, slow).await;
    stops_when_dropped(prover, clock, bytes, slow).await;
}

/// Checks a prover that has no keys: it commits and opens all the same.
///
/// # Panics
/// With a sentence that says what is broken.
pub async fn check_without_keys(prover: &dyn Prover) {
    let slot = commits(prover, Arc::new(vec![7; LENGTH])).await;
    let opened = open_all(prover, seed(1), &vec![&slot; prover.circuit().slots()]).await;
    let refused = prover.prove(opened).await;
    assert!(matches!(refused, Err(ProverError::Key(_))), "proven without a key: {refused:?}");
    let refused = prover.uphold(slot.tree, 0, reading(&slot.bytes)).await;
    assert!(matches!(refused, Err(ProverError::Key(_))), "upheld without a key: {refused:?}");
    assert!(matches!(prover.access_key().await, Err(ProverError::Key(_))), "there is a key for passes");
}

fn reading(bytes: &Arc<Vec<u8>>) -> ReadSlot {
    let bytes = bytes.clone();
    Box::new(move |Range { start, end }| Ok(bytes[start as usize..end as usize].to_vec()))
}

fn seed(number: u8) -> Fr {
    field::pack(&[number; 31])
}

async fn commits(prover: &dyn Prover, bytes: Arc<Vec<u8>>) -> Slot {
    let length = bytes.len() as u64;
    let tree = prover.commit(length, reading(&bytes)).await.expect("the slot is committed to");
    let levels = prover.circuit().levels();
    let expected: Result<SlotTree, _> = build_tree(levels, Schedule::Inline, length, &mut reading(&bytes));
    assert_eq!(tree.root(), expected.expect("the slot fits").root(), "the root is not the tree's");
    assert_eq!(tree.length(), length, "the tree forgot its slot's length");
    Slot { bytes, tree: Arc::new(tree) }
}

async fn open_all(prover: &dyn Prover, seed: Fr, drawn: &[&Slot]) -> Vec<SlotOpenings> {
    let mut opened = Vec::new();
    for (place, slot) in drawn.iter().enumerate() {
        let open = prover.open(slot.tree.clone(), Challenged { seed, place }, reading(&slot.bytes));
        let openings = open.await.expect("a whole slot opens");
        assert_eq!((openings.place(), openings.root()), (place, slot.tree.root()), "another slot was opened");
        opened.push(openings);
    }
    opened
}

/// The two slots in turn, as often as the circuit has slots.
fn drawn<'a>(prover: &dyn Prover, slots: &'a [Slot; 2]) -> Vec<&'a Slot> {
    slots.iter().cycle().take(prover.circuit().slots()).collect()
}

async fn proves(prover: &dyn Prover, key: &VerifyingKey, slots: &[Slot; 2]) {
    let verifier = key.prepare();
    let drawn = drawn(prover, slots);
    let roots: Vec<Fr> = drawn.iter().map(|slot| slot.tree.root()).collect();
    for number in 1..3 {
        let opened = open_all(prover, seed(number), &drawn).await;
        let proof = prover.prove(opened.clone()).await.expect("a proof");
        let again = prover.prove(opened).await.expect("a proof");
        assert_ne!(proof, again, "two proofs are the same: nothing blinds them");
        let verify = |seed, roots: &[Fr]| verifier.verify(&provider_publics(seed, roots), &proof).is_ok();
        assert!(verify(seed(number), &roots), "an honest proof is refused");
        assert!(!verify(seed(number + 1), &roots), "a proof is good for another challenge");
        let mut others = roots.clone();
        others.swap(0, 1);
        assert!(!verify(seed(number), &others), "a proof is good for other slots");
    }
}

/// A challenge whose cells at place 0 meet a group that is all bytes, and one of these cells.
fn challenge_within(circuit: &ProviderCircuit) -> (Fr, u64) {
    let groups = (LENGTH / GROUP_BYTES) as u64;
    let own = |seed| challenge::indices(seed, circuit.samples(), circuit.levels());
    let meets =
        |seed| own(seed).into_iter().find(|index| index / (ARITY as u64) < groups).map(|it| (seed, it));
    (1..=255).map(seed).find_map(meets).expect("some challenge meets the slot's bytes")
}

/// The slot's bytes with one bit flipped near a cell.
fn flipped(slot: &Slot, index: u64) -> ReadSlot {
    let mut bytes = slot.bytes.to_vec();
    bytes[index as usize / ARITY * GROUP_BYTES + 77] ^= 4;
    reading(&Arc::new(bytes))
}

fn gone() -> ReadSlot {
    Box::new(|_| Err("it is gone".to_owned()))
}

async fn refuses_what_is_lost(prover: &dyn Prover, slot: &Slot) {
    let circuit = prover.circuit();
    let (seed, index) = challenge_within(&circuit);
    let challenged = Challenged { seed, place: 0 };
    let open = |read| prover.open(slot.tree.clone(), challenged, read);
    let answer = open(flipped(slot, index)).await.err();
    assert!(
        matches!(answer, Some(ProverError::Tree(TreeError::Damaged { .. }))),
        "a flipped bit near challenged cell {index}: {answer:?}"
    );
    let expected = ProverError::Read("it is gone".to_owned());
    assert_eq!(open(gone()).await.err(), Some(expected.clone()));
    assert_eq!(prover.commit(LENGTH as u64, gone()).await.err(), Some(expected));
    let capacity = tree::capacity(circuit.levels());
    let zeros: ReadSlot = Box::new(|range| Ok(vec![0; (range.end - range.start) as usize]));
    let answer = prover.commit(capacity + 1, zeros).await.err();
    assert_eq!(answer, Some(ProverError::Tree(TreeError::Full { capacity })), "a slot beyond its tree");
}

/// One proof is of all slots drawn, for one challenge.
async fn refuses_other_slots(prover: &dyn Prover, slots: &[Slot; 2]) {
    let expected = prover.circuit().slots();
    let refused = ProverError::Slots { expected };
    let opened = open_all(prover, seed(1), &drawn(prover, slots)).await;
    let mut fewer = opened.clone();
    fewer.pop();
    let mut swapped = opened.clone();
    swapped.swap(0, 1);
    let mut mixed = opened.clone();
    mixed[1] = open_all(prover, seed(2), &drawn(prover, slots)).await.swap_remove(1);
    for other in [Vec::new(), fewer, swapped, mixed, [opened.clone(), opened].concat()] {
        assert_eq!(prover.prove(other).await.err().as_ref(), Some(&refused));
    }
    let nowhere = Challenged { seed: seed(1), place: expected };
    let answer = prover.open(slots[0].tree.clone(), nowhere, reading(&slots[0].bytes)).await;
    assert_eq!(answer.err(), Some(refused), "there is no such place");
}

/// Any cell can be shown under its root, the padding's too, and as no other.
async fn upholds(prover: &dyn Prover, key: &VerifyingKey, slot: &Slot) {
    let verifier = key.prepare();
    let root = slot.tree.root();
    let last = tree::cells(prover.circuit().levels()) - 1;
    for index in [9, last] {
        let uphold = prover.uphold(slot.tree.clone(), index, reading(&slot.bytes));
        let proof = uphold.await.expect("a proof");
        let start = (index as usize * CELL_BYTES).min(slot.bytes.len());
        let end = (start + CELL_BYTES).min(slot.bytes.len());
        let mut cell = [0; CELL_BYTES];
        cell[..end - start].copy_from_slice(&slot.bytes[start..end]);
        let verify = |index, cell| verifier.verify(&opening_publics(root, index, &cell), &proof).is_ok();
        assert!(verify(index, cell), "cell {index} is refused");
        assert!(!verify(index ^ 1, cell), "cell {index} is good for another place");
        cell[0] ^= 1;
        assert!(!verify(index, cell), "the proof is good for another cell than {index}");
    }
    let answer = prover.uphold(slot.tree.clone(), 9, flipped(slot, 9)).await;
    assert!(matches!(answer, Err(ProverError::Tree(TreeError::Damaged { .. }))), "a flipped bit: {answer:?}");
    let answer = prover.uphold(slot.tree.clone(), 9, gone()).await;
    assert_eq!(answer, Err(ProverError::Read("it is gone".to_owned())));
    let answer = prover.uphold(slot.tree.clone(), last + 1, reading(&slot.bytes)).await;
    assert!(matches!(answer, Err(ProverError::Tree(TreeError::OutOfRange { .. }))), "{answer:?}");
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
