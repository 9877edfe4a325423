//! Proofs against `ark-groth16`, and what must be refused.

use super::{
    DevelopmentKey, PUBLIC_MAINNETS, ProveError, ProvingKey, SetupError, Trapdoor, VerifyError,
    encoding::{self, DecodeError},
    prove,
    prover::prove_assignment,
    setup,
};
use crate::{
    circuit::{
        SlotCircuit,
        tests::{gathered, slot_of},
    },
    field::{Fr, random},
    r1cs::{Assignment, Circuit, Lin, Rows, Shape},
};
use ark_bn254::{Bn254, G1Affine, G1Projective, G2Projective};
use ark_ec::{AffineRepr, PrimeGroup};
use ark_ff::{AdditiveGroup, Field, UniformRand};
use ark_groth16::Groth16;
use ark_relations::gr1cs::{
    ConstraintSynthesizer, ConstraintSystemRef, LinearCombination, SynthesisError, Variable,
};
use ark_std::rand::rngs::mock::StepRng;
use proptest::prelude::*;
use rand_chacha::ChaCha8Rng;
use rand_core::SeedableRng;
use std::sync::{LazyLock, atomic::AtomicBool};

static NEVER: AtomicBool = AtomicBool::new(false);

fn circuit() -> SlotCircuit {
    SlotCircuit::new(2, 3).unwrap()
}

static KEY: LazyLock<ProvingKey> =
    LazyLock::new(|| setup(&circuit(), &Trapdoor::insecure_development()).unwrap());

fn rng(seed: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(seed)
}

/// Any circuit of ours as one of arkworks': the same rows, spoken to its own constraint system.
struct Stock {
    rows: Rows,
    publics: usize,
    values: Vec<Fr>,
}

impl Stock {
    fn of<C: Circuit>(circuit: &C, values: &[Fr]) -> Self {
        let mut rows = Rows::default();
        let (publics, _) = Shape::of(circuit, &mut rows);
        Self { rows, publics, values: values.to_vec() }
    }
}

impl ConstraintSynthesizer<Fr> for Stock {
    fn generate_constraints(self, system: ConstraintSystemRef<Fr>) -> Result<(), SynthesisError> {
        let mut variables = vec![Variable::One];
        for (index, value) in self.values.iter().enumerate().skip(1) {
            variables.push(if index < self.publics {
                system.new_input_variable(|| Ok(*value))?
            } else {
                system.new_witness_variable(|| Ok(*value))?
            });
        }
        let convert = |lin: &Lin| {
            let terms = lin.iter().map(|(index, factor)| (*factor, variables[*index as usize]));
            LinearCombination(terms.collect())
        };
        let [a, b, c] = &self.rows.0;
        for row in 0..a.len() {
            system.enforce_r1cs_constraint(|| convert(&a[row]), || convert(&b[row]), || convert(&c[row]))?;
        }
        Ok(())
    }
}

/// Same trapdoor, same rows: `ark-groth16`'s own set-up yields the same points, and its own prover, which builds
/// matrices and divides polynomials, the same proof.
#[test]
fn keys_and_proofs_are_those_of_ark_groth16() {
    let circuit = circuit();
    let slot = slot_of(2, 30_000);
    let assignment = Assignment::of(&circuit, &gathered(&circuit, &slot, Fr::from(9)).unwrap());
    let mut trapdoor = Trapdoor::insecure_development();
    // ark-groth16 draws τ and takes the other secrets.
    let mut draws = StepRng::new(1, 0x9e37_79b9_7f4a_7c15);
    trapdoor.tau = Fr::rand(&mut draws.clone());
    let key = setup(&circuit, &trapdoor).unwrap();
    let stock_key = Groth16::<Bn254>::generate_parameters_with_qap(
        Stock::of(&circuit, &assignment.variables),
        trapdoor.alpha,
        trapdoor.beta,
        Fr::ONE,
        trapdoor.delta,
        G1Projective::generator(),
        G2Projective::generator(),
        &mut draws,
    )
    .unwrap();
    assert_eq!(key.verifying.ark, stock_key.vk);
    assert_eq!(key.l, stock_key.l_query);
    for (at, variable) in key.a.variables.iter().enumerate() {
        assert_eq!(key.a.points[at], stock_key.a_query[*variable as usize]);
    }
    assert_eq!(key.a.points.len(), stock_key.a_query.iter().filter(|point| !point.is_zero()).count());
    assert_eq!(key.b2.len(), stock_key.b_g2_query.iter().filter(|point| !point.is_zero()).count());

    let (r, s) = (random(&mut rng(1)), random(&mut rng(2)));
    let stock = Groth16::<Bn254>::create_proof_with_reduction(
        Stock::of(&circuit, &assignment.variables),
        &stock_key,
        r,
        s,
    )
    .unwrap();
    let publics = assignment.public_inputs().to_vec();
    let ours = prove_assignment(&key, assignment, (r, s), &NEVER).unwrap();
    assert_eq!(ours, stock);
    assert_eq!(key.verifying.prepare().verify(&publics, &ours), Ok(()));
}

