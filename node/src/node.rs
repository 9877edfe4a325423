//! The composition root: makes the mailboxes, hands out addresses and capabilities, starts and
//! stops. It decides nothing.

use crate::{
    actors::{client, network, repair, storage},
    env::Env,
    settings::Settings,
    types::Identity,
};
use actix::Recipient;

/// Who a node is: its peer key, and the key its owner signs placements with.
#[derive(Clone, Debug)]
pub struct Keys {
    /// Signs receipts and provider records; its public key is the peer id.
    pub peer: Identity,
    /// Signs placement records and removal orders.
    pub owner: Identity,
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
}

impl Node {
    /// Starts the actors of one node in the current `LocalSet`.
    ///
    /// # Errors
    /// [`storage::StorageError`] if the data directory cannot be used.
    pub async fn start(_env: Env, _keys: Keys, _settings: Settings) -> Result<Self, storage::StorageError> {
        unimplemented!("the actors are being written")
    }
}
