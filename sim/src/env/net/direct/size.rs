//! How many bytes a message takes on the wire, and which kind it is in the trace.

use holdfast::types::{Answer, Ask, Request, Response};
use serde::Serialize;

/// Bytes of framing a message: protocol name and stream header once negotiated, version and lengths,
/// QUIC short header and authentication tag (RFC 9000, RFC 9001), UDP and IPv4 headers.
const FRAMING: u64 = 80;

fn encoded(value: &impl Serialize) -> u64 {
    let size = postcard::ser_flavors::Size::default();
    let size = postcard::serialize_with_flavor(value, size).expect("counting bytes cannot fail");
    size as u64
}

/// Bytes of a request on the wire.
pub fn of_request(request: &Request) -> u64 {
    FRAMING + encoded(&request.ask) + request.body.len() as u64
}

/// Bytes of a response on the wire.
pub fn of_response(response: &Response) -> u64 {
    FRAMING + encoded(&response.answer) + response.body.len() as u64
}

/// A request's number in the trace.
pub fn kind_of_request(request: &Request) -> u8 {
    match request.ask {
        Ask::Status => 1,
        Ask::StoreShard { .. } => 2,
        Ask::ReadShard { .. } => 3,
        Ask::StorePlacement { .. } => 4,
        Ask::ReadPlacement { .. } => 5,
        Ask::Holdings { .. } => 6,
        Ask::Remove { .. } => 7,
        Ask::ClaimRoot { .. } => 8,
        Ask::ShowCells { .. } => 9,
        Ask::StoreRoots { .. } => 10,
        Ask::ReadRoots { .. } => 11,
        Ask::OpenAccess { .. } => 12,
        Ask::OfferSlot { .. } => 13,
        Ask::ShowBill => 14,
        Ask::Pay { .. } => 15,
        Ask::CloseChannel { .. } => 16,
    }
}

/// A response's number in the trace.
pub fn kind_of_response(response: &Response) -> u8 {
    match response.answer {
        Answer::Status(_) => 65,
        Answer::ShardStored(_) => 66,
        Answer::Shard => 67,
        Answer::Placement { .. } => 68,
        Answer::Holdings(_) => 69,
        Answer::Removed => 70,
        Answer::Refused(_) => 71,
        Answer::RootClaimed { .. } => 72,
        Answer::Cells => 73,
        Answer::RootsStored => 74,
        Answer::Roots(_) => 75,
        Answer::AccessOpened => 76,
        Answer::OfferTaken => 77,
        Answer::Bill(_) => 78,
        Answer::Paid => 79,
        Answer::ChannelCloses => 80,
    }
}
