//! Who holds which shard, exactly and at all times.

use crate::plan::Population;
use holdfast::{
    events::Event,
    types::{Code, PlacementId, Policy, ShardKey},
};
use std::collections::{BTreeMap, BTreeSet};

/// A segment of a placement.
pub type SegmentKey = (PlacementId, u32);

/// How many shards of each stored segment are where they should be.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Redundancy {
    /// Segments looked at.
    pub segments: usize,
    /// Fewest.
    pub min: u16,
    /// 5 % of the segments have this or fewer.
    pub p05: u16,
    /// Half of the segments have this or fewer.
    pub p50: u16,
    /// 95 % of the segments have this or fewer.
    pub p95: u16,
}

/// Books on every shard of a run.
#[derive(Debug)]
pub struct Observer {
    code: Code,
    policy: Policy,
    population: Population,
    /// Holders of each slot, by segment.
    segments: BTreeMap<SegmentKey, Vec<BTreeSet<usize>>>,
    /// What each node holds.
    held: BTreeMap<usize, BTreeSet<ShardKey>>,
    /// The fewest live shards that a segment ever had after it was stored.
    fewest: BTreeMap<SegmentKey, usize>,
    /// Placements whose put was acknowledged.
    stored: BTreeSet<PlacementId>,
    /// Placements of which some shard was ever rebuilt: later holders were chosen by repairers.
    repaired: BTreeSet<PlacementId>,
    /// By number of the node: true if it has been up for so long that every repairer must know it.
    steady: Vec<bool>,
    /// Bits that rotted on a node's disk, less the damages that it reported.
    unreported_rot: BTreeMap<usize, u64>,
    /// Broken placements, as sentences.
    violations: Vec<String>,
    /// Shards rebuilt and placed.
    pub shards_repaired: u64,
    /// Bytes fetched and sent by repairs.
    pub repair_bytes: u64,
    /// Shards found damaged.
    pub shards_damaged: u64,
}

/// Most violations that are kept word for word.
const MAX_VIOLATIONS: usize = 100;

impl Observer {
    /// Empty books for files of one code and policy.
    pub fn new(code: Code, policy: Policy, population: Population) -> Self {
        Self {
            code,
            policy,
            population,
            segments: BTreeMap::new(),
            held: BTreeMap::new(),
            fewest: BTreeMap::new(),
            stored: BTreeSet::new(),
            repaired: BTreeSet::new(),
            steady: Vec::new(),
            unreported_rot: BTreeMap::new(),
            violations: Vec::new(),
            shards_repaired: 0,
            repair_bytes: 0,
            shards_damaged: 0,
        }
    }

    /// Notes what a node reported.
    pub fn event(&mut self, node: usize, event: &Event) {
        match event {
            Event::ShardStored { key, .. } => self.add(node, *key),
            Event::ShardDropped { key } => self.remove(node, *key),
            Event::ShardDamaged { key } => {
                self.shards_damaged += 1;
                if let Some(rot) = self.unreported_rot.get_mut(&node) {
                    *rot = rot.saturating_sub(1);
                }
                self.remove(node, *key);
            }
            Event::ShardRepaired { key, fetched, sent, .. } => {
                self.shards_repaired += 1;
                self.repair_bytes += fetched + sent;
                self.repaired.insert(key.placement);
            }
            Event::RepairStarted { placement, .. } => {
                self.repaired.insert(*placement);
            }
            Event::ShardServed { .. }
            | Event::RepairEnded { .. }
            | Event::RootsSigned { .. }
            | Event::RootRefused { .. }
            | Event::ProbeEnded { .. }
            | Event::TransactionSigned { .. }
            | Event::TransactionEnded { .. } => {}
        }
    }

    /// Notes that bits on a node's disk flipped.
    pub fn rotted(&mut self, node: usize, flips: u32) {
        *self.unreported_rot.entry(node).or_default() += u64::from(flips);
    }

    /// Most shards that a node may have dropped as damaged without a word: those whose rot it did not
    /// report yet.
    pub fn unreported_rot(&self, node: usize) -> u64 {
        self.unreported_rot.get(&node).copied().unwrap_or(0)
    }

