//! Trees against a plain recursion, and openings against every kind of change.

use super::*;
use ark_ff::Field;
use proptest::prelude::*;

fn bytes(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at * 131 + at / 251) as u8).collect()
}

fn built(levels: usize, data: &[u8], schedule: Schedule) -> SlotTree {
    let mut builder = SlotTreeBuilder::new(levels, schedule).unwrap();
    builder.push(data).unwrap();
    builder.finish()
}

/// The definition: a slot padded with zeros, hashed node by node.
fn plain_root(levels: usize, data: &[u8]) -> Fr {
    let mut padded = data.to_vec();
    padded.resize(capacity(levels) as usize, 0);
    let mut nodes: Vec<Fr> = padded.chunks(CELL_BYTES).map(|it| cell_hash().compress(&cell(it))).collect();
    while nodes.len() > 1 {
        nodes = nodes.chunks(ARITY).map(|it| node_hash().compress(it.try_into().unwrap())).collect();
    }
    nodes[0]
}

fn opened(tree: &SlotTree, data: &[u8], index: u64) -> Result<Opening, TreeError> {
    let range = tree.group(index)?;
    tree.open(index, &data[range.start as usize..range.end as usize])
}

#[test]
fn short_and_full_slots_have_the_root_of_their_padded_bytes() {
    for length in [0, 1, 30, 495, 496, 497, 3967, 3968, 3969, 20_000, 31_743, 31_744] {
        let data = bytes(length);
        let tree = built(2, &data, Schedule::Inline);
        assert_eq!(tree.root(), plain_root(2, &data), "{length} bytes");
        assert_eq!(tree, built(2, &data, Schedule::Pool));
    }
    let data = bytes(POOL_BATCH_BYTES + 5);
    assert_eq!(built(4, &data, Schedule::Pool).root(), plain_root(4, &data));
}

#[test]
fn every_cell_opens_and_no_other_cell_or_index_does() {
    let data = bytes(20_001);
    let tree = built(2, &data, Schedule::Inline);
    for index in 0..cells(2) {
        let opening = opened(&tree, &data, index).unwrap();
        assert!(opening.verify(tree.root(), 2), "cell {index}");
        let start = (index as usize * CELL_BYTES).min(data.len());
        assert_eq!(opening.cell, cell(&data[start..(start + CELL_BYTES).min(data.len())]));
        let mut wrong = opening.clone();
        wrong.index ^= 8;
        assert!(wrong.index < cells(2) && !wrong.verify(tree.root(), 2) || data.len() <= start);
        let mut wrong = opening.clone();
        wrong.index += cells(2);
        assert!(!wrong.verify(tree.root(), 2));
        let mut wrong = opening.clone();
        wrong.cell[3] += Fr::ONE;
        assert!(!wrong.verify(tree.root(), 2));
        let mut wrong = opening;
        wrong.path[1][0] += Fr::ONE;
        assert!(!wrong.verify(tree.root(), 2));
    }
}

#[test]
fn a_flipped_bit_is_noticed_before_a_proof_is_tried() {
    let data = bytes(20_001);
    let tree = built(2, &data, Schedule::Inline);
    let mut damaged = data.clone();
    damaged[8 * CELL_BYTES + 7] ^= 1;
    for index in 8..16 {
        assert_eq!(opened(&tree, &damaged, index), Err(TreeError::Damaged { first: 8 }));
    }
    assert!(opened(&tree, &damaged, 7).is_ok());
    assert_eq!(tree.open(3, &data[..100]), Err(TreeError::GroupLength { got: 100, expected: GROUP_BYTES }));
    assert_eq!(tree.group(64), Err(TreeError::OutOfRange { index: 64, cells: 64 }));
}

#[test]
fn a_slot_larger_than_its_tree_is_refused() {
    assert_eq!(SlotTreeBuilder::new(0, Schedule::Inline).unwrap_err(), TreeError::Levels(0));
    assert_eq!(SlotTreeBuilder::new(8, Schedule::Inline).unwrap_err(), TreeError::Levels(8));
    let mut builder = SlotTreeBuilder::new(1, Schedule::Inline).unwrap();
    builder.push(&bytes(GROUP_BYTES)).unwrap();
    assert_eq!(builder.push(&[0]), Err(TreeError::Full { capacity: GROUP_BYTES as u64 }));
}

