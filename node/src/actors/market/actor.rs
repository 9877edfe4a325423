//! The shell: one task looks at the chain; offers and owners' orders are tasks of their own.

use super::{
    messages::*,
    neighbours::{Place, Refilling},
    notes::{Notes, OwnAgreement, Pledge},
    orders::{Name, Orders},
    retrieval::*,
    state::{SlotSight, SlotState},
    view::View,
    watch::Watch,
};
use crate::{
    actors::{
        Service, ask,
        incentive::{ContractQuery, HeadQuery, LogsQuery, ReceiptQuery, SubmitTransaction},
        network::{FindHolders, SendRequest},
        peers::Peers,
        proof::{ProveWindow, ShowDisputed, UpholdRoot},
        repair::Refill,
        storage::{ListNotes, OpenSlot as OpenHeldSlot, ReadNote, StorageError, WriteNote},
    },
    env::Common,
    limits,
    settings::MarketSettings,
    types::{
        Answer, Ask, PeerId, PlacementId, Refusal, Response, Timestamp, Wallet, account, chain::Contracts,
    },
};
use actix::{Actor, AsyncContext, Context, Handler, MessageResult, Recipient, ResponseFuture};
use alloy::primitives::B256;
use futures::{FutureExt, future::select, lock::Mutex};
use rand::RngExt;
use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    rc::Rc,
};
use tokio::sync::Notify;

/// The actors that the market actor asks.
pub struct Neighbours {
    /// Tells the newest block.
    pub head: Recipient<HeadQuery>,
    /// Asks a contract.
    pub contract: Recipient<ContractQuery>,
    /// Tells what became of a transaction.
    pub receipt: Recipient<ReceiptQuery>,
    /// Reads the chain's log.
    pub logs: Recipient<LogsQuery>,
    /// Does something on the chain, once.
    pub submit: Recipient<SubmitTransaction>,
    /// Keeps notes.
    pub write_note: Recipient<WriteNote>,
    /// Reads a note.
    pub read_note: Recipient<ReadNote>,
    /// Lists notes.
    pub list_notes: Recipient<ListNotes>,
    /// Tells whether a slot is whole.
    pub open_slot: Recipient<OpenHeldSlot>,
    /// Proves a window.
    pub prove_window: Recipient<ProveWindow>,
    /// Shows disputed cells.
    pub show_disputed: Recipient<ShowDisputed>,
    /// Upholds a doubted root.
    pub uphold_root: Recipient<UpholdRoot>,
    /// Asks a peer.
    pub send: Recipient<SendRequest>,
    /// Finds who holds.
    pub holders: Recipient<FindHolders>,
    /// Finds or makes another holder of a slot.
    pub refill: Recipient<Refill>,
    /// Asks this node itself as a peer would.
    pub own: Service,
}

/// Which market, and who takes part in it.
pub struct Membership {
    /// The chain's id.
    pub chain: Option<u64>,
    /// Where the contracts stand.
    pub contracts: Option<Contracts>,
    /// Whose account pays and is paid.
    pub wallet: Option<Wallet>,
    /// The provider.
    pub peer: PeerId,
    /// Whose placements it agrees about.
    pub owner: PeerId,
    /// What it sells.
    pub settings: MarketSettings,
}

/// A pledge, and what was seen of it.
pub(super) struct Kept {
    pub pledge: Pledge,
    /// What the last look showed of it.
    pub slot: Option<SlotSight>,
    /// Something is due, so that it is looked at again with the next block.
    pub owing: bool,
    /// The window in which it was looked at last, and whether the provider's set could change then.
    pub looked: Option<(u64, bool)>,
    /// Windows in a row in which the slot was not whole here.
    pub absent: u32,
    /// The heights at which the chain was first and last seen to count it as gone, with no long gap between two looks.
    pub gone: Option<(u64, u64)>,
}

impl From<Pledge> for Kept {
    fn from(pledge: Pledge) -> Self {
        Self { pledge, slot: None, owing: false, looked: None, absent: 0, gone: None }
    }
}

impl Kept {
    /// How the chain counts it.
    pub fn state(&self) -> Option<SlotState> {
        self.slot.map(|slot| slot.state)
    }
}

