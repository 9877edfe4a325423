//! Tests of what the network actor remembers.

use super::state::{Absentees, Meter};
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

#[test]
fn a_peer_may_ask_in_bursts_but_not_faster_than_its_rate() {
    let (mut meter, start) = (Meter::default(), Timestamp(0));
    let granted = |meter: &mut Meter, now| {
        (0..3 * limits::REQUEST_BURST).filter(|_| meter.allows(peer(1), now)).count()
    };
    assert_eq!(granted(&mut meter, start) as u64, limits::REQUEST_BURST);
    assert!(meter.allows(peer(2), start), "one peer's greed is not another's");
    let later = start + Duration::from_millis(100);
    assert_eq!(granted(&mut meter, later) as u64, limits::REQUESTS_PER_SECOND / 10);
}
