// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import {Books} from "./Books.sol";

/// @dev All that act, by turns. A turn looks at the state and does what can be done in it, so that none is refused: a call that
/// reverts is a failure, as much as books that do not balance.
contract Actors is Books {
    constructor() {
        _open(0);
        _open(1);
        _compare();
    }

    modifier compared() {
        _;
        _compare();
    }

    function pass(uint256 dice) external compared {
        _pass(thrown(dice));
    }

    function wait(uint256 dice) external compared {
        _wait(thrown(dice));
    }

    function keep(uint256 dice) external compared {
        _keep(thrown(dice));
    }

    function repair(uint256 dice) external compared {
        _repair(thrown(dice));
    }

    function read(uint256 dice) external compared {
        _read(thrown(dice));
    }

    function own(uint256 dice) external compared {
        _own(thrown(dice));
    }

    function stakeOrLeave(uint256 dice) external compared {
        _stakeOrLeave(thrown(dice));
    }

    function pay(uint256 dice) external compared {
        _pay(thrown(dice));
    }

    function cheat(uint256 dice) external compared {
        _cheat(thrown(dice));
    }
}
