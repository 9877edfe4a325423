//! The rounds: who is asked when, and what follows.

use super::{
    super::{
        actor::Client,
        cells::OwnRoots,
        messages::{ClientError, Progress, RootsState},
    },
    claim::{self, Claim},
    notes::{self, Head, SlotNote},
};
use crate::{
    actors::{ask, proof::TreeLevels},
    events::Event,
    limits,
    types::{PeerId, PlacementId, Signed, SlotRoot, SlotRoots, Timestamp},
};
use futures::{FutureExt, StreamExt, TryStreamExt, channel::mpsc::UnboundedSender, pin_mut, stream};
use std::{collections::BTreeSet, rc::Rc};

/// Writes down what is to be signed of a placement; [`start`] then does it.
pub(in super::super) async fn prepare(
    client: &Client,
    id: PlacementId,
    own: &OwnRoots,
    holders: &[PeerId],
) -> Result<(), ClientError> {
    let now = client.common.clock.now();
    let roots = SlotRoots {
        owner: client.keys.owner.peer(),
        placement: id,
        levels: own.levels as u8,
        cell_roots: own.slots.iter().map(|(root, _)| *root).collect(),
        slot_roots: vec![None; own.slots.len()],
        signed: now,
    };
    let head = Head { roots: Signed::new(&client.keys.owner, &roots), stored: now, done: false };
    notes::begin(client, &head, id, own, holders).await
}

/// Goes on with all placements that an earlier run of this node left unfinished.
pub(in super::super) async fn resume(client: Rc<Client>) {
    if ask(&client.ask.levels, TreeLevels).await.is_none() {
        return;
    }
    match notes::unfinished(&client).await {
        Ok(placements) => placements.into_iter().for_each(|id| start(&client, id)),
        Err(error) => tracing::warn!(%error, "slot roots that wait for a signature cannot be read"),
    }
}

/// Signs in the background until all is done.
pub(in super::super) fn start(client: &Rc<Client>, id: PlacementId) {
    if client.signing.borrow_mut().insert(id) {
        let task = sign(client.clone(), id);
        client.common.spawn.local(task.boxed_local());
    }
}

/// How far a placement is; `None` if its slots have no roots.
pub(in super::super) async fn state(
    client: &Client,
    id: PlacementId,
) -> Result<Option<RootsState>, ClientError> {
    let Some(head) = notes::read_head(client, id).await? else { return Ok(None) };
    let roots = decode(&head)?;
    let (slots, signed) = (roots.slot_roots.len(), roots.signed_slots());
    let seconds = (signed == slots).then(|| roots.signed.since(head.stored).as_secs_f64());
    Ok(Some(RootsState { slots, signed, seconds }))
}

fn decode(head: &Head) -> Result<SlotRoots, ClientError> {
    head.roots.decode_unverified().map_err(|why| ClientError::Io(why.to_string()))
}

async fn sign(client: Rc<Client>, id: PlacementId) {
    let mut pause = limits::ROOT_RETRY;
    let mut told = BTreeSet::new();
    loop {
        let round = {
            let _turn = client.signing_turns.acquire().await.expect("the semaphore is never closed");
            round(&client, id, &mut told).await
        };
        match round {
            Ok(true) => break,
            Ok(false) => {}
            Err(error) => tracing::warn!(%id, %error, "slot roots are not signed yet"),
        }
        client.common.clock.sleep(pause).await;
        pause = (pause * 2).min(limits::ROOT_RETRY_MAX);
    }
    client.signing.borrow_mut().remove(&id);
    client.signed.notify_waiters();
}

