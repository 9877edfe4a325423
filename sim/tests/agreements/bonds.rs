//! The bond of a reservation: a rush of gas does not burn it, it comes back if the agreement ended first, and nobody pays one who
//! lacks the stake for the slot. In each story a provider does not go on with its slot.

use crate::{
    extension::{LEFT, Story, another_goes_on},
    judge::{ask, told},
    refill::provider,
    rush,
    setup::{NODES, OWNER, Setup},
};
use alloy::primitives::{Address, U256};
use holdfast::{actors::storage::HeldPlacements, chain::Sender};
use holdfast_contracts::{
    Amount,
    abi::{Challenges, Market, Stake},
};
use holdfast_sim::{
    NodeNumber,
    env::{SimClock, chain::wallet},
    faults::Fault,
    world::run,
};
use std::{rc::Rc, time::Duration};

impl Story {
    /// Waits until somebody has reserved the slot; who.
    async fn reserved(&self) -> Address {
        loop {
            let reserver = self.slot(LEFT).reserver;
            if !reserver.is_zero() {
                return reserver;
            }
            assert!(self.window() < self.end(), "nobody reserves the slot");
            self.stage.cluster.time().sleep(Duration::from_millis(100)).await;
        }
    }
}

/// It lasts three times as long as the reservation, and gas costs three times what any transaction may cost.
#[test]
fn a_slot_is_refilled_through_a_rush_that_outlasts_its_reservation() {
    let earned = run(4, || {
        Box::pin(async {
            let story = Story::begin(4, Setup::default()).await;
            let leaves = story.one_leaves().await;
            story.extend(1).await;
            let reserver = story.reserved().await;
            let (cluster, node) = (story.stage.cluster.clone(), story.node(reserver));
            cluster.apply(Fault::Pause { node }).expect("it exists");
            rush(&story.stage).await;
            assert_eq!(story.slot(LEFT).reserver, reserver, "it was refilled before the rush began");
            cluster.apply(Fault::Resume { node }).expect("it exists");
            story.over().await;
            story.judge(|story| another_goes_on(story, 4, leaves)).await
        })
    });
    assert!(earned >= 3, "whoever refilled it was paid for {earned} windows");
}

/// Whoever reserved the slot is away until the agreement's last window.
#[test]
fn a_bond_comes_back_if_the_agreement_ends_before_the_reservation() {
    run(5, || {
        Box::pin(async {
            let setup = Setup { reservation_blocks: 150, ..Setup::default() };
            let story = Story { more: 3, ..Story::begin(5, setup).await };
            let (cluster, at) = (story.stage.cluster.clone(), story.stage.at.clone());
            story.one_leaves().await;
            story.extend(1).await;
            let reserver = story.reserved().await;
            let node = story.node(reserver);
            cluster.apply(Fault::Crash { node }).expect("it exists");
            let locked = Stake::lockedOfCall { provider: reserver };
            let locked = || story.stage.chain.look(|evm| ask(evm, at.stake, &locked));
            assert!(
                locked() == Amount::whole(2).0 && story.slot(LEFT).reserver == reserver,
                "a bond is locked"
            );
            let last = story.slot(LEFT).reservedTo;
            while story.window() + 1 < story.end() || story.stage.height() < last {
                cluster.time().sleep(Duration::from_secs(12)).await;
            }
            cluster.start(node).await.expect("it starts again");
            story.over().await;
            assert_eq!(locked(), U256::ZERO, "the bond is still locked");
            story
                .judge(|story| {
                    story.stage.chain.look(|evm| {
                        let ended = told::<Market::ReservationEnded>(evm, at.market);
                        assert!(ended.len() == 1 && ended[0].burned.is_zero(), "the bond burned: {ended:?}");
                        let missed = told::<Challenges::WindowMissed>(evm, at.challenges);
                        assert!(missed.is_empty(), "S2: {missed:?}");
                    });
                })
                .await;
        })
    });
}

/// Providers without a slot withdraw so much of their stake that it covers the bond and not the slot.
#[test]
fn nobody_reserves_a_slot_that_its_stake_does_not_cover() {
    run(6, || {
        Box::pin(async {
            let story = Story::begin(6, Setup::default()).await;
            let holders: Vec<Address> = (0..4).map(|index| story.slot(index).provider).collect();
            let spare = (0..NODES).map(NodeNumber).filter(|node| *node != OWNER);
            let spare: Vec<NodeNumber> =
                spare.filter(|node| !holders.contains(&provider(&story.stage, *node))).collect();
            assert_eq!(spare.len(), 2);
            for node in &spare {
                withdraw(&story, *node, 6).await;
            }
            story.one_leaves().await;
            story.extend(1).await;
            story.over().await;
            let mut asked = 0;
            for node in &spare {
                let node = story.stage.cluster.handles(*node).expect("it is up");
                let held = node.held.send(HeldPlacements).await.expect("alive").expect("it has a disk");
                asked += held.len();
            }
            assert!(asked > 0, "nobody was given the slot's bytes");
            story
                .judge(|story| {
                    story.stage.chain.look(|evm| {
                        let reserved = told::<Market::SlotReserved>(evm, story.stage.at.market);
                        assert!(reserved.is_empty(), "{reserved:?}");
                    });
                })
                .await;
        })
    });
}

/// Leaves ten HOLD of a provider's stake that back new collateral: half of what a slot locks, and five bonds.
async fn withdraw(story: &Story, node: NodeNumber, seed: u64) {
    let (at, provider) = (&story.stage.at, provider(&story.stage, node));
    let link = Rc::new(story.stage.chain.link(NodeNumber(1_000), 1));
    let clock = Rc::new(SimClock(story.stage.cluster.time()));
    let sender = Sender::new(link, clock, wallet(seed, node.0.into()));
    let shares = story.stage.chain.look(|evm| {
        let holder = sender.address();
        U256::from(ask(evm, at.stake, &Stake::positionOfCall { provider, holder }).shares)
    });
    let shares = shares / U256::from(100) * U256::from(99);
    sender.call(at.stake, &Stake::unbondCall { provider, shares }).await.expect("it is sent");
    let free = story.stage.chain.look(|evm| ask(evm, at.stake, &Stake::freeStakeCall { provider }));
    assert!(free > Amount::whole(9).0 && free < Amount::whole(11).0, "{free}");
}
