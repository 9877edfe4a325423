//! The composition root: makes the mailboxes, hands out addresses and capabilities, starts and
//! stops. It decides nothing.

use crate::{
    actors::{Service, client, incentive, market, network, proof, repair, storage},
    env::Env,
    settings::Settings,
    types::{Identity, Wallet},
};
use actix::{Addr, Recipient};
use std::{fmt, rc::Rc};
use zeroize::Zeroizing;

/// Who a node is: its peer key, and the key its owner signs placements with.
#[derive(Clone)]
pub struct Keys {
    /// Signs receipts and provider records; its public key is the peer id.
    pub peer: Identity,
    /// Signs placement records and removal orders.
    pub owner: Identity,
    /// Pays and is paid on the chain; nobody else may send from its account.
    pub wallet: Option<Wallet>,
    /// What the keys of the owner's manifests are derived from.
    pub(crate) owner_secret: Rc<Zeroizing<[u8; 32]>>,
}

impl Keys {
    /// Builds both identities from 32 random bytes each; `None` if one is no secp256k1 secret, which
    /// happens once in 2^128. The bytes are wiped.
    pub fn from_secrets(peer: &mut [u8; 32], owner: &mut [u8; 32]) -> Option<Self> {
        let owner_secret = Rc::new(Zeroizing::new(blake3::derive_key("holdfast owner secret v1", owner)));
        let (peer, owner) = (Identity::from_secret(peer)?, Identity::from_secret(owner)?);
        Some(Self { peer, owner, wallet: None, owner_secret })
    }

    /// The same with a wallet.
    pub fn with_wallet(self, wallet: Wallet) -> Self {
        Self { wallet: Some(wallet), ..self }
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Keys({}, {})", self.peer.peer(), self.owner.peer())
    }
}

/// A running node, as the command line, the API and the simulator see it.
///
/// It must be started and used inside a `tokio::task::LocalSet`; dropping the set kills the node.
#[derive(Clone)]
pub struct Node {
    /// Stores a file.
    pub put: Recipient<client::PutFile>,
    /// Fetches a file.
    pub get: Recipient<client::GetFile>,
    /// Lists the owner's files.
    pub list: Recipient<client::ListFiles>,
    /// Forgets a file.
    pub remove: Recipient<client::RemoveFile>,
    /// Waits for signed slot roots.
    pub await_roots: Recipient<client::AwaitRoots>,
    /// Tells how many placements wait for them.
    pub signing_status: Recipient<client::SigningStatusQuery>,
    /// Reads all shards back.
    pub scrub: Recipient<storage::Scrub>,
    /// Tells what is stored.
    pub storage_status: Recipient<storage::StorageStatusQuery>,
    /// Tells how the network looks.
    pub network_status: Recipient<network::NetworkStatusQuery>,
    /// Tells what is being repaired.
    pub repair_status: Recipient<repair::RepairStatusQuery>,
    /// Tells which placements are held.
    pub held: Recipient<storage::HeldPlacements>,
    /// Commits to a slot.
    pub commit_slot: Recipient<proof::CommitSlot>,
    /// Answers a challenge.
    pub prove_window: Recipient<proof::ProveWindow>,
    /// Answers a dispute about cells.
    pub show_disputed: Recipient<proof::ShowDisputed>,
    /// Answers whoever doubts a root.
    pub uphold_root: Recipient<proof::UpholdRoot>,
    /// Does something on the chain, once.
    pub submit_transaction: Recipient<incentive::SubmitTransaction>,
    /// Tells which transactions are not final.
    pub open_transactions: Recipient<incentive::OpenTransactionsQuery>,
    /// Tells how the chain is.
    pub chain_status: Recipient<incentive::ChainStatusQuery>,
    /// Tells what an agreement would cost.
    pub quote: Recipient<market::QuoteAgreement>,
    /// Tells which agreement about a file is not over.
    pub agreement_about: Recipient<market::AgreementAbout>,
    /// Opens an agreement.
    pub agree: Recipient<market::Agree>,
    /// Tells what an extension would cost.
    pub quote_extension: Recipient<market::QuoteExtension>,
    /// Extends an agreement.
    pub extend: Recipient<market::Extend>,
    /// Tells what a dispute would take.
    pub quote_dispute: Recipient<market::QuoteDispute>,
    /// Disputes a slot.
    pub dispute: Recipient<market::DisputeSlot>,
    /// Opens channels to providers.
    pub open_channels: Recipient<market::OpenChannels>,
    /// Tells which there are.
    pub channels: Recipient<market::ChannelsQuery>,
    /// Has channels closed.
    pub close_channels: Recipient<market::CloseChannels>,
    /// Tells what this node does in the market.
    pub market_status: Recipient<market::MarketStatusQuery>,
}

