//! A file's bytes: what is durable, what was written since, and what a crash makes of both.
//!
//! Pages hold only the sectors that are not all zero, so that a database file of megabytes that is
//! mostly empty costs what it holds; ten thousand nodes have one each.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use std::{collections::BTreeMap, ops::RangeInclusive};

/// What survives a crash or not as a whole.
pub const SECTOR: usize = 512;
/// Bytes kept together.
const PAGE: usize = 8 * SECTOR;

type Flat = [u8; PAGE];

/// A page without its zero sectors.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Page {
    /// Bit i: sector i is in `bytes`.
    present: u8,
    bytes: Box<[u8]>,
}

impl Page {
    fn pack(flat: &Flat) -> Self {
        let mut present = 0;
        let mut bytes = Vec::new();
        for (i, sector) in flat.chunks_exact(SECTOR).enumerate() {
            if sector.iter().any(|&b| b != 0) {
                present |= 1 << i;
            }
        }
        bytes.reserve_exact(SECTOR * u8::count_ones(present) as usize);
        for (i, sector) in flat.chunks_exact(SECTOR).enumerate() {
            if present & (1 << i) != 0 {
                bytes.extend_from_slice(sector);
            }
        }
        Self { present, bytes: bytes.into() }
    }

    fn unpack(&self) -> Flat {
        let mut flat = [0; PAGE];
        let mut stored = self.bytes.chunks_exact(SECTOR);
        for (i, sector) in flat.chunks_exact_mut(SECTOR).enumerate() {
            if self.present & (1 << i) != 0 {
                sector.copy_from_slice(stored.next().expect("a sector is stored for every bit"));
            }
        }
        flat
    }
}

type Pages = BTreeMap<u32, Page>;

/// How a crash treats the un-synced sectors of one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// None was written.
    Lost,
    /// All were.
    Written,
    /// Each by itself: the file is torn.
    Torn,
}

impl Fate {
    fn draw(rng: &mut ChaCha8Rng) -> Self {
        [Fate::Lost, Fate::Written, Fate::Torn, Fate::Torn][rng.random_range(0..4)]
    }

    fn survives(self, rng: &mut ChaCha8Rng) -> bool {
        match self {
            Fate::Lost => false,
            Fate::Written => true,
            Fate::Torn => rng.random(),
        }
    }
}

/// The content of one file.
#[derive(Clone, Debug, Default)]
pub struct Content {
    durable: Pages,
    durable_len: u64,
    /// Pages written since the last sync; a page of zeros is kept here to hide a durable one.
    dirty: Pages,
    len: u64,
    /// Lengths it had since the last sync: one each that was set, a range each that was written.
    lengths: Vec<RangeInclusive<u64>>,
}

impl Content {
    /// Length in bytes.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Copies bytes out; `false` if the file ends before the buffer is full.
    pub fn read(&self, offset: u64, buffer: &mut [u8]) -> bool {
        if offset.checked_add(buffer.len() as u64).is_none_or(|end| end > self.len) {
            return false;
        }
        for (page, within, part) in spans(offset, buffer.len()) {
            let out = &mut buffer[part.clone()];
            match self.page(page) {
                Some(stored) => out.copy_from_slice(&stored.unpack()[within..within + part.len()]),
                None => out.fill(0),
            }
        }
        true
    }

    /// Copies bytes in, extending the file as needed.
    pub fn write(&mut self, offset: u64, bytes: &[u8]) {
        for (page, within, part) in spans(offset, bytes.len()) {
            let mut flat = self.page(page).map_or([0; PAGE], Page::unpack);
            flat[within..within + part.len()].copy_from_slice(&bytes[part]);
            self.dirty.insert(page, Page::pack(&flat));
        }
        let end = offset + bytes.len() as u64;
        if end > self.len {
            self.lengths.push(self.len..=end);
            self.len = end;
        }
    }

    /// Cuts or extends with zeros.
    pub fn set_len(&mut self, len: u64) {
        if len < self.len {
            self.zero_from(len);
        }
        self.lengths.push(len..=len);
        self.len = len;
    }

    /// Makes everything durable.
    pub fn sync(&mut self) {
        for (number, page) in std::mem::take(&mut self.dirty) {
            place(&mut self.durable, number, page);
        }
        self.durable_len = self.len;
        self.lengths.clear();
    }

