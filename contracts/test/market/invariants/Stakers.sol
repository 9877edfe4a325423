// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import {Stake} from "../../../src/market/Stake.sol";
import {Deed, Scene} from "./Scene.sol";

/// @dev Operators and delegators that stake, announce withdrawals and take them.
abstract contract Stakers is Scene {
    uint256 private constant DEEDS = 5;

    function _stakeOrLeave(uint256 dice) internal {
        for (uint256 turn = 0; turn < DEEDS; turn++) {
            if (_stakedOne((dice % DEEDS + turn) % DEEDS, dice >> 8)) return;
        }
    }

    function _stakedOne(uint256 deed, uint256 dice) private returns (bool) {
        if (deed <= 1) return _withdraw(dice);
        if (deed == 2) return _addStake(dice);
        if (deed == 3) return _unbond(dice);
        return _desert(dice);
    }

    /// @dev One of the four that may hold shares of a provider's pool.
    function holders(uint256 i) internal view returns (address[4] memory) {
        address[2] memory both = operators(i);
        return [both[0], both[1], delegators[0], delegators[1]];
    }

    function _addStake(uint256 dice) private returns (bool) {
        uint256 i = (dice >> 8) % PROVIDERS;
        Stake.Pool memory pool = stake.poolOf(people[i]);
        // A pool that lost nearly all takes none before what is more than dust was withdrawn, and then begins anew.
        bool wiped = pool.shares > 1e11 * uint256(pool.assets);
        if (wiped && pool.assets > 1e15) return false;
        // Less buys no share of a pool that has much and few shares.
        uint256 least = (uint256(pool.assets) + 1) / (uint256(wiped ? 0 : pool.shares) + 1_000) + 1;
        if (least > 500e18) return false;
        // The thin provider adds nothing of its own but what it needs to go on.
        address holder = holders(i)[dice % 4];
        if (i == THIN && dice % 4 < 2 && pool.assets > 300e18) holder = delegators[0];
        if (i != CARELESS && holder == operators(i)[1]) holder = operators(i)[0];
        stakeOn(people[i], holder, bound(dice >> 16, least < 1e9 ? 1e9 : least, 500e18));
        done[Deed.Staked]++;
        return true;
    }

    function _unbond(uint256 dice) private returns (bool) {
        uint256 i = (dice >> 8) % PROVIDERS;
        (address holder, uint256 free) = _withShares(i, dice);
        if (free == 0 || holder == operators(HONEST)[0]) return false;
        vm.prank(holder);
        stake.unbond(people[i], bound(dice >> 16, 1, 1 + free / 3));
        done[Deed.Unbonded]++;
        return true;
    }

    /// @dev An operator that holds slots wants all of its stake back.
    function _desert(uint256 dice) private returns (bool) {
        uint256 i = 1 + dice % (PROVIDERS - 1);
        (address holder, uint256 free) = _withShares(i, 0);
        if (free == 0 || stake.lockedOf(people[i]) == 0 || holder != operators(i)[0]) return false;
        vm.prank(holder);
        stake.unbond(people[i], free);
        done[Deed.Unbonded]++;
        return true;
    }

    /// @dev A holder of shares that it does not withdraw yet, and how many.
    function _withShares(uint256 i, uint256 dice) private view returns (address holder, uint256 free) {
        for (uint256 step = 0; step < 4 && free == 0; step++) {
            holder = holders(i)[(dice % 4 + step) % 4];
            Stake.Position memory position = stake.positionOf(people[i], holder);
            free = position.shares - position.unbonding;
        }
    }

    function _withdraw(uint256 dice) private returns (bool) {
        for (uint256 step = 0; step < 4 * PROVIDERS; step++) {
            uint256 place = (dice % (4 * PROVIDERS) + step) % (4 * PROVIDERS);
            (uint256 i, address holder) = (place / 4, holders(place / 4)[place % 4]);
            Stake.Position memory it = stake.positionOf(people[i], holder);
            if (it.unbonding != 0 && block.number >= it.releaseBlock) return _take(i, holder, it);
        }
        return false;
    }

    /// @dev What collateral needs is kept back; of the rest a holder receives what its shares are worth.
    function _take(uint256 i, address holder, Stake.Position memory before) private returns (bool) {
        uint256 worth = stake.worthOf(people[i], holder) * before.unbonding / before.shares + 2; // twice rounded down
        uint256 had = token.balanceOf(holder);
        vm.prank(holder);
        try stake.withdraw(people[i]) returns (uint256 amount) {
            vm.assertEq(token.balanceOf(holder) - had, amount, "what it says is what it pays");
            vm.assertLe(amount, worth, "no more than its shares are worth");
            tookOut = true;
            uint256 left = stake.positionOf(people[i], holder).unbonding;
            done[left == 0 ? Deed.StakeWithdrawn : Deed.StakeKeptBack]++;
            return true;
        } catch (bytes memory why) {
            vm.assertEq(bytes32(bytes4(why)), bytes32(Stake.BadAmount.selector), "all of it is collateral");
            done[Deed.StakeKeptBack]++;
            return false;
        }
    }
}
