//! Foreign bytes: whatever they are, decoding them ends in a value or an error, and takes memory in
//! proportion to their number, not to what they claim.
#![allow(clippy::unwrap_used, reason = "what cannot be unwrapped fails the test")]
#![allow(unsafe_code, reason = "counting allocations takes an allocator of one's own")]

use ark_bn254::{G1Affine, G2Affine};
use ark_ec::AffineRepr;
use holdfast_proofs::{
    access::Pass,
    ceremony::{Ceremony, Phase1, Transcript, contribute},
    circuit::AccessCircuit,
    field::Fr,
    groth16::{Proof, ProvingKey, Trapdoor, encoding, setup},
    spot_check::{OwnSlot, Shown, SpotCheck},
    tree::{Schedule, SlotTree, SlotTreeBuilder, TreeError},
};
use proptest::prelude::*;
use rand_chacha::ChaCha8Rng;
use rand_core::SeedableRng;
use rayon::{ThreadPool, ThreadPoolBuilder};
use sha2::{Digest, Sha256};
use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
    ops::Range,
    sync::LazyLock,
};

thread_local! {
    static LIVE: Cell<usize> = const { Cell::new(0) };
    static PEAK: Cell<usize> = const { Cell::new(0) };
    /// Allocations of other threads would not be counted.
    static THIS_THREAD: ThreadPool =
        ThreadPoolBuilder::new().num_threads(1).use_current_thread().build().unwrap();
}

struct Counting;

// SAFETY: every call is the system allocator's; the counting beside it allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LIVE.set(LIVE.get() + layout.size());
        PEAK.set(PEAK.get().max(LIVE.get()));
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        LIVE.set(LIVE.get().saturating_sub(layout.size()));
        // SAFETY: the caller's promise is passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// Most bytes that `work` held at one time on this thread.
fn peak(work: impl FnOnce()) -> usize {
    let before = LIVE.get();
    PEAK.set(before);
    work();
    PEAK.get() - before
}

/// Points take up no more than they are written in, but vectors grow by doubling.
fn bound(len: usize) -> usize {
    (64 << 10) + 8 * len
}

static KEY: LazyLock<ProvingKey> =
    LazyLock::new(|| setup(&AccessCircuit::new(1).unwrap(), &Trapdoor::insecure_development()).unwrap());

fn circuit() -> [u8; 32] {
    KEY.verifying.circuit
}

/// Sixteen powers of one, which is enough for a file.
fn powers() -> Vec<u8> {
    let (one1, one2) = (G1Affine::generator(), G2Affine::generator());
    let mut header = 32_u32.to_le_bytes().to_vec();
    let modulus = "47fd7cd8168c203c8dca7168916a81975d588181b64550b829a031e1724e6430";
    header.extend(hex::decode(modulus).unwrap());
    header.extend([4_u32.to_le_bytes(), 4_u32.to_le_bytes()].concat());
    let limbs = |coordinates: &[ark_bn254::Fq]| -> Vec<u8> {
        coordinates.iter().flat_map(|it| it.0.0).flat_map(u64::to_le_bytes).collect()
    };
    let g1 = limbs(&[one1.x, one1.y]);
    let g2 = limbs(&[one2.x.c0, one2.x.c1, one2.y.c0, one2.y.c1]);
    let sections = [header, g1.repeat(31), g2.repeat(16), g1.repeat(16), g1.repeat(16), g2];
    let mut file = b"ptau\x01\0\0\0\x06\0\0\0".to_vec();
    for (kind, content) in (1_u32..).zip(sections) {
        file.extend(kind.to_le_bytes());
        file.extend((content.len() as u64).to_le_bytes());
        file.extend(content);
    }
    file
}

static SLOT: LazyLock<Vec<u8>> = LazyLock::new(|| (0..20_000_u32).map(|at| (at ^ at >> 6) as u8).collect());

static SHOWN_TREE: LazyLock<SlotTree> = LazyLock::new(|| {
    let mut tree = SlotTreeBuilder::new(2, Schedule::Inline).unwrap();
    tree.push(&SLOT).unwrap();
    tree.finish()
});

/// What a provider shows of a slot, and its owner's check, which alone tells an answer from others.
static SHOWN: LazyLock<(Shown, SpotCheck)> = LazyLock::new(|| {
    let slot = &*SLOT;
    let mut own = OwnSlot::draw(&mut ChaCha8Rng::seed_from_u64(1), 3, 2, slot.len() as u64).unwrap();
    own.push(slot).unwrap();
    let (_, check) = own.finish().unwrap();
    let indices: Vec<u64> = check.indices().collect();
    let read =
        |range: Range<u64>| Ok::<_, TreeError>(slot[range.start as usize..range.end as usize].to_vec());
    (Shown::open(&SHOWN_TREE, &indices, read).unwrap(), check)
});

