use super::*;
use crate::data::{Codec, CodecChoice, decode, encode};
use crate::limits;
use proptest::prelude::*;
use proptest::sample::subsequence;

fn code(k: u16, n: u16) -> Code {
    Code::with_default_threshold(k, n).unwrap()
}

fn noise(len: usize) -> Vec<u8> {
    let mut bytes = vec![0; len];
    blake3::Hasher::new().update(b"rebuild").finalize_xof().fill(&mut bytes);
    bytes
}

fn pick(shards: &[Bytes], slots: &[u16]) -> Vec<Bytes> {
    slots.iter().map(|slot| shards[usize::from(*slot)].clone()).collect()
}

#[test]
fn every_shard_of_a_code_is_rebuilt_from_every_run_of_survivors() {
    for (k, n) in [(1, 3), (4, 8), (5, 12), (6, 7)] {
        let code = code(k, n);
        let shards = encode(code, noise(code.k() * 100)).unwrap();
        for lost in code.slots() {
            for start in 0..n {
                let around = (start..start + n).map(|slot| slot % n).filter(|slot| *slot != lost);
                let survivors: Vec<u16> = around.take(code.k()).collect();
                let recipe = Recipe::new(code, &survivors, lost).unwrap();
                let rebuilt = recipe.rebuild(&pick(&shards, &survivors)).unwrap();
                assert_eq!(rebuilt, shards[usize::from(lost)], "{k} of {n}: {lost} from {survivors:?}");
            }
        }
    }
}

#[test]
fn a_long_shard_of_a_large_code_is_rebuilt() {
    let code = code(32, 96);
    let shards = Codec::new(CodecChoice::Simd).encode(code, noise(32 * 20_000)).unwrap();
    let survivors: Vec<u16> = (0..96).step_by(3).map(|slot| slot + 1).collect();
    for lost in [0, 30, 33, 95] {
        let recipe = Recipe::new(code, &survivors, lost).unwrap();
        assert_eq!(recipe.rebuild(&pick(&shards, &survivors)).unwrap(), shards[usize::from(lost)]);
        assert_eq!((recipe.lost(), recipe.survivors()), (lost, &survivors[..]));
    }
}

#[test]
fn impossible_recipes_are_refused() {
    let code = code(4, 8);
    let refused = |survivors: &[u16], lost| Recipe::new(code, survivors, lost).unwrap_err();
    assert_eq!(refused(&[0, 1, 2], 3), CodecError::Count { found: 3, needed: 4 });
    assert_eq!(refused(&[0, 1, 2, 4, 5], 3), CodecError::Count { found: 5, needed: 4 });
    assert_eq!(refused(&[0, 1, 2, 2], 3), CodecError::Repeated { slot: 2 });
    assert_eq!(refused(&[0, 1, 2, 3], 3), CodecError::Repeated { slot: 3 });
    assert_eq!(refused(&[0, 1, 2, 8], 3), CodecError::Slot { slot: 8, n: 8 });
    assert_eq!(refused(&[0, 1, 2, 3], 8), CodecError::Slot { slot: 8, n: 8 });
}

#[test]
fn unusable_survivors_are_refused() {
    let recipe = Recipe::new(code(2, 4), &[1, 2], 0).unwrap();
    let shard = |len: usize| Bytes::from(vec![0; len]);
    let refused = |shards: &[Bytes]| recipe.rebuild(shards).unwrap_err();
    assert_eq!(refused(&[shard(64)]), CodecError::Count { found: 1, needed: 2 });
    assert_eq!(refused(&[shard(64), shard(128)]), CodecError::Length { expected: 64, found: 128 });
    for len in [0, 2, 65, limits::MAX_SHARD + limits::SHARD_ALIGN] {
        assert_eq!(refused(&[shard(len), shard(len)]), CodecError::ShardLength { len });
    }
}

/// A code, a lost slot and k survivors in any order.
fn losses() -> impl Strategy<Value = (Code, u16, Vec<u16>)> {
    let codes = (1_u16..70).prop_flat_map(|k| (Just(k), k + 1..k + 80));
    codes.prop_flat_map(|(k, n)| (Just(k), Just(n), 0..n)).prop_flat_map(|(k, n, lost)| {
        let others: Vec<u16> = (0..n).filter(|slot| *slot != lost).collect();
        (Just(code(k, n)), Just(lost), subsequence(others, usize::from(k)).prop_shuffle())
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn a_rebuilt_shard_is_the_one_that_decode_and_encode_give(
        (code, lost, survivors) in losses(), len in 1_usize..9000,
    ) {
        let shards = encode(code, noise(len)).unwrap();
        let held = pick(&shards, &survivors);
        let rebuilt = Recipe::new(code, &survivors, lost).unwrap().rebuild(&held).unwrap();
        let numbered: Vec<(u16, Bytes)> = survivors.iter().copied().zip(held).collect();
        let again = encode(code, decode(code, len, &numbered).unwrap()).unwrap();
        prop_assert_eq!(&rebuilt, &again[usize::from(lost)]);
        prop_assert_eq!(&rebuilt, &shards[usize::from(lost)]);
    }
}
