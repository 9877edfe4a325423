// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import {Parameter} from "../../src/governance/Parameters.sol";
import {Challenges} from "../../src/market/Challenges.sol";
import {Channels} from "../../src/market/Channels.sol";
import {Deletions} from "../../src/market/Deletions.sol";
import {Disputes} from "../../src/market/Disputes.sol";
import {IMarket} from "../../src/market/IMarket.sol";
import {BlockhashRandomness, IRandomness, PrevrandaoRandomness} from "../../src/market/Randomness.sol";
import {World} from "../support/World.sol";

/// @dev What does not exist, what is nothing, what is huge, what is signed by a contract, and what time and blocks cannot do.
contract EdgesTest is World {
    uint256 internal constant KEY = 0xB0001;
    address internal provider;
    uint256 internal agreement;

    function setUp() public {
        deploy();
        provider = newProvider(KEY, 1_000e18);
        agreement = openAgreement(terms());
    }

    // --- Ids that do not exist ---

    function test_no_call_takes_an_unknown_agreement_or_slot() public {
        bytes[] memory calls = new bytes[](12);
        for (uint256 i = 0; i < 2; i++) {
            (uint256 id, uint256 index) = i == 0 ? (uint256(99), uint256(0)) : (agreement, 4);
            calls[0] = abi.encodeCall(market.settle, (id, index));
            calls[1] = abi.encodeCall(market.renew, (id, index));
            calls[2] = abi.encodeCall(market.offer, (id, index, true));
            calls[3] = abi.encodeCall(market.declareFault, (id, index));
            calls[4] = abi.encodeCall(market.finish, (id, index));
            calls[5] = abi.encodeCall(market.evict, (id, index));
            calls[6] = abi.encodeCall(market.reserve, (id, index, provider));
            calls[7] = abi.encodeCall(market.refill, (id, index, bytes32(0)));
            calls[8] = abi.encodeCall(market.expireReservation, (id, index));
            calls[9] = abi.encodeCall(market.fill, (id, index, provider, bytes32(0), bytes32(0), ""));
            calls[10] = abi.encodeCall(market.setDisputed, (id, index, true));
            calls[11] = abi.encodeCall(market.fail, (id, index));
            for (uint256 call = 0; call < calls.length; call++) {
                refused(calls[call], abi.encodeWithSelector(IMarket.Unknown.selector, id, index));
            }
        }
        bytes memory unknown = abi.encodeWithSelector(IMarket.Unknown.selector, 99, 0);
        refused(abi.encodeCall(market.close, (99)), unknown);
        refused(abi.encodeCall(market.cancel, (99)), unknown);
        refused(abi.encodeCall(market.extend, (99, 1)), unknown);
        vm.assertEq(market.agreementOf(0).owner, address(0), "ids count from one");
    }

    /// @dev As the contract that may call everything.
    function refused(bytes memory data, bytes memory why) private {
        vm.prank(address(disputes));
        (bool ok, bytes memory answer) = address(market).call(data);
        vm.assertTrue(!ok && keccak256(answer) == keccak256(why), "refused for the right reason");
    }

    function test_unknown_channels_disputes_and_providers_are_refused() public {
        for (uint256 id = 0; id < 2; id++) {
            bytes memory unknown = abi.encodeWithSelector(Channels.UnknownChannel.selector, id);
            vm.expectRevert(unknown);
            channels.topUp(id, 1);
            vm.expectRevert(unknown);
            channels.redeem(id, 1, "");
            vm.expectRevert(unknown);
            channels.closeByProvider(id);
            vm.expectRevert(unknown);
            channels.announceClose(id);
            vm.expectRevert(unknown);
            channels.close(id);
        }
        bytes memory state = abi.encodeWithSelector(Disputes.WrongState.selector, 99, 0);
        vm.expectRevert(state);
        disputes.open(99, 0, new uint32[](1));
        vm.expectRevert(state);
        disputes.answer(99, 0, new uint32[](1), new bytes[](1), new bytes32[][](1));
        vm.expectRevert(state);
        disputes.conclude(99, 0);
        vm.expectRevert(state);
        disputes.void(99, 0);
        vm.expectRevert(abi.encodeWithSelector(Challenges.NotObliged.selector, address(7), 1));
        challenges.publicInputs(1, address(7), 0);
        challenges.judge(address(7), REPORTER);
        vm.assertEq(challenges.reputation(address(7)), 0, "nobody is trusted");
        vm.expectRevert(abi.encodeWithSelector(Deletions.WrongBlock.selector, 1));
        deletions.contradict(address(7), bytes32(0), 1, "");
    }

    // --- Nothing, and too much ---

    function test_nothing_is_paid_to_who_has_nothing() public {
        uint256 before = token.totalSupply();
        vm.assertEq(market.withdraw(), 0, "market");
        vm.assertEq(disputes.withdraw(), 0, "disputes");
        vm.assertEq(token.balanceOf(address(this)), 0, "nothing came");
        vm.assertEq(token.totalSupply(), before, "nothing burned");
        vm.expectRevert(abi.encodeWithSelector(Channels.BadTotal.selector, 0, 0, 0));
        channels.open(provider, 0);
        IMarket.Terms memory none = terms();
        (none.repairReward, none.refund, none.responseBlocks) = (0, 0, 0);
        uint256 id = openAgreement(none);
        fill(id, 0, KEY);
        vm.prank(operator(KEY));
        market.declareFault(id, 0);
        vm.assertEq(market.slotOf(id, 0).pot + market.credits(owner), 0, "all of the seizure burned");
    }

    /// @dev Every product of terms fits, at the highest that terms may be; the sum is then refused for want of money alone.
    function test_the_largest_terms_overflow_nothing() public {
        vm.prank(address(timelock));
        parameters.set(Parameter.LongestWindows, 100_000);
        IMarket.Terms memory huge = terms();
        (huge.slots, huge.threshold, huge.windows) = (1_024, 1_024, 100_000);
        huge.price = uint128(type(uint64).max * uint256(1e9)) / 10;
        huge.collateral = type(uint96).max;
        huge.price = uint128(huge.collateral / 10);
        uint256 amount = uint256(huge.price) * huge.slots * huge.windows;
        vm.expectRevert();
        market.open(huge);
        // HOLD of that sum does not exist; put it there, to see that all else holds.
        vm.store(address(token), keccak256(abi.encode(owner, 0)), bytes32(amount));
        vm.startPrank(owner);
        token.approve(address(market), amount);
        uint256 id = market.open(huge);
        vm.stopPrank();
        vm.assertEq(market.agreementOf(id).escrow, amount, "escrowed");
    }

    function test_a_gift_to_a_contract_changes_no_books() public {
        give(address(market), 5e18);
        give(address(stake), 7e18);
        fill(agreement, 0, KEY);
        provenWindow(provider);
        market.settle(agreement, 0);
        vm.assertEq(token.balanceOf(address(market)), 79e18 + 5e18, "escrow and gift");
        vm.assertEq(stake.poolOf(provider).assets, 1_001e18, "the pool has no part of it");
    }

    // --- Owners and payers that are contracts (ERC-1271) ---

    function test_a_contract_owns_an_agreement_and_its_word_counts() public {
        Wallet wallet = new Wallet(vm.addr(0xA11));
        give(address(wallet), 100e18);
        wallet.run(address(token), abi.encodeCall(token.approve, (address(market), 100e18)));
        bytes memory id = wallet.run(address(market), abi.encodeCall(market.open, (terms())));
        uint256 mine = abi.decode(id, (uint256));
        bytes32 root = rootFor(mine, 0, provider);
        bytes32 digest = market.approvalDigest(mine, 0, provider, root, root);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(0xA12, digest);
        vm.expectRevert(abi.encodeWithSelector(IMarket.NotApproved.selector, mine, 0));
        vm.prank(operator(KEY));
        market.fill(mine, 0, provider, root, root, abi.encodePacked(r, s, v));
        (v, r, s) = vm.sign(0xA11, digest);
        vm.prank(operator(KEY));
        market.fill(mine, 0, provider, root, root, abi.encodePacked(r, s, v));
        wallet.run(address(token), abi.encodeCall(token.approve, (address(channels), 10e18)));
        id = wallet.run(address(channels), abi.encodeCall(channels.open, (provider, 10e18)));
        uint256 channel = abi.decode(id, (uint256));
        (v, r, s) = vm.sign(0xA11, channels.voucherDigest(channel, 4e18));
        channels.redeem(channel, 4e18, abi.encodePacked(r, s, v));
        vm.assertEq(token.balanceOf(operator(KEY)), 4e18, "paid");
    }

    /// @dev A signature with the other root of s names the same signer: it must not count as another one.
    function test_malleable_signatures_are_refused() public {
        bytes32 root = rootFor(agreement, 0, provider);
        bytes32 digest = market.approvalDigest(agreement, 0, provider, root, root);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(OWNER_KEY, digest);
        uint256 order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141;
        bytes memory other = abi.encodePacked(r, bytes32(order - uint256(s)), v == 27 ? uint8(28) : uint8(27));
        vm.expectRevert(abi.encodeWithSelector(IMarket.NotApproved.selector, agreement, 0));
        vm.prank(operator(KEY));
        market.fill(agreement, 0, provider, root, root, other);
    }

    // --- Time and blocks ---

    /// @dev Clocks are the proposer's to bend; windows, seeds and deadlines are counted in blocks alone.
    function test_the_clock_changes_no_window_and_no_seed() public {
        fill(agreement, 0, KEY);
        goTo(1);
        openNow();
        uint256 seed = challenges.seedOf(1, provider);
        (uint256 bits, uint256 deadline) = challenges.openedWindow(1);
        vm.warp(block.timestamp + 900);
        vm.assertEq(challenges.currentWindow(), 1, "window");
        vm.assertEq(challenges.seedOf(1, provider), seed, "seed");
        (uint256 again, uint256 after_) = challenges.openedWindow(1);
        vm.assertTrue(bits == again && deadline == after_, "deadline");
        prove(provider);
    }

    /// @dev Whoever opens, when, and with what evidence: the bits are those of the window's first block.
    function testFuzz_no_opener_chooses(address opener, uint256 late, bytes calldata evidence) public {
        uint256 first = challenges.genesis() + 3 * WINDOW;
        vm.roll(first + 1 + late % OPEN);
        vm.setBlockhash(first, keccak256("block"));
        vm.prank(opener);
        challenges.openWindow(3, evidence);
        (uint256 bits,) = challenges.openedWindow(3);
        vm.assertEq(bits, uint256(keccak256(abi.encode(keccak256("block")))) >> 64, "fixed");
    }

    /// @dev A provider that knows the randomness cannot draw again: no act of its own changes its seed before the deadline.
    function test_a_provider_cannot_draw_again() public {
        fill(agreement, 0, KEY);
        goTo(1);
        openNow();
        uint256 seed = challenges.seedOf(1, provider);
        bytes memory frozen = abi.encodeWithSelector(Challenges.SetFrozen.selector, provider, 1);
        vm.startPrank(operator(KEY));
        vm.expectRevert(frozen);
        market.declareFault(agreement, 0);
        market.offer(agreement, 0, true);
        providers.setExiting(provider, true);
        stake.unbond(provider, 1);
        vm.stopPrank();
        vm.assertEq(challenges.seedOf(1, provider), seed, "the same");
    }

    function test_blocks_that_are_forgotten_or_yet_to_come_give_nothing() public {
        BlockhashRandomness source = new BlockhashRandomness();
        vm.roll(10_000);
        bytes memory none = abi.encodeWithSelector(IRandomness.NoRandomness.selector, 10_000);
        vm.expectRevert(none);
        source.randomAt(10_000, "");
        vm.expectRevert(abi.encodeWithSelector(IRandomness.NoRandomness.selector, 9_000));
        source.randomAt(9_000, ""); // 1,000 blocks ago, on a chain without EIP-2935
        vm.etch(0x0000F90827F1C53a10cb7A02335B175320002935, address(new History()).code);
        vm.assertEq(source.randomAt(9_000, ""), keccak256(abi.encode(keccak256("old"))), "from the history");
        vm.expectRevert(none);
        source.randomAt(10_000, ""); // whatever the history says of a block that is not made yet
        vm.expectRevert(abi.encodeWithSelector(IRandomness.NoRandomness.selector, 1));
        source.randomAt(1, ""); // the history answers zero
    }

    /// @dev A header of the form that Ethereum has: its hash vouches for it, and its mix is what counts.
    function test_the_mix_of_a_header_is_the_randomness() public {
        PrevrandaoRandomness source = new PrevrandaoRandomness();
        vm.roll(10_000);
        bytes32 mix = keccak256("mix");
        for (uint256 extra = 0; extra < 3; extra++) {
            bytes memory header = headerOf(mix, new bytes(extra * 16));
            vm.setBlockhash(9_990, keccak256(header));
            vm.assertEq(source.randomAt(9_990, header), keccak256(abi.encodePacked(mix)), "the mix");
            header[100] ^= 0x01;
            vm.expectRevert(abi.encodeWithSelector(IRandomness.NoRandomness.selector, 9_990));
            source.randomAt(9_990, header);
        }
        vm.expectRevert(abi.encodeWithSelector(IRandomness.NoRandomness.selector, 9_990));
        source.randomAt(9_990, new bytes(2_049));
        bytes memory long = abi.encodePacked(headerOf(mix, ""), new bytes(2_048));
        vm.setBlockhash(9_990, keccak256(long));
        vm.expectRevert(abi.encodeWithSelector(IRandomness.NoRandomness.selector, 9_990));
        source.randomAt(9_990, long);
    }

    function headerOf(bytes32 mix, bytes memory extra) private pure returns (bytes memory) {
        bytes32 word = keccak256("a hash");
        bytes memory head = abi.encodePacked(bytes1(0xa0), word, bytes1(0xa0), word, bytes1(0x94), bytes20(word));
        head = abi.encodePacked(head, bytes1(0xa0), word, bytes1(0xa0), word, bytes1(0xa0), word);
        head = abi.encodePacked(head, hex"b90100", new bytes(256)); // bloom: a length of two bytes
        // difficulty 0, number, gas limit, gas used, time: short strings and single bytes
        head = abi.encodePacked(head, hex"80", hex"830f4240", hex"8401c9c380", hex"05", hex"8465000000");
        head = abi.encodePacked(
            head, bytes1(uint8(0x80 + extra.length)), extra, bytes1(0xa0), mix, hex"880000000000000000"
        );
        return abi.encodePacked(bytes1(0xf9), uint16(head.length), head);
    }
}

/// @dev A contract account with one key.
contract Wallet {
    address private immutable KEY;

    constructor(address key) {
        KEY = key;
    }

    function run(address target, bytes calldata data) external returns (bytes memory) {
        (bool ok, bytes memory answer) = target.call(data);
        require(ok, "ran");
        return answer;
    }

    function isValidSignature(bytes32 digest, bytes calldata signature) external view returns (bytes4) {
        address signer = ecrecover(digest, uint8(signature[64]), bytes32(signature[0:32]), bytes32(signature[32:64]));
        return signer == KEY ? this.isValidSignature.selector : bytes4(0);
    }
}

/// @dev A system contract in place of that of EIP-2935, which says something of all blocks but the first.
contract History {
    fallback(bytes calldata input) external returns (bytes memory) {
        return abi.encode(abi.decode(input, (uint256)) == 1 ? bytes32(0) : keccak256("old"));
    }
}
