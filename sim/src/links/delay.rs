//! How long messages take, and whether they arrive at all.

use super::{FairShare, FlowId, Latency, LinkPlan, Transfer};
use crate::{NodeNumber, env::rng};
use holdfast::types::Timestamp;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeSet, time::Duration};

/// Bytes of a message that one packet carries: an Ethernet frame without IPv4 and TCP headers.
const PACKET: u64 = 1_460;
/// Shortest wait before a lost packet is sent again: the minimum that Linux uses for TCP.
const MIN_RETRANSMISSION: Duration = Duration::from_millis(200);
/// The constant of Mathis et al., "The macroscopic behavior of the TCP congestion avoidance
/// algorithm", ACM CCR 27(3), 1997, for one acknowledgement a packet.
const MATHIS: f64 = 1.22;

/// Messages from any of one set of nodes to any of another do not arrive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cut {
    /// Senders.
    pub from: BTreeSet<NodeNumber>,
    /// Receivers.
    pub to: BTreeSet<NodeNumber>,
}

/// How one node is connected.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Host {
    /// Where it stands.
    pub region: u16,
    /// Bytes a second that it sends.
    pub up: f64,
    /// Bytes a second that it receives.
    pub down: f64,
}

/// All links of a world.
pub struct Links {
    plan: LinkPlan,
    seed: u64,
    rng: ChaCha8Rng,
    hosts: Vec<Host>,
    cuts: Vec<Cut>,
    share: FairShare,
}

impl Links {
    /// Links that follow from a plan and a seed.
    pub fn new(plan: LinkPlan, seed: u64) -> Self {
        let rng = rng::stream(seed, "links", 0);
        Self { plan, seed, rng, hosts: Vec::new(), cuts: Vec::new(), share: FairShare::default() }
    }

    /// Connects one more node, the next number.
    pub fn add(&mut self, host: Host) {
        self.hosts.push(host);
    }

    /// The plan, as it stands.
    pub fn plan(&self) -> &LinkPlan {
        &self.plan
    }

    /// Changes the probability that a packet is lost.
    pub fn set_loss(&mut self, loss: f64) {
        self.plan.loss = loss;
    }

    /// Adds a cut.
    pub fn cut(&mut self, cut: Cut) {
        self.cuts.push(cut);
    }

    /// Removes all cuts.
    pub fn heal(&mut self) {
        self.cuts.clear();
    }

    /// True if messages from `from` do not arrive at `to`.
    pub fn is_cut(&self, from: NodeNumber, to: NodeNumber) -> bool {
        self.cuts.iter().any(|cut| cut.from.contains(&from) && cut.to.contains(&to))
    }

    /// True if `a` and `b` cannot hold a conversation.
    pub fn is_apart(&self, a: NodeNumber, b: NodeNumber) -> bool {
        self.is_cut(a, b) || self.is_cut(b, a)
    }

    /// One-way latency between two nodes, without jitter or loss.
    pub fn latency(&self, a: NodeNumber, b: NodeNumber) -> Duration {
        let ms = match self.plan.latency {
            Latency::Constant { ms } => ms,
            Latency::Uniform { min_ms, max_ms } => min_ms + (max_ms - min_ms) * self.pair(a, b).0,
            Latency::LogNormal { median_ms, sigma } => median_ms * self.log_normal(a, b, sigma),
            Latency::Regions { within_ms, between_ms, sigma } => {
                let same = self.hosts[a.index()].region == self.hosts[b.index()].region;
                (if same { within_ms } else { between_ms }) * self.log_normal(a, b, sigma)
            }
        };
        Duration::from_nanos((ms * 1e6) as u64)
    }

    /// How long a small message of `bytes` takes this time.
    pub fn small_delay(&mut self, from: NodeNumber, to: NodeNumber, bytes: u64) -> Duration {
        self.transmission(from, to, bytes) + self.flight(from, to, bytes.div_ceil(PACKET))
    }

