//! One request and its answer, on its way between two nodes.

use super::{dht::Living, fabric::Fabric, table::TableKey};
use crate::links::FlowId;
use futures::channel::oneshot;
use holdfast::{
    env::NetError,
    types::{Request, Response},
};
use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard},
    task::{Context, Poll, Wake, Waker},
};

/// Where an exchange stands.
#[derive(Debug)]
pub enum Stage {
    /// The request is under way.
    Asking(Request),
    /// The other node has it.
    Waiting(oneshot::Receiver<Response>),
    /// The answer, or the news that there is none, is under way.
    Answering(Result<Response, NetError>),
    /// It has reached the asker.
    Done(Result<Response, NetError>),
}

/// A request and what became of it.
#[derive(Debug)]
pub struct Exchange {
    /// Who asks.
    pub from: Living,
    /// Who is asked.
    pub to: Living,
    /// Where it stands.
    pub stage: Stage,
    /// Bytes on the wire of the message that is under way or came last.
    pub bytes: u64,
    /// The bulk transfer that carries it now.
    pub flow: Option<FlowId>,
    /// Wakes the asker.
    pub asker: Option<Waker>,
}

/// The asker's end. Dropping it cancels the exchange.
pub struct Pending {
    /// Where the exchange is.
    pub fabric: Fabric,
    /// Which one.
    pub id: TableKey,
}

impl Future for Pending {
    type Output = Result<Response, NetError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.fabric.poll_exchange(self.id, cx)
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        self.fabric.cancel(self.id);
    }
}

/// Exchanges whose answer was given since the driver last ran.
#[derive(Default)]
pub struct Answered(Mutex<Inbox>);

#[derive(Default)]
struct Inbox {
    ids: Vec<TableKey>,
    driver: Option<Waker>,
}

impl Answered {
    /// Takes the ids, and remembers whom to wake for the next one.
    pub fn take(&self, driver: &Waker, into: &mut Vec<TableKey>) {
        let mut inbox = self.lock();
        std::mem::swap(&mut inbox.ids, into);
        match &mut inbox.driver {
            Some(waker) => waker.clone_from(driver),
            none => *none = Some(driver.clone()),
        }
    }

    /// A waker that reports exchange `id` here.
    pub fn waker(self: &Arc<Self>, id: TableKey) -> Waker {
        Arc::new(AnswerWaker { id, answered: Arc::clone(self) }).into()
    }

    fn report(&self, id: TableKey) {
        let mut inbox = self.lock();
        inbox.ids.push(id);
        // With more than one waiting the driver has been woken already.
        if inbox.ids.len() == 1
            && let Some(driver) = &inbox.driver
        {
            driver.wake_by_ref();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inbox> {
        self.0.lock().expect("nothing panics while it holds the list of answers")
    }
}

struct AnswerWaker {
    id: TableKey,
    answered: Arc<Answered>,
}

impl Wake for AnswerWaker {
    fn wake(self: Arc<Self>) {
        self.answered.report(self.id);
    }
}
