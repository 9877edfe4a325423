//! Deployment, funds, providers and stakes.

use crate::{
    cast::Cast,
    prover::Prover,
    report::{Report, Row},
    stage::Stage,
    world::World,
};
use alloy::primitives::{Address, B256, Bytes, U256};
use holdfast::{
    chain::{Sender, deploy, is_fresh, register},
    env::live::LiveClock,
    types::Wallet,
};
use holdfast_contracts::{
    Amount,
    abi::{Deletions, DevelopmentFaucet, HoldToken, Offer, Parameters, Providers, Safe, Stake},
    deployment::{Multisig, NAMES, Plan, Settings, Values},
    messages::{Deleted, Message, Served},
};
use std::rc::Rc;

/// What the voter gets: five per cent of the supply, above the quorum of four.
const VOTES: u64 = 50_000_000;

/// Deploys everything, and once more, which changes nothing.
pub async fn deploy_all<'a>(world: &'a dyn World, prover: &'a Prover) -> Stage<'a> {
    let (chain, cast) = (world.chain(), Cast::new());
    let mut settings = Settings::local(cast.deployer.address());
    settings.circuit = prover.kind;
    settings.treasury = Multisig { owners: cast.signers.iter().map(Wallet::address).collect(), threshold: 2 };
    let (window_blocks, open_blocks) = (settings.windows.blocks, settings.windows.open_blocks);
    let plan = Plan::new(settings, chain.id(), cast.deployer.address()).unwrap();
    assert!(is_fresh(&plan, &*chain).await.unwrap());
    let sender = Sender::new(chain.clone(), Rc::new(LiveClock::default()), cast.deployer.clone());
    let first = chain.head().await.unwrap().number;
    let deployed = deploy(&plan, &sender, first, |_| {}).await.unwrap_or_else(|why| panic!("{why}"));
    assert_eq!(deployed.sent, plan.steps.len(), "everything was to be done");
    let again = deploy(&plan, &sender, first, |_| {}).await.unwrap_or_else(|why| panic!("{why}"));
    assert_eq!((again.sent, &again.record), (0, &deployed.record), "nothing is deployed twice");
    let rows = vec![Row { step: "deploy", transactions: deployed.sent, gas: deployed.gas }];
    let mut stage = Stage {
        world,
        chain,
        prover,
        cast,
        it: plan.addresses,
        window_blocks,
        open_blocks,
        genesis: 0,
        report: Report { rows, ..Report::default() },
    };
    let genesis = holdfast_contracts::abi::Challenges::genesisCall {};
    stage.genesis = stage.ask(stage.it.challenges, &genesis).await;
    stage
}

/// What Rust says of the contracts without asking them: the bounds of parameters, and what peer keys sign.
pub async fn compare(stage: &Stage<'_>) {
    for (parameter, bounds) in (0..).zip(Values::bounds()) {
        let told = stage.ask(stage.it.parameters, &Parameters::boundsCall { parameter }).await;
        assert_eq!((told.low, told.high), bounds, "bounds of {}", NAMES[usize::from(parameter)]);
    }
    let (provider, commitment, number) = (stage.cast.loser.address(), B256::repeat_byte(9), U256::from(77));
    let (id, deletions) = (stage.chain.id(), stage.it.deletions);
    let asked = Deletions::deletedDigestCall { provider, commitment, blockNumber: number };
    let signed = Deleted { provider, commitment, blockNumber: number };
    assert_eq!(stage.ask(deletions, &asked).await, signed.peer_digest(id, deletions));
    let asked = Deletions::servedDigestCall { provider, commitment, blockNumber: number };
    let signed = Served { provider, commitment, blockNumber: number };
    assert_eq!(stage.ask(deletions, &asked).await, signed.peer_digest(id, deletions));
}