    /// How long the links are busy with a message that has them to itself.
    pub fn transmission(&self, from: NodeNumber, to: NodeNumber, bytes: u64) -> Duration {
        let rate = self.hosts[from.index()].up.min(self.hosts[to.index()].down);
        Duration::from_nanos((bytes as f64 / rate * 1e9) as u64)
    }

    /// How long `packets` packets are under way this time, their transmission aside.
    pub fn flight(&mut self, from: NodeNumber, to: NodeNumber, packets: u64) -> Duration {
        let latency = self.latency(from, to);
        latency + self.jitter() + self.retransmission(latency, packets)
    }

    /// True if a message of `bytes` shares bandwidth with others.
    pub fn is_bulk(&self, bytes: u64) -> bool {
        bytes >= self.plan.bulk_bytes
    }

    /// Starts a transfer that shares bandwidth with others.
    pub fn start_bulk(&mut self, now: Timestamp, from: NodeNumber, to: NodeNumber, bytes: u64) -> FlowId {
        let limit = self.loss_limit(from, to);
        let transfer = Transfer { from: from.0, to: to.0, bytes, limit };
        self.share.start(now.0, transfer, &capacity(&self.hosts))
    }

    /// Ends a transfer that is not finished.
    pub fn cancel_bulk(&mut self, now: Timestamp, flow: FlowId) {
        self.share.cancel(now.0, flow, &capacity(&self.hosts));
    }

    /// When the next transfer ends, if nothing changes before.
    pub fn next_bulk_end(&self) -> Option<Timestamp> {
        self.share.next_end().map(Timestamp)
    }

    /// Takes the transfers that are finished.
    pub fn finish_bulk(&mut self, now: Timestamp) -> Vec<FlowId> {
        self.share.finish(now.0, &capacity(&self.hosts))
    }

    /// Bytes a second that packet loss leaves to one transfer (Mathis et al. 1997).
    fn loss_limit(&self, from: NodeNumber, to: NodeNumber) -> f64 {
        let round_trip = 2.0 * self.latency(from, to).as_secs_f64();
        PACKET as f64 * MATHIS / (round_trip * self.plan.loss.sqrt())
    }

    fn jitter(&mut self) -> Duration {
        if self.plan.jitter_ms == 0.0 {
            return Duration::ZERO;
        }
        let uniform: f64 = self.rng.random();
        Duration::from_nanos((-(1.0 - uniform).ln() * self.plan.jitter_ms * 1e6) as u64)
    }

    /// The delay of a reliable stream that must send again, doubling its wait (RFC 6298).
    fn retransmission(&mut self, latency: Duration, packets: u64) -> Duration {
        let mut delay = Duration::ZERO;
        if self.plan.loss > 0.0 {
            let mut lost = 1.0 - (1.0 - self.plan.loss).powf(packets as f64);
            let mut wait = MIN_RETRANSMISSION.max(latency * 4);
            while self.rng.random::<f64>() < lost {
                delay += wait;
                wait = (wait * 2).min(Duration::from_secs(60));
                lost = self.plan.loss;
            }
        }
        delay
    }

    /// Two numbers in 0..1 that follow from the seed and the pair, whatever the order of the two.
    fn pair(&self, a: NodeNumber, b: NodeNumber) -> (f64, f64) {
        let ends = u64::from(a.0.min(b.0)) << 32 | u64::from(a.0.max(b.0));
        let first = mix(self.seed ^ mix(ends));
        (unit(first), unit(mix(first)))
    }

    /// A log-normal factor of median 1 (Box–Muller).
    fn log_normal(&self, a: NodeNumber, b: NodeNumber, sigma: f64) -> f64 {
        let (u, v) = self.pair(a, b);
        let normal = (-2.0 * (1.0 - u).ln()).sqrt() * (std::f64::consts::TAU * v).cos();
        (normal * sigma).exp()
    }
}

