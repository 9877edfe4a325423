//! The manifest, sealed: version ‖ nonce ‖ AES-256-GCM of the padded manifest ‖ tag.
//!
//! The plaintext is padded with zeros to one of two sizes, so that its length says at most whether the
//! file's name is a long one. The associated data is the version ‖ the placement id: a sealed manifest
//! does not open inside another placement's record.

use crate::{
    limits,
    types::{FormatError, Manifest, ManifestKey, PlacementId},
};
use aes_gcm::{
    Aes256Gcm, KeyInit,
    aead::{AeadInOut, inout::InOutBuf},
};
use bytes::Bytes;
use zeroize::{Zeroize, Zeroizing};

/// The version of the sealed manifest's format.
const VERSION: u8 = 1;
const NONCE: usize = 12;
/// Bytes before the encrypted part.
const HEAD: usize = 1 + NONCE;
/// Plaintext sizes: the first holds names up to about 200 bytes, the second any name.
const PADDED: [usize; 2] = [256, 1280];
/// Most bytes that a manifest's numbers, key and length prefixes take beside its name.
const MAX_REST: usize = 64;

const _: () = assert!(limits::MAX_FILE_NAME + MAX_REST <= PADDED[1]);

/// Why a manifest cannot be sealed or opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// Choose a shorter name.
    #[error("file name is {len} bytes long, the limit is {}", limits::MAX_FILE_NAME)]
    Name {
        /// Bytes of the name.
        len: usize,
    },
    /// The key is not this manifest's, or its bytes were changed.
    #[error("the manifest does not open: wrong key, wrong placement or changed bytes")]
    Tag,
    /// The bytes are no manifest that this build reads.
    #[error(transparent)]
    Format(#[from] FormatError),
}

/// The key of a placement's manifest, derived by its owner: nothing but the secret must be kept.
pub fn manifest_key(owner_secret: &[u8; 32], placement: &PlacementId) -> ManifestKey {
    let mut hasher = blake3::Hasher::new_derive_key("holdfast manifest key v1");
    hasher.update(owner_secret);
    hasher.update(placement.as_bytes());
    let key = ManifestKey::from_bytes(*hasher.finalize().as_bytes());
    hasher.zeroize();
    key
}

/// Seals a manifest. `nonce` must be random, or used only once with this key.
///
/// # Errors
/// [`SealError::Name`] if the name is too long.
pub fn seal_manifest(
    manifest: &Manifest,
    key: &ManifestKey,
    placement: &PlacementId,
    nonce: [u8; NONCE],
) -> Result<Bytes, SealError> {
    if manifest.name.len() > limits::MAX_FILE_NAME {
        return Err(SealError::Name { len: manifest.name.len() });
    }
    // Room for everything, so that no reallocation leaves a copy of the content key behind.
    let mut sealed = Vec::with_capacity(HEAD + PADDED[1] + limits::TAG);
    sealed.push(VERSION);
    sealed.extend_from_slice(&nonce);
    let mut sealed = postcard::to_extend(manifest, sealed).expect("in-memory manifests always encode");
    let plain_len = sealed.len() - HEAD;
    let padded = PADDED.into_iter().find(|size| *size >= plain_len);
    sealed.resize(HEAD + padded.expect("a manifest with a name within its limit fits"), 0);
    let tag = cipher(key)
        .encrypt_inout_detached(&nonce.into(), &associated(placement), InOutBuf::from(&mut sealed[HEAD..]))
        .expect("a manifest is far below the 64 GiB that one nonce can encrypt");
    sealed.extend_from_slice(&tag);
    Ok(Bytes::from(sealed))
}

/// Opens a sealed manifest.
///
/// # Errors
/// [`SealError`] by what is wrong with the key or the bytes.
pub fn open_manifest(
    sealed: &[u8],
    key: &ManifestKey,
    placement: &PlacementId,
) -> Result<Manifest, SealError> {
    let what = "sealed manifest";
    let &found = sealed.first().ok_or(FormatError::Empty { what })?;
    if found != VERSION {
        return Err(FormatError::Version { what, found, known: VERSION }.into());
    }
    let malformed = |why: String| FormatError::Malformed { what, why };
    if !PADDED.map(|size| HEAD + size + limits::TAG).contains(&sealed.len()) {
        return Err(malformed(format!("{} bytes is no size of one", sealed.len())).into());
    }
    let (head, rest) = sealed.split_at(HEAD);
    let (body, tag) = rest.split_at(rest.len() - limits::TAG);
    let (nonce, tag) = (head[1..].try_into(), tag.try_into());
    let mut plain = Zeroizing::new(body.to_vec());
    cipher(key)
        .decrypt_inout_detached(
            nonce.expect("the head holds a version and a nonce"),
            &associated(placement),
            InOutBuf::from(&mut plain[..]),
            tag.expect("the tag was split off by its length"),
        )
        .map_err(|_| SealError::Tag)?;
    let (manifest, padding) =
        postcard::take_from_bytes::<Manifest>(&plain).map_err(|e| malformed(e.to_string()))?;
    if padding.iter().any(|byte| *byte != 0) {
        return Err(malformed("its padding is not zero".into()).into());
    }
    check(&manifest).map_err(malformed)?;
    Ok(manifest)
}

/// What the types alone cannot promise of a manifest that its owner wrote.
fn check(manifest: &Manifest) -> Result<(), String> {
    if manifest.name.len() > limits::MAX_FILE_NAME {
        return Err(format!("its file name is {} bytes long", manifest.name.len()));
    }
    if !(1..=limits::MAX_SEGMENT).contains(&(manifest.segment_len as usize)) {
        return Err(format!("its segments are {} bytes long", manifest.segment_len));
    }
    Ok(())
}

fn cipher(key: &ManifestKey) -> Aes256Gcm {
    Aes256Gcm::new(key.as_bytes().into())
}

fn associated(placement: &PlacementId) -> [u8; 33] {
    let mut associated = [VERSION; 33];
    associated[1..].copy_from_slice(placement.as_bytes());
    associated
}

#[cfg(test)]
mod tests;
