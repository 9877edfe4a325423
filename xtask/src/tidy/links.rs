//! Links between the repository's own documents lead somewhere.

use super::{Finding, tree::Tree};

/// Adds links of Markdown files to files that are not there.
pub fn check(tree: &Tree, findings: &mut Vec<Finding>) {
    for file in tree.files().iter().filter(|file| file.path.ends_with(".md")) {
        let mut fenced = false;
        for (number, line) in file.text.lines().enumerate() {
            if line.trim_start().starts_with("```") {
                fenced = !fenced;
            }
            if fenced {
                continue;
            }
            for target in targets(line) {
                let resolved = resolve(&file.path, target);
                if !resolved.as_deref().is_some_and(|path| tree.contains(path)) {
                    findings.push(Finding::new(
                        &file.path,
                        number + 1,
                        format!("link to {target}: no such file"),
                    ));
                }
            }
        }
    }
}

/// The local targets of a line: `[text](target)` and `[name]: target`, without their `#anchor`.
fn targets(line: &str) -> Vec<&str> {
    let inline = line.split("](").skip(1).filter_map(|rest| rest.split_once(')').map(|(target, _)| target));
    let reference =
        line.starts_with('[').then(|| line.split_once("]: ").map(|(_, target)| target.trim())).flatten();
    inline
        .chain(reference)
        .filter(|target| {
            !target.contains("://") && !target.starts_with("mailto:") && !target.starts_with('#')
        })
        .map(|target| target.split('#').next().unwrap_or(target))
        .collect()
}

/// The target's path from the repository's root; `None` if it leads out of it.
fn resolve(from: &str, target: &str) -> Option<String> {
    let mut folders: Vec<&str> = from.split('/').collect();
    folders.pop();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                folders.pop()?;
            }
            name => folders.push(name),
        }
    }
    Some(folders.join("/"))
}
