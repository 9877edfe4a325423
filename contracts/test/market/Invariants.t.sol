// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import {Test} from "../support/Test.sol";
import {Actors} from "./invariants/Actors.sol";
import {Deed} from "./invariants/Scene.sol";

/// @dev Owners, providers, delegators, repairers, readers and cheaters act at random. After every action the books of each
/// contract balance, nobody was paid without a proof or took out what is another's, and the honest provider lost nothing.
contract InvariantsTest is Test {
    uint256 private constant STEPS = 2_500;
    Actors internal actors;
    bytes4[] internal turns;

    function setUp() public {
        actors = new Actors();
        turns = [
            Actors.pass.selector,
            Actors.pass.selector,
            Actors.wait.selector,
            Actors.keep.selector,
            Actors.keep.selector,
            Actors.keep.selector,
            Actors.keep.selector,
            Actors.repair.selector,
            Actors.repair.selector,
            Actors.repair.selector,
            Actors.read.selector,
            Actors.read.selector,
            Actors.own.selector,
            Actors.own.selector,
            Actors.stakeOrLeave.selector,
            Actors.stakeOrLeave.selector,
            Actors.pay.selector,
            Actors.cheat.selector
        ];
        targetContract(address(actors));
        targetSelector(FuzzSelector({addr: address(actors), selectors: turns}));
    }

    function invariant_the_books_balance() public view {
        actors.checkBooks();
    }

    /// @dev The same with fixed dice, so that it can be said that everything an actor can do was done.
    function test_a_long_walk_does_every_deed_and_breaks_nothing() public {
        vm.pauseGasMetering();
        uint256 dice = 1;
        for (uint256 step = 0; step < STEPS; step++) {
            dice = uint256(keccak256(abi.encode(dice)));
            (bool ok, bytes memory why) = address(actors).call(abi.encodePacked(turns[dice % turns.length], dice >> 16));
            vm.assertTrue(ok, string.concat("step ", vm.toString(step), ": ", vm.toString(why)));
            actors.checkBooks();
        }
        string memory missing = "";
        for (uint256 deed = 0; deed <= uint256(type(Deed).max); deed++) {
            if (actors.done(Deed(deed)) == 0) missing = string.concat(missing, " ", vm.toString(deed));
        }
        vm.assertEq(bytes(missing).length, 0, string.concat("nobody ever did these deeds:", missing));
    }
}
