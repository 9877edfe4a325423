//! A provider that is killed with SIGKILL at random instants while it writes, on a real disk, loses
//! no shard that it acknowledged.
//!
//! The test starts itself again as a child that stores shards and prints each receipt. The parent
//! kills it, be it while it writes or while it still recovers from the kill before, opens the same
//! directory, and reads back what was printed. `HOLDFAST_KILLS` sets how often (15 by default) and
//! `HOLDFAST_KILL_SEED` when:
//!
//! ```text
//! HOLDFAST_KILLS=200 cargo test -p holdfast --test crash_kill -- --nocapture
//! ```
//!
//! SIGKILL leaves the page cache to the system. What a power failure may tear is tested on a disk
//! that tears (`actors/storage/tests/crash.rs`, and in the simulator).
// The parent stands outside every world: it has the system's own clock, processes and threads.
#![allow(clippy::disallowed_methods)]

use actix::Addr;
use bytes::Bytes;
use holdfast::{
    actors::storage::{Scrub, ServeRequest, StorageActor},
    env::{Common, live},
    settings::Settings,
    types::{
        Answer, Ask, Code, Identity, PlacementId, PlacementRecord, Policy, Request, Response, ShardHash,
        ShardKey, Signed, Timestamp,
    },
};
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng as _, SeedableRng};
use std::{
    collections::BTreeMap,
    env,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    rc::Rc,
    sync::Arc,
    time::{Duration, Instant},
};

const DIR: &str = "HOLDFAST_CRASH_CHILD_DIR";
const LIFE: &str = "HOLDFAST_CRASH_CHILD_LIFE";
const READY: &str = "ready";
const WRITERS: u64 = 8;
const SEGMENTS: u32 = 12;
const SLOTS: u16 = 4;

/// What was acknowledged: which shard, with which hash.
type Acknowledged = BTreeMap<ShardKey, ShardHash>;

fn main_of<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    tokio::task::LocalSet::new().block_on(&runtime, future)
}

fn identity(byte: u8) -> Identity {
    Identity::from_secret(&mut [byte; 32]).expect("a key that is not zero")
}

async fn open(dir: &Path) -> Addr<StorageActor> {
    let common = Common {
        clock: Rc::new(live::LiveClock::new()),
        rng: Rc::new(live::LiveRng),
        spawn: Rc::new(live::LiveSpawn::new()),
        record: Rc::new(live::LiveRecord::default()),
    };
    let disk = Arc::new(live::LiveDisk::open(dir).expect("a directory that can be written"));
    StorageActor::start(common, disk, identity(1), Settings::default())
        .await
        .expect("a kill leaves it readable")
}

async fn ask(storage: &Addr<StorageActor>, ask: Ask, body: Bytes) -> Response {
    let request = Request { ask, body };
    storage.send(ServeRequest { from: identity(2).peer(), request }).await.expect("the actor runs")
}

/// A file that writer `writer` of life `life` stores: its placement record, and the shards of one of its
/// slots, one a segment. More than one slot of it nobody may have.
fn file(life: u64, writer: u64, number: u64) -> (PlacementRecord, u16, Vec<Bytes>) {
    let mut random = ChaCha8Rng::seed_from_u64(life << 32 | writer << 24 | number);
    let code = Code::new(2, SLOTS, 2).expect("a valid code");
    let shard_len = 64 * (1 + random.next_u32() % 256);
    let slot = (random.next_u32() % u32::from(SLOTS)) as u16;
    let shards: Vec<Bytes> = (0..SEGMENTS)
        .map(|_| {
            let mut bytes = vec![0; shard_len as usize];
            random.fill_bytes(&mut bytes);
            bytes.into()
        })
        .collect();
    let mut nonce = [0; 32];
    random.fill_bytes(&mut nonce);
    let record = PlacementRecord {
        owner: identity(3).peer(),
        nonce,
        code,
        policy: Policy::default(),
        segment_len: 2 * shard_len,
        last_segment_len: 2 * shard_len,
        shard_hashes: shards.iter().flat_map(|shard| [ShardHash::of(shard); SLOTS as usize]).collect(),
        sealed_manifest: Bytes::from_static(b"sealed"),
        created: Timestamp(1),
        access: None,
    };
    (record, slot, shards)
}

