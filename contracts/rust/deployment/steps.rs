//! Which transactions make a deployment.

use super::{
    plan::{Addresses, CREATE2_FACTORY, Check, Question, Step, salt},
    settings::{Circuit, Multisig, Randomness, Settings},
};
use crate::abi;
use alloy::{
    primitives::{Address, B256, Bytes, U256, keccak256},
    sol_types::{SolCall, SolConstructor, SolValue},
};
use std::collections::BTreeMap;

/// OpenZeppelin's `DEFAULT_ADMIN_ROLE`.
pub(super) const ADMIN: B256 = B256::ZERO;

/// A role's id, from its name.
pub(super) fn role(name: &str) -> B256 {
    keccak256(name)
}

/// A call as a question.
pub(super) fn ask(to: Address, call: &impl SolCall) -> Question {
    Question { to, data: call.abi_encode().into() }
}

/// True or false as a contract answers it.
pub(super) fn truth(value: bool) -> Bytes {
    value.abi_encode().into()
}

/// All steps, where they lead to, and what code the proxies run.
pub(super) fn build(
    settings: &Settings,
    deployer: Address,
) -> (Addresses, BTreeMap<Address, Address>, Vec<Step>) {
    let mut builder = Builder {
        settings,
        deployer,
        salt: salt(settings.salt),
        steps: Vec::new(),
        implementations: BTreeMap::new(),
    };
    let (treasury, guardian) = builder.safes();
    let (timelock, token, governor, faucet) = builder.government(treasury);
    let core = builder.core(token);
    let [openings, disputes, channels, access_lists, deletions] = builder.around(token, &core);
    let Core { parameters, providers, stake, verifier, randomness, challenges, market } = core;
    let addresses = Addresses {
        token,
        timelock,
        governor,
        parameters,
        providers,
        stake,
        verifier,
        openings,
        randomness,
        challenges,
        market,
        disputes,
        channels,
        access_lists,
        deletions,
        treasury,
        guardian,
        faucet,
    };
    builder.grants(&addresses);
    builder.hand_over(&addresses);
    (addresses, builder.implementations, builder.steps)
}

struct Core {
    parameters: Address,
    providers: Address,
    stake: Address,
    verifier: Address,
    randomness: Address,
    challenges: Address,
    market: Address,
}

struct Builder<'a> {
    settings: &'a Settings,
    deployer: Address,
    salt: B256,
    steps: Vec<Step>,
    implementations: BTreeMap<Address, Address>,
}

