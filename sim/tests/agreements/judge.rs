//! What must be true of the chain in the end.

use crate::setup::{OWNER, SLOTS, Stage};
use alloy::{
    primitives::{Address, Bytes, Log as RawLog, U256},
    sol_types::{SolCall, SolEvent},
};
use holdfast::{
    actors::market::Agreed,
    env::evm::EvmChain,
    limits,
    types::chain::{Call, Log, LogFilter},
};
use holdfast_contracts::{
    Amount,
    abi::{Challenges, HoldToken, Market, Stake},
};
use holdfast_sim::env::chain::wallet;
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// What happened in a world.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Proofs that the chain accepted.
    pub proofs: u64,
    /// Slots times windows that were paid.
    pub paid: u64,
    /// Times that blocks were taken back.
    pub reorganised: u64,
    /// Transactions that failed in their blocks.
    pub failed: u64,
    pub height: u64,
    /// The highest base fee.
    pub peak_gwei: u64,
    pub took: Duration,
}

impl Outcome {
    pub fn add(&mut self, other: &Self) {
        self.proofs += other.proofs;
        self.paid += other.paid;
        self.reorganised += other.reorganised;
        self.failed += other.failed;
        self.height += other.height;
        self.peak_gwei = self.peak_gwei.max(other.peak_gwei);
        self.took += other.took;
    }
}

pub fn ask<C: SolCall>(evm: &EvmChain, to: Address, call: &C) -> C::Return {
    let call = Call { to: Some(to), data: call.abi_encode().into(), ..Call::default() };
    C::abi_decode_returns(&evm.call(&call).expect("the contract answers")).expect("as its interface says")
}

fn peak(evm: &EvmChain) -> u64 {
    let blocks = (0..=evm.head().header.number).filter_map(|number| evm.block(number));
    blocks.filter_map(|block| block.header.base_fee_per_gas).max().unwrap_or_default() / 1_000_000_000
}

/// All events of a kind that a contract told.
pub fn told<E: SolEvent>(evm: &EvmChain, of: Address) -> Vec<E> {
    let head = evm.head().header.number;
    let read = |from: u64| {
        let blocks = from..=head.min(from + limits::MAX_LOG_BLOCKS - 1);
        let filter = LogFilter { addresses: vec![of], events: vec![E::SIGNATURE_HASH], blocks };
        evm.logs(&filter).expect("logs")
    };
    let decode = |log: Log| {
        let raw = RawLog::new_unchecked(log.address, log.topics, log.data);
        E::decode_log(&raw).expect("an event of this kind").data
    };
    (0..=head).step_by(limits::MAX_LOG_BLOCKS as usize).flat_map(read).map(decode).collect()
}

impl Stage {
    /// True if the agreement is closed and the market holds nothing of it.
    pub fn is_over(&self, agreed: &Agreed) -> bool {
        let agreement = U256::from(agreed.agreement);
        self.chain.look(|evm| {
            let closed = ask(evm, self.at.market, &Market::agreementOfCall { agreement }).closed;
            let held = HoldToken::balanceOfCall { account: self.at.market };
            closed && ask(evm, self.at.token, &held).is_zero()
        })
    }

    pub fn judge(&self, agreed: &Agreed, seed: u64, took: Duration) -> Outcome {
        self.chain.look(|evm| {
            let peak_gwei = peak(evm);
            println!("the highest base fee was {peak_gwei} gwei");
            let proofs = self.nobody_lost(evm);
            let paid = self.only_proofs_are_paid(evm, agreed);
            let failed = self.nothing_is_done_twice(evm, seed);
            self.money_is_conserved(evm, agreed, paid);
            Outcome {
                proofs,
                paid,
                failed,
                peak_gwei,
                reorganised: self.reorganised.get(),
                height: evm.head().header.number,
                took,
            }
        })
    }

    /// S2. Returns how many proofs were accepted.
    fn nobody_lost(&self, evm: &EvmChain) -> u64 {
        let missed = told::<Challenges::WindowMissed>(evm, self.at.challenges);
        assert!(missed.is_empty(), "S2: honest providers missed windows: {missed:?}");
        let penalised = told::<Stake::Penalised>(evm, self.at.stake);
        assert!(penalised.is_empty(), "S2: honest providers were penalised: {penalised:?}");
        let left = told::<Market::SlotLeft>(evm, self.at.market);
        assert!(left.iter().all(|it| it.burned.is_zero() && it.refund.is_zero()), "S2: {left:?}");
        assert_eq!(left.len(), usize::from(SLOTS), "every slot is finished");
        told::<Challenges::ProofAccepted>(evm, self.at.challenges).len() as u64
    }

