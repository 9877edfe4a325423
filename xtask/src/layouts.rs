//! Storage layouts of the upgradeable contracts: what stands in git may be appended to and never changed, because a
//! proxy keeps its storage when its implementation is replaced.

use crate::Failure;
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

/// The layout of a compiled contract as text, one variable or member of a struct a line; nothing if the contract is not
/// upgradeable. A line carries slot, offset, name and type, so that whatever moves changes it.
pub fn layout(built: &Value) -> Option<String> {
    let upgradeable = built["abi"].as_array()?.iter().any(|it| it["name"] == "upgradeToAndCall");
    let storage = built["storageLayout"]["storage"].as_array()?;
    if !upgradeable {
        return None;
    }
    let types = &built["storageLayout"]["types"];
    let line = |owner: &str, it: &Value| {
        let of = |field: &str| it[field].as_str().unwrap_or_default().to_string();
        let kind = types[of("type")]["label"].as_str().unwrap_or_default();
        format!("{owner}{} +{} {} {kind}\n", of("slot"), it["offset"], of("label"))
    };
    let mut text: String = storage.iter().map(|it| line("", it)).collect();
    let structs: BTreeSet<String> = types
        .as_object()?
        .values()
        .flat_map(|kind| {
            let name = kind["label"].as_str().unwrap_or_default();
            let members = kind["members"].as_array().map(Vec::as_slice).unwrap_or_default();
            members.iter().map(|it| line(&format!("{name} "), it)).collect::<Vec<_>>()
        })
        .collect();
    text.extend(structs);
    Some(text)
}

/// Compares the layouts with those in `folder`, or writes them.
///
/// # Errors
/// If a line that is in git is gone, or, unless they are written, if the two differ.
pub fn check(folder: &Path, built: &BTreeMap<String, String>, write: bool) -> Result<(), Failure> {
    let path = |name: &str| folder.join(name).with_extension("txt");
    for (name, text) in built {
        let kept = fs::read_to_string(path(name)).unwrap_or_default();
        if let Some(line) = kept.lines().find(|line| !text.lines().any(|it| it == *line)) {
            return Err(format!(
                "{name}: storage may only be appended to, but this is gone or moved: {line}\n\
                 as long as no proxy holds such storage, delete {} and write it anew",
                path(name).display()
            ));
        }
        if write {
            fs::create_dir_all(folder).map_err(|why| format!("{}: {why}", folder.display()))?;
            fs::write(path(name), text).map_err(|why| format!("{}: {why}", path(name).display()))?;
        } else if kept != *text {
            return Err(format!("{name}: storage was appended to; cargo xtask contracts --write"));
        }
    }
    eprintln!("{} storage layouts only append", built.len());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn contract(variables: &[&str], members: &[&str]) -> BTreeMap<String, String> {
        let places = |names: &[&str]| -> Vec<Value> {
            let place = |(i, name): (usize, &&str)| json!({"label": name, "slot": i.to_string(), "offset": 0, "type": "t_uint"});
            names.iter().enumerate().map(place).collect()
        };
        let built = json!({
            "abi": [{"name": "upgradeToAndCall"}],
            "storageLayout": {
                "storage": places(variables),
                "types": {"t_uint": {"label": "uint256"}, "t_struct(It)7": {"label": "struct It", "members": places(members)}},
            },
        });
        BTreeMap::from([("It".to_string(), layout(&built).expect("it is upgradeable"))])
    }

    #[test]
    fn appending_passes_and_everything_else_is_refused() {
        let folder = std::env::temp_dir().join(format!("holdfast-layouts-{}", std::process::id()));
        let check = |variables: &[&str], members: &[&str], write| {
            check(&folder, &contract(variables, members), write)
        };
        check(&["a", "b"], &["x"], true).unwrap();
        check(&["a", "b"], &["x"], false).unwrap();
        assert!(check(&["a", "b", "c"], &["x"], false).is_err(), "not written yet");
        check(&["a", "b", "c"], &["x", "y"], true).unwrap();
        for (variables, members) in [
            (&["a", "c", "b"][..], &["x", "y"][..]),
            (&["new", "a", "b", "c"], &["x", "y"]),
            (&["a", "b"], &["x", "y"]),
            (&["a", "b", "renamed"], &["x", "y"]),
            (&["a", "b", "c"], &["y", "x"]),
        ] {
            let refused = check(variables, members, true).unwrap_err();
            assert!(refused.contains("only be appended to"), "{variables:?} {members:?}: {refused}");
        }
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn what_is_not_upgradeable_has_no_layout() {
        let built = json!({"abi": [{"name": "transfer"}], "storageLayout": {"storage": [], "types": {}}});
        assert_eq!(layout(&built), None);
    }
}
