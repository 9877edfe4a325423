//! Who pays: the secp256k1 key of an account on the chain, and what it signs for contracts.

use alloy::{
    consensus::{SignableTransaction, TxEip1559, TxEnvelope},
    eips::eip2718::Encodable2718,
    primitives::{Address, B256, Bytes, Signature},
    signers::{SignerSync, local::PrivateKeySigner},
};
use serde::{Deserialize, Serialize};
use std::fmt;
use zeroize::Zeroize;

/// The key of one account.
#[derive(Clone)]
pub struct Wallet(PrivateKeySigner);

impl Wallet {
    /// The account of a 32-byte secret; `None` if it is zero or not below the group order. The bytes are wiped.
    pub fn from_secret(secret: &mut [u8; 32]) -> Option<Self> {
        let signer = PrivateKeySigner::from_slice(secret).ok();
        secret.zeroize();
        signer.map(Self)
    }

    /// The account's address.
    pub fn address(&self) -> Address {
        self.0.address()
    }

    /// The coordinates x and y of its public key, big-endian.
    pub fn public_key(&self) -> (B256, B256) {
        let key = self.0.public_key();
        (B256::from_slice(&key[..32]), B256::from_slice(&key[32..]))
    }

    /// Signs a digest, such as that of EIP-712 data; the same one gives the same bytes (RFC 6979): r, s, v, with a
    /// low s and v 27 or 28, as contracts take them.
    pub fn sign_digest(&self, digest: B256) -> [u8; 65] {
        self.0.sign_hash_sync(&digest).expect("secp256k1 signing of a hash cannot fail").as_bytes()
    }

    /// Signs a transaction; the same one gives the same bytes (RFC 6979). Returns its hash, and itself as
    /// EIP-2718 encodes it.
    pub fn sign(&self, transaction: TxEip1559) -> (B256, Bytes) {
        let signature = self.0.sign_hash_sync(&transaction.signature_hash());
        let signature = signature.expect("secp256k1 signing of a hash cannot fail");
        let signed = TxEnvelope::from(transaction.into_signed(signature));
        (*signed.tx_hash(), signed.encoded_2718().into())
    }
}

impl fmt::Debug for Wallet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Wallet({})", self.address())
    }
}

/// An account's signature of a digest, as contracts take it: ECDSA, r and s big-endian, v 27 or 28.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountSignature {
    r: [u8; 32],
    s: [u8; 32],
    v: u8,
}

impl AccountSignature {
    /// 65 bytes: r, s, v.
    pub fn from_bytes(bytes: &[u8; 65]) -> Self {
        let (mut r, mut s) = ([0; 32], [0; 32]);
        r.copy_from_slice(&bytes[..32]);
        s.copy_from_slice(&bytes[32..64]);
        Self { r, s, v: bytes[64] }
    }

    /// 65 bytes: r, s, v.
    pub fn to_bytes(self) -> [u8; 65] {
        let mut bytes = [0; 65];
        bytes[..32].copy_from_slice(&self.r);
        bytes[32..64].copy_from_slice(&self.s);
        bytes[64] = self.v;
        bytes
    }

    /// Whose signature of `digest` this is; `None` if it is none that OpenZeppelin's `ECDSA` takes, which refuses a high s
    /// and another v, so that nobody counts on what a contract refuses.
    pub fn signer(&self, digest: B256) -> Option<Address> {
        if !matches!(self.v, 27 | 28) {
            return None;
        }
        let signature = Signature::from_scalars_and_parity(self.r.into(), self.s.into(), self.v == 28);
        if signature.normalize_s().is_some() {
            return None;
        }
        signature.recover_address_from_prehash(&digest).ok()
    }
}
