//! Max–min fair sharing of bandwidth, by progressive filling.
//!
//! Every transfer passes two resources, its sender's uplink and its receiver's downlink, and may have
//! a rate of its own that it cannot exceed. All rates rise together; a transfer stops rising when one
//! of its resources is full or its own limit is reached (Bertsekas and Gallager, *Data Networks*, 1992,
//! §6.5.2). Rates change only when a transfer starts or ends, and only within the set of transfers
//! that are connected with it through shared resources.
//!
//! Pure: the caller says what time it is. Deterministic: ordered maps, and arithmetic in one order.

use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

/// A transfer under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FlowId(u64);

/// A node's uplink or downlink.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Port {
    Up(u32),
    Down(u32),
}

#[derive(Clone, Debug)]
struct Flow {
    up: Port,
    down: Port,
    /// Bytes left at `since`.
    left: f64,
    /// Bytes a second since then.
    rate: f64,
    /// Bytes a second that it never exceeds.
    limit: f64,
    since: u64,
    ends: u64,
}

/// All transfers of a world.
#[derive(Debug, Default)]
pub struct FairShare {
    flows: BTreeMap<FlowId, Flow>,
    /// Transfers of a port; ports without any are absent.
    ports: BTreeMap<Port, BTreeSet<FlowId>>,
    ends: BTreeSet<(u64, FlowId)>,
    next: u64,
}

/// What a transfer needs to be known of.
#[derive(Clone, Copy, Debug)]
pub struct Transfer {
    /// Sending node.
    pub from: u32,
    /// Receiving node.
    pub to: u32,
    /// Bytes to move.
    pub bytes: u64,
    /// Bytes a second that it never exceeds; infinity is no limit.
    pub limit: f64,
}

/// Bytes a second that a node's uplink (`true`) or downlink (`false`) carries.
pub type Capacity<'a> = &'a dyn Fn(u32, bool) -> f64;

impl FairShare {
    /// Starts a transfer at `now` (nanoseconds).
    pub fn start(&mut self, now: u64, transfer: Transfer, capacity: Capacity<'_>) -> FlowId {
        let id = FlowId(self.next);
        self.next += 1;
        let (up, down) = (Port::Up(transfer.from), Port::Down(transfer.to));
        let flow = Flow {
            up,
            down,
            left: transfer.bytes as f64,
            rate: 0.0,
            limit: transfer.limit,
            since: now,
            ends: u64::MAX,
        };
        self.flows.insert(id, flow);
        for port in [up, down] {
            self.ports.entry(port).or_default().insert(id);
        }
        self.share(now, [up, down], capacity);
        id
    }

    /// Ends a transfer that is not finished; nothing happens if it is.
    pub fn cancel(&mut self, now: u64, id: FlowId, capacity: Capacity<'_>) {
        if let Some(ports) = self.remove(id) {
            self.share(now, ports, capacity);
        }
    }

    /// When the next transfer ends, if nothing changes before.
    pub fn next_end(&self) -> Option<u64> {
        self.ends.first().map(|&(at, _)| at)
    }

    /// Ends the transfers that are finished at `now`, in the order they end.
    pub fn finish(&mut self, now: u64, capacity: Capacity<'_>) -> Vec<FlowId> {
        let mut finished = Vec::new();
        while let Some(&(at, id)) = self.ends.first() {
            if at > now {
                break;
            }
            let ports = self.remove(id).expect("a transfer that will end is under way");
            self.share(now, ports, capacity);
            finished.push(id);
        }
        finished
    }

    /// The rate of a transfer, in bytes a second.
    pub fn rate(&self, id: FlowId) -> Option<f64> {
        self.flows.get(&id).map(|flow| flow.rate)
    }

    fn remove(&mut self, id: FlowId) -> Option<[Port; 2]> {
        let flow = self.flows.remove(&id)?;
        self.ends.remove(&(flow.ends, id));
        for port in [flow.up, flow.down] {
            let flows = self.ports.get_mut(&port).expect("a transfer is listed at its ports");
            flows.remove(&id);
            if flows.is_empty() {
                self.ports.remove(&port);
            }
        }
        Some([flow.up, flow.down])
    }

    /// Shares bandwidth anew among all transfers connected with `ports`.
    fn share(&mut self, now: u64, ports: [Port; 2], capacity: Capacity<'_>) {
        let (flows, ports) = self.component(ports);
        let rates = self.fill(&flows, &ports, capacity);
        for (&id, &rate) in flows.iter().zip(&rates) {
            let flow = self.flows.get_mut(&id).expect("a component holds transfers under way");
            flow.left = (flow.left - flow.rate * (now - flow.since) as f64 / 1e9).max(0.0);
            flow.since = now;
            if flow.rate != rate || flow.ends == u64::MAX {
                self.ends.remove(&(flow.ends, id));
                flow.rate = rate;
                // Rounded up, so that a finished transfer has moved all its bytes.
                flow.ends = now.saturating_add((flow.left / rate * 1e9).ceil() as u64);
                self.ends.insert((flow.ends, id));
            }
        }
    }

