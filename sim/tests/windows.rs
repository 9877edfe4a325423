//! Providers prove the slots that a window draws of them, and answer disputes, with what stands on their disks.

mod support;

use holdfast::{
    actors::{
        client::RemoveFile,
        proof::{CommitSlot, ProofError, ProveWindow, ShowDisputed, UpholdRoot, WindowProof},
        storage::Scrub,
    },
    env::{Disk, ProverError},
    node::Node,
    types::PlacementId,
};
use holdfast_proofs::{
    circuit::{opening_publics, provider_publics, roots_hash},
    field::{Fr, pack},
    tree::{self, ARITY, Sha256Hash, TreeError, TreeHash},
};
use holdfast_sim::{
    NodeNumber,
    cluster::Cluster,
    env::{ProverPlan, rng},
    peers::drop_cells,
    world::WorldPlan,
};
use support::*;

const NODES: u32 = 8;
const OWNER: NodeNumber = NodeNumber(NODES - 1);

/// Two stored files, one provider that holds a slot of each, and the slots' roots.
struct Stage {
    cluster: Cluster,
    provider: NodeNumber,
    placements: [PlacementId; 2],
    roots: [Fr; 2],
}

impl Stage {
    async fn set(cluster: Cluster) -> Self {
        let mut placements = Vec::new();
        for (name, length) in [("first", 90_000), ("second", 99_000)] {
            // One segment each, so that a slot is one file on the disk.
            let report = put_as(&cluster, OWNER, name, pattern(length)).await;
            placements.push(report.expect("the file is stored").placement);
        }
        let placements = [placements[0], placements[1]];
        for provider in holders(&cluster).await {
            let first = root(&cluster, provider, placements[0]).await;
            let second = root(&cluster, provider, placements[1]).await;
            if let (Some(first), Some(second)) = (first, second) {
                return Self { cluster, provider, placements, roots: [first, second] };
            }
        }
        panic!("of eight nodes two times five hold a slot, so some hold two");
    }

    fn node(&self) -> Node {
        self.cluster.handles(self.provider).expect("it is up")
    }

    /// Asks for a proof of the slots drawn: `0` is the first, `1` the second.
    async fn prove(&self, seed: Fr, drawn: &[usize]) -> Result<WindowProof, ProofError> {
        let drawn = drawn.iter().map(|which| self.placements[*which]).collect();
        self.node().prove_window.send(ProveWindow { seed, drawn }).await.expect("alive")
    }

    fn roots(&self, drawn: &[usize]) -> Vec<Fr> {
        drawn.iter().map(|which| self.roots[*which]).collect()
    }
}

async fn root(cluster: &Cluster, node: NodeNumber, id: PlacementId) -> Option<Fr> {
    let node = cluster.handles(node).expect("it is up");
    node.commit_slot.send(CommitSlot(id)).await.expect("alive").ok().map(|it| it.root)
}

fn on_stage(seed: u64, act: impl AsyncFnOnce(Stage) + Send + 'static) {
    in_world_with(proving(), seed, NODES, listed_boot, async |cluster| {
        act(Stage::set(cluster).await).await;
        forget_nets();
    });
}

#[test]
fn a_window_is_proven_for_the_slots_drawn_and_after_a_restart() {
    on_stage(1, async |stage| {
        let keys = stage.cluster.prover_keys().expect("the world has a prover");
        let verifier = keys.verifying_key().prepare();
        for (number, drawn) in [[0, 1, 1, 0], [1, 1, 1, 1], [0, 1, 0, 0]].iter().enumerate() {
            let seed = pack(&[number as u8 + 1; 31]);
            let proven = stage.prove(seed, drawn).await.expect("all slots are whole");
            assert_eq!(proven.roots, stage.roots(drawn), "draw {drawn:?}");
            assert_eq!(proven.h, roots_hash(&proven.roots));
            let publics = provider_publics(seed, &stage.roots(drawn));
            assert_eq!(verifier.verify(&publics, &proven.proof), Ok(()), "draw {drawn:?}");
            stage.cluster.crash(stage.provider).expect("it exists");
            stage.cluster.start(stage.provider).await.expect("it starts again");
        }
        let few = stage.prove(pack(&[1; 31]), &[0, 1, 1]).await.err();
        assert_eq!(few, Some(ProofError::Prover(ProverError::Slots { expected: 4 })));
    });
}

/// Hashing at ten kilobytes a second.
const SLOW: ProverPlan = ProverPlan { commit_mb_per_s: 0.01, ..PROVER };

#[test]
fn trees_outlive_the_process_and_a_damaged_or_missing_one_is_built_again() {
    let plan = WorldPlan { prover: Some(SLOW), ..proving() };
    in_world_with(plan, 5, NODES, listed_boot, async |cluster| {
        let stage = Stage::set(cluster).await;
        let path = format!("trees/{}", stage.placements[0]);
        let mut took = Vec::new();
        for damage in [false, false, true] {
            stage.cluster.kill(stage.provider).expect("it exists");
            if damage {
                let disk = stage.cluster.disk(stage.provider).expect("it exists").beside();
                let file = disk.open(&path, false).expect("the tree is kept");
                file.write_at(40, &[0xff; 4]).expect("writable");
            }
            stage.cluster.start(stage.provider).await.expect("it starts again");
            let started = stage.cluster.time().now();
            let proven = stage.prove(pack(&[1; 31]), &[0, 0, 0, 0]).await.expect("the slot is whole");
            assert_eq!(proven.roots, stage.roots(&[0; 4]));
            took.push(stage.cluster.time().now().since(started).as_secs_f64());
        }
        // A slot of 45 kB is hashed in four and a half seconds, a proof made in one.
        assert!(took[0] < 2.0 && took[1] < 2.0 && took[2] > 5.0, "{took:?}");
        // Who holds the slot no more keeps no tree of it.
        let owner = stage.cluster.handles(OWNER).expect("it is up");
        let remove = RemoveFile { name: "first".into() };
        owner.remove.send(remove).await.expect("alive").expect("it is removed");
        stage.node().scrub.send(Scrub).await.expect("alive").expect("the disk works");
        let disk = stage.cluster.disk(stage.provider).expect("it exists").beside();
        assert_eq!(disk.list("trees").expect("readable"), [stage.placements[1].to_string()]);
        forget_nets();
    });
}

