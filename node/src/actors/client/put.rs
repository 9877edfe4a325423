//! Storing a file: read, encrypt, code, hash, journal, send, until n signed receipts are in for
//! every segment; then sign the placement record and leave it with all n holders.

use super::{
    actor::Client,
    catalogue,
    cells::Cells,
    journal::SegmentNote,
    messages::{ClientError, Progress, PutFile, PutReport},
    remove, signing,
    upload::Upload,
};
use crate::{
    data, limits,
    types::{PeerId, PlacementRecord, ShardKey, Signed},
};
use futures::{
    FutureExt, StreamExt, TryStreamExt,
    future::{try_join, try_join_all},
    stream,
};
use std::rc::Rc;

/// Stores a file.
pub(super) async fn put(client: Rc<Client>, request: PutFile) -> Result<PutReport, ClientError> {
    let started = client.common.clock.now();
    let upload = Upload::begin(client.clone(), request).await?;
    stream::iter(0..upload.segments())
        .map(|segment| store_segment(&upload, segment))
        .buffer_unordered(window(&upload))
        .try_collect::<()>()
        .await?;
    upload.check_unchanged()?;
    let record = sign(&upload);
    publish(&upload, &record).await?;
    let signs = prepare_roots(&upload).await?;
    let entry = catalogue::Entry {
        placement: upload.placement,
        size: upload.head.size,
        stored: client.common.clock.now().as_secs(),
    };
    let before = catalogue::write(&client, &upload.request.name, entry).await?;
    upload.journal.clear(&client, &upload.head, upload.segments()).await?;
    if let Some(before) = before {
        // The new file is stored whatever becomes of the old one.
        if let Err(error) = remove::forget(&client, before).await {
            tracing::warn!(placement = %before, %error, "the replaced file's holders were not told");
        }
    }
    if signs {
        signing::start(&client, upload.placement);
    }
    let replaced_providers = upload.book.borrow().replaced();
    Ok(PutReport {
        link: catalogue::link(&client, upload.placement).to_string(),
        placement: upload.placement,
        size: upload.head.size,
        segments: upload.segments(),
        receipts: u64::from(upload.segments()) * upload.head.code.n() as u64,
        resumed_segments: upload.resumed,
        replaced_providers,
        seconds: client.common.clock.now().since(started).as_secs_f64(),
        roots: signing::state(&client, upload.placement).await?,
    })
}

/// Writes down what the roots of the slots need; false if they get none.
async fn prepare_roots(upload: &Upload) -> Result<bool, ClientError> {
    let cells = upload.cells.take().and_then(Rc::into_inner);
    let Some(own) = cells.and_then(Cells::finish) else { return Ok(false) };
    let holders: Vec<PeerId> =
        upload.head.code.slots().map(|slot| upload.book.borrow().provider(slot)).collect();
    signing::prepare(&upload.client, upload.placement, &own, &holders).await?;
    Ok(true)
}

/// Segments in flight: as many as fit the memory budget with their shards, at least one.
fn window(upload: &Upload) -> usize {
    let code = upload.head.code;
    let segment = upload.head.segment_len as usize + limits::TAG;
    let footprint = data::shard_len(code, segment) * code.n() + segment;
    (limits::MAX_IN_FLIGHT_BYTES / footprint).clamp(1, limits::SEGMENTS_IN_FLIGHT)
}

/// Stores all n shards of a segment, unless an earlier put did.
async fn store_segment(upload: &Upload, segment: u32) -> Result<(), ClientError> {
    let stored =
        upload.notes.borrow()[segment as usize].as_ref().is_some_and(|note| !note.holders.is_empty());
    let cells = upload.cells.borrow().clone();
    let take = async |shards| {
        if let Some(cells) = &cells {
            cells.take(&upload.client, segment, shards).await;
        }
    };
    if stored && cells.is_some() {
        take(upload.prepare(segment).await?.shards).await;
    }
    if !stored {
        let prepared = upload.prepare(segment).await?;
        let mut note = SegmentNote {
            plaintext: prepared.plaintext,
            hashes: prepared.hashes.clone(),
            holders: Vec::new(),
        };
        upload.journal.write_segment(&upload.client, &upload.head, segment, &note).await?;
        let cells = take(prepared.shards.clone());
        let sends = (0u16..).zip(prepared.shards).map(|(slot, shard)| {
            let key = ShardKey { placement: upload.placement, segment, slot };
            upload.send(key, prepared.hashes[usize::from(slot)], shard)
        });
        let (holders, ()) = try_join(try_join_all(sends), cells.map(Ok)).await?;
        note.holders = holders;
        upload.journal.write_segment(&upload.client, &upload.head, segment, &note).await?;
        upload.notes.borrow_mut()[segment as usize] = Some(note);
    }
    upload.done.set(upload.done.get() + upload.plaintext_len(segment) as u64);
    if let Some(progress) = &upload.request.progress {
        // Nobody may be listening any more; the upload goes on.
        let _ = progress.unbounded_send(Progress { done: upload.done.get(), total: upload.head.size });
    }
    Ok(())
}

