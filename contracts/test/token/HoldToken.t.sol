// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {DevelopmentFaucet} from "../../src/token/DevelopmentFaucet.sol";
import {HoldToken} from "../../src/token/HoldToken.sol";
import {Test} from "../support/Test.sol";

contract HoldTokenTest is Test {
    address internal constant OWNER = address(0xA11CE);
    address internal constant HOLDER = address(0xB0B);
    uint256 internal constant SUPPLY = 1_000_000_000e18;
    HoldToken internal token;

    function setUp() public {
        vm.warp(1_000_000);
        token = new HoldToken(OWNER, HOLDER, SUPPLY);
    }

    function test_only_the_owner_mints_and_only_the_allowance() public {
        vm.expectRevert(abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, HOLDER));
        vm.prank(HOLDER);
        token.mint(HOLDER, 1);
        uint256 year = SUPPLY * 5 / 100;
        vm.startPrank(OWNER);
        token.mint(HOLDER, year);
        vm.expectRevert(abi.encodeWithSelector(HoldToken.MintAboveAllowance.selector, 1, 0));
        token.mint(HOLDER, 1);
        vm.warp(1_000_000 + 365 days - 1);
        vm.expectRevert(abi.encodeWithSelector(HoldToken.MintAboveAllowance.selector, 1, 0));
        token.mint(HOLDER, 1);
        vm.warp(1_000_000 + 365 days);
        token.mint(HOLDER, 1);
        vm.assertEq(token.mintable(), (SUPPLY + year) * 5 / 100 - 1, "the next year's allowance");
        vm.assertEq(token.totalSupply(), SUPPLY + year + 1, "supply");
    }

    function test_permit_and_votes_work() public {
        uint256 key = 0xC0FFEE;
        address signer = vm.addr(key);
        vm.prank(HOLDER);
        token.transfer(signer, 10);
        bytes32 kind = keccak256("Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)");
        bytes32 what = keccak256(abi.encode(kind, signer, OWNER, 7, 0, block.timestamp));
        bytes32 digest = keccak256(abi.encodePacked(hex"1901", token.DOMAIN_SEPARATOR(), what));
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        token.permit(signer, OWNER, 7, block.timestamp, v, r, s);
        vm.assertEq(token.allowance(signer, OWNER), 7, "allowance");
        vm.prank(signer);
        token.delegate(HOLDER);
        vm.assertEq(token.getVotes(HOLDER), 10, "votes");
    }

    function test_the_faucet_serves_once_a_day_on_development_chains_only() public {
        vm.chainId(1);
        vm.expectRevert(abi.encodeWithSelector(DevelopmentFaucet.NotADevelopmentChain.selector, 1));
        new DevelopmentFaucet(token, 5);
        vm.chainId(31337);
        DevelopmentFaucet faucet = new DevelopmentFaucet(token, 5);
        vm.prank(HOLDER);
        token.transfer(address(faucet), 10);
        faucet.drip();
        vm.expectRevert(abi.encodeWithSelector(DevelopmentFaucet.TooSoon.selector, block.timestamp + 1 days));
        faucet.drip();
        vm.warp(block.timestamp + 1 days);
        faucet.drip();
        vm.assertEq(token.balanceOf(address(this)), 10, "two portions");
    }
}
