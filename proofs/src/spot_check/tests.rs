//! An honest answer passes, each lie is named, and wrong cells are found as often as foretold.

use super::*;
use crate::tree::SlotTreeBuilder;
use ark_ff::Field;
use rand_chacha::ChaCha8Rng;
use rand_core::SeedableRng;

const LEVELS: usize = 3;

fn tree(data: &[u8]) -> SlotTree {
    let mut builder = SlotTreeBuilder::new(LEVELS, Schedule::Inline).unwrap();
    builder.push(data).unwrap();
    builder.finish()
}

/// An owner's check, its bytes passing by in pieces of some length.
fn own(rng: &mut ChaCha8Rng, count: usize, data: &[u8], piece: usize) -> ([u8; 32], SpotCheck) {
    let mut slot = OwnSlot::draw(rng, count, LEVELS, data.len() as u64).unwrap();
    data.chunks(piece).for_each(|piece| slot.push(piece).unwrap());
    slot.finish().unwrap()
}

fn show(check: &SpotCheck, tree: &SlotTree, data: &[u8]) -> Shown {
    let indices: Vec<u64> = check.indices().collect();
    let read =
        |range: Range<u64>| Ok::<_, TreeError>(data[range.start as usize..range.end as usize].to_vec());
    Shown::open(tree, &indices, read).unwrap()
}

fn data() -> Vec<u8> {
    (0..100_001).map(|at| (at * 31 + at / 257) as u8).collect()
}

#[test]
fn an_honest_root_passes_and_each_lie_is_named() {
    let data = data();
    let tree = tree(&data);
    let (_, check) = own(&mut ChaCha8Rng::seed_from_u64(1), 50, &data, 1_000);
    let first = check.cells[0].0;
    let shown = show(&check, &tree, &data);
    assert_eq!(check.check(tree.root(), &shown), Ok(()));
    assert_eq!(check.check(tree.root() + Fr::ONE, &shown), Err(SpotCheckError::Path(first)));
    for node in 0..shown.nodes.len() {
        for child in 0..ARITY {
            let mut forged = shown.clone();
            forged.nodes[node][child] += Fr::ONE;
            let refused = check.check(tree.root(), &forged);
            assert!(matches!(refused, Err(SpotCheckError::Path(_))), "child {child} of node {node}");
        }
    }
    for (place, (index, _)) in check.cells.iter().enumerate() {
        let mut forged = shown.clone();
        forged.cells[place][7] ^= 1;
        assert_eq!(check.check(tree.root(), &forged), Err(SpotCheckError::Path(*index)));
    }
    let mut fewer = shown.clone();
    fewer.cells.pop();
    assert_eq!(check.check(tree.root(), &fewer), Err(SpotCheckError::Count { got: 49, asked: 50 }));
    let got = shown.nodes.len();
    for nodes in [got - 1, got + 1] {
        let mut other = shown.clone();
        other.nodes.resize(nodes, shown.nodes[0]);
        assert_eq!(check.check(tree.root(), &other), Err(SpotCheckError::Nodes { got: nodes }));
    }
}

#[test]
fn a_root_of_other_bytes_is_refused_by_the_first_cell_that_differs() {
    let data = data();
    let mut other = data.clone();
    let (_, check) = own(&mut ChaCha8Rng::seed_from_u64(1), 50, &data, 1_000);
    let lost = check.cells[9].0;
    other[lost as usize * CELL_BYTES + 495] ^= 0x80;
    let tree = tree(&other);
    assert_eq!(check.check(tree.root(), &show(&check, &tree, &other)), Err(SpotCheckError::Cell(lost)));
}

#[test]
fn the_check_is_the_same_however_the_bytes_come() {
    let data = data();
    let whole = own(&mut ChaCha8Rng::seed_from_u64(3), 60, &data, data.len());
    for piece in [1, 64, 495, 496, 497, 4_000] {
        assert_eq!(own(&mut ChaCha8Rng::seed_from_u64(3), 60, &data, piece), whole, "in pieces of {piece}");
    }
    // The cell root is that of the largest tree, as disputes want it, whatever the provider's.
    let mut cells = CellTreeBuilder::new(MAX_LEVELS, Schedule::Inline).unwrap();
    cells.push(&data).unwrap();
    assert_eq!(whole.0, cells.finish().root());
    let mut short = OwnSlot::draw(&mut ChaCha8Rng::seed_from_u64(3), 60, LEVELS, 1_000).unwrap();
    short.push(&data[..999]).unwrap();
    assert_eq!(short.finish(), None);
}

#[test]
fn a_small_slot_is_checked_whole_and_a_large_one_in_as_many_different_cells_as_asked() {
    let mut rng = ChaCha8Rng::seed_from_u64(4);
    let (_, check) = own(&mut rng, 400, &data(), 1_000);
    assert!(check.indices().eq(0..202));
    let (_, check) = own(&mut rng, 201, &data(), 1_000);
    assert_eq!(check.indices().collect::<BTreeSet<_>>().len(), 201);
    let (_, nothing) = own(&mut rng, 400, &[], 1);
    assert_eq!(nothing.cells, []);
}

#[test]
fn an_answer_survives_its_encoding_and_nothing_else_decodes() {
    let data = data();
    let (_, check) = own(&mut ChaCha8Rng::seed_from_u64(1), 5, &data, 1_000);
    let shown = show(&check, &tree(&data), &data);
    let bytes = shown.to_bytes();
    assert_eq!(Shown::from_bytes(&bytes, 5), Ok(shown.clone()));
    for cut in [0, 1, 5 * CELL_BYTES - 1, bytes.len() - 1] {
        let refused = Err(ShownError::Length { got: cut, cells: 5 });
        assert_eq!(Shown::from_bytes(&bytes[..cut], 5), refused);
    }
    assert!(Shown::from_bytes(&bytes, usize::MAX).is_err());
    let mut alias = bytes.clone();
    let last = alias.len() - 32;
    alias[last..].fill(0xff);
    assert_eq!(Shown::from_bytes(&alias, 5), Err(ShownError::Scalar(shown.nodes.len() - 1)));
}

/// A provider commits to a slot with a tenth of its cells changed: found as often as sampling without repetition says.
#[test]
fn wrong_cells_are_found_as_often_as_foretold() {
    let data = vec![7; 200 * CELL_BYTES];
    let mut forged = data.clone();
    for cell in 0..20 {
        forged[cell * 10 * CELL_BYTES] ^= 1;
    }
    let tree = tree(&forged);
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    let mut passed = 0;
    for _ in 0..400 {
        let (_, check) = own(&mut rng, 7, &data, data.len());
        passed += i32::from(check.check(tree.root(), &show(&check, &tree, &forged)).is_ok());
    }
    // (180 · … · 174) / (200 · … · 194) of 400 is 188, with a standard deviation of 10.
    assert!((148..=228).contains(&passed), "{passed} of 400 passed");
}
