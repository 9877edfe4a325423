// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import {Challenges} from "../../src/market/Challenges.sol";
import {IMarket} from "../../src/market/IMarket.sol";
import {IGroth16Verifier} from "../../src/proof/IGroth16Verifier.sol";
import {FIELD} from "../../src/proof/ProviderInputs.sol";
import {World} from "../support/World.sol";

contract ChallengesTest is World {
    uint256 internal constant KEY = 0xB0001;
    uint256 internal constant OTHER = 0xB0002;
    /// @dev Where an ERC-1967 proxy keeps its implementation.
    bytes32 internal constant IMPLEMENTATION = 0x360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc;
    address internal provider;
    uint256 internal agreement;

    function setUp() public {
        deploy();
        provider = newProvider(KEY, 1_000e18);
        agreement = openAgreement(terms());
        fill(agreement, 0, KEY);
    }

    // --- Windows ---

    function test_a_window_opens_once_after_its_first_block_and_not_late() public {
        uint256 first = challenges.genesis() + 3 * WINDOW;
        vm.roll(first);
        vm.expectRevert(abi.encodeWithSelector(Challenges.CannotOpen.selector, 3));
        challenges.openWindow(3, "");
        vm.roll(first + 1);
        vm.expectRevert(abi.encodeWithSelector(Challenges.CannotOpen.selector, 4));
        challenges.openWindow(4, "");
        vm.roll(first + OPEN + 1);
        vm.expectRevert(abi.encodeWithSelector(Challenges.CannotOpen.selector, 3));
        challenges.openWindow(3, "");
        vm.roll(first + OPEN);
        challenges.openWindow(3, "");
        (uint256 bits, uint256 deadline) = challenges.openedWindow(3);
        vm.assertEq(deadline, first + OPEN + 20, "deadline");
        vm.assertEq(bits, uint256(keccak256(abi.encode(blockhash(first)))) >> 64, "the first block's hash");
        vm.expectRevert(abi.encodeWithSelector(Challenges.CannotOpen.selector, 3));
        challenges.openWindow(3, "");
    }

    function test_the_opener_cannot_choose_the_randomness() public {
        goTo(3);
        openNow();
        (uint256 early,) = challenges.openedWindow(3);
        vm.roll(challenges.genesis() + 3 * WINDOW + 5);
        Challenges later = challenges;
        vm.assertEq(early, uint256(keccak256(abi.encode(keccak256(abi.encode("block", 3))))) >> 64, "fixed");
        vm.expectRevert(abi.encodeWithSelector(Challenges.CannotOpen.selector, 3));
        later.openWindow(3, "");
    }

    // --- Proofs ---

    function test_a_proof_is_accepted_once() public {
        goTo(1);
        openNow();
        prove(provider);
        vm.assertTrue(challenges.isProven(provider, 1), "proven");
        Challenges.Submission memory again = submission(1, provider);
        vm.expectRevert(abi.encodeWithSelector(Challenges.AlreadyProven.selector, provider, 1));
        challenges.submitProof(1, again);
    }

    /// @dev Sixteen draws among sixty slots, accounts and storage cold as at a transaction's start, in a window that is not
    /// the first of its word of bits.
    function test_gas_of_a_provider_and_window() public {
        stakeOn(provider, operator(KEY), 10_000e18);
        IMarket.Terms memory many = terms();
        many.slots = 60;
        uint256 large = openAgreement(many);
        for (uint256 i = 0; i < 60; i++) {
            fill(large, i, KEY);
        }
        provenWindow(provider);
        goTo(2);
        openNow();
        bytes memory data = abi.encodeCall(Challenges.submitProof, (2, submission(2, provider)));
        address verifier = address(challenges.verifier());
        vm.cool(address(challenges));
        vm.cool(verifier);
        vm.cool(address(uint160(uint256(vm.load(address(challenges), IMPLEMENTATION)))));
        uint256 before = gasleft();
        (bool ok,) = address(challenges).call(data);
        uint256 gas = before - gasleft();
        vm.assertTrue(ok, "accepted");
        vm.snapshotValue("challenges", "one provider and window, execution", gas);
        vm.snapshotValue("challenges", "one provider and window, transaction", gas + intrinsic(data));
        vm.assertLe(gas + intrinsic(data), 310_000, "one provider and window, base and calldata included");
    }

    function test_proofs_of_another_statement_are_refused() public {
        address other = newProvider(OTHER, 1_000e18);
        fill(agreement, 1, OTHER);
        goTo(1);
        openNow();
        bytes memory rejected = abi.encodeWithSelector(IGroth16Verifier.ProofRejected.selector);
        Challenges.Submission memory honest = submission(1, provider);
        // another provider's proof: stolen from the mempool, or shared between identities
        Challenges.Submission memory stolen = submission(1, other);
        stolen.provider = provider;
        vm.expectRevert(rejected);
        challenges.submitProof(1, stolen);
        // another hash of the roots
        Challenges.Submission memory wrong = submission(1, provider);
        wrong.h += 1;
        vm.expectRevert(rejected);
        challenges.submitProof(1, wrong);
        // the same window of another chain
        vm.chainId(97);
        vm.expectRevert(rejected);
        challenges.submitProof(1, honest);
        vm.chainId(31337);
        // the window before
        challenges.submitProof(1, honest);
        goTo(2);
        openNow();
        vm.expectRevert(rejected);
        challenges.submitProof(2, honest);
        vm.expectRevert(abi.encodeWithSelector(Challenges.NotOpen.selector, 1));
        challenges.submitProof(1, honest);
    }

    function test_a_proof_for_another_contract_is_refused() public {
        goTo(1);
        openNow();
        uint256 here = challenges.seedOf(1, provider);
        Challenges first = challenges;
        deploy();
        vm.assertTrue(address(first) != address(challenges), "another contract");
        vm.assertTrue(here != challenges.seedOf(1, provider), "another seed");
    }

    function test_an_aliased_h_is_refused() public {
        goTo(1);
        openNow();
        Challenges.Submission memory aliased = submission(1, provider);
        aliased.h += FIELD;
        vm.expectRevert(abi.encodeWithSelector(IGroth16Verifier.InputOutOfField.selector, 1));
        challenges.submitProof(1, aliased);
    }

    function test_late_early_and_unasked_proofs_are_refused() public {
        goTo(1);
        Challenges.Submission memory proof = submission(1, provider);
        vm.expectRevert(abi.encodeWithSelector(Challenges.NotOpen.selector, 1));
        challenges.submitProof(1, proof);
        openNow();
        proof = submission(1, provider);
        vm.roll(block.number + 21);
        vm.expectRevert(abi.encodeWithSelector(Challenges.NotOpen.selector, 1));
        challenges.submitProof(1, proof);
        vm.roll(block.number - 1);
        challenges.submitProof(1, proof);
        address stranger = newProvider(OTHER, 1_000e18);
        proof.provider = stranger;
        vm.expectRevert(abi.encodeWithSelector(Challenges.NotObliged.selector, stranger, 1));
        challenges.submitProof(1, proof);
        // A slot filled in this window is to be proven from the next one on.
        fill(agreement, 1, OTHER);
        vm.expectRevert(abi.encodeWithSelector(Challenges.NotObliged.selector, stranger, 1));
        challenges.submitProof(1, proof);
    }

    function test_a_batch_is_accepted_whole_or_not_at_all() public {
        address other = newProvider(OTHER, 1_000e18);
        fill(agreement, 1, OTHER);
        goTo(1);
        openNow();
        Challenges.Submission[] memory both = new Challenges.Submission[](2);
        (both[0], both[1]) = (submission(1, provider), submission(1, other));
        both[1].h += 1;
        vm.expectRevert(abi.encodeWithSelector(IGroth16Verifier.ProofRejected.selector));
        challenges.submitProofs(1, both);
        vm.assertTrue(!challenges.isProven(provider, 1), "nothing is noted");
        both[1].h -= 1;
        challenges.submitProofs(1, both);
        vm.assertTrue(challenges.isProven(provider, 1) && challenges.isProven(other, 1), "both proven");
    }

    function test_a_replay_within_a_batch_counts_once() public {
        goTo(1);
        openNow();
        Challenges.Submission[] memory twice = new Challenges.Submission[](2);
        (twice[0], twice[1]) = (submission(1, provider), submission(1, provider));
        vm.recordLogs();
        challenges.submitProofs(1, twice);
        vm.assertEq(vm.getRecordedLogs().length, 1, "accepted once");
    }

    // --- The set is frozen while a challenge could be drawn again ---

    function test_the_set_is_frozen_from_the_first_block_until_proof_or_deadline() public {
        provenWindow(provider);
        uint256 first = challenges.genesis() + 2 * WINDOW;
        vm.roll(first);
        uint256 second = openAgreement(terms());
        expectFrozenFill(second, 2);
        vm.roll(first + 3);
        openNow();
        expectFrozenFill(second, 2);
        vm.roll(first + 23);
        expectFrozenFill(second, 2);
        vm.expectRevert(abi.encodeWithSelector(Challenges.SetFrozen.selector, provider, 2));
        vm.prank(operator(KEY));
        market.declareFault(agreement, 0);
        prove(provider);
        fill(second, 0, KEY);
        // A window that nobody opened binds until it can no longer be opened.
        vm.roll(challenges.genesis() + 3 * WINDOW + OPEN);
        expectFrozenFill(second, 3);
        vm.roll(challenges.genesis() + 3 * WINDOW + OPEN + 1);
        fill(second, 1, KEY);
        // A missed window binds until its deadline, and is judged with the change.
        goTo(4);
        openNow();
        vm.roll(block.number + 20);
        expectFrozenFill(second, 4);
        vm.roll(block.number + 1);
        fill(second, 2, KEY);
        vm.assertEq(challenges.bookOf(provider).level, 1, "judged");
    }

    function expectFrozenFill(uint256 id, uint256 window) private {
        bytes32 root = rootFor(id, 3, provider);
        bytes32 digest = market.approvalDigest(id, 3, provider, root, bytes32(0));
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(OWNER_KEY, digest);
        vm.expectRevert(abi.encodeWithSelector(Challenges.SetFrozen.selector, provider, window));
        vm.prank(operator(KEY));
        market.fill(id, 3, provider, root, bytes32(0), abi.encodePacked(r, s, v));
    }

    // --- Misses ---

    function test_misses_cost_step_by_step_and_then_the_slots() public {
        uint256 locked = stake.lockedOf(provider);
        uint256 supply = token.totalSupply();
        for (uint256 level = 1; level <= 3; level++) {
            missedWindow();
            vm.assertTrue(!challenges.bookOf(provider).evicted, "not yet");
            challenges.judge(provider, REPORTER);
            uint256 penalty = locked * (100 << (level - 1)) / 10_000;
            locked -= penalty;
            vm.assertEq(stake.lockedOf(provider), locked, "1, 2, 4 per cent");
            vm.assertEq(challenges.bookOf(provider).level, level, "level");
        }
        vm.assertTrue(challenges.bookOf(provider).evicted, "evicted");
        uint256 lost = 100e18 - locked;
        vm.assertEq(token.balanceOf(REPORTER), lost / 20, "the reporter's bounty");
        vm.assertEq(supply - token.totalSupply(), lost - lost / 20, "the rest is burned");
    }

    function test_a_level_decays_with_windows_without_a_miss() public {
        missedWindow();
        missedWindow();
        challenges.judge(provider, REPORTER);
        vm.assertEq(challenges.bookOf(provider).level, 2, "two misses");
        for (uint256 i = 0; i < 7; i++) {
            provenWindow(provider);
        }
        missedWindow();
        challenges.judge(provider, REPORTER);
        vm.assertEq(challenges.bookOf(provider).level, 1, "eight windows lower it by two, the miss raises it by one");
    }

    function test_judging_is_once_for_each_miss_and_in_order() public {
        missedWindow();
        missedWindow();
        challenges.judge(provider, REPORTER);
        uint256 locked = stake.lockedOf(provider);
        challenges.judge(provider, REPORTER);
        vm.assertEq(stake.lockedOf(provider), locked, "once");
        vm.assertEq(challenges.bookOf(provider).level, 2, "both");
    }

    function test_who_proves_or_cannot_prove_is_not_penalised() public {
        uint256 locked = stake.lockedOf(provider);
        provenWindow(provider);
        // Nobody opens the next two windows: nobody is to blame.
        goTo(4);
        challenges.judge(provider, REPORTER);
        // Within the deadline nothing is missed yet.
        openNow();
        vm.roll(block.number + 20);
        challenges.judge(provider, REPORTER);
        vm.assertEq(stake.lockedOf(provider), locked, "nothing lost");
        // A provider without slots owes nothing, and owes nothing for the time before it had any.
        address other = newProvider(OTHER, 1_000e18);
        prove(provider);
        fill(agreement, 1, OTHER);
        challenges.judge(other, REPORTER);
        vm.assertEq(challenges.bookOf(other).level, 0, "no miss");
        vm.assertEq(stake.lockedOf(other), 100e18, "nothing lost");
    }

    /// @dev Each of eight windows is opened or not, and proven or not; one provider is judged after each, the other at the end.
    /// Whether proofs are valid is not the question here, so a verifier that accepts everything spares the pairings.
    function testFuzz_judging_late_costs_as_much_as_judging_at_once(uint256 pattern) public {
        vm.etch(address(challenges.verifier()), hex"00");
        address other = newProvider(OTHER, 1_000e18);
        fill(agreement, 1, OTHER);
        for (uint256 i = 0; i < 8; i++) {
            goTo(challenges.currentWindow() + 1);
            bool opened = pattern >> (i + 8) & 3 != 3;
            if (opened) openNow();
            bool proven = opened && pattern >> i & 1 == 0;
            if (proven && !challenges.bookOf(provider).evicted) claim(provider);
            if (proven && !challenges.bookOf(other).evicted) claim(other);
            vm.roll(block.number + 21);
            challenges.judge(provider, address(0));
        }
        challenges.judge(other, address(0));
        vm.assertEq(challenges.bookOf(provider).level, challenges.bookOf(other).level, "level");
        vm.assertEq(stake.lockedOf(provider), stake.lockedOf(other), "locked");
        vm.assertTrue(challenges.bookOf(provider).evicted == challenges.bookOf(other).evicted, "evicted");
    }

    function claim(address who) private {
        Challenges.Submission memory anything;
        (anything.provider, anything.h) = (who, 1);
        challenges.submitProof(challenges.currentWindow(), anything);
    }

    function test_reputation_rises_with_proofs_and_falls_with_misses() public {
        vm.assertEq(challenges.reputation(provider), 0, "a newcomer");
        for (uint256 i = 0; i < 10; i++) {
            provenWindow(provider);
        }
        uint256 good = challenges.reputation(provider);
        vm.assertEq(good, 10_000 * uint256(80) / 2_128, "ten proofs");
        missedWindow();
        challenges.judge(provider, address(0));
        vm.assertEq(challenges.reputation(provider), 10_000 * uint256(80) / (80 + 2_048 + 32), "and a miss");
        goTo(300);
        vm.assertEq(challenges.reputation(provider), 10_000 * uint256(40) / (40 + 2_048 + 16), "half as heavy later");
        goTo(2_000);
        vm.assertEq(challenges.reputation(provider), 0, "forgotten");
    }

    function test_only_the_market_changes_sets() public {
        vm.expectRevert();
        challenges.add(provider, bytes32(uint256(1)), bytes32(uint256(1)));
        bytes32 key = market.keyOf(agreement, 0);
        vm.expectRevert();
        challenges.remove(provider, key, false);
        vm.expectRevert();
        challenges.noteDispute(provider);
        vm.expectRevert();
        stake.lock(provider, 1);
        vm.expectRevert();
        stake.release(provider, 1, 1);
        vm.expectRevert();
        stake.reward(provider, 1);
        vm.expectRevert();
        stake.penalise(provider, 1, address(this), 1);
    }

    function test_a_root_outside_the_field_is_refused() public {
        bytes32 root = bytes32(FIELD);
        bytes32 digest = market.approvalDigest(agreement, 1, provider, root, bytes32(0));
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(OWNER_KEY, digest);
        vm.expectRevert(abi.encodeWithSelector(Challenges.BadSlot.selector, market.keyOf(agreement, 1)));
        vm.prank(operator(KEY));
        market.fill(agreement, 1, provider, root, bytes32(0), abi.encodePacked(r, s, v));
    }
}
