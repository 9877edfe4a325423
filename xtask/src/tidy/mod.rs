//! Rules of the sources that a compiler does not know: which room may import which, how long a file
//! and a function may be, and which words stay out. Run by `cargo xtask tidy` and as a test.

mod facts;
mod imports;
mod links;
mod sizes;
mod tree;
mod words;

#[cfg(test)]
mod tests;

use crate::Failure;
use std::{fmt, path::Path};
use tree::Tree;

/// One breach of one rule.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Finding {
    path: String,
    line: usize,
    message: String,
}

impl Finding {
    fn new(path: &str, line: usize, message: impl Into<String>) -> Self {
        Self { path: path.into(), line, message: message.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.message)
    }
}

/// Checks all files of the repository and prints every finding as `file:line: message`.
pub fn run(root: &Path) -> Result<(), Failure> {
    let tree = Tree::read(root)?;
    let findings = check(&tree);
    for finding in &findings {
        eprintln!("{finding}");
    }
    if findings.is_empty() {
        eprintln!("{} files are tidy", tree.files().len());
        Ok(())
    } else {
        Err(format!("tidy: {} findings", findings.len()))
    }
}

/// All findings of all rules, by file and line.
fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    imports::check(tree, &mut findings);
    sizes::check(tree, &mut findings);
    words::check(tree, &mut findings);
    links::check(tree, &mut findings);
    findings.sort();
    findings
}
