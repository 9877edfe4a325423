// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import {Disputes} from "../../src/market/Disputes.sol";
import {IMarket} from "../../src/market/IMarket.sol";
import {IGroth16Verifier, IOpeningVerifier} from "../../src/proof/IGroth16Verifier.sol";
import {OpeningInputs} from "../../src/proof/OpeningInputs.sol";
import {Openings} from "../support/Openings.sol";
import {World} from "../support/World.sol";

/// @dev A refiller's circuit root is doubted at one cell: with real proofs, upheld if it is right there, lost if not.
contract RootsTest is World {
    uint256 internal constant KEY = 0xB0001;
    uint256 internal constant OTHER = 0xB0002;
    address internal constant DOUBTER = address(0xD0B7);
    address internal provider;
    address internal other;
    uint256 internal agreement;

    /// @dev Slot 0 stands under its own root; slot 1 was lost and refilled under a root that is wrong in one cell.
    function setUp() public {
        deploy();
        provider = newProvider(KEY, 1_000e18);
        other = newProvider(OTHER, 1_000e18);
        // Long enough for doubts that lie 257 windows apart.
        IMarket.Terms memory long = terms();
        long.windows = 1_000;
        agreement = openAgreement(long);
        fillRoots(agreement, 0, KEY, Openings.slotRoot(), Openings.cellRoot());
        fillRoots(agreement, 1, KEY, Openings.slotRoot(), Openings.cellRoot());
        vm.prank(operator(KEY));
        market.declareFault(agreement, 1);
        vm.startPrank(operator(OTHER));
        market.reserve(agreement, 1, other);
        market.refill(agreement, 1, Openings.wrongRoot());
        vm.stopPrank();
        give(DOUBTER, 1_000e18);
        vm.prank(DOUBTER);
        token.approve(address(disputes), type(uint256).max);
    }

    function doubt(uint256 index, uint32 cell) private {
        vm.prank(DOUBTER);
        disputes.doubtRoot(agreement, index, cell);
    }

    function uphold(uint256 index, Openings.Shown memory it) private {
        disputes.upholdRoot(agreement, index, it.cell, it.content, it.path, it.proof);
    }

    function refuses(uint256 index, Openings.Shown memory it, bytes memory why) private {
        vm.expectRevert(why);
        uphold(index, it);
    }

    function test_a_right_root_is_upheld_at_every_cell() public {
        for (uint256 i = 0; i < 4; i++) {
            Openings.Shown memory it = Openings.shown(i);
            if (i > 0) vm.roll(block.number + 257 * WINDOW);
            doubt(0, it.cell);
            uint256 supply = token.totalSupply();
            uint256 locked = stake.lockedOf(provider);
            uphold(0, it);
            vm.assertEq(disputes.credits(operator(KEY)), (i + 1) * 2e18, "gas");
            vm.assertEq(supply - token.totalSupply(), 8e18, "the rest of the bond burns");
            vm.assertEq(stake.lockedOf(provider), locked, "it costs nothing");
            vm.assertTrue(!market.slotOf(agreement, 0).disputed, "free again");
        }
    }

    function test_a_root_that_is_wrong_in_one_cell_is_disproven_by_that_cell() public {
        // At a cell that is right under both roots the refiller's root holds.
        Openings.Shown memory it = Openings.shown(1);
        it.proof = Openings.elsewhere();
        doubt(1, it.cell);
        uphold(1, it);
        // At the one that is wrong nothing does: not what stands under its root, nor the truth with any proof there is.
        vm.roll(block.number + 257 * WINDOW);
        it = Openings.shown(0);
        doubt(1, it.cell);
        refuses(1, it, abi.encodeWithSelector(IGroth16Verifier.ProofRejected.selector));
        bytes memory truth = it.content;
        (it.content, it.proof) = Openings.lie();
        refuses(1, it, abi.encodeWithSelector(Disputes.WrongCell.selector, 0));
        it.content = truth;
        refuses(1, it, abi.encodeWithSelector(IGroth16Verifier.ProofRejected.selector));
        it.proof = Openings.elsewhere();
        refuses(1, it, abi.encodeWithSelector(IGroth16Verifier.ProofRejected.selector));

        uint256 locked = stake.lockedOf(other);
        vm.roll(block.number + 31);
        disputes.conclude(agreement, 1);
        vm.assertEq(uint256(market.slotOf(agreement, 1).state), uint256(IMarket.State.Freed), "the slot is free");
        vm.assertEq(disputes.credits(DOUBTER), 12e18, "bond and gas");
        vm.assertLe(stake.lockedOf(other) + 100e18, locked, "its collateral is seized");
    }

    function test_a_slot_lost_for_its_root_is_refilled_under_the_right_one() public {
        doubt(1, 5);
        vm.roll(block.number + 31);
        disputes.conclude(agreement, 1);
        uint256 third = 0xB0003;
        address filler = newProvider(third, 1_000e18);
        vm.startPrank(operator(third));
        market.reserve(agreement, 1, filler);
        market.refill(agreement, 1, Openings.slotRoot());
        vm.stopPrank();
        doubt(1, 5);
        uphold(1, Openings.shown(0));
        vm.assertEq(market.slotOf(agreement, 1).provider, filler, "held");
    }

    function test_a_proof_serves_its_cell_and_slot_alone() public {
        Openings.Shown memory it = Openings.shown(1);
        vm.expectRevert(abi.encodeWithSelector(Disputes.WrongState.selector, agreement, 0));
        uphold(0, it);
        doubt(0, it.cell);
        // Another cell than asked for, and that cell under the index asked for.
        Openings.Shown memory beside = Openings.shown(0);
        refuses(0, beside, abi.encodeWithSelector(Disputes.OtherCells.selector));
        beside.cell = it.cell;
        refuses(0, beside, abi.encodeWithSelector(Disputes.WrongCell.selector, 0));
        // The proof of another cell of the slot.
        beside = Openings.shown(1);
        beside.proof = Openings.shown(0).proof;
        refuses(0, beside, abi.encodeWithSelector(IGroth16Verifier.ProofRejected.selector));
        // The proof of the same cell under another root.
        beside.proof = Openings.elsewhere();
        refuses(0, beside, abi.encodeWithSelector(IGroth16Verifier.ProofRejected.selector));
        // Another slot, another agreement.
        refuses(1, it, abi.encodeWithSelector(Disputes.WrongState.selector, agreement, 1));
        vm.expectRevert(abi.encodeWithSelector(Disputes.WrongState.selector, agreement + 1, 0));
        disputes.upholdRoot(agreement + 1, 0, it.cell, it.content, it.path, it.proof);
        uphold(0, it);
        refuses(0, it, abi.encodeWithSelector(Disputes.WrongState.selector, agreement, 0));
    }

    function test_a_doubt_and_a_demand_are_answered_each_in_its_own_way() public {
        Openings.Shown memory it = Openings.shown(0);
        (uint32[] memory indices, bytes[] memory cells, bytes32[][] memory paths) =
            (new uint32[](1), new bytes[](1), new bytes32[][](1));
        (indices[0], cells[0], paths[0]) = (it.cell, it.content, it.path);
        doubt(0, it.cell);
        vm.prank(DOUBTER);
        vm.expectRevert(abi.encodeWithSelector(Disputes.WrongState.selector, agreement, 0));
        disputes.open(agreement, 0, indices);
        vm.expectRevert(abi.encodeWithSelector(Disputes.OtherCells.selector));
        disputes.answer(agreement, 0, indices, cells, paths);
        uphold(0, it);
        vm.prank(DOUBTER);
        disputes.open(agreement, 0, indices);
        refuses(0, it, abi.encodeWithSelector(Disputes.OtherCells.selector));
        disputes.answer(agreement, 0, indices, cells, paths);
    }

    function test_a_doubted_root_is_upheld_in_time_or_not_at_all() public {
        Openings.Shown memory it = Openings.shown(0);
        doubt(0, it.cell);
        vm.expectRevert(abi.encodeWithSelector(Disputes.Deadline.selector, block.number + 30));
        disputes.conclude(agreement, 0);
        vm.roll(block.number + 31);
        refuses(0, it, abi.encodeWithSelector(Disputes.Deadline.selector, block.number - 1));
        disputes.conclude(agreement, 0);
        vm.assertEq(uint256(market.slotOf(agreement, 0).state), uint256(IMarket.State.Freed), "lost");
    }

    function test_a_doubted_provider_cannot_slip_away() public {
        doubt(0, 3);
        vm.prank(operator(KEY));
        vm.expectRevert(abi.encodeWithSelector(IMarket.WrongState.selector, agreement, 0));
        market.declareFault(agreement, 0);
    }

    function test_what_cannot_be_doubted() public {
        vm.startPrank(DOUBTER);
        vm.expectRevert(abi.encodeWithSelector(Disputes.BadCells.selector));
        disputes.doubtRoot(agreement, 0, 1 << 21);
        vm.expectRevert(abi.encodeWithSelector(Disputes.WrongState.selector, agreement, 2));
        disputes.doubtRoot(agreement, 2, 0);
        vm.expectRevert();
        disputes.setOpenings(IOpeningVerifier(address(1)));
        vm.stopPrank();
        vm.prank(address(timelock));
        disputes.setOpenings(IOpeningVerifier(address(0)));
        vm.prank(DOUBTER);
        vm.expectRevert(abi.encodeWithSelector(Disputes.NoVerifier.selector));
        disputes.doubtRoot(agreement, 0, 0);
    }

    function test_who_answers_here_again_pays_for_it() public {
        Openings.Shown memory it = Openings.shown(0);
        doubt(0, it.cell);
        uphold(0, it);
        uint256 locked = stake.lockedOf(provider);
        doubt(0, it.cell);
        vm.assertEq(uint256(disputes.disputeOf(agreement, 0).bond), 20e18, "twice the bond");
        uphold(0, it);
        vm.assertEq(locked - stake.lockedOf(provider), 20e18, "as much as the bond");
    }

    /// @dev alpha and e as the prover computed them from the cell's elements.
    function test_the_inputs_of_a_cell() public view {
        for (uint256 i = 0; i < 4; i++) {
            Openings.Shown memory it = Openings.shown(i);
            string memory path = string.concat(".accepted[", vm.toString(i), "].inputs");
            uint256[] memory inputs = vm.parseJsonUintArray(Openings.json(), path);
            (uint256 alpha, uint256 e) = this.compress(uint256(Openings.slotRoot()), it.cell, it.content);
            vm.assertEq(bytes32(inputs[0]), Openings.slotRoot(), "root");
            vm.assertEq(inputs[1], it.cell, "index");
            vm.assertEq(inputs[2], alpha, "alpha");
            vm.assertEq(inputs[3], e, "e");
        }
    }

    function compress(uint256 root, uint256 index, bytes calldata cell) external pure returns (uint256, uint256) {
        return OpeningInputs.compress(root, index, cell);
    }
}
