//! Budgets: what does not fit is cut along a seam of its own.

use super::{Finding, tree::Tree};

/// Most production lines of a file.
const FILE: usize = 500;
/// Most lines of a function, signature included.
const FUNCTION: usize = 70;
/// Most lines of a `mod.rs`: it lists a room, the furniture stands in files.
const MOD: usize = 80;

/// Adds files and functions over budget.
pub fn check(tree: &Tree, findings: &mut Vec<Finding>) {
    for file in tree.files() {
        let Some(facts) = file.production() else { continue };
        let lines = file.text.lines().count() - facts.test_lines;
        let budget = if file.path.ends_with("/mod.rs") { MOD } else { FILE };
        if lines > budget {
            findings.push(Finding::new(
                &file.path,
                1,
                format!("{lines} production lines, the budget is {budget}"),
            ));
        }
        for function in facts.functions.iter().filter(|function| function.lines > FUNCTION) {
            let message =
                format!("fn {} has {} lines, the budget is {FUNCTION}", function.name, function.lines);
            findings.push(Finding::new(&file.path, function.line, message));
        }
    }
}
