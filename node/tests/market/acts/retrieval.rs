//! Retrieval that is paid, and retrieval that is refused.

use super::market::{balance, slot_of};
use crate::{prover::Slot, stage::Stage};
use alloy::primitives::{Address, Bytes, U256};
use holdfast_contracts::{
    Amount,
    abi::{Channels, Disputes, HoldToken},
    messages::{Message, Voucher},
};

/// Cells that a dispute demands: one of bytes, one of zeros at the slot's end.
const CELLS: [u32; 2] = [9, 2_000_000];

/// The owner pays for retrieval by vouchers; the provider redeems the last and closes.
pub async fn retrieve(stage: &mut Stage<'_>) {
    stage.act("retrieve, paid by vouchers");
    let (owner, second) = (stage.cast.owner.clone(), stage.cast.second.clone());
    let provider = stage.cast.heir.address();
    let channels = stage.it.channels;
    let deposit = Amount::whole(100).0;
    stage.send(&owner, stage.it.token, &HoldToken::approveCall { spender: channels, value: deposit }).await;
    let open = Channels::openCall { provider, deposit: deposit.to() };
    stage.send(&owner, channels, &open).await;
    let channel = stage.ask(channels, &Channels::channelsCall {}).await;
    let before = balance(stage, second.address()).await;
    for total in [40, 55] {
        let total = Amount::whole(total).0;
        let digest = Voucher { channel, total }.digest(stage.chain.id(), channels);
        let redeem = |signature: [u8; 65]| Channels::redeemCall {
            channel,
            total,
            signature: signature.to_vec().into(),
        };
        stage.refused(&second, channels, &redeem(second.sign_digest(digest)), "BadVoucher").await;
        stage.send(&second, channels, &redeem(owner.sign_digest(digest))).await;
        stage.refused(&second, channels, &redeem(owner.sign_digest(digest)), "BadTotal").await;
    }
    stage.send(&second, channels, &Channels::closeByProviderCall { channel }).await;
    let earned = balance(stage, second.address()).await - before;
    assert_eq!(earned, Amount::whole(55).0, "the last voucher is for the whole sum");
}

/// A retrieval is refused; the provider shows the cells on the chain.
pub async fn answer_a_dispute(stage: &mut Stage<'_>, agreement: U256, slot: &Slot) {
    stage.act("dispute, and show the cells");
    open(stage, agreement, 10).await;
    let shown: Vec<_> = CELLS.iter().map(|index| slot.show(*index)).collect();
    let answer = |cells: Vec<Bytes>| Disputes::answerCall {
        agreement,
        index: U256::ZERO,
        indices: CELLS.to_vec(),
        cells,
        paths: shown.iter().map(|it| it.path.clone()).collect(),
    };
    let honest: Vec<Bytes> = shown.iter().map(|it| it.cell.clone().into()).collect();
    let second = stage.cast.second.clone();
    let swapped = answer(honest.iter().rev().cloned().collect());
    stage.refused(&second, stage.it.disputes, &swapped, "WrongCell").await;
    stage.send(&second, stage.it.disputes, &answer(honest)).await;
    let credit = credit(stage, second.address()).await;
    assert_eq!(credit, Amount::whole(2).0, "the challenger pays the gas of an answer");
    stage.send(&second, stage.it.disputes, &Disputes::withdrawCall {}).await;
}

/// Another is not answered: the provider loses the slot, and the challenger has its bond and gas back.
pub async fn lose_a_dispute(stage: &mut Stage<'_>, agreement: U256) {
    stage.act("dispute, and lose the slot");
    open(stage, agreement, 20).await;
    let challenger = stage.cast.challenger.clone();
    let conclude = Disputes::concludeCall { agreement, index: U256::ZERO };
    stage.refused(&challenger, stage.it.disputes, &conclude, "Deadline").await;
    stage.world.mine(31).await;
    stage.quiet_window().await;
    stage.send(&challenger, stage.it.disputes, &conclude).await;
    let slot = slot_of(stage, agreement, U256::ZERO).await;
    assert_eq!(slot.state, 2, "the slot is freed");
    stage.send(&challenger, stage.it.disputes, &Disputes::withdrawCall {}).await;
}

/// Opens a dispute about the first slot under the bond that is asked for now.
async fn open(stage: &mut Stage<'_>, agreement: U256, bond: u64) {
    let challenger = stage.cast.challenger.clone();
    let disputes = stage.it.disputes;
    let approve = HoldToken::approveCall { spender: disputes, value: Amount::whole(bond).0 };
    stage.send(&challenger, stage.it.token, &approve).await;
    let before = balance(stage, challenger.address()).await;
    let open = Disputes::openCall { agreement, index: U256::ZERO, cells: CELLS.to_vec() };
    stage.send(&challenger, disputes, &open).await;
    let paid = before - balance(stage, challenger.address()).await;
    assert_eq!(paid, Amount::whole(bond).0, "each dispute doubles the next one's bond");
}

async fn credit(stage: &Stage<'_>, account: Address) -> U256 {
    stage.ask(stage.it.disputes, &Disputes::creditsCall { account }).await
}
