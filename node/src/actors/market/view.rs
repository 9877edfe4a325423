//! Typed questions to the market's contracts, over the incentive actor.

use super::{
    notes::Pledge,
    policy::Penalties,
    state::{Book, Neighbour, Opened, Sight, SlotSight, SlotState, Windows},
};
use crate::{
    actors::{
        ask,
        incentive::{ContractQuery, HeadQuery},
    },
    env::ChainError,
    types::chain::{Block, Call},
};
use actix::Recipient;
use alloy::{
    primitives::{Address, B256, Bytes, U256},
    sol_types::SolCall,
};
use holdfast_contracts::{
    abi::{Challenges, HoldToken, IMarket, Market, Parameters, Stake, Terms},
    deployment::{Addresses, NAMES},
};
use std::cell::Cell;

/// Numbers of `IMarket.State`.
const EMPTY: u8 = 0;
pub(super) const ACTIVE: u8 = 1;
const FREED: u8 = 2;

/// Who asks, and where.
pub(super) struct View {
    pub at: Addresses,
    pub chain_id: u64,
    pub account: Address,
    pub provider: Address,
    pub head: Recipient<HeadQuery>,
    pub contract: Recipient<ContractQuery>,
    windows: Cell<Option<Windows>>,
}

impl View {
    pub fn new(
        at: Addresses,
        chain_id: u64,
        (account, provider): (Address, Address),
        (head, contract): (Recipient<HeadQuery>, Recipient<ContractQuery>),
    ) -> Self {
        Self { at, chain_id, account, provider, head, contract, windows: Cell::default() }
    }

    pub async fn head(&self) -> Result<Block, ChainError> {
        ask(&self.head, HeadQuery).await
    }

    /// What a call would return at the head.
    pub async fn call<C: SolCall>(&self, to: Address, call: &C) -> Result<C::Return, ChainError> {
        let answer = self.attempt(to, call.abi_encode().into()).await?;
        C::abi_decode_returns(&answer).map_err(|why| ChainError::Unreachable {
            why: format!("{to} does not answer {} as a contract of ours: {why}", C::SIGNATURE),
        })
    }

    /// What this node's account would be told if it made a call.
    pub async fn attempt(&self, to: Address, data: Bytes) -> Result<Bytes, ChainError> {
        let call = Call { from: self.account, to: Some(to), value: U256::ZERO, data };
        ask(&self.contract, ContractQuery(call)).await
    }

    /// How blocks are cut; asked once, since it never changes.
    pub async fn windows(&self) -> Result<Windows, ChainError> {
        if let Some(windows) = self.windows.get() {
            return Ok(windows);
        }
        let to = self.at.challenges;
        let windows = Windows {
            genesis: self.call(to, &Challenges::genesisCall {}).await?,
            blocks: self.call(to, &Challenges::windowBlocksCall {}).await?,
            open_blocks: self.call(to, &Challenges::openBlocksCall {}).await?,
        };
        if windows.blocks == 0 {
            return Err(ChainError::Unreachable { why: "windows of no blocks".into() });
        }
        self.windows.set(Some(windows));
        Ok(windows)
    }

    /// The provider's windows, as of the newest block.
    pub async fn sight(&self, head: Block) -> Result<Sight, ChainError> {
        let (windows, to) = (self.windows().await?, self.at.challenges);
        let next = head.number + 1;
        let (window, provider) = (U256::from(windows.of(next)), self.provider);
        let opened = self.call(to, &Challenges::openedWindowCall { window }).await?;
        let book = self.call(to, &Challenges::bookOfCall { provider }).await?;
        let proven = self.call(to, &Challenges::isProvenCall { provider, window }).await?;
        let random = opened.bits.to_be_bytes::<32>();
        let opened = (!opened.deadline.is_zero()).then(|| Opened {
            random: random[8..].try_into().expect("24 of 32 bytes are left"),
            deadline: opened.deadline.saturating_to(),
        });
        let book = Book {
            count: book.count,
            version: book.version,
            obliged_from: book.obligedFrom.into(),
            level: book.level,
            last_miss: book.lastMiss.into(),
            evicted: book.evicted,
        };
        Ok(Sight { next, windows, opened, book, proven })
    }

    /// The keys and roots of the provider's set, in the order in which they are drawn.
    pub async fn set(&self) -> Result<(Vec<B256>, Vec<B256>), ChainError> {
        let set = Challenges::setOfCall { provider: self.provider };
        let set = self.call(self.at.challenges, &set).await?;
        Ok((set.keys, set.roots))
    }

    pub async fn agreement(&self, agreement: u64) -> Result<IMarket::Agreement, ChainError> {
        let agreement = U256::from(agreement);
        self.call(self.at.market, &Market::agreementOfCall { agreement }).await
    }

