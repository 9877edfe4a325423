//! A payer opens channels to providers, signs vouchers, and lets channels be closed.

use super::{
    messages::{Channel, ChannelState, Channels, NoPay, OpenChannels, Payees, SignVoucher, SignedVoucher},
    notes::OwnChannel,
    state::{NextTotal, next_total},
};
use crate::{
    actors::{
        ask,
        incentive::ReceiptQuery,
        locate::locate,
        market::{
            MarketError,
            actor::Market,
            orders::{Deed, Name},
            owner::tell,
        },
        storage::StorageError,
    },
    limits,
    types::{AccountSignature, Bill, PeerId, Voucher, account},
};
use alloy::{
    primitives::{B256, Log, U256},
    sol_types::SolEvent,
};
use futures::{StreamExt, stream};
use holdfast_contracts::{Amount, abi::Channels as Contract, abi::HoldToken};

impl Market {
    /// Signs a voucher, after its total is written down.
    pub async fn sign_voucher(&self, order: SignVoucher) -> Result<SignedVoucher, NoPay> {
        let SignVoucher { provider, bill, amount, most } = order;
        let _turn = self.desk.signing.lock().await;
        let own = self.desk.own.borrow().get(&provider).copied();
        let next = next_total(own.as_ref(), self.wallet.address(), &bill, (amount, most))?;
        let NextTotal { channel, total, increase } = next;
        if let Some(own) = own.filter(|own| total > own.signed) {
            self.keep_channel(OwnChannel { signed: total, ..own }).await?;
        }
        let signature = self.wallet.sign_digest(Voucher::digest(self.place(), channel, total));
        let signature = AccountSignature::from_bytes(&signature);
        Ok(SignedVoucher { voucher: Voucher { channel, total, signature }, increase })
    }

    /// Writes a channel down; to be called under the right to sign, so that a total that was signed is never replaced by an
    /// older one.
    pub(super) async fn keep_channel(&self, own: OwnChannel) -> Result<OwnChannel, StorageError> {
        self.notes.keep_own_channel(&own).await?;
        self.desk.own.borrow_mut().insert(own.provider, own);
        Ok(own)
    }

    /// This node's channels.
    pub fn own_channels(&self) -> Channels {
        let all = self.desk.own.borrow();
        Channels { channels: all.values().map(channel).collect(), failed: Vec::new() }
    }

    /// Marks channels as to be closed; the rest follows from what the chain says.
    pub async fn close_channels(&self, provider: Option<PeerId>) -> Result<Channels, MarketError> {
        let _turn = self.desk.signing.lock().await;
        let all: Vec<OwnChannel> = self.desk.own.borrow().values().copied().collect();
        let meant = |own: &OwnChannel| provider.is_none_or(|provider| provider == own.provider) && !own.over;
        let mut closing = Vec::new();
        for own in all.into_iter().filter(|own| meant(own) && own.channel.is_some()) {
            closing.push(channel(&self.keep_channel(OwnChannel { closing: true, ..own }).await?));
        }
        self.seen.set(None);
        self.wake.notify_one();
        match closing.is_empty() {
            true => Err(MarketError::Terms("no channel is open".into())),
            false => Ok(Channels { channels: closing, failed: Vec::new() }),
        }
    }

    /// Opens channels to all who are meant, or pays into them.
    pub async fn open_channels(&self, order: OpenChannels) -> Result<Channels, MarketError> {
        let OpenChannels { to, amount, progress } = order;
        let amount = u128::try_from(amount.0).map_err(|_| MarketError::Terms("more than there is".into()))?;
        if amount == 0 {
            return Err(MarketError::Terms("a channel needs some HOLD".into()));
        }
        let (bills, mut failed) = self.bills(to).await?;
        let _turn = self.desk.opening.lock().await;
        let mut due = Vec::new();
        for (provider, bill) in bills {
            match self.begin_channel(provider, &bill, amount).await? {
                Ok(own) => due.push(own),
                Err(why) => failed.push((provider.to_string(), why)),
            }
        }
        self.approve_all(&due).await?;
        let total = due.len() as u64;
        let mut outcomes =
            stream::iter(&due).map(|own| self.fund(own)).buffer_unordered(limits::CHANNELS_AT_A_TIME);
        let mut channels = Vec::new();
        tell(&progress, 0, total);
        while let Some(outcome) = outcomes.next().await {
            match outcome {
                Ok(own) => channels.push(channel(&own)),
                Err((provider, why)) => failed.push((provider.to_string(), why.to_string())),
            }
            tell(&progress, channels.len() as u64, total);
        }
        channels.sort_by(|a, b| a.provider.cmp(&b.provider));
        Ok(Channels { channels, failed })
    }

    /// What the providers ask for; those that ask for nothing are left out.
    #[allow(clippy::type_complexity, reason = "two lists that are taken apart at once")]
    async fn bills(&self, to: Payees) -> Result<(Vec<(PeerId, Bill)>, Vec<(String, String)>), MarketError> {
        let providers: Vec<PeerId> = match to {
            Payees::Provider(provider) => vec![provider],
            Payees::Holders(id) => {
                let located = locate(&self.peers, &self.ask.holders, id, None).await?;
                let located = located.ok_or(MarketError::NotFound(id))?;
                let holders = located.holders.borrow();
                holders.records().map(|record| record.provider).filter(|it| *it != self.peers.me).collect()
            }
        };
        let ask = |provider| async move { (provider, self.peers.show_bill(provider).await) };
        let answers: Vec<_> =
            stream::iter(providers).map(ask).buffer_unordered(limits::CHANNELS_AT_A_TIME).collect().await;
        let (mut bills, mut failed) = (Vec::new(), Vec::new());
        for (provider, answer) in answers {
            match answer {
                Ok(Some(bill)) if (bill.chain, bill.contract) == self.place() => bills.push((provider, bill)),
                Ok(Some(_)) => failed.push((provider.to_string(), NoPay::Elsewhere.to_string())),
                Ok(None) => {}
                Err(why) => failed.push((provider.to_string(), why.to_string())),
            }
        }
        bills.sort_by_key(|(provider, _)| *provider);
        if bills.is_empty() && failed.is_empty() {
            return Err(MarketError::Terms("reading is free there: no channel is needed".into()));
        }
        Ok((bills, failed))
    }

