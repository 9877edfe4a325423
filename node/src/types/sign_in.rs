//! A member's key out of an account: whoever has the account has the key, on any machine and in any program.
//!
//! The account signs one fixed message (EIP-712), and the secret is derived from the signature, which no one can make who
//! has not the account's key. docs/spec/format.md, section 8, says how, for wallets elsewhere.

use alloy::{
    primitives::B256,
    sol,
    sol_types::{Eip712Domain, SolStruct},
};
use holdfast_proofs::field::{self, Fr};
use std::borrow::Cow;
use zeroize::{Zeroize, Zeroizing};

sol! {
    /// What is signed: a wallet shows its owner the statement.
    struct AccessKey {
        string statement;
    }
}

/// Every byte of it is part of the key of everybody who ever signed in: it can never be changed, only followed by another.
const STATEMENT: &str = "This signature is your Holdfast access key. Whoever has it can read every protected file that you \
may read, now and later. Sign this only in a program that you trust with all these files, and give the signature to nobody. \
It sends nothing and pays nothing.";

/// Separates the secret from whatever else may be derived from such a signature.
const CONTEXT: &str = "holdfast access key of an account v1";

/// What an account signs.
fn digest() -> B256 {
    AccessKey { statement: STATEMENT.into() }.eip712_signing_hash(&Eip712Domain {
        name: Some(Cow::Borrowed("Holdfast access key")),
        version: Some(Cow::Borrowed("1")),
        ..Eip712Domain::default()
    })
}

/// The secret of an account's access key. `sign` signs a digest with the account's key: r, s, v, with a low s.
///
/// `None` if it gives two signatures of one message: then it draws random numbers, and the secret would be lost.
pub fn access_secret(sign: impl Fn(B256) -> [u8; 65]) -> Option<Zeroizing<Fr>> {
    let [first, second] = [digest(); 2].map(|digest| Zeroizing::new(sign(digest)));
    (first == second).then(|| derive(&first))
}

/// BLAKE3 in key-derivation mode over r and s, 64 bytes of it modulo the field's order. v follows from them, and wallets write
/// it in two ways.
fn derive(signature: &[u8; 65]) -> Zeroizing<Fr> {
    let mut hasher = blake3::Hasher::new_derive_key(CONTEXT);
    hasher.update(&signature[..64]);
    let mut reader = hasher.finalize_xof();
    let mut bytes = Zeroizing::new([0; 64]);
    reader.fill(&mut *bytes);
    hasher.zeroize();
    reader.zeroize();
    Zeroizing::new(field::reduce(&bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{Member, Wallet};
    use std::cell::Cell;

    /// The first account of the development mnemonic that anvil, hardhat and others share.
    fn wallet() -> Wallet {
        let mut secret = [0; 32];
        let text = "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";
        hex::decode_to_slice(text, &mut secret).expect("hexadecimal");
        Wallet::from_secret(&mut secret).expect("a key")
    }

    /// Digest and secret as another implementation has them (Python: ecdsa, pycryptodome, blake3).
    #[test]
    fn the_key_of_an_account_is_pinned() {
        let secret = access_secret(|digest| wallet().sign_digest(digest)).expect("it signs the same twice");
        assert_eq!(
            digest().to_string(),
            "0x169c17178b3b91a88400396628d0551cca2cd1895a5c47fd7460098a15b977df"
        );
        assert_eq!(
            Member(*secret).to_string(),
            "27c163bea343b77dbc8e400c31c0698e71d56537225d3453d07a9e8c50b7b2f5"
        );
        let member = holdfast_proofs::access::AccessKey::new(*secret).member();
        assert_eq!(
            Member(member).to_string(),
            "028adf8675d0ce631f4f268ad680440f5c105924e334575797cd6f42c49e3b43"
        );
    }

    #[test]
    fn how_a_wallet_writes_v_does_not_matter_and_all_else_does() {
        let secret = |change: fn(&mut [u8; 65])| {
            access_secret(|digest| {
                let mut signature = wallet().sign_digest(digest);
                change(&mut signature);
                signature
            })
            .expect("it signs the same twice")
        };
        let own = secret(|_| ());
        assert_eq!(secret(|signature| signature[64] -= 27), own);
        assert_ne!(secret(|signature| signature[0] ^= 1), own);
        assert_ne!(secret(|signature| signature[63] ^= 1), own);
    }

    #[test]
    fn an_account_that_signs_otherwise_each_time_gets_no_key() {
        let count = Cell::new(0);
        let sign = |digest| {
            let mut signature = wallet().sign_digest(digest);
            count.set(count.get() + 1);
            signature[40] ^= count.get();
            signature
        };
        assert!(access_secret(sign).is_none());
    }
}
