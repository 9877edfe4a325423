//! Forgetting a file: the owner's signed order goes to everyone who holds part of it.

use super::{
    actor::Client,
    catalogue,
    messages::{ClientError, RemoveReport},
    signing,
};
use crate::{
    actors::locate::locate,
    types::{PlacementId, Removal, Signed},
};
use futures::{StreamExt, stream};
use std::rc::Rc;

/// Removes one of the owner's files.
pub(super) async fn remove(client: Rc<Client>, name: String) -> Result<RemoveReport, ClientError> {
    let Some(entry) = catalogue::read(&client, &name).await? else {
        return Err(ClientError::Name(format!("no file named {name:?} in the catalogue")));
    };
    let report = forget(&client, entry.placement).await?;
    catalogue::delete(&client, &name).await?;
    Ok(report)
}

/// Tells every holder that can be found to forget a placement.
pub(super) async fn forget(client: &Client, placement: PlacementId) -> Result<RemoveReport, ClientError> {
    signing::forget(client, placement).await?;
    let removal = Removal { owner: client.keys.owner.peer(), placement };
    let order = Signed::new(&client.keys.owner, &removal);
    let mut report = RemoveReport { confirmed: 0, unreachable: 0 };
    let Some(located) = locate(&client.peers, &client.ask.holders, placement, None).await? else {
        return Ok(report);
    };
    let holders: Vec<_> = located.holders.borrow().records().map(|record| record.provider).collect();
    let orders = holders.into_iter().map(|peer| client.peers.remove(peer, order.clone()));
    let answers: Vec<_> = stream::iter(orders).buffer_unordered(usize::from(u8::MAX)).collect().await;
    for answer in answers {
        match answer {
            Ok(()) => report.confirmed += 1,
            Err(error) => {
                tracing::info!(%placement, %error, "holder did not confirm the removal");
                report.unreachable += 1;
            }
        }
    }
    Ok(report)
}