/// What all tasks of the market share.
pub(super) struct Market {
    pub common: Common,
    pub settings: MarketSettings,
    pub ask: Neighbours,
    pub view: View,
    pub notes: Notes,
    pub orders: Rc<Orders>,
    pub wallet: Wallet,
    pub owner: PeerId,
    pub peers: Peers,
    pub pledges: RefCell<BTreeMap<PlacementId, Kept>>,
    pub agreements: RefCell<BTreeMap<PlacementId, OwnAgreement>>,
    pub watch: RefCell<Watch>,
    pub status: RefCell<MarketStatus>,
    pub wake: Notify,
    /// The head that was looked at last.
    pub seen: Cell<Option<B256>>,
    /// Offers are judged one at a time, and an owner's agreements opened one at a time.
    pub judging: Mutex<()>,
    pub agreeing: Mutex<()>,
    /// A proof is being made.
    pub proving: Cell<bool>,
    /// When the next may be.
    pub prove_after: Cell<Timestamp>,
    /// A dispute is being answered.
    pub answering: Cell<bool>,
    /// When the next may be.
    pub answer_after: Cell<Timestamp>,
    /// The window in which commission and closed agreements were looked at last.
    pub collected: Cell<Option<u64>>,
    /// The heights at which agreements were first and last seen to be closed and paid out.
    pub over: RefCell<BTreeMap<u64, (u64, u64)>>,
    /// Other slots of this provider's agreements are being looked at.
    pub watching: Cell<bool>,
    /// The window in which they were looked at last.
    pub watched: Cell<Option<u64>>,
    /// Those of them that lost their provider.
    pub refills: RefCell<BTreeMap<Place, Refilling>>,
    /// What others read here and pay for, and what this node does.
    pub desk: Desk,
}

/// The market actor.
pub struct MarketActor {
    market: Result<Rc<Market>, &'static str>,
    /// Reads are sold here, or would be.
    sells: bool,
}

impl MarketActor {
    /// Starts the actor at `seat`, whose address others have already; without a market it refuses everything.
    pub fn start(seat: Context<Self>, common: &Common, membership: Membership, neighbours: Neighbours) {
        let sells = membership.settings.read_price().0 != 0;
        let market = Market::new(common, membership, neighbours).map(Rc::new);
        if let Ok(market) = &market {
            common.spawn.local(market.clone().run().boxed_local());
        }
        seat.run(Self { market, sells });
    }

    /// Where an actor that is not running yet will be spoken to.
    pub fn seat() -> (Context<Self>, actix::Addr<Self>) {
        let seat = Context::new();
        let address = seat.address();
        (seat, address)
    }

    fn market(&self) -> Result<Rc<Market>, MarketError> {
        self.market.clone().map_err(MarketError::NoMarket)
    }
}

