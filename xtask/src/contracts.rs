//! The contracts: install the pinned toolchain, build, test, and compare the artifacts kept in git.

use crate::{Failure, suite::program};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

/// Installs, builds and tests; then compares `contracts/artifacts` and the gas in `contracts/snapshots` with what came
/// out, or writes them.
pub fn run(root: &Path, write: bool) -> Result<(), Failure> {
    let room = root.join("contracts");
    if !installed(&room) {
        program(&room, "npm", &["ci", "--ignore-scripts", "--no-audit", "--no-fund"], &[])?;
    }
    let forge = room.join("node_modules/.bin/forge").display().to_string();
    let sources = solidity(&room.join("src"))?;
    let tests = solidity(&room.join("test"))?;
    let mut format = vec!["fmt".to_string(), "--check".into()];
    let written = sources
        .iter()
        .chain(&tests)
        .filter(|path| !path.components().any(|it| it.as_os_str() == "generated"));
    format.extend(written.map(|path| path.display().to_string()));
    program(&room, &forge, &format.iter().map(String::as_str).collect::<Vec<_>>(), &[])?;
    program(
        &room,
        &forge,
        &["test"],
        &[("FOUNDRY_PROFILE", "ci"), ("FORGE_SNAPSHOT_CHECK", if write { "false" } else { "true" })],
    )?;
    let built = artifacts(&room, &sources)?;
    if write { store(&room, &built) } else { compare(&room, &built) }
}

/// True if `npm ci` has run since the lockfile last changed.
fn installed(room: &Path) -> bool {
    let time = |path: &str| fs::metadata(room.join(path)).and_then(|it| it.modified()).ok();
    match (time("node_modules/.package-lock.json"), time("package-lock.json")) {
        (Some(installed), Some(locked)) => installed >= locked,
        _ => false,
    }
}

/// All Solidity files below a folder, sorted.
fn solidity(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let mut files = Vec::new();
    for path in entries(folder)? {
        if path.is_dir() {
            files.extend(solidity(&path)?);
        } else if path.extension().is_some_and(|it| it == "sol") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let failed = |why: std::io::Error| format!("{}: {why}", folder.display());
    fs::read_dir(folder).map_err(failed)?.map(|entry| entry.map(|it| it.path()).map_err(failed)).collect()
}

/// ABI and bytecode of every contract of the sources that can be deployed, by name.
fn artifacts(room: &Path, sources: &[PathBuf]) -> Result<BTreeMap<String, String>, Failure> {
    let mut artifacts = BTreeMap::new();
    for source in sources {
        let file = source.file_name().expect("a source has a name");
        let folder = room.join("out").join(file);
        if !folder.is_dir() {
            continue; // Files without contracts, such as those of types, leave no output.
        }
        for path in entries(&folder)? {
            let built: Value =
                serde_json::from_str(&read(&path)?).map_err(|why| format!("{}: {why}", path.display()))?;
            let code = built["bytecode"]["object"].as_str().unwrap_or_default();
            let callable = built["abi"].as_array().is_some_and(|it| !it.is_empty());
            if code.len() <= 2 || !callable {
                continue; // Interfaces and abstract contracts have no code, internal libraries nothing to call.
            }
            let artifact = json!({ "abi": built["abi"], "bytecode": code });
            let text = serde_json::to_string_pretty(&artifact).map_err(|why| why.to_string())?;
            let name = path.file_stem().expect("an output has a name").to_string_lossy().into_owned();
            artifacts.insert(name, text + "\n");
        }
    }
    Ok(artifacts)
}

fn read(path: &Path) -> Result<String, Failure> {
    fs::read_to_string(path).map_err(|why| format!("{}: {why}", path.display()))
}

fn store(room: &Path, built: &BTreeMap<String, String>) -> Result<(), Failure> {
    let folder = room.join("artifacts");
    let failed = |why: std::io::Error| format!("{}: {why}", folder.display());
    fs::create_dir_all(&folder).map_err(failed)?;
    for stale in entries(&folder)? {
        fs::remove_file(stale).map_err(failed)?;
    }
    for (name, text) in built {
        fs::write(folder.join(name).with_extension("json"), text).map_err(failed)?;
    }
    eprintln!("{} artifacts written", built.len());
    Ok(())
}

fn compare(room: &Path, built: &BTreeMap<String, String>) -> Result<(), Failure> {
    let folder = room.join("artifacts");
    let mut kept = BTreeMap::new();
    for path in entries(&folder)? {
        let name = path.file_stem().expect("an artifact has a name").to_string_lossy().into_owned();
        kept.insert(name, read(&path)?);
    }
    let mut names: Vec<&String> = kept.keys().chain(built.keys()).collect();
    names.sort();
    names.dedup();
    let differing: Vec<&str> =
        names.into_iter().filter(|name| kept.get(*name) != built.get(*name)).map(String::as_str).collect();
    if differing.is_empty() {
        eprintln!("{} artifacts are as built", built.len());
        Ok(())
    } else {
        let list = differing.join(", ");
        Err(format!("contracts/artifacts differ from what was built: {list}; cargo xtask contracts --write"))
    }
}
