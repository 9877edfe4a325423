//! Questions to one peer, each with a typed and checked answer. What this node holds itself is
//! asked from its own actors, so that callers need not care.

use crate::{
    actors::{Service, ask, network::SendRequest},
    data,
    env::{Common, NetError, Work, blocking},
    limits,
    types::{
        Answer, Ask, Bill, Pass, PeerId, PlacementId, PlacementRecord, ProviderRecord, Receipt, Refusal,
        Removal, Request, Response, ShardHash, ShardKey, Signed, SlotOffer, SlotRoot, SlotRoots, Voucher,
    },
};
use actix::Recipient;
use bytes::Bytes;
use std::time::Duration;

/// Why a peer did not give what was asked; by what the asker does next.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PeerError {
    /// Ask another, or later.
    #[error(transparent)]
    Net(#[from] NetError),
    /// It said no, and why.
    #[error("peer {peer} refused: {refusal}")]
    Refused { peer: PeerId, refusal: Refusal },
    /// Get a key that is in the access list, or ask somebody else's node.
    #[error("placement {id} is protected, and there is no access key")]
    NoPass { id: PlacementId },
    /// Mend what keeps this node from making passes.
    #[error("no pass into placement {id}: {why}")]
    Unprovable { id: PlacementId, why: String },
    /// Open a channel to it, or ask somebody else.
    #[error("peer {peer} asks for pay: {why}")]
    Unpaid { peer: PeerId, why: String },
    /// It lied or is broken: do not believe it.
    #[error("peer {peer} gave a wrong answer: {why}")]
    Wrong { peer: PeerId, why: String },
}

/// Asks peers.
#[derive(Clone)]
pub(crate) struct Peers {
    pub(crate) common: Common,
    pub(crate) me: PeerId,
    pub(crate) network: Recipient<SendRequest>,
    pub(crate) own: Service,
}

/// A placement record as a peer gave it: owner's signature checked, id checked, contents consistent.
pub(crate) struct FoundPlacement {
    pub(crate) record: PlacementRecord,
    pub(crate) signed: Signed<PlacementRecord>,
    /// Unverified: whoever relies on one checks its signature.
    pub(crate) holders: Vec<Signed<ProviderRecord>>,
}

impl Peers {
    async fn exchange(&self, peer: PeerId, request: Request, limit: Duration) -> Result<Response, PeerError> {
        let response = if peer == self.me {
            self.own.answer(peer, request).await
        } else {
            ask(&self.network, SendRequest { peer, request, limit }).await?
        };
        match response.answer {
            Answer::Refused(refusal) => Err(PeerError::Refused { peer, refusal }),
            _ => Ok(response),
        }
    }

    async fn exchange_small(&self, peer: PeerId, ask: Ask) -> Result<Answer, PeerError> {
        Ok(self.exchange(peer, ask.into(), limits::REQUEST_TIMEOUT).await?.answer)
    }

    /// Stores a shard; the receipt is signed by the peer and says exactly this shard.
    pub(crate) async fn store_shard(
        &self,
        peer: PeerId,
        key: ShardKey,
        hash: ShardHash,
        bytes: Bytes,
    ) -> Result<(), PeerError> {
        let len = bytes.len();
        let request = Request { ask: Ask::StoreShard { key, hash }, body: bytes };
        let answer = self.exchange(peer, request, limits::SHARD_TIMEOUT).await?.answer;
        let Answer::ShardStored(receipt) = answer else { return Err(unexpected(peer, &answer)) };
        let work = Work::Compute { bytes: 0 };
        let receipt: Receipt = blocking(&*self.common.spawn, work, move || receipt.verify())
            .await
            .map_err(|e| PeerError::Wrong { peer, why: e.to_string() })?;
        let honest = receipt.provider == peer && receipt.shard == key && receipt.hash == hash;
        if !honest || receipt.len as usize != len {
            return Err(PeerError::Wrong { peer, why: "its receipt is for something else".into() });
        }
        Ok(())
    }

