//! A ceremony of three, and every way to cheat in it.

use super::*;
use crate::{
    circuit::{
        SlotCircuit,
        tests::{gathered, slot_of},
    },
    field::Fr,
    groth16::{ProvingKey, Trapdoor, encoding::DecodeError, prove, setup},
};
use ark_bn254::{Fq, G1Affine, G1Projective, G2Affine, G2Projective};
use ark_ec::{AffineRepr, CurveGroup, PrimeGroup, scalar_mul::BatchMulPreprocessing};
use ark_ff::{Field, PrimeField};
use rand_chacha::ChaCha8Rng;
use rand_core::SeedableRng;
use sha2::{Digest, Sha256};
use std::sync::{LazyLock, atomic::AtomicBool};

/// One sample of a slot of 64 cells has 1,890 rows.
const POWER: u32 = 11;

fn circuit() -> SlotCircuit {
    SlotCircuit::new(2, 1).unwrap()
}

fn trapdoor() -> Trapdoor {
    Trapdoor { tau: Fr::from(1_234_567), alpha: Fr::from(11), beta: Fr::from(13), delta: Fr::ONE }
}

/// Phase 1 with a known τ, which a real one has not.
fn powers(power: u32) -> Phase1 {
    let secret = trapdoor();
    let count = 1 << power;
    let powers: Vec<Fr> =
        std::iter::successors(Some(Fr::ONE), |it| Some(*it * secret.tau)).take(2 * count - 1).collect();
    let table = BatchMulPreprocessing::new(G1Projective::generator(), powers.len());
    let times =
        |factor: Fr| table.batch_mul(&powers[..count].iter().map(|it| *it * factor).collect::<Vec<_>>());
    let table2 = BatchMulPreprocessing::new(G2Projective::generator(), count);
    Phase1 {
        tau1: table.batch_mul(&powers),
        tau2: table2.batch_mul(&powers[..count]),
        alpha1: times(secret.alpha),
        beta1: times(secret.beta),
        beta2: (G2Affine::generator() * secret.beta).into_affine(),
    }
}

fn montgomery(out: &mut Vec<u8>, value: Fq) {
    value.0.0.iter().for_each(|limb| out.extend(limb.to_le_bytes()));
}

fn g1s(points: &[G1Affine]) -> Vec<u8> {
    let mut out = Vec::new();
    points.iter().flat_map(|point| [point.x, point.y]).for_each(|it| montgomery(&mut out, it));
    out
}

fn g2s(points: &[G2Affine]) -> Vec<u8> {
    let mut out = Vec::new();
    let coordinates = points.iter().flat_map(|point| [point.x.c0, point.x.c1, point.y.c0, point.y.c1]);
    coordinates.for_each(|it| montgomery(&mut out, it));
    out
}

/// A file as snarkjs writes it.
fn ptau(phase1: &Phase1) -> Vec<u8> {
    let mut header = 32_u32.to_le_bytes().to_vec();
    Fq::MODULUS.0.iter().for_each(|limb| header.extend(limb.to_le_bytes()));
    header.extend(phase1.tau2.len().ilog2().to_le_bytes());
    header.extend(28_u32.to_le_bytes());
    let sections = [
        (1_u32, header),
        (2, g1s(&phase1.tau1)),
        (3, g2s(&phase1.tau2)),
        (4, g1s(&phase1.alpha1)),
        (5, g1s(&phase1.beta1)),
        (6, g2s(&[phase1.beta2])),
        (7, vec![0; 4]),
    ];
    let mut out = b"ptau".to_vec();
    out.extend(1_u32.to_le_bytes());
    out.extend((sections.len() as u32).to_le_bytes());
    for (kind, content) in sections {
        out.extend(kind.to_le_bytes());
        out.extend((content.len() as u64).to_le_bytes());
        out.extend(content);
    }
    out
}

fn pin(file: &[u8]) -> [u8; 32] {
    Sha256::digest(file).into()
}

fn rng(seed: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(seed)
}

