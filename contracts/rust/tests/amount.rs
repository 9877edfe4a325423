//! Amounts are exact.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use holdfast_contracts::{Amount, amount::AmountError};

#[test]
fn decimals_are_exact() {
    for (text, units) in [
        ("0", "0"),
        ("1", "1000000000000000000"),
        ("12.5", "12500000000000000000"),
        ("0.000000000000000001", "1"),
        ("007.10", "7100000000000000000"),
        ("1000000000.000000000000000001", "1000000000000000000000000001"),
    ] {
        assert_eq!(text.parse::<Amount>().unwrap().0.to_string(), units, "{text}");
    }
}

#[test]
fn what_would_be_rounded_or_guessed_is_refused() {
    for text in ["", ".", "1.", ".5", "-1", "+1", "1e18", "1,5", "1 ", "1_000", "0x10", "1.2.3", "¹"] {
        assert!(matches!(text.parse::<Amount>(), Err(AmountError::Digits(_))), "{text}");
    }
    let fine = "1.0000000000000000000";
    assert!(matches!(fine.parse::<Amount>(), Err(AmountError::TooFine(_))));
    let large = "9".repeat(78);
    assert!(matches!(large.parse::<Amount>(), Err(AmountError::TooLarge(_))));
}

#[test]
fn an_amount_is_written_as_it_is_read() {
    for text in ["0", "1", "12.5", "0.000000000000000001", "340282366920938463463.374607431768211455"] {
        assert_eq!(text.parse::<Amount>().unwrap().to_string(), text);
    }
    assert_eq!(format!("{:>6}|", Amount::whole(5)), "     5|");
}
