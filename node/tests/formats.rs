//! Golden files: the bytes that peers, disks and links agree on.
//!
//! A difference means that data written before can no longer be read, or that nodes no longer understand
//! each other: raise the format's version and say so in CHANGELOG.md. `BLESS=1` writes the files anew.
#![allow(clippy::unwrap_used, reason = "what cannot be unwrapped fails the test")]

use bytes::Bytes;
use holdfast::{
    actors::proof::{TreeFileError, read_tree_file, tree_file},
    data::{SegmentCipher, encode, manifest_key, open_manifest, seal_manifest},
    types::{
        Access, AccountSignature, Answer, Approval, Ask, Bill, CellRoot, Code, FileLink, FormatError,
        HeldSlot, Identity, ListName, ListRoot, Manifest, ManifestKey, OwnerVisit, Pass, PeerId, PlacementId,
        PlacementRecord, Policy, ProviderRecord, ProviderStatus, ReadPrice, Receipt, Refusal, Removal,
        ShardHash, ShardKey, Signable, SignatureError, Signed, SlotOffer, SlotRoot, SlotRoots, Timestamp,
        Voucher, decode_versioned, encode_versioned,
    },
};
use holdfast_proofs::{
    field::Fr,
    tree::{Schedule, SlotTreeBuilder},
};
use serde::{Serialize, de::DeserializeOwned};
use std::{fmt::Debug, fs, path::Path};

fn voucher() -> Voucher {
    let mut signature = [3; 65];
    signature[64] = 27;
    Voucher { channel: 300, total: u128::MAX, signature: AccountSignature::from_bytes(&signature) }
}

fn bill() -> Bill {
    let price = ReadPrice(1_000_000_000_000_000_000);
    Bill { chain: 31_337, contract: [7; 20].into(), price, last: Some(voucher()), credit: 1 }
}

/// Compares with a golden file.
fn golden(name: &str, bytes: &[u8]) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(format!("{name}.hex"));
    let lines: Vec<String> = bytes.chunks(48).map(hex::encode).collect();
    let text = lines.join("\n") + "\n";
    if std::env::var_os("BLESS").is_some() {
        fs::write(&path, &text).unwrap();
    }
    let pinned = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(pinned, text, "the encoding of {name} changed");
}

fn owner() -> Identity {
    Identity::from_secret(&mut [1; 32]).unwrap()
}

fn provider() -> Identity {
    Identity::from_secret(&mut [2; 32]).unwrap()
}

fn placement() -> PlacementId {
    PlacementRecord::derive_id(&owner().peer(), &[3; 32])
}

fn key(slot: u16) -> ShardKey {
    ShardKey { placement: placement(), segment: 70_000, slot }
}

fn placement_record() -> PlacementRecord {
    PlacementRecord {
        owner: owner().peer(),
        nonce: [3; 32],
        code: Code::new(2, 4, 3).unwrap(),
        policy: Policy { max_per_operator: 1, max_per_region: 300 },
        segment_len: (4 << 20) + 16,
        last_segment_len: 17,
        shard_hashes: (0..8_u8).map(|i| ShardHash::of(&[i])).collect(),
        sealed_manifest: Bytes::from_static(b"sealed"),
        created: Timestamp(1_800_000_000_000_000_001),
        access: None,
    }
}

fn provider_record() -> ProviderRecord {
    ProviderRecord {
        provider: provider().peer(),
        placement: placement(),
        slots: vec![HeldSlot { slot: 3, missing: vec![] }, HeldSlot { slot: 300, missing: vec![0, 70_000] }],
        operator: "an operator".into(),
        region: "a region".into(),
        issued: Timestamp(1),
        expires: Timestamp(u64::MAX),
    }
}

fn receipt() -> Receipt {
    Receipt {
        provider: provider().peer(),
        shard: key(3),
        hash: ShardHash::of(b"shard"),
        len: 1_048_640,
        stored: Timestamp(1_800_000_000_000_000_002),
    }
}

