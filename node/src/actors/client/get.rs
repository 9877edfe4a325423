//! Fetching a file: locate, open the manifest, then for every segment fetch k shards from whoever
//! is fastest, decode, decrypt, write.

use super::{
    actor::Client,
    catalogue,
    messages::{ClientError, GetFile, GetReport, NoAccess, Progress, Sink},
    upload::segment_count,
};
use crate::{
    actors::{
        Passes,
        fetch::{Fetched, Located, TooFew, fetch_segment},
        locate::locate,
        market::NoPay,
        purse::Purse,
    },
    data::{self, Codec, SegmentCipher},
    env::{AccessTicket, Work, blocking},
    limits,
    types::{Access, FileLink, ListRoot, Manifest, PeerId, PlacementRecord, ReadPrice},
};
use alloy::primitives::U256;
use futures::{StreamExt, TryStreamExt, channel::mpsc::UnboundedSender, stream};
use holdfast_contracts::Amount;
use std::{cell::Cell, rc::Rc, sync::Arc};

/// One download under way.
struct Download {
    client: Rc<Client>,
    located: Rc<Located>,
    purse: Rc<Purse>,
    sink: Arc<dyn Sink>,
    progress: Option<UnboundedSender<Progress>>,
    cipher: Arc<SegmentCipher>,
    size: u64,
    segment_len: u32,
    done: Cell<u64>,
    asked: Cell<u64>,
    decoded: Cell<u32>,
}

/// Fetches a file.
pub(super) async fn get(client: Rc<Client>, request: GetFile) -> Result<GetReport, ClientError> {
    let started = client.common.clock.now();
    let link = catalogue::resolve(&client, request.file).await?;
    let ticket = request.access;
    let located = find(&client, &link, client.passes(ticket.clone())).await?;
    let manifest = open(&located.record, &link)?;
    check_access(&client, &located, ticket.as_deref())?;
    let slot = (0..located.record.segments()).map(|segment| located.record.shard_len(segment) as u64).sum();
    let most = request.most.map_or(u128::MAX, |most| most.0.saturating_to());
    let purse = Rc::new(Purse::new(client.ask.sign_voucher.clone(), slot, most));
    let download = Download {
        cipher: Arc::new(SegmentCipher::new(&manifest.content_key, &link.placement)),
        size: manifest.size,
        segment_len: manifest.segment_len,
        client: client.clone(),
        located,
        purse: purse.clone(),
        sink: request.sink,
        progress: request.progress,
        done: Cell::new(0),
        asked: Cell::new(0),
        decoded: Cell::new(0),
    };
    let segments = download.located.record.segments();
    let fetched = stream::iter(0..segments)
        .map(|segment| download.fetch(segment))
        .buffer_unordered(download.window())
        .try_collect::<()>()
        .await;
    purse.close();
    fetched?;
    let sink = download.sink.clone();
    blocking(&*client.common.spawn, Work::Write { bytes: 0, syncs: 1 }, move || sink.finish())
        .await
        .map_err(|error| ClientError::Io(error.to_string()))?;
    let needed = u64::from(segments) * download.located.record.code.k() as u64;
    Ok(GetReport {
        name: manifest.name.clone(),
        placement: link.placement,
        size: manifest.size,
        shards_asked: download.asked.get(),
        shards_wasted: download.asked.get() - needed,
        segments_decoded: download.decoded.get(),
        paid: Amount(U256::from(purse.paid())),
        seconds: client.common.clock.now().since(started).as_secs_f64(),
    })
}

/// Fails early if no provider will serve this reader.
fn check_access(
    client: &Client,
    located: &Located,
    ticket: Option<&AccessTicket>,
) -> Result<(), ClientError> {
    let Some(access) = located.record.access else { return Ok(()) };
    if located.record.owner == client.keys.owner.peer() {
        return Ok(());
    }
    let why = match (access, ticket.map(|ticket| ListRoot(ticket.list.root()))) {
        (_, None) => NoAccess::NoKey,
        (Access::Root(counts), Some(yours)) if counts != yours => NoAccess::OtherList { counts, yours },
        // Only its providers know which list counts now.
        (Access::Root(_) | Access::Listed(_), Some(_)) => return Ok(()),
    };
    Err(ClientError::NoAccess(located.id, why))
}

/// Finds the placement and its holders; a file that was stored a moment ago may not be announced
/// yet, so the search is repeated a few times.
async fn find(client: &Client, link: &FileLink, passes: Arc<Passes>) -> Result<Rc<Located>, ClientError> {
    let mut outcome = Ok(None);
    for attempt in 0..limits::LOCATE_ATTEMPTS {
        client.common.clock.sleep(limits::RETRY_PAUSE * attempt).await;
        outcome = locate(&client.peers, &client.ask.holders, link.placement, Some(passes.clone())).await;
        if let Ok(Some(located)) = &outcome {
            let (code, segments) = (located.record.code, located.record.segments());
            if located.holders.borrow().min_live(code, segments) >= code.k() {
                return Ok(located.clone());
            }
        }
    }
    match outcome? {
        Some(located) => Err(unavailable(&located)),
        None => Err(ClientError::NotFound(link.placement)),
    }
}