    /// S3. Returns how many windows of slots were paid.
    fn only_proofs_are_paid(&self, evm: &EvmChain, agreed: &Agreed) -> u64 {
        let mut proven: BTreeMap<Address, BTreeSet<U256>> = BTreeMap::new();
        for it in told::<Challenges::ProofAccepted>(evm, self.at.challenges) {
            assert!(proven.entry(it.provider).or_default().insert(it.window), "S3: proven twice: {it:?}");
        }
        let mut owed: BTreeMap<U256, u64> = BTreeMap::new();
        for it in told::<Market::SlotFilled>(evm, self.at.market) {
            let windows = proven.get(&it.provider).into_iter().flatten();
            let paid = windows.filter(|window| **window >= it.from && **window < U256::from(agreed.end));
            assert!(owed.insert(it.index, paid.count() as u64).is_none(), "S3: taken twice: {it:?}");
        }
        let mut paid: BTreeMap<U256, u64> = BTreeMap::new();
        for it in told::<Market::SlotSettled>(evm, self.at.market) {
            assert_eq!(it.paid, it.proven * agreed.quote.price.0);
            *paid.entry(it.index).or_default() += u64::try_from(it.proven).expect("few windows");
        }
        paid.retain(|_, windows| *windows != 0);
        owed.retain(|_, windows| *windows != 0);
        assert_eq!(paid, owed, "S3: each slot is paid for the windows that its provider proved");
        paid.values().sum()
    }

    /// S3. Returns how many transactions failed.
    pub fn nothing_is_done_twice(&self, evm: &EvmChain, seed: u64) -> u64 {
        let (mut done, mut failed) = (BTreeSet::new(), 0);
        for block in (0..=evm.head().header.number).filter_map(|number| evm.block(number)) {
            for (transaction, receipt) in block.transactions.iter().zip(&block.receipts) {
                if !receipt.success {
                    failed += 1;
                    continue;
                }
                let deed: (Address, Option<Address>, Bytes) =
                    (transaction.sender, transaction.tx().to.to().copied(), transaction.tx().input.clone());
                // What is late gives way to a transaction to oneself that does nothing.
                let nothing = deed.1 == Some(deed.0) && deed.2.is_empty();
                // A window's commission is taken by the same call each time, and so is an approval of the same sum; a slot is
                // renewed for each extension, and what is withdrawn before a reorganised closing is nothing.
                let repeats = deed.2.starts_with(&Stake::takeFeesCall::SELECTOR)
                    || deed.2.starts_with(&Market::settleCall::SELECTOR)
                    || deed.2.starts_with(&Market::renewCall::SELECTOR)
                    || deed.2.starts_with(&Market::withdrawCall::SELECTOR)
                    || deed.2.starts_with(&HoldToken::approveCall::SELECTOR);
                assert!(nothing || repeats || done.insert(deed.clone()), "S3: done twice: {deed:?}");
            }
        }
        let owner = wallet(seed, OWNER.0.into()).address();
        let opened = told::<Market::AgreementOpened>(evm, self.at.market);
        assert_eq!(opened.len(), 1, "S3: agreements");
        assert_eq!(opened[0].owner, owner);
        failed
    }

    /// S4.
    fn money_is_conserved(&self, evm: &EvmChain, agreed: &Agreed, paid: u64) {
        let ledger = ask(evm, self.at.market, &Market::ledgerCall {});
        let held = ask(evm, self.at.token, &HoldToken::balanceOfCall { account: self.at.market });
        let (total, paid) = (agreed.quote.total.0, Amount::whole(paid).0);
        assert_eq!(U256::from(ledger.received), total, "S4: the escrow");
        assert_eq!(
            (U256::from(ledger.paid), U256::from(ledger.burned)),
            (paid, U256::ZERO),
            "S4: paid, burned"
        );
        assert_eq!((U256::from(ledger.refunded), held), (total - paid, U256::ZERO), "S4: refunded, held");
        let pooled = ask(evm, self.at.token, &HoldToken::balanceOfCall { account: self.at.stake });
        let operators = U256::from(crate::setup::NODES - 1);
        assert!(
            pooled <= self.staked * operators + paid && pooled >= self.staked * operators,
            "S4: {pooled}"
        );
    }
}
