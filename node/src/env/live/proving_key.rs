//! Proving keys on disk. One is read for each proof and dropped after it: kept, or mapped and touched all over by every
//! proof, it would be most of what a provider at rest takes.

use super::{LoadKey, ProofKeys};
use crate::{
    env::{Circuits, ProverError},
    settings::Proving,
};
use holdfast_proofs::{
    groth16::{
        ProvingKey, Trapdoor,
        encoding::{proving_key_from_bytes, proving_key_to_bytes},
        setup,
    },
    r1cs::{Circuit, measure},
};
use std::{
    fmt::Display,
    fs::{self, File},
    io::{self, Read, Write},
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
};

/// Most bytes of a proving key: twice that of the largest circuit in use.
const MAX_BYTES: u64 = 128 << 20;

/// Where a node's proving key is.
#[derive(Debug)]
pub struct KeyFile<C> {
    circuit: C,
    path: PathBuf,
    development: bool,
    digest: OnceLock<[u8; 32]>,
}

/// Where the keys of a node come from that lives in directory `dir`.
pub fn proof_keys(dir: &Path, settings: &Proving, circuits: &Circuits) -> ProofKeys {
    let Proving { key_file, opening_key_file, access_key_file, insecure_development_key, .. } = settings;
    let development = *insecure_development_key;
    ProofKeys {
        provider: load_key(dir, circuits.provider, key_file, development),
        opening: load_key(dir, circuits.opening, opening_key_file, development),
        access: load_key(dir, circuits.access, access_key_file, development),
    }
}

fn load_key<C>(dir: &Path, circuit: C, file: &Path, development: bool) -> LoadKey
where
    C: Circuit + Send + Sync + 'static,
{
    if file.as_os_str().is_empty() {
        return Box::new(|| Err(ProverError::Key("the settings name none".into())));
    }
    let file = KeyFile::new(circuit, dir.join(file), development);
    Box::new(move || file.load())
}

fn failed(path: &Path, why: impl Display) -> ProverError {
    ProverError::Key(format!("{}: {why}", path.display()))
}

impl<C: Circuit> KeyFile<C> {
    /// The key of a circuit in a file. `development` asks for the insecure development key, which is made when it is
    /// first needed; else that key is refused.
    pub fn new(circuit: C, path: PathBuf, development: bool) -> Self {
        Self { circuit, path, development, digest: OnceLock::new() }
    }

    /// Reads and checks the key: its checksum, its circuit, that its points lie on their curves, and that it is not
    /// one that anybody can forge with, unless it is to be.
    ///
    /// # Errors
    /// [`ProverError::Key`] with what is wrong.
    pub fn load(&self) -> Result<Arc<ProvingKey>, ProverError> {
        let bytes = match self.read() {
            Err(why) if why.kind() == io::ErrorKind::NotFound && self.development => {
                self.make().and_then(|()| self.read())
            }
            read => read,
        };
        let bytes = bytes.map_err(|why| failed(&self.path, why))?;
        let digest = self.digest.get_or_init(|| measure(&self.circuit).digest);
        let key = proving_key_from_bytes(&bytes, digest).map_err(|why| failed(&self.path, why))?;
        if key.verifying.is_insecure_development() != self.development {
            let kind = if self.development { "not the development key" } else { "the development key" };
            return Err(failed(&self.path, format!("it is {kind}, see insecure_development_key")));
        }
        Ok(Arc::new(key))
    }

    fn read(&self) -> io::Result<Vec<u8>> {
        let file = File::open(&self.path)?;
        let length = file.metadata()?.len();
        if length > MAX_BYTES {
            return Err(io::Error::other(format!("{length} bytes are no key, at most {MAX_BYTES} are")));
        }
        let mut bytes = Vec::with_capacity(length as usize);
        file.take(MAX_BYTES).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// Makes the development key, unless another process has made it meanwhile: the nodes of a local network share one.
    fn make(&self) -> io::Result<()> {
        let beside = |extension| self.path.with_added_extension(extension);
        let lock = File::create(beside("lock"))?;
        lock.lock()?;
        if self.path.exists() {
            return Ok(());
        }
        tracing::info!(path = %self.path.display(), "making the insecure development key: some 16 CPU-seconds, once");
        let key = setup(&self.circuit, &Trapdoor::insecure_development()).map_err(io::Error::other)?;
        let fresh = beside("new");
        let mut file = File::create(&fresh)?;
        file.write_all(&proving_key_to_bytes(&key))?;
        file.sync_all()?;
        fs::rename(&fresh, &self.path)?;
        tracing::info!(path = %self.path.display(), "the development key is made");
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use holdfast_proofs::circuit::SlotCircuit;

    fn file(dir: &Path, samples: usize, development: bool) -> KeyFile<SlotCircuit> {
        let circuit = SlotCircuit::new(2, samples).expect("a small circuit");
        KeyFile::new(circuit, dir.join("proving.key"), development)
    }

    #[track_caller]
    fn refused<C: Circuit>(file: &KeyFile<C>, why: &str) {
        match file.load() {
            Err(ProverError::Key(said)) => assert!(said.contains(why), "{said}"),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_development_key_is_made_once_and_only_where_it_is_asked_for() {
        let dir = tempfile::tempdir().expect("a directory");
        refused(&file(dir.path(), 3, false), "No such file");
        let made = file(dir.path(), 3, true).load().expect("it is made");
        assert!(made.verifying.is_insecure_development());
        let path = dir.path().join("proving.key");
        let written = fs::metadata(&path).and_then(|data| data.modified()).expect("it is kept");
        // Of two processes that find no key the second waits for the first and makes none.
        file(dir.path(), 3, true).make().expect("nothing is to be made");
        assert_eq!(file(dir.path(), 3, true).load().as_deref(), Ok(&*made));
        assert_eq!(fs::metadata(&path).and_then(|data| data.modified()).expect("it is kept"), written);
        refused(&file(dir.path(), 3, false), "it is the development key");
    }

    #[test]
    fn a_key_of_another_circuit_or_maker_and_a_damaged_one_are_refused() {
        let dir = tempfile::tempdir().expect("a directory");
        file(dir.path(), 3, true).load().expect("it is made");
        refused(&file(dir.path(), 4, true), "circuit");
        let path = dir.path().join("proving.key");
        let mut bytes = fs::read(&path).expect("readable");
        *bytes.last_mut().expect("not empty") ^= 1;
        fs::write(&path, &bytes).expect("writable");
        refused(&file(dir.path(), 3, true), "checksum differs");
        File::create(&path).and_then(|file| file.set_len(MAX_BYTES + 1)).expect("writable");
        refused(&file(dir.path(), 3, true), "bytes are no key");
        let other =
            Trapdoor { delta: holdfast_proofs::field::Fr::from(7), ..Trapdoor::insecure_development() };
        let circuit = SlotCircuit::new(2, 3).expect("a small circuit");
        let key = setup(&circuit, &other).expect("a key");
        fs::write(&path, proving_key_to_bytes(&key)).expect("writable");
        // Its α is still the one that everybody knows.
        refused(&file(dir.path(), 3, false), "it is the development key");
    }
}