fn unavailable(located: &Located) -> ClientError {
    let (code, holders) = (located.record.code, located.holders.borrow());
    let live = |segment| code.n() - holders.missing(code, segment).len();
    let segment = (0..located.record.segments()).min_by_key(|&segment| live(segment)).unwrap_or(0);
    ClientError::Unavailable { segment, live: live(segment), needed: code.k() }
}

/// Opens the manifest and checks that it and the placement speak of the same file.
fn open(record: &PlacementRecord, link: &FileLink) -> Result<Manifest, ClientError> {
    let manifest = data::open_manifest(&record.sealed_manifest, &link.key, &link.placement)
        .map_err(|e| ClientError::Sealed(e.to_string()))?;
    let fits = manifest.segment_len > 0
        && record.segments() == segment_count(manifest.size, manifest.segment_len)
        && (0..record.segments()).all(|segment| {
            let start = u64::from(segment) * u64::from(manifest.segment_len);
            let len = (manifest.size - start).min(u64::from(manifest.segment_len)) as usize;
            record.ciphertext_len(segment) == len + limits::TAG
        });
    if fits {
        Ok(manifest)
    } else {
        Err(ClientError::Sealed("manifest and placement record disagree".into()))
    }
}

impl Download {
    fn window(&self) -> usize {
        let segment = self.segment_len as usize + limits::TAG;
        (limits::MAX_IN_FLIGHT_BYTES / (3 * segment)).clamp(1, limits::SEGMENTS_IN_FLIGHT)
    }

    async fn fetch(&self, segment: u32) -> Result<(), ClientError> {
        let fetched = match fetch_segment(&self.client.peers, &self.located, Some(&self.purse), segment).await
        {
            Ok(fetched) => fetched,
            Err(TooFew { .. }) => self.fetch_again(segment).await?,
        };
        self.asked.set(self.asked.get() + fetched.asked);
        let code = self.located.record.code;
        if fetched.shards.iter().any(|(slot, _)| usize::from(*slot) >= code.k()) {
            self.decoded.set(self.decoded.get() + 1);
        }
        let written = self.write(segment, fetched).await?;
        self.done.set(self.done.get() + written);
        if let Some(progress) = &self.progress {
            // Nobody may be listening any more; the download goes on.
            let _ = progress.unbounded_send(Progress { done: self.done.get(), total: self.size });
        }
        Ok(())
    }

    /// Holders may have changed since the file was located: look again, once.
    async fn fetch_again(&self, segment: u32) -> Result<Fetched, ClientError> {
        let again = locate(&self.client.peers, &self.client.ask.holders, self.located.id, None).await?;
        if let Some(again) = again {
            self.located.holders.replace(again.holders.borrow().clone());
        }
        let needed = self.located.record.code.k();
        let fetched = fetch_segment(&self.client.peers, &self.located, Some(&self.purse), segment).await;
        fetched.map_err(|TooFew { live }| {
            let shut = self.shut_out().map(|why| ClientError::NoAccess(self.located.id, why));
            let unpaid = || self.purse.unpaid().map(unpaid);
            shut.or_else(unpaid).unwrap_or(ClientError::Unavailable { segment, live, needed })
        })
    }

    /// Why providers do not let this reader in, if they said so.
    fn shut_out(&self) -> Option<NoAccess> {
        let passes = self.located.passes.as_ref()?;
        let yours = passes.ticket.as_ref().map(|ticket| ListRoot(ticket.list.root()));
        NoAccess::of(&passes.refusal()?, yours)
    }

    /// Decodes, decrypts and writes a segment; returns its plaintext bytes.
    async fn write(&self, segment: u32, fetched: Fetched) -> Result<u64, ClientError> {
        let record = &self.located.record;
        let (code, len) = (record.code, record.ciphertext_len(segment));
        let last = segment + 1 == record.segments();
        let start = u64::from(segment) * u64::from(self.segment_len);
        let (cipher, sink) = (self.cipher.clone(), self.sink.clone());
        let codec = Codec::new(self.client.codec);
        let job = move || {
            let sealed = |why: String| ClientError::Sealed(format!("segment {segment}: {why}"));
            let mut buffer = codec.decode(code, len, &fetched.shards).map_err(|e| sealed(e.to_string()))?;
            drop(fetched);
            cipher.open(segment, last, &mut buffer).map_err(|e| sealed(e.to_string()))?;
            sink.write_at(start, &buffer).map_err(|e| ClientError::Io(e.to_string()))?;
            Ok(buffer.len() as u64)
        };
        blocking(&*self.client.common.spawn, Work::Compute { bytes: len as u64 }, job).await
    }
}

fn unpaid((provider, price, why): (PeerId, ReadPrice, NoPay)) -> ClientError {
    ClientError::Unpaid { provider: provider.to_string(), price: price.amount(), why: why.to_string() }
}
