//! Carries out what the outbox decides: one task that takes orders, looks at the chain, journals and sends.

use super::{
    journal::Journal,
    messages::{OpenTransaction, SubmitTransaction, TransactionEnd, TransactionError},
    state::{Action, Attempt, Entry, Outbox, PLAIN_GAS, Sight},
};
use crate::{
    actors::storage::StorageError,
    env::{Chain, ChainError, Common},
    events::Event,
    limits,
    types::{
        IntentId, Wallet,
        chain::{Account, Call, Receipt},
    },
};
use alloy::{
    consensus::TxEip1559,
    primitives::{B256, Bytes, TxKind},
};
use futures::{
    FutureExt, StreamExt, TryStreamExt,
    channel::oneshot,
    future::{select, try_join3},
    stream,
};
use std::{
    cell::RefCell,
    collections::{BTreeMap, VecDeque},
    rc::Rc,
};
use tokio::sync::Notify;

type Answer = Result<TransactionEnd, TransactionError>;
type Reply = oneshot::Sender<Answer>;

/// Most gas of a transaction (EIP-7825).
const TRANSACTION_GAS: u64 = 1 << 24;
/// Questions to the chain that are open at a time.
const QUESTIONS: usize = 8;

/// Whoever sends for one wallet. There is one a node, and it is the only one that uses the wallet.
pub(super) struct Sender {
    common: Common,
    chain: Rc<dyn Chain>,
    wallet: Wallet,
    journal: Journal,
    outbox: RefCell<Outbox>,
    orders: RefCell<VecDeque<(SubmitTransaction, Reply)>>,
    waiting: RefCell<BTreeMap<IntentId, Vec<Reply>>>,
    wake: Notify,
}

impl Sender {
    pub(super) fn new(
        common: Common,
        chain: Rc<dyn Chain>,
        wallet: Wallet,
        journal: Journal,
        most_fee: u128,
    ) -> Self {
        let outbox = RefCell::new(Outbox::new(most_fee));
        let (orders, waiting, wake) = Default::default();
        Self { common, chain, wallet, journal, outbox, orders, waiting, wake }
    }

    /// Takes an order, and waits until it ended.
    pub(super) async fn order(&self, submit: SubmitTransaction) -> Answer {
        let waiting = self.orders.borrow().len();
        if waiting >= limits::MAX_QUEUED_ORDERS {
            return Err(TransactionError::Busy(waiting));
        }
        let len = submit.order.data.len();
        if len > limits::MAX_CALL_DATA {
            let most = limits::MAX_CALL_DATA;
            return Err(TransactionError::Refused(format!("{len} bytes of data, the limit is {most}")));
        }
        let (reply, answer) = oneshot::channel();
        self.orders.borrow_mut().push_back((submit, reply));
        self.wake.notify_one();
        answer.await.unwrap_or_else(|_| Err(StorageError::Index("the node is stopping".into()).into()))
    }

    pub(super) fn report(&self) -> Vec<OpenTransaction> {
        self.outbox.borrow().report()
    }

    /// Sends for as long as the node lives. While nothing is to be sent it asks the chain nothing.
    pub(super) async fn run(self: Rc<Self>) {
        self.restore().await;
        loop {
            if self.outbox.borrow().is_empty() && self.orders.borrow().is_empty() {
                self.wake.notified().await;
            }
            if let Err(why) = self.step().await {
                tracing::debug!(%why, "the outbox waits");
            }
            self.pause().await;
        }
    }

    async fn pause(&self) {
        select(self.wake.notified().boxed_local(), self.common.clock.sleep(limits::CHAIN_POLL)).await;
    }

    async fn restore(&self) {
        let (floor, entries) = self.surely("read", || self.journal.restore()).await;
        self.outbox.borrow_mut().restore(floor, entries, |entry| self.hashes(entry));
    }

    /// Repeats what the journal must do: without it nothing may be sent.
    async fn surely<T, F: Future<Output = Result<T, StorageError>>>(
        &self,
        what: &str,
        act: impl Fn() -> F,
    ) -> T {
        loop {
            match act().await {
                Ok(value) => return value,
                Err(why) => tracing::warn!(%why, "the outbox's journal cannot be {what}; nothing is sent"),
            }
            self.common.clock.sleep(limits::CHAIN_POLL).await;
        }
    }

    async fn step(&self) -> Result<(), ChainError> {
        let address = self.wallet.address();
        let (head, account, fees) =
            try_join3(self.chain.head(), self.chain.account(address), self.chain.fees()).await?;
        let receipts = self.receipts(account.nonce).await?;
        let Account { nonce, balance } = account;
        let sight = Sight { height: head.number, nonce, balance, fees, receipts };
        let actions = self.outbox.borrow_mut().plan(&sight);
        for action in actions {
            self.act(action, &sight).await?;
        }
        self.admit_all(&sight).await
    }

