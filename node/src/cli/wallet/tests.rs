//! Files of other tools, and files that lie.

use super::{keystores::decrypt, *};
use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

/// The two test vectors of the Web3 Secret Storage definition; the address is the same key's.
const PBKDF2: &str = r#"{"crypto":{"cipher":"aes-128-ctr","cipherparams":{"iv":"6087dab2f9fdbbfaddc31a909735c1e6"},
"ciphertext":"5318b4d5bcd28de64ee5559e671353e16f075ecae9f99c7a79a38af5f869aa46","kdf":"pbkdf2","kdfparams":{"c":262144,
"dklen":32,"prf":"hmac-sha256","salt":"ae3cd4e7013836a3df6bd7241b12db061dbe2c6785853cce422d148a624ce0bd"},
"mac":"517ead924a9d0dc3124507e3393d175ce3ff7c1e96529c6c555ce9e51205e9b2"},"id":"3198bc9c-6672-5ab3-d995-4942343ae5b6",
"version":3}"#;
const SCRYPT: &str = r#"{"address":"008aeeda4d805471df9b2a5b0f38a0c3bcba786b","crypto":{"cipher":"aes-128-ctr",
"cipherparams":{"iv":"83dbcc02d8ccb40e466191a123791e0e"},
"ciphertext":"d172bf743a674da9cdad04534d56926ef8358534d458fffccd4e6ad2fbde479c","kdf":"scrypt","kdfparams":{"dklen":32,
"n":262144,"r":1,"p":8,"salt":"ab0c7876052600dd703518d6fc3fe8984592145b591fc8fb5c6d43190334ba19"},
"mac":"2103ac29920d71da29f15d75b4a16dbe95cfd7ff8faea1056c33131d846e3097"},"id":"3198bc9c-6672-5ab3-d995-4942343ae5b6",
"version":3}"#;
const PASSWORD: &str = "testpassword";
const SECRET: &str = "7a28b5ba57c53603b0b07b56bba752f7784bf506fa95edc395f5cf6c7514fe9d";
const ADDRESS: &str = "0x008AeEda4D805471dF9b2A5B0f38A0C3bCBA786b";

fn file(dir: &Path, text: &str) -> PathBuf {
    let path = dir.join("foreign.json");
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    path
}

#[test]
fn standard_keystores_are_opened() {
    let dir = tempfile::tempdir().unwrap();
    for text in [PBKDF2, SCRYPT] {
        let path = file(dir.path(), text);
        assert_eq!(hex::encode(*decrypt(&path, PASSWORD).unwrap()), SECRET);
        let refused = decrypt(&path, "Testpassword").unwrap_err();
        assert!(refused.message.ends_with("wrong password"), "{}", refused.message);
    }
    let known = Keystores::at(dir.path().into());
    assert_eq!(known.address("foreign").unwrap().to_string(), ADDRESS);
    assert_eq!(known.unlock("foreign", PASSWORD).unwrap().address().to_string(), ADDRESS);
}

#[test]
fn a_new_account_is_private_listed_and_opened_again() {
    let dir = tempfile::tempdir().unwrap();
    let keystores = Keystores::at(dir.path().join("wallet"));
    assert_eq!(keystores.list().unwrap(), []);
    let mut secret = [0; 32];
    hex::decode_to_slice(SECRET, &mut secret).unwrap();
    let address = keystores.create("main", &secret, "pass word").unwrap();
    assert_eq!(address.to_string(), ADDRESS);
    let path = keystores.path("main").unwrap();
    for (path, mode) in [(path.as_path(), 0o600), (path.parent().unwrap(), 0o700)] {
        assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, mode, "{}", path.display());
    }
    let listed = keystores.list().unwrap();
    assert_eq!((listed.len(), listed[0].name.as_str(), listed[0].address), (1, "main", Some(address)));
    assert_eq!(keystores.unlock("main", "pass word").unwrap().address(), address);
    assert!(keystores.unlock("main", "pass").is_err());
    assert!(keystores.create("main", &secret, "pass word").is_err(), "a name is taken once");
    assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "nothing else stays behind");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    assert!(keystores.unlock("main", "pass word").unwrap_err().message.contains("640"), "others may read it");
}

#[test]
fn a_file_that_asks_for_too_much_or_lies_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    for (from, to, why) in [
        ("\"n\":262144", "\"n\":1073741824", "scrypt"),
        ("\"n\":262144", "\"n\":262143", "scrypt"),
        ("\"r\":1", "\"r\":0", "scrypt"),
        ("\"dklen\":32", "\"dklen\":16", "derived key"),
        ("83dbcc02d8ccb40e466191a123791e0e", "83db", "cipher"),
        ("d172bf743a674da9cdad04534d56926ef8358534d458fffccd4e6ad2fbde479c", "d172", "32 bytes"),
        ("\"version\":3", "\"version\":1", "version"),
        ("\"kdf\":\"scrypt\"", "\"kdf\":\"md5\"", "key derivation"),
    ] {
        let changed = SCRYPT.replace(from, to);
        assert_ne!(changed, SCRYPT, "{from}");
        let refused = decrypt(&file(dir.path(), &changed), PASSWORD).unwrap_err();
        assert!(refused.message.contains(why), "{from} to {to}: {}", refused.message);
    }
    let rounds = PBKDF2.replace("262144", "4000000000");
    assert!(decrypt(&file(dir.path(), &rounds), PASSWORD).unwrap_err().message.contains("PBKDF2"));
    let lying = SCRYPT.replace("008aeeda", "118aeeda");
    file(dir.path(), &lying);
    let refused = Keystores::at(dir.path().into()).unlock("foreign", PASSWORD).unwrap_err();
    assert!(refused.message.contains("the file names"), "{}", refused.message);
}

#[test]
fn names_are_plain() {
    let keystores = Keystores::at("w".into());
    for name in ["", "a/b", "..", "a b", &"x".repeat(65)] {
        assert!(keystores.path(name).is_err(), "{name:?}");
    }
    assert_eq!(keystores.path("my-Main_1").unwrap(), Path::new("w/my-Main_1.json"));
}
