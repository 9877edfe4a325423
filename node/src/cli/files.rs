//! `put`, `get`, `ls` and `rm`.

use super::{
    access, args,
    connection::{ask, unexpected},
    failure::Failure,
    home::Home,
    output::{Bar, Output},
};
use crate::{
    actors::client::{CatalogueEntry, GetReport, RootsState},
    api::{self, AccessFiles, Ask, FailureKind, Reply},
    limits,
    types::{Access, PlacementId, Policy},
};
use indicatif::HumanBytes;
use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf, absolute},
    process,
};

/// Stores a file and prints its link.
pub fn put(home: &Home, options: &args::Put, output: Output) -> Result<(), Failure> {
    let request = put_request(home, options)?;
    let bar = Bar::new("put");
    let reply = ask(home, request, |progress| bar.show(progress), |_| ())?;
    drop(bar);
    let Reply::Put(mut report) = reply else { return Err(unexpected(&reply)) };
    eprintln!(
        "stored {} in {} segments, {} receipts, {:.2} s ({})",
        HumanBytes(report.size),
        report.segments,
        report.receipts,
        report.seconds,
        rate(report.size, report.seconds),
    );
    if options.wait_for_roots {
        report.roots = wait_for_roots(home, report.placement)?;
    }
    output.print(&report, |out| writeln!(out, "{}", report.link))
}

/// Waits until the slot roots of a stored file are signed.
fn wait_for_roots(home: &Home, placement: PlacementId) -> Result<Option<RootsState>, Failure> {
    let bar = Bar::counting("roots");
    let reply = ask(home, Ask::AwaitRoots { placement }, |progress| bar.show(progress), |_| ())?;
    drop(bar);
    let Reply::RootsSigned(state) = reply else { return Err(unexpected(&reply)) };
    match state {
        Some(RootsState { slots, signed, seconds: Some(seconds) }) => {
            eprintln!("signed the roots of {signed} of {slots} slots {seconds:.2} s after the last receipt");
        }
        _ => eprintln!("the slots of this file get no roots"),
    }
    Ok(state)
}

/// Checks what can be checked before the node is asked.
fn put_request(home: &Home, options: &args::Put) -> Result<Ask, Failure> {
    let code = options.code().map_err(|why| {
        Failure::usage(why)
            .hint("any k of n shards rebuild a segment, so k < n; repair starts between: k ≤ M < n")
    })?;
    let segment = options.segment_size.as_u64();
    if segment == 0 || segment > limits::MAX_SEGMENT as u64 {
        let limit = limits::MAX_SEGMENT;
        return Err(Failure::usage(format!("segment size {segment} lies outside 1..={limit} bytes")));
    }
    let file = &options.file;
    let metadata = fs::metadata(file).map_err(|why| Failure::file(file, &why))?;
    if !metadata.is_file() {
        return Err(Failure::usage(format!("{} is not a regular file", file.display()))
            .hint("put stores one file; pack a directory first, with tar for example"));
    }
    File::open(file).map_err(|why| Failure::file(file, &why))?;
    let path = absolute(file).map_err(|why| Failure::file(file, &why))?;
    let name = match (&options.name, file.file_name()) {
        (Some(name), _) => name.clone(),
        (None, Some(name)) => name.to_string_lossy().into_owned(),
        (None, None) => return Err(Failure::usage("the file needs a name").hint("give one with --name")),
    };
    let policy = Policy {
        max_per_operator: options.max_per_operator.unwrap_or(u16::MAX),
        max_per_region: options.max_per_region.unwrap_or(u16::MAX),
    };
    let access = readers(home, options)?;
    Ok(Ask::Put { name, path, code, policy, segment_len: segment as usize, access })
}

/// Who may read the file beside its owner.
fn readers(home: &Home, options: &args::Put) -> Result<Option<Access>, Failure> {
    if let Some(list) = &options.access {
        let root = api::list_root(list).map_err(|why| Failure::file(list, &why))?;
        return Ok(Some(Access::Root(root)));
    }
    let Some(list) = options.list else { return Ok(None) };
    let name = access::named(home, list)?;
    eprintln!("readers: {name}, once it is published there: holdfast access publish LIST --list {list}");
    Ok(Some(Access::Listed(name)))
}