    /// Notes that a node and its disk are gone.
    pub fn departed(&mut self, node: usize) {
        for key in self.held.remove(&node).unwrap_or_default() {
            self.forget(node, key);
        }
    }

    /// Notes that a put was acknowledged: from now on the placement counts, and its owner's choice of
    /// providers must obey the policy unless a repairer has already changed it.
    pub fn stored(&mut self, placement: PlacementId, segments: u32) {
        self.stored.insert(placement);
        for segment in 0..segments {
            let n = self.code.n();
            self.segments.entry((placement, segment)).or_insert_with(|| vec![BTreeSet::new(); n]);
            self.lower_fewest((placement, segment));
        }
        if !self.repaired.contains(&placement) {
            self.check_policy(placement);
        }
    }

    fn add(&mut self, node: usize, key: ShardKey) {
        let n = self.code.n();
        if usize::from(key.slot) >= n {
            self.violate(format!("node {node} stored slot {} of {key:?}, beyond n {n}", key.slot));
            return;
        }
        let segment = (key.placement, key.segment);
        let slots = self.segments.entry(segment).or_insert_with(|| vec![BTreeSet::new(); n]);
        slots[usize::from(key.slot)].insert(node);
        let other = slots
            .iter()
            .enumerate()
            .find(|(slot, holders)| *slot != usize::from(key.slot) && holders.contains(&node));
        if let Some((slot, _)) = other {
            let why = format!(
                "node {node} holds slots {slot} and {} of segment {} of {:?}",
                key.slot, key.segment, key.placement
            );
            self.violate(why);
        }
        self.held.entry(node).or_default().insert(key);
        if self.stored.contains(&key.placement) {
            self.check_repair(node, key);
        }
    }

    /// Checks where a repairer put a shard against the bounds, counting the slots of those holders that
    /// it must have known. A holder that was away when its slot was given to another may come back and
    /// exceed a bound; nobody decided that, and it is not held against anyone.
    fn check_repair(&mut self, node: usize, key: ShardKey) {
        let Some(slots) = self.segments.get(&(key.placement, key.segment)) else { return };
        let known = |holder: &usize| self.steady.get(*holder).copied().unwrap_or(false);
        let others = |shares: &dyn Fn(usize) -> bool| {
            let slots = slots.iter().enumerate().filter(|(slot, _)| *slot != usize::from(key.slot));
            slots.filter(|(_, holders)| holders.iter().any(|h| known(h) && shares(*h))).count()
        };
        let (operator, region) = (self.population.operator(node), self.population.region(node));
        let counts = [
            (
                "operator",
                operator,
                others(&|h| self.population.operator(h) == operator) + 1,
                self.policy.max_per_operator,
            ),
            (
                "region",
                region,
                others(&|h| self.population.region(h) == region) + 1,
                self.policy.max_per_region,
            ),
        ];
        for (what, number, count, bound) in counts {
            if count > usize::from(bound) {
                self.violate(format!(
                    "a repair gave {what} {number} its slot number {count} of segment {} of {:?}, the bound is {bound}",
                    key.segment, key.placement
                ));
            }
        }
    }

    /// Says which nodes every repairer must know, by number.
    pub fn set_steady(&mut self, steady: Vec<bool>) {
        self.steady = steady;
    }

    /// Says that a node is away from now on, so that a repairer need not know it.
    pub fn away(&mut self, node: usize) {
        if let Some(steady) = self.steady.get_mut(node) {
            *steady = false;
        }
    }

    fn remove(&mut self, node: usize, key: ShardKey) {
        if self.held.get_mut(&node).is_some_and(|held| held.remove(&key)) {
            self.forget(node, key);
        }
    }

    fn forget(&mut self, node: usize, key: ShardKey) {
        let segment = (key.placement, key.segment);
        if let Some(slots) = self.segments.get_mut(&segment) {
            slots[usize::from(key.slot)].remove(&node);
        }
        if self.stored.contains(&key.placement) {
            self.lower_fewest(segment);
        }
    }

