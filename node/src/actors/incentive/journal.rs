//! What of the outbox outlives the process: notes that the storage actor keeps.
//!
//! A transaction's note is written before the transaction is sent, and again before one with higher fees is.
//! When it is final, first its end is noted, then which nonces are used up, and then its note is deleted: after
//! a crash in between, the end that is noted counts.

use super::{messages::TransactionEnd, state::Entry};
use crate::{
    actors::{
        ask,
        storage::{ListNotes, ReadNote, Shelf, StorageError, WriteNote},
    },
    limits,
    types::{IntentId, decode_versioned, encode_versioned},
};
use actix::Recipient;
use alloy::primitives::Address;
use bytes::Bytes;
use serde::{Serialize, de::DeserializeOwned};

const VERSION: u8 = 3;
/// The key of the note that tells which nonces are used up; no intent is called so.
const FLOOR: &str = "floor";

/// The notes of one account on one chain.
pub(super) struct Journal {
    prefix: String,
    write: Recipient<WriteNote>,
    read: Recipient<ReadNote>,
    list: Recipient<ListNotes>,
}

impl Journal {
    pub(super) fn new(
        chain: u64,
        account: Address,
        write: Recipient<WriteNote>,
        read: Recipient<ReadNote>,
        list: Recipient<ListNotes>,
    ) -> Self {
        Self { prefix: format!("{chain}/{account}/"), write, read, list }
    }

    /// Which nonces are used up, and all entries that did not end.
    pub(super) async fn restore(&self) -> Result<(u64, Vec<Entry>), StorageError> {
        let (mut floor, mut open, mut ended) = (0, Vec::new(), Vec::new());
        for (key, value) in ask(&self.list, ListNotes(Shelf::Sending)).await? {
            match key.strip_prefix(&self.prefix) {
                Some(FLOOR) => floor = floor.max(decode("outbox's floor", &value)?),
                Some(_) => {
                    let entry: Entry = decode("outbox entry", &value)?;
                    let list = if self.end(entry.intent).await?.is_some() { &mut ended } else { &mut open };
                    list.push(entry);
                }
                None => {}
            }
        }
        for entry in ended {
            floor = floor.max(entry.nonce + 1);
            self.forget(entry.intent, floor).await?;
        }
        Ok((floor, open))
    }

    /// How an intent ended, if it did.
    pub(super) async fn end(&self, intent: IntentId) -> Result<Option<TransactionEnd>, StorageError> {
        let note = ReadNote { shelf: Shelf::Sent, key: format!("{}{intent}", self.prefix) };
        let note = ask(&self.read, note).await?;
        note.map(|bytes| decode("outbox's end", &bytes)).transpose()
    }

    /// Keeps an entry, instead of what was kept of its intent before.
    pub(super) async fn keep(&self, entry: &Entry) -> Result<(), StorageError> {
        self.put(Shelf::Sending, &entry.intent.to_string(), Some(entry)).await
    }

    /// Notes how an intent ended.
    pub(super) async fn close(
        &self,
        intent: IntentId,
        end: &TransactionEnd,
        floor: u64,
    ) -> Result<(), StorageError> {
        self.put(Shelf::Sent, &intent.to_string(), Some(end)).await?;
        self.forget(intent, floor).await
    }

    async fn forget(&self, intent: IntentId, floor: u64) -> Result<(), StorageError> {
        self.put(Shelf::Sending, FLOOR, Some(&floor)).await?;
        self.put::<()>(Shelf::Sending, &intent.to_string(), None).await
    }

    async fn put<T: Serialize>(
        &self,
        shelf: Shelf,
        key: &str,
        value: Option<&T>,
    ) -> Result<(), StorageError> {
        let value = value.map(|value| Bytes::from(encode_versioned(VERSION, value)));
        ask(&self.write, WriteNote { shelf, key: format!("{}{key}", self.prefix), value }).await
    }
}

fn decode<T: DeserializeOwned>(what: &'static str, bytes: &[u8]) -> Result<T, StorageError> {
    Ok(decode_versioned(what, VERSION, limits::MAX_OUTBOX_NOTE, bytes)?)
}
