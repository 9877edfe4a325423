//! Tests of the client's decisions.

use super::{NoAccess, state::SlotBook, upload::segment_count};
use crate::{
    data::Place,
    types::{Identity, ListRoot, PeerId, Policy, Refusal},
};
use rand_chacha::ChaCha12Rng;
use rand_core::SeedableRng;

fn place(number: u8, operator: &str) -> Place {
    let peer = Identity::from_secret(&mut [number; 32]).expect("a valid secret").peer();
    Place { peer, operator: operator.into(), region: String::new(), free_bytes: 1 << 30 }
}

fn places(operators: &[&str]) -> Vec<Place> {
    (1..).zip(operators).map(|(number, operator)| place(number, operator)).collect()
}

fn rng() -> ChaCha12Rng {
    ChaCha12Rng::seed_from_u64(7)
}

fn providers(book: &SlotBook, n: u16) -> Vec<PeerId> {
    (0..n).map(|slot| book.provider(slot)).collect()
}

#[test]
fn a_failed_provider_is_replaced_once_and_never_chosen_again() {
    let mut book =
        SlotBook::new(Policy::default(), places(&["", "", "", ""]), &[None; 3], &mut rng()).expect("enough");
    let failed = book.provider(1);
    assert!(book.replace(1, failed, &mut rng()));
    let successor = book.provider(1);
    assert_ne!(successor, failed);
    assert!(book.replace(1, failed, &mut rng()), "a second report of the same failure changes nothing");
    assert_eq!((book.provider(1), book.replaced()), (successor, 1));
    assert!(!book.replace(1, successor, &mut rng()), "the failed provider is no spare");
    book.add(vec![place(9, "")]);
    assert!(book.replace(1, successor, &mut rng()));
    assert_eq!(book.provider(1), place(9, "").peer);
}

#[test]
fn a_replacement_keeps_the_policy() {
    let policy = Policy { max_per_operator: 1, ..Policy::default() };
    let mut book =
        SlotBook::new(policy, places(&["a", "b", "a", "b"]), &[None; 2], &mut rng()).expect("enough");
    let before = providers(&book, 2);
    assert!(book.replace(0, before[0], &mut rng()));
    let operator =
        |peer: PeerId| places(&["a", "b", "a", "b"]).into_iter().find(|p| p.peer == peer).map(|p| p.operator);
    assert_ne!(operator(book.provider(0)), operator(book.provider(1)));
}

#[test]
fn a_resumed_upload_keeps_the_providers_it_had() {
    let places = places(&["", "", "", "", ""]);
    let preferred = [Some(places[4].peer), None, Some(places[0].peer)];
    let book = SlotBook::new(Policy::default(), places.clone(), &preferred, &mut rng()).expect("enough");
    assert_eq!(book.provider(0), places[4].peer);
    assert_eq!(book.provider(2), places[0].peer);
    assert!(![places[4].peer, places[0].peer].contains(&book.provider(1)));
    let gone = [Some(place(77, "").peer), None, None];
    assert!(
        SlotBook::new(Policy::default(), places, &gone, &mut rng()).is_ok(),
        "one that is gone is replaced"
    );
}

#[test]
fn too_few_candidates_are_counted() {
    assert_eq!(SlotBook::new(Policy::default(), places(&["", ""]), &[None; 3], &mut rng()).err(), Some(2));
}

#[test]
fn segments_cover_the_file_and_an_empty_file_has_one() {
    let counts = [0, 1, 99, 100, 101].map(|size| segment_count(size, 100));
    assert_eq!(counts, [1, 1, 1, 1, 2]);
}

#[test]
fn a_refusal_tells_a_reader_whether_its_list_is_old() {
    let [counts, old] = [1, 2].map(|number| ListRoot(number.into()));
    let of = |refusal: Refusal| NoAccess::of(&refusal, Some(old));
    assert_eq!(of(Refusal::NotAMember { root: counts }), Some(NoAccess::OtherList { counts, yours: old }));
    assert_eq!(of(Refusal::NotAMember { root: old }), Some(NoAccess::Untaken));
    assert_eq!(of(Refusal::ListClosed), Some(NoAccess::Closed));
    assert_eq!(of(Refusal::ListUnread), Some(NoAccess::Unread));
    assert_eq!(of(Refusal::ListElsewhere { chain: 5 }), Some(NoAccess::Elsewhere(5)));
    assert_eq!(of(Refusal::Busy), None);
}
