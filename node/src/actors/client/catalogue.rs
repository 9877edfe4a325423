//! The owner's list of files: name → placement. Links follow from the owner's secret, so no key
//! lies in it.

use super::{
    actor::Client,
    messages::{CatalogueEntry, ClientError, FileRef},
    signing,
};
use crate::{
    actors::{
        ask,
        storage::{ListNotes, ReadNote, Shelf, WriteNote},
    },
    data, limits,
    types::{FileLink, PlacementId, decode_versioned, encode_versioned},
};
use bytes::Bytes;
use serde::{Deserialize, Serialize};

const VERSION: u8 = 1;

#[derive(Serialize, Deserialize)]
pub(super) struct Entry {
    pub(super) placement: PlacementId,
    pub(super) size: u64,
    /// Seconds since the Unix epoch.
    pub(super) stored: u64,
}

/// The owner's link to one of its placements.
pub(super) fn link(client: &Client, placement: PlacementId) -> FileLink {
    FileLink { placement, key: data::manifest_key(&client.keys.owner_secret, &placement) }
}

fn parse(bytes: &[u8]) -> Result<Entry, ClientError> {
    decode_versioned("catalogue entry", VERSION, limits::MAX_SMALL_RECORD, bytes)
        .map_err(|e| ClientError::Io(e.to_string()))
}

/// Writes a file's entry; returns the placement that had the name before.
pub(super) async fn write(
    client: &Client,
    name: &str,
    entry: Entry,
) -> Result<Option<PlacementId>, ClientError> {
    let before = read(client, name).await?;
    let value = Some(Bytes::from(encode_versioned(VERSION, &entry)));
    ask(&client.ask.write_note, WriteNote { shelf: Shelf::Catalogue, key: name.to_owned(), value }).await?;
    Ok(before.map(|entry| entry.placement).filter(|&placement| placement != entry.placement))
}

/// Deletes a file's entry.
pub(super) async fn delete(client: &Client, name: &str) -> Result<(), ClientError> {
    let note = WriteNote { shelf: Shelf::Catalogue, key: name.to_owned(), value: None };
    Ok(ask(&client.ask.write_note, note).await?)
}

/// One file's entry.
pub(super) async fn read(client: &Client, name: &str) -> Result<Option<Entry>, ClientError> {
    let note = ask(&client.ask.read_note, ReadNote { shelf: Shelf::Catalogue, key: name.to_owned() }).await?;
    note.map(|bytes| parse(&bytes)).transpose()
}

/// All files, in name order.
pub(super) async fn list(client: &Client) -> Result<Vec<CatalogueEntry>, ClientError> {
    let notes = ask(&client.ask.list_notes, ListNotes(Shelf::Catalogue)).await?;
    let mut entries = Vec::with_capacity(notes.len());
    for (name, bytes) in notes {
        let Entry { placement, size, stored } = parse(&bytes)?;
        let (link, roots) = (link(client, placement).to_string(), signing::state(client, placement).await?);
        entries.push(CatalogueEntry { name, size, link, stored, roots });
    }
    Ok(entries)
}

/// The link that a file reference means.
pub(super) async fn resolve(client: &Client, file: FileRef) -> Result<FileLink, ClientError> {
    match file {
        FileRef::Link(link) => Ok(link),
        FileRef::Name(name) => match read(client, &name).await? {
            Some(entry) => Ok(link(client, entry.placement)),
            None => Err(ClientError::Name(format!("no file named {name:?} in the catalogue"))),
        },
    }
}
