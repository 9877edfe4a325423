//! A log of blocks on a disk that loses and tears what was not synced: no block whose append returned is lost.

use alloy::primitives::{B256, U256};
use holdfast::{
    env::evm::{BlockLog, EvmChain, Genesis, Proposal},
    types::Wallet,
};
use holdfast_sim::env::{DiskPlan, SimDisk, rng};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use std::sync::Arc;

fn genesis(wallet: &Wallet) -> Genesis {
    Genesis {
        chain_id: 31_337,
        time: 1_000,
        gas_limit: 30_000_000,
        base_fee: 1_000_000_000,
        beneficiary: Default::default(),
        balances: [(wallet.address(), U256::from(10).pow(U256::from(20)))].into(),
    }
}

/// Makes a block of some payments, at times in place of the latest ones.
fn grow(chain: &mut EvmChain, wallet: &Wallet, random: &mut ChaCha8Rng) {
    if random.random_bool(0.2) {
        chain.take_back(random.random_range(1..4));
    }
    let nonce = chain.account(wallet.address()).nonce;
    for nonce in nonce..nonce + random.random_range(0..4) {
        let (_, raw) = wallet.sign(alloy::consensus::TxEip1559 {
            chain_id: 31_337,
            nonce,
            gas_limit: 21_000,
            max_fee_per_gas: 9_000_000_000,
            to: wallet.address().into(),
            ..Default::default()
        });
        // What was taken back may wait still.
        let _ = chain.submit(raw);
    }
    chain.produce(Proposal { time: 0, entropy: B256::from(random.random::<[u8; 32]>()) });
}

#[test]
fn a_chain_keeps_every_block_whose_append_returned() {
    let wallet = Wallet::from_secret(&mut [3; 32]).expect("a key");
    let (mut kept_in_flight, mut lost_in_flight) = (0, 0);
    for seed in 0..40 {
        let mut random = rng::stream(seed, "blocks", 0);
        let disk = SimDisk::new(DiskPlan::default().capacity_bytes, rng::stream(seed, "disk", 0));
        // The heads of the chain of which one must be there: the last that was acknowledged, and one in flight.
        let mut heads = vec![EvmChain::new(&genesis(&wallet)).head().hash];
        for _ in 0..4 {
            let view = disk.next_life();
            disk.cut_power_after(random.random_range(0..40), Arc::new(|| {}));
            if let Ok((mut log, mut chain)) = BlockLog::open(&view, "chain/blocks", &genesis(&wallet)) {
                let head = chain.head().hash;
                assert!(heads.contains(&head), "seed {seed}: {head} is not of {heads:?}");
                if let [_, in_flight] = heads[..] {
                    *(if head == in_flight { &mut kept_in_flight } else { &mut lost_in_flight }) += 1;
                }
                heads = vec![head];
                loop {
                    grow(&mut chain, &wallet, &mut random);
                    heads.push(chain.head().hash);
                    if log.append(chain.head()).is_err() {
                        break;
                    }
                    heads.remove(0);
                }
            }
            disk.crash();
        }
        let (_, chain) =
            BlockLog::open(&disk.next_life(), "chain/blocks", &genesis(&wallet)).expect("it opens");
        assert!(heads.contains(&chain.head().hash), "seed {seed}: {heads:?}");
    }
    assert!(kept_in_flight > 5 && lost_in_flight > 5, "{kept_in_flight} kept, {lost_in_flight} lost");
}