fn removal() -> Removal {
    Removal { owner: owner().peer(), placement: placement() }
}

fn slot_roots() -> SlotRoots {
    SlotRoots {
        owner: owner().peer(),
        placement: placement(),
        levels: 7,
        cell_roots: (0..4).map(|slot| CellRoot([slot; 32])).collect(),
        slot_roots: vec![None, Some(SlotRoot(Fr::from(300))), Some(SlotRoot(-Fr::from(1))), None],
        signed: Timestamp(1_800_000_000_000_000_003),
    }
}

fn owner_visit() -> OwnerVisit {
    OwnerVisit {
        owner: owner().peer(),
        placement: placement(),
        provider: provider().peer(),
        visitor: owner().peer(),
        epoch: 1_800_000_000,
    }
}

fn slot_offer() -> SlotOffer {
    let mut signature = [5; 65];
    (signature[0], signature[64]) = (1, 28);
    SlotOffer {
        placement: placement(),
        slot: 300,
        chain: 31_337,
        market: [6; 20].into(),
        agreement: 70_000,
        approval: Some(Approval::from_bytes(&signature)),
    }
}

fn manifest() -> Manifest {
    Manifest { name: "päper.txt".into(), size: 70_000, segment_len: 4 << 20, content_key: [4; 32] }
}

/// Pins the encoding and the signature of a record, reads both back, and has another version refused.
fn pin_signed<T: Signable + PartialEq + Debug>(name: &str, identity: &Identity, record: &T) {
    let signed = Signed::new(identity, record);
    golden(name, &encode_versioned(T::VERSION, record));
    golden(&format!("{name}_signed"), &postcard::to_stdvec(&signed).unwrap());
    assert_eq!(&signed.verify().unwrap(), record);
    let future = encode_versioned(T::VERSION + 1, record);
    let refused = decode_versioned::<T>(T::NAME, T::VERSION, T::LIMIT, &future).unwrap_err();
    let (found, known) = (T::VERSION + 1, T::VERSION);
    assert_eq!(refused, FormatError::Version { what: T::NAME, found, known });
    let words = format!("{} has format version {found}, this node reads {known}", T::NAME);
    assert_eq!(refused.to_string(), words);
}

#[test]
fn signed_records() {
    pin_signed("placement_record", &owner(), &placement_record());
    pin_signed("provider_record", &provider(), &provider_record());
    pin_signed("receipt", &provider(), &receipt());
    pin_signed("removal", &owner(), &removal());
    pin_signed("slot_roots", &owner(), &slot_roots());
    pin_signed("owner_visit", &owner(), &owner_visit());
}

#[test]
fn a_placement_record_with_an_access_list_is_of_version_2() {
    let access = Some(Access::Root(ListRoot(-Fr::from(1))));
    let listed = PlacementRecord { access, ..placement_record() };
    let signed = Signed::new(&owner(), &listed);
    golden("placement_record_listed", &listed.encode());
    golden("placement_record_listed_signed", &postcard::to_stdvec(&signed).unwrap());
    assert_eq!(signed.verify(), Ok(listed.clone()));
    let bytes = listed.encode();
    assert_eq!(bytes[1..bytes.len() - 32], placement_record().encode()[1..]);
    assert!(PlacementRecord::decode(&bytes[..bytes.len() - 1]).is_err());
    let mut alias = bytes.clone();
    alias[bytes.len() - 32..].fill(0xff);
    assert!(PlacementRecord::decode(&alias).is_err());
    // The list cannot be taken off: the signature is over the version and all that follows it.
    let mut open = bytes[..bytes.len() - 32].to_vec();
    open[0] = 1;
    let forged: Signed<PlacementRecord> = postcard::from_bytes(
        &[
            postcard::to_stdvec(&Bytes::from(open)).unwrap(),
            postcard::to_stdvec(&signed).unwrap()[1 + bytes.len() + 1..].to_vec(),
        ]
        .concat(),
    )
    .unwrap();
    assert!(matches!(forged.verify(), Err(SignatureError::Forged { .. })));
}