    /// What is left after a crash: durable bytes, and of later ones what fate lets through.
    pub fn crash(&mut self, rng: &mut ChaCha8Rng) {
        let fate = Fate::draw(rng);
        let len = self.length_after_crash(fate, rng);
        for (number, page) in std::mem::take(&mut self.dirty) {
            let mut flat = self.durable.get(&number).map_or([0; PAGE], Page::unpack);
            let new = page.unpack();
            for (old, new) in flat.chunks_exact_mut(SECTOR).zip(new.chunks_exact(SECTOR)) {
                if old != new && fate.survives(rng) {
                    old.copy_from_slice(new);
                }
            }
            place(&mut self.durable, number, Page::pack(&flat));
        }
        self.len = len;
        self.zero_from(len);
        self.sync();
    }

    /// Flips one bit of a stored byte; `false` if nothing but zeros is stored.
    pub fn rot(&mut self, rng: &mut ChaCha8Rng) -> bool {
        let stored: Vec<u32> = self.durable.keys().chain(self.dirty.keys()).copied().collect();
        if stored.is_empty() {
            return false;
        }
        let number = stored[rng.random_range(0..stored.len())];
        let pages = if self.dirty.contains_key(&number) { &mut self.dirty } else { &mut self.durable };
        let page = pages.get_mut(&number).expect("the number was just found");
        if page.bytes.is_empty() {
            return false;
        }
        let byte = rng.random_range(0..page.bytes.len());
        page.bytes[byte] ^= 1 << rng.random_range(0..8);
        true
    }

    fn length_after_crash(&self, fate: Fate, rng: &mut ChaCha8Rng) -> u64 {
        match fate {
            Fate::Lost => self.durable_len,
            Fate::Written => self.len,
            Fate::Torn if self.lengths.is_empty() => self.len,
            Fate::Torn => {
                let moment = rng.random_range(0..self.lengths.len());
                rng.random_range(self.lengths[moment].clone())
            }
        }
    }

    fn page(&self, number: u32) -> Option<&Page> {
        self.dirty.get(&number).or_else(|| self.durable.get(&number))
    }

    /// Hides all bytes from `len` on behind zeros.
    fn zero_from(&mut self, len: u64) {
        let (first, within) = ((len / PAGE as u64) as u32, (len % PAGE as u64) as usize);
        let mut whole = first;
        if within > 0 {
            if let Some(page) = self.page(first) {
                let mut flat = page.unpack();
                flat[within..].fill(0);
                self.dirty.insert(first, Page::pack(&flat));
            }
            whole += 1;
        }
        self.dirty.split_off(&whole);
        for (&number, _) in self.durable.range(whole..) {
            self.dirty.insert(number, Page::default());
        }
    }
}

/// Stores a page unless it is all zeros.
fn place(pages: &mut Pages, number: u32, page: Page) {
    if page.present == 0 {
        pages.remove(&number);
    } else {
        pages.insert(number, page);
    }
}

