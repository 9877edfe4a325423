//! The Chain capability: each question is one request.

use super::{
    explain::{explain, explain_submit},
    transport::BoundedHttp,
};
use crate::{
    env::{
        Chain, ChainError,
        chain::Told,
        evm::{Transaction, check_range},
    },
    limits,
    types::chain::{Account, Block, Call, Fees, Log, LogFilter, Receipt},
};
use alloy::{
    consensus::BlockHeader,
    primitives::{Address, B256, Bytes, TxKind, U64, U256},
    rpc::{
        client::RpcClient,
        json_rpc::{RpcRecv, RpcSend},
        types::{self as rpc, FeeHistory, Filter, TransactionReceipt, TransactionRequest},
    },
};
use futures::future::LocalBoxFuture;

/// The newest block, in a request.
const LATEST: &str = "latest";

/// Why there is no client of a server.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConnectError {
    /// The text is no URL of a JSON-RPC server.
    #[error(
        "{url:?} is no URL of a chain's server: {why}\n\nhint: such URLs look like http://127.0.0.1:8545"
    )]
    Url {
        /// As it stands in the settings.
        url: String,
        /// What is wrong with it.
        why: String,
    },
    /// Nobody answers there, or not as a chain does.
    #[error(transparent)]
    Chain(#[from] ChainError),
}

/// A client of one server.
#[derive(Clone, Debug)]
pub struct JsonRpcChain {
    client: RpcClient,
    id: u64,
}

impl JsonRpcChain {
    /// Connects to the server at `url` (`http` or `https`) and asks it for the chain's id.
    ///
    /// # Errors
    /// [`ConnectError`].
    pub async fn connect(url: &str) -> Result<Self, ConnectError> {
        let transport = BoundedHttp::new(url)?;
        let client = RpcClient::new(transport, false);
        let id: U64 = ask(&client, "eth_chainId", ()).await?;
        Ok(Self { client, id: id.to() })
    }

    fn told<P: RpcSend + 'static, A: RpcRecv, T: 'static>(
        &self,
        method: &'static str,
        params: P,
        map: impl FnOnce(A) -> Result<T, ChainError> + 'static,
    ) -> Told<T> {
        let client = self.client.clone();
        Box::pin(async move { map(ask(&client, method, params).await?) })
    }

    fn block_of(&self, tag: String) -> Told<Option<Block>> {
        let map = |block: Option<rpc::Block>| Ok(block.map(|block| summary(&block)));
        self.told("eth_getBlockByNumber", (tag, false), map)
    }
}

impl Chain for JsonRpcChain {
    fn id(&self) -> u64 {
        self.id
    }

    fn head(&self) -> Told<Block> {
        let block = self.block_of(LATEST.into());
        Box::pin(async move { block.await?.ok_or_else(|| nonsense("there is no newest block")) })
    }

    fn block(&self, number: u64) -> Told<Option<Block>> {
        self.block_of(format!("{number:#x}"))
    }

    fn account(&self, address: Address) -> Told<Account> {
        let balance = self.told("eth_getBalance", (address, LATEST), |balance: U256| Ok(balance));
        let nonce = self.told("eth_getTransactionCount", (address, LATEST), |nonce: U64| Ok(nonce.to()));
        Box::pin(async move {
            let (nonce, balance) = futures::try_join!(nonce, balance)?;
            Ok(Account { nonce, balance })
        })
    }

    fn code(&self, address: Address) -> Told<Bytes> {
        self.told("eth_getCode", (address, LATEST), Ok)
    }

    fn fees(&self) -> Told<Fees> {
        let none: [f64; 0] = [];
        // The last of the base fees is the next block's.
        let base = self.told("eth_feeHistory", (U64::ONE, LATEST, none), |history: FeeHistory| {
            history.base_fee_per_gas.last().copied().ok_or_else(|| nonsense("there are no base fees"))
        });
        let tip = self.told("eth_maxPriorityFeePerGas", (), |tip: U256| {
            u128::try_from(tip).map_err(|_| nonsense("the tip is beyond all money"))
        });
        Box::pin(async move {
            let (base, tip) = futures::try_join!(base, tip)?;
            Ok(Fees { base, tip })
        })
    }

    fn call(&self, call: Call) -> Told<Bytes> {
        self.told("eth_call", (request(call), LATEST), Ok)
    }

    fn estimate_gas(&self, call: Call) -> Told<u64> {
        self.told("eth_estimateGas", (request(call), LATEST), |gas: U64| Ok(gas.to()))
    }