/// The SHA-256 tree by the definition, on a slot that is not padded by the builder.
#[test]
fn the_cell_root_is_plain_sha_256_with_one_byte_of_domain() {
    let data = bytes(20_001);
    let mut padded = data.clone();
    padded.resize(capacity(2) as usize, 0);
    let hash = |mark: u8, parts: &[u8]| -> [u8; 32] { Sha256::digest([&[mark], parts].concat()).into() };
    let cells: Vec<[u8; 32]> = padded.chunks(CELL_BYTES).map(|cell| hash(0, cell)).collect();
    let nodes: Vec<[u8; 32]> = cells.chunks(8).map(|children| hash(1, children.as_flattened())).collect();
    let root = hash(1, nodes.as_flattened());
    let mut builder = CellTreeBuilder::new(2, Schedule::Inline).unwrap();
    builder.push(&data).unwrap();
    let tree = builder.finish();
    assert_eq!(tree.root(), root);
    let range = tree.group(17).unwrap();
    let mut opening = tree.open(17, &data[range.start as usize..range.end as usize]).unwrap();
    assert!(opening.verify(root, 2));
    // A node passed off as a cell's path of one level less.
    assert!(!opening.verify(root, 1));
    opening.cell[0] ^= 1;
    assert!(!opening.verify(root, 2));
}

#[test]
fn a_tree_survives_its_encoding_and_nothing_else_decodes() {
    for (levels, length) in [(1, 0), (2, 1), (2, 20_001), (2, 31_744), (3, 100_000)] {
        let tree = built(levels, &bytes(length), Schedule::Inline);
        let kept = tree.to_bytes();
        assert!(kept.len() <= MAX_KEPT_BYTES);
        assert_eq!(SlotTree::from_bytes(&kept), Ok(tree), "{length} bytes under {levels} levels");
        for cut in 0..kept.len() {
            assert!(matches!(SlotTree::from_bytes(&kept[..cut]), Err(KeptError::Length { .. })), "{cut}");
        }
        let more = [kept.as_slice(), &[0; 32]].concat();
        let refused = KeptError::Length { got: more.len(), expected: kept.len() };
        assert_eq!(SlotTree::from_bytes(&more), Err(refused));
    }
    let mut kept = built(2, &bytes(20_001), Schedule::Inline).to_bytes();
    kept[9 + 32..9 + 64].fill(0xff);
    assert_eq!(SlotTree::from_bytes(&kept), Err(KeptError::Scalar(1)));
    for (levels, refused) in
        [(0, TreeError::Levels(0)), (8, TreeError::Levels(8)), (1, TreeError::Full { capacity: 3_968 })]
    {
        kept[0] = levels;
        assert_eq!(SlotTree::from_bytes(&kept), Err(KeptError::Tree(refused)));
    }
    // The largest, by its header alone.
    let mut largest = vec![7];
    largest.extend(capacity(7).to_le_bytes());
    match SlotTree::from_bytes(&largest) {
        Err(KeptError::Length { expected, .. }) => {
            assert!((MAX_KEPT_BYTES - 300..=MAX_KEPT_BYTES).contains(&expected));
        }
        other => panic!("{other:?}"),
    }
}

/// As the contract climbs: a node goes between its siblings at its place among the eight.
#[test]
fn siblings_lead_from_every_cell_to_the_root() {
    let data = bytes(20_001);
    let mut builder = CellTreeBuilder::new(3, Schedule::Inline).unwrap();
    builder.push(&data).unwrap();
    let tree = builder.finish();
    for index in [0, 7, 17, 40, 41, 300, 511] {
        let range = tree.group(index).unwrap();
        let opening = tree.open(index, &data[range.start as usize..range.end as usize]).unwrap();
        let siblings = opening.siblings();
        assert_eq!(siblings.len(), 3 * 7);
        let mut hash = Sha256Hash::cell(&opening.cell);
        for (level, siblings) in siblings.chunks(7).enumerate() {
            let mut children = siblings.to_vec();
            children.insert((index >> (3 * level)) as usize % 8, hash);
            hash = Sha256Hash::node(&children.try_into().unwrap());
        }
        assert_eq!(hash, tree.root(), "cell {index}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]
    #[test]
    fn how_bytes_arrive_does_not_matter(length in 0_usize..12_000, cuts in prop::collection::vec(0_usize..12_000, 0..6)) {
        let data = bytes(length);
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(length)).collect();
        cuts.extend([0, length]);
        cuts.sort_unstable();
        let mut builder = SlotTreeBuilder::new(2, Schedule::Inline).unwrap();
        for pair in cuts.windows(2) {
            builder.push(&data[pair[0]..pair[1]]).unwrap();
        }
        prop_assert_eq!(builder.finish(), built(2, &data, Schedule::Inline));
    }
}
