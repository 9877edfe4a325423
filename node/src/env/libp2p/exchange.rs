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
    let prelude = match read_vec(stream, "prelude", frame::PRELUDE).await {
        Err(ReadError::Frame(FrameError::Truncated { got: 0, .. })) => return Err(ReadError::Closed),
        other => other?,
    };
    let prelude = prelude.first_chunk().expect("as many bytes as were asked for");
    let (header_len, body_len) = match frame::decode_prelude(prelude)? {
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

/// Makes room for a chunk at a time: the zeroes are in the first-level cache when bytes come over them.
async fn read_vec(
    stream: &mut (impl AsyncRead + Unpin),
    part: &'static str,
    len: usize,
) -> Result<Vec<u8>, ReadError> {
    let mut bytes = Vec::with_capacity(len);
    let mut got = 0;
    while got < len {
        if got == bytes.len() {
            bytes.resize(len.min(got + CHUNK), 0);
        }
        match stream.read(&mut bytes[got..]).await? {
            0 => return Err(FrameError::Truncated { part, got, len }.into()),
            count => got += count,
        }
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        limits,
        types::{Ask, PlacementId, ShardHash, ShardKey},
    };
    use futures::{executor::block_on, io::Cursor};
    use proptest::{collection::vec, prelude::*};

    fn store() -> Ask {
        let key = ShardKey { placement: PlacementId::from_bytes([1; 32]), segment: 3, slot: 2 };
        Ask::StoreShard { key, hash: ShardHash::of(b"shard") }
    }

    fn written(body: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        block_on(write_message(&mut bytes, &store(), body)).unwrap();
        bytes
    }

    fn read(bytes: &[u8], budget: Option<&Budget>) -> Result<Message<Ask>, ReadError> {
        block_on(read_message(&mut Cursor::new(bytes), |_| limits::MAX_SHARD, budget))
    }

    #[test]
    fn a_message_holds_its_room_in_the_budget() {
        let budget = Arc::new(Semaphore::new(limits::MAX_INBOUND_BYTES));
        let bytes = written(&[7; 1000]);
        let message = read(&bytes, Some(&budget)).unwrap();
        assert_eq!(budget.available_permits(), limits::MAX_INBOUND_BYTES - (bytes.len() - frame::PRELUDE));
        drop(message);
        assert_eq!(budget.available_permits(), limits::MAX_INBOUND_BYTES);
    }

    #[test]
    fn without_room_nothing_is_read() {
        let budget = Arc::new(Semaphore::new(10));
        let bytes = written(&[7; 1000]);
        let mut cursor = Cursor::new(&bytes[..]);
        let mut read = Box::pin(read_message::<Ask>(&mut cursor, |_| limits::MAX_SHARD, Some(&budget)));
        assert!(futures::FutureExt::now_or_never(&mut read).is_none());
        drop(read);
        assert_eq!(cursor.position(), frame::PRELUDE as u64);
    }

    #[test]
    fn a_body_that_the_header_does_not_allow_is_refused() {
        let bytes = written(&[7; 1000]);
        let refused = block_on(read_message::<Ask>(&mut Cursor::new(&bytes), |_| 999, None));
        let expected = FrameError::TooLarge { part: "body", len: 1000, limit: 999 };
        assert!(matches!(refused, Err(ReadError::Frame(error)) if error == expected));
    }

    #[test]
    fn a_rejection_is_told_in_its_own_words() {
        let refused = read(&frame::encode_rejection("too old"), None);
        assert!(matches!(refused, Err(ReadError::Frame(FrameError::Rejected(text))) if text == "too old"));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(body in vec(any::<u8>(), 0..200_000)) {
            let message = read(&written(&body), None).unwrap();
            prop_assert_eq!(message.header, store());
            prop_assert_eq!(&message.body[..], &body[..]);
        }

        #[test]
        fn a_frame_cut_anywhere_says_so(body in vec(any::<u8>(), 0..100), cut: prop::sample::Index) {
            let bytes = written(&body);
            let cut = cut.index(bytes.len());
            match read(&bytes[..cut], None) {
                Err(ReadError::Closed) => prop_assert_eq!(cut, 0),
                Err(ReadError::Frame(FrameError::Truncated { got, len, .. })) => prop_assert!(got < len),
                other => prop_assert!(false, "{other:?}"),
            }
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes in vec(any::<u8>(), 0..300), version in 0u8..3, small: bool) {
            let mut bytes = bytes;
            if small && bytes.len() > frame::PRELUDE {
                bytes[0] = version;
                bytes[2..5].fill(0);
                bytes[6..9].fill(0);
            }
            let _ = read(&bytes, None);
        }
    }
}
