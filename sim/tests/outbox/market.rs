//! Agreements: owners open them, close them when they are over, and take what is left back. Money is conserved after
//! every block (promise S4).

use crate::storm::{
    NODES, Orders, SHARE, STORM, Summary, Treasurer, account, approveCall, ask, balanceOfCall, insist,
    intent, live, many, order,
};
use alloy::{
    primitives::{Address, B256, Bytes, U256},
    sol,
    sol_types::{SolCall, SolEvent, SolValue},
};
use futures::future::join_all;
use holdfast::{
    actors::incentive::TransactionEnd,
    env::evm::EvmChain,
    types::{Timestamp, chain::LogFilter},
};
use holdfast_sim::{cluster::Cluster, env::rng};
use rand::RngExt;
use std::{cell::Cell, time::Duration};

sol! {
    struct Terms {
        uint16 slots;
        uint16 threshold;
        uint64 slotBytes;
        uint32 windows;
        uint128 price;
        uint128 collateral;
        uint128 repairReward;
        uint128 refund;
        uint16 slaBps;
        uint32 responseBlocks;
    }
    struct Ledger {
        uint128 received;
        uint128 paid;
        uint128 burned;
        uint128 refunded;
    }
    event AgreementOpened(uint256 indexed agreement, address indexed owner, Terms terms, uint256 end);

    function open(Terms terms) returns (uint256);
    function close(uint256 agreement);
    function withdraw() returns (uint256);
    function ledger() returns (Ledger);

    interface Parameters {
        function initialize(address admin, uint256[] values);
    }
    interface Providers {
        function initialize(address admin, address parameters);
    }
    interface Stake {
        function initialize(address admin, address token, address providers, address parameters);
    }
    interface Challenges {
        function initialize(
            address admin, address parameters, address stake, address verifier, address randomness,
            uint64 windowBlocks, uint64 openBlocks
        );
    }
    interface Market {
        function initialize(
            address admin, address token, address providers, address stake, address challenges, address parameters
        );
    }
}

/// Agreements of each owner.
const AGREEMENTS: u64 = 2;
/// Blocks of a window, the shortest that the contracts take.
const WINDOW: u64 = 10;
const SLOTS: u64 = 4;

#[derive(Clone, Copy)]
struct Deployed {
    token: Address,
    market: Address,
}

macro_rules! artifact {
    ($name:literal) => {
        include_str!(concat!("../../../contracts/artifacts/", $name, ".json"))
    };
}

/// The token, and what of the market's contracts an owner needs.
fn deploy(treasurer: &Treasurer<'_>) -> Deployed {
    let (admin, token) = (treasurer.address(), treasurer.token());
    // The order of `Parameter` in contracts/src/governance/Parameters.sol; values of its tests.
    let values = [
        20,
        100,
        3,
        4,
        500,
        10_000,
        2_000,
        4_000,
        1_000,
        500,
        2,
        1_000,
        60,
        1_000,
        10,
        10u64.pow(18),
        30,
        0,
        0,
        40,
    ];
    let call = Parameters::initializeCall { admin, values: values.map(U256::from).to_vec() };
    let parameters = proxy(treasurer, artifact!("Parameters"), &call);
    let call = Providers::initializeCall { admin, parameters };
    let providers = proxy(treasurer, artifact!("Providers"), &call);
    let call = Stake::initializeCall { admin, token, providers, parameters };
    let stake = proxy(treasurer, artifact!("Stake"), &call);
    let verifier = treasurer.create(artifact!("ProviderVerifier"), Vec::new());
    let randomness = treasurer.create(artifact!("BlockhashRandomness"), Vec::new());
    let call = Challenges::initializeCall {
        admin,
        parameters,
        stake,
        verifier,
        randomness,
        windowBlocks: WINDOW,
        openBlocks: 1,
    };
    let challenges = proxy(treasurer, artifact!("Challenges"), &call);
    let call = Market::initializeCall { admin, token, providers, stake, challenges, parameters };
    let market = proxy(treasurer, artifact!("Market"), &call);
    Deployed { token, market }
}

/// Creates a contract behind a proxy, which calls it once.
fn proxy(treasurer: &Treasurer<'_>, artifact: &str, call: &impl SolCall) -> Address {
    let implementation = treasurer.create(artifact, Vec::new());
    let call = Bytes::from(call.abi_encode());
    treasurer.create(artifact!("HoldfastProxy"), (implementation, call).abi_encode_params())
}

/// Received is held, paid, burned or refunded.
fn conserved(evm: &EvmChain, Deployed { token, market }: Deployed, _: u64) {
    let Ledger { received, paid, burned, refunded } = ask(evm, market, &ledgerCall {});
    let held: U256 = ask(evm, token, &balanceOfCall { holder: market });
    let spent = U256::from(paid) + U256::from(burned) + U256::from(refunded);
    assert_eq!(held + spent, U256::from(received), "S4 at block {}", evm.head().header.number);
}

