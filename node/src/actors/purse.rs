//! A reader's pay: vouchers for the providers that ask for some, a little ahead of what they serve.

use crate::{
    actors::{
        ask,
        market::{NoPay, SignVoucher, SignedVoucher},
        peers::{PeerError, Peers},
    },
    limits,
    types::{Bill, PeerId, ReadPrice, Refusal},
};
use actix::Recipient;
use bytes::Bytes;
use futures::lock::Mutex;
use std::{cell::Cell, cell::RefCell, collections::BTreeMap, rc::Rc};

/// What one get pays.
pub(crate) struct Purse {
    sign: Recipient<SignVoucher>,
    /// Bytes of a slot of the file.
    slot: u64,
    /// 10⁻¹⁸ HOLD that may still be signed.
    left: Mutex<u128>,
    /// 10⁻¹⁸ HOLD that were.
    paid: Cell<u128>,
    accounts: RefCell<BTreeMap<PeerId, Rc<Mutex<Account>>>>,
    /// Providers that were not paid what they ask for, and why.
    unpaid: RefCell<BTreeMap<PeerId, (ReadPrice, NoPay)>>,
    closed: Cell<bool>,
}

/// What is between this reader and one provider; sums are in 10⁻¹⁸ HOLD.
#[derive(Debug, Default)]
pub(super) struct Account {
    /// What it asked for last; nothing as long as it serves without pay.
    bill: Option<Bill>,
    /// What is left of the pay, reads under way taken off.
    credit: u128,
    /// What was signed for it in this get.
    paid: u128,
    /// The price of the shards that came.
    served: u128,
    /// The price of those that were asked for.
    asked: u128,
}

impl Account {
    /// Sets aside the price of a read; what is missing if that is too little.
    pub(super) fn reserve(&mut self, cost: u128) -> Result<(), u128> {
        match self.credit.checked_sub(cost) {
            Some(credit) => {
                self.credit = credit;
                self.asked = self.asked.saturating_add(cost);
                Ok(())
            }
            None => Err(cost - self.credit),
        }
    }

    /// What to pay now that `missing` is for a read of `len` bytes: as much as the provider has served, so that trust grows with
    /// what came, and no more than what it still has of its slot of so many bytes. What is paid and not served is never more
    /// than what was served, or a few shards, and in no case more than the price of [`limits::PAID_AHEAD`] bytes. `None` if it
    /// was paid so much ahead already.
    pub(super) fn batch(&self, missing: u128, price: ReadPrice, (slot, len): (u64, u64)) -> Option<u128> {
        let few = price.of(limits::TRUSTED_SHARDS * len.max(limits::LEAST_PAID));
        let trust = self.served.max(few).min(price.of(limits::PAID_AHEAD));
        let most = trust.saturating_sub(self.paid.saturating_sub(self.served));
        let least = missing.max(price.of(limits::LEAST_PAID));
        let rest = price.of(slot).saturating_sub(self.asked.saturating_add(self.credit));
        (least <= most).then(|| self.served.min(rest).clamp(least, most))
    }

    /// The provider says what it has.
    fn told(&mut self, bill: Bill) {
        (self.credit, self.bill) = (bill.credit, Some(bill));
    }
}

impl Purse {
    /// A purse for the get of a file with slots of so many bytes. It signs for `most` 10⁻¹⁸ HOLD at most, beyond all that was
    /// signed before.
    pub(crate) fn new(sign: Recipient<SignVoucher>, slot: u64, most: u128) -> Self {
        Self {
            sign,
            slot,
            left: Mutex::new(most),
            paid: Cell::default(),
            accounts: RefCell::default(),
            unpaid: RefCell::default(),
            closed: Cell::default(),
        }
    }

    /// 10⁻¹⁸ HOLD that were signed for.
    pub(crate) fn paid(&self) -> u128 {
        self.paid.get()
    }

    /// Signs nothing from now on.
    pub(crate) fn close(&self) {
        self.closed.set(true);
    }

    /// A provider that was not paid what it asks for, its price, and why.
    pub(crate) fn unpaid(&self) -> Option<(PeerId, ReadPrice, NoPay)> {
        let unpaid = self.unpaid.borrow();
        unpaid.iter().next().map(|(peer, (price, why))| (*peer, *price, why.clone()))
    }

