// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import {Challenges} from "../../src/market/Challenges.sol";
import {IMarket} from "../../src/market/IMarket.sol";
import {Providers} from "../../src/market/Providers.sol";
import {Openings} from "../support/Openings.sol";
import {World} from "../support/World.sol";

/// @dev What every action costs as a transaction of its own: accounts and storage cold, base and calldata included,
/// refunds not. The world is one in which nothing is a first time: pools, sets and bitmaps are in use already.
contract GasTest is World {
    uint256 internal constant KEY = 0xB0001;
    uint256 internal constant OTHER = 0xB0002;
    uint256 internal constant PAYER_KEY = 0xC0001;
    /// @dev Where ERC-1967 keeps the implementation.
    bytes32 internal constant IMPLEMENTATION = 0x360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc;
    address internal constant DELEGATOR = address(0xDE1E);

    address internal provider;
    address internal other;
    uint256 internal agreement;

    function setUp() public {
        deploy();
        provider = newProvider(KEY, 10_000e18);
        other = newProvider(OTHER, 10_000e18);
        agreement = openAgreement(terms());
        fill(agreement, 0, KEY);
        fill(agreement, 1, OTHER);
        // Windows share words of bits: let the first of a word be over.
        provenWindow(provider);
        prove(other);
    }

    function test_gas_of_providers_and_stake() public {
        uint256 fresh = 0xB0003;
        address id = peer(fresh);
        (bytes32 x, bytes32 y) = vmPublicKey(fresh);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(fresh, providers.operatorDigest(id, operator(fresh), 0));
        bytes memory signature = abi.encodePacked(r, s, v);
        address them = address(providers);
        spend(
            "provider: register",
            them,
            operator(fresh),
            abi.encodeCall(Providers.setOperator, (x, y, operator(fresh), signature))
        );
        Providers.Offer memory offer = Providers.Offer({region: 0, capacity: 1 << 40, price: 1e18, commissionBps: 500});
        spend("provider: offer", them, operator(fresh), abi.encodeCall(Providers.setOffer, (id, offer, new bytes(64))));
        spend("provider: exit", them, operator(fresh), abi.encodeCall(Providers.setExiting, (id, true)));
        give(DELEGATOR, 100e18);
        vm.prank(DELEGATOR);
        token.approve(address(stake), 100e18);
        spend("stake: delegate", address(stake), DELEGATOR, abi.encodeCall(stake.stake, (provider, 100e18)));
        uint256 shares = stake.positionOf(provider, DELEGATOR).shares;
        spend("stake: unbond", address(stake), DELEGATOR, abi.encodeCall(stake.unbond, (provider, shares)));
        vm.roll(block.number + 500);
        spend("stake: withdraw", address(stake), DELEGATOR, abi.encodeCall(stake.withdraw, (provider)));
        spend("stake: take fees", address(stake), operator(KEY), abi.encodeCall(stake.takeFees, (provider)));
    }

    function test_gas_of_windows() public {
        goTo(3);
        vm.setBlockhash(challenges.genesis() + 3 * WINDOW, keccak256("block"));
        spend("window: open", address(challenges), DELEGATOR, abi.encodeCall(challenges.openWindow, (3, "")));
        spend(
            "window: prove",
            address(challenges),
            operator(KEY),
            abi.encodeCall(challenges.submitProof, (3, submission(3, provider)))
        );
        vm.roll(block.number + 21);
        spend(
            "window: judge one miss", address(challenges), REPORTER, abi.encodeCall(challenges.judge, (other, REPORTER))
        );
    }

    function test_gas_of_agreements() public {
        give(owner, 1_000e18);
        vm.prank(owner);
        token.approve(address(market), 1_000e18);
        spend("agreement: open", address(market), owner, abi.encodeCall(market.open, (terms())));
        uint256 opened = market.agreements();
        bytes32 root = rootFor(opened, 0, provider);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(OWNER_KEY, market.approvalDigest(opened, 0, provider, root, root));
        spend(
            "slot: fill",
            address(market),
            operator(KEY),
            abi.encodeCall(market.fill, (opened, 0, provider, root, root, abi.encodePacked(r, s, v)))
        );
        spend("agreement: extend", address(market), owner, abi.encodeCall(market.extend, (opened, 10)));
        spend("slot: renew", address(market), operator(KEY), abi.encodeCall(market.renew, (opened, 0)));
        for (uint256 i = 0; i < 6; i++) {
            provenWindow(provider);
        }
        spend("slot: settle six windows", address(market), operator(KEY), abi.encodeCall(market.settle, (opened, 0)));
        spend("agreement: cancel", address(market), owner, abi.encodeCall(market.cancel, (opened)));
        goTo(challenges.currentWindow() + 4);
        vm.roll(block.number + OPEN); // A window that could still be opened binds the set.
        spend("slot: finish", address(market), operator(KEY), abi.encodeCall(market.finish, (opened, 0)));
        spend("agreement: close", address(market), owner, abi.encodeCall(market.close, (opened)));
        spend("owner: withdraw", address(market), owner, abi.encodeCall(market.withdraw, ()));
    }

    function test_gas_of_losses_and_repair() public {
        spend(
            "slot: declare a fault", address(market), operator(KEY), abi.encodeCall(market.declareFault, (agreement, 0))
        );
        spend("slot: reserve", address(market), operator(OTHER), abi.encodeCall(market.reserve, (agreement, 0, other)));
        spend(
            "slot: refill",
            address(market),
            operator(OTHER),
            abi.encodeCall(market.refill, (agreement, 0, rootFor(agreement, 0, other)))
        );
        spend("slot: offer", address(market), operator(OTHER), abi.encodeCall(market.offer, (agreement, 1, true)));
        spend(
            "slot: reserve an offer",
            address(market),
            operator(KEY),
            abi.encodeCall(market.reserve, (agreement, 1, provider))
        );
        vm.roll(block.number + 61);
        spend(
            "slot: expire a reservation",
            address(market),
            REPORTER,
            abi.encodeCall(market.expireReservation, (agreement, 1))
        );
        for (uint256 i = 0; i < 3; i++) {
            missedWindow();
        }
        spend("slot: evict after three misses", address(market), REPORTER, abi.encodeCall(market.evict, (agreement, 1)));
    }

    function test_gas_of_disputes() public {
        uint32[] memory cells = new uint32[](1);
        give(REPORTER, 100e18);
        vm.prank(REPORTER);
        token.approve(address(disputes), 100e18);
        spend("dispute: open", address(disputes), REPORTER, abi.encodeCall(disputes.open, (agreement, 0, cells)));
        vm.roll(block.number + 31);
        spend("dispute: conclude", address(disputes), REPORTER, abi.encodeCall(disputes.conclude, (agreement, 0)));
        spend("dispute: withdraw", address(disputes), REPORTER, abi.encodeCall(disputes.withdraw, ()));
    }

    function test_gas_of_doubts() public {
        Openings.Shown memory it = Openings.shown(0);
        fillRoots(agreement, 2, KEY, Openings.slotRoot(), Openings.cellRoot());
        give(REPORTER, 100e18);
        vm.prank(REPORTER);
        token.approve(address(disputes), 100e18);
        spend(
            "dispute: doubt a root",
            address(disputes),
            REPORTER,
            abi.encodeCall(disputes.doubtRoot, (agreement, 2, it.cell))
        );
        vm.cool(address(disputes.openings()));
        spend(
            "dispute: uphold a root",
            address(disputes),
            operator(KEY),
            abi.encodeCall(disputes.upholdRoot, (agreement, 2, it.cell, it.content, it.path, it.proof))
        );
    }

    function test_gas_of_channels_lists_and_deletions() public {
        address payer = vm.addr(PAYER_KEY);
        give(payer, 100e18);
        vm.prank(payer);
        token.approve(address(channels), 100e18);
        spend("channel: open", address(channels), payer, abi.encodeCall(channels.open, (provider, 50e18)));
        spend("channel: top up", address(channels), payer, abi.encodeCall(channels.topUp, (1, 10e18)));
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(PAYER_KEY, channels.voucherDigest(1, 5e18));
        spend(
            "channel: redeem",
            address(channels),
            operator(KEY),
            abi.encodeCall(channels.redeem, (1, 5e18, abi.encodePacked(r, s, v)))
        );
        spend("channel: announce the end", address(channels), payer, abi.encodeCall(channels.announceClose, (1)));
        spend(
            "channel: close by the provider",
            address(channels),
            operator(KEY),
            abi.encodeCall(channels.closeByProvider, (1))
        );
        spend("access list: set", address(lists), payer, abi.encodeCall(lists.set, (7, keccak256("root"))));
        bytes32 what = keccak256("what");
        spend("deletion: request", address(deletions), payer, abi.encodeCall(deletions.request, (what, provider)));
        (v, r, s) = vm.sign(KEY, deletions.deletedDigest(provider, what, block.number));
        spend(
            "deletion: confirm",
            address(deletions),
            payer,
            abi.encodeCall(deletions.confirm, (provider, what, block.number, abi.encodePacked(r, s, v)))
        );
    }

    /// @dev Sends one action in a cold world and notes its gas.
    function spend(string memory action, address target, address sender, bytes memory data) private {
        address[8] memory proxies = [
            address(parameters),
            address(providers),
            address(stake),
            address(challenges),
            address(market),
            address(disputes),
            address(channels),
            address(deletions)
        ];
        for (uint256 i = 0; i < proxies.length; i++) {
            vm.cool(proxies[i]);
            vm.cool(address(uint160(uint256(vm.load(proxies[i], IMPLEMENTATION)))));
        }
        vm.cool(address(lists));
        vm.cool(address(token));
        vm.cool(address(challenges.verifier()));
        vm.prank(sender);
        uint256 before = gasleft();
        (bool ok,) = target.call(data);
        uint256 gas = before - gasleft();
        vm.assertTrue(ok, action);
        vm.snapshotValue("actions", action, gas + intrinsic(data));
    }
}
