//! What a provider does next on the chain, given what the chain says at one head. It knows no time but heights.
//!
//! Everything is decided from the chain's state and not from its events, so that a reorganisation needs no case of its own:
//! whatever it took back is found undone at the next look, and done again.

use crate::limits;
use alloy::primitives::{Address, keccak256};

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

    /// True if the next block may change the provider's set: the window is proven, or can no longer be.
    pub fn is_free(&self) -> bool {
        let never_opened = self.windows.first(self.window()) + self.windows.open_blocks;
        let deadline = self.opened.map_or(never_opened, |opened| opened.deadline);
        !self.is_obliged() || self.proven || self.next > deadline
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
    /// This provider has it.
    Mine,
    /// It is another's, nobody's again, or over.
    Gone,
}

/// What one look showed of a slot that stands behind an agreement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SlotSight {
    /// How the chain counts it.
    pub state: SlotState,
    /// A dispute about it holds its provider.
    pub disputed: bool,
    /// Windows before this one are settled.
    pub settled_to: u64,
    /// The first window that its provider is not paid for.
    pub end: u64,
    /// What it is paid for a window, 10⁻¹⁸ HOLD.
    pub price: u128,
}

/// What is due for a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SlotDuty {
    /// Take it.
    Fill,
    /// Be paid for what was proven.
    Settle,
    /// Declare it lost: to be caught costs more.
    DeclareFault,
    /// End it: its time is over.
    Finish,
    /// It stands behind nothing any more.
    Forget,
}

impl SlotSight {
    /// What is due; `lost` if the slot is not whole here, and `every` so many windows it is settled.
    pub fn duty(&self, sight: &Sight, lost: bool, every: u64) -> Option<SlotDuty> {
        let window = sight.window();
        match self.state {
            SlotState::Gone => Some(SlotDuty::Forget),
            // The market takes nobody into an agreement's last window.
            SlotState::Empty if lost || window + 1 >= self.end => Some(SlotDuty::Forget),
            SlotState::Empty => (sight.is_free() && !sight.book.evicted).then_some(SlotDuty::Fill),
            SlotState::Mine => {
                let may_leave = sight.is_free() && !self.disputed;
                let paid_to = sight.first_open().min(self.end);
                if window >= self.end {
                    may_leave.then_some(SlotDuty::Finish)
                } else if lost {
                    may_leave.then_some(SlotDuty::DeclareFault)
                } else {
                    (paid_to >= self.settled_to + every).then_some(SlotDuty::Settle)
                }
            }
        }
    }
}
