//! One upload under way: what the steps of a put share.

use super::{
    actor::Client,
    catalogue,
    cells::Cells,
    journal::{Head, Journal, SegmentNote},
    messages::{ClientError, PutFile},
    state::SlotBook,
};
use crate::{
    actors::{
        ask,
        network::{Candidate, FindProviders},
        peers::PeerError,
    },
    data::{self, Codec, Place, SegmentCipher},
    env::{NetError, Work, blocking},
    limits,
    types::{ContentHash, Manifest, PeerId, PlacementId, PlacementRecord, Refusal, ShardHash, ShardKey},
};
use bytes::Bytes;
use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    sync::Arc,
};
use zeroize::Zeroizing;

/// An upload under way.
pub(super) struct Upload {
    pub(super) client: Rc<Client>,
    pub(super) request: PutFile,
    pub(super) head: Head,
    pub(super) placement: PlacementId,
    pub(super) journal: Journal,
    pub(super) book: RefCell<SlotBook>,
    pub(super) notes: RefCell<Vec<Option<SegmentNote>>>,
    pub(super) resumed: u32,
    pub(super) done: Cell<u64>,
    /// The slots' cells, if they get roots; taken when all segments have passed.
    pub(super) cells: RefCell<Option<Rc<Cells>>>,
    version: u64,
    cipher: Arc<SegmentCipher>,
    _turn: Turn,
}

/// The right to use a journal; given back when dropped.
struct Turn {
    client: Rc<Client>,
    key: String,
}

impl Turn {
    fn take(client: &Rc<Client>, journal: &Journal, name: &str) -> Result<Self, ClientError> {
        let key = journal.key().to_owned();
        if client.uploads.borrow_mut().insert(key.clone()) {
            Ok(Self { client: client.clone(), key })
        } else {
            Err(ClientError::Name(format!("{name:?} is being stored from the same source already")))
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.client.uploads.borrow_mut().remove(&self.key);
    }
}

/// A segment, ready to be sent.
pub(super) struct Prepared {
    pub(super) plaintext: ContentHash,
    pub(super) shards: Vec<Bytes>,
    pub(super) hashes: Vec<ShardHash>,
}

impl Upload {
    /// Takes up an interrupted upload, or begins a new one; providers are chosen either way.
    pub(super) async fn begin(client: Rc<Client>, request: PutFile) -> Result<Self, ClientError> {
        check_request(&request)?;
        let (size, version) = measure(&request)?;
        let journal = Journal::of(&request.name, &request.source.identity());
        let turn = Turn::take(&client, &journal, &request.name)?;
        let resumable = resume(&client, &request, &journal, size).await?;
        let (head, notes) = match resumable {
            Some(found) => found,
            None => fresh(&client, &request, &journal, size).await?,
        };
        let placement = PlacementRecord::derive_id(&client.keys.owner.peer(), &head.nonce);
        let manifest = open(&client, &head, placement)?;
        let cipher = Arc::new(SegmentCipher::new(&manifest.content_key, &placement));
        let resumed = notes.iter().flatten().filter(|note| !note.holders.is_empty()).count() as u32;
        let preferred = last_holders(&notes, request.code.n());
        let book = RefCell::new(choose_providers(&client, &request, size, &preferred).await?);
        let notes = RefCell::new(notes);
        let done = Cell::new(0);
        let cells = Cells::begin(&client, head.code, slot_len(&head)).await.map(Rc::new);
        Ok(Self {
            client,
            request,
            head,
            placement,
            journal,
            book,
            notes,
            resumed,
            done,
            cells: RefCell::new(cells),
            version,
            cipher,
            _turn: turn,
        })
    }

    pub(super) fn segments(&self) -> u32 {
        segment_count(self.head.size, self.head.segment_len)
    }

    /// Plaintext bytes of a segment.
    pub(super) fn plaintext_len(&self, segment: u32) -> usize {
        let start = u64::from(segment) * u64::from(self.head.segment_len);
        (self.head.size - start).min(u64::from(self.head.segment_len)) as usize
    }

    /// Reads, encrypts, codes and hashes a segment. A segment that was recorded before must still
    /// have the plaintext it had then.
    pub(super) async fn prepare(&self, segment: u32) -> Result<Prepared, ClientError> {
        let expected = self.notes.borrow()[segment as usize].as_ref().map(|note| note.plaintext);
        let (source, cipher, code) = (self.request.source.clone(), self.cipher.clone(), self.head.code);
        let codec = Codec::new(self.client.codec);
        let len = self.plaintext_len(segment);
        let start = u64::from(segment) * u64::from(self.head.segment_len);
        let last = segment + 1 == self.segments();
        let job = move || {
            let mut buffer = Vec::with_capacity(data::padded_len(code, len + limits::TAG));
            buffer.resize(len, 0);
            source.read_at(start, &mut buffer).map_err(|error| read_error(&source.identity(), &error))?;
            let plaintext = ContentHash::of(&buffer);
            if expected.is_some_and(|expected| expected != plaintext) {
                return Err(ClientError::SourceChanged(source.identity()));
            }
            cipher.seal(segment, last, &mut buffer);
            let shards = codec.encode(code, buffer).map_err(|e| ClientError::Io(e.to_string()))?;
            let hashes = data::hash_shards(&shards);
            Ok(Prepared { plaintext, shards, hashes })
        };
        blocking(&*self.client.common.spawn, Work::Compute { bytes: len as u64 }, job).await
    }

