// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import {Providers} from "../../src/market/Providers.sol";
import {Stake} from "../../src/market/Stake.sol";
import {World} from "../support/World.sol";

contract StakeTest is World {
    uint256 internal constant KEY = 0xB0001;
    address internal constant DELEGATOR = address(0xDE1E);
    address internal provider;

    function setUp() public {
        deploy();
        provider = newProvider(KEY, 1_000e18);
    }

    // --- Identity ---

    function test_an_identity_needs_its_peer_key() public {
        (bytes32 x, bytes32 y) = vmPublicKey(0xB0009);
        address id = peer(0xB0009);
        bytes32 digest = providers.operatorDigest(id, address(this), 0);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(0xB0008, digest);
        vm.expectRevert(abi.encodeWithSelector(Providers.WrongPeerKey.selector, id, peer(0xB0008)));
        providers.setOperator(x, y, address(this), abi.encodePacked(r, s, v));
        (v, r, s) = vm.sign(0xB0009, digest);
        bytes memory signature = abi.encodePacked(r, s, v);
        vm.expectRevert();
        providers.setOperator(x, y, address(0xBAD), signature); // signed for another operator
        vm.expectRevert();
        providers.setOperator(bytes32(uint256(x) + 1), y, address(this), signature); // another key
        providers.setOperator(x, y, address(this), signature);
        vm.assertEq(providers.operatorOf(id), address(this), "operator");
        vm.expectRevert(); // replay
        providers.setOperator(x, y, address(this), signature);
        vm.expectRevert(abi.encodeWithSelector(Providers.BadOffer.selector));
        providers.setOperator(x, y, address(0), signature);
    }

    function test_the_signed_message_is_what_libp2p_signs() public view {
        // libp2p's secp256k1 keys sign SHA-256 of the message; the message is the EIP-712 digest.
        bytes32 kind = keccak256("Operator(address provider,address operator,uint256 nonce)");
        bytes32 domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("Holdfast Providers"),
                keccak256("1"),
                block.chainid,
                address(providers)
            )
        );
        bytes32 what = keccak256(abi.encode(kind, provider, address(1), 7));
        bytes32 expected = sha256(abi.encodePacked(keccak256(abi.encodePacked(hex"1901", domain, what))));
        vm.assertEq(providers.operatorDigest(provider, address(1), 7), expected, "digest");
    }

    function test_only_the_operator_speaks_for_a_provider() public {
        Providers.Offer memory offer = Providers.Offer("eu", 1e12, 1e15, 1_000);
        vm.expectRevert(abi.encodeWithSelector(Providers.NotOperator.selector, provider, address(this)));
        providers.setOffer(provider, offer, "");
        vm.expectRevert(abi.encodeWithSelector(Providers.NotOperator.selector, provider, address(this)));
        providers.setExiting(provider, true);
        vm.startPrank(operator(KEY));
        vm.expectRevert(abi.encodeWithSelector(Providers.BadOffer.selector));
        providers.setOffer(provider, offer, new bytes(513));
        offer.commissionBps = 10_001;
        vm.expectRevert(abi.encodeWithSelector(Providers.BadOffer.selector));
        providers.setOffer(provider, offer, "");
        offer.commissionBps = 10_000;
        providers.setOffer(provider, offer, "endpoint");
        vm.stopPrank();
        vm.expectRevert(abi.encodeWithSelector(Providers.NotOperator.selector, address(5), address(0)));
        providers.requireOperator(address(5), address(0));
        vm.assertTrue(!providers.takesSlots(address(5)), "nobody takes slots");
    }

    function test_a_higher_commission_waits_until_delegators_could_leave() public {
        setCommission(2_000);
        vm.assertEq(providers.commissionBps(provider), 0, "not yet");
        vm.roll(block.number + 499);
        vm.assertEq(providers.commissionBps(provider), 0, "not yet");
        setCommission(3_000); // the wait begins anew
        vm.roll(block.number + 499);
        vm.assertEq(providers.commissionBps(provider), 0, "not yet");
        vm.roll(block.number + 1);
        vm.assertEq(providers.commissionBps(provider), 3_000, "now");
        setCommission(1_000);
        vm.assertEq(providers.commissionBps(provider), 1_000, "a lower one at once");
    }

    function setCommission(uint16 bps) private {
        vm.prank(operator(KEY));
        providers.setOffer(provider, Providers.Offer("eu", 1e12, 1e15, bps), "");
    }

    // --- Staking ---

    function test_stake_waits_unbonds_and_returns() public {
        stakeOn(provider, DELEGATOR, 500e18);
        uint256 shares = stake.positionOf(provider, DELEGATOR).shares;
        vm.startPrank(DELEGATOR);
        vm.expectRevert(abi.encodeWithSelector(Stake.BadAmount.selector, shares + 1, shares));
        stake.unbond(provider, shares + 1);
        vm.expectRevert(abi.encodeWithSelector(Stake.BadAmount.selector, 0, 0));
        stake.withdraw(provider);
        stake.unbond(provider, shares);
        vm.expectRevert(abi.encodeWithSelector(Stake.BadAmount.selector, 1, 0));
        stake.unbond(provider, 1);
        vm.expectRevert(abi.encodeWithSelector(Stake.StillUnbonding.selector, block.number + 500));
        stake.withdraw(provider);
        vm.roll(block.number + 499);
        vm.expectRevert(abi.encodeWithSelector(Stake.StillUnbonding.selector, block.number + 1));
        stake.withdraw(provider);
        vm.roll(block.number + 1);
        stake.withdraw(provider);
        vm.stopPrank();
        vm.assertEq(token.balanceOf(DELEGATOR), 500e18, "all of it");
        vm.assertEq(stake.poolOf(provider).unbondingShares, 0, "and no more is being withdrawn");
    }

    function test_nothing_nobody_and_too_much_are_refused() public {
        vm.expectRevert(abi.encodeWithSelector(Stake.UnknownProvider.selector, address(1)));
        stake.stake(address(1), 1);
        vm.expectRevert(abi.encodeWithSelector(Stake.BadAmount.selector, 0, 0));
        stake.stake(provider, 0);
        vm.expectRevert();
        stake.stake(provider, type(uint256).max);
        vm.expectRevert(abi.encodeWithSelector(Stake.BadAmount.selector, 0, 0));
        stake.unbond(provider, 0);
    }

    function test_collateral_cannot_be_withdrawn() public {
        uint256 agreement = openAgreement(terms());
        for (uint256 i = 0; i < 4; i++) {
            fill(agreement, i, KEY);
        }
        uint256 shares = stake.positionOf(provider, operator(KEY)).shares;
        vm.prank(operator(KEY));
        stake.unbond(provider, shares);
        vm.assertEq(stake.freeStake(provider), 0, "backs nothing new");
        vm.assertTrue(!stake.covered(provider), "and what it backs is leaving");
        vm.roll(block.number + 500);
        vm.prank(operator(KEY));
        uint256 paid = stake.withdraw(provider);
        vm.assertLe(paid, 600e18, "the free part");
        vm.assertGe(paid, 600e18 - 1e3, "the free part");
        vm.assertGe(stake.poolOf(provider).assets, stake.lockedOf(provider), "collateral is there");
        vm.prank(operator(KEY));
        vm.expectRevert();
        stake.withdraw(provider);
    }

    function test_a_gift_cannot_steal_the_next_stake() public {
        // The first staker takes one share and makes it dear by a reward to the pool; the next one loses no more than dust.
        address victim = address(0x71C);
        address fresh = register(0xB0005);
        stakeOn(fresh, DELEGATOR, 1);
        give(address(stake), 1_000e18);
        vm.prank(address(market));
        stake.reward(fresh, 1_000e18);
        stakeOn(fresh, victim, 1_000e18);
        vm.assertGe(stake.worthOf(fresh, victim), 998e18, "the victim keeps its stake");
        vm.assertLe(stake.worthOf(fresh, DELEGATOR), 501e18, "half of the gift is lost");
    }

    function test_fees_are_shared_and_commission_is_the_operators() public {
        setCommission(1_000);
        vm.roll(block.number + 500);
        stakeOn(provider, DELEGATOR, 1_000e18);
        give(address(stake), 100e18);
        vm.prank(address(market));
        stake.reward(provider, 100e18);
        vm.assertEq(stake.poolOf(provider).fees, 10e18, "a tenth");
        vm.assertGe(stake.worthOf(provider, DELEGATOR), 1_045e18 - 1e4, "half of the rest");
        vm.assertLe(stake.worthOf(provider, DELEGATOR), 1_045e18, "half of the rest");
        vm.expectRevert(abi.encodeWithSelector(Providers.NotOperator.selector, provider, address(this)));
        stake.takeFees(provider);
        vm.prank(operator(KEY));
        stake.takeFees(provider);
        vm.assertEq(token.balanceOf(operator(KEY)), 10e18, "paid");
        vm.prank(operator(KEY));
        vm.assertEq(stake.takeFees(provider), 0, "once");
    }

    function test_a_pool_that_lost_most_of_what_others_staked_goes_on() public {
        address fresh = newProvider(0xB0006, 60e18);
        stakeOn(fresh, DELEGATOR, 40e18);
        give(address(this), 2e18);
        token.approve(address(stake), 2e18);
        seizeAll(fresh, 99e18);
        Stake.Pool memory pool = stake.poolOf(fresh);
        vm.assertEq(pool.assets, 1e18, "one of forty is left");
        vm.assertEq(stake.positionOf(fresh, operator(0xB0006)).shares, 0, "and none of the operator's");
        stake.stake(fresh, 1e18);
        vm.assertGe(stake.worthOf(fresh, address(this)), 1e18 - 1e3, "worth what it was");
    }

    function seizeAll(address fresh, uint256 amount) private {
        vm.startPrank(address(market));
        stake.lock(fresh, amount);
        stake.release(fresh, amount, amount);
        vm.stopPrank();
    }

    /// @dev Where nobody else staked, a provider that lost everything may begin again.
    function test_a_pool_without_others_begins_anew() public {
        address fresh = newProvider(0xB0006, 100e18);
        seizeAll(fresh, 100e18 - 1);
        vm.assertLe(stake.poolOf(fresh).assets, 1, "lost");
        stakeOn(fresh, operator(0xB0006), 5e18);
        vm.assertGe(stake.worthOf(fresh, operator(0xB0006)), 5e18 - 1e3, "new stake is worth what it was");
    }

    /// @dev Whatever is locked, slashed and released in whatever order, the pool holds its collateral and nobody gains.
    function testFuzz_units_never_exceed_what_is_locked(uint96[6] memory amounts, uint16[6] memory cuts) public {
        uint256[6] memory units;
        for (uint256 i = 0; i < 6; i++) {
            uint256 free = stake.freeStake(provider);
            uint256 amount = bound(amounts[i], 1, 150e18);
            if (amount > free) continue;
            vm.startPrank(address(market));
            units[i] = stake.lock(provider, amount);
            vm.assertLe(stake.collateralOf(provider, units[i]), amount, "worth no more than was locked");
            vm.stopPrank();
            uint256 cut = stake.lockedOf(provider) * (cuts[i] % 5_000) / 10_000;
            vm.prank(address(challenges));
            stake.penalise(provider, cut, REPORTER, 1);
        }
        uint256 sum = 0;
        for (uint256 i = 0; i < 6; i++) {
            sum += stake.collateralOf(provider, units[i]);
        }
        vm.assertLe(sum, stake.lockedOf(provider), "the parts are no more than the whole");
        for (uint256 i = 0; i < 6; i++) {
            vm.prank(address(market));
            stake.release(provider, units[i], 0);
        }
        vm.assertEq(stake.lockedOf(provider), 0, "all released");
        vm.assertEq(token.balanceOf(address(stake)), stake.poolOf(provider).assets, "the pool's money is there");
    }
}