/// Fetches a file.
pub fn get(home: &Home, options: &args::Get, output: Output) -> Result<(), Failure> {
    match &options.output {
        Some(path) if path.as_os_str() == "-" => get_to_stdout(home, options),
        Some(path) => fetch_and_report(home, options, path, output),
        None if options.file.starts_with("holdfast:") => {
            Err(Failure::usage("a link does not tell the file's name").hint("say where it goes: -o FILE"))
        }
        None => {
            let name = Path::new(&options.file).file_name().map(PathBuf::from);
            let path = name.ok_or_else(|| Failure::usage(format!("{:?} is no file name", options.file)))?;
            if path.exists() {
                return Err(Failure::failed(format!("{} is there already", path.display()))
                    .hint("say where it goes: -o FILE"));
            }
            fetch_and_report(home, options, &path, output)
        }
    }
}

fn fetch_and_report(home: &Home, options: &args::Get, path: &Path, output: Output) -> Result<(), Failure> {
    let report = fetch(home, options, path)?;
    eprintln!(
        "fetched {} in {:.2} s ({}), {} segments decoded",
        HumanBytes(report.size),
        report.seconds,
        rate(report.size, report.seconds),
        report.segments_decoded,
    );
    if !report.paid.0.is_zero() {
        eprintln!("paid {} HOLD", report.paid);
    }
    output.print(&report, |out| writeln!(out, "{}", path.display()))
}

/// The bytes pass through a file in the node's own directory: they come out of order, and a reader of
/// stdout must never see a byte of a file that turns out damaged.
fn get_to_stdout(home: &Home, options: &args::Get) -> Result<(), Failure> {
    home.must_exist()?;
    let path = home.dir().join(format!("stdout-{}", process::id()));
    let fetched = fetch(home, options, &path).and_then(|_| {
        let mut from = File::open(&path).map_err(|why| Failure::file(&path, &why))?;
        match io::copy(&mut from, &mut io::stdout().lock()) {
            Err(why) if why.kind() != io::ErrorKind::BrokenPipe => {
                Err(Failure::failed(format!("stdout: {why}")))
            }
            _ => Ok(()),
        }
    });
    match fs::remove_file(&path) {
        Err(why) if fetched.is_ok() => Err(Failure::file(&path, &why)),
        _ => fetched,
    }
}

fn fetch(home: &Home, options: &args::Get, path: &Path) -> Result<GetReport, Failure> {
    let path = absolute(path).map_err(|why| Failure::file(path, &why))?;
    let parent = path.parent().unwrap_or(&path);
    if !parent.is_dir() {
        return Err(Failure::new(FailureKind::NotFound, format!("{}: no such directory", parent.display())));
    }
    let bar = Bar::new("get");
    let file = options.file.clone();
    let full = |path: &PathBuf| absolute(path).map_err(|why| Failure::file(path, &why));
    let access = match (&options.access_key, &options.access_list) {
        (Some(key), Some(list)) => Some(AccessFiles { key: full(key)?, list: full(list)? }),
        _ => None,
    };
    let most = options.most;
    let reply = ask(home, Ask::Get { file, path, access, most }, |progress| bar.show(progress), |_| ())?;
    match reply {
        Reply::Got(report) => Ok(report),
        other => Err(unexpected(&other)),
    }
}

/// Lists the catalogue.
pub fn list(home: &Home, output: Output) -> Result<(), Failure> {
    let mut entries: Vec<CatalogueEntry> = Vec::new();
    match ask(home, Ask::List, |_| (), |entry| entries.push(entry))? {
        Reply::Listed => {}
        other => return Err(unexpected(&other)),
    }
    output.print(&entries, |out| {
        for entry in &entries {
            let roots = entry.roots.map(|RootsState { signed, slots, .. }| format!("{signed}/{slots}"));
            let (size, roots) = (HumanBytes(entry.size).to_string(), roots.unwrap_or_else(|| "-".into()));
            writeln!(out, "{size:>12}  {roots:>7}  {}", entry.name)?;
        }
        Ok(())
    })
}

/// Forgets a file.
pub fn remove(home: &Home, name: String, output: Output) -> Result<(), Failure> {
    let reply = ask(home, Ask::Remove { name: name.clone() }, |_| (), |_| ())?;
    let Reply::Removed(report) = reply else { return Err(unexpected(&reply)) };
    if report.unreachable > 0 {
        eprintln!(
            "{} holders could not be reached; they keep their shards until they hear of it",
            report.unreachable
        );
    }
    output.print(&report, |out| writeln!(out, "removed {name}: {} holders confirmed", report.confirmed))
}

fn rate(bytes: u64, seconds: f64) -> String {
    format!("{:.1} MB/s", bytes as f64 / 1e6 / seconds.max(1e-9))
}
