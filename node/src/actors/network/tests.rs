//! Tests of what the network actor remembers.

use super::state::Absentees;
use crate::{
    limits,
    types::{Identity, PeerId, Timestamp},
};
use std::time::Duration;

fn peer(number: u8) -> PeerId {
    Identity::from_secret(&mut [number; 32]).expect("a valid secret").peer()
}

#[test]
fn a_peer_that_missed_is_left_alone_ever_longer_and_forgiven_at_once() {
    let (mut absentees, now) = (Absentees::default(), Timestamp(0));
    let just_before = |at: Duration| Timestamp(at.as_nanos() as u64 - 1);
    absentees.missed(peer(1), now);
    assert!(absentees.is_absent(&peer(1), just_before(limits::ABSENCE_MIN)));
    assert!(!absentees.is_absent(&peer(1), now + limits::ABSENCE_MIN));
    absentees.missed(peer(1), now);
    assert!(absentees.is_absent(&peer(1), just_before(limits::ABSENCE_MIN * 2)));
    for _ in 0..100 {
        absentees.missed(peer(1), now);
    }
    assert!(!absentees.is_absent(&peer(1), now + limits::ABSENCE_MAX));
    assert!(!absentees.is_absent(&peer(2), now));
    absentees.missed(peer(1), now);
    absentees.seen(&peer(1));
    assert!(!absentees.is_absent(&peer(1), now));
}
