//! The methods that are answered: what alloy and ethers ask to read, to send and to wait, and what tests ask to make
//! blocks and let time pass.

use super::{answers, node::Node, protocol::Fault};
use crate::{
    env::ChainError,
    types::chain::{Call, LogFilter},
};
use alloy::{
    eips::{BlockId, BlockNumberOrTag},
    primitives::{Address, B256, TxKind, U64, U256},
    rpc::types::{Filter, FilterBlockOption, TransactionRequest},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

/// Most blocks that one request makes.
const MAX_MINED: u64 = 100_000;
/// Most blocks of a history of fees.
const MAX_HISTORY: u64 = 1_024;

type Answer = Result<Value, Fault>;

/// Answers one request.
pub fn call(node: &mut Node, method: &str, parameters: &Value) -> Answer {
    let it = Parameters(parameters);
    match method {
        "web3_clientVersion" => Ok(concat!("holdfast/", env!("CARGO_PKG_VERSION")).into()),
        "net_version" => Ok(node.chain.id().to_string().into()),
        "eth_chainId" => number(node.chain.id()),
        "eth_syncing" => Ok(false.into()),
        "eth_accounts" => Ok(json!([])),
        "eth_blockNumber" => number(node.chain.head().header.number),
        "eth_getBlockByNumber" => {
            let found = height(node, it.at(0)?).and_then(|height| node.chain.block(height));
            let full = it.or(1, false)?;
            Ok(found.map_or(Value::Null, |block| answers::block(block, full)))
        }
        "eth_getBlockByHash" => {
            let (hash, full) = (it.at::<B256>(0)?, it.or(1, false)?);
            let height = (0..=node.chain.head().header.number).rev();
            let found = height.filter_map(|height| node.chain.block(height)).find(|block| block.hash == hash);
            Ok(found.map_or(Value::Null, |block| answers::block(block, full)))
        }
        "eth_getBalance" => value(&node.chain.account(it.of_head(node)?).balance),
        "eth_getTransactionCount" => transaction_count(node, &it),
        "eth_getCode" => value(&node.chain.code(it.of_head(node)?)),
        "eth_getStorageAt" => value(&B256::from(node.chain.storage(it.at(0)?, it.at(1)?))),
        "eth_gasPrice" => {
            let fees = node.chain.fees();
            value(&U256::from(fees.base + fees.tip))
        }
        "eth_maxPriorityFeePerGas" => value(&U256::from(node.chain.fees().tip)),
        "eth_feeHistory" => fee_history(node, &it),
        "eth_call" => value(&node.chain.call(&message(&it)?).map_err(fault)?),
        "eth_estimateGas" => number(node.chain.estimate_gas(&message(&it)?).map_err(fault)?),
        "eth_sendRawTransaction" => value(&node.submit(it.at(0)?)?.map_err(fault)?),
        "eth_getTransactionReceipt" => Ok(answers::receipt(&node.chain, it.at(0)?)),
        "eth_getTransactionByHash" => Ok(answers::transaction(&node.chain, it.at(0)?)),
        "eth_getLogs" => logs(node, it.at(0)?),
        "evm_mine" | "anvil_mine" => mine(node, &it),
        "evm_increaseTime" => number(node.pass(it.number(0)?)),
        _ => Err(Fault::new(Fault::METHOD, format!("{method} is not answered here"))),
    }
}

/// The positional parameters of a request.
struct Parameters<'a>(&'a Value);

impl Parameters<'_> {
    fn at<T: DeserializeOwned>(&self, place: usize) -> Result<T, Fault> {
        let wrong = |why: String| Fault::new(Fault::PARAMETERS, format!("parameter {place}: {why}"));
        let value = self.0.get(place).ok_or_else(|| wrong("is missing".into()))?;
        serde_json::from_value(value.clone()).map_err(|why| wrong(why.to_string()))
    }

    fn or<T: DeserializeOwned>(&self, place: usize, default: T) -> Result<T, Fault> {
        match self.0.get(place) {
            None | Some(Value::Null) => Ok(default),
            Some(_) => self.at(place),
        }
    }

    /// A number, in hexadecimal as Ethereum writes them or plain as people do.
    fn number(&self, place: usize) -> Result<u64, Fault> {
        match self.0.get(place).and_then(Value::as_u64) {
            Some(number) => Ok(number),
            None => Ok(self.at::<U64>(place)?.to()),
        }
    }

    /// An address of which something is asked at the head: what was before is not kept.
    fn of_head(&self, node: &Node) -> Result<Address, Fault> {
        let head = node.chain.head();
        let at_head = match self.or(1, BlockId::latest())? {
            BlockId::Hash(hash) => hash.block_hash == head.hash,
            BlockId::Number(BlockNumberOrTag::Number(number)) => number == head.header.number,
            BlockId::Number(tag) => tag != BlockNumberOrTag::Earliest,
        };
        if at_head { self.at(0) } else { Err(Fault::new(Fault::PARAMETERS, "only the newest state is kept")) }
    }
}