#[test]
fn a_window_is_missed_exactly_if_a_challenged_cell_of_a_drawn_slot_is_gone() {
    on_stage(2, async |stage| {
        let commitment = stage.node().commit_slot.send(CommitSlot(stage.placements[1])).await;
        let slot = commitment.expect("alive").expect("it is held").slot;
        let disk = stage.cluster.disk(stage.provider).expect("it exists").beside();
        let cells = tree::cells(PROVER.levels);
        let mut draw = rng::stream(2, "dropped", 0);
        let dropped =
            drop_cells(&disk, stage.placements[1], slot, cells, 0.1, &mut draw).expect("it is held");
        let (mut proven, mut missed) = (0, 0);
        for number in 1..=40 {
            let (seed, drawn) = (pack(&[number; 31]), [0, 1, 0, 1]);
            let asked = holdfast_proofs::challenge::indices(seed, 4 * PROVER.samples, PROVER.levels);
            let of_second = asked.chunks(PROVER.samples).skip(1).step_by(2).flatten();
            let lost = of_second.into_iter().any(|index| dropped.contains(&(index / ARITY as u64)));
            match stage.prove(seed, &drawn).await {
                Ok(_) => proven += u32::from(!lost),
                Err(ProofError::Prover(ProverError::Tree(TreeError::Damaged { .. }))) => {
                    missed += u32::from(lost);
                }
                Err(other) => panic!("{other}"),
            }
        }
        assert_eq!(proven + missed, 40, "a window was proven without a cell, or missed with all");
        assert!(proven > 0 && missed > 0, "{proven} proven, {missed} missed");
        let nothing = PlacementId::from_bytes([9; 32]);
        let asked = ProveWindow { seed: pack(&[1]), drawn: vec![nothing; 4] };
        let answer = stage.node().prove_window.send(asked).await.expect("alive").err();
        assert_eq!(answer, Some(ProofError::NotHeld(nothing)));
    });
}

#[test]
fn cells_are_shown_under_the_root_that_the_owner_signed() {
    on_stage(3, async |stage| {
        let placement = stage.placements[0];
        roots(&stage.cluster, OWNER, placement).await;
        let signed = served_roots(&stage.cluster, OWNER, stage.provider, placement).await;
        let signed = signed.expect("a holder has the roots");
        let commitment = stage.node().commit_slot.send(CommitSlot(placement)).await;
        let slot = usize::from(commitment.expect("alive").expect("it is held").slot);
        // The last is far behind the slot's end: zeros, as in every tree of seven levels.
        let cells = vec![0, 9, 77, 2_000_000];
        let show = ShowDisputed { placement, cells: cells.clone() };
        let shown = stage.node().show_disputed.send(show).await.expect("alive").expect("the slot is whole");
        assert_eq!(shown.cell_root, signed.cell_roots[slot].0);
        for (index, cell) in cells.iter().zip(&shown.cells) {
            assert_eq!(climb(*index, &cell.content, &cell.path), shown.cell_root, "cell {index}");
        }
        assert!(shown.cells[0].content != [0; 496] && shown.cells[3].content == [0; 496]);
        let show = |cells| stage.node().show_disputed.send(ShowDisputed { placement, cells });
        assert_eq!(show(vec![0; 5]).await.expect("alive").err(), Some(ProofError::Cells(5)));
        let beyond = show(vec![1 << 21]).await.expect("alive").err();
        assert!(matches!(beyond, Some(ProofError::Prover(ProverError::Tree(TreeError::OutOfRange { .. })))));
        assert_eq!(show(vec![]).await.expect("alive").expect("whole").cell_root, shown.cell_root);
    });
}

#[test]
fn a_doubted_root_is_upheld() {
    on_stage(4, async |stage| {
        let (placement, root) = (stage.placements[1], stage.roots[1]);
        let keys = stage.cluster.prover_keys().expect("the world has a prover");
        let verifier = keys.opening_key().prepare();
        for cell in [5, 500] {
            let uphold = UpholdRoot { placement, cell };
            let upheld =
                stage.node().uphold_root.send(uphold).await.expect("alive").expect("the slot is whole");
            assert_eq!(upheld.root, root);
            assert_eq!(climb(cell, &upheld.shown.content, &upheld.shown.path), upheld.cell_root);
            let publics = opening_publics(root, cell.into(), &upheld.shown.content);
            assert_eq!(verifier.verify(&publics, &upheld.proof), Ok(()), "cell {cell}");
        }
    });
}

/// The root that the contract computes.
fn climb(index: u32, content: &[u8; 496], path: &[[u8; 32]]) -> [u8; 32] {
    assert_eq!(path.len(), 49);
    let mut hash = Sha256Hash::cell(content);
    for (level, siblings) in path.chunks(7).enumerate() {
        let mut children = siblings.to_vec();
        children.insert((index >> (3 * level) & 7) as usize, hash);
        hash = Sha256Hash::node(&children.try_into().expect("seven and one"));
    }
    hash
}
