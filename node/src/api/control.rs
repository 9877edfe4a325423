//! The server side of the control socket: a thin door to the node's recipients.

use super::{
    AccessFiles, Ask, Failed, FailureKind, FileSink, FileSource, NodeStatus, Reply, VERSION, Versioned,
    access,
};
use crate::{
    actors::{
        client::{
            AwaitRoots, ClientError, FileRef, GetFile, ListFiles, Progress, PutFile, RemoveFile,
            SigningStatusQuery,
        },
        incentive::ChainStatusQuery,
        market::{
            Agree, AgreementAbout, Channels, ChannelsQuery, CloseChannels, DisputeSlot, Extend,
            MarketStatusQuery, OpenChannels, Payees, QuoteAgreement, QuoteDispute, QuoteExtension,
        },
        network::NetworkStatusQuery,
        repair::RepairStatusQuery,
        storage::{Scrub, StorageStatusQuery},
    },
    env::{AccessTicket, Spawn, Work, blocking},
    limits,
    node::Node,
    types::{FileLink, LinkError, PeerId, PlacementId},
};
use actix::{Message, Recipient};
use futures::{
    SinkExt, StreamExt,
    channel::mpsc::{UnboundedReceiver, UnboundedSender, unbounded},
};
use holdfast_contracts::Amount;
use std::{collections::BTreeMap, future::Future, io, path::Path, process, rc::Rc, sync::Arc};
use tokio::{
    net::{UnixListener, UnixStream},
    sync::Semaphore,
};
use tokio_util::codec::{Framed, LinesCodec};

type Lines = Framed<UnixStream, LinesCodec>;

/// What the control socket opens the door to.
pub struct Control {
    /// The running node.
    pub node: Node,
    /// The owner's id.
    pub owner: PeerId,
    /// Counts of events since the start.
    pub counters: Box<dyn Fn() -> BTreeMap<String, u64>>,
    /// Where files are read.
    pub spawn: Rc<dyn Spawn>,
    /// What keeps the node from the chain or the market, if something does.
    pub apart: Option<String>,
}

/// Answers connections until it is dropped.
pub async fn serve(listener: UnixListener, control: Rc<Control>, spawn: Rc<dyn Spawn>) {
    let slots = Arc::new(Semaphore::new(limits::MAX_CONTROL_CONNECTIONS));
    loop {
        let slot = slots.clone().acquire_owned().await.expect("the semaphore is never closed");
        match listener.accept().await {
            Ok((stream, _)) => {
                let control = control.clone();
                spawn.local(Box::pin(async move {
                    if let Err(why) = control.connection(stream).await {
                        tracing::debug!(%why, "a control connection ended early");
                    }
                    drop(slot);
                }));
            }
            Err(why) => {
                tracing::error!(%why, "the control socket failed");
                return;
            }
        }
    }
}

impl Control {
    async fn connection(&self, stream: UnixStream) -> io::Result<()> {
        let mut lines = Framed::new(stream, LinesCodec::new_with_max_length(limits::MAX_CONTROL_LINE));
        let reply = match lines.next().await {
            None => return Ok(()),
            Some(Err(why)) => Err(Failed::new(FailureKind::Usage, format!("unreadable request: {why}"))),
            Some(Ok(line)) => match parse(&line) {
                Ok(ask) => self.answer(ask, &mut lines).await,
                Err(failed) => Err(failed),
            },
        };
        say(&mut lines, &reply.unwrap_or_else(Reply::Failed)).await
    }

