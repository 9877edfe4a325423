//! The other world: the Holdfast node, unmodified, on virtual time, simulated links and disks.
//!
//! Read in this order: [`plan`] is a run as data, [`run`](mod@run) carries it out, and [`cli`] is what
//! people touch. [`churn`] says when nodes come and go, [`workload`] which files they store,
//! [`checks`] what was promised, [`result`](mod@result) and [`report`] what is left. [`world`],
//! [`cluster`], [`env`](mod@env), [`links`] and [`faults`] are the world itself; [`durability`] is the
//! oracle without a network.

#[cfg(not(madsim))]
compile_error!(
    "holdfast-sim needs `--cfg madsim`: build inside the repository, whose .cargo/config.toml sets it, \
     and keep RUSTFLAGS unset or add `--cfg madsim` to it"
);

pub mod checks;
pub mod churn;
pub mod cli;
pub mod cluster;
pub mod durability;
pub mod env;
pub mod faults;
pub mod links;
mod number;
pub mod peers;
pub mod plan;
pub mod report;
pub mod result;
pub mod run;
pub mod scale;
mod threads;
pub mod trace;
pub mod workload;
pub mod world;

pub use number::NodeNumber;
