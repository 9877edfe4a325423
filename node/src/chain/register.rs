//! A provider's identity on the chain.

use super::{SendError, Sender, view};
use crate::types::{Wallet, chain::Receipt};
use alloy::primitives::Address;
use holdfast_contracts::{
    abi::Providers,
    messages::{Message, Operator},
};

/// Names the sender's account as operator of a peer key: the key signs that once, in the words of
/// docs/spec/market.md. The provider's id is the key's address.
///
/// # Errors
/// [`SendError`].
pub async fn register(sender: &Sender, providers: Address, peer: &Wallet) -> Result<Receipt, SendError> {
    let (provider, operator) = (peer.address(), sender.address());
    let chain = sender.chain();
    let nonce = view(&**chain, providers, &Providers::noncesCall { provider }).await?;
    let message = Operator { provider, operator, nonce };
    let signature = peer.sign_digest(message.peer_digest(chain.id(), providers));
    let (peer_x, peer_y) = peer.public_key();
    let call = Providers::setOperatorCall {
        peerX: peer_x,
        peerY: peer_y,
        operator,
        signature: signature.to_vec().into(),
    };
    sender.call(providers, &call).await
}
