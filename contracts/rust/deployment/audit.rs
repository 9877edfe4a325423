//! What must be true of a deployment, and what the chain's own record says of it.

use super::{
    plan::{Addresses, Plan, Question},
    settings::Circuit,
    steps::{ADMIN, ask, granted, role, truth},
};
use crate::abi;
use alloy::{
    primitives::{Address, B256, Bytes, Log, U256},
    sol_types::{SolCall, SolEvent, SolValue},
};
use std::collections::{BTreeMap, BTreeSet};

/// A question and the only right answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expectation {
    /// What it is about, for people.
    pub what: String,
    /// The question.
    pub question: Question,
    /// The answer.
    pub answer: Bytes,
}

/// Somebody who holds a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Holder {
    /// Of this contract.
    pub contract: Address,
    /// The role's id.
    pub role: B256,
    /// Who.
    pub account: Address,
}

/// Something that is not as it must be.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding(pub String);

/// All that must be true of a deployment.
#[derive(Debug, Clone)]
pub struct Audit {
    /// To be asked.
    pub expectations: Vec<Expectation>,
    /// Everybody who may hold a role, and nobody else.
    holders: BTreeSet<Holder>,
    implementations: BTreeMap<Address, Address>,
    names: BTreeMap<Address, &'static str>,
}

impl Audit {
    /// What must be true right after a plan was carried out: who rules, how the contracts know one another, and all that
    /// was chosen.
    #[must_use]
    pub fn of_plan(plan: &Plan) -> Self {
        let mut audit = Self::of_addresses(&plan.addresses, plan.deployer);
        audit.implementations.clone_from(&plan.implementations);
        audit.chosen(plan);
        audit
    }

    /// What must be true of a deployment at any time: who rules, and how the contracts know one another. What governance
    /// may have changed since is not looked at.
    #[must_use]
    pub fn of_addresses(it: &Addresses, deployer: Address) -> Self {
        let mut audit = Self {
            expectations: Vec::new(),
            holders: holders(it),
            implementations: BTreeMap::new(),
            names: it.named().into_iter().map(|(name, address)| (address, name)).collect(),
        };
        audit.roles(it, deployer);
        audit.wiring(it);
        audit
    }

    /// Everybody who may hold a role.
    #[must_use]
    pub fn holders(&self) -> &BTreeSet<Holder> {
        &self.holders
    }

    /// The contracts whose record [`Audit::replay`] wants, from the first block of the deployment on.
    #[must_use]
    pub fn watched(&self) -> BTreeSet<Address> {
        self.holders.iter().map(|holder| holder.contract).collect()
    }

    /// The events of that record, by their first topic.
    #[must_use]
    pub fn events() -> Vec<B256> {
        vec![
            abi::Market::RoleGranted::SIGNATURE_HASH,
            abi::Market::RoleRevoked::SIGNATURE_HASH,
            abi::Market::Upgraded::SIGNATURE_HASH,
        ]
    }

