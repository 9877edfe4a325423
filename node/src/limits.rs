//! Every bound in one place. What relates two of them is asserted at compile time.

use holdfast_proofs::{spot_check, tree::MAX_KEPT_BYTES};
use std::time::Duration;

/// AES-256-GCM tag, bytes (NIST SP 800-38D).
pub const TAG: usize = 16;
/// Most shards of one segment. The codec itself reaches 65,536; one placement record must stay small.
pub const MAX_SHARDS: u16 = 1_024;
/// Most plaintext bytes of a segment.
pub const MAX_SEGMENT: usize = 16 << 20;
/// Plaintext bytes of a segment unless the owner asks otherwise.
pub const DEFAULT_SEGMENT: usize = 4 << 20;
/// Shard lengths are multiples of this: the codec's symbol block.
pub const SHARD_ALIGN: usize = 64;
/// Most bytes of a shard (k = 1, a whole segment and its tag).
pub const MAX_SHARD: usize = MAX_SEGMENT + SHARD_ALIGN;

/// Most bytes of a receipt, a removal order or another record of fixed size.
pub const MAX_SMALL_RECORD: usize = 1 << 10;
/// Most bytes of a provider record.
pub const MAX_PROVIDER_RECORD: usize = 64 << 10;
/// Most bytes of a placement record: half a million shard hashes.
pub const MAX_PLACEMENT_RECORD: usize = 16 << 20;
/// Most bytes of a placement's signed slot roots: 65 a slot.
pub const MAX_SLOT_ROOTS: usize = 128 << 10;
/// Most bytes that a provider shows for each cell that it is asked for.
pub const SHOWN_CELL: usize = spot_check::MOST_BYTES_A_CELL;
/// Most cells that an owner may ask a provider to show at a time.
pub const MAX_SHOWN_CELLS: usize = 1 << 10;
/// Most bytes of a request's or response's header: a placement record and its holders' records.
pub const MAX_HEADER: usize = MAX_PLACEMENT_RECORD + (4 << 20);
/// Most provider records in one answer: while slots move, two providers may say that they hold one.
pub const MAX_HOLDERS: usize = 2 * MAX_SHARDS as usize;
/// Most bytes of an operator's or region's name.
pub const MAX_LABEL: usize = 64;
/// Most bytes of a file name.
pub const MAX_FILE_NAME: usize = 1_024;

/// Segments that a put or a get holds in memory at a time.
pub const SEGMENTS_IN_FLIGHT: usize = 4;
/// Most bytes that segments in flight may take together, shards included (256 MiB a client, less its base).
pub const MAX_IN_FLIGHT_BYTES: usize = 128 << 20;
/// Bytes of request bodies that a node holds before they reach the disk.
pub const MAX_INBOUND_BYTES: usize = 64 << 20;
/// Bytes of a fetched file that wait in memory until they are brought to the disk.
pub const WRITE_BACK_BYTES: u64 = 32 << 20;
/// Requests that a node works on at a time, over all peers.
pub const MAX_INBOUND_REQUESTS: usize = 256;
/// Requests that one peer may have open at a node.
pub const MAX_INBOUND_REQUESTS_PER_PEER: usize = 64;
/// Streams that a node opens to one peer at a time.
pub const MAX_OUTBOUND_PER_PEER: usize = 32;
/// Connections of a node, in all.
pub const MAX_CONNECTIONS: u32 = 1_024;
/// Connections with one peer: both sides may dial at once.
pub const MAX_CONNECTIONS_PER_PEER: u32 = 4;
/// Connections that are being made, each way.
pub const MAX_PENDING_CONNECTIONS: u32 = 256;
/// Peers whose addresses a node remembers beside its routing table.
pub const MAX_KNOWN_PEERS: usize = 4_096;
/// Addresses that are remembered of one peer.
pub const MAX_ADDRESSES_PER_PEER: usize = 8;
/// Other nodes' DHT announcements that a node keeps.
pub const MAX_DHT_RECORDS: usize = 1 << 16;
/// Requests a second that a node takes from one peer over time; so many may also come at once.
pub const MAX_REQUEST_RATE_PER_PEER: u32 = 2_000;
/// Messages that wait in an actor's mailbox before senders wait.
pub const MAILBOX: usize = 64;

