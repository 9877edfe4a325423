// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

/// @title Forges proofs for the toy keys of test/vectors, whose trapdoor is public
/// @dev With alpha = 7, beta = 2, gamma = 3, delta = 5, IC_i = 11 + i and B = G2, the equation
/// a·b = alpha·beta + gamma·sum x_i IC_i + delta·c is solved for a. What is tested with such proofs is the verifier and
/// what stands on it; that real provers meet the real keys is tested with proofs/vectors.
library ToyProver {
    uint256 internal constant R = 21888242871839275222246405745257275088548364400416034343698204186575808495617;
    uint256 internal constant P = 21888242871839275222246405745257275088696311157297823662689037894645226208583;

    function prove(uint256[2] memory inputs, uint256 c) internal view returns (uint256[8] memory) {
        uint256 sum = addmod(mulmod(inputs[0], 12, R), mulmod(inputs[1], 13, R), R);
        return assemble(sum, c);
    }

    function prove(uint256[4] memory inputs, uint256 c) internal view returns (uint256[8] memory) {
        uint256 sum = 0;
        for (uint256 i = 0; i < 4; i++) {
            sum = addmod(sum, mulmod(inputs[i], 12 + i, R), R);
        }
        return assemble(sum, c);
    }

    function assemble(uint256 sum, uint256 c) private view returns (uint256[8] memory proof) {
        uint256 a = addmod(14, addmod(mulmod(3, addmod(sum, 11, R), R), mulmod(5, c, R), R), R);
        (proof[0], proof[1]) = multiple(a);
        proof[2] = 0x198e9393920d483a7260bfb731fb5d25f1aa493335a9e71297e485b7aef312c2;
        proof[3] = 0x1800deef121f1e76426a00665e5c4479674322d4f75edadd46debd5cd992f6ed;
        proof[4] = 0x090689d0585ff075ec9e99ad690c3395bc4b313370b38ef355acdadcd122975b;
        proof[5] = 0x12c85ea5db8c6deb4aab71808dcb408fe3d1e7690c43d37b4ce6cc0166fa7daa;
        (proof[6], proof[7]) = multiple(c);
    }

    /// @dev scalar times the generator of G1.
    function multiple(uint256 scalar) internal view returns (uint256 x, uint256 y) {
        (bool ok, bytes memory point) = address(7).staticcall(abi.encode(1, 2, scalar));
        require(ok, "ecMul");
        return abi.decode(point, (uint256, uint256));
    }
}