    /// Sends one shard until some provider has signed for it; returns who.
    pub(super) async fn send(
        &self,
        key: ShardKey,
        hash: ShardHash,
        bytes: Bytes,
    ) -> Result<PeerId, ClientError> {
        let mut attempts = 0;
        loop {
            let peer = self.book.borrow().provider(key.slot);
            let Err(error) = self.client.peers.store_shard(peer, key, hash, bytes.clone()).await else {
                return Ok(peer);
            };
            attempts += 1;
            let again = matches!(
                error,
                PeerError::Net(NetError::Interrupted { .. })
                    | PeerError::Refused { refusal: Refusal::Busy, .. }
            );
            if again && attempts < limits::SEND_ATTEMPTS {
                self.client.common.clock.sleep(limits::RETRY_PAUSE * attempts).await;
            } else {
                tracing::info!(slot = key.slot, %error, "slot changes its provider");
                self.replace(key.slot, peer).await?;
                attempts = 0;
            }
        }
    }

    /// Gives a slot to another provider, searching for new ones if no spare is left.
    pub(super) async fn replace(&self, slot: u16, failed: PeerId) -> Result<(), ClientError> {
        let mut shuffle = self.client.common.rng.generator();
        if self.book.borrow_mut().replace(slot, failed, &mut shuffle) {
            return Ok(());
        }
        let except = self.book.borrow().known();
        let wish = wish(&self.request, self.head.size, 1, Vec::new(), except);
        let found = ask(&self.client.ask.providers, wish).await;
        self.book.borrow_mut().add(found.into_iter().map(place).collect());
        if self.book.borrow_mut().replace(slot, failed, &mut shuffle) {
            return Ok(());
        }
        let needed = self.head.code.n();
        Err(ClientError::TooFewProviders { found: needed - 1, needed })
    }

