//! What one contributor hands to the next.

use super::Transcript;
use crate::groth16::{
    ProvingKey,
    encoding::{DecodeError, Reader, proving_key_from_bytes, proving_key_to_bytes},
};

/// A ceremony between two contributions: its transcript, and the key that came out of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Ceremony {
    /// Who contributed.
    pub transcript: Transcript,
    /// The key so far.
    pub key: ProvingKey,
}

impl Ceremony {
    /// A ceremony to which nobody has contributed yet.
    #[must_use]
    pub fn start(initial: ProvingKey) -> Self {
        Self { transcript: Transcript::start(&initial), key: initial }
    }

    /// The transcript's encoding and, directly after it, the key's.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.transcript.to_bytes();
        bytes.append(&mut proving_key_to_bytes(&self.key));
        bytes
    }

    /// Reads a ceremony for a given circuit, or for whichever it is.
    ///
    /// # Errors
    /// [`DecodeError`].
    pub fn from_bytes(bytes: &[u8], circuit: Option<&[u8; 32]>) -> Result<Self, DecodeError> {
        let mut reader = Reader(bytes);
        let transcript = Transcript::read(&mut reader, circuit)?;
        let key = proving_key_from_bytes(reader.0, &transcript.circuit)?;
        Ok(Self { transcript, key })
    }
}
