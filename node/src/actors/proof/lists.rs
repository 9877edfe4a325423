//! The roots of access lists that their owners keep on the chain, for as long as they may be believed.
//!
//! A pass costs its maker nothing if it is none, so passes must not decide how much the chain is asked: one list is asked
//! for once in [`limits::LIST_TTL`], one question is asked at a time, and after an outage none for a while. A root that was
//! told in one epoch is not believed in the next: whoever was taken off a list before an epoch began is not let in again.

use crate::{
    actors::{ask, incentive::ContractQuery},
    env::{Clock, timeout},
    limits,
    types::{ListName, ListRoot, Refusal, Timestamp, chain::Call},
};
use actix::Recipient;
use alloy::{
    primitives::{Address, U256},
    sol_types::SolCall,
};
use futures::lock::Mutex;
use holdfast_contracts::abi::AccessLists;
use std::{cell::RefCell, collections::BTreeMap, rc::Rc};

/// Where this node looks access lists up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListContract {
    /// The chain's id.
    pub chain: u64,
    /// Where `AccessLists` stands on it.
    pub address: Address,
}

/// Looks roots up.
pub(super) struct Lists {
    clock: Rc<dyn Clock>,
    contract: Option<ListContract>,
    call: Recipient<ContractQuery>,
    known: RefCell<Known>,
    /// One question is asked at a time.
    asking: Mutex<()>,
}

impl Lists {
    pub(super) fn new(
        clock: Rc<dyn Clock>,
        contract: Option<ListContract>,
        call: Recipient<ContractQuery>,
    ) -> Self {
        Self { clock, contract, call, known: RefCell::default(), asking: Mutex::default() }
    }

    /// The root that passes of this epoch are checked against.
    ///
    /// # Errors
    /// The refusal for a reader, if nobody is in the list or nobody can tell.
    pub(super) async fn root(&self, name: ListName, epoch: u64) -> Result<ListRoot, Refusal> {
        let contract = self.contract.filter(|contract| contract.chain == name.chain);
        let contract = contract.ok_or(Refusal::ListElsewhere { chain: name.chain })?;
        if let Some(told) = self.known.borrow().tell(name, epoch, self.clock.now()) {
            return told;
        }
        let _turn = self.asking.lock().await;
        // Whoever had the turn before may have asked the same.
        if let Some(told) = self.known.borrow().tell(name, epoch, self.clock.now()) {
            return told;
        }
        let asked = self.clock.now();
        let root = self.ask(contract.address, name).await;
        let root = root.inspect_err(|why| tracing::warn!(%name, %why, "an access list is not read")).ok();
        let mut known = self.known.borrow_mut();
        match root {
            Some(root) => known.keep(name, epoch, asked, root),
            None => known.silent = Some(self.clock.now()),
        }
        root.map_or(Err(Refusal::ListUnread), |root| root.ok_or(Refusal::ListClosed))
    }

    /// The root at the newest block; `None` if it is zero or no root, so that nobody is in the list.
    async fn ask(&self, contract: Address, name: ListName) -> Result<Option<ListRoot>, String> {
        let call = AccessLists::listOfCall { owner: name.owner, list: U256::from(name.list) };
        let query = Call { to: Some(contract), data: call.abi_encode().into(), ..Call::default() };
        let answer = timeout(&*self.clock, limits::LIST_TIMEOUT, ask(&self.call, ContractQuery(query))).await;
        let answer = answer.map_err(|why| why.to_string())?.map_err(|why| why.to_string())?;
        let list = AccessLists::listOfCall::abi_decode_returns(&answer).map_err(|why| why.to_string())?;
        Ok(Some(list.root).filter(|root| !root.is_zero()).and_then(|root| ListRoot::from_bytes(&root)))
    }
}

/// What the chain told lately. Pure: no clock.
#[derive(Debug, Default)]
struct Known {
    roots: BTreeMap<ListName, Told>,
    /// When the chain was last asked in vain.
    silent: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug)]
struct Told {
    epoch: u64,
    asked: Timestamp,
    root: Option<ListRoot>,
}

impl Known {
    /// What a reader is told without a question to the chain; `None` if it must be asked.
    fn tell(&self, name: ListName, epoch: u64, now: Timestamp) -> Option<Result<ListRoot, Refusal>> {
        let fresh = |at: Timestamp| now.since(at) < limits::LIST_TTL;
        let told = self.roots.get(&name).filter(|told| told.epoch == epoch && fresh(told.asked));
        let silent = || self.silent.filter(|at| fresh(*at)).map(|_| Err(Refusal::ListUnread));
        told.map(|told| told.root.ok_or(Refusal::ListClosed)).or_else(silent)
    }

