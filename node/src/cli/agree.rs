//! `holdfast agree`.

use super::{
    args,
    connection::{ask, unexpected},
    failure::Failure,
    home::Home,
    output::{Bar, Output},
};
use crate::{
    actors::market::{Agreed, OpenSlot, Quote, Wish},
    api::{Ask, FailureKind, Reply},
};
use indicatif::HumanBytes;
use std::io::{self, Write};

/// Opens an agreement about a file, or shows what it costs.
pub fn run(home: &Home, options: &args::Agree, output: Output) -> Result<(), Failure> {
    if options.windows == 0 || options.price.0.is_zero() {
        return Err(Failure::usage("an agreement lasts a window at least, and has a price"));
    }
    let (file, wish) = (options.file.clone(), wish(options));
    if options.dry_run {
        let reply = ask(home, Ask::Quote { file, wish }, |_| (), |_| ())?;
        let Reply::Quoted(quote) = reply else { return Err(unexpected(&reply)) };
        return output.print(&quote, |out| write_quote(out, &quote));
    }
    let bar = Bar::counting("slots");
    let reply = ask(home, Ask::Agree { file, wish }, |progress| bar.show(progress), |_| ())?;
    drop(bar);
    let Reply::Agreed(agreed) = reply else { return Err(unexpected(&reply)) };
    output.print(&agreed, |out| write_agreed(out, &agreed))?;
    if agreed.open.is_empty() {
        return Ok(());
    }
    let message = format!("{} of {} slots are not taken", agreed.open.len(), agreed.quote.slots);
    Err(Failure::new(FailureKind::Unavailable, message)
        .hint("the same command offers them again, and opens no second agreement"))
}

fn wish(options: &args::Agree) -> Wish {
    Wish {
        windows: options.windows,
        price: options.price,
        collateral: options.collateral,
        repair_reward: options.repair_reward,
        refund: options.refund,
        sla_bps: options.sla,
        response_blocks: options.response_blocks,
    }
}

fn write_quote(out: &mut dyn Write, it: &Quote) -> io::Result<()> {
    let bytes = HumanBytes(it.slot_bytes);
    writeln!(out, "slots       {}, any {} rebuild the file; {bytes} each", it.slots, it.threshold)?;
    writeln!(out, "windows     {}, of {} blocks", it.windows, it.window_blocks)?;
    writeln!(out, "price       {} HOLD a slot and window, {} in all", it.price, it.total)?;
    writeln!(out, "collateral  {} HOLD a slot, locked by its provider", it.collateral)?;
    writeln!(out, "reward      {} HOLD at most for refilling a lost slot", it.repair_reward)?;
    writeln!(out, "refund      {} HOLD for each breach; {} bps must be proven", it.refund, it.sla_bps)?;
    writeln!(out, "disputes    answered within {} blocks", it.response_blocks)?;
    writeln!(out, "account     has {} HOLD", it.balance)
}

fn write_agreed(out: &mut dyn Write, it: &Agreed) -> io::Result<()> {
    let Agreed { agreement, quote, end, filled, open } = it;
    writeln!(
        out,
        "agreement {agreement}: {filled} of {} slots are taken, paid until window {end}",
        quote.slots
    )?;
    write_open(out, open)
}

/// The slots that are not as agreed.
pub(super) fn write_open(out: &mut dyn Write, open: &[OpenSlot]) -> io::Result<()> {
    open.iter().try_for_each(|slot| {
        let provider = slot.provider.as_deref().unwrap_or("nobody");
        writeln!(out, "slot {:<5} {provider}: {}", slot.slot, slot.why)
    })
}
