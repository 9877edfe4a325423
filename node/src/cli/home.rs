//! A node's directory: what stands in it, under which name.

use super::{failure::Failure, keys};
use crate::{api::FailureKind, node::Keys, settings::Settings};
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// Most bytes of a settings file.
const MAX_SETTINGS: u64 = 1 << 20;

/// The directory of one node.
#[derive(Debug, Clone)]
pub struct Home {
    dir: PathBuf,
}

impl Home {
    pub fn at(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into() }
    }

    /// The directory that was named, or the one in the user's data directory (XDG base directories).
    pub fn find(named: Option<PathBuf>) -> Result<Self, Failure> {
        if let Some(dir) = named {
            return Ok(Self::at(dir));
        }
        let absolute = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let data =
            absolute("XDG_DATA_HOME").or_else(|| absolute("HOME").map(|home| home.join(".local/share")));
        let data = data.ok_or_else(|| {
            Failure::usage("no directory is named and HOME is not set").hint("name one with --dir DIR")
        })?;
        Ok(Self::at(data.join("holdfast")))
    }

    pub fn dir(&self) -> &Path {
        &self.dir
    }

    pub fn settings_path(&self) -> PathBuf {
        self.dir.join("holdfast.toml")
    }

    pub fn peer_key_path(&self) -> PathBuf {
        self.dir.join("peer.key")
    }

    pub fn owner_key_path(&self) -> PathBuf {
        self.dir.join("owner.key")
    }

    pub fn socket_path(&self) -> PathBuf {
        self.dir.join("control.sock")
    }

    /// Tells other programs about the running node.
    pub fn node_path(&self) -> PathBuf {
        self.dir.join("node.json")
    }

    /// Where accounts' secrets are kept.
    pub fn wallet_path(&self) -> PathBuf {
        self.dir.join("wallet")
    }

    /// Where the contracts stand.
    pub fn deployment_path(&self) -> PathBuf {
        self.dir.join("deployment.toml")
    }

    /// Blocks of a chain that this directory serves.
    pub fn chain_path(&self) -> PathBuf {
        self.dir.join("chain")
    }

    /// Where the actors keep their data.
    pub fn data_path(&self) -> PathBuf {
        self.dir.join("data")
    }

    /// Fails with a hint if this directory has never been made a node.
    pub fn must_exist(&self) -> Result<(), Failure> {
        if self.settings_path().exists() || self.peer_key_path().exists() {
            return Ok(());
        }
        Err(Failure::new(FailureKind::NotFound, format!("{} holds no node", self.dir.display()))
            .hint(format!("make one: holdfast --dir {} init", self.dir.display())))
    }

    /// Reads and checks the settings.
    pub fn settings(&self) -> Result<Settings, Failure> {
        self.must_exist()?;
        let path = self.settings_path();
        let text = read_bounded(&path).map_err(|why| Failure::file(&path, &why))?;
        let settings: Settings = toml::from_str(&text).map_err(|why| {
            Failure::usage(format!("{}: {}", path.display(), why.to_string().trim_end()))
                .hint("compare with the comments that `holdfast init` writes into a new directory")
        })?;
        settings.validate().map_err(|why| Failure::usage(format!("{}: {why}", path.display())))?;
        Ok(settings)
    }

    /// The settings, or the defaults in a directory that holds no node: an account needs none.
    pub fn settings_or_default(&self) -> Result<Settings, Failure> {
        if self.settings_path().exists() { self.settings() } else { Ok(Settings::default()) }
    }

    /// Reads both keys.
    pub fn keys(&self) -> Result<Keys, Failure> {
        self.must_exist()?;
        let mut peer = keys::read(&self.peer_key_path(), keys::Role::Peer)?;
        let mut owner = keys::read(&self.owner_key_path(), keys::Role::Owner)?;
        Keys::from_secrets(&mut peer, &mut owner).ok_or_else(|| {
            Failure::failed(format!("{}: a key is no secp256k1 secret", self.dir.display()))
                .hint("restore the key files from a copy")
        })
    }
}

fn read_bounded(path: &Path) -> io::Result<String> {
    if fs::metadata(path)?.len() > MAX_SETTINGS {
        return Err(io::Error::new(io::ErrorKind::InvalidData, format!("longer than {MAX_SETTINGS} bytes")));
    }
    fs::read_to_string(path)
}
