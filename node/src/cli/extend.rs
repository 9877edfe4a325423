//! `holdfast extend`.

use super::{
    agree::write_open,
    args,
    connection::{ask, unexpected},
    failure::Failure,
    home::Home,
    output::{Bar, Output},
};
use crate::{
    actors::market::{Extended, ExtensionQuote},
    api::{Ask, Reply},
};
use std::io::{self, Write};

/// Extends the agreement about a file, or shows what that costs.
pub fn run(home: &Home, options: &args::Extend, output: Output) -> Result<(), Failure> {
    let (file, windows) = (options.file.clone(), options.windows);
    if options.dry_run {
        let reply = ask(home, Ask::QuoteExtension { file, windows }, |_| (), |_| ())?;
        let Reply::ExtensionQuoted(quote) = reply else { return Err(unexpected(&reply)) };
        return output.print(&quote, |out| write_quote(out, &quote));
    }
    let bar = Bar::counting("slots");
    let reply = ask(home, Ask::Extend { file, windows }, |progress| bar.show(progress), |_| ())?;
    drop(bar);
    let Reply::Extended(extended) = reply else { return Err(unexpected(&reply)) };
    output.print(&extended, |out| write_extended(out, &extended))
}

fn write_quote(out: &mut dyn Write, it: &ExtensionQuote) -> io::Result<()> {
    let ExtensionQuote { agreement, slots, end, new_end, price, total, balance } = it;
    writeln!(out, "agreement   {agreement}, of {slots} slots, paid until window {end}")?;
    writeln!(out, "extension   until window {new_end}: {} more windows", new_end - end)?;
    writeln!(out, "price       {price} HOLD a slot and window, {total} in all")?;
    writeln!(out, "account     has {balance} HOLD")
}

fn write_extended(out: &mut dyn Write, Extended { quote, renewed, open }: &Extended) -> io::Result<()> {
    let ExtensionQuote { agreement, slots, new_end, total, .. } = quote;
    writeln!(out, "agreement {agreement}: {total} HOLD more, paid until window {new_end}")?;
    writeln!(out, "{renewed} of {slots} slots are kept as long by their providers")?;
    write_open(out, open)?;
    match open.iter().any(|slot| slot.provider.is_some()) {
        true => writeln!(out, "who renews a slot does so before its own end; the same command looks again"),
        false => Ok(()),
    }
}
