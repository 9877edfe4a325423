// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import {Challenges} from "../../../src/market/Challenges.sol";
import {Disputes} from "../../../src/market/Disputes.sol";
import {IMarket} from "../../../src/market/IMarket.sol";
import {Openings} from "../../support/Openings.sol";
import {Deed, Scene} from "./Scene.sol";

/// @dev Challengers that demand cells and doubt roots, and providers that answer or do not. Two cells of every slot are known
/// with their proofs; the first is wrong under the liar's root.
abstract contract Readers is Scene {
    enum Question {
        None,
        First, // show the first cell
        Both, // show both
        DoubtFirst, // uphold the root at the first cell
        DoubtSecond
    }

    uint256 private constant DEEDS = 6;
    /// @dev Each dispute doubles the next bond; at the highest nothing else would happen any more.
    uint256 private constant DEAREST = 64e18;
    uint256 private constant DEAREST_FOR_THE_HONEST = 4e18;
    mapping(uint256 agreement => mapping(uint256 index => Question)) internal asked;

    function _read(uint256 dice) internal {
        for (uint256 turn = 0; turn < DEEDS; turn++) {
            if (_readOne((dice % DEEDS + turn) % DEEDS, dice >> 8)) return;
        }
    }

    function _readOne(uint256 deed, uint256 dice) private returns (bool) {
        if (deed <= 1) return _ask(dice);
        if (deed == 2) return _answerAny(dice);
        if (deed == 3) return _conclude(dice);
        if (deed == 4) return _void(dice);
        return _takeBond(dice);
    }

    function _isDisputable(uint256 agreement, uint256 index, IMarket.Slot memory slot) private view returns (bool) {
        if (slot.state != IMarket.State.Active || over(agreement, slot)) return false;
        return disputes.disputeOf(agreement, index).challenger == address(0);
    }

    /// @dev True if the slot is likely to be lost before the dispute is decided.
    function _isShaky(uint256 agreement, uint256 index, IMarket.Slot memory slot) private view returns (bool) {
        Challenges.Book memory book = challenges.bookOf(slot.provider);
        return (book.evicted || book.level != 0) && _isDisputable(agreement, index, slot);
    }

    function _ask(uint256 dice) private returns (bool) {
        (bool found, uint256 agreement, uint256 index) = find(dice, dice % 2 == 0 ? _isDisputable : _isShaky);
        if (!found) return false;
        address provider = market.slotOf(agreement, index).provider;
        uint256 bond = disputes.bondOf(provider);
        if (bond > (provider == people[HONEST] ? DEAREST_FOR_THE_HONEST : DEAREST)) return false;
        address challenger = challengers[(dice >> 16) % 2];
        Question question = Question(1 + (dice >> 24) % 4);
        fund(challenger, address(disputes), bond);
        uint32[] memory cells = _cells(question);
        vm.prank(challenger);
        if (question <= Question.Both) disputes.open(agreement, index, cells);
        else disputes.doubtRoot(agreement, index, cells[0]);
        asked[agreement][index] = question;
        done[question <= Question.Both ? Deed.CellsDemanded : Deed.RootDoubted]++;
        if (provider == people[HONEST]) done[Deed.HonestDisputed]++;
        return true;
    }

    function _cells(Question question) internal view returns (uint32[] memory cells) {
        cells = new uint32[](question == Question.Both ? 2 : 1);
        cells[0] = shown[question == Question.DoubtSecond ? 1 : 0].cell;
        if (cells.length == 2) cells[1] = shown[1].cell;
    }

    function _isHeldByTheAccused(uint256 agreement, uint256 index, IMarket.Slot memory slot)
        internal
        view
        returns (bool)
    {
        return slot.state == IMarket.State.Active && slot.provider == disputes.disputeOf(agreement, index).provider;
    }

    function _isAnswerable(uint256 agreement, uint256 index, IMarket.Slot memory slot) private view returns (bool) {
        if (!slot.disputed || !_isHeldByTheAccused(agreement, index, slot)) return false;
        if (slot.provider == people[LIAR]) return false;
        return block.number <= disputes.disputeOf(agreement, index).deadline;
    }

    function _answerAny(uint256 dice) private returns (bool) {
        (bool found, uint256 agreement, uint256 index) = find(dice, _isAnswerable);
        if (found) _answer(agreement, index);
        return found;
    }

    function _answer(uint256 agreement, uint256 index) private {
        Disputes.Dispute memory dispute = disputes.disputeOf(agreement, index);
        address to = providers.operatorOf(dispute.provider);
        uint256 before = disputes.credits(to);
        Question question = asked[agreement][index];
        if (question <= Question.Both) {
            (bytes[] memory cells, bytes32[][] memory paths) = _evidence(question);
            disputes.answer(agreement, index, _cells(question), cells, paths);
        } else {
            Openings.Shown memory it = shown[question == Question.DoubtSecond ? 1 : 0];
            disputes.upholdRoot(agreement, index, it.cell, it.content, it.path, it.proof);
        }
        uint256 most = dispute.bond < 2e18 ? dispute.bond : 2e18;
        uint256 gas = dispute.recent == 0 ? most : 0;
        vm.assertEq(disputes.credits(to) - before, gas, "gas for the first answer, and none for the next");
        done[question <= Question.Both ? Deed.CellsShown : Deed.RootUpheld]++;
        if (dispute.recent != 0) done[Deed.AnsweredAgain]++;
        if (dispute.recent != 0 && dispute.provider == people[HONEST]) grieved = true;
    }

    function _evidence(Question question) internal view returns (bytes[] memory cells, bytes32[][] memory paths) {
        uint256 count = question == Question.Both ? 2 : 1;
        (cells, paths) = (new bytes[](count), new bytes32[][](count));
        for (uint256 i = 0; i < count; i++) {
            (cells[i], paths[i]) = (shown[i].content, shown[i].path);
        }
    }

    function _isAskedOfTheHonest(uint256 agreement, uint256 index, IMarket.Slot memory slot)
        private
        view
        returns (bool)
    {
        return slot.provider == people[HONEST] && _isAnswerable(agreement, index, slot);
    }

    /// @dev The honest provider answers before any time passes.
    function _answerForTheHonest() internal {
        (bool found, uint256 agreement, uint256 index) = find(0, _isAskedOfTheHonest);
        if (!found) return;
        _answer(agreement, index);
        _answerForTheHonest();
    }

    function _isLost(uint256 agreement, uint256 index, IMarket.Slot memory slot) private view returns (bool) {
        if (!slot.disputed || !_isHeldByTheAccused(agreement, index, slot)) return false;
        return block.number > disputes.disputeOf(agreement, index).deadline && mayLeave(slot.provider);
    }

    function _conclude(uint256 dice) private returns (bool) {
        (bool found, uint256 agreement, uint256 index) = find(dice, _isLost);
        if (!found) return false;
        Disputes.Dispute memory dispute = disputes.disputeOf(agreement, index);
        uint256 before = disputes.credits(dispute.challenger);
        Sight memory sight = see(agreement, index);
        disputes.conclude(agreement, index);
        paid(agreement, sight);
        uint256 back = disputes.credits(dispute.challenger) - before;
        vm.assertGe(back, dispute.bond, "the bond returns");
        vm.assertLe(back, uint256(dispute.bond) + 2e18, "with no more than the gas");
        vm.assertTrue(dispute.provider != people[HONEST], "who answers loses no dispute");
        done[asked[agreement][index] <= Question.Both ? Deed.CellsNotShown : Deed.RootNotUpheld]++;
        return true;
    }

    function _isVoid(uint256 agreement, uint256 index, IMarket.Slot memory slot) private view returns (bool) {
        return slot.disputed && !_isHeldByTheAccused(agreement, index, slot);
    }

    function _void(uint256 dice) private returns (bool) {
        (bool found, uint256 agreement, uint256 index) = find(dice, _isVoid);
        if (!found) return false;
        Disputes.Dispute memory dispute = disputes.disputeOf(agreement, index);
        uint256 before = disputes.credits(dispute.challenger);
        disputes.void(agreement, index);
        vm.assertEq(disputes.credits(dispute.challenger) - before, dispute.bond, "the bond returns");
        done[Deed.DisputeVoid]++;
        return true;
    }

    function _takeBond(uint256 dice) private returns (bool) {
        uint256 place = dice % (PROVIDERS + 2);
        address to = place < 2 ? challengers[place] : operators(place - 2)[0];
        uint256 credit = disputes.credits(to);
        if (credit == 0) return false;
        uint256 before = token.balanceOf(to);
        vm.prank(to);
        disputes.withdraw();
        vm.assertEq(token.balanceOf(to) - before, credit, "its own credit and no more");
        done[Deed.BondPaidOut]++;
        return true;
    }
}
