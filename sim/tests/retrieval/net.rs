//! A network that counts what each node reads from whom, and lets chosen providers take pay and serve nothing.

use crate::support::{Booted, forget_nets, tapped_boot};
use futures::{FutureExt, future::LocalBoxFuture};
use holdfast::{
    env::{Env, Net, NetError},
    node::Keys,
    settings::Settings,
    types::{Answer, Ask, PeerId, Request, Response},
};
use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
};

thread_local! {
    /// Bytes of shards that came, by reader and provider.
    static READ: RefCell<BTreeMap<(PeerId, PeerId), u64>> = const { RefCell::new(BTreeMap::new()) };
    /// Providers whose shards come without their bytes.
    static CHEATS: RefCell<BTreeSet<PeerId>> = const { RefCell::new(BTreeSet::new()) };
    /// Vouchers that were given: by whom, to whom.
    static PAID: RefCell<Vec<(PeerId, PeerId, Ask)>> = const { RefCell::new(Vec::new()) };
}

fn tap(net: &dyn Net, peer: PeerId, request: Request) -> LocalBoxFuture<'static, Result<Response, NetError>> {
    let (me, ask) = (net.local_peer(), request.ask.clone());
    let answer = net.request(peer, request);
    async move {
        let mut response = answer.await?;
        match (&ask, &response.answer) {
            (Ask::ReadShard { .. }, Answer::Shard) if CHEATS.with_borrow(|all| all.contains(&peer)) => {
                response.body.clear();
            }
            (Ask::ReadShard { .. }, Answer::Shard) => {
                let bytes = response.body.len() as u64;
                READ.with_borrow_mut(|read| *read.entry((me, peer)).or_default() += bytes);
            }
            (Ask::Pay { .. }, Answer::Paid) => PAID.with_borrow_mut(|paid| paid.push((me, peer, ask))),
            _ => {}
        }
        Ok(response)
    }
    .boxed_local()
}

/// Starts a node on such a network.
pub fn boot(env: Env, keys: Keys, settings: Settings) -> Booted {
    tapped_boot(tap, env, keys, settings)
}

/// To be called at the end of a world.
pub fn end() {
    forget_nets();
    drop((READ.take(), CHEATS.take(), PAID.take()));
}

/// From now on nothing comes of what this provider serves.
pub fn cheat(provider: PeerId) {
    CHEATS.with_borrow_mut(|all| all.insert(provider));
}

/// Bytes of shards that a reader got from a provider.
pub fn read(reader: PeerId, provider: PeerId) -> u64 {
    READ.with_borrow(|read| read.get(&(reader, provider)).copied().unwrap_or_default())
}

/// What a reader paid with, provider by provider.
pub fn paid(reader: PeerId) -> Vec<(PeerId, Ask)> {
    let mine =
        |(payer, provider, ask): &(PeerId, PeerId, Ask)| (*payer == reader).then(|| (*provider, ask.clone()));
    PAID.with_borrow(|paid| paid.iter().filter_map(mine).collect())
}
