//! The blocks of an embedded chain on a disk: an append-only file, executed again when it is opened.
//!
//! ```text
//! file   = record*                     the first holds the genesis, each other one a block
//! record = length u32 LE, its complement, BLAKE3 of the payload (32 bytes), payload (postcard), zeros up to a multiple of 8
//! ```
//!
//! A block whose height is not above the one before it takes the blocks from its height on back. A record
//! begins at a multiple of 8, so that its length lies within one sector: a crash leaves it whole or zero.

use super::{
    blocks::{EvmChain, Genesis, MinedBlock, Proposal},
    transaction::Transaction,
};
use crate::{
    env::{Disk, DiskError, DiskFile},
    limits,
};
use alloy::primitives::{B256, Bytes};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::sync::Arc;

const HEAD: u64 = 8 + 32;
const ALIGN: u64 = 8;

/// Why a log of blocks cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BlockLogError {
    /// The disk failed.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// It is the log of a chain of another genesis.
    #[error(
        "{0} belongs to another chain\n\nhint: choose another directory, or the genesis it was made with"
    )]
    Foreign(String),
    /// Its bytes were changed, or it was written by another version.
    #[error(
        "{path} is damaged at byte {offset}: {why}\n\nhint: restore it from a copy, or begin a new chain"
    )]
    Damaged {
        /// Which file.
        path: String,
        /// Where the record begins.
        offset: u64,
        /// What is wrong with it.
        why: String,
    },
}

/// The file. Synchronous, as [`Disk`] is.
#[derive(Debug)]
pub struct BlockLog {
    file: Arc<dyn DiskFile>,
    end: u64,
}

/// One block, as it is kept.
#[derive(Serialize, Deserialize)]
struct Entry {
    number: u64,
    hash: B256,
    time: u64,
    entropy: B256,
    base_fee: u64,
    transactions: Vec<Bytes>,
}

impl BlockLog {
    /// Opens the log at `path`, or begins it, and executes its blocks. What a crash left of an append that did
    /// not return is dropped.
    ///
    /// # Errors
    /// [`BlockLogError`].
    pub fn open(disk: &dyn Disk, path: &str, genesis: &Genesis) -> Result<(Self, EvmChain), BlockLogError> {
        let file = disk.open(path, true)?;
        let mut reader = Reader { file: &*file, path, len: file.len()?, offset: 0 };
        let mut chain = EvmChain::new(genesis);
        match reader.next::<Genesis>()? {
            Some(kept) if kept == *genesis => {
                while let Some(entry) = reader.next::<Entry>()? {
                    let begin = reader.offset;
                    replay(&mut chain, entry).map_err(|why| reader.damaged(begin, why))?;
                }
            }
            Some(_) => return Err(BlockLogError::Foreign(path.to_owned())),
            None => {}
        }
        let mut log = Self { end: reader.offset, file };
        if log.end == 0 {
            log.write(genesis)?;
            let parent = path.rsplit_once('/').map_or("", |(parent, _)| parent);
            disk.sync_dir(parent)?;
        } else if log.file.len()? > log.end {
            log.file.set_len(log.end)?;
            log.file.sync()?;
        }
        Ok((log, chain))
    }

    /// Appends a block. Once this returns, a crash does not lose it.
    ///
    /// # Errors
    /// [`DiskError`]; the block may then be there or not when the log is opened again.
    pub fn append(&mut self, block: &MinedBlock) -> Result<(), DiskError> {
        let header = &block.header;
        self.write(&Entry {
            number: header.number,
            hash: block.hash,
            time: header.timestamp,
            entropy: header.mix_hash,
            base_fee: header.base_fee_per_gas.unwrap_or_default(),
            transactions: block.transactions.iter().map(|it| it.raw.clone()).collect(),
        })
    }

    fn write(&mut self, record: &impl Serialize) -> Result<(), DiskError> {
        let payload = postcard::to_stdvec(record).expect("a record in memory always encodes");
        let length = u32::try_from(payload.len()).expect("a block's gas bounds its bytes");
        let mut bytes = [length.to_le_bytes(), (!length).to_le_bytes()].concat();
        bytes.extend_from_slice(blake3::hash(&payload).as_bytes());
        bytes.extend_from_slice(&payload);
        bytes.resize(bytes.len().next_multiple_of(ALIGN as usize), 0);
        self.file.write_at(self.end, &bytes)?;
        self.file.sync()?;
        self.end += bytes.len() as u64;
        Ok(())
    }
}

fn replay(chain: &mut EvmChain, entry: Entry) -> Result<(), String> {
    let next = chain.head().header.number + 1;
    let back = next.checked_sub(entry.number).ok_or("a block is missing before it")?;
    if back > 0 {
        chain.take_back(back as usize);
    }
    if chain.head().header.number + 1 != entry.number {
        return Err(format!("it takes back {back} blocks, which is too many"));
    }
    let decoded = entry.transactions.into_iter().map(Transaction::decode).collect::<Result<_, _>>();
    chain.set_next_base_fee(entry.base_fee);
    let proposal = Proposal { time: entry.time, entropy: entry.entropy };
    let block = chain.replay(proposal, decoded.map_err(|why| why.to_string())?)?;
    if block.hash == entry.hash {
        return Ok(());
    }
    Err(format!("block {} executes to {}, not to {}", entry.number, block.hash, entry.hash))
}

struct Reader<'a> {
    file: &'a dyn DiskFile,
    path: &'a str,
    len: u64,
    /// Where the records that were read end.
    offset: u64,
}

impl Reader<'_> {
    /// The next record; `None` at the end, or where an append was cut short.
    fn next<T: DeserializeOwned>(&mut self) -> Result<Option<T>, BlockLogError> {
        if self.len - self.offset < HEAD {
            return Ok(None);
        }
        let mut head = [0; HEAD as usize];
        self.file.read_at(self.offset, &mut head)?;
        let (length, hash) = head.split_at(8);
        let length = u64::from_le_bytes(length.try_into().expect("the head begins with 8 bytes"));
        let (length, complement) = (length as u32, (length >> 32) as u32);
        if length | complement == 0 {
            return Ok(None);
        }
        if length != !complement || u64::from(length) > limits::MAX_BLOCK_RECORD {
            return Err(self.damaged(self.offset, format!("a record of {length} bytes")));
        }
        let end = (self.offset + HEAD + u64::from(length)).next_multiple_of(ALIGN);
        if end > self.len {
            return Ok(None);
        }
        let mut payload = vec![0; length as usize];
        self.file.read_at(self.offset + HEAD, &mut payload)?;
        if blake3::hash(&payload).as_bytes() != hash {
            // Only the last append can be torn.
            if end == self.len {
                return Ok(None);
            }
            return Err(self.damaged(self.offset, "its checksum differs".into()));
        }
        let record =
            postcard::from_bytes(&payload).map_err(|why| self.damaged(self.offset, why.to_string()))?;
        self.offset = end;
        Ok(Some(record))
    }

    fn damaged(&self, offset: u64, why: String) -> BlockLogError {
        BlockLogError::Damaged { path: self.path.to_owned(), offset, why }
    }
}