    /// Reads a whole shard and checks its bytes against the placement record.
    pub(crate) async fn read_shard(
        &self,
        peer: PeerId,
        key: ShardKey,
        len: usize,
        hash: ShardHash,
    ) -> Result<Bytes, PeerError> {
        let request = Ask::ReadShard { key, offset: 0, len: 0 }.into();
        let Response { answer, body } = self.exchange(peer, request, limits::SHARD_TIMEOUT).await?;
        if answer != Answer::Shard {
            return Err(unexpected(peer, &answer));
        }
        let work = Work::Compute { bytes: body.len() as u64 };
        let check = move || data::check_shard(&body, len, hash).map(|()| body);
        blocking(&*self.common.spawn, work, check)
            .await
            .map_err(|fault| PeerError::Wrong { peer, why: fault.to_string() })
    }

    /// Shows a peer a pass into a protected placement.
    pub(crate) async fn open_access(
        &self,
        peer: PeerId,
        id: PlacementId,
        pass: Pass,
    ) -> Result<(), PeerError> {
        match self.exchange_small(peer, Ask::OpenAccess { id, pass }).await? {
            Answer::AccessOpened => Ok(()),
            answer => Err(unexpected(peer, &answer)),
        }
    }

    /// Reads a placement record and checks it.
    pub(crate) async fn read_placement(
        &self,
        peer: PeerId,
        id: PlacementId,
    ) -> Result<FoundPlacement, PeerError> {
        let wrong = |why: String| PeerError::Wrong { peer, why };
        let answer = self.exchange_small(peer, Ask::ReadPlacement { id }).await?;
        let Answer::Placement { record: signed, holders } = answer else {
            return Err(unexpected(peer, &answer));
        };
        let work = Work::Compute { bytes: signed.encoded_len() as u64 };
        let verify = move || signed.verify().map(|record| (record, signed));
        let (record, signed) =
            blocking(&*self.common.spawn, work, verify).await.map_err(|e| wrong(e.to_string()))?;
        record.validate().map_err(|e| wrong(e.to_string()))?;
        if record.id() != id {
            return Err(wrong("it sent the record of another placement".into()));
        }
        Ok(FoundPlacement { record, signed, holders })
    }

    /// Asks what a peer holds. The connection is authenticated, so its word is taken as its own;
    /// the signature matters to those who get the record from a third.
    pub(crate) async fn holdings(
        &self,
        peer: PeerId,
        id: PlacementId,
    ) -> Result<(ProviderRecord, Signed<ProviderRecord>), PeerError> {
        let answer = self.exchange_small(peer, Ask::Holdings { id }).await?;
        own_record(peer, id, answer)
    }

    /// Gives a peer a placement record to keep.
    pub(crate) async fn store_placement(
        &self,
        peer: PeerId,
        record: Signed<PlacementRecord>,
        id: PlacementId,
    ) -> Result<ProviderRecord, PeerError> {
        let answer = self.exchange_small(peer, Ask::StorePlacement { record }).await?;
        own_record(peer, id, answer).map(|(record, _)| record)
    }

    /// Passes on the owner's order to forget a placement.
    pub(crate) async fn remove(&self, peer: PeerId, order: Signed<Removal>) -> Result<(), PeerError> {
        match self.exchange_small(peer, Ask::Remove { order }).await? {
            Answer::Removed => Ok(()),
            answer => Err(unexpected(peer, &answer)),
        }
    }

    /// The slot root that a peer claims, with its tree's levels and its slot's bytes.
    pub(crate) async fn claim_root(
        &self,
        peer: PeerId,
        id: PlacementId,
        slot: u16,
    ) -> Result<(usize, u64, SlotRoot), PeerError> {
        match self.exchange_small(peer, Ask::ClaimRoot { id, slot }).await? {
            Answer::RootClaimed { levels, length, root } => Ok((usize::from(levels), length, root)),
            answer => Err(unexpected(peer, &answer)),
        }
    }

    /// Lets a peer show cells of its slot; nothing of them is checked yet.
    pub(crate) async fn show_cells(
        &self,
        peer: PeerId,
        id: PlacementId,
        slot: u16,
        cells: Vec<u64>,
    ) -> Result<Bytes, PeerError> {
        let request = Ask::ShowCells { id, slot, cells }.into();
        let Response { answer, body } = self.exchange(peer, request, limits::SHARD_TIMEOUT).await?;
        if answer == Answer::Cells { Ok(body) } else { Err(unexpected(peer, &answer)) }
    }

