//! JSON-RPC over HTTP, with answers that are bounded before they are parsed.

use super::client::ConnectError;
use crate::limits;
use alloy::{
    rpc::json_rpc::{RequestPacket, ResponsePacket},
    transports::{
        TransportError, TransportErrorKind, TransportFut,
        http::reqwest::{Client, Url, redirect::Policy},
        utils::guess_local_url,
    },
};
use std::task::{Context, Poll};
use tower_service::Service;

#[derive(Clone, Debug)]
pub(super) struct BoundedHttp {
    client: Client,
    url: Url,
}

impl BoundedHttp {
    pub(super) fn new(url: &str) -> Result<Self, ConnectError> {
        let bad = |why: String| ConnectError::Url { url: url.to_owned(), why };
        let parsed: Url = url.parse().map_err(|why| bad(format!("{why}")))?;
        if !matches!(parsed.scheme(), "http" | "https") {
            return Err(bad(format!("{} is no scheme for it", parsed.scheme())));
        }
        let mut builder = Client::builder().timeout(limits::CHAIN_TIMEOUT).redirect(Policy::none());
        if guess_local_url(url) {
            builder = builder.no_proxy();
        }
        let client = builder.build().map_err(|why| bad(why.to_string()))?;
        Ok(Self { client, url: parsed })
    }

    async fn exchange(self, packet: RequestPacket) -> Result<ResponsePacket, TransportError> {
        // The URL may hold a key: it is not for logs.
        let failed =
            |error: alloy::transports::http::reqwest::Error| TransportErrorKind::custom(error.without_url());
        let mut answer = self.client.post(self.url).json(&packet).send().await.map_err(failed)?;
        let status = answer.status();
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(failed)? {
            if body.len() + chunk.len() > limits::MAX_CHAIN_ANSWER {
                let why = format!("an answer of more than {} bytes", limits::MAX_CHAIN_ANSWER);
                return Err(TransportErrorKind::custom_str(&why));
            }
            body.extend_from_slice(&chunk);
        }
        serde_json::from_slice(&body).map_err(|why| {
            let why =
                if status.is_success() { format!("no JSON-RPC: {why}") } else { format!("HTTP {status}") };
            TransportErrorKind::custom_str(&why)
        })
    }
}

impl Service<RequestPacket> for BoundedHttp {
    type Response = ResponsePacket;
    type Error = TransportError;
    type Future = TransportFut<'static>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, packet: RequestPacket) -> Self::Future {
        Box::pin(self.clone().exchange(packet))
    }
}
