//! Files of access lists and of their members' keys.
//!
//! A list has one member a line, 64 hexadecimal digits; empty lines and what follows a `#` do not count. A key file
//! has one secret, likewise.

use crate::{
    env::AccessTicket,
    limits,
    types::{ListRoot, Member},
};
use holdfast_proofs::{
    access::{AccessKey, AccessList},
    field::Fr,
};
use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};
use zeroize::Zeroizing;

/// Most bytes of a key file.
const MAX_KEY_FILE: u64 = 1 << 10;
/// Most bytes of a list: one of two million members.
const MAX_LIST_FILE: u64 = 160 << 20;

fn invalid(why: impl ToString) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, why.to_string())
}

fn read(path: &Path, most: u64) -> io::Result<Zeroizing<String>> {
    let mut text = Zeroizing::new(String::new());
    let read = File::open(path)?.take(most + 1).read_to_string(&mut text)?;
    if read as u64 > most { Err(invalid(format!("longer than {most} bytes"))) } else { Ok(text) }
}

fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let content = text.lines().map(|line| line.split('#').next().unwrap_or_default().trim());
    (1..).zip(content).filter(|(_, line)| !line.is_empty())
}

/// Reads a list.
///
/// # Errors
/// As the system says, or with the line that is no member.
pub fn read_list(path: &Path) -> io::Result<AccessList> {
    let text = read(path, MAX_LIST_FILE)?;
    let member = |(number, line): (usize, &str)| {
        line.parse().map(|Member(member)| member).map_err(|why| invalid(format!("line {number}: {why}")))
    };
    let members: Vec<Fr> = lines(&text).map(member).collect::<io::Result<_>>()?;
    if members.is_empty() {
        return Err(invalid("no member is in it"));
    }
    AccessList::new(limits::ACCESS_LEVELS, members).map_err(invalid)
}

/// The root of a list in a file.
///
/// # Errors
/// Those of [`read_list`].
pub fn list_root(path: &Path) -> io::Result<ListRoot> {
    Ok(ListRoot(read_list(path)?.root()))
}

/// Reads a member's key.
///
/// # Errors
/// As the system says, or if the file holds no key.
pub fn read_key(path: &Path) -> io::Result<AccessKey> {
    let text = read(path, MAX_KEY_FILE)?;
    let mut keys = lines(&text);
    match (keys.next(), keys.next()) {
        (Some((_, key)), None) => {
            let Member(secret) = key.parse().map_err(invalid)?;
            Ok(AccessKey::new(secret))
        }
        _ => Err(invalid("not one key is in it")),
    }
}

/// What a reader needs to prove that it is in a list.
///
/// # Errors
/// Those of [`read_key`] and [`read_list`], or if the key is not in the list.
pub fn read_ticket(key: &Path, list: &Path) -> io::Result<AccessTicket> {
    let (key, list) = (read_key(key)?, read_list(list)?);
    let zero = Fr::default();
    if list.witness(&key, zero, zero).is_none() {
        return Err(invalid("the key is not in the access list"));
    }
    Ok(AccessTicket { list, key })
}