fn capacity(hosts: &[Host]) -> impl Fn(u32, bool) -> f64 {
    |node, up| if up { hosts[node as usize].up } else { hosts[node as usize].down }
}

/// SplitMix64's finalizer (Steele, Lea and Flood, OOPSLA 2014).
fn mix(mut z: u64) -> u64 {
    z = z.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

fn unit(bits: u64) -> f64 {
    (bits >> 11) as f64 / (1u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn links(plan: LinkPlan, nodes: u16) -> Links {
        let mut links = Links::new(plan, 7);
        for i in 0..nodes {
            links.add(Host { region: i % 2, up: 1e6, down: 2e6 });
        }
        links
    }

    const fn n(number: u32) -> NodeNumber {
        NodeNumber(number)
    }

    #[test]
    fn latency_is_a_property_of_the_pair() {
        let latency = Latency::LogNormal { median_ms: 50.0, sigma: 0.5 };
        let links = links(LinkPlan { latency, ..LinkPlan::default() }, 200);
        assert_eq!(links.latency(n(3), n(5)), links.latency(n(5), n(3)));
        assert_ne!(links.latency(n(3), n(5)), links.latency(n(3), n(6)));
        let mut all: Vec<_> = (0..199).map(|i| links.latency(n(i), n(i + 1))).collect();
        all.sort();
        assert!(all[99].abs_diff(Duration::from_millis(50)) < Duration::from_millis(10), "{:?}", all[99]);
    }

    #[test]
    fn regions_are_near_within_and_far_between() {
        let latency = Latency::Regions { within_ms: 5.0, between_ms: 80.0, sigma: 0.0 };
        let links = links(LinkPlan { latency, ..LinkPlan::default() }, 4);
        assert_eq!(links.latency(n(0), n(2)), Duration::from_millis(5));
        assert_eq!(links.latency(n(0), n(1)), Duration::from_millis(80));
    }

    #[test]
    fn small_messages_pay_latency_and_transmission() {
        let latency = Latency::Constant { ms: 10.0 };
        let mut links = links(LinkPlan { latency, jitter_ms: 0.0, ..LinkPlan::default() }, 2);
        assert_eq!(links.small_delay(n(0), n(1), 1_000), Duration::from_millis(11));
    }

    #[test]
    fn loss_delays_and_never_drops() {
        let latency = Latency::Constant { ms: 10.0 };
        let mut links = links(LinkPlan { latency, jitter_ms: 0.0, loss: 0.1, ..LinkPlan::default() }, 2);
        let delays: Vec<_> = (0..10_000).map(|_| links.flight(n(0), n(1), 1)).collect();
        let late = delays.iter().filter(|&&d| d >= MIN_RETRANSMISSION).count();
        assert!((900..1_100).contains(&late), "{late} of 10000 were sent again");
    }

    #[test]
    fn cuts_have_a_direction_and_heal() {
        let mut links = links(LinkPlan::default(), 3);
        links.cut(Cut { from: [n(0)].into(), to: [n(1), n(2)].into() });
        assert!(links.is_cut(n(0), n(2)) && !links.is_cut(n(2), n(0)));
        assert!(links.is_apart(n(2), n(0)) && !links.is_apart(n(1), n(2)));
        links.heal();
        assert!(!links.is_apart(n(0), n(1)));
    }

    #[test]
    fn loss_bounds_the_rate_of_a_transfer() {
        let latency = Latency::Constant { ms: 50.0 };
        let mut links = links(LinkPlan { latency, loss: 0.01, ..LinkPlan::default() }, 2);
        links.start_bulk(Timestamp(0), n(0), n(1), 178_120);
        // 1460 × 1.22 / (0.1 s × √0.01) is 178,120 bytes a second.
        let end = links.next_bulk_end().unwrap();
        assert!(end.0.abs_diff(1_000_000_000) < 1_000_000, "{end}");
    }
}
