// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import {IAccessControl} from "@openzeppelin/contracts/access/IAccessControl.sol";
import {IGovernor} from "@openzeppelin/contracts/governance/IGovernor.sol";
import {Initializable} from "@openzeppelin/contracts/proxy/utils/Initializable.sol";
import {UUPSUpgradeable} from "@openzeppelin/contracts/proxy/utils/UUPSUpgradeable.sol";
import {Parameter, Parameters} from "../../src/governance/Parameters.sol";
import {IRandomness} from "../../src/market/Randomness.sol";
import {IProviderVerifier} from "../../src/proof/IGroth16Verifier.sol";
import {Market} from "../../src/market/Market.sol";
import {World} from "../support/World.sol";

/// @dev What the tests call of a Safe, as its own contracts declare it.
interface ISafe {
    function setup(
        address[] calldata owners,
        uint256 threshold,
        address to,
        bytes calldata data,
        address fallbackHandler,
        address paymentToken,
        uint256 payment,
        address payable receiver
    ) external;
    function nonce() external view returns (uint256);
    function getTransactionHash(
        address to,
        uint256 value,
        bytes calldata data,
        uint8 operation,
        uint256 safeTxGas,
        uint256 baseGas,
        uint256 gasPrice,
        address gasToken,
        address refundReceiver,
        uint256 nonce
    ) external view returns (bytes32);
    function execTransaction(
        address to,
        uint256 value,
        bytes calldata data,
        uint8 operation,
        uint256 safeTxGas,
        uint256 baseGas,
        uint256 gasPrice,
        address gasToken,
        address payable refundReceiver,
        bytes calldata signatures
    ) external payable returns (bool);
}

interface ISafeFactory {
    function createProxyWithNonce(address singleton, bytes calldata initializer, uint256 salt)
        external
        returns (address);
}

