//! What the market actor writes down, so that a crash costs nothing but time.
//!
//! ```text
//! Pledges     <placement>   which slot of which agreement this node's slot stands behind
//! Agreements  <placement>   what this node's owner asked for, and the agreement that came of it
//! Market      proof         the last proof that was made, until its window is over
//! Market      read          up to which block the chain's log was read
//! ```

use crate::{
    actors::{
        ask,
        storage::{ListNotes, ReadNote, Shelf, StorageError, WriteNote},
    },
    limits,
    types::{Approval, PlacementId, decode_versioned, encode_versioned},
};
use actix::Recipient;
use alloy::primitives::{Address, B256, U256, keccak256};
use alloy::sol_types::SolValue;
use bytes::Bytes;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

const VERSION: u8 = 3;

/// A slot here that stands behind an agreement, or will.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Pledge {
    pub placement: PlacementId,
    pub slot: u16,
    pub chain: u64,
    pub market: Address,
    pub agreement: u64,
    /// Roots of the slot's trees, as they are here and on the chain.
    pub root: B256,
    pub cell_root: B256,
    /// What the market takes an empty slot on; a slot that lost its provider is refilled without.
    pub approval: Option<Approval>,
    /// 10⁻¹⁸ HOLD of stake that the slot locks.
    pub collateral: u128,
}

impl Pledge {
    /// The slot's key in the provider's set.
    pub fn key(&self) -> B256 {
        keccak256((U256::from(self.agreement), U256::from(self.slot)).abi_encode())
    }
}

/// An agreement of this node's owner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct OwnAgreement {
    pub chain: u64,
    pub market: Address,
    /// Tells the agreements about one placement apart.
    pub serial: u32,
    /// `Terms`, ABI-encoded.
    pub terms: Vec<u8>,
    /// Its number, once it is final.
    pub agreement: Option<u64>,
    /// An extension of it that may have been sent and was not seen to end.
    pub extension: Option<Extension>,
    /// True once its escrow came back.
    pub closed: bool,
}

/// Windows that an agreement is extended by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Extension {
    /// The first window that was not paid before.
    pub from: u64,
    /// The first that is not paid then.
    pub to: u64,
}

/// A proof that was made: it is sent as it is, whatever happens, and not made again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct MadeProof {
    pub window: u64,
    pub random: [u8; 24],
    pub version: u32,
    /// The call that submits it.
    pub call: Vec<u8>,
}

/// The notes of one market.
pub(super) struct Notes {
    pub write: Recipient<WriteNote>,
    pub read: Recipient<ReadNote>,
    pub list: Recipient<ListNotes>,
}

impl Notes {
    pub async fn put<T: Serialize>(
        &self,
        shelf: Shelf,
        key: String,
        value: Option<&T>,
    ) -> Result<(), StorageError> {
        let value = value.map(|value| Bytes::from(encode_versioned(VERSION, value)));
        ask(&self.write, WriteNote { shelf, key, value }).await
    }

    async fn get<T: DeserializeOwned>(&self, shelf: Shelf, key: String) -> Result<Option<T>, StorageError> {
        let note = ask(&self.read, ReadNote { shelf, key }).await?;
        note.map(|bytes| decode(&bytes)).transpose()
    }

    pub async fn pledges(&self) -> Result<Vec<Pledge>, StorageError> {
        let notes = ask(&self.list, ListNotes(Shelf::Pledges)).await?;
        notes.iter().map(|(_, bytes)| decode(bytes)).collect()
    }

    pub async fn keep_pledge(&self, pledge: &Pledge) -> Result<(), StorageError> {
        self.put(Shelf::Pledges, pledge.placement.to_string(), Some(pledge)).await
    }

    pub async fn drop_pledge(&self, placement: PlacementId) -> Result<(), StorageError> {
        self.put::<Pledge>(Shelf::Pledges, placement.to_string(), None).await
    }

    pub async fn agreements(&self) -> Result<Vec<(PlacementId, OwnAgreement)>, StorageError> {
        let notes = ask(&self.list, ListNotes(Shelf::Agreements)).await?;
        let parse = |(key, bytes): &(String, Bytes)| {
            let id = key.parse().map_err(|why| StorageError::Index(format!("agreement {key:?}: {why}")))?;
            Ok((id, decode(bytes)?))
        };
        notes.iter().map(parse).collect()
    }

    pub async fn agreement(&self, placement: PlacementId) -> Result<Option<OwnAgreement>, StorageError> {
        self.get(Shelf::Agreements, placement.to_string()).await
    }

    pub async fn keep_agreement(
        &self,
        placement: PlacementId,
        agreement: &OwnAgreement,
    ) -> Result<(), StorageError> {
        self.put(Shelf::Agreements, placement.to_string(), Some(agreement)).await
    }

    pub async fn proof(&self) -> Result<Option<MadeProof>, StorageError> {
        self.get(Shelf::Market, "proof".into()).await
    }

    pub async fn keep_proof(&self, proof: &MadeProof) -> Result<(), StorageError> {
        self.put(Shelf::Market, "proof".into(), Some(proof)).await
    }

    /// The block up to which a market's log was read.
    pub async fn read_to(&self, market: Address) -> Result<Option<u64>, StorageError> {
        let noted: Option<(Address, u64)> = self.get(Shelf::Market, "read".into()).await?;
        Ok(noted.filter(|(of, _)| *of == market).map(|(_, block)| block))
    }

    pub async fn keep_read_to(&self, market: Address, block: u64) -> Result<(), StorageError> {
        self.put(Shelf::Market, "read".into(), Some(&(market, block))).await
    }
}

pub(super) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, StorageError> {
    Ok(decode_versioned("note of the market", VERSION, limits::MAX_MARKET_NOTE, bytes)?)
}
