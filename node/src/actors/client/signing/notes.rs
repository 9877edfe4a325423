//! What the owner writes down of a placement whose slot roots it signs, so that it goes on after a restart.
//!
//! ```text
//! <placement>               the signed roots, and how far this is
//! <placement>/<slot>        who holds the slot
//! <placement>/<slot>/cells  which cells were drawn, and what they are
//! ```
//!
//! The first of them is written last: what a crash leaves without it is never read.

use super::super::{actor::Client, cells::OwnRoots, messages::ClientError};
use crate::{
    actors::{
        ask,
        storage::{ListNotes, ReadNote, Shelf, WriteNote},
    },
    limits,
    types::{PeerId, PlacementId, Signed, SlotRoots, Timestamp},
};
use futures::{StreamExt, TryStreamExt, stream};
use holdfast_proofs::spot_check::SpotCheck;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// How far a placement is. The signed roots come first: storage serves them to others.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Head {
    pub(super) roots: Signed<SlotRoots>,
    /// When all receipts were in.
    pub(super) stored: Timestamp,
    /// All roots are signed and all holders have them.
    pub(super) done: bool,
}

/// One slot whose root is not signed, or not with its holder.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct SlotNote {
    /// Bytes of the slot.
    pub(super) length: u64,
    /// Whom to ask; `None` if the slot is to be refilled.
    pub(super) holder: Option<PeerId>,
    /// Since when.
    pub(super) since: Timestamp,
    /// Since when it cannot be reached, if so.
    pub(super) silent: Option<Timestamp>,
    /// Who does not hold it, whatever they say.
    pub(super) refused: Vec<PeerId>,
}

#[derive(Serialize, Deserialize)]
struct CellsNote {
    levels: u8,
    cells: Vec<(u64, [u8; 32])>,
}

fn slot_key(id: PlacementId, slot: u16) -> String {
    format!("{id}/{slot:04x}")
}

fn cells_key(id: PlacementId, slot: u16) -> String {
    format!("{id}/{slot:04x}/cells")
}

async fn read<T: DeserializeOwned>(client: &Client, key: String) -> Result<Option<T>, ClientError> {
    let note = ask(&client.ask.read_note, ReadNote { shelf: Shelf::Signing, key }).await?;
    let parse = |bytes: bytes::Bytes| {
        postcard::from_bytes(&bytes).map_err(|why| ClientError::Io(format!("note of slot roots: {why}")))
    };
    note.map(parse).transpose()
}

async fn write<T: Serialize>(client: &Client, key: String, note: Option<&T>) -> Result<(), ClientError> {
    let encode = |note: &T| postcard::to_allocvec(note).expect("in-memory records always encode").into();
    let value = note.map(encode);
    Ok(ask(&client.ask.write_note, WriteNote { shelf: Shelf::Signing, key, value }).await?)
}

/// Writes all down that is needed to sign the roots of a placement.
pub(super) async fn begin(
    client: &Client,
    head: &Head,
    id: PlacementId,
    own: &OwnRoots,
    holders: &[PeerId],
) -> Result<(), ClientError> {
    for ((slot, (_, check)), holder) in (0u16..).zip(&own.slots).zip(holders) {
        let SpotCheck { levels, cells } = check;
        let cells = CellsNote { levels: *levels as u8, cells: cells.clone() };
        write(client, cells_key(id, slot), Some(&cells)).await?;
        let holder = Some(*holder);
        let (since, silent, refused) = (head.stored, None, Vec::new());
        let note = SlotNote { length: own.length, holder, since, silent, refused };
        write_slot(client, id, slot, &note).await?;
    }
    write_head(client, id, head).await
}

pub(super) async fn read_head(client: &Client, id: PlacementId) -> Result<Option<Head>, ClientError> {
    read(client, id.to_string()).await
}

pub(super) async fn write_head(client: &Client, id: PlacementId, head: &Head) -> Result<(), ClientError> {
    write(client, id.to_string(), Some(head)).await
}

pub(super) async fn read_slot(
    client: &Client,
    id: PlacementId,
    slot: u16,
) -> Result<Option<SlotNote>, ClientError> {
    read(client, slot_key(id, slot)).await
}

pub(super) async fn write_slot(
    client: &Client,
    id: PlacementId,
    slot: u16,
    note: &SlotNote,
) -> Result<(), ClientError> {
    write(client, slot_key(id, slot), Some(note)).await
}

pub(super) async fn read_check(
    client: &Client,
    id: PlacementId,
    slot: u16,
) -> Result<Option<SpotCheck>, ClientError> {
    let note: Option<CellsNote> = read(client, cells_key(id, slot)).await?;
    Ok(note.map(|note| SpotCheck { levels: usize::from(note.levels), cells: note.cells }))
}

/// Deletes what is needed no more once all is done.
pub(super) async fn clear_slots(client: &Client, id: PlacementId, slots: u16) -> Result<(), ClientError> {
    let keys = (0..slots).flat_map(|slot| [slot_key(id, slot), cells_key(id, slot)]);
    let deletions = stream::iter(keys).map(|key| write::<()>(client, key, None));
    deletions.buffer_unordered(limits::MAILBOX).try_collect().await
}

/// Deletes everything of a placement.
pub(in super::super) async fn forget(client: &Client, id: PlacementId) -> Result<(), ClientError> {
    let Some(head) = read_head(client, id).await? else { return Ok(()) };
    write::<()>(client, id.to_string(), None).await?;
    let slots = head.roots.decode_unverified().map_or(0, |roots| roots.cell_roots.len() as u16);
    clear_slots(client, id, slots).await
}

/// The placements that are not done.
pub(super) async fn unfinished(client: &Client) -> Result<Vec<PlacementId>, ClientError> {
    let notes = ask(&client.ask.list_notes, ListNotes(Shelf::Signing)).await?;
    let unfinished = |(key, bytes): (String, bytes::Bytes)| {
        let id = key.parse().ok()?;
        let head: Head = postcard::from_bytes(&bytes).ok()?;
        (!head.done).then_some(id)
    };
    Ok(notes.into_iter().filter_map(unfinished).collect())
}