contract GovernanceTest is World {
    address internal constant VOTER = address(0x707E);

    function setUp() public {
        deploy();
        give(VOTER, 100_000_000e18);
        vm.prank(VOTER);
        token.delegate(VOTER);
        vm.roll(block.number + 1);
    }

    function propose(address target, bytes memory data)
        internal
        returns (uint256 id, address[] memory targets, uint256[] memory values, bytes[] memory calls)
    {
        (targets, values, calls) = (new address[](1), new uint256[](1), new bytes[](1));
        (targets[0], calls[0]) = (target, data);
        vm.prank(VOTER);
        id = governor.propose(targets, values, calls, "why");
    }

    /// @dev Proposes, votes, waits for the timelock, executes.
    function decide(address target, bytes memory data) internal {
        (uint256 id, address[] memory targets, uint256[] memory values, bytes[] memory calls) = propose(target, data);
        vm.roll(block.number + 6);
        vm.prank(VOTER);
        governor.castVote(id, 1);
        vm.roll(block.number + 21);
        bytes32 why = keccak256("why");
        governor.queue(targets, values, calls, why);
        vm.expectRevert();
        governor.execute(targets, values, calls, why); // the timelock's day is not over
        vm.warp(block.timestamp + 1 days);
        governor.execute(targets, values, calls, why);
    }

    function test_a_vote_changes_a_parameter_through_the_timelock() public {
        decide(address(parameters), abi.encodeCall(Parameters.set, (Parameter.MissPenaltyBps, 200)));
        vm.assertEq(parameters.get(Parameter.MissPenaltyBps), 200, "set");
    }

    function test_a_vote_mints_within_the_allowance_only() public {
        decide(address(token), abi.encodeWithSignature("mint(address,uint256)", VOTER, 5e18));
        vm.assertEq(token.balanceOf(VOTER), 100_000_005e18, "minted");
    }

    function test_a_vote_without_quorum_changes_nothing() public {
        address small = address(0x5);
        give(small, 10_000_000e18);
        vm.prank(small);
        token.delegate(small);
        vm.roll(block.number + 1);
        (uint256 id,,,) = propose(address(parameters), abi.encodeCall(Parameters.set, (Parameter.MissPenaltyBps, 200)));
        vm.roll(block.number + 6);
        vm.prank(small);
        governor.castVote(id, 1);
        vm.roll(block.number + 21);
        vm.assertTrue(governor.state(id) == IGovernor.ProposalState.Defeated, "one per cent is no quorum");
    }

    function test_no_vote_passes_the_bounds() public {
        for (uint256 i = 0; i <= uint256(type(Parameter).max); i++) {
            (uint256 low, uint256 high) = parameters.bounds(Parameter(i));
            vm.startPrank(address(timelock));
            parameters.set(Parameter(i), low);
            parameters.set(Parameter(i), high);
            vm.expectRevert(abi.encodeWithSelector(Parameters.OutOfBounds.selector, Parameter(i), high + 1, low, high));
            parameters.set(Parameter(i), high + 1);
            if (low > 0) {
                vm.expectRevert(
                    abi.encodeWithSelector(Parameters.OutOfBounds.selector, Parameter(i), low - 1, low, high)
                );
                parameters.set(Parameter(i), low - 1);
            }
            vm.stopPrank();
        }
        (, uint256 reward) = parameters.bounds(Parameter.RewardShareBps);
        (, uint256 refund) = parameters.bounds(Parameter.RefundShareBps);
        vm.assertLt(reward, 10_000 - reward - refund, "at the extremes, too, the burn exceeds the reward");
    }

    function test_only_the_timelock_sets_upgrades_and_grants() public {
        bytes memory denied =
            abi.encodeWithSelector(IAccessControl.AccessControlUnauthorizedAccount.selector, address(this), bytes32(0));
        vm.expectRevert(denied);
        parameters.set(Parameter.MissPenaltyBps, 200);
        (IProviderVerifier verifier, IRandomness randomness) = (challenges.verifier(), challenges.randomness());
        vm.expectRevert(denied);
        challenges.setSources(verifier, randomness);
        address[9] memory governed = [
            address(parameters),
            address(providers),
            address(stake),
            address(challenges),
            address(market),
            address(disputes),
            address(channels),
            address(deletions),
            address(lists)
        ];
        Market next = new Market();
        for (uint256 i = 0; i < governed.length; i++) {
            vm.expectRevert(denied);
            UUPSUpgradeable(governed[i]).upgradeToAndCall(address(next), "");
            vm.assertTrue(IAccessControl(governed[i]).hasRole(bytes32(0), address(timelock)), "the timelock may");
            vm.assertTrue(!IAccessControl(governed[i]).hasRole(bytes32(0), address(this)), "the deployer may not");
            (bool again,) = governed[i].call(
                abi.encodeCall(Market.initialize, (address(this), token, providers, stake, challenges, parameters))
            );
            vm.assertTrue(!again, "initialised once");
        }
        vm.expectRevert(abi.encodeWithSelector(Initializable.InvalidInitialization.selector));
        next.initialize(address(this), token, providers, stake, challenges, parameters);
    }

    function test_an_upgrade_by_vote_keeps_the_money_and_the_state() public {
        newProvider(0xB0001, 1_000e18);
        uint256 agreement = openAgreement(terms());
        fill(agreement, 0, 0xB0001);
        provenWindow(peer(0xB0001));
        address next = address(new Market());
        decide(address(market), abi.encodeWithSignature("upgradeToAndCall(address,bytes)", next, ""));
        market.settle(agreement, 0);
        vm.assertEq(market.ledger().paid, 1e18, "the agreement goes on");
    }

    function test_the_treasury_is_a_safe_that_two_of_three_spend_from() public {
        ISafe safe = twoOfThree();
        give(address(safe), 10e18);
        bytes memory spend = abi.encodeWithSignature("transfer(address,uint256)", VOTER, 4e18);
        refusesOne(safe, address(token), spend);
        bytes memory two = agreed(safe, address(token), spend);
        safe.execTransaction(address(token), 0, spend, 0, 0, 0, 0, address(0), payable(address(0)), two);
        vm.assertEq(token.balanceOf(address(safe)), 6e18, "spent");
        vm.expectRevert();
        safe.execTransaction(address(token), 0, spend, 0, 0, 0, 0, address(0), payable(address(0)), two);
    }

    /// @dev The guardian, too: named by a vote, it pauses with two signatures of three, and a vote takes its role away.
    function test_the_guardian_is_a_safe_that_a_vote_names_and_dismisses() public {
        ISafe safe = twoOfThree();
        bytes32 role = market.GUARDIAN_ROLE();
        bytes memory pause = abi.encodeCall(Market.pause, ());
        decide(address(market), abi.encodeCall(IAccessControl.grantRole, (role, address(safe))));
        refusesOne(safe, address(market), pause);
        bytes memory two = agreed(safe, address(market), pause);
        safe.execTransaction(address(market), 0, pause, 0, 0, 0, 0, address(0), payable(address(0)), two);
        vm.assertTrue(market.paused(), "paused");
        decide(address(market), abi.encodeCall(IAccessControl.revokeRole, (role, address(safe))));
        bytes memory resume = abi.encodeCall(Market.unpause, ());
        two = agreed(safe, address(market), resume);
        vm.expectRevert();
        safe.execTransaction(address(market), 0, resume, 0, 0, 0, 0, address(0), payable(address(0)), two);
        decide(address(market), resume);
        vm.assertTrue(!market.paused(), "the vote ends what the guardian began");
    }

    /// @dev A Safe of three owners, of whom two must agree.
    function twoOfThree() private returns (ISafe) {
        string memory build = "node_modules/@safe-global/safe-contracts/build/artifacts/contracts/";
        address singleton = create(vm.getCode(string.concat(build, "Safe.sol/Safe.json")));
        address factory = create(vm.getCode(string.concat(build, "proxies/SafeProxyFactory.sol/SafeProxyFactory.json")));
        uint256[3] memory keys = sorted();
        address[] memory owners = new address[](3);
        for (uint256 i = 0; i < 3; i++) {
            owners[i] = vm.addr(keys[i]);
        }
        bytes memory setup =
            abi.encodeCall(ISafe.setup, (owners, 2, address(0), "", address(0), address(0), 0, payable(address(0))));
        return ISafe(ISafeFactory(factory).createProxyWithNonce(singleton, setup, 1));
    }

    /// @dev Two signatures for a transaction of a Safe, the first of which stands alone at the beginning.
    function agreed(ISafe safe, address target, bytes memory data) private view returns (bytes memory) {
        uint256 nonce = safe.nonce();
        bytes32 hash = safe.getTransactionHash(target, 0, data, 0, 0, 0, 0, address(0), address(0), nonce);
        return abi.encodePacked(signed(sorted()[0], hash), signed(sorted()[1], hash));
    }

    function refusesOne(ISafe safe, address target, bytes memory data) private {
        uint256 nonce = safe.nonce();
        bytes32 hash = safe.getTransactionHash(target, 0, data, 0, 0, 0, 0, address(0), address(0), nonce);
        bytes memory one = signed(sorted()[0], hash);
        vm.expectRevert();
        safe.execTransaction(target, 0, data, 0, 0, 0, 0, address(0), payable(address(0)), one);
    }

    function create(bytes memory code) private returns (address made) {
        assembly ("memory-safe") {
            made := create(0, add(code, 0x20), mload(code))
        }
        vm.assertTrue(made != address(0), "created");
    }

    function signed(uint256 key, bytes32 hash) private pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, hash);
        return abi.encodePacked(r, s, v);
    }

    /// @dev Three keys in the order of their addresses, as a Safe wants signatures.
    function sorted() private pure returns (uint256[3] memory keys) {
        keys = [uint256(11), 12, 13];
        for (uint256 i = 0; i < 3; i++) {
            for (uint256 j = i + 1; j < 3; j++) {
                if (vm.addr(keys[j]) < vm.addr(keys[i])) (keys[i], keys[j]) = (keys[j], keys[i]);
            }
        }
    }
}
