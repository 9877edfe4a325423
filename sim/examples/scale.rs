//! Prints how large and how fast a simulated world is.
//!
//! `cargo run --release -p holdfast-sim --example scale -- direct 1000 4 10`: kind of network, nodes,
//! open requests a node (or `whole` for Holdfast nodes at rest), virtual seconds.

use holdfast_sim::{
    env::NetKind,
    scale::{Load, ScalePlan, measure},
    world::WorldPlan,
};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [kind, nodes, load, seconds] = &arguments[..] else {
        eprintln!("usage: scale direct|libp2p NODES OPEN_REQUESTS|whole SECONDS");
        std::process::exit(2);
    };
    let net = match kind.as_str() {
        "libp2p" => NetKind::Libp2p { bootstrap: 4 },
        _ => NetKind::default(),
    };
    let load = match load.as_str() {
        "whole" => Load::Whole,
        requests => Load::Asking(requests.parse().expect("a number of open requests")),
    };
    let plan = ScalePlan {
        world: WorldPlan { net, ..WorldPlan::default() },
        nodes: nodes.parse().expect("a number of nodes"),
        load,
        seconds: seconds.parse().expect("a number of seconds"),
        seed: 1,
    };
    let report = measure(plan);
    println!("{}", serde_json::to_string_pretty(&report).expect("numbers are JSON"));
}
