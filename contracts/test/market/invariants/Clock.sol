// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import {Challenges} from "../../../src/market/Challenges.sol";
import {Deed} from "./Scene.sol";
import {Keepers} from "./Keepers.sol";
import {Owners} from "./Owners.sol";
import {Payers} from "./Payers.sol";
import {Readers} from "./Readers.sol";
import {Repairers} from "./Repairers.sol";

/// @dev Time passes in steps that matter; before it does, the honest provider does its duties.
abstract contract Clock is Keepers, Repairers, Readers, Payers, Owners {
    function _pass(uint256 dice) internal {
        uint256 windows = dice % 4 == 0 ? 1 + (dice >> 8) % 4 : 1;
        for (uint256 i = 0; i < windows; i++) {
            dice = again(dice);
            _nextWindow(dice);
        }
    }

    /// @dev The last block of the window: what had to be proven was, and every set may change.
    function _lastBlock() private view returns (uint256) {
        return challenges.genesis() + (challenges.currentWindow() + 1) * WINDOW - 1;
    }

    function _roll(uint256 to) private {
        _answerForTheHonest();
        _bringTheHonestsVouchers();
        vm.roll(to);
    }

    function _wait(uint256 dice) internal {
        uint256 last = _lastBlock();
        if (block.number == last) _nextWindow(dice);
        else _roll(bound(dice, block.number + 1, last));
    }

    function _nextWindow(uint256 dice) private {
        _roll(_lastBlock());
        _refillWhatTheHonestReserved();
        uint256 window = challenges.currentWindow() + 1;
        uint256 first = challenges.genesis() + window * WINDOW;
        if (dice % 8 == 0) {
            _roll(first + OPEN + 1);
            done[Deed.WindowPassedOver]++;
            return;
        }
        _roll(first + 1 + (dice >> 8) % OPEN);
        vm.setBlockhash(first, keccak256(abi.encode("block", window)));
        challenges.openWindow(window, "");
        done[Deed.WindowOpened]++;
        _proveAll(window, dice >> 16);
        // Half of the time acts begin when the deadline is over.
        if ((dice >> 17) % 2 == 0) _roll(block.number + 21);
    }

    /// @dev All who are awake prove, one by one or all at once.
    function _proveAll(uint256 window, uint256 dice) private {
        uint256 count = 0;
        Challenges.Submission[] memory batch = new Challenges.Submission[](PROVIDERS);
        for (uint256 i = 0; i < PROVIDERS; i++) {
            if (!_isAwake(i, window) || !_canProve(i, window)) continue;
            if (dice % 4 == 0) _prove(i, window);
            else batch[count++] = submission(window, people[i]);
        }
        if (count == 0) return;
        assembly ("memory-safe") {
            mstore(batch, count)
        }
        challenges.submitProofs(window, batch);
        for (uint256 i = 0; i < count; i++) {
            accepted[batch[i].provider][window] = true;
        }
        done[Deed.ProvenInBatch]++;
    }

    function _isAwake(uint256 i, uint256 window) private view returns (bool) {
        if (i == HONEST) return true;
        uint256 chance = uint256(keccak256(abi.encode(window, i)));
        return window >= asleepTo[i] && (i == LIAR ? chance % 3 == 0 : chance % 8 != 0);
    }
}
