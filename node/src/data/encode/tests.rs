use super::*;
use proptest::prelude::*;
use proptest::sample::{Index, subsequence};

fn code(k: u16, n: u16) -> Code {
    Code::with_default_threshold(k, n).unwrap()
}

/// Bytes without a pattern that a wrong permutation could hide behind.
fn noise(len: usize) -> Vec<u8> {
    let mut bytes = vec![0; len];
    blake3::Hasher::new().update(&len.to_le_bytes()).finalize_xof().fill(&mut bytes);
    bytes
}

fn pick(shards: &[Bytes], slots: &[u16]) -> Vec<(u16, Bytes)> {
    slots.iter().map(|slot| (*slot, shards[usize::from(*slot)].clone())).collect()
}

#[test]
fn data_shards_are_the_padded_ciphertext() {
    let ciphertext = noise(1000);
    let shards = encode(code(4, 8), ciphertext.clone()).unwrap();
    assert_eq!(shards.len(), 8);
    let mut padded = ciphertext;
    padded.resize(4 * 256, 0);
    assert_eq!(shards[..4].concat(), padded);
    assert!(shards.iter().all(|shard| shard.len() == 256));
}

#[test]
fn data_shards_share_the_memory_of_a_roomy_ciphertext() {
    let code = code(4, 8);
    let mut ciphertext = Vec::with_capacity(padded_len(code, 1000));
    ciphertext.extend(noise(1000));
    let at = ciphertext.as_ptr();
    let shards = encode(code, Bytes::from(ciphertext)).unwrap();
    assert_eq!(shards[0].as_ptr(), at);
    assert_eq!(shards[3].as_ptr(), at.wrapping_add(3 * 256));
}

#[test]
fn both_libraries_write_the_same_bytes() {
    let codes = [
        (1, 2),
        (1, 3),
        (1, 9),
        (2, 3),
        (2, 4),
        (3, 4),
        (3, 5),
        (4, 8),
        (5, 6),
        (5, 33),
        (6, 17),
        (7, 15),
        (8, 14),
        (8, 16),
        (9, 10),
        (10, 14),
        (13, 21),
        (16, 80),
        (17, 18),
        (29, 80),
        (32, 96),
        (33, 48),
        (64, 128),
        (100, 150),
        (255, 256),
        (334, 1000),
        (512, 1024),
        (1000, 1024),
        (1023, 1024),
    ];
    for (k, n) in codes {
        let code = code(k, n);
        for len in [1, code.k() * 64, code.k() * 130 + 1] {
            let fast = Codec::new(CodecChoice::Simd).encode(code, noise(len)).unwrap();
            let reference = Codec::new(CodecChoice::NovelPoly).encode(code, noise(len)).unwrap();
            assert!(fast == reference, "{k} of {n}, {len} bytes");
        }
    }
}

#[test]
fn stripes_do_not_show_in_the_bytes() {
    // Longer than any stripe, and no multiple of one.
    for (k, n) in [(1, 3), (2, 4), (10, 14)] {
        let code = code(k, n);
        let len = code.k() * 200_000 + 13;
        let shards = encode(code, noise(len)).unwrap();
        let reference = Codec::new(CodecChoice::NovelPoly).encode(code, noise(len)).unwrap();
        assert!(shards == reference, "{k} of {n}");
        let parity: Vec<u16> = code.slots().rev().take(code.k()).collect();
        for choice in [CodecChoice::Simd, CodecChoice::NovelPoly] {
            let decoded = Codec::new(choice).decode(code, len, &pick(&shards, &parity)).unwrap();
            assert!(decoded == noise(len), "{k} of {n} by {choice:?}");
        }
    }
}

#[test]
fn one_codec_serves_codes_and_lengths_in_any_order() {
    let codec = Codec::default();
    for (k, n, len) in
        [(4, 8, 9000), (32, 96, 70_000), (1, 2, 5), (40, 300, 300_000), (4, 8, 100), (4, 8, 9000)]
    {
        let code = code(k, n);
        let shards = codec.encode(code, noise(len)).unwrap();
        assert_eq!(shards, Codec::new(CodecChoice::NovelPoly).encode(code, noise(len)).unwrap());
        let tail: Vec<u16> = code.slots().rev().take(code.k()).collect();
        assert_eq!(codec.decode(code, len, &pick(&shards, &tail)).unwrap(), noise(len));
    }
}

