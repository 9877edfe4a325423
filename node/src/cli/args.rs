//! What may be said on the command line.

use super::chain::args::{AccountOptions, ChainOptions};
use crate::{limits, types::Code};
use bytesize::ByteSize;
use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use holdfast_contracts::Amount;
use std::path::PathBuf;

const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  failed
  2  the command line or the settings are wrong
  3  no such file, in the catalogue, on disk or in the network
  4  not possible now: the node is not running, or too few peers can be reached
  5  the link does not open the file, or its bytes were changed by someone
`doctor` exits with 0 (all well), 1 (warnings) or 2 (something fails).

Environment:
  HOLDFAST_DIR  the node's directory, as --dir
  HOLDFAST_LOG  what `run` logs to stderr, such as info or holdfast=debug
  NO_COLOR      no colour if set";

/// Decentralized storage: encrypted, erasure-coded, repaired by its providers.
#[derive(Debug, Parser)]
#[command(name = "holdfast", version, after_help = EXIT_CODES, arg_required_else_help = true)]
pub struct Arguments {
    /// The node's directory [default: holdfast in the user's data directory]
    #[arg(long, global = true, env = "HOLDFAST_DIR", value_name = "DIR")]
    pub dir: Option<PathBuf>,
    /// Print one JSON document to stdout instead of text
    #[arg(long, global = true)]
    pub json: bool,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make a node: its directory, keys and settings
    Init(Init),
    /// Run the node until Ctrl-C
    Run(Run),
    /// Store a file; prints the link that finds and opens it
    Put(Put),
    /// Fetch a file by its name in the catalogue or by a link
    Get(Get),
    /// Open an agreement on the chain about a stored file, and offer its slots to whoever holds them
    Agree(Agree),
    /// Have the agreement about a file last longer; each provider decides whether it renews its slot
    Extend(Extend),
    /// Demand cells of a slot from its provider on the chain, under a bond: it shows them in time, or loses the slot
    Dispute(Dispute),
    /// Channels that pay providers for what is read from them
    Channel {
        #[command(subcommand)]
        command: Channel,
    },
    /// List the stored files
    Ls,
    /// Forget a file, here and at its providers
    Rm {
        /// Its name in the catalogue
        name: String,
    },
    /// Show what the running node does
    Status,
    /// Show the settings
    Config {
        #[command(subcommand)]
        command: ConfigCommand,
    },
    /// Check everything that may be wrong, and name the remedy
    Doctor,
    /// Run several nodes on this machine until Ctrl-C
    ///
    /// Their directories stand below --dir as node-00, node-01, … and are used again by the next start. A
    /// command talks to the node that its own --dir names.
    Localnet(Localnet),
    /// Keys and lists for protected files, whose readers prove that they are members without saying which
    Access {
        #[command(subcommand)]
        command: Access,
    },
    /// Make the keys of a proof's circuit together, so that nobody can forge
    Ceremony {
        #[command(subcommand)]
        command: super::ceremony::args::Command,
    },
    /// A chain of this machine, and the contracts on any
    Chain {
        #[command(subcommand)]
        command: super::chain::args::ChainCommand,
    },
    /// Accounts on a chain, what they have, and sending it
    Wallet {
        #[command(subcommand)]
        command: super::chain::args::WalletCommand,
    },
    /// A provider's place in the market
    Provider {
        #[command(subcommand)]
        command: super::chain::args::ProviderCommand,
    },
    /// Print completions for a shell
    Completions {
        /// Which shell
        shell: Shell,
    },
}

#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Print the settings in force, defaults included
    Show,
}

#[derive(Debug, Args)]
pub struct Init {
    /// Bytes to offer to others, such as 500GiB; 0 makes a pure client
    #[arg(long, value_name = "SIZE")]
    pub capacity: Option<ByteSize>,
    /// Address to listen on (multiaddr); may be repeated
    #[arg(long, value_name = "ADDRESS")]
    pub listen: Vec<String>,
    /// Node to join through (multiaddr ending in /p2p/<peer id>); may be repeated
    #[arg(long, value_name = "ADDRESS")]
    pub bootstrap: Vec<String>,
}

