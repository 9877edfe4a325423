// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import {Challenges} from "../../../src/market/Challenges.sol";
import {Channels} from "../../../src/market/Channels.sol";
import {IMarket} from "../../../src/market/IMarket.sol";
import {Stake} from "../../../src/market/Stake.sol";
import {Cheats} from "./Cheats.sol";
import {Deed} from "./Scene.sol";
import {Stakers} from "./Stakers.sol";

/// @dev What must hold after every action: the books of each contract that holds money, each against its balance.
abstract contract Books is Cheats, Stakers {
    /// @dev A pool after the action before this one.
    struct Kept {
        uint128 assets;
        uint128 shares;
        uint128 unbonding;
        uint128 own; // shares of its operators
    }

    Kept[PROVIDERS] private kept;

    function checkBooks() external view {
        IMarket.Slot[] memory slots = _checkMarket();
        _checkStake(slots);
        _checkChannels();
        _checkSupply();
    }

    function _checkMarket() private view returns (IMarket.Slot[] memory slots) {
        uint256 held = market.credits(vm.addr(ownerKeys[0])) + market.credits(vm.addr(ownerKeys[1]));
        uint256 bonds = 0;
        slots = new IMarket.Slot[](live.length * SLOTS);
        for (uint256 place = 0; place < live.length; place++) {
            IMarket.Agreement memory it = market.agreementOf(live[place]);
            vm.assertEq(it.escrow, escrowed[live[place]], "escrow is what was paid in less what proofs earned");
            (uint256 pots, uint256 active) = (0, 0);
            for (uint256 index = 0; index < SLOTS; index++) {
                IMarket.Slot memory slot = market.slotOf(live[place], index);
                slots[place * SLOTS + index] = slot;
                (pots, active) = (pots + slot.pot, active + (slot.state == IMarket.State.Active ? 1 : 0));
                uint256 bond = disputes.disputeOf(live[place], index).bond;
                vm.assertTrue(slot.disputed == (bond != 0), "a slot is held as long as a dispute runs");
                bonds += bond;
            }
            vm.assertEq(active, it.active, "slots in use");
            if (!it.closed) vm.assertEq(pots, it.pots, "rewards set aside");
            held += it.escrow + it.pots;
        }
        _checkLedger(held);
        _checkDisputes(bonds);
    }

    function _checkLedger(uint256 held) private view {
        IMarket.Ledger memory ledger = market.ledger();
        uint256 balance = token.balanceOf(address(market));
        vm.assertEq(balance, held, "what the market holds is escrow, rewards set aside and credits");
        uint256 gone = uint256(ledger.paid) + ledger.burned + ledger.refunded;
        vm.assertEq(ledger.received, balance + gone, "received = held + paid + burned + refunded");
        vm.assertEq(ledger.refunded, refunded, "refunded is what owners took out");
    }

    function _checkDisputes(uint256 bonds) private view {
        bonds += disputes.credits(challengers[0]) + disputes.credits(challengers[1]);
        for (uint256 i = 0; i < PROVIDERS; i++) {
            bonds += disputes.credits(operators(i)[0]) + disputes.credits(operators(i)[1]);
        }
        vm.assertEq(token.balanceOf(address(disputes)), bonds, "what disputes hold is bonds and credits");
    }

    function _checkStake(IMarket.Slot[] memory slots) private view {
        uint256 pools = 0;
        for (uint256 i = 0; i < PROVIDERS; i++) {
            Stake.Pool memory pool = stake.poolOf(people[i]);
            pools += uint256(pool.assets) + pool.fees;
            vm.assertGe(pool.assets, pool.lockedAssets, "collateral is there");
            (uint256 shares, uint256 unbonding) = (0, 0);
            address[4] memory all = holders(i);
            for (uint256 h = 0; h < 4; h++) {
                Stake.Position memory it = stake.positionOf(people[i], all[h]);
                vm.assertGe(it.shares, it.unbonding, "nobody withdraws more than it has");
                (shares, unbonding) = (shares + it.shares, unbonding + it.unbonding);
            }
            vm.assertEq(shares, pool.shares, "every share is somebody's");
            vm.assertEq(unbonding, pool.unbondingShares, "and so is every share that leaves");
            _checkUnits(people[i], pool.lockedUnits, slots);
        }
        vm.assertEq(token.balanceOf(address(stake)), pools, "the pools' money is there, no more and no less");
    }

    function _checkUnits(address provider, uint256 locked, IMarket.Slot[] memory slots) private view {
        (uint256 units, uint256 held) = (0, 0);
        for (uint256 place = 0; place < slots.length; place++) {
            bool holds = slots[place].provider == provider && slots[place].state == IMarket.State.Active;
            if (holds) (units, held) = (units + slots[place].units, held + 1);
            if (slots[place].reserver == provider) units += slots[place].bondUnits;
        }
        vm.assertEq(units, locked, "every unit belongs to a slot or a bond");
        Challenges.Book memory book = challenges.bookOf(provider);
        vm.assertEq(book.count, held, "every slot is in its provider's set");
        if (provider != people[HONEST]) return;
        vm.assertTrue(book.lastMiss == 0 && book.level == 0 && !book.evicted, "the honest provider missed nothing");
    }

    function _checkChannels() private view {
        uint256 rest = 0;
        for (uint256 i = 0; i < openChannels.length; i++) {
            Channels.Channel memory it = channels.channelOf(openChannels[i]);
            vm.assertGe(it.deposit, it.redeemed, "no more is redeemed than was deposited");
            rest += it.deposit - it.redeemed;
        }
        vm.assertEq(token.balanceOf(address(channels)), rest, "what channels hold is what was not redeemed");
    }

    /// @dev Every token is somebody's: none went to where nobody can take it.
    function _checkSupply() private view {
        uint256 sum = token.balanceOf(TREASURY) + token.balanceOf(REPORTER) + token.balanceOf(vm.addr(PAYER_KEY));
        for (uint256 i = 0; i < 2; i++) {
            sum += token.balanceOf(vm.addr(ownerKeys[i]));
            sum += token.balanceOf(delegators[i]) + token.balanceOf(challengers[i]);
        }
        for (uint256 i = 0; i < PROVIDERS; i++) {
            sum += token.balanceOf(operators(i)[0]) + token.balanceOf(operators(i)[1]);
        }
        sum += token.balanceOf(address(market)) + token.balanceOf(address(stake));
        sum += token.balanceOf(address(disputes)) + token.balanceOf(address(channels));
        vm.assertEq(sum, token.totalSupply(), "every token is somebody's");
        vm.assertEq(token.balanceOf(STRANGER), 0, "and nothing is a stranger's");
    }

    /// @dev Compares every pool with what it was before the action: a share is never worth less, unless its operator has none
    /// left to lose first; and the honest provider's are all there, but for what a griefer paid as much for.
    function _compare() internal {
        for (uint256 i = 0; i < PROVIDERS; i++) {
            Stake.Pool memory pool = stake.poolOf(people[i]);
            Kept memory was = kept[i];
            uint128[2] memory own = [_sharesOf(i, 0), _sharesOf(i, 1)];
            bool fell = _isLess(pool.assets, pool.shares, was.assets, was.shares);
            bool unowned = own[0] == 0 || own[1] == 0 && i == CARELESS;
            if (i == HONEST || !unowned) vm.assertTrue(!fell, "own stake loses first");
            if (i == HONEST && !grieved) vm.assertGe(own[0], was.own, "an honest provider is not slashed");
            if (fell) done[Deed.OthersSlashed]++;
            bool slashed = pool.assets < was.assets && !tookOut;
            if (slashed && was.unbonding != 0) done[Deed.SlashedWhileUnbonding]++;
            kept[i] = Kept(pool.assets, pool.shares, pool.unbondingShares, own[0] + own[1]);
        }
        (grieved, tookOut) = (false, false);
    }

    function _sharesOf(uint256 i, uint256 which) private view returns (uint128) {
        return stake.positionOf(people[i], operators(i)[which]).shares;
    }

    /// @dev True if a share is worth less than it was; the shares that nobody owns count, as in `Stake`.
    function _isLess(uint256 assets, uint256 shares, uint256 wereAssets, uint256 wereShares)
        private
        pure
        returns (bool)
    {
        return (assets + 1) * (wereShares + 1_000) < (wereAssets + 1) * (shares + 1_000);
    }
}
