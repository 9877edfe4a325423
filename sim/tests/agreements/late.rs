//! Gas costs more than anybody here pays, for longer than a window: what could not be sent in time is not sent afterwards.

use crate::{
    agree,
    judge::{ask, told},
    over, rush,
    setup::{SLOTS, Setup, Stage, calm, node_settings},
    wish,
};
use alloy::{
    primitives::{Address, U256},
    sol_types::SolCall,
};
use holdfast::{
    env::evm::EvmChain,
    settings::{MarketSettings, Settings},
};
use holdfast_contracts::{
    Amount,
    abi::{Challenges, Market},
};
use holdfast_sim::world::run;
use std::time::Duration;

/// What was sent to have windows opened and proven.
#[derive(Debug, Default)]
struct Sent {
    /// In blocks after the last that took it.
    late: u64,
    /// In its place, transactions that did nothing.
    nothing: u64,
}

fn sent(evm: &EvmChain, stage: &Stage) -> Sent {
    let at = &stage.at;
    let genesis = ask(evm, at.challenges, &Challenges::genesisCall {});
    let (blocks, open) = (100, 25);
    let deadline = |input: &[u8]| {
        if let Ok(call) = Challenges::openWindowCall::abi_decode(input) {
            return Some(genesis + call.window.to::<u64>() * blocks + open);
        }
        let call = Challenges::submitProofCall::abi_decode(input).ok()?;
        let opened = ask(evm, at.challenges, &Challenges::openedWindowCall { window: call.window });
        Some(opened.deadline.to())
    };
    let mut sent = Sent::default();
    for block in (0..=evm.head().header.number).filter_map(|number| evm.block(number)) {
        for it in &block.transactions {
            let to: Option<Address> = it.tx().to.to().copied();
            sent.nothing += u64::from(to == Some(it.sender));
            sent.late += u64::from(deadline(&it.tx().input).is_some_and(|last| block.header.number > last));
        }
    }
    sent
}

#[test]
fn what_was_due_before_the_end_of_a_rush_is_not_sent_after_it() {
    let sent = run(2, || {
        Box::pin(async {
            // Nothing is worth more than the 500 gwei that any transaction may cost.
            let market = MarketSettings { hold_price: Amount::whole(0), ..node_settings().market };
            let settings = Settings { market, ..node_settings() };
            let stage = Stage::set_as(2, Setup { settings, ..Setup::default() }).await;
            agree(&stage.cluster, stage.placement, wish()).await;
            rush(&stage).await;
            let agreed = over(&stage).await;
            stage.chain.set_plan(calm());
            stage.cluster.time().sleep(Duration::from_secs(600)).await;
            let sent = stage.chain.look(|evm| {
                let proofs = told::<Challenges::ProofAccepted>(evm, stage.at.challenges).len() as u64;
                let windows = u64::from(SLOTS) * u64::from(wish().windows);
                assert!((1..windows).contains(&proofs), "{proofs} of {windows} proofs");
                stage.nothing_is_done_twice(evm, 2);
                let ledger = ask(evm, stage.at.market, &Market::ledgerCall {});
                assert_eq!(ledger.received, ledger.paid + ledger.burned + ledger.refunded, "S4");
                assert!(U256::from(ledger.paid) <= agreed.quote.price.0 * U256::from(proofs), "S3");
                sent(evm, &stage)
            });
            stage.cluster.shut_down().await;
            sent
        })
    });
    println!("{sent:?}");
    assert!(sent.late == 0 && sent.nothing > 0, "{sent:?}");
}
