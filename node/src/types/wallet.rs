//! Who pays: the secp256k1 key of an account on the chain.

use alloy::{
    consensus::{SignableTransaction, TxEip1559, TxEnvelope},
    eips::eip2718::Encodable2718,
    primitives::{Address, B256, Bytes},
    signers::{SignerSync, local::PrivateKeySigner},
};
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
