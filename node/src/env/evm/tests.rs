use super::*;
use crate::{
    env::{ChainError, Disk, live::LiveDisk},
    limits,
    types::{Wallet, chain::Call},
};
use alloy::{
    consensus::TxEip1559,
    primitives::{Address, B256, Bytes, TxKind, U256},
};

const GWEI: u128 = 1_000_000_000;
const PAYEE: Address = Address::with_last_byte(0x77);
const BENEFICIARY: Address = Address::with_last_byte(0x99);

fn wallet(number: u8) -> Wallet {
    Wallet::from_secret(&mut [number; 32]).unwrap()
}

fn genesis() -> Genesis {
    let rich = |number| (wallet(number).address(), U256::from(GWEI) * U256::from(GWEI));
    Genesis {
        chain_id: 31_337,
        time: 1_000,
        gas_limit: 30_000_000,
        base_fee: GWEI as u64,
        beneficiary: BENEFICIARY,
        balances: (1..=3).map(rich).collect(),
    }
}

fn chain() -> EvmChain {
    EvmChain::new(&genesis())
}

fn payment(nonce: u64, tip: u128, value: u64) -> TxEip1559 {
    TxEip1559 {
        chain_id: 31_337,
        nonce,
        gas_limit: 21_000,
        max_fee_per_gas: 50 * GWEI + tip,
        max_priority_fee_per_gas: tip,
        to: TxKind::Call(PAYEE),
        value: U256::from(value),
        ..TxEip1559::default()
    }
}

fn signed(sender: u8, transaction: TxEip1559) -> Bytes {
    wallet(sender).sign(transaction).1
}

fn proposal(number: u8) -> Proposal {
    Proposal { time: 2_000 + u64::from(number), entropy: B256::with_last_byte(number) }
}

/// Creation code that leaves a contract which counts its calls in slot 0: `sstore(0, sload(0) + 1)`.
fn counter() -> TxEip1559 {
    let input = Bytes::from_static(&[
        0x60, 0x07, 0x80, 0x60, 0x09, 0x5f, 0x39, 0x5f, 0xf3, // return the 7 bytes that follow
        0x60, 0x01, 0x5f, 0x54, 0x01, 0x5f, 0x55,
    ]);
    TxEip1559 { to: TxKind::Create, gas_limit: 200_000, input, ..payment(0, GWEI, 0) }
}

fn count(nonce: u64, contract: Address) -> TxEip1559 {
    TxEip1559 { to: TxKind::Call(contract), gas_limit: 60_000, ..payment(nonce, GWEI, 0) }
}

/// All that a test can tell two chains apart by.
fn picture(chain: &EvmChain, contract: Address) -> impl PartialEq + std::fmt::Debug {
    let accounts = [PAYEE, BENEFICIARY, contract, wallet(1).address(), wallet(2).address()];
    let accounts = accounts.map(|address| (chain.account(address), chain.code(address)));
    (chain.head().hash, chain.fees(), chain.storage(contract, U256::ZERO), accounts)
}

#[test]
fn what_was_taken_back_leaves_nothing_behind() {
    let (mut once, mut twice) = (chain(), chain());
    let contract = wallet(1).address().create(0);
    for chain in [&mut once, &mut twice] {
        chain.submit(signed(2, payment(0, GWEI, 5))).unwrap();
        chain.produce(proposal(1));
    }
    // Only one of them sees a contract created, called and paid, and then none of it.
    once.submit(signed(1, counter())).unwrap();
    once.produce(proposal(50));
    for nonce in 1..4 {
        once.submit(signed(1, count(nonce, contract))).unwrap();
        once.submit(signed(2, payment(nonce, GWEI, 9))).unwrap();
        once.produce(proposal(50 + nonce as u8));
    }
    assert_eq!(once.storage(contract, U256::ZERO), U256::from(3));
    let dropped = once.take_back(4);
    assert_eq!(dropped.len(), 7);
    assert_eq!(dropped[0].tx().nonce, 0, "the oldest comes first");
    assert_eq!(picture(&once, contract), picture(&twice, contract));
    assert!(dropped.iter().all(|it| once.receipt(it.hash()).is_none()));
    for chain in [&mut once, &mut twice] {
        chain.submit(signed(1, counter())).unwrap();
        chain.submit(signed(1, count(1, contract))).unwrap();
        chain.produce(proposal(2));
    }
    assert_eq!(once.storage(contract, U256::ZERO), U256::from(1));
    assert_eq!(picture(&once, contract), picture(&twice, contract));
}

#[test]
fn the_genesis_block_stays() {
    let mut chain = chain();
    let first = chain.head().hash;
    assert!(chain.take_back(5).is_empty());
    for number in 0..200 {
        chain.produce(proposal(number));
    }
    chain.take_back(1_000);
    assert_eq!(chain.head().header.number, 200 - limits::MAX_REORG as u64, "what can be undone is bounded");
    assert_eq!(chain.block(0).unwrap().hash, first);
}

#[test]
fn contracts_see_the_entropy_and_the_blocks_before() {
    let mut chain = chain();
    for number in 1..=300u16 {
        chain.produce(proposal((number % 199) as u8));
    }
    let ask = |chain: &EvmChain, code: &[u8]| {
        let call = Call { data: Bytes::copy_from_slice(code), ..Call::default() };
        B256::from_slice(&chain.call(&call).unwrap())
    };
    // PREVRANDAO; then BLOCKHASH of NUMBER less a constant; each returned as a contract's code.
    let head = chain.head().header.clone();
    assert_eq!(ask(&chain, &[0x44, 0x5f, 0x52, 0x60, 0x20, 0x5f, 0xf3]), head.mix_hash);
    let hash = |chain: &EvmChain, back: u16| {
        let [high, low] = back.to_be_bytes();
        ask(chain, &[0x61, high, low, 0x43, 0x03, 0x40, 0x5f, 0x52, 0x60, 0x20, 0x5f, 0xf3])
    };
    for back in [1, 2, 17, 256] {
        assert_eq!(
            hash(&chain, back),
            chain.block(head.number - u64::from(back)).unwrap().hash,
            "{back} back"
        );
    }
    assert_eq!(hash(&chain, 257), B256::ZERO, "beyond the last 256");
    chain.take_back(20);
    let now = chain.head().header.number;
    for back in [1, 255] {
        assert_eq!(hash(&chain, back), chain.block(now - u64::from(back)).unwrap().hash, "{back} back");
    }
}