fn price(node: u32, number: u64) -> u128 {
    100 + u128::from(node) * 10 + u128::from(number)
}

fn terms(node: u32, number: u64) -> Terms {
    let price = price(node, number);
    Terms {
        slots: SLOTS as u16,
        threshold: 2,
        slotBytes: 1 << 20,
        windows: 1,
        price,
        collateral: price * 100,
        repairReward: price,
        refund: price,
        slaBps: 9_000,
        responseBlocks: 30,
    }
}

fn own(seed: u64) -> Summary {
    let work = async move |cluster: &Cluster<Orders>, deployed| {
        let mut random = rng::stream(seed, "owners", 0);
        let begin = cluster.time().now();
        let owners: Vec<_> = (0..NODES).map(|node| Owner { cluster, node, ended: Cell::new(0) }).collect();
        let living = owners.iter().map(|owner| {
            let at = [0; AGREEMENTS as usize].map(|_: u8| random.random_range(0..STORM.as_secs()));
            owner.live(deployed, at.map(|at| begin + Duration::from_secs(at)))
        });
        let living: Vec<_> = living.collect();
        join_all(living).await
    };
    live(seed, deploy, conserved, work, move |evm, deployed, ended| judge(evm, deployed, seed, &ended))
}

/// An owner, and how many of its intents ended.
struct Owner<'a> {
    cluster: &'a Cluster<Orders>,
    node: u32,
    ended: Cell<u64>,
}

impl Owner<'_> {
    /// Orders a call until it is executed. One that comes into an earlier block than it was estimated for may
    /// revert: that is told, and ordered anew.
    async fn executed(&self, number: u64, to: Address, call: &impl SolCall) -> B256 {
        for again in 0.. {
            let submit = order(intent(self.node, number + 1_000 * again), to, call);
            let end = insist(self.cluster.clone(), self.node, submit).await;
            self.ended.set(self.ended.get() + 1);
            match end {
                TransactionEnd::Executed { transaction, .. } => return transaction,
                TransactionEnd::Reverted { .. } => {}
                TransactionEnd::Expired => panic!("order {number} of {} has no last block", self.node),
                TransactionEnd::Refused { why } => {
                    panic!("order {number} of {} is refused: {why}", self.node)
                }
            }
        }
        unreachable!("there are more numbers than blocks")
    }

    async fn live(&self, Deployed { token, market }: Deployed, at: [Timestamp; AGREEMENTS as usize]) -> u64 {
        self.executed(0, token, &approveCall { spender: market, amount: U256::MAX }).await;
        let agreements = (1..).zip(at).map(async |(number, at)| {
            self.cluster.time().sleep_until(at).await;
            let opened = self.executed(number, market, &openCall { terms: terms(self.node, number) }).await;
            let chain = self.cluster.chain().expect("the world has a chain");
            let receipt = chain.look(|evm| evm.receipt(opened).cloned()).expect("it is final");
            let log = receipt.logs.iter().find(|log| log.topics[0] == AgreementOpened::SIGNATURE_HASH);
            let agreement = U256::from_be_bytes(log.expect("it says so").topics[1].0);
            // It would revert until the agreement is over.
            self.executed(100 + number, market, &closeCall { agreement }).await;
        });
        join_all(agreements).await;
        self.executed(999, market, &withdrawCall {}).await;
        self.ended.get()
    }
}

/// Each agreement was opened once, and all came back.
fn judge(evm: &EvmChain, Deployed { token, market }: Deployed, seed: u64, ended: &[u64]) {
    let mut opened = Vec::new();
    for from in (0..=evm.head().header.number).step_by(1_000) {
        let events = vec![AgreementOpened::SIGNATURE_HASH];
        let filter = LogFilter { addresses: vec![market], events, blocks: from..=from + 999 };
        for log in evm.logs(&filter).expect("logs") {
            let event =
                AgreementOpened::decode_raw_log(log.topics.iter().copied(), &log.data).expect("an event");
            opened.push((event.owner, event.terms.price));
        }
    }
    opened.sort();
    let all =
        (0..NODES).flat_map(|node| (1..=AGREEMENTS).map(move |it| (account(seed, node), price(node, it))));
    let mut expected: Vec<_> = all.collect();
    expected.sort();
    assert_eq!(opened, expected, "agreements by owner and price");
    let total: u128 = expected.iter().map(|(_, price)| price * u128::from(SLOTS)).sum();
    let Ledger { received, paid, burned, refunded } = ask(evm, market, &ledgerCall {});
    assert_eq!((received, paid, burned, refunded), (total, 0, 0, total));
    for (node, ended) in (0..NODES).zip(ended) {
        let owner = account(seed, node);
        let balance: U256 = ask(evm, token, &balanceOfCall { holder: owner });
        assert_eq!(balance, U256::from(SHARE), "what owner {node} has in the end");
        assert_eq!(evm.account(owner).nonce, *ended, "transactions of owner {node}");
    }
}

#[test]
fn every_agreement_is_opened_and_closed_exactly_once() {
    many("agreements", own);
}
