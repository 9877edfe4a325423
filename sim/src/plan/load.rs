//! From text to a plan: overrides, unknown keys, and the canonical form that is hashed.

use super::{Plan, PlanError};
use crate::churn::trace;
use holdfast::types::ContentHash;
use std::path::Path;
use toml::{Table, Value};

/// Edits between two names beyond which one is no misspelling of the other.
const MAX_MISSPELLING: usize = 3;

/// What a churn trace is called beside a resolved plan, whatever it was called before.
pub const TRACE_FILE: &str = "sessions.csv";

impl Plan {
    /// Reads a plan file, applies `key=value` overrides in order, reads its trace, and validates all.
    ///
    /// # Errors
    /// [`PlanError`] by what is wrong, naming key or line.
    pub fn load(path: &Path, overrides: &[String]) -> Result<Self, PlanError> {
        let text = read(path)?;
        let mut plan = Self::parse(&path.display().to_string(), &text, overrides)?;
        if let Some(trace) = &plan.churn.trace {
            let path = path.parent().unwrap_or(Path::new("")).join(trace);
            let text = read(&path)?;
            plan.sessions = trace::parse(&text, plan.nodes)
                .map_err(|error| PlanError::Trace { path: path.display().to_string(), error })?;
            plan.trace_text = Some(text);
            plan.churn.trace = Some(TRACE_FILE.to_owned());
        }
        Ok(plan)
    }

    /// As [`Plan::load`], from text; `path` is only for errors, and a trace is not read.
    ///
    /// # Errors
    /// [`PlanError`] by what is wrong, naming key or line.
    pub fn parse(path: &str, text: &str, overrides: &[String]) -> Result<Self, PlanError> {
        let syntax = |e: toml::de::Error| PlanError::Syntax { path: path.into(), why: e.to_string() };
        let mut table: Table = toml::from_str(text).map_err(syntax)?;
        for text in overrides {
            let (key, value) = parse_assignment(text)?;
            assign(&mut table, &key, value)
                .map_err(|why| PlanError::Assignment { text: text.clone(), why })?;
        }
        let plan: Plan = table.try_into().map_err(|e| explain(&e))?;
        plan.validate()?;
        Ok(plan)
    }

    /// The plan with every default filled in, as TOML: what a run writes beside its results.
    pub fn canonical(&self) -> String {
        toml::to_string(self).expect("a plan is plain data with string keys")
    }

    /// BLAKE3 of the canonical plan and its trace. The seed is left out: it is named beside the hash.
    pub fn hash(&self) -> ContentHash {
        let unseeded = Self { seed: 0, ..self.clone() };
        let mut hasher = blake3::Hasher::new_derive_key("holdfast-sim plan v1");
        hasher.update(unseeded.canonical().as_bytes());
        hasher.update(self.trace_text.as_deref().unwrap_or_default().as_bytes());
        ContentHash::from_bytes(*hasher.finalize().as_bytes())
    }
}

fn read(path: &Path) -> Result<String, PlanError> {
    std::fs::read_to_string(path)
        .map_err(|e| PlanError::Read { path: path.display().to_string(), why: e.to_string() })
}

/// Splits `section.key=value`; the value is TOML, or else a bare string.
///
/// # Errors
/// [`PlanError::Assignment`] if there is no `=` or no key.
pub fn parse_assignment(text: &str) -> Result<(Vec<String>, Value), PlanError> {
    let wrong = |why: &str| PlanError::Assignment { text: text.into(), why: why.into() };
    let (key, value) = text.split_once('=').ok_or_else(|| wrong("there is no ="))?;
    let key: Vec<String> = key.split('.').map(|part| part.trim().to_owned()).collect();
    if key.iter().any(String::is_empty) {
        return Err(wrong("a part of the key is empty"));
    }
    let parsed = toml::from_str::<Table>(&format!("value = {value}"))
        .ok()
        .and_then(|mut table| table.remove("value"))
        .unwrap_or_else(|| Value::String(value.trim().to_owned()));
    Ok((key, parsed))
}

fn assign(table: &mut Table, key: &[String], value: Value) -> Result<(), String> {
    let [first, rest @ ..] = key else { return Err("the key is empty".into()) };
    if rest.is_empty() {
        table.insert(first.clone(), value);
        return Ok(());
    }
    match table.entry(first.clone()).or_insert_with(|| Value::Table(Table::new())) {
        Value::Table(inner) => assign(inner, rest, value),
        _ => Err(format!("{first} is not a section")),
    }
}

/// Turns serde's words into ours: which key, where, and the nearest known one.
///
/// serde's `Error::unknown_field` is worded "unknown field `x`, expected one of `a`, `b`"; a test
/// holds that against the version in use.
fn explain(error: &toml::de::Error) -> PlanError {
    let shown = error.to_string();
    let section =
        shown.lines().find_map(|line| line.strip_prefix("in `")?.strip_suffix('`')).unwrap_or_default();
    let message = error.message();
    let mut names = message.split('`').skip(1).step_by(2).map(str::to_owned);
    if let (true, Some(unknown)) = (message.starts_with("unknown field"), names.next()) {
        let known: Vec<String> = names.collect();
        let distance = |name: &str| strsim::damerau_levenshtein(&unknown, name);
        let nearest = known
            .iter()
            .min_by_key(|name| distance(name))
            .filter(|name| distance(name) <= MAX_MISSPELLING)
            .cloned();
        return PlanError::UnknownKey { key: join(section, &unknown), nearest, known };
    }
    let key = if section.is_empty() { "plan".to_owned() } else { section.to_owned() };
    PlanError::Value { key, why: message.trim_end_matches('.').to_owned() }
}

fn join(section: &str, key: &str) -> String {
    // The parser names the path to the unknown key, or only the section around it.
    match section {
        "" => key.to_owned(),
        path if path == key || path.ends_with(&format!(".{key}")) => path.to_owned(),
        path => format!("{path}.{key}"),
    }
}
