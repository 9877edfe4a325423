//! What a holder writes down of the other holders, so that a restart does not make it a newcomer that
//! cannot tell who is gone from who is away.

use super::actor::Shared;
use crate::{
    actors::{
        ask,
        storage::{ReadNote, Shelf, WriteNote},
    },
    limits,
    types::{PlacementId, ProviderRecord, Timestamp, decode_versioned, encode_versioned},
};
use serde::{Deserialize, Serialize};

/// Version of the note.
const VERSION: u8 = 1;

/// A watched placement, as it is written down.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Memory {
    /// Since when it is watched.
    pub(super) since: Timestamp,
    /// Its holders.
    pub(super) holders: Vec<Remembered>,
}

/// A holder, and when it answered last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Remembered {
    pub(super) record: ProviderRecord,
    pub(super) seen: Timestamp,
}

fn key(id: PlacementId) -> String {
    hex::encode(id.as_bytes())
}

/// What an earlier run wrote down. A note that cannot be read is as good as none: watching begins anew.
pub(super) async fn recall(shared: &Shared, id: PlacementId) -> Option<Memory> {
    let note = ask(&shared.ask.read_note, ReadNote { shelf: Shelf::Watch, key: key(id) }).await;
    let parse = |bytes: bytes::Bytes| {
        decode_versioned("note of a watch", VERSION, limits::MAX_WATCH_NOTE, &bytes)
            .inspect_err(|error| tracing::warn!(%id, %error, "watching anew"))
            .ok()
    };
    note.inspect_err(|error| tracing::warn!(%id, %error, "watching anew")).ok().flatten().and_then(parse)
}

/// Writes down a watch; one with too many holders for a note stays in memory alone.
pub(super) async fn write_down(shared: &Shared, id: PlacementId, memory: &Memory) {
    let value = encode_versioned(VERSION, memory);
    if value.len() <= limits::MAX_WATCH_NOTE {
        write(shared, id, Some(value)).await;
    }
}

/// Deletes the note of a watch.
pub(super) async fn forget(shared: &Shared, id: PlacementId) {
    write(shared, id, None).await;
}

async fn write(shared: &Shared, id: PlacementId, value: Option<Vec<u8>>) {
    let note = WriteNote { shelf: Shelf::Watch, key: key(id), value: value.map(Into::into) };
    if let Err(error) = ask(&shared.ask.write_note, note).await {
        tracing::warn!(%id, %error, "the note of a watch cannot be changed; a restart would begin it anew");
    }
}
