//! How many rounds are enough: the inequalities of the paper's script `calc_round_numbers.py`, with the later
//! one of Ashur, Buschman and Mahzoun (eprint 2023/537), as in the script published with Poseidon2.

/// Security level in bits.
const SECURITY: f64 = 128.0;
/// Bits of the modulus, and its binary logarithm.
const FIELD_BITS: f64 = 254.0;
const LOG2_MODULUS: f64 = 253.596_6;
/// Exponent of the S-box.
const ALPHA: f64 = 5.0;

/// Fewest (full, partial) rounds for a width, margin included: two full rounds and 7.5 % more partial rounds
/// than the best attack known reaches. Of the choices that resist, the one with the fewest S-boxes.
#[must_use]
pub fn needed(width: usize) -> (usize, usize) {
    let mut best = (usize::MAX, 0, 0);
    for partial in 1..500 {
        for full in (4..100).step_by(2) {
            if !resists(width, full, partial) {
                continue;
            }
            let full = full + 2;
            // 7.5 % rounded up, in whole numbers.
            let partial = (partial * 1075).div_ceil(1000);
            let boxes = width * full + partial;
            if boxes < best.0 || (boxes == best.0 && full < best.1) {
                best = (boxes, full, partial);
            }
        }
    }
    (best.1, best.2)
}

/// True if no attack of the paper reaches this many rounds.
fn resists(width: usize, full: usize, partial: usize) -> bool {
    let (t, partial) = (width as f64, partial as f64);
    let log_alpha_2 = 2f64.ln() / ALPHA.ln();
    let statistical =
        if SECURITY <= (LOG2_MODULUS - (ALPHA - 1.0) / 2.0).floor() * (t + 1.0) { 6.0 } else { 10.0 };
    let interpolation =
        1.0 + (log_alpha_2 * SECURITY.min(FIELD_BITS)).ceil() + (t.ln() / ALPHA.ln()).ceil() - partial;
    let groebner1 = log_alpha_2 * SECURITY.min(LOG2_MODULUS) - partial;
    let groebner2 = t - 1.0 + log_alpha_2 * (SECURITY / (t + 1.0)).min(LOG2_MODULUS / 2.0) - partial;
    let groebner3 = (t - 2.0 + SECURITY / (2.0 * ALPHA.log2()) - partial) / (t - 1.0);
    let most = [statistical, interpolation, groebner1, groebner2, groebner3].into_iter().fold(0.0, f64::max);
    full as f64 >= most.ceil() && binomial_attack_cost(t, full as f64, partial) >= SECURITY
}

/// Bits of work of the attack of eprint 2023/537, with linear algebra counted at exponent 2.
fn binomial_attack_cost(t: f64, full: f64, partial: f64) -> f64 {
    let third = (t / 3.0).floor();
    let under = third * (full / 2.0) + partial + ALPHA;
    let over = (full - 1.0) * t + partial + third + under;
    (2.0 * log2_binomial(over, under)).ceil()
}

/// log2 of the binomial coefficient.
fn log2_binomial(over: f64, under: f64) -> f64 {
    (1..=under as u64).map(|at| ((over - under + at as f64) / at as f64).log2()).sum()
}
