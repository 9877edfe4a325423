//! A vote.

use crate::stage::Stage;
use alloy::{
    primitives::{U256, keccak256},
    sol_types::SolCall,
};
use holdfast_contracts::abi::{HoldToken, HoldfastGovernor, Parameters};

/// The place of `MissPenaltyBps` in the list of parameters.
const MISS_PENALTY: u8 = 1;

/// A vote doubles the penalty of a miss, through governor and timelock.
pub async fn vote(stage: &mut Stage<'_>) {
    stage.act("vote a parameter through the timelock");
    let voter = stage.cast.voter.clone();
    let (governor, parameters) = (stage.it.governor, stage.it.parameters);
    let set = Parameters::setCall { parameter: MISS_PENALTY, value: U256::from(200) };
    stage.refused(&voter, parameters, &set, "AccessControlUnauthorizedAccount").await;
    stage.send(&voter, stage.it.token, &HoldToken::delegateCall { delegatee: voter.address() }).await;
    stage.world.mine(1).await;
    let (targets, values, calldatas) = (vec![parameters], vec![U256::ZERO], vec![set.abi_encode().into()]);
    let description = "a miss costs two per cent".to_string();
    let description_hash = keccak256(&description);
    let propose = HoldfastGovernor::proposeCall {
        targets: targets.clone(),
        values: values.clone(),
        calldatas: calldatas.clone(),
        description,
    };
    stage.send(&voter, governor, &propose).await;
    let id = HoldfastGovernor::hashProposalCall {
        targets: targets.clone(),
        values: values.clone(),
        calldatas: calldatas.clone(),
        descriptionHash: description_hash,
    };
    let id = stage.ask(governor, &id).await;
    stage.world.mine(6).await;
    stage.send(&voter, governor, &HoldfastGovernor::castVoteCall { proposalId: id, support: 1 }).await;
    stage.world.mine(21).await;
    let queue = HoldfastGovernor::queueCall {
        targets: targets.clone(),
        values: values.clone(),
        calldatas: calldatas.clone(),
        descriptionHash: description_hash,
    };
    stage.send(&voter, governor, &queue).await;
    let execute =
        HoldfastGovernor::executeCall { targets, values, calldatas, descriptionHash: description_hash };
    stage.refused(&voter, governor, &execute, "TimelockUnexpectedOperationState").await;
    stage.world.pass(86_400).await;
    stage.send(&voter, governor, &execute).await;
    let value = stage.ask(parameters, &Parameters::getCall { parameter: MISS_PENALTY }).await;
    assert_eq!(value, U256::from(200), "the vote was carried out");
}