/// Most bytes of one note in an upload journal.
pub const MAX_JOURNAL_NOTE: usize = 256 << 10;
/// Memory for the trees of slots that were challenged lately: about 1 % of the slots' bytes.
pub const TREE_CACHE_BYTES: u64 = 64 << 20;
/// Most bytes of a tree's file: the tree, a version, a slot and a checksum.
pub const MAX_TREE_FILE: usize = MAX_KEPT_BYTES + 64;
/// Largest note of a watched placement, in bytes: some four hundred holders.
pub const MAX_WATCH_NOTE: usize = 64 << 10;
/// Most shards of one placement, so that its record stays within its limit.
pub const MAX_SHARD_HASHES: u64 = (MAX_PLACEMENT_RECORD as u64 - (64 << 10)) / 32;
/// Times a shard is sent to one provider before another takes the slot.
pub const SEND_ATTEMPTS: u32 = 3;
/// Times a put replaces holders that fail before the placement is signed.
pub const PUBLISH_ROUNDS: usize = 4;
/// Times a put searches for providers that fit its policy.
pub const PROVIDER_SEARCHES: usize = 3;
/// Times a get searches for a file's holders.
pub const LOCATE_ATTEMPTS: u32 = 4;
/// Placements that a node looks at side by side.
pub const LOOKS_AT_A_TIME: usize = 4;
/// Holders that one look asks at a time.
pub const PROBES_AT_A_TIME: usize = 32;
/// Placements whose slot roots a node's owner checks at a time.
pub const SIGNINGS_AT_A_TIME: usize = 2;
/// Providers that are asked for slot roots at a time.
pub const ROOT_CLAIMS_AT_A_TIME: usize = 8;
/// Slots whose trees wait to be built; a provider that is asked for more says that it is busy.
pub const MAX_WAITING_TREES: usize = 256;
/// Levels of access lists: two million members.
pub const ACCESS_LEVELS: usize = 7;
/// Most cells of a dispute: `CELL_LIMIT` of the contract.
pub const MAX_DISPUTED_CELLS: usize = 4;
/// Readers of protected placements that a provider remembers at a time, and their passes.
pub const MAX_GRANTS: usize = 1 << 16;
/// Access lists on the chain whose roots a provider remembers at a time.
pub const MAX_KNOWN_LISTS: usize = 1_024;
/// Segments that a repair holds in memory at a time.
pub const REPAIR_SEGMENTS_IN_FLIGHT: usize = 2;
/// Peers that a search for a placement's holders asks.
pub const MAX_HOLDERS_ASKED: usize = 256;
/// Peers that are asked for the same placement record at a time.
pub const RECORD_FETCHES: usize = 3;
/// Peers whose last failure a node remembers.
pub const MAX_ABSENTEES: usize = 4_096;