    /// All transfers and ports that are connected with `start`, in order.
    fn component(&self, start: [Port; 2]) -> (Vec<FlowId>, Vec<Port>) {
        let (mut flows, mut ports) = (BTreeSet::new(), BTreeSet::new());
        let mut open = Vec::from(start);
        while let Some(port) = open.pop() {
            let Some(at_port) = self.ports.get(&port) else { continue };
            if !ports.insert(port) {
                continue;
            }
            for &id in at_port {
                if flows.insert(id) {
                    let flow = &self.flows[&id];
                    open.extend([flow.up, flow.down]);
                }
            }
        }
        (flows.into_iter().collect(), ports.into_iter().collect())
    }

    /// Progressive filling: the rate of each of `flows`.
    fn fill(&self, flows: &[FlowId], ports: &[Port], capacity: Capacity<'_>) -> Vec<f64> {
        let mut filling = Filling::new(self, flows, ports, capacity);
        let mut rates = vec![0.0; flows.len()];
        while let Some((level, stopped)) = filling.step() {
            for flow in stopped {
                rates[flow] = level;
            }
        }
        rates
    }
}

/// A port while it fills up.
struct Filling {
    /// Capacity not yet given away, and transfers still rising, by port.
    room: Vec<(f64, usize)>,
    /// Transfers of each port, as indices.
    members: Vec<Vec<usize>>,
    /// The two ports of each transfer; `None` once it has its rate.
    rising: Vec<Option<[usize; 2]>>,
    /// Levels at which something stops rising, lowest first; a port's level may have risen since.
    stops: BinaryHeap<Stop>,
}

#[derive(PartialEq)]
struct Stop {
    level: f64,
    what: Stopping,
}

#[derive(PartialEq, Eq, PartialOrd, Ord, Clone, Copy)]
enum Stopping {
    Port(usize),
    Flow(usize),
}

impl Eq for Stop {}

impl PartialOrd for Stop {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Stop {
    /// Reversed, since a `BinaryHeap` gives the greatest first.
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        other.level.total_cmp(&self.level).then(other.what.cmp(&self.what))
    }
}

impl Filling {
    fn new(share: &FairShare, flows: &[FlowId], ports: &[Port], capacity: Capacity<'_>) -> Self {
        let index_of = |port: &Port| ports.binary_search(port).expect("a component has its flows' ports");
        let mut members = vec![Vec::new(); ports.len()];
        let (mut rising, mut stops) = (Vec::with_capacity(flows.len()), BinaryHeap::new());
        for (i, id) in flows.iter().enumerate() {
            let flow = &share.flows[id];
            let pair = [index_of(&flow.up), index_of(&flow.down)];
            for port in pair {
                members[port].push(i);
            }
            rising.push(Some(pair));
            if flow.limit.is_finite() {
                stops.push(Stop { level: flow.limit, what: Stopping::Flow(i) });
            }
        }
        let mut room = Vec::with_capacity(ports.len());
        for (i, port) in ports.iter().enumerate() {
            let bytes_per_s = match *port {
                Port::Up(node) => capacity(node, true),
                Port::Down(node) => capacity(node, false),
            };
            room.push((bytes_per_s, members[i].len()));
            stops.push(Stop { level: bytes_per_s / members[i].len() as f64, what: Stopping::Port(i) });
        }
        Self { room, members, rising, stops }
    }

    /// The next level at which transfers stop rising, and which do.
    fn step(&mut self) -> Option<(f64, Vec<usize>)> {
        loop {
            let Stop { level, what } = self.stops.pop()?;
            let stopped = match what {
                Stopping::Flow(flow) => vec![flow],
                Stopping::Port(port) => {
                    let (left, count) = self.room[port];
                    if count == 0 {
                        continue;
                    }
                    let now = left / count as f64;
                    if now > level {
                        self.stops.push(Stop { level: now, what });
                        continue;
                    }
                    std::mem::take(&mut self.members[port])
                }
            };
            let stopped: Vec<usize> = stopped.into_iter().filter(|&flow| self.stop(flow, level)).collect();
            if !stopped.is_empty() {
                return Some((level, stopped));
            }
        }
    }

