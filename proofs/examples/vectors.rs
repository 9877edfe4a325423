//! Writes the vectors that Rust and Solidity are both tested with; with a name, those alone whose name begins so.
//!
//! `cargo run --release -p holdfast-proofs --example vectors -- proofs/vectors [NAME]`

use ark_bn254::{G1Affine, G2Affine};
use ark_ec::AffineRepr;
use ark_ff::{BigInteger, Field, PrimeField};
use holdfast_proofs::{
    challenge::indices,
    circuit::{
        AccessCircuit, AccessKey, AccessList, OpeningCircuit, ProviderCircuit, SlotCircuit, opening_publics,
        provider_publics,
    },
    field::{Fr, pack, random, to_be_bytes},
    groth16::{
        Proof, ProvingKey, Trapdoor,
        encoding::{g1_words, g2_words, proof_to_bytes},
        prove, setup,
    },
    poseidon::{cell_hash, challenge_hash, node_hash},
    poseidon2,
    tree::{CELL_BYTES, CellTree, CellTreeBuilder, Schedule, SlotTree, SlotTreeBuilder, TreeError, cells},
};
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};
use serde_json::{Value, json};
use std::{error::Error, fs, ops::Range, path::Path, sync::atomic::AtomicBool};

type Failure = Box<dyn Error>;