/// Prints a line to the parent. Not `println!`, which the test harness catches.
fn tell(line: &str) {
    let mut out = std::io::stdout().lock();
    // If the parent is gone, so is this process, soon.
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

async fn write_for_ever(storage: Addr<StorageActor>, life: u64, writer: u64) {
    for number in 0.. {
        let (record, slot, shards) = file(life, writer, number);
        let id = record.id();
        let signed = Signed::new(&identity(3), &record);
        for (segment, body) in (0..).zip(shards) {
            let key = ShardKey { placement: id, segment, slot };
            let hash = ShardHash::of(&body);
            let stored = ask(&storage, Ask::StoreShard { key, hash }, body).await;
            let Answer::ShardStored(receipt) = stored.answer else { panic!("not stored: {stored:?}") };
            let receipt = receipt.verify().expect("the provider's signature");
            tell(&format!("ack {} {} {} {}", id, receipt.shard.segment, receipt.shard.slot, receipt.hash));
            if segment == SEGMENTS / 2 {
                ask(&storage, Ask::StorePlacement { record: signed.clone() }, Bytes::new()).await;
            }
        }
    }
}

#[test]
#[ignore = "the child of the test below, which starts it"]
fn child() {
    let Ok(dir) = env::var(DIR) else { return };
    let life = env::var(LIFE).expect("set by the parent").parse().expect("a number");
    main_of(async {
        let storage = open(Path::new(&dir)).await;
        tell(READY);
        let scrubs = async {
            loop {
                let report = storage.send(Scrub).await.expect("the actor runs").expect("the disk works");
                assert_eq!(report.damaged, 0, "nothing here damages a shard");
            }
        };
        let writers = (0..WRITERS).map(|writer| write_for_ever(storage.clone(), life, writer));
        futures::join!(futures::future::join_all(writers), scrubs);
    });
}

/// Lets a child live for a while, kills it, and returns what it had acknowledged.
fn one_life(dir: &Path, life: u64, random: &mut ChaCha8Rng) -> Acknowledged {
    let mut child = Command::new(env::current_exe().expect("this test's own file"))
        .args(["--exact", "child", "--ignored", "--nocapture"])
        .env(DIR, dir)
        .env(LIFE, life.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .expect("this test's own file starts");
    let out = BufReader::new(child.stdout.take().expect("it is piped"));
    let (ready, is_ready) = std::sync::mpsc::channel();
    let reader = std::thread::spawn(move || {
        let lines = out.lines().map_while(Result::ok);
        let acks = lines.filter_map(|line| {
            if line.ends_with(READY) {
                // The parent may have killed it before and wait no more.
                let _ = ready.send(());
            }
            parse(&line)
        });
        acks.collect::<Acknowledged>()
    });
    // One kill of four comes while the child starts and recovers.
    if random.next_u32().is_multiple_of(4) {
        std::thread::sleep(Duration::from_micros(u64::from(random.next_u32() % 60_000)));
    } else {
        // An error says that the child died by itself, which the exit status shows below.
        let _ = is_ready.recv();
        std::thread::sleep(Duration::from_micros(u64::from(random.next_u32() % 250_000)));
    }
    let died_alone = child.try_wait().expect("the child is ours");
    assert_eq!(died_alone, None, "the child was to be killed");
    child.kill().expect("the child is ours");
    child.wait().expect("the child is ours");
    reader.join().expect("the reader only collects lines")
}

fn parse(line: &str) -> Option<(ShardKey, ShardHash)> {
    let mut words = line.strip_prefix("ack ")?.split(' ');
    let placement: PlacementId = words.next()?.parse().ok()?;
    let segment = words.next()?.parse().ok()?;
    let slot = words.next()?.parse().ok()?;
    // The last line may be cut off by the kill: then the hash is too short to be one.
    let hash = words.next()?.parse().ok()?;
    Some((ShardKey { placement, segment, slot }, hash))
}

/// Reads every acknowledged shard back; panics at the first that is not whole.
fn check(dir: &Path, acknowledged: &Acknowledged, scrub: bool) {
    main_of(async {
        let storage = open(dir).await;
        for (&key, &hash) in acknowledged {
            let response = ask(&storage, Ask::ReadShard { key, offset: 0, len: 0 }, Bytes::new()).await;
            assert_eq!(response.answer, Answer::Shard, "acknowledged and lost: {key:?}");
            assert_eq!(ShardHash::of(&response.body), hash, "acknowledged and changed: {key:?}");
        }
        if scrub {
            let report = storage.send(Scrub).await.expect("the actor runs").expect("the disk works");
            assert_eq!((report.damaged, report.unreadable), (0, 0), "an index entry without its whole file");
        }
    });
}

#[test]
fn no_acknowledged_shard_is_lost_by_kills_at_random_instants() {
    let number = |name, default| env::var(name).map_or(default, |text| text.parse().expect("a number"));
    let (kills, seed) = (number("HOLDFAST_KILLS", 15), number("HOLDFAST_KILL_SEED", 1));
    let root = tempfile::tempdir().expect("a temporary directory");
    let dir: PathBuf = root.path().join("data");
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut all = Acknowledged::new();
    let mut barren = 0;
    let started = Instant::now();
    for life in 0..kills {
        let acknowledged = one_life(&dir, life, &mut random);
        check(&dir, &acknowledged, life % 10 == 0);
        barren += u64::from(acknowledged.is_empty());
        all.extend(acknowledged);
    }
    check(&dir, &all, true);
    let seconds = started.elapsed().as_secs();
    println!(
        "seed {seed}: {kills} kills, {barren} of them before the first receipt; \
         {} shards acknowledged, 0 lost, {seconds} s",
        all.len()
    );
    assert!(all.len() as u64 > kills, "the children were killed before they stored anything worth losing");
}