fn first_key(phase1: &Phase1) -> Result<ProvingKey, InitialError> {
    initial_key(phase1, &circuit(), &|done, all| assert!(done <= all))
}

static INITIAL: LazyLock<ProvingKey> = LazyLock::new(|| first_key(&powers(POWER)).unwrap());

/// Two contributors and a beacon.
static HELD: LazyLock<(Transcript, ProvingKey)> = LazyLock::new(|| {
    let (mut transcript, mut key) = (Transcript::start(&INITIAL), INITIAL.clone());
    contribute(&mut key, &mut transcript, &mut rng(1));
    contribute(&mut key, &mut transcript, &mut rng(2));
    apply_beacon(&mut key, &mut transcript, [9; 32], 10).unwrap();
    (transcript, key)
});

#[test]
fn a_file_is_read_only_if_it_is_the_pinned_one_and_whole() {
    let phase1 = powers(4);
    let file = ptau(&phase1);
    assert_eq!(Phase1::import(&file, &pin(&file)).unwrap(), phase1);
    assert_eq!(Phase1::import(&file, &[0; 32]), Err(Phase1Error::Pin { got: pin(&file) }));
    let import = |file: &[u8]| Phase1::import(file, &pin(file)).unwrap_err();
    for cut in [0, 3, 11, 20, 60, 100, file.len() - 20, file.len() - 5] {
        let error = import(&file[..cut]);
        assert!(matches!(error, Phase1Error::Format | Phase1Error::Section(_)), "{cut}: {error}");
    }
    let changed = |at: usize, byte: u8| {
        let mut file = file.clone();
        file[at] ^= byte;
        import(&file)
    };
    assert_eq!(changed(0, 1), Phase1Error::Format);
    assert_eq!(changed(4, 2), Phase1Error::Format);
    assert_eq!(import(&[file.as_slice(), &[0]].concat()), Phase1Error::Format);
    assert_eq!(changed(24, 1), Phase1Error::Curve);
    assert_eq!(changed(28, 1), Phase1Error::Curve);
    assert_eq!(changed(60, 0x80), Phase1Error::Power(132));
    assert_eq!(changed(60, 1), Phase1Error::Section(2));
    assert_eq!(changed(80, 1), Phase1Error::Point { section: 2, at: 0 });
}

/// Where a section's content begins.
fn content(file: &[u8], number: u32) -> usize {
    let mut at = 12;
    loop {
        let kind = u32::from_le_bytes(file[at..at + 4].try_into().unwrap());
        let length = u64::from_le_bytes(file[at + 4..at + 12].try_into().unwrap());
        at += 12;
        if kind == number {
            return at;
        }
        at += length as usize;
    }
}

#[test]
fn each_point_of_a_file_is_in_its_group() {
    let file = ptau(&powers(2));
    let put = |section: u32, bytes: &[u8]| {
        let mut file = file.clone();
        let at = content(&file, section);
        file[at..at + bytes.len()].copy_from_slice(bytes);
        Phase1::import(&file, &pin(&file))
    };
    assert!(put(2, &[]).is_ok());
    // Infinity, a coordinate that is another one plus q, a point off its curve, a point of the twist outside G2.
    let alias = |value: Fq| {
        let mut limbs = value.0;
        assert!(!ark_ff::BigInteger::add_with_carry(&mut limbs, &Fq::MODULUS));
        limbs.0.iter().flat_map(|limb| limb.to_le_bytes()).collect::<Vec<_>>()
    };
    let outside = (0_u64..)
        .filter_map(|x| G2Affine::get_point_from_x_unchecked(ark_bn254::Fq2::from(x), true))
        .find(|point| !point.is_in_correct_subgroup_assuming_on_curve())
        .unwrap();
    let (one, two) = (G1Affine::generator(), G2Affine::generator());
    let cases = [
        (2, vec![0; 64]),
        (2, alias(one.x)),
        (4, vec![1; 32]),
        (3, vec![0; 128]),
        (3, alias(two.x.c0)),
        (3, vec![1; 32]),
        (3, g2s(&[outside])),
        (6, g2s(&[outside])),
    ];
    for (section, bytes) in cases {
        assert_eq!(put(section, &bytes), Err(Phase1Error::Point { section, at: 0 }), "{bytes:?}");
    }
}