/// Decodes; true if that worked.
type Decoder = fn(&[u8]) -> bool;

/// Every decoder of foreign bytes, with something that it takes.
static DECODERS: LazyLock<Vec<(&str, Vec<u8>, Decoder)>> = LazyLock::new(|| {
    let mut held = Ceremony::start(KEY.clone());
    contribute(&mut held.key, &mut held.transcript, &mut ChaCha8Rng::seed_from_u64(1));
    let (one1, one2) = (G1Affine::generator(), G2Affine::generator());
    let proof = Proof { a: one1, b: one2, c: one1 };
    let pass = Pass { nullifier: Fr::from(1), proof: proof.clone() };
    vec![
        ("bare proof", encoding::proof_to_bytes(&proof).to_vec(), |bytes| {
            encoding::proof_from_bytes(bytes).is_ok()
        }),
        ("proof", encoding::seal_proof(&proof, &circuit()), |bytes| {
            encoding::open_proof(bytes, &circuit()).is_ok()
        }),
        ("pass", pass.to_bytes(&circuit()), |bytes| Pass::from_bytes(bytes, &circuit()).is_ok()),
        ("verifying key", encoding::verifying_key_to_bytes(&KEY.verifying), |bytes| {
            encoding::verifying_key_from_bytes(bytes, &circuit()).is_ok()
        }),
        ("proving key", encoding::proving_key_to_bytes(&KEY), |bytes| {
            encoding::proving_key_from_bytes(bytes, &circuit()).is_ok()
        }),
        ("transcript", held.transcript.to_bytes(), |bytes| Transcript::from_bytes(bytes, &circuit()).is_ok()),
        ("ceremony", held.to_bytes(), |bytes| Ceremony::from_bytes(bytes, None).is_ok()),
        ("kept tree", SHOWN_TREE.to_bytes(), |bytes| {
            // Other nodes are another tree, which the bytes alone do not tell.
            SlotTree::from_bytes(bytes).is_ok_and(|tree| tree == *SHOWN_TREE)
        }),
        ("shown cells", SHOWN.0.to_bytes(), |bytes| {
            let (shown, check) = &*SHOWN;
            let read = Shown::from_bytes(bytes, shown.cells.len());
            read.is_ok_and(|shown| check.check(SHOWN_TREE.root(), &shown).is_ok())
        }),
        ("phase 1", powers(), |bytes| {
            let pinned = Sha256::digest(bytes).into();
            THIS_THREAD.with(|pool| pool.install(|| Phase1::import(bytes, &pinned).is_ok()))
        }),
    ]
});

#[test]
fn what_was_written_is_read() {
    for (name, bytes, decoder) in &*DECODERS {
        assert!(decoder(bytes), "{name}");
    }
}

/// Any four bytes of a header may be a count or a length.
#[test]
fn claimed_lengths_reserve_nothing() {
    for (name, bytes, decoder) in &*DECODERS {
        for at in 0..bytes.len().min(1_200).saturating_sub(4) {
            for claim in [[0xff; 4], [0xff, 0xff, 0x0f, 0], [0, 0, 0x10, 0]] {
                let mut bytes = bytes.clone();
                bytes[at..at + 4].copy_from_slice(&claim);
                let held = peak(|| _ = decoder(&bytes));
                assert!(held <= bound(bytes.len()), "{name} at {at} held {held} bytes for {}", bytes.len());
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn arbitrary_bytes_are_refused(keep in 0_usize..120, body in proptest::collection::vec(any::<u8>(), 0..600)) {
        for (name, good, decoder) in &*DECODERS {
            let bytes = [&good[..keep.min(good.len())], &body].concat();
            let mut taken = false;
            let held = peak(|| taken = decoder(&bytes));
            prop_assert!(!taken || bytes == *good, "{} took {} bytes", name, bytes.len());
            prop_assert!(held <= bound(bytes.len()), "{} held {} bytes", name, held);
        }
    }

    #[test]
    fn no_part_of_it_is_taken_for_the_whole(at in any::<prop::sample::Index>(), more in any::<u8>()) {
        for (name, good, decoder) in &*DECODERS {
            prop_assert!(!decoder(&good[..at.index(good.len())]), "{}", name);
            prop_assert!(!decoder(&[good.as_slice(), &[more]].concat()), "{}", name);
        }
    }
}
