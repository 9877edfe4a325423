//! The checks of the chain, the account and the market.

use super::Finding;
use crate::{
    api::NodeStatus,
    cli::{chain::connect, failure::Failure, home::Home},
    settings::Settings,
};

/// The chain, its account and the market, as far as the settings name one.
pub fn check(home: &Home, settings: &Settings, status: Option<&NodeStatus>) -> Vec<Finding> {
    if settings.chain.rpc.is_empty() {
        return reads(settings, None).into_iter().collect();
    }
    let mut findings = vec![deployment(home)];
    if let Some(status) = status {
        findings.push(chain(status));
        findings.push(account(status));
        findings.extend(market(status));
        findings.extend(reads(settings, Some(status)));
    }
    findings
}

/// Reads that are sold and that nobody can pay.
fn reads(settings: &Settings, status: Option<&NodeStatus>) -> Option<Finding> {
    let sold = settings.market.read_price().0 != 0;
    let unpayable = sold && status.is_none_or(|status| status.market.is_none());
    unpayable.then(|| {
        let seen = "market.retrieval_price asks for pay, and this node takes no part in a market: it serves holders alone";
        Finding::warn("reads", seen, "mend what is said of chain, account and deployment, or set the price to 0")
    })
}

fn deployment(home: &Home) -> Finding {
    let path = home.deployment_path();
    match connect::record(&path) {
        Ok(Some(record)) if record.is_complete() => {
            Finding::ok("deployment", format!("of chain {}", record.chain_id))
        }
        Ok(Some(_)) => Finding::fail(
            "deployment",
            format!("{} was not finished", path.display()),
            "go on with it: holdfast chain deploy",
        ),
        Ok(None) => Finding::warn(
            "deployment",
            format!("{} is not there", path.display()),
            "deploy the contracts, or copy the file that `holdfast chain deploy` wrote; then start the node again",
        ),
        Err(Failure { message, hint, .. }) => {
            Finding::fail("deployment", message, hint.unwrap_or_else(|| "restore it from a copy".into()))
        }
    }
}

fn chain(status: &NodeStatus) -> Finding {
    match &status.chain {
        None => Finding::warn("chain", "not known which", "name its id: chain.id in holdfast.toml"),
        Some(chain) => match (chain.block, &chain.trouble) {
            (Some(block), _) => Finding::ok("chain", format!("{}, block {block}", chain.id)),
            (None, why) => Finding::fail(
                "chain",
                why.as_deref().unwrap_or("it does not answer"),
                "is its server up, and chain.rpc and chain.id in holdfast.toml right? nothing is sent until then",
            ),
        },
    }
}

fn account(status: &NodeStatus) -> Finding {
    let Some(account) = status.chain.as_ref().and_then(|chain| chain.account) else {
        let seen = status.apart.as_deref().unwrap_or("none is open");
        let remedy = "name chain.password_file in holdfast.toml, or run the node at a terminal";
        return Finding::warn("account", seen, remedy);
    };
    let chain = status.chain.as_ref();
    if chain.and_then(|chain| chain.balance).is_some_and(|wei| wei.is_zero()) {
        let remedy = "send it coins of this chain: every transaction costs some";
        return Finding::fail("account", format!("{account} has no coins"), remedy);
    }
    let stuck = chain.and_then(|chain| chain.open.iter().find_map(|open| open.trouble.as_deref()));
    match stuck {
        Some(why) => Finding::warn("account", format!("a transaction waits: {why}"), "see `holdfast status`"),
        None => Finding::ok("account", account.to_string()),
    }
}

fn market(status: &NodeStatus) -> Option<Finding> {
    let market = status.market.as_ref()?;
    let stake =
        "see `holdfast provider status`; evicted slots are lost, new ones can be taken once all have left";
    if market.evicted {
        return Some(Finding::fail("market", "too many windows were missed", stake));
    }
    if let Some(why) = &market.trouble {
        return Some(Finding::warn("market", why, "see the node's log: HOLDFAST_LOG=holdfast=debug"));
    }
    let seen = format!("window {}, {} of {} slots taken", market.window, market.taken, market.pledged);
    Some(Finding::ok("market", seen))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_sells_reads_without_a_market_is_told() {
        let mut settings = Settings::default();
        assert_eq!(reads(&settings, None).map(drop), None);
        settings.market.retrieval_price = "0.1".parse().unwrap();
        assert!(reads(&settings, None).is_some());
    }
}