#[test]
fn an_honest_proof_is_accepted_and_hides_what_it_was_made_from() {
    let circuit = circuit();
    let slot = slot_of(2, 30_000);
    let witness = gathered(&circuit, &slot, Fr::from(10)).unwrap();
    let verifier = KEY.verifying.prepare();
    let publics = [slot.1.root(), Fr::from(10)];
    let first = prove(&KEY, &circuit, &witness, &mut rng(1), &NEVER).unwrap();
    let second = prove(&KEY, &circuit, &witness, &mut rng(2), &NEVER).unwrap();
    assert_eq!(verifier.verify(&publics, &first), Ok(()));
    assert_eq!(verifier.verify(&publics, &second), Ok(()));
    assert!(first.a != second.a && first.b != second.b && first.c != second.c);
    assert_eq!(prove(&KEY, &circuit, &witness, &mut rng(1), &NEVER).unwrap(), first);
}

#[test]
fn a_proof_of_anything_else_is_refused() {
    let circuit = circuit();
    let slot = slot_of(2, 30_000);
    let other = slot_of(2, 29_999);
    let seed = Fr::from(11);
    let proof =
        prove(&KEY, &circuit, &gathered(&circuit, &slot, seed).unwrap(), &mut rng(3), &NEVER).unwrap();
    let verifier = KEY.verifying.prepare();
    let root = slot.1.root();
    let refuse =
        |publics: &[Fr], proof| assert_eq!(verifier.verify(publics, proof), Err(VerifyError::Refused));
    assert_eq!(verifier.verify(&[root, seed], &proof), Ok(()));
    refuse(&[root, seed + Fr::ONE], &proof);
    refuse(&[root + Fr::ONE, seed], &proof);
    refuse(&[other.1.root(), seed], &proof);
    refuse(&[seed, root], &proof);
    let mut wrong = proof.clone();
    wrong.a = -wrong.a;
    refuse(&[root, seed], &wrong);
    let mut wrong = proof.clone();
    std::mem::swap(&mut wrong.a, &mut wrong.c);
    refuse(&[root, seed], &wrong);
    let inputs = VerifyError::Inputs { got: 1, expected: 2 };
    assert_eq!(verifier.verify(&[root], &proof), Err(inputs));
}

#[test]
fn a_false_witness_and_a_wrong_key_yield_no_proof() {
    let circuit = circuit();
    let slot = slot_of(2, 30_000);
    let mut witness = gathered(&circuit, &slot, Fr::from(12)).unwrap();
    witness.openings[1].cell[0] += Fr::ONE;
    let refused = prove(&KEY, &circuit, &witness, &mut rng(4), &NEVER);
    assert!(matches!(refused, Err(ProveError::Unsatisfied { .. })), "{refused:?}");
    let larger = SlotCircuit::new(2, 4).unwrap();
    let witness = gathered(&larger, &slot, Fr::from(12)).unwrap();
    assert!(matches!(prove(&KEY, &larger, &witness, &mut rng(4), &NEVER), Err(ProveError::Key { .. })));
}

#[test]
fn a_cancelled_proof_stops() {
    let circuit = circuit();
    let witness = gathered(&circuit, &slot_of(2, 30_000), Fr::from(13)).unwrap();
    let cancelled = AtomicBool::new(true);
    assert_eq!(prove(&KEY, &circuit, &witness, &mut rng(5), &cancelled), Err(ProveError::Cancelled));
}

