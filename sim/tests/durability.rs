//! The durability oracle against the exact solution of its Markov chain.

use holdfast_sim::durability::{Durability, Estimator, Model, Outcome};

/// Exact mean time to loss and mean number of finished repairs, from the chain's linear equations.
///
/// States are (live, repairing). With total rate q: T(s) = 1/q + Σ p·T(s') and
/// R(s) = p_repair + Σ p·R(s'), solved by Gaussian elimination with partial pivoting.
fn exact(n: usize, k: usize, m: usize, mttf: f64, mttr: f64) -> (f64, f64) {
    // A repair is under way exactly when one has started since all n were live.
    let states: Vec<(usize, bool)> = (k..=n)
        .flat_map(|live| [(live, false), (live, true)])
        .filter(|&(live, repairing)| if repairing { live <= m } else { live > m })
        .collect();
    let index = |state: (usize, bool)| states.iter().position(|&s| s == state);
    let size = states.len();
    let mut rows = vec![vec![0.0; size + 2]; size];
    for (i, &(live, repairing)) in states.iter().enumerate() {
        let (death, repair) = (live as f64 / mttf, if repairing { 1.0 / mttr } else { 0.0 });
        let total = death + repair;
        rows[i][i] += 1.0;
        rows[i][size] = 1.0 / total;
        rows[i][size + 1] = repair / total;
        let after_death = (live - 1, repairing || live - 1 <= m);
        if live > k {
            rows[i][index(after_death).expect("it is a state")] -= death / total;
        }
        if repairing {
            rows[i][index((n, false)).expect("it is a state")] -= repair / total;
        }
    }
    let solution = solve(rows, size);
    solution[index((n, false)).expect("it is a state")]
}

fn solve(mut rows: Vec<Vec<f64>>, size: usize) -> Vec<(f64, f64)> {
    for column in 0..size {
        let pivot = (column..size)
            .max_by(|&a, &b| rows[a][column].abs().total_cmp(&rows[b][column].abs()))
            .expect("there is a row");
        rows.swap(column, pivot);
        let pivot_row = rows[column].clone();
        for (i, row) in rows.iter_mut().enumerate() {
            if i != column {
                let factor = row[column] / pivot_row[column];
                for (value, pivot_value) in row.iter_mut().zip(&pivot_row) {
                    *value -= factor * pivot_value;
                }
            }
        }
    }
    (0..size).map(|i| (rows[i][size] / rows[i][i], rows[i][size + 1] / rows[i][i])).collect()
}

fn simulate(model: Model, seed: u64, runs: u64) -> Durability {
    let mut estimator = Estimator::default();
    for number in 0..runs {
        match model.run(seed, number, u64::MAX) {
            Outcome::Lost(life) => estimator.add(life),
            Outcome::Unfinished(_) => panic!("no bound was set"),
        }
    }
    estimator.estimate().expect("there were runs")
}

#[test]
fn it_agrees_with_the_exact_solution_of_the_chain() {
    for (n, k, m, mttf, mttr) in [
        (3, 1, 2, 30.0, 10.0),
        (6, 3, 4, 100.0, 20.0),
        (12, 4, 8, 20.0, 8.0),
        (10, 4, 4, 50.0, 5.0),
        (8, 5, 7, 40.0, 2.0),
    ] {
        let (days, repairs) = exact(n.into(), k.into(), m.into(), mttf, mttr);
        let model = Model::new(k, n, m, mttf, mttr).expect("valid");
        let found = simulate(model, 42, 20_000);
        // With 20,000 lives the standard error is below 0.8 %; four of them are far below 5 %.
        assert!((found.mttdl_days / days - 1.0).abs() < 0.05, "{n} {k} {m}: {} {days}", found.mttdl_days);
        let per_year = repairs / days * 365.0;
        let off = (found.repairs_per_year - per_year).abs();
        assert!(off < 0.05 * per_year + 1e-9, "{n} {k} {m}: {} {per_year}", found.repairs_per_year);
    }
}

#[test]
fn without_time_to_repair_loss_is_a_sum_of_exponentials() {
    // A repair that takes practically for ever leaves Σ mttf / live, live from n down to k.
    let model = Model::new(2, 4, 3, 10.0, 1e12).expect("valid");
    let expected = 10.0 * (1.0 / 4.0 + 1.0 / 3.0 + 1.0 / 2.0);
    let found = simulate(model, 7, 40_000);
    assert!((found.mttdl_days / expected - 1.0).abs() < 0.02, "{} {expected}", found.mttdl_days);
    assert_eq!(found.repairs_per_year, 0.0);
}

#[test]
fn the_interval_covers_the_truth_about_as_often_as_it_says() {
    let (days, _) = exact(4, 2, 3, 20.0, 5.0);
    let model = Model::new(2, 4, 3, 20.0, 5.0).expect("valid");
    let covered = (0..300)
        .filter(|&seed| {
            let interval = simulate(model, seed, 200).mttdl_days_ci95.expect("there are many runs");
            interval.low <= days && days <= interval.high
        })
        .count();
    // 95 % of 300 is 285; four standard deviations are 15.
    assert!((268..=300).contains(&covered), "{covered} of 300");
}

#[test]
fn the_loss_probability_is_the_share_of_lives_that_end_within_a_year() {
    // One spare shard and no repair to speak of: both of two shards must live; the first death loses.
    let model = Model::new(2, 3, 2, 730.0, 1e12).expect("valid");
    // Time to loss is Exp(3/730) + Exp(2/730): hypoexponential.
    let (a, b, t) = (3.0 / 730.0, 2.0 / 730.0, 365.0f64);
    let survival = (a * (-b * t).exp() - b * (-a * t).exp()) / (a - b);
    let found = simulate(model, 3, 20_000);
    assert!((found.loss_probability_365d - (1.0 - survival)).abs() < 0.015, "{found:?}");
    let interval = found.loss_probability_365d_ci95;
    assert!(interval.low < found.loss_probability_365d && found.loss_probability_365d < interval.high);
}

#[test]
fn a_run_follows_from_seed_and_number_alone_and_stops_at_its_bound() {
    let model = Model::new(4, 12, 8, 30.0, 3.0).expect("valid");
    assert_eq!(model.run(5, 9, 1000), model.run(5, 9, 1000));
    assert_ne!(model.run(5, 9, 1000), model.run(6, 9, 1000));
    match model.run(5, 9, 3) {
        Outcome::Unfinished(life) => assert_eq!(life.events, 3),
        Outcome::Lost(life) => panic!("no segment of twelve is lost in three events: {life:?}"),
    }
}
