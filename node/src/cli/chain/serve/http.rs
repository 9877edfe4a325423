//! The server.

use super::{
    methods,
    node::{Node, Pace},
    protocol,
};
use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::post,
};
use std::{
    future::Future,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{net::TcpListener, time::MissedTickBehavior};

/// Most bytes of one request, or one batch of them: some transactions of the largest size in hexadecimal.
const MAX_BODY: usize = 1 << 20;

type Shared = Arc<Mutex<Node>>;

/// Serves until `stop` completes, or the disk fails.
pub async fn serve(
    listener: TcpListener,
    node: Node,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let pace = node.pace();
    let shared = Arc::new(Mutex::new(node));
    let app = Router::new()
        .route("/", post(answer))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(shared.clone());
    let server = axum::serve(listener, app).with_graceful_shutdown(stop).into_future();
    tokio::select! {
        biased;
        done = server => done,
        why = produce(shared, pace) => Err(why),
    }
}

/// Makes a block at every beat; returns only if one cannot be kept.
async fn produce(shared: Shared, pace: Pace) -> std::io::Error {
    let Pace::Every(seconds) = pace else { return std::future::pending().await };
    let mut beat = tokio::time::interval(Duration::from_secs(seconds));
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        beat.tick().await;
        if let Err(why) = lock(&shared).produce() {
            return std::io::Error::other(why);
        }
    }
}

async fn answer(State(shared): State<Shared>, headers: HeaderMap, body: Bytes) -> Response {
    // A page in a browser may post here, but not with this type unless it is allowed to, which none is.
    let json =
        headers.get(header::CONTENT_TYPE).is_some_and(|it| it.as_bytes().starts_with(b"application/json"));
    if !json {
        return StatusCode::UNSUPPORTED_MEDIA_TYPE.into_response();
    }
    let answer =
        protocol::answer(&body, |method, parameters| methods::call(&mut lock(&shared), method, parameters));
    match answer {
        Some(text) => ([(header::CONTENT_TYPE, "application/json")], text).into_response(),
        None => StatusCode::NO_CONTENT.into_response(),
    }
}

/// A request that panicked has answered nobody and left the chain as it was.
fn lock(shared: &Shared) -> std::sync::MutexGuard<'_, Node> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