/// Blocks that one question for logs may span.
pub const MAX_LOG_BLOCKS: u64 = 1_000;
/// Logs that one answer may have.
pub const MAX_LOGS: usize = 10_000;
/// Most bytes of a signed transaction: geth's `txMaxSize`, which holds the largest contract.
pub const MAX_TRANSACTION: usize = 128 << 10;
/// Most bytes of one answer of a chain's JSON-RPC server.
pub const MAX_CHAIN_ANSWER: usize = 16 << 20;
/// Blocks that an embedded chain can take back.
pub const MAX_REORG: usize = 64;
/// Most bytes of one block in an embedded chain's log.
pub const MAX_BLOCK_RECORD: u64 = 64 << 20;
/// Transactions of one node that are not final yet.
pub const MAX_OPEN_TRANSACTIONS: usize = 64;
/// Orders that wait because so many transactions are not final, or the chain does not answer.
pub const MAX_QUEUED_ORDERS: usize = 256;
/// Times that one transaction is signed with other fees: from one gwei to the most that is paid.
pub const MAX_ATTEMPTS: usize = 80;
/// Most bytes of a call's data, so that its transaction stays within its limit.
pub const MAX_CALL_DATA: usize = MAX_TRANSACTION - 1_024;
/// Most bytes of one note of the outbox.
pub const MAX_OUTBOX_NOTE: usize = MAX_TRANSACTION + (16 << 10);
/// Most bytes of one note of the market actor: a proof's call, or an agreement.
pub const MAX_MARKET_NOTE: usize = 8 << 10;
/// Slots that one node lets stand behind agreements.
pub const MAX_PLEDGES: usize = 4_096;
/// Bytes whose price is all that a reader and a provider may lose by one another: a reader pays so much ahead at most, and a
/// provider lets so much be read on a channel that a reorganisation may take back.
pub const PAID_AHEAD: u64 = (SEGMENTS_IN_FLIGHT * MAX_SHARD) as u64;
/// Shards that a reader pays ahead to a provider that has served none yet.
pub const TRUSTED_SHARDS: u64 = 2 * SEGMENTS_IN_FLIGHT as u64;
/// Bytes whose price a voucher must at least be above the last one: to write it down costs the provider two syncs.
pub const LEAST_PAID: u64 = 64 << 10;
/// Bytes that may be read until a provider writes down how much of the pay is used up.
pub const READ_UNNOTED: u64 = MAX_SHARD as u64;
/// Channels on which one provider is paid at a time.
pub const MAX_TABS: usize = 4_096;
/// Channels that a provider remembers to have looked at and was not paid on.
pub const MAX_STRANGE_CHANNELS: usize = 256;
/// Times that a provider is paid for one read: it may have lost count once.
pub const PAYMENTS_A_READ: usize = 3;
/// Times that something is sent again to a chain on which it failed.
pub const MAX_CHAIN_RETRIES: u32 = 8;
/// Questions for the chain's log that one look asks.
pub const LOG_READS: usize = 16;
/// Blocks between two notes of how far the chain's log was read.
pub const LOG_NOTE_BLOCKS: u64 = 100;
/// Lost slots that a provider has refilled at a time.
pub const REFILLS_AT_A_TIME: usize = 4;
/// Holders that a lost slot is offered to in one window.
pub const REFILL_OFFERS: usize = 3;
/// Providers that a reader asks for their prices, and opens channels to, at a time.
pub const CHANNELS_AT_A_TIME: usize = 8;
/// Slots of its agreement that an owner asks the chain about at a time.
pub const SLOTS_AT_A_TIME: usize = 8;
/// Blocks from a transaction's own to the head until it counts as final, both included.
pub const CONFIRMATIONS: u64 = 12;
/// Blocks that a transaction waits for its turn before its fees rise.
pub const FEE_PATIENCE: u64 = 3;
/// Most wei a unit of gas that a transaction offers, base fee included, whatever it is worth: a proof costs some three of the
/// chain's coins then, so that a mistaken price of HOLD costs no fortune.
pub const MAX_FEE_PER_GAS: u128 = 10_000_000_000_000;
/// Transactions that wait in an embedded chain.
pub const MAX_POOLED: usize = 4_096;
/// Of them, those of one sender.
pub const MAX_POOLED_PER_SENDER: usize = 64;
/// Per cent by which both fees of a transaction rise when it replaces another: a tenth satisfies geth, an
/// eighth the nodes that ask for the base fee's largest step.
pub const FEE_BUMP_PERCENT: u128 = 13;

/// Most bytes of an order on the control socket.
pub const MAX_CONTROL_LINE: usize = 64 << 10;
/// Most bytes of an answer there: an agreement may have a slot open for every shard, each for a reason.
pub const MAX_CONTROL_REPLY: usize = 1 << 20;
/// Connections to the control socket that a node serves at a time.
pub const MAX_CONTROL_CONNECTIONS: usize = 32;

