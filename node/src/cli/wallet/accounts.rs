//! Accounts are made, taken in, listed and shown.

use super::{
    super::{
        chain::{args::Import, connect},
        failure::Failure,
        home::Home,
        output::Output,
    },
    keystores, password,
};
use crate::env::{Rng, live::LiveRng};
use serde::Serialize;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

#[derive(Serialize)]
struct Shown {
    name: String,
    address: String,
    file: PathBuf,
}

/// Makes an account.
pub fn create(home: &Home, name: &str, password_file: Option<&Path>, output: Output) -> Result<(), Failure> {
    let mut secret = Zeroizing::new([0; 32]);
    LiveRng.fill(&mut *secret);
    keep(home, name, &secret, password_file, output)
}

/// Takes in an account from elsewhere.
pub fn import(home: &Home, import: &Import, output: Output) -> Result<(), Failure> {
    let secret = foreign(import)?;
    keep(home, &import.name, &secret, import.password_file.as_deref(), output)
}

fn keep(
    home: &Home,
    name: &str,
    secret: &[u8; 32],
    password_file: Option<&Path>,
    output: Output,
) -> Result<(), Failure> {
    let keystores = connect::keystores(home);
    keystores.must_be_free(name)?;
    let password = password::chosen(name, password_file)?;
    keystores.create(name, secret, &password)?;
    show(home, Some(name), output)?;
    eprintln!("keep a copy of the file: without it and its password the account is lost");
    Ok(())
}

/// Shows an account's address and file.
pub fn show(home: &Home, named: Option<&str>, output: Output) -> Result<(), Failure> {
    let name = connect::account_name(home, named)?;
    let keystores = connect::keystores(home);
    let (address, file) = (keystores.address(&name)?.to_string(), keystores.path(&name)?);
    let shown = Shown { name, address, file };
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

/// Lists all accounts.
pub fn list(home: &Home, output: Output) -> Result<(), Failure> {
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
