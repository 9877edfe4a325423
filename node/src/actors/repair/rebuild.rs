//! Rebuilding the missing shards of a placement from ciphertext, and placing them. No key is needed.

use super::actor::Shared;
use crate::{
    actors::{
        Passes, ask,
        fetch::{Located, fetch_segment},
        holders::Holders,
        network::{Candidate, FindProviders},
        race::Speeds,
    },
    data::{self, CodecError, Place, Recipe},
    env::{Work, blocking},
    events::Event,
    limits,
    types::{PeerId, PlacementId, PlacementRecord, ProviderRecord, ShardKey, Signed},
};
use bytes::Bytes;
use futures::{StreamExt, stream};
use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    rc::Rc,
    sync::Arc,
};

/// One repair under way.
struct Repair<'a> {
    shared: &'a Shared,
    located: Rc<Located>,
    /// Who gets each missing slot.
    targets: BTreeMap<u16, PeerId>,
    recipes: RefCell<BTreeMap<(Vec<u16>, u16), Recipe>>,
    rebuilt: Cell<u32>,
    failed: Cell<u32>,
}

/// Rebuilds what is missing, and gives none of it to `except`; returns what the new holders say they hold now.
pub(super) async fn rebuild(
    shared: &Shared,
    id: PlacementId,
    signed: Signed<PlacementRecord>,
    holders: Holders,
    except: &[PeerId],
    passes: Option<Arc<Passes>>,
) -> Vec<(ProviderRecord, Signed<ProviderRecord>)> {
    let Ok(record) = signed.decode_unverified() else { return Vec::new() };
    let targets = choose_targets(shared, &record, &holders, except).await;
    if targets.is_empty() {
        return Vec::new();
    }
    let live = holders.min_live(record.code, record.segments()) as u16;
    shared.common.record.record(Event::RepairStarted { placement: id, live });
    let (holders, speeds) = (RefCell::new(holders), RefCell::new(Speeds::default()));
    let located = Rc::new(Located { id, record, signed, holders, speeds, passes });
    let (rebuilt, failed) = (Cell::new(0), Cell::new(0));
    let mut repair = Repair { shared, located, targets, recipes: RefCell::default(), rebuilt, failed };
    repair.introduce().await;
    let segments = 0..repair.located.record.segments();
    stream::iter(segments)
        .for_each_concurrent(limits::REPAIR_SEGMENTS_IN_FLIGHT, |segment| repair.segment(segment))
        .await;
    let (rebuilt, failed) = (repair.rebuilt.get(), repair.failed.get());
    shared.common.record.record(Event::RepairEnded { placement: id, rebuilt, failed });
    repair.confirm().await
}

/// Gives every missing slot to a provider: to the one that holds the rest of it, or to a new one
/// that keeps the owner's policy. Slots for which none can be found wait for this node's next look.
async fn choose_targets(
    shared: &Shared,
    record: &PlacementRecord,
    holders: &Holders,
    except: &[PeerId],
) -> BTreeMap<u16, PeerId> {
    let mut missing: Vec<u16> =
        (0..record.segments()).flat_map(|segment| holders.missing(record.code, segment)).collect();
    missing.sort_unstable();
    missing.dedup();
    let mut targets = BTreeMap::new();
    for known in holders.records() {
        for held in known.slots.iter().filter(|held| missing.contains(&held.slot)) {
            targets.insert(held.slot, known.provider);
        }
    }
    missing.retain(|slot| !targets.contains_key(slot));
    let taken: Vec<Place> = holders.records().map(place_of_holder).collect();
    let free_bytes = (0..record.segments()).map(|segment| record.shard_len(segment) as u64).sum();
    let needed = missing.len();
    let except = taken.iter().map(|place| place.peer).chain(except.iter().copied()).collect();
    let wish = FindProviders { wanted: needed + needed / 2, needed, free_bytes, prefer: Vec::new(), except };
    let candidates: Vec<Place> = if needed == 0 {
        Vec::new()
    } else {
        ask(&shared.ask.providers, wish).await.into_iter().map(place_of_candidate).collect()
    };
    let mut shuffle = shared.common.rng.generator();
    let chosen = data::choose(&record.policy, &taken, &candidates, needed, &mut shuffle);
    targets.extend(missing.into_iter().zip(chosen.into_iter().map(|index| candidates[index].peer)));
    targets
}

fn place_of_holder(record: &ProviderRecord) -> Place {
    let (operator, region) = (record.operator.clone(), record.region.clone());
    Place { peer: record.provider, operator, region, free_bytes: 0 }
}

fn place_of_candidate(Candidate { peer, status }: Candidate) -> Place {
    Place { peer, operator: status.operator, region: status.region, free_bytes: status.free_bytes }
}

