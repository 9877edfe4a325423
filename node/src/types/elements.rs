//! Elements of BN254's scalar field that peers name, each a type of its own: 32 bytes big-endian, below the modulus.

use holdfast_proofs::field::{self, Fr};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use std::{fmt, str::FromStr};

/// A text or number that is no element.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not 64 hexadecimal digits of a number below the modulus")]
pub struct ElementError;

macro_rules! element {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq)]
        pub struct $name(pub Fr);

        impl $name {
            /// 32 bytes, big-endian.
            pub fn to_bytes(self) -> [u8; 32] {
                field::to_be_bytes(&self.0)
            }

            /// Reads 32 bytes, big-endian; `None` if the number is not below the modulus.
            pub fn from_bytes(bytes: &[u8; 32]) -> Option<Self> {
                field::from_be_bytes(bytes).map(Self)
            }
        }

        impl FromStr for $name {
            type Err = ElementError;
            fn from_str(text: &str) -> Result<Self, ElementError> {
                let mut bytes = [0; 32];
                hex::decode_to_slice(text, &mut bytes).map_err(|_| ElementError)?;
                Self::from_bytes(&bytes).ok_or(ElementError)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&hex::encode(self.to_bytes()))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), hex::encode(&self.to_bytes()[..6]))
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                if serializer.is_human_readable() {
                    serializer.collect_str(self)
                } else {
                    self.to_bytes().serialize(serializer)
                }
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                if deserializer.is_human_readable() {
                    return String::deserialize(deserializer)?.parse().map_err(D::Error::custom);
                }
                let bytes = <[u8; 32]>::deserialize(deserializer)?;
                Self::from_bytes(&bytes).ok_or_else(|| D::Error::custom(ElementError))
            }
        }
    };
}

element! {
    /// The root of a slot's tree under the circuit's hash.
    SlotRoot
}

element! {
    /// The root of an access list.
    ListRoot
}

element! {
    /// A member of an access list, as the list holds it; or a member's secret, as its file holds it.
    Member
}
