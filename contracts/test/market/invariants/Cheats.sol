// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import {Challenges} from "../../../src/market/Challenges.sol";
import {Channels} from "../../../src/market/Channels.sol";
import {IMarket} from "../../../src/market/IMarket.sol";
import {Stake} from "../../../src/market/Stake.sol";
import {Clock} from "./Clock.sol";
import {Deed} from "./Scene.sol";

/// @dev What nobody may do is tried, and must be refused: lies, forgeries, what is another's to do, and what it is too early for.
abstract contract Cheats is Clock {
    function _cheat(uint256 dice) internal {
        uint256 kind = dice % 4;
        dice >>= 8;
        if (kind == 0) _lie(dice);
        else if (kind == 1) _forge(dice);
        else if (kind == 2) _meddle(dice);
        else _hurry(dice);
    }

    function _refused(address by, address target, bytes memory data, Deed deed) private {
        vm.prank(by);
        (bool ok,) = target.call(data);
        vm.assertTrue(!ok, "what is forbidden was done");
        done[deed]++;
    }

    // --- Lies: proofs and cells that are not what they should be ---

    function _lie(uint256 dice) private {
        if ((dice >> 4) % 3 == 0) return _showWrongly(dice >> 8);
        uint256 i = dice % PROVIDERS;
        uint256 window = challenges.currentWindow();
        if (challenges.bookOf(people[i]).count == 0) return;
        Challenges.Submission memory lie = submission(window, people[i]);
        uint256 other = (i + 1 + (dice >> 8) % (PROVIDERS - 1)) % PROVIDERS;
        if ((dice >> 16) % 3 == 0) lie.h += 1;
        else if ((dice >> 16) % 3 == 1) lie.proof[(dice >> 24) % 8] ^= 1 << (dice >> 32) % 250;
        else if (challenges.bookOf(people[other]).count == 0) return;
        else (lie = submission(window, people[other])).provider = people[i];
        _refused(STRANGER, address(challenges), abi.encodeCall(Challenges.submitProof, (window, lie)), Deed.LieRefused);
        // The truth is refused when it is late, or a second time, or nobody's duty.
        if (_canProve(i, window)) return;
        lie = submission(window, people[i]);
        _refused(STRANGER, address(challenges), abi.encodeCall(Challenges.submitProof, (window, lie)), Deed.LieRefused);
    }

    function _isAsked(uint256 agreement, uint256 index, IMarket.Slot memory slot) private view returns (bool) {
        return slot.disputed && _isHeldByTheAccused(agreement, index, slot);
    }

    function _showWrongly(uint256 dice) private {
        (bool found, uint256 agreement, uint256 index) = find(dice, _isAsked);
        if (!found) return;
        Question question = asked[agreement][index];
        if (question <= Question.Both) {
            (bytes[] memory cells, bytes32[][] memory paths) = _evidence(question);
            cells[0][dice % 496] ^= 0x01;
            bytes memory data = abi.encodeCall(disputes.answer, (agreement, index, _cells(question), cells, paths));
            return _refused(STRANGER, address(disputes), data, Deed.LieRefused);
        }
        // The proof of one cell does not uphold the root at the other, and no proof of the wrong root's is one of the right.
        uint256 which = question == Question.DoubtSecond ? 1 : 0;
        uint256[8] memory proof = which == 1 ? shown[0].proof : shownElsewhere;
        bytes memory call_ = abi.encodeCall(
            disputes.upholdRoot, (agreement, index, shown[which].cell, shown[which].content, shown[which].path, proof)
        );
        _refused(STRANGER, address(disputes), call_, Deed.LieRefused);
    }

    // --- Forgeries: signatures by the wrong key, or of something else ---

    function _forge(uint256 dice) private {
        if (dice % 3 == 0) return _forgeApproval(dice >> 8);
        if (dice % 3 == 1 && openChannels.length != 0) return _forgeVoucher(dice >> 8);
        address provider = people[(dice >> 8) % PROVIDERS];
        bytes memory signature = signed(PAYER_KEY, deletions.deletedDigest(provider, bytes32(dice), block.number));
        bytes memory data = abi.encodeCall(deletions.confirm, (provider, bytes32(dice), block.number, signature));
        _refused(STRANGER, address(deletions), data, Deed.ForgeryRefused);
    }

    function _forgeApproval(uint256 dice) private {
        (bool found, uint256 agreement, uint256 index) = find(dice, _isEmpty);
        if (!found) return;
        address provider = people[LIAR];
        uint256 right = _keyOfOwner(agreement);
        uint256 wrong = right == ownerKeys[0] ? ownerKeys[1] : ownerKeys[0];
        bytes32 digest = market.approvalDigest(agreement, index, provider, wrongRoot, cellRoot);
        bytes memory signature = signed(wrong, digest);
        // The other owner signs; or the owner signed another root.
        if (dice % 2 == 0) {
            signature = signed(right, market.approvalDigest(agreement, index, provider, rightRoot, cellRoot));
        }
        bytes memory data = abi.encodeCall(market.fill, (agreement, index, provider, wrongRoot, cellRoot, signature));
        _refused(operator(key(LIAR)), address(market), data, Deed.ForgeryRefused);
    }

    function _forgeVoucher(uint256 dice) private {
        uint256 channel = openChannels[dice % openChannels.length];
        Channels.Channel memory it = channels.channelOf(channel);
        // More than there is, no more than was paid, or another's signature.
        uint256 total = (dice >> 8) % 3 == 0 ? uint256(it.deposit) + 1 : (dice >> 8) % 3 == 1 ? it.redeemed : it.deposit;
        uint256 secret = (dice >> 8) % 3 == 2 ? key(numberOf(it.provider)) : PAYER_KEY;
        bytes memory signature = signed(secret, channels.voucherDigest(channel, total));
        bytes memory data = abi.encodeCall(channels.redeem, (channel, total, signature));
        _refused(providers.operatorOf(it.provider), address(channels), data, Deed.ForgeryRefused);
    }

    // --- What is another's to do ---

    function _meddle(uint256 dice) private {
        address by = dice % 2 == 0 ? STRANGER : operator(key(LIAR));
        (address target, bytes memory data) = (dice >> 8) % 2 == 0 ? _reserved(dice >> 16) : _anothers(dice >> 16);
        if (target != address(0)) _refused(by, target, data, Deed.StrangerRefused);
    }

    /// @dev What only the contracts may ask of each other.
    function _reserved(uint256 dice) private view returns (address, bytes memory) {
        address provider = people[(dice >> 8) % PROVIDERS];
        bytes32 slot = market.keyOf(1, 0);
        if (dice % 9 == 0) return (address(stake), abi.encodeCall(stake.reward, (people[LIAR], 1)));
        if (dice % 9 == 1) return (address(stake), abi.encodeCall(stake.lock, (provider, 1)));
        if (dice % 9 == 2) return (address(stake), abi.encodeCall(stake.release, (provider, 1, 1)));
        if (dice % 9 == 3) return (address(stake), abi.encodeCall(stake.penalise, (provider, 1, STRANGER, 1)));
        if (dice % 9 == 4) return (address(challenges), abi.encodeCall(challenges.add, (provider, slot, rightRoot)));
        if (dice % 9 == 5) return (address(challenges), abi.encodeCall(challenges.remove, (provider, slot, true)));
        if (dice % 9 == 6) return (address(challenges), abi.encodeCall(challenges.noteDispute, (provider)));
        if (dice % 9 == 7) return (address(market), abi.encodeCall(market.fail, (1, 0)));
        return (address(market), abi.encodeCall(market.setDisputed, (1, 0, false)));
    }

    function _isNotTheLiars(uint256, uint256, IMarket.Slot memory slot) private view returns (bool) {
        return slot.state == IMarket.State.Active && slot.provider != people[LIAR];
    }

    /// @dev What only an owner, a slot's provider, a reserver or a channel's parties may.
    function _anothers(uint256 dice) private view returns (address, bytes memory) {
        (bool found, uint256 agreement, uint256 index) = find(dice >> 8, _isNotTheLiars);
        if (dice % 8 == 0) return (address(stake), abi.encodeCall(stake.takeFees, (people[HONEST])));
        if (dice % 8 == 1) return (address(market), abi.encodeCall(market.cancel, (market.agreements())));
        if (dice % 8 == 2) return (address(market), abi.encodeCall(market.extend, (market.agreements(), 1)));
        if (!found) return (address(0), "");
        if (dice % 8 == 3) return (address(market), abi.encodeCall(market.declareFault, (agreement, index)));
        if (dice % 8 == 4) return (address(market), abi.encodeCall(market.offer, (agreement, index, true)));
        if (dice % 8 == 5) return (address(market), abi.encodeCall(market.renew, (agreement, index)));
        if (dice % 8 == 6 && market.slotOf(agreement, index).reserver != people[LIAR]) {
            return (address(market), abi.encodeCall(market.refill, (agreement, index, wrongRoot)));
        }
        if (openChannels.length == 0) return (address(0), "");
        uint256 channel = openChannels[0];
        if (channels.channelOf(channel).provider == people[LIAR]) return (address(0), "");
        return (address(channels), abi.encodeCall(channels.closeByProvider, (channel)));
    }

    // --- What it is too early for, or too late ---

    function _hurry(uint256 dice) private {
        (address target, bytes memory data) = dice % 2 == 0 ? _earlySlot(dice >> 8) : _earlyMoney(dice >> 8);
        if (target != address(0)) _refused(STRANGER, target, data, Deed.HasteRefused);
    }

    function _earlySlot(uint256 dice) private view returns (address, bytes memory) {
        (bool found, uint256 agreement, uint256 index) = find(dice >> 8, isHeld);
        if (!found) return (address(0), "");
        IMarket.Slot memory slot = market.slotOf(agreement, index);
        if (dice % 5 == 0) return (address(market), abi.encodeCall(market.close, (agreement)));
        if (dice % 5 == 1 && !over(agreement, slot)) {
            return (address(market), abi.encodeCall(market.finish, (agreement, index)));
        }
        if (dice % 5 == 2 && slot.provider == people[HONEST]) {
            return (address(market), abi.encodeCall(market.evict, (agreement, index)));
        }
        if (dice % 5 == 3 && block.number <= slot.reservedTo) {
            return (address(market), abi.encodeCall(market.expireReservation, (agreement, index)));
        }
        if (!_isHeldByTheAccused(agreement, index, slot)) return (address(0), "");
        if (dice % 2 == 0) return (address(disputes), abi.encodeCall(disputes.void, (agreement, index)));
        if (block.number > disputes.disputeOf(agreement, index).deadline) return (address(0), "");
        return (address(disputes), abi.encodeCall(disputes.conclude, (agreement, index)));
    }

    function _earlyMoney(uint256 dice) private view returns (address, bytes memory) {
        if (dice % 3 == 0) return (address(stake), abi.encodeCall(stake.withdraw, (people[HONEST])));
        if (dice % 3 == 1) return (address(stake), abi.encodeCall(stake.unbond, (people[HONEST], 1)));
        if (openChannels.length == 0) return (address(0), "");
        uint256 closesAt = channels.channelOf(openChannels[0]).closesAt;
        if (closesAt != 0 && block.number >= closesAt) return (address(0), "");
        return (address(channels), abi.encodeCall(channels.close, (openChannels[0])));
    }
}
