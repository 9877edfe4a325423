//! Prints how large and how fast a simulated world is.
//!
//! `cargo run --release -p holdfast-sim --example scale -- direct 1000 8 10`: kind of network, nodes,
//! open requests a node, virtual seconds.

use holdfast_sim::{
    env::NetKind,
    scale::{ScalePlan, measure},
    world::WorldPlan,
};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [kind, nodes, open_requests, seconds] = &arguments[..] else {
        eprintln!("usage: scale direct|libp2p NODES OPEN_REQUESTS SECONDS");
        std::process::exit(2);
    };
    let net = match kind.as_str() {
        "libp2p" => NetKind::Libp2p { bootstrap: 4 },
        _ => NetKind::default(),
    };
    let plan = ScalePlan {
        world: WorldPlan { net, ..WorldPlan::default() },
        nodes: nodes.parse().expect("a number of nodes"),
        open_requests: open_requests.parse().expect("a number of open requests"),
        seconds: seconds.parse().expect("a number of seconds"),
        seed: 1,
    };
    let report = measure(plan);
    println!("{}", serde_json::to_string_pretty(&report).expect("numbers are JSON"));
}
