//! The Holdfast node in a deterministic world of thousands of nodes.
//!
//! Read in this order: [`plan`] is a run as data, [`churn`] says when nodes come and go, [`workload`]
//! which files they store, and [`cli`] is what people touch. [`durability`] is the oracle without a
//! network. Below them is the other world itself: [`world`] runs it, [`cluster`] holds its nodes,
//! [`env`](mod@env) is the seam on virtual time, over [`links`], with [`faults`], and [`trace`] sees it all.

#[cfg(not(madsim))]
compile_error!(
    "holdfast-sim needs `--cfg madsim`: build inside the repository, whose .cargo/config.toml sets it, \
     and keep RUSTFLAGS unset or add `--cfg madsim` to it"
);

pub mod churn;
pub mod cli;
pub mod durability;
pub mod plan;
pub mod workload;

pub mod cluster;
pub mod env;
pub mod faults;
pub mod links;
mod number;
pub mod scale;
pub mod trace;
pub mod world;

pub use number::NodeNumber;