/// The owner-signed placement record of a finished upload.
fn sign(upload: &Upload) -> Signed<PlacementRecord> {
    let notes = upload.notes.borrow();
    let ciphertext_len = |segment| (upload.plaintext_len(segment) + limits::TAG) as u32;
    let record = PlacementRecord {
        owner: upload.client.keys.owner.peer(),
        nonce: upload.head.nonce,
        code: upload.head.code,
        policy: upload.head.policy,
        segment_len: ciphertext_len(0),
        last_segment_len: ciphertext_len(upload.segments() - 1),
        shard_hashes: notes.iter().flatten().flat_map(|note| note.hashes.iter().copied()).collect(),
        sealed_manifest: upload.head.sealed_manifest.clone(),
        created: upload.client.common.clock.now(),
        access: upload.request.access,
    };
    Signed::new(&upload.client.keys.owner, &record)
}

/// Leaves the record with the holders of all n slots, each of which must hold its whole slot.
/// A holder that fails now is replaced, and its successor gets the slot from the first segment on.
async fn publish(upload: &Upload, record: &Signed<PlacementRecord>) -> Result<(), ClientError> {
    for _ in 0..limits::PUBLISH_ROUNDS {
        fill_gaps(upload).await?;
        let slots = upload.head.code.slots();
        let asked = slots.map(|slot| async move { (slot, publish_slot(upload, record, slot).await) });
        let answers: Vec<_> = stream::iter(asked).buffer_unordered(upload.head.code.n()).collect().await;
        let failed: Vec<(u16, PeerId)> =
            answers.into_iter().filter_map(|(slot, result)| Some((slot, result.err()?))).collect();
        if failed.is_empty() {
            return Ok(());
        }
        for (slot, peer) in failed {
            upload.replace(slot, peer).await?;
        }
    }
    Err(ClientError::TooFewProviders { found: upload.head.code.n() - 1, needed: upload.head.code.n() })
}

/// `Err` with the provider if it does not confirm that it holds the whole slot.
async fn publish_slot(upload: &Upload, record: &Signed<PlacementRecord>, slot: u16) -> Result<(), PeerId> {
    let peer = upload.book.borrow().provider(slot);
    match upload.client.peers.store_placement(peer, record.clone(), upload.placement).await {
        Ok(held) if held.slots.iter().any(|held| held.slot == slot && held.missing.is_empty()) => Ok(()),
        Ok(_) => Err(peer),
        Err(error) => {
            tracing::info!(slot, %error, "holder lost before the placement was signed");
            Err(peer)
        }
    }
}

/// Sends the shards of slots that changed hands after some of their segments were stored.
async fn fill_gaps(upload: &Upload) -> Result<(), ClientError> {
    for segment in 0..upload.segments() {
        let gaps: Vec<u16> = upload.head.code.slots().filter(|&slot| is_gap(upload, segment, slot)).collect();
        if gaps.is_empty() {
            continue;
        }
        let prepared = upload.prepare(segment).await?;
        let sends = gaps.iter().map(|&slot| {
            let key = ShardKey { placement: upload.placement, segment, slot };
            let at = usize::from(slot);
            upload.send(key, prepared.hashes[at], prepared.shards[at].clone())
        });
        let holders = try_join_all(sends).await?;
        let mut note =
            upload.notes.borrow()[segment as usize].clone().expect("every segment is stored by now");
        for (slot, holder) in gaps.into_iter().zip(holders) {
            note.holders[usize::from(slot)] = holder;
        }
        upload.journal.write_segment(&upload.client, &upload.head, segment, &note).await?;
        upload.notes.borrow_mut()[segment as usize] = Some(note);
    }
    Ok(())
}

fn is_gap(upload: &Upload, segment: u32, slot: u16) -> bool {
    let notes = upload.notes.borrow();
    let holder = notes[segment as usize].as_ref().and_then(|note| note.holders.get(usize::from(slot)));
    holder != Some(&upload.book.borrow().provider(slot))
}
