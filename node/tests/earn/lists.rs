//! Who may read a file follows what its owner publishes on the chain. Readers follow no chain.

use super::network::{Bank, Member, Proofs, text, until};
use holdfast::limits;
use serde_json::Value;
use std::{fs, process::Output, thread, time::Duration};
use tempfile::TempDir;

const OWNER: usize = 0;
/// Nodes that hold; the owner may be one of them.
const PROVIDERS: usize = 4;
const READERS: [usize; 3] = [4, 5, 6];

/// Starts nodes that know one another; readers hold nothing, so that nobody takes them for repairers.
fn start(dir: &TempDir, bank: &Bank, members: &mut [Member]) {
    let mut bootstrap = Vec::new();
    for member in members.iter_mut() {
        fs::copy(bank.deployment(), member.dir.join("deployment.toml")).unwrap();
        let provides = member.number < PROVIDERS;
        member.settings(
            if provides { &bank.rpc } else { "" },
            &bootstrap,
            (Proofs::SMALL.circuit, dir.path()),
        );
        member.edit("retrieval_price = \"1024\"", "retrieval_price = \"0\"");
        if !provides {
            member.edit("capacity_bytes = 1073741824", "capacity_bytes = 0");
        }
        bootstrap.extend(member.start());
    }
    until(Duration::from_secs(60), "everybody is connected", || {
        members.iter().all(|it| it.status()["network"]["connected"].as_u64() >= Some(1))
    });
}

/// Runs a command with the node's account.
fn signed(member: &Member, arguments: &[&str]) -> Value {
    let password = member.dir.join("password").to_string_lossy().into_owned();
    member.done(&[arguments, &["--password-file", &password]].concat())
}

#[track_caller]
fn refused(output: &Output, code: i32, why: &str) {
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(code) && error.contains(why), "{:?}: {error}", output.status);
    assert!(error.contains("hint: "), "{error}");
}

#[test]
fn whoever_the_owner_publishes_reads_and_nobody_else() {
    let dir = TempDir::new().unwrap();
    let path = |name: &str| dir.path().join(name).to_string_lossy().into_owned();
    let mut bank = Bank::new(&dir.path().join("bank"));
    let mut members: Vec<Member> = (0..7).map(|number| Member::new(dir.path(), number)).collect();
    bank.serve(0, &members.iter().map(|it| it.account.clone()).collect::<Vec<_>>());
    bank.deploy(&Proofs::SMALL);
    start(&dir, &bank, &mut members);
    let (owner, [one, two, three]) = (&members[OWNER], READERS.map(|number| &members[number]));

    // An account recovers its key, and no two have the same.
    let [key, again, other] = ["one.key", "again.key", "two.key"].map(path);
    let member = text(&signed(one, &["access", "sign-in", &key]), "member").to_string();
    assert_eq!(text(&signed(one, &["access", "sign-in", &again]), "member"), member);
    assert_eq!(fs::read(&key).unwrap(), fs::read(&again).unwrap());
    let second = text(&signed(two, &["access", "sign-in", &other]), "member").to_string();
    assert_ne!(member, second);

    let (list, new_list) = (path("list"), path("new-list"));
    fs::write(&list, format!("{member}\n")).unwrap();
    fs::write(&new_list, format!("{second}\n")).unwrap();
    let content = b"who may read this changes".repeat(1_000);
    fs::write(path("file"), &content).unwrap();
    let put = owner.done(&["put", &path("file"), "--k", "2", "--n", "3", "--list", "1"]);
    let link = text(&put, "link");
    let get = |reader: &Member, key: &str, list: &str| {
        let copy = path("copy");
        reader.run(&["get", link, "-o", &copy, "--access-key", key, "--access-list", list])
    };
    let wait = || thread::sleep(limits::LIST_TTL + Duration::from_secs(1));
    refused(&get(one, &key, &list), 5, "lets nobody in");

    wait();
    let publish = |list: &str| signed(owner, &["access", "publish", list, "--list", "1"]);
    let published = publish(&list);
    assert_eq!(published["version"].as_u64(), Some(1), "{published}");
    assert!(text(&published, "transaction").starts_with("0x"));
    let root = text(&owner.done(&["access", "root", &list]), "root").to_string();
    assert_eq!(text(&published, "root"), root);
    let known = publish(&list);
    assert_eq!((known["version"].as_u64(), &known["transaction"]), (Some(1), &Value::Null), "{known}");
    let show = ["access", "show", "--list", "1", "--account", &owner.account, "--rpc", &bank.rpc];
    let shown = two.done(&show);
    assert_eq!((text(&shown, "root"), shown["version"].as_u64()), (root.as_str(), Some(1)), "{shown}");
    wait();
    let read = get(one, &key, &list);
    assert!(read.status.success(), "{}", String::from_utf8_lossy(&read.stderr));
    assert_eq!(fs::read(path("copy")).unwrap(), content);

    publish(&new_list);
    wait();
    // On another node, since providers let the first in until their epoch is over.
    refused(&get(two, &key, &list), 5, "has the root");
    assert!(get(two, &other, &new_list).status.success());
    let revoked = signed(owner, &["access", "revoke", "--list", "1"]);
    assert_eq!((revoked["version"].as_u64(), &revoked["root"]), (Some(3), &Value::Null), "{revoked}");
    wait();
    refused(&get(three, &other, &new_list), 5, "lets nobody in");
    let copy = path("own");
    owner.done(&["get", "file", "-o", &copy]);
    assert_eq!(fs::read(copy).unwrap(), content);
}
