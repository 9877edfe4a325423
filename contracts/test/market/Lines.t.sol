// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import {PausableUpgradeable} from "@openzeppelin/contracts-upgradeable/utils/PausableUpgradeable.sol";
import {Parameter} from "../../src/governance/Parameters.sol";
import {Challenges} from "../../src/market/Challenges.sol";
import {Deletions} from "../../src/market/Deletions.sol";
import {Disputes} from "../../src/market/Disputes.sol";
import {IMarket} from "../../src/market/IMarket.sol";
import {Providers} from "../../src/market/Providers.sol";
import {Stake} from "../../src/market/Stake.sol";
import {World} from "../support/World.sol";

/// @dev What no other test looked at, as breaking the lines one by one showed.
contract LinesTest is World {
    uint256 internal constant KEY = 0xB0001;
    uint256 internal constant OTHER = 0xB0002;
    address internal constant DELEGATOR = address(0xDE1E);
    address internal provider;
    address internal other;
    uint256 internal agreement;

    function setUp() public {
        deploy();
        provider = newProvider(KEY, 2_000e18);
        other = newProvider(OTHER, 2_000e18);
        agreement = openAgreement(terms());
    }

    /// @dev Slot `index` is lost and free.
    function freed(uint256 index) private {
        fill(agreement, index, OTHER);
        vm.prank(operator(OTHER));
        market.declareFault(agreement, index);
    }

    function reserve(uint256 index) private {
        vm.prank(operator(KEY));
        market.reserve(agreement, index, provider);
    }

    function refusal() private view returns (bytes memory) {
        return abi.encodeWithSelector(IMarket.WrongState.selector, agreement, 0);
    }

    // --- Agreements ---

    function test_an_extension_is_neither_nothing_nor_too_long() public {
        give(owner, 4_000e18);
        vm.startPrank(owner);
        token.approve(address(market), 4_000e18);
        bytes memory bad = abi.encodeWithSelector(IMarket.BadTerms.selector, IMarket.Term.Windows);
        vm.expectRevert(bad);
        market.extend(agreement, 0);
        vm.expectRevert(bad);
        market.extend(agreement, 980);
        market.extend(agreement, 979);
        vm.stopPrank();
        vm.assertEq(market.agreementOf(agreement).end, 1_000, "the longest");
    }

    function test_what_is_over_is_neither_extended_nor_cancelled() public {
        goTo(21);
        market.close(agreement);
        vm.startPrank(owner);
        vm.expectRevert(refusal());
        market.extend(agreement, 1);
        vm.expectRevert(refusal());
        market.cancel(agreement);
        vm.stopPrank();
    }

    function test_a_pause_stops_extensions_and_reservations() public {
        freed(0);
        vm.prank(GUARDIAN);
        market.pause();
        bytes memory paused = abi.encodeWithSelector(PausableUpgradeable.EnforcedPause.selector);
        vm.prank(owner);
        vm.expectRevert(paused);
        market.extend(agreement, 1);
        vm.prank(operator(KEY));
        vm.expectRevert(paused);
        market.reserve(agreement, 0, provider);
    }

    function test_a_slot_whose_time_is_over_is_done() public {
        fill(agreement, 0, KEY);
        goTo(21);
        vm.roll(block.number + OPEN);
        market.finish(agreement, 0);
        vm.assertTrue(market.slotOf(agreement, 0).state == IMarket.State.Done, "not free for a refill");
    }

    /// @dev What a provider proved before it took a slot is not paid for that slot.
    function test_a_slot_is_paid_from_its_first_window_on() public {
        fill(agreement, 0, KEY);
        provenWindow(provider);
        provenWindow(provider);
        fill(agreement, 1, KEY);
        market.settle(agreement, 1);
        vm.assertEq(market.ledger().paid, 0, "nothing yet");
        provenWindow(provider);
        market.settle(agreement, 1);
        vm.assertEq(market.ledger().paid, 1e18, "one window");
    }

    function test_nothing_new_is_settled_without_a_word() public {
        fill(agreement, 0, KEY);
        provenWindow(provider);
        market.settle(agreement, 0);
        vm.recordLogs();
        market.settle(agreement, 0);
        vm.assertEq(vm.getRecordedLogs().length, 0, "no event");
    }

    /// @dev Its misses and proofs are counted from its first window on, 2^19 windows at most.
    function test_a_provider_renews_until_its_tenure_is_longest() public {
        vm.prank(address(timelock));
        parameters.set(Parameter.LongestWindows, 100_000);
        fill(agreement, 0, KEY);
        give(owner, 3_000_000e18);
        vm.prank(owner);
        token.approve(address(market), type(uint256).max);
        while (market.agreementOf(agreement).end <= 1 << 19) {
            uint256 current = challenges.currentWindow();
            uint256 more = current + 100_000 - market.agreementOf(agreement).end;
            uint256 left = (1 << 19) + 1 - market.agreementOf(agreement).end;
            vm.prank(owner);
            market.extend(agreement, uint32(more < left ? more : left));
            vm.prank(operator(KEY));
            market.renew(agreement, 0);
            goTo(market.slotOf(agreement, 0).end - 2);
        }
        vm.prank(owner);
        market.extend(agreement, 1);
        vm.prank(operator(KEY));
        vm.expectRevert(refusal());
        market.renew(agreement, 0);
    }

    function test_only_its_provider_offers_and_renews_a_slot() public {
        fill(agreement, 0, KEY);
        give(owner, 40e18);
        vm.startPrank(owner);
        token.approve(address(market), 40e18);
        market.extend(agreement, 10);
        vm.stopPrank();
        bytes memory notIts = abi.encodeWithSelector(Providers.NotOperator.selector, provider, operator(OTHER));
        vm.startPrank(operator(OTHER));
        vm.expectRevert(notIts);
        market.offer(agreement, 0, true);
        vm.expectRevert(notIts);
        market.renew(agreement, 0);
        vm.stopPrank();
    }

    function test_who_takes_over_offers_nothing_and_who_left_has_nothing_locked() public {
        fill(agreement, 0, OTHER);
        vm.prank(operator(OTHER));
        market.offer(agreement, 0, true);
        reserve(0);
        vm.prank(operator(KEY));
        market.refill(agreement, 0, bytes32(uint256(7)));
        vm.assertTrue(!market.slotOf(agreement, 0).offered, "it wants to keep it");
        vm.prank(operator(KEY));
        market.declareFault(agreement, 0);
        vm.assertEq(market.slotOf(agreement, 0).units, 0, "no collateral of a slot that is free");
    }

    // --- Reservations ---

    function test_nobody_reserves_with_anothers_bond() public {
        freed(0);
        vm.expectRevert(abi.encodeWithSelector(Providers.NotOperator.selector, provider, address(this)));
        market.reserve(agreement, 0, provider);
    }

    function test_a_bond_that_burns_is_in_the_books() public {
        freed(0);
        reserve(0);
        vm.roll(block.number + 61);
        market.expireReservation(agreement, 0);
        IMarket.Ledger memory it = market.ledger();
        uint256 held = token.balanceOf(address(market));
        vm.assertEq(it.received, held + it.paid + it.burned + it.refunded, "received before it burned");
    }

    /// @dev The bond does not pay for what was missed before it was locked.
    function test_a_reserver_is_judged_before_its_bond_is_locked() public {
        fill(agreement, 1, KEY);
        freed(0);
        missedWindow();
        reserve(0);
        vm.assertEq(stake.lockedOf(provider), 99e18 + 10e18, "one of a hundred was lost, and nothing of the bond");
    }

    function test_a_reserver_is_judged_before_its_bond_burns() public {
        fill(agreement, 1, KEY);
        freed(0);
        reserve(0);
        uint256 burned = market.ledger().burned;
        missedWindow();
        goTo(challenges.currentWindow() + 1);
        market.expireReservation(agreement, 0);
        vm.assertEq(market.ledger().burned - burned, 9.9e18, "the bond less its share of the penalty");
    }

    /// @dev The bond burns if the time ran out before the agreement's last window began, and else it returns.
    function test_a_bond_burns_or_returns_to_the_block() public {
        freed(0);
        freed(1);
        uint256 last = challenges.genesis() + 20 * WINDOW;
        vm.roll(last - 61);
        reserve(0);
        vm.roll(last - 60);
        reserve(1);
        vm.assertEq(market.slotOf(agreement, 1).reservedTo, last, "the block at which the last window begins");
        vm.roll(last + 1);
        market.expireReservation(agreement, 0);
        vm.assertEq(stake.poolOf(provider).assets, 1_990e18, "burned");
        market.expireReservation(agreement, 1);
        vm.assertEq(stake.poolOf(provider).assets, 1_990e18, "returned");
    }

    // --- Misses ---

    function test_who_evicts_is_paid_for_the_misses_it_reports() public {
        fill(agreement, 0, KEY);
        for (uint256 i = 0; i < 3; i++) {
            missedWindow();
        }
        vm.prank(REPORTER);
        market.evict(agreement, 0);
        // 1, 2 and 4 percent of what was left, a twentieth of it the reporter's.
        vm.assertEq(token.balanceOf(REPORTER), (1e18 + 1.98e18 + 3.8808e18) / 20, "bounties");
    }

    function test_every_change_of_a_set_changes_its_draws() public {
        fill(agreement, 0, KEY);
        uint256 version = challenges.bookOf(provider).version;
        fill(agreement, 1, KEY);
        vm.assertEq(challenges.bookOf(provider).version, version + 1, "one more");
        uint256 seed = challenges.seedOf(1, provider);
        vm.prank(operator(KEY));
        market.declareFault(agreement, 1);
        vm.assertEq(challenges.bookOf(provider).version, version + 2, "one less");
        vm.assertTrue(challenges.seedOf(1, provider) != seed, "another seed");
    }

    function test_what_stays_in_a_set_keeps_its_root() public {
        for (uint256 i = 0; i < 3; i++) {
            fill(agreement, i, KEY);
        }
        vm.prank(operator(KEY));
        market.declareFault(agreement, 0);
        (bytes32[] memory keys, bytes32[] memory roots) = challenges.setOf(provider);
        vm.assertEq(keys.length, 2, "two stay");
        for (uint256 i = 0; i < 2; i++) {
            uint256 index = 2 - i; // The last takes the place of the one that left.
            vm.assertEq(keys[i], market.keyOf(agreement, index), "key");
            vm.assertEq(roots[i], rootFor(agreement, index, provider), "root");
            vm.assertEq(challenges.rootOf(provider, keys[i]), roots[i], "found by its key");
        }
    }

    function test_a_set_loses_only_its_own() public {
        fill(agreement, 0, KEY);
        fill(agreement, 1, OTHER);
        bytes32[2] memory keys = [keccak256("none"), market.keyOf(agreement, 1)];
        for (uint256 i = 0; i < 2; i++) {
            vm.prank(address(market));
            vm.expectRevert(abi.encodeWithSelector(Challenges.BadSlot.selector, keys[i]));
            challenges.remove(provider, keys[i], false);
        }
    }

    // --- Stake ---

    function test_a_bounty_is_never_more_than_the_penalty() public {
        vm.prank(address(market));
        stake.lock(provider, 3);
        vm.prank(address(challenges));
        vm.assertEq(stake.penalise(provider, 100, REPORTER, 50), 3, "all there is");
        vm.assertEq(token.balanceOf(REPORTER), 3, "and no more");
    }

    /// @dev The share that own stake must cover is rounded up.
    function test_the_last_token_of_cover_stays() public {
        stakeOn(provider, DELEGATOR, 1_000e18);
        vm.prank(address(market));
        stake.lock(provider, 1);
        uint256 shares = stake.positionOf(provider, operator(KEY)).shares;
        vm.startPrank(operator(KEY));
        stake.unbond(provider, shares);
        vm.roll(block.number + 500);
        stake.withdraw(provider);
        vm.stopPrank();
        vm.assertGe(stake.worthOf(provider, operator(KEY)), 1, "one stays");
    }

    /// @dev As many shares go as are lost, rounded up: what is left of a share is never less because another lost.
    function test_a_loss_is_rounded_against_who_bears_it() public {
        stakeOn(provider, DELEGATOR, 1_000e18);
        vm.startPrank(address(market));
        stake.reward(provider, 7e18 + 3);
        stake.lock(provider, 100);
        vm.stopPrank();
        Stake.Pool memory before = stake.poolOf(provider);
        vm.prank(address(challenges));
        stake.penalise(provider, 1, address(0), 0);
        Stake.Pool memory pool = stake.poolOf(provider);
        uint256 were = (uint256(before.assets) + 1) * (uint256(pool.shares) + 1_000);
        vm.assertGe((uint256(pool.assets) + 1) * (uint256(before.shares) + 1_000), were, "a share is worth no less");
    }

    function test_what_nobody_has_a_share_of_is_the_operators() public {
        address fresh = register(0xB0003);
        vm.prank(address(market));
        stake.reward(fresh, 100);
        vm.assertEq(stake.poolOf(fresh).fees, 100, "all of it");
        vm.assertEq(stake.poolOf(fresh).assets, 0, "and nothing is nobody's");
    }

    // --- Disputes ---

    function test_a_bond_doubles_ten_times_at_most() public {
        IMarket.Terms memory many = terms();
        many.slots = 12;
        agreement = openAgreement(many);
        for (uint256 i = 0; i < 12; i++) {
            fill(agreement, i, KEY);
        }
        give(address(this), 40_000e18);
        token.approve(address(disputes), type(uint256).max);
        for (uint256 i = 0; i < 12; i++) {
            vm.assertEq(disputes.bondOf(provider), 10e18 << (i < 10 ? i : 10), "the next bond");
            disputes.open(agreement, i, new uint32[](1));
        }
    }

    /// @dev A lost dispute costs the gas and the bond, the bond doubled for each recent dispute; then the slot's collateral.
    function test_what_a_lost_dispute_costs() public {
        for (uint256 i = 0; i < 3; i++) {
            fill(agreement, i, KEY);
        }
        give(address(this), 30e18);
        token.approve(address(disputes), 30e18);
        loses(0);
        vm.assertEq(stake.lockedOf(provider), 192e18, "12 of 300, and a third of what is left");
        loses(1);
        vm.assertEq(stake.lockedOf(provider), 75e18, "2 and twice 20 of 192, and half of what is left");
    }

    function loses(uint256 index) private {
        disputes.open(agreement, index, new uint32[](1));
        vm.roll(block.number + 31);
        disputes.conclude(agreement, index);
    }

    /// @dev A dispute is with the provider that was asked, and not with who refilled the slot after it.
    function test_a_dispute_does_not_pass_to_the_next_provider() public {
        fill(agreement, 0, KEY);
        for (uint256 i = 0; i < 3; i++) {
            missedWindow();
        }
        give(address(this), 10e18);
        token.approve(address(disputes), 10e18);
        disputes.open(agreement, 0, new uint32[](1));
        market.evict(agreement, 0);
        vm.startPrank(operator(OTHER));
        market.reserve(agreement, 0, other);
        market.refill(agreement, 0, bytes32(uint256(7)));
        vm.stopPrank();
        vm.roll(block.number + 31);
        vm.expectRevert(abi.encodeWithSelector(Disputes.WrongState.selector, agreement, 0));
        disputes.conclude(agreement, 0);
        disputes.void(agreement, 0);
        vm.assertTrue(market.slotOf(agreement, 0).provider == other, "it stays");
        vm.assertEq(disputes.credits(address(this)), 10e18, "the bond returns");
    }

    // --- Deletions ---

    function test_what_is_dated_in_the_future_contradicts_nothing() public {
        bytes32 what = keccak256("salted");
        uint256 dated = block.number;
        deletions.confirm(provider, what, dated, peerSigned(deletions.deletedDigest(provider, what, dated)));
        vm.roll(dated + 5);
        bytes memory served = peerSigned(deletions.servedDigest(provider, what, dated + 6));
        vm.expectRevert(abi.encodeWithSelector(Deletions.WrongBlock.selector, dated + 6));
        deletions.contradict(provider, what, dated + 6, served);
        vm.roll(dated + 6);
        deletions.contradict(provider, what, dated + 6, served);
    }

    function test_only_its_own_key_contradicts_a_provider() public {
        bytes32 what = keccak256("salted");
        uint256 dated = block.number;
        deletions.confirm(provider, what, dated, peerSigned(deletions.deletedDigest(provider, what, dated)));
        vm.roll(dated + 5);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(OTHER, deletions.servedDigest(provider, what, dated + 1));
        vm.expectRevert(abi.encodeWithSelector(Deletions.WrongPeerKey.selector, provider, other));
        deletions.contradict(provider, what, dated + 1, abi.encodePacked(r, s, v));
    }

    function test_a_provider_is_judged_before_it_pays_for_a_contradiction() public {
        fill(agreement, 0, KEY);
        bytes32 what = keccak256("salted");
        uint256 dated = block.number;
        deletions.confirm(provider, what, dated, peerSigned(deletions.deletedDigest(provider, what, dated)));
        missedWindow();
        deletions.contradict(provider, what, dated + 1, peerSigned(deletions.servedDigest(provider, what, dated + 1)));
        vm.assertEq(stake.lockedOf(provider), 49e18, "one of a hundred for the miss, then fifty");
    }

    function peerSigned(bytes32 digest) private pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(KEY, digest);
        return abi.encodePacked(r, s, v);
    }
}
