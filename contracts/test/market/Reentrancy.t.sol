// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {Challenges} from "../../src/market/Challenges.sol";
import {IMarket} from "../../src/market/IMarket.sol";
import {HoldToken} from "../../src/token/HoldToken.sol";
import {World} from "../support/World.sol";

/// @dev HOLD calls nobody when it moves. Here it does, as an ERC-777 token would: whatever its receiver then tries to enter
/// a second time is shut, and a miss is judged once.
contract ReentrancyTest is World {
    uint256 internal constant KEY = 0xB0001;
    uint256 internal constant OTHER = 0xB0002;
    address internal constant HOOK = address(0x4007);
    address internal provider;
    uint256 internal agreement;
    uint256 internal channel;

    function setUp() public {
        deploy();
        provider = newProvider(KEY, 1_000e18);
        newProvider(OTHER, 1_000e18);
        agreement = openAgreement(terms());
        give(owner, 200e18);
        vm.startPrank(owner);
        token.approve(address(channels), type(uint256).max);
        token.approve(address(market), type(uint256).max);
        channel = channels.open(provider, 60e18);
        vm.stopPrank();
        give(address(this), 1_000e18);
        token.approve(address(disputes), type(uint256).max);
        token.approve(address(stake), type(uint256).max);
        fill(agreement, 0, KEY);
        fill(agreement, 1, OTHER);
        vm.etch(address(token), address(new Loud(HOOK)).code);
        vm.etch(HOOK, address(new Intruder()).code);
    }

    /// @dev From now on every transfer tries these calls, of which each must be refused by the guard.
    function intrude(address target, bytes[] memory calls) private {
        Intruder(HOOK).arm(target, calls);
    }

    function caught(uint256 expected, string memory what) private {
        vm.assertEq(Intruder(HOOK).refused(), expected, what);
        vm.assertEq(Intruder(HOOK).entered(), 0, what);
        Intruder(HOOK).arm(address(0), new bytes[](0));
    }

    function test_the_market_is_entered_once() public {
        bytes[] memory calls = new bytes[](11);
        calls[0] = abi.encodeCall(market.withdraw, ());
        calls[1] = abi.encodeCall(market.settle, (agreement, 0));
        calls[2] = abi.encodeCall(market.open, (terms()));
        calls[3] = abi.encodeCall(market.extend, (agreement, 1));
        calls[4] = abi.encodeCall(market.close, (agreement));
        calls[5] = abi.encodeCall(market.fill, (agreement, 2, provider, bytes32(0), bytes32(0), ""));
        calls[6] = abi.encodeCall(market.reserve, (agreement, 0, provider));
        calls[7] = abi.encodeCall(market.refill, (agreement, 0, bytes32(0)));
        calls[8] = abi.encodeCall(market.expireReservation, (agreement, 0));
        calls[9] = abi.encodeCall(market.finish, (agreement, 0));
        calls[10] = abi.encodeCall(market.evict, (agreement, 0));
        provenWindow(provider);
        intrude(address(market), calls);
        market.settle(agreement, 0);
        caught(11, "settling");
        intrude(address(market), calls);
        vm.prank(operator(KEY));
        market.declareFault(agreement, 0);
        // Seized collateral comes in, and a part of it burns.
        caught(22, "declaring");
        calls = new bytes[](2);
        calls[0] = abi.encodeCall(market.withdraw, ());
        calls[1] = abi.encodeCall(market.declareFault, (agreement, 1));
        intrude(address(market), calls);
        vm.prank(owner);
        vm.assertEq(market.withdraw(), 2e18, "once");
        // The caller of the second is no operator, but the guard refuses it before.
        caught(2, "withdrawing");
    }

    function test_the_stake_is_entered_once() public {
        bytes[] memory calls = new bytes[](3);
        calls[0] = abi.encodeCall(stake.stake, (provider, 1));
        calls[1] = abi.encodeCall(stake.withdraw, (provider));
        calls[2] = abi.encodeCall(stake.takeFees, (provider));
        intrude(address(stake), calls);
        stake.stake(provider, 10e18);
        caught(3, "staking");
        stake.unbond(provider, stake.positionOf(provider, address(this)).shares);
        vm.roll(block.number + 500);
        intrude(address(stake), calls);
        stake.withdraw(provider);
        caught(3, "withdrawing");
        intrude(address(stake), calls);
        vm.prank(operator(KEY));
        stake.takeFees(provider);
        caught(3, "taking fees");
    }

    function test_channels_are_entered_once() public {
        bytes[] memory calls = new bytes[](5);
        calls[0] = abi.encodeCall(channels.open, (provider, 1));
        calls[1] = abi.encodeCall(channels.topUp, (channel, 1));
        calls[2] = abi.encodeCall(channels.redeem, (channel, 1, ""));
        calls[3] = abi.encodeCall(channels.closeByProvider, (channel));
        calls[4] = abi.encodeCall(channels.close, (channel));
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(OWNER_KEY, channels.voucherDigest(channel, 7e18));
        intrude(address(channels), calls);
        channels.redeem(channel, 7e18, abi.encodePacked(r, s, v));
        caught(5, "redeeming");
        intrude(address(channels), calls);
        vm.startPrank(owner);
        channels.topUp(channel, 1e18);
        channels.open(provider, 1e18);
        vm.stopPrank();
        caught(10, "topping up and opening");
        intrude(address(channels), calls);
        vm.prank(operator(KEY));
        channels.closeByProvider(channel);
        caught(5, "closing");
    }

    function test_disputes_are_entered_once() public {
        bytes[] memory calls = new bytes[](5);
        uint32[] memory cells = new uint32[](1);
        calls[0] = abi.encodeCall(disputes.open, (agreement, 1, cells));
        calls[1] = abi.encodeCall(disputes.answer, (agreement, 0, cells, new bytes[](1), new bytes32[][](1)));
        calls[2] = abi.encodeCall(disputes.conclude, (agreement, 0));
        calls[3] = abi.encodeCall(disputes.void, (agreement, 0));
        calls[4] = abi.encodeCall(disputes.withdraw, ());
        intrude(address(disputes), calls);
        disputes.open(agreement, 0, cells);
        caught(5, "opening");
        vm.roll(block.number + 31);
        intrude(address(disputes), calls);
        disputes.conclude(agreement, 0);
        // The penalty burns and pays the gas, the slot's collateral comes in and burns in part.
        caught(20, "concluding");
        intrude(address(disputes), calls);
        vm.assertEq(disputes.withdraw(), 12e18, "once");
        caught(5, "withdrawing");
    }

    /// @dev `judge` has no guard, for the market calls it while it is entered: its book is written before anything is called.
    function test_a_miss_is_judged_once_though_its_bounty_judges_again() public {
        missedWindow();
        missedWindow();
        bytes[] memory calls = new bytes[](1);
        calls[0] = abi.encodeCall(Challenges.judge, (provider, REPORTER));
        Intruder(HOOK).arm(address(challenges), calls);
        uint256 locked = stake.lockedOf(provider);
        challenges.judge(provider, REPORTER);
        vm.assertGt(Intruder(HOOK).entered(), 0, "it did judge again");
        uint256 first = locked - locked / 100;
        vm.assertEq(stake.lockedOf(provider), first - first * 2 / 100, "one and two per cent, once each");
        vm.assertEq(challenges.bookOf(provider).level, 2, "two misses");
    }
}

