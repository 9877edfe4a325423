//! Agreement, proofs, misses, and what follows.

use crate::{prover::Slot, stage::Stage};
use alloy::primitives::{Address, U256};
use holdfast_contracts::{
    Amount,
    abi::{Challenges, HoldToken, Market, Terms},
    messages::{Message, SlotApproval},
};

/// The owner opens an agreement, and the first provider takes both slots.
pub async fn agree(stage: &mut Stage<'_>, slots: &[Slot; 2]) -> U256 {
    stage.act("agree");
    let (owner, first) = (stage.cast.owner.clone(), stage.cast.first.clone());
    let hold = |count| Amount::whole(count).0.to::<u128>();
    let terms = Terms {
        slots: 2,
        threshold: 1,
        slotBytes: slots[0].capacity(),
        windows: 20,
        price: hold(1),
        collateral: hold(100),
        repairReward: hold(30),
        refund: hold(2),
        slaBps: 9_000,
        responseBlocks: 30,
    };
    let market = stage.it.market;
    let approve = HoldToken::approveCall { spender: market, value: Amount::whole(40).0 };
    stage.send(&owner, stage.it.token, &approve).await;
    stage.send(&owner, market, &Market::openCall { terms }).await;
    let agreement = stage.ask(market, &Market::agreementsCall {}).await;
    let provider = stage.cast.loser.address();
    for (index, slot) in slots.iter().enumerate() {
        let index = U256::from(index);
        let (root, cell_root) = (slot.root(), slot.cell_root());
        let approval = SlotApproval { agreement, index, provider, root, cellRoot: cell_root };
        let digest = approval.digest(stage.chain.id(), market);
        let fill = |approval: [u8; 65]| Market::fillCall {
            agreement,
            index,
            provider,
            root,
            cellRoot: cell_root,
            approval: approval.to_vec().into(),
        };
        let forged = fill(stage.cast.challenger.sign_digest(digest));
        stage.refused(&first, market, &forged, "NotApproved").await;
        stage.send(&first, market, &fill(owner.sign_digest(digest))).await;
    }
    agreement
}

/// The first provider proves a window, and is paid for it.
pub async fn prove(stage: &mut Stage<'_>, agreement: U256, slots: &[Slot; 2]) {
    stage.act("prove a window, and be paid");
    let (first, provider) = (stage.cast.first.clone(), stage.cast.loser.address());
    let window = stage.next_window().await;
    stage.prove(&first, provider, window, &[&slots[0], &slots[1]]).await;
    for index in 0..2 {
        let settle = Market::settleCall { agreement, index: U256::from(index) };
        stage.send(&first, stage.it.market, &settle).await;
    }
    let paid = stage.ask(stage.it.market, &Market::ledgerCall {}).await.paid;
    assert_eq!(U256::from(paid), Amount::whole(2).0, "two slots were proven for one window");
}

/// The first provider misses three windows in a row, each dearer than the one before; a reporter earns a part.
pub async fn miss(stage: &mut Stage<'_>) {
    stage.act("miss three windows");
    let (reporter, provider) = (stage.cast.reporter.clone(), stage.cast.loser.address());
    let judge = Challenges::judgeCall { provider, receiver: reporter.address() };
    for level in 1..=3_u16 {
        stage.next_window().await;
        stage.world.mine(21).await;
        stage.send(&reporter, stage.it.challenges, &judge).await;
        let book = stage.ask(stage.it.challenges, &Challenges::bookOfCall { provider }).await;
        assert_eq!((book.level, book.evicted), (level, level == 3));
    }
    let held = HoldToken::balanceOfCall { account: reporter.address() };
    assert!(stage.ask(stage.it.token, &held).await > U256::ZERO, "the reporter earned nothing");
}

/// Anybody takes the slots from the provider that was evicted; its collateral burns.
pub async fn slash(stage: &mut Stage<'_>, agreement: U256) {
    stage.act("slash");
    let reporter = stage.cast.reporter.clone();
    let before = stage.ask(stage.it.token, &HoldToken::totalSupplyCall {}).await;
    for index in 0..2 {
        let evict = Market::evictCall { agreement, index: U256::from(index) };
        stage.send(&reporter, stage.it.market, &evict).await;
        stage.refused(&reporter, stage.it.market, &evict, "WrongState").await;
    }
    let burned = before - stage.ask(stage.it.token, &HoldToken::totalSupplyCall {}).await;
    let pots = stage.ask(stage.it.market, &Market::agreementOfCall { agreement }).await.pots;
    assert!(burned > U256::from(pots) && pots > 0, "{burned} burned, {pots} set aside for repair");
}

/// The second provider reserves a slot, rebuilds it, refills it, and earns the repair reward with its first proof.
pub async fn refill(stage: &mut Stage<'_>, agreement: U256, slot: &Slot) {
    stage.act("refill by another provider");
    let (second, provider) = (stage.cast.second.clone(), stage.cast.heir.address());
    let (market, index) = (stage.it.market, U256::ZERO);
    let refill = Market::refillCall { agreement, index, root: slot.root() };
    stage.refused(&second, market, &refill, "WrongState").await;
    stage.send(&second, market, &Market::reserveCall { agreement, index, provider }).await;
    stage.send(&second, market, &refill).await;
    let window = stage.next_window().await;
    stage.prove(&second, provider, window, &[slot]).await;
    let before = slot_of(stage, agreement, index).await.pot;
    stage.send(&second, market, &Market::settleCall { agreement, index }).await;
    let after = slot_of(stage, agreement, index).await;
    assert!(before > 0 && after.pot == 0, "the repair reward was not paid");
    assert_eq!(after.provider, provider);
}

pub async fn slot_of(
    stage: &Stage<'_>,
    agreement: U256,
    index: U256,
) -> holdfast_contracts::abi::IMarket::Slot {
    stage.ask(stage.it.market, &Market::slotOfCall { agreement, index }).await
}

/// A balance of HOLD.
pub async fn balance(stage: &Stage<'_>, account: Address) -> U256 {
    stage.ask(stage.it.token, &HoldToken::balanceOfCall { account }).await
}
