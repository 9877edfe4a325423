//! An owner takes a provider that does not serve a slot to the chain: it demands cells of the slot, or that the slot's circuit root be
//! upheld, under a bond, and sees the dispute through to its end.

use super::{
    actor::Market,
    messages::{Challenge, DisputeEnd, DisputeQuote, DisputeSlot, Disputed, MarketError},
    owner::tell,
    view::ACTIVE,
    watch::dispute,
};
use crate::{
    actors::{ask, client::Progress, incentive::ReceiptQuery},
    env::ChainError,
    limits,
    types::PlacementId,
};
use alloy::primitives::{Address, B256, U256};
use futures::channel::mpsc::UnboundedSender;
use holdfast_contracts::{Amount, abi::Disputes};
use holdfast_proofs::tree::CELL_BYTES;
use rand::{Rng, RngExt};
use std::{collections::BTreeSet, rc::Rc};

/// A dispute of this node's that is not decided.
#[derive(Clone, Copy)]
struct Open {
    agreement: u64,
    slot: u16,
    provider: Address,
    bond: Amount,
    /// The last block for an answer.
    deadline: u64,
}

impl Market {
    /// What it takes to dispute a slot of an agreement about a placement.
    pub async fn quote_dispute(
        &self,
        placement: PlacementId,
        slot: u16,
    ) -> Result<DisputeQuote, MarketError> {
        let (_, agreement) = self.own_agreement(placement).await?;
        let terms = self.view.agreement(agreement).await?.terms;
        if slot >= terms.slots {
            let why = format!(
                "agreement {agreement} has {} slots, numbered from 0: there is no {slot}",
                terms.slots
            );
            return Err(MarketError::Terms(why));
        }
        let at = self.view.slot(agreement, slot).await?;
        if at.state != ACTIVE {
            return Err(MarketError::Terms(format!("nobody has slot {slot} of agreement {agreement}")));
        }
        let bond =
            self.view.call(self.view.at.disputes, &Disputes::bondOfCall { provider: at.provider }).await?;
        let least = self.view.parameter("DisputeBlocks").await?.saturating_to::<u64>();
        Ok(DisputeQuote {
            agreement,
            slot,
            provider: at.provider.to_string(),
            slot_bytes: terms.slotBytes,
            bond: Amount(bond),
            response_blocks: least.max(terms.responseBlocks.into()),
            balance: Amount(self.view.balance().await?),
        })
    }

    /// Opens a dispute, or goes on with the one that this account opened, until it is decided for good.
    pub async fn challenge(
        self: &Rc<Self>,
        DisputeSlot { placement, slot, challenge, progress }: DisputeSlot,
    ) -> Result<Disputed, MarketError> {
        let quote = self.quote_dispute(placement, slot).await?;
        let open = {
            let _turn = self.agreeing.lock().await;
            match self.running(quote.agreement, slot).await? {
                Some(open) => open,
                None => self.open_dispute(&quote, challenge).await?,
            }
        };
        let end = self.decided(&open, &progress).await?;
        if end == DisputeEnd::SlotLost {
            self.withdraw_from_disputes(&open.deadline.to_be_bytes()).await?;
        }
        let Open { agreement, slot, provider, bond, deadline } = open;
        Ok(Disputed { agreement, slot, provider: provider.to_string(), bond, deadline, end })
    }

    /// The dispute about a slot that this account opened and nobody decided.
    async fn running(&self, agreement: u64, slot: u16) -> Result<Option<Open>, ChainError> {
        let (number, index) = (U256::from(agreement), U256::from(slot));
        let it = self
            .view
            .call(self.view.at.disputes, &Disputes::disputeOfCall { agreement: number, index })
            .await?;
        let (provider, bond, deadline) = (it.provider, Amount(U256::from(it.bond)), it.deadline);
        let mine = it.challenger == self.view.account;
        Ok(mine.then_some(Open { agreement, slot, provider, bond, deadline }))
    }

    /// Opens a dispute: one a slot and window, however often it is ordered.
    async fn open_dispute(&self, quote: &DisputeQuote, challenge: Challenge) -> Result<Open, MarketError> {
        let (agreement, index) = (U256::from(quote.agreement), U256::from(quote.slot));
        let window = self.view.windows().await?.of(self.view.head().await?.number + 1);
        let parts = [&quote.agreement.to_be_bytes()[..], &quote.slot.to_be_bytes(), &window.to_be_bytes()];
        let name = self.name("dispute", &parts);
        if quote.balance < quote.bond {
            return Err(MarketError::Unfunded { has: quote.balance, needed: quote.bond });
        }
        let cells = draw(challenge, quote.slot_bytes, &mut self.common.rng.generator());
        let to = self.view.at.disputes;
        let deed = match challenge {
            Challenge::Cells(_) => self.deed(to, &Disputes::openCall { agreement, index, cells }),
            Challenge::Root => self.deed(to, &Disputes::doubtRootCall { agreement, index, cell: cells[0] }),
        };
        let transaction = self.paid(name, &deed, quote.bond.0).await?;
        self.dispute_of(transaction, quote).await
    }

