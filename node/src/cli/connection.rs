//! The client side of the control socket.

use super::{failure::Failure, home::Home};
use crate::{
    actors::client::{CatalogueEntry, Progress},
    api::{Ask, Failed, FailureKind, NodeStatus, Reply, VERSION, Versioned},
    limits,
};
use std::{
    io::{self, BufRead, BufReader, Read, Write},
    os::unix::net::UnixStream,
    time::Duration,
};

/// Asks the node in `home`, passes progress and entries on, and returns the outcome.
pub fn ask(
    home: &Home,
    ask: Ask,
    mut on_progress: impl FnMut(Progress),
    mut on_entry: impl FnMut(CatalogueEntry),
) -> Result<Reply, Failure> {
    let stream = connect(home)?;
    let mut lines = Lines::send(stream, ask).map_err(broken)?;
    loop {
        match lines.next().map_err(broken)? {
            Reply::Progress(progress) => on_progress(progress),
            Reply::Entry(entry) => on_entry(entry),
            Reply::Failed(Failed { kind, message, hint }) => return Err(Failure { kind, message, hint }),
            outcome => return Ok(outcome),
        }
    }
}

/// The status of the node in `home`, if it answers within `limit`.
pub fn status(home: &Home, limit: Duration) -> Result<NodeStatus, Failure> {
    let stream = connect(home)?;
    stream.set_read_timeout(Some(limit)).map_err(broken)?;
    let mut lines = Lines::send(stream, Ask::Status).map_err(broken)?;
    match lines.next().map_err(broken)? {
        Reply::Status(status) => Ok(*status),
        Reply::Failed(Failed { kind, message, hint }) => Err(Failure { kind, message, hint }),
        other => Err(unexpected(&other)),
    }
}

/// An outcome that does not belong to the request.
pub fn unexpected(reply: &Reply) -> Failure {
    Failure::failed(format!("the node gave an answer to another question: {reply:?}"))
        .hint("use the `holdfast` that runs the node")
}

fn connect(home: &Home) -> Result<UnixStream, Failure> {
    UnixStream::connect(home.socket_path()).map_err(|why| match why.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => match home.must_exist() {
            Ok(()) => not_running(home),
            Err(failure) => failure,
        },
        _ => Failure::file(&home.socket_path(), &why),
    })
}

fn not_running(home: &Home) -> Failure {
    Failure::new(FailureKind::Unavailable, format!("the node in {} is not running", home.dir().display()))
        .hint(format!("start it: holdfast --dir {} run", home.dir().display()))
}

fn broken(why: io::Error) -> Failure {
    Failure::new(FailureKind::Unavailable, format!("the node went away before it answered: {why}"))
        .hint("see what it printed when it stopped")
}

struct Lines(BufReader<UnixStream>);

impl Lines {
    fn send(mut stream: UnixStream, ask: Ask) -> io::Result<Self> {
        let mut line = serde_json::to_string(&Versioned { version: VERSION, ask })?;
        line.push('\n');
        stream.write_all(line.as_bytes())?;
        Ok(Self(BufReader::new(stream)))
    }

    fn next(&mut self) -> io::Result<Reply> {
        let mut line = String::new();
        let limit = limits::MAX_CONTROL_REPLY as u64 + 1;
        self.0.by_ref().take(limit).read_line(&mut line)?;
        if !line.ends_with('\n') {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(serde_json::from_str(&line)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actors::market::{Extended, ExtensionQuote, OpenSlot};
    use holdfast_contracts::Amount;
    use std::thread;

    #[test]
    fn an_answer_may_name_every_slot_of_the_largest_agreement() {
        let slot = |slot| OpenSlot {
            slot,
            provider: Some("16Uiu2HA".repeat(7)),
            why: "it did not say why ".repeat(20),
        };
        let open: Vec<OpenSlot> = (0..limits::MAX_SHARDS).map(slot).collect();
        let (slots, hold) = (limits::MAX_SHARDS, Amount::whole(1));
        let quote = ExtensionQuote {
            agreement: 1,
            slots,
            end: 1,
            new_end: 2,
            price: hold,
            total: hold,
            balance: hold,
        };
        let reply = Reply::Extended(Extended { quote, renewed: 0, open: open.clone() });
        let (client, mut server) = UnixStream::pair().expect("a pair");
        let line = serde_json::to_string(&reply).expect("it has a form") + "\n";
        assert!(line.len() > limits::MAX_CONTROL_LINE, "it is longer than an order");
        let writing = thread::spawn(move || server.write_all(line.as_bytes()));
        let Reply::Extended(read) = Lines(BufReader::new(client)).next().expect("it is read whole") else {
            panic!("another answer")
        };
        writing.join().expect("it ends").expect("it is written");
        assert_eq!(read.open, open);
    }
}
