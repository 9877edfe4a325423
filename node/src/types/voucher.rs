//! Paying for what is read: vouchers of one-way channels, and what a provider asks for.

use super::AccountSignature;
use alloy::primitives::{Address, U256};
use holdfast_contracts::{
    Amount,
    messages::{Message, Voucher as Signed},
};
use serde::{Deserialize, Serialize};

/// Bytes of a GiB.
const GIB: u64 = 1 << 30;

/// What a GiB that is read costs, 10⁻¹⁸ HOLD.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ReadPrice(pub u128);

impl ReadPrice {
    /// What so many bytes cost, 10⁻¹⁸ HOLD, rounded up.
    pub fn of(self, bytes: u64) -> u128 {
        (U256::from(self.0) * U256::from(bytes)).div_ceil(U256::from(GIB)).saturating_to()
    }

    /// As people write it.
    pub fn amount(self) -> Amount {
        Amount(U256::from(self.0))
    }
}

/// "I owe the provider of this channel so much in all": signed by the channel's payer (EIP-712, docs/spec/market.md). It
/// replaces every voucher of the channel with a smaller total.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Voucher {
    /// The channel's number in the contract.
    pub channel: u64,
    /// 10⁻¹⁸ HOLD, all that was ever paid on the channel included.
    pub total: u128,
    /// The payer's signature.
    pub signature: AccountSignature,
}

impl Voucher {
    /// What the payer signs for `total` on a channel of the contract.
    pub fn digest((chain, contract): (u64, Address), channel: u64, total: u128) -> alloy::primitives::B256 {
        Signed { channel: U256::from(channel), total: U256::from(total) }.digest(chain, contract)
    }

    /// The account that signed it for the contract; `None` if its signature is none.
    pub fn signer(&self, place: (u64, Address)) -> Option<Address> {
        self.signature.signer(Self::digest(place, self.channel, self.total))
    }
}

/// What a provider asks for, and what it has of whoever asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bill {
    /// The chain's id (EIP-155).
    pub chain: u64,
    /// The contract of its channels.
    pub contract: Address,
    /// What a read costs.
    pub price: ReadPrice,
    /// The last voucher that it took: of the channel that it was just paid on, or that this reader paid on last.
    pub last: Option<Voucher>,
    /// What is paid and not read yet, 10⁻¹⁸ HOLD.
    pub credit: u128,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Wallet;

    const PLACE: (u64, Address) = (31_337, Address::repeat_byte(7));

    #[test]
    fn a_price_rounds_up_and_does_not_overflow() {
        let price = ReadPrice(1 << 30);
        assert_eq!((price.of(0), price.of(1), price.of(GIB)), (0, 1, 1 << 30));
        assert_eq!(ReadPrice(1).of(1), 1);
        assert_eq!(ReadPrice((1 << 30) + 1).of(1), 2);
        assert_eq!(ReadPrice(u128::MAX).of(u64::MAX), u128::MAX);
    }

    #[test]
    fn a_signature_that_the_contract_refuses_counts_for_nobody() {
        let wallet = Wallet::from_secret(&mut [5; 32]).expect("a secret");
        let signature = wallet.sign_digest(Voucher::digest(PLACE, 3, 40));
        let voucher = Voucher { channel: 3, total: 40, signature: AccountSignature::from_bytes(&signature) };
        assert_eq!(voucher.signer(PLACE), Some(wallet.address()));
        assert_ne!(Voucher { total: 41, ..voucher }.signer(PLACE), Some(wallet.address()));
        assert_ne!(Voucher { channel: 4, ..voucher }.signer(PLACE), Some(wallet.address()));
        assert_ne!(voucher.signer((1, PLACE.1)), Some(wallet.address()));
        // The same signature with n - s, which recovers the same key with the other v.
        let order = U256::from_be_bytes(alloy::hex!(
            "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141"
        ));
        let mut high = signature;
        let s = U256::from_be_slice(&signature[32..64]);
        high[32..64].copy_from_slice(&(order - s).to_be_bytes::<32>());
        high[64] = 55 - signature[64];
        let mut parity = signature;
        parity[64] -= 27;
        for refused in [high, parity, [0; 65], [0xff; 65]] {
            let signature = AccountSignature::from_bytes(&refused);
            assert_eq!(Voucher { signature, ..voucher }.signer(PLACE), None, "{refused:?}");
        }
    }
}