#[derive(Debug, Args)]
pub struct Run {
    /// Stop when stdin is closed, so that a node dies with the program that started it
    #[arg(long, hide = true)]
    pub until_stdin_closes: bool,
    /// Read the account's password from this file's first line [default: chain.password_file of the settings]
    #[arg(long, value_name = "FILE")]
    pub password_file: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct Agree {
    /// Name in the catalogue, or a link
    pub file: String,
    /// Windows that are paid, from the next on
    #[arg(long)]
    pub windows: u32,
    /// HOLD for a slot and a window
    #[arg(long, value_name = "AMOUNT")]
    pub price: Amount,
    /// HOLD that each slot's provider locks [default: twice the least that the chain takes]
    #[arg(long, value_name = "AMOUNT")]
    pub collateral: Option<Amount>,
    /// Most HOLD for whoever refills a lost slot [default: three tenths of the collateral]
    #[arg(long, value_name = "AMOUNT")]
    pub repair_reward: Option<Amount>,
    /// HOLD for you for each breach [default: the price of two windows]
    #[arg(long, value_name = "AMOUNT")]
    pub refund: Option<Amount>,
    /// Basis points of a slot's windows that must be proven
    #[arg(long, value_name = "BPS", default_value_t = 9_000, value_parser = clap::value_parser!(u16).range(0..=10_000))]
    pub sla: u16,
    /// Blocks to answer a dispute [default: the least that the chain takes]
    #[arg(long, value_name = "BLOCKS")]
    pub response_blocks: Option<u32>,
    /// Show what it costs, and send nothing
    #[arg(long)]
    pub dry_run: bool,
}

#[derive(Debug, Args)]
pub struct Extend {
    /// Name in the catalogue, or a link
    pub file: String,
    /// Windows that shall be paid from the next on, those that are paid already among them
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    pub windows: u32,
    /// Show what it costs, and send nothing
    #[arg(long)]
    pub dry_run: bool,
}

#[derive(Debug, Args)]
pub struct Dispute {
    /// Name in the catalogue, or a link
    pub file: String,
    /// Which slot of the agreement, from 0
    pub slot: u16,
    /// Cells to demand, drawn at random
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u8).range(1..=4))]
    pub cells: u8,
    /// Demand a cell, and that the root which the provider proves holds it: what a slot that was refilled may lack
    #[arg(long, conflicts_with = "cells")]
    pub root: bool,
    /// Show what it takes, and send nothing
    #[arg(long)]
    pub dry_run: bool,
}

#[derive(Debug, Args)]
pub struct Put {
    /// The file to store
    pub file: PathBuf,
    /// Its name in the catalogue [default: the file's own name]
    #[arg(long)]
    pub name: Option<String>,
    /// Shards that rebuild a segment
    #[arg(long, default_value_t = 4)]
    pub k: u16,
    /// Shards of a segment, each with another provider
    #[arg(long, default_value_t = 8)]
    pub n: u16,
    /// Live shards at or below which a segment is repaired [default: halfway between k and n]
    #[arg(long, value_name = "M")]
    pub repair_at: Option<u16>,
    /// Plaintext bytes of a segment
    #[arg(long, value_name = "SIZE", default_value_t = ByteSize::b(limits::DEFAULT_SEGMENT as u64))]
    pub segment_size: ByteSize,
    /// Most shards of a segment with one operator
    #[arg(long, value_name = "SHARDS")]
    pub max_per_operator: Option<u16>,
    /// Most shards of a segment in one region
    #[arg(long, value_name = "SHARDS")]
    pub max_per_region: Option<u16>,
    /// Let only its owner and the members of this list read it, for ever: a file with one member a line
    #[arg(long, value_name = "LIST")]
    pub access: Option<PathBuf>,
    /// Let only its owner and the members of this account's list of that number read it, as the chain has it when they come
    #[arg(long, value_name = "N", conflicts_with = "access")]
    pub list: Option<u64>,
    /// Wait until the roots of all slots are checked and signed as well, not only until all receipts are in
    #[arg(long)]
    pub wait_for_roots: bool,
}

