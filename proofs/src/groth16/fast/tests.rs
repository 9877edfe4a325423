//! The fast prover against the unmodified verifier and against the textbook's key.

use super::*;
use crate::{
    circuit::{
        OpeningCircuit, SlotCircuit, SlotWitness,
        tests::{gathered, opened, slot_of},
    },
    field::{Fr, random},
    groth16::{
        ProveError, ProvingKey, SetupError, Trapdoor, VerifyError, domain, encoding::DecodeError, key::Query,
        prove, prover::sum, setup,
    },
    r1cs::{Assignment, Circuit, Rows, Shape, System},
};
use ark_bn254::{Bn254, G1Projective};
use ark_ec::{AffineRepr, CurveGroup};
use ark_ff::{BigInt, FftField, Field, PrimeField};
use ark_groth16::Groth16;
use ark_poly::EvaluationDomain;
use rand_chacha::ChaCha8Rng;
use rand_core::SeedableRng;
use std::sync::{LazyLock, atomic::AtomicBool};

static NEVER: AtomicBool = AtomicBool::new(false);

fn circuit() -> SlotCircuit {
    SlotCircuit::new(2, 2).unwrap()
}

static KEY: LazyLock<FastKey> =
    LazyLock::new(|| fast_setup(&circuit(), &Trapdoor::insecure_development()).unwrap());

fn rng(seed: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(seed)
}

fn witness(seed: u64) -> SlotWitness {
    gathered(&circuit(), &slot_of(2, 30_000), Fr::from(seed)).unwrap()
}

#[test]
fn the_unmodified_verifier_accepts_and_nothing_of_two_proofs_is_the_same() {
    let witness = witness(10);
    let publics = [witness.root, witness.seed];
    let prove = |seed| fast_prove(&KEY, &circuit(), &witness, &mut rng(seed), &NEVER).unwrap();
    let (first, second) = (prove(1), prove(2));
    let prepared = ark_groth16::prepare_verifying_key(&KEY.verifying.ark);
    for proof in [&first, &second] {
        assert!(Groth16::<Bn254>::verify_proof(&prepared, proof, &publics).unwrap());
        let wrong = [publics[0], publics[1] + Fr::ONE];
        assert!(!Groth16::<Bn254>::verify_proof(&prepared, proof, &wrong).unwrap());
    }
    assert!(first.a != second.a && first.b != second.b && first.c != second.c);
    assert_eq!(prove(1), first);
}

/// Of two proofs with the same s, A still differs, by the blinding variable's point times the difference.
#[test]
fn the_blinding_variable_masks_a_and_nothing_else() {
    let blinding = u32::try_from(KEY.variables - 1).unwrap();
    assert_eq!(KEY.a.variables.last(), Some(&blinding));
    assert!(!KEY.b.variables.contains(&blinding));
    let witness = witness(10);
    let (one, other) = (random(&mut rng(1)), random(&mut rng(2)));
    let a = |value| {
        let assignment = Assignment::of(&Blinded { circuit: &circuit(), value }, &witness);
        assert_eq!(assignment.broken, None, "any value will do");
        let values: Vec<BigInt<4>> = assignment.variables.iter().map(|it| it.into_bigint()).collect();
        sum(&KEY.a, &values)
    };
    let mask = *KEY.a.points.last().unwrap();
    assert!(!mask.is_zero());
    assert_eq!(a(one) - a(other), mask * (one - other));
}

/// Anybody can compute the fast key from the textbook's key of the same blinded circuit: it tells nothing more.
#[test]
fn the_fast_key_follows_from_the_textbook_key() {
    let circuit = circuit();
    let blinded = Blinded::new(&circuit);
    let plain: ProvingKey = setup(&blinded, &Trapdoor::insecure_development()).unwrap();
    let mut rows = Rows::default();
    let (publics, _) = Shape::of(&blinded, &mut rows);
    let domain = domain::of(plain.rows, publics).unwrap();
    // Row i's Lagrange polynomial on the coset, summed with H: the transposed way from the domain to the coset.
    let mut shares: Vec<G1Projective> = plain.h.iter().map(|point| point.into_group()).collect();
    domain.fft_in_place(&mut shares);
    for (at, share) in shares.iter_mut().enumerate() {
        *share *= Fr::GENERATOR.pow([at as u64]);
    }
    domain.ifft_in_place(&mut shares);
    let mut c: Vec<G1Projective> = plain.l.iter().map(|point| point.into_group()).collect();
    for (row, products) in rows.0[2].iter().enumerate() {
        for (variable, coefficient) in products {
            c[*variable as usize - publics] -= shares[row] * coefficient;
        }
    }
    let mut c = G1Projective::normalize_batch(&c);
    c.extend(&plain.h);
    let fast = FastKey {
        rows: plain.rows,
        variables: plain.variables,
        verifying: plain.verifying,
        a: plain.a,
        b: Query { variables: plain.b1.variables, points: plain.b2 },
        c,
    };
    assert_eq!(fast, *KEY);
}

