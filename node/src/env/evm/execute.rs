//! revm behind a few lines: its interface changes with every release.

use super::state::State;
use crate::{env::ChainError, types::chain::Call};
use alloy::{
    consensus::Header,
    primitives::{Address, Bytes, TxKind, U256},
    sol_types,
};
use revm::{
    Context, ExecuteEvm, MainBuilder, MainContext,
    context::{
        BlockEnv, CfgEnv, TxEnv,
        result::{EVMError, ExecutionResult, InvalidTransaction},
    },
    database_interface::WrapDatabaseRef,
    handler::validation::validate_initial_tx_gas,
    primitives::{Log, hardfork::SpecId},
    state::EvmState,
};
use std::convert::Infallible;

/// Which Ethereum: that of December 2025.
const SPEC: SpecId = SpecId::OSAKA;
/// Most gas of one transaction (EIP-7825).
pub(super) const TRANSACTION_GAS: u64 = 1 << 24;

/// What executing a transaction did.
#[derive(Debug)]
pub(super) struct Outcome {
    pub success: bool,
    pub gas_used: u64,
    pub output: Bytes,
    pub logs: Vec<Log>,
    /// Why it failed, if not by a revert.
    pub halted: Option<String>,
    pub contract: Option<Address>,
    pub changes: EvmState,
}

/// Executes a transaction in the block that `header` begins.
pub(super) fn transact(
    state: &State,
    chain_id: u64,
    header: &Header,
    tx: TxEnv,
) -> Result<Outcome, InvalidTransaction> {
    run(state, CfgEnv::new_with_spec(SPEC).with_chain_id(chain_id), block(header), tx)
}

/// Executes a call in the block that `header` ends, for nothing and from anybody, with at most `gas`.
pub(super) fn call(
    state: &State,
    chain_id: u64,
    header: &Header,
    call: &Call,
    gas: u64,
) -> Result<Outcome, ChainError> {
    let mut cfg = CfgEnv::new_with_spec(SPEC).with_chain_id(chain_id);
    cfg.disable_nonce_check = true;
    cfg.disable_eip3607 = true;
    cfg.tx_gas_limit_cap = Some(u64::MAX);
    // A gas price of zero is below every base fee but zero.
    let block = BlockEnv { basefee: 0, gas_limit: u64::MAX, ..block(header) };
    let tx = TxEnv {
        caller: call.from,
        gas_limit: gas,
        kind: call.to.map_or(TxKind::Create, TxKind::Call),
        value: call.value,
        data: call.data.clone(),
        chain_id: Some(chain_id),
        ..TxEnv::default()
    };
    run(state, cfg, block, tx).map_err(refusal)
}

/// Checks that a transaction brings the gas that it costs before its first instruction.
pub(super) fn check_intrinsic_gas(tx: &TxEnv) -> Result<(), ChainError> {
    let checked = validate_initial_tx_gas(tx, SPEC, false, false, TRANSACTION_GAS, None);
    checked.map(drop).map_err(|why| ChainError::Invalid { why: why.to_string() })
}

/// What a caller is told of a failed execution.
pub(super) fn reverted(output: &Bytes, halted: Option<String>) -> ChainError {
    let why = halted.unwrap_or_else(|| reason(output));
    ChainError::Reverted { data: output.clone(), why }
}

/// The reason in revert data, for people: Solidity's `Error(string)` and `Panic(uint256)`, else bytes.
pub fn reason(data: &[u8]) -> String {
    sol_types::decode_revert_reason(data).unwrap_or_else(|| match data {
        [] => "without a reason".into(),
        data => format!("0x{}", hex::encode(data)),
    })
}

fn block(header: &Header) -> BlockEnv {
    BlockEnv {
        number: U256::from(header.number),
        beneficiary: header.beneficiary,
        timestamp: U256::from(header.timestamp),
        gas_limit: header.gas_limit,
        basefee: header.base_fee_per_gas.unwrap_or_default(),
        prevrandao: Some(header.mix_hash),
        ..BlockEnv::default()
    }
}

fn run(state: &State, cfg: CfgEnv, block: BlockEnv, tx: TxEnv) -> Result<Outcome, InvalidTransaction> {
    let context = Context::mainnet().with_db(WrapDatabaseRef(state)).with_block(block).with_cfg(cfg);
    let ran = context.build_mainnet().transact(tx).map_err(|error: EVMError<Infallible>| match error {
        EVMError::Transaction(invalid) => invalid,
        other => InvalidTransaction::Str(other.to_string().into()),
    })?;
    let gas_used = ran.result.tx_gas_used();
    let changes = ran.state;
    Ok(match ran.result {
        ExecutionResult::Success { logs, output, .. } => {
            let contract = output.address().copied();
            let output = output.into_data();
            Outcome { success: true, gas_used, output, logs, halted: None, contract, changes }
        }
        ExecutionResult::Revert { output, .. } => Outcome {
            success: false,
            gas_used,
            output,
            logs: Vec::new(),
            halted: None,
            contract: None,
            changes,
        },
        ExecutionResult::Halt { reason, .. } => Outcome {
            success: false,
            gas_used,
            output: Bytes::new(),
            logs: Vec::new(),
            halted: Some(format!("{reason:?}")),
            contract: None,
            changes,
        },
    })
}

fn refusal(why: InvalidTransaction) -> ChainError {
    match why {
        InvalidTransaction::LackOfFundForMaxFee { .. } => ChainError::Unfunded { why: why.to_string() },
        why => ChainError::Invalid { why: why.to_string() },
    }
}