    fn account(&self, peer: PeerId) -> Rc<Mutex<Account>> {
        self.accounts.borrow_mut().entry(peer).or_default().clone()
    }

    /// True if a provider asked for pay.
    pub(crate) fn has_bill(&self, peer: PeerId) -> bool {
        let accounts = self.accounts.borrow();
        // Whoever holds the lock may be paying.
        accounts.get(&peer).is_some_and(|account| account.try_lock().is_none_or(|it| it.bill.is_some()))
    }

    /// Takes a provider's first bill; what came after it has it already.
    pub(crate) async fn billed(&self, peer: PeerId, bill: Bill) {
        let account = self.account(peer);
        let mut account = account.lock().await;
        if account.bill.is_none() {
            account.told(bill);
        }
    }

    /// Reads `len` bytes from a provider, and pays for them first if it asks for that; `None` if they are not `wanted` any more.
    pub(crate) async fn read<F: Future<Output = Result<Bytes, PeerError>>>(
        &self,
        peers: &Peers,
        (peer, len): (PeerId, u64),
        wanted: impl Fn() -> bool,
        read: impl Fn() -> F,
    ) -> Option<Result<Bytes, PeerError>> {
        let account = self.account(peer);
        for _ in 0..limits::PAYMENTS_A_READ {
            let known = {
                let mut account = account.lock().await;
                if !wanted() {
                    return None;
                }
                if let Err(why) = self.ready(peers, peer, &mut account, len).await {
                    return Some(Err(why));
                }
                account.bill
            };
            match read().await {
                Err(PeerError::Refused { refusal: Refusal::PaymentNeeded(bill), .. }) => {
                    let mut account = account.lock().await;
                    // Another read may have paid since this one was sent.
                    if account.bill == known {
                        account.told(*bill);
                    }
                }
                Ok(bytes) => {
                    let mut account = account.lock().await;
                    let price = account.bill.map_or(ReadPrice(0), |bill| bill.price);
                    account.served = account.served.saturating_add(price.of(len));
                    return Some(Ok(bytes));
                }
                Err(why) => return Some(Err(why)),
            }
        }
        Some(Err(PeerError::Wrong { peer, why: "it asks for pay again and again".into() }))
    }

    /// Sees to it that a read is paid, if the provider is known to ask for that.
    async fn ready(
        &self,
        peers: &Peers,
        peer: PeerId,
        account: &mut Account,
        len: u64,
    ) -> Result<(), PeerError> {
        let Some(Bill { price, .. }) = account.bill else { return Ok(()) };
        for _ in 0..limits::PAYMENTS_A_READ {
            let Err(missing) = account.reserve(price.of(len)) else { return Ok(()) };
            let amount = account.batch(missing, price, (self.slot, len)).ok_or(NoPay::Unserved);
            let paid = match amount {
                Ok(amount) => self.pay(peers, peer, account, amount).await?,
                Err(why) => Err(why),
            };
            if let Err(why) = paid {
                self.unpaid.borrow_mut().insert(peer, (price, why.clone()));
                return Err(PeerError::Unpaid { peer, why: why.to_string() });
            }
        }
        Err(PeerError::Wrong { peer, why: "what it is paid does not count".into() })
    }

