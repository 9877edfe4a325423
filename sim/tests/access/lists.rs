//! Access lists on the chain: the root that counts is the one that the owner set last, as the providers' chain has it.

use super::{NODES, OWNER, get_as, list_of, member, put_protected, support::*};
use alloy::primitives::{Address, B256, U256};
use futures::FutureExt;
use holdfast::{
    actors::client::{ClientError, NoAccess, PutReport},
    chain::{Sender, deploy, view},
    env::Chain,
    limits,
    types::{Access, ListName, ListRoot, PeerId, chain::Contracts},
};
use holdfast_contracts::{
    abi::AccessLists,
    deployment::{self, Circuit, Plan},
};
use holdfast_proofs::access::{AccessKey, AccessList};
use holdfast_sim::{
    NodeNumber,
    cluster::Cluster,
    env::{ChainPlan, SimChain, SimClock, chain::wallet},
    world::{WorldPlan, run},
};
use std::{collections::BTreeSet, rc::Rc, time::Duration};

/// Whose wallet deploys.
const DEPLOYER: u64 = 90;
/// The number of the owner's list.
const LIST: u64 = 7;

fn calm() -> ChainPlan {
    ChainPlan { wallets: DEPLOYER as u32 + 1, ..ChainPlan::default() }
}

/// Nobody's link to the chain is up.
fn out() -> ChainPlan {
    ChainPlan { outage_interval_s: 1e-6, outage_s: 1e6, ..calm() }
}

/// What is replaced is forgotten.
fn forgetful() -> ChainPlan {
    ChainPlan { loss_chance: 1.0, ..calm() }
}

/// Nodes that follow a chain with the contracts on it.
struct Stage {
    cluster: Cluster,
    chain: SimChain,
    /// The account of the owner's node.
    owner: Sender,
    contract: Address,
}

/// Tells a story on a stage of its own.
fn on_stage(seed: u64, story: impl AsyncFnOnce(&Stage) + Send + 'static) {
    run(seed, move || {
        async move {
            let stage = Stage::set(seed).await;
            story(&stage).await;
            stage.cluster.shut_down().await;
            super::end();
        }
        .boxed_local()
    });
}

impl Stage {
    async fn set(seed: u64) -> Self {
        let plan = WorldPlan { chain: Some(calm()), ..proving() };
        let cluster = Cluster::with_boot(plan, seed, Rc::new(super::boot));
        let chain = cluster.chain().expect("the world has a chain");
        // The links of people: outages of nodes' links do not concern them.
        let link: Rc<dyn Chain> = Rc::new(chain.link(NodeNumber(1_000), 0));
        let sender = |number| {
            let wallet = wallet(seed, number);
            Sender::new(link.clone(), Rc::new(SimClock(cluster.time())), wallet)
        };
        let deployer = sender(DEPLOYER);
        let mut settings = deployment::Settings::local(deployer.address());
        settings.circuit = Circuit::Small;
        let plan = Plan::new(settings, link.id(), deployer.address()).expect("a plan");
        let deployed = deploy(&plan, &deployer, 0, |_| {}).await;
        let addresses = deployed.unwrap_or_else(|why| panic!("{why}")).record.addresses;
        let (contract, owner) = (addresses.access_lists, sender(OWNER.0.into()));
        cluster.set_contracts(Contracts { addresses, first_block: 0 });
        populate(&cluster, NODES).await;
        Self { cluster, chain, owner, contract }
    }

    /// The list's name, on a chain.
    fn named(&self, chain: u64) -> Access {
        Access::Listed(ListName { chain, owner: self.owner.address(), list: LIST })
    }

    fn listed(&self) -> Access {
        self.named(calm().id)
    }

    /// Sets the root, and waits until it counts everywhere; the block in which it was set.
    async fn publish(&self, list: &AccessList) -> u64 {
        let root = ListRoot(list.root()).to_bytes().into();
        let block = self.set_root(root).await;
        self.cluster.time().sleep(limits::LIST_TTL).await;
        block
    }

    async fn set_root(&self, root: B256) -> u64 {
        let set = AccessLists::setCall { list: U256::from(LIST), root };
        let sent = self.owner.call(self.contract, &set).await;
        sent.unwrap_or_else(|why| panic!("{why}")).block
    }

    /// The root that the chain has.
    async fn root(&self) -> B256 {
        let call = AccessLists::listOfCall { owner: self.owner.address(), list: U256::from(LIST) };
        view(&**self.owner.chain(), self.contract, &call).await.expect("the chain answers").root
    }

    /// Nodes that hold nothing, the owner excepted: holders of a placement are served for its repair.
    async fn strangers(&self) -> Vec<NodeNumber> {
        let holders = holders(&self.cluster).await;
        let others = self.cluster.up().into_iter();
        others.filter(|node| *node != OWNER && !holders.contains(node)).collect()
    }

    async fn get(
        &self,
        reader: NodeNumber,
        file: &PutReport,
        key: AccessKey,
        list: &AccessList,
    ) -> Result<Vec<u8>, ClientError> {
        get_as(&self.cluster, reader, &file.link, Some((key, list.clone()))).await
    }
}

fn refused(read: Result<Vec<u8>, ClientError>) -> NoAccess {
    match read {
        Err(ClientError::NoAccess(_, why)) => why,
        Err(other) => panic!("refused for another reason: {other}"),
        Ok(_) => panic!("the file is read"),
    }
}

fn other(counts: &AccessList, yours: &AccessList) -> NoAccess {
    NoAccess::OtherList { counts: ListRoot(counts.root()), yours: ListRoot(yours.root()) }
}

