//! Elements of BN254's scalar field that peers name, each a type of its own: 32 bytes big-endian, below the modulus.

use holdfast_proofs::field::{self, Fr};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use std::fmt;

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
                self.to_bytes().serialize(serializer)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let bytes = <[u8; 32]>::deserialize(deserializer)?;
                Self::from_bytes(&bytes).ok_or_else(|| D::Error::custom("number is not below the modulus"))
            }
        }
    };
}

element! {
    /// The root of a slot's tree under the circuit's hash.
    SlotRoot
}
