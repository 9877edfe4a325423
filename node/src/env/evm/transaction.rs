//! Signed transactions.

use crate::{env::ChainError, limits};
use alloy::{
    consensus::{Signed, TxEip1559, TxEnvelope},
    eips::eip2718::Decodable2718,
    primitives::{Address, B256, Bytes, U256},
};
use revm::context::TxEnv;

/// An EIP-1559 transaction whose signature was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transaction {
    /// Who signed it.
    pub sender: Address,
    /// The decoded transaction and its signature.
    pub signed: Signed<TxEip1559>,
    /// The same as it came (EIP-2718).
    pub raw: Bytes,
}

impl Transaction {
    /// Decodes a transaction and recovers who signed it.
    ///
    /// # Errors
    /// [`ChainError::Invalid`] if it is too long, no EIP-1559 transaction, or its signature is none.
    pub fn decode(raw: Bytes) -> Result<Self, ChainError> {
        let invalid = |why: String| ChainError::Invalid { why };
        if raw.len() > limits::MAX_TRANSACTION {
            let most = limits::MAX_TRANSACTION;
            return Err(invalid(format!("the transaction has {} bytes, the limit is {most}", raw.len())));
        }
        let envelope = TxEnvelope::decode_2718_exact(&raw)
            .map_err(|why| invalid(format!("the transaction cannot be decoded: {why}")))?;
        let TxEnvelope::Eip1559(signed) = envelope else {
            return Err(invalid(format!("transactions of {} are not taken", envelope.tx_type())));
        };
        let sender = signed.recover_signer().map_err(|why| invalid(format!("its signature: {why}")))?;
        Ok(Self { sender, signed, raw })
    }

    /// Its hash, which names it.
    pub fn hash(&self) -> B256 {
        *self.signed.hash()
    }

    /// What was signed.
    pub fn tx(&self) -> &TxEip1559 {
        self.signed.tx()
    }

    /// Most wei that it can cost its sender.
    pub(super) fn cost(&self) -> U256 {
        let tx = self.tx();
        (U256::from(tx.gas_limit) * U256::from(tx.max_fee_per_gas)).saturating_add(tx.value)
    }

    /// Wei of each unit of gas that are its block producer's; `None` if it does not pay the base fee.
    pub(super) fn tip(&self, base_fee: u64) -> Option<u128> {
        let above = self.tx().max_fee_per_gas.checked_sub(base_fee.into())?;
        Some(above.min(self.tx().max_priority_fee_per_gas))
    }

    /// The same for the EVM.
    pub(super) fn env(&self) -> TxEnv {
        let tx = self.tx();
        TxEnv {
            tx_type: 2,
            caller: self.sender,
            gas_limit: tx.gas_limit,
            gas_price: tx.max_fee_per_gas,
            gas_priority_fee: Some(tx.max_priority_fee_per_gas),
            kind: tx.to,
            value: tx.value,
            data: tx.input.clone(),
            nonce: tx.nonce,
            chain_id: Some(tx.chain_id),
            access_list: tx.access_list.clone(),
            ..TxEnv::default()
        }
    }
}
