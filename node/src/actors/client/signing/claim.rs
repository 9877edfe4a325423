//! What a provider claims of a slot, and whether it is right.

use super::{
    super::{actor::Client, messages::ClientError},
    notes,
};
use crate::{
    actors::{ask, peers::PeerError, repair::Refill},
    env::{Work, blocking},
    limits,
    types::{PeerId, PlacementId, Refusal, SlotRoot},
};
use holdfast_proofs::{field::Fr, spot_check::Shown, tree::CELL_BYTES};

/// What became of asking for a slot's root.
pub(super) enum Claim {
    /// The root is the owner's slot's, as far as drawn cells can show.
    Right(Fr),
    /// Ask again later.
    Later,
    /// The provider does not hold the slot, and why that is so.
    NotHeld(String),
}

/// Why a holder showed nothing that could be checked.
enum Miss {
    /// It answers, and is not ready yet.
    Busy,
    /// It cannot be reached.
    Silent,
    /// This node cannot tell: its own notes are gone or cannot be read.
    Unknown,
    /// It does not hold the slot.
    NotHeld(String),
}

impl From<PeerError> for Miss {
    fn from(error: PeerError) -> Self {
        match &error {
            PeerError::Wrong { .. }
            | PeerError::Refused { refusal: Refusal::NotFound | Refusal::Damaged, .. } => {
                Self::NotHeld(error.to_string())
            }
            PeerError::Refused { .. } => Self::Busy,
            PeerError::Net(_) => Self::Silent,
            PeerError::NoPass { .. } | PeerError::Unprovable { .. } | PeerError::Unpaid { .. } => {
                Self::Unknown
            }
        }
    }
}

/// Asks the holder of a slot for its root, and checks it.
pub(super) async fn of_slot(client: &Client, id: PlacementId, slot: u16) -> Result<Claim, ClientError> {
    // Without a note the file was removed meanwhile.
    let Some(mut note) = notes::read_slot(client, id, slot).await? else { return Ok(Claim::Later) };
    let Some(holder) = note.holder else { return Ok(Claim::NotHeld("nobody holds it".into())) };
    let checked = checked(client, holder, id, slot, note.length).await;
    let now = client.common.clock.now();
    let before = note.silent;
    note.silent = matches!(checked, Err(Miss::Silent)).then(|| before.unwrap_or(now));
    if note.silent != before {
        notes::write_slot(client, id, slot, &note).await?;
    }
    let (waited, silent) = (now.since(note.since), note.silent.map(|since| now.since(since)));
    Ok(match checked {
        Ok(root) => Claim::Right(root),
        Err(Miss::NotHeld(why)) => Claim::NotHeld(why),
        Err(Miss::Busy) if waited > limits::ROOT_PATIENCE => {
            Claim::NotHeld(format!("no claim within {} s", waited.as_secs()))
        }
        Err(Miss::Silent) if silent > Some(client.grace) => Claim::NotHeld("it cannot be reached".into()),
        Err(Miss::Busy | Miss::Silent | Miss::Unknown) => Claim::Later,
    })
}

async fn checked(
    client: &Client,
    holder: PeerId,
    id: PlacementId,
    slot: u16,
    length: u64,
) -> Result<Fr, Miss> {
    let (levels, claimed, SlotRoot(root)) = client.peers.claim_root(holder, id, slot).await?;
    let read = notes::read_check(client, id, slot).await;
    let check = read.ok().flatten().ok_or(Miss::Unknown)?;
    if (levels, claimed) != (check.levels, length) {
        return Err(Miss::NotHeld(format!("it claims {claimed} bytes under a tree of {levels} levels")));
    }
    let asked: Vec<u64> = check.indices().collect();
    let cells = asked.len();
    let body = client.peers.show_cells(holder, id, slot, asked).await?;
    let work = Work::Compute { bytes: (cells * CELL_BYTES) as u64 };
    let verify = move || -> Result<Fr, String> {
        let shown = Shown::from_bytes(&body, cells).map_err(|why| why.to_string())?;
        check.check(root, &shown).map_err(|why| why.to_string())?;
        Ok(root)
    };
    blocking(&*client.common.spawn, work, verify).await.map_err(Miss::NotHeld)
}

/// Finds or makes another holder of a slot.
pub(super) async fn refill(
    client: &Client,
    id: PlacementId,
    slot: u16,
    without: &[PeerId],
) -> Option<PeerId> {
    let (without, passes) = (without.to_vec(), Some(client.passes(None)));
    ask(&client.ask.refill, Refill { id, slot, without, passes }).await
}