    /// Gives a peer signed roots to keep.
    pub(crate) async fn store_roots(&self, peer: PeerId, roots: Signed<SlotRoots>) -> Result<(), PeerError> {
        match self.exchange_small(peer, Ask::StoreRoots { roots }).await? {
            Answer::RootsStored => Ok(()),
            answer => Err(unexpected(peer, &answer)),
        }
    }

    /// Offers a peer a slot of an agreement.
    pub(crate) async fn offer_slot(&self, peer: PeerId, offer: SlotOffer) -> Result<(), PeerError> {
        match self.exchange_small(peer, Ask::OfferSlot { offer }).await? {
            Answer::OfferTaken => Ok(()),
            answer => Err(unexpected(peer, &answer)),
        }
    }

    /// What reading from a peer costs; `None` if nothing.
    pub(crate) async fn show_bill(&self, peer: PeerId) -> Result<Option<Bill>, PeerError> {
        match self.exchange_small(peer, Ask::ShowBill).await? {
            Answer::Bill(bill) => Ok(bill),
            answer => Err(unexpected(peer, &answer)),
        }
    }

    /// Pays a peer for what is read from it.
    pub(crate) async fn pay(&self, peer: PeerId, voucher: Voucher) -> Result<(), PeerError> {
        match self.exchange_small(peer, Ask::Pay { voucher }).await? {
            Answer::Paid => Ok(()),
            answer => Err(unexpected(peer, &answer)),
        }
    }

    /// Asks a peer to redeem the last voucher of a channel and to close it.
    pub(crate) async fn close_channel(&self, peer: PeerId, channel: u64) -> Result<(), PeerError> {
        match self.exchange_small(peer, Ask::CloseChannel { channel }).await? {
            Answer::ChannelCloses => Ok(()),
            answer => Err(unexpected(peer, &answer)),
        }
    }

    /// The signed roots that a peer keeps: the owner's signature is checked.
    pub(crate) async fn read_roots(
        &self,
        peer: PeerId,
        id: PlacementId,
    ) -> Result<Signed<SlotRoots>, PeerError> {
        let answer = self.exchange_small(peer, Ask::ReadRoots { id }).await?;
        let Answer::Roots(signed) = answer else { return Err(unexpected(peer, &answer)) };
        let work = Work::Compute { bytes: signed.encoded_len() as u64 };
        let verify = move || signed.verify().map(|roots| (roots, signed));
        let (roots, signed) = blocking(&*self.common.spawn, work, verify)
            .await
            .map_err(|e| PeerError::Wrong { peer, why: e.to_string() })?;
        if roots.placement == id {
            Ok(signed)
        } else {
            Err(PeerError::Wrong { peer, why: "it sent the roots of another placement".into() })
        }
    }
}

fn own_record(
    peer: PeerId,
    id: PlacementId,
    answer: Answer,
) -> Result<(ProviderRecord, Signed<ProviderRecord>), PeerError> {
    let Answer::Holdings(signed) = answer else { return Err(unexpected(peer, &answer)) };
    let record = signed.decode_unverified().map_err(|e| PeerError::Wrong { peer, why: e.to_string() })?;
    if record.provider != peer || record.placement != id {
        return Err(PeerError::Wrong { peer, why: "it answered for another peer or placement".into() });
    }
    Ok((record, signed))
}

fn unexpected(peer: PeerId, answer: &Answer) -> PeerError {
    let name = match answer {
        Answer::Status(_) => "a status",
        Answer::ShardStored(_) => "a receipt",
        Answer::Shard => "a shard",
        Answer::Placement { .. } => "a placement record",
        Answer::Holdings(_) => "a provider record",
        Answer::Removed => "a removal",
        Answer::Refused(_) => "a refusal",
        Answer::RootClaimed { .. } => "a root",
        Answer::Cells => "cells",
        Answer::RootsStored => "a note that roots are stored",
        Answer::Roots(_) => "signed roots",
        Answer::AccessOpened => "an open door",
        Answer::OfferTaken => "a taken offer",
        Answer::Bill(_) => "a bill",
        Answer::Paid => "a note that it is paid",
        Answer::ChannelCloses => "a note that a channel closes",
    };
    PeerError::Wrong { peer, why: format!("it answered with {name}") }
}
