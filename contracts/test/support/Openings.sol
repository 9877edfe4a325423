// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import {Vm} from "./Vm.sol";

/// @title A slot that the Rust prover committed to, and cells of it that it shows: proofs/vectors/opening-7.json
/// @dev The slot's circuit root is right; `wrongRoot` is a refiller's that differs from it in the cell shown first.
library Openings {
    Vm private constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    struct Shown {
        uint32 cell;
        bytes content;
        bytes32[] path;
        uint256[8] proof;
    }

    function json() internal view returns (string memory) {
        return vm.readFile("../proofs/vectors/opening-7.json");
    }

    function slotRoot() internal view returns (bytes32) {
        return bytes32(vm.parseJsonUint(json(), ".slot_root"));
    }

    function cellRoot() internal view returns (bytes32) {
        return bytes32(vm.parseJsonUint(json(), ".cell_root"));
    }

    function wrongRoot() internal view returns (bytes32) {
        return bytes32(vm.parseJsonUint(json(), ".wrong.slot_root"));
    }

    /// @notice The cells shown: one in the middle, the first, the last with content, the last of all.
    function shown(uint256 number) internal view returns (Shown memory it) {
        string memory text = json();
        string memory place = string.concat(".shown[", vm.toString(number), "]");
        it.cell = uint32(vm.parseJsonUint(text, string.concat(place, ".index")));
        it.content = vm.parseJsonBytes(text, string.concat(place, ".bytes"));
        it.path = vm.parseJsonBytes32Array(text, string.concat(place, ".path"));
        it.proof = words(text, string.concat(".accepted[", vm.toString(number), "].proof"));
    }

    /// @notice The wrong cell under the wrong root, and the proof of it.
    function lie() internal view returns (bytes memory content, uint256[8] memory proof) {
        string memory text = json();
        return (vm.parseJsonBytes(text, ".wrong.bytes"), words(text, ".wrong.proof"));
    }

    /// @notice The proof of the second cell shown, which is right, under the wrong root.
    function elsewhere() internal view returns (uint256[8] memory) {
        return words(json(), ".wrong.elsewhere");
    }

    function words(string memory text, string memory path) private pure returns (uint256[8] memory proof) {
        uint256[] memory list = vm.parseJsonUintArray(text, path);
        for (uint256 i = 0; i < 8; i++) {
            proof[i] = list[i];
        }
    }
}
