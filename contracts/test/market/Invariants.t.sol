// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import {Actors} from "../support/Actors.sol";
import {World} from "../support/World.sol";

contract InvariantsTest is World {
    Actors internal actors;
    bytes4[] internal moves;

    function setUp() public {
        actors = new Actors();
        moves = [
            Actors.pass.selector,
            Actors.pass.selector,
            Actors.pass.selector,
            Actors.pass.selector,
            Actors.pass.selector,
            Actors.openIt.selector,
            Actors.proveMaybe.selector,
            Actors.proveMaybe.selector,
            Actors.cheat.selector,
            Actors.fillAny.selector,
            Actors.fillAny.selector,
            Actors.declare.selector,
            Actors.offer.selector,
            Actors.reserve.selector,
            Actors.refill.selector,
            Actors.expire.selector,
            Actors.judge.selector,
            Actors.evict.selector,
            Actors.settle.selector,
            Actors.finish.selector,
            Actors.newAgreement.selector,
            Actors.newAgreement.selector,
            Actors.fillAny.selector,
            Actors.fillAny.selector,
            Actors.dispute.selector,
            Actors.reserve.selector,
            Actors.refill.selector,
            Actors.cancel.selector,
            Actors.close.selector,
            Actors.withdrawCredit.selector,
            Actors.delegate.selector,
            Actors.unbond.selector,
            Actors.withdrawStake.selector,
            Actors.dispute.selector,
            Actors.answer.selector,
            Actors.conclude.selector,
            Actors.conclude.selector,
            Actors.answer.selector,
            Actors.withdrawBond.selector,
            Actors.extendAndRenew.selector,
            Actors.channel.selector,
            Actors.redeem.selector,
            Actors.closeChannel.selector,
            Actors.operate.selector
        ];
        targetContract(address(actors));
        targetSelector(FuzzSelector({addr: address(actors), selectors: moves}));
    }

    /// @dev Money is conserved, no honest provider is slashed, only proofs are paid, nobody owns what is not there.
    function invariant_the_promises_hold() public view {
        actors.checkConservation();
        actors.checkStake();
        actors.checkHonest();
        actors.checkPayments();
        actors.checkChannels();
    }

    /// @dev One long walk, so that it can be said that everything an actor can do was done, and that all held throughout.
    function test_a_long_walk_does_everything_and_breaks_nothing() public {
        uint256 dice = 1;
        for (uint256 step = 0; step < 3_000; step++) {
            dice = uint256(keccak256(abi.encode(dice)));
            bytes memory data = abi.encodePacked(moves[dice % moves.length], dice >> 16, dice >> 32, dice >> 48);
            (bool ok,) = address(actors).call(data);
            if (step % 100 == 0) invariant_the_promises_hold();
            vm.assertTrue(ok || moves[dice % moves.length] != Actors.pass.selector, "time goes on");
        }
        invariant_the_promises_hold();
        string[27] memory deeds = [
            "opened",
            "proven",
            "lies refused",
            "filled",
            "declared",
            "offered",
            "reserved",
            "refilled",
            "expired",
            "evicted",
            "settled",
            "finished",
            "cancelled",
            "closed",
            "withdrawn",
            "disputed",
            "answered",
            "lost",
            "void",
            "extended",
            "renewed",
            "channel opened",
            "redeemed",
            "channel closed",
            "channel closed late",
            "own stake withdrawn",
            "own stake added"
        ];
        for (uint256 i = 0; i < deeds.length; i++) {
            vm.assertGt(actors.done(deeds[i]), 0, deeds[i]);
        }
    }
}
