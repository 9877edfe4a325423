//! What a chain must do.

use crate::{
    env::{Chain, ChainError},
    limits,
    types::{
        Wallet,
        chain::{Call, LogFilter, Receipt},
    },
};
use alloy::{
    consensus::TxEip1559,
    primitives::{Address, B256, Bytes, TxKind, U256, address, keccak256},
};
use futures::future::LocalBoxFuture;

/// Creates [`RUNTIME`].
const CREATION: [u8; 34] = {
    let mut code = [0; 34];
    // PUSH1 25, DUP1, PUSH1 9, PUSH0, CODECOPY, PUSH0, RETURN
    let (head, mut at) = ([0x60, 0x19, 0x80, 0x60, 0x09, 0x5f, 0x39, 0x5f, 0xf3], 0);
    while at < code.len() {
        code[at] = if at < 9 { head[at] } else { RUNTIME[at - 9] };
        at += 1;
    }
    code
};
/// A contract that reverts with the data it is called with. Called without, it returns the wei that came with
/// the call, and logs them under [`TOPIC`].
const RUNTIME: [u8; 25] = [
    0x36, 0x60, 0x11, 0x57, // if CALLDATASIZE jump to 0x11
    0x34, 0x5f, 0x52, 0x60, 0x2a, 0x60, 0x20, 0x5f, 0xa1, // memory[0] = CALLVALUE; LOG1 of topic 42
    0x60, 0x20, 0x5f, 0xf3, // RETURN 32 bytes
    0x5b, 0x36, 0x5f, 0x5f, 0x37, 0x36, 0x5f, 0xfd, // REVERT with the call's data
];
const TOPIC: B256 = B256::with_last_byte(42);
/// Nobody's.
const STRANGER: Address = address!("0x00000000000000000000000000000000c0ffee00");
const GWEI: u128 = 1_000_000_000;

/// Moves the chain under test.
pub trait Control {
    /// Makes a block of what waits.
    fn produce(&self) -> LocalBoxFuture<'_, ()>;
    /// Replaces the latest `depth` blocks by at least as many others, in which their transactions are not, and
    /// forgets these.
    fn reorganise(&self, depth: u64) -> LocalBoxFuture<'_, ()>;
}

struct Suite<'a> {
    chain: &'a dyn Chain,
    control: &'a dyn Control,
    wallet: &'a Wallet,
}

/// Checks a chain that makes blocks only when `control` says so; `wallet` has at least an ether and no nonce
/// above those it used, and nobody else sends from it.
///
/// # Panics
/// With a sentence that says what is broken.
pub async fn check(chain: &dyn Chain, control: &dyn Control, wallet: &Wallet) {
    let suite = Suite { chain, control, wallet };
    suite.tells_blocks().await;
    suite.pays().await;
    let contract = suite.creates().await;
    suite.tells_reverts(contract).await;
    suite.tells_logs(contract).await;
    suite.refuses().await;
    suite.replaces().await;
    suite.waits_for_a_nonce().await;
    suite.reorganises().await;
}

