//! What a disk must do.

use crate::env::{Disk, DiskError, DiskFile};
use std::sync::Arc;

/// Checks an empty disk. Synchronous: call it where disks may be called.
///
/// # Panics
/// With a sentence that says what is broken.
pub fn check(disk: &dyn Disk) {
    opens_and_lists(disk);
    reads_what_was_written(disk);
    writes_side_by_side(disk);
    renames_and_removes(disk);
    keeps_paths_inside(disk);
    let free = ok(disk.free_bytes());
    assert!(free > 0, "a disk that takes writes says that nothing is free");
}

/// Checks that what was made durable survives. `restart` opens the same disk again after a crash, or
/// after a clean stop where there are no crashes; the first call opens it empty.
///
/// # Panics
/// With a sentence that says what is broken.
pub fn check_durability(mut restart: impl FnMut() -> Arc<dyn Disk>) {
    let disk = restart();
    let file = create(&*disk, "a/b/kept");
    ok(file.write_at(0, &pattern(10_000)));
    ok(file.sync());
    ok(disk.sync_dir("a/b"));
    // Written after the last sync, beyond the synced bytes: may be lost, wholly or in part.
    ok(file.write_at(10_000, &pattern(5_000)));
    let moved = create(&*disk, "c/before");
    ok(moved.write_at(0, b"moved"));
    ok(moved.sync());
    ok(disk.sync_dir("c"));
    ok(disk.rename("c/before", "c/after"));
    ok(disk.sync_dir("c"));
    let gone = create(&*disk, "c/gone");
    ok(gone.sync());
    ok(disk.sync_dir("c"));
    ok(disk.remove("c/gone"));
    ok(disk.sync_dir("c"));
    drop((file, moved, gone, disk));

    let disk = restart();
    let file = ok(disk.open("a/b/kept", false));
    let len = ok(file.len());
    assert!((10_000..=15_000).contains(&len), "a file of 10000 synced bytes has {len} after a restart");
    assert_eq!(read(&*file, 0, 10_000), pattern(10_000), "synced bytes changed over a restart");
    let names = ok(disk.list("c"));
    assert_eq!(names, ["after"], "a synced directory has other names after a restart: {names:?}");
    assert_eq!(read(&*ok(disk.open("c/after", false)), 0, 5), b"moved", "a renamed file lost its bytes");
}

/// Checks offsets beyond 4 GiB; for disks on which a hole takes no room.
///
/// # Panics
/// With a sentence that says what is broken.
pub fn check_large_offsets(disk: &dyn Disk) {
    let file = create(disk, "large");
    reaches_beyond_the_end(&*file, 5 << 30);
    reaches_beyond_the_end(&*file, 6 << 30);
    drop(file);
    ok(disk.remove("large"));
}

fn opens_and_lists(disk: &dyn Disk) {
    assert!(ok(disk.list("")).is_empty(), "the disk to check is not empty");
    assert!(ok(disk.list("no/such")).is_empty(), "a missing directory has names in it");
    let missing = disk.open("x/missing", false).map(drop);
    assert_eq!(missing, Err(DiskError::NotFound("x/missing".into())), "a missing file was opened");
    assert!(ok(disk.list("x")).is_empty(), "opening a missing file made its directory");
    for name in ["b", "a", "c"] {
        let file = create(disk, &format!("dir/{name}"));
        assert!(ok(file.is_empty()), "a new file has bytes");
    }
    assert_eq!(ok(disk.list("dir")), ["a", "b", "c"], "names are not listed in order");
    assert_eq!(ok(disk.list("")), ["dir"], "the root does not list its directory");
    ok(create(disk, "dir/a").write_at(0, b"kept"));
    assert_eq!(read(&*create(disk, "dir/a"), 0, 4), b"kept", "opening a file to create it emptied it");
}

