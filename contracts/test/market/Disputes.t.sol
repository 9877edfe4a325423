// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import {CellTree} from "../../src/market/CellTree.sol";
import {Disputes} from "../../src/market/Disputes.sol";
import {IMarket} from "../../src/market/IMarket.sol";
import {World} from "../support/World.sol";

contract DisputesTest is World {
    uint256 internal constant KEY = 0xB0001;
    address internal constant READER = address(0x4EAD);
    address internal provider;
    uint256 internal agreement;
    bytes32[] internal zeros;

    /// @dev The slot has one cell of content, at index 5; all others are zeros, so that paths are short to compute.
    function setUp() public {
        deploy();
        provider = newProvider(KEY, 1_000e18);
        bytes32 node = sha256(abi.encodePacked(uint8(0), new bytes(496)));
        for (uint256 level = 0; level < 7; level++) {
            zeros.push(node);
            node = sha256(abi.encodePacked(uint8(1), node, node, node, node, node, node, node, node));
        }
        IMarket.Terms memory wanted = terms();
        wanted.collateral = 500e18;
        agreement = openAgreement(wanted);
        fillWith(agreement, 0, KEY, rootOf(cellAt(5), 5));
        give(READER, 1_000e18);
        vm.prank(READER);
        token.approve(address(disputes), type(uint256).max);
    }

    function cellAt(uint256 index) internal pure returns (bytes memory cell) {
        cell = new bytes(496);
        if (index != 5) return cell;
        for (uint256 i = 0; i < 496; i++) {
            cell[i] = bytes1(uint8(i * 7 + 1));
        }
    }

    function rootOf(bytes memory cell, uint256 index) internal view returns (bytes32 node) {
        node = sha256(abi.encodePacked(uint8(0), cell));
        for (uint256 level = 0; level < 7; level++) {
            bytes memory children = abi.encodePacked(uint8(1));
            for (uint256 child = 0; child < 8; child++) {
                children = abi.encodePacked(children, child == (index >> 3 * level & 7) ? node : zeros[level]);
            }
            node = sha256(children);
        }
    }

    /// @dev The siblings of a cell among the first eight, of which only the fifth is not zeros.
    function pathOf(uint256 index) internal view returns (bytes32[] memory path) {
        path = new bytes32[](49);
        for (uint256 place = 0; place < 49; place++) {
            path[place] = zeros[place / 7];
        }
        if (index != 5) path[index < 5 ? 4 : 5] = sha256(abi.encodePacked(uint8(0), cellAt(5)));
    }

    function ask(uint32 first) internal {
        uint32[] memory cells = new uint32[](2);
        (cells[0], cells[1]) = (first, 4);
        vm.prank(READER);
        disputes.open(agreement, 0, cells);
    }

    function evidence()
        internal
        view
        returns (uint32[] memory indices, bytes[] memory cells, bytes32[][] memory paths)
    {
        (indices, cells, paths) = (new uint32[](2), new bytes[](2), new bytes32[][](2));
        (indices[0], indices[1]) = (5, 4);
        for (uint256 i = 0; i < 2; i++) {
            (cells[i], paths[i]) = (cellAt(indices[i]), pathOf(indices[i]));
        }
    }

    function test_who_shows_the_cells_wins_and_is_paid_its_gas() public {
        ask(5);
        vm.assertEq(token.balanceOf(address(disputes)), 10e18, "bond");
        (uint32[] memory indices, bytes[] memory cells, bytes32[][] memory paths) = evidence();
        uint256 supply = token.totalSupply();
        disputes.answer(agreement, 0, indices, cells, paths);
        vm.assertEq(disputes.credits(operator(KEY)), 2e18, "gas");
        vm.assertEq(supply - token.totalSupply(), 8e18, "the rest of the bond burns");
        vm.assertEq(stake.lockedOf(provider), 500e18, "the first costs nothing");
        vm.prank(operator(KEY));
        disputes.withdraw();
        vm.assertEq(token.balanceOf(operator(KEY)), 2e18, "taken");
        vm.assertEq(token.balanceOf(address(disputes)), 0, "nothing is left");
        vm.expectRevert(abi.encodeWithSelector(Disputes.WrongState.selector, agreement, 0));
        disputes.answer(agreement, 0, indices, cells, paths);
    }

    function test_wrong_evidence_is_refused() public {
        ask(5);
        (uint32[] memory indices, bytes[] memory cells, bytes32[][] memory paths) = evidence();
        cells[1][100] = 0x01;
        wrong(1, indices, cells, paths);
        (indices, cells, paths) = evidence();
        paths[0][48] = bytes32(uint256(1));
        wrong(0, indices, cells, paths);
        (indices, cells, paths) = evidence();
        paths[0] = new bytes32[](48);
        wrong(0, indices, cells, paths);
        (indices, cells, paths) = evidence();
        cells[0] = new bytes(497);
        wrong(0, indices, cells, paths);
        (indices, cells, paths) = evidence();
        (cells[0], cells[1], paths[0], paths[1]) = (cells[1], cells[0], paths[1], paths[0]);
        wrong(0, indices, cells, paths);
        (indices, cells, paths) = evidence();
        indices[0] = 6;
        vm.expectRevert(abi.encodeWithSelector(Disputes.OtherCells.selector));
        disputes.answer(agreement, 0, indices, cells, paths);
        (indices, cells, paths) = evidence();
        vm.expectRevert(abi.encodeWithSelector(Disputes.OtherCells.selector));
        disputes.answer(agreement, 0, indices, new bytes[](1), paths);
    }

    function wrong(uint256 index, uint32[] memory indices, bytes[] memory cells, bytes32[][] memory paths) private {
        vm.expectRevert(abi.encodeWithSelector(Disputes.WrongCell.selector, index));
        disputes.answer(agreement, 0, indices, cells, paths);
    }

    function test_an_inner_node_does_not_pass_for_a_cell() public view {
        // A cell has a fixed length and its own first byte in the hash, so the bytes of eight nodes are none.
        bytes memory nodes =
            abi.encodePacked(zeros[0], zeros[0], zeros[0], zeros[0], zeros[0], zeros[0], zeros[0], zeros[0]);
        vm.assertTrue(!this.verify(rootOf(cellAt(5), 5), 0, nodes, new bytes32[](42)), "refused");
        vm.assertTrue(this.verify(rootOf(cellAt(5), 5), 5, cellAt(5), pathOf(5)), "accepted");
        bytes memory longer = abi.encodePacked(cellAt(5), uint8(0));
        vm.assertTrue(!this.verify(rootOf(longer, 5), 5, longer, pathOf(5)), "a cell of another length");
        vm.assertTrue(!this.verify(rootOf(cellAt(5), 5), 5 + (1 << 21), cellAt(5), pathOf(5)), "an alias of the index");
    }

    function verify(bytes32 root, uint256 index, bytes calldata cell, bytes32[] calldata path)
        external
        pure
        returns (bool)
    {
        return CellTree.verify(root, index, cell, path);
    }

    function test_who_cannot_show_them_loses_the_slot() public {
        ask(5);
        vm.expectRevert();
        disputes.conclude(agreement, 0);
        vm.roll(block.number + 31);
        (uint32[] memory indices, bytes[] memory cells, bytes32[][] memory paths) = evidence();
        vm.expectRevert();
        disputes.answer(agreement, 0, indices, cells, paths);
        disputes.conclude(agreement, 0);
        vm.assertEq(disputes.credits(READER), 12e18, "bond and gas");
        vm.assertEq(stake.lockedOf(provider), 0, "the slot's collateral");
        vm.assertEq(stake.poolOf(provider).assets, 500e18, "is gone");
        vm.assertEq(market.slotOf(agreement, 0).pot, 30e18, "the repair reward");
        vm.assertEq(challenges.disputesSince(provider, 0), 1, "noted");
        vm.prank(READER);
        disputes.withdraw();
        vm.assertEq(token.balanceOf(READER), 1_002e18, "taken");
        vm.assertEq(token.balanceOf(address(disputes)), 0, "nothing is left");
    }

    function test_answering_only_on_the_chain_becomes_dear() public {
        (uint32[] memory indices, bytes[] memory cells, bytes32[][] memory paths) = evidence();
        uint256 locked = 500e18;
        uint256 spent = 0;
        for (uint256 round = 0; round < 4; round++) {
            ask(5);
            uint256 bond = 10e18 << round;
            spent += bond;
            vm.assertEq(token.balanceOf(READER), 1_000e18 - spent, "the bond doubles");
            disputes.answer(agreement, 0, indices, cells, paths);
            if (round != 0) locked -= bond;
            vm.assertEq(stake.lockedOf(provider), locked, "and so does the answer's price");
            vm.assertLe(500e18 - locked, spent, "a griefer pays at least as much as it costs its victim");
            goTo(challenges.currentWindow() + 1); // disputes are noted a window
        }
        vm.assertEq(disputes.credits(operator(KEY)), 2e18, "gas is paid for the first only");
    }

    function test_a_disputed_provider_cannot_slip_away() public {
        ask(5);
        vm.prank(operator(KEY));
        vm.expectRevert(abi.encodeWithSelector(IMarket.WrongState.selector, agreement, 0));
        market.declareFault(agreement, 0);
        vm.roll(challenges.genesis() + 21 * WINDOW + OPEN + 1);
        vm.expectRevert(abi.encodeWithSelector(IMarket.WrongState.selector, agreement, 0));
        market.finish(agreement, 0);
        disputes.conclude(agreement, 0);
    }

    function test_a_dispute_is_void_when_the_slot_was_lost_meanwhile() public {
        for (uint256 i = 0; i < 3; i++) {
            missedWindow();
        }
        ask(5);
        vm.expectRevert(abi.encodeWithSelector(Disputes.WrongState.selector, agreement, 0));
        disputes.void(agreement, 0);
        market.evict(agreement, 0);
        disputes.void(agreement, 0);
        vm.assertEq(disputes.credits(READER), 10e18, "the bond returns");
        vm.assertTrue(!market.slotOf(agreement, 0).disputed, "the next provider is free");
    }

    function test_bad_questions_are_refused() public {
        uint32[] memory cells = new uint32[](5);
        vm.startPrank(READER);
        vm.expectRevert(abi.encodeWithSelector(Disputes.BadCells.selector));
        disputes.open(agreement, 0, cells);
        vm.expectRevert(abi.encodeWithSelector(Disputes.BadCells.selector));
        disputes.open(agreement, 0, new uint32[](0));
        cells = new uint32[](1);
        cells[0] = 1 << 21;
        vm.expectRevert(abi.encodeWithSelector(Disputes.BadCells.selector));
        disputes.open(agreement, 0, cells);
        cells[0] = 1;
        vm.expectRevert(abi.encodeWithSelector(Disputes.WrongState.selector, agreement, 1));
        disputes.open(agreement, 1, cells);
        disputes.open(agreement, 0, cells);
        vm.expectRevert(abi.encodeWithSelector(Disputes.WrongState.selector, agreement, 0));
        disputes.open(agreement, 0, cells);
        vm.stopPrank();
        vm.expectRevert();
        market.setDisputed(agreement, 0, false);
    }

    function test_gas_of_a_dispute() public {
        uint32[] memory asked = new uint32[](1);
        asked[0] = 5;
        vm.startPrank(READER);
        uint256 before = gasleft();
        disputes.open(agreement, 0, asked);
        vm.snapshotValue("market", "dispute: open, execution (warm)", before - gasleft());
        vm.stopPrank();
        bytes[] memory cells = new bytes[](1);
        bytes32[][] memory paths = new bytes32[][](1);
        (cells[0], paths[0]) = (cellAt(5), pathOf(5));
        before = gasleft();
        disputes.answer(agreement, 0, asked, cells, paths);
        vm.snapshotValue("market", "dispute: answer one cell, execution (warm)", before - gasleft());
    }
}
