//! The placement record: all that a stranger needs to repair a file, and nothing more.

use super::{
    Access, Code, FormatError, ListName, ListRoot, PeerId, PlacementId, Policy, ShardHash, Signable,
    Timestamp, decode_versioned, encode_versioned,
};
use crate::limits;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

/// Public and owner-signed. It holds no name and no key; the sealed manifest inside opens only for
/// who has the file's link or the owner's secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlacementRecord {
    /// Who signs it.
    pub owner: PeerId,
    /// Random; with the owner it derives [`PlacementRecord::id`].
    pub nonce: [u8; 32],
    /// The erasure code.
    pub code: Code,
    /// How slots may be spread.
    pub policy: Policy,
    /// Ciphertext bytes (tag included) of every segment but the last.
    pub segment_len: u32,
    /// Ciphertext bytes of the last segment; at least the tag.
    pub last_segment_len: u32,
    /// Hash of every shard: n for segment 0, then n for segment 1, …
    pub shard_hashes: Vec<ShardHash>,
    /// The encrypted manifest.
    pub sealed_manifest: Bytes,
    /// When the owner signed it.
    pub created: Timestamp,
    /// Whom providers serve its shards to, beside its owner and its other holders; `None` is everybody. A record without it
    /// is of version 1; one of version 2 has a list's root at its end, one of version 3 a list's name.
    #[serde(skip)]
    pub access: Option<Access>,
}

/// The version of a record with the root of an access list.
const WITH_ROOT: u8 = 2;
/// The version of a record with the name of an access list on a chain.
const WITH_NAME: u8 = 3;

/// Why a placement record cannot be accepted although its signature is right.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlacementError {
    /// No whole number of segments, or none.
    #[error("placement has {hashes} shard hashes, not a positive multiple of n {n}")]
    Hashes {
        /// Hashes found.
        hashes: usize,
        /// Shards a segment.
        n: usize,
    },
    /// Segment lengths outside the limits.
    #[error("placement has segments of {len} and {last} bytes, outside 16..={}", limits::MAX_SEGMENT + 16)]
    Segments {
        /// Full segments.
        len: u32,
        /// The last.
        last: u32,
    },
}

impl PlacementRecord {
    /// The id that `owner` and `nonce` derive: nobody else can sign a record under it.
    pub fn derive_id(owner: &PeerId, nonce: &[u8; 32]) -> PlacementId {
        let mut hasher = blake3::Hasher::new_derive_key("holdfast placement id v1");
        hasher.update(&owner.to_bytes());
        hasher.update(nonce);
        PlacementId::from_bytes(*hasher.finalize().as_bytes())
    }

    /// This placement's id.
    pub fn id(&self) -> PlacementId {
        Self::derive_id(&self.owner, &self.nonce)
    }

    /// Checks what the types alone cannot.
    ///
    /// # Errors
    /// [`PlacementError`] by what is inconsistent.
    pub fn validate(&self) -> Result<(), PlacementError> {
        let (hashes, n) = (self.shard_hashes.len(), self.code.n());
        if hashes == 0 || !hashes.is_multiple_of(n) {
            return Err(PlacementError::Hashes { hashes, n });
        }
        let range = limits::TAG as u32..=(limits::MAX_SEGMENT + limits::TAG) as u32;
        if !range.contains(&self.segment_len) || !range.contains(&self.last_segment_len) {
            return Err(PlacementError::Segments { len: self.segment_len, last: self.last_segment_len });
        }
        Ok(())
    }

    /// Number of segments.
    pub fn segments(&self) -> u32 {
        (self.shard_hashes.len() / self.code.n()) as u32
    }

    /// Ciphertext bytes of a segment.
    pub fn ciphertext_len(&self, segment: u32) -> usize {
        let last = segment + 1 == self.segments();
        (if last { self.last_segment_len } else { self.segment_len }) as usize
    }

    /// Bytes of each shard of a segment.
    pub fn shard_len(&self, segment: u32) -> usize {
        crate::data::shard_len(self.code, self.ciphertext_len(segment))
    }

    /// The hash a shard must have; `None` if there is no such shard.
    pub fn shard_hash(&self, segment: u32, slot: u16) -> Option<ShardHash> {
        if segment >= self.segments() || usize::from(slot) >= self.code.n() {
            return None;
        }
        Some(self.shard_hashes[segment as usize * self.code.n() + usize::from(slot)])
    }

    /// The n hashes of a segment's shards, in slot order.
    pub fn segment_hashes(&self, segment: u32) -> &[ShardHash] {
        let n = self.code.n();
        &self.shard_hashes[segment as usize * n..][..n]
    }
}

impl Signable for PlacementRecord {
    const NAME: &'static str = "placement record";
    const VERSION: u8 = 1;
    const LIMIT: usize = limits::MAX_PLACEMENT_RECORD;
    fn signer(&self) -> PeerId {
        self.owner
    }
    fn encode(&self) -> Vec<u8> {
        let version = match self.access {
            None => Self::VERSION,
            Some(Access::Root(_)) => WITH_ROOT,
            Some(Access::Listed(_)) => WITH_NAME,
        };
        let mut bytes = encode_versioned(version, self);
        bytes.extend(self.access.into_iter().flat_map(Access::to_bytes));
        bytes
    }
    fn decode(bytes: &[u8]) -> Result<Self, FormatError> {
        let malformed = |why: &str| FormatError::Malformed { what: Self::NAME, why: why.into() };
        let short = || malformed("it ends before its access list");
        let (version, record, access) = match bytes.first() {
            Some(&WITH_ROOT) => {
                let (record, root) = bytes.split_last_chunk().ok_or_else(short)?;
                let root = ListRoot::from_bytes(root);
                let root = root.ok_or_else(|| malformed("its access list is not below the modulus"))?;
                (WITH_ROOT, record, Access::Root(root))
            }
            Some(&WITH_NAME) => {
                let (record, name) = bytes.split_last_chunk().ok_or_else(short)?;
                (WITH_NAME, record, Access::Listed(ListName::from_bytes(name)))
            }
            _ => return decode_versioned(Self::NAME, Self::VERSION, Self::LIMIT, bytes),
        };
        let record: Self = decode_versioned(Self::NAME, version, Self::LIMIT, record)?;
        Ok(Self { access: Some(access), ..record })
    }
}
