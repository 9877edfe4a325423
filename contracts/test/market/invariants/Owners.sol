// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import {Parameter} from "../../../src/governance/Parameters.sol";
import {IMarket} from "../../../src/market/IMarket.sol";
import {Deed, Scene} from "./Scene.sol";

/// @dev Two owners, who open, extend, cancel and close agreements and take out what is theirs; and the guardian.
abstract contract Owners is Scene {
    uint256 private constant DEEDS = 6;
    /// @dev Agreements at a time.
    uint256 private constant LIVE = 3;

    function _own(uint256 dice) internal {
        for (uint256 turn = 0; turn < DEEDS; turn++) {
            if (_ownOne((dice % DEEDS + turn) % DEEDS, dice >> 8)) return;
        }
    }

    function _ownOne(uint256 deed, uint256 dice) private returns (bool) {
        if (deed == 0) return _open(dice);
        if (deed == 5) return _pauseOrNot(dice);
        if (deed == 4) return _takeCredit(dice);
        if (live.length == 0) return false;
        uint256 agreement = live[(dice >> 16) % live.length];
        IMarket.Agreement memory it = market.agreementOf(agreement);
        if (it.closed) return false;
        if (deed == 1) return _extend(agreement, it, dice);
        if (deed == 2) return _cancel(agreement, it, dice);
        return _close(agreement, it);
    }

    function _open(uint256 dice) internal returns (bool) {
        _retire();
        if (live.length == LIVE || market.paused()) return false;
        IMarket.Terms memory wanted = terms();
        wanted.slots = uint16(SLOTS);
        wanted.windows = uint32(5 + dice % 8);
        wanted.price = uint128(bound(dice >> 16, 1, 10e18));
        wanted.slaBps = dice >> 8 & 1 == 0 ? 9_000 : 10_000;
        uint256 price = uint256(wanted.price) * SLOTS * wanted.windows;
        address by = vm.addr(ownerKeys[(dice >> 9) % 2]);
        fund(by, address(market), price);
        vm.prank(by);
        uint256 agreement = market.open(wanted);
        live.push(agreement);
        escrowed[agreement] = price;
        done[Deed.AgreementOpened]++;
        return true;
    }

    /// @dev Forgets the agreements that nothing is left of.
    function _retire() private {
        for (uint256 place = live.length; place > 0; place--) {
            uint256 agreement = live[place - 1];
            bool empty = market.agreementOf(agreement).closed;
            for (uint256 index = 0; index < SLOTS; index++) {
                IMarket.Slot memory slot = market.slotOf(agreement, index);
                if (slot.disputed || slot.reserver != address(0)) empty = false;
            }
            if (!empty) continue;
            live[place - 1] = live[live.length - 1];
            live.pop();
        }
    }

    function _extend(uint256 agreement, IMarket.Agreement memory it, uint256 dice) private returns (bool) {
        if (it.end <= challenges.currentWindow() + 1 || market.paused()) return false;
        uint32 windows = uint32(1 + dice % 3);
        uint256 longest = challenges.currentWindow() + parameters.get(Parameter.LongestWindows);
        if (uint256(it.end) + windows > longest) return false;
        uint256 price = uint256(it.terms.price) * SLOTS * windows;
        fund(it.owner, address(market), price);
        vm.prank(it.owner);
        market.extend(agreement, windows);
        escrowed[agreement] += price;
        done[Deed.AgreementExtended]++;
        return true;
    }

    function _cancel(uint256 agreement, IMarket.Agreement memory it, uint256 dice) private returns (bool) {
        if (it.end <= challenges.currentWindow() + 1 + parameters.get(Parameter.NoticeWindows) || dice % 2 != 0) {
            return false;
        }
        vm.prank(it.owner);
        market.cancel(agreement);
        done[Deed.AgreementCancelled]++;
        return true;
    }

    function _close(uint256 agreement, IMarket.Agreement memory it) private returns (bool) {
        if (it.active != 0 || it.end > challenges.currentWindow()) return false;
        uint256 before = market.credits(it.owner);
        market.close(agreement);
        uint256 back = market.credits(it.owner) - before;
        vm.assertEq(back, escrowed[agreement], "what no proof was paid with returns, and no more");
        escrowed[agreement] = 0;
        done[Deed.AgreementClosed]++;
        return true;
    }

    function _takeCredit(uint256 dice) private returns (bool) {
        address by = vm.addr(ownerKeys[dice % 2]);
        uint256 credit = market.credits(by);
        if (credit == 0) return false;
        uint256 before = token.balanceOf(by);
        vm.prank(by);
        market.withdraw();
        vm.assertEq(token.balanceOf(by) - before, credit, "its own credit and no more");
        refunded += credit;
        done[Deed.OwnerPaidOut]++;
        return true;
    }

    function _pauseOrNot(uint256 dice) private returns (bool) {
        bool paused = market.paused();
        if (!paused && dice % 4 != 0) return false;
        vm.startPrank(GUARDIAN);
        if (paused) market.unpause();
        else market.pause();
        vm.stopPrank();
        if (!paused) done[Deed.Paused]++;
        return true;
    }
}
