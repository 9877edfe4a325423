//! One direction of a substream. Pure.

use bytes::{Buf, Bytes};
use holdfast::types::Timestamp;
use std::{
    collections::VecDeque,
    io,
    task::{Poll, Waker},
};

/// Bytes that a pipe takes before its reader has read them.
pub const WINDOW: usize = 1 << 20;

/// Bytes on their way, and whether they are the last.
#[derive(Debug)]
pub struct Batch {
    /// The bytes.
    pub bytes: Bytes,
    /// Nothing follows.
    pub last: bool,
}

/// One direction of a substream.
#[derive(Debug, Default)]
pub struct Pipe {
    /// The connection it belongs to.
    pub connection: u64,
    /// Which side of the connection writes.
    pub writer_side: usize,
    /// A batch is being sent; the next one waits.
    pub busy: bool,
    /// When the last small batch is transmitted.
    pub free: Timestamp,
    /// When the last batch arrives: later ones do not overtake it.
    pub arrival: Timestamp,
    outgoing: Vec<u8>,
    in_flight: usize,
    arrived: VecDeque<Bytes>,
    arrived_len: usize,
    finish: End,
    ended: bool,
    broken: Option<io::ErrorKind>,
    writer_gone: bool,
    reader_gone: bool,
    writer: Option<Waker>,
    reader: Option<Waker>,
}

/// How far the writer is with ending the pipe.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum End {
    #[default]
    Open,
    Wanted,
    Sent,
}

impl Pipe {
    /// An empty pipe of a connection, written at one of its sides.
    pub fn new(connection: u64, writer_side: usize) -> Self {
        Self { connection, writer_side, ..Self::default() }
    }

    /// Takes as many bytes as the window allows.
    pub fn write(&mut self, bytes: &[u8], waker: &Waker) -> Poll<io::Result<usize>> {
        if let Some(kind) = self.broken {
            return Poll::Ready(Err(kind.into()));
        }
        if self.finish != End::Open || self.reader_gone {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let room = WINDOW - (self.outgoing.len() + self.in_flight + self.arrived_len).min(WINDOW);
        if room == 0 {
            self.writer = Some(waker.clone());
            return Poll::Pending;
        }
        let taken = bytes.len().min(room);
        self.outgoing.extend_from_slice(&bytes[..taken]);
        Poll::Ready(Ok(taken))
    }

    /// No more bytes will be written.
    pub fn finish(&mut self) {
        if self.finish == End::Open {
            self.finish = End::Wanted;
        }
    }

    /// Copies arrived bytes out; 0 at the end.
    pub fn read(&mut self, buffer: &mut [u8], waker: &Waker) -> Poll<io::Result<usize>> {
        let mut read = 0;
        while read < buffer.len()
            && let Some(bytes) = self.arrived.front_mut()
        {
            let part = bytes.len().min(buffer.len() - read);
            bytes.copy_to_slice(&mut buffer[read..read + part]);
            read += part;
            if bytes.is_empty() {
                self.arrived.pop_front();
            }
        }
        self.arrived_len -= read;
        if read > 0 || self.ended || buffer.is_empty() {
            return Poll::Ready(Ok(read));
        }
        if let Some(kind) = self.broken {
            return Poll::Ready(Err(kind.into()));
        }
        self.reader = Some(waker.clone());
        Poll::Pending
    }

    /// Whom to wake after a read: the writer, if it waits for room.
    pub fn writer(&mut self) -> Option<Waker> {
        self.writer.take()
    }

    /// The next batch to send, if there is one.
    pub fn next_batch(&mut self) -> Option<Batch> {
        let last = self.finish == End::Wanted;
        if self.outgoing.is_empty() && !last {
            return None;
        }
        if last {
            self.finish = End::Sent;
        }
        let bytes = Bytes::from(std::mem::take(&mut self.outgoing));
        self.in_flight += bytes.len();
        Some(Batch { bytes, last })
    }

    /// A batch arrives; returns whom to wake.
    pub fn arrive(&mut self, batch: Batch) -> Option<Waker> {
        self.in_flight -= batch.bytes.len();
        if !self.reader_gone && !batch.bytes.is_empty() {
            self.arrived_len += batch.bytes.len();
            self.arrived.push_back(batch.bytes);
        }
        self.ended |= batch.last;
        self.reader.take()
    }

    /// Its connection is gone for the writer or the reader or both; returns whom to wake.
    pub fn break_off(&mut self, kind: io::ErrorKind) -> [Option<Waker>; 2] {
        self.broken.get_or_insert(kind);
        [self.writer.take(), self.reader.take()]
    }

    /// The writer is dropped: what it wrote still arrives, as with QUIC.
    pub fn drop_writer(&mut self) {
        self.finish();
        self.writer_gone = true;
        self.writer = None;
    }

    /// The reader is dropped; returns whom to wake.
    pub fn drop_reader(&mut self) -> Option<Waker> {
        self.reader_gone = true;
        self.reader = None;
        self.arrived.clear();
        self.arrived_len = 0;
        self.writer.take()
    }

    /// True if nobody will look at it again.
    pub fn is_gone(&self) -> bool {
        self.reader_gone && self.writer_gone
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ready(poll: Poll<io::Result<usize>>) -> usize {
        match poll {
            Poll::Ready(Ok(n)) => n,
            other => panic!("not ready: {other:?}"),
        }
    }

    #[test]
    fn takes_no_more_than_its_window_until_the_reader_reads() {
        let waker = Waker::noop();
        let mut pipe = Pipe::default();
        assert_eq!(ready(pipe.write(&vec![1; WINDOW + 5], waker)), WINDOW);
        assert!(pipe.write(&[1], waker).is_pending());
        let batch = pipe.next_batch().unwrap();
        assert!(pipe.write(&[1], waker).is_pending(), "bytes in flight count");
        pipe.arrive(batch);
        assert!(pipe.write(&[1], waker).is_pending(), "unread bytes count");
        assert_eq!(ready(pipe.read(&mut [0; 100], waker)), 100);
        assert!(pipe.writer().is_some());
        assert_eq!(ready(pipe.write(&[1; 200], waker)), 100);
    }

    #[test]
    fn bytes_come_before_the_end_and_the_end_stays() {
        let waker = Waker::noop();
        let mut pipe = Pipe::default();
        ready(pipe.write(b"abc", waker));
        pipe.drop_writer();
        let batch = pipe.next_batch().unwrap();
        assert!(batch.last && pipe.next_batch().is_none());
        pipe.arrive(batch);
        let mut buffer = [0; 8];
        assert_eq!((ready(pipe.read(&mut buffer, waker)), &buffer[..3]), (3, &b"abc"[..]));
        assert_eq!(ready(pipe.read(&mut buffer, waker)), 0);
        assert_eq!(ready(pipe.read(&mut buffer, waker)), 0);
    }

    #[test]
    fn a_broken_pipe_fails_both_ends_after_what_had_arrived() {
        let waker = Waker::noop();
        let mut pipe = Pipe::default();
        ready(pipe.write(b"abc", waker));
        let batch = pipe.next_batch().unwrap();
        pipe.arrive(batch);
        pipe.break_off(io::ErrorKind::ConnectionReset);
        assert!(matches!(pipe.write(b"d", waker), Poll::Ready(Err(_))));
        assert_eq!(ready(pipe.read(&mut [0; 8], waker)), 3);
        assert!(matches!(pipe.read(&mut [0; 8], waker), Poll::Ready(Err(_))));
    }
}
