//! `holdfast access`: keys of members, and lists of them.

use super::{args, failure::Failure, output::Output};
use crate::{
    api,
    types::{ListRoot, Member},
};
use holdfast_proofs::{access::AccessKey, field};
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

/// Runs one of the commands.
pub fn run(command: &args::Access, output: Output) -> Result<(), Failure> {
    match command {
        args::Access::Key { file } => {
            let key = make(file).map_err(|why| Failure::file(file, &why))?;
            eprintln!("keep {} to yourself: who has it reads what you may read", file.display());
            show(&key, output)
        }
        args::Access::Member { file } => {
            show(&api::read_key(file).map_err(|why| Failure::file(file, &why))?, output)
        }
        args::Access::Root { list } => {
            let root = api::list_root(list).map_err(|why| Failure::file(list, &why))?;
            output.print(&Checked { root }, |out| writeln!(out, "{root}"))
        }
    }
}

fn show(key: &AccessKey, output: Output) -> Result<(), Failure> {
    let member = Member(key.member());
    output.print(&Shown { member }, |out| writeln!(out, "{member}"))
}

/// Makes a key; a file that is there stays as it is.
fn make(path: &Path) -> io::Result<AccessKey> {
    let mut seed = Zeroizing::new([0; 32]);
    getrandom::fill(&mut *seed).map_err(io::Error::other)?;
    let secret = field::random(&mut ChaCha20Rng::from_seed(*seed));
    let mut file: File = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    let text = Zeroizing::new(format!("{}\n", Member(secret)));
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    Ok(AccessKey::new(secret))
}