impl Market {
    fn new(common: &Common, membership: Membership, ask: Neighbours) -> Result<Self, &'static str> {
        let Membership { chain, contracts, wallet, peer, owner, settings } = membership;
        let chain = chain.ok_or("no chain is named")?;
        let wallet = wallet.ok_or("no account is open")?;
        let Contracts { addresses, first_block } = contracts.ok_or("no deployment is known")?;
        let provider = account(&peer).ok_or("the peer key is not of secp256k1")?;
        let questions = (ask.head.clone(), ask.contract.clone());
        let notes = Notes {
            write: ask.write_note.clone(),
            read: ask.read_note.clone(),
            list: ask.list_notes.clone(),
        };
        Ok(Self {
            common: common.clone(),
            desk: Desk::new(settings.read_price()),
            settings,
            view: View::new(addresses, chain, (wallet.address(), provider), questions),
            notes,
            orders: Rc::new(Orders::new(ask.submit.clone(), common.spawn.clone())),
            wallet,
            owner,
            peers: Peers {
                common: common.clone(),
                me: peer,
                network: ask.send.clone(),
                own: ask.own.clone(),
            },
            ask,
            pledges: RefCell::default(),
            agreements: RefCell::default(),
            watch: RefCell::new(Watch::new(first_block)),
            status: RefCell::default(),
            wake: Notify::new(),
            seen: Cell::default(),
            judging: Mutex::default(),
            agreeing: Mutex::default(),
            proving: Cell::default(),
            prove_after: Cell::default(),
            answering: Cell::default(),
            answer_after: Cell::default(),
            collected: Cell::default(),
            over: RefCell::default(),
            watching: Cell::default(),
            watched: Cell::default(),
            refills: RefCell::default(),
        })
    }

    /// The name of something to be done in this market.
    pub fn name(&self, kind: &str, parts: &[&[u8]]) -> Name {
        Name::new((self.view.chain_id, self.view.at.market), kind, parts)
    }

    /// Looks at the chain for as long as the node lives, and while nothing is agreed on not at all.
    async fn run(self: Rc<Self>) {
        while let Err(why) = self.restore().await {
            tracing::warn!(%why, "what was agreed on cannot be read");
            self.common.clock.sleep(limits::CHAIN_POLL).await;
        }
        loop {
            let agreed = self.agreements.borrow().values().any(|it| !it.closed);
            if self.pledges.borrow().is_empty() && !agreed && self.desk.is_idle() {
                self.wake.notified().await;
            }
            let looked = self.look().await;
            self.status.borrow_mut().trouble = looked.err().map(|why| why.to_string());
            self.pause().await;
        }
    }

    async fn restore(&self) -> Result<(), StorageError> {
        let (chain, market) = (self.view.chain_id, self.view.at.market);
        let pledges = self.notes.pledges().await?;
        let ours = pledges.into_iter().filter(|it| (it.chain, it.market) == (chain, market));
        self.pledges.replace(ours.map(|it| (it.placement, it.into())).collect());
        let agreements = self.notes.agreements().await?;
        let ours = agreements.into_iter().filter(|(_, it)| (it.chain, it.market) == (chain, market));
        self.agreements.replace(ours.collect());
        let read_to = self.notes.read_to(market).await?;
        self.watch.borrow_mut().restore(read_to);
        self.restore_channels().await
    }

    /// Waits a while, a little longer or shorter than others do.
    async fn pause(&self) {
        let share: f64 = self.common.rng.generator().random_range(0.8..1.2);
        let pause = self.common.clock.sleep(limits::CHAIN_POLL.mul_f64(share));
        select(self.wake.notified().boxed_local(), pause).await;
    }

    fn status(&self) -> MarketStatus {
        let pledges = self.pledges.borrow();
        let slots = pledges.values().filter_map(|kept| kept.slot);
        let taken = slots.filter(|slot| slot.state == SlotState::Mine);
        let ends: Vec<u64> = taken.map(|slot| slot.end).collect();
        let status = self.status.borrow().clone();
        let trouble = status.trouble.or_else(|| self.orders.trouble());
        let (tabs, unredeemed) = self.desk.owed();
        MarketStatus {
            pledged: pledges.len(),
            taken: ends.len(),
            first_end: ends.iter().min().copied(),
            last_end: ends.iter().max().copied(),
            disputes: self.watch.borrow().disputes().len(),
            agreements: self.agreements.borrow().values().filter(|it| !it.closed).count(),
            refills: self.refills.borrow().len(),
            tabs,
            unredeemed,
            trouble,
            ..status
        }
    }
}

impl Actor for MarketActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(limits::MAILBOX);
    }
}

impl Handler<ServeOffer> for MarketActor {
    type Result = ResponseFuture<Response>;

    fn handle(&mut self, ServeOffer { from, offer }: ServeOffer, _: &mut Self::Context) -> Self::Result {
        let market = self.market.clone();
        async move {
            match market {
                Ok(market) => market.serve(from, offer).await.unwrap_or_else(Response::from),
                Err(why) => Refusal::Invalid(format!("no part in a market: {why}")).into(),
            }
        }
        .boxed_local()
    }
}

impl Handler<ServeReader> for MarketActor {
    type Result = ResponseFuture<Response>;

    fn handle(&mut self, ServeReader { from, ask }: ServeReader, _: &mut Self::Context) -> Self::Result {
        let (market, sells) = (self.market.clone(), self.sells);
        async move {
            match market {
                Ok(market) => market.serve_reader(from, ask).await.unwrap_or_else(Response::from),
                Err(_) if ask == Ask::ShowBill && !sells => Answer::Bill(None).into(),
                Err(why) => Refusal::Invalid(format!("no part in a market: {why}")).into(),
            }
        }
        .boxed_local()
    }
}

impl Handler<Charge> for MarketActor {
    type Result = Result<(), Refusal>;

    fn handle(&mut self, Charge { peer, bytes }: Charge, _: &mut Self::Context) -> Self::Result {
        match &self.market {
            Ok(market) => market.charge(peer, bytes),
            Err(why) => Err(Refusal::Invalid(format!("reads are sold here, but for now to nobody: {why}"))),
        }
    }
}

impl Handler<Refund> for MarketActor {
    type Result = ();

    fn handle(&mut self, Refund { peer, bytes }: Refund, _: &mut Self::Context) {
        if let Ok(market) = &self.market {
            market.desk.refund(peer, bytes);
        }
    }
}

impl Handler<SignVoucher> for MarketActor {
    type Result = ResponseFuture<Result<SignedVoucher, NoPay>>;

