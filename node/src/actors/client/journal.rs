//! The upload journal: what makes a put resumable, and what keeps a nonce from ever meeting a
//! second plaintext.
//!
//! **Invariant:** before any shard of a segment leaves this node, the hash of its plaintext is
//! durable here. An upload is taken up again under the same key only if every recorded segment
//! still has that hash; otherwise the file gets a fresh placement and with it a fresh key.
//! Segment notes are filed under their placement's nonce, and the head is deleted before them: what
//! a crash in between leaves behind can never be taken for part of another upload.

use super::{actor::Client, messages::ClientError};
use crate::{
    actors::{
        ask,
        storage::{ReadNote, Shelf, WriteNote},
    },
    limits,
    types::{Code, ContentHash, PeerId, Policy, ShardHash, decode_versioned, encode_versioned},
};
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

const VERSION: u8 = 1;

/// What an upload is: written once, before its first segment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Head {
    pub(super) nonce: [u8; 32],
    pub(super) sealed_manifest: Bytes,
    pub(super) size: u64,
    pub(super) segment_len: u32,
    pub(super) code: Code,
    pub(super) policy: Policy,
}

/// What is known of one segment: written before its shards leave, and again when all are stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SegmentNote {
    pub(super) plaintext: ContentHash,
    pub(super) hashes: Vec<ShardHash>,
    /// Who holds each slot's shard; empty until all n receipts are in.
    pub(super) holders: Vec<PeerId>,
}

/// One upload's journal.
#[derive(Clone, Debug)]
pub(super) struct Journal {
    key: String,
}

impl Journal {
    /// The journal of the upload of this source under this name.
    pub(super) fn of(name: &str, source: &str) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key("holdfast upload journal v1");
        hasher.update(&(name.len() as u64).to_le_bytes());
        hasher.update(name.as_bytes());
        hasher.update(source.as_bytes());
        Self { key: hasher.finalize().to_hex().to_string() }
    }

    /// What the journal is filed under; one upload at a time may use it.
    pub(super) fn key(&self) -> &str {
        &self.key
    }

    fn segment_key(&self, head: &Head, segment: u32) -> String {
        format!("{}/{}/{segment:08x}", self.key, hex::encode(&head.nonce[..8]))
    }

    pub(super) async fn read_head(&self, client: &Client) -> Result<Option<Head>, ClientError> {
        read(client, self.key.clone()).await
    }

    pub(super) async fn write_head(&self, client: &Client, head: &Head) -> Result<(), ClientError> {
        write(client, self.key.clone(), Some(encode_versioned(VERSION, head))).await
    }

    pub(super) async fn read_segment(
        &self,
        client: &Client,
        head: &Head,
        segment: u32,
    ) -> Result<Option<SegmentNote>, ClientError> {
        read(client, self.segment_key(head, segment)).await
    }

    pub(super) async fn write_segment(
        &self,
        client: &Client,
        head: &Head,
        segment: u32,
        note: &SegmentNote,
    ) -> Result<(), ClientError> {
        write(client, self.segment_key(head, segment), Some(encode_versioned(VERSION, note))).await
    }

    /// Forgets the upload, its head first.
    pub(super) async fn clear(&self, client: &Client, head: &Head, segments: u32) -> Result<(), ClientError> {
        write(client, self.key.clone(), None).await?;
        let keys = (0..segments).map(|segment| self.segment_key(head, segment));
        let deletions = stream::iter(keys).map(|key| write(client, key, None));
        deletions.buffer_unordered(limits::MAILBOX).try_collect().await
    }
}

async fn read<T: DeserializeOwned>(client: &Client, key: String) -> Result<Option<T>, ClientError> {
    let note = ask(&client.ask.read_note, ReadNote { shelf: Shelf::Journal, key }).await?;
    let parse = |bytes: Bytes| {
        decode_versioned("upload journal", VERSION, limits::MAX_JOURNAL_NOTE, &bytes)
            .map_err(|e| ClientError::Io(e.to_string()))
    };
    note.map(parse).transpose()
}

async fn write(client: &Client, key: String, value: Option<Vec<u8>>) -> Result<(), ClientError> {
    let value = value.map(Bytes::from);
    Ok(ask(&client.ask.write_note, WriteNote { shelf: Shelf::Journal, key, value }).await?)
}
