//! Carries out a plan, and believes nothing but what the chain says afterwards.

use super::{
    audit::{ask, audit, code_hashes},
    reason,
    sender::{SendError, Sender},
};
use crate::{
    env::{Chain, ChainError},
    types::chain::Call,
};
use holdfast_contracts::deployment::{
    Audit, CREATE2_FACTORY, CREATE2_FACTORY_CODE, Check, Finding, Plan, Record, Step,
};

/// How far a deployment is, told before each of its steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress<'a> {
    /// Steps behind it.
    pub done: usize,
    /// All steps.
    pub all: usize,
    /// The step that begins.
    pub step: &'a str,
}

/// What a deployment did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deployment {
    /// What to keep.
    pub record: Record,
    /// Transactions that were sent; the other steps were done already.
    pub sent: usize,
    /// Units of gas they used.
    pub gas: u64,
}

/// Why there is no sound deployment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DeployError {
    /// Deploy it first: its repository tells how.
    #[error("chain {0} lacks the deterministic deployment proxy at {CREATE2_FACTORY}")]
    NoFactory(u64),
    /// The plan is for another chain or account.
    #[error("the plan is for {planned}, this is {found}")]
    Misdirected {
        /// Chain and account of the plan.
        planned: String,
        /// Those at hand.
        found: String,
    },
    /// Mend what it says and deploy again: steps that are done stay done.
    #[error("{step}: {why}")]
    Step {
        /// The step that failed.
        step: String,
        /// Why.
        why: String,
    },
    /// Do not use it: something is not as it must be.
    #[error("the deployment is not sound:\n{}", .0.iter().map(|it| it.0.as_str()).collect::<Vec<_>>().join("\n"))]
    Unsound(Vec<Finding>),
    /// Deploy again later: steps that are done stay done.
    #[error("{}", reason(.0))]
    Chain(#[from] ChainError),
}

/// Sends what of a plan is not done yet, then reads everything back. No contract of it is older than `first_block`.
///
/// # Errors
/// [`DeployError`]; called again it goes on where it stopped.
pub async fn deploy(
    plan: &Plan,
    sender: &Sender,
    first_block: u64,
    mut progress: impl FnMut(Progress<'_>),
) -> Result<Deployment, DeployError> {
    let chain = &**sender.chain();
    direct(plan, sender)?;
    if chain.code(CREATE2_FACTORY).await?[..] != CREATE2_FACTORY_CODE {
        return Err(DeployError::NoFactory(plan.chain_id));
    }
    let (mut sent, mut gas) = (0, 0);
    for (done, step) in plan.steps.iter().enumerate() {
        progress(Progress { done, all: plan.steps.len(), step: &step.name });
        if is_done(chain, &step.done).await? {
            continue;
        }
        let receipt = match sender.send(step.to, Default::default(), step.data.clone()).await {
            Ok(receipt) => receipt,
            Err(why) => return Err(failed(chain, step, &why).await),
        };
        (sent, gas) = (sent + 1, gas + receipt.gas_used);
        if !is_done(chain, &step.done).await? {
            let why = format!("transaction {} succeeded and did not do it", receipt.transaction);
            return Err(DeployError::Step { step: step.name.clone(), why });
        }
    }
    let findings = audit(chain, &Audit::of_plan(plan), first_block).await?;
    if !findings.is_empty() {
        return Err(DeployError::Unsound(findings));
    }
    let record = record(plan, chain, first_block).await?;
    Ok(Deployment { record, sent, gas })
}

/// True if nothing of a plan is done yet.
///
/// # Errors
/// [`ChainError`] if the chain does not answer.
pub async fn is_fresh(plan: &Plan, chain: &dyn Chain) -> Result<bool, ChainError> {
    let creates = plan.steps.iter().filter(|step| matches!(step.done, Check::HasCode(_)));
    for step in creates {
        if is_done(chain, &step.done).await? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn direct(plan: &Plan, sender: &Sender) -> Result<(), DeployError> {
    let planned = (plan.chain_id, plan.deployer);
    let found = (sender.chain().id(), sender.address());
    if planned == found {
        return Ok(());
    }
    let name = |(chain, account)| format!("account {account} on chain {chain}");
    Err(DeployError::Misdirected { planned: name(planned), found: name(found) })
}

/// True if a step is done.
///
/// # Errors
/// [`ChainError`]; [`ChainError::Reverted`] if it is too early to ask.
pub async fn is_done(chain: &dyn Chain, check: &Check) -> Result<bool, ChainError> {
    Ok(match check {
        Check::HasCode(address) => !chain.code(*address).await?.is_empty(),
        Check::Answers(question, answer) => ask(chain, question).await? == *answer,
        // An address without code answers nothing, which is no other answer.
        Check::Differs(question, answer) => {
            let told = ask(chain, question).await?;
            !told.is_empty() && told != *answer
        }
    })
}

/// The factory keeps a constructor's reason to itself, so the creation is tried without it.
async fn failed(chain: &dyn Chain, step: &Step, why: &SendError) -> DeployError {
    let mut why = why.to_string();
    if step.to == CREATE2_FACTORY {
        let tried = chain.call(Call { data: step.data.slice(32..), ..Call::default() }).await;
        if let Err(reverted) = tried {
            why = reason(&reverted);
        }
    }
    DeployError::Step { step: step.name.clone(), why }
}

async fn record(plan: &Plan, chain: &dyn Chain, first_block: u64) -> Result<Record, DeployError> {
    let proxies = plan.addresses.named().into_iter().map(|(_, address)| address);
    let all = proxies.chain(plan.implementations.values().copied());
    let hashes = code_hashes(chain, all).await?;
    let mut record = Record::planned(plan, first_block);
    record.complete(hashes);
    Ok(record)
}