/// Bytes of redb's page cache in a node.
pub const INDEX_CACHE: usize = 4 << 20;
/// Free bytes of the disk that no shard may take, so that the index can always grow.
pub const DISK_RESERVE: u64 = 8 << 20;
/// Decoded placement records that the storage actor keeps.
pub const RECORD_CACHE: usize = 32;
/// Bytes of these records; the latest stays whatever its size.
pub const RECORD_CACHE_BYTES: usize = 8 << 20;
/// Signed provider records of this node's own that the storage actor keeps.
pub const HOLDINGS_CACHE: usize = 4_096;
/// Bytes of other holders' provider records that the storage actor remembers, over all placements.
pub const REMEMBERED_BYTES: usize = 16 << 20;
/// Removals that a node remembers, so that nobody brings a removed placement back.
pub const MAX_REMOVALS: usize = 65_536;
/// Rows that one look through the index takes.
pub const INDEX_PAGE: usize = 256;
/// Index changes that one commit carries.
pub const MAX_COMMIT_BATCH: usize = 256;
/// Blocking jobs (disk, codec, cipher) that run at once in a live node.
pub const MAX_BLOCKING_JOBS: usize = 8;

/// A peer that does not take a connection within this is passed over.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// A DHT query that is not done within this has failed.
pub const DHT_TIMEOUT: Duration = Duration::from_secs(30);
/// A peer that could not be reached is left alone for this long, then twice as long, and so on …
pub const ABSENCE_MIN: Duration = Duration::from_secs(5);
/// … up to this.
pub const ABSENCE_MAX: Duration = Duration::from_secs(300);
/// How often a search for providers samples the network before it gives up.
pub const SAMPLE_ROUNDS: usize = 8;
/// A search that has as many providers as needed waits no longer than this for better ones.
pub const STATUS_PATIENCE: Duration = Duration::from_millis(500);
/// A reader that knows k shards' holders waits no longer than this for more to answer.
pub const HOLDINGS_PATIENCE: Duration = Duration::from_millis(300);
/// Pause before a retry; it grows with every further one.
pub const RETRY_PAUSE: Duration = Duration::from_millis(500);
/// For how long a provider serves a reader of a protected placement that showed a pass, at most.
pub const ACCESS_EPOCH: Duration = Duration::from_secs(3600);
/// A provider asks the chain for the root of one access list once in this time, and asks nothing for as long after the
/// chain did not answer.
pub const LIST_TTL: Duration = Duration::from_secs(5);
/// A reader waits for the chain's word on an access list no longer than this.
pub const LIST_TIMEOUT: Duration = Duration::from_secs(5);
/// An owner asks providers again for slot roots after this, then after twice as long, and so on …
pub const ROOT_RETRY: Duration = Duration::from_millis(500);
/// … up to this.
pub const ROOT_RETRY_MAX: Duration = Duration::from_secs(60);
/// A provider that has claimed no root of a slot for this long, though it can be reached, does not hold the slot: some
/// hundred trees of a gigabyte may have come before.
pub const ROOT_PATIENCE: Duration = Duration::from_secs(24 * 3600);
/// A connection that nobody uses is closed after this.
pub const IDLE_CONNECTION: Duration = Duration::from_secs(60);
/// A node that reached nobody tries its bootstrap peers again after this, then doubles it.
pub const JOIN_RETRY: Duration = Duration::from_secs(1);
/// Longest time between two such tries.
pub const JOIN_RETRY_MAX: Duration = Duration::from_secs(60);
/// Mean time between two refreshes of the DHT's routing table.
pub const DHT_REFRESH_INTERVAL: Duration = Duration::from_secs(12 * 3600);
/// A small request that is not answered within this has failed.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(20);
/// Time between two looks at the chain while a transaction is not final.
pub const CHAIN_POLL: Duration = Duration::from_secs(4);
/// A chain's server that could not be reached is tried again after this, then after twice as long, and so on …
pub const CHAIN_RETRY: Duration = Duration::from_secs(2);
/// … up to this.
pub const CHAIN_RETRY_MAX: Duration = Duration::from_secs(60);
/// A person who asks for a node's status waits for the chain no longer than this.
pub const STATUS_TIMEOUT: Duration = Duration::from_secs(3);
/// A proof that could not be made is tried again after this.
pub const PROOF_RETRY: Duration = Duration::from_secs(10);
/// An owner waits for the slots of an agreement to be taken no longer than this, and a provider for a busy one to be offered a
/// lost slot.
pub const FILL_PATIENCE: Duration = Duration::from_secs(1800);
/// What the chain said of a channel is believed for this long.
pub const CHANNEL_FRESH: Duration = Duration::from_secs(30);
/// A provider looks at channels that it was not paid on yet no more often than this, whoever names them.
pub const CHANNEL_LOOK_PAUSE: Duration = Duration::from_millis(250);
/// A reader offers a voucher to a busy provider for no longer than this: twelve blocks, until a new channel is certain.
pub const PAY_PATIENCE: Duration = Duration::from_secs(300);
/// A question to the chain that is not answered within this has failed.
pub const CHAIN_TIMEOUT: Duration = Duration::from_secs(20);
/// A shard that is not moved within this has failed.
pub const SHARD_TIMEOUT: Duration = Duration::from_secs(120);
/// How long a provider record is believed after it was signed.
pub const PROVIDER_RECORD_TTL: Duration = Duration::from_secs(48 * 3600);
/// How often a node tells the DHT what it holds.
pub const ANNOUNCE_INTERVAL: Duration = Duration::from_secs(12 * 3600);
/// How long the DHT keeps an announcement.
pub const ANNOUNCE_TTL: Duration = Duration::from_secs(48 * 3600);
/// Mean time between two probes of a placement's holders by one holder.
pub const PROBE_INTERVAL: Duration = Duration::from_secs(4 * 3600);
/// Share by which a probe comes earlier or later, so that holders do not move in step.
pub const PROBE_JITTER: f64 = 0.5;
/// A holder that answered no probe for this long counts as gone.
pub const HOLDER_GRACE: Duration = Duration::from_secs(12 * 3600);
/// A holder of rank r among the live ones waits r times this before it repairs.
pub const REPAIR_STAGGER: Duration = Duration::from_secs(30 * 60);
/// Shards whose placement record never came are deleted after this.
pub const STAGED_TTL: Duration = Duration::from_secs(24 * 3600);
/// How long a removal is remembered.
pub const REMOVAL_TTL: Duration = Duration::from_secs(90 * 24 * 3600);
/// How often a node looks for shards to delete and reads a share of its shards back.
pub const SCRUB_INTERVAL: Duration = Duration::from_secs(24 * 3600);