    async fn answer(&self, ask: Ask, lines: &mut Lines) -> Result<Reply, Failed> {
        match ask {
            Ask::Put { name, path, code, policy, segment_len, access } => {
                let source = Arc::new(FileSource::open(&path).map_err(|why| file_failed(&path, &why))?);
                let put = |progress| PutFile { name, source, code, policy, segment_len, access, progress };
                Ok(Reply::Put(reporting(&self.node.put, lines, put).await?.map_err(put_failed)?))
            }
            Ask::AwaitRoots { placement } => {
                let wait = |progress| AwaitRoots { placement, progress };
                Ok(Reply::RootsSigned(reporting(&self.node.await_roots, lines, wait).await??))
            }
            Ask::Get { file, path, access, most } => {
                let get = self.get_file(&file, &path, access, most).await?;
                let get = |progress| GetFile { progress, ..get };
                Ok(Reply::Got(reporting(&self.node.get, lines, get).await??))
            }
            Ask::List => {
                for entry in ask_actor(&self.node.list, ListFiles).await?? {
                    // A client that went away gets no more entries, and nothing else is lost.
                    say(lines, &Reply::Entry(entry)).await.map_err(gone)?;
                }
                Ok(Reply::Listed)
            }
            Ask::Remove { name } => {
                self.must_be_free(&name).await?;
                Ok(Reply::Removed(ask_actor(&self.node.remove, RemoveFile { name }).await??))
            }
            Ask::Quote { file, wish } => {
                let placement = self.placement(&file).await?;
                let quote = QuoteAgreement { placement, wish };
                Ok(Reply::Quoted(ask_actor(&self.node.quote, quote).await??))
            }
            Ask::Agree { file, wish } => {
                let placement = self.placement(&file).await?;
                let agree = |progress| Agree { placement, wish, progress };
                Ok(Reply::Agreed(reporting(&self.node.agree, lines, agree).await??))
            }
            Ask::QuoteExtension { file, windows } => {
                let quote = QuoteExtension { placement: self.placement(&file).await?, windows };
                Ok(Reply::ExtensionQuoted(ask_actor(&self.node.quote_extension, quote).await??))
            }
            Ask::Extend { file, windows } => {
                let placement = self.placement(&file).await?;
                let extend = |progress| Extend { placement, windows, progress };
                Ok(Reply::Extended(reporting(&self.node.extend, lines, extend).await??))
            }
            Ask::QuoteDispute { file, slot } => {
                let quote = QuoteDispute { placement: self.placement(&file).await?, slot };
                Ok(Reply::DisputeQuoted(ask_actor(&self.node.quote_dispute, quote).await??))
            }
            Ask::Dispute { file, slot, challenge } => {
                let placement = self.placement(&file).await?;
                let order = |progress| DisputeSlot { placement, slot, challenge, progress };
                Ok(Reply::Disputed(reporting(&self.node.dispute, lines, order).await??))
            }
            Ask::OpenChannels { .. } | Ask::Channels | Ask::CloseChannels { .. } => {
                Ok(Reply::Channels(self.channels(ask, lines).await?))
            }
            Ask::Status => Ok(Reply::Status(Box::new(self.status().await?))),
            Ask::Scrub => Ok(Reply::Scrubbed(ask_actor(&self.node.scrub, Scrub).await?.map_err(storage)?)),
        }
    }

    /// Opens, lists or closes channels.
    async fn channels(&self, ask: Ask, lines: &mut Lines) -> Result<Channels, Failed> {
        Ok(match ask {
            Ask::OpenChannels { to, amount } => {
                let to = self.payees(&to).await?;
                let open = |progress| OpenChannels { to, amount, progress };
                reporting(&self.node.open_channels, lines, open).await??
            }
            Ask::CloseChannels { provider } => {
                let unknown = |_| Failed::new(FailureKind::Usage, "this is no provider's peer id");
                let provider = provider.map(|it| it.parse().map_err(unknown)).transpose()?;
                ask_actor(&self.node.close_channels, CloseChannels { provider }).await??
            }
            _ => ask_actor(&self.node.channels, ChannelsQuery).await??,
        })
    }

    /// What fetches a file to a path.
    async fn get_file(
        &self,
        file: &str,
        path: &Path,
        access: Option<AccessFiles>,
        most: Option<Amount>,
    ) -> Result<GetFile, Failed> {
        let file = match parse_link(file)? {
            Some(link) => FileRef::Link(link),
            None => FileRef::Name(file.to_string()),
        };
        let sink = Arc::new(FileSink::create(path).map_err(|why| file_failed(path, &why))?);
        let access = match access {
            Some(files) => Some(self.ticket(files).await?),
            None => None,
        };
        Ok(GetFile { file, sink, access, most, progress: None })
    }

    /// Whom a person means by a provider's peer id, a file's name or a link.
    async fn payees(&self, to: &str) -> Result<Payees, Failed> {
        match to.parse() {
            Ok(provider) => Ok(Payees::Provider(provider)),
            Err(_) => Ok(Payees::Holders(self.placement(to).await?)),
        }
    }

    /// Refuses to remove what providers are paid to keep.
    async fn must_be_free(&self, name: &str) -> Result<(), Failed> {
        let about = AgreementAbout(self.placement(name).await?);
        match ask_actor(&self.node.agreement_about, about).await? {
            None => Ok(()),
            Some(agreement) => {
                let why = format!("agreement {agreement} about {name:?} is not over");
                Err(Failed::new(FailureKind::Failed, why)
                    .hint("its providers must keep the file as long; remove it when the agreement is closed"))
            }
        }
    }

    /// The placement of a file that is named, or of a link.
    async fn placement(&self, file: &str) -> Result<PlacementId, Failed> {
        let link = match parse_link(file)? {
            Some(link) => link,
            None => {
                let entries = ask_actor(&self.node.list, ListFiles).await??;
                let entry = entries.into_iter().find(|entry| entry.name == file).ok_or_else(|| {
                    Failed::new(FailureKind::NotFound, format!("no file named {file:?} in the catalogue"))
                })?;
                entry.link.parse().map_err(|why| Failed::new(FailureKind::Failed, why))?
            }
        };
        Ok(link.placement)
    }

