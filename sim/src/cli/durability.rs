//! `holdfast-sim durability`.

use super::{Failure, args::DurabilityArgs, style};
use crate::durability::{Durability, Estimator, Interval, Model, Outcome};

pub(super) fn main(args: &DurabilityArgs) -> Result<(), Failure> {
    let model = Model::new(args.k, args.n, args.repair_at, args.mttf_days, args.mttr_days)?;
    let found = simulate(&model, args)?;
    if args.json {
        let json = serde_json::to_string_pretty(&found.to_json(&model, args.seed));
        println!("{}", json.expect("plain numbers always encode"));
    } else {
        print_table(&found);
    }
    Ok(())
}

fn simulate(model: &Model, args: &DurabilityArgs) -> Result<Durability, Failure> {
    let bar = style::bar(args.runs, "lives");
    let mut estimator = Estimator::default();
    for number in 0..args.runs {
        match model.run(args.seed, number, args.max_events - estimator.events()) {
            Outcome::Lost(life) => estimator.add(life),
            Outcome::Unfinished(life) => {
                bar.finish_and_clear();
                return Err(too_rare(args, number, life.days));
            }
        }
        bar.set_message(format!("{:.3e} events", estimator.events() as f64));
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(estimator.estimate().expect("the argument parser asks for at least one run"))
}

fn too_rare(args: &DurabilityArgs, finished: u64, days: f64) -> Failure {
    Failure::failed(
        format!(
            "loss is too rare to simulate: {} events saw {finished} of {} lives end, and the next one last \
             {days:.3e} days without a loss",
            args.max_events, args.runs
        ),
        "raise --max-events, ask for fewer --runs, or choose parameters under which a loss is likelier; \
         no mean is printed, since lives cut short would bias it",
    )
}

fn print_table(found: &Durability) {
    let interval = |interval: Interval| format!("{:.6} to {:.6}", interval.low, interval.high);
    let mttdl_interval = found.mttdl_days_ci95.map_or("needs at least two runs".to_owned(), interval);
    println!("mttdl_days            {:.6}", found.mttdl_days);
    println!("  95 % interval       {mttdl_interval}");
    println!("loss_probability_365d {:.6}", found.loss_probability_365d);
    println!("  95 % interval       {}", interval(found.loss_probability_365d_ci95));
    println!("repairs_per_year      {:.6}", found.repairs_per_year);
    println!("runs                  {}", found.runs);
    println!("events                {}", found.events);
}