    fn keep(&mut self, name: ListName, epoch: u64, asked: Timestamp, root: Option<ListRoot>) {
        // To forget costs a question.
        if self.roots.len() >= limits::MAX_KNOWN_LISTS {
            self.roots.clear();
        }
        self.roots.insert(name, Told { epoch, asked, root });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::ChainError;
    use actix::{Actor, Context, Handler, ResponseFuture};
    use alloy::{primitives::Bytes, sol_types::SolValue};
    use futures::{
        FutureExt,
        future::{LocalBoxFuture, join_all, pending},
    };
    use std::{cell::Cell, time::Duration};

    const NOW: Timestamp = Timestamp(1_000_000_000_000);

    fn name(list: u64) -> ListName {
        ListName { chain: 1, owner: Address::with_last_byte(7), list }
    }

    fn root(number: u64) -> ListRoot {
        ListRoot(number.into())
    }

    /// Answers with list roots, or not at all; counts questions.
    struct Contract {
        asked: Rc<Cell<u32>>,
        root: Option<ListRoot>,
    }

    impl Actor for Contract {
        type Context = Context<Self>;
    }

    impl Handler<ContractQuery> for Contract {
        type Result = ResponseFuture<Result<Bytes, ChainError>>;

        fn handle(&mut self, _: ContractQuery, _: &mut Self::Context) -> Self::Result {
            self.asked.set(self.asked.get() + 1);
            let root = self.root.map(|root| AccessLists::List {
                root: root.to_bytes().into(),
                version: 1,
                changedAt: 1,
            });
            let silent = || ChainError::Unreachable { why: "the link is down".into() };
            async move { root.map(|list| list.abi_encode().into()).ok_or_else(silent) }.boxed_local()
        }
    }

    /// A clock that stands still.
    struct Still;

    impl Clock for Still {
        fn now(&self) -> Timestamp {
            NOW
        }
        fn sleep(&self, _: Duration) -> LocalBoxFuture<'static, ()> {
            pending().boxed_local()
        }
    }

    /// What a hundred readers are told who come at once, and how often the chain was asked.
    fn rush(root: Option<ListRoot>, list: fn(u64) -> ListName) -> (Vec<Result<ListRoot, Refusal>>, u32) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        tokio::task::LocalSet::new().block_on(&runtime, async {
            let asked = Rc::new(Cell::new(0));
            let call = Contract { asked: asked.clone(), root }.start().recipient();
            let contract = ListContract { chain: 1, address: Address::with_last_byte(9) };
            let lists = Lists::new(Rc::new(Still), Some(contract), call);
            let told = join_all((0..100).map(|number| lists.root(list(number), 5))).await;
            (told, asked.get())
        })
    }

    #[test]
    fn a_flood_of_passes_asks_the_chain_once_a_list_and_a_silent_chain_once() {
        assert_eq!(rush(Some(root(3)), |_| name(1)), (vec![Ok(root(3)); 100], 1));
        assert_eq!(rush(Some(root(3)), name), (vec![Ok(root(3)); 100], 100));
        assert_eq!(rush(None, name), (vec![Err(Refusal::ListUnread); 100], 1));
        let elsewhere = |number| ListName { chain: 2, ..name(number) };
        assert_eq!(rush(Some(root(3)), elsewhere), (vec![Err(Refusal::ListElsewhere { chain: 2 }); 100], 0));
        assert_eq!(rush(Some(ListRoot(0.into())), name).0, vec![Err(Refusal::ListClosed); 100]);
    }

    #[test]
    fn a_root_is_believed_for_a_while_and_in_its_epoch_alone() {
        let mut known = Known::default();
        assert_eq!(known.tell(name(1), 5, NOW), None);
        known.keep(name(1), 5, NOW, Some(root(3)));
        known.keep(name(2), 5, NOW, None);
        let last = Timestamp((NOW + limits::LIST_TTL).0 - 1);
        assert_eq!(known.tell(name(1), 5, last), Some(Ok(root(3))));
        assert_eq!(known.tell(name(2), 5, last), Some(Err(Refusal::ListClosed)));
        assert_eq!(known.tell(name(3), 5, last), None, "another list");
        assert_eq!(known.tell(name(1), 6, NOW), None, "another epoch");
        assert_eq!(known.tell(name(1), 5, NOW + limits::LIST_TTL), None, "too old");
        known.keep(name(1), 5, NOW, Some(root(4)));
        assert_eq!(known.tell(name(1), 5, NOW), Some(Ok(root(4))));
    }

    #[test]
    fn a_silent_chain_is_not_asked_at_once_again_and_what_it_told_before_still_counts() {
        let mut known = Known::default();
        known.keep(name(1), 5, NOW, Some(root(3)));
        known.silent = Some(NOW);
        assert_eq!(known.tell(name(1), 5, NOW), Some(Ok(root(3))));
        assert_eq!(known.tell(name(2), 5, NOW), Some(Err(Refusal::ListUnread)));
        assert_eq!(known.tell(name(2), 5, NOW + limits::LIST_TTL), None);
    }

    #[test]
    fn lists_are_remembered_up_to_a_bound() {
        let mut known = Known::default();
        for number in 0..2 * limits::MAX_KNOWN_LISTS as u64 {
            known.keep(name(number), 5, NOW, None);
            assert!(known.roots.len() <= limits::MAX_KNOWN_LISTS);
            assert_eq!(known.tell(name(number), 5, NOW), Some(Err(Refusal::ListClosed)));
        }
    }
}
