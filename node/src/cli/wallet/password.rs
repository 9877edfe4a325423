//! Passwords: typed without an echo, or read from a file; never an argument, which other users can see.

use super::super::{failure::Failure, keys};
use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};
use zeroize::Zeroizing;

/// Most bytes of a password file.
const MAX_FILE: u64 = 4 << 10;

/// The password of an account that is there.
pub fn known(name: &str, file: Option<&Path>) -> Result<Zeroizing<String>, Failure> {
    match file {
        Some(file) => from_file(file),
        None => prompt(&format!("password of {name}: ")),
    }
}

/// A password for a new account; typed twice.
pub fn chosen(name: &str, file: Option<&Path>) -> Result<Zeroizing<String>, Failure> {
    let password = match file {
        Some(file) => from_file(file)?,
        None => {
            let password = prompt(&format!("new password of {name}: "))?;
            if *prompt("the same again: ")? != *password {
                return Err(Failure::usage("the two passwords differ"));
            }
            password
        }
    };
    if password.is_empty() {
        return Err(Failure::usage("an empty password protects nothing"));
    }
    Ok(password)
}

/// Asks for something secret.
pub fn prompt(question: &str) -> Result<Zeroizing<String>, Failure> {
    rpassword::prompt_password(question).map(Zeroizing::new).map_err(|why| {
        Failure::usage(format!("no terminal to ask for a secret: {why}"))
            .hint("name a file: --password-file FILE, or --key-file FILE for a key")
    })
}

/// The first line of a file that nobody else may read.
pub fn from_file(path: &Path) -> Result<Zeroizing<String>, Failure> {
    keys::private(path)?;
    let mut text = Zeroizing::new(String::new());
    let read =
        |text: &mut String| -> io::Result<usize> { File::open(path)?.take(MAX_FILE).read_to_string(text) };
    read(&mut text).map_err(|why| Failure::file(path, &why))?;
    Ok(Zeroizing::new(text.lines().next().unwrap_or_default().to_string()))
}
