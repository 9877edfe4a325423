//! `holdfast wallet`: accounts, what they have, and sending it.

mod keystores;
mod money;
pub mod password;
#[cfg(test)]
mod tests;

pub use keystores::Keystores;
pub use money::covered;

use super::{
    chain::{
        args::{Import, WalletCommand},
        connect,
    },
    failure::Failure,
    home::Home,
    output::Output,
};
use crate::env::{Rng, live::LiveRng};
use serde::Serialize;
use std::path::PathBuf;
use zeroize::Zeroizing;

#[derive(Serialize)]
struct Shown {
    name: String,
    address: String,
    file: PathBuf,
}

/// Carries out a command.
pub fn run(home: &Home, command: &WalletCommand, output: Output) -> Result<(), Failure> {
    match command {
        WalletCommand::New { name, password_file } => {
            let mut secret = Zeroizing::new([0; 32]);
            LiveRng.fill(&mut *secret);
            keep(home, name, &secret, password_file.as_ref(), output)
        }
        WalletCommand::Import(import) => {
            let secret = foreign(import)?;
            keep(home, &import.name, &secret, import.password_file.as_ref(), output)
        }
        WalletCommand::List => list(home, output),
        WalletCommand::Show { name } => {
            let name = connect::account_name(home, name.as_deref())?;
            show(home, &name, output)
        }
        WalletCommand::Balance { account, chain } => money::balance(home, account.as_deref(), chain, output),
        WalletCommand::Send { to, amount, coin, chain, account } => {
            money::send(home, *to, *amount, *coin, chain, account, output)
        }
        WalletCommand::Faucet { chain, account } => money::drip(home, chain, account, output),
    }
}

fn keep(
    home: &Home,
    name: &str,
    secret: &[u8; 32],
    password_file: Option<&PathBuf>,
    output: Output,
) -> Result<(), Failure> {
    let keystores = connect::keystores(home);
    keystores.must_be_free(name)?;
    let password = password::chosen(name, password_file.map(PathBuf::as_path))?;
    keystores.create(name, secret, &password)?;
    show(home, name, output)?;
    eprintln!("keep a copy of the file: without it and its password the account is lost");
    Ok(())
}

fn show(home: &Home, name: &str, output: Output) -> Result<(), Failure> {
    let keystores = connect::keystores(home);
    let address = keystores.address(name)?.to_string();
    let shown = Shown { name: name.into(), address, file: keystores.path(name)? };
    output.print(&shown, |out| {
        writeln!(
            out,
            "name     {}\naddress  {}\nfile     {}",
            shown.name,
            shown.address,
            shown.file.display()
        )
    })
}

fn list(home: &Home, output: Output) -> Result<(), Failure> {
    let keystores = connect::keystores(home);
    let mut shown = Vec::new();
    for it in keystores.list()? {
        let address = it.address.map_or_else(String::new, |address| address.to_string());
        shown.push(Shown { file: keystores.path(&it.name)?, name: it.name, address });
    }
    output
        .print(&shown, |out| shown.iter().try_for_each(|it| writeln!(out, "{:<16} {}", it.name, it.address)))
}

/// The secret of an account from elsewhere.
fn foreign(import: &Import) -> Result<Zeroizing<[u8; 32]>, Failure> {
    if let Some(keystore) = &import.keystore {
        let file = import.keystore_password_file.as_deref();
        let password = password::known(&keystore.display().to_string(), file)?;
        return keystores::decrypt(keystore, &password);
    }
    let text = match &import.key_file {
        Some(file) => password::from_file(file)?,
        None => password::prompt("secret key, 64 hexadecimal digits: ")?,
    };
    let mut secret = Zeroizing::new([0; 32]);
    hex::decode_to_slice(text.trim().trim_start_matches("0x"), &mut *secret)
        .map_err(|_| Failure::usage("a secret key has 64 hexadecimal digits"))?;
    Ok(secret)
}
