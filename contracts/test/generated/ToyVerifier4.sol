// SPDX-License-Identifier: Apache-2.0 OR MIT
// Generated from contracts/test/vectors/toy-4.json by `cargo run -p holdfast-contracts --bin generate-verifier`. Never edit.
pragma solidity 0.8.37;

import {IGroth16Verifier} from "../../src/proof/IGroth16Verifier.sol";

/// @title Groth16 verifier over BN254 for one verifying key with 4 public inputs
/// @notice A proof is eight words as the EVM's precompiles read points (EIP-197): A.x, A.y, B.x imaginary,
/// B.x real, B.y imaginary, B.y real, C.x, C.y.
/// @dev Checked is e(A, B) · e(alpha, -beta) · e(IC0 + sum x_i IC_i, -gamma) · e(C, -delta) = 1, or for a batch the
/// random linear combination of such equations. Every precompile call carries its own gas cap (EIP-1108 prices
/// and a margin), because a precompile that refuses its input burns all the gas it was given.
contract ToyVerifier4 is IGroth16Verifier {
    /// @notice True if the key's trapdoor is known to everybody; such a verifier refuses to exist on public mainnets.
    bool public constant DEVELOPMENT_KEY = true;
    /// @notice Hash of the verifying key's canonical encoding, part of every batch's randomness.
    bytes32 public constant VERIFYING_KEY_HASH = 0x4801cb0f7f1850e69d84ecd1735d3d706a0d82b0484c433de15d31bb04218b03;
    /// @notice The largest batch of one call.
    uint256 public constant BATCH_LIMIT = 64;

    // solhint-disable no-inline-assembly
    constructor() {
        uint256 chain = block.chainid;
        // Ethereum, BNB Smart Chain, Polygon, OP, Base, Arbitrum One, Gnosis, Avalanche C, Linea, Scroll, zkSync Era.
        bool mainnet = chain == 1 || chain == 56 || chain == 137 || chain == 10 || chain == 8453 || chain == 42161
            || chain == 100 || chain == 43114 || chain == 59144 || chain == 534352 || chain == 324;
        if (DEVELOPMENT_KEY && mainnet) revert DevelopmentKeyOnMainnet(chain);
    }

    /// @notice Returns if the proof is valid for the public inputs; otherwise reverts with the reason.
    /// @param proof The proof, eight words.
    /// @param inputs The public inputs, each below the order of the scalar field.
    function verify(uint256[8] calldata proof, uint256[4] calldata inputs) external view {
        assembly ("memory-safe") {
            function refuse(selector) {
                mstore(0x00, selector)
                revert(0x00, 0x04)
            }
            function refuseWith(selector, word) {
                mstore(0x00, selector)
                mstore(0x04, word)
                revert(0x00, 0x24)
            }
            function readInput(row, i) -> x {
                x := calldataload(add(row, shl(5, i)))
                if iszero(lt(x, 0x30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000001)) { refuseWith(0xfc41e93600000000000000000000000000000000000000000000000000000000, i) }
            }
            // y^2 = x^3 + 3; the point at infinity, (0, 0), is refused with the rest.
            function checkG1(point, which) {
                let x := calldataload(point)
                let y := calldataload(add(point, 0x20))
                let cubic := addmod(mulmod(mulmod(x, x, 0x30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd47), x, 0x30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd47), 3, 0x30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd47)
                if iszero(and(and(lt(x, 0x30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd47), lt(y, 0x30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd47)), eq(mulmod(y, y, 0x30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd47), cubic))) {
                    refuseWith(0x8be2934e00000000000000000000000000000000000000000000000000000000, which)
                }
            }
            // y^2 = x^3 + 3/(9+u) over F_p[u]/(u^2+1). Whether the point is of order r the pairing precompile checks.
            function checkG2(point, which) {
                let xi := calldataload(point)
                let xr := calldataload(add(point, 0x20))
                let yi := calldataload(add(point, 0x40))
                let yr := calldataload(add(point, 0x60))
                let below := and(and(lt(xi, 0x30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd47), lt(xr, 0x30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd47)), and(lt(yi, 0x30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd47), lt(yr, 0x30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd47)))
                if iszero(below) { refuseWith(0x8be2934e00000000000000000000000000000000000000000000000000000000, which) }
                let sr := mulmod(add(xr, xi), add(xr, sub(0x30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd47, xi)), 0x30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd47)
                let si := mulmod(shl(1, xr), xi, 0x30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd47)
                let cr := addmod(mulmod(sr, xr, 0x30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd47), sub(0x30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd47, mulmod(si, xi, 0x30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd47)), 0x30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd47)
                let ci := addmod(mulmod(sr, xi, 0x30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd47), mulmod(si, xr, 0x30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd47), 0x30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd47)
                let real := eq(mulmod(add(yr, yi), add(yr, sub(0x30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd47, yi)), 0x30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd47), addmod(cr, 0x2b149d40ceb8aaae81be18991be06ac3b5b4c5e559dbefa33267e6dc24a138e5, 0x30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd47))
                let imaginary := eq(mulmod(shl(1, yr), yi, 0x30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd47), addmod(ci, 0x009713b03af0fed4cd2cafadeed8fdf4a74fa084e52d1852e4a2bd0685c315d2, 0x30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd47))
                if iszero(and(real, imaginary)) { refuseWith(0x8be2934e00000000000000000000000000000000000000000000000000000000, which) }
            }
            function checkProof(points) {
                checkG1(points, 0)
                checkG2(add(points, 0x40), 1)
                checkG1(add(points, 0xc0), 2)
            }
            // input: x, y, scalar
            function multiply(input, output) {
                if iszero(staticcall(7000, 0x07, input, 0x60, output, 0x40)) { refuse(0x84e8169200000000000000000000000000000000000000000000000000000000) }
            }
            // points: two, side by side; the sum replaces the first
            function add2(points) {
                if iszero(staticcall(600, 0x06, points, 0x80, points, 0x40)) { refuse(0x84e8169200000000000000000000000000000000000000000000000000000000) }
            }
            function addTerm(sum, scratch, x, y, scalar) {
                mstore(scratch, x)
                mstore(add(scratch, 0x20), y)
                mstore(add(scratch, 0x40), scalar)
                multiply(scratch, add(sum, 0x40))
                add2(sum)
            }
            // The negated second halves of the last three of four pairs.
            function storeKey(pairs) {
                mstore(add(pairs, 0x100), 0x203e205db4f19b37b60121b83a7333706db86431c6d835849957ed8c3928ad79)
                mstore(add(pairs, 0x120), 0x27dc7234fd11d3e8c36c59277c3e6f149d5cd3cfa9a62aee49f8130962b4b3b9)
                mstore(add(pairs, 0x140), 0x1705c3cd29af2bc64624b9a1485000c0627c1426199281b8a33f062687df1bf5)
                mstore(add(pairs, 0x160), 0x2ba8faba49b3409717940e8f3ebcd55452dbcf4181c00a46cdf61e69c651a019)
                mstore(add(pairs, 0x1c0), 0x1014772f57bb9742735191cd5dcfe4ebbc04156b6878a0a7c9824f32ffb66e85)
                mstore(add(pairs, 0x1e0), 0x06064e784db10e9051e52826e192715e8d7e478cb09a5e0012defa0694fbc7f5)
                mstore(add(pairs, 0x200), 0x2e462b3cedfc5472262048f38df42539b9ed16e51ebc764bf6f5a14cc405eb95)
                mstore(add(pairs, 0x220), 0x2ad6311c5f7be649b1053619f454efbd2dc849ba234fe2f5d71d1ebf7210a7b0)
                mstore(add(pairs, 0x280), 0x0a09ccf561b55fd99d1c1208dee1162457b57ac5af3759d50671e510e428b2a1)
                mstore(add(pairs, 0x2a0), 0x2e539c423b302d13f4e5773c603948eaf5db5df8ae8a9a9113708390a06410d8)
                mstore(add(pairs, 0x2c0), 0x16aceb21a80cf8f2d36188a908b83c41d5ab129284508a356a0c7815bb8035e4)
                mstore(add(pairs, 0x2e0), 0x00d6aed828fa78623e2059b044c9a177ac5e6644991e6fb89ed9b881dd0d9151)
            }
            // A failing call means a second half outside the subgroup of order r: all else was checked.
            function checkPairing(list, length) {
                let cap := add(50000, mul(length, 35000))
                if iszero(staticcall(cap, 0x08, list, mul(length, 0xc0), 0x00, 0x20)) { refuse(0xb28e789100000000000000000000000000000000000000000000000000000000) }
                if iszero(mload(0x00)) { refuse(0xc3b0d8cd00000000000000000000000000000000000000000000000000000000) }
            }
            checkProof(proof)
            let pairs := mload(0x40)
            let scratch := add(pairs, 0x300)
            let combined := add(pairs, 0x180)
            calldatacopy(pairs, proof, 0xc0)
            mstore(combined, 0x2a14705537b009189da8808651eecdb82482477fe92ac12ca8b71f80fc3d49ef)
            mstore(add(combined, 0x20), 0x2df7ee7f243ea8b38e1ddf14029258877a618c779fd4717db6177e19ea67ec38)
            addTerm(combined, scratch, 0x25d32c471c8cd1ab9ac9b4118d040166f75ad9e4f36526b09fc0b7d1002bc851, 0x2db09ae9bc0cb9addf3404069078f0367ff42b63cb1c200bae5bf9095585b69c, readInput(inputs, 0))
            addTerm(combined, scratch, 0x05e86f8cc8a7a4f10f56093465679f17f8b8c3fdb41469e408b529e030f52f3f, 0x2857bd14bbc09767bed8e913d3ccb42b2bc8738f715417dd6f020725d22bcd90, readInput(inputs, 1))
            addTerm(combined, scratch, 0x15bf2bb17880144b5d1cd2b1f46eff9d617bffd1ca57c37fb5a49bd84e53cf66, 0x049c797f9ce0d17083deb32b5e36f2ea2a212ee036598dd7624c168993d1355f, readInput(inputs, 2))
            addTerm(combined, scratch, 0x2d96b121486ab9da7bf549e57d2f8a6cc1983a336903524fb05dcd507457f63c, 0x1dcb45731979ca35dfde49a476e273a1b1c9b52e3eca22fae279459920daa7e3, readInput(inputs, 3))
            mstore(add(pairs, 0xc0), 0x17072b2ed3bb8d759a5325f477629386cb6fc6ecb801bd76983a6b86abffe078)
            mstore(add(pairs, 0xe0), 0x168ada6cd130dd52017bb54bfa19377aadfe3bf05d18f41b77809f7f60d4af9e)
            calldatacopy(add(pairs, 0x240), add(proof, 0xc0), 0x40)
            storeKey(pairs)
            checkPairing(pairs, 4)
        }
    }

    /// @notice Returns if every proof is valid for its inputs; otherwise reverts. One invalid member fails the batch.
    /// @dev Member i is weighted with 128 bits of keccak256(state, i), state being the hash of the key, all proofs
    /// and all inputs, so that nobody can choose proofs whose errors cancel.
    function verifyBatch(uint256[8][] calldata proofs, uint256[4][] calldata inputs) external view {
        uint256 n = proofs.length;
        if (n == 0 || n > BATCH_LIMIT || n != inputs.length) revert BatchSize(n, inputs.length);
        bytes32 state = keccak256(abi.encode(VERIFYING_KEY_HASH, proofs, inputs));
        assembly ("memory-safe") {
            function refuse(selector) {
                mstore(0x00, selector)
                revert(0x00, 0x04)
            }
            function refuseWith(selector, word) {
                mstore(0x00, selector)
                mstore(0x04, word)
                revert(0x00, 0x24)
            }
            function readInput(row, i) -> x {
                x := calldataload(add(row, shl(5, i)))
                if iszero(lt(x, 0x30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000001)) { refuseWith(0xfc41e93600000000000000000000000000000000000000000000000000000000, i) }
            }
            // y^2 = x^3 + 3; the point at infinity, (0, 0), is refused with the rest.
            function checkG1(point, which) {
                let x := calldataload(point)
                let y := calldataload(add(point, 0x20))
                let cubic := addmod(mulmod(mulmod(x, x, 0x30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd47), x, 0x30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd47), 3, 0x30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd47)
                if iszero(and(and(lt(x, 0x30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd47), lt(y, 0x30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd47)), eq(mulmod(y, y, 0x30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd47), cubic))) {
                    refuseWith(0x8be2934e00000000000000000000000000000000000000000000000000000000, which)
                }
            }
            // y^2 = x^3 + 3/(9+u) over F_p[u]/(u^2+1). Whether the point is of order r the pairing precompile checks.
            function checkG2(point, which) {
                let xi := calldataload(point)
                let xr := calldataload(add(point, 0x20))
                let yi := calldataload(add(point, 0x40))
                let yr := calldataload(add(point, 0x60))
                let below := and(and(lt(xi, 0x30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd47), lt(xr, 0x30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd47)), and(lt(yi, 0x30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd47), lt(yr, 0x30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd47)))
                if iszero(below) { refuseWith(0x8be2934e00000000000000000000000000000000000000000000000000000000, which) }
                let sr := mulmod(add(xr, xi), add(xr, sub(0x30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd47, xi)), 0x30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd47)
                let si := mulmod(shl(1, xr), xi, 0x30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd47)
                let cr := addmod(mulmod(sr, xr, 0x30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd47), sub(0x30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd47, mulmod(si, xi, 0x30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd47)), 0x30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd47)
                let ci := addmod(mulmod(sr, xi, 0x30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd47), mulmod(si, xr, 0x30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd47), 0x30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd47)
                let real := eq(mulmod(add(yr, yi), add(yr, sub(0x30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd47, yi)), 0x30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd47), addmod(cr, 0x2b149d40ceb8aaae81be18991be06ac3b5b4c5e559dbefa33267e6dc24a138e5, 0x30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd47))
                let imaginary := eq(mulmod(shl(1, yr), yi, 0x30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd47), addmod(ci, 0x009713b03af0fed4cd2cafadeed8fdf4a74fa084e52d1852e4a2bd0685c315d2, 0x30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd47))
                if iszero(and(real, imaginary)) { refuseWith(0x8be2934e00000000000000000000000000000000000000000000000000000000, which) }
            }
            function checkProof(points) {
                checkG1(points, 0)
                checkG2(add(points, 0x40), 1)
                checkG1(add(points, 0xc0), 2)
            }
            // input: x, y, scalar
            function multiply(input, output) {
                if iszero(staticcall(7000, 0x07, input, 0x60, output, 0x40)) { refuse(0x84e8169200000000000000000000000000000000000000000000000000000000) }
            }
            // points: two, side by side; the sum replaces the first
            function add2(points) {
                if iszero(staticcall(600, 0x06, points, 0x80, points, 0x40)) { refuse(0x84e8169200000000000000000000000000000000000000000000000000000000) }
            }
            function addTerm(sum, scratch, x, y, scalar) {
                mstore(scratch, x)
                mstore(add(scratch, 0x20), y)
                mstore(add(scratch, 0x40), scalar)
                multiply(scratch, add(sum, 0x40))
                add2(sum)
            }
            // The negated second halves of the last three of four pairs.
            function storeKey(pairs) {
                mstore(add(pairs, 0x100), 0x203e205db4f19b37b60121b83a7333706db86431c6d835849957ed8c3928ad79)
                mstore(add(pairs, 0x120), 0x27dc7234fd11d3e8c36c59277c3e6f149d5cd3cfa9a62aee49f8130962b4b3b9)
                mstore(add(pairs, 0x140), 0x1705c3cd29af2bc64624b9a1485000c0627c1426199281b8a33f062687df1bf5)
                mstore(add(pairs, 0x160), 0x2ba8faba49b3409717940e8f3ebcd55452dbcf4181c00a46cdf61e69c651a019)
                mstore(add(pairs, 0x1c0), 0x1014772f57bb9742735191cd5dcfe4ebbc04156b6878a0a7c9824f32ffb66e85)
                mstore(add(pairs, 0x1e0), 0x06064e784db10e9051e52826e192715e8d7e478cb09a5e0012defa0694fbc7f5)
                mstore(add(pairs, 0x200), 0x2e462b3cedfc5472262048f38df42539b9ed16e51ebc764bf6f5a14cc405eb95)
                mstore(add(pairs, 0x220), 0x2ad6311c5f7be649b1053619f454efbd2dc849ba234fe2f5d71d1ebf7210a7b0)
                mstore(add(pairs, 0x280), 0x0a09ccf561b55fd99d1c1208dee1162457b57ac5af3759d50671e510e428b2a1)
                mstore(add(pairs, 0x2a0), 0x2e539c423b302d13f4e5773c603948eaf5db5df8ae8a9a9113708390a06410d8)
                mstore(add(pairs, 0x2c0), 0x16aceb21a80cf8f2d36188a908b83c41d5ab129284508a356a0c7815bb8035e4)
                mstore(add(pairs, 0x2e0), 0x00d6aed828fa78623e2059b044c9a177ac5e6644991e6fb89ed9b881dd0d9151)
            }
            // A failing call means a second half outside the subgroup of order r: all else was checked.
            function checkPairing(list, length) {
                let cap := add(50000, mul(length, 35000))
                if iszero(staticcall(cap, 0x08, list, mul(length, 0xc0), 0x00, 0x20)) { refuse(0xb28e789100000000000000000000000000000000000000000000000000000000) }
                if iszero(mload(0x00)) { refuse(0xc3b0d8cd00000000000000000000000000000000000000000000000000000000) }
            }
            function scaleInPlace(point, scratch, scalar) {
                mcopy(scratch, point, 0x40)
                mstore(add(scratch, 0x40), scalar)
                multiply(scratch, point)
            }
            let sums := mload(0x40) // the sum of the weights, then the weighted sum of each input
            calldatacopy(sums, calldatasize(), 0xa0)
            let scratch := add(sums, 0xa0)
            let total := add(scratch, 0x80) // [sum of weighted C, next weighted C]
            let pairs := add(scratch, 0x100)
            mstore(pairs, state)
            state := keccak256(pairs, 0x20)
            for { let i := 0 } lt(i, n) { i := add(i, 1) } {
                let proof := add(proofs.offset, shl(8, i))
                let values := add(inputs.offset, mul(i, 0x80))
                checkProof(proof)
                mstore(0x00, state)
                mstore(0x20, i)
                let weight := shr(128, keccak256(0x00, 0x40))
                mstore(sums, addmod(mload(sums), weight, 0x30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000001))
                {
                    let at := add(sums, 0x20)
                    mstore(at, addmod(mload(at), mulmod(weight, readInput(values, 0), 0x30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000001), 0x30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000001))
                }
                {
                    let at := add(sums, 0x40)
                    mstore(at, addmod(mload(at), mulmod(weight, readInput(values, 1), 0x30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000001), 0x30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000001))
                }
                {
                    let at := add(sums, 0x60)
                    mstore(at, addmod(mload(at), mulmod(weight, readInput(values, 2), 0x30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000001), 0x30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000001))
                }
                {
                    let at := add(sums, 0x80)
                    mstore(at, addmod(mload(at), mulmod(weight, readInput(values, 3), 0x30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000001), 0x30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000001))
                }
                let pair := add(pairs, mul(i, 0xc0))
                calldatacopy(scratch, proof, 0x40)
                mstore(add(scratch, 0x40), weight)
                multiply(scratch, pair)
                calldatacopy(add(pair, 0x40), add(proof, 0x40), 0x80)
                calldatacopy(scratch, add(proof, 0xc0), 0x40)
                switch i
                case 0 { multiply(scratch, total) }
                default {
                    multiply(scratch, add(total, 0x40))
                    add2(total)
                }
            }
            // The tail of the list lies like a single proof's last three pairs.
            let tail := add(pairs, mul(n, 0xc0))
            let combined := add(tail, 0xc0)
            let sum := mload(sums)
            mstore(combined, 0x2a14705537b009189da8808651eecdb82482477fe92ac12ca8b71f80fc3d49ef)
            mstore(add(combined, 0x20), 0x2df7ee7f243ea8b38e1ddf14029258877a618c779fd4717db6177e19ea67ec38)
            scaleInPlace(combined, scratch, sum)
            addTerm(combined, scratch, 0x25d32c471c8cd1ab9ac9b4118d040166f75ad9e4f36526b09fc0b7d1002bc851, 0x2db09ae9bc0cb9addf3404069078f0367ff42b63cb1c200bae5bf9095585b69c, mload(add(sums, 0x20)))
            addTerm(combined, scratch, 0x05e86f8cc8a7a4f10f56093465679f17f8b8c3fdb41469e408b529e030f52f3f, 0x2857bd14bbc09767bed8e913d3ccb42b2bc8738f715417dd6f020725d22bcd90, mload(add(sums, 0x40)))
            addTerm(combined, scratch, 0x15bf2bb17880144b5d1cd2b1f46eff9d617bffd1ca57c37fb5a49bd84e53cf66, 0x049c797f9ce0d17083deb32b5e36f2ea2a212ee036598dd7624c168993d1355f, mload(add(sums, 0x60)))
            addTerm(combined, scratch, 0x2d96b121486ab9da7bf549e57d2f8a6cc1983a336903524fb05dcd507457f63c, 0x1dcb45731979ca35dfde49a476e273a1b1c9b52e3eca22fae279459920daa7e3, mload(add(sums, 0x80)))
            mstore(tail, 0x17072b2ed3bb8d759a5325f477629386cb6fc6ecb801bd76983a6b86abffe078)
            mstore(add(tail, 0x20), 0x168ada6cd130dd52017bb54bfa19377aadfe3bf05d18f41b77809f7f60d4af9e)
            scaleInPlace(tail, scratch, sum)
            mcopy(add(tail, 0x180), total, 0x40)
            storeKey(sub(tail, 0xc0))
            checkPairing(pairs, add(n, 3))
        }
    }
}
