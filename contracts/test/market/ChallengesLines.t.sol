// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import {Parameter} from "../../src/governance/Parameters.sol";
import {Challenges} from "../../src/market/Challenges.sol";
import {WindowSets} from "../../src/market/WindowSets.sol";
import {Test} from "../support/Test.sol";
import {World} from "../support/World.sol";

/// @dev What of windows and books no other test looked at, as breaking the lines one by one showed.
contract ChallengesLinesTest is World {
    uint256 internal constant KEY = 0xB0001;
    uint256 internal constant OTHER = 0xB0002;
    address internal provider;
    uint256 internal agreement;

    function setUp() public {
        deploy();
        provider = newProvider(KEY, 1_000e18);
        newProvider(OTHER, 1_000e18);
        agreement = openAgreement(terms());
        fill(agreement, 0, KEY);
    }

    function evicted() private {
        for (uint256 i = 0; i < 3; i++) {
            missedWindow();
        }
        challenges.judge(provider, address(0));
        vm.assertTrue(challenges.bookOf(provider).evicted, "three misses");
    }

    function test_what_a_seed_is_bound_to() public {
        provenWindow(provider);
        uint256 window = challenges.currentWindow();
        (uint256 bits,) = challenges.openedWindow(window);
        uint256 version = challenges.bookOf(provider).version;
        bytes32 bound = keccak256(
            abi.encode(
                keccak256("holdfast/window/1"), block.chainid, address(challenges), bits, window, provider, version
            )
        );
        vm.assertEq(challenges.seedOf(window, provider), uint256(bound) >> 8, "248 bits of all that it is bound to");
    }

    function test_an_evicted_provider_proves_nothing_more() public {
        evicted();
        goTo(challenges.currentWindow() + 1);
        uint256 window = openNow();
        Challenges.Submission memory proof = submission(window, provider);
        vm.expectRevert(abi.encodeWithSelector(Challenges.NotObliged.selector, provider, window));
        challenges.submitProof(window, proof);
    }

    function test_an_evicted_provider_takes_no_slot() public {
        evicted();
        bytes32 root = rootFor(agreement, 1, provider);
        (uint8 v, bytes32 r, bytes32 s) =
            vm.sign(OWNER_KEY, market.approvalDigest(agreement, 1, provider, root, bytes32(0)));
        bytes memory none = abi.encodeWithSelector(Challenges.NotObliged.selector, provider, challenges.currentWindow());
        vm.prank(operator(KEY));
        vm.expectRevert(none);
        market.fill(agreement, 1, provider, root, bytes32(0), abi.encodePacked(r, s, v));
    }

    function test_a_slot_is_in_one_set_once() public {
        bytes32 key = market.keyOf(agreement, 0);
        for (uint256 i = 0; i < 2; i++) {
            vm.prank(address(market));
            vm.expectRevert(abi.encodeWithSelector(Challenges.BadSlot.selector, key));
            challenges.add(i == 0 ? provider : peer(OTHER), key, bytes32(uint256(1)));
        }
    }

    function test_no_miss_costs_more_than_half() public {
        vm.prank(address(timelock));
        parameters.set(Parameter.EvictLevel, 10);
        uint256 before;
        for (uint256 level = 1; level <= 7; level++) {
            before = stake.lockedOf(provider);
            missedWindow();
            challenges.judge(provider, address(0));
            uint256 bps = level < 7 ? 100 << (level - 1) : 5_000;
            vm.assertEq(
                stake.lockedOf(provider), before - before * bps / 10_000, "a hundredth, then twice as much, to a half"
            );
        }
    }

    function proven(uint256 windows) private {
        for (uint256 i = 0; i < windows; i++) {
            provenWindow(provider);
        }
    }

    function test_a_fault_weighs_eight_proofs() public {
        proven(10);
        vm.prank(operator(KEY));
        market.declareFault(agreement, 0);
        vm.assertEq(challenges.reputation(provider), 10_000 * uint256(80) / (80 + 2_048 + 64), "a declared one");
    }

    function test_who_was_evicted_has_a_fault_however_it_leaves() public {
        proven(10);
        evicted();
        goTo(21);
        vm.roll(block.number + OPEN);
        market.finish(agreement, 0);
        uint256 bad = 2_048 + 3 * 32 + 64;
        vm.assertEq(challenges.reputation(provider), 10_000 * uint256(80) / (80 + bad), "three misses and a fault");
    }

    function test_a_lost_dispute_weighs_as_much_as_four_misses() public {
        proven(10);
        vm.prank(address(disputes));
        challenges.noteDispute(provider);
        vm.assertEq(challenges.reputation(provider), 10_000 * uint256(80) / (80 + 2_048 + 128), "and a dispute");
    }
}

contract WindowSetsTest is Test {
    using WindowSets for WindowSets.Set;

    WindowSets.Set private _set;

    /// @dev The sum of a word's bits does not fit the byte that it is counted in.
    function test_a_full_word_has_256_members() public {
        for (uint256 window = 0; window < 257; window++) {
            vm.assertTrue(_set.add(window), "new");
        }
        vm.assertEq(_set.count(0, 256), 256, "a word");
        vm.assertEq(_set.count(0, 257), 257, "and one more");
        vm.assertEq(_set.count(1, 256), 255, "without the first");
    }
}