/// Two of three signers spend from the treasury; the faucet gives the others what they need.
pub async fn fund(stage: &mut Stage<'_>) {
    stage.act("spend from the multisig with two signatures");
    let transfer = HoldToken::transferCall { to: stage.cast.voter.address(), value: Amount::whole(VOTES).0 };
    let data = Bytes::from(alloy::sol_types::SolCall::abi_encode(&transfer));
    let relay = stage.cast.reporter.clone();
    let call = spend(stage, data.clone(), 1).await;
    // Safe's code for too few signatures.
    stage.refused(&relay, stage.it.treasury, &call, "GS020").await;
    let call = spend(stage, data, 2).await;
    stage.send(&relay, stage.it.treasury, &call).await;
    stage.refused(&relay, stage.it.treasury, &call, "GS026").await;

    stage.act("take test tokens from the faucet");
    let cast = &stage.cast;
    let takers =
        [&cast.owner, &cast.first, &cast.second, &cast.delegator, &cast.challenger].map(Wallet::clone);
    let faucet = stage.it.faucet.expect("a local chain has a faucet");
    for wallet in &takers {
        stage.send(wallet, faucet, &DevelopmentFaucet::dripCall {}).await;
        stage.refused(wallet, faucet, &DevelopmentFaucet::dripCall {}, "TooSoon").await;
    }
}

/// A Safe's transaction to the token, with so many signatures.
async fn spend(stage: &Stage<'_>, data: Bytes, signatures: usize) -> Safe::execTransactionCall {
    let (zero, none) = (U256::ZERO, Address::ZERO);
    let nonce = stage.ask(stage.it.treasury, &Safe::nonceCall {}).await;
    let hash = Safe::getTransactionHashCall {
        to: stage.it.token,
        value: zero,
        data: data.clone(),
        operation: 0,
        safeTxGas: zero,
        baseGas: zero,
        gasPrice: zero,
        gasToken: none,
        refundReceiver: none,
        _nonce: nonce,
    };
    let hash: B256 = stage.ask(stage.it.treasury, &hash).await;
    let signed = stage.cast.signers.iter().take(signatures).flat_map(|it| it.sign_digest(hash));
    Safe::execTransactionCall {
        to: stage.it.token,
        value: zero,
        data,
        operation: 0,
        safeTxGas: zero,
        baseGas: zero,
        gasPrice: zero,
        gasToken: none,
        refundReceiver: none,
        signatures: signed.collect::<Vec<u8>>().into(),
    }
}

/// Both providers register, with a commission of a tenth.
pub async fn register_both(stage: &mut Stage<'_>) {
    stage.act("register two providers");
    let cast = &stage.cast;
    let pairs = [(&cast.first, &cast.loser), (&cast.second, &cast.heir)].map(|(a, b)| (a.clone(), b.clone()));
    for (operator, peer) in pairs {
        let receipt = register(&stage.sender(&operator), stage.it.providers, &peer).await;
        stage.count(&[&receipt.unwrap_or_else(|why| panic!("{why}"))]);
        let offer = Offer {
            region: B256::right_padding_from(b"here"),
            capacity: 1 << 40,
            price: 1_000_000_000_000_000_000,
            commissionBps: 1_000,
        };
        let call = Providers::setOfferCall { provider: peer.address(), offer, endpoint: Bytes::new() };
        stage.send(&operator, stage.it.providers, &call).await;
        let reporter = stage.cast.reporter.clone();
        stage.refused(&reporter, stage.it.providers, &call, "NotOperator").await;
    }
}

/// Each operator stakes on itself, and a delegator on the first.
pub async fn stake(stage: &mut Stage<'_>) {
    stage.act("stake");
    let cast = &stage.cast;
    let (loser, heir) = (cast.loser.address(), cast.heir.address());
    let (first, second, delegator) = (cast.first.clone(), cast.second.clone(), cast.delegator.clone());
    add(stage, &first, loser, 1_000).await;
    add(stage, &second, heir, 1_000).await;
    stage.act("delegate");
    add(stage, &delegator, loser, 500).await;
}

async fn add(stage: &mut Stage<'_>, wallet: &Wallet, provider: Address, amount: u64) {
    let amount = Amount::whole(amount).0;
    let approve = HoldToken::approveCall { spender: stage.it.stake, value: amount };
    stage.send(wallet, stage.it.token, &approve).await;
    stage.send(wallet, stage.it.stake, &Stake::stakeCall { provider, amount }).await;
}