#[test]
fn points_that_are_no_powers_of_one_secret_are_refused() {
    let good = powers(4);
    assert_eq!(good.check(&mut rng(1)), Ok(()));
    let refuse = |change: &dyn Fn(&mut Phase1), why| {
        let mut phase1 = good.clone();
        change(&mut phase1);
        assert_eq!(phase1.check(&mut rng(2)), Err(Phase1Error::Inconsistent(why)));
    };
    let other = (G1Affine::generator() * Fr::from(5)).into_affine();
    let other2 = (G2Affine::generator() * Fr::from(5)).into_affine();
    refuse(&|it| it.tau1[0] = other, "the first is not the generator");
    refuse(&|it| it.tau2[0] = other2, "the first is not the generator");
    let single = Phase1Error::Inconsistent("the first is not the generator");
    assert_eq!(powers(0).check(&mut rng(2)), Err(single));
    refuse(&|it| it.tau1[30] = other, "τ in G1");
    refuse(&|it| it.tau2[15] = other2, "τ in G2");
    refuse(&|it| it.alpha1[7] = other, "α·τ");
    refuse(&|it| it.beta1[15] = other, "β·τ");
    refuse(&|it| it.beta2 = other2, "β in G2");
}

/// With τ known, the key from phase 1 is that of the plain set-up, point for point.
#[test]
fn the_first_key_is_what_phase_1_says() {
    let plain = setup(&circuit(), &trapdoor()).unwrap();
    let larger = first_key(&powers(POWER + 1)).unwrap();
    assert_eq!(larger, plain);
    // Without the last power only H differs, and proofs do not.
    assert_eq!(ProvingKey { h: plain.h.clone(), ..INITIAL.clone() }, plain);
    let witness = gathered(&circuit(), &slot_of(2, 30_000), Fr::from(3)).unwrap();
    let prove =
        |key: &ProvingKey| prove(key, &circuit(), &witness, &mut rng(3), &AtomicBool::new(false)).unwrap();
    assert_eq!(prove(&INITIAL), prove(&plain));
    let small = first_key(&powers(POWER - 1));
    assert_eq!(small, Err(InitialError::TooSmall { needed: POWER, got: POWER - 1 }));
}

#[test]
fn a_ceremony_yields_a_key_that_proves_and_that_anybody_can_verify() {
    let (transcript, key) = &*HELD;
    assert_eq!(verify(&INITIAL, transcript, key, &mut rng(4)), Ok(()));
    let slot = slot_of(2, 30_000);
    let witness = gathered(&circuit(), &slot, Fr::from(3)).unwrap();
    let proof = prove(key, &circuit(), &witness, &mut rng(5), &AtomicBool::new(false)).unwrap();
    let publics = [slot.1.root(), Fr::from(3)];
    assert!(key.verifying.prepare().verify(&publics, &proof).is_ok());
    assert!(INITIAL.verifying.prepare().verify(&publics, &proof).is_err());
    assert!(!key.verifying.is_insecure_development());
}