#[test]
fn a_placement_record_with_the_name_of_a_list_is_of_version_3() {
    let name = ListName { chain: 31_337, owner: [6; 20].into(), list: 70_000 };
    let named = PlacementRecord { access: Some(Access::Listed(name)), ..placement_record() };
    let signed = Signed::new(&owner(), &named);
    let bytes = named.encode();
    golden("placement_record_named", &bytes);
    golden("placement_record_named_signed", &postcard::to_stdvec(&signed).unwrap());
    assert_eq!(signed.verify(), Ok(named.clone()));
    let end = bytes.len() - ListName::BYTES;
    assert_eq!((bytes[0], &bytes[1..end]), (3, &placement_record().encode()[1..]));
    assert_eq!(bytes[end..end + 8], 31_337_u64.to_be_bytes());
    assert_eq!(bytes[end + 8..end + 28], [6; 20]);
    assert_eq!(bytes[end + 28..], 70_000_u64.to_be_bytes());
    // Whatever a version claims to end with must be there, and nothing else.
    for (version, length) in
        [(1, bytes.len()), (2, bytes.len()), (3, bytes.len() - 1), (3, 30), (4, bytes.len())]
    {
        let claimed = [&[version], &bytes[1..length]].concat();
        assert!(PlacementRecord::decode(&claimed).is_err(), "{length} bytes as version {version}");
    }
    let largest = [u64::MAX.to_be_bytes().as_slice(), &[0xff; 20], &u64::MAX.to_be_bytes()].concat();
    let all = [&bytes[..end], &largest].concat();
    let name = ListName { chain: u64::MAX, owner: [0xff; 20].into(), list: u64::MAX };
    assert_eq!(PlacementRecord::decode(&all).unwrap().access, Some(Access::Listed(name)));
}

#[test]
fn a_record_signed_by_another_is_refused() {
    let forged = Signed::new(&owner(), &receipt());
    let expected = SignatureError::Forged { what: "storage receipt", signer: provider().peer() };
    assert_eq!(forged.verify(), Err(expected));
}

#[test]
fn a_record_that_goes_on_is_refused() {
    let mut bytes = encode_versioned(1, &removal());
    bytes.push(0);
    let refused = decode_versioned::<Removal>("removal order", 1, 1024, &bytes).unwrap_err();
    assert_eq!(refused.to_string(), "removal order is malformed: 1 bytes follow its end");
    let too_large = decode_versioned::<Removal>("removal order", 1, 10, &bytes).unwrap_err();
    assert!(matches!(too_large, FormatError::TooLarge { limit: 10, .. }), "{too_large}");
    let nothing = decode_versioned::<Removal>("removal order", 1, 10, &[]).unwrap_err();
    assert_eq!(nothing.to_string(), "removal order is empty");
}

fn pin_wire<T: Serialize + DeserializeOwned + PartialEq + Debug>(name: &str, messages: &[T]) {
    let encoded: Vec<Vec<u8>> =
        messages.iter().map(|message| postcard::to_stdvec(message).unwrap()).collect();
    for (bytes, message) in encoded.iter().zip(messages) {
        assert_eq!(&postcard::from_bytes::<T>(bytes).unwrap(), message);
    }
    golden(name, &encoded.concat());
}

