//! What a person may choose. Plain data: it does nothing, and is checked in one place.

use crate::{data::CodecChoice, limits, types::ReadPrice};
use alloy::primitives::U256;
use holdfast_contracts::Amount;
use holdfast_proofs::groth16::PUBLIC_MAINNETS;
use serde::{Deserialize, Serialize};
use std::{path::PathBuf, time::Duration};

/// Wei of a gwei.
const GWEI: u128 = 1_000_000_000;

/// A node's settings; every field has a default, an unknown field is refused.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Bytes of shards this node offers to store; 0 makes it a pure client.
    pub capacity_bytes: u64,
    /// Who runs this node; shared by all nodes of one operator.
    pub operator: String,
    /// Where this node stands, in the operator's words.
    pub region: String,
    /// Addresses to listen on (multiaddr).
    pub listen: Vec<String>,
    /// Addresses of nodes to join through (multiaddr with `/p2p/<peer id>`).
    pub bootstrap: Vec<String>,
    /// Which library computes the erasure code; both write the same bytes.
    pub codec: CodecChoice,
    /// The chain that is paid on.
    pub chain: ChainSettings,
    /// What is sold there.
    pub market: MarketSettings,
    /// The keys that proofs are made with.
    pub proving: Proving,
    /// How often things happen.
    pub timing: Timing,
}

/// Which chain, and which account on it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ChainSettings {
    /// URL of its JSON-RPC; empty for none.
    pub rpc: String,
    /// Its id (EIP-155); 0 accepts whatever answers.
    pub id: u64,
    /// Name of the account in the wallet; empty for the only one.
    pub wallet: String,
    /// The file with the account's password, absolute or below the node's directory; empty for none.
    pub password_file: PathBuf,
    /// Most gwei a unit of gas for any transaction, base fee included; what is worth more to the node may cost more.
    pub most_fee_gwei: u64,
}

/// Which slots of agreements this node takes, and how often it asks to be paid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MarketSettings {
    /// True to take slots that owners offer, within the bounds below, and to renew those whose agreements are extended.
    pub sell: bool,
    /// Least HOLD for a GiB of a slot and a window.
    pub least_price: Amount,
    /// Most HOLD that a slot may lock of the stake.
    pub most_collateral: Amount,
    /// Windows between two settlements of a slot.
    pub settle_windows: u32,
    /// Least HOLD of commission that is worth a transaction.
    pub least_claim: Amount,
    /// What a HOLD is worth in the chain's coin: what a proof, say, may cost follows from it. 0 if nobody can tell:
    /// then they cost no more than any transaction.
    pub hold_price: Amount,
    /// HOLD for a GiB that others read here; 0 is for nothing.
    pub retrieval_price: Amount,
    /// True to take slots from providers that missed too many windows, and to have lost slots refilled.
    pub watch: bool,
}

/// The circuit that windows are proven with, which is that of the network's deployment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProofCircuit {
    /// Sixteen slots of up to a gigabyte, five cells each: the one in use.
    #[default]
    Full,
    /// Sixteen slots of up to 31,744 bytes, one cell each: proves in a moment, for tests on a local chain.
    Small,
}

impl ProofCircuit {
    /// As it stands in the settings.
    pub fn name(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Small => "small",
        }
    }
}

/// The keys that proofs are made with. A node without one holds slots and claims their roots, and proves nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Proving {
    /// Which circuit the chain's verifier takes.
    pub circuit: ProofCircuit,
    /// The file of the key for the slots that a window draws (circuit provider-7x16x5), absolute or below the node's
    /// directory; empty for none.
    pub key_file: PathBuf,
    /// The file of the key for cells of doubted slots (opening-7), likewise.
    pub opening_key_file: PathBuf,
    /// The file of the key for passes into protected placements (access-7), likewise: providers check them with it.
    pub access_key_file: PathBuf,
    /// True for the development keys, which anybody can forge proofs with: each is made when it is first needed.
    pub insecure_development_key: bool,
}

/// How often a node does what nobody asked it for. Seconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Timing {
    /// Mean seconds between two probes of one placement.
    pub probe_interval_s: f64,
    /// Seconds without an answer after which a holder counts as gone.
    pub holder_grace_s: f64,
    /// Seconds that a holder of rank r waits, times r, before it repairs.
    pub repair_stagger_s: f64,
    /// Seconds between two announcements to the DHT.
    pub announce_interval_s: f64,
    /// Seconds between two scrubs.
    pub scrub_interval_s: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            capacity_bytes: 10 << 30,
            operator: String::new(),
            region: String::new(),
            listen: vec!["/ip4/0.0.0.0/tcp/0".into(), "/ip4/0.0.0.0/udp/0/quic-v1".into()],
            bootstrap: Vec::new(),
            codec: CodecChoice::default(),
            chain: ChainSettings::default(),
            market: MarketSettings::default(),
            proving: Proving::default(),
            timing: Timing::default(),
        }
    }
}

impl Default for ChainSettings {
    fn default() -> Self {
        let (rpc, wallet, password_file) = Default::default();
        Self { rpc, id: 0, wallet, password_file, most_fee_gwei: 500 }
    }
}

impl ChainSettings {
    /// Most wei a unit of gas for any transaction.
    pub fn most_fee(&self) -> u128 {
        u128::from(self.most_fee_gwei) * GWEI
    }
}

impl Default for MarketSettings {
    fn default() -> Self {
        let hundredth = Amount(Amount::whole(1).0 / U256::from(100));
        Self {
            sell: true,
            least_price: hundredth,
            most_collateral: Amount::whole(1_000),
            settle_windows: 7,
            least_claim: Amount::whole(1),
            hold_price: Amount::whole(0),
            retrieval_price: Amount::whole(0),
            watch: true,
        }
    }
}