impl Put {
    /// The erasure code that was asked for.
    pub fn code(&self) -> Result<Code, crate::types::CodeError> {
        match self.repair_at {
            Some(repair_at) => Code::new(self.k, self.n, repair_at),
            None => Code::with_default_threshold(self.k, self.n),
        }
    }
}

#[derive(Debug, Args)]
pub struct Get {
    /// Name in the catalogue, or a link
    pub file: String,
    /// Where to write it, - for stdout [default: the file's own name, here]
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Your key, if the file is protected and you are in its access list
    #[arg(long, value_name = "FILE", requires = "access_list")]
    pub access_key: Option<PathBuf>,
    /// The access list of a protected file
    #[arg(long, value_name = "LIST", requires = "access_key")]
    pub access_list: Option<PathBuf>,
    /// Most to pay its providers, if they ask for pay [default: what is left in the channels to them]
    #[arg(long, value_name = "HOLD")]
    pub most: Option<Amount>,
}

#[derive(Debug, Clone, Subcommand)]
pub enum Channel {
    /// Pay into channels, new ones or open ones, and agree to what their providers ask for
    Open {
        /// Name in the catalogue or a link, for all providers of the file; or one provider's peer id
        to: String,
        /// HOLD that each channel is to have left
        amount: Amount,
    },
    /// List the channels
    List,
    /// Sign no more, and get back what is left: at once if the provider agrees, else after the chain's delay
    Close {
        /// The provider's peer id [default: all channels]
        provider: Option<String>,
    },
}

#[derive(Debug, Subcommand)]
pub enum Access {
    /// Make a key; prints the member to be put into access lists
    Key {
        /// Where the key goes
        file: PathBuf,
    },
    /// Recover the key that belongs to an account, the same on every machine; prints its member
    ///
    /// The account signs a message, and the key follows from the signature. Nothing is sent, and the member does not
    /// tell whose account it is.
    SignIn {
        /// Where the key goes
        file: PathBuf,
        #[command(flatten)]
        account: AccountOptions,
    },
    /// Print the member that a key belongs to
    Member {
        /// The key
        file: PathBuf,
    },
    /// Check an access list; prints its root
    Root {
        /// The list: one member a line
        list: PathBuf,
    },
    /// Set the root of one of the account's lists on the chain, which `put --list` has files protected by
    ///
    /// Whoever is new in the list is let in within seconds; whoever is no more in it, not after the hour or less for which
    /// providers let readers in.
    Publish {
        /// The list: one member a line
        #[arg(value_name = "LIST")]
        file: PathBuf,
        #[command(flatten)]
        which: OwnList,
    },
    /// Let nobody in any more who is in one of the account's lists
    Revoke {
        #[command(flatten)]
        which: OwnList,
    },
    /// Show a list as the chain has it
    Show {
        /// Its number
        #[arg(long, value_name = "N")]
        list: u64,
        /// Whose list [default: that of the account that chain.wallet of the settings names, or the only one]
        #[arg(long, value_name = "ADDRESS")]
        account: Option<alloy::primitives::Address>,
        #[command(flatten)]
        chain: ChainOptions,
    },
}

/// One of the account's own lists.
#[derive(Debug, Args)]
pub struct OwnList {
    /// Its number, which the account chooses
    #[arg(long, value_name = "N")]
    pub list: u64,
    #[command(flatten)]
    pub chain: ChainOptions,
    #[command(flatten)]
    pub account: AccountOptions,
}

#[derive(Debug, Args)]
pub struct Localnet {
    /// How many nodes
    #[arg(long, default_value_t = 12, value_parser = clap::value_parser!(u16).range(1..=100))]
    pub nodes: u16,
    /// Port of the first node, TCP and UDP; the others follow [default: free ones]
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1024..=65000))]
    pub base_port: Option<u16>,
    /// Bytes that each node offers
    #[arg(long, value_name = "SIZE", default_value = "10GiB")]
    pub capacity: ByteSize,
    /// How often nodes probe and repair
    #[arg(long, value_enum, default_value_t = Pace::Normal)]
    pub timing: Pace,
}

/// How often things happen in a local network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Pace {
    /// As in the real network: hours
    Normal,
    /// Seconds, to watch a repair
    Fast,
}
