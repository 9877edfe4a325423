//! What a provider does next on the chain, given what the chain says at one head. It knows no time but heights.
//!
//! Everything is decided from the chain's state and not from its events, so that a reorganisation needs no case of its own:
//! whatever it took back is found undone at the next look, and done again.

use crate::limits;
use alloy::primitives::{Address, U256, keccak256};

/// How blocks are cut into windows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Windows {
    /// First block of window 0.
    pub genesis: u64,
    /// Blocks of a window.
    pub blocks: u64,
    /// Blocks, from a window's second on, in which it can be opened.
    pub open_blocks: u64,
}

impl Windows {
    /// The window of a block.
    pub fn of(&self, block: u64) -> u64 {
        block.saturating_sub(self.genesis) / self.blocks
    }

    /// The first block of a window.
    pub fn first(&self, window: u64) -> u64 {
        self.genesis + window * self.blocks
    }
}

/// An open window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Opened {
    /// Its random bits.
    pub random: [u8; 24],
    /// The last block that takes proofs.
    pub deadline: u64,
}

/// What the chain keeps of this provider.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Book {
    /// Slots in its set.
    pub count: u32,
    /// How often the set changed.
    pub version: u32,
    /// The first window that its set must prove.
    pub obliged_from: u64,
    /// Of misses.
    pub level: u16,
    /// The window of the last one.
    pub last_miss: u64,
    /// It may prove no more.
    pub evicted: bool,
}

/// What one look at the chain showed, as far as windows are concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sight {
    /// The block that a transaction can be in at the earliest.
    pub next: u64,
    /// How blocks are cut.
    pub windows: Windows,
    /// That block's window, if it is open.
    pub opened: Option<Opened>,
    /// This provider's book.
    pub book: Book,
    /// True if it proved that window.
    pub proven: bool,
}

/// What is due in a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WindowDuty {
    /// Open it.
    Open,
    /// Prove all slots.
    Prove(Opened),
}

impl Sight {
    /// The window of the next block.
    pub fn window(&self) -> u64 {
        self.windows.of(self.next)
    }

    fn is_obliged(&self) -> bool {
        self.book.count != 0 && self.window() >= self.book.obliged_from
    }

    /// The last block for proofs of the window, or for opening it while it is not.
    fn deadline(&self) -> u64 {
        let never_opened = self.windows.first(self.window()) + self.windows.open_blocks;
        self.opened.map_or(never_opened, |opened| opened.deadline)
    }

    /// True if the next block may change the provider's set: the window is proven, or can no longer be.
    pub fn is_free(&self) -> bool {
        !self.is_obliged() || self.proven || self.is_late(0)
    }

    /// True if nobody can prove the window any more, so that whoever has not has missed it, and `turn` blocks are over since.
    pub fn is_late(&self, turn: u64) -> bool {
        self.next > self.deadline() + turn
    }

    /// The last block in which a slot may be reserved: half of the time that there is to open a window is left to refill it, before
    /// the next window binds the set and the bond may burn. No window binds an empty set.
    fn last_for_two(&self) -> u64 {
        let next = self.windows.first(self.window() + 1);
        if self.book.count == 0 { u64::MAX } else { next.saturating_sub(self.windows.open_blocks / 2 + 1) }
    }

    /// The first window whose outcome is not certain yet.
    pub fn first_open(&self) -> u64 {
        self.window() + u64::from(self.is_free())
    }

    /// What is due in the window of the next block; `turn` is how many blocks this provider waits for others to open it.
    pub fn window_duty(&self, turn: u64) -> Option<WindowDuty> {
        if !self.is_obliged() || self.book.evicted || self.proven {
            return None;
        }
        match self.opened {
            Some(opened) => (self.next <= opened.deadline).then_some(WindowDuty::Prove(opened)),
            None => {
                let first = self.windows.first(self.window());
                let mine = first + turn..=first + self.windows.open_blocks;
                mine.contains(&self.next).then_some(WindowDuty::Open)
            }
        }
    }
}

/// Blocks after a window's first that a provider waits for somebody else to open it: at least one, at most half of the
/// time there is for it, another number each window. So that a few pay for the opening in turn, and not all at once.
pub(super) fn turn(provider: Address, window: u64, open_blocks: u64) -> u64 {
    let hash = keccak256([provider.as_slice(), &window.to_be_bytes()].concat());
    let number = u64::from_be_bytes(hash[..8].try_into().expect("a hash has 32 bytes"));
    1 + number % (open_blocks / 2).max(1)
}

/// Blocks between two looks that see the same; after more of them a reorganisation may have come and gone unseen.
const GAP: u64 = limits::CONFIRMATIONS / 2;

/// True once something is seen at every look for so many blocks; `seen` has the heights of the first and the last of these
/// looks, and `next` is that of this one.
pub(super) fn lasts(seen: &mut Option<(u64, u64)>, next: u64, blocks: u64) -> bool {
    let (first, last) = seen.filter(|(_, last)| next <= last + GAP).unwrap_or((next, next));
    *seen = Some((first, last.max(next)));
    next >= first + blocks
}

/// How the chain counts a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SlotState {
    /// Nobody ever had it.
    Empty,
    /// It lost its provider, and nobody has reserved it.
    Freed,
    /// This provider has reserved it.
    Reserved,
    /// This provider had reserved it and did not refill it in time.
    Overdue,
    /// This provider has it.
    Mine,
    /// It is another's or will be, or it is over.
    Gone,
}

