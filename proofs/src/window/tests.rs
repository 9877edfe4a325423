//! Every claim that is not the one asked for is refused by name.

use super::*;
use crate::{
    circuit::{ProviderCircuit, tests::slot_of},
    groth16::{ProvingKey, Trapdoor, prove, setup},
    tree::{SlotTree, TreeError},
};
use ark_ff::Field;
use rand_chacha::ChaCha8Rng;
use rand_core::SeedableRng;
use std::sync::{LazyLock, atomic::AtomicBool};

fn circuit() -> ProviderCircuit {
    ProviderCircuit::new(2, 2, 1).unwrap()
}

static KEY: LazyLock<ProvingKey> =
    LazyLock::new(|| setup(&circuit(), &Trapdoor::insecure_development()).unwrap());

fn asked() -> Challenge {
    Challenge {
        chain_id: 31_337,
        contract: [1; 20],
        random: [2; 24],
        window: 77,
        provider: [3; 20],
        version: 5,
    }
}

/// An honest answer of a provider that holds two slots.
fn answer(challenge: Challenge) -> Claim {
    let slots = [slot_of(2, 20_000), slot_of(2, 9_000)];
    let trees: Vec<&SlotTree> = slots.iter().map(|slot| &slot.1).collect();
    let read = |at: usize, range: std::ops::Range<u64>| -> Result<Vec<u8>, TreeError> {
        Ok(slots[at].0[range.start as usize..range.end as usize].to_vec())
    };
    let witness = circuit().gather(&trees, challenge.seed(), read).unwrap();
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let proof = prove(&KEY, &circuit(), &witness, &mut rng, &AtomicBool::new(false)).unwrap();
    Claim { challenge, roots: trees.iter().map(|tree| tree.root()).collect(), proof }
}

/// Known answers out of Solidity: the lines of `Challenges.seedOf` and `publicInputs` with these values.
#[test]
fn seeds_and_draws_are_those_of_the_contract() {
    let seed = crate::field::to_be_bytes(&asked().seed());
    assert_eq!(hex::encode(seed), "000513e0e0aa773ed07822d4601156c0edc894a6f2328c55b0a9a2464f10298a");
    let draws = [304, 705, 910, 784, 693, 817, 676, 562, 188, 19, 70, 235, 102, 474, 756, 1];
    assert_eq!(asked().draw(1_000), draws);
    assert_eq!(asked().draw(0), []);
}

#[test]
fn the_claim_asked_for_is_accepted_once() {
    let claim = answer(asked());
    let mut checker = Checker::new(KEY.verifying.prepare());
    assert_eq!(checker.accept(&asked(), &claim.roots, &claim), Ok(()));
    assert_eq!(checker.accept(&asked(), &claim.roots, &claim), Err(ClaimError::Replay(77)));
    checker.forget_before(77);
    assert_eq!(checker.accept(&asked(), &claim.roots, &claim), Err(ClaimError::Replay(77)));
    checker.forget_before(78);
    assert_eq!(checker.accept(&asked(), &claim.roots, &claim), Ok(()));
}

#[test]
fn a_claim_for_anything_else_is_refused_by_name_and_spoils_nothing() {
    let claim = answer(asked());
    let mut checker = Checker::new(KEY.verifying.prepare());
    type Change = fn(&mut Challenge);
    let elsewhere: [(Change, ClaimError); 6] = [
        (|it| it.chain_id = 1, ClaimError::Chain(1)),
        (|it| it.contract[19] ^= 1, ClaimError::Contract),
        (|it| it.provider[0] ^= 1, ClaimError::Provider),
        (|it| it.window = 76, ClaimError::Window(76)),
        (|it| it.random[23] ^= 1, ClaimError::Window(77)),
        (|it| it.version = 4, ClaimError::Set(4)),
    ];
    for (change, error) in elsewhere {
        let mut other = asked();
        change(&mut other);
        // Who says so is refused at once; who passes the proof off as the one asked for, by the proof.
        let honest = Claim { challenge: other, ..claim.clone() };
        assert_eq!(checker.accept(&asked(), &claim.roots, &honest), Err(error));
        let passed_off = Claim { challenge: asked(), ..answer(other) };
        let refused = ClaimError::Proof(VerifyError::Refused);
        assert_eq!(checker.accept(&asked(), &claim.roots, &passed_off), Err(refused));
    }
    let mut roots = claim.roots.clone();
    roots[1] += Fr::ONE;
    assert_eq!(checker.accept(&asked(), &roots, &claim), Err(ClaimError::Slot(1)));
    assert_eq!(checker.accept(&asked(), &roots[..1], &claim), Err(ClaimError::Slot(1)));
    let lying = Claim { roots: roots.clone(), ..claim.clone() };
    assert_eq!(checker.accept(&asked(), &roots, &lying), Err(ClaimError::Proof(VerifyError::Refused)));
    assert_eq!(checker.accept(&asked(), &claim.roots, &claim), Ok(()));
}
