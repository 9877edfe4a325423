// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import {IMarket} from "../../src/market/IMarket.sol";
import {Deposits} from "../../src/token/Deposits.sol";
import {World} from "../support/World.sol";

/// @dev The market's books, looked at after every step of an agreement's life: received = held + paid + burned + refunded.
contract MoneyTest is World {
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

    function test_the_books_balance_after_every_step() public {
        balanced("opened");
        fill(agreement, 0, KEY);
        fill(agreement, 1, KEY);
        balanced("filled");
        provenWindow(provider);
        market.settle(agreement, 0);
        vm.assertEq(market.ledger().paid, 1e18, "one window");
        balanced("settled");
        vm.prank(operator(KEY));
        market.declareFault(agreement, 0);
        vm.assertEq(market.ledger().burned, 10e18, "20 of collateral less 8 of reward and 2 of refund");
        vm.assertEq(market.credits(owner), 2e18, "the refund");
        balanced("declared");
        vm.startPrank(operator(OTHER));
        market.reserve(agreement, 0, other);
        market.refill(agreement, 0, rootFor(agreement, 0, other));
        vm.stopPrank();
        balanced("refilled");
        provenWindow(provider);
        prove(other);
        market.settle(agreement, 0);
        vm.assertEq(market.ledger().paid, 10e18, "a window and the reward");
        balanced("the refiller is paid");
        vm.prank(owner);
        vm.assertEq(market.withdraw(), 2e18, "the refund");
        vm.assertEq(market.ledger().refunded, 2e18, "is refunded");
        balanced("withdrawn");
        goTo(21);
        vm.roll(block.number + OPEN);
        market.finish(agreement, 0);
        market.finish(agreement, 1);
        balanced("finished");
        market.close(agreement);
        balanced("closed");
        uint256 credit = market.credits(owner);
        vm.assertGt(credit, 0, "what was not earned");
        uint256 before = token.balanceOf(owner);
        vm.startPrank(owner);
        market.withdraw();
        vm.assertEq(market.withdraw(), 0, "once");
        vm.stopPrank();
        vm.assertEq(token.balanceOf(owner) - before, credit, "no more than the credit");
        balanced("empty");
        vm.assertEq(token.balanceOf(address(market)), 0, "nothing is left");
    }

    function test_a_closed_agreement_holds_nothing() public {
        goTo(21);
        market.close(agreement);
        IMarket.Agreement memory it = market.agreementOf(agreement);
        vm.assertTrue(it.closed && it.escrow == 0 && it.pots == 0, "empty");
        vm.expectRevert(abi.encodeWithSelector(IMarket.WrongState.selector, agreement, 0));
        market.close(agreement);
    }

    function test_only_what_is_lost_or_offered_is_reserved() public {
        vm.startPrank(operator(OTHER));
        vm.expectRevert(abi.encodeWithSelector(IMarket.WrongState.selector, agreement, 0));
        market.reserve(agreement, 0, other);
        vm.stopPrank();
        fill(agreement, 0, KEY);
        vm.prank(operator(OTHER));
        vm.expectRevert(abi.encodeWithSelector(IMarket.WrongState.selector, agreement, 0));
        market.reserve(agreement, 0, other);
    }

    function test_a_reservation_that_ran_out_refills_nothing() public {
        fill(agreement, 0, KEY);
        vm.prank(operator(KEY));
        market.declareFault(agreement, 0);
        vm.startPrank(operator(OTHER));
        market.reserve(agreement, 0, other);
        vm.roll(market.slotOf(agreement, 0).reservedTo + 1);
        vm.expectRevert(abi.encodeWithSelector(IMarket.WrongState.selector, agreement, 0));
        market.refill(agreement, 0, rootFor(agreement, 0, other));
    }

    function test_what_is_over_is_not_renewed() public {
        fill(agreement, 0, KEY);
        give(owner, 40e18);
        vm.startPrank(owner);
        token.approve(address(market), 40e18);
        market.extend(agreement, 10);
        vm.stopPrank();
        goTo(21);
        vm.expectRevert(abi.encodeWithSelector(IMarket.WrongState.selector, agreement, 0));
        vm.prank(operator(KEY));
        market.renew(agreement, 0);
    }

    /// @dev HOLD takes no fee of a transfer. Should another token ever stand in its place, less than was asked is refused.
    function test_a_token_that_delivers_less_is_refused() public {
        fill(agreement, 0, KEY);
        give(owner, 100e18);
        vm.startPrank(owner);
        token.approve(address(market), 100e18);
        token.approve(address(channels), 1e18);
        uint256 channel = channels.open(provider, 1e18);
        vm.stopPrank();
        vm.etch(address(token), address(new Greedy()).code);
        vm.prank(owner);
        vm.expectRevert(abi.encodeWithSelector(Deposits.WrongTransfer.selector, 80e18, 0));
        market.open(terms());
        vm.prank(owner);
        vm.expectRevert(abi.encodeWithSelector(Deposits.WrongTransfer.selector, 1e18, 0));
        stake.stake(provider, 1e18);
        vm.prank(owner);
        vm.expectRevert(abi.encodeWithSelector(Deposits.WrongTransfer.selector, 1e18, 0));
        channels.open(provider, 1e18);
        vm.prank(owner);
        vm.expectRevert(abi.encodeWithSelector(Deposits.WrongTransfer.selector, 1e18, 0));
        channels.topUp(channel, 1e18);
        vm.prank(owner);
        vm.expectRevert(abi.encodeWithSelector(Deposits.WrongTransfer.selector, 10e18, 0));
        disputes.open(agreement, 0, new uint32[](1));
    }

    function balanced(string memory when) private view {
        IMarket.Ledger memory it = market.ledger();
        uint256 held = token.balanceOf(address(market));
        vm.assertEq(it.received, held + it.paid + it.burned + it.refunded, when);
    }
}

/// @dev Says that it transferred, and keeps everything.
contract Greedy {
    function transferFrom(address, address, uint256) external pure returns (bool) {
        return true;
    }

    function balanceOf(address) external pure returns (uint256) {
        return 0;
    }
}