    /// Reads a member's key and list: a long list takes seconds to hash.
    async fn ticket(&self, AccessFiles { key, list }: AccessFiles) -> Result<Arc<AccessTicket>, Failed> {
        let shown = format!("{} and {}", key.display(), list.display());
        let read = move || access::read_ticket(&key, &list);
        let ticket = blocking(&*self.spawn, Work::Read { bytes: 0 }, read).await;
        ticket.map(Arc::new).map_err(|why| file_failed(Path::new(&shown), &why))
    }

    async fn status(&self) -> Result<NodeStatus, Failed> {
        Ok(NodeStatus {
            version: env!("CARGO_PKG_VERSION").into(),
            pid: process::id(),
            owner: self.owner.to_string(),
            network: ask_actor(&self.node.network_status, NetworkStatusQuery).await?,
            storage: ask_actor(&self.node.storage_status, StorageStatusQuery).await?.map_err(storage)?,
            repair: ask_actor(&self.node.repair_status, RepairStatusQuery).await?,
            signing: ask_actor(&self.node.signing_status, SigningStatusQuery).await?,
            chain: ask_actor(&self.node.chain_status, ChainStatusQuery).await?,
            market: ask_actor(&self.node.market_status, MarketStatusQuery).await?,
            apart: self.apart.clone(),
            counters: (self.counters)(),
        })
    }
}

/// A link, if the text means to be one.
fn parse_link(text: &str) -> Result<Option<FileLink>, Failed> {
    if !text.starts_with("holdfast:") {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|why: LinkError| {
        Failed::new(FailureKind::Usage, why).hint("copy the whole link that `holdfast put` printed")
    })
}

fn parse(line: &str) -> Result<Ask, Failed> {
    let version = serde_json::from_str::<serde_json::Value>(line)
        .ok()
        .and_then(|value| value.get("version").and_then(serde_json::Value::as_u64));
    if version.is_some_and(|version| version != u64::from(VERSION)) {
        let message = format!("control version {} is not {VERSION}", version.unwrap_or_default());
        return Err(Failed::new(FailureKind::Usage, message).hint("use the `holdfast` that runs the node"));
    }
    let parsed: Result<Versioned, _> = serde_json::from_str(line);
    parsed
        .map(|versioned| versioned.ask)
        .map_err(|why| Failed::new(FailureKind::Usage, format!("malformed request: {why}")))
}

/// Has an actor do what takes long, and tells how far it is meanwhile.
async fn reporting<M>(
    actor: &Recipient<M>,
    lines: &mut Lines,
    order: impl FnOnce(Option<UnboundedSender<Progress>>) -> M,
) -> Result<M::Result, Failed>
where
    M: Message + Send + 'static,
    M::Result: Send,
{
    let (sender, progress) = unbounded();
    while_reporting(ask_actor(actor, order(Some(sender))), progress, lines).await
}

async fn ask_actor<M>(actor: &Recipient<M>, message: M) -> Result<M::Result, Failed>
where
    M: Message + Send + 'static,
    M::Result: Send,
{
    let stopping = |_| Failed::new(FailureKind::Unavailable, "the node is stopping");
    actor.send(message).await.map_err(stopping)
}

/// Awaits `work` and passes its progress on. A client that went away does not stop the work.
async fn while_reporting<T>(
    work: impl Future<Output = T>,
    mut progress: UnboundedReceiver<Progress>,
    lines: &mut Lines,
) -> T {
    let report = async {
        while let Some(mut latest) = progress.next().await {
            while let Ok(newer) = progress.try_recv() {
                latest = newer;
            }
            if say(lines, &Reply::Progress(latest)).await.is_err() {
                break;
            }
        }
        // Nobody listens, or the work is about to end: what is left is the work itself.
        std::future::pending::<()>().await;
    };
    tokio::select! {
        biased;
        done = work => done,
        () = report => unreachable!("the report never ends"),
    }
}

async fn say(lines: &mut Lines, reply: &Reply) -> io::Result<()> {
    let line = serde_json::to_string(reply)?;
    lines.send(line).await.map_err(io::Error::other)
}

/// A put has no name that could be missing: one that is refused was badly chosen.
fn put_failed(why: ClientError) -> Failed {
    match why {
        ClientError::Name(message) => Failed::new(FailureKind::Usage, message),
        other => other.into(),
    }
}

fn gone(why: io::Error) -> Failed {
    Failed::new(FailureKind::Failed, why)
}

fn storage(why: crate::actors::storage::StorageError) -> Failed {
    Failed::new(FailureKind::Failed, why)
}

fn file_failed(path: &Path, why: &io::Error) -> Failed {
    let kind = match why.kind() {
        io::ErrorKind::NotFound => FailureKind::NotFound,
        io::ErrorKind::InvalidInput | io::ErrorKind::IsADirectory => FailureKind::Usage,
        _ => FailureKind::Failed,
    };
    Failed::new(kind, format!("{}: {why}", path.display()))
}