fn reads_what_was_written(disk: &dyn Disk) {
    let file = create(disk, "bytes");
    let bytes = pattern(300_000);
    ok(file.write_at(0, &bytes));
    assert_eq!(ok(file.len()), 300_000, "a file's length is not what was written");
    assert_eq!(read(&*file, 123, 70_000), bytes[123..70_123], "other bytes came back");
    ok(file.write_at(1_000, b"over"));
    assert_eq!(
        read(&*file, 999, 6),
        [bytes[999], b'o', b'v', b'e', b'r', bytes[1_004]],
        "a write reached too far"
    );

    reaches_beyond_the_end(&*file, 400_000);
    ok(file.set_len(300_000));
    assert_eq!(ok(file.len()), 300_000, "a file was not cut");
    ok(file.set_len(300_010));
    assert_eq!(read(&*file, 300_000, 10), [0; 10], "a file was not extended with zeros");

    let mut buffer = [0; 8];
    for offset in [300_003, 300_010, 1 << 40] {
        let past = file.read_at(offset, &mut buffer);
        assert!(past.is_err(), "8 bytes were read at {offset} of a file of 300010");
    }
    ok(file.read_at(300_010, &mut []));
    ok(file.write_at(0, &[]));
    ok(file.sync());
    ok(disk.sync_dir(""));
    let again = ok(disk.open("bytes", false));
    ok(again.write_at(0, b"!"));
    assert_eq!(read(&*file, 0, 1), b"!", "two openings of a file do not see the same bytes");
}

fn reaches_beyond_the_end(file: &dyn DiskFile, far: u64) {
    ok(file.write_at(far, b"far"));
    assert_eq!(ok(file.len()), far + 3, "a write past the end did not extend the file");
    assert_eq!(read(file, far - 2, 5), b"\0\0far", "a hole does not read as zeros");
}

/// Writers of disjoint ranges of one file; on threads of their own where the world has threads is
/// the world's test, here they take turns through separate openings.
fn writes_side_by_side(disk: &dyn Disk) {
    let files: Vec<_> = (0..4).map(|_| create(disk, "shared")).collect();
    for block in 0..64u64 {
        let file = &files[block as usize % files.len()];
        ok(file.write_at(block * 512, &[block as u8; 512]));
    }
    for block in 0..64u64 {
        let bytes = read(&*files[0], block * 512, 512);
        assert!(bytes.iter().all(|byte| *byte == block as u8), "block {block} has another writer's bytes");
    }
}

fn renames_and_removes(disk: &dyn Disk) {
    ok(create(disk, "from/one").write_at(0, b"one"));
    ok(create(disk, "to/two").write_at(0, b"two"));
    let open = ok(disk.open("to/two", false));
    ok(disk.rename("from/one", "to/two"));
    assert_eq!(read(&*ok(disk.open("to/two", false)), 0, 3), b"one", "a rename did not replace the file");
    assert_eq!(read(&*open, 0, 3), b"two", "an open file changed when its name was given to another");
    ok(disk.rename("to/two", "new/dir/three"));
    assert_eq!(ok(disk.list("new/dir")), ["three"], "a rename did not make the directory");
    not_found(disk.rename("from/one", "from/other"), "a missing file was renamed");
    not_found(disk.remove("from/one"), "a missing file was removed");
    assert!(disk.remove("new/dir").is_err(), "a directory with a file in it was removed");
    ok(disk.remove("new/dir/three"));
    ok(disk.remove("new/dir"));
    assert!(ok(disk.list("new")).is_empty(), "a removed directory is still listed");
}

fn keeps_paths_inside(disk: &dyn Disk) {
    for path in ["", "/abs", "..", "../out", "a/../../out", "./a", "a//b", "a/", "a\0b"] {
        assert!(disk.open(path, true).is_err(), "{path:?} was opened: it is not a path of plain names");
        assert!(disk.remove(path).is_err(), "{path:?} was removed: it is not a path of plain names");
        assert!(disk.rename("bytes", path).is_err(), "a file was renamed to {path:?}");
        assert!(path.is_empty() || disk.list(path).is_err(), "{path:?} was listed");
    }
    assert!(ok(disk.list("")).contains(&"bytes".to_owned()), "a refused rename took the file away");
}

fn create(disk: &dyn Disk, path: &str) -> Arc<dyn DiskFile> {
    ok(disk.open(path, true))
}

fn read(file: &dyn DiskFile, offset: u64, len: usize) -> Vec<u8> {
    let mut buffer = vec![0xEE; len];
    ok(file.read_at(offset, &mut buffer));
    buffer
}

fn pattern(len: usize) -> Vec<u8> {
    (0..len).map(|at| (at % 251) as u8).collect()
}

fn not_found(result: Result<(), DiskError>, broken: &str) {
    assert!(matches!(result, Err(DiskError::NotFound(_))), "{broken}: {result:?}");
}

fn ok<T>(result: Result<T, DiskError>) -> T {
    match result {
        Ok(value) => value,
        Err(error) => panic!("a disk operation that must work failed: {error}"),
    }
}