/// A file's name and content.
type Vectors = (&'static str, fn() -> Result<Value, Failure>);

const FILES: [Vectors; 8] = [
    ("slot-2x3", || slot_vectors(2, 3, 30_000, 32)),
    ("slot-7x80", || slot_vectors(7, 80, 16 << 20, 2)),
    ("provider-2x16x1", || provider_vectors(2, 16, 1, 30_000, 4)),
    ("provider-7x16x5", || provider_vectors(7, 16, 5, 1 << 20, 2)),
    ("access-7", || access_vectors(7, 1_000)),
    ("opening-7", || opening_vectors(7)),
    ("poseidon2", poseidon2_vectors),
    ("native", native_vectors),
];

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (folder, wanted) = match arguments.as_slice() {
        [folder] => (folder, ""),
        [folder, wanted] => (folder, wanted.as_str()),
        _ => return Err("usage: vectors FOLDER [NAME]".into()),
    };
    for (name, content) in FILES.into_iter().filter(|(name, _)| name.starts_with(wanted)) {
        write(&Path::new(folder).join(name).with_extension("json"), &content()?)?;
    }
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

/// A statement's public inputs and its proof.
type Proven = (Vec<Fr>, Proof);

fn file(circuit: &Value, key: &ProvingKey, proven: &[Proven], extra: Vec<Value>) -> Value {
    let accepted: Vec<Value> = (0..)
        .zip(proven)
        .map(|(number, (inputs, proof)): (u32, _)| {
            json!({
                "name": format!("window {number}"),
                "inputs": numbers(inputs),
                "proof": words(&proof_to_bytes(proof)),
            })
        })
        .collect();
    let mut refused = refused(&proven[0], &proven[1]);
    refused.extend(extra);
    json!({
        "circuit": circuit,
        "digest": format!("0x{}", hex::encode(key.verifying.circuit)),
        "insecure_development": key.verifying.is_insecure_development(),
        "verifying_key": verifying_key(key),
        "accepted": accepted,
        "refused": refused,
    })
}

fn range_of(data: &[u8], range: Range<u64>) -> Result<Vec<u8>, TreeError> {
    let index = |at| usize::try_from(at).expect("the slot is in memory");
    Ok(data[index(range.start)..index(range.end)].to_vec())
}

fn slot_vectors(levels: usize, samples: usize, length: usize, count: usize) -> Result<Value, Failure> {
    let mut rng = ChaCha20Rng::seed_from_u64(samples as u64);
    let circuit = SlotCircuit::new(levels, samples)?;
    let key = setup(&circuit, &Trapdoor::insecure_development())?;
    let (data, tree) = slot(&mut rng, levels, length)?;
    let mut proven = Vec::new();
    for _ in 0..count {
        let seed = seed(&mut rng);
        let witness = circuit.gather(&tree, seed, |range| range_of(&data, range))?;
        let proof = prove(&key, &circuit, &witness, &mut rng, &AtomicBool::new(false))?;
        proven.push((vec![tree.root(), seed], proof));
    }
    let [root, seed] = [proven[0].0[0], proven[0].0[1]];
    let swapped = case("root and seed swapped", "Refused", numbers(&[seed, root]), &proven[0].1);
    let shape = json!({ "form": "slot", "levels": levels, "samples": samples, "rows": key.rows });
    Ok(file(&shape, &key, &proven, vec![swapped]))
}

fn provider_vectors(
    levels: usize,
    slots: usize,
    samples: usize,
    length: usize,
    count: usize,
) -> Result<Value, Failure> {
    let mut rng = ChaCha20Rng::seed_from_u64((slots * samples) as u64);
    let circuit = ProviderCircuit::new(levels, slots, samples)?;
    let key = setup(&circuit, &Trapdoor::insecure_development())?;
    let held = (0..slots).map(|_| slot(&mut rng, levels, length)).collect::<Result<Vec<_>, _>>()?;
    let trees: Vec<&SlotTree> = held.iter().map(|(_, tree)| tree).collect();
    let roots: Vec<Fr> = trees.iter().map(|tree| tree.root()).collect();
    let mut proven = Vec::new();
    for _ in 0..count {
        let seed = seed(&mut rng);
        let witness = circuit.gather(&trees, seed, |at, range| range_of(&held[at].0, range))?;
        let proof = prove(&key, &circuit, &witness, &mut rng, &AtomicBool::new(false))?;
        proven.push((provider_publics(seed, &roots).to_vec(), proof));
    }
    // The contract drew other slots; h is the prover's, alpha and e are the contract's.
    let mut drawn = roots.clone();
    drawn[1] += Fr::ONE;
    let (honest, mut other) = (&proven[0].0, provider_publics(proven[0].0[0], &drawn).to_vec());
    other[1] = honest[1];
    let foreign = case("other slots drawn", "Refused", numbers(&other), &proven[0].1);
    let shape = json!({
        "form": "provider", "levels": levels, "slots": slots, "samples_per_slot": samples, "rows": key.rows,
    });
    let mut file = file(&shape, &key, &proven, vec![foreign]);
    file["roots"] = json!(numbers(&roots));
    Ok(file)
}

fn access_vectors(levels: usize, members: u64) -> Result<Value, Failure> {
    let mut rng = ChaCha20Rng::seed_from_u64(members);
    let circuit = AccessCircuit::new(levels)?;
    let key = setup(&circuit, &Trapdoor::insecure_development())?;
    let keys: Vec<AccessKey> = (0..members).map(|_| AccessKey::new(random(&mut rng))).collect();
    let list = AccessList::new(levels, keys.iter().map(AccessKey::member).collect())?;
    let mut proven = Vec::new();
    for member in &keys[..2] {
        let (context, request) = (random(&mut rng), random(&mut rng));
        let witness = list.witness(member, context, request).ok_or("a member is in its list")?;
        let proof = prove(&key, &circuit, &witness, &mut rng, &AtomicBool::new(false))?;
        proven.push((witness.publics().to_vec(), proof));
    }
    let mut request = proven[0].0.clone();
    request[3] += Fr::ONE;
    let carried = case("carried over to another request", "Refused", numbers(&request), &proven[0].1);
    let shape = json!({ "form": "access", "levels": levels, "rows": key.rows });
    Ok(file(&shape, &key, &proven, vec![carried]))
}

/// A slot's bytes under both of its roots.
struct Held {
    data: Vec<u8>,
    slot: SlotTree,
    cells: CellTree,
}

/// The circuit of single cells, its key and its randomness.
struct Opener {
    circuit: OpeningCircuit,
    key: ProvingKey,
    rng: ChaCha20Rng,
}

impl Opener {
    /// A cell's proof under the slot root, its bytes, and its siblings up to the cell root.
    fn open(&mut self, held: &Held, index: u64) -> Result<(Proven, Value), Failure> {
        let read = |range| range_of(&held.data, range);
        let witness = self.circuit.gather(&held.slot, index, read)?;
        let proof = prove(&self.key, &self.circuit, &witness, &mut self.rng, &AtomicBool::new(false))?;
        let opening = held.cells.open(index, &range_of(&held.data, held.cells.group(index)?)?)?;
        let siblings = opening.path.iter().enumerate().flat_map(|(level, children)| {
            let own = usize::try_from(index >> (3 * level) & 7).expect("it is below eight");
            children.iter().enumerate().filter(move |(child, _)| *child != own)
        });
        let path: Vec<String> = siblings.map(|(_, hash)| format!("0x{}", hex::encode(hash))).collect();
        let shown =
            json!({ "index": index, "bytes": format!("0x{}", hex::encode(opening.cell)), "path": path });
        Ok(((witness.publics().to_vec(), proof), shown))
    }
}

/// A slot and a refiller's root of it that is wrong in one cell.
fn opening_vectors(levels: usize) -> Result<Value, Failure> {
    let mut rng = ChaCha20Rng::seed_from_u64(17);
    let circuit = OpeningCircuit::new(levels)?;
    let key = setup(&circuit, &Trapdoor::insecure_development())?;
    let (data, tree) = slot(&mut rng, levels, 200_001)?;
    let mut builder = CellTreeBuilder::new(levels, Schedule::Pool)?;
    builder.push(&data)?;
    let held = Held { data, slot: tree, cells: builder.finish() };
    let mut opener = Opener { circuit, key, rng };
    let (last, empty) = (held.data.len() as u64 / CELL_BYTES as u64, cells(levels) - 1);
    let opened = [5, 0, last, empty]
        .map(|index| opener.open(&held, index))
        .into_iter()
        .collect::<Result<Vec<_>, _>>()?;
    let (proven, shown): (Vec<Proven>, Vec<Value>) = opened.into_iter().unzip();
    let root = held.slot.root();
    let nothing = [0; CELL_BYTES];
    let moved = opening_publics(root, empty - 1, &nothing);
    let mut extra = vec![case("the same bytes at another index", "Refused", numbers(&moved), &proven[3].1)];

    let mut data = held.data.clone();
    data[5 * CELL_BYTES + 77] ^= 1;
    let mut builder = SlotTreeBuilder::new(levels, Schedule::Pool)?;
    builder.push(&data)?;
    let mut cells = CellTreeBuilder::new(levels, Schedule::Pool)?;
    cells.push(&data)?;
    let wrong = Held { data, slot: builder.finish(), cells: cells.finish() };
    let true_bytes: [u8; CELL_BYTES] = held.data[5 * CELL_BYTES..6 * CELL_BYTES].try_into()?;
    let (lie, lie_shown) = opener.open(&wrong, 5)?;
    let (elsewhere, _) = opener.open(&wrong, 0)?;
    let asked = opening_publics(wrong.slot.root(), 5, &true_bytes);
    extra.push(case("the wrong cell for the true one", "Refused", numbers(&asked), &lie.1));
    extra.push(case("the true cell under the wrong root", "Refused", numbers(&asked), &proven[0].1));

    let shape = json!({ "form": "opening", "levels": levels, "rows": opener.key.rows });
    let mut file = file(&shape, &opener.key, &proven, extra);
    file["slot_root"] = json!(number_of(&root));
    file["cell_root"] = json!(format!("0x{}", hex::encode(held.cells.root())));
    file["shown"] = json!(shown);
    file["wrong"] = json!({
        "slot_root": number_of(&wrong.slot.root()),
        "bytes": lie_shown["bytes"],
        "proof": words(&proof_to_bytes(&lie.1)),
        "elsewhere": words(&proof_to_bytes(&elsewhere.1)),
    });
    Ok(file)
}

/// What no proof is needed for: hashes, roots, challenges, public inputs.
fn native_vectors() -> Result<Value, Failure> {
    let data: Vec<u8> = (0..20_001_u32).map(|at| (at * 197 + at / 253) as u8).collect();
    let build = |levels| -> Result<Value, Failure> {
        let mut slot = SlotTreeBuilder::new(levels, Schedule::Pool)?;
        let mut cells = CellTreeBuilder::new(levels, Schedule::Pool)?;
        slot.push(&data)?;
        cells.push(&data)?;
        let (slot, cells) = (slot.finish().root(), hex::encode(cells.finish().root()));
        Ok(json!({ "levels": levels, "slot_root": number_of(&slot), "cell_root": format!("0x{cells}") }))
    };
    let ascending = |count: u64| (0..count).map(Fr::from).collect::<Vec<_>>();
    let lanes = |width: u64| ascending(width);
    let seed = pack(&[0xa5; 31]);
    let roots: Vec<Fr> = (1..=3).map(Fr::from).collect();
    Ok(json!({
        "compress": {
            "0..3": number_of(&challenge_hash().compress(&lanes(3).try_into().map_err(|_| "three lanes")?)),
            "0..8": number_of(&node_hash().compress(&lanes(8).try_into().map_err(|_| "eight lanes")?)),
            "0..16": number_of(&cell_hash().compress(&lanes(16).try_into().map_err(|_| "sixteen lanes")?)),
        },
        "slot": {
            "bytes": "byte i is (197·i + floor(i/253)) mod 256, for i below 20001",
            "trees": [build(2)?, build(3)?, build(7)?],
        },
        "challenge": {
            "seed": number_of(&seed),
            "levels": 7,
            "indices": indices(seed, 25, 7),
        },
        "provider_publics": {
            "seed": number_of(&seed),
            "roots": numbers(&roots),
            "publics": numbers(&provider_publics(seed, &roots)),
        },
    }))
}

/// Poseidon2 at each width: what its instance is made of, and what it does to 0, 1, 2, …
fn poseidon2_vectors() -> Result<Value, Failure> {
    let width = |width: usize| -> Result<Value, Failure> {
        let (partial, diagonal) = poseidon2::params::choice(width).ok_or("a width in use")?;
        let it = poseidon2::Parameters::generate(width, partial, diagonal);
        let input: Vec<Fr> = (0..width as u64).map(Fr::from).collect();
        Ok(json!({
            "width": width,
            "diagonal_less_one": diagonal,
            "first": it.first.iter().map(|round| numbers(round)).collect::<Vec<_>>(),
            "partial": numbers(&it.partial),
            "last": it.last.iter().map(|round| numbers(round)).collect::<Vec<_>>(),
            "permuted": numbers(&it.permute(&input)),
        }))
    };
    Ok(json!([width(3)?, width(8)?, width(16)?]))
}

fn case_of(name: &str, why: &str, inputs: Vec<String>, proof: &[String]) -> Value {
    json!({ "name": name, "why": why, "inputs": inputs, "proof": proof })
}

fn case(name: &str, why: &str, inputs: Vec<String>, proof: &Proof) -> Value {
    case_of(name, why, inputs, &words(&proof_to_bytes(proof)))
}

/// A number that names the same element and must be refused.
fn alias<F: PrimeField>(value: F) -> String {
    let mut number = value.into_bigint();
    number.add_with_carry(&F::MODULUS);
    format!("0x{}", hex::encode(number.to_bytes_be()))
}

/// What must not pass, and the name of the error that Rust refuses it with.
fn refused((inputs, proof): &Proven, (_, other): &Proven) -> Vec<Value> {
    let right = || numbers(inputs);
    let mut cases = Vec::new();
    for at in 0..inputs.len() {
        let mut wrong = inputs.clone();
        wrong[at] += Fr::ONE;
        cases.push(case(&format!("input {at} plus one"), "Refused", numbers(&wrong), proof));
        let mut aliased = right();
        aliased[at] = alias(inputs[at]);
        cases.push(case(&format!("input {at} plus r"), "Input", aliased, proof));
    }
    cases.push(case("another proof", "Refused", right(), other));
    let mut changed = |name: &str, why: &str, change: &dyn Fn(&mut Proof)| {
        let mut proof = proof.clone();
        change(&mut proof);
        cases.push(case(name, why, right(), &proof));
    };
    changed("A negated", "Refused", &|it| it.a = -it.a);
    changed("B negated", "Refused", &|it| it.b = -it.b);
    changed("C negated", "Refused", &|it| it.c = -it.c);
    changed("A and C swapped", "Refused", &|it| std::mem::swap(&mut it.a, &mut it.c));
    changed("C of another proof", "Refused", &|it| it.c = other.c);
    changed("B outside its group", "NotInGroup", &|it| it.b = outside_group());
    changed("A is infinity", "NotOnCurve", &|it| it.a = G1Affine::zero());
    changed("B is infinity", "NotOnCurve", &|it| it.b = G2Affine::zero());
    changed("C is infinity", "NotOnCurve", &|it| it.c = G1Affine::zero());
    let honest = words(&proof_to_bytes(proof));
    let mut replaced = |name: &str, why: &str, at: usize, word: String| {
        let mut words = honest.clone();
        words[at] = word;
        cases.push(case_of(name, why, right(), &words));
    };
    let one = number_of(&Fr::ONE);
    replaced("A off its curve", "NotOnCurve", 1, one.clone());
    replaced("B off its curve", "NotOnCurve", 5, one.clone());
    replaced("C off its curve", "NotOnCurve", 7, one);
    replaced("A.x plus q", "Coordinate", 0, alias(proof.a.x().unwrap_or_default()));
    replaced("C.x is all ones", "Coordinate", 6, format!("0x{}", "ff".repeat(32)));
    cases
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

fn numbers(values: &[Fr]) -> Vec<String> {
    values.iter().map(number_of).collect()
}

fn number_of(value: &Fr) -> String {
    format!("0x{}", hex::encode(to_be_bytes(value)))
}

fn g1(point: &G1Affine) -> [String; 2] {
    g1_words(point).map(|word| format!("0x{}", hex::encode(word)))
}

fn g2(point: &G2Affine) -> [String; 4] {
    g2_words(point).map(|word| format!("0x{}", hex::encode(word)))
}

fn words(bytes: &[u8]) -> Vec<String> {
    bytes.chunks(32).map(|word| format!("0x{}", hex::encode(word))).collect()
}
