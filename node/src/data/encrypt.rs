//! Step 1: a plaintext segment becomes a ciphertext segment, in place.
//!
//! AES-256-GCM (NIST SP 800-38D) in the STREAM construction with a 32-bit big-endian counter (Hoang,
//! Reyhanitabar, Rogaway, Vizár: "Online Authenticated-Encryption and its Nonce-Reuse
//! Misuse-Resistance", 2015). The nonce is a 7-byte prefix ‖ the segment number ‖ a flag that is 1 for
//! the file's last segment, so a segment that was moved, dropped, repeated or cut off does not open.
//! The associated data is the format version ‖ the placement id, so a segment of another placement
//! does not open either.
//!
//! The prefix is all zero. In STREAM it separates the files that share a key; here no two files do, since
//! each has a content key of its own, drawn at random.
//!
//! **Invariant:** a content key and a segment number never meet a second plaintext. Two plaintexts under
//! one nonce would give away their difference and the authentication key. Nothing here can check that;
//! the client keeps it with its upload journal, which holds the hash of every plaintext segment that was
//! encrypted: a put that is taken up again sends the stored ciphertext, or encrypts a segment again only
//! if its hash is unchanged, and otherwise starts over with a fresh key.

use crate::types::PlacementId;
use aead_stream::{NewStream, StreamBE32, StreamPrimitive};
use aes_gcm::{Aes256Gcm, KeyInit};
use std::fmt;

/// The version of the segment format; the first byte of the associated data.
const VERSION: u8 = 1;
/// The part of the nonce that tells files under one key apart; no two files share a key.
const NONCE_PREFIX: [u8; 7] = [0; 7];

/// Encrypts and decrypts the segments of one file. Its key schedule is wiped when it is dropped.
pub struct SegmentCipher {
    stream: StreamBE32<Aes256Gcm>,
    associated: [u8; 33],
}

/// A segment that does not open: the wrong key, the wrong place in the file, or changed bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("segment {segment} does not open: wrong key, wrong place or changed bytes")]
pub struct OpenError {
    /// Which segment.
    pub segment: u32,
}

impl SegmentCipher {
    /// The cipher of the file with this content key and placement.
    pub fn new(content_key: &[u8; 32], placement: &PlacementId) -> Self {
        let cipher = Aes256Gcm::new(content_key.into());
        let mut associated = [VERSION; 33];
        associated[1..].copy_from_slice(placement.as_bytes());
        Self { stream: StreamBE32::from_aead(cipher, &NONCE_PREFIX.into()), associated }
    }

    /// Encrypts `buffer` in place and appends the 16-byte tag. Capacity for the tag spares a copy.
    ///
    /// The caller keeps the invariant above: no second plaintext for the same key and segment.
    pub fn seal(&self, segment: u32, last: bool, buffer: &mut Vec<u8>) {
        self.stream
            .encrypt_in_place(segment, last, &self.associated, buffer)
            .expect("a segment in memory is far below the 64 GiB that one nonce can encrypt");
    }

    /// Decrypts `buffer` in place and cuts the tag off.
    ///
    /// # Errors
    /// [`OpenError`] if the tag does not match; the buffer is then as it was.
    pub fn open(&self, segment: u32, last: bool, buffer: &mut Vec<u8>) -> Result<(), OpenError> {
        self.stream
            .decrypt_in_place(segment, last, &self.associated, buffer)
            .map_err(|_| OpenError { segment })
    }
}

impl fmt::Debug for SegmentCipher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SegmentCipher(key secret)")
    }
}

#[cfg(test)]
mod tests;