/// What one look showed of a slot that stands behind an agreement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SlotSight {
    /// How the chain counts it.
    pub state: SlotState,
    /// A dispute about it holds its provider.
    pub disputed: bool,
    /// The first window of whoever has it, or had it last.
    pub from: u64,
    /// The last block of its reservation.
    pub reserved_to: u64,
    /// Windows before this one are settled.
    pub settled_to: u64,
    /// The first window that its provider is not paid for.
    pub end: u64,
    /// The first window that nobody is paid for: later than `end` if the agreement was extended and its provider has not
    /// renewed the slot.
    pub agreed_end: u64,
    /// What it is paid for a window, 10⁻¹⁸ HOLD.
    pub price: u128,
}

/// What is due for a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SlotDuty {
    /// Take it with the owner's approval.
    Fill,
    /// Reserve it under a bond.
    Reserve,
    /// Take what is reserved.
    Refill,
    /// End the reservation: its time reached the agreement's last window, and then the bond comes back.
    Expire,
    /// Go on with it until the end that its agreement was extended to.
    Renew,
    /// Be paid for what was proven.
    Settle,
    /// Declare it lost: to be caught costs more.
    DeclareFault,
    /// End it: its time is over.
    Finish,
    /// It stands behind nothing any more.
    Forget,
}

/// Windows in a row in which a slot is not whole here until it counts as lost: somebody may be repairing it.
const LOST_WINDOWS: u32 = 2;

impl SlotSight {
    /// True if this provider may go on with it for longer than it said.
    pub fn is_extended(&self) -> bool {
        self.state == SlotState::Mine && self.end < self.agreed_end
    }

    /// The last block in which it is of use to do what is due; `None` if there is none.
    pub fn last_block(&self, duty: SlotDuty, sight: &Sight) -> Option<u64> {
        let before = |window: u64| sight.windows.first(window).saturating_sub(1);
        // The market takes nobody into an agreement's last window.
        let entry = before(self.end.saturating_sub(1));
        match duty {
            SlotDuty::Fill => Some(entry),
            SlotDuty::Reserve => Some(entry.min(sight.last_for_two())),
            SlotDuty::Refill => Some(entry.min(self.reserved_to)),
            SlotDuty::Renew => Some(before(self.end)),
            _ => None,
        }
    }

    /// What it is paid from its end to the agreement's, 10⁻¹⁸ HOLD.
    pub fn added_pay(&self) -> U256 {
        U256::from(self.price).saturating_mul(U256::from(self.agreed_end.saturating_sub(self.end)))
    }

    /// What is due; `absent` is in how many windows in a row the slot was not whole here, `goes_on` tells whether its provider
    /// would take it on these terms again, and `every` so many windows it is settled.
    pub fn duty(&self, sight: &Sight, absent: u32, goes_on: bool, every: u64) -> Option<SlotDuty> {
        let (window, lost) = (sight.window(), absent >= LOST_WINDOWS);
        // The market takes nobody into an agreement's last window.
        let closed = window + 1 >= self.end;
        let enters = !sight.book.evicted && sight.is_free();
        match self.state {
            SlotState::Gone => Some(SlotDuty::Forget),
            SlotState::Empty | SlotState::Freed if lost || closed => Some(SlotDuty::Forget),
            SlotState::Empty => enters.then_some(SlotDuty::Fill),
            // Its last window but one may be over before the refill.
            SlotState::Freed => {
                let in_time = sight.is_free() && sight.next <= sight.last_for_two();
                let refillable = window + 2 < self.end && absent == 0 && in_time;
                (enters && refillable).then_some(SlotDuty::Reserve)
            }
            SlotState::Reserved => (enters && !closed && absent == 0).then_some(SlotDuty::Refill),
            // The bond of a reservation that ran out before the last window is burned by whoever ends it.
            SlotState::Overdue => {
                let returns = self.reserved_to >= sight.windows.first(self.end.saturating_sub(1));
                Some(if returns { SlotDuty::Expire } else { SlotDuty::Forget })
            }
            SlotState::Mine => {
                let may_leave = sight.is_free() && !self.disputed;
                let paid_to = sight.first_open().min(self.end);
                if window >= self.end {
                    may_leave.then_some(SlotDuty::Finish)
                } else if lost {
                    may_leave.then_some(SlotDuty::DeclareFault)
                } else if goes_on && absent == 0 && self.is_extended() {
                    // It changes no set, so that no open window is in its way.
                    Some(SlotDuty::Renew)
                } else {
                    (paid_to >= self.settled_to + every).then_some(SlotDuty::Settle)
                }
            }
        }
    }
}

/// How the chain counts another slot of an agreement that this provider has a slot of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Neighbour {
    /// Another provider has it.
    Held,
    /// It lost its provider in window `since`, and nobody has reserved it.
    Freed {
        /// That window.
        since: u64,
    },
    /// Nothing is to be done about it.
    Settled,
}

/// What is due for such a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NeighbourDuty {
    /// Take it from its provider, if that missed too many windows.
    Evict,
    /// Have somebody refill it.
    Refill,
}

impl Neighbour {
    /// What is due in a window for a slot of an agreement with this end, so many slots after this provider's own. The first
    /// provider before a freed slot sees to it in the window after it was freed, the others one window later each.
    pub fn duty(self, window: u64, end: u64, distance: u16) -> Option<NeighbourDuty> {
        match self {
            Self::Held => (window < end).then_some(NeighbourDuty::Evict),
            Self::Freed { since } => {
                let turn = window >= since + u64::from(distance);
                (turn && window + 2 < end).then_some(NeighbourDuty::Refill)
            }
            Self::Settled => None,
        }
    }
}
