//! Writes the vectors that Rust and Solidity are both tested with.
//!
//! `cargo run --release -p holdfast-proofs --example vectors -- proofs/vectors`

use ark_bn254::{Fq, G1Affine, G2Affine};
use ark_ec::AffineRepr;
use ark_ff::{AdditiveGroup, BigInteger, Field, PrimeField};
use holdfast_proofs::{
    circuit::SlotCircuit,
    field::{Fr, to_be_bytes},
    groth16::{Proof, ProvingKey, Trapdoor, encoding::proof_to_bytes, prove, setup},
    tree::{Schedule, SlotTree, SlotTreeBuilder, TreeError},
};
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};
use serde_json::{Value, json};
use std::{error::Error, fs, path::Path, sync::atomic::AtomicBool};

type Failure = Box<dyn Error>;

fn main() -> Result<(), Failure> {
    let folder = std::env::args().nth(1).ok_or("usage: vectors FOLDER")?;
    let folder = Path::new(&folder);
    write(&folder.join("slot-2x3.json"), &slot_vectors(2, 3, 30_000, 32)?)?;
    write(&folder.join("slot-7x80.json"), &slot_vectors(7, 80, 16 << 20, 2)?)?;
    Ok(())
}

fn write(path: &Path, value: &Value) -> Result<(), Failure> {
    fs::write(path, serde_json::to_string_pretty(value)? + "\n")?;
    eprintln!("{}", path.display());
    Ok(())
}

/// A slot of so many bytes that nobody can compress.
fn slot(rng: &mut impl Rng, levels: usize, length: usize) -> Result<(Vec<u8>, SlotTree), Failure> {
    let mut data = vec![0; length];
    rng.fill_bytes(&mut data);
    let mut builder = SlotTreeBuilder::new(levels, Schedule::Pool)?;
    builder.push(&data)?;
    Ok((data, builder.finish()))
}

/// A seed as a contract makes it: below 2^248.
fn seed(rng: &mut impl Rng) -> Fr {
    let mut bytes = [0; 31];
    rng.fill_bytes(&mut bytes);
    Fr::from_be_bytes_mod_order(&bytes)
}

fn slot_vectors(levels: usize, samples: usize, length: usize, count: usize) -> Result<Value, Failure> {
    let mut rng = ChaCha20Rng::seed_from_u64(samples as u64);
    let circuit = SlotCircuit::new(levels, samples)?;
    let key = setup(&circuit, &Trapdoor::insecure_development())?;
    let (data, tree) = slot(&mut rng, levels, length)?;
    let mut accepted = Vec::new();
    let mut proofs = Vec::new();
    for number in 0..count {
        let seed = seed(&mut rng);
        let witness = circuit.gather::<TreeError>(&tree, seed, |range| {
            let index = |at| usize::try_from(at).expect("the slot is in memory");
            Ok(data[index(range.start)..index(range.end)].to_vec())
        })?;
        let proof = prove(&key, &circuit, &witness, &mut rng, &AtomicBool::new(false))?;
        let inputs = [tree.root(), seed];
        accepted.push(json!({
            "name": format!("window {number}"),
            "inputs": inputs.map(|input| number_of(&input)),
            "proof": words(&proof_to_bytes(&proof)),
        }));
        proofs.push((inputs, proof));
    }
    Ok(json!({
        "circuit": { "form": "slot", "levels": levels, "samples": samples, "rows": key.rows },
        "digest": format!("0x{}", hex::encode(key.verifying.circuit)),
        "insecure_development": key.verifying.is_insecure_development(),
        "verifying_key": verifying_key(&key),
        "accepted": accepted,
        "refused": refused(&proofs[0], &proofs[1]),
    }))
}