    fn lower_fewest(&mut self, segment: SegmentKey) {
        let live = self.live(segment);
        let fewest = self.fewest.entry(segment).or_insert(live);
        *fewest = live.min(*fewest);
    }

    /// Checks the owner's placement against the bounds per operator and region.
    fn check_policy(&mut self, placement: PlacementId) {
        let mut broken = Vec::new();
        for (segment, slots) in self.segments_of(placement) {
            let (mut operators, mut regions) = (BTreeMap::new(), BTreeMap::new());
            for &node in slots.iter().flatten() {
                *operators.entry(self.population.operator(node)).or_insert(0u32) += 1;
                *regions.entry(self.population.region(node)).or_insert(0u32) += 1;
            }
            for (what, counts, bound) in [
                ("operator", operators, self.policy.max_per_operator),
                ("region", regions, self.policy.max_per_region),
            ] {
                for (number, count) in counts.into_iter().filter(|&(_, count)| count > u32::from(bound)) {
                    broken.push(format!(
                        "{what} {number} has {count} slots of segment {segment} of {placement:?}, the bound is {bound}"
                    ));
                }
            }
        }
        broken.into_iter().for_each(|why| self.violate(why));
    }

    fn violate(&mut self, why: String) {
        if self.violations.len() < MAX_VIOLATIONS {
            self.violations.push(why);
        }
    }

    fn segments_of(&self, placement: PlacementId) -> impl Iterator<Item = (u32, &Vec<BTreeSet<usize>>)> {
        let range = (placement, 0)..=(placement, u32::MAX);
        self.segments.range(range).map(|((_, segment), slots)| (*segment, slots))
    }

    /// Distinct slots of a segment that are on the disk of a node that has not departed.
    pub fn live(&self, segment: SegmentKey) -> usize {
        self.segments.get(&segment).map_or(0, |slots| count(slots, |_| true))
    }

    /// The live shards of each segment of a placement.
    pub fn live_of(&self, placement: PlacementId) -> Vec<usize> {
        self.segments_of(placement).map(|(_, slots)| count(slots, |_| true)).collect()
    }

    /// The fewest live shards that each segment of a placement ever had.
    pub fn fewest_of(&self, placement: PlacementId) -> Vec<usize> {
        self.fewest.range((placement, 0)..=(placement, u32::MAX)).map(|(_, &fewest)| fewest).collect()
    }

    /// Redundancy over all stored segments, counting shards on nodes that `counts`.
    pub fn redundancy(&self, counts: impl Fn(usize) -> bool) -> Redundancy {
        let mut live: Vec<u16> = self
            .segments
            .iter()
            .filter(|((placement, _), _)| self.stored.contains(placement))
            .map(|(_, slots)| count(slots, &counts) as u16)
            .collect();
        live.sort_unstable();
        let Some(&min) = live.first() else { return Redundancy::default() };
        let quantile = |share: f64| live[((live.len() - 1) as f64 * share).round() as usize];
        Redundancy { segments: live.len(), min, p05: quantile(0.05), p50: quantile(0.5), p95: quantile(0.95) }
    }

    /// Who holds a slot of a placement, by number.
    pub fn holders(&self, placement: PlacementId) -> BTreeSet<usize> {
        self.segments_of(placement).flat_map(|(_, slots)| slots.iter().flatten().copied()).collect()
    }

    /// Shards that a node holds by these books.
    pub fn shards_on(&self, node: usize) -> u64 {
        self.held.get(&node).map_or(0, |held| held.len() as u64)
    }

    /// The erasure code of the run.
    pub fn code(&self) -> Code {
        self.code
    }

    /// Broken placements, as sentences.
    pub fn violations(&self) -> &[String] {
        &self.violations
    }

    /// Stored files of which every segment can be rebuilt.
    pub fn safe(&self) -> usize {
        let k = self.code.k();
        self.stored.iter().filter(|&&id| self.live_of(id).iter().all(|&live| live >= k)).count()
    }
}

fn count(slots: &[BTreeSet<usize>], counts: impl Fn(usize) -> bool) -> usize {
    slots.iter().filter(|holders| holders.iter().any(|&node| counts(node))).count()
}