#[test]
fn every_cheat_in_a_ceremony_is_named() {
    let (transcript, key) = &*HELD;
    let check = |transcript: &Transcript, key: &ProvingKey| verify(&INITIAL, transcript, key, &mut rng(6));
    let changed_key = |change: &dyn Fn(&mut ProvingKey)| {
        let mut key = key.clone();
        change(&mut key);
        check(transcript, &key)
    };
    let other = (G1Affine::generator() * Fr::from(5)).into_affine();
    let other2 = (G2Affine::generator() * Fr::from(5)).into_affine();
    assert_eq!(changed_key(&|it| it.l[7] = other), Err(CeremonyError::Delta("L")));
    assert_eq!(changed_key(&|it| it.l.truncate(5)), Err(CeremonyError::Delta("L")));
    assert_eq!(changed_key(&|it| it.l.push(other)), Err(CeremonyError::Delta("L")));
    assert_eq!(changed_key(&|it| it.h[7] = other), Err(CeremonyError::Delta("H")));
    assert_eq!(changed_key(&|it| it.h.truncate(5)), Err(CeremonyError::Delta("H")));
    assert_eq!(changed_key(&|it| it.h.push(other)), Err(CeremonyError::Delta("H")));
    assert_eq!(changed_key(&|it| it.delta = other), Err(CeremonyError::Delta("δ in G1")));
    assert_eq!(changed_key(&|it| it.verifying.ark.delta_g2 = other2), Err(CeremonyError::Delta("δ in G2")));
    assert_eq!(changed_key(&|it| it.a.points[0] = other), Err(CeremonyError::Changed("A")));
    assert_eq!(changed_key(&|it| it.b2[0] = other2), Err(CeremonyError::Changed("B")));
    assert_eq!(changed_key(&|it| it.b1.points[0] = other), Err(CeremonyError::Changed("B")));
    assert_eq!(changed_key(&|it| it.beta = other), Err(CeremonyError::Changed("β")));
    assert_eq!(changed_key(&|it| it.verifying.ark.beta_g2 = other2), Err(CeremonyError::Changed("β")));
    assert_eq!(changed_key(&|it| it.verifying.ark.alpha_g1 = other), Err(CeremonyError::Changed("α")));
    assert_eq!(changed_key(&|it| it.verifying.ark.gamma_g2 = other2), Err(CeremonyError::Changed("γ")));
    assert_eq!(
        changed_key(&|it| it.verifying.ark.gamma_abc_g1[1] = other),
        Err(CeremonyError::Changed("IC"))
    );
    assert_eq!(changed_key(&|it| it.rows += 1), Err(CeremonyError::Changed("circuit")));
    assert_eq!(changed_key(&|it| it.variables += 1), Err(CeremonyError::Changed("circuit")));
    assert_eq!(changed_key(&|it| it.verifying.circuit[0] ^= 1), Err(CeremonyError::Changed("circuit")));

    let changed_transcript = |change: &dyn Fn(&mut Transcript)| {
        let mut transcript = transcript.clone();
        change(&mut transcript);
        check(&transcript, key)
    };
    assert_eq!(changed_transcript(&|it| it.start[0] ^= 1), Err(CeremonyError::Start));
    assert_eq!(changed_transcript(&|it| it.circuit[0] ^= 1), Err(CeremonyError::Start));
    assert_eq!(changed_transcript(&|it| it.contributions.swap(0, 1)), Err(CeremonyError::Knowledge(0)));
    assert_eq!(changed_transcript(&|it| _ = it.contributions.remove(0)), Err(CeremonyError::Knowledge(0)));
    assert_eq!(changed_transcript(&|it| _ = it.contributions.pop()), Err(CeremonyError::Delta("δ in G1")));
    let beacon = |it: &mut Transcript, new: [u8; 32], new_log: u8| {
        if let Contribution::Beacon { value, log, .. } = &mut it.contributions[2] {
            (*value, *log) = (new, new_log);
        }
    };
    assert_eq!(changed_transcript(&|it| beacon(it, [8; 32], 10)), Err(CeremonyError::Beacon(2)));
    assert_eq!(changed_transcript(&|it| beacon(it, [9; 32], 9)), Err(CeremonyError::Beacon(2)));
    assert_eq!(changed_transcript(&|it| beacon(it, [9; 32], 31)), Err(CeremonyError::BeaconCost(31)));
    // Somebody replaces δ altogether and copies the proof of another factor.
    let replaced = |it: &mut Transcript, new: G1Affine| {
        if let Contribution::Secret { after, .. } = &mut it.contributions[1] {
            *after = new;
        }
    };
    assert_eq!(changed_transcript(&|it| replaced(it, other)), Err(CeremonyError::Knowledge(1)));
    let degenerate = changed_transcript(&|it| replaced(it, G1Affine::zero()));
    assert_eq!(degenerate, Err(CeremonyError::Degenerate(1)));
    let (mut only_beacon, mut public) = (Transcript::start(&INITIAL), INITIAL.clone());
    apply_beacon(&mut public, &mut only_beacon, [9; 32], 3).unwrap();
    assert_eq!(check(&only_beacon, &public), Err(CeremonyError::NoSecret));
}