/// Asks for every root that is not signed; true if nothing is left to do. `told` are the slots whose holders have all
/// roots.
async fn round(client: &Rc<Client>, id: PlacementId, told: &mut BTreeSet<u16>) -> Result<bool, ClientError> {
    let Some(mut head) = notes::read_head(client, id).await? else { return Ok(true) };
    let mut roots = decode(&head)?;
    let slots = roots.slot_roots.len() as u16;
    let open = (0..slots).filter(|slot| roots.slot_roots[usize::from(*slot)].is_none());
    let claims: Vec<(u16, Claim)> = stream::iter(open)
        .map(|slot| async move { Ok::<_, ClientError>((slot, claim::of_slot(client, id, slot).await?)) })
        .buffer_unordered(limits::ROOT_CLAIMS_AT_A_TIME)
        .try_collect()
        .await?;
    let mut fresh = false;
    for (slot, claim) in claims {
        match claim {
            Claim::Right(root) => {
                roots.slot_roots[usize::from(slot)] = Some(SlotRoot(root));
                fresh = true;
            }
            Claim::Later => {}
            Claim::NotHeld(why) => refuse(client, id, slot, &why).await?,
        }
    }
    if fresh {
        roots.signed = client.common.clock.now().max(Timestamp(roots.signed.0 + 1));
        head.roots = Signed::new(&client.keys.owner, &roots);
        notes::write_head(client, id, &head).await?;
        told.clear();
        client.signed.notify_waiters();
    }
    tell(client, id, (&head, roots.signed), slots, told).await?;
    if roots.signed_slots() < usize::from(slots) || told.len() < usize::from(slots) {
        return Ok(false);
    }
    notes::clear_slots(client, id, slots).await?;
    head.done = true;
    notes::write_head(client, id, &head).await?;
    client.common.record.record(Event::RootsSigned { placement: id, slots });
    Ok(true)
}

/// The slot's provider does not hold it: who else does, or can?
async fn refuse(client: &Client, id: PlacementId, slot: u16, why: &str) -> Result<(), ClientError> {
    let Some(mut note) = notes::read_slot(client, id, slot).await? else { return Ok(()) };
    if let Some(provider) = note.holder.take() {
        tracing::warn!(%id, slot, %provider, why, "slot root refused");
        client.common.record.record(Event::RootRefused { placement: id, slot, provider });
        note.refused.push(provider);
        // Whatever becomes of the refill: this provider is not asked again.
        notes::write_slot(client, id, slot, &note).await?;
    }
    note.holder = claim::refill(client, id, slot, &note.refused).await;
    (note.since, note.silent) = (client.common.clock.now(), None);
    notes::write_slot(client, id, slot, &note).await
}

/// Gives the roots to every holder that has not got them. One that does not take them for longer than a holder may be
/// silent is left to the repairers: they pass roots on.
async fn tell(
    client: &Client,
    id: PlacementId,
    (head, signed): (&Head, Timestamp),
    slots: u16,
    told: &mut BTreeSet<u16>,
) -> Result<(), ClientError> {
    let mut waiting = Vec::new();
    let untold: Vec<u16> = (0..slots).filter(|slot| !told.contains(slot)).collect();
    for slot in untold {
        match notes::read_slot(client, id, slot).await? {
            Some(SlotNote { holder: Some(holder), .. }) => waiting.push((slot, holder)),
            Some(_) => {}
            None => drop(told.insert(slot)),
        }
    }
    let over = client.common.clock.now().since(signed) > client.grace;
    let answers = stream::iter(waiting)
        .map(|(slot, holder)| async move {
            let stored = client.peers.store_roots(holder, head.roots.clone()).await.is_ok();
            (slot, stored || over)
        })
        .buffer_unordered(limits::ROOT_CLAIMS_AT_A_TIME)
        .collect::<Vec<_>>()
        .await;
    told.extend(answers.into_iter().filter(|(_, done)| *done).map(|(slot, _)| slot));
    Ok(())
}

/// Waits until all roots of a placement are signed, and tells of each.
pub(in super::super) async fn wait(
    client: Rc<Client>,
    id: PlacementId,
    progress: Option<UnboundedSender<Progress>>,
) -> Result<Option<RootsState>, ClientError> {
    loop {
        let changed = client.signed.notified();
        pin_mut!(changed);
        changed.as_mut().enable();
        let Some(state) = state(&client, id).await? else { return Ok(None) };
        if let Some(progress) = &progress {
            // Nobody may be listening any more; the answer is awaited all the same.
            let (done, total) = (state.signed as u64, state.slots as u64);
            let _ = progress.unbounded_send(Progress { done, total });
        }
        if state.seconds.is_some() {
            return Ok(Some(state));
        }
        changed.await;
    }
}
