//! What a running node needs of a chain: the account, and where the contracts stand.

use super::{
    super::{failure::Failure, home::Home, wallet::password},
    connect,
};
use crate::{
    api::FailureKind,
    settings::ChainSettings,
    types::{Wallet, chain::Contracts},
};
use holdfast_contracts::deployment::Record;
use std::{io::IsTerminal, path::Path};

/// What was found; a node runs without what is missing.
#[derive(Default)]
pub struct Joining {
    /// The chain's id; `None` if there is no chain to be used.
    pub id: Option<u64>,
    /// The account.
    pub wallet: Option<Wallet>,
    /// The deployment.
    pub contracts: Option<Contracts>,
    /// What is missing, and what to do about it.
    pub apart: Option<String>,
}

/// Opens the account and reads the deployment that the settings name.
pub fn prepare(
    home: &Home,
    settings: &ChainSettings,
    password_file: Option<&Path>,
) -> Result<Joining, Failure> {
    if settings.rpc.is_empty() {
        return Ok(Joining::default());
    }
    let path = home.deployment_path();
    let record = connect::record(&path)?;
    let mut missing = Vec::new();
    let usable =
        |record: &Record| record.is_complete() && (settings.id == 0 || settings.id == record.chain_id);
    let contracts = match record {
        None => {
            missing.push(format!(
                "{} is not there: deploy the contracts, or copy the file that tells \
                                  where they stand, and start again",
                path.display()
            ));
            None
        }
        Some(record) if !usable(&record) => {
            missing.push(format!("{} is of chain {}, or not finished", path.display(), record.chain_id));
            None
        }
        Some(record) => Some(record),
    };
    let id = contracts.as_ref().map(|record| record.chain_id).or((settings.id != 0).then_some(settings.id));
    if id.is_none() {
        missing.push("chain.id is 0, and no deployment tells which chain it is: name the chain's id".into());
    }
    let wallet = wallet(home, settings, password_file, &mut missing)?;
    let contracts =
        contracts.map(|record| Contracts { addresses: record.addresses, first_block: record.first_block });
    let apart = (!missing.is_empty()).then(|| missing.join("; "));
    Ok(Joining { id, wallet, contracts, apart })
}

/// Opens the account. One that cannot be opened with the password that is given is a mistake; one without a password is
/// none, since commands ask for it themselves.
fn wallet(
    home: &Home,
    settings: &ChainSettings,
    password_file: Option<&Path>,
    missing: &mut Vec<String>,
) -> Result<Option<Wallet>, Failure> {
    let name = match connect::account_name(home, None) {
        Ok(name) => name,
        Err(why) if why.kind == FailureKind::NotFound => {
            missing.push("there is no account: make one with `holdfast wallet new`".into());
            return Ok(None);
        }
        Err(why) => return Err(why),
    };
    let named = password_file.map(Path::to_path_buf).or_else(|| {
        let file = &settings.password_file;
        (!file.as_os_str().is_empty()).then(|| home.dir().join(file))
    });
    if named.is_none() && !std::io::stdin().is_terminal() {
        missing.push(format!("the account {name} is not open: name chain.password_file in the settings"));
        return Ok(None);
    }
    let password = password::known(&name, named.as_deref())?;
    connect::keystores(home).unlock(&name, &password).map(Some)
}
