//! Accounts' secrets as Web3 Secret Storage, version 3: one file an account, read and written by the usual tools too
//! (<https://ethereum.org/en/developers/docs/data-structures-and-encoding/web3-secret-storage>).

use super::super::{failure::Failure, keys};
use crate::{api::FailureKind, types::Wallet};
use alloy::primitives::Address;
// The command line lives in the real world, and eth-keystore asks for a generator of this kind.
#[allow(clippy::disallowed_types, reason = "no simulated node runs the command line")]
use alloy::signers::k256::elliptic_curve::rand_core::OsRng;
use serde::Deserialize;
use std::{
    fs::{self, DirBuilder, File, Permissions},
    io::{self, Read},
    os::unix::fs::{DirBuilderExt, PermissionsExt},
    path::{Path, PathBuf},
};
use zeroize::Zeroizing;

/// Most bytes of a keystore file; usual ones have about 500.
const MAX_FILE: u64 = 8 << 10;
/// Most bytes of an account's name.
const MAX_NAME: usize = 64;
/// Most work and memory that a file may ask of scrypt: 128·n·r bytes, 1 GiB.
const MAX_SCRYPT: u64 = 1 << 23;
/// Most rounds that a file may ask of PBKDF2.
const MAX_ROUNDS: u64 = 10_000_000;

/// The accounts of one node's directory.
#[derive(Debug, Clone)]
pub struct Keystores {
    dir: PathBuf,
}

/// What can be known of an account without its password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    pub name: String,
    /// The file may leave it out.
    pub address: Option<Address>,
}

/// The part of a file that is looked at before its password is tried.
#[derive(Deserialize)]
struct Outline {
    address: Option<String>,
    crypto: Crypto,
    version: u8,
}

#[derive(Deserialize)]
struct Crypto {
    cipher: String,
    cipherparams: CipherParameters,
    ciphertext: String,
    kdf: String,
    kdfparams: KdfParameters,
}

#[derive(Deserialize)]
struct CipherParameters {
    iv: String,
}

#[derive(Deserialize)]
struct KdfParameters {
    dklen: u64,
    #[serde(default)]
    n: u64,
    #[serde(default)]
    r: u64,
    #[serde(default)]
    p: u64,
    #[serde(default)]
    c: u64,
}

impl Keystores {
    /// Those in a directory, which need not exist yet.
    pub fn at(dir: PathBuf) -> Self {
        Self { dir }
    }

    /// The file of an account that may or may not be there.
    pub fn path(&self, name: &str) -> Result<PathBuf, Failure> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if name.is_empty() || name.len() > MAX_NAME || !name.bytes().all(plain) {
            return Err(Failure::usage(format!("{name:?} cannot be an account's name"))
                .hint(format!("take 1 to {MAX_NAME} letters, digits, - and _")));
        }
        Ok(self.dir.join(name).with_extension("json"))
    }

    /// Refuses a name that is taken.
    pub fn must_be_free(&self, name: &str) -> Result<(), Failure> {
        let path = self.path(name)?;
        if !path.exists() {
            return Ok(());
        }
        Err(Failure::failed(format!("{} is there already", path.display()))
            .hint("choose another name; `holdfast wallet list` shows those taken"))
    }

    /// Keeps a secret under a name that must be free.
    pub fn create(&self, name: &str, secret: &[u8; 32], password: &str) -> Result<Address, Failure> {
        self.must_be_free(name)?;
        let path = self.path(name)?;
        let account = account(secret)?;
        let failed = |why: &io::Error| Failure::file(&path, why);
        DirBuilder::new().recursive(true).mode(0o700).create(&self.dir).map_err(|why| failed(&why))?;
        // The library writes the file with the default mode: it stands in a private folder until it has its own.
        let draft = tempfile(&self.dir).map_err(|why| failed(&why))?;
        let written = write(&draft, secret, password, account.address());
        let placed = written.and_then(|()| {
            // A hard link fails if the name was taken meanwhile; a rename would not.
            fs::hard_link(draft.join(DRAFT), &path)?;
            File::open(&self.dir)?.sync_all()
        });
        fs::remove_dir_all(&draft).map_err(|why| failed(&why))?;
        placed.map_err(|why| failed(&why))?;
        Ok(account.address())
    }

    /// All accounts, by name.
    pub fn list(&self) -> Result<Vec<Listed>, Failure> {
        let entries = match fs::read_dir(&self.dir) {
            Ok(entries) => entries,
            Err(why) if why.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(why) => return Err(Failure::file(&self.dir, &why)),
        };
        let mut listed = Vec::new();
        for entry in entries {
            let path = entry.map_err(|why| Failure::file(&self.dir, &why))?.path();
            if path.extension().is_none_or(|it| it != "json") {
                continue;
            }
            let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            listed.push(Listed { name, address: outline(&path)?.address() });
        }
        listed.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(listed)
    }

    /// An account's address; the file must tell it.
    pub fn address(&self, name: &str) -> Result<Address, Failure> {
        let path = self.existing(name)?;
        outline(&path)?.address().ok_or_else(|| {
            Failure::failed(format!("{}: the file does not tell its address", path.display()))
                .hint("import it: holdfast wallet import NAME --keystore FILE")
        })
    }

    /// Opens an account.
    pub fn unlock(&self, name: &str, password: &str) -> Result<Wallet, Failure> {
        let path = self.existing(name)?;
        keys::private(&path)?;
        let account = account(&*decrypt(&path, password)?)?;
        match outline(&path)?.address() {
            Some(address) if address != account.address() => Err(Failure::failed(format!(
                "{}: the file names {address}, but its secret is that of {}",
                path.display(),
                account.address()
            ))),
            _ => Ok(account),
        }
    }

    fn existing(&self, name: &str) -> Result<PathBuf, Failure> {
        let path = self.path(name)?;
        if path.exists() {
            return Ok(path);
        }
        Err(Failure::new(FailureKind::NotFound, format!("there is no account {name:?}"))
            .hint("`holdfast wallet list` shows those there are, `holdfast wallet new` makes one"))
    }
}

