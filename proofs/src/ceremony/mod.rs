//! The trusted set-up: keys whose trapdoor nobody knows if one contributor was honest.
//!
//! Phase 1 is somebody else's, public and hash-pinned ([`Phase1`]). It determines a circuit's first key, whose δ is 1
//! ([`initial_key`]). Each contributor multiplies δ by a secret and forgets it ([`contribute`]); a public beacon comes
//! last ([`apply_beacon`]). Anybody can verify the [`Transcript`] against phase 1 and the circuit ([`verify`]).
//! This is the second phase of Bowe, Gabizon and Miers (eprint 2017/1050), with a Schnorr proof for each secret.

mod initial;
mod phase1;
mod state;
#[cfg(test)]
mod tests;
mod transcript;

pub use initial::{InitialError, Progress, initial_key};
pub use phase1::{Phase1, Phase1Error};
pub use state::Ceremony;
pub use transcript::{
    CeremonyError, Contribution, MAX_CONTRIBUTIONS, Transcript, apply_beacon, check_contributions,
    contribute, verify,
};
