// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import {PausableUpgradeable} from "@openzeppelin/contracts-upgradeable/utils/PausableUpgradeable.sol";
import {Challenges} from "../../src/market/Challenges.sol";
import {IMarket} from "../../src/market/IMarket.sol";
import {Providers} from "../../src/market/Providers.sol";
import {Stake} from "../../src/market/Stake.sol";
import {World} from "../support/World.sol";

contract MarketTest is World {
    uint256 internal constant KEY = 0xB0001;
    uint256 internal constant OTHER = 0xB0002;
    address internal provider;
    address internal other;
    uint256 internal agreement;

    function setUp() public {
        deploy();
        provider = newProvider(KEY, 1_000e18);
        other = newProvider(OTHER, 1_000e18);
        agreement = openAgreement(terms());
    }

    // --- Agreements ---

    function test_terms_that_cannot_be_kept_are_refused() public {
        give(owner, 1e26);
        vm.startPrank(owner);
        token.approve(address(market), type(uint256).max);
        IMarket.Terms memory bad = terms();
        bad.slots = 0;
        refused(bad, IMarket.Term.Slots);
        bad.slots = 1_025;
        refused(bad, IMarket.Term.Slots);
        bad = terms();
        bad.threshold = 0;
        refused(bad, IMarket.Term.Threshold);
        bad.threshold = 5;
        refused(bad, IMarket.Term.Threshold);
        bad = terms();
        bad.slotBytes = 0;
        refused(bad, IMarket.Term.SlotBytes);
        bad = terms();
        bad.windows = 0;
        refused(bad, IMarket.Term.Windows);
        bad.windows = 1_001;
        refused(bad, IMarket.Term.Windows);
        bad = terms();
        bad.price = 0;
        refused(bad, IMarket.Term.Price);
        bad.price = type(uint128).max;
        refused(bad, IMarket.Term.Price);
        bad = terms();
        bad.collateral = 10e18 - 1;
        refused(bad, IMarket.Term.Collateral);
        bad.collateral = type(uint128).max;
        refused(bad, IMarket.Term.Collateral);
        bad = terms();
        bad.repairReward = bad.collateral + 1;
        refused(bad, IMarket.Term.RepairReward);
        bad = terms();
        bad.refund = bad.collateral + 1;
        refused(bad, IMarket.Term.Refund);
        bad = terms();
        bad.slaBps = 10_001;
        refused(bad, IMarket.Term.SlaBps);
        vm.stopPrank();
    }

    function refused(IMarket.Terms memory bad, IMarket.Term term) private {
        vm.expectRevert(abi.encodeWithSelector(IMarket.BadTerms.selector, term));
        market.open(bad);
    }

    function test_opening_takes_the_full_price() public view {
        vm.assertEq(token.balanceOf(address(market)), 80e18, "4 slots, 20 windows, 1 HOLD");
        vm.assertEq(market.agreementOf(agreement).escrow, 80e18, "escrow");
        vm.assertEq(market.agreementOf(agreement).end, 21, "from the next window on");
    }

    function test_unknown_ids_are_refused() public {
        vm.expectRevert(abi.encodeWithSelector(IMarket.Unknown.selector, 99, 0));
        market.settle(99, 0);
        vm.expectRevert(abi.encodeWithSelector(IMarket.Unknown.selector, agreement, 4));
        market.settle(agreement, 4);
        vm.expectRevert(abi.encodeWithSelector(IMarket.WrongState.selector, agreement, 0));
        market.settle(agreement, 0);
        vm.expectRevert(abi.encodeWithSelector(IMarket.Unknown.selector, 99, 0));
        market.close(99);
        vm.expectRevert(abi.encodeWithSelector(IMarket.Unknown.selector, 99, 0));
        market.cancel(99);
    }

    // --- Filling ---

    function test_a_slot_needs_the_owners_signature_for_exactly_this() public {
        bytes32 root = rootFor(agreement, 0, provider);
        bytes32 cells = keccak256("cells");
        bytes memory signature = signed(agreement, 0, provider, root, cells);
        notApproved(0, KEY, bytes32(uint256(root) + 1), cells, signature);
        notApproved(0, KEY, root, bytes32(uint256(1)), signature);
        notApproved(1, KEY, root, cells, signature);
        notApproved(0, OTHER, root, cells, signature);
        vm.expectRevert(abi.encodeWithSelector(Providers.NotOperator.selector, provider, address(this)));
        market.fill(agreement, 0, provider, root, cells, signature);
        vm.startPrank(operator(KEY));
        market.fill(agreement, 0, provider, root, cells, signature);
        vm.expectRevert(abi.encodeWithSelector(IMarket.WrongState.selector, agreement, 0));
        market.fill(agreement, 0, provider, root, cells, signature);
        vm.stopPrank();
        vm.assertEq(stake.lockedOf(provider), 100e18, "collateral is locked");
    }

    function notApproved(uint256 index, uint256 key, bytes32 root, bytes32 cells, bytes memory signature) private {
        vm.expectRevert(abi.encodeWithSelector(IMarket.NotApproved.selector, agreement, index));
        vm.prank(operator(key));
        market.fill(agreement, index, peer(key), root, cells, signature);
    }

    function signed(uint256 id, uint256 index, address who, bytes32 root, bytes32 cells)
        private
        view
        returns (bytes memory)
    {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(OWNER_KEY, market.approvalDigest(id, index, who, root, cells));
        return abi.encodePacked(r, s, v);
    }

    function test_a_fill_needs_free_stake_and_a_provider_that_takes_slots() public {
        address poor = newProvider(0xB0003, 99e18);
        bytes memory signature = signed(agreement, 0, poor, bytes32(uint256(1)), bytes32(0));
        vm.expectRevert(abi.encodeWithSelector(Stake.BadAmount.selector, 100e18, 99e18));
        vm.prank(operator(0xB0003));
        market.fill(agreement, 0, poor, bytes32(uint256(1)), bytes32(0), signature);
        vm.prank(operator(KEY));
        providers.setExiting(provider, true);
        signature = signed(agreement, 0, provider, bytes32(uint256(1)), bytes32(0));
        vm.expectRevert(abi.encodeWithSelector(IMarket.TakesNoSlots.selector, provider));
        vm.prank(operator(KEY));
        market.fill(agreement, 0, provider, bytes32(uint256(1)), bytes32(0), signature);
    }

    // --- Paying ---

    function test_a_provider_is_paid_for_proven_windows_only() public {
        fill(agreement, 0, KEY);
        provenWindow(provider);
        market.settle(agreement, 0);
        vm.assertEq(stake.poolOf(provider).assets, 1_001e18, "one window");
        missedWindow();
        market.settle(agreement, 0);
        vm.assertEq(market.slotOf(agreement, 0).settledTo, 3, "settled through the missed one");
        provenWindow(provider);
        market.settle(agreement, 0);
        market.settle(agreement, 0);
        vm.assertEq(market.agreementOf(agreement).escrow, 78e18, "two windows paid, once each");
        vm.assertEq(market.ledger().paid, 2e18, "ledger");
    }

    function test_all_slots_of_a_provider_share_one_proof() public {
        fill(agreement, 0, KEY);
        fill(agreement, 1, KEY);
        fill(agreement, 2, KEY);
        provenWindow(provider);
        for (uint256 i = 0; i < 3; i++) {
            market.settle(agreement, i);
        }
        vm.assertEq(market.ledger().paid, 3e18, "three slots, one proof");
    }

    function test_nothing_is_paid_beyond_the_end() public {
        fill(agreement, 0, KEY);
        for (uint256 i = 0; i < 23; i++) {
            provenWindow(provider);
        }
        market.settle(agreement, 0);
        vm.assertEq(market.ledger().paid, 20e18, "twenty windows");
        market.finish(agreement, 0);
        vm.assertEq(market.ledger().paid, 20e18, "and no more");
        vm.assertEq(stake.lockedOf(provider), 0, "collateral is free");
        market.close(agreement);
        vm.assertEq(market.credits(owner), 60e18, "three slots nobody took");
        vm.prank(owner);
        market.withdraw();
        vm.assertEq(token.balanceOf(owner), 60e18, "withdrawn");
        vm.assertEq(token.balanceOf(address(market)), 0, "nothing is left");
        vm.expectRevert(abi.encodeWithSelector(IMarket.WrongState.selector, agreement, 0));
        market.close(agreement);
    }

    function test_an_agreement_closes_only_when_it_is_over_and_empty() public {
        vm.expectRevert(abi.encodeWithSelector(IMarket.WrongState.selector, agreement, 0));
        market.close(agreement);
        fill(agreement, 0, KEY);
        vm.expectRevert(abi.encodeWithSelector(IMarket.WrongState.selector, agreement, 0));
        market.finish(agreement, 0);
        goTo(21);
        vm.expectRevert(abi.encodeWithSelector(IMarket.WrongState.selector, agreement, 0));
        market.close(agreement);
        vm.roll(block.number + OPEN);
        market.finish(agreement, 0);
        market.close(agreement);
    }

    function test_nobody_withdraws_what_is_anothers() public {
        goTo(21);
        market.close(agreement);
        vm.prank(operator(KEY));
        vm.assertEq(market.withdraw(), 0, "nothing");
        vm.assertEq(token.balanceOf(address(market)), 80e18, "still there");
    }

    // --- Service level ---

    function test_breaches_of_the_service_level_are_refunded_at_the_end() public {
        fill(agreement, 0, KEY);
        for (uint256 i = 0; i < 20; i++) {
            // Four misses far enough apart not to evict; two of twenty are allowed.
            if (i % 5 == 4) missedWindow();
            else provenWindow(provider);
        }
        goTo(21);
        vm.roll(block.number + OPEN);
        uint256 burned = market.ledger().burned;
        market.finish(agreement, 0);
        vm.assertEq(market.ledger().paid, 16e18, "sixteen windows");
        vm.assertEq(market.credits(owner), 4e18, "two breaches at two HOLD");
        vm.assertEq(market.ledger().burned, burned, "nothing burns in the market");
    }

    // --- Losing a slot ---

    function test_a_declared_fault_costs_less_than_being_caught() public {
        fill(agreement, 0, KEY);
        fill(agreement, 1, OTHER);
        provenWindow(provider);
        prove(other);
        vm.expectRevert(abi.encodeWithSelector(Providers.NotOperator.selector, provider, address(this)));
        market.declareFault(agreement, 0);
        uint256 supply = token.totalSupply();
        vm.prank(operator(KEY));
        market.declareFault(agreement, 0);
        // 20 of 100 are seized: 8 the next repairer's, 2 the owner's (one breach), 10 burn.
        vm.assertEq(supply - token.totalSupply(), 10e18, "burned");
        vm.assertEq(market.slotOf(agreement, 0).pot, 8e18, "reward");
        vm.assertEq(market.credits(owner), 2e18, "refund");
        vm.assertEq(stake.poolOf(provider).assets, 1_001e18 - 20e18, "paid for its window, minus the penalty");
        vm.assertEq(stake.lockedOf(provider), 0, "the rest is free");
        for (uint256 i = 0; i < 3; i++) {
            missedWindow();
        }
        uint256 before = stake.poolOf(other).assets;
        market.evict(agreement, 1);
        vm.assertGe(before - stake.poolOf(other).assets, 98e18, "all of it");
        vm.assertTrue(market.slotOf(agreement, 1).state == IMarket.State.Freed, "freed");
    }

    function test_only_an_evicted_provider_loses_slots() public {
        fill(agreement, 0, KEY);
        vm.expectRevert(abi.encodeWithSelector(IMarket.WrongState.selector, agreement, 0));
        market.evict(agreement, 0);
        missedWindow();
        missedWindow();
        vm.expectRevert(abi.encodeWithSelector(IMarket.WrongState.selector, agreement, 0));
        market.evict(agreement, 0);
        vm.expectRevert();
        market.fail(agreement, 0);
    }

    function test_a_burn_always_exceeds_the_reward() public {
        IMarket.Terms memory greedy = terms();
        greedy.repairReward = greedy.collateral;
        greedy.refund = greedy.collateral;
        uint256 id = openAgreement(greedy);
        fill(id, 0, KEY);
        uint256 supply = token.totalSupply();
        vm.prank(operator(KEY));
        market.declareFault(id, 0);
        vm.assertGt(supply - token.totalSupply(), market.slotOf(id, 0).pot, "burn and reward");
    }

    // --- Repair ---

    function test_any_provider_refills_a_freed_slot_for_the_reward() public {
        fill(agreement, 0, KEY);
        vm.prank(operator(KEY));
        market.declareFault(agreement, 0);
        vm.prank(operator(KEY));
        vm.expectRevert(abi.encodeWithSelector(IMarket.WrongState.selector, agreement, 0));
        market.reserve(agreement, 0, provider); // not the one that lost it
        vm.startPrank(operator(OTHER));
        market.reserve(agreement, 0, other);
        vm.assertEq(stake.lockedOf(other), 10e18, "the bond");
        market.refill(agreement, 0, rootFor(agreement, 0, other));
        vm.stopPrank();
        vm.assertEq(stake.lockedOf(other), 100e18, "the collateral");
        vm.assertEq(market.slotOf(agreement, 0).cellRoot, keccak256("cells"), "the owner's cell root stays");
        market.settle(agreement, 0);
        vm.assertEq(market.ledger().paid, 0, "no reward without a proof");
        provenWindow(other);
        market.settle(agreement, 0);
        vm.assertEq(market.ledger().paid, 9e18, "one window and the reward");
        vm.assertEq(market.agreementOf(agreement).pots, 0, "once");
    }

    function test_a_reservation_excludes_others_until_it_ends_and_its_bond_burns() public {
        fill(agreement, 0, KEY);
        vm.prank(operator(KEY));
        market.declareFault(agreement, 0);
        vm.prank(operator(OTHER));
        market.reserve(agreement, 0, other);
        newProvider(0xB0003, 1_000e18);
        vm.startPrank(operator(0xB0003));
        vm.expectRevert(abi.encodeWithSelector(IMarket.WrongState.selector, agreement, 0));
        market.reserve(agreement, 0, peer(0xB0003));
        vm.expectRevert(abi.encodeWithSelector(Providers.NotOperator.selector, other, operator(0xB0003)));
        market.refill(agreement, 0, bytes32(uint256(1)));
        vm.expectRevert(abi.encodeWithSelector(IMarket.WrongState.selector, agreement, 0));
        market.expireReservation(agreement, 0);
        vm.roll(block.number + 61);
        uint256 supply = token.totalSupply();
        market.reserve(agreement, 0, peer(0xB0003));
        vm.stopPrank();
        vm.assertEq(supply - token.totalSupply(), 10e18, "the bond burned");
        vm.assertEq(stake.lockedOf(other), 0, "and is no longer locked");
        vm.roll(block.number + 61);
        market.expireReservation(agreement, 0);
        vm.assertEq(supply - token.totalSupply(), 20e18, "the second, too");
        vm.prank(operator(0xB0003));
        vm.expectRevert(abi.encodeWithSelector(IMarket.WrongState.selector, agreement, 0));
        market.refill(agreement, 0, bytes32(uint256(1)));
    }

    function test_a_bond_returns_when_the_agreement_ended_first() public {
        fill(agreement, 0, KEY);
        vm.prank(operator(KEY));
        market.declareFault(agreement, 0);
        vm.roll(challenges.genesis() + 20 * WINDOW - 5);
        vm.prank(operator(OTHER));
        market.reserve(agreement, 0, other);
        vm.roll(block.number + 61);
        uint256 supply = token.totalSupply();
        market.expireReservation(agreement, 0);
        vm.assertEq(token.totalSupply(), supply, "nothing burned");
        vm.assertEq(stake.lockedOf(other), 0, "released");
    }

    function test_a_reward_nobody_earned_burns_at_the_end() public {
        fill(agreement, 0, KEY);
        vm.prank(operator(KEY));
        market.declareFault(agreement, 0);
        goTo(21);
        uint256 supply = token.totalSupply();
        market.close(agreement);
        vm.assertEq(supply - token.totalSupply(), 8e18, "burned");
        vm.assertEq(market.credits(owner), 82e18, "its own money and one refund");
    }

    // --- Handing over, renewing, cancelling ---

    function test_a_slot_is_handed_over_without_penalty() public {
        fill(agreement, 0, KEY);
        vm.prank(operator(OTHER));
        vm.expectRevert(abi.encodeWithSelector(IMarket.WrongState.selector, agreement, 0));
        market.reserve(agreement, 0, other);
        vm.prank(operator(KEY));
        market.offer(agreement, 0, true);
        vm.prank(operator(OTHER));
        market.reserve(agreement, 0, other);
        vm.prank(operator(KEY));
        vm.expectRevert(abi.encodeWithSelector(IMarket.WrongState.selector, agreement, 0));
        market.offer(agreement, 0, false); // too late
        provenWindow(provider); // it goes on until then
        uint256 supply = token.totalSupply();
        vm.prank(operator(OTHER));
        market.refill(agreement, 0, rootFor(agreement, 0, other));
        vm.assertEq(token.totalSupply(), supply, "nothing burned");
        vm.assertEq(stake.poolOf(provider).assets, 1_001e18, "paid");
        vm.assertEq(stake.lockedOf(provider), 0, "free");
        provenWindow(other);
        market.settle(agreement, 0);
        vm.assertEq(market.ledger().paid, 2e18, "no window twice");
    }

    function test_an_extension_binds_a_provider_only_if_it_renews() public {
        fill(agreement, 0, KEY);
        fill(agreement, 1, OTHER);
        give(owner, 40e18);
        vm.startPrank(owner);
        token.approve(address(market), 40e18);
        uint256 held = token.balanceOf(address(market));
        uint256 escrow = market.agreementOf(agreement).escrow;
        market.extend(agreement, 10);
        vm.stopPrank();
        vm.assertEq(token.balanceOf(address(market)) - held, 40e18, "the price of the windows added");
        vm.assertEq(market.agreementOf(agreement).escrow - escrow, 40e18, "is escrowed");
        vm.prank(operator(KEY));
        market.renew(agreement, 0);
        vm.prank(operator(KEY));
        vm.expectRevert(abi.encodeWithSelector(IMarket.WrongState.selector, agreement, 0));
        market.renew(agreement, 0);
        goTo(21);
        vm.roll(block.number + OPEN);
        vm.expectRevert(abi.encodeWithSelector(IMarket.WrongState.selector, agreement, 0));
        market.finish(agreement, 0);
        market.finish(agreement, 1);
        vm.assertTrue(market.slotOf(agreement, 1).state == IMarket.State.Freed, "open for another");
        newProvider(0xB0003, 1_000e18);
        vm.startPrank(operator(0xB0003));
        market.reserve(agreement, 1, peer(0xB0003));
        market.refill(agreement, 1, bytes32(uint256(7)));
        vm.stopPrank();
    }

    function test_stake_that_leaves_does_not_renew() public {
        fill(agreement, 0, KEY);
        give(owner, 40e18);
        vm.startPrank(owner);
        token.approve(address(market), 40e18);
        market.extend(agreement, 10);
        vm.stopPrank();
        uint256 shares = stake.positionOf(provider, operator(KEY)).shares;
        vm.startPrank(operator(KEY));
        stake.unbond(provider, shares);
        vm.expectRevert(abi.encodeWithSelector(IMarket.WrongState.selector, agreement, 0));
        market.renew(agreement, 0);
        vm.stopPrank();
    }

    function test_a_cancelled_agreement_pays_through_its_notice() public {
        fill(agreement, 0, KEY);
        provenWindow(provider);
        vm.expectRevert(abi.encodeWithSelector(IMarket.NotOwner.selector, address(this)));
        market.cancel(agreement);
        vm.prank(owner);
        market.cancel(agreement);
        vm.assertEq(market.agreementOf(agreement).end, 4, "two windows of notice");
        vm.prank(owner);
        vm.expectRevert(abi.encodeWithSelector(IMarket.WrongState.selector, agreement, 0));
        market.cancel(agreement);
        provenWindow(provider);
        provenWindow(provider);
        provenWindow(provider);
        market.finish(agreement, 0);
        market.close(agreement);
        vm.assertEq(market.ledger().paid, 3e18, "three windows");
        vm.assertEq(market.credits(owner), 77e18, "the rest");
    }

    // --- Pause ---

    function test_a_pause_stops_new_agreements_and_traps_nothing() public {
        fill(agreement, 0, KEY);
        fill(agreement, 1, OTHER);
        vm.prank(operator(OTHER));
        market.declareFault(agreement, 1);
        newProvider(0xB0003, 1_000e18);
        vm.prank(operator(0xB0003));
        market.reserve(agreement, 1, peer(0xB0003));
        vm.expectRevert();
        market.pause();
        vm.prank(GUARDIAN);
        market.pause();
        IMarket.Terms memory wanted = terms();
        vm.expectRevert(abi.encodeWithSelector(PausableUpgradeable.EnforcedPause.selector));
        market.open(wanted);
        bytes memory signature = signed(agreement, 2, provider, bytes32(uint256(1)), bytes32(0));
        vm.prank(operator(KEY));
        vm.expectRevert(abi.encodeWithSelector(PausableUpgradeable.EnforcedPause.selector));
        market.fill(agreement, 2, provider, bytes32(uint256(1)), bytes32(0), signature);
        // Everything that ends an obligation goes on.
        vm.prank(operator(0xB0003));
        market.refill(agreement, 1, bytes32(uint256(9)));
        provenWindow(provider);
        market.settle(agreement, 0);
        vm.prank(operator(KEY));
        market.declareFault(agreement, 0);
        vm.prank(owner);
        market.cancel(agreement);
        goTo(4);
        vm.roll(block.number + OPEN);
        market.finish(agreement, 1);
        market.close(agreement);
        vm.prank(owner);
        vm.assertGt(market.withdraw(), 0, "the owner's money is free");
        vm.expectRevert();
        market.unpause();
        vm.prank(address(timelock));
        market.unpause();
    }
}
