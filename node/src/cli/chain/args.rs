//! What may be said of chains and accounts on the command line.

use bytesize::ByteSize;
use clap::{Args, Subcommand};
use holdfast_contracts::Amount;
use std::path::PathBuf;

/// Which chain, and which deployment on it.
#[derive(Debug, Clone, Args)]
pub struct ChainOptions {
    /// JSON-RPC of the chain [default: chain.rpc of the settings]
    #[arg(long, env = "HOLDFAST_RPC", value_name = "URL")]
    pub rpc: Option<String>,
    /// Refuse any chain but that of this id (EIP-155) [default: chain.id of the settings]
    #[arg(long = "chain-id", value_name = "ID")]
    pub chain_id: Option<u64>,
    /// Where the contracts stand, as `chain deploy` wrote it [default: deployment.toml in the node's directory]
    #[arg(long, value_name = "FILE")]
    pub deployment: Option<PathBuf>,
}

/// Whose account.
#[derive(Debug, Clone, Args)]
pub struct AccountOptions {
    /// Account that sends [default: chain.wallet of the settings, or the only one]
    #[arg(long, value_name = "NAME")]
    pub wallet: Option<String>,
    /// Read its password from this file's first line instead of asking
    #[arg(long, value_name = "FILE")]
    pub password_file: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub enum ChainCommand {
    /// Deploy the contracts, or go on where a deployment stopped; reads every role back at the end
    Deploy(Deploy),
    /// Show the chain and check the deployment on it
    Status {
        #[command(flatten)]
        chain: ChainOptions,
    },
    /// Serve a chain of this machine alone, over JSON-RPC, until Ctrl-C
    Run(Run),
}

#[derive(Debug, Args)]
pub struct Deploy {
    #[command(flatten)]
    pub chain: ChainOptions,
    #[command(flatten)]
    pub account: AccountOptions,
    /// What to deploy, as --print-settings shows it; a chain of this machine needs none
    #[arg(long, value_name = "FILE")]
    pub settings: Option<PathBuf>,
    /// Print settings to start from, and deploy nothing
    #[arg(long)]
    pub print_settings: bool,
    /// Show the steps and whether they are done, and send nothing
    #[arg(long)]
    pub dry_run: bool,
}

#[derive(Debug, Args)]
pub struct Run {
    /// Port on 127.0.0.1
    #[arg(long, default_value_t = 8545)]
    pub port: u16,
    /// The chain's id, chosen when it begins
    #[arg(long = "chain-id", value_name = "ID", default_value_t = 31337)]
    pub chain_id: u64,
    /// Seconds between blocks; 0 makes a block for every transaction
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    pub block_time: u64,
    /// Give this address coins when the chain begins, beside the accounts of the wallet; may be repeated
    #[arg(long, value_name = "ADDRESS")]
    pub fund: Vec<alloy::primitives::Address>,
    /// Where its blocks are kept [default: chain in the node's directory]
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub enum WalletCommand {
    /// Make an account
    New {
        /// Its name
        #[arg(default_value = "main")]
        name: String,
        /// Take the new password from this file's first line instead of asking
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
    },
    /// Take in an account from elsewhere
    Import(Import),
    /// List the accounts
    List,
    /// Show an account's address and file
    Show {
        /// Its name
        name: Option<String>,
    },
    /// Show what an account has
    Balance {
        /// An account's name or an address [default: chain.wallet of the settings, or the only one]
        account: Option<String>,
        #[command(flatten)]
        chain: ChainOptions,
    },
    /// Send HOLD, or the chain's own coin
    Send {
        /// To which address
        to: alloy::primitives::Address,
        /// How much, such as 12.5
        amount: Amount,
        /// The chain's own coin instead of HOLD
        #[arg(long)]
        coin: bool,
        #[command(flatten)]
        chain: ChainOptions,
        #[command(flatten)]
        account: AccountOptions,
    },
    /// Ask the faucet of a development chain for test tokens
    Faucet {
        #[command(flatten)]
        chain: ChainOptions,
        #[command(flatten)]
        account: AccountOptions,
    },
}

#[derive(Debug, Args)]
pub struct Import {
    /// Its name here
    pub name: String,
    /// A keystore file of any tool (Web3 Secret Storage, version 3)
    #[arg(long, value_name = "FILE", conflicts_with = "key_file")]
    pub keystore: Option<PathBuf>,
    /// A file with the secret in hexadecimal, instead of asking for it
    #[arg(long, value_name = "FILE")]
    pub key_file: Option<PathBuf>,
    /// Take the new password from this file's first line instead of asking; the keystore's is asked for first
    #[arg(long, value_name = "FILE")]
    pub password_file: Option<PathBuf>,
    /// Take the keystore's own password from this file's first line
    #[arg(long, value_name = "FILE", requires = "keystore")]
    pub keystore_password_file: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub enum ProviderCommand {
    /// Bind this node's peer key to the account, and publish what the node offers
    Register(Register),
    /// Add stake to a provider's pool
    Stake {
        /// How much HOLD
        amount: Amount,
        #[command(flatten)]
        whose: Whose,
    },
    /// Announce a withdrawal of stake; `withdraw` pays it out when it is free
    Unstake {
        /// How much HOLD [default: all]
        amount: Option<Amount>,
        #[command(flatten)]
        whose: Whose,
    },
    /// Pay out stake that is free, and the operator's commission
    Withdraw {
        #[command(flatten)]
        whose: Whose,
    },
    /// Take no more slots and offer those held to other providers
    Exit {
        /// Take slots again
        #[arg(long)]
        undo: bool,
        #[command(flatten)]
        whose: Whose,
    },
    /// Show what the chain knows of a provider
    Status {
        /// The provider's address [default: this node's]
        #[arg(long, value_name = "ADDRESS")]
        provider: Option<alloy::primitives::Address>,
        #[command(flatten)]
        chain: ChainOptions,
        /// Account whose stake is shown
        #[arg(long, value_name = "NAME")]
        wallet: Option<String>,
    },
}

/// A provider, a chain and the account that acts.
#[derive(Debug, Clone, Args)]
pub struct Whose {
    /// The provider's address [default: this node's]
    #[arg(long, value_name = "ADDRESS")]
    pub provider: Option<alloy::primitives::Address>,
    #[command(flatten)]
    pub chain: ChainOptions,
    #[command(flatten)]
    pub account: AccountOptions,
}

#[derive(Debug, Args)]
pub struct Register {
    /// HOLD for a slot and window
    #[arg(long, value_name = "AMOUNT")]
    pub price: Amount,
    /// Basis points of what is earned, before the rest is shared among those who staked
    #[arg(long, value_name = "BPS", default_value_t = 1_000, value_parser = clap::value_parser!(u16).range(0..=10_000))]
    pub commission: u16,
    /// A label [default: region of the settings]
    #[arg(long)]
    pub region: Option<String>,
    /// Bytes offered [default: capacity_bytes of the settings]
    #[arg(long, value_name = "SIZE")]
    pub capacity: Option<ByteSize>,
    /// Where peers reach the node (multiaddr); may be repeated [default: listen of the settings]
    #[arg(long, value_name = "ADDRESS")]
    pub endpoint: Vec<String>,
    #[command(flatten)]
    pub chain: ChainOptions,
    #[command(flatten)]
    pub account: AccountOptions,
}