#[test]
fn a_block_takes_what_tips_most_and_no_more_than_its_gas() {
    let mut chain = EvmChain::new(&Genesis { gas_limit: 63_000, ..genesis() });
    for (sender, nonce, tip) in [(1, 0, 1), (1, 1, 90), (2, 0, 5), (2, 1, 1), (3, 0, 7)] {
        chain.submit(signed(sender, payment(nonce, tip * GWEI, 1))).unwrap();
    }
    let order: Vec<_> =
        chain.produce(proposal(1)).transactions.iter().map(|it| (it.sender, it.tx().nonce)).collect();
    let [first, second, third] = [1, 2, 3].map(|number| wallet(number).address());
    assert_eq!(order, [(third, 0), (second, 0), (first, 0)]);
    let full = chain.next_base_fee();
    assert_eq!(
        full,
        GWEI as u64 * 7 / 8 * 9 / 8,
        "after an empty block a full block raises the fee by an eighth"
    );
    assert_eq!(chain.produce(proposal(2)).transactions.len(), 2);
    chain.set_next_base_fee(1_000 * GWEI as u64);
    chain.submit(signed(3, payment(1, GWEI, 1))).unwrap();
    assert!(chain.produce(proposal(3)).transactions.is_empty(), "who pays too little waits");
    chain.set_next_base_fee(GWEI as u64);
    assert_eq!(chain.produce(proposal(4)).transactions.len(), 1);
}

#[test]
fn other_kinds_of_transactions_are_refused() {
    use alloy::{
        consensus::{SignableTransaction, TxEnvelope, TxLegacy},
        eips::eip2718::Encodable2718,
        primitives::Signature,
    };
    let legacy = TxLegacy { chain_id: Some(31_337), gas_limit: 21_000, ..TxLegacy::default() };
    let signed = TxEnvelope::from(legacy.into_signed(Signature::test_signature()));
    let refused = chain().submit(signed.encoded_2718().into());
    assert!(matches!(refused, Err(ChainError::Invalid { .. })), "{refused:?}");
}

/// A chain whose blocks are kept: three payments, of which the second is taken back and comes back later.
fn kept(disk: &dyn Disk) -> EvmChain {
    let (mut log, mut chain) = BlockLog::open(disk, "chain/blocks", &genesis()).unwrap();
    for nonce in 0..2 {
        chain.submit(signed(1, payment(nonce, GWEI, 10 + nonce))).unwrap();
        log.append(chain.produce(proposal(nonce as u8))).unwrap();
    }
    let dropped = chain.take_back(1);
    chain.set_next_base_fee(7 * GWEI as u64);
    log.append(chain.produce(proposal(9))).unwrap();
    chain.submit(dropped[0].raw.clone()).unwrap();
    log.append(chain.produce(proposal(10))).unwrap();
    assert_eq!(chain.account(PAYEE).balance, U256::from(21));
    chain
}

#[test]
fn a_chain_comes_back_from_its_log() {
    let dir = tempfile::tempdir().unwrap();
    let disk = LiveDisk::open(dir.path()).unwrap();
    let before = kept(&disk);
    let (mut log, mut after) = BlockLog::open(&disk, "chain/blocks", &genesis()).unwrap();
    assert_eq!(picture(&after, PAYEE), picture(&before, PAYEE));
    assert_eq!(after.head().receipts, before.head().receipts);
    log.append(after.produce(proposal(11))).unwrap();
    let (_, again) = BlockLog::open(&disk, "chain/blocks", &genesis()).unwrap();
    assert_eq!(again.head().hash, after.head().hash);
    let foreign = BlockLog::open(&disk, "chain/blocks", &Genesis { chain_id: 1, ..genesis() });
    assert_eq!(foreign.map(drop), Err(BlockLogError::Foreign("chain/blocks".into())));
}

#[test]
fn an_append_that_was_cut_short_is_dropped_and_a_change_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let disk = LiveDisk::open(dir.path()).unwrap();
    let whole = kept(&disk);
    let path = dir.path().join("chain/blocks");
    let bytes = std::fs::read(&path).unwrap();
    let open = || BlockLog::open(&disk, "chain/blocks", &genesis());
    for cut in 1..200 {
        std::fs::write(&path, &bytes[..bytes.len() - cut]).unwrap();
        let (mut log, mut chain) = open().unwrap_or_else(|why| panic!("{cut} bytes are missing: {why}"));
        assert_eq!(chain.head().header.number, 2, "{cut} bytes are missing");
        log.append(chain.produce(proposal(12))).unwrap();
        assert_eq!(open().unwrap().1.head().hash, chain.head().hash, "after an append over a torn end");
    }
    for at in (0..bytes.len() - 300).step_by(41) {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        std::fs::write(&path, &changed).unwrap();
        match open() {
            Err(BlockLogError::Damaged { .. }) => {}
            Ok((_, chain)) if chain.head().hash == whole.head().hash => {}
            other => panic!("byte {at} was changed: {:?}", other.map(|(log, _)| log)),
        }
    }
}
