// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import {IMarket} from "../../src/market/IMarket.sol";
import {Stake} from "../../src/market/Stake.sol";
import {World} from "../support/World.sol";

/// @dev An operator acts, others carry the risk: what is lost is the operator's first, and nothing that comes back of a loss
/// can be more than what it lost itself.
contract OwnStakeTest is World {
    uint256 internal constant KEY = 0xB0001;
    uint256 internal constant OTHER = 0xB0002;
    address internal constant DELEGATOR = address(0xDE1E);
    address internal provider;

    function setUp() public {
        deploy();
        provider = newProvider(KEY, 55e18);
        stakeOn(provider, DELEGATOR, 45e18);
    }

    function own() private view returns (uint256) {
        return stake.worthOf(provider, operator(KEY));
    }

    function test_collateral_needs_own_stake() public {
        vm.assertGe(stake.freeStake(provider), 100e18 - 1e3, "55 of its own back 100");
        stakeOn(provider, DELEGATOR, 1_000e18);
        vm.assertGe(stake.freeStake(provider), 100e18 - 1e3, "and no more, however much others stake");
        vm.assertLe(stake.freeStake(provider), 100e18, "and no more, however much others stake");
        uint256 agreement = openAgreement(terms());
        stakeOn(provider, operator(KEY), 1e18);
        fill(agreement, 0, KEY);
        vm.assertLe(stake.freeStake(provider), 2e18, "nearly used up");
        bytes32 root = rootFor(agreement, 1, provider);
        bytes32 digest = market.approvalDigest(agreement, 1, provider, root, root);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(OWNER_KEY, digest);
        uint256 free = stake.freeStake(provider);
        vm.expectRevert(abi.encodeWithSelector(Stake.BadAmount.selector, 100e18, free));
        vm.prank(operator(KEY));
        market.fill(agreement, 1, provider, root, root, abi.encodePacked(r, s, v));
    }

    function test_own_stake_loses_first_and_then_the_others() public {
        vm.prank(address(market));
        stake.lock(provider, 99e18);
        vm.prank(address(challenges));
        stake.penalise(provider, 50e18, address(0), 0);
        vm.assertGe(stake.worthOf(provider, DELEGATOR), 45e18 - 1e3, "the delegator lost nothing");
        vm.assertLe(own(), 5e18, "the operator did");
        vm.assertGe(own(), 5e18 - 1e3, "as much as was taken");
        vm.prank(address(challenges));
        stake.penalise(provider, 15e18, address(0), 0);
        vm.assertEq(own(), 0, "nothing is left");
        vm.assertGe(stake.worthOf(provider, DELEGATOR), 35e18 - 1e4, "and now the delegator pays");
        vm.assertLe(stake.worthOf(provider, DELEGATOR), 35e18, "and now the delegator pays");
    }

    function test_own_stake_that_is_being_withdrawn_is_slashed() public {
        vm.prank(address(market));
        stake.lock(provider, 90e18);
        uint256 shares = stake.positionOf(provider, operator(KEY)).shares;
        vm.prank(operator(KEY));
        stake.unbond(provider, shares);
        vm.prank(address(challenges));
        stake.penalise(provider, 33e18, address(0), 0);
        Stake.Position memory position = stake.positionOf(provider, operator(KEY));
        vm.assertEq(position.unbonding, position.shares, "no more is withdrawn than is there");
        vm.assertEq(stake.poolOf(provider).unbondingShares, position.shares, "nor counted");
        vm.assertGe(own(), 22e18 - 1e3, "22 are left");
        vm.assertLe(own(), 22e18, "22 are left");
    }

    function test_others_stake_that_is_being_withdrawn_is_slashed_when_own_stake_is_gone() public {
        vm.prank(address(market));
        stake.lock(provider, 99e18);
        uint256 shares = stake.positionOf(provider, DELEGATOR).shares;
        vm.prank(DELEGATOR);
        stake.unbond(provider, shares);
        vm.prank(address(challenges));
        stake.penalise(provider, 75e18, address(0), 0);
        vm.assertLe(stake.worthOf(provider, DELEGATOR), 25e18, "twenty of its own");
        vm.assertGe(stake.worthOf(provider, DELEGATOR), 25e18 - 1e4, "twenty of its own");
    }

    function test_the_operator_withdraws_only_what_it_need_not_cover() public {
        stakeOn(provider, DELEGATOR, 1_000e18);
        vm.prank(address(market));
        stake.lock(provider, 80e18);
        uint256 shares = stake.positionOf(provider, operator(KEY)).shares;
        vm.startPrank(operator(KEY));
        stake.unbond(provider, shares);
        vm.assertTrue(!stake.covered(provider), "what leaves covers nothing");
        vm.roll(block.number + 500);
        uint256 paid = stake.withdraw(provider);
        vm.assertLe(paid, 11e18, "44 of 55 stay");
        vm.assertGe(paid, 11e18 - 1e3, "44 of 55 stay");
        vm.expectRevert();
        stake.withdraw(provider);
        vm.stopPrank();
        vm.prank(address(market));
        stake.release(provider, 80e18, 0);
        vm.prank(operator(KEY));
        vm.assertGe(stake.withdraw(provider), 44e18 - 1e3, "until the collateral is free");
    }

    function test_a_new_operator_does_not_relieve_the_one_that_backed_the_collateral() public {
        vm.prank(address(market));
        uint256 units = stake.lock(provider, 90e18);
        hand(address(0x0B));
        vm.prank(address(challenges));
        stake.penalise(provider, 50e18, address(0), 0);
        vm.assertGe(stake.worthOf(provider, DELEGATOR), 45e18 - 1e3, "the delegator lost nothing");
        vm.assertEq(stake.freeStake(provider), 0, "nothing more is locked on what is left");
        vm.prank(address(market));
        stake.release(provider, units, 0);
        vm.assertEq(stake.freeStake(provider), 0, "the new operator has nothing of its own");
        stakeOn(provider, address(0x0B), 11e18);
        vm.assertGe(stake.freeStake(provider), 20e18 - 1e3, "now it has");
    }

    function test_who_backed_the_first_of_the_collateral_backs_all_that_follows() public {
        vm.prank(address(market));
        stake.lock(provider, 40e18);
        hand(address(0x0B));
        vm.assertTrue(stake.covered(provider), "by the old operator's stake");
        vm.prank(address(market));
        stake.lock(provider, 10e18);
        vm.assertTrue(stake.covered(provider), "and still by it");
        vm.prank(address(challenges));
        stake.penalise(provider, 50e18, address(0), 0);
        vm.assertGe(stake.worthOf(provider, DELEGATOR), 45e18 - 1e3, "the delegator lost nothing");
    }

    function test_what_others_are_withdrawing_backs_nothing_new() public {
        uint256 shares = stake.positionOf(provider, DELEGATOR).shares;
        vm.prank(DELEGATOR);
        stake.unbond(provider, shares);
        vm.assertLe(stake.freeStake(provider), 55e18, "its own alone");
    }

    /// @dev The peer key names another operator.
    function hand(address next) private {
        (bytes32 x, bytes32 y) = vmPublicKey(KEY);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(KEY, providers.operatorDigest(provider, next, 1));
        providers.setOperator(x, y, next, abi.encodePacked(r, s, v));
    }

    /// @dev An operator that is the owner as well broke its own agreement for a refund of all collateral, others' included.
    function test_a_refund_cannot_be_paid_with_what_others_staked() public {
        stakeOn(provider, operator(KEY), 55e18);
        IMarket.Terms memory greedy = terms();
        (greedy.refund, greedy.slaBps) = (greedy.collateral, 10_000);
        uint256 agreement = openAgreement(greedy);
        fill(agreement, 0, KEY);
        uint256 before = own();
        missedWindow();
        goTo(21);
        vm.roll(block.number + OPEN);
        market.finish(agreement, 0);
        vm.assertGe(stake.worthOf(provider, DELEGATOR), 45e18 - 1e3, "the delegator lost nothing");
        vm.assertLe(market.credits(owner) + own(), before, "and nobody gained");
        vm.assertEq(market.credits(owner), 99e18 * 55 / 100, "55 of 100 of the collateral left");
    }

    /// @dev Nor by failing, with friends as owner and repairer: the delegator bears a part of what burned, and that is all.
    function test_a_failure_pays_no_conspiracy() public {
        stakeOn(provider, operator(KEY), 1e18);
        stakeOn(provider, DELEGATOR, 900e18);
        newProvider(OTHER, 200e18);
        IMarket.Terms memory greedy = terms();
        (greedy.repairReward, greedy.refund) = (greedy.collateral, greedy.collateral);
        uint256 agreement = openAgreement(greedy);
        fill(agreement, 0, KEY);
        uint256 before = own() + stake.worthOf(peer(OTHER), operator(OTHER));
        for (uint256 i = 0; i < 3; i++) {
            missedWindow();
        }
        market.evict(agreement, 0);
        vm.startPrank(operator(OTHER));
        market.reserve(agreement, 0, peer(OTHER));
        market.refill(agreement, 0, bytes32(uint256(1)));
        vm.stopPrank();
        provenWindow(peer(OTHER));
        market.settle(agreement, 0);
        uint256 price = 1e18; // the owner's own money, back by the window that was proven
        uint256 afterwards = own() + stake.worthOf(peer(OTHER), operator(OTHER)) + market.credits(owner);
        vm.assertLe(afterwards, before + price, "the conspiracy lost more than it received");
    }

    /// @dev Whatever is locked and lost, and though the most the bounds allow comes back to friends of the operator, it and
    /// they never have more than before, and others never lose while it has anything left.
    function testFuzz_losing_never_pays(uint96 owned, uint96 delegated, uint96[4] memory sums, uint16[4] memory cuts)
        public
    {
        address fresh = newProvider(0xB0009, bound(owned, 1e9, 1e24));
        stakeOn(fresh, DELEGATOR, bound(delegated, 1e9, 1e24));
        uint256 before = stake.worthOf(fresh, operator(0xB0009));
        uint256 others = stake.worthOf(fresh, DELEGATOR);
        uint256 back = 0;
        uint256[4] memory units;
        for (uint256 i = 0; i < 4; i++) {
            uint256 free = stake.freeStake(fresh);
            if (free == 0) break;
            vm.startPrank(address(market));
            units[i] = stake.lock(fresh, bound(sums[i], 1, free));
            vm.stopPrank();
            uint256 cut = stake.lockedOf(fresh) * (cuts[i] % 5_000) / 10_000;
            vm.prank(address(challenges));
            back += stake.penalise(fresh, cut, REPORTER, cut / 2) / 2;
        }
        for (uint256 i = 0; i < 4; i++) {
            uint256 take = stake.collateralOf(fresh, units[i]) * (cuts[i] % 10_001) / 10_000;
            vm.prank(address(market));
            back += stake.release(fresh, units[i], take) * 55 / 100;
        }
        uint256 left = stake.worthOf(fresh, operator(0xB0009));
        vm.assertLe(left + back, before + 10, "no gain beyond rounding");
        if (left > 1e6) vm.assertGe(stake.worthOf(fresh, DELEGATOR) + others / 1e6 + 1e4, others, "others lose last");
    }
}
