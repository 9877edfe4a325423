//! `holdfast channel`: what providers are paid from for reading.

use super::{
    args,
    connection::{ask, unexpected},
    failure::Failure,
    home::Home,
    output::{Bar, Output},
};
use crate::{
    actors::market::{Channel, ChannelState, Channels},
    api::{Ask, FailureKind, Reply},
};
use std::io::{self, Write};

/// Runs one of the commands.
pub fn run(home: &Home, command: &args::Channel, output: Output) -> Result<(), Failure> {
    let asked = match command.clone() {
        args::Channel::Open { to, amount } => Ask::OpenChannels { to, amount },
        args::Channel::List => Ask::Channels,
        args::Channel::Close { provider } => Ask::CloseChannels { provider },
    };
    let bar = Bar::counting("channels");
    let reply = ask(home, asked, |progress| bar.show(progress), |_| ())?;
    drop(bar);
    let Reply::Channels(it) = reply else { return Err(unexpected(&reply)) };
    output.print(&it, |out| write(out, &it))?;
    if it.failed.is_empty() {
        return Ok(());
    }
    let message =
        format!("no channel to {} of {} providers", it.failed.len(), it.failed.len() + it.channels.len());
    Err(Failure::new(FailureKind::Unavailable, message).hint(
        "the same command goes on, and pays nothing twice; any k of a file's providers are enough to read it",
    ))
}

fn write(out: &mut dyn Write, Channels { channels, failed }: &Channels) -> io::Result<()> {
    for Channel { provider, channel, price, deposit, signed, state } in channels {
        let number = channel.map_or("-".into(), |channel| channel.to_string());
        let state = match state {
            ChannelState::Opening => "opening",
            ChannelState::Open => "open",
            ChannelState::Closing => "closing",
            ChannelState::Closed => "closed",
        };
        writeln!(
            out,
            "{number:>6}  {state:<7}  {signed} of {deposit} HOLD signed, {price} a GiB  {provider}"
        )?;
    }
    failed.iter().try_for_each(|(provider, why)| writeln!(out, "{:>6}  {provider}: {why}", "-"))
}
