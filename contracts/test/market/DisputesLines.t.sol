// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import {Disputes} from "../../src/market/Disputes.sol";
import {IMarket} from "../../src/market/IMarket.sol";
import {World} from "../support/World.sol";

/// @dev What of disputes no other test looked at, as breaking the lines one by one showed.
contract DisputesLinesTest is World {
    uint256 internal constant KEY = 0xB0001;
    address internal constant READER = address(0x4EAD);
    address internal provider;
    uint256 internal agreement;

    function setUp() public {
        deploy();
        provider = newProvider(KEY, 1_000e18);
        agreement = openAgreement(terms());
        fill(agreement, 0, KEY);
        give(READER, 1_000e18);
        vm.prank(READER);
        token.approve(address(disputes), type(uint256).max);
    }

    function demand() private {
        vm.prank(READER);
        disputes.open(agreement, 0, new uint32[](1));
    }

    function refused() private {
        vm.expectRevert(abi.encodeWithSelector(Disputes.WrongState.selector, agreement, 0));
        demand();
    }

    function test_nobody_is_asked_for_a_slot_that_nobody_holds() public {
        vm.prank(operator(KEY));
        market.declareFault(agreement, 0);
        refused();
    }

    function test_a_slot_is_not_disputed_after_its_own_end() public {
        give(owner, 40e18);
        vm.startPrank(owner);
        token.approve(address(market), 40e18);
        market.extend(agreement, 10);
        vm.stopPrank();
        goTo(21);
        refused();
    }

    function test_a_slot_is_not_disputed_after_a_cancelled_agreements_end() public {
        vm.prank(owner);
        market.cancel(agreement);
        goTo(market.agreementOf(agreement).end);
        refused();
    }

    function test_an_agreement_does_not_shorten_the_time_for_an_answer() public {
        IMarket.Terms memory quick = terms();
        quick.responseBlocks = 5;
        agreement = openAgreement(quick);
        fill(agreement, 0, KEY);
        demand();
        vm.assertEq(disputes.disputeOf(agreement, 0).deadline, block.number + 30, "what governance set");
    }

    function test_a_credit_is_paid_once() public {
        demand();
        vm.roll(block.number + 31);
        disputes.conclude(agreement, 0);
        uint256 credit = disputes.credits(READER);
        demandElsewhere();
        vm.startPrank(READER);
        vm.assertEq(disputes.withdraw(), credit, "all of it");
        vm.assertEq(disputes.withdraw(), 0, "and no more, though there is a bond of another's");
        vm.stopPrank();
    }

    /// @dev Leaves a bond in the contract.
    function demandElsewhere() private {
        fill(agreement, 1, KEY);
        vm.prank(READER);
        disputes.open(agreement, 1, new uint32[](1));
    }
}
