//! `holdfast provider register`.

use super::super::{
    chain::{
        args,
        connect::{self, block_on},
        sent,
    },
    failure::Failure,
    home::Home,
    output::Output,
};
use crate::chain::register;
use alloy::primitives::{B256, Bytes};
use holdfast_contracts::abi::{Offer, Providers};

/// The longest endpoint record, as the contract bounds it.
const MAX_ENDPOINT: usize = 512;

/// Binds the peer key to the account and publishes the offer.
pub fn run(home: &Home, options: &args::Register, output: Output) -> Result<(), Failure> {
    let settings = home.settings()?;
    let peer = super::peer(home)?;
    let region = label(options.region.as_deref().unwrap_or(&settings.region))?;
    let endpoint = if options.endpoint.is_empty() { &settings.listen } else { &options.endpoint };
    let endpoint = endpoint_record(endpoint)?;
    let offer = Offer {
        region,
        capacity: options.capacity.map_or(settings.capacity_bytes, |it| it.as_u64()),
        price: options.price.0.try_into().map_err(|_| Failure::usage("the price is too large"))?,
        commissionBps: options.commission,
    };
    let receipts = block_on(async {
        let chain = connect::connect(home, &options.chain).await?;
        let it = connect::deployment(home, &options.chain, &*chain)?;
        let sender = connect::sender(home, &options.account, chain)?;
        let bound = register(&sender, it.providers, &peer).await.map_err(sent::failed)?;
        let offer = Providers::setOfferCall { provider: peer.address(), offer, endpoint };
        Ok([bound, sender.call(it.providers, &offer).await.map_err(sent::failed)?])
    })?;
    sent::print(&format!("provider {} is registered", peer.address()), &receipts, output)
}

/// A label as the contract keeps it: UTF-8, zeros after it.
fn label(text: &str) -> Result<B256, Failure> {
    if text.len() > 32 {
        return Err(Failure::usage(format!("the region {text:?} has {} bytes, the limit is 32", text.len())));
    }
    Ok(B256::right_padding_from(text.as_bytes()))
}

/// Multiaddresses in their own binary form, each after its length (unsigned varint).
fn endpoint_record(addresses: &[String]) -> Result<Bytes, Failure> {
    let mut record = Vec::new();
    for text in addresses {
        let address: libp2p::Multiaddr =
            text.parse().map_err(|why| Failure::usage(format!("endpoint {text:?}: {why}")))?;
        let bytes = address.to_vec();
        let length = u8::try_from(bytes.len()).ok().filter(|it| *it < 0x80);
        record
            .push(length.ok_or_else(|| Failure::usage(format!("endpoint {text:?} has 128 bytes or more")))?);
        record.extend(bytes);
    }
    if record.len() > MAX_ENDPOINT {
        return Err(Failure::usage(format!(
            "the endpoints have {} bytes, the limit is {MAX_ENDPOINT}",
            record.len()
        ))
        .hint("name fewer with --endpoint"));
    }
    Ok(record.into())
}