    /// Gives a transfer its rate; `false` if it has one.
    fn stop(&mut self, flow: usize, level: f64) -> bool {
        let Some(ports) = self.rising[flow].take() else { return false };
        for port in ports {
            let (left, count) = &mut self.room[port];
            *left = (*left - level).max(0.0);
            *count -= 1;
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SECOND: u64 = 1_000_000_000;

    fn transfer(from: u32, to: u32, bytes: u64) -> Transfer {
        Transfer { from, to, bytes, limit: f64::INFINITY }
    }

    #[test]
    fn one_transfer_gets_the_smaller_of_both_ends() {
        let capacity = |_, up: bool| if up { 100.0 } else { 250.0 };
        let mut share = FairShare::default();
        let id = share.start(0, transfer(0, 1, 1_000), &capacity);
        assert_eq!(share.rate(id), Some(100.0));
        assert_eq!(share.next_end(), Some(10 * SECOND));
        assert!(share.finish(10 * SECOND - 1, &capacity).is_empty());
        assert_eq!(share.finish(10 * SECOND, &capacity), [id]);
        assert_eq!(share.next_end(), None);
    }

    #[test]
    fn what_one_cannot_use_the_others_get() {
        // 0→1 is bound by node 1's slow downlink; 0→2 gets the rest of node 0's uplink.
        let capacity = |node: u32, up: bool| if !up && node == 1 { 10.0 } else { 100.0 };
        let mut share = FairShare::default();
        let slow = share.start(0, transfer(0, 1, 1_000), &capacity);
        let fast = share.start(0, transfer(0, 2, 1_000), &capacity);
        assert_eq!((share.rate(slow), share.rate(fast)), (Some(10.0), Some(90.0)));
    }

    #[test]
    fn a_transfer_speeds_up_when_another_ends() {
        let capacity = |_, up: bool| if up { 100.0 } else { 1e9 };
        let mut share = FairShare::default();
        let short = share.start(0, transfer(0, 1, 100), &capacity);
        let long = share.start(0, transfer(0, 2, 300), &capacity);
        assert_eq!(share.finish(2 * SECOND, &capacity), [short]);
        assert_eq!(share.rate(long), Some(100.0));
        assert_eq!(share.next_end(), Some(4 * SECOND));
    }

    #[test]
    fn cancelling_frees_bandwidth() {
        let capacity = |_, _| 100.0;
        let mut share = FairShare::default();
        let first = share.start(0, transfer(0, 1, 1_000), &capacity);
        let second = share.start(0, transfer(0, 2, 1_000), &capacity);
        share.cancel(SECOND, first, &capacity);
        share.cancel(SECOND, first, &capacity);
        assert_eq!((share.rate(first), share.rate(second)), (None, Some(100.0)));
    }

    proptest! {
        #[test]
        fn rates_are_max_min_fair(
            pairs in proptest::collection::vec((0..6u32, 0..6u32, 1.0..500.0f64, any::<bool>()), 1..25),
            caps in proptest::collection::vec(1.0..1_000.0f64, 12),
        ) {
            let capacity = |node: u32, up: bool| caps[node as usize * 2 + usize::from(up)];
            let mut share = FairShare::default();
            let mut flows = Vec::new();
            for &(from, to, limit, limited) in &pairs {
                let limit = if limited { limit } else { f64::INFINITY };
                let id = share.start(0, Transfer { from, to, bytes: 1_000_000, limit }, &capacity);
                flows.push((from, to, limit, id));
            }
            let rate = |id| share.rate(id).expect("nothing has ended");
            let at = |node: u32, up: bool| flows.iter().filter(move |f| (if up { f.0 } else { f.1 }) == node);
            for node in 0..6 {
                for up in [true, false] {
                    let sum: f64 = at(node, up).map(|f| rate(f.3)).sum();
                    prop_assert!(sum <= capacity(node, up) * (1.0 + 1e-9), "port over its capacity");
                }
            }
            for &(from, to, limit, id) in &flows {
                // Bertsekas and Gallager: a rate vector is max–min fair iff every transfer has a
                // bottleneck, a full resource where no other transfer is faster (or its own limit).
                let bottleneck = |node: u32, up: bool| {
                    let sum: f64 = at(node, up).map(|f| rate(f.3)).sum();
                    let fastest = at(node, up).map(|f| rate(f.3)).fold(0.0, f64::max);
                    sum >= capacity(node, up) * (1.0 - 1e-9) && rate(id) >= fastest * (1.0 - 1e-9)
                };
                let own = rate(id) >= limit * (1.0 - 1e-9);
                prop_assert!(own || bottleneck(from, true) || bottleneck(to, false), "could be raised");
            }
        }

        #[test]
        fn all_bytes_arrive_and_none_before_its_time(
            starts in proptest::collection::vec((0..4u32, 4..8u32, 1..100_000u64, 0..3_000u64), 1..15),
        ) {
            let capacity = |_, _| 1_000.0;
            let mut share = FairShare::default();
            let mut starts = starts;
            starts.sort_by_key(|start| start.3);
            let (mut begun, mut ended) = (BTreeMap::new(), 0);
            let total: u64 = starts.iter().map(|start| start.2).sum();
            for &(from, to, bytes, ms) in &starts {
                let now = ms * 1_000_000;
                while let Some(end) = share.next_end().filter(|&end| end <= now) {
                    ended += share.finish(end, &capacity).len();
                }
                begun.insert(share.start(now, transfer(from, to, bytes), &capacity), (now, bytes));
            }
            while let Some(end) = share.next_end() {
                for id in share.finish(end, &capacity) {
                    let (start, bytes) = begun[&id];
                    prop_assert!(end - start >= bytes * 1_000_000, "faster than its link");
                    ended += 1;
                }
                prop_assert!(end <= 3_000_000_000 + total * 1_000_000 + 1_000, "slower than one at a time");
            }
            prop_assert_eq!(ended, starts.len());
        }
    }
}
