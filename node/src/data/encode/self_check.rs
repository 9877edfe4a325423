//! Holds the two libraries equal before a node trusts either with a file.

use super::{Codec, CodecChoice, CodecError};
use crate::{data::Recipe, types::Code};
use bytes::Bytes;

/// k, n: a single data shard, powers of two, none, and a rate above one half.
const CODES: [(u16, u16); 4] = [(1, 3), (4, 8), (6, 17), (10, 14)];

/// Compares `reed-solomon-simd`, `reed-solomon-novelpoly` and the linear combination that rebuilds a
/// shard on a small segment; takes some ten milliseconds and belongs at a node's start.
///
/// # Errors
/// A sentence that names the code and what differed: the build or the machine computes wrongly.
pub fn self_check() -> Result<(), String> {
    for (k, n) in CODES {
        let code = Code::with_default_threshold(k, n).map_err(|e| e.to_string())?;
        check(code).map_err(|what| format!("erasure code {k} of {n} failed its self-check: {what}"))?;
    }
    Ok(())
}

fn check(code: Code) -> Result<(), String> {
    let say = |error: CodecError| error.to_string();
    let ciphertext: Vec<u8> = (0..code.k() * 150 + 7).map(|i| ((i * i) >> 3) as u8).collect();
    let fast = Codec::new(CodecChoice::Simd).encode(code, ciphertext.clone()).map_err(say)?;
    let reference = Codec::new(CodecChoice::NovelPoly).encode(code, ciphertext.clone()).map_err(say)?;
    if fast != reference {
        return Err("the two libraries encode differently".into());
    }
    let last = code.n() - code.k();
    let tail: Vec<(u16, Bytes)> = code.slots().zip(fast.iter().cloned()).skip(last).collect();
    for choice in [CodecChoice::Simd, CodecChoice::NovelPoly] {
        let decoded = Codec::new(choice).decode(code, ciphertext.len(), &tail).map_err(say)?;
        if decoded != ciphertext {
            return Err(format!("{choice:?} does not decode what was encoded"));
        }
    }
    let (slots, shards): (Vec<u16>, Vec<Bytes>) = tail.into_iter().unzip();
    let rebuilt = Recipe::new(code, &slots, 0).and_then(|recipe| recipe.rebuild(&shards)).map_err(say)?;
    if rebuilt != fast[0] {
        return Err("a rebuilt shard differs from the encoded one".into());
    }
    Ok(())
}
