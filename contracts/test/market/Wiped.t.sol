// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import {Stake} from "../../src/market/Stake.sol";
import {World} from "../support/World.sol";

/// @dev Pools and collateral that lost all or nearly all: whoever comes after is neither refused without a reason nor robbed.
contract WipedTest is World {
    uint256 internal constant KEY = 0xB0001;
    address internal constant DELEGATOR = address(0xDE1E);
    address internal constant LATER = address(0x1A7E);
    address internal provider;

    function setUp() public {
        deploy();
        provider = newProvider(KEY, 60e18);
        stakeOn(provider, DELEGATOR, 40e18);
    }

    function lock(uint256 amount) private returns (uint256) {
        vm.prank(address(market));
        return stake.lock(provider, amount);
    }

    function release(uint256 units, uint256 take) private {
        vm.prank(address(market));
        stake.release(provider, units, take);
    }

    function penalise(uint256 amount) private {
        vm.prank(address(challenges));
        stake.penalise(provider, amount, address(0), 0);
    }

    // --- Pools ---

    /// @dev Shares without any assets have no price: the next stake voids them, and is hindered by none of their holders.
    function test_a_pool_that_lost_everything_begins_anew() public {
        uint256 units = lock(100e18);
        uint256 shares = stake.positionOf(provider, DELEGATOR).shares;
        vm.prank(DELEGATOR);
        stake.unbond(provider, shares / 2);
        release(units, 100e18);
        give(operator(KEY), 1_000e18);
        vm.startPrank(operator(KEY));
        token.approve(address(stake), 1_000e18);
        vm.expectEmit(true, true, true, true);
        emit Stake.BegunAnew(provider, shares, 0);
        stake.stake(provider, 1_000e18);
        vm.stopPrank();
        Stake.Pool memory pool = stake.poolOf(provider);
        vm.assertEq(pool.shares, stake.positionOf(provider, operator(KEY)).shares, "all are the operator's");
        vm.assertEq(pool.unbondingShares + stake.positionOf(provider, DELEGATOR).shares, 0, "those before are void");
        vm.assertEq(pool.generation, 1, "it began anew once");
        vm.assertGe(stake.worthOf(provider, operator(KEY)), 1_000e18 - 1e3, "worth what it was");
        vm.assertGe(stake.freeStake(provider), 1_000e18 - 1e3, "and backs as much");
        vm.roll(block.number + 500);
        vm.expectRevert(abi.encodeWithSelector(Stake.BadAmount.selector, 0, 0));
        vm.prank(DELEGATOR);
        stake.withdraw(provider);
    }

    /// @dev New shares beside those of 40 HOLD that are worth 1,000 units would exceed 128 bits.
    function test_a_pool_that_lost_nearly_all_is_staked_on_again() public {
        release(lock(100e18), 100e18 - 1_000);
        vm.assertGe(stake.worthOf(provider, DELEGATOR), 999, "this is left");
        stakeOn(provider, LATER, 1_000e18);
        vm.assertGe(stake.worthOf(provider, LATER), 1_000e18 - 1e3, "worth what it was");
        vm.assertEq(stake.worthOf(provider, DELEGATOR), 0, "and nothing of it is another's");
    }

    /// @dev The whole supply can be staked beside shares that lost all but a hundred-millionth.
    function test_shares_are_kept_down_to_a_hundred_millionth() public {
        release(lock(100e18), 100e18 - 4e11);
        uint256 rest = token.balanceOf(TREASURY);
        stakeOn(provider, LATER, rest);
        vm.assertGe(stake.worthOf(provider, LATER), rest - 1, "worth what it was");
        vm.assertGe(stake.worthOf(provider, DELEGATOR), 4e11 - 1, "as is what was left");
        vm.assertEq(stake.poolOf(provider).generation, 0, "of the same pool");
    }

    function test_shares_are_void_one_below_a_hundred_millionth() public {
        release(lock(100e18), 100e18 - 4e11 + 1);
        stakeOn(provider, LATER, 1e18);
        vm.assertEq(stake.poolOf(provider).generation, 1, "it began anew");
        vm.assertEq(stake.worthOf(provider, DELEGATOR), 0, "shares are void");
    }

    /// @dev A pool of 300,000 HOLD, of which the operator staked the most and `left` is left.
    function loseBig(uint256 left) private {
        stakeOn(provider, operator(KEY), 300_000e18);
        stakeOn(provider, DELEGATOR, 200_000e18);
        uint256 units = lock(stake.freeStake(provider));
        release(units, stake.poolOf(provider).assets - left);
    }

    function test_dust_is_void() public {
        loseBig(1e15);
        stakeOn(provider, LATER, 1e18);
        vm.assertGe(stake.worthOf(provider, LATER), 1e18 - 1e13, "worth what it was");
        vm.assertEq(stake.poolOf(provider).generation, 1, "it began anew");
    }

    /// @dev More than dust is not taken from its holder, but no share is beside its own until it is withdrawn.
    function test_more_than_dust_is_withdrawn_first() public {
        loseBig(1e15 + 1);
        give(LATER, 1e18);
        vm.prank(LATER);
        token.approve(address(stake), 1e18);
        vm.expectRevert(abi.encodeWithSelector(Stake.PoolWiped.selector, provider));
        vm.prank(LATER);
        stake.stake(provider, 1e18);
        uint256 shares = stake.positionOf(provider, DELEGATOR).shares;
        vm.prank(DELEGATOR);
        stake.unbond(provider, shares);
        vm.roll(block.number + 500);
        vm.prank(DELEGATOR);
        vm.assertGe(stake.withdraw(provider), 1e15 - 1, "what it was worth");
        vm.prank(LATER);
        stake.stake(provider, 1e18);
        vm.assertGe(stake.worthOf(provider, LATER), 1e18 - 1e3, "worth what it was");
    }

    /// @dev Whatever a pool lost, and how often, new stake is worth what was paid, and no more than dust was taken from anybody
    /// for it; or it is refused by name, and more than dust is somebody's.
    function testFuzz_whatever_was_lost_new_stake_is_worth_its_price(uint96[4] memory sums, uint96[4] memory left)
        public
    {
        for (uint256 i = 0; i < 4; i++) {
            uint256 free = stake.freeStake(provider);
            uint256 units = lock(free);
            penalise(free - bound(left[i], 0, free));
            release(units, 0);
            uint256 others = stake.worthOf(provider, DELEGATOR);
            address holder = address(uint160(LATER) + uint160(i));
            uint256 sum = bound(sums[i], 1e18, 1e24);
            give(holder, sum);
            vm.startPrank(holder);
            token.approve(address(stake), sum);
            try stake.stake(provider, sum) {
                vm.stopPrank();
                vm.assertGe(stake.worthOf(provider, holder), sum - sum / 1e5, "worth what it was");
                vm.assertGe(stake.worthOf(provider, DELEGATOR) + 1e15, others, "dust is all that others lost");
            } catch (bytes memory why) {
                bytes memory wiped = abi.encodeWithSelector(Stake.PoolWiped.selector, provider);
                vm.assertEq(keccak256(why), keccak256(wiped), "by name");
                vm.assertGt(stake.poolOf(provider).assets, 1e15, "more than dust is somebody's");
                return;
            }
            stakeOn(provider, operator(KEY), 2 * sum);
        }
    }

    // --- Collateral ---

    function test_nothing_is_locked_beside_collateral_that_is_gone() public {
        uint256 units = lock(50e18);
        penalise(50e18);
        vm.assertEq(stake.freeStake(provider), 0, "backs nothing new");
        vm.expectRevert(abi.encodeWithSelector(Stake.CollateralWiped.selector, provider));
        lock(1e18);
        release(units, 0);
        vm.assertGe(stake.freeStake(provider), 18e18, "the ten that are left of its own back eighteen");
        vm.assertEq(lock(1e18), 1e18, "as if nothing had been locked before");
    }

    function test_collateral_is_gone_below_a_hundred_billionth() public {
        lock(50e18);
        penalise(50e18 - 5e8);
        uint256 units = lock(1e18);
        vm.assertEq(stake.collateralOf(provider, units), 1e18, "worth what it was");
    }

    function test_collateral_is_gone_one_below_a_hundred_billionth() public {
        lock(50e18);
        penalise(50e18 - 5e8 + 1);
        vm.assertEq(stake.freeStake(provider), 0, "backs nothing new");
        vm.expectRevert(abi.encodeWithSelector(Stake.CollateralWiped.selector, provider));
        lock(1e18);
    }

    /// @dev It gives up the slots that lost their collateral, and goes on.
    function test_a_provider_whose_collateral_is_gone_takes_slots_again() public {
        uint256 agreement = openAgreement(terms());
        fill(agreement, 0, KEY);
        penalise(100e18);
        stakeOn(provider, operator(KEY), 200e18);
        bytes32 root = rootFor(agreement, 1, provider);
        bytes32 digest = market.approvalDigest(agreement, 1, provider, root, root);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(OWNER_KEY, digest);
        vm.startPrank(operator(KEY));
        vm.expectRevert(abi.encodeWithSelector(Stake.CollateralWiped.selector, provider));
        market.fill(agreement, 1, provider, root, root, abi.encodePacked(r, s, v));
        market.declareFault(agreement, 0);
        market.fill(agreement, 1, provider, root, root, abi.encodePacked(r, s, v));
        vm.stopPrank();
        vm.assertEq(stake.lockedOf(provider), 100e18, "collateral of the new slot");
    }
}