/// What must not pass, and the name of the error that Rust refuses it with.
fn refused((inputs, proof): &([Fr; 2], Proof), (_, other): &([Fr; 2], Proof)) -> Vec<Value> {
    let [root, seed] = *inputs;
    let honest = words(&proof_to_bytes(proof));
    let case = |name: &str, why: &str, inputs: [String; 2], proof: &[String]| json!({ "name": name, "why": why, "inputs": inputs, "proof": proof });
    let right = || [root, seed].map(|input| number_of(&input));
    let alias = |input: &Fr| {
        let mut number = input.into_bigint();
        number.add_with_carry(&Fr::MODULUS);
        format!("0x{}", hex::encode(number.to_bytes_be()))
    };
    let changed = |change: &dyn Fn(&mut Proof)| {
        let mut proof = proof.clone();
        change(&mut proof);
        words(&proof_to_bytes(&proof))
    };
    let replaced = |at: usize, word: String| {
        let mut words = honest.clone();
        words[at] = word;
        words
    };
    let x_alias = proof.a.x().map_or_else(String::new, |x| {
        let mut number = x.into_bigint();
        number.add_with_carry(&Fq::MODULUS);
        format!("0x{}", hex::encode(number.to_bytes_be()))
    });
    let zero = || format!("0x{}", "00".repeat(32));
    let one = || number_of(&Fr::ONE);
    vec![
        case("another seed", "Refused", [root, seed + Fr::ONE].map(|it| number_of(&it)), &honest),
        case("another root", "Refused", [root + Fr::ONE, seed].map(|it| number_of(&it)), &honest),
        case("root and seed swapped", "Refused", [seed, root].map(|it| number_of(&it)), &honest),
        case("proof of another window", "Refused", right(), &words(&proof_to_bytes(other))),
        case("root plus r", "Input", [alias(&root), number_of(&seed)], &honest),
        case("seed plus r", "Input", [number_of(&root), alias(&seed)], &honest),
        case("A negated", "Refused", right(), &changed(&|it| it.a = -it.a)),
        case("B negated", "Refused", right(), &changed(&|it| it.b = -it.b)),
        case("C negated", "Refused", right(), &changed(&|it| it.c = -it.c)),
        case("A and C swapped", "Refused", right(), &changed(&|it| std::mem::swap(&mut it.a, &mut it.c))),
        case("C of another proof", "Refused", right(), &changed(&|it| it.c = other.c)),
        case("A off its curve", "NotOnCurve", right(), &replaced(1, one())),
        case("B off its curve", "NotOnCurve", right(), &replaced(5, one())),
        case("C off its curve", "NotOnCurve", right(), &replaced(7, one())),
        case("A is infinity", "NotOnCurve", right(), &[&[zero(), zero()], &honest[2..]].concat()),
        case("all points are infinity", "NotOnCurve", right(), &[const { String::new() }; 8].map(|_| zero())),
        case("B outside its group", "NotInGroup", right(), &changed(&|it| it.b = outside_group())),
        case("A.x plus q", "Coordinate", right(), &replaced(0, x_alias.clone())),
        case("a word of ones", "Coordinate", right(), &replaced(6, format!("0x{}", "ff".repeat(32)))),
    ]
}

/// A point of the twisted curve that is not in G2.
fn outside_group() -> G2Affine {
    (0_u64..)
        .filter_map(|x| G2Affine::get_point_from_x_unchecked(ark_bn254::Fq2::from(x), true))
        .find(|point| !point.is_in_correct_subgroup_assuming_on_curve())
        .expect("the cofactor is large")
}

fn verifying_key(key: &ProvingKey) -> Value {
    let ark = &key.verifying.ark;
    json!({
        "alpha": g1(&ark.alpha_g1),
        "beta": g2(&ark.beta_g2),
        "gamma": g2(&ark.gamma_g2),
        "delta": g2(&ark.delta_g2),
        "ic": ark.gamma_abc_g1.iter().map(g1).collect::<Vec<_>>(),
    })
}

fn number_of(value: &Fr) -> String {
    format!("0x{}", hex::encode(to_be_bytes(value)))
}

fn coordinate(value: Fq) -> String {
    format!("0x{}", hex::encode(value.into_bigint().to_bytes_be()))
}

fn g1(point: &G1Affine) -> [String; 2] {
    let (x, y) = point.xy().unwrap_or((Fq::ZERO, Fq::ZERO));
    [x, y].map(coordinate)
}

fn g2(point: &G2Affine) -> [String; 4] {
    let (x, y) = point.xy().unwrap_or_default();
    [x.c1, x.c0, y.c1, y.c0].map(coordinate)
}

fn words(bytes: &[u8]) -> Vec<String> {
    bytes.chunks(32).map(|word| format!("0x{}", hex::encode(word))).collect()
}
