//! Reading and replacing the files of a ceremony.

use super::{super::failure::Failure, args::Source};
use holdfast_proofs::ceremony::{Ceremony, Phase1, Phase1Error};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::{
    ffi::OsString,
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

/// Most bytes of a ceremony: a key of the largest domain has 0.6 GB.
const MAX_CEREMONY: u64 = 1 << 30;
/// Most bytes of a phase 1: 2^21 powers with their Lagrange bases, which are skipped, have 2.2 GB.
const MAX_PHASE1: u64 = 4 << 30;

/// Reads a whole file that is not larger than anything it could be.
fn read(path: &Path, most: u64) -> Result<Vec<u8>, Failure> {
    let file = File::open(path).map_err(|why| Failure::file(path, &why))?;
    let length = file.metadata().map_err(|why| Failure::file(path, &why))?.len();
    if length > most {
        return Err(Failure::failed(format!("{}: {length} bytes, at most {most} are read", path.display())));
    }
    let mut bytes = Vec::new();
    file.take(most).read_to_end(&mut bytes).map_err(|why| Failure::file(path, &why))?;
    Ok(bytes)
}

/// Reads a ceremony, for a given circuit or for any.
pub fn ceremony(path: &Path, circuit: Option<&[u8; 32]>) -> Result<Ceremony, Failure> {
    Ceremony::from_bytes(&read(path, MAX_CEREMONY)?, circuit).map_err(|why| {
        Failure::failed(format!("{}: no ceremony: {why}", path.display()))
            .hint("fetch it again from whoever contributed last, and compare SHA-256")
    })
}

/// Reads and checks phase 1.
pub fn phase1(source: &Source, rng: &mut impl rand_core::Rng, steps: &Steps) -> Result<Phase1, Failure> {
    let path = &source.phase1;
    steps.begin("read phase 1");
    let bytes = read(path, MAX_PHASE1)?;
    let phase1 = Phase1::import(&bytes, &source.sha256.0).map_err(|why| {
        let failure = Failure::failed(format!("{}: {why}", path.display()));
        match why {
            Phase1Error::Pin { .. } => failure.hint("fetch the file again, or correct --sha256"),
            Phase1Error::Power(_) => failure.hint("take a smaller file of the same ceremony"),
            _ => failure.hint("take powers of tau for BN254 as snarkjs writes them (.ptau)"),
        }
    })?;
    drop(bytes);
    steps.begin("check phase 1");
    phase1.check(rng).map_err(|why| {
        Failure::failed(format!("{}: {why}", path.display())).hint("do not use this phase 1 at all")
    })?;
    Ok(phase1)
}

/// Writes a file that must not exist.
pub fn create(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let write = || -> io::Result<()> {
        let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
        file.write_all(bytes)?;
        file.sync_all()
    };
    write().map_err(|why| {
        let failure = Failure::file(path, &why);
        let exists = why.kind() == io::ErrorKind::AlreadyExists;
        if exists { failure.hint("name another file, or move this one away") } else { failure }
    })
}

/// Puts a ceremony in the place of the one before.
pub fn replace(path: &Path, ceremony: &Ceremony) -> Result<(), Failure> {
    let beside = beside(path);
    create(&beside, &ceremony.to_bytes())?;
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let renamed = fs::rename(&beside, path).and_then(|()| File::open(parent)?.sync_all());
    renamed.map_err(|why| Failure::file(path, &why))
}

fn beside(path: &Path) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(".new");
    name.into()
}

/// Tells on stderr, if that is a terminal, which of the long steps runs and how far it is.
pub struct Steps(ProgressBar);

impl Steps {
    pub fn new() -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        let style = ProgressStyle::with_template("{msg} {bar:30} {percent}%  {elapsed}")
            .expect("the template is a constant and well formed");
        bar.set_style(style);
        Self(bar)
    }

    pub fn begin(&self, what: &'static str) {
        self.0.set_length(1);
        self.0.set_position(0);
        self.0.set_message(what);
        self.0.tick();
    }

    pub fn show(&self, done: u64, all: u64) {
        self.0.set_length(all);
        self.0.set_position(done);
    }
}

impl Drop for Steps {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
