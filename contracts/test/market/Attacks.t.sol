// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import {Parameter} from "../../src/governance/Parameters.sol";
import {Challenges} from "../../src/market/Challenges.sol";
import {Channels} from "../../src/market/Channels.sol";
import {Deletions} from "../../src/market/Deletions.sol";
import {Disputes} from "../../src/market/Disputes.sol";
import {IMarket} from "../../src/market/IMarket.sol";
import {World} from "../support/World.sol";

/// @dev What an audit tried. Each test is an attack that once worked, or that the design claims to stop.
contract AttacksTest is World {
    uint256 internal constant KEY = 0xB0001;
    uint256 internal constant OTHER = 0xB0002;
    address internal constant READER = address(0x4EAD);
    address internal provider;
    address internal other;
    uint256 internal agreement;

    function setUp() public {
        deploy();
        provider = newProvider(KEY, 1_000e18);
        other = newProvider(OTHER, 1_000e18);
        agreement = openAgreement(terms());
        give(READER, 1_000_000e18);
        vm.prank(READER);
        token.approve(address(disputes), type(uint256).max);
    }

    function tune(Parameter parameter, uint256 value) private {
        vm.prank(address(timelock));
        parameters.set(parameter, value);
    }

    function demand(uint256 index) private {
        vm.prank(READER);
        disputes.open(agreement, index, new uint32[](1));
    }

    // --- Being caught must not be cheaper than it is meant to be ---

    /// @dev Once evicted a provider could call `declareFault` before anybody called `evict`, and paid the lower price.
    function test_an_evicted_provider_pays_in_full_when_it_declares() public {
        fill(agreement, 0, KEY);
        for (uint256 i = 0; i < 3; i++) {
            missedWindow();
        }
        vm.prank(operator(KEY));
        market.declareFault(agreement, 0);
        vm.assertEq(stake.poolOf(provider).assets, 900e18, "all of the collateral, as if evicted");
    }

    /// @dev Nor by handing its slots to a friend that reserved them in time.
    function test_an_evicted_provider_hands_nothing_over_for_free() public {
        fill(agreement, 0, KEY);
        vm.prank(operator(KEY));
        market.offer(agreement, 0, true);
        for (uint256 i = 0; i < 3; i++) {
            missedWindow();
        }
        vm.startPrank(operator(OTHER));
        market.reserve(agreement, 0, other);
        market.refill(agreement, 0, rootFor(agreement, 0, other));
        vm.stopPrank();
        vm.assertEq(stake.poolOf(provider).assets, 900e18, "all of the collateral, as if evicted");
        vm.assertEq(market.credits(owner), 8e18, "three misses and a loss are refunded");
        vm.assertTrue(market.slotOf(agreement, 0).provider == other, "and the friend holds the slot");
    }

    /// @dev A level without bound shifted the penalty out of its word, to nothing.
    function test_a_level_never_exceeds_that_of_eviction() public {
        IMarket.Terms memory many = terms();
        many.slots = 8;
        agreement = openAgreement(many);
        for (uint256 round = 0; round < 8; round++) {
            fill(agreement, round, KEY);
            do {
                missedWindow();
                challenges.judge(provider, address(0));
            } while (!challenges.bookOf(provider).evicted);
            vm.assertEq(challenges.bookOf(provider).level, 3, "evicted at three, and no higher");
            market.evict(agreement, round);
        }
    }

    /// @dev The same two signatures could be brought again and again, by anybody, a tenth of each penalty its reward.
    function test_a_contradiction_is_punished_once() public {
        fill(agreement, 0, KEY);
        bytes32 what = keccak256("salted");
        uint256 dated = block.number;
        bytes memory receipt = peerSigned(deletions.deletedDigest(provider, what, dated));
        vm.roll(dated + 5);
        bytes memory served = peerSigned(deletions.servedDigest(provider, what, dated + 3));
        deletions.confirm(provider, what, dated, receipt);
        vm.prank(REPORTER);
        deletions.contradict(provider, what, dated + 3, served);
        vm.assertEq(stake.lockedOf(provider), 50e18, "the penalty");
        vm.expectRevert(abi.encodeWithSelector(Deletions.WrongBlock.selector, dated));
        deletions.confirm(provider, what, dated, receipt);
        vm.expectRevert(abi.encodeWithSelector(Deletions.WrongBlock.selector, dated + 3));
        deletions.contradict(provider, what, dated + 3, served);
    }

    function peerSigned(bytes32 digest) private pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(KEY, digest);
        return abi.encodePacked(r, s, v);
    }

    // --- Nothing is locked for ever ---

    /// @dev With a response as long as the window, a provider that proved in the last block kept its set frozen for ever.
    function test_in_every_window_a_set_can_change_once_the_deadline_is_over() public {
        fill(agreement, 0, KEY);
        tune(Parameter.ResponseBlocks, 7_200);
        goTo(21);
        vm.roll(block.number + OPEN - 1);
        openNow();
        (, uint256 deadline) = challenges.openedWindow(21);
        vm.roll(deadline + 1);
        vm.assertEq(challenges.currentWindow(), 21, "the window is not over");
        market.finish(agreement, 0);
    }

    /// @dev Years of misses too far apart to evict, never judged: one call had to judge them all, or nothing moved.
    function test_judging_fits_a_block_however_much_is_left_to_judge() public {
        fill(agreement, 0, KEY);
        fill(agreement, 1, OTHER);
        for (uint256 i = 1; i <= 150; i++) {
            goTo(4 * i);
            openNow();
        }
        goTo(601);
        vm.roll(block.number + OPEN);
        vm.expectRevert(abi.encodeWithSelector(Challenges.NotJudged.selector, provider, 257));
        market.finish(agreement, 0);
        uint256 calls = 0;
        while (challenges.bookOf(provider).judgedTo < 602) {
            uint256 before = gasleft();
            challenges.judge(provider, REPORTER);
            vm.assertLt(before - gasleft(), 5_000_000, "gas of one call");
            calls++;
        }
        vm.assertEq(calls, 3, "64 misses a call");
        market.finish(agreement, 0);
        vm.assertEq(stake.lockedOf(provider), 0, "free");
    }

    function test_a_long_time_without_misses_is_judged_in_pieces() public {
        fill(agreement, 0, KEY);
        goTo(100_000);
        vm.roll(block.number + OPEN);
        vm.expectRevert(abi.encodeWithSelector(Challenges.NotJudged.selector, provider, 65_537));
        market.finish(agreement, 0);
        challenges.judge(provider, REPORTER);
        market.finish(agreement, 0);
    }

    /// @dev An owner could name a response time of centuries: a provider under dispute, and the owner's rest, stayed for it.
    function test_no_dispute_lasts_longer_than_governance_could_ask_for() public {
        IMarket.Terms memory slow = terms();
        slow.responseBlocks = type(uint32).max;
        agreement = openAgreement(slow);
        fill(agreement, 0, KEY);
        demand(0);
        (, uint256 high) = parameters.bounds(Parameter.DisputeBlocks);
        vm.assertEq(disputes.disputeOf(agreement, 0).deadline, block.number + high, "a bound");
    }

    // --- Disputes ---

    /// @dev Whoever finished its time owes no cells, but a dispute kept it from leaving.
    function test_a_slot_whose_time_is_over_is_not_disputed() public {
        fill(agreement, 0, KEY);
        fill(agreement, 1, KEY);
        goTo(20);
        demand(0);
        goTo(21);
        vm.expectRevert(abi.encodeWithSelector(Disputes.WrongState.selector, agreement, 1));
        demand(1);
        vm.roll(block.number + OPEN);
        market.finish(agreement, 1);
        disputes.conclude(agreement, 0);
    }

    /// @dev A thousand disputes at once, each at the first price, could not be answered within the time.
    function test_disputes_at_the_same_time_double_the_bond() public {
        for (uint256 i = 0; i < 4; i++) {
            fill(agreement, i, KEY);
        }
        uint256 before = token.balanceOf(READER);
        for (uint256 i = 0; i < 4; i++) {
            vm.assertEq(disputes.bondOf(provider), 10e18 << i, "what the next costs");
            demand(i);
        }
        vm.assertEq(before - token.balanceOf(READER), 150e18, "10, 20, 40, 80");
        vm.roll(block.number + 31);
        disputes.conclude(agreement, 3);
        vm.assertEq(disputes.bondOf(provider), 10e18 << 4, "three run, one was lost");
    }

    /// @dev The challenger's gas was a part of the penalty without bound: a provider could dispute itself for its delegators' stake.
    function test_the_gas_of_a_lost_dispute_is_at_most_its_bond() public {
        fill(agreement, 0, KEY);
        tune(Parameter.DisputeGas, 1e22);
        demand(0);
        vm.roll(block.number + 31);
        disputes.conclude(agreement, 0);
        vm.assertEq(disputes.credits(READER), 20e18, "its bond, and as much again");
    }

    /// @dev A dispute about a slot on offer kept its reserver from refilling it, and the bond burned.
    function test_a_dispute_stops_a_reservations_clock() public {
        fill(agreement, 0, KEY);
        vm.prank(operator(KEY));
        market.offer(agreement, 0, true);
        vm.prank(operator(OTHER));
        market.reserve(agreement, 0, other);
        vm.roll(block.number + 40);
        demand(0);
        vm.roll(block.number + 31);
        vm.prank(operator(OTHER));
        vm.expectRevert(abi.encodeWithSelector(IMarket.WrongState.selector, agreement, 0));
        market.refill(agreement, 0, bytes32(uint256(1)));
        vm.expectRevert(abi.encodeWithSelector(IMarket.WrongState.selector, agreement, 0));
        market.expireReservation(agreement, 0);
        newProvider(0xB0003, 1_000e18);
        vm.prank(operator(0xB0003));
        vm.expectRevert(abi.encodeWithSelector(IMarket.WrongState.selector, agreement, 0));
        market.reserve(agreement, 0, peer(0xB0003));
        // Nobody has decided it yet, and the clock has run out all the same.
        vm.roll(market.slotOf(agreement, 0).reservedTo + 1 + OPEN);
        vm.expectRevert(abi.encodeWithSelector(IMarket.WrongState.selector, agreement, 0));
        market.expireReservation(agreement, 0);
        vm.prank(operator(0xB0003));
        vm.expectRevert(abi.encodeWithSelector(IMarket.WrongState.selector, agreement, 0));
        market.reserve(agreement, 0, peer(0xB0003));
        disputes.conclude(agreement, 0);
        vm.assertEq(market.slotOf(agreement, 0).reservedTo, block.number + 60, "begins anew");
        vm.prank(operator(OTHER));
        market.refill(agreement, 0, bytes32(uint256(1)));
        vm.assertEq(stake.poolOf(other).assets, 1_000e18, "the bond is back");
    }

    /// @dev In its last window an agreement takes no refill, and the bond of a reservation returns. An owner that extended it
    /// then, after the reservation ran out, had the bond burned of one who could not have refilled the slot.
    function test_an_extension_burns_no_bond_of_who_could_not_refill() public {
        fill(agreement, 0, KEY);
        vm.prank(operator(KEY));
        market.declareFault(agreement, 0);
        goTo(19);
        vm.roll(block.number + 30);
        vm.prank(operator(OTHER));
        market.reserve(agreement, 0, other);
        goTo(20);
        bytes memory late = abi.encodeWithSelector(IMarket.WrongState.selector, agreement, 0);
        vm.prank(operator(OTHER));
        vm.expectRevert(late);
        market.refill(agreement, 0, rootFor(agreement, 0, other));
        give(owner, 40e18);
        vm.startPrank(owner);
        token.approve(address(market), 40e18);
        vm.roll(market.slotOf(agreement, 0).reservedTo + 1);
        vm.assertEq(challenges.currentWindow(), 20, "the last window");
        vm.expectRevert(late);
        market.extend(agreement, 10);
        vm.stopPrank();
        market.expireReservation(agreement, 0);
        vm.assertEq(stake.poolOf(other).assets, 1_000e18, "the bond is back");
    }

    // --- Front-running ---

    /// @dev An account may give itself code (EIP-7702), and with it had refused the vouchers it had signed.
    function test_a_payer_cannot_take_its_vouchers_back_by_code() public {
        give(owner, 10e18);
        vm.startPrank(owner);
        token.approve(address(channels), 10e18);
        uint256 channel = channels.open(provider, 10e18);
        vm.stopPrank();
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(OWNER_KEY, channels.voucherDigest(channel, 7e18));
        vm.etch(owner, address(new Deaf()).code);
        channels.redeem(channel, 7e18, abi.encodePacked(r, s, v));
        vm.assertEq(token.balanceOf(operator(KEY)), 7e18, "paid");
        (v, r, s) = vm.sign(0xBAD, channels.voucherDigest(channel, 8e18));
        vm.expectRevert(abi.encodeWithSelector(Channels.BadVoucher.selector, channel));
        channels.redeem(channel, 8e18, abi.encodePacked(r, s, v));
    }

    /// @dev One proof copied out of a batch and sent ahead made the whole batch fail, perhaps past the deadline.
    function test_a_proof_sent_ahead_does_not_fail_the_batch() public {
        fill(agreement, 0, KEY);
        fill(agreement, 1, OTHER);
        goTo(1);
        openNow();
        Challenges.Submission[] memory both = new Challenges.Submission[](2);
        (both[0], both[1]) = (submission(1, provider), submission(1, other));
        challenges.submitProof(1, both[0]);
        challenges.submitProofs(1, both);
        vm.assertTrue(challenges.isProven(other, 1), "the rest is accepted");
        challenges.submitProofs(1, both); // nothing is left to prove, and nothing is wrong
    }
}

/// @dev A contract account that never agrees.
contract Deaf {
    function isValidSignature(bytes32, bytes calldata) external pure returns (bytes4) {
        return 0xffffffff;
    }
}
