use super::*;
use proptest::prelude::*;

#[test]
fn each_shard_has_its_own_hash_in_order() {
    let shards = [Bytes::from_static(b"one"), Bytes::from_static(b"two")];
    assert_eq!(hash_shards(&shards), [ShardHash::of(b"one"), ShardHash::of(b"two")]);
}

#[test]
fn length_is_judged_before_the_hash() {
    let expected = ShardHash::of(b"shard");
    assert_eq!(check_shard(b"shard", 5, expected), Ok(()));
    let truncated = check_shard(b"shar", 5, expected);
    assert_eq!(truncated, Err(ShardFault::Length { expected: 5, found: 4 }));
    assert_eq!(truncated.unwrap_err().to_string(), "shard is 4 bytes, expected 5");
    let changed = check_shard(b"shart", 5, expected);
    assert_eq!(changed, Err(ShardFault::Hash { expected, found: ShardHash::of(b"shart") }));
}

proptest! {
    #[test]
    fn any_flipped_bit_is_noticed(
        bytes in proptest::collection::vec(any::<u8>(), 1..500), at: prop::sample::Index, bit in 0..8,
    ) {
        let expected = ShardHash::of(&bytes);
        let mut changed = bytes.clone();
        changed[at.index(bytes.len())] ^= 1_u8 << bit;
        prop_assert!(check_shard(&bytes, bytes.len(), expected).is_ok());
        prop_assert!(check_shard(&changed, bytes.len(), expected).is_err());
    }
}
