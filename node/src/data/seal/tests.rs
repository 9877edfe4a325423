use super::*;
use proptest::prelude::*;

fn placement(byte: u8) -> PlacementId {
    PlacementId::from_bytes([byte; 32])
}

fn manifest(name: &str) -> Manifest {
    Manifest { name: name.into(), size: u64::MAX, segment_len: 4 << 20, content_key: [9; 32] }
}

fn key() -> ManifestKey {
    manifest_key(&[3; 32], &placement(1))
}

fn sealed(name: &str) -> Bytes {
    seal_manifest(&manifest(name), &key(), &placement(1), [5; 12]).unwrap()
}

#[test]
fn a_sealed_manifest_opens_for_its_owner_alone() {
    let bytes = sealed("letters/a.txt");
    assert_eq!(open_manifest(&bytes, &key(), &placement(1)), Ok(manifest("letters/a.txt")));
    let other_owner = manifest_key(&[4; 32], &placement(1));
    assert_eq!(open_manifest(&bytes, &other_owner, &placement(1)), Err(SealError::Tag));
    let other_placement = manifest_key(&[3; 32], &placement(2));
    assert_eq!(open_manifest(&bytes, &other_placement, &placement(1)), Err(SealError::Tag));
    assert_eq!(open_manifest(&bytes, &key(), &placement(2)), Err(SealError::Tag), "moved to another record");
}

#[test]
fn the_length_does_not_tell_the_name() {
    for (len, size) in [(0, 256), (1, 256), (190, 256), (300, 1280), (limits::MAX_FILE_NAME, 1280)] {
        assert_eq!(sealed(&"n".repeat(len)).len(), 1 + 12 + size + 16, "name of {len} bytes");
    }
}

#[test]
fn nothing_of_the_manifest_shows() {
    let bytes = sealed("a-telling-name");
    assert!(!bytes.windows(7).any(|window| window == b"telling"));
    assert!(!bytes.windows(8).any(|window| window == [9; 8]));
}

#[test]
fn a_name_beyond_the_limit_is_refused() {
    let manifest = manifest(&"n".repeat(limits::MAX_FILE_NAME + 1));
    let refused = seal_manifest(&manifest, &key(), &placement(1), [5; 12]);
    assert_eq!(refused, Err(SealError::Name { len: limits::MAX_FILE_NAME + 1 }));
}

#[test]
fn an_unknown_version_is_named() {
    let mut bytes = sealed("a").to_vec();
    bytes[0] = 2;
    let error = open_manifest(&bytes, &key(), &placement(1)).unwrap_err();
    assert_eq!(error.to_string(), "sealed manifest has format version 2, this node reads 1");
    let empty = open_manifest(&[], &key(), &placement(1)).unwrap_err();
    assert_eq!(empty.to_string(), "sealed manifest is empty");
}

#[test]
fn a_manifest_with_impossible_segments_is_refused() {
    for segment_len in [0, limits::MAX_SEGMENT as u32 + 1] {
        let manifest = Manifest { name: "a".into(), size: 1, segment_len, content_key: [9; 32] };
        let bytes = seal_manifest(&manifest, &key(), &placement(1), [5; 12]).unwrap();
        let error = open_manifest(&bytes, &key(), &placement(1)).unwrap_err();
        assert!(error.to_string().contains(&format!("{segment_len} bytes long")), "{error}");
    }
}

proptest! {
    #[test]
    fn any_flipped_bit_is_noticed(at: prop::sample::Index, bit in 0..8) {
        let mut bytes = sealed("a").to_vec();
        let at = at.index(bytes.len());
        bytes[at] ^= 1_u8 << bit;
        prop_assert!(open_manifest(&bytes, &key(), &placement(1)).is_err());
    }

    #[test]
    fn arbitrary_bytes_are_refused(bytes in proptest::collection::vec(any::<u8>(), 0..1400)) {
        prop_assert!(open_manifest(&bytes, &key(), &placement(1)).is_err());
    }

    #[test]
    fn arbitrary_sizes_of_arbitrary_names_open(name in "\\PC{0,200}", size: u64, nonce: [u8; 12]) {
        let manifest = Manifest { name, size, segment_len: 1, content_key: [1; 32] };
        let bytes = seal_manifest(&manifest, &key(), &placement(1), nonce).unwrap();
        prop_assert_eq!(open_manifest(&bytes, &key(), &placement(1)), Ok(manifest));
    }
}
