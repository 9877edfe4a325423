// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import {Bytes} from "@openzeppelin/contracts/utils/Bytes.sol";
import {FIELD} from "./ProviderInputs.sol";

/// @title A cell folded into two public inputs
/// @notice The cell under a slot's root was fixed when the root was posted; alpha = keccak256(root, index, cell) mod r comes
/// after it, and e = sum of element_j alpha^j. Were it another cell than the one shown, two different polynomials of degree
/// below 16 would have to agree at a random point.
library OpeningInputs {
    /// @dev Elements of a cell, and the bytes of each: little-endian, so below 2^248 and below r.
    uint256 private constant ELEMENTS = 16;
    uint256 private constant ELEMENT_BYTES = 31;

    /// @notice alpha and e for a cell of 496 bytes.
    function compress(uint256 root, uint256 index, bytes calldata cell)
        internal
        pure
        returns (uint256 alpha, uint256 e)
    {
        alpha = uint256(keccak256(abi.encodePacked(root, index, cell))) % FIELD;
        for (uint256 j = ELEMENTS; j > 0; j--) {
            bytes32 word = bytes32(cell[ELEMENT_BYTES * (j - 1):ELEMENT_BYTES * j]);
            e = addmod(mulmod(e, alpha, FIELD), uint256(Bytes.reverseBytes32(word)), FIELD);
        }
    }
}
