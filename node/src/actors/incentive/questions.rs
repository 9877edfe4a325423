//! What other actors ask of the chain: they are given its answers, not the chain.

use super::{actor::IncentiveActor, messages::*};
use crate::{
    env::{Chain, ChainError, Clock, timeout},
    limits,
    types::chain::{Block, Log, Receipt},
};
use actix::{Handler, ResponseFuture};
use alloy::primitives::{Address, Bytes};
use futures::future::try_join;
use std::rc::Rc;

/// The chain, and who asks it here.
#[derive(Clone)]
pub(super) struct Questions {
    pub(super) chain: Option<Rc<dyn Chain>>,
    pub(super) clock: Rc<dyn Clock>,
    pub(super) account: Option<Address>,
}

impl Questions {
    fn chain(&self) -> Result<Rc<dyn Chain>, ChainError> {
        self.chain.clone().ok_or_else(|| ChainError::Unreachable { why: "this node has no chain".into() })
    }

    /// An answer, or an outage if there is none in time.
    async fn told<T>(&self, answer: impl Future<Output = Result<T, ChainError>>) -> Result<T, ChainError> {
        let late = |why: crate::env::Elapsed| Err(ChainError::Unreachable { why: why.to_string() });
        timeout(&*self.clock, limits::CHAIN_TIMEOUT, answer).await.unwrap_or_else(late)
    }

    async fn status(&self, open: Vec<OpenTransaction>) -> Option<ChainStatus> {
        let chain = self.chain.clone()?;
        let address = self.account.unwrap_or_default();
        let look = try_join(chain.head(), chain.account(address));
        // A person waits for it.
        let looked = match timeout(&*self.clock, limits::STATUS_TIMEOUT, look).await {
            Ok(Ok(seen)) => Ok(seen),
            Ok(Err(why)) => Err(why.to_string()),
            Err(why) => Err(why.to_string()),
        };
        let (seen, trouble) = match looked {
            Ok(seen) => (Some(seen), None),
            Err(why) => (None, Some(why)),
        };
        Some(ChainStatus {
            id: chain.id(),
            account: self.account,
            block: seen.map(|(head, _)| head.number),
            balance: seen.filter(|_| self.account.is_some()).map(|(_, account)| account.balance),
            open,
            trouble,
        })
    }
}

macro_rules! answer {
    ($message:ty, $result:ty, |$questions:ident, $ask:pat_param| $answer:expr) => {
        impl Handler<$message> for IncentiveActor {
            type Result = ResponseFuture<$result>;
            fn handle(&mut self, $ask: $message, _: &mut Self::Context) -> Self::Result {
                let $questions = self.questions.clone();
                Box::pin(async move { $answer })
            }
        }
    };
}

answer!(HeadQuery, Result<Block, ChainError>, |questions, _| questions.told(questions.chain()?.head()).await);
answer!(ContractQuery, Result<Bytes, ChainError>, |questions, ContractQuery(call)| {
    questions.told(questions.chain()?.call(call)).await
});
answer!(ReceiptQuery, Result<Option<Receipt>, ChainError>, |questions, ReceiptQuery(hash)| {
    questions.told(questions.chain()?.receipt(hash)).await
});
answer!(LogsQuery, Result<Vec<Log>, ChainError>, |questions, LogsQuery(filter)| {
    questions.told(questions.chain()?.logs(filter)).await
});

impl Handler<ChainStatusQuery> for IncentiveActor {
    type Result = ResponseFuture<Option<ChainStatus>>;

    fn handle(&mut self, _: ChainStatusQuery, _: &mut Self::Context) -> Self::Result {
        let (questions, open) = (self.questions.clone(), self.open());
        Box::pin(async move { questions.status(open).await })
    }
}