#[test]
fn whoever_is_new_in_the_list_is_let_in_and_whoever_is_not_is_out_with_the_next_epoch() {
    on_stage(11, async |stage| {
        let bytes = pattern(390_000);
        let file = put_protected(&stage.cluster, bytes.clone(), stage.listed()).await;
        let strangers = stage.strangers().await;
        let [reader, newcomer, late] = strangers[..3] else { panic!("{strangers:?}") };
        let (before, after) = (list_of(0..20), list_of(10..30));
        let read = stage.get(reader, &file, member(7), &before).await;
        assert_eq!(refused(read), NoAccess::Closed, "a list that was never set");
        stage.publish(&before).await;
        assert!(stage.get(reader, &file, member(7), &before).await.expect("a member") == bytes);
        stage.publish(&after).await;
        assert!(stage.get(reader, &file, member(7), &before).await.expect("let in before") == bytes);
        super::SHOWN.take();
        let read = stage.get(late, &file, member(7), &before).await;
        assert_eq!(refused(read), other(&after, &before), "its pass comes after the list");
        let shown = super::SHOWN.take();
        let providers: BTreeSet<PeerId> = shown.iter().map(|(_, provider, _)| *provider).collect();
        assert_eq!(shown.len(), providers.len(), "a provider that refused a pass was shown another");
        assert!(stage.get(newcomer, &file, member(25), &after).await.expect("a member") == bytes);
        stage.cluster.time().sleep(limits::ACCESS_EPOCH + Duration::from_secs(1)).await;
        let read = stage.get(reader, &file, member(7), &before).await;
        assert_eq!(refused(read), other(&after, &before), "the epoch is over");
        assert!(stage.get(reader, &file, member(25), &after).await.expect("a member") == bytes);
        stage.set_root(B256::ZERO).await;
        stage.cluster.time().sleep(limits::LIST_TTL).await;
        let read = stage.get(late, &file, member(25), &after).await;
        assert_eq!(refused(read), NoAccess::Closed, "nobody is in the list any more");
        assert!(get_as(&stage.cluster, OWNER, &file.link, None).await.expect("its owner") == bytes);
    });
}

#[test]
fn without_the_chain_members_wait_while_the_owner_reads_and_holders_repair() {
    on_stage(12, async |stage| {
        let (bytes, list) = (pattern(390_000), list_of(0..20));
        stage.publish(&list).await;
        let file = put_protected(&stage.cluster, bytes.clone(), stage.listed()).await;
        roots(&stage.cluster, OWNER, file.placement).await;
        // Long enough for holders to hear of one another.
        stage.cluster.time().sleep(Duration::from_secs(300)).await;
        let [reader, before] = stage.strangers().await[..2] else { unreachable!("two are asked for") };
        assert!(stage.get(before, &file, member(3), &list).await.expect("a member") == bytes);
        stage.chain.set_plan(out());
        // What the chain told last is believed for a while.
        stage.cluster.time().sleep(limits::LIST_TTL).await;
        assert!(stage.get(before, &file, member(3), &list).await.expect("let in before") == bytes);
        assert_eq!(refused(stage.get(reader, &file, member(7), &list).await), NoAccess::Unread);
        assert!(get_as(&stage.cluster, OWNER, &file.link, None).await.expect("its owner") == bytes);
        let holding = holders(&stage.cluster).await;
        holding.iter().take(2).for_each(|node| stage.cluster.depart(*node).expect("it exists"));
        while holders(&stage.cluster).await.len() < 5 {
            stage.cluster.time().sleep(Duration::from_secs(30)).await;
        }
        let reader = stage.strangers().await[0];
        assert_eq!(refused(stage.get(reader, &file, member(7), &list).await), NoAccess::Unread);
        stage.chain.set_plan(calm());
        stage.cluster.time().sleep(limits::LIST_TTL).await;
        assert!(stage.get(reader, &file, member(7), &list).await.expect("a member") == bytes);
    });
}

#[test]
fn a_reorganisation_that_undoes_a_list_brings_the_one_before_back() {
    on_stage(13, async |stage| {
        let (bytes, before, after) = (pattern(390_000), list_of(0..20), list_of(10..30));
        stage.publish(&before).await;
        let file = put_protected(&stage.cluster, bytes.clone(), stage.listed()).await;
        let strangers = stage.strangers().await;
        let [first, second, third] = strangers[..3] else { panic!("{strangers:?}") };
        let set = stage.publish(&after).await;
        assert!(stage.get(first, &file, member(25), &after).await.expect("a member") == bytes);
        stage.chain.set_plan(forgetful());
        stage.chain.reorganise(stage.chain.look(|evm| evm.head().header.number) - set + 1);
        assert_eq!(stage.root().await, ListRoot(before.root()).to_bytes());
        stage.cluster.time().sleep(limits::LIST_TTL).await;
        let read = stage.get(second, &file, member(25), &after).await;
        assert_eq!(refused(read), other(&before, &after));
        assert!(stage.get(second, &file, member(7), &before).await.expect("a member again") == bytes);
        stage.publish(&after).await;
        let read = stage.get(third, &file, member(7), &before).await;
        assert_eq!(refused(read), other(&after, &before));
        assert!(stage.get(third, &file, member(25), &after).await.expect("a member") == bytes);
    });
}

#[test]
fn providers_that_do_not_follow_the_chain_of_a_list_let_nobody_in_but_the_owner() {
    on_stage(14, async |stage| {
        let (bytes, list) = (pattern(390_000), list_of(0..20));
        stage.publish(&list).await;
        let file = put_protected(&stage.cluster, bytes.clone(), stage.named(1)).await;
        let reader = stage.strangers().await[0];
        assert_eq!(refused(stage.get(reader, &file, member(7), &list).await), NoAccess::Elsewhere(1));
        assert!(get_as(&stage.cluster, OWNER, &file.link, None).await.expect("its owner") == bytes);
    });
}
