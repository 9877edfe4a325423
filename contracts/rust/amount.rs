//! Amounts of tokens as people write them: decimal, exact.

use alloy::primitives::U256;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use std::{fmt, str::FromStr};

/// Decimals of HOLD and of the chains' own coins.
pub const DECIMALS: usize = 18;

/// So many 10⁻¹⁸ HOLD (or of the chain's coin). Written as a decimal number of whole ones, such as `12.5`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Amount(pub U256);

/// Why a text is no amount.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AmountError {
    /// Write digits with at most one point.
    #[error("{0:?} is no decimal number")]
    Digits(String),
    /// Round it: a smaller unit does not exist.
    #[error("{0:?} has more than {DECIMALS} decimals")]
    TooFine(String),
    /// More than any balance can be.
    #[error("{0:?} is too large")]
    TooLarge(String),
}

impl Amount {
    /// So many whole ones.
    #[must_use]
    pub fn whole(count: u64) -> Self {
        Self(U256::from(count) * unit())
    }
}

fn unit() -> U256 {
    U256::from(10).pow(U256::from(DECIMALS))
}

impl FromStr for Amount {
    type Err = AmountError;

    fn from_str(text: &str) -> Result<Self, AmountError> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        let point_without_digits = text.contains('.') && fraction.is_empty();
        if whole.is_empty() || point_without_digits || !digits(whole) || !digits(fraction) {
            return Err(AmountError::Digits(text.into()));
        }
        if fraction.len() > DECIMALS {
            return Err(AmountError::TooFine(text.into()));
        }
        U256::from_str_radix(&format!("{whole}{fraction:0<DECIMALS$}"), 10)
            .map(Self)
            .map_err(|_| AmountError::TooLarge(text.into()))
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, rest) = self.0.div_rem(unit());
        let fraction = format!("{rest:0>DECIMALS$}");
        let fraction = fraction.trim_end_matches('0');
        let text = if fraction.is_empty() { whole.to_string() } else { format!("{whole}.{fraction}") };
        f.pad(&text)
    }
}

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}