#[test]
fn asks_and_answers() {
    let record = Signed::new(&owner(), &placement_record());
    let holder = Signed::new(&provider(), &provider_record());
    let asks = [
        Ask::Status,
        Ask::StoreShard { key: key(1), hash: ShardHash::of(b"shard") },
        Ask::ReadShard { key: key(2), offset: 64, len: 1 << 20 },
        Ask::StorePlacement { record: record.clone() },
        Ask::ReadPlacement { id: placement() },
        Ask::Holdings { id: placement() },
        Ask::Remove { order: Signed::new(&owner(), &removal()) },
        Ask::ClaimRoot { id: placement(), slot: 300 },
        Ask::ShowCells { id: placement(), slot: 3, cells: vec![0, 7, 2_097_151] },
        Ask::StoreRoots { roots: Signed::new(&owner(), &slot_roots()) },
        Ask::ReadRoots { id: placement() },
        Ask::OpenAccess { id: placement(), pass: Pass::Member(Bytes::from_static(b"a pass")) },
        Ask::OpenAccess { id: placement(), pass: Pass::Owner(Signed::new(&owner(), &owner_visit())) },
        Ask::OfferSlot { offer: slot_offer() },
        Ask::OfferSlot { offer: SlotOffer { approval: None, ..slot_offer() } },
        Ask::ShowBill,
        Ask::Pay { voucher: voucher() },
        Ask::CloseChannel { channel: 300 },
    ];
    pin_wire("ask", &asks);
    let status =
        ProviderStatus { free_bytes: 1 << 40, operator: "an operator".into(), region: String::new() };
    let answers = [
        Answer::Status(status),
        Answer::ShardStored(Signed::new(&provider(), &receipt())),
        Answer::Shard,
        Answer::Placement { record, holders: vec![holder.clone(), holder.clone()] },
        Answer::Holdings(holder),
        Answer::Removed,
        Answer::Refused(Refusal::Full { free_bytes: 1 }),
        Answer::Refused(Refusal::NotFound),
        Answer::Refused(Refusal::Damaged),
        Answer::Refused(Refusal::Mismatch("length".into())),
        Answer::Refused(Refusal::Invalid("segment".into())),
        Answer::Refused(Refusal::Busy),
        Answer::Refused(Refusal::Storage("disk".into())),
        Answer::RootClaimed { levels: 7, length: 262_160_384, root: SlotRoot(Fr::from(300)) },
        Answer::Cells,
        Answer::RootsStored,
        Answer::Roots(Signed::new(&owner(), &slot_roots())),
        Answer::AccessOpened,
        Answer::Refused(Refusal::PassNeeded { epoch: 1_800_000_000 }),
        Answer::OfferTaken,
        Answer::Refused(Refusal::NotAMember { root: ListRoot(Fr::from(300)) }),
        Answer::Refused(Refusal::ListClosed),
        Answer::Refused(Refusal::ListUnread),
        Answer::Refused(Refusal::ListElsewhere { chain: 31_337 }),
        Answer::Bill(None),
        Answer::Bill(Some(bill())),
        Answer::Paid,
        Answer::ChannelCloses,
        Answer::Refused(Refusal::PaymentNeeded(Box::new(Bill { last: None, ..bill() }))),
    ];
    pin_wire("answer", &answers);
}

#[test]
fn a_root_that_is_not_below_the_modulus_and_lists_beyond_their_bounds_are_refused() {
    let claim = Answer::RootClaimed { levels: 7, length: 1, root: SlotRoot(-Fr::from(1)) };
    let mut bytes = postcard::to_stdvec(&claim).unwrap();
    assert_eq!(postcard::from_bytes(&bytes), Ok(claim));
    *bytes.last_mut().unwrap() += 1;
    assert!(postcard::from_bytes::<Answer>(&bytes).is_err());
    for (cells, accepted) in [(1_024, true), (1_025, false)] {
        let ask = Ask::ShowCells { id: placement(), slot: 3, cells: vec![0; cells] };
        let bytes = postcard::to_stdvec(&ask).unwrap();
        assert_eq!(postcard::from_bytes::<Ask>(&bytes).is_ok(), accepted, "{cells} cells");
    }
    for (slots, accepted) in [(1_024, true), (1_025, false)] {
        let roots = SlotRoots { slot_roots: vec![None; slots], ..slot_roots() };
        let bytes = postcard::to_stdvec(&roots).unwrap();
        assert_eq!(postcard::from_bytes::<SlotRoots>(&bytes).is_ok(), accepted, "{slots} slots");
    }
}

