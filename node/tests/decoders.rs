//! Foreign bytes: whatever they are, decoding them ends in a value or an error, and takes memory in
//! proportion to their number, not to what they claim.
#![allow(clippy::unwrap_used, reason = "what cannot be unwrapped fails the test")]
#![allow(unsafe_code, reason = "counting allocations takes an allocator of one's own")]

use holdfast::{
    limits,
    types::{
        Answer, Ask, FileLink, HeldSlot, Identity, PlacementRecord, ProviderRecord, Receipt, Removal,
        Signable, Signed, Timestamp, decode_versioned, encode_versioned,
    },
};
use proptest::prelude::*;
use serde::de::DeserializeOwned;
use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
};

thread_local! {
    static LIVE: Cell<usize> = const { Cell::new(0) };
    static PEAK: Cell<usize> = const { Cell::new(0) };
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

fn decode_signed<T: Signable>(bytes: &[u8]) {
    let _ = T::decode(bytes);
    let _ = postcard::from_bytes::<Signed<T>>(bytes).map(|signed| signed.verify());
}

fn decode_wire<T: DeserializeOwned>(bytes: &[u8]) {
    let _ = postcard::from_bytes::<T>(bytes);
}

type Decoder = fn(&[u8]);

/// Every decoder of foreign bytes.
fn decoders() -> [(&'static str, Decoder); 6] {
    [
        ("placement record", decode_signed::<PlacementRecord>),
        ("provider record", decode_signed::<ProviderRecord>),
        ("receipt", decode_signed::<Receipt>),
        ("removal", decode_signed::<Removal>),
        ("ask", decode_wire::<Ask>),
        ("answer", decode_wire::<Answer>),
    ]
}

/// What decoding may hold: a decoded slot is at most 32 bytes for two encoded ones and a list grows by
/// doubling; serde reserves at most 1 MiB ahead for what a length claims.
fn bound(len: usize) -> usize {
    (2 << 20) + 64 * len
}

#[test]
fn claimed_lengths_reserve_nothing() {
    // A version byte or an enum's number, then lengths and numbers of five and ten bytes, all too large.
    for head in 0..=18_u8 {
        for claim in [vec![0xFF, 0xFF, 0xFF, 0xFF, 0x0F], vec![0xFF; 9], [vec![0xFF; 9], vec![0x01]].concat()]
        {
            let bytes = [vec![head], claim.repeat(20)].concat();
            for (name, decoder) in decoders() {
                let held = peak(|| decoder(&bytes));
                assert!(held <= bound(bytes.len()), "{name} held {held} bytes for {}", bytes.len());
            }
        }
    }
}

#[test]
fn an_answer_of_empty_records_is_cut_short() {
    // Answer number 3 (placement), an empty record and signature, then ten million empty holders' records.
    let mut bytes = vec![3, 0, 0, 0x80, 0xAD, 0xE2, 0x04];
    bytes.resize(limits::MAX_HEADER, 0);
    let mut error = None;
    let held = peak(|| error = postcard::from_bytes::<Answer>(&bytes).err());
    assert!(error.is_some(), "ten million holders were taken");
    assert!(held <= 1 << 20, "{held} bytes held");
}

#[test]
fn a_record_of_the_largest_size_stays_in_proportion() {
    let identity = Identity::from_secret(&mut [1; 32]).unwrap();
    let record = ProviderRecord {
        provider: identity.peer(),
        placement: PlacementRecord::derive_id(&identity.peer(), &[0; 32]),
        slots: vec![HeldSlot { slot: 0, missing: vec![] }; 32_000],
        operator: String::new(),
        region: String::new(),
        issued: Timestamp(0),
        expires: Timestamp(0),
    };
    let bytes = encode_versioned(ProviderRecord::VERSION, &record);
    assert!((60 << 10..=limits::MAX_PROVIDER_RECORD).contains(&bytes.len()));
    let mut decoded = None;
    let held = peak(|| {
        decoded = decode_versioned::<ProviderRecord>("record", 1, ProviderRecord::LIMIT, &bytes).ok();
    });
    assert_eq!(decoded, Some(record));
    assert!(held <= bound(bytes.len()), "{held} bytes held for {}", bytes.len());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn arbitrary_bytes_never_panic(head in 0_u8..19, body in proptest::collection::vec(any::<u8>(), 0..600)) {
        let bytes = [vec![head], body].concat();
        for (name, decoder) in decoders() {
            let held = peak(|| decoder(&bytes));
            prop_assert!(held <= bound(bytes.len()), "{} held {} bytes", name, held);
        }
    }

    #[test]
    fn arbitrary_text_is_no_link(text in "\\PC{0,120}") {
        let behind_the_scheme = format!("holdfast:{text}").parse::<FileLink>();
        prop_assert!(text.parse::<FileLink>().is_err());
        prop_assert!(behind_the_scheme.is_err());
    }
}