#[test]
fn who_knows_the_trapdoor_can_forge_and_the_key_says_so() {
    let trapdoor = Trapdoor::insecure_development();
    let publics = [Fr::from(1), Fr::from(2)];
    let forged = trapdoor.forge(&KEY.verifying, &publics, Fr::from(3), Fr::from(4)).unwrap();
    let verifier = KEY.verifying.prepare();
    assert_eq!(verifier.verify(&publics, &forged), Ok(()));
    assert_eq!(verifier.verify(&[publics[1], publics[0]], &forged), Err(VerifyError::Refused));
    assert!(KEY.verifying.is_insecure_development());
    let secret = Trapdoor { tau: Fr::from(5), alpha: Fr::from(6), beta: Fr::from(7), delta: Fr::from(8) };
    let key = setup(&circuit(), &secret).unwrap().verifying;
    assert!(!key.is_insecure_development());
    assert_eq!(key.prepare().verify(&publics, &forged), Err(VerifyError::Refused));
    let degenerate = Trapdoor { tau: Fr::ONE, ..secret.clone() };
    assert_eq!(setup(&circuit(), &degenerate), Err(SetupError::Degenerate));
    let degenerate = Trapdoor { delta: Fr::ZERO, ..secret.clone() };
    assert_eq!(setup(&circuit(), &degenerate), Err(SetupError::Degenerate));
}

#[test]
fn a_development_key_is_refused_on_public_main_networks_alone() {
    let secret = Trapdoor { tau: Fr::from(5), alpha: Fr::from(6), beta: Fr::from(7), delta: Fr::from(8) };
    let real = setup(&circuit(), &secret).unwrap().verifying;
    for (chain_id, name) in PUBLIC_MAINNETS {
        assert_eq!(KEY.verifying.admit(chain_id), Err(DevelopmentKey { chain_id, name }));
        assert_eq!(real.admit(chain_id), Ok(()));
    }
    for chain_id in [31_337, 11_155_111, 97] {
        assert_eq!(KEY.verifying.admit(chain_id), Ok(()));
    }
}

#[test]
fn keys_and_proofs_survive_their_encoding() {
    let circuit = KEY.verifying.circuit;
    let bytes = encoding::proving_key_to_bytes(&KEY);
    assert_eq!(encoding::proving_key_from_bytes(&bytes, &circuit).unwrap(), *KEY);
    let bytes = encoding::verifying_key_to_bytes(&KEY.verifying);
    assert_eq!(encoding::verifying_key_from_bytes(&bytes, &circuit).unwrap(), KEY.verifying);
    let proof = some_proof();
    let sealed = encoding::seal_proof(&proof, &circuit);
    assert_eq!(encoding::open_proof(&sealed, &circuit).unwrap(), proof);
    assert_eq!(sealed.len(), encoding::SEALED_PROOF_BYTES);
}

fn some_proof() -> super::Proof {
    let trapdoor = Trapdoor::insecure_development();
    trapdoor.forge(&KEY.verifying, &[Fr::from(1); 2], Fr::from(3), Fr::from(4)).unwrap()
}

#[test]
fn foreign_and_truncated_bytes_are_refused_by_name() {
    let circuit = KEY.verifying.circuit;
    let other = [7; 32];
    let keys = [encoding::proving_key_to_bytes(&KEY), encoding::verifying_key_to_bytes(&KEY.verifying)];
    let sealed = encoding::seal_proof(&some_proof(), &circuit);
    let decode = |which: usize, bytes: &[u8], circuit: &[u8; 32]| match which {
        0 => encoding::proving_key_from_bytes(bytes, circuit).err(),
        1 => encoding::verifying_key_from_bytes(bytes, circuit).err(),
        _ => encoding::open_proof(bytes, circuit).err(),
    };
    for (which, bytes) in keys.iter().chain([&sealed]).enumerate() {
        assert_eq!(decode(which, bytes, &circuit), None);
        assert_eq!(
            decode(which, bytes, &other),
            Some(DecodeError::OtherCircuit { got: circuit, expected: other })
        );
        for cut in [1, 2, 31, 32, 64, bytes.len() / 2, bytes.len() - 5, bytes.len()] {
            let error = decode(which, &bytes[..bytes.len() - cut], &circuit);
            assert!(
                matches!(error, Some(DecodeError::Length { .. })),
                "{which}, {cut} bytes short: {error:?}"
            );
        }
        let longer = [bytes.as_slice(), &[0]].concat();
        assert!(matches!(decode(which, &longer, &circuit), Some(DecodeError::Length { .. })));
        let mut changed = bytes.clone();
        changed[4] = 2;
        assert_eq!(decode(which, &changed, &circuit), Some(DecodeError::Version(2)));
        changed[0] = b'X';
        assert!(matches!(decode(which, &changed, &circuit), Some(DecodeError::Mark(_))));
    }
    let mut changed = keys[0].clone();
    let middle = changed.len() / 2;
    changed[middle] ^= 1;
    assert_eq!(decode(0, &changed, &circuit), Some(DecodeError::Checksum));
    let mut changed = keys[1].clone();
    changed[38] = 17;
    assert_eq!(decode(1, &changed, &circuit), Some(DecodeError::Count { got: 17, most: 16 }));
}