/// Cuts a byte range at page borders: page number, offset within it, and the part of the buffer.
fn spans(offset: u64, len: usize) -> impl Iterator<Item = (u32, usize, std::ops::Range<usize>)> {
    let mut done = 0;
    std::iter::from_fn(move || {
        let at = offset + done as u64;
        let within = (at % PAGE as u64) as usize;
        let part = done..len.min(done + PAGE - within);
        done = part.end;
        (!part.is_empty()).then_some(((at / PAGE as u64) as u32, within, part))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rand_core::SeedableRng;

    fn all(content: &Content) -> Vec<u8> {
        let mut bytes = vec![0xEE; content.len() as usize];
        assert!(content.read(0, &mut bytes));
        bytes
    }

    #[derive(Clone, Debug)]
    enum Op {
        Write(u16, Vec<u8>),
        SetLen(u16),
        Sync,
    }

    fn op() -> impl Strategy<Value = Op> {
        prop_oneof![
            (0..20_000u16, proptest::collection::vec(any::<u8>(), 0..9_000))
                .prop_map(|(at, bytes)| Op::Write(at, bytes)),
            (0..20_000u16).prop_map(Op::SetLen),
            Just(Op::Sync),
        ]
    }

    fn apply(content: &mut Content, model: &mut Vec<u8>, op: &Op) {
        match op {
            Op::Write(at, bytes) => {
                content.write(u64::from(*at), bytes);
                let (at, end) = (usize::from(*at), usize::from(*at) + bytes.len());
                if model.len() < end {
                    model.resize(end, 0);
                }
                model[at..end].copy_from_slice(bytes);
            }
            Op::SetLen(len) => {
                content.set_len(u64::from(*len));
                model.resize(usize::from(*len), 0);
            }
            Op::Sync => content.sync(),
        }
    }

    proptest! {
        #[test]
        fn content_reads_as_a_plain_vector(ops in proptest::collection::vec(op(), 0..20)) {
            let (mut content, mut model) = (Content::default(), Vec::new());
            for op in &ops {
                if let Op::Write(at, bytes) = op && bytes.is_empty() && usize::from(*at) > model.len() {
                    continue;
                }
                apply(&mut content, &mut model, op);
                prop_assert_eq!(&all(&content), &model);
            }
        }

        #[test]
        fn after_a_crash_every_sector_is_the_synced_or_the_written_one(
            before in proptest::collection::vec(op(), 0..10),
            after in proptest::collection::vec(op(), 0..10),
            seed in any::<u64>(),
        ) {
            let (mut content, mut model) = (Content::default(), Vec::new());
            for op in before.iter().chain([&Op::Sync]) {
                apply(&mut content, &mut model, op);
            }
            let synced = model.clone();
            let mut versions = vec![synced.clone()];
            for op in after.iter().filter(|op| !matches!(op, Op::Sync)) {
                apply(&mut content, &mut model, op);
                versions.push(model.clone());
            }
            content.crash(&mut ChaCha8Rng::seed_from_u64(seed));
            let left = all(&content);
            let lengths = || versions.iter().map(Vec::len);
            let shortest = lengths().min().expect("the synced version is one");
            let longest = lengths().max().expect("the synced version is one");
            prop_assert!((shortest..=longest).contains(&left.len()));
            for (i, sector) in left.chunks(SECTOR).enumerate() {
                let mut candidates = versions.iter().map(|version| {
                    let mut padded = version.clone();
                    padded.resize(left.len().max(padded.len()), 0);
                    padded[i * SECTOR..][..sector.len()].to_vec()
                });
                let whole = i * SECTOR + SECTOR <= left.len();
                prop_assert!(!whole || candidates.any(|candidate| candidate == sector), "sector {}", i);
            }
        }
    }

    #[test]
    fn a_length_that_was_set_survives_a_crash_or_not_as_a_whole() {
        for seed in 0..100 {
            let mut content = Content::default();
            content.set_len(1_000);
            content.sync();
            content.set_len(50_000);
            content.set_len(90_000);
            content.crash(&mut ChaCha8Rng::seed_from_u64(seed));
            assert!([1_000, 50_000, 90_000].contains(&content.len()), "{}", content.len());
        }
    }

    #[test]
    fn synced_bytes_survive_any_crash() {
        for seed in 0..100 {
            let mut content = Content::default();
            content.write(100, &[7; 10_000]);
            content.sync();
            content.crash(&mut ChaCha8Rng::seed_from_u64(seed));
            assert_eq!(all(&content)[100..], [7; 10_000]);
        }
    }

    #[test]
    fn un_synced_bytes_are_kept_lost_or_torn() {
        let mut outcomes = std::collections::BTreeSet::new();
        for seed in 0..200 {
            let mut content = Content::default();
            content.write(0, &[0; 4_096]);
            content.sync();
            content.write(0, &[7; 4_096]);
            content.crash(&mut ChaCha8Rng::seed_from_u64(seed));
            outcomes.insert(all(&content).iter().filter(|&&b| b == 7).count() / SECTOR);
        }
        assert!(outcomes.contains(&0) && outcomes.contains(&8) && outcomes.len() > 4, "{outcomes:?}");
    }

    #[test]
    fn rot_flips_exactly_one_bit() {
        let mut content = Content::default();
        content.write(0, &[0xFF; 5_000]);
        content.sync();
        let before = all(&content);
        assert!(content.rot(&mut ChaCha8Rng::seed_from_u64(1)));
        let flipped: u32 = all(&content).iter().zip(&before).map(|(a, b)| (a ^ b).count_ones()).sum();
        assert_eq!(flipped, 1);
    }

    #[test]
    fn zeros_cost_nothing() {
        let mut content = Content::default();
        content.set_len(1 << 30);
        content.write(1 << 20, &[0; 65_536]);
        content.write(1 << 29, &[1; 10]);
        content.sync();
        assert_eq!(content.durable.values().map(|page| page.bytes.len()).sum::<usize>(), SECTOR);
    }
}
