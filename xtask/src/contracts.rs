//! The contracts: install the pinned toolchain, lint, build, test, and compare what of them is kept in git: artifacts,
//! storage layouts, gas, and what the chain costs.

use crate::{Failure, layouts, suite::program};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// A verifier of a small circuit, for the tests of other crates.
const SMALL_VERIFIER: &str = "test/generated/SmallProviderVerifier.sol";
/// The parts of a Safe, as its package brings them compiled.
const SAFE: &str = "node_modules/@safe-global/safe-contracts/build/artifacts/contracts";
const SAFE_PARTS: [&str; 4] = [
    "Safe.sol/Safe.json",
    "handler/CompatibilityFallbackHandler.sol/CompatibilityFallbackHandler.json",
    "proxies/SafeProxy.sol/SafeProxy.json",
    "proxies/SafeProxyFactory.sol/SafeProxyFactory.json",
];

/// Installs, lints, builds and tests; then compares artifacts, layouts, gas and costs with what came out, or writes them.
pub fn run(root: &Path, write: bool) -> Result<(), Failure> {
    let room = root.join("contracts");
    install(root)?;
    let forge = room.join("tools/forge").display().to_string();
    refuses(&forge)?;
    let sources = solidity(&room.join("src"))?;
    let tests = solidity(&room.join("test"))?;
    let mut format = vec!["fmt".to_string(), "--check".into()];
    let written = sources
        .iter()
        .chain(&tests)
        .filter(|path| !path.components().any(|it| it.as_os_str() == "generated"));
    format.extend(written.map(|path| path.display().to_string()));
    program(&room, &forge, &format.iter().map(String::as_str).collect::<Vec<_>>(), &[])?;
    let solhint = room.join("node_modules/.bin/solhint").display().to_string();
    program(&room, &solhint, &["--disc", "--noPoster", "--max-warnings", "0", "src/**/*.sol"], &[])?;
    program(
        &room,
        &forge,
        &["test"],
        &[("FOUNDRY_PROFILE", "ci"), ("FORGE_SNAPSHOT_CHECK", if write { "false" } else { "true" })],
    )?;
    let mut built = outputs(&room, &sources)?;
    let layouts = built.iter().filter_map(|(name, it)| Some((name.clone(), layouts::layout(it)?))).collect();
    layouts::check(&room.join("layouts"), &layouts, write)?;
    cost(root, write)?;
    built.extend(outputs(&room, &[room.join(SMALL_VERIFIER)])?);
    let mut artifacts = artifacts(&built)?;
    artifacts.extend(safe(&room)?);
    if write { store(&room, &artifacts) } else { compare(&room, &artifacts) }
}

/// Installs the toolchain below `contracts/`, anvil included, unless it is there.
pub fn install(root: &Path) -> Result<(), Failure> {
    let room = root.join("contracts");
    if installed(&room) {
        return Ok(());
    }
    program(&room, "npm", &["ci", "--ignore-scripts", "--no-audit", "--no-fund"], &[])
}

/// Makes sure that a failure of forge is one for us: its npm package's own wrapper hides it.
fn refuses(forge: &str) -> Result<(), Failure> {
    let asked = Command::new(forge).arg("no-such-command").output();
    if asked.map_err(|why| format!("{forge} cannot start: {why}"))?.status.success() {
        return Err(format!("{forge} ends with 0 though it failed: no failing test would be noticed"));
    }
    Ok(())
}

/// Compares `docs/spec/cost.md` with what the script makes of the gas, or writes it.
fn cost(root: &Path, write: bool) -> Result<(), Failure> {
    let document = root.join("docs/spec/cost.md");
    let script = root.join("contracts/tools/cost");
    let made =
        Command::new("node").arg(&script).output().map_err(|why| format!("node cannot start: {why}"))?;
    if !made.status.success() {
        return Err(format!("{}: {}", script.display(), String::from_utf8_lossy(&made.stderr)));
    }
    let text = String::from_utf8(made.stdout).map_err(|why| why.to_string())?;
    if write {
        return fs::write(&document, text).map_err(|why| format!("{}: {why}", document.display()));
    }
    if read(&document)? == text {
        Ok(())
    } else {
        Err("docs/spec/cost.md is out of date; cargo xtask contracts --write".into())
    }
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

/// What the compiler said of every contract of the sources that can be deployed, by name.
fn outputs(room: &Path, sources: &[PathBuf]) -> Result<BTreeMap<String, Value>, Failure> {
    let mut outputs = BTreeMap::new();
    for source in sources {
        let file = source.file_name().expect("a source has a name");
        let folder = room.join("out").join(file);
        if !folder.is_dir() {
            continue; // Files without contracts, such as those of types, leave no output.
        }
        for path in entries(&folder)? {
            let built: Value =
                serde_json::from_str(&read(&path)?).map_err(|why| format!("{}: {why}", path.display()))?;
            // Interfaces and abstract contracts have no code, libraries of internal functions nothing to call.
            let code = built["bytecode"]["object"].as_str().unwrap_or_default();
            if code.len() > 2 && built["abi"].as_array().is_some_and(|it| !it.is_empty()) {
                let name = path.file_stem().expect("an output has a name").to_string_lossy().into_owned();
                outputs.insert(name, built);
            }
        }
    }
    Ok(outputs)
}

/// ABI and bytecode of every contract as text, by name.
fn artifacts(built: &BTreeMap<String, Value>) -> Result<BTreeMap<String, String>, Failure> {
    let render = |(name, it): (&String, &Value)| {
        let artifact = json!({ "abi": it["abi"], "bytecode": it["bytecode"]["object"] });
        let text = serde_json::to_string_pretty(&artifact).map_err(|why| why.to_string())?;
        Ok((name.clone(), text + "\n"))
    };
    built.iter().map(render).collect()
}

/// The same of the Safe's parts.
fn safe(room: &Path) -> Result<BTreeMap<String, String>, Failure> {
    let mut built = BTreeMap::new();
    for part in SAFE_PARTS {
        let path = room.join(SAFE).join(part);
        let mut it: Value =
            serde_json::from_str(&read(&path)?).map_err(|why| format!("{}: {why}", path.display()))?;
        it["bytecode"] = json!({ "object": it["bytecode"] });
        let name = path.file_stem().expect("a part has a name").to_string_lossy().into_owned();
        built.insert(name, it);
    }
    artifacts(&built)
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
