//! What finds and opens a file. Only who holds its key can read it.

use super::PlacementId;
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};
use zeroize::{Zeroize, ZeroizeOnDrop};

/// The key that opens a sealed manifest: 32 bytes for AES-256-GCM.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
pub struct ManifestKey(pub(crate) [u8; 32]);

impl ManifestKey {
    /// Wraps 32 random bytes.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 secret bytes, for the cipher.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for ManifestKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ManifestKey(secret)")
    }
}

/// The plaintext manifest.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
pub struct Manifest {
    /// The file's name, as its owner gave it.
    pub name: String,
    /// Plaintext bytes of the file.
    pub size: u64,
    /// Plaintext bytes of every segment but the last.
    pub segment_len: u32,
    /// The random AES-256 key of this file alone.
    pub content_key: [u8; 32],
}

impl fmt::Debug for Manifest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Manifest({} bytes, key secret)", self.size)
    }
}

/// All that someone needs to read one file: which placement, and the key of its manifest.
///
/// Written `holdfast:<base58 of id ‖ key>`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileLink {
    /// Where the file's placement record is found.
    pub placement: PlacementId,
    /// What opens the manifest inside it.
    pub key: ManifestKey,
}

/// Why a text is no link.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a holdfast link: {0}")]
pub struct LinkError(&'static str);

const SCHEME: &str = "holdfast:";

impl fmt::Display for FileLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = self.placement.as_bytes().to_vec();
        bytes.extend_from_slice(&self.key.0);
        write!(f, "{SCHEME}{}", bs58::encode(&bytes).with_check().into_string())?;
        bytes.zeroize();
        Ok(())
    }
}

impl fmt::Debug for FileLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FileLink({:?}, secret)", self.placement)
    }
}

impl FromStr for FileLink {
    type Err = LinkError;
    fn from_str(text: &str) -> Result<Self, LinkError> {
        let text = text.strip_prefix(SCHEME).ok_or(LinkError("it does not start with holdfast:"))?;
        let mut bytes = bs58::decode(text)
            .with_check(None)
            .into_vec()
            .map_err(|_| LinkError("a character is wrong or missing"))?;
        let parsed = match (bytes.first_chunk::<32>(), bytes.last_chunk::<32>(), bytes.len()) {
            (Some(id), Some(key), 64) => {
                Ok(Self { placement: PlacementId::from_bytes(*id), key: ManifestKey(*key) })
            }
            _ => Err(LinkError("it has the wrong length")),
        };
        bytes.zeroize();
        parsed
    }
}
