//! Settings as text: the file that `init` writes, with its comments, and what is in force.

use super::{failure::Failure, home::Home, output::Output};
use crate::settings::{Proving, Settings};

/// Prints the settings in force.
pub fn show(home: &Home, output: Output) -> Result<(), Failure> {
    let settings = home.settings()?;
    output.print(&settings, |out| out.write_all(render(&settings).as_bytes()))
}

/// The settings as a commented file.
pub fn render(settings: &Settings) -> String {
    let timing = &settings.timing;
    format!(
        "\
# Settings of a Holdfast node. Every line may be left out; an unknown one is refused.

# Bytes of shards this node offers to store. 0 makes it a pure client.
capacity_bytes = {capacity}
# Who runs this node: shared by all nodes of one operator, so that owners can spread over operators.
operator = {operator}
# Where this node stands, in your words.
region = {region}
# Addresses to listen on (multiaddr). Port 0 lets the system choose one at each start.
listen = {listen}
# Nodes to join through (multiaddr that ends in /p2p/<peer id>).
bootstrap = {bootstrap}
# What computes the erasure code: simd, or novelpoly, the slower reference. Both write the same bytes.
codec = {codec}

{chain}
{proving}
# How often the node does what nobody asked it for. Seconds.
[timing]
# Mean time between two probes of a placement's holders.
probe_interval_s = {probe:?}
# A holder without an answer for this long counts as gone.
holder_grace_s = {grace:?}
# A holder of rank r waits r times this before it repairs.
repair_stagger_s = {stagger:?}
# Between two announcements to the DHT.
announce_interval_s = {announce:?}
# Between two scrubs.
scrub_interval_s = {scrub:?}
",
        capacity = settings.capacity_bytes,
        operator = toml_text(&settings.operator),
        region = toml_text(&settings.region),
        listen = list(&settings.listen),
        bootstrap = list(&settings.bootstrap),
        codec = toml_text(settings.codec.name()),
        chain = render_chain(settings),
        proving = render_proving(&settings.proving),
        probe = timing.probe_interval_s,
        grace = timing.holder_grace_s,
        stagger = timing.repair_stagger_s,
        announce = timing.announce_interval_s,
        scrub = timing.scrub_interval_s,
    )
}

/// The keys' part of the file.
fn render_proving(proving: &Proving) -> String {
    format!(
        "\
# The keys that proofs are made with. A node without one holds slots and claims their roots, and proves nothing.
[proving]
# Which circuit the deployment's verifier takes: full, or small, which is for tests on a chain of this machine.
circuit = {circuit}
# The key for the slots that a window draws (circuit provider-7x16x5): a file, absolute or below the node's directory; empty
# for none. It takes 73 MB, in memory only while a proof is made.
key_file = {key_file}
# The key for cells of slots whose roots are doubted (opening-7), likewise.
opening_key_file = {opening_key_file}
# The key for passes into protected files, likewise: members make them and providers check them with it.
access_key_file = {access_key_file}
# The development keys, which anybody can forge proofs with: made when first needed, the first in some 16 CPU-seconds.
insecure_development_key = {development}
",
        circuit = toml_text(proving.circuit.name()),
        key_file = toml_text(&proving.key_file.to_string_lossy()),
        opening_key_file = toml_text(&proving.opening_key_file.to_string_lossy()),
        access_key_file = toml_text(&proving.access_key_file.to_string_lossy()),
        development = proving.insecure_development_key,
    )
}

/// The sections of the chain and the market.
fn render_chain(settings: &Settings) -> String {
    let Settings { chain, market, .. } = settings;
    format!(
        "\
# The chain on which storage is paid; `holdfast chain`, `wallet` and `provider` use it.
[chain]
# URL of its JSON-RPC, such as http://127.0.0.1:8545 for `holdfast chain run`. Empty for none.
rpc = {rpc}
# Its id (EIP-155): another chain is refused. 0 takes any.
id = {chain_id}
# Name of the account in the wallet. Empty for the only one.
wallet = {wallet}
# The file with its password, absolute or below the node's directory, for its owner alone (mode 600). Without one
# `holdfast run` asks at a terminal, and elsewhere the node sends nothing.
password_file = {password_file}
# Most gwei a unit of gas, base fee included, for any transaction; what is worth more to the node may cost more.
most_fee_gwei = {most_fee_gwei}

# What this node sells there, once it is registered and has stake: storage in agreements.
[market]
# Take slots that owners offer, within these bounds, and go on with those whose agreements are extended.
sell = {sell}
# Least HOLD for a GiB of a slot and a window.
least_price = {least_price}
# Most HOLD that a slot may lock of the stake.
most_collateral = {most_collateral}
# Windows between two settlements of a slot: each is a transaction and costs gas.
settle_windows = {settle_windows}
# Least HOLD of commission that is worth a transaction.
least_claim = {least_claim}
# What a HOLD is worth in the chain's coin. A proof may then cost what missing its window would take of the collateral and
# the pay, an answer to a dispute the slot's collateral, a refill its bond, and a renewal the pay that it adds. 0 if you cannot
# tell: they cost no more than any transaction.
hold_price = {hold_price}
# HOLD for a GiB that others read from this node; 0 is for nothing. Holders of a file repair it for nothing whatever this says.
retrieval_price = {retrieval_price}
# Take slots from providers that missed too many windows, and have lost slots refilled, in agreements that this node has part in.
watch = {watch}
",
        rpc = toml_text(&chain.rpc),
        chain_id = chain.id,
        wallet = toml_text(&chain.wallet),
        password_file = toml_text(&chain.password_file.to_string_lossy()),
        most_fee_gwei = chain.most_fee_gwei,
        sell = market.sell,
        least_price = toml_text(&market.least_price.to_string()),
        most_collateral = toml_text(&market.most_collateral.to_string()),
        settle_windows = market.settle_windows,
        least_claim = toml_text(&market.least_claim.to_string()),
        hold_price = toml_text(&market.hold_price.to_string()),
        retrieval_price = toml_text(&market.retrieval_price.to_string()),
        watch = market.watch,
    )
}

fn list(values: &[String]) -> String {
    let values: Vec<String> = values.iter().map(|value| toml_text(value)).collect();
    format!("[{}]", values.join(", "))
}

fn toml_text(value: &str) -> String {
    toml::Value::from(value).to_string()
}