    fn handle(&mut self, order: SignVoucher, _: &mut Self::Context) -> Self::Result {
        let market = self.market.clone().map_err(NoPay::NoMarket);
        async move { market?.sign_voucher(order).await }.boxed_local()
    }
}

impl Handler<OpenChannels> for MarketActor {
    type Result = ResponseFuture<Result<Channels, MarketError>>;

    fn handle(&mut self, order: OpenChannels, _: &mut Self::Context) -> Self::Result {
        let market = self.market();
        async move { market?.open_channels(order).await }.boxed_local()
    }
}

impl Handler<ChannelsQuery> for MarketActor {
    type Result = Result<Channels, MarketError>;

    fn handle(&mut self, _: ChannelsQuery, _: &mut Self::Context) -> Self::Result {
        Ok(self.market()?.own_channels())
    }
}

impl Handler<CloseChannels> for MarketActor {
    type Result = ResponseFuture<Result<Channels, MarketError>>;

    fn handle(&mut self, CloseChannels { provider }: CloseChannels, _: &mut Self::Context) -> Self::Result {
        let market = self.market();
        async move { market?.close_channels(provider).await }.boxed_local()
    }
}

impl Handler<QuoteAgreement> for MarketActor {
    type Result = ResponseFuture<Result<Quote, MarketError>>;

    fn handle(
        &mut self,
        QuoteAgreement { placement, wish }: QuoteAgreement,
        _: &mut Self::Context,
    ) -> Self::Result {
        let market = self.market();
        async move { market?.quote(placement, &wish).await }.boxed_local()
    }
}

impl Handler<Agree> for MarketActor {
    type Result = ResponseFuture<Result<Agreed, MarketError>>;

    fn handle(&mut self, order: Agree, _: &mut Self::Context) -> Self::Result {
        let market = self.market();
        async move { market?.agree(order).await }.boxed_local()
    }
}

impl Handler<QuoteExtension> for MarketActor {
    type Result = ResponseFuture<Result<ExtensionQuote, MarketError>>;

    fn handle(
        &mut self,
        QuoteExtension { placement, windows }: QuoteExtension,
        _: &mut Self::Context,
    ) -> Self::Result {
        let market = self.market();
        async move { market?.quote_extension(placement, windows).await }.boxed_local()
    }
}

impl Handler<Extend> for MarketActor {
    type Result = ResponseFuture<Result<Extended, MarketError>>;

    fn handle(&mut self, order: Extend, _: &mut Self::Context) -> Self::Result {
        let market = self.market();
        async move { market?.extend(order).await }.boxed_local()
    }
}

impl Handler<QuoteDispute> for MarketActor {
    type Result = ResponseFuture<Result<DisputeQuote, MarketError>>;

    fn handle(
        &mut self,
        QuoteDispute { placement, slot }: QuoteDispute,
        _: &mut Self::Context,
    ) -> Self::Result {
        let market = self.market();
        async move { market?.quote_dispute(placement, slot).await }.boxed_local()
    }
}

impl Handler<DisputeSlot> for MarketActor {
    type Result = ResponseFuture<Result<Disputed, MarketError>>;

    fn handle(&mut self, order: DisputeSlot, _: &mut Self::Context) -> Self::Result {
        let market = self.market();
        async move { market?.challenge(order).await }.boxed_local()
    }
}

impl Handler<AgreementAbout> for MarketActor {
    type Result = MessageResult<AgreementAbout>;

    fn handle(&mut self, AgreementAbout(id): AgreementAbout, _: &mut Self::Context) -> Self::Result {
        let running = |market: &Rc<Market>| {
            let agreements = market.agreements.borrow();
            agreements.get(&id).filter(|own| !own.closed).map(|own| own.agreement.unwrap_or_default())
        };
        MessageResult(self.market.as_ref().ok().and_then(running))
    }
}

impl Handler<MarketStatusQuery> for MarketActor {
    type Result = MessageResult<MarketStatusQuery>;

    fn handle(&mut self, _: MarketStatusQuery, _: &mut Self::Context) -> Self::Result {
        MessageResult(self.market.as_ref().ok().map(|market| market.status()))
    }
}

impl Market {
    /// Bytes of the slot that is held of a placement, if it is whole here.
    pub async fn whole_bytes(&self, placement: PlacementId) -> Option<u64> {
        let held = ask(&self.ask.open_slot, OpenHeldSlot(placement)).await;
        held.ok().flatten().map(|slot| slot.length())
    }
}
