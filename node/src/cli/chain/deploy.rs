//! `holdfast chain deploy`.

use super::{
    super::{failure::Failure, home::Home, output::Output},
    args,
    connect::{self, block_on, failed},
};
use crate::{
    chain::{DeployError, Deployment, Progress, deploy, is_done, is_fresh},
    env::Chain,
};
use alloy::primitives::Address;
use holdfast_contracts::deployment::{Network, Plan, PlanError, Record, Settings, SettingsError};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;
use std::{fs, io::Write, path::Path};

/// Most bytes of a file of settings.
const MAX_SETTINGS: u64 = 1 << 20;

#[derive(Serialize)]
struct Planned<'a> {
    step: &'a str,
    done: bool,
}

#[derive(Serialize)]
struct Deployed<'a> {
    file: &'a Path,
    steps: usize,
    sent: usize,
    gas: u64,
    record: &'a Record,
}

/// Deploys what is not there yet.
pub fn run(home: &Home, options: &args::Deploy, output: Output) -> Result<(), Failure> {
    let name = connect::account_name(home, options.account.wallet.as_deref());
    let address = name.and_then(|name| connect::keystores(home).address(&name));
    block_on(async {
        let chain = connect::connect(home, &options.chain).await?;
        if options.print_settings {
            return print_settings(chain.id(), address.ok());
        }
        let plan = plan(options, chain.id(), address?)?;
        if options.dry_run {
            return show(&plan, &*chain, output).await;
        }
        let path = connect::record_path(home, &options.chain);
        let first_block = begin(&plan, &*chain, &path).await?;
        let sender = connect::sender(home, &options.account, chain)?;
        let bar = bar();
        let deployed = deploy(&plan, &sender, first_block, |progress| tell(&bar, progress)).await;
        bar.finish_and_clear();
        let deployed = deployed.map_err(refused)?;
        write(&path, &deployed.record)?;
        print(&path, &plan, &deployed, output)
    })
}

fn print_settings(chain_id: u64, account: Option<Address>) -> Result<(), Failure> {
    let network = Network::of(chain_id);
    let settings = match (network, account) {
        (Network::Local, Some(account)) => Settings::local(account),
        _ => Settings::public(network),
    };
    let text = toml::to_string(&settings).map_err(|why| Failure::failed(why.to_string()))?;
    print!("{text}");
    Ok(())
}

/// Thinks the deployment through before anything is sent or a password asked for.
fn plan(options: &args::Deploy, chain_id: u64, deployer: Address) -> Result<Plan, Failure> {
    let settings = match &options.settings {
        Some(path) => read(path)?,
        None if Network::of(chain_id) == Network::Local => Settings::local(deployer),
        None => {
            return Err(Failure::usage(format!(
                "chain {chain_id} is not this machine's own, so it needs settings"
            ))
            .hint("begin with `holdfast chain deploy --print-settings`, and name the file with --settings"));
        }
    };
    Plan::new(settings, chain_id, deployer).map_err(|PlanError::Settings(why)| match why {
        SettingsError::DevelopmentKey(_) => {
            Failure::usage(why).hint("a key made by a ceremony must be compiled in first: docs/spec/proof.md")
        }
        why => Failure::usage(why)
            .hint("`holdfast chain deploy --print-settings` prints settings that are right"),
    })
}

fn read(path: &Path) -> Result<Settings, Failure> {
    let metadata = fs::metadata(path).map_err(|why| Failure::file(path, &why))?;
    if metadata.len() > MAX_SETTINGS {
        return Err(Failure::usage(format!("{}: longer than {MAX_SETTINGS} bytes", path.display())));
    }
    let text = fs::read_to_string(path).map_err(|why| Failure::file(path, &why))?;
    toml::from_str(&text).map_err(|why| {
        Failure::usage(format!("{}: {}", path.display(), why.to_string().trim_end()))
            .hint("compare with `holdfast chain deploy --print-settings`")
    })
}

/// Notes that a deployment begins, and returns the block that no contract of it is older than.
async fn begin(plan: &Plan, chain: &dyn Chain, path: &Path) -> Result<u64, Failure> {
    let kept = connect::record(path)?;
    let ours = kept.filter(|it| {
        (it.chain_id, it.deployer, &it.addresses) == (plan.chain_id, plan.deployer, &plan.addresses)
    });
    if let Some(record) = ours {
        return Ok(record.first_block);
    }
    if path.exists() {
        return Err(Failure::usage(format!("{} is of another deployment", path.display()))
            .hint("name another file with --deployment, or give the settings that were used then"));
    }
    // If some of it is there and nothing tells since when, the whole chain is looked through.
    let fresh = is_fresh(plan, chain).await.map_err(failed)?;
    let first = if fresh { chain.head().await.map_err(failed)?.number } else { 0 };
    write(path, &Record::planned(plan, first))?;
    Ok(first)
}

fn write(path: &Path, record: &Record) -> Result<(), Failure> {
    let draft = path.with_extension("new");
    let write = || -> std::io::Result<()> {
        if let Some(folder) = path.parent().filter(|it| !it.as_os_str().is_empty()) {
            fs::create_dir_all(folder)?;
        }
        let mut file = fs::File::create(&draft)?;
        file.write_all(record.to_toml().as_bytes())?;
        file.sync_all()?;
        fs::rename(&draft, path)
    };
    write().map_err(|why| Failure::file(path, &why))
}

async fn show(plan: &Plan, chain: &dyn Chain, output: Output) -> Result<(), Failure> {
    let mut steps = Vec::new();
    for step in &plan.steps {
        // What cannot be asked yet is not done: the contract asked is still to be created.
        let done = is_done(chain, &step.done).await.unwrap_or(false);
        steps.push(Planned { step: &step.name, done });
    }
    output.print(&steps, |out| {
        steps.iter().try_for_each(|it| {
            let mark = if it.done { "done" } else { "to do" };
            writeln!(out, "{mark:<6} {}", it.step)
        })
    })
}

fn bar() -> ProgressBar {
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    let style = ProgressStyle::with_template("deploy {bar:30} {pos}/{len}  {msg}")
        .expect("the template is a constant and well formed");
    bar.set_style(style);
    bar
}

fn tell(bar: &ProgressBar, progress: Progress<'_>) {
    bar.set_length(progress.all as u64);
    bar.set_position(progress.done as u64);
    bar.set_message(progress.step.to_string());
}

fn print(path: &Path, plan: &Plan, deployed: &Deployment, output: Output) -> Result<(), Failure> {
    let Deployment { record, sent, gas } = deployed;
    let steps = plan.steps.len();
    let shown = Deployed { file: path, steps, sent: *sent, gas: *gas, record };
    output.print(&shown, |out| {
        for (name, address) in record.addresses.named() {
            writeln!(out, "{name:<13} {address}")?;
        }
        writeln!(out, "{sent} transactions of {steps} steps, {gas} gas; every role and owner read back")?;
        writeln!(out, "kept in {}", path.display())
    })
}

fn refused(error: DeployError) -> Failure {
    match error {
        DeployError::Chain(why) => failed(why),
        DeployError::NoFactory(_) => Failure::failed(error)
            .hint("deploy it first: https://github.com/Arachnid/deterministic-deployment-proxy tells how"),
        DeployError::Step { .. } => {
            Failure::failed(error).hint("mend it and deploy again: steps that are done are not repeated")
        }
        DeployError::Unsound(_) => {
            Failure::failed(error).hint("do not use it; if nobody else had a hand in it, please report this")
        }
        DeployError::Misdirected { .. } => Failure::failed(error),
    }
}
