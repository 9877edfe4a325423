//! The files of the repository, as text and, where they are Rust, as facts.

use super::{Finding, facts::Facts};
use crate::Failure;
use std::{fs, path::Path, process::Command};

/// One text file.
pub struct File {
    /// Path from the root, `/`-separated.
    pub path: String,
    pub text: String,
    /// What the parser saw; `None` if it is not Rust.
    pub facts: Option<Facts>,
}

impl File {
    /// True for files that hold nothing but tests.
    pub fn is_test(&self) -> bool {
        self.path.ends_with("/tests.rs") || self.path.split('/').any(|folder| folder == "tests")
    }

    /// The path below `prefix`, if the file is there.
    pub fn below(&self, prefix: &str) -> Option<&str> {
        self.path.strip_prefix(prefix)
    }

    /// Facts of a Rust file that is shipped.
    pub fn production(&self) -> Option<&Facts> {
        self.facts.as_ref().filter(|_| !self.is_test())
    }
}

/// All text files that git knows or would add.
pub struct Tree {
    files: Vec<File>,
    paths: Vec<String>,
    unparsed: Vec<Finding>,
}

impl Tree {
    /// Reads the files below `root`, passing over what `.gitignore` names and what is not UTF-8.
    pub fn read(root: &Path) -> Result<Self, Failure> {
        let output = Command::new("git")
            .current_dir(root)
            .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
            .output()
            .map_err(|why| format!("git ls-files: cannot start: {why}"))?;
        if !output.status.success() {
            return Err(format!("git ls-files: {}", String::from_utf8_lossy(&output.stderr).trim()));
        }
        let names = String::from_utf8_lossy(&output.stdout);
        let entries = names.split_terminator('\0').filter_map(|path| {
            let bytes = fs::read(root.join(path)).ok()?;
            Some((path.to_string(), String::from_utf8(bytes).ok()))
        });
        Ok(Self::of(entries))
    }

    /// Builds a tree from paths and texts; a path without text is binary.
    pub fn of(entries: impl IntoIterator<Item = (String, Option<String>)>) -> Self {
        let mut tree = Self { files: Vec::new(), paths: Vec::new(), unparsed: Vec::new() };
        for (path, text) in entries {
            tree.paths.push(path.clone());
            if let Some(text) = text {
                tree.add(path, text);
            }
        }
        tree
    }

    fn add(&mut self, path: String, text: String) {
        let facts = path.ends_with(".rs").then(|| Facts::of(&path, &text)).transpose();
        let facts = facts.unwrap_or_else(|why| {
            let line = why.span().start().line;
            self.unparsed.push(Finding::new(&path, line, format!("does not parse: {why}")));
            None
        });
        self.files.push(File { path, text, facts });
    }

    /// The text files.
    pub fn files(&self) -> &[File] {
        &self.files
    }

    /// Rust files that do not parse.
    pub fn unparsed(&self) -> &[Finding] {
        &self.unparsed
    }

    /// True if `path` is a file or a folder of the repository.
    pub fn contains(&self, path: &str) -> bool {
        let folder = format!("{path}/");
        path.is_empty() || self.paths.iter().any(|known| known == path || known.starts_with(&folder))
    }
}