impl Outline {
    fn address(&self) -> Option<Address> {
        self.address.as_deref()?.parse().ok()
    }

    /// Refuses what would take too much memory, or what the library does not expect.
    fn check(&self) -> Result<(), &'static str> {
        let Crypto { cipher, cipherparams, ciphertext, kdf, kdfparams: it } = &self.crypto;
        let work = it.n.saturating_mul(it.r).saturating_mul(it.p.max(1));
        match kdf.as_str() {
            _ if self.version != 3 => Err("only version 3 is read"),
            _ if cipher != "aes-128-ctr" || cipherparams.iv.len() != 32 => {
                Err("its cipher is not AES-128-CTR")
            }
            _ if ciphertext.len() != 64 => Err("it holds no secret of 32 bytes"),
            _ if it.dklen != 32 => Err("its derived key has not 32 bytes"),
            "scrypt"
                if !it.n.is_power_of_two() || it.n < 2 || it.r == 0 || it.p == 0 || work > MAX_SCRYPT =>
            {
                Err("its scrypt parameters are wrong, or ask for more than 1 GiB")
            }
            "pbkdf2" if it.c == 0 || it.c > MAX_ROUNDS => Err("its PBKDF2 rounds are none or too many"),
            "scrypt" | "pbkdf2" => Ok(()),
            _ => Err("its key derivation is neither scrypt nor PBKDF2"),
        }
    }
}

/// Decrypts the secret in a keystore file from anywhere.
pub fn decrypt(path: &Path, password: &str) -> Result<Zeroizing<[u8; 32]>, Failure> {
    outline(path)?.check().map_err(|why| Failure::failed(format!("{}: {why}", path.display())))?;
    let secret = eth_keystore::decrypt_key(path, password).map_err(|why| match why {
        eth_keystore::KeystoreError::MacMismatch => {
            Failure::failed(format!("{}: wrong password", path.display()))
        }
        why => Failure::failed(format!("{}: {why}", path.display())),
    })?;
    let secret = Zeroizing::new(secret);
    let mut fixed = Zeroizing::new([0; 32]);
    fixed.copy_from_slice(&secret);
    Ok(fixed)
}

fn account(secret: &[u8; 32]) -> Result<Wallet, Failure> {
    // The copy is wiped by the wallet.
    let mut secret = *secret;
    Wallet::from_secret(&mut secret)
        .ok_or_else(|| Failure::failed("the secret is no key: zero, or not below the order of secp256k1"))
}

fn outline(path: &Path) -> Result<Outline, Failure> {
    let mut text = String::new();
    File::open(path)
        .and_then(|file| file.take(MAX_FILE).read_to_string(&mut text))
        .map_err(|why| Failure::file(path, &why))?;
    serde_json::from_str(&text).map_err(|why| {
        Failure::failed(format!("{}: no keystore file: {why}", path.display()))
            .hint("restore it from a copy, or move it out of the wallet's folder")
    })
}

/// Name of a file that is being written.
const DRAFT: &str = "draft";

/// A folder that nobody else can look into.
fn tempfile(dir: &Path) -> io::Result<PathBuf> {
    let path = dir.join(format!(".new-{}", std::process::id()));
    DirBuilder::new().mode(0o700).create(&path)?;
    Ok(path)
}

fn write(folder: &Path, secret: &[u8; 32], password: &str, address: Address) -> io::Result<()> {
    let path = folder.join(DRAFT);
    #[allow(clippy::disallowed_types, reason = "no simulated node runs the command line")]
    let mut entropy = OsRng;
    eth_keystore::encrypt_key(folder, &mut entropy, secret, password, Some(DRAFT))
        .map_err(io::Error::other)?;
    // The address is optional in the format; with it an account can be listed without its password.
    let mut keystore: serde_json::Value = serde_json::from_str(&fs::read_to_string(&path)?)?;
    keystore["address"] = hex::encode(address).into();
    fs::write(&path, keystore.to_string())?;
    fs::set_permissions(&path, Permissions::from_mode(keys::MODE))?;
    File::open(&path)?.sync_all()
}