    /// The note of a channel that is to have `amount` to be signed away, written before anything is sent.
    async fn begin_channel(
        &self,
        provider: PeerId,
        bill: &Bill,
        amount: u128,
    ) -> Result<Result<OwnChannel, String>, MarketError> {
        let _turn = self.desk.signing.lock().await;
        let known = self.desk.own.borrow().get(&provider).copied();
        let own = match known {
            Some(own) if own.is_leaving() => return Ok(Err("the channel to it is being closed".into())),
            // A transaction may be under way: it is gone on with.
            Some(own) if !own.over && own.target > own.deposit => own,
            Some(own) if !own.over => {
                OwnChannel { target: own.deposit.max(own.signed.saturating_add(amount)), ..own }
            }
            over => OwnChannel {
                place: self.place(),
                provider,
                serial: over.map_or(0, |own| own.serial + 1),
                channel: None,
                deposit: 0,
                target: amount,
                signed: 0,
                price: 0,
                closing: false,
                over: false,
            },
        };
        Ok(Ok(self.keep_channel(OwnChannel { price: bill.price.0, ..own }).await?))
    }

    /// Lets the contract take what all these channels lack, with one transaction.
    async fn approve_all(&self, due: &[OwnChannel]) -> Result<(), MarketError> {
        let lacking = due.iter().filter(|own| own.target > own.deposit);
        let value: U256 = lacking.clone().map(|own| U256::from(own.target - own.deposit)).sum();
        let Some(first) = lacking.clone().next() else { return Ok(()) };
        let has = Amount(self.view.balance().await?);
        if has.0 < value {
            return Err(MarketError::Unfunded { has, needed: Amount(value) });
        }
        let approve = HoldToken::approveCall { spender: self.view.at.channels, value };
        let name = self.funding(first).0.part("approve all", 0);
        let approved = self.orders.done(name, &self.deed(self.view.at.token, &approve)).await;
        approved.map(drop).map_err(|why| MarketError::Refused(why.to_string()))
    }

    /// What pays into a channel, and its name.
    fn funding(&self, own: &OwnChannel) -> (Name, Deed) {
        let (to, missing) = (self.view.at.channels, own.target - own.deposit);
        match own.channel {
            Some(channel) => {
                let call = Contract::topUpCall { channel: U256::from(channel), amount: missing };
                let parts = [&channel.to_be_bytes()[..], &own.target.to_be_bytes()];
                (self.name("top up", &parts), self.deed(to, &call))
            }
            None => {
                let provider = account(&own.provider).unwrap_or_default();
                let call = Contract::openCall { provider, deposit: missing };
                let parts = [provider.as_slice(), &own.serial.to_be_bytes()];
                (self.name("open channel", &parts), self.deed(to, &call))
            }
        }
    }

    /// Pays into a channel what it lacks.
    async fn fund(&self, own: &OwnChannel) -> Result<OwnChannel, (PeerId, MarketError)> {
        let fund = async {
            if own.target == own.deposit {
                return Ok(*own);
            }
            let (name, deed) = self.funding(own);
            let transaction = self.paid(name, &deed, U256::from(own.target - own.deposit)).await?;
            let channel = match own.channel {
                Some(channel) => channel,
                None => self.channel_number(transaction).await?,
            };
            let _turn = self.desk.signing.lock().await;
            // Vouchers may have been signed meanwhile.
            let now = self.desk.own.borrow().get(&own.provider).copied().unwrap_or(*own);
            Ok(self.keep_channel(OwnChannel { channel: Some(channel), deposit: own.target, ..now }).await?)
        };
        fund.await.map_err(|why| (own.provider, why))
    }

    /// The number of the channel that a transaction opened.
    async fn channel_number(&self, transaction: B256) -> Result<u64, MarketError> {
        let receipt = ask(&self.ask.receipt, ReceiptQuery(transaction)).await?;
        let logs = receipt.map(|receipt| receipt.logs).unwrap_or_default();
        let opened = logs.into_iter().filter(|log| log.address == self.view.at.channels).find_map(|log| {
            let raw = Log::new_unchecked(log.address, log.topics, log.data);
            Contract::ChannelOpened::decode_log(&raw).ok()
        });
        let number = opened.and_then(|event| u64::try_from(event.channel).ok());
        number.ok_or_else(|| MarketError::Refused(format!("transaction {transaction} opened no channel")))
    }
}

fn channel(own: &OwnChannel) -> Channel {
    let amount = |sum: u128| Amount(U256::from(sum));
    let state = match (own.over, own.closing, own.channel) {
        (true, ..) => ChannelState::Closed,
        (_, true, _) => ChannelState::Closing,
        (.., None) => ChannelState::Opening,
        _ => ChannelState::Open,
    };
    Channel {
        provider: own.provider.to_string(),
        channel: own.channel,
        price: amount(own.price),
        deposit: amount(own.deposit),
        signed: amount(own.signed),
        state,
    }
}
