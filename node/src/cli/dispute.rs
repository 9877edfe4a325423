//! `holdfast dispute`.

use super::{
    args,
    connection::{ask, unexpected},
    failure::Failure,
    home::Home,
    output::{Bar, Output},
};
use crate::{
    actors::market::{Challenge, DisputeEnd, DisputeQuote, Disputed},
    api::{Ask, Reply},
};
use std::io::{self, Write};

/// Disputes a slot and waits for the end, or shows what that takes.
pub fn run(home: &Home, options: &args::Dispute, output: Output) -> Result<(), Failure> {
    let (file, slot) = (options.file.clone(), options.slot);
    if options.dry_run {
        let reply = ask(home, Ask::QuoteDispute { file, slot }, |_| (), |_| ())?;
        let Reply::DisputeQuoted(quote) = reply else { return Err(unexpected(&reply)) };
        return output.print(&quote, |out| write_quote(out, &quote));
    }
    let challenge = if options.root { Challenge::Root } else { Challenge::Cells(options.cells) };
    let bar = Bar::counting("blocks");
    let order = Ask::Dispute { file, slot, challenge };
    let reply = ask(home, order, |progress| bar.show(progress), |_| ())?;
    drop(bar);
    let Reply::Disputed(disputed) = reply else { return Err(unexpected(&reply)) };
    output.print(&disputed, |out| write_end(out, &disputed))
}

fn write_quote(out: &mut dyn Write, it: &DisputeQuote) -> io::Result<()> {
    writeln!(out, "slot        {} of agreement {}, of provider {}", it.slot, it.agreement, it.provider)?;
    writeln!(out, "bond        {} HOLD: spent if the provider answers, back if it does not", it.bond)?;
    writeln!(out, "answer      within {} blocks", it.response_blocks)?;
    writeln!(out, "account     has {} HOLD", it.balance)
}

fn write_end(out: &mut dyn Write, it: &Disputed) -> io::Result<()> {
    let Disputed { agreement, slot, provider, bond, end, .. } = it;
    let end = match end {
        DisputeEnd::Answered => {
            format!("showed what was demanded, and keeps it; the bond of {bond} HOLD is spent")
        }
        DisputeEnd::SlotLost => {
            format!("did not show it, and has lost the slot; the bond of {bond} HOLD comes back")
        }
    };
    writeln!(out, "slot {slot} of agreement {agreement}: provider {provider} {end}")
}