    async fn receipts(&self, nonce: u64) -> Result<BTreeMap<B256, Receipt>, ChainError> {
        let hashes = self.outbox.borrow().hashes(nonce);
        let asked = stream::iter(hashes).map(|hash| self.chain.receipt(hash)).buffer_unordered(QUESTIONS);
        let told = asked.try_filter_map(async |receipt| Ok(receipt.map(|it| (it.transaction, it))));
        told.try_collect().await
    }

    async fn admit_all(&self, sight: &Sight) -> Result<(), ChainError> {
        while let Some((submit, reply)) = self.next_order() {
            if let Err(why) = self.admit(submit.clone(), sight).await {
                match why {
                    AdmitError::Later(why) => {
                        self.orders.borrow_mut().push_front((submit, reply));
                        return Err(why);
                    }
                    AdmitError::Answer(answer) => {
                        // Whoever ordered may be gone.
                        let _ = reply.send(*answer);
                    }
                }
            } else {
                self.waiting.borrow_mut().entry(submit.intent).or_default().push(reply);
            }
        }
        Ok(())
    }

    fn next_order(&self) -> Option<(SubmitTransaction, Reply)> {
        let full = self.outbox.borrow().is_full();
        // Those that are on their way are no more load: they only wait for the answer.
        let mut orders = self.orders.borrow_mut();
        let at = orders.iter().position(|(it, _)| !full || self.outbox.borrow().contains(it.intent))?;
        orders.remove(at)
    }

    /// Journals and sends an order, unless that was done before.
    async fn admit(
        &self,
        SubmitTransaction { intent, order }: SubmitTransaction,
        sight: &Sight,
    ) -> Result<(), AdmitError> {
        if self.outbox.borrow().contains(intent) {
            return Ok(());
        }
        if let Some(end) = self.journal.end(intent).await? {
            return Err(AdmitError::answer(Ok(end)));
        }
        if let Some(last) = order.last_block.filter(|_| sight.is_late(&order)) {
            return Err(AdmitError::answer(Err(TransactionError::Late(last))));
        }
        let gas = match order.gas {
            Some(gas) => gas,
            None => {
                let from = self.wallet.address();
                let call = Call { from, to: order.to, value: order.value, data: order.data.clone() };
                let gas = self.chain.estimate_gas(call).await?;
                gas.saturating_add(gas / 4).min(gas.max(TRANSACTION_GAS))
            }
        };
        let entry = self.outbox.borrow().draft(intent, order, gas, sight);
        let nonce = entry.nonce;
        self.keep(entry).await;
        // It is on its way: what the chain says now changes nothing for whoever ordered it.
        if let Err(why) = self.follow(Some(Action::Offer(nonce)), sight).await {
            tracing::debug!(%why, "a transaction could not be offered yet");
        }
        Ok(())
    }

    /// Journals an entry, and lets it count.
    async fn keep(&self, entry: Entry) {
        self.surely("written", || self.journal.keep(&entry)).await;
        let (intent, nonce) = (entry.intent, entry.nonce);
        let bumps = entry.attempts.len() as u32 - 1;
        self.common.record.record(Event::TransactionSigned { intent, nonce, bumps });
        let hashes = self.hashes(&entry);
        self.outbox.borrow_mut().put(entry, hashes);
    }

    async fn act(&self, action: Action, sight: &Sight) -> Result<(), ChainError> {
        match action {
            Action::Offer(_) | Action::Bump(..) => self.follow(Some(action), sight).await,
            Action::Move(nonce) => {
                self.leave(nonce, sight).await;
                Ok(())
            }
            Action::Fill(nonce) => {
                let filler = self.outbox.borrow().filler(nonce, sight);
                self.keep(filler).await;
                self.follow(Some(Action::Offer(nonce)), sight).await
            }
            Action::End(nonce, hash) => match sight.receipts.get(&hash) {
                Some(receipt) => self.end(nonce, receipt).await,
                None => Ok(()),
            },
        }
    }

    /// Offers a nonce's transaction, and as many with higher fees as the chain asks for.
    async fn follow(&self, mut next: Option<Action>, sight: &Sight) -> Result<(), ChainError> {
        while let Some(action) = next {
            let nonce = match action {
                Action::Bump(nonce, attempt) => {
                    let bumped = self.outbox.borrow().bumped(nonce, attempt);
                    let Some(entry) = bumped else { return Ok(()) };
                    self.keep(entry).await;
                    nonce
                }
                Action::Offer(nonce) => nonce,
                Action::Move(_) | Action::Fill(_) | Action::End(..) => return Ok(()),
            };
            let raw = self.latest(nonce);
            let Some(raw) = raw else { return Ok(()) };
            let said = self.chain.submit(raw).await;
            next = self.outbox.borrow_mut().offered(nonce, sight, &said);
            if let Err(why @ ChainError::Unreachable { .. }) = said {
                return Err(why);
            }
        }
        Ok(())
    }

