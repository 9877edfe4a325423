// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import {OpeningVerifier} from "../../src/generated/OpeningVerifier.sol";
import {HoldfastGovernor} from "../../src/governance/HoldfastGovernor.sol";
import {HoldfastProxy} from "../../src/governance/HoldfastProxy.sol";
import {HoldfastTimelock} from "../../src/governance/HoldfastTimelock.sol";
import {Parameter, Parameters} from "../../src/governance/Parameters.sol";
import {AccessLists} from "../../src/market/AccessLists.sol";
import {Challenges} from "../../src/market/Challenges.sol";
import {Channels} from "../../src/market/Channels.sol";
import {Deletions} from "../../src/market/Deletions.sol";
import {Disputes} from "../../src/market/Disputes.sol";
import {IMarket} from "../../src/market/IMarket.sol";
import {Market} from "../../src/market/Market.sol";
import {Providers} from "../../src/market/Providers.sol";
import {BlockhashRandomness} from "../../src/market/Randomness.sol";
import {Stake} from "../../src/market/Stake.sol";
import {IOpeningVerifier, IProviderVerifier} from "../../src/proof/IGroth16Verifier.sol";
import {HoldToken} from "../../src/token/HoldToken.sol";
import {ToyVerifier4} from "../generated/ToyVerifier4.sol";
import {Test} from "./Test.sol";
import {ToyProver} from "./ToyProver.sol";

