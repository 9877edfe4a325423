//! A connection as libp2p sees it, and its substreams.

use super::shell::Wire;
use crate::NodeNumber;
use futures::{AsyncRead, AsyncWrite};
use libp2p::core::{StreamMuxer, muxing::StreamMuxerEvent};
use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

/// One side of a connection. Dropping it closes it.
pub struct SimMuxer {
    wire: Wire,
    connection: u64,
    side: usize,
    other: NodeNumber,
}

impl SimMuxer {
    pub(super) fn new(wire: Wire, connection: u64, side: usize, other: NodeNumber) -> Self {
        Self { wire, connection, side, other }
    }

    /// The node at the other end.
    pub(super) fn other(&self) -> NodeNumber {
        self.other
    }

    fn stream(&self, pipes: [u64; 2]) -> SimStream {
        SimStream { wire: self.wire.clone(), pipes }
    }
}

impl StreamMuxer for SimMuxer {
    type Substream = SimStream;
    type Error = io::Error;

    fn poll_inbound(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<SimStream>> {
        let pipes = self.wire.with(|state, _| state.accept(self.connection, self.side, cx.waker()));
        pipes.map_ok(|pipes| self.stream(pipes))
    }

    fn poll_outbound(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<SimStream>> {
        let pipes = self.wire.with(|state, now| state.open(now, self.connection, self.side));
        Poll::Ready(pipes.map(|pipes| self.stream(pipes)))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.wire.with(|state, now| state.close(now, self.connection, self.side));
        Poll::Ready(Ok(()))
    }

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<StreamMuxerEvent>> {
        self.wire.with(|state, _| match state.check(self.connection, self.side) {
            Ok(()) => {
                state.wait(self.connection, self.side, cx.waker());
                Poll::Pending
            }
            Err(error) => Poll::Ready(Err(error)),
        })
    }
}

impl Drop for SimMuxer {
    fn drop(&mut self) {
        self.wire.with(|state, now| state.close(now, self.connection, self.side));
    }
}

/// One side of a substream.
pub struct SimStream {
    wire: Wire,
    /// The pipe to write and the pipe to read.
    pipes: [u64; 2],
}

impl AsyncWrite for SimStream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let pipe = self.pipes[0];
        self.wire.with(|state, _| {
            let written = match state.pipes.get_mut(&pipe) {
                Some(pipe) => pipe.write(bytes, cx.waker()),
                None => Poll::Ready(Err(io::ErrorKind::ConnectionReset.into())),
            };
            if matches!(written, Poll::Ready(Ok(_))) {
                state.mark_written(pipe);
            }
            written
        })
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        let pipe = self.pipes[0];
        self.wire.with(|state, _| {
            if let Some(writing) = state.pipes.get_mut(&pipe) {
                writing.finish();
                state.mark_written(pipe);
            }
        });
        Poll::Ready(Ok(()))
    }
}

impl AsyncRead for SimStream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let pipe = self.pipes[1];
        self.wire.with(|state, _| match state.pipes.get_mut(&pipe) {
            Some(pipe) => {
                let read = pipe.read(buffer, cx.waker());
                let writer = if read.is_ready() { pipe.writer() } else { None };
                state.wakes.extend(writer);
                read
            }
            None => Poll::Ready(Err(io::ErrorKind::ConnectionReset.into())),
        })
    }
}

impl Drop for SimStream {
    fn drop(&mut self) {
        self.wire.with(|state, _| state.drop_stream(self.pipes));
    }
}