impl MarketSettings {
    /// What a read costs here.
    pub fn read_price(&self) -> ReadPrice {
        ReadPrice(self.retrieval_price.0.saturating_to())
    }
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            probe_interval_s: limits::PROBE_INTERVAL.as_secs_f64(),
            holder_grace_s: limits::HOLDER_GRACE.as_secs_f64(),
            repair_stagger_s: limits::REPAIR_STAGGER.as_secs_f64(),
            announce_interval_s: limits::ANNOUNCE_INTERVAL.as_secs_f64(),
            scrub_interval_s: limits::SCRUB_INTERVAL.as_secs_f64(),
        }
    }
}

/// Why settings cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// A label is too long.
    #[error("{field} is {len} bytes long, the limit is {}", limits::MAX_LABEL)]
    Label {
        /// Which field.
        field: &'static str,
        /// Its length.
        len: usize,
    },
    /// A URL of another kind.
    #[error("chain.rpc is {0:?}, it must begin with http:// or https://")]
    Rpc(String),
    /// Nothing would be sent, or more be paid than any chain asks for.
    #[error("chain.most_fee_gwei is {0}, must be 1 to {most}", most = limits::MAX_FEE_PER_GAS / GWEI)]
    MostFee(u64),
    /// Nothing would ever be settled.
    #[error("market.settle_windows must be at least 1")]
    NeverSettles,
    /// The development keys have no place to be made at.
    #[error(
        "proving.insecure_development_key needs a key_file, opening_key_file or access_key_file to keep a key in"
    )]
    NoKeyFile,
    /// Anybody could forge proofs that are worth money.
    #[error("proving.insecure_development_key on chain {0}, {1}: proofs there need the key of a ceremony")]
    DevelopmentKey(u64, &'static str),
    /// A time is not a positive number of seconds.
    #[error("timing.{field} must be a positive number of seconds")]
    Time {
        /// Which field.
        field: &'static str,
    },
}

impl Settings {
    /// Checks what the types alone cannot.
    ///
    /// # Errors
    /// [`SettingsError`] naming the first field that is wrong.
    pub fn validate(&self) -> Result<(), SettingsError> {
        for (field, label) in [("operator", &self.operator), ("region", &self.region)] {
            if label.len() > limits::MAX_LABEL {
                return Err(SettingsError::Label { field, len: label.len() });
            }
        }
        let rpc = &self.chain.rpc;
        if !rpc.is_empty() && !rpc.starts_with("http://") && !rpc.starts_with("https://") {
            return Err(SettingsError::Rpc(rpc.clone()));
        }
        if !(1..=limits::MAX_FEE_PER_GAS).contains(&self.chain.most_fee()) {
            return Err(SettingsError::MostFee(self.chain.most_fee_gwei));
        }
        if self.market.settle_windows == 0 {
            return Err(SettingsError::NeverSettles);
        }
        self.proving.validate(self.chain.id)?;
        for (field, seconds) in self.timing.fields() {
            if !(seconds.is_finite() && seconds > 0.0 && seconds < 1e9) {
                return Err(SettingsError::Time { field });
            }
        }
        Ok(())
    }
}

impl Proving {
    fn validate(&self, chain_id: u64) -> Result<(), SettingsError> {
        if !self.insecure_development_key {
            return Ok(());
        }
        let files = [&self.key_file, &self.opening_key_file, &self.access_key_file];
        if files.iter().all(|file| file.as_os_str().is_empty()) {
            return Err(SettingsError::NoKeyFile);
        }
        match PUBLIC_MAINNETS.into_iter().find(|(id, _)| *id == chain_id) {
            Some((id, name)) => Err(SettingsError::DevelopmentKey(id, name)),
            None => Ok(()),
        }
    }
}

impl Timing {
    fn fields(&self) -> [(&'static str, f64); 5] {
        [
            ("probe_interval_s", self.probe_interval_s),
            ("holder_grace_s", self.holder_grace_s),
            ("repair_stagger_s", self.repair_stagger_s),
            ("announce_interval_s", self.announce_interval_s),
            ("scrub_interval_s", self.scrub_interval_s),
        ]
    }

    /// Mean time between two probes of one placement.
    pub fn probe_interval(&self) -> Duration {
        Duration::from_secs_f64(self.probe_interval_s)
    }

    /// Time without an answer after which a holder counts as gone.
    pub fn holder_grace(&self) -> Duration {
        Duration::from_secs_f64(self.holder_grace_s)
    }

    /// Waiting time of a holder of rank 1 before it repairs.
    pub fn repair_stagger(&self) -> Duration {
        Duration::from_secs_f64(self.repair_stagger_s)
    }

    /// Time between two announcements to the DHT.
    pub fn announce_interval(&self) -> Duration {
        Duration::from_secs_f64(self.announce_interval_s)
    }

    /// Time between two scrubs.
    pub fn scrub_interval(&self) -> Duration {
        Duration::from_secs_f64(self.scrub_interval_s)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn development_keys_need_a_file_and_a_chain_that_is_no_public_main_network() {
        let settings = |id, file: &str| Settings {
            chain: ChainSettings { id, ..ChainSettings::default() },
            proving: Proving {
                opening_key_file: file.into(),
                insecure_development_key: true,
                ..Proving::default()
            },
            ..Settings::default()
        };
        assert_eq!(Settings::default().validate(), Ok(()));
        assert_eq!(settings(31_337, "key").validate(), Ok(()));
        assert_eq!(settings(31_337, "").validate(), Err(SettingsError::NoKeyFile));
        for (id, name) in PUBLIC_MAINNETS {
            assert_eq!(settings(id, "key").validate(), Err(SettingsError::DevelopmentKey(id, name)));
        }
    }
}
