//! Circuits by name.

use holdfast_proofs::{
    ceremony::{InitialError, Phase1, Progress, initial_key},
    circuit::{AccessCircuit, CircuitError, OpeningCircuit, ProviderCircuit, SlotCircuit},
    groth16::{ProvingKey, SetupError, Trapdoor, setup},
    r1cs::measure,
};
use std::{fmt, str::FromStr};

/// A circuit with the name that the vectors give it, such as `slot-7x80`.
#[derive(Debug, Clone)]
pub struct NamedCircuit {
    name: String,
    circuit: Any,
}

#[derive(Debug, Clone)]
enum Any {
    Slot(SlotCircuit),
    Provider(ProviderCircuit),
    Opening(OpeningCircuit),
    Access(AccessCircuit),
}

/// Why a name names no circuit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Write it as one of these.
    #[error(
        "circuits are slot-LEVELSxSAMPLES, provider-LEVELSxSLOTSxSAMPLES, opening-LEVELS and access-LEVELS"
    )]
    Form,
    /// Choose other numbers.
    #[error(transparent)]
    Circuit(#[from] CircuitError),
}

impl FromStr for NamedCircuit {
    type Err = NameError;

    fn from_str(name: &str) -> Result<Self, NameError> {
        let (form, numbers) = name.split_once('-').ok_or(NameError::Form)?;
        let numbers: Vec<usize> = numbers
            .split('x')
            .map(|number| number.parse().ok().filter(|value: &usize| value.to_string() == number))
            .collect::<Option<_>>()
            .ok_or(NameError::Form)?;
        let circuit = match (form, numbers.as_slice()) {
            ("slot", &[levels, samples]) => Any::Slot(SlotCircuit::new(levels, samples)?),
            ("provider", &[levels, slots, samples]) => {
                Any::Provider(ProviderCircuit::new(levels, slots, samples)?)
            }
            ("opening", &[levels]) => Any::Opening(OpeningCircuit::new(levels)?),
            ("access", &[levels]) => Any::Access(AccessCircuit::new(levels)?),
            _ => return Err(NameError::Form),
        };
        Ok(Self { name: name.to_string(), circuit })
    }
}

impl fmt::Display for NamedCircuit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl NamedCircuit {
    /// What identifies the circuit.
    pub fn digest(&self) -> [u8; 32] {
        match &self.circuit {
            Any::Slot(circuit) => measure(circuit).digest,
            Any::Provider(circuit) => measure(circuit).digest,
            Any::Opening(circuit) => measure(circuit).digest,
            Any::Access(circuit) => measure(circuit).digest,
        }
    }

    /// The key that phase 1 determines.
    pub fn initial_key(&self, phase1: &Phase1, told: &Progress<'_>) -> Result<ProvingKey, InitialError> {
        match &self.circuit {
            Any::Slot(circuit) => initial_key(phase1, circuit, told),
            Any::Provider(circuit) => initial_key(phase1, circuit, told),
            Any::Opening(circuit) => initial_key(phase1, circuit, told),
            Any::Access(circuit) => initial_key(phase1, circuit, told),
        }
    }

    /// The key that anybody can forge with.
    pub fn development_key(&self) -> Result<ProvingKey, SetupError> {
        let trapdoor = Trapdoor::insecure_development();
        match &self.circuit {
            Any::Slot(circuit) => setup(circuit, &trapdoor),
            Any::Provider(circuit) => setup(circuit, &trapdoor),
            Any::Opening(circuit) => setup(circuit, &trapdoor),
            Any::Access(circuit) => setup(circuit, &trapdoor),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_in_one_way_alone() {
        for name in ["slot-7x80", "provider-7x16x5", "opening-7", "access-7"] {
            assert_eq!(name.parse::<NamedCircuit>().unwrap().to_string(), name);
        }
        for name in
            ["", "slot", "slot-7", "slot-7x80x1", "slot-07x80", "slot-7x+80", "shard-7x80", "slot-7×80"]
        {
            assert_eq!(name.parse::<NamedCircuit>().unwrap_err(), NameError::Form, "{name}");
        }
        let error = "slot-9x80".parse::<NamedCircuit>().unwrap_err();
        assert_eq!(error, NameError::Circuit(CircuitError::Shape { levels: 9, cap: 2 }));
    }
}