    /// The dispute that a transaction opened.
    async fn dispute_of(&self, transaction: B256, quote: &DisputeQuote) -> Result<Open, MarketError> {
        let receipt = ask(&self.ask.receipt, ReceiptQuery(transaction)).await?;
        let logs = receipt.map(|receipt| receipt.logs).unwrap_or_default();
        let mut told =
            logs.into_iter().filter(|log| log.address == self.view.at.disputes).filter_map(dispute);
        let (provider, it) = told
            .find(|(_, it)| (it.agreement, it.slot) == (quote.agreement, quote.slot))
            .ok_or_else(|| MarketError::Refused(format!("transaction {transaction} opened no dispute")))?;
        let (agreement, slot) = (quote.agreement, quote.slot);
        Ok(Open { agreement, slot, provider, bond: quote.bond, deadline: it.deadline })
    }

    /// Waits until a dispute is decided and no reorganisation changes that; decides it if its time is over.
    async fn decided(
        self: &Rc<Self>,
        open: &Open,
        progress: &Option<UnboundedSender<Progress>>,
    ) -> Result<DisputeEnd, ChainError> {
        let (mut begun, mut decided) = (None, None);
        loop {
            let head = self.view.head().await?.number;
            let from = *begun.get_or_insert(head);
            tell(progress, head.min(open.deadline).saturating_sub(from), open.deadline.saturating_sub(from));
            let at = self.view.slot(open.agreement, open.slot).await?;
            let held = at.state == ACTIVE && at.provider == open.provider;
            let running = self.running(open.agreement, open.slot).await?;
            if running.is_some_and(|it| it.deadline == open.deadline) {
                decided = None;
                self.conclude(open, held, head);
            } else if head >= *decided.get_or_insert(head) + limits::CONFIRMATIONS {
                return Ok(if held { DisputeEnd::Answered } else { DisputeEnd::SlotLost });
            }
            self.common.clock.sleep(limits::CHAIN_POLL).await;
        }
    }

    /// Ends a dispute that nobody can answer any more: its provider lost the slot already, or let the deadline pass.
    fn conclude(self: &Rc<Self>, open: &Open, held: bool, head: u64) {
        let (agreement, index) = (U256::from(open.agreement), U256::from(open.slot));
        let to = self.view.at.disputes;
        let (kind, deed) = if !held {
            ("void dispute", self.deed(to, &Disputes::voidCall { agreement, index }))
        } else if head > open.deadline {
            ("conclude", self.deed(to, &Disputes::concludeCall { agreement, index }))
        } else {
            return;
        };
        let parts =
            [&open.agreement.to_be_bytes()[..], &open.slot.to_be_bytes(), &open.deadline.to_be_bytes()];
        self.orders.start(self.name(kind, &parts), deed);
    }

    /// Takes out what disputes brought this account, if that is worth a transaction; `when` tells one time from another.
    pub async fn withdraw_from_disputes(self: &Rc<Self>, when: &[u8]) -> Result<(), ChainError> {
        let (to, account) = (self.view.at.disputes, self.view.account);
        let credit = self.view.call(to, &Disputes::creditsCall { account }).await?;
        if credit >= self.settings.least_claim.0.max(U256::from(1)) {
            let deed = self.deed(to, &Disputes::withdrawCall {});
            self.orders.start(self.name("withdraw from disputes", &[when]), deed);
        }
        Ok(())
    }
}

/// Which cells are demanded: other ones each time, so that nobody can keep just these, and only such as have bytes of the slot.
fn draw(challenge: Challenge, slot_bytes: u64, random: &mut impl Rng) -> Vec<u32> {
    let cells = u32::try_from(slot_bytes.div_ceil(CELL_BYTES as u64).max(1)).unwrap_or(u32::MAX);
    let wanted = match challenge {
        Challenge::Cells(wanted) => {
            usize::from(wanted).clamp(1, limits::MAX_DISPUTED_CELLS).min(cells as usize)
        }
        Challenge::Root => 1,
    };
    let mut drawn = BTreeSet::new();
    while drawn.len() < wanted {
        drawn.insert(random.random_range(0..cells));
    }
    drawn.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    #[test]
    fn distinct_cells_of_the_slot_are_demanded_and_no_padding() {
        let mut random = ChaCha8Rng::seed_from_u64(1);
        for _ in 0..200 {
            let cells = draw(Challenge::Cells(4), 5 * CELL_BYTES as u64 + 1, &mut random);
            assert_eq!(cells.len(), 4);
            assert!(cells.windows(2).all(|pair| pair[0] < pair[1]) && cells.iter().all(|cell| *cell < 6));
        }
        let all: BTreeSet<u32> =
            (0..200).flat_map(|_| draw(Challenge::Root, 3 * CELL_BYTES as u64, &mut random)).collect();
        assert_eq!(all, BTreeSet::from([0, 1, 2]));
    }

    #[test]
    fn a_slot_of_one_cell_is_asked_for_that_one() {
        let mut random = ChaCha8Rng::seed_from_u64(2);
        assert_eq!(draw(Challenge::Cells(4), 1, &mut random), [0]);
        assert_eq!(draw(Challenge::Cells(0), u64::MAX, &mut random).len(), 1);
    }
}