/// @dev HOLD that tells a hook of every transfer, after it is done.
contract Loud is HoldToken {
    address private immutable HOOK;

    constructor(address hook) HoldToken(address(1), address(1), 1) {
        HOOK = hook;
    }

    function transfer(address to, uint256 amount) public override returns (bool) {
        super.transfer(to, amount);
        Intruder(HOOK).moved();
        return true;
    }

    function transferFrom(address from, address to, uint256 amount) public override returns (bool) {
        super.transferFrom(from, to, amount);
        Intruder(HOOK).moved();
        return true;
    }

    function burn(uint256 amount) public override {
        super.burn(amount);
        Intruder(HOOK).moved();
    }
}

/// @dev Tries the calls it was armed with at every transfer, unless it is at it.
contract Intruder {
    address private _target;
    bytes[] private _calls;
    bool private _busy;
    uint256 public refused;
    uint256 public entered;

    function arm(address target, bytes[] memory calls) external {
        _target = target;
        delete _calls;
        for (uint256 i = 0; i < calls.length; i++) {
            _calls.push(calls[i]);
        }
        (refused, entered) = (0, 0);
    }

    function moved() external {
        if (_busy || _target == address(0)) return;
        _busy = true;
        for (uint256 i = 0; i < _calls.length; i++) {
            (bool ok, bytes memory answer) = _target.call(_calls[i]);
            if (ok) entered++;
            else if (bytes4(answer) == ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector) refused++;
        }
        _busy = false;
    }
}
