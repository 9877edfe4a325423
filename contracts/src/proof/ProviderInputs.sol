// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

/// @dev Slots that a provider's proof covers.
uint256 constant DRAWS = 16;
/// @dev Order of the scalar field of BN254.
uint256 constant FIELD = 21888242871839275222246405745257275088548364400416034343698204186575808495617;

/// @title Sixteen roots folded into two public inputs
/// @notice The prover publishes h, a hash of the roots it used; alpha = keccak256(seed, h, roots) mod r comes after it, and
/// e = sum of root_j alpha^j. Had the prover used other roots, two different polynomials of degree below 16 would have to
/// agree at a random point.
library ProviderInputs {
    /// @notice alpha and e for the roots drawn.
    function compress(uint256 seed, uint256 h, bytes32[DRAWS] memory roots)
        internal
        pure
        returns (uint256 alpha, uint256 e)
    {
        alpha = uint256(keccak256(abi.encodePacked(seed, h, roots))) % FIELD;
        for (uint256 j = DRAWS; j > 0; j--) {
            e = addmod(mulmod(e, alpha, FIELD), uint256(roots[j - 1]), FIELD);
        }
    }
}
