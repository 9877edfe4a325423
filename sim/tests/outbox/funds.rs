//! An account that is nearly empty: what it has pays the base fee, and not twice of it.

use crate::storm::{
    SHARE, Treasurer, account, ask, balanceOfCall, boot, calm, insist, intent, order, transferCall,
};
use alloy::primitives::{Address, U256};
use futures::future::{Either, select};
use holdfast::actors::incentive::{SubmitTransaction, TransactionEnd, TransactionOrder};
use holdfast_sim::{
    cluster::{Cluster, NodeSpec},
    world::{WorldPlan, run},
};
use std::{pin::pin, time::Duration};

const PAYEE: Address = Address::with_last_byte(0xaa);
const GWEI: u64 = 1_000_000_000;
/// Units of gas of a payment of tokens, some more than it takes.
const GAS: u64 = 65_000;

/// The base fee is a gwei, and so is the tip.
#[test]
fn what_the_account_has_is_offered_if_it_pays_the_base_fee() {
    run(1, || {
        Box::pin(async {
            let plan = WorldPlan { chain: Some(calm()), ..WorldPlan::default() };
            let cluster = Cluster::with_boot(plan, 1, boot());
            let chain = cluster.chain().expect("the world has a chain");
            let treasurer = Treasurer::new(&chain, 1);
            let token = treasurer.token();
            treasurer.done();
            let node = cluster.add_node(NodeSpec::default());
            cluster.start(node).await.expect("the node starts");
            let funds = || chain.look(|evm| evm.account(account(1, 0)).balance);
            // What is left after this may cost three gwei a unit of its own gas.
            let left = U256::from(GAS * GWEI * 22 / 10);
            let value = funds() - left;
            let away = TransactionOrder { to: Some(PAYEE), value, gas: Some(21_000), ..Default::default() };
            let away = SubmitTransaction { intent: intent(0, 1), order: away };
            let end = insist(cluster.clone(), 0, away).await;
            assert!(matches!(end, TransactionEnd::Executed { .. }), "{end:?}");
            let (once, twice) = (U256::from(GAS * GWEI), U256::from(3 * GAS * GWEI));
            assert!(funds() > once && funds() < twice, "{} wei", funds());
            let call = transferCall { to: PAYEE, amount: U256::from(SHARE) };
            let mut pay = order(intent(0, 2), token, &call);
            pay.order.gas = Some(GAS);
            let (paying, time) = (pin!(insist(cluster.clone(), 0, pay)), cluster.time());
            let Either::Left((end, _)) = select(paying, time.sleep(Duration::from_secs(3_600))).await else {
                panic!("it is not executed in an hour");
            };
            assert!(matches!(end, TransactionEnd::Executed { .. }), "{end:?}");
            let paid = chain.look(|evm| ask(evm, token, &balanceOfCall { holder: PAYEE }));
            assert_eq!(paid, U256::from(SHARE));
            cluster.shut_down().await;
        })
    });
}
