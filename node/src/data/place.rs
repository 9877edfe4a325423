//! Step 4: which providers take which slots, so that the owner's policy holds.
//!
//! A choice of providers that keeps both bounds is a choice of edges in a bipartite graph (operators on
//! one side, regions on the other, each candidate an edge between its own two) in which no vertex has
//! more edges than its bound. A greedy pass picks well-spread providers with room; where it gets stuck
//! before enough are found, augmenting paths (Kőnig 1931, Berge 1957; here with vertex capacities)
//! exchange some picks for others until enough are found or none can be added.

use crate::types::{PeerId, Policy};
use rand::seq::SliceRandom;
use rand_core::Rng;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// A provider, as far as a placement needs to know it.
///
/// An empty operator or region says nothing: it is counted as one of its own, so no bound applies to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Who.
    pub peer: PeerId,
    /// Who runs it.
    pub operator: String,
    /// Where it stands.
    pub region: String,
    /// Bytes it would still accept.
    pub free_bytes: u64,
}

/// True if `places` are distinct providers and keep the policy's bounds.
pub fn policy_holds(policy: &Policy, places: &[Place]) -> bool {
    let peers: BTreeSet<PeerId> = places.iter().map(|place| place.peer).collect();
    let within = |bound: u16, label: fn(&Place) -> &str| {
        let mut uses = BTreeMap::<&str, usize>::new();
        places.iter().map(label).filter(|label| !label.is_empty()).all(|label| {
            let count = uses.entry(label).or_default();
            *count += 1;
            *count <= usize::from(bound)
        })
    };
    peers.len() == places.len()
        && within(policy.max_per_operator, |place| &place.operator)
        && within(policy.max_per_region, |place| &place.region)
}

/// Chooses up to `wanted` candidates for free slots; returns their indices.
///
/// Guarantees, if `taken` keeps the policy: taken and chosen together keep it (providers are distinct);
/// and fewer than `wanted` are returned only if no choice of more exists. Of candidates with one peer it
/// sees one. Beyond that it prefers operators and regions that are used less, then more free bytes (by
/// power of two), then a random order, so that not every owner picks the same providers.
pub fn choose(
    policy: &Policy,
    taken: &[Place],
    candidates: &[Place],
    wanted: usize,
    shuffle: &mut impl Rng,
) -> Vec<usize> {
    let mut graph = Graph::new(policy, taken, candidates, shuffle);
    while graph.chosen < wanted && graph.pick_best() {}
    while graph.chosen < wanted && graph.augment() {}
    let chosen = graph.edges.iter().filter(|edge| edge.chosen);
    chosen.map(|edge| edge.candidate).collect()
}

/// One side's vertex: an operator or a region.
#[derive(Clone, Copy)]
struct Vertex {
    used: usize,
    bound: usize,
}

impl Vertex {
    fn has_room(self) -> bool {
        self.used < self.bound
    }
}

struct Edge {
    candidate: usize,
    operator: usize,
    region: usize,
    free_class: u32,
    chosen: bool,
}

struct Graph {
    operators: Vec<Vertex>,
    regions: Vec<Vertex>,
    /// In random order.
    edges: Vec<Edge>,
    chosen: usize,
}

/// Gives each label its vertex; an empty label always gets a new one.
#[derive(Default)]
struct Side<'a> {
    names: BTreeMap<&'a str, usize>,
    vertices: Vec<Vertex>,
}

impl<'a> Side<'a> {
    fn vertex(&mut self, label: &'a str, bound: u16) -> usize {
        let next = self.vertices.len();
        let vertex = if label.is_empty() { next } else { *self.names.entry(label).or_insert(next) };
        if vertex == next {
            let bound = if label.is_empty() { 1 } else { usize::from(bound) };
            self.vertices.push(Vertex { used: 0, bound });
        }
        vertex
    }
}