const _: () = assert!(DEFAULT_SEGMENT <= MAX_SEGMENT);
const _: () = assert!(MAX_SEGMENT as u64 + 16 <= u32::MAX as u64);
const _: () = assert!(MAX_SHOWN_CELLS * SHOWN_CELL <= MAX_SHARD, "an answer must fit a body");
const _: () = assert!(MAX_SHARD <= MAX_INBOUND_BYTES, "one shard must fit the inbound budget");
const _: () = assert!(MAX_PLACEMENT_RECORD < MAX_HEADER);
const _: () =
    assert!(LIST_TTL.as_secs() * 60 <= ACCESS_EPOCH.as_secs(), "an epoch decides how soon a member is out");
const _: () =
    assert!(LIST_TIMEOUT.as_secs() * 2 <= REQUEST_TIMEOUT.as_secs(), "a reader hears why it is refused");
const _: () = assert!(LEAST_PAID <= MAX_SHARD as u64 && READ_UNNOTED <= PAID_AHEAD);
const _: () = assert!(66 * (MAX_SHARDS as usize) + 256 < MAX_SLOT_ROOTS);
const _: () = assert!(ANNOUNCE_INTERVAL.as_secs() * 2 <= ANNOUNCE_TTL.as_secs());
const _: () = assert!(PROBE_INTERVAL.as_secs() * 2 <= HOLDER_GRACE.as_secs());
const _: () = assert!(HOLDER_GRACE.as_secs() <= PROVIDER_RECORD_TTL.as_secs());
