//! Plans and settings, without a chain.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use alloy::primitives::{Address, U256, keccak256};
use holdfast_contracts::{
    Amount, abi,
    deployment::{
        Audit, CREATE2_FACTORY, Check, Circuit, DEVELOPMENT_KEY, Multisig, NAMES, Network, PUBLIC_MAINNETS,
        Plan, Record, RecordError, Settings, SettingsError, Values,
    },
};
use std::{collections::BTreeSet, fs, path::Path};

const DEPLOYER: Address = Address::repeat_byte(0xde);

fn source(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

fn plan() -> Plan {
    Plan::new(Settings::local(DEPLOYER), 31337, DEPLOYER).unwrap()
}

/// Settings for a public chain that a person has completed.
fn public() -> Settings {
    let owners = (1..=3).map(Address::repeat_byte).collect();
    let multisig = Multisig { owners, threshold: 2 };
    Settings { treasury: multisig.clone(), guardian: multisig, ..Settings::public(Network::Public) }
}

#[test]
fn the_same_arguments_give_the_same_plan_and_others_other_addresses() {
    assert_eq!(plan(), plan());
    let mut settings = Settings::local(DEPLOYER);
    settings.salt = 1;
    let other = Plan::new(settings, 31337, DEPLOYER).unwrap();
    let addresses =
        |plan: &Plan| plan.addresses.named().into_iter().map(|(_, it)| it).collect::<BTreeSet<_>>();
    assert!(addresses(&plan()).is_disjoint(&addresses(&other)), "a salt moves everything");
    assert_eq!(addresses(&plan()).len(), plan().addresses.named().len(), "everything stands by itself");
}

#[test]
fn an_address_follows_from_the_creation_code() {
    let plan = plan();
    let creations = plan.steps.iter().filter(|step| step.to == CREATE2_FACTORY);
    let mut count = 0;
    for step in creations {
        let (salt, code) = step.data.split_at(32);
        let preimage = [&[0xff], CREATE2_FACTORY.as_slice(), salt, keccak256(code).as_slice()].concat();
        let expected = Address::from_word(keccak256(preimage));
        assert_eq!(step.done, Check::HasCode(expected), "{}", step.name);
        count += 1;
    }
    assert!(count > 25, "{count} creations");
}

#[test]
fn the_deployer_gives_everything_away_at_the_end() {
    let plan = plan();
    let names: Vec<&str> = plan.steps.iter().map(|step| step.name.as_str()).collect();
    let renounced = names.iter().filter(|name| name.contains("the deployer no longer")).count();
    assert_eq!(renounced, 10, "nine governed contracts and the timelock: {names:?}");
    assert_eq!(names.last(), Some(&"the timelock: the deployer no longer rules"));
}

#[test]
fn only_a_development_chain_has_a_faucet() {
    let settings = public();
    assert!(settings.faucet.is_none());
    let with = Settings { faucet: Settings::local(DEPLOYER).faucet, ..settings };
    assert_eq!(with.validate(5), Err(SettingsError::Faucet(5)));
    assert_eq!(with.validate(11155111), Ok(()));
    assert!(Settings::public(Network::Testnet).faucet.is_some());
}

#[test]
fn a_key_that_anybody_can_forge_with_is_refused_on_public_mainnets() {
    let verifier = source("src/generated/ProviderVerifier.sol");
    assert!(verifier.contains(&format!("bool public constant DEVELOPMENT_KEY = {DEVELOPMENT_KEY};")));
    for chain in PUBLIC_MAINNETS {
        assert!(verifier.contains(&format!("chain == {chain}")), "the contract knows {chain}");
        assert_eq!(public().validate(chain), Err(SettingsError::DevelopmentKey(chain)));
    }
    assert_eq!(verifier.matches("chain == ").count(), PUBLIC_MAINNETS.len(), "and no other");
}

#[test]
fn the_small_circuit_stays_on_this_machine() {
    let small = Settings { circuit: Circuit::Small, ..public() };
    assert_eq!(small.validate(97), Err(SettingsError::SmallCircuit(97)));
    let small = Settings { circuit: Circuit::Small, ..Settings::local(DEPLOYER) };
    assert_eq!(small.validate(1337), Ok(()));
    let verifier = |settings| Plan::new(settings, 1337, DEPLOYER).unwrap().addresses.verifier;
    assert_ne!(verifier(small), verifier(Settings::local(DEPLOYER)));
}

#[test]
fn a_value_outside_its_bounds_is_named() {
    let mut settings = Settings::local(DEPLOYER);
    settings.parameters.miss_penalty_bps = 501;
    let (name, value, low, high) = ("MissPenaltyBps", U256::from(501), U256::from(10), U256::from(500));
    assert_eq!(settings.validate(31337), Err(SettingsError::Bounds { name, value, low, high }));
    for values in [Values::local(), Values::public()] {
        for ((word, (low, high)), name) in values.words().into_iter().zip(Values::bounds()).zip(NAMES) {
            assert!(low <= word && word <= high, "{name}");
        }
    }
}

#[test]
fn parameters_have_the_contracts_names_in_its_order() {
    let contract = source("src/governance/Parameters.sol");
    let list = contract.split("enum Parameter {").nth(1).unwrap().split('}').next().unwrap();
    let names: Vec<&str> = list
        .lines()
        .map(|line| line.split("//").next().unwrap().trim().trim_end_matches(','))
        .filter(|name| !name.is_empty())
        .collect();
    assert_eq!(names, NAMES);
}

#[test]
fn settings_that_cannot_work_are_refused() {
    type Spoil = fn(&mut Settings);
    let spoilt: [(&str, Spoil); 9] = [
        ("supply", |it| it.supply = Amount(U256::ZERO)),
        ("supply", |it| it.supply = Amount(U256::from(1) << 208)),
        ("faucet", |it| it.faucet.as_mut().unwrap().stock = Amount::whole(2_000_000_000)),
        ("windows", |it| it.windows.blocks = 27),
        ("windows.open_blocks", |it| (it.windows.open_blocks, it.windows.blocks) = (256, 1_000)),
        ("treasury", |it| it.treasury.owners.clear()),
        ("treasury", |it| it.treasury.threshold = 2),
        ("guardian", |it| it.guardian.owners.push(DEPLOYER)),
        ("governance.voting_period_blocks", |it| it.governance.voting_period_blocks = 0),
    ];
    for (expected, spoil) in spoilt {
        let mut settings = Settings::local(DEPLOYER);
        spoil(&mut settings);
        match settings.validate(31337) {
            Err(SettingsError::Field { field, .. }) => assert_eq!(field, expected),
            other => panic!("{expected}: {other:?}"),
        }
    }
}

#[test]
fn settings_and_records_are_read_as_they_were_written() {
    for settings in [Settings::local(DEPLOYER), public()] {
        let text = toml::to_string(&settings).unwrap();
        assert_eq!(toml::from_str::<Settings>(&text).unwrap(), settings, "{text}");
    }
    let mut record = Record::planned(&plan(), 7);
    assert!(!Record::from_toml(&record.to_toml()).unwrap().is_complete());
    record.complete([(DEPLOYER, keccak256("code"))].into());
    assert_eq!(Record::from_toml(&record.to_toml()).unwrap(), record);
    let later = record.to_toml().replace("version = 1", "version = 2\nnovelty = true");
    assert_eq!(Record::from_toml(&later), Err(RecordError::Version(2)));
    assert!(matches!(Record::from_toml("supply = 1"), Err(RecordError::Unreadable(_))));
}

#[test]
fn a_role_that_nobody_expects_is_found_in_the_log() {
    use alloy::{primitives::Log, sol_types::SolEvent};
    let plan = plan();
    let audit = Audit::of_plan(&plan);
    let log = |address, event: &dyn Fn() -> alloy::primitives::LogData| Log { address, data: event() };
    let upgraded =
        |proxy, implementation| log(proxy, &|| abi::Market::Upgraded { implementation }.encode_log_data());
    let granted = |contract, role, account| {
        log(contract, &|| abi::Market::RoleGranted { role, account, sender: DEPLOYER }.encode_log_data())
    };
    let mut honest: Vec<Log> =
        plan.implementations.iter().map(|(proxy, code)| upgraded(*proxy, *code)).collect();
    honest.extend(audit.holders().iter().map(|it| granted(it.contract, it.role, it.account)));
    assert_eq!(audit.replay(&honest), []);
    let stranger = Address::repeat_byte(0x66);
    let mut spoilt = honest.clone();
    spoilt.push(granted(plan.addresses.stake, keccak256("PENALTY"), stranger));
    let findings = audit.replay(&spoilt);
    assert!(findings.len() == 1 && findings[0].0.contains(&stranger.to_string()), "{findings:?}");
    let mut spoilt = honest.clone();
    spoilt.push(upgraded(plan.addresses.market, stranger));
    assert_eq!(audit.replay(&spoilt).len(), 1, "another code");
    let missing = audit.replay(&honest[..honest.len() - 1]);
    assert_eq!(missing.len(), 1, "a role that was never given: {missing:?}");
}
