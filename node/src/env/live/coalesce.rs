//! Fewer and larger messages for Noise and TCP.
//!
//! Yamux flushes after every frame of 16 KiB, so that each would become a Noise message, a system call and a
//! wake-up of its own. Here a flush waits until the connection's task has had a turn, in which it passes on the
//! frames that are ready by then; what has gathered for one Noise message is not held back.

use futures::{AsyncRead, AsyncWrite, ready};
use libp2p::core::upgrade::{InboundConnectionUpgrade, OutboundConnectionUpgrade, UpgradeInfo};
use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

/// Bytes that are flushed at once: a Noise message has at most 65,535.
const FULL: usize = 60 << 10;

/// Passes writes on at once, and flushes late.
pub(super) struct Coalesce<C> {
    io: C,
    /// Bytes written since the last flush.
    unflushed: usize,
    /// A flush was put off, and nothing was written since.
    put_off: bool,
}

impl<C: AsyncRead + Unpin> AsyncRead for Coalesce<C> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_read(cx, buffer)
    }
}

impl<C: AsyncWrite + Unpin> AsyncWrite for Coalesce<C> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.io).poll_write(cx, bytes))?;
        self.unflushed += written;
        self.put_off = false;
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if (1..FULL).contains(&self.unflushed) && !self.put_off {
            self.put_off = true;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        ready!(Pin::new(&mut self.io).poll_flush(cx))?;
        self.unflushed = 0;
        Poll::Ready(Ok(()))
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_close(cx)
    }
}

/// An upgrade of a connection that coalesces what the upgrade writes.
#[derive(Clone)]
pub(super) struct Coalesced<U>(pub U);

impl<U: UpgradeInfo> UpgradeInfo for Coalesced<U> {
    type Info = U::Info;
    type InfoIter = U::InfoIter;

    fn protocol_info(&self) -> Self::InfoIter {
        self.0.protocol_info()
    }
}

impl<C, U: InboundConnectionUpgrade<Coalesce<C>>> InboundConnectionUpgrade<C> for Coalesced<U> {
    type Output = U::Output;
    type Error = U::Error;
    type Future = U::Future;

    fn upgrade_inbound(self, io: C, info: Self::Info) -> Self::Future {
        self.0.upgrade_inbound(Coalesce::new(io), info)
    }
}

impl<C, U: OutboundConnectionUpgrade<Coalesce<C>>> OutboundConnectionUpgrade<C> for Coalesced<U> {
    type Output = U::Output;
    type Error = U::Error;
    type Future = U::Future;

    fn upgrade_outbound(self, io: C, info: Self::Info) -> Self::Future {
        self.0.upgrade_outbound(Coalesce::new(io), info)
    }
}

impl<C> Coalesce<C> {
    fn new(io: C) -> Self {
        Self { io, unflushed: 0, put_off: false }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::task::noop_waker;

    /// Remembers what it was given, and how much of it was flushed.
    #[derive(Default)]
    struct Sink {
        written: usize,
        flushed: Vec<usize>,
    }

    impl AsyncWrite for Sink {
        fn poll_write(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            bytes: &[u8],
        ) -> Poll<io::Result<usize>> {
            self.written += bytes.len();
            Poll::Ready(Ok(bytes.len()))
        }

        fn poll_flush(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            let written = self.written;
            self.flushed.push(written);
            Poll::Ready(Ok(()))
        }

        fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            self.poll_flush(cx)
        }
    }

    fn write_and_flush(coalesce: &mut Coalesce<Sink>, bytes: usize) -> bool {
        let waker = noop_waker();
        let mut cx = Context::from_waker(&waker);
        if bytes > 0 {
            assert!(Pin::new(&mut *coalesce).poll_write(&mut cx, &vec![0; bytes]).is_ready());
        }
        Pin::new(coalesce).poll_flush(&mut cx).is_ready()
    }

    #[test]
    fn frames_of_one_turn_are_flushed_together() {
        let mut coalesce = Coalesce::new(Sink::default());
        assert!(!write_and_flush(&mut coalesce, 100));
        assert!(!write_and_flush(&mut coalesce, 100));
        assert!(write_and_flush(&mut coalesce, 0), "the next turn flushes");
        assert_eq!(coalesce.io.flushed, [200]);
        assert!(write_and_flush(&mut coalesce, 0), "with nothing to flush nothing is put off");
    }

    #[test]
    fn a_full_message_is_not_held_back() {
        let mut coalesce = Coalesce::new(Sink::default());
        assert!(!write_and_flush(&mut coalesce, FULL - 1));
        assert!(write_and_flush(&mut coalesce, 1));
        assert_eq!(coalesce.io.flushed, [FULL]);
    }
}