impl Suite<'_> {
    async fn nonce(&self) -> u64 {
        self.chain.account(self.wallet.address()).await.expect("an account").nonce
    }

    async fn balance(&self, address: Address) -> U256 {
        self.chain.account(address).await.expect("an account").balance
    }

    fn transfer(&self, nonce: u64, tip: u128, value: u64) -> TxEip1559 {
        TxEip1559 {
            chain_id: self.chain.id(),
            nonce,
            gas_limit: 21_000,
            max_fee_per_gas: 40 * GWEI + tip,
            max_priority_fee_per_gas: tip,
            to: TxKind::Call(STRANGER),
            value: U256::from(value),
            ..TxEip1559::default()
        }
    }

    fn signed(&self, transaction: TxEip1559) -> (B256, Bytes) {
        self.wallet.sign(transaction)
    }

    async fn send(&self, transaction: TxEip1559) -> Result<B256, ChainError> {
        let (hash, raw) = self.signed(transaction);
        let told = self.chain.submit(raw).await?;
        assert_eq!(told, hash, "a transaction has another hash than the chain says");
        Ok(hash)
    }

    async fn receipt(&self, hash: B256) -> Option<Receipt> {
        self.chain.receipt(hash).await.expect("a receipt or none")
    }

    async fn mined(&self, transaction: TxEip1559) -> Receipt {
        let hash = self.send(transaction).await.expect("the transaction is taken");
        assert_eq!(self.receipt(hash).await, None, "a transaction is in a block before there is one");
        self.control.produce().await;
        self.receipt(hash).await.expect("the transaction is in the block that was made")
    }

    async fn tells_blocks(&self) {
        let before = self.chain.head().await.expect("a head");
        self.control.produce().await;
        let head = self.chain.head().await.expect("a head");
        assert_eq!(head.number, before.number + 1, "a block does not follow the one before it");
        assert_eq!(head.parent, before.hash, "a block's parent is not the block before it");
        assert!(head.time >= before.time, "time goes back from {} to {}", before.time, head.time);
        assert!(head.gas_limit >= 10_000_000, "blocks take {} gas only", head.gas_limit);
        assert_eq!(self.chain.block(before.number).await, Ok(Some(before)), "the block below the head");
        assert_eq!(self.chain.block(head.number + 1).await, Ok(None), "a block above the head");
        let fees = self.chain.fees().await.expect("fees");
        assert!(fees.base <= head.base_fee * 9 / 8 + 1, "a base fee rises by more than an eighth: {fees:?}");
    }

    async fn pays(&self) {
        let (nonce, had) = (self.nonce().await, self.balance(STRANGER).await);
        let receipt = self.mined(self.transfer(nonce, GWEI, 7)).await;
        let head = self.chain.head().await.expect("a head");
        assert_eq!((receipt.block, receipt.block_hash), (head.number, head.hash));
        assert!(receipt.success && receipt.gas_used == 21_000, "a payment: {receipt:?}");
        assert_eq!(receipt.gas_price, head.base_fee + GWEI, "neither the base fee and tip");
        assert_eq!(self.nonce().await, nonce + 1, "a nonce after a transaction");
        assert_eq!(self.balance(STRANGER).await, had + U256::from(7), "what was paid");
        let (hash, raw) = self.signed(self.transfer(nonce, GWEI, 7));
        assert_eq!(self.chain.submit(raw).await, Ok(hash), "a transaction in a block is offered again");
        self.control.produce().await;
        assert_eq!(self.balance(STRANGER).await, had + U256::from(7), "it was paid twice");
    }

    async fn creates(&self) -> Address {
        let data = Bytes::from_static(&CREATION);
        let call = Call { from: self.wallet.address(), data: data.clone(), ..Call::default() };
        let gas_limit = self.chain.estimate_gas(call).await.expect("an estimate");
        let nonce = self.nonce().await;
        let create =
            TxEip1559 { to: TxKind::Create, gas_limit, input: data, ..self.transfer(nonce, GWEI, 0) };
        let receipt = self.mined(create).await;
        assert!(receipt.success, "the estimate of {gas_limit} gas was too little: {receipt:?}");
        assert!(
            receipt.gas_used * 21 / 20 >= gas_limit * 20 / 21,
            "{} used of {gas_limit}",
            receipt.gas_used
        );
        let contract = receipt.contract.expect("a contract was created");
        assert_eq!(contract, self.wallet.address().create(nonce), "a contract's address");
        assert_eq!(self.chain.code(contract).await, Ok(Bytes::from_static(&RUNTIME)), "a contract's code");
        assert_eq!(self.chain.code(STRANGER).await, Ok(Bytes::new()), "code of no contract");
        contract
    }

    async fn tells_reverts(&self, contract: Address) {
        let mut data = keccak256("Error(string)")[..4].to_vec();
        for word in [U256::from(32), U256::from(5)] {
            data.extend_from_slice(&word.to_be_bytes::<32>());
        }
        data.extend_from_slice(b"broke");
        data.resize(4 + 3 * 32, 0);
        let data = Bytes::from(data);
        let from = self.wallet.address();
        let call = Call { from, to: Some(contract), data: data.clone(), ..Call::default() };
        for failed in [
            self.chain.call(call.clone()).await.map(drop).expect_err("a call that reverts"),
            self.chain.estimate_gas(call).await.map(drop).expect_err("an estimate of what reverts"),
        ] {
            let ChainError::Reverted { data: told, why } = &failed else {
                panic!("a revert is told as {failed:?}")
            };
            assert_eq!(*told, data, "a revert's data");
            assert!(why.contains("broke"), "{why:?} does not tell the reason");
        }
        // INVALID as creation code fails without data.
        let halts = Call { from, data: Bytes::from_static(&[0xfe]), ..Call::default() };
        let halted = self.chain.call(halts).await;
        assert!(matches!(&halted, Err(ChainError::Reverted { data, .. }) if data.is_empty()), "{halted:?}");
        let nonce = self.nonce().await;
        let to = TxKind::Call(contract);
        let reverts = TxEip1559 { to, gas_limit: 100_000, input: data, ..self.transfer(nonce, GWEI, 0) };
        let receipt = self.mined(reverts).await;
        assert!(!receipt.success && receipt.logs.is_empty(), "a transaction that reverts: {receipt:?}");
        assert_eq!(self.nonce().await, nonce + 1, "a reverted transaction uses its nonce");
    }

    async fn tells_logs(&self, contract: Address) {
        let nonce = self.nonce().await;
        let to = TxKind::Call(contract);
        let noisy = |nonce, value| TxEip1559 { to, gas_limit: 100_000, ..self.transfer(nonce, GWEI, value) };
        self.send(noisy(nonce, 3)).await.expect("it is taken");
        let second = self.mined(noisy(nonce + 1, 4)).await;
        let call = Call { to: Some(contract), value: U256::ZERO, ..Call::default() };
        assert_eq!(self.chain.call(call).await, Ok(Bytes::from(vec![0; 32])), "a call's answer");
        let block = second.block;
        let filter = LogFilter { addresses: vec![contract], events: vec![TOPIC], blocks: 0..=block };
        let logs = self.chain.logs(filter.clone()).await.expect("logs");
        let told: Vec<_> =
            logs.iter().map(|log| (U256::from_be_slice(&log.data), log.index, log.block)).collect();
        assert_eq!(told, [(U256::from(3), 0, block), (U256::from(4), 1, block)], "two logs of one block");
        assert_eq!(logs[1..], second.logs[..], "a receipt's log");
        assert_eq!(logs[1].transaction, second.transaction);
        assert_eq!((logs[1].block_hash, &logs[1].topics[..]), (second.block_hash, &[TOPIC][..]));
        for nothing in [
            LogFilter { addresses: vec![STRANGER], ..filter.clone() },
            LogFilter { events: vec![B256::with_last_byte(43)], ..filter.clone() },
            LogFilter { blocks: block + 1..=block + 9, ..filter.clone() },
            LogFilter { blocks: 0..=block - 1, ..filter.clone() },
        ] {
            assert_eq!(self.chain.logs(nothing.clone()).await, Ok(vec![]), "logs that pass {nothing:?}");
        }
        let all = LogFilter { addresses: vec![], events: vec![], blocks: block..=block };
        assert_eq!(self.chain.logs(all).await.map(|logs| logs.len()), Ok(2), "all logs of a block");
        let wide = LogFilter { blocks: 0..=limits::MAX_LOG_BLOCKS, ..filter };
        let refused = self.chain.logs(wide).await;
        assert!(matches!(refused, Err(ChainError::TooMuch { .. })), "too many blocks: {refused:?}");
    }

    async fn refuses(&self) {
        let nonce = self.nonce().await;
        let low = self.send(self.transfer(nonce - 1, GWEI, 9)).await;
        assert_eq!(low, Err(ChainError::NonceTooLow { nonce: nonce - 1 }), "a used nonce");
        let rich = TxEip1559 { value: U256::MAX >> 8, ..self.transfer(nonce, GWEI, 0) };
        let unfunded = self.send(rich).await;
        assert!(matches!(unfunded, Err(ChainError::Unfunded { .. })), "more than there is: {unfunded:?}");
        let invalid = [
            ("another chain's id", TxEip1559 { chain_id: 0x5eed, ..self.transfer(nonce, GWEI, 1) }),
            ("no gas to begin", TxEip1559 { gas_limit: 20_999, ..self.transfer(nonce, GWEI, 1) }),
            ("gas for no block", TxEip1559 { gas_limit: u64::MAX / 2, ..self.transfer(nonce, GWEI, 1) }),
        ];
        for (what, transaction) in invalid {
            let refused = self.send(transaction).await;
            assert!(matches!(refused, Err(ChainError::Invalid { .. })), "{what}: {refused:?}");
        }
        let (_, raw) = self.signed(self.transfer(nonce, GWEI, 1));
        for (what, bytes) in
            [("nothing", vec![]), ("half", raw[..raw.len() / 2].to_vec()), ("noise", vec![2; 99])]
        {
            let refused = self.chain.submit(bytes.into()).await;
            assert!(matches!(refused, Err(ChainError::Invalid { .. })), "{what}: {refused:?}");
        }
        self.control.produce().await;
        assert_eq!(self.nonce().await, nonce, "a refused transaction is in a block");
    }

    /// Of two transactions of one nonce the one that pays more is executed, and no other ever.
    async fn replaces(&self) {
        let (nonce, had) = (self.nonce().await, self.balance(STRANGER).await);
        let first = self.send(self.transfer(nonce, 10 * GWEI, 100)).await.expect("it is taken");
        let again = self.send(self.transfer(nonce, 10 * GWEI, 100)).await;
        assert_eq!(again, Ok(first), "a transaction that waits is offered again");
        let cheap = self.send(self.transfer(nonce, 10 * GWEI - 1, 200)).await;
        assert!(
            matches!(cheap, Err(ChainError::Underpriced { .. })),
            "a replacement that pays less: {cheap:?}"
        );
        let bump = |wei: u128| (wei * (100 + limits::FEE_BUMP_PERCENT)).div_ceil(100);
        let before = self.transfer(nonce, 10 * GWEI, 0);
        let dear = TxEip1559 {
            max_fee_per_gas: bump(before.max_fee_per_gas),
            max_priority_fee_per_gas: bump(before.max_priority_fee_per_gas),
            value: U256::from(300),
            ..before
        };
        let receipt = self.mined(dear).await;
        assert!(receipt.success);
        assert_eq!(self.receipt(first).await, None, "what was replaced has a receipt");
        assert_eq!(self.balance(STRANGER).await, had + U256::from(300));
        let late = self.send(self.transfer(nonce, 10 * GWEI, 100)).await;
        assert_eq!(late, Err(ChainError::NonceTooLow { nonce }), "what was replaced is offered again");
    }

    async fn waits_for_a_nonce(&self) {
        let nonce = self.nonce().await;
        let second = self.send(self.transfer(nonce + 1, GWEI, 1)).await.expect("a later nonce waits");
        self.control.produce().await;
        assert_eq!(self.receipt(second).await, None, "a nonce was left out");
        self.mined(self.transfer(nonce, GWEI, 1)).await;
        assert!(self.receipt(second).await.is_some(), "the transaction that waited is not in the block");
    }

    async fn reorganises(&self) {
        let (nonce, had) = (self.nonce().await, self.balance(STRANGER).await);
        for depth in 1..=6 {
            let before = self.chain.head().await.expect("a head");
            let (hash, raw) = self.signed(self.transfer(nonce, GWEI * u128::from(depth), 50));
            assert_eq!(self.chain.submit(raw.clone()).await, Ok(hash));
            for _ in 0..depth {
                self.control.produce().await;
            }
            let receipt = self.receipt(hash).await.expect("it is in a block");
            assert_eq!(receipt.block, before.number + 1);
            self.control.reorganise(depth).await;
            let head = self.chain.head().await.expect("a head");
            assert!(head.number >= before.number + depth, "the height after a reorganisation");
            assert_eq!(self.chain.block(before.number).await, Ok(Some(before)), "what was below stays");
            let sibling = self.chain.block(receipt.block).await.expect("a block").expect("a block");
            assert_ne!(sibling.hash, receipt.block_hash, "the same block came back");
            assert_eq!(sibling.parent, before.hash, "it has another parent");
            assert_eq!(self.receipt(hash).await, None, "a receipt of a dropped block");
            assert_eq!(self.nonce().await, nonce, "a nonce used in a dropped block");
            assert_eq!(self.balance(STRANGER).await, had, "a payment of a dropped block");
        }
        let (hash, raw) = self.signed(self.transfer(nonce, 6 * GWEI, 50));
        assert_eq!(
            self.chain.submit(raw).await,
            Ok(hash),
            "a transaction of a dropped block is offered again"
        );
        self.control.produce().await;
        assert!(self.receipt(hash).await.is_some_and(|receipt| receipt.success));
        assert_eq!(self.balance(STRANGER).await, had + U256::from(50), "a payment that came back");
    }
}