    pub async fn slot(&self, agreement: u64, slot: u16) -> Result<IMarket::Slot, ChainError> {
        let (agreement, index) = (U256::from(agreement), U256::from(slot));
        self.call(self.at.market, &Market::slotOfCall { agreement, index }).await
    }

    /// How the chain counts a pledged slot, for a transaction in block `next`, and on which terms.
    pub async fn slot_sight(&self, pledge: &Pledge, next: u64) -> Result<(SlotSight, Terms), ChainError> {
        let at = self.slot(pledge.agreement, pledge.slot).await?;
        let agreement = self.agreement(pledge.agreement).await?;
        let agreed_end = u64::from(agreement.end);
        let state = slot_state(&at, self.provider, pledge.approval.is_none(), next);
        let slot = SlotSight {
            state,
            disputed: at.disputed,
            from: at.from.into(),
            reserved_to: at.reservedTo,
            settled_to: at.settledTo.into(),
            price: agreement.terms.price,
            end: if state == SlotState::Mine { agreed_end.min(at.end.into()) } else { agreed_end },
            agreed_end,
        };
        Ok((slot, agreement.terms))
    }

    /// True if the provider's collateral is backed by stake that nobody is withdrawing: else it may renew no slot.
    pub async fn is_covered(&self) -> Result<bool, ChainError> {
        self.call(self.at.stake, &Stake::coveredCall { provider: self.provider }).await
    }

    /// 10⁻¹⁸ HOLD of the provider's stake that may back new collateral.
    pub async fn free_stake(&self) -> Result<U256, ChainError> {
        self.call(self.at.stake, &Stake::freeStakeCall { provider: self.provider }).await
    }

    /// A parameter of the market, by its name in `Parameters.sol`.
    pub async fn parameter(&self, name: &str) -> Result<U256, ChainError> {
        let at = NAMES.iter().position(|it| *it == name).expect("the contract has this parameter");
        self.call(self.at.parameters, &Parameters::getCall { parameter: at as u8 }).await
    }

    /// What the contracts take for a missed window.
    pub async fn penalties(&self) -> Result<Penalties, ChainError> {
        let locked = Stake::lockedOfCall { provider: self.provider };
        Ok(Penalties {
            locked: self.call(self.at.stake, &locked).await?,
            miss_bps: self.parameter("MissPenaltyBps").await?.saturating_to(),
            decay_windows: self.parameter("DecayWindows").await?.saturating_to(),
            evict_level: self.parameter("EvictLevel").await?.saturating_to(),
            fail_bps: self.parameter("FailPenaltyBps").await?.saturating_to(),
        })
    }

    /// What the collateral of a slot is worth now, 10⁻¹⁸ HOLD.
    pub async fn collateral(&self, slot: &IMarket::Slot) -> Result<U256, ChainError> {
        let (provider, units) = (slot.provider, U256::from(slot.units));
        self.call(self.at.stake, &Stake::collateralOfCall { provider, units }).await
    }

    /// Commission that the operator may take.
    pub async fn fees(&self) -> Result<U256, ChainError> {
        let pool = Stake::poolOfCall { provider: self.provider };
        Ok(U256::from(self.call(self.at.stake, &pool).await?.fees))
    }

    /// HOLD of the account.
    pub async fn balance(&self) -> Result<U256, ChainError> {
        self.call(self.at.token, &HoldToken::balanceOfCall { account: self.account }).await
    }
}

/// True if somebody may refill the slot in this block, under a reservation.
fn is_reserved(at: &IMarket::Slot, block: u64) -> bool {
    !at.reserver.is_zero() && block <= at.reservedTo
}

/// How a slot counts that `me` stands behind, or will: one that `refills` takes it from the one that lost it.
pub(super) fn slot_state(at: &IMarket::Slot, me: Address, refills: bool, block: u64) -> SlotState {
    match at.state {
        EMPTY if !refills => SlotState::Empty,
        ACTIVE if at.provider == me => SlotState::Mine,
        // Who lost a slot cannot reserve it.
        FREED if !refills || at.provider == me => SlotState::Gone,
        FREED if at.reserver == me && is_reserved(at, block) => SlotState::Reserved,
        FREED if at.reserver == me => SlotState::Overdue,
        FREED if !is_reserved(at, block) => SlotState::Freed,
        _ => SlotState::Gone,
    }
}

/// How another slot counts for `me`.
pub(super) fn neighbour(at: &IMarket::Slot, me: Address, block: u64) -> Neighbour {
    match at.state {
        ACTIVE if at.provider != me => Neighbour::Held,
        // A slot is settled up to the window after that in which it leaves its provider.
        FREED if !is_reserved(at, block) => {
            Neighbour::Freed { since: u64::from(at.settledTo).saturating_sub(1) }
        }
        _ => Neighbour::Settled,
    }
}