#[test]
fn an_approval_is_the_bytes_that_the_market_takes() {
    let offer = slot_offer();
    let approval = offer.approval.unwrap();
    let bytes = approval.to_bytes();
    assert_eq!((bytes[0], bytes[31], bytes[32], bytes[64]), (1, 5, 5, 28));
    assert_eq!(Approval::from_bytes(&bytes), approval);
}

#[test]
fn placement_ids_and_peer_ids() {
    golden("placement_id", placement().as_bytes());
    golden("peer_id", &owner().peer().to_bytes());
    assert_ne!(placement(), PlacementRecord::derive_id(&provider().peer(), &[3; 32]));
    assert_eq!(owner().peer(), PeerId::from_bytes(&owner().peer().to_bytes()).unwrap());
}

#[test]
fn sealed_manifests() {
    let key = manifest_key(&[5; 32], &placement());
    golden("manifest_key", key.as_bytes());
    let sealed = seal_manifest(&manifest(), &key, &placement(), [6; 12]).unwrap();
    golden("sealed_manifest", &sealed);
    assert_eq!(open_manifest(&sealed, &key, &placement()), Ok(manifest()));
}

#[test]
fn links() {
    let link = FileLink { placement: placement(), key: ManifestKey::from_bytes([7; 32]) };
    let text = link.to_string();
    golden("link", text.as_bytes());
    assert_eq!(text.parse(), Ok(link));
    for wrong in ["", "holdfast:", "http:abc", &text[..text.len() - 1], &format!("{text}1")] {
        assert!(wrong.parse::<FileLink>().is_err(), "{wrong}");
    }
    for at in "holdfast:".len()..text.len() {
        let other = if text.as_bytes()[at] == b'2' { "3" } else { "2" };
        let mut mistyped = text.clone();
        mistyped.replace_range(at..=at, other);
        assert!(mistyped.parse::<FileLink>().is_err(), "{mistyped}");
    }
}

#[test]
fn segments_and_shards() {
    let cipher = SegmentCipher::new(&[8; 32], &placement());
    let mut segment: Vec<u8> = (0..=255).collect();
    cipher.seal(1, true, &mut segment);
    golden("segment", &segment);
    let shards = encode(Code::new(3, 5, 4).unwrap(), segment).unwrap();
    golden("shards", &shards.concat());
}

/// The file that a provider keeps of a slot's tree.
#[test]
fn a_tree_file_is_pinned_and_one_of_another_slot_or_version_is_refused() {
    let mut builder = SlotTreeBuilder::new(2, Schedule::Inline).unwrap();
    builder.push(&[7; 9_000]).unwrap();
    let tree = builder.finish();
    let bytes = tree_file(300, &tree);
    golden("slot_tree", &bytes);
    assert_eq!(read_tree_file(300, &bytes), Ok(tree));
    assert_eq!(read_tree_file(301, &bytes), Err(TreeFileError::Slot(300)));
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        assert_eq!(read_tree_file(300, &changed), Err(TreeFileError::Checksum), "byte {at}");
        assert_eq!(read_tree_file(300, &bytes[..at]), Err(TreeFileError::Checksum), "{at} bytes");
    }
    let sealed = |content: &[u8]| [content, blake3::hash(content).as_bytes()].concat();
    let content = &bytes[..bytes.len() - 32];
    let other = sealed(&[&[2], &content[1..]].concat());
    assert_eq!(read_tree_file(300, &other), Err(TreeFileError::Version(2)));
    let short = sealed(&content[..content.len() - 1]);
    assert!(matches!(read_tree_file(300, &short), Err(TreeFileError::Tree(_))));
}