impl Node {
    /// Starts the actors of one node in the current `LocalSet`.
    ///
    /// # Errors
    /// [`storage::StorageError`] if the data directory cannot be used.
    pub async fn start(env: Env, keys: Keys, settings: Settings) -> Result<Self, storage::StorageError> {
        let Env { common, net, disk, prover, chain, contracts } = env;
        let (timing, most_fee) = (settings.timing, settings.chain.most_fee());
        let (peer, wallet) = (keys.peer.clone(), keys.wallet.clone());
        let storage =
            storage::StorageActor::start(common.clone(), disk, peer.clone(), settings.clone()).await?;
        let (seat, market) = market::MarketActor::seat();
        if settings.market.read_price().0 != 0 {
            let (charge, refund) = (market.clone().recipient(), market.clone().recipient());
            storage.do_send(storage::SellReads { charge, refund });
        }
        let membership = market::Membership {
            chain: chain.as_ref().map(|chain| chain.id()),
            contracts,
            wallet: wallet.clone(),
            peer: peer.peer(),
            owner: keys.owner.peer(),
            settings: settings.market.clone(),
        };
        let incentive =
            incentive::IncentiveActor::start(&common, chain, wallet, most_fee, outbox_notes(&storage));
        let neighbours = proof_neighbours(&storage, &incentive);
        let lists = list_contract(&membership);
        let proof = proof::ProofActor::start(common.clone(), prover, peer.peer(), lists, neighbours);
        let own = service(&storage, &proof, &market);
        let network = network::NetworkActor::start(common.clone(), net, timing, own.clone());
        let neighbours = repair_neighbours(&storage, &network, own.clone());
        let repair = repair::RepairActor::start(common.clone(), peer.peer(), timing, neighbours);
        let refill = repair.clone().recipient();
        let neighbours = market_neighbours(&incentive, &storage, &proof, &network, refill, own.clone());
        market::MarketActor::start(seat, &common, membership, neighbours);
        let neighbours = client_neighbours(&storage, &network, &proof, &repair, &market, own);
        let client = client::ClientActor::start(common, keys, &settings, neighbours);
        storage.do_send(storage::Subscribe {
            held: repair.clone().recipient(),
            dropped: repair.clone().recipient(),
        });
        Ok(Self {
            put: client.clone().recipient(),
            get: client.clone().recipient(),
            list: client.clone().recipient(),
            remove: client.clone().recipient(),
            await_roots: client.clone().recipient(),
            signing_status: client.recipient(),
            scrub: storage.clone().recipient(),
            storage_status: storage.clone().recipient(),
            network_status: network.recipient(),
            repair_status: repair.recipient(),
            held: storage.recipient(),
            commit_slot: proof.clone().recipient(),
            prove_window: proof.clone().recipient(),
            show_disputed: proof.clone().recipient(),
            uphold_root: proof.recipient(),
            submit_transaction: incentive.clone().recipient(),
            open_transactions: incentive.clone().recipient(),
            chain_status: incentive.recipient(),
            quote: market.clone().recipient(),
            agreement_about: market.clone().recipient(),
            agree: market.clone().recipient(),
            quote_extension: market.clone().recipient(),
            extend: market.clone().recipient(),
            quote_dispute: market.clone().recipient(),
            dispute: market.clone().recipient(),
            open_channels: market.clone().recipient(),
            channels: market.clone().recipient(),
            close_channels: market.clone().recipient(),
            market_status: market.recipient(),
        })
    }
}