impl Graph {
    fn new(policy: &Policy, taken: &[Place], candidates: &[Place], shuffle: &mut impl Rng) -> Self {
        let (mut operators, mut regions) = (Side::default(), Side::default());
        let mut peers = BTreeSet::new();
        for place in taken {
            peers.insert(place.peer);
            let operator = operators.vertex(&place.operator, policy.max_per_operator);
            operators.vertices[operator].used += 1;
            let region = regions.vertex(&place.region, policy.max_per_region);
            regions.vertices[region].used += 1;
        }
        let mut order: Vec<usize> = (0..candidates.len()).collect();
        order.shuffle(shuffle);
        let mut edges = Vec::with_capacity(order.len());
        for candidate in order {
            let place = &candidates[candidate];
            if peers.insert(place.peer) {
                edges.push(Edge {
                    candidate,
                    operator: operators.vertex(&place.operator, policy.max_per_operator),
                    region: regions.vertex(&place.region, policy.max_per_region),
                    free_class: place.free_bytes.checked_ilog2().map_or(0, |class| class + 1),
                    chosen: false,
                });
            }
        }
        Self { operators: operators.vertices, regions: regions.vertices, edges, chosen: 0 }
    }

    /// Chooses the best edge whose two ends have room; false if there is none.
    fn pick_best(&mut self) -> bool {
        let free = self.edges.iter().enumerate().filter(|(_, edge)| {
            !edge.chosen && self.operators[edge.operator].has_room() && self.regions[edge.region].has_room()
        });
        let best = free.min_by_key(|(_, edge)| {
            let used = (self.operators[edge.operator].used, self.regions[edge.region].used);
            (used, std::cmp::Reverse(edge.free_class))
        });
        let Some((best, _)) = best else { return false };
        self.flip(best);
        self.chosen += 1;
        true
    }

    /// Finds an alternating path from an operator with room to a region with room and flips it, which
    /// adds one to the chosen edges; false if there is none, and then the choice is a maximum.
    fn augment(&mut self) -> bool {
        let Some(path) = self.find_path() else { return false };
        for edge in path {
            self.flip(edge);
        }
        self.chosen += 1;
        true
    }

    /// Breadth first: over unchosen edges from operator to region, over chosen ones back.
    fn find_path(&self) -> Option<Vec<usize>> {
        let mut came_by_operator: Vec<Option<usize>> = vec![None; self.operators.len()];
        let mut came_by_region: Vec<Option<usize>> = vec![None; self.regions.len()];
        let roots = (0..self.operators.len()).filter(|operator| self.operators[*operator].has_room());
        let mut queue: VecDeque<usize> = roots.collect();
        let mut seen: Vec<bool> = self.operators.iter().map(|operator| operator.has_room()).collect();
        while let Some(operator) = queue.pop_front() {
            let outward = self.edges.iter().enumerate().filter(|(_, e)| !e.chosen && e.operator == operator);
            for (index, edge) in outward {
                if came_by_region[edge.region].is_some() {
                    continue;
                }
                came_by_region[edge.region] = Some(index);
                if self.regions[edge.region].has_room() {
                    return Some(self.trace_back(edge.region, &came_by_operator, &came_by_region));
                }
                let inward =
                    self.edges.iter().enumerate().filter(|(_, e)| e.chosen && e.region == edge.region);
                for (back, chosen) in inward {
                    if !seen[chosen.operator] {
                        seen[chosen.operator] = true;
                        came_by_operator[chosen.operator] = Some(back);
                        queue.push_back(chosen.operator);
                    }
                }
            }
        }
        None
    }

    fn trace_back(
        &self,
        end: usize,
        by_operator: &[Option<usize>],
        by_region: &[Option<usize>],
    ) -> Vec<usize> {
        let mut path = Vec::new();
        let mut region = end;
        while let Some(edge) = by_region[region] {
            path.push(edge);
            let Some(back) = by_operator[self.edges[edge].operator] else { break };
            path.push(back);
            region = self.edges[back].region;
        }
        path
    }

    fn flip(&mut self, index: usize) {
        let edge = &mut self.edges[index];
        edge.chosen = !edge.chosen;
        let (operator, region) = (&mut self.operators[edge.operator], &mut self.regions[edge.region]);
        if edge.chosen {
            operator.used += 1;
            region.used += 1;
        } else {
            operator.used -= 1;
            region.used -= 1;
        }
    }
}

#[cfg(test)]
mod tests;
