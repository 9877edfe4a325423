// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

/// @title Why a Groth16 verifier refuses
/// @dev The functions of a verifier depend on its number of inputs; see ISlotVerifier and IProviderVerifier.
interface IGroth16Verifier {
    /// @notice A public input is not below the order of the scalar field, so it is an alias of another.
    error InputOutOfField(uint256 index);
    /// @notice A point (0 = A, 1 = B, 2 = C) has a coordinate outside the base field, is off the curve or infinite.
    error PointNotOnCurve(uint256 which);
    /// @notice B is on its curve, but not in the subgroup of order r.
    error PointNotInSubgroup();
    /// @notice An addition or multiplication precompile failed: less gas than it costs was left.
    error PrecompileFailed();
    /// @notice The pairing equation does not hold.
    error ProofRejected();
    /// @notice A batch is empty, larger than the limit, or its proofs and inputs differ in number.
    error BatchSize(uint256 proofs, uint256 inputs);
    /// @notice A key whose trapdoor is public must not guard money.
    error DevelopmentKeyOnMainnet(uint256 chainId);
}

/// @title Verifier of the single-slot form, inputs [slotRoot, seed]
interface ISlotVerifier is IGroth16Verifier {
    /// @notice Returns if the proof holds, reverts with the reason otherwise.
    function verify(uint256[8] calldata proof, uint256[2] calldata inputs) external view;

    /// @notice Returns if all proofs hold, reverts otherwise.
    function verifyBatch(uint256[8][] calldata proofs, uint256[2][] calldata inputs) external view;
}

/// @title Verifier of the provider form, inputs [seed, h, alpha, e]
interface IProviderVerifier is IGroth16Verifier {
    /// @notice Returns if the proof holds, reverts with the reason otherwise.
    function verify(uint256[8] calldata proof, uint256[4] calldata inputs) external view;

    /// @notice Returns if all proofs hold, reverts otherwise.
    function verifyBatch(uint256[8][] calldata proofs, uint256[4][] calldata inputs) external view;
}

/// @title Verifier of a single cell, inputs [slotRoot, index, alpha, e]
interface IOpeningVerifier is IGroth16Verifier {
    /// @notice Returns if the proof holds, reverts with the reason otherwise.
    function verify(uint256[8] calldata proof, uint256[4] calldata inputs) external view;
}
