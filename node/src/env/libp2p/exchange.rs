//! One message over one stream: header and body are read into buffers of exactly their size, which
//! are allocated only once a byte budget has room for them.

use super::frame::{self, FrameError, Prelude};
use bytes::Bytes;
use futures::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use serde::{Serialize, de::DeserializeOwned};
use std::{io, sync::Arc};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Bytes that are read or written at a time, so that one body does not hold up the other streams of
/// its connection.
const CHUNK: usize = 64 << 10;

/// Bytes of foreign messages that may be in memory at a time; a reader waits until there is room.
pub(super) type Budget = Arc<Semaphore>;

/// Room in the budget, given back when it is dropped.
pub(super) type Grant = Option<OwnedSemaphorePermit>;

/// A message as it came.
#[derive(Debug)]
pub(super) struct Message<T> {
    pub header: T,
    pub body: Bytes,
    /// To be kept as long as the bytes are.
    pub grant: Grant,
}

/// Why no message came.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReadError {
    /// The stream ended before a message began.
    #[error("it closed the stream")]
    Closed,
    /// The stream broke.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// What came is not a message.
    #[error(transparent)]
    Frame(#[from] FrameError),
}

/// Writes a message; the stream stays open.
pub(super) async fn write_message<T: Serialize>(
    stream: &mut (impl AsyncWrite + Unpin),
    header: &T,
    body: &[u8],
) -> Result<(), ReadError> {
    let head = frame::encode(header, body.len())?;
    stream.write_all(&head).await?;
    for chunk in body.chunks(CHUNK) {
        stream.write_all(chunk).await?;
    }
    stream.flush().await?;
    Ok(())
}

/// Tells the peer why its frame was refused, and closes the stream.
pub(super) async fn write_rejection(
    stream: &mut (impl AsyncWrite + Unpin),
    why: &FrameError,
) -> io::Result<()> {
    stream.write_all(&frame::encode_rejection(&why.to_string())).await?;
    stream.close().await
}

/// Reads a message whose body may have as many bytes as `max_body` says of its header.
pub(super) async fn read_message<T: DeserializeOwned>(
    stream: &mut (impl AsyncRead + Unpin),
    max_body: impl FnOnce(&T) -> usize,
    budget: Option<&Budget>,
) -> Result<Message<T>, ReadError> {
    let mut prelude = [0; frame::PRELUDE];
    match read_exact(stream, "prelude", &mut prelude).await {
        Err(ReadError::Frame(FrameError::Truncated { got: 0, .. })) => return Err(ReadError::Closed),
        other => other?,
    }
    let (header_len, body_len) = match frame::decode_prelude(&prelude)? {
        Prelude::Message { header, body } => (header, body),
        Prelude::Rejection { text } => {
            let text = read_vec(stream, "rejection", text).await?;
            return Err(FrameError::Rejected(String::from_utf8_lossy(&text).into_owned()).into());
        }
    };
    let grant = reserve(budget, header_len + body_len).await;
    let header = frame::decode_header(&read_vec(stream, "header", header_len).await?)?;
    frame::check("body", body_len, max_body(&header))?;
    let body = Bytes::from(read_vec(stream, "body", body_len).await?);
    Ok(Message { header, body, grant })
}

async fn reserve(budget: Option<&Budget>, bytes: usize) -> Grant {
    let budget = budget?.clone();
    let bytes = u32::try_from(bytes).expect("the frame limits are below 4 GiB");
    Some(budget.acquire_many_owned(bytes).await.expect("the budget is never closed"))
}

async fn read_vec(
    stream: &mut (impl AsyncRead + Unpin),
    part: &'static str,
    len: usize,
) -> Result<Vec<u8>, ReadError> {
    let mut bytes = vec![0; len];
    read_exact(stream, part, &mut bytes).await?;
    Ok(bytes)
}

async fn read_exact(
    stream: &mut (impl AsyncRead + Unpin),
    part: &'static str,
    buffer: &mut [u8],
) -> Result<(), ReadError> {
    let len = buffer.len();
    let mut got = 0;
    while got < len {
        let end = len.min(got + CHUNK);
        match stream.read(&mut buffer[got..end]).await? {
            0 => return Err(FrameError::Truncated { part, got, len }.into()),
            count => got += count,
        }
    }
    Ok(())
}
