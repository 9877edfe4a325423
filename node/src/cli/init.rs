//! `holdfast init`: a node's directory, keys and settings.

use super::{
    args,
    config::render,
    failure::Failure,
    home::Home,
    keys::{self, Role},
    output::Output,
};
use crate::settings::Settings;
use serde::Serialize;
use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::PathBuf,
};

#[derive(Serialize)]
struct Made {
    dir: PathBuf,
    peer: String,
    owner: String,
}

/// Makes a node and tells its ids.
pub fn run(home: &Home, options: &args::Init, output: Output) -> Result<(), Failure> {
    let mut settings = Settings::default();
    if let Some(capacity) = options.capacity {
        settings.capacity_bytes = capacity.as_u64();
    }
    if !options.listen.is_empty() {
        settings.listen.clone_from(&options.listen);
    }
    settings.bootstrap.clone_from(&options.bootstrap);
    make(home, &settings)?;
    let keys = home.keys()?;
    let made = Made {
        dir: home.dir().to_path_buf(),
        peer: keys.peer.peer().to_string(),
        owner: keys.owner.peer().to_string(),
    };
    output.print(&made, |out| {
        writeln!(out, "dir    {}\npeer   {}\nowner  {}", made.dir.display(), made.peer, made.owner)
    })?;
    eprintln!("keep a copy of {}: who has it owns the files", home.owner_key_path().display());
    Ok(())
}

/// Makes the directory, the keys and the settings; refuses to touch a node that is there.
pub fn make(home: &Home, settings: &Settings) -> Result<(), Failure> {
    let present = [home.peer_key_path(), home.owner_key_path(), home.settings_path()];
    if let Some(path) = present.iter().find(|path| path.exists()) {
        return Err(Failure::failed(format!("{} is there already", path.display()))
            .hint("this directory holds a node; choose another with --dir DIR"));
    }
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(home.dir())
        .map_err(|why| Failure::file(home.dir(), &why).hint("choose a directory that you may write"))?;
    keys::create(&home.peer_key_path(), Role::Peer)?;
    keys::create(&home.owner_key_path(), Role::Owner)?;
    write_settings(home, settings)?;
    File::open(home.dir()).and_then(|dir| dir.sync_all()).map_err(|why| Failure::file(home.dir(), &why))
}

/// Writes the settings file anew.
pub fn write_settings(home: &Home, settings: &Settings) -> Result<(), Failure> {
    let path = home.settings_path();
    let write = || -> io::Result<()> {
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&path)?;
        file.write_all(render(settings).as_bytes())?;
        file.sync_all()
    };
    write().map_err(|why| Failure::file(&path, &why))
}
