//! From options and settings to a chain, a deployment on it, and an account.

use super::{
    super::{
        failure::Failure,
        home::Home,
        wallet::{Keystores, password},
    },
    args::{AccountOptions, ChainOptions},
};
use crate::{
    api::FailureKind,
    chain::Sender,
    env::{
        Chain, ChainError,
        live::{ConnectError, JsonRpcChain, LiveClock},
    },
    types::Wallet,
};
use holdfast_contracts::deployment::{Addresses, Record};
use std::{fs, future::Future, path::PathBuf, rc::Rc};
use tokio::task::LocalSet;

/// Most bytes of a deployment's record.
const MAX_RECORD: u64 = 1 << 20;

/// Runs what waits for a chain.
pub fn block_on<T>(future: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|why| Failure::failed(format!("cannot start the runtime: {why}")))?;
    LocalSet::new().block_on(&runtime, future)
}

/// Connects to the chain that is meant, and refuses another.
pub async fn connect(home: &Home, options: &ChainOptions) -> Result<Rc<dyn Chain>, Failure> {
    let settings = home.settings_or_default()?.chain;
    let rpc = options.rpc.clone().unwrap_or(settings.rpc);
    if rpc.is_empty() {
        return Err(Failure::usage("no chain is named").hint(
            "name one with --rpc URL, or as chain.rpc in the settings; `holdfast chain run` serves one here",
        ));
    }
    let chain = JsonRpcChain::connect(&rpc).await.map_err(not_connected)?;
    let wanted = options.chain_id.unwrap_or(settings.id);
    if wanted != 0 && wanted != chain.id() {
        return Err(Failure::usage(format!("{rpc} serves chain {}, expected {wanted}", chain.id()))
            .hint("correct --rpc or --chain-id, or chain.rpc and chain.id in the settings"));
    }
    Ok(Rc::new(chain))
}

/// The file that tells where the contracts stand.
pub fn record_path(home: &Home, options: &ChainOptions) -> PathBuf {
    options.deployment.clone().unwrap_or_else(|| home.deployment_path())
}

/// What it says; nothing if there is none.
pub fn record(path: &std::path::Path) -> Result<Option<Record>, Failure> {
    let length = match fs::metadata(path) {
        Ok(metadata) => metadata.len(),
        Err(why) if why.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(why) => return Err(Failure::file(path, &why)),
    };
    if length > MAX_RECORD {
        return Err(Failure::failed(format!("{}: longer than {MAX_RECORD} bytes", path.display())));
    }
    let text = fs::read_to_string(path).map_err(|why| Failure::file(path, &why))?;
    let record = Record::from_toml(&text).map_err(|why| {
        Failure::failed(format!("{}: {why}", path.display()))
            .hint("restore it, or remove it and deploy again: what is on the chain is found and kept")
    })?;
    Ok(Some(record))
}

/// A finished deployment on this chain.
pub fn deployment(home: &Home, options: &ChainOptions, chain: &dyn Chain) -> Result<Addresses, Failure> {
    let path = record_path(home, options);
    let record = record(&path)?.ok_or_else(|| {
        Failure::new(FailureKind::NotFound, format!("{} is not there", path.display())).hint(
            "name the file that `holdfast chain deploy` wrote: --deployment FILE; or deploy the contracts",
        )
    })?;
    if !record.is_complete() {
        return Err(Failure::failed(format!("{}: the deployment was not finished", path.display()))
            .hint("go on with it: holdfast chain deploy"));
    }
    if record.chain_id != chain.id() {
        return Err(Failure::usage(format!(
            "{} is of chain {}, this is chain {}",
            path.display(),
            record.chain_id,
            chain.id()
        ))
        .hint("name the chain's own with --deployment FILE"));
    }
    Ok(record.addresses)
}

/// The accounts of a node's directory.
pub fn keystores(home: &Home) -> Keystores {
    Keystores::at(home.wallet_path())
}

/// The account that is meant.
pub fn account_name(home: &Home, named: Option<&str>) -> Result<String, Failure> {
    if let Some(name) = named {
        return Ok(name.to_string());
    }
    let chosen = home.settings_or_default()?.chain.wallet;
    if !chosen.is_empty() {
        return Ok(chosen);
    }
    let mut listed = keystores(home).list()?;
    match (listed.pop(), listed.is_empty()) {
        (Some(only), true) => Ok(only.name),
        (None, _) => {
            Err(Failure::new(FailureKind::NotFound, "there is no account")
                .hint("make one: holdfast wallet new"))
        }
        (Some(_), false) => Err(Failure::usage("there are several accounts").hint(
            "name one: --wallet NAME, or as chain.wallet in the settings; `holdfast wallet list` shows them",
        )),
    }
}

/// Opens the account that sends.
pub fn wallet(home: &Home, options: &AccountOptions) -> Result<Wallet, Failure> {
    let name = account_name(home, options.wallet.as_deref())?;
    let keystores = keystores(home);
    keystores.address(&name)?;
    let password = password::known(&name, options.password_file.as_deref())?;
    keystores.unlock(&name, &password)
}

/// An account ready to send.
pub fn sender(home: &Home, options: &AccountOptions, chain: Rc<dyn Chain>) -> Result<Sender, Failure> {
    let wallet = wallet(home, options)?;
    Ok(Sender::new(chain, Rc::new(LiveClock::default()), wallet))
}

fn not_connected(error: ConnectError) -> Failure {
    match error {
        ConnectError::Chain(why) => failed(why),
        ConnectError::Url { .. } => {
            let text = error.to_string();
            let (message, hint) = text.split_once("\n\nhint: ").unwrap_or((&text, "correct the URL"));
            Failure::usage(message).hint(hint)
        }
    }
}

/// A chain that did not do what was asked.
pub fn failed(error: ChainError) -> Failure {
    let text = crate::chain::reason(&error);
    match error {
        ChainError::Unreachable { .. } => Failure::new(FailureKind::Unavailable, text)
            .hint("is the chain running? `holdfast chain run` serves one on this machine"),
        ChainError::Unfunded { .. } => Failure::failed(text)
            .hint("send the account coins of this chain; `holdfast wallet balance` shows what it has"),
        ChainError::TooMuch { .. } => Failure::failed(text),
        _ => match hint(&text) {
            Some(hint) => Failure::failed(text).hint(hint),
            None => Failure::failed(text),
        },
    }
}

/// What can be done about a contract's refusal.
fn hint(text: &str) -> Option<&'static str> {
    const HINTS: [(&str, &str); 10] = [
        (
            "ERC20InsufficientBalance",
            "the account has too little HOLD; `holdfast wallet balance` shows what it has",
        ),
        ("ERC20InsufficientAllowance", "another command of this account ran meanwhile; try again"),
        (
            "NotOperator",
            "this account does not operate the provider; `holdfast provider status` shows who does",
        ),
        ("UnknownProvider", "the provider is not registered: holdfast provider register"),
        ("WrongPeerKey", "the peer key has named another operator meanwhile; try again"),
        ("StillUnbonding", "wait until that block; `holdfast chain status` shows the newest"),
        ("BadAmount", "`holdfast provider status` shows what there is, and what collateral holds"),
        ("TooSoon", "the faucet gives once a day"),
        (
            "PoolWiped",
            "the provider lost nearly all of its stake; it takes stake again when the rest is withdrawn",
        ),
        ("CollateralWiped", "the provider's collateral is gone: it leaves its slots before it takes another"),
    ];
    HINTS.iter().find(|(error, _)| text.contains(&format!("refuses: {error}"))).map(|(_, hint)| *hint)
}