/// The proof's challenge is bound to all that docs/spec/proof.md names: history, δ before and after, commitment.
#[test]
fn a_contribution_is_proven_under_the_challenge_of_the_specification() {
    let (transcript, _) = &*HELD;
    let [
        Contribution::Secret { after: before, .. },
        Contribution::Secret { after, commitment, response },
        ..,
    ] = transcript.contributions.as_slice()
    else {
        panic!("two secrets come first")
    };
    let encoded = transcript.to_bytes();
    // Header, circuit, start, count, then 161 bytes a secret.
    let history = Sha256::digest([&encoded[6..70], &encoded[74..74 + 161]].concat());
    let points: Vec<u8> = [before, after, commitment]
        .into_iter()
        .flat_map(crate::groth16::encoding::g1_words)
        .flatten()
        .collect();
    let bytes = [b"holdfast ceremony contribution v1".as_slice(), &history, &points].concat();
    let challenge = Fr::from_be_bytes_mod_order(&Sha256::digest(bytes));
    assert_eq!(*before * response, commitment.into_group() + *after * challenge);
}

#[test]
fn a_ceremony_s_key_is_that_of_its_transcript_s_circuit() {
    let (transcript, _) = &*HELD;
    let other = setup(&SlotCircuit::new(2, 2).unwrap(), &trapdoor()).unwrap();
    let (got, expected) = (other.verifying.circuit, transcript.circuit);
    let mixed = Ceremony { transcript: transcript.clone(), key: other }.to_bytes();
    let refused = DecodeError::OtherCircuit { got, expected };
    assert_eq!(Ceremony::from_bytes(&mixed, None), Err(refused));
}

#[test]
fn a_transcript_survives_its_encoding_and_nothing_else_decodes() {
    let (transcript, _) = &*HELD;
    let bytes = transcript.to_bytes();
    let read = |bytes: &[u8]| Transcript::from_bytes(bytes, &transcript.circuit);
    assert_eq!(read(&bytes).unwrap(), *transcript);
    for cut in 0..bytes.len() {
        assert!(matches!(read(&bytes[..cut]), Err(DecodeError::Length { .. })), "{cut}");
    }
    assert!(read(&[bytes.as_slice(), &[0]].concat()).is_err());
    let mut changed = bytes.clone();
    changed[74] = 2;
    assert_eq!(read(&changed), Err(DecodeError::Kind(2)));
    let mut changed = bytes.clone();
    changed[203..235].fill(0xff);
    assert_eq!(read(&changed), Err(DecodeError::Scalar));
    let mut changed = bytes.clone();
    changed[70..74].fill(0xff);
    assert_eq!(read(&changed), Err(DecodeError::Count { got: 0xffff_ffff, most: MAX_CONTRIBUTIONS }));
    assert!(matches!(Transcript::from_bytes(&bytes, &[0; 32]), Err(DecodeError::OtherCircuit { .. })));
    let held = Ceremony { transcript: transcript.clone(), key: HELD.1.clone() };
    let whole = held.to_bytes();
    assert_eq!(Ceremony::from_bytes(&whole, None).unwrap(), held);
    assert_eq!(Ceremony::from_bytes(&whole, Some(&transcript.circuit)).unwrap(), held);
    assert!(matches!(Ceremony::from_bytes(&whole, Some(&[0; 32])), Err(DecodeError::OtherCircuit { .. })));
    assert!(Ceremony::from_bytes(&whole[..whole.len() - 1], None).is_err());
    assert!(Ceremony::from_bytes(&bytes, None).is_err());
}
