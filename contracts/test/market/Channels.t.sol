// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import {AccessLists} from "../../src/market/AccessLists.sol";
import {Channels} from "../../src/market/Channels.sol";
import {Deletions} from "../../src/market/Deletions.sol";
import {Providers} from "../../src/market/Providers.sol";
import {World} from "../support/World.sol";

contract ChannelsTest is World {
    uint256 internal constant KEY = 0xB0001;
    address internal provider;
    uint256 internal channel;

    function setUp() public {
        deploy();
        provider = newProvider(KEY, 1_000e18);
        give(owner, 100e18);
        vm.startPrank(owner);
        token.approve(address(channels), type(uint256).max);
        channel = channels.open(provider, 60e18);
        vm.stopPrank();
    }

    function voucher(uint256 id, uint256 total) internal view returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(OWNER_KEY, channels.voucherDigest(id, total));
        return abi.encodePacked(r, s, v);
    }

    function test_vouchers_pay_the_difference_and_never_twice() public {
        bytes memory ten = voucher(channel, 10e18);
        channels.redeem(channel, 10e18, ten);
        vm.expectRevert(abi.encodeWithSelector(Channels.BadTotal.selector, 10e18, 10e18, 60e18));
        channels.redeem(channel, 10e18, ten);
        channels.redeem(channel, 25e18, voucher(channel, 25e18));
        vm.assertEq(token.balanceOf(operator(KEY)), 25e18, "in all");
        bytes memory tooMuch = voucher(channel, 60e18 + 1);
        vm.expectRevert(abi.encodeWithSelector(Channels.BadTotal.selector, 60e18 + 1, 25e18, 60e18));
        channels.redeem(channel, 60e18 + 1, tooMuch);
        vm.expectRevert(abi.encodeWithSelector(Channels.BadVoucher.selector, channel));
        channels.redeem(channel, 60e18, ten);
    }

    function test_a_voucher_is_for_one_channel_of_one_contract() public {
        vm.prank(owner);
        uint256 second = channels.open(provider, 10e18);
        bytes memory first = voucher(channel, 5e18);
        vm.expectRevert(abi.encodeWithSelector(Channels.BadVoucher.selector, second));
        channels.redeem(second, 5e18, first);
        vm.chainId(97);
        vm.expectRevert(abi.encodeWithSelector(Channels.BadVoucher.selector, channel));
        channels.redeem(channel, 5e18, first);
    }

    function test_the_provider_closes_at_once_the_payer_after_a_delay() public {
        vm.expectRevert(abi.encodeWithSelector(Providers.NotOperator.selector, provider, address(this)));
        channels.closeByProvider(channel);
        vm.expectRevert(abi.encodeWithSelector(Channels.NotAllowed.selector, address(this)));
        channels.announceClose(channel);
        vm.expectRevert(abi.encodeWithSelector(Channels.NotYet.selector, 0));
        channels.close(channel);
        vm.prank(owner);
        channels.announceClose(channel);
        vm.prank(owner);
        vm.expectRevert(abi.encodeWithSelector(Channels.NotYet.selector, block.number + 40));
        channels.announceClose(channel); // the delay cannot be restarted
        vm.roll(block.number + 39);
        vm.expectRevert(abi.encodeWithSelector(Channels.NotYet.selector, block.number + 1));
        channels.close(channel);
        channels.redeem(channel, 7e18, voucher(channel, 7e18)); // the provider is still paid
        vm.roll(block.number + 1);
        channels.close(channel);
        vm.assertEq(token.balanceOf(owner), 93e18, "the rest returned");
        vm.assertEq(token.balanceOf(address(channels)), 0, "nothing is left");
        bytes memory late = voucher(channel, 9e18);
        vm.expectRevert(abi.encodeWithSelector(Channels.UnknownChannel.selector, channel));
        channels.redeem(channel, 9e18, late);
        vm.prank(owner);
        uint256 second = channels.open(provider, 10e18);
        vm.prank(operator(KEY));
        channels.closeByProvider(second);
        vm.assertEq(token.balanceOf(owner), 93e18, "and all of the second");
    }

    function test_a_top_up_takes_back_the_wish_to_close() public {
        vm.startPrank(owner);
        channels.announceClose(channel);
        channels.topUp(channel, 5e18);
        vm.roll(block.number + 41);
        vm.expectRevert(abi.encodeWithSelector(Channels.NotYet.selector, 0));
        channels.close(channel);
        vm.expectRevert();
        channels.topUp(channel, 0);
        vm.expectRevert();
        channels.open(provider, 0);
        vm.expectRevert(abi.encodeWithSelector(Channels.UnknownProvider.selector, address(1)));
        channels.open(address(1), 1);
        vm.stopPrank();
        vm.expectRevert(abi.encodeWithSelector(Channels.NotAllowed.selector, address(this)));
        channels.topUp(channel, 1);
        channels.redeem(channel, 65e18, voucher(channel, 65e18));
        vm.assertEq(token.balanceOf(operator(KEY)), 65e18, "what was added is paid out as well");
    }

    function testFuzz_what_goes_in_comes_out(uint96 deposit, uint96[4] memory totals) public {
        uint256 amount = bound(deposit, 1, 40e18);
        vm.prank(owner);
        uint256 id = channels.open(provider, uint128(amount));
        uint256 highest = 0;
        for (uint256 i = 0; i < 4; i++) {
            uint256 total = totals[i] % (amount + 2);
            bytes memory signature = voucher(id, total);
            bool fits = total > highest && total <= amount;
            if (!fits) vm.expectRevert();
            channels.redeem(id, total, signature);
            if (fits) highest = total;
        }
        vm.prank(operator(KEY));
        channels.closeByProvider(id);
        vm.assertEq(token.balanceOf(operator(KEY)), highest, "paid");
        vm.assertEq(token.balanceOf(owner), 40e18 - highest, "returned");
        vm.assertEq(token.balanceOf(address(channels)), 60e18, "the other channel's");
    }

    // --- Access lists and deletions ---

    function test_access_lists_are_their_owners() public {
        vm.prank(owner);
        lists.set(3, keccak256("root"));
        lists.set(3, keccak256("another's"));
        vm.prank(owner);
        lists.set(3, bytes32(0));
        AccessLists.List memory mine = lists.listOf(owner, 3);
        vm.assertEq(mine.version, 2, "version");
        vm.assertEq(mine.root, bytes32(0), "revoked");
        vm.assertEq(lists.listOf(address(this), 3).root, keccak256("another's"), "untouched");
        vm.assertEq(lists.listOf(owner, 4).version, 0, "never set");
    }

    function test_a_provider_that_contradicts_its_receipt_pays() public {
        uint256 agreement = openAgreement(terms());
        fill(agreement, 0, KEY);
        bytes32 what = keccak256("salted");
        deletions.request(what, provider);
        bytes memory receipt = peerSigned(KEY, deletions.deletedDigest(provider, what, block.number));
        bytes memory forged = peerSigned(0xB0002, deletions.deletedDigest(provider, what, block.number));
        vm.expectRevert(abi.encodeWithSelector(Deletions.WrongPeerKey.selector, provider, peer(0xB0002)));
        deletions.confirm(provider, what, block.number, forged);
        vm.expectRevert(abi.encodeWithSelector(Deletions.WrongBlock.selector, block.number + 1));
        deletions.confirm(provider, what, block.number + 1, receipt);
        deletions.confirm(provider, what, block.number, receipt);
        vm.expectRevert(abi.encodeWithSelector(Deletions.WrongBlock.selector, block.number));
        deletions.confirm(provider, what, block.number, receipt);
        uint256 confirmed = block.number;
        bytes memory served = peerSigned(KEY, deletions.servedDigest(provider, what, confirmed));
        vm.expectRevert(abi.encodeWithSelector(Deletions.WrongBlock.selector, confirmed));
        deletions.contradict(provider, what, confirmed, served); // not after the receipt
        vm.roll(block.number + 5);
        served = peerSigned(KEY, deletions.servedDigest(provider, what, confirmed + 3));
        vm.prank(REPORTER);
        deletions.contradict(provider, what, confirmed + 3, served);
        vm.assertEq(token.balanceOf(REPORTER), 5e18, "a tenth");
        vm.assertEq(stake.lockedOf(provider), 50e18, "the penalty");
        vm.expectRevert(abi.encodeWithSelector(Deletions.WrongBlock.selector, confirmed + 3));
        deletions.contradict(provider, what, confirmed + 3, served);
    }

    function peerSigned(uint256 key, bytes32 digest) internal pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        return abi.encodePacked(r, s, v);
    }
}