#[test]
fn the_decoder_and_the_linear_combination_agree() {
    let code = code(40, 100);
    let shards = encode(code, noise(40 * 200)).unwrap();
    for missing in [1, 7, 20, 40] {
        let slots: Vec<u16> = (missing..40 + missing).collect();
        let known: Vec<(u16, &[u8])> = slots.iter().map(|s| (*s, shards[usize::from(*s)].as_ref())).collect();
        let mut by_library = vec![0; 40 * known[0].1.len()];
        for (slot, shard) in known.iter().filter(|(slot, _)| *slot < 40) {
            by_library[usize::from(*slot) * shard.len()..][..shard.len()].copy_from_slice(shard);
        }
        simd::restore(code, &known, &mut by_library);
        assert_eq!(by_library, shards[..40].concat());
        assert_eq!(combine(code, &known).unwrap(), by_library, "{missing} missing");
        let by_novelpoly = novelpoly::restore(code, &known).unwrap();
        assert_eq!(by_novelpoly, shards[..missing.into()].to_vec(), "{missing} missing");
    }
    assert!(few(code, 1) && few(code, 7) && !few(code, 20), "both ways are in use");
}

#[test]
fn the_smallest_segments_survive() {
    for len in [1, 16, 17, 63, 64, 65] {
        let code = code(4, 8);
        let shards = encode(code, noise(len)).unwrap();
        assert_eq!(decode(code, len, &pick(&shards, &[7, 5, 6, 4])).unwrap(), noise(len), "{len} bytes");
    }
}

#[test]
fn lengths_that_no_segment_has_are_refused() {
    let limit = limits::MAX_SEGMENT + limits::TAG;
    for len in [0, limit + 1] {
        let refused = Err(CodecError::SegmentLength { len });
        assert_eq!(encode(code(4, 8), vec![0; len]), refused.clone().map(|()| Vec::new()));
        assert_eq!(decode(code(4, 8), len, &[]), refused.map(|()| Vec::new()));
    }
    assert!(encode(code(1, 2), vec![1; limit]).is_ok(), "the longest segment, whole in one shard");
}

#[test]
fn unusable_shards_are_refused() {
    let code = code(4, 8);
    let shards = encode(code, noise(1000)).unwrap();
    let refused = |shards: &[(u16, Bytes)]| decode(code, 1000, shards).unwrap_err();
    assert_eq!(refused(&pick(&shards, &[0, 1, 7])), CodecError::Count { found: 3, needed: 4 });
    assert_eq!(refused(&pick(&shards, &[0, 1, 1, 7])), CodecError::Repeated { slot: 1 });
    let mut outside = pick(&shards, &[0, 1, 2, 3]);
    outside[3].0 = 8;
    assert_eq!(refused(&outside), CodecError::Slot { slot: 8, n: 8 });
    let mut truncated = pick(&shards, &[0, 1, 2, 7]);
    truncated[2].1.truncate(192);
    assert_eq!(refused(&truncated), CodecError::Length { expected: 256, found: 192 });
}

#[test]
fn the_self_check_passes() {
    self_check().unwrap();
}

/// A code and k or more of its slots, shuffled.
fn code_and_slots() -> impl Strategy<Value = (Code, Vec<u16>)> {
    (1_u16..40).prop_flat_map(|k| (Just(k), k + 1..k + 60)).prop_flat_map(|(k, n)| {
        let slots = subsequence((0..n).collect::<Vec<_>>(), usize::from(k)..=usize::from(n));
        (Just(code(k, n)), slots.prop_shuffle())
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn any_k_shards_give_the_segment_back(
        (code, slots) in code_and_slots(), len in 1_usize..5000, novelpoly: bool,
    ) {
        let choice = if novelpoly { CodecChoice::NovelPoly } else { CodecChoice::Simd };
        let shards = encode(code, noise(len)).unwrap();
        let decoded = Codec::new(choice).decode(code, len, &pick(&shards, &slots)).unwrap();
        prop_assert_eq!(decoded, noise(len));
    }

    #[test]
    fn foreign_parameters_never_panic(
        (code, slots) in code_and_slots(), len in 0_usize..3000, at: Index, cut in 0_usize..200, slot: u16,
    ) {
        let shards = encode(code, noise(len.max(1))).unwrap();
        let mut picked = pick(&shards, &slots);
        let at = at.index(picked.len());
        let shorter = picked[at].1.len().saturating_sub(cut);
        picked[at].1.truncate(shorter);
        picked[at].0 = slot;
        // Whatever is said of these shards, the answer is an error or some bytes of the length asked.
        if let Ok(decoded) = decode(code, len, &picked) {
            prop_assert_eq!(decoded.len(), len);
        }
    }
}