    fn submit(&self, raw: Bytes) -> Told<B256> {
        let (chain, id) = (self.clone(), self.id);
        Box::pin(async move {
            let transaction = Transaction::decode(raw)?;
            let (hash, tx) = (transaction.hash(), transaction.tx());
            if tx.chain_id != id {
                let why = format!("it is for chain {}, this is chain {id}", tx.chain_id);
                return Err(ChainError::Invalid { why });
            }
            let sent = chain.client.request::<_, B256>("eth_sendRawTransaction", (transaction.raw.clone(),));
            let Err(error) = sent.await else { return Ok(hash) };
            match explain_submit(error, tx.nonce) {
                None => Ok(hash),
                // What is in a block already has used its nonce.
                Some(why @ ChainError::NonceTooLow { .. }) => {
                    chain.receipt(hash).await?.map(|_| hash).ok_or(why)
                }
                Some(why) => Err(why),
            }
        })
    }

    fn receipt(&self, transaction: B256) -> Told<Option<Receipt>> {
        let map = |receipt: Option<TransactionReceipt>| receipt.map(told_receipt).transpose();
        self.told("eth_getTransactionReceipt", (transaction,), move |receipt| Ok(map(receipt)?.flatten()))
    }

    fn logs(&self, filter: LogFilter) -> Told<Vec<Log>> {
        let chain = self.clone();
        Box::pin(async move {
            check_range(&filter)?;
            // Some servers refuse heights above the head, others take them.
            let head: U64 = ask(&chain.client, "eth_blockNumber", ()).await?;
            let (first, last) = (*filter.blocks.start(), (*filter.blocks.end()).min(head.to()));
            if first > last {
                return Ok(Vec::new());
            }
            let filter = Filter::new().address(filter.addresses).event_signature(filter.events);
            let filter = filter.from_block(first).to_block(last);
            let logs: Vec<rpc::Log> = ask(&chain.client, "eth_getLogs", (filter,)).await?;
            if logs.len() > limits::MAX_LOGS {
                return Err(ChainError::TooMuch { why: format!("more than {} logs", limits::MAX_LOGS) });
            }
            logs.into_iter().map(told_log).collect()
        })
    }
}

fn ask<P: RpcSend + 'static, A: RpcRecv>(
    client: &RpcClient,
    method: &'static str,
    params: P,
) -> LocalBoxFuture<'static, Result<A, ChainError>> {
    let call = client.request::<P, A>(method, params);
    Box::pin(async move { call.await.map_err(|error| explain(method, error)) })
}

fn nonsense(what: &str) -> ChainError {
    ChainError::Unreachable { why: format!("the server makes no sense: {what}") }
}

fn request(call: Call) -> TransactionRequest {
    TransactionRequest {
        from: Some(call.from),
        to: Some(call.to.map_or(TxKind::Create, TxKind::Call)),
        value: Some(call.value),
        input: call.data.into(),
        ..TransactionRequest::default()
    }
}

fn summary(block: &rpc::Block) -> Block {
    let header = &block.header;
    Block {
        number: header.number(),
        hash: header.hash,
        parent: header.parent_hash(),
        time: header.timestamp(),
        gas_limit: header.gas_limit(),
        base_fee: header.base_fee_per_gas().unwrap_or_default().into(),
    }
}

/// A receipt; `None` if its transaction is in no block yet, as some servers tell it.
fn told_receipt(receipt: TransactionReceipt) -> Result<Option<Receipt>, ChainError> {
    let Some((block, block_hash)) = receipt.block_number.zip(receipt.block_hash) else { return Ok(None) };
    Ok(Some(Receipt {
        transaction: receipt.transaction_hash,
        block,
        block_hash,
        success: receipt.status(),
        gas_used: receipt.gas_used,
        gas_price: receipt.effective_gas_price,
        contract: receipt.contract_address,
        logs: receipt.logs().iter().cloned().map(told_log).collect::<Result<_, _>>()?,
    }))
}

fn told_log(log: rpc::Log) -> Result<Log, ChainError> {
    let missing = || nonsense("a log is in no block");
    let (block, block_hash) = log.block_number.zip(log.block_hash).ok_or_else(missing)?;
    let (transaction, index) = log.transaction_hash.zip(log.log_index).ok_or_else(missing)?;
    let (topics, data) = log.inner.data.split();
    Ok(Log { address: log.inner.address, topics, data, block, block_hash, transaction, index })
}
