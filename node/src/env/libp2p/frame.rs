//! How a request or a response becomes bytes. Pure: what arrives is checked here, before anything of
//! its size is allocated.
//!
//! ```text
//! message    version u8 = 1 │ header length u32 LE │ body length u32 LE │ header (postcard) │ body
//! rejection          u8 = 0 │ text length   u32 LE │ 0           u32 LE │ UTF-8 text
//! ```
//!
//! A rejection answers a frame that could not be read, so it reads the same in every version.

use crate::limits;
use serde::{Serialize, de::DeserializeOwned};

/// The version this build writes and reads.
pub const VERSION: u8 = 1;
/// In a version's place: the frame is a rejection.
const REJECTION: u8 = 0;
/// Bytes before the header.
pub const PRELUDE: usize = 9;
/// Most bytes of a rejection's text.
pub const MAX_REJECTION: usize = 256;

/// What a frame's first [`PRELUDE`] bytes announce.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prelude {
    /// A header and a body follow.
    Message {
        /// Bytes of the header.
        header: usize,
        /// Bytes of the body.
        body: usize,
    },
    /// The peer could not read our frame; its reason follows.
    Rejection {
        /// Bytes of the text.
        text: usize,
    },
}

/// Why a frame was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// Written by another version of the protocol.
    #[error("frame has version {found}, this node reads {VERSION}")]
    Version {
        /// The version byte found.
        found: u8,
    },
    /// A part is longer than it may be.
    #[error("frame announces a {part} of {len} bytes, the limit is {limit}")]
    TooLarge {
        /// Header, body or rejection.
        part: &'static str,
        /// Bytes announced.
        len: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// The stream ended inside the frame.
    #[error("frame ends inside its {part}, after {got} of {len} bytes")]
    Truncated {
        /// Prelude, header, body or rejection.
        part: &'static str,
        /// Bytes that came.
        got: usize,
        /// Bytes announced.
        len: usize,
    },
    /// The header is not what it should be.
    #[error("frame has a malformed header: {0}")]
    Header(String),
    /// The peer could not read what we sent.
    #[error("it refused our frame: {0}")]
    Rejected(String),
}

/// Encodes what precedes the body of a message.
///
/// # Errors
/// [`FrameError::TooLarge`] if header or body exceed the limits that the reader will apply.
pub fn encode<T: Serialize>(header: &T, body_len: usize) -> Result<Vec<u8>, FrameError> {
    let mut bytes = postcard::to_extend(header, vec![0; PRELUDE]).expect("in-memory headers always encode");
    let header_len = check("header", bytes.len() - PRELUDE, limits::MAX_HEADER)?;
    let body_len = check("body", body_len, limits::MAX_SHARD)?;
    bytes[..PRELUDE].copy_from_slice(&prelude(VERSION, header_len, body_len));
    Ok(bytes)
}

/// Encodes a rejection; a long text is cut.
pub fn encode_rejection(text: &str) -> Vec<u8> {
    let text = &text[..text.floor_char_boundary(MAX_REJECTION)];
    [&prelude(REJECTION, text.len(), 0)[..], text.as_bytes()].concat()
}

/// Reads the first bytes of a frame.
///
/// # Errors
/// [`FrameError::Version`] or [`FrameError::TooLarge`].
pub fn decode_prelude(bytes: &[u8; PRELUDE]) -> Result<Prelude, FrameError> {
    let [found, h0, h1, h2, h3, b0, b1, b2, b3] = *bytes;
    let first = u32::from_le_bytes([h0, h1, h2, h3]) as usize;
    let second = u32::from_le_bytes([b0, b1, b2, b3]) as usize;
    match found {
        VERSION => Ok(Prelude::Message {
            header: check("header", first, limits::MAX_HEADER)?,
            body: check("body", second, limits::MAX_SHARD)?,
        }),
        REJECTION => Ok(Prelude::Rejection { text: check("rejection", first, MAX_REJECTION)? }),
        found => Err(FrameError::Version { found }),
    }
}

/// Reads a header, refusing bytes after its end.
///
/// # Errors
/// [`FrameError::Header`].
pub fn decode_header<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, FrameError> {
    let (header, rest) = postcard::take_from_bytes(bytes).map_err(|e| FrameError::Header(e.to_string()))?;
    if rest.is_empty() {
        Ok(header)
    } else {
        Err(FrameError::Header(format!("{} bytes follow its end", rest.len())))
    }
}

/// Refuses a part that is longer than `limit`.
pub(super) fn check(part: &'static str, len: usize, limit: usize) -> Result<usize, FrameError> {
    if len > limit { Err(FrameError::TooLarge { part, len, limit }) } else { Ok(len) }
}