    /// Signs a voucher and gives it to the provider.
    async fn pay(
        &self,
        peers: &Peers,
        peer: PeerId,
        account: &mut Account,
        amount: u128,
    ) -> Result<Result<(), NoPay>, PeerError> {
        let Some(bill) = account.bill else { return Ok(Ok(())) };
        let signed = {
            let mut left = self.left.lock().await;
            let most = if self.closed.get() { 0 } else { *left };
            let signed = ask(&self.sign, SignVoucher { provider: peer, bill, amount, most }).await;
            if let Ok(SignedVoucher { increase, .. }) = &signed {
                *left -= increase;
                self.paid.set(self.paid.get() + increase);
                account.paid += increase;
            }
            signed
        };
        let SignedVoucher { voucher, .. } = match signed {
            Ok(signed) => signed,
            Err(why) => return Ok(Err(why)),
        };
        let before = bill.last.filter(|last| last.channel == voucher.channel).map_or(0, |last| last.total);
        let (clock, begun) = (&peers.common.clock, peers.common.clock.now());
        loop {
            match peers.pay(peer, voucher).await {
                Ok(()) => {
                    account.bill = Some(Bill { last: Some(voucher), ..bill });
                    account.credit = account.credit.saturating_add(voucher.total.saturating_sub(before));
                    return Ok(Ok(()));
                }
                // The channel may be too new for so much, or the chain not answer the provider just then.
                Err(PeerError::Refused { refusal: Refusal::Busy, .. })
                    if clock.now().since(begun) < limits::PAY_PATIENCE && !self.closed.get() =>
                {
                    clock.sleep(limits::RETRY_PAUSE).await;
                }
                Err(PeerError::Refused { refusal: Refusal::PaymentNeeded(told), .. }) => {
                    // It has a higher one, or has lost this one's traces: the next must be for more than both.
                    let known = told.last.filter(|last| last.channel == voucher.channel);
                    let last = known.filter(|last| last.total > voucher.total).unwrap_or(voucher);
                    account.told(Bill { last: Some(last), ..*told });
                    return Ok(Ok(()));
                }
                Err(why) => return Err(why),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRICE: ReadPrice = ReadPrice(1 << 30);
    const SHARD: u64 = 1 << 20;
    /// A slot that is much larger than what is paid ahead.
    const SLOT: u64 = 64 * limits::PAID_AHEAD;

    #[test]
    fn a_provider_is_paid_ahead_for_as_much_as_it_has_served_and_never_for_more_than_the_bound() {
        let (mut account, mut vouchers, mut most_ahead) = (Account::default(), Vec::new(), 0);
        for _ in 0..1_000 {
            if let Err(missing) = account.reserve(PRICE.of(SHARD)) {
                let batch =
                    account.batch(missing, PRICE, (SLOT, SHARD)).expect("it serves all that it is paid for");
                vouchers.push(batch / u128::from(SHARD));
                (account.credit, account.paid) = (account.credit + batch, account.paid + batch);
                account.reserve(PRICE.of(SHARD)).expect("it is paid");
            }
            most_ahead = most_ahead.max(account.paid - account.served);
            account.served += PRICE.of(SHARD);
        }
        assert_eq!(vouchers[..7], [1, 1, 2, 4, 8, 16, 32], "trust grows with what came");
        assert!(vouchers.len() <= 22, "a voucher pays for many shards: {}", vouchers.len());
        assert!(most_ahead <= PRICE.of(limits::PAID_AHEAD), "{most_ahead}");
    }

    #[test]
    fn a_provider_that_serves_nothing_is_paid_a_few_shards_at_most() {
        let mut account = Account::default();
        while let Err(missing) = account.reserve(PRICE.of(SHARD)) {
            let Some(batch) = account.batch(missing, PRICE, (SLOT, SHARD)) else { break };
            assert_eq!(batch, PRICE.of(SHARD), "a shard at a time");
            (account.credit, account.paid) = (account.credit + batch, account.paid + batch);
            account.reserve(PRICE.of(SHARD)).expect("it is paid");
        }
        assert_eq!(account.paid, PRICE.of(limits::TRUSTED_SHARDS * SHARD));
        // One that served much and then nothing is trusted with as much again, within the bound.
        account.served = account.paid + PRICE.of(20 * limits::PAID_AHEAD);
        account.paid = account.served;
        let large = account.batch(1, PRICE, (u64::MAX, SHARD));
        assert_eq!(large, Some(PRICE.of(limits::PAID_AHEAD)));
        account.paid += PRICE.of(limits::PAID_AHEAD);
        assert_eq!(account.batch(1, PRICE, (u64::MAX, SHARD)), None);
    }

    #[test]
    fn no_more_is_paid_than_the_slot_has_left() {
        let served =
            Account { served: PRICE.of(32 * SHARD), asked: PRICE.of(90 * SHARD), ..Account::default() };
        assert_eq!(served.batch(PRICE.of(SHARD), PRICE, (100 * SHARD, SHARD)), Some(PRICE.of(10 * SHARD)));
        assert_eq!(
            served.batch(PRICE.of(SHARD), PRICE, (90 * SHARD, SHARD)),
            Some(PRICE.of(SHARD)),
            "the shard itself"
        );
        assert_eq!(
            served.batch(1, PRICE, (90 * SHARD, 64)),
            Some(PRICE.of(limits::LEAST_PAID)),
            "the least voucher"
        );
    }
}