    /// Fails if the source changed since the upload began.
    pub(super) fn check_unchanged(&self) -> Result<(), ClientError> {
        if measure(&self.request)? == (self.head.size, self.version) {
            Ok(())
        } else {
            Err(ClientError::SourceChanged(self.request.source.identity()))
        }
    }
}

fn check_request(request: &PutFile) -> Result<(), ClientError> {
    if request.name.is_empty() || request.name.len() > limits::MAX_FILE_NAME {
        let len = request.name.len();
        return Err(ClientError::Name(format!(
            "file name is {len} bytes long, not 1 to {}",
            limits::MAX_FILE_NAME
        )));
    }
    if request.segment_len == 0 || request.segment_len > limits::MAX_SEGMENT {
        let (len, limit) = (request.segment_len, limits::MAX_SEGMENT);
        return Err(ClientError::Name(format!("segment size is {len} bytes, not 1 to {limit}")));
    }
    Ok(())
}

fn measure(request: &PutFile) -> Result<(u64, u64), ClientError> {
    let source = &request.source;
    let both = source.len().and_then(|len| Ok((len, source.version()?)));
    both.map_err(|error| ClientError::Io(format!("{}: {error}", source.identity())))
}

fn read_error(source: &str, error: &std::io::Error) -> ClientError {
    match error.kind() {
        std::io::ErrorKind::UnexpectedEof => ClientError::SourceChanged(source.to_owned()),
        _ => ClientError::Io(format!("{source}: {error}")),
    }
}

/// Segments of a file; an empty file has one, empty.
pub(super) fn segment_count(size: u64, segment_len: u32) -> u32 {
    size.div_ceil(u64::from(segment_len)).max(1) as u32
}

/// Bytes of each slot: a shard of every segment.
fn slot_len(head: &Head) -> u64 {
    let segments = segment_count(head.size, head.segment_len);
    let shard = |plaintext: u64| data::shard_len(head.code, plaintext as usize + limits::TAG) as u64;
    let before = u64::from(segments - 1);
    let last = head.size - before * u64::from(head.segment_len);
    before * shard(u64::from(head.segment_len)) + shard(last)
}

type Found = (Head, Vec<Option<SegmentNote>>);

/// The journal of an interrupted upload, if every recorded segment still has its plaintext.
async fn resume(
    client: &Rc<Client>,
    request: &PutFile,
    journal: &Journal,
    size: u64,
) -> Result<Option<Found>, ClientError> {
    let Some(head) = journal.read_head(client).await? else { return Ok(None) };
    let segments = segment_count(head.size, head.segment_len);
    let same = head.size == size
        && head.segment_len as usize == request.segment_len
        && (head.code, head.policy) == (request.code, request.policy);
    let mut notes = Vec::with_capacity(segments as usize);
    let mut intact = same;
    for segment in 0..segments {
        let note = journal.read_segment(client, &head, segment).await?;
        if let (true, Some(note)) = (intact, &note) {
            intact = plaintext_hash(client, request, &head, segment).await? == note.plaintext;
        }
        notes.push(note);
    }
    if intact {
        return Ok(Some((head, notes)));
    }
    journal.clear(client, &head, segments).await?;
    Ok(None)
}

async fn plaintext_hash(
    client: &Client,
    request: &PutFile,
    head: &Head,
    segment: u32,
) -> Result<ContentHash, ClientError> {
    let start = u64::from(segment) * u64::from(head.segment_len);
    let len = (head.size - start).min(u64::from(head.segment_len)) as usize;
    let source = request.source.clone();
    let job = move || {
        let mut buffer = vec![0; len];
        source.read_at(start, &mut buffer).map_err(|error| read_error(&source.identity(), &error))?;
        Ok(ContentHash::of(&buffer))
    };
    blocking(&*client.common.spawn, Work::Compute { bytes: len as u64 }, job).await
}

/// A new upload: fresh key, fresh placement, its journal begun.
async fn fresh(
    client: &Client,
    request: &PutFile,
    journal: &Journal,
    size: u64,
) -> Result<Found, ClientError> {
    let mut nonce = [0; 32];
    client.common.rng.fill(&mut nonce);
    let mut content_key = Zeroizing::new([0; 32]);
    client.common.rng.fill(&mut *content_key);
    let mut seal_nonce = [0; 12];
    client.common.rng.fill(&mut seal_nonce);
    let placement = PlacementRecord::derive_id(&client.keys.owner.peer(), &nonce);
    let segment_len = request.segment_len as u32;
    let manifest = Manifest { name: request.name.clone(), size, segment_len, content_key: *content_key };
    let key = catalogue::link(client, placement).key;
    let sealed_manifest = data::seal_manifest(&manifest, &key, &placement, seal_nonce)
        .map_err(|e| ClientError::Sealed(e.to_string()))?;
    let head = Head { nonce, sealed_manifest, size, segment_len, code: request.code, policy: request.policy };
    if size.div_ceil(u64::from(segment_len)) * head.code.n() as u64 > limits::MAX_SHARD_HASHES {
        let limit = limits::MAX_SHARD_HASHES / head.code.n() as u64 * u64::from(segment_len);
        return Err(ClientError::Name(format!(
            "file is {size} bytes, the limit at this segment size is {limit}"
        )));
    }
    journal.write_head(client, &head).await?;
    Ok((head, vec![None; segment_count(size, segment_len) as usize]))
}

fn open(client: &Client, head: &Head, placement: PlacementId) -> Result<Manifest, ClientError> {
    let key = catalogue::link(client, placement).key;
    data::open_manifest(&head.sealed_manifest, &key, &placement)
        .map_err(|e| ClientError::Sealed(e.to_string()))
}

fn wish(
    request: &PutFile,
    size: u64,
    needed: usize,
    prefer: Vec<PeerId>,
    except: Vec<PeerId>,
) -> FindProviders {
    let share = size.div_ceil(request.code.k() as u64);
    FindProviders { wanted: needed + needed / 2, needed, free_bytes: share, prefer, except }
}

/// Who held each slot when the upload was interrupted.
fn last_holders(notes: &[Option<SegmentNote>], n: usize) -> Vec<Option<PeerId>> {
    let mut holders = vec![None; n];
    for note in notes.iter().flatten().filter(|note| note.holders.len() == n) {
        holders = note.holders.iter().copied().map(Some).collect();
    }
    holders
}

fn place(Candidate { peer, status }: Candidate) -> Place {
    Place { peer, operator: status.operator, region: status.region, free_bytes: status.free_bytes }
}

async fn choose_providers(
    client: &Client,
    request: &PutFile,
    size: u64,
    preferred: &[Option<PeerId>],
) -> Result<SlotBook, ClientError> {
    let needed = request.code.n();
    let mut places = Vec::<Place>::new();
    let mut found = 0;
    // A policy may need more candidates than slots: search again, wider, before giving up.
    for _ in 0..limits::PROVIDER_SEARCHES {
        let except = places.iter().map(|place| place.peer).collect();
        let prefer = preferred.iter().copied().flatten().collect();
        let candidates = ask(&client.ask.providers, wish(request, size, needed, prefer, except)).await;
        let nothing_new = candidates.is_empty();
        places.extend(candidates.into_iter().map(place));
        let mut shuffle = client.common.rng.generator();
        match SlotBook::new(request.policy, places.clone(), preferred, &mut shuffle) {
            Ok(book) => return Ok(book),
            Err(chosen) => found = chosen,
        }
        if nothing_new {
            break;
        }
    }
    Err(ClientError::TooFewProviders { found, needed })
}
