//! Access lists on the chain: their roots, which their owner's account sets.

use super::super::{
    args::OwnList,
    chain::{
        args::ChainOptions,
        connect::{self, block_on, failed},
        sent,
    },
    failure::Failure,
    home::Home,
    output::Output,
};
use crate::{
    api,
    chain::view,
    env::Chain,
    types::{ListName, ListRoot, chain::Receipt},
};
use alloy::primitives::{Address, B256, U256};
use holdfast_contracts::abi::AccessLists;
use serde::Serialize;
use std::{
    io::{self, Write},
    path::Path,
};

/// A list as the chain has it.
#[derive(Serialize)]
struct Shown {
    #[serde(flatten)]
    name: ListName,
    /// `None` lets nobody in: it is zero, or no root.
    root: Option<ListRoot>,
    /// How often the root was set.
    version: u64,
    /// The block in which it was set last.
    block: u64,
    /// The transaction that set it, if this command did.
    transaction: Option<B256>,
}

/// Makes a list in a file the one that counts.
pub fn publish(home: &Home, file: &Path, which: &OwnList, output: Output) -> Result<(), Failure> {
    let root = api::list_root(file).map_err(|why| Failure::file(file, &why))?;
    set(home, Some(root), which, output)
}

/// Lets nobody in any more.
pub fn revoke(home: &Home, which: &OwnList, output: Output) -> Result<(), Failure> {
    set(home, None, which, output)
}

/// Shows a list as the chain has it.
pub fn show(
    home: &Home,
    list: u64,
    account: Option<Address>,
    options: &ChainOptions,
    output: Output,
) -> Result<(), Failure> {
    let shown = block_on(async {
        let chain = connect::connect(home, options).await?;
        let contract = connect::deployment(home, options, &*chain)?.access_lists;
        let owner = account.map_or_else(|| own_account(home, None), Ok)?;
        look(&*chain, contract, ListName { chain: chain.id(), owner, list }).await
    })?;
    print(&shown, output)
}

/// The name of one of this node's own lists, on the chain that the node is to follow.
pub fn named(home: &Home, list: u64) -> Result<ListName, Failure> {
    let record = connect::record(&home.deployment_path())?;
    let settings = home.settings()?.chain;
    let chain = record.map_or(settings.id, |record| record.chain_id);
    if chain == 0 {
        return Err(Failure::usage("no chain is known to have the list").hint(
            "copy the deployment's file into the node's directory, or name the chain as chain.id in the settings",
        ));
    }
    Ok(ListName { chain, owner: own_account(home, None)?, list })
}

fn own_account(home: &Home, named: Option<&str>) -> Result<Address, Failure> {
    connect::keystores(home).address(&connect::account_name(home, named)?)
}

/// Sets a root, unless it is set already.
fn set(home: &Home, root: Option<ListRoot>, which: &OwnList, output: Output) -> Result<(), Failure> {
    let OwnList { list, chain, account } = which;
    let (shown, receipt) = block_on(async {
        let link = connect::connect(home, chain).await?;
        let contract = connect::deployment(home, chain, &*link)?.access_lists;
        let owner = own_account(home, account.wallet.as_deref())?;
        let name = ListName { chain: link.id(), owner, list: *list };
        let before = look(&*link, contract, name).await?;
        if before.root == root {
            return Ok((before, None));
        }
        let sender = connect::sender(home, account, link)?;
        let root = root.map_or(B256::ZERO, |root| root.to_bytes().into());
        let set = AccessLists::setCall { list: U256::from(*list), root };
        let receipt = sender.call(contract, &set).await.map_err(sent::failed)?;
        let after = look(&**sender.chain(), contract, name).await?;
        Ok((Shown { transaction: Some(receipt.transaction), ..after }, Some(receipt)))
    })?;
    match receipt {
        Some(Receipt { gas_used, .. }) => eprintln!("sent, {gas_used} gas"),
        None => eprintln!("nothing is sent: the chain has this root already"),
    }
    print(&shown, output)
}

async fn look(chain: &dyn Chain, contract: Address, name: ListName) -> Result<Shown, Failure> {
    let call = AccessLists::listOfCall { owner: name.owner, list: U256::from(name.list) };
    let list = view(chain, contract, &call).await.map_err(failed)?;
    let root = Some(list.root).filter(|root| !root.is_zero()).and_then(|root| ListRoot::from_bytes(&root));
    Ok(Shown { name, root, version: list.version, block: list.changedAt, transaction: None })
}

fn print(shown: &Shown, output: Output) -> Result<(), Failure> {
    output.print(shown, |out| write(out, shown))
}

fn write(out: &mut dyn Write, shown: &Shown) -> io::Result<()> {
    writeln!(out, "{}", shown.name)?;
    match shown.root {
        Some(root) => writeln!(out, "root         {root}")?,
        None => writeln!(out, "root         none: nobody is let in")?,
    }
    match shown.version {
        0 => writeln!(out, "version      0: it was never set")?,
        version => writeln!(out, "version      {version}, set in block {}", shown.block)?,
    }
    match shown.transaction {
        Some(transaction) => writeln!(out, "transaction  {transaction}"),
        None => Ok(()),
    }
}
