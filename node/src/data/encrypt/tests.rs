use super::*;
use crate::limits::TAG;
use proptest::prelude::*;

const KEY: [u8; 32] = [7; 32];

fn placement(byte: u8) -> PlacementId {
    PlacementId::from_bytes([byte; 32])
}

fn sealed(segment: u32, last: bool, plaintext: &[u8]) -> Vec<u8> {
    let mut buffer = plaintext.to_vec();
    SegmentCipher::new(&KEY, &placement(1)).seal(segment, last, &mut buffer);
    buffer
}

/// Tries to open and checks that a refusal leaves the buffer alone.
fn opens(cipher: &SegmentCipher, segment: u32, last: bool, buffer: &[u8]) -> Option<Vec<u8>> {
    let mut copy = buffer.to_vec();
    match cipher.open(segment, last, &mut copy) {
        Ok(()) => Some(copy),
        Err(error) => {
            assert_eq!(error, OpenError { segment });
            assert_eq!(copy, buffer, "a refused segment must stay as it was");
            None
        }
    }
}

#[test]
fn nonce_and_associated_data_are_as_specified() {
    use aes_gcm::aead::{Aead, Payload};
    let mut nonce = [0; 12];
    nonce[7..11].copy_from_slice(&0x0102_0304_u32.to_be_bytes());
    nonce[11] = 1;
    let aad = [&[1_u8][..], &[1; 32]].concat();
    let plain = Payload { msg: b"a segment", aad: &aad };
    let expected = Aes256Gcm::new(&KEY.into()).encrypt(&nonce.into(), plain).unwrap();
    assert_eq!(sealed(0x0102_0304, true, b"a segment"), expected);
}

#[test]
fn reordered_segments_do_not_open() {
    let cipher = SegmentCipher::new(&KEY, &placement(1));
    let (first, second) = (sealed(0, false, b"first"), sealed(1, true, b"second"));
    assert_eq!(opens(&cipher, 0, false, &second), None);
    assert_eq!(opens(&cipher, 1, true, &first), None);
}

#[test]
fn a_truncated_file_does_not_open() {
    let cipher = SegmentCipher::new(&KEY, &placement(1));
    let middle = sealed(0, false, b"not the end");
    assert_eq!(opens(&cipher, 0, true, &middle), None, "a middle segment passed for the last");
    let last = sealed(0, true, b"the end");
    assert_eq!(opens(&cipher, 0, false, &last), None, "the last segment passed for a middle one");
}

#[test]
fn another_key_or_placement_does_not_open() {
    let segment = sealed(3, false, b"mine");
    assert_eq!(opens(&SegmentCipher::new(&[8; 32], &placement(1)), 3, false, &segment), None);
    assert_eq!(opens(&SegmentCipher::new(&KEY, &placement(2)), 3, false, &segment), None);
}

#[test]
fn fewer_bytes_than_a_tag_do_not_open() {
    let cipher = SegmentCipher::new(&KEY, &placement(1));
    for len in 0..TAG {
        assert_eq!(opens(&cipher, 0, true, &vec![0; len]), None);
    }
}

#[test]
fn the_key_is_not_printed() {
    assert_eq!(format!("{:?}", SegmentCipher::new(&KEY, &placement(1))), "SegmentCipher(key secret)");
}

proptest! {
    #[test]
    fn what_is_sealed_opens(
        plain in proptest::collection::vec(any::<u8>(), 0..3000), segment: u32, last: bool,
    ) {
        let cipher = SegmentCipher::new(&KEY, &placement(1));
        let segment_bytes = sealed(segment, last, &plain);
        prop_assert_eq!(segment_bytes.len(), plain.len() + TAG);
        prop_assert_eq!(opens(&cipher, segment, last, &segment_bytes), Some(plain));
    }

    #[test]
    fn any_flipped_bit_is_noticed(
        plain in proptest::collection::vec(any::<u8>(), 0..300), at: prop::sample::Index, bit in 0..8,
    ) {
        let mut bytes = sealed(5, false, &plain);
        let at = at.index(bytes.len());
        bytes[at] ^= 1_u8 << bit;
        prop_assert_eq!(opens(&SegmentCipher::new(&KEY, &placement(1)), 5, false, &bytes), None);
    }

    #[test]
    fn any_cut_is_noticed(plain in proptest::collection::vec(any::<u8>(), 1..300), keep: prop::sample::Index) {
        let bytes = sealed(5, false, &plain);
        let kept = &bytes[..keep.index(bytes.len())];
        prop_assert_eq!(opens(&SegmentCipher::new(&KEY, &placement(1)), 5, false, kept), None);
    }
}
