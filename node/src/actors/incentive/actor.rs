//! The shell: hands orders to the one task that sends.

use super::{journal::Journal, messages::*, questions::Questions, sender::Sender};
use crate::{
    actors::storage::{ListNotes, ReadNote, WriteNote},
    env::{Chain, Common},
    limits,
    types::Wallet,
};
use actix::{Actor, Addr, Context, Handler, MessageResult, Recipient, ResponseFuture};
use std::rc::Rc;

/// The actors that the incentive actor asks.
pub struct Neighbours {
    /// Keeps the outbox's journal.
    pub write_note: Recipient<WriteNote>,
    /// Reads a note.
    pub read_note: Recipient<ReadNote>,
    /// Lists notes.
    pub list_notes: Recipient<ListNotes>,
}

/// The incentive actor.
pub struct IncentiveActor {
    sender: Option<Rc<Sender>>,
    pub(super) questions: Questions,
}

impl IncentiveActor {
    /// Starts the actor; without a chain or a wallet it refuses every order. `most_fee` is the most wei a unit of gas that
    /// it pays for a transaction which is worth no more to whoever orders it.
    pub fn start(
        common: &Common,
        chain: Option<Rc<dyn Chain>>,
        wallet: Option<Wallet>,
        most_fee: u128,
        neighbours: Neighbours,
    ) -> Addr<Self> {
        let account = wallet.as_ref().map(Wallet::address);
        let questions = Questions { chain: chain.clone(), clock: common.clock.clone(), account };
        let sender = chain.zip(wallet).map(|(chain, wallet)| {
            let Neighbours { write_note, read_note, list_notes } = neighbours;
            let journal = Journal::new(chain.id(), wallet.address(), write_note, read_note, list_notes);
            Rc::new(Sender::new(common.clone(), chain, wallet, journal, most_fee))
        });
        if let Some(sender) = &sender {
            common.spawn.local(Box::pin(sender.clone().run()));
        }
        Actor::start(Self { sender, questions })
    }

    pub(super) fn open(&self) -> Vec<OpenTransaction> {
        self.sender.as_ref().map(|sender| sender.report()).unwrap_or_default()
    }
}

impl Actor for IncentiveActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(limits::MAILBOX);
    }
}

impl Handler<SubmitTransaction> for IncentiveActor {
    type Result = ResponseFuture<Result<TransactionEnd, TransactionError>>;

    fn handle(&mut self, submit: SubmitTransaction, _: &mut Self::Context) -> Self::Result {
        let sender = self.sender.clone();
        Box::pin(async move { sender.ok_or(TransactionError::NoChain)?.order(submit).await })
    }
}

impl Handler<OpenTransactionsQuery> for IncentiveActor {
    type Result = MessageResult<OpenTransactionsQuery>;

    fn handle(&mut self, _: OpenTransactionsQuery, _: &mut Self::Context) -> Self::Result {
        MessageResult(self.open())
    }
}
