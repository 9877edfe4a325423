// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import {IMarket} from "../../../src/market/IMarket.sol";
import {Deed, Scene} from "./Scene.sol";

/// @dev Providers that reserve and refill what others lost or offer, or do not, and lose their bond.
abstract contract Repairers is Scene {
    uint256 private constant DEEDS = 4;

    function _repair(uint256 dice) internal {
        for (uint256 turn = 0; turn < DEEDS; turn++) {
            uint256 deed = (dice % DEEDS + turn) % DEEDS;
            if (deed == 0 ? _reserve(dice >> 8) : deed == 1 ? _expire(dice >> 8) : _refillAny(dice >> 8)) return;
        }
    }

    function _isReservable(uint256 agreement, uint256, IMarket.Slot memory slot) private view returns (bool) {
        bool open = slot.state == IMarket.State.Freed || (slot.state == IMarket.State.Active && slot.offered);
        bool free = slot.reserver == address(0) || (!slot.disputed && block.number > slot.reservedTo);
        return open && free && runs(agreement);
    }

    function _isReservableAgain(uint256 agreement, uint256 index, IMarket.Slot memory slot)
        private
        view
        returns (bool)
    {
        return slot.reserver != address(0) && _isReservable(agreement, index, slot);
    }

    function _reserve(uint256 dice) private returns (bool) {
        (bool found, uint256 agreement, uint256 index) = find(dice, _isReservableAgain);
        if (!found) (found, agreement, index) = find(dice, _isReservable);
        if (!found || market.paused()) return false;
        (bool ready, uint256 i) = taker(dice >> 16);
        if (!ready) return false;
        IMarket.Slot memory slot = market.slotOf(agreement, index);
        // The honest provider takes nothing over that it could not refill at once.
        if (slot.provider == people[i] || (i == HONEST && !unfrozen(slot.provider))) return false;
        // Its own bond, which ran out, burns first.
        if (slot.reserver == people[i] && !mayTakeAfter(i, slot.bondUnits, dice)) return false;
        vm.assertTrue(slot.reserver != people[HONEST], "who refills in time keeps its bond");
        vm.prank(providers.operatorOf(people[i]));
        market.reserve(agreement, index, people[i]);
        done[slot.reserver == address(0) ? Deed.Reserved : Deed.ReservedOverOneThatRanOut]++;
        return true;
    }

    function _isRefillable(uint256 agreement, uint256, IMarket.Slot memory slot) private view returns (bool) {
        if (slot.reserver == address(0) || block.number > slot.reservedTo || !runs(agreement)) return false;
        return slot.state == IMarket.State.Freed || (!slot.disputed && mayLeave(slot.provider));
    }

    function _refillAny(uint256 dice) private returns (bool) {
        (bool found, uint256 agreement, uint256 index) = find(dice, _isRefillable);
        if (!found) return false;
        IMarket.Slot memory slot = market.slotOf(agreement, index);
        uint256 i = numberOf(slot.reserver);
        bool asleep = challenges.currentWindow() < asleepTo[i] && (dice >> 16) % 2 == 0;
        if (asleep || !mayTakeAfter(i, slot.bondUnits, dice)) return false;
        _refill(agreement, index, i);
        return true;
    }

    function _refill(uint256 agreement, uint256 index, uint256 i) private {
        bool held = market.slotOf(agreement, index).state == IMarket.State.Active;
        Sight memory before = see(agreement, index);
        if (!held) (before.windows, before.pot) = (0, 0);
        vm.prank(providers.operatorOf(people[i]));
        market.refill(agreement, index, i == LIAR ? wrongRoot : rightRoot);
        paid(agreement, before);
        done[held ? Deed.HandedOver : Deed.Refilled]++;
        if (i == LIAR) done[Deed.RefilledUnderAWrongRoot]++;
    }

    function _awaitsTheHonest(uint256 agreement, uint256 index, IMarket.Slot memory slot) private view returns (bool) {
        return slot.reserver == people[HONEST] && _isRefillable(agreement, index, slot);
    }

    /// @dev What the honest provider reserved, it refills before the window ends.
    function _refillWhatTheHonestReserved() internal {
        (bool found, uint256 agreement, uint256 index) = find(0, _awaitsTheHonest);
        if (!found) return;
        _refill(agreement, index, HONEST);
        _refillWhatTheHonestReserved();
    }

    function _isExpired(uint256, uint256, IMarket.Slot memory slot) private view returns (bool) {
        return slot.reserver != address(0) && !slot.disputed && block.number > slot.reservedTo;
    }

    function _expire(uint256 dice) private returns (bool) {
        (bool found, uint256 agreement, uint256 index) = find(dice, _isExpired);
        if (!found) return false;
        address reserver = market.slotOf(agreement, index).reserver;
        uint256 before = market.ledger().burned;
        market.expireReservation(agreement, index);
        bool burned = market.ledger().burned != before;
        vm.assertTrue(!burned || reserver != people[HONEST], "who refills in time keeps its bond");
        done[burned ? Deed.ReservationBurned : Deed.ReservationEndedFree]++;
        return true;
    }
}