/// @title All contracts, wired as a deployment wires them, and short words for what people do with them
abstract contract World is Test {
    uint256 internal constant SUPPLY = 1_000_000_000e18;
    uint64 internal constant WINDOW = 50;
    uint64 internal constant OPEN = 10;
    uint256 internal constant OWNER_KEY = 0xA0001;
    address internal constant TREASURY = address(0x7EA);
    address internal constant GUARDIAN = address(0x9A4D);
    address internal constant REPORTER = address(0x4E9);

    HoldToken internal token;
    HoldfastTimelock internal timelock;
    HoldfastGovernor internal governor;
    Parameters internal parameters;
    Providers internal providers;
    Stake internal stake;
    Challenges internal challenges;
    Market internal market;
    Disputes internal disputes;
    Channels internal channels;
    AccessLists internal lists;
    Deletions internal deletions;
    address internal owner;

    function deploy() internal {
        vm.roll(1_000);
        vm.warp(1_000_000);
        owner = vm.addr(OWNER_KEY);
        address[] memory anyone = new address[](1);
        timelock = new HoldfastTimelock(1 days, new address[](0), anyone, address(this));
        token = new HoldToken(address(timelock), TREASURY, SUPPLY);
        governor = new HoldfastGovernor(token, timelock, 5, 20, 1e18);
        timelock.grantRole(timelock.PROPOSER_ROLE(), address(governor));
        timelock.grantRole(timelock.CANCELLER_ROLE(), address(governor));
        timelock.renounceRole(timelock.DEFAULT_ADMIN_ROLE(), address(this));
        address me = address(this);
        parameters =
            Parameters(proxy(address(new Parameters()), abi.encodeCall(Parameters.initialize, (me, defaults()))));
        providers = Providers(proxy(address(new Providers()), abi.encodeCall(Providers.initialize, (me, parameters))));
        stake = Stake(proxy(address(new Stake()), abi.encodeCall(Stake.initialize, (me, token, providers, parameters))));
        deployMarket(me);
        grantRoles(me);
    }

    function deployMarket(address me) private {
        bytes memory data = abi.encodeCall(
            Challenges.initialize,
            (
                me,
                parameters,
                stake,
                IProviderVerifier(address(new ToyVerifier4())),
                new BlockhashRandomness(),
                WINDOW,
                OPEN
            )
        );
        challenges = Challenges(proxy(address(new Challenges()), data));
        data = abi.encodeCall(Market.initialize, (me, token, providers, stake, challenges, parameters));
        market = Market(proxy(address(new Market()), data));
        data = abi.encodeCall(Disputes.initialize, (me, token, providers, stake, challenges, market, parameters));
        disputes = Disputes(proxy(address(new Disputes()), data));
        disputes.setOpenings(IOpeningVerifier(address(new OpeningVerifier())));
        data = abi.encodeCall(Channels.initialize, (me, token, providers, parameters));
        channels = Channels(proxy(address(new Channels()), data));
        lists = AccessLists(proxy(address(new AccessLists()), abi.encodeCall(AccessLists.initialize, (me))));
        data = abi.encodeCall(Deletions.initialize, (me, providers, stake, challenges, parameters));
        deletions = Deletions(proxy(address(new Deletions()), data));
    }

    function grantRoles(address me) private {
        stake.grantRole(stake.MARKET_ROLE(), address(market));
        stake.grantRole(stake.PENALTY_ROLE(), address(challenges));
        stake.grantRole(stake.PENALTY_ROLE(), address(disputes));
        stake.grantRole(stake.PENALTY_ROLE(), address(deletions));
        challenges.grantRole(challenges.MARKET_ROLE(), address(market));
        challenges.grantRole(challenges.DISPUTE_ROLE(), address(disputes));
        market.grantRole(market.DISPUTE_ROLE(), address(disputes));
        market.grantRole(market.GUARDIAN_ROLE(), GUARDIAN);
        Providers[8] memory governed = [
            Providers(address(parameters)),
            providers,
            Providers(address(stake)),
            Providers(address(challenges)),
            Providers(address(market)),
            Providers(address(disputes)),
            Providers(address(channels)),
            Providers(address(deletions))
        ];
        for (uint256 i = 0; i < governed.length; i++) {
            governed[i].grantRole(0x00, address(timelock));
            governed[i].renounceRole(0x00, me);
        }
        lists.grantRole(0x00, address(timelock));
        lists.renounceRole(0x00, me);
    }

    function proxy(address implementation, bytes memory data) internal returns (address) {
        return address(new HoldfastProxy(implementation, data));
    }

    function defaults() internal pure returns (uint256[] memory values) {
        values = new uint256[](20);
        values[uint256(Parameter.ResponseBlocks)] = 20;
        values[uint256(Parameter.MissPenaltyBps)] = 100;
        values[uint256(Parameter.EvictLevel)] = 3;
        values[uint256(Parameter.DecayWindows)] = 4;
        values[uint256(Parameter.BountyBps)] = 500;
        values[uint256(Parameter.FailPenaltyBps)] = 10_000;
        values[uint256(Parameter.FaultPenaltyBps)] = 2_000;
        values[uint256(Parameter.RewardShareBps)] = 4_000;
        values[uint256(Parameter.RefundShareBps)] = 1_000;
        values[uint256(Parameter.UnbondingBlocks)] = 500;
        values[uint256(Parameter.NoticeWindows)] = 2;
        values[uint256(Parameter.LongestWindows)] = 1_000;
        values[uint256(Parameter.ReservationBlocks)] = 60;
        values[uint256(Parameter.ReservationBondBps)] = 1_000;
        values[uint256(Parameter.CollateralWindows)] = 10;
        values[uint256(Parameter.DisputeBond)] = 10e18;
        values[uint256(Parameter.DisputeBlocks)] = 30;
        values[uint256(Parameter.DisputeGas)] = 2e18;
        values[uint256(Parameter.ReceiptPenalty)] = 50e18;
        values[uint256(Parameter.ChannelBlocks)] = 40;
    }

    // --- What people do ---

    function peer(uint256 key) internal pure returns (address) {
        return vm.addr(key);
    }

    /// @dev The operator that acts for a peer key in tests.
    function operator(uint256 key) internal pure returns (address) {
        return address(uint160(0x0B000000 + key));
    }

    function register(uint256 key) internal returns (address provider) {
        provider = peer(key);
        (bytes32 x, bytes32 y) = vmPublicKey(key);
        bytes32 digest = providers.operatorDigest(provider, operator(key), providers.nonces(provider));
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        providers.setOperator(x, y, operator(key), abi.encodePacked(r, s, v));
    }

    /// @dev The coordinates of a secret key's public key.
    function vmPublicKey(uint256 key) internal returns (bytes32 x, bytes32 y) {
        return (bytes32(vm.createWallet(key).publicKeyX), bytes32(vm.createWallet(key).publicKeyY));
    }

    function give(address to, uint256 amount) internal {
        vm.prank(TREASURY);
        token.transfer(to, amount);
    }

    function stakeOn(address provider, address holder, uint256 amount) internal {
        give(holder, amount);
        vm.startPrank(holder);
        token.approve(address(stake), amount);
        stake.stake(provider, amount);
        vm.stopPrank();
    }

    function newProvider(uint256 key, uint256 amount) internal returns (address provider) {
        provider = register(key);
        stakeOn(provider, operator(key), amount);
    }

    function terms() internal pure returns (IMarket.Terms memory) {
        return IMarket.Terms({
            slots: 4,
            threshold: 2,
            slotBytes: 1_040_187_392,
            windows: 20,
            price: 1e18,
            collateral: 100e18,
            repairReward: 30e18,
            refund: 2e18,
            slaBps: 9_000,
            responseBlocks: 30
        });
    }

    function openAgreement(IMarket.Terms memory wanted) internal returns (uint256) {
        uint256 amount = uint256(wanted.price) * wanted.slots * wanted.windows;
        give(owner, amount);
        vm.startPrank(owner);
        token.approve(address(market), amount);
        uint256 agreement = market.open(wanted);
        vm.stopPrank();
        return agreement;
    }

    function rootFor(uint256 agreement, uint256 index, address provider) internal pure returns (bytes32) {
        return bytes32(uint256(keccak256(abi.encode("root", agreement, index, provider))) >> 8);
    }

    function fill(uint256 agreement, uint256 index, uint256 key) internal {
        fillWith(agreement, index, key, keccak256("cells"));
    }

    function fillWith(uint256 agreement, uint256 index, uint256 key, bytes32 cellRoot) internal {
        fillRoots(agreement, index, key, rootFor(agreement, index, peer(key)), cellRoot);
    }

    function fillRoots(uint256 agreement, uint256 index, uint256 key, bytes32 root, bytes32 cellRoot) internal {
        bytes32 digest = market.approvalDigest(agreement, index, peer(key), root, cellRoot);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(OWNER_KEY, digest);
        vm.prank(operator(key));
        market.fill(agreement, index, peer(key), root, cellRoot, abi.encodePacked(r, s, v));
    }

    /// @dev Goes to the block after a window's first.
    function goTo(uint256 window) internal {
        vm.roll(challenges.genesis() + window * WINDOW + 1);
    }

    function openNow() internal returns (uint256 window) {
        window = challenges.currentWindow();
        vm.setBlockhash(challenges.genesis() + window * WINDOW, keccak256(abi.encode("block", window)));
        challenges.openWindow(window, "");
    }

    function submission(uint256 window, address provider) internal view returns (Challenges.Submission memory) {
        uint256[4] memory inputs = challenges.publicInputs(window, provider, 4711);
        return Challenges.Submission({provider: provider, h: 4711, proof: ToyProver.prove(inputs, 5)});
    }

    function prove(address provider) internal {
        uint256 window = challenges.currentWindow();
        challenges.submitProof(window, submission(window, provider));
    }

    /// @dev Goes to the next window, opens it, and lets one provider prove.
    function provenWindow(address provider) internal {
        goTo(challenges.currentWindow() + 1);
        openNow();
        prove(provider);
    }

    /// @dev Goes to the next window, opens it, lets its deadline pass.
    function missedWindow() internal {
        goTo(challenges.currentWindow() + 1);
        openNow();
        vm.roll(block.number + 21);
    }
}