fn value(it: &impl Serialize) -> Answer {
    serde_json::to_value(it).map_err(|why| Fault::new(Fault::INTERNAL, why.to_string()))
}

fn number(it: u64) -> Answer {
    value(&U64::from(it))
}

fn height(node: &Node, tag: BlockNumberOrTag) -> Option<u64> {
    match tag {
        BlockNumberOrTag::Earliest => Some(0),
        BlockNumberOrTag::Number(number) => Some(number),
        _ => Some(node.chain.head().header.number),
    }
}

fn transaction_count(node: &Node, it: &Parameters<'_>) -> Answer {
    let address: Address = it.at(0)?;
    let mut nonce = node.chain.account(address).nonce;
    if it.or(1, BlockNumberOrTag::Latest)? == BlockNumberOrTag::Pending {
        let mut waiting: Vec<u64> =
            node.chain.waiting().filter(|it| it.sender == address).map(|it| it.tx().nonce).collect();
        waiting.sort_unstable();
        for taken in waiting {
            nonce += u64::from(taken == nonce);
        }
    }
    number(nonce)
}

fn message(it: &Parameters<'_>) -> Result<Call, Fault> {
    let request: TransactionRequest = it.at(0)?;
    let to = match request.to {
        Some(TxKind::Call(to)) => Some(to),
        Some(TxKind::Create) | None => None,
    };
    Ok(Call {
        from: request.from.unwrap_or_default(),
        to,
        value: request.value.unwrap_or_default(),
        data: request.input.into_input().unwrap_or_default(),
    })
}

fn fee_history(node: &Node, it: &Parameters<'_>) -> Answer {
    let newest = height(node, it.at(1)?).unwrap_or_default().min(node.chain.head().header.number);
    let count = it.number(0)?.clamp(1, MAX_HISTORY).min(newest + 1);
    let percentiles: Vec<f64> = it.or(2, Vec::new())?;
    Ok(answers::fee_history(&node.chain, newest + 1 - count..=newest, percentiles.len()))
}

fn logs(node: &Node, filter: Filter) -> Answer {
    let head = node.chain.head().header.number;
    let blocks = match filter.block_option {
        FilterBlockOption::Range { from_block, to_block } => {
            let at = |tag: Option<BlockNumberOrTag>| tag.and_then(|tag| height(node, tag)).unwrap_or(head);
            at(from_block)..=at(to_block).min(head)
        }
        FilterBlockOption::AtBlockHash(hash) => {
            let found = (0..=head).rev().find(|it| node.chain.block(*it).is_some_and(|it| it.hash == hash));
            let found = found.ok_or_else(|| Fault::new(Fault::REFUSED, "unknown block"))?;
            found..=found
        }
    };
    let asked = LogFilter {
        addresses: filter.address.iter().copied().collect(),
        events: filter.topics[0].iter().copied().collect(),
        blocks,
    };
    let logs = node.chain.logs(&asked).map_err(fault)?;
    let passes = |topics: &[B256]| {
        filter.topics.iter().enumerate().all(|(place, wanted)| {
            wanted.is_empty() || topics.get(place).is_some_and(|topic| wanted.contains(topic))
        })
    };
    Ok(logs.iter().filter(|log| passes(&log.topics)).map(|log| answers::log(&node.chain, log)).collect())
}

/// `evm_mine` makes one block, `anvil_mine` as many as it is told.
fn mine(node: &mut Node, it: &Parameters<'_>) -> Answer {
    let count = if it.0.get(0).is_some() { it.number(0)? } else { 1 };
    if count > MAX_MINED {
        return Err(Fault::new(Fault::PARAMETERS, format!("at most {MAX_MINED} blocks at once")));
    }
    for _ in 0..count {
        node.produce().map_err(|why| Fault::new(Fault::INTERNAL, why))?;
    }
    Ok(Value::Null)
}

/// As nodes answer, in the words that clients know.
fn fault(error: ChainError) -> Fault {
    let message = match &error {
        ChainError::Reverted { data, why } => {
            let data = json!(data);
            let message = format!("execution reverted: {why}");
            return Fault { code: Fault::REVERTED, message, data: Some(data) };
        }
        ChainError::NonceTooLow { nonce } => format!("nonce too low: {nonce} is used already"),
        ChainError::Underpriced { why } => format!("replacement transaction underpriced: {why}"),
        ChainError::Unfunded { why } => format!("insufficient funds for gas * price + value: {why}"),
        ChainError::TooMuch { why } => format!("query exceeds limit: {why}"),
        ChainError::Invalid { why } | ChainError::Unreachable { why } => why.clone(),
    };
    Fault::new(Fault::REFUSED, message)
}