#[test]
fn every_circuit_in_use_has_a_fast_key() {
    let circuit = OpeningCircuit::new(2).unwrap();
    let key = fast_setup(&circuit, &Trapdoor::insecure_development()).unwrap();
    let witness = opened(circuit, &slot_of(2, 30_000), 9);
    let proof = fast_prove(&key, &circuit, &witness, &mut rng(3), &NEVER).unwrap();
    assert_eq!(key.verifying.prepare().verify(&witness.publics(), &proof), Ok(()));
}

/// `x · x = 4`: its product is a constant, which the folded key has no place for.
#[derive(Debug)]
struct Constant;

impl Circuit for Constant {
    type Witness = ();

    fn publics(&self) -> usize {
        0
    }

    fn blank(&self) {}

    fn synthesize<S: System>(&self, system: &mut S, (): &()) {
        let x = system.witness(Fr::from(2));
        let four = system.constant(Fr::from(4));
        system.enforce(&x, &x, &four);
    }
}

#[test]
fn a_circuit_whose_products_have_constants_is_refused() {
    let refused = fast_setup(&Constant, &Trapdoor::insecure_development());
    assert_eq!(refused, Err(SetupError::ConstantProduct));
}

#[test]
fn a_false_witness_a_foreign_key_and_a_cancelled_proof_yield_none() {
    let mut wrong = witness(12);
    wrong.openings[1].cell[0] += Fr::ONE;
    let refused = fast_prove(&KEY, &circuit(), &wrong, &mut rng(4), &NEVER);
    assert!(matches!(refused, Err(ProveError::Unsatisfied { .. })), "{refused:?}");
    let larger = SlotCircuit::new(2, 3).unwrap();
    let witness = gathered(&larger, &slot_of(2, 30_000), Fr::from(12)).unwrap();
    let refused = fast_prove(&KEY, &larger, &witness, &mut rng(4), &NEVER);
    assert!(matches!(refused, Err(ProveError::Key { .. })), "{refused:?}");
    let cancelled = AtomicBool::new(true);
    let refused = fast_prove(&KEY, &circuit(), &self::witness(12), &mut rng(5), &cancelled);
    assert_eq!(refused, Err(ProveError::Cancelled));
}

/// The key of the unblinded circuit is another circuit's.
#[test]
fn a_textbook_proof_is_none_under_the_fast_key() {
    let plain = setup(&circuit(), &Trapdoor::insecure_development()).unwrap();
    assert_ne!(plain.verifying.circuit, KEY.verifying.circuit);
    let witness = witness(13);
    let proof = prove(&plain, &circuit(), &witness, &mut rng(6), &NEVER).unwrap();
    let publics = [witness.root, witness.seed];
    assert_eq!(plain.verifying.prepare().verify(&publics, &proof), Ok(()));
    assert_eq!(KEY.verifying.prepare().verify(&publics, &proof), Err(VerifyError::Refused));
}

#[test]
fn a_fast_key_survives_its_encoding_and_nothing_else_decodes() {
    let circuit = KEY.verifying.circuit;
    let bytes = fast_key_to_bytes(&KEY);
    let read = |bytes: &[u8]| fast_key_from_bytes(bytes, &circuit);
    assert_eq!(read(&bytes).unwrap(), *KEY);
    for cut in [1, 2, 31, 32, 64, bytes.len() / 2, bytes.len() - 5, bytes.len()] {
        let error = read(&bytes[..bytes.len() - cut]);
        assert!(matches!(error, Err(DecodeError::Length { .. })), "{cut} bytes short: {error:?}");
    }
    let longer = [bytes.as_slice(), &[0]].concat();
    assert!(matches!(read(&longer), Err(DecodeError::Length { .. })));
    let other = DecodeError::OtherCircuit { got: circuit, expected: [7; 32] };
    assert_eq!(fast_key_from_bytes(&bytes, &[7; 32]), Err(other));
    let mut changed = bytes.clone();
    changed[2] = b'P';
    assert_eq!(read(&changed), Err(DecodeError::Mark(*b"HFPK")));
    let mut changed = bytes.clone();
    changed[bytes.len() / 2] ^= 1;
    assert_eq!(read(&changed), Err(DecodeError::Checksum));
    let mut swapped = KEY.clone();
    swapped.a.variables.swap(0, 1);
    assert_eq!(read(&fast_key_to_bytes(&swapped)), Err(DecodeError::Variables(KEY.variables)));
}