    /// Gives the entry of a nonce that is another's a nonce of its own, or up.
    async fn leave(&self, nonce: u64, sight: &Sight) {
        let moved = self.outbox.borrow().moved(nonce, sight);
        if let Some(entry) = moved {
            self.keep(entry).await;
            self.outbox.borrow_mut().left(nonce);
            return;
        }
        let given_up = self.outbox.borrow().entry(nonce).map(|entry| (entry.intent, entry.void_end()));
        if let Some((intent, end)) = given_up {
            self.close(intent, nonce, end).await;
        }
    }

    async fn end(&self, nonce: u64, receipt: &Receipt) -> Result<(), ChainError> {
        let block = self.chain.block(receipt.block).await?;
        let Some(entry) = self.outbox.borrow().entry(nonce).cloned() else { return Ok(()) };
        let why = if receipt.success { String::new() } else { self.reason(&entry).await };
        let ended = self.outbox.borrow().end(nonce, receipt, block, why);
        if let Some(end) = ended {
            self.close(entry.intent, nonce, end).await;
        }
        Ok(())
    }

    /// Notes how an intent ended, and tells whoever waits for it.
    async fn close(&self, intent: IntentId, nonce: u64, end: TransactionEnd) {
        let floor = self.outbox.borrow().floor().max(nonce + 1);
        self.surely("written", || self.journal.close(intent, &end, floor)).await;
        self.outbox.borrow_mut().ended(nonce);
        let success = matches!(end, TransactionEnd::Executed { .. });
        self.common.record.record(Event::TransactionEnded { intent, success });
        for reply in self.waiting.borrow_mut().remove(&intent).unwrap_or_default() {
            // Whoever ordered may be gone.
            let _ = reply.send(Ok(end.clone()));
        }
    }

    /// What an entry's call says at the head; it may be something else than when it reverted.
    async fn reason(&self, entry: &Entry) -> String {
        let order = &entry.order;
        let from = self.wallet.address();
        let call = Call { from, to: order.to, value: order.value, data: order.data.clone() };
        match self.chain.call(call).await {
            Err(ChainError::Reverted { why, .. }) => why,
            _ => "the same call does not revert now; it may have run out of gas".into(),
        }
    }

    fn latest(&self, nonce: u64) -> Option<Bytes> {
        let outbox = self.outbox.borrow();
        let entry = outbox.entry(nonce)?;
        Some(self.sign(entry, entry.attempts.last()?).1)
    }

    fn hashes(&self, entry: &Entry) -> Vec<B256> {
        entry.attempts.iter().map(|attempt| self.sign(entry, attempt).0).collect()
    }

    fn sign(&self, entry: &Entry, attempt: &Attempt) -> (B256, Bytes) {
        let mut transaction = TxEip1559 {
            chain_id: self.chain.id(),
            nonce: entry.nonce,
            gas_limit: entry.gas_limit,
            max_fee_per_gas: attempt.max_fee,
            max_priority_fee_per_gas: attempt.tip,
            ..TxEip1559::default()
        };
        if attempt.cancels {
            transaction.gas_limit = PLAIN_GAS;
            transaction.to = TxKind::Call(self.wallet.address());
        } else {
            transaction.to = entry.order.to.map_or(TxKind::Create, TxKind::Call);
            transaction.value = entry.order.value;
            transaction.input = entry.order.data.clone();
        }
        self.wallet.sign(transaction)
    }
}

/// Why an order is not on its way.
enum AdmitError {
    /// The chain does not answer: try again.
    Later(ChainError),
    /// It needs nothing more.
    Answer(Box<Answer>),
}

impl AdmitError {
    fn answer(answer: Answer) -> Self {
        Self::Answer(Box::new(answer))
    }
}

impl From<StorageError> for AdmitError {
    fn from(why: StorageError) -> Self {
        Self::answer(Err(why.into()))
    }
}

impl From<ChainError> for AdmitError {
    fn from(why: ChainError) -> Self {
        match why {
            ChainError::Reverted { data, why } => {
                Self::answer(Err(TransactionError::WouldRevert { data, why }))
            }
            ChainError::Unreachable { .. } => Self::Later(why),
            why => Self::answer(Err(TransactionError::Refused(why.to_string()))),
        }
    }
}