impl Repair<'_> {
    /// Gives the placement record to the new holders, so that they keep what they get, and with it the signed roots of
    /// its slots. Who does not take the record gets no shards.
    async fn introduce(&mut self) {
        let (id, peers) = (self.located.id, &self.shared.peers);
        // Its owner may not have signed any yet.
        let roots = peers.read_roots(peers.me, id).await.ok();
        let mut accepted = BTreeMap::new();
        for (&slot, &peer) in &self.targets {
            match peers.store_placement(peer, self.located.signed.clone(), id).await {
                Ok(_) => drop(accepted.insert(slot, peer)),
                Err(error) => tracing::info!(%id, slot, %error, "provider does not take the slot"),
            }
            if let (true, Some(roots)) = (accepted.contains_key(&slot), &roots)
                && let Err(error) = peers.store_roots(peer, roots.clone()).await
            {
                tracing::info!(%id, slot, %error, "provider has not the slot roots");
            }
        }
        self.targets = accepted;
    }

    /// Rebuilds and places the missing shards of one segment.
    async fn segment(&self, segment: u32) {
        let missing = self.located.holders.borrow().missing(self.located.record.code, segment);
        let wanted: Vec<u16> = missing.into_iter().filter(|slot| self.targets.contains_key(slot)).collect();
        if wanted.is_empty() {
            return;
        }
        let Ok(fetched) = fetch_segment(&self.shared.peers, &self.located, None, segment).await else {
            self.failed.set(self.failed.get() + wanted.len() as u32);
            return;
        };
        let mut shards = fetched.shards;
        shards.truncate(self.located.record.code.k());
        shards.sort_by_key(|(slot, _)| *slot);
        let mut bytes_fetched: u64 = shards.iter().map(|(_, bytes)| bytes.len() as u64).sum();
        for slot in wanted {
            match self.place(segment, slot, &shards).await {
                Ok(sent) => {
                    self.count(ShardKey { placement: self.located.id, segment, slot }, bytes_fetched, sent);
                }
                Err(why) => {
                    tracing::info!(id = %self.located.id, segment, slot, why, "shard not repaired");
                    self.failed.set(self.failed.get() + 1);
                }
            }
            // What was fetched once serves every shard of the segment, and is counted once.
            bytes_fetched = 0;
        }
    }

    fn count(&self, key: ShardKey, fetched: u64, sent: u64) {
        let holder = self.targets[&key.slot];
        self.rebuilt.set(self.rebuilt.get() + 1);
        self.shared.rebuilt.set(self.shared.rebuilt.get() + 1);
        self.shared.common.record.record(Event::ShardRepaired { key, holder, fetched, sent });
    }

    /// Rebuilds one shard from k others and stores it; returns its length.
    async fn place(&self, segment: u32, slot: u16, survivors: &[(u16, Bytes)]) -> Result<u64, String> {
        let record = &self.located.record;
        let recipe = self.recipe(survivors, slot).map_err(|e| e.to_string())?;
        let bytes: Vec<Bytes> = survivors.iter().map(|(_, bytes)| bytes.clone()).collect();
        let hash = record.shard_hash(segment, slot).ok_or("no such shard")?;
        let len = record.shard_len(segment);
        let job = move || {
            let rebuilt = Bytes::from(recipe.rebuild(&bytes).map_err(|e| e.to_string())?);
            data::check_shard(&rebuilt, len, hash).map_err(|e| e.to_string())?;
            Ok::<Bytes, String>(rebuilt)
        };
        let work = Work::Compute { bytes: (len * record.code.k()) as u64 };
        let rebuilt = blocking(&*self.shared.common.spawn, work, job).await?;
        let key = ShardKey { placement: self.located.id, segment, slot };
        let stored = self.shared.peers.store_shard(self.targets[&slot], key, hash, rebuilt).await;
        stored.map(|()| len as u64).map_err(|e| e.to_string())
    }

    fn recipe(&self, survivors: &[(u16, Bytes)], lost: u16) -> Result<Recipe, CodecError> {
        let slots: Vec<u16> = survivors.iter().map(|(slot, _)| *slot).collect();
        let mut recipes = self.recipes.borrow_mut();
        if let Some(recipe) = recipes.get(&(slots.clone(), lost)) {
            return Ok(recipe.clone());
        }
        let recipe = Recipe::new(self.located.record.code, &slots, lost)?;
        recipes.insert((slots, lost), recipe.clone());
        Ok(recipe)
    }

    /// What the new holders say they hold now.
    async fn confirm(&self) -> Vec<(ProviderRecord, Signed<ProviderRecord>)> {
        let mut records = Vec::new();
        for &peer in self.targets.values() {
            if let Ok(record) = self.shared.peers.holdings(peer, self.located.id).await {
                records.push(record);
            }
        }
        records
    }
}
