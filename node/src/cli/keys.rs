//! Key files: a line that says what and which version, then 32 bytes in hex.

use super::failure::Failure;
use crate::env::{Rng, live::LiveRng};
use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::Path,
};
use zeroize::Zeroizing;

/// Most bytes of a key file.
const MAX_FILE: u64 = 256;
/// A key file may be read and written by its owner alone.
pub const MODE: u32 = 0o600;

/// What a key is for.
#[derive(Debug, Clone, Copy)]
pub enum Role {
    Peer,
    Owner,
}

impl Role {
    fn header(self) -> &'static str {
        match self {
            Role::Peer => "holdfast peer key v1",
            Role::Owner => "holdfast owner key v1",
        }
    }
}

/// Draws a new secret and writes it, durable, to a file that must not exist.
pub fn create(path: &Path, role: Role) -> Result<(), Failure> {
    let mut secret = Zeroizing::new([0; 32]);
    LiveRng.fill(&mut *secret);
    let text = Zeroizing::new(format!("{}\n{}\n", role.header(), hex::encode(*secret)));
    let write = || -> io::Result<()> {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(MODE).open(path)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()
    };
    write().map_err(|why| Failure::file(path, &why))
}

/// Reads a secret.
pub fn read(path: &Path, role: Role) -> Result<Zeroizing<[u8; 32]>, Failure> {
    private(path)?;
    let mut text = Zeroizing::new(String::new());
    let file = File::open(path).map_err(|why| Failure::file(path, &why))?;
    file.take(MAX_FILE).read_to_string(&mut text).map_err(|why| Failure::file(path, &why))?;
    let (header, body) = text.split_once('\n').unwrap_or((&text, ""));
    if header != role.header() {
        return Err(Failure::failed(format!("{}: not a key file of this version", path.display()))
            .hint(format!("its first line must be {:?}; restore it from a copy", role.header())));
    }
    let mut secret = Zeroizing::new([0; 32]);
    hex::decode_to_slice(body.trim_end(), &mut *secret).map_err(|why| {
        Failure::failed(format!("{}: damaged: {why}", path.display())).hint("restore it from a copy")
    })?;
    Ok(secret)
}

/// Refuses a key file that others may read.
pub fn private(path: &Path) -> Result<(), Failure> {
    let mode = fs::metadata(path).map_err(|why| Failure::file(path, &why))?.permissions().mode() & 0o777;
    if mode & 0o077 == 0 {
        return Ok(());
    }
    Err(Failure::failed(format!("{}: mode {mode:03o} lets others read the key", path.display()))
        .hint(format!("chmod 600 {}", path.display())))
}
