//! Serving a shard: who may read it, who pays for it, and whether it is whole.

use super::{
    actor::Shell,
    index::ShardEntry,
    messages::{SellReads, Shelf, StorageError},
    store::{ShardRead, Store, refusal},
};
use crate::{
    actors::{
        ask,
        market::{Charge, Refund},
    },
    env::Work,
    events::Event,
    types::{PeerId, PlacementId, Refusal, ShardKey},
};
use bytes::Bytes;
use std::rc::Rc;

impl Shell {
    /// True if a peer may read a protected placement: it showed a pass, or it is a holder that may have to repair it.
    fn is_admitted(&self, id: PlacementId, peer: PeerId) -> bool {
        let now = self.common.clock.now();
        peer == self.me
            || self.grants.borrow_mut().is_admitted(id, peer, now)
            || self.holdings.borrow().is_holder(id, peer, now)
    }

    /// Reads bytes of a shard for a peer, if it may and has paid.
    pub(super) async fn read_shard(
        self: &Rc<Self>,
        from: PeerId,
        key: ShardKey,
        offset: u32,
        len: u32,
    ) -> Result<Bytes, Refusal> {
        let look = move |store: &Store| -> Result<_, StorageError> {
            let protected = store.look(|index| index.note(Shelf::Access, &key.placement.to_string()))?;
            Ok((store.look(|index| index.shard(key))?, protected.is_some()))
        };
        let (entry, protected) = self.job(Work::Read { bytes: 0 }, look).await.map_err(refusal)?;
        let entry = entry.ok_or(Refusal::NotFound)?;
        if protected && !self.is_admitted(key.placement, from) {
            let epoch = self.grants.borrow_mut().epoch(self.common.clock.now());
            return Err(Refusal::PassNeeded { epoch });
        }
        let sale = self.sale(key.placement, from);
        // All of it is read, whatever was asked for: its hash covers the whole, and so does its price.
        let bytes = u64::from(entry.len);
        if let Some(sale) = &sale {
            ask(&sale.charge, Charge { peer: from, bytes }).await?;
        }
        let read = self.read_entry(key, entry, (offset, len)).await;
        if let (Some(sale), Err(_)) = (&sale, &read) {
            ask(&sale.refund, Refund { peer: from, bytes }).await;
        }
        read
    }

    /// Where a peer pays for reading from a placement. A holder reads for nothing: it may have to repair it, which serves the
    /// network and earns it nothing.
    fn sale(&self, id: PlacementId, peer: PeerId) -> Option<Rc<SellReads>> {
        let sale = self.sales.borrow().clone()?;
        let free = peer == self.me || self.holdings.borrow().is_holder(id, peer, self.common.clock.now());
        (!free).then_some(sale)
    }

    async fn read_entry(
        self: &Rc<Self>,
        key: ShardKey,
        entry: ShardEntry,
        (offset, len): (u32, u32),
    ) -> Result<Bytes, Refusal> {
        let work = Work::Read { bytes: u64::from(entry.len) };
        let bytes = match self.job(work, move |store| store.read_shard(key, &entry)).await.map_err(refusal)? {
            ShardRead::Whole(bytes) => bytes,
            ShardRead::Absent => return Err(Refusal::NotFound),
            ShardRead::Damaged(tag) => {
                self.drop_damaged(key, tag).await.map_err(refusal)?;
                return Err(Refusal::Damaged);
            }
        };
        let (start, end) = (offset as usize, offset as usize + len as usize);
        let end = if len == 0 { bytes.len() } else { end };
        if start > end || end > bytes.len() {
            let why = format!("bytes {start}..{end} of a shard of {} bytes", bytes.len());
            return Err(Refusal::Invalid(why));
        }
        let body = bytes.slice(start..end);
        self.common.record.record(Event::ShardServed { key, len: body.len() as u32 });
        Ok(body)
    }
}
