//! Keys of members, and lists of them, as files.

use super::super::{
    chain::{args::AccountOptions, connect},
    failure::Failure,
    home::Home,
    output::Output,
};
use crate::{
    api,
    types::{ListRoot, Member, access_secret},
};
use holdfast_proofs::{
    access::AccessKey,
    field::{self, Fr},
};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use serde::Serialize;
use std::{
    fs::{File, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};
use zeroize::Zeroizing;

#[derive(Serialize)]
struct Shown {
    member: Member,
}

#[derive(Serialize)]
struct Checked {
    root: ListRoot,
}

/// Draws a key.
pub fn draw(file: &Path, output: Output) -> Result<(), Failure> {
    let mut seed = Zeroizing::new([0; 32]);
    getrandom::fill(&mut *seed).map_err(|why| Failure::failed(format!("no randomness: {why}")))?;
    let secret = Zeroizing::new(field::random(&mut ChaCha20Rng::from_seed(*seed)));
    keep(file, &secret)?;
    eprintln!("keep {} to yourself: who has it reads what you may read", file.display());
    show(&AccessKey::new(*secret), output)
}

/// Recovers the key that belongs to an account.
pub fn sign_in(home: &Home, file: &Path, account: &AccountOptions, output: Output) -> Result<(), Failure> {
    let wallet = connect::wallet(home, account)?;
    let secret = access_secret(|digest| wallet.sign_digest(digest));
    let secret = secret.ok_or_else(|| {
        Failure::failed("the account signs the same message in two ways: its key could not be recovered")
            .hint("draw a key that belongs to no account: holdfast access key FILE")
    })?;
    keep(file, &secret)?;
    eprintln!(
        "the key of account {} is in {}; delete it when you are done",
        wallet.address(),
        file.display()
    );
    show(&AccessKey::new(*secret), output)
}

/// Shows the member that a key belongs to.
pub fn member(file: &Path, output: Output) -> Result<(), Failure> {
    show(&api::read_key(file).map_err(|why| Failure::file(file, &why))?, output)
}

/// Shows a list's root.
pub fn root(list: &Path, output: Output) -> Result<(), Failure> {
    let root = api::list_root(list).map_err(|why| Failure::file(list, &why))?;
    output.print(&Checked { root }, |out| writeln!(out, "{root}"))
}

fn show(key: &AccessKey, output: Output) -> Result<(), Failure> {
    let member = Member(key.member());
    output.print(&Shown { member }, |out| writeln!(out, "{member}"))
}

/// Writes a key down; a file that is there stays as it is.
fn keep(path: &Path, secret: &Fr) -> Result<(), Failure> {
    let text = Zeroizing::new(format!("{}\n", Member(*secret)));
    let write = || -> io::Result<()> {
        let mut file: File = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()
    };
    write().map_err(|why| Failure::file(path, &why))
}
