//! Answers disputes about this provider's slots, before their deadlines.

use super::{
    actor::Market,
    orders::Deed,
    policy::worth,
    proving::words,
    watch::{Demand, Dispute, dispute, filter},
};
use crate::{
    actors::{
        ask,
        incentive::LogsQuery,
        proof::{ProofError, ShowDisputed, ShownCell, UpholdRoot},
    },
    env::ChainError,
    limits,
    types::{PlacementId, chain::Block},
};
use alloy::{
    primitives::{B256, U256},
    sol_types::SolCall,
};
use futures::FutureExt;
use holdfast_contracts::abi::Disputes;
use holdfast_proofs::groth16::encoding::proof_to_bytes;
use std::rc::Rc;

impl Market {
    /// Reads on in the chain's log, and answers what is to be answered.
    pub async fn disputes(self: &Rc<Self>, head: Block) -> Result<(), ChainError> {
        if self.pledges.borrow().is_empty() {
            self.watch.borrow_mut().skip_to(head.number);
            return Ok(());
        }
        self.read_log(head.number).await?;
        let open = self.watch.borrow().disputes();
        for it in open {
            self.dispute(it, head.number).await?;
        }
        let note = self.watch.borrow_mut().note();
        if let Some(block) = note
            && let Err(why) = self.notes.keep_read_to(self.view.at.market, block).await
        {
            tracing::warn!(%why, "a restart will read the chain's log again");
        }
        Ok(())
    }

    async fn read_log(&self, head: u64) -> Result<(), ChainError> {
        let mut after = None;
        for _ in 0..limits::LOG_READS {
            let range = self.watch.borrow().range(after, head);
            let Some(range) = range else { return Ok(()) };
            let told = ask(&self.ask.logs, LogsQuery(filter(&self.view.at, range.clone()))).await;
            match told {
                Err(ChainError::TooMuch { .. }) if self.watch.borrow_mut().narrow() => {}
                told => {
                    let provider = self.view.provider;
                    let found = told?.into_iter().filter_map(dispute).filter(|(of, _)| *of == provider);
                    self.watch.borrow_mut().read(&range, head, found.map(|(_, it)| it));
                    after = Some(*range.end());
                }
            }
        }
        // What is left is read at the next look, be there a new block or not.
        self.seen.set(None);
        Ok(())
    }

    async fn dispute(self: &Rc<Self>, it: Dispute, head: u64) -> Result<(), ChainError> {
        let slot = self.view.slot(it.agreement, it.slot).await?;
        let open = slot.disputed && slot.provider == self.view.provider;
        let late = head >= it.deadline;
        if late || (!open && head >= it.block + limits::CONFIRMATIONS) {
            if late && open {
                tracing::warn!(
                    agreement = it.agreement,
                    slot = it.slot,
                    "a dispute was not answered in time"
                );
            }
            self.watch.borrow_mut().over(&it);
            return Ok(());
        }
        let number = it.agreement.to_be_bytes();
        let name = self.name("answer", &[&number, &it.slot.to_be_bytes(), &it.deadline.to_be_bytes()]);
        let waits = self.common.clock.now() < self.answer_after.get();
        if !open || waits || self.answering.get() || self.orders.is_under_way(name) {
            return Ok(());
        }
        let Some(placement) = self.pledged(&it) else { return Ok(()) };
        // Whoever does not answer loses the slot, and most of its collateral or all.
        let worth = worth(&self.settings, self.view.collateral(&slot).await?);
        self.answering.set(true);
        let market = self.clone();
        let task = async move {
            match market.answer(&it, placement).await {
                Ok(call) => {
                    let (to, data) = (market.view.at.disputes, call.into());
                    let deed = Deed { to, data, gas: None, worth, last_block: Some(it.deadline) };
                    market.orders.start(name, deed);
                }
                Err(why) => {
                    tracing::warn!(%placement, %why, "a dispute cannot be answered");
                    market.orders.tell(why.to_string());
                }
            }
            market.answer_after.set(market.common.clock.now() + limits::PROOF_RETRY);
            market.answering.set(false);
        };
        self.common.spawn.local(task.boxed_local());
        Ok(())
    }

    fn pledged(&self, it: &Dispute) -> Option<PlacementId> {
        let pledges = self.pledges.borrow();
        let mut all = pledges.values().map(|kept| kept.pledge);
        all.find(|pledge| (pledge.agreement, pledge.slot) == (it.agreement, it.slot)).map(|it| it.placement)
    }

    /// The call that shows what is demanded.
    async fn answer(&self, it: &Dispute, placement: PlacementId) -> Result<Vec<u8>, ProofError> {
        let (agreement, index) = (U256::from(it.agreement), U256::from(it.slot));
        Ok(match &it.demand {
            Demand::Cells(indices) => {
                let order = ShowDisputed { placement, cells: indices.clone() };
                let shown = ask(&self.ask.show_disputed, order).await?;
                let cells = shown.cells.iter().map(|cell| cell.content.to_vec().into()).collect();
                let paths = shown.cells.iter().map(path).collect();
                Disputes::answerCall { agreement, index, indices: indices.clone(), cells, paths }.abi_encode()
            }
            Demand::Root(cell) => {
                let upheld = ask(&self.ask.uphold_root, UpholdRoot { placement, cell: *cell }).await?;
                let content = upheld.shown.content.to_vec().into();
                let (path, proof) = (path(&upheld.shown), words(&proof_to_bytes(&upheld.proof)));
                Disputes::upholdRootCall { agreement, index, cell: *cell, content, path, proof }.abi_encode()
            }
        })
    }
}

fn path(shown: &ShownCell) -> Vec<B256> {
    shown.path.iter().map(|node| B256::from(*node)).collect()
}
