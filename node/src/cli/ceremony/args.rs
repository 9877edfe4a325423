//! What may be said after `holdfast ceremony`.

use super::circuit::NamedCircuit;
use clap::{Args, Subcommand};
use std::path::PathBuf;

/// 32 bytes, in hexadecimal on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bytes32(pub [u8; 32]);

impl std::str::FromStr for Bytes32 {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut bytes = [0; 32];
        let digits = text.strip_prefix("0x").unwrap_or(text);
        hex::decode_to_slice(digits, &mut bytes).map_err(|why| format!("32 bytes in hexadecimal: {why}"))?;
        Ok(Self(bytes))
    }
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Begin: compute a circuit's first key from public powers of tau; takes minutes
    #[command(name = "import-phase1")]
    ImportPhase1(Import),
    /// Multiply the key by a secret that is forgotten at once
    Contribute(Contribute),
    /// End: multiply the key by a public value that nobody could know before
    Beacon(Beacon),
    /// Compute the first key anew and check every step since; takes minutes
    Verify(Verify),
    /// Write the keys for provers, verifiers and the contract's generator
    Export(Export),
}

/// Somebody else's phase 1, and what it is for.
#[derive(Debug, Args)]
pub struct Source {
    /// Powers of tau for BN254, a .ptau file of snarkjs
    #[arg(long, value_name = "FILE")]
    pub phase1: PathBuf,
    /// SHA-256 of that file, from a source that you trust
    #[arg(long, value_name = "HEX")]
    pub sha256: Bytes32,
    /// What is proven, such as slot-7x80, provider-7x16x5, opening-7 or access-7: levels, then slots, then samples
    #[arg(long)]
    pub circuit: NamedCircuit,
}

#[derive(Debug, Args)]
pub struct Import {
    #[command(flatten)]
    pub source: Source,
    /// The new ceremony; must not exist
    #[arg(short, long, value_name = "FILE")]
    pub output: PathBuf,
}

#[derive(Debug, Args)]
pub struct Contribute {
    /// The ceremony as the contributor before left it
    pub ceremony: PathBuf,
}

#[derive(Debug, Args)]
pub struct Beacon {
    /// The ceremony as the last contributor left it
    pub ceremony: PathBuf,
    /// The public value, such as the hash of a block that was named in advance
    #[arg(long, value_name = "HEX")]
    pub value: Bytes32,
    /// Hash the value 2^N times
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u8).range(0..=30))]
    pub log: u8,
}

#[derive(Debug, Args)]
pub struct Verify {
    /// The ceremony
    pub ceremony: PathBuf,
    #[command(flatten)]
    pub source: Source,
}

#[derive(Debug, Args)]
pub struct Export {
    /// A ceremony that ends with a beacon
    #[arg(required_unless_present = "development", conflicts_with = "development")]
    pub ceremony: Option<PathBuf>,
    /// Instead of a ceremony's, the insecure development key of this circuit: anybody can forge with it
    #[arg(long, value_name = "CIRCUIT")]
    pub development: Option<NamedCircuit>,
    /// Chain that the verifier is for (EIP-155)
    #[arg(long, value_name = "ID")]
    pub chain_id: u64,
    /// Directory to write the keys into
    #[arg(short, long, value_name = "DIR")]
    pub output: PathBuf,
}
