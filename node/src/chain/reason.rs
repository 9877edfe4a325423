//! What the chain said, in the contracts' own words.

use crate::env::ChainError;

/// Why the chain refused, with a contract's error by its name and arguments.
pub fn reason(error: &ChainError) -> String {
    match error {
        ChainError::Reverted { data, why } => match holdfast_contracts::reason(data) {
            Some(named) => format!("the contract refuses: {named}"),
            None => format!("the chain reverts: {why}"),
        },
        other => other.to_string(),
    }
}