#[test]
fn a_proving_key_names_its_variables_in_order_and_range() {
    let refuse = |change: &dyn Fn(&mut ProvingKey)| {
        let mut key = KEY.clone();
        change(&mut key);
        let bytes = encoding::proving_key_to_bytes(&key);
        let refused = encoding::proving_key_from_bytes(&bytes, &KEY.verifying.circuit);
        assert_eq!(refused.err(), Some(DecodeError::Variables(KEY.variables)));
    };
    refuse(&|key| key.a.variables.swap(0, 1));
    refuse(&|key| key.b1.variables.swap(3, 4));
    refuse(&|key| *key.a.variables.last_mut().unwrap() = KEY.variables as u32);
}

#[test]
fn points_off_curve_out_of_group_or_out_of_range_are_refused() {
    let bytes = encoding::proof_to_bytes(&some_proof());
    assert_eq!(encoding::proof_from_bytes(&bytes).unwrap(), some_proof());
    let mut off = bytes;
    off[63] ^= 1;
    assert_eq!(encoding::proof_from_bytes(&off), Err(DecodeError::NotOnCurve));
    let mut infinite = bytes;
    infinite[..64].fill(0);
    assert_eq!(encoding::proof_from_bytes(&infinite), Err(DecodeError::NotOnCurve));
    let mut large = bytes;
    large[..32].fill(0xff);
    assert_eq!(encoding::proof_from_bytes(&large), Err(DecodeError::Coordinate));
    // A coordinate plus the modulus is the same element and yet refused.
    let modulus = <ark_bn254::Fq as ark_ff::PrimeField>::MODULUS;
    let mut alias = modulus;
    let one = G1Affine::generator();
    assert!(!ark_ff::BigInteger::add_with_carry(&mut alias, &ark_ff::PrimeField::into_bigint(one.x)));
    let mut aliased = bytes;
    for (chunk, limb) in aliased[..32].chunks_exact_mut(8).zip(alias.0.iter().rev()) {
        chunk.copy_from_slice(&limb.to_be_bytes());
    }
    assert_eq!(encoding::proof_from_bytes(&aliased), Err(DecodeError::Coordinate));
    // A point of the twisted curve outside the group of order r.
    let mut outside = some_proof();
    outside.b = (0_u64..)
        .filter_map(|x| ark_bn254::G2Affine::get_point_from_x_unchecked(ark_bn254::Fq2::from(x), true))
        .find(|point| !point.is_in_correct_subgroup_assuming_on_curve())
        .unwrap();
    let bytes = encoding::proof_to_bytes(&outside);
    assert_eq!(encoding::proof_from_bytes(&bytes), Err(DecodeError::NotInGroup));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// With one byte changed, a key or proof is refused or decodes to something else, never to the same.
    #[test]
    fn no_two_encodings_of_one_thing(at in any::<prop::sample::Index>(), flip in 1_u8..) {
        let circuit = KEY.verifying.circuit;
        let mut proof = encoding::seal_proof(&some_proof(), &circuit);
        let place = at.index(proof.len());
        proof[place] ^= flip;
        prop_assert_ne!(encoding::open_proof(&proof, &circuit).ok(), Some(some_proof()));
        let mut key = encoding::verifying_key_to_bytes(&KEY.verifying);
        let place = at.index(key.len());
        key[place] ^= flip;
        prop_assert_ne!(encoding::verifying_key_from_bytes(&key, &circuit).ok(), Some(KEY.verifying.clone()));
        let mut key = encoding::proving_key_to_bytes(&KEY);
        let place = at.index(key.len());
        key[place] ^= flip;
        prop_assert!(encoding::proving_key_from_bytes(&key, &circuit).is_err());
    }
}
