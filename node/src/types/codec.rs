//! How records become bytes: one version byte, then postcard.
//!
//! postcard (<https://postcard.jamesmunns.com/wire-format>) is a stable, documented format without
//! self-description; the version byte is ours, so that an unknown layout is refused by name.

use serde::{
    Deserialize, Deserializer, Serialize,
    de::{DeserializeOwned, Error, SeqAccess, Visitor},
};
use std::{fmt, marker::PhantomData};

/// Why foreign bytes could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FormatError {
    /// No bytes at all.
    #[error("{what} is empty")]
    Empty {
        /// What was being read.
        what: &'static str,
    },
    /// Written by another version of the format.
    #[error("{what} has format version {found}, this node reads {known}")]
    Version {
        /// What was being read.
        what: &'static str,
        /// The version byte found.
        found: u8,
        /// The version this build reads.
        known: u8,
    },
    /// Larger than the limit for its kind.
    #[error("{what} is {len} bytes, the limit is {limit}")]
    TooLarge {
        /// What was being read.
        what: &'static str,
        /// Its length in bytes.
        len: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// Truncated, or not of the expected shape.
    #[error("{what} is malformed: {why}")]
    Malformed {
        /// What was being read.
        what: &'static str,
        /// What the decoder said.
        why: String,
    },
}

/// Encodes `value` behind a version byte.
pub fn encode_versioned<T: Serialize>(version: u8, value: &T) -> Vec<u8> {
    postcard::to_extend(value, vec![version]).expect("in-memory records always encode")
}

/// Decodes bytes that [`encode_versioned`] wrote, refusing trailing bytes.
///
/// # Errors
/// [`FormatError`] by what is wrong with the bytes.
pub fn decode_versioned<T: DeserializeOwned>(
    what: &'static str,
    known: u8,
    limit: usize,
    bytes: &[u8],
) -> Result<T, FormatError> {
    if bytes.len() > limit {
        return Err(FormatError::TooLarge { what, len: bytes.len(), limit });
    }
    let (&found, rest) = bytes.split_first().ok_or(FormatError::Empty { what })?;
    if found != known {
        return Err(FormatError::Version { what, found, known });
    }
    let malformed = |why: String| FormatError::Malformed { what, why };
    let (value, rest) = postcard::take_from_bytes(rest).map_err(|e| malformed(e.to_string()))?;
    if !rest.is_empty() {
        return Err(malformed(format!("{} bytes follow its end", rest.len())));
    }
    Ok(value)
}

/// Deserializes a list of at most `LIMIT` items.
///
/// For lists whose items are much smaller encoded than decoded: two bytes may stand for a whole empty
/// record, so that bounding the bytes alone would not bound the memory.
pub(super) fn at_most<'de, D, T, const LIMIT: usize>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    deserializer.deserialize_seq(Bounded::<T, LIMIT>(PhantomData))
}

struct Bounded<T, const LIMIT: usize>(PhantomData<T>);

impl<'de, T: Deserialize<'de>, const LIMIT: usize> Visitor<'de> for Bounded<T, LIMIT> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at most {LIMIT} items")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Vec<T>, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            if list.len() == LIMIT {
                return Err(A::Error::custom(format_args!("more than {LIMIT} items")));
            }
            list.push(item);
        }
        Ok(list)
    }
}
