// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import {OpeningVerifier} from "../../src/generated/OpeningVerifier.sol";
import {ProviderVerifier} from "../../src/generated/ProviderVerifier.sol";
import {SlotVerifier} from "../../src/generated/SlotVerifier.sol";
import {CellTree} from "../../src/market/CellTree.sol";
import {IGroth16Verifier, IProviderVerifier, ISlotVerifier} from "../../src/proof/IGroth16Verifier.sol";
import {DRAWS, ProviderInputs} from "../../src/proof/ProviderInputs.sol";
import {AccessVerifier} from "../generated/AccessVerifier.sol";
import {SmallProviderVerifier} from "../generated/SmallProviderVerifier.sol";
import {SmallSlotVerifier} from "../generated/SmallSlotVerifier.sol";
import {Test} from "../support/Test.sol";

/// @dev The vectors that the Rust prover wrote and the Rust verifier reads: what it accepts and refuses is accepted and
/// refused here.
contract VectorsTest is Test {
    string internal constant FOLDER = "../proofs/vectors/";
    /// @dev What a refusal may cost.
    uint256 internal constant REFUSAL_GAS = 240_000;

    function test_slot_in_use() public {
        check("slot-7x80.json", address(new SlotVerifier()), 2);
    }

    function test_provider_in_use() public {
        check("provider-7x16x5.json", address(new ProviderVerifier()), 4);
    }

    function test_small_slot() public {
        check("slot-2x3.json", address(new SmallSlotVerifier()), 2);
    }

    function test_small_provider() public {
        check("provider-2x16x1.json", address(new SmallProviderVerifier()), 4);
    }

    function test_access() public {
        check("access-7.json", address(new AccessVerifier()), 4);
    }

    function test_opening_in_use() public {
        check("opening-7.json", address(new OpeningVerifier()), 4);
    }

    function test_gas_of_real_proofs() public {
        string memory json = vm.readFile(string.concat(FOLDER, "slot-7x80.json"));
        address verifier = address(new SlotVerifier());
        vm.cool(verifier);
        (bool ok, uint256 gas,) = measure(verifier, call(json, ".accepted[0]", 2));
        vm.assertTrue(ok, "accepted");
        vm.snapshotValue("verifier", "real proof, slot form, execution", gas);
        vm.assertLe(gas, 200_000, "slot form");
        json = vm.readFile(string.concat(FOLDER, "provider-7x16x5.json"));
        verifier = address(new ProviderVerifier());
        vm.cool(verifier);
        (ok, gas,) = measure(verifier, call(json, ".accepted[0]", 4));
        vm.assertTrue(ok, "accepted");
        vm.snapshotValue("verifier", "real proof, provider form, execution", gas);
    }

    function test_sixteen_real_proofs_at_once() public {
        string memory json = vm.readFile(string.concat(FOLDER, "slot-2x3.json"));
        address verifier = address(new SmallSlotVerifier());
        uint256[8][] memory proofs = new uint256[8][](16);
        uint256[2][] memory inputs = new uint256[2][](16);
        for (uint256 i = 0; i < 16; i++) {
            (proofs[i], inputs[i]) = member(json, string.concat(".accepted[", vm.toString(i), "]"));
        }
        vm.cool(verifier);
        (bool ok, uint256 gas,) = measure(verifier, abi.encodeCall(ISlotVerifier.verifyBatch, (proofs, inputs)));
        vm.assertTrue(ok, "accepted");
        vm.snapshotValue("verifier", "real proofs, batch of 16, execution a proof", gas / 16);
        vm.assertLe(gas, 16 * 62_000, "a batch of 16");
        // Each refused case, as the last member, fails the batch.
        uint256 cases = count(json, ".refused");
        for (uint256 i = 0; i < cases; i++) {
            (proofs[15], inputs[15]) = member(json, string.concat(".refused[", vm.toString(i), "]"));
            (ok,,) = measure(verifier, abi.encodeCall(ISlotVerifier.verifyBatch, (proofs, inputs)));
            vm.assertTrue(!ok, "the batch is refused");
        }
    }

    /// @dev The public inputs that the prover computed from sixteen roots, computed here.
    function test_compressed_inputs() public view {
        string memory json = vm.readFile(string.concat(FOLDER, "provider-7x16x5.json"));
        bytes32[] memory listed = vm.parseJsonBytes32Array(json, ".roots");
        vm.assertEq(listed.length, DRAWS, "sixteen");
        bytes32[DRAWS] memory roots;
        for (uint256 i = 0; i < DRAWS; i++) {
            roots[i] = listed[i];
        }
        for (uint256 i = 0; i < 2; i++) {
            string memory path = string.concat(".accepted[", vm.toString(i), "].inputs");
            uint256[] memory inputs = vm.parseJsonUintArray(json, path);
            (uint256 alpha, uint256 e) = ProviderInputs.compress(inputs[0], inputs[1], roots);
            vm.assertEq(alpha, inputs[2], "alpha");
            vm.assertEq(e, inputs[3], "e");
        }
    }

    /// @dev The cell root of the slot in native.json, and paths to it: 20,001 bytes are 41 cells, all others zeros.
    function test_cell_root() public view {
        string memory json = vm.readFile(string.concat(FOLDER, "native.json"));
        bytes32 root = bytes32(vm.parseJsonUint(json, ".slot.trees[2].cell_root"));
        bytes32 zero = sha256(abi.encodePacked(uint8(0), new bytes(496)));
        bytes32[] memory level = new bytes32[](64);
        for (uint256 i = 0; i < 64; i++) {
            level[i] = i < 41 ? sha256(abi.encodePacked(uint8(0), cellAt(i))) : zero;
        }
        uint256 index = 40;
        bytes32[] memory path = new bytes32[](49);
        uint256 child = index;
        for (uint256 height = 0; height < 7; height++) {
            uint256 first = child / 8 * 8;
            for (uint256 i = 0; i < 7; i++) {
                path[7 * height + i] = level[first + (i < child % 8 ? i : i + 1)];
            }
            (level, zero) = up(level, zero);
            child /= 8;
        }
        vm.assertEq(level[0], root, "the root that Rust computed");
        vm.assertTrue(this.verify(root, index, cellAt(index), path), "the last cell");
        for (uint256 other = 0; other < 64; other++) {
            if (other != index) vm.assertTrue(!this.verify(root, other, cellAt(index), path), "elsewhere");
        }
    }

    function verify(bytes32 root, uint256 index, bytes calldata cell, bytes32[] calldata path)
        external
        pure
        returns (bool)
    {
        return CellTree.verify(root, index, cell, path);
    }

    /// @dev The next level of a tree, padded to eight, and the hash of a subtree of zeros there.
    function up(bytes32[] memory level, bytes32 zero) private pure returns (bytes32[] memory next, bytes32 nextZero) {
        nextZero = sha256(abi.encodePacked(uint8(1), zero, zero, zero, zero, zero, zero, zero, zero));
        next = new bytes32[](8);
        for (uint256 i = 0; i < 8; i++) {
            bytes memory children = abi.encodePacked(uint8(1));
            for (uint256 j = 8 * i; j < 8 * i + 8; j++) {
                children = abi.encodePacked(children, j < level.length ? level[j] : zero);
            }
            next[i] = sha256(children);
        }
    }

    function cellAt(uint256 index) private pure returns (bytes memory cell) {
        cell = new bytes(496);
        for (uint256 i = 0; i < 496; i++) {
            uint256 place = index * 496 + i;
            if (place < 20_001) cell[i] = bytes1(uint8(197 * place + place / 253));
        }
    }

    function check(string memory file, address verifier, uint256 inputs) private view {
        string memory json = vm.readFile(string.concat(FOLDER, file));
        uint256 honest = count(json, ".accepted");
        uint256 cases = count(json, ".refused");
        vm.assertGt(honest, 1, "honest proofs");
        vm.assertGt(cases, 15, "refused cases");
        for (uint256 i = 0; i < honest; i++) {
            (bool ok,,) = measure(verifier, call(json, string.concat(".accepted[", vm.toString(i), "]"), inputs));
            vm.assertTrue(ok, "accepted");
        }
        for (uint256 i = 0; i < cases; i++) {
            string memory one = string.concat(".refused[", vm.toString(i), "]");
            (bool ok, uint256 gas, bytes memory why) = measure(verifier, call(json, one, inputs));
            string memory name = vm.parseJsonString(json, string.concat(one, ".name"));
            vm.assertTrue(!ok, name);
            vm.assertEq(
                bytes32(bytes4(why)), bytes32(expected(vm.parseJsonString(json, string.concat(one, ".why")))), name
            );
            vm.assertLe(gas, REFUSAL_GAS, name);
        }
    }

    /// @dev This verifier's name for what the Rust verifier says.
    function expected(string memory why) private pure returns (bytes4) {
        bytes32 said = keccak256(bytes(why));
        if (said == keccak256("Refused")) return IGroth16Verifier.ProofRejected.selector;
        if (said == keccak256("Input")) return IGroth16Verifier.InputOutOfField.selector;
        if (said == keccak256("NotInGroup")) return IGroth16Verifier.PointNotInSubgroup.selector;
        vm.assertTrue(said == keccak256("NotOnCurve") || said == keccak256("Coordinate"), why);
        return IGroth16Verifier.PointNotOnCurve.selector;
    }

    function call(string memory json, string memory path, uint256 inputs) private pure returns (bytes memory) {
        uint256[] memory list = vm.parseJsonUintArray(json, string.concat(path, ".inputs"));
        vm.assertEq(list.length, inputs, "inputs");
        uint256[8] memory proof = proofOf(json, path);
        if (inputs == 2) return abi.encodeCall(ISlotVerifier.verify, (proof, [list[0], list[1]]));
        return abi.encodeCall(IProviderVerifier.verify, (proof, [list[0], list[1], list[2], list[3]]));
    }

    function member(string memory json, string memory path)
        private
        pure
        returns (uint256[8] memory, uint256[2] memory)
    {
        uint256[] memory list = vm.parseJsonUintArray(json, string.concat(path, ".inputs"));
        return (proofOf(json, path), [list[0], list[1]]);
    }

    function proofOf(string memory json, string memory path) private pure returns (uint256[8] memory proof) {
        uint256[] memory list = vm.parseJsonUintArray(json, string.concat(path, ".proof"));
        vm.assertEq(list.length, 8, "words");
        for (uint256 i = 0; i < 8; i++) {
            proof[i] = list[i];
        }
    }

    function count(string memory json, string memory list) private view returns (uint256 n) {
        while (vm.keyExistsJson(json, string.concat(list, "[", vm.toString(n), "]"))) n++;
    }
}