/// Lengths are checked before they come here, and every limit is below 4 GiB.
fn prelude(version: u8, first: usize, second: usize) -> [u8; PRELUDE] {
    let mut bytes = [version; PRELUDE];
    bytes[1..5].copy_from_slice(&(first as u32).to_le_bytes());
    bytes[5..9].copy_from_slice(&(second as u32).to_le_bytes());
    bytes
}

const _: () = assert!(limits::MAX_HEADER <= u32::MAX as usize);
const _: () = assert!(limits::MAX_SHARD <= u32::MAX as usize);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{Answer, Ask, PlacementId, Refusal, ShardHash, ShardKey};
    use proptest::{collection::vec, prelude::*};

    fn read_shard() -> Ask {
        let key = ShardKey { placement: PlacementId::from_bytes([1; 32]), segment: 300, slot: 2 };
        Ask::ReadShard { key, offset: 0, len: 128 }
    }

    fn hex<T: Serialize>(header: &T, body: usize) -> String {
        hex::encode(encode(header, body).unwrap())
    }

    #[test]
    fn frames_are_what_they_have_been() {
        let ones = "01".repeat(32);
        assert_eq!(hex(&Ask::Status, 0), "01 01000000 00000000 00".replace(' ', ""));
        let read = format!("01 27000000 00000000 02 {ones} ac02 02 00 8001").replace(' ', "");
        assert_eq!(hex(&read_shard(), 0), read);
        let key = ShardKey { placement: PlacementId::from_bytes([1; 32]), segment: 0, slot: 0 };
        let store = Ask::StoreShard { key, hash: ShardHash::from_bytes([2; 32]) };
        let expected = format!("01 43000000 00001000 01 {ones} 00 00 {}", "02".repeat(32)).replace(' ', "");
        assert_eq!(hex(&store, 1 << 20), expected);
        assert_eq!(hex(&Answer::Shard, 5), "010100000005000000 02".replace(' ', ""));
        assert_eq!(hex(&Answer::Refused(Refusal::Busy), 0), "01 02000000 00000000 0605".replace(' ', ""));
        assert_eq!(hex::encode(encode_rejection("no")), "00 02000000 00000000 6e6f".replace(' ', ""));
    }

    #[test]
    fn what_is_too_large_is_not_written() {
        let error = encode(&Ask::Status, limits::MAX_SHARD + 1).unwrap_err();
        assert_eq!(
            error,
            FrameError::TooLarge { part: "body", len: limits::MAX_SHARD + 1, limit: limits::MAX_SHARD }
        );
        let text = encode_rejection(&"ü".repeat(200));
        assert_eq!(text.len(), PRELUDE + MAX_REJECTION);
    }

    #[test]
    fn another_version_is_named() {
        let error = decode_prelude(&[9; PRELUDE]).unwrap_err();
        assert_eq!(error.to_string(), "frame has version 9, this node reads 1");
    }

    proptest! {
        #[test]
        fn a_prelude_never_announces_more_than_the_limits(bytes: [u8; PRELUDE], known in 0u8..2, plausible: bool) {
            let mut bytes = bytes;
            if plausible {
                bytes[0] = known;
                bytes[4] = 0;
                bytes[8] = 0;
            }
            match decode_prelude(&bytes) {
                Ok(Prelude::Message { header, body }) => {
                    prop_assert!(header <= limits::MAX_HEADER && body <= limits::MAX_SHARD);
                    prop_assert_eq!(bytes, prelude(VERSION, header, body));
                }
                Ok(Prelude::Rejection { text }) => prop_assert!(text <= MAX_REJECTION),
                Err(FrameError::Version { found }) => prop_assert!(found > VERSION),
                Err(FrameError::TooLarge { len, limit, .. }) => prop_assert!(len > limit),
                Err(other) => prop_assert!(false, "{other}"),
            }
        }

        #[test]
        fn arbitrary_headers_never_panic(bytes in vec(any::<u8>(), 0..200)) {
            let _ = decode_header::<Ask>(&bytes);
            let _ = decode_header::<Answer>(&bytes);
        }

        #[test]
        fn a_header_with_anything_after_it_is_refused(tail in vec(any::<u8>(), 1..20)) {
            let bytes = encode(&read_shard(), 0).unwrap();
            prop_assert_eq!(decode_header::<Ask>(&bytes[PRELUDE..]).unwrap(), read_shard());
            let error = decode_header::<Ask>(&[&bytes[PRELUDE..], &tail[..]].concat()).unwrap_err();
            let expected = format!("frame has a malformed header: {} bytes follow its end", tail.len());
            prop_assert_eq!(error.to_string(), expected);
        }
    }
}