impl Builder<'_> {
    /// Creates a contract by its creation code and the encoded arguments of its constructor.
    fn create(&mut self, name: &str, code: &Bytes, arguments: &[u8]) -> Address {
        let code = [code, arguments].concat();
        let address = CREATE2_FACTORY.create2_from_code(self.salt, &code);
        self.steps.push(Step {
            name: format!("create {name}"),
            to: CREATE2_FACTORY,
            data: [self.salt.as_slice(), &code].concat().into(),
            done: Check::HasCode(address),
        });
        address
    }

    /// Creates an upgradeable contract and its proxy, which initialises it in the same transaction.
    fn proxy(&mut self, name: &str, code: &Bytes, initialize: &impl SolCall) -> Address {
        let implementation = self.create(&format!("{name}'s code"), code, &[]);
        let arguments = abi::HoldfastProxy::constructorCall {
            implementation,
            initialization: initialize.abi_encode().into(),
        };
        let proxy = self.create(name, &abi::HoldfastProxy::BYTECODE, &arguments.abi_encode());
        self.implementations.insert(proxy, implementation);
        proxy
    }

    fn call(&mut self, name: impl Into<String>, to: Address, call: &impl SolCall, done: Check) {
        self.steps.push(Step { name: name.into(), to, data: call.abi_encode().into(), done });
    }

    fn safes(&mut self) -> (Address, Address) {
        let singleton = self.create("Safe's code", &abi::Safe::BYTECODE, &[]);
        let factory = self.create("the factory of Safes", &abi::SafeProxyFactory::BYTECODE, &[]);
        let handler = self.create("the handler of Safes", &abi::CompatibilityFallbackHandler::BYTECODE, &[]);
        let treasury = self.settings.treasury.clone();
        let guardian = self.settings.guardian.clone();
        let mut safe =
            |name, multisig, number| self.safe(name, multisig, singleton, factory, handler, number);
        (safe("the treasury", treasury, 0), safe("the guardian", guardian, 1))
    }

    /// Creates a Safe as its own factory does. `number` tells two Safes of the same owners apart.
    fn safe(
        &mut self,
        name: &str,
        multisig: Multisig,
        singleton: Address,
        factory: Address,
        handler: Address,
        number: u64,
    ) -> Address {
        let setup = abi::Safe::setupCall {
            _owners: multisig.owners,
            _threshold: U256::from(multisig.threshold),
            to: Address::ZERO,
            data: Bytes::new(),
            fallbackHandler: handler,
            paymentToken: Address::ZERO,
            payment: U256::ZERO,
            paymentReceiver: Address::ZERO,
        }
        .abi_encode();
        let nonce = U256::from_be_bytes(self.salt.0).wrapping_add(U256::from(number));
        let salt = keccak256([keccak256(&setup).as_slice(), &nonce.to_be_bytes::<32>()].concat());
        let code = [abi::SafeProxy::BYTECODE.as_ref(), &singleton.abi_encode()].concat();
        let address = factory.create2_from_code(salt, code);
        let create = abi::SafeProxyFactory::createProxyWithNonceCall {
            _singleton: singleton,
            initializer: setup.into(),
            saltNonce: nonce,
        };
        self.call(format!("create {name}, a Safe"), factory, &create, Check::HasCode(address));
        address
    }

    /// Timelock, token, governor and faucet.
    fn government(&mut self, treasury: Address) -> (Address, Address, Address, Option<Address>) {
        let (settings, deployer) = (self.settings, self.deployer);
        let arguments = abi::HoldfastTimelock::constructorCall {
            delay: U256::from(settings.governance.timelock_seconds),
            proposers: Vec::new(),
            executors: vec![Address::ZERO],
            admin: deployer,
        };
        let timelock = self.create("the timelock", &abi::HoldfastTimelock::BYTECODE, &arguments.abi_encode());
        // A faucet must be filled, so where there is one the supply takes the way by the deployer.
        let holder = if settings.faucet.is_some() { deployer } else { treasury };
        let arguments =
            abi::HoldToken::constructorCall { owner: timelock, holder, supply: settings.supply.0 };
        let token = self.create("the token", &abi::HoldToken::BYTECODE, &arguments.abi_encode());
        let arguments = abi::HoldfastGovernor::constructorCall {
            token,
            timelock,
            delay: settings.governance.voting_delay_blocks.try_into().expect("48 bits hold 32"),
            period: settings.governance.voting_period_blocks,
            threshold: settings.governance.proposal_threshold.0,
        };
        let governor = self.create("the governor", &abi::HoldfastGovernor::BYTECODE, &arguments.abi_encode());
        let faucet = self.faucet(token, treasury);
        (timelock, token, governor, faucet)
    }

    fn faucet(&mut self, token: Address, treasury: Address) -> Option<Address> {
        let (supply, faucet) = (self.settings.supply.0, self.settings.faucet.as_ref()?);
        let arguments = abi::DevelopmentFaucet::constructorCall { token_: token, portion_: faucet.portion.0 };
        let address = self.create("the faucet", &abi::DevelopmentFaucet::BYTECODE, &arguments.abi_encode());
        // What the deployer holds says which of the two transfers are made: it never holds so much again.
        let held = ask(token, &abi::HoldToken::balanceOfCall { account: self.deployer });
        let rest = supply - faucet.stock.0;
        let before = |amount: U256| Check::Differs(held.clone(), amount.abi_encode().into());
        let fill = abi::HoldToken::transferCall { to: address, value: faucet.stock.0 };
        self.call("fill the faucet", token, &fill, before(supply));
        if !rest.is_zero() {
            let give = abi::HoldToken::transferCall { to: treasury, value: rest };
            self.call("give the treasury the rest of the supply", token, &give, before(rest));
        }
        Some(address)
    }

    fn verifier(&mut self) -> Address {
        match self.settings.circuit {
            Circuit::Full => self.create("the verifier", &abi::ProviderVerifier::BYTECODE, &[]),
            Circuit::Small => self.create("the verifier", &abi::SmallProviderVerifier::BYTECODE, &[]),
        }
    }

    fn randomness(&mut self) -> Address {
        let code = match self.settings.windows.randomness {
            Randomness::Blockhash => &abi::BlockhashRandomness::BYTECODE,
            Randomness::Prevrandao => &abi::PrevrandaoRandomness::BYTECODE,
        };
        self.create("the source of randomness", code, &[])
    }

    /// Parameters, providers, stakes, challenges and the market: each knows those before it.
    fn core(&mut self, token: Address) -> Core {
        let admin = self.deployer;
        let values = self.settings.parameters.words().to_vec();
        let initialize = abi::Parameters::initializeCall { admin, values };
        let parameters = self.proxy("Parameters", &abi::Parameters::BYTECODE, &initialize);
        let initialize = abi::Providers::initializeCall { admin, parameters_: parameters };
        let providers = self.proxy("Providers", &abi::Providers::BYTECODE, &initialize);
        let initialize = abi::Stake::initializeCall {
            admin,
            token_: token,
            providers_: providers,
            parameters_: parameters,
        };
        let stake = self.proxy("Stake", &abi::Stake::BYTECODE, &initialize);
        let (verifier, randomness) = (self.verifier(), self.randomness());
        let initialize = abi::Challenges::initializeCall {
            admin,
            parameters_: parameters,
            stake_: stake,
            verifier_: verifier,
            randomness_: randomness,
            windowBlocks_: self.settings.windows.blocks,
            openBlocks_: self.settings.windows.open_blocks,
        };
        let challenges = self.proxy("Challenges", &abi::Challenges::BYTECODE, &initialize);
        let initialize = abi::Market::initializeCall {
            admin,
            token_: token,
            providers_: providers,
            stake_: stake,
            challenges_: challenges,
            parameters_: parameters,
        };
        let market = self.proxy("Market", &abi::Market::BYTECODE, &initialize);
        Core { parameters, providers, stake, verifier, randomness, challenges, market }
    }

    /// What stands around the market: the verifier of openings, disputes, channels, access lists, deletions.
    fn around(&mut self, token: Address, core: &Core) -> [Address; 5] {
        let (admin, parameters_) = (self.deployer, core.parameters);
        let (providers_, stake_, challenges_) = (core.providers, core.stake, core.challenges);
        let initialize = abi::Disputes::initializeCall {
            admin,
            token_: token,
            providers_,
            stake_,
            challenges_,
            market_: core.market,
            parameters_,
        };
        let disputes = self.proxy("Disputes", &abi::Disputes::BYTECODE, &initialize);
        let openings = self.create("the verifier of doubted roots", &abi::OpeningVerifier::BYTECODE, &[]);
        let known = ask(disputes, &abi::Disputes::openingsCall {});
        let set = abi::Disputes::setOpeningsCall { openings_: openings };
        let done = Check::Answers(known, openings.abi_encode().into());
        // It verifies openings of whole trees: a root over small ones could not be upheld, and so must not be doubted.
        if self.settings.circuit == Circuit::Full {
            self.call("disputes know the verifier of doubted roots", disputes, &set, done);
        }
        let initialize = abi::Channels::initializeCall { admin, token_: token, providers_, parameters_ };
        let channels = self.proxy("Channels", &abi::Channels::BYTECODE, &initialize);
        let initialize = abi::AccessLists::initializeCall { admin };
        let access_lists = self.proxy("AccessLists", &abi::AccessLists::BYTECODE, &initialize);
        let initialize =
            abi::Deletions::initializeCall { admin, providers_, stake_, challenges_, parameters_ };
        let deletions = self.proxy("Deletions", &abi::Deletions::BYTECODE, &initialize);
        [openings, disputes, channels, access_lists, deletions]
    }

    fn grants(&mut self, addresses: &Addresses) {
        for (contract, name, holder, why) in granted(addresses) {
            self.grant(contract, role(name), holder, why);
        }
    }

    fn grant(&mut self, contract: Address, role: B256, account: Address, name: impl Into<String>) {
        let held = ask(contract, &abi::Market::hasRoleCall { role, account });
        let grant = abi::Market::grantRoleCall { role, account };
        self.call(name, contract, &grant, Check::Answers(held, truth(true)));
    }

    /// The last steps: the deployer gives everything away.
    fn hand_over(&mut self, addresses: &Addresses) {
        for (name, contract) in addresses.governed() {
            let to_timelock = format!("{name}: the timelock rules");
            self.grant(contract, ADMIN, addresses.timelock, to_timelock);
            self.renounce(contract, format!("{name}: the deployer no longer does"));
        }
        self.renounce(addresses.timelock, "the timelock: the deployer no longer rules".into());
    }

    fn renounce(&mut self, contract: Address, name: String) {
        let (role, account) = (ADMIN, self.deployer);
        let held = ask(contract, &abi::Market::hasRoleCall { role, account });
        let renounce = abi::Market::renounceRoleCall { role, callerConfirmation: account };
        self.call(name, contract, &renounce, Check::Answers(held, truth(false)));
    }
}

/// Every role but the administrator's: contract, role, holder, and what it means.
pub(super) fn granted(it: &Addresses) -> [(Address, &'static str, Address, &'static str); 10] {
    [
        (it.timelock, "PROPOSER_ROLE", it.governor, "the timelock obeys the governor"),
        (it.timelock, "CANCELLER_ROLE", it.governor, "the governor may cancel"),
        (it.stake, "MARKET", it.market, "the market locks collateral"),
        (it.stake, "PENALTY", it.challenges, "missed windows cost collateral"),
        (it.stake, "PENALTY", it.disputes, "lost disputes cost collateral"),
        (it.stake, "PENALTY", it.deletions, "false receipts cost collateral"),
        (it.challenges, "MARKET", it.market, "the market changes sets of slots"),
        (it.challenges, "DISPUTE", it.disputes, "disputes are noted"),
        (it.market, "DISPUTE", it.disputes, "a lost dispute costs the slot"),
        (it.market, "GUARDIAN", it.guardian, "the guardian may pause"),
    ]
}