    /// Replays all that these contracts said of roles and upgrades, in order, and compares who holds what in the end.
    #[must_use]
    pub fn replay<'a>(&self, logs: impl IntoIterator<Item = &'a Log>) -> Vec<Finding> {
        let mut held = BTreeSet::new();
        let mut upgraded = BTreeMap::new();
        for log in logs {
            if let Ok(event) = abi::Market::RoleGranted::decode_log(log) {
                held.insert(Holder { contract: log.address, role: event.role, account: event.account });
            } else if let Ok(event) = abi::Market::RoleRevoked::decode_log(log) {
                held.remove(&Holder { contract: log.address, role: event.role, account: event.account });
            } else if let Ok(event) = abi::Market::Upgraded::decode_log(log) {
                upgraded.insert(log.address, event.implementation);
            }
        }
        let mut findings = Vec::new();
        let name = |address: &Address| self.names.get(address).copied().unwrap_or("?");
        let mut tell = |holder: &Holder, what: &str| {
            let Holder { contract, role, account } = holder;
            findings.push(Finding(format!("{}: {account} {what} role {role}", name(contract))));
        };
        held.difference(&self.holders).for_each(|holder| tell(holder, "holds"));
        self.holders.difference(&held).for_each(|holder| tell(holder, "was never given"));
        for (proxy, implementation) in &self.implementations {
            let runs = upgraded.get(proxy).copied().unwrap_or_default();
            if runs != *implementation {
                findings.push(Finding(format!(
                    "{}: runs the code at {runs}, expected {implementation}",
                    name(proxy)
                )));
            }
        }
        findings
    }

    fn expect(&mut self, what: impl Into<String>, to: Address, call: &impl SolCall, answer: impl SolValue) {
        let answer = answer.abi_encode().into();
        self.expectations.push(Expectation { what: what.into(), question: ask(to, call), answer });
    }

    /// Asked of each contract itself, beside what its record says.
    fn roles(&mut self, it: &Addresses, deployer: Address) {
        for Holder { contract, role, account } in self.holders.clone() {
            let question = ask(contract, &abi::Market::hasRoleCall { role, account });
            let what = format!("{}: {account} holds role {role}", self.names[&contract]);
            self.expectations.push(Expectation { what, question, answer: truth(true) });
        }
        for contract in self.watched() {
            let question = ask(contract, &abi::Market::hasRoleCall { role: ADMIN, account: deployer });
            let what = format!("{}: the deployer rules no longer", self.names[&contract]);
            self.expectations.push(Expectation { what, question, answer: truth(false) });
        }
        self.expect("token: the timelock owns it", it.token, &abi::HoldToken::ownerCall {}, it.timelock);
        self.expect(
            "token: nobody is to own it next",
            it.token,
            &abi::HoldToken::pendingOwnerCall {},
            Address::ZERO,
        );
    }

    fn wiring(&mut self, it: &Addresses) {
        self.expect("governor: its token", it.governor, &abi::HoldfastGovernor::tokenCall {}, it.token);
        self.expect(
            "governor: its timelock",
            it.governor,
            &abi::HoldfastGovernor::timelockCall {},
            it.timelock,
        );
        // The getters of one name are the same call, whichever contract declares them.
        let token = [it.stake, it.market, it.disputes, it.channels];
        let parameters =
            [it.stake, it.providers, it.challenges, it.market, it.disputes, it.channels, it.deletions];
        let providers = [it.stake, it.market, it.disputes, it.channels, it.deletions];
        let stake = [it.challenges, it.market, it.disputes, it.deletions];
        let challenges = [it.market, it.disputes, it.deletions];
        for contract in token.into_iter().chain(it.faucet) {
            self.expect(self.of(contract, "token"), contract, &abi::Disputes::tokenCall {}, it.token);
        }
        for contract in parameters {
            let what = self.of(contract, "parameters");
            self.expect(what, contract, &abi::Disputes::parametersCall {}, it.parameters);
        }
        for contract in providers {
            let what = self.of(contract, "providers");
            self.expect(what, contract, &abi::Disputes::providersCall {}, it.providers);
        }
        for contract in stake {
            self.expect(self.of(contract, "stake"), contract, &abi::Disputes::stakeCall {}, it.stake);
        }
        for contract in challenges {
            let what = self.of(contract, "challenges");
            self.expect(what, contract, &abi::Disputes::challengesCall {}, it.challenges);
        }
        let what = self.of(it.disputes, "market");
        self.expect(what, it.disputes, &abi::Disputes::marketCall {}, it.market);
    }

    fn of(&self, contract: Address, what: &str) -> String {
        format!("{}: its {what}", self.names[&contract])
    }

    fn chosen(&mut self, plan: &Plan) {
        let (it, chosen) = (&plan.addresses, &plan.settings);
        let values = chosen.parameters.words();
        for (parameter, (name, value)) in (0..).zip(super::NAMES.into_iter().zip(values)) {
            self.expect(
                format!("parameters: {name}"),
                it.parameters,
                &abi::Parameters::getCall { parameter },
                value,
            );
        }
        let challenges = it.challenges;
        let openings = if chosen.circuit == Circuit::Full { it.openings } else { Address::ZERO };
        self.expect("disputes: verifier", it.disputes, &abi::Disputes::openingsCall {}, openings);
        self.expect("challenges: verifier", challenges, &abi::Challenges::verifierCall {}, it.verifier);
        self.expect("challenges: randomness", challenges, &abi::Challenges::randomnessCall {}, it.randomness);
        let blocks = U256::from(chosen.windows.blocks);
        self.expect(
            "challenges: blocks of a window",
            challenges,
            &abi::Challenges::windowBlocksCall {},
            blocks,
        );
        let blocks = U256::from(chosen.windows.open_blocks);
        self.expect("challenges: blocks to open it", challenges, &abi::Challenges::openBlocksCall {}, blocks);
        let delay = U256::from(chosen.governance.timelock_seconds);
        self.expect("timelock: its delay", it.timelock, &abi::HoldfastTimelock::getMinDelayCall {}, delay);
        let delay = U256::from(chosen.governance.voting_delay_blocks);
        self.expect("governor: voting delay", it.governor, &abi::HoldfastGovernor::votingDelayCall {}, delay);
        let period = U256::from(chosen.governance.voting_period_blocks);
        self.expect(
            "governor: voting period",
            it.governor,
            &abi::HoldfastGovernor::votingPeriodCall {},
            period,
        );
        let threshold = chosen.governance.proposal_threshold.0;
        let call = abi::HoldfastGovernor::proposalThresholdCall {};
        self.expect("governor: proposal threshold", it.governor, &call, threshold);
        self.expect("token: supply", it.token, &abi::HoldToken::totalSupplyCall {}, chosen.supply.0);
        let held = abi::HoldToken::balanceOfCall { account: plan.deployer };
        self.expect("token: the deployer has none", it.token, &held, U256::ZERO);
        for (name, safe, multisig) in
            [("treasury", it.treasury, &chosen.treasury), ("guardian", it.guardian, &chosen.guardian)]
        {
            self.expect(
                format!("{name}: owners"),
                safe,
                &abi::Safe::getOwnersCall {},
                multisig.owners.clone(),
            );
            let threshold = U256::from(multisig.threshold);
            self.expect(format!("{name}: threshold"), safe, &abi::Safe::getThresholdCall {}, threshold);
        }
    }
}

/// Everybody who may hold a role.
fn holders(it: &Addresses) -> BTreeSet<Holder> {
    let named =
        granted(it).map(|(contract, name, account, _)| Holder { contract, role: role(name), account });
    let admins = it.governed().map(|(_, contract)| Holder { contract, role: ADMIN, account: it.timelock });
    // OpenZeppelin's timelock rules itself, and lets anybody execute if so told.
    let timelock = [
        Holder { contract: it.timelock, role: ADMIN, account: it.timelock },
        Holder { contract: it.timelock, role: role("EXECUTOR_ROLE"), account: Address::ZERO },
    ];
    named.into_iter().chain(admins).chain(timelock).collect()
}
