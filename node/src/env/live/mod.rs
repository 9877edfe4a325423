//! The real world: tokio's clock and pool, the system's entropy, files, libp2p.
