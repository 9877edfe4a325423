//! A record and its author's signature, kept as the exact bytes that were signed.

use super::{FormatError, Identity, PeerId, RawSignature, decode_versioned, encode_versioned};
use bytes::Bytes;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::marker::PhantomData;

/// A record that peers sign and pass on.
pub trait Signable: Serialize + DeserializeOwned {
    /// What it is called in errors, and the domain its signatures are separated by.
    const NAME: &'static str;
    /// The format version this build writes and reads.
    const VERSION: u8;
    /// Most encoded bytes accepted.
    const LIMIT: usize;
    /// Who must have signed it.
    fn signer(&self) -> PeerId;
    /// The bytes that are signed: a version byte, and the record.
    fn encode(&self) -> Vec<u8> {
        encode_versioned(Self::VERSION, self)
    }
    /// Reads what [`Signable::encode`] wrote.
    ///
    /// # Errors
    /// [`FormatError`] by what is wrong with the bytes.
    fn decode(bytes: &[u8]) -> Result<Self, FormatError> {
        decode_versioned(Self::NAME, Self::VERSION, Self::LIMIT, bytes)
    }
}

/// A signed `T`: the encoded bytes and the signature over them.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(bound = "")]
pub struct Signed<T> {
    payload: Bytes,
    signature: RawSignature,
    #[serde(skip)]
    kind: PhantomData<fn() -> T>,
}

/// Why a signed record was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// The bytes are not a record of this kind.
    #[error(transparent)]
    Format(#[from] FormatError),
    /// The signature is not its author's.
    #[error("{what} is not signed by {signer}")]
    Forged {
        /// What kind of record.
        what: &'static str,
        /// Who should have signed it.
        signer: PeerId,
    },
}

impl<T: Signable> Signed<T> {
    /// Encodes and signs `record`.
    pub fn new(identity: &Identity, record: &T) -> Self {
        let payload = Bytes::from(record.encode());
        let signature = identity.sign(&message::<T>(&payload));
        Self { payload, signature, kind: PhantomData }
    }

    /// Decodes without checking the signature; only for bytes this node itself verified before.
    ///
    /// # Errors
    /// [`FormatError`] if the bytes are not a record of this kind.
    pub fn decode_unverified(&self) -> Result<T, FormatError> {
        T::decode(&self.payload)
    }

    /// Decodes the record and checks that its author signed it.
    ///
    /// # Errors
    /// [`SignatureError`] if the bytes or the signature are wrong.
    pub fn verify(&self) -> Result<T, SignatureError> {
        let record = self.decode_unverified()?;
        let signer = record.signer();
        if Identity::verify(&signer, &message::<T>(&self.payload), &self.signature) {
            Ok(record)
        } else {
            Err(SignatureError::Forged { what: T::NAME, signer })
        }
    }

    /// Bytes it takes on the wire, apart from length prefixes.
    pub fn encoded_len(&self) -> usize {
        self.payload.len() + self.signature.len()
    }
}

/// Domain-separated message: BLAKE3 in key-derivation mode under the record's name and version.
fn message<T: Signable>(payload: &[u8]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new_derive_key(T::NAME);
    // The version byte, by itself as well.
    hasher.update(&payload[..payload.len().min(1)]);
    hasher.update(payload);
    *hasher.finalize().as_bytes()
}