/// Where the outbox is written down.
fn outbox_notes(storage: &Addr<storage::StorageActor>) -> incentive::Neighbours {
    incentive::Neighbours {
        write_note: storage.clone().recipient(),
        read_note: storage.clone().recipient(),
        list_notes: storage.clone().recipient(),
    }
}

/// Where access lists are looked up.
fn list_contract(membership: &market::Membership) -> Option<proof::ListContract> {
    let address = membership.contracts.as_ref()?.addresses.access_lists;
    Some(proof::ListContract { chain: membership.chain?, address })
}

/// Whom the proof actor asks.
fn proof_neighbours(
    storage: &Addr<storage::StorageActor>,
    incentive: &Addr<incentive::IncentiveActor>,
) -> proof::Neighbours {
    proof::Neighbours {
        open: storage.clone().recipient(),
        access: storage.clone().recipient(),
        admit: storage.clone().recipient(),
        keep: storage.clone().recipient(),
        kept: storage.clone().recipient(),
        contract: incentive.clone().recipient(),
    }
}

/// Who answers peers.
fn service(
    storage: &Addr<storage::StorageActor>,
    proof: &Addr<proof::ProofActor>,
    market: &Addr<market::MarketActor>,
) -> Service {
    Service {
        storage: storage.clone().recipient(),
        proof: proof.clone().recipient(),
        gate: proof.clone().recipient(),
        market: market.clone().recipient(),
        till: market.clone().recipient(),
    }
}

/// Whom the market actor asks.
fn market_neighbours(
    incentive: &Addr<incentive::IncentiveActor>,
    storage: &Addr<storage::StorageActor>,
    proof: &Addr<proof::ProofActor>,
    network: &Addr<network::NetworkActor>,
    refill: Recipient<repair::Refill>,
    own: Service,
) -> market::Neighbours {
    market::Neighbours {
        head: incentive.clone().recipient(),
        contract: incentive.clone().recipient(),
        receipt: incentive.clone().recipient(),
        logs: incentive.clone().recipient(),
        submit: incentive.clone().recipient(),
        write_note: storage.clone().recipient(),
        read_note: storage.clone().recipient(),
        list_notes: storage.clone().recipient(),
        open_slot: storage.clone().recipient(),
        prove_window: proof.clone().recipient(),
        show_disputed: proof.clone().recipient(),
        uphold_root: proof.clone().recipient(),
        send: network.clone().recipient(),
        holders: network.clone().recipient(),
        refill,
        own,
    }
}

/// Whom the client actor asks.
fn client_neighbours(
    storage: &Addr<storage::StorageActor>,
    network: &Addr<network::NetworkActor>,
    proof: &Addr<proof::ProofActor>,
    repair: &Addr<repair::RepairActor>,
    market: &Addr<market::MarketActor>,
    own: Service,
) -> client::Neighbours {
    client::Neighbours {
        send: network.clone().recipient(),
        providers: network.clone().recipient(),
        holders: network.clone().recipient(),
        own,
        write_note: storage.clone().recipient(),
        read_note: storage.clone().recipient(),
        list_notes: storage.clone().recipient(),
        levels: proof.clone().recipient(),
        refill: repair.clone().recipient(),
        make_pass: proof.clone().recipient(),
        sign_voucher: market.clone().recipient(),
    }
}

/// Whom the repair actor asks.
fn repair_neighbours(
    storage: &Addr<storage::StorageActor>,
    network: &Addr<network::NetworkActor>,
    own: Service,
) -> repair::Neighbours {
    repair::Neighbours {
        send: network.clone().recipient(),
        providers: network.clone().recipient(),
        holders: network.clone().recipient(),
        announce: network.clone().recipient(),
        withdraw: network.clone().recipient(),
        own,
        placement: storage.clone().recipient(),
        remember: storage.clone().recipient(),
        write_note: storage.clone().recipient(),
        read_note: storage.clone().recipient(),
    }
}
