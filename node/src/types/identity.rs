//! Who signs: secp256k1 keys, so that a contract can check the same signer later.

use alloy::primitives::Address;
use libp2p::identity::{Keypair, PublicKey, secp256k1};
use std::fmt;

pub use libp2p::PeerId;

/// A DER-encoded ECDSA signature over secp256k1 and SHA-256 (libp2p peer-id specification).
pub type RawSignature = Vec<u8>;

/// A secp256k1 key pair and the peer id it implies.
#[derive(Clone)]
pub struct Identity {
    keypair: Keypair,
    peer: PeerId,
}

impl Identity {
    /// Builds the identity of a 32-byte secret; `None` if it is zero or not below the group order.
    /// The bytes are wiped.
    pub fn from_secret(secret: &mut [u8; 32]) -> Option<Self> {
        let secret = secp256k1::SecretKey::try_from_bytes(&mut secret[..]).ok()?;
        let keypair = Keypair::from(secp256k1::Keypair::from(secret));
        let peer = keypair.public().to_peer_id();
        Some(Self { keypair, peer })
    }

    /// The peer id; the public key is inlined in it.
    pub fn peer(&self) -> PeerId {
        self.peer
    }

    /// The key pair, for the transports.
    pub fn keypair(&self) -> &Keypair {
        &self.keypair
    }

    /// Signs a message.
    pub fn sign(&self, message: &[u8]) -> RawSignature {
        self.keypair.sign(message).expect("secp256k1 signing of a hashed message cannot fail")
    }

    /// True if `signature` over `message` was made by the key inlined in `peer`.
    pub fn verify(peer: &PeerId, message: &[u8], signature: &[u8]) -> bool {
        public_key(peer).is_some_and(|key| key.verify(message, signature))
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity({})", self.peer)
    }
}

/// The account (EVM) of the key inlined in a peer id, which is a provider's id on a chain; `None` if none of secp256k1 is.
pub fn account(peer: &PeerId) -> Option<Address> {
    let key = public_key(peer)?.try_into_secp256k1().ok()?;
    Some(Address::from_raw_public_key(&key.to_bytes_uncompressed()[1..]))
}

/// The public key inlined in a peer id (identity multihash, code 0).
fn public_key(peer: &PeerId) -> Option<PublicKey> {
    let multihash: &libp2p::multihash::Multihash<64> = peer.as_ref();
    if multihash.code() != 0 {
        return None;
    }
    PublicKey::try_decode_protobuf(multihash.digest()).ok()
}
