// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import {Challenges} from "../../../src/market/Challenges.sol";
import {IMarket} from "../../../src/market/IMarket.sol";
import {Stake} from "../../../src/market/Stake.sol";
import {Deed, Scene} from "./Scene.sol";

/// @dev Providers: they take slots, prove, are paid, and leave in every way there is.
abstract contract Keepers is Scene {
    uint256 private constant DEEDS = 12;

    function _keep(uint256 dice) internal {
        for (uint256 turn = 0; turn < DEEDS; turn++) {
            if (_kept((dice % DEEDS + turn) % DEEDS, dice >> 8)) return;
        }
    }

    function _kept(uint256 deed, uint256 dice) private returns (bool) {
        if (deed <= 1) return _fill(dice);
        if (deed == 2) return _settle(dice);
        if (deed == 3) return _renew(dice);
        if (deed == 4) return _offer(dice);
        if (deed == 5) return _declare(dice);
        if (deed == 6) return _finishAny(dice);
        if (deed == 7) return _evict(dice);
        if (deed == 8) return _takeFees(dice);
        if (deed == 9) return _proveLate(dice);
        if (deed == 10) return _sleep(dice);
        return _changeOperator(dice);
    }

    function _isEmpty(uint256 agreement, uint256, IMarket.Slot memory slot) internal view returns (bool) {
        return slot.state == IMarket.State.Empty && runs(agreement);
    }

    function _fill(uint256 dice) private returns (bool) {
        (bool found, uint256 agreement, uint256 index) = find(dice, _isEmpty);
        if (!found || market.paused()) return false;
        (bool ready, uint256 i) = taker(dice >> 16);
        if (!ready) return false;
        bytes32 digest = market.approvalDigest(agreement, index, people[i], rightRoot, cellRoot);
        bytes memory approval = signed(_keyOfOwner(agreement), digest);
        vm.prank(providers.operatorOf(people[i]));
        market.fill(agreement, index, people[i], rightRoot, cellRoot, approval);
        done[Deed.Filled]++;
        return true;
    }

    function _keyOfOwner(uint256 agreement) internal view returns (uint256) {
        address of_ = market.agreementOf(agreement).owner;
        return vm.addr(ownerKeys[0]) == of_ ? ownerKeys[0] : ownerKeys[1];
    }

    function _settle(uint256 dice) private returns (bool) {
        (bool found, uint256 agreement, uint256 index) = find(dice, isHeld);
        if (!found) return false;
        Sight memory before = see(agreement, index);
        market.settle(agreement, index);
        paid(agreement, before);
        done[Deed.Settled]++;
        return true;
    }

    function _isRenewable(uint256 agreement, uint256, IMarket.Slot memory slot) private view returns (bool) {
        if (slot.state != IMarket.State.Active || over(agreement, slot)) return false;
        return market.agreementOf(agreement).end > slot.end && stake.covered(slot.provider);
    }

    function _renew(uint256 dice) private returns (bool) {
        (bool found, uint256 agreement, uint256 index) = find(dice, _isRenewable);
        if (!found) return false;
        vm.prank(_holder(agreement, index));
        market.renew(agreement, index);
        done[Deed.Renewed]++;
        return true;
    }

    function _holder(uint256 agreement, uint256 index) internal view returns (address) {
        return providers.operatorOf(market.slotOf(agreement, index).provider);
    }

    function _isUnreserved(uint256, uint256, IMarket.Slot memory slot) private pure returns (bool) {
        return slot.state == IMarket.State.Active && slot.reserver == address(0);
    }

    function _offer(uint256 dice) private returns (bool) {
        (bool found, uint256 agreement, uint256 index) = find(dice, _isUnreserved);
        if (!found) return false;
        bool offered = !market.slotOf(agreement, index).offered;
        if (!offered && dice % 3 != 0) return false;
        vm.prank(_holder(agreement, index));
        market.offer(agreement, index, offered);
        done[offered ? Deed.Offered : Deed.OfferTakenBack]++;
        return true;
    }

    function _isDeclarable(uint256, uint256, IMarket.Slot memory slot) private view returns (bool) {
        bool held = slot.state == IMarket.State.Active && !slot.disputed && slot.provider != people[HONEST];
        return held && mayLeave(slot.provider);
    }

    function _declare(uint256 dice) private returns (bool) {
        (bool found, uint256 agreement, uint256 index) = find(dice, _isDeclarable);
        if (!found || dice % 3 != 0) return false;
        Sight memory before = see(agreement, index);
        vm.prank(_holder(agreement, index));
        market.declareFault(agreement, index);
        paid(agreement, before);
        done[Deed.Declared]++;
        return true;
    }

    function _isOver(uint256 agreement, uint256, IMarket.Slot memory slot) internal view returns (bool) {
        bool held = slot.state == IMarket.State.Active && !slot.disputed && over(agreement, slot);
        return held && mayLeave(slot.provider);
    }

    function _finishAny(uint256 dice) private returns (bool) {
        (bool found, uint256 agreement, uint256 index) = find(dice, _isOver);
        if (found) _finish(agreement, index);
        return found;
    }

    function _finish(uint256 agreement, uint256 index) internal {
        Sight memory before = see(agreement, index);
        market.finish(agreement, index);
        paid(agreement, before);
        bool freed = market.slotOf(agreement, index).state == IMarket.State.Freed;
        done[freed ? Deed.FinishedBeforeTheRenewedEnd : Deed.Finished]++;
    }

    function _isAtRisk(uint256, uint256, IMarket.Slot memory slot) private view returns (bool) {
        if (slot.state != IMarket.State.Active || slot.provider == people[HONEST]) return false;
        Challenges.Book memory book = challenges.bookOf(slot.provider);
        return book.evicted || book.level != 0 || book.judgedTo + 2 < challenges.currentWindow();
    }

    function _isEvicted(uint256, uint256, IMarket.Slot memory slot) private view returns (bool) {
        return slot.state == IMarket.State.Active && challenges.bookOf(slot.provider).evicted;
    }

    function _isEvictedOrDisputed(uint256 agreement, uint256 index, IMarket.Slot memory slot)
        private
        view
        returns (bool)
    {
        return slot.disputed ? _isAtRisk(agreement, index, slot) : _isEvicted(agreement, index, slot);
    }

    /// @dev Whether misses that nobody judged yet suffice is found out by asking.
    function _evict(uint256 dice) private returns (bool) {
        (bool found, uint256 agreement, uint256 index) = find(dice, dice % 3 == 0 ? _isAtRisk : _isEvictedOrDisputed);
        if (!found) return false;
        IMarket.Slot memory slot = market.slotOf(agreement, index);
        Sight memory before = see(agreement, index);
        vm.prank(REPORTER);
        try market.evict(agreement, index) {
            paid(agreement, before);
            done[slot.disputed ? Deed.EvictedUnderDispute : Deed.Evicted]++;
            return true;
        } catch {
            vm.assertTrue(!challenges.bookOf(slot.provider).evicted, "the evicted can be evicted");
            return false;
        }
    }

    function _takeFees(uint256 dice) private returns (bool) {
        address provider = people[dice % PROVIDERS];
        uint256 fees = stake.poolOf(provider).fees;
        if (fees == 0) return false;
        address receiver = providers.operatorOf(provider);
        uint256 before = token.balanceOf(receiver);
        vm.prank(receiver);
        stake.takeFees(provider);
        vm.assertEq(token.balanceOf(receiver) - before, fees, "its commission and no more");
        done[Deed.FeesTaken]++;
        return true;
    }

    // --- Proofs ---

    /// @dev True if a provider can prove the current window now.
    function _canProve(uint256 i, uint256 window) internal view returns (bool) {
        address provider = people[i];
        Challenges.Book memory book = challenges.bookOf(provider);
        if (book.count == 0 || book.evicted || window < book.obligedFrom || accepted[provider][window]) return false;
        (, uint256 deadline) = challenges.openedWindow(window);
        return deadline >= block.number;
    }

    function _prove(uint256 i, uint256 window) internal {
        challenges.submitProof(window, submission(window, people[i]));
        accepted[people[i]][window] = true;
        done[Deed.Proven]++;
    }

    function _proveLate(uint256 dice) private returns (bool) {
        uint256 window = challenges.currentWindow();
        uint256 i = dice % PROVIDERS;
        if (!_canProve(i, window)) return false;
        _prove(i, window);
        return true;
    }

    function _sleep(uint256 dice) private returns (bool) {
        uint256 i = 1 + dice % (PROVIDERS - 1);
        asleepTo[i] = challenges.currentWindow() + 3 + (dice >> 8) % 3;
        return dice % 3 == 0;
    }

    function _changeOperator(uint256 dice) private returns (bool) {
        if (dice % 3 != 0) return false;
        address[2] memory both = operators(CARELESS);
        address provider = people[CARELESS];
        address next = providers.operatorOf(provider) == both[0] ? both[1] : both[0];
        (bytes32 x, bytes32 y) = vmPublicKey(key(CARELESS));
        bytes32 digest = providers.operatorDigest(provider, next, providers.nonces(provider));
        providers.setOperator(x, y, next, signed(key(CARELESS), digest));
        done[Deed.OperatorChanged]++;
        return true;
    }
}
