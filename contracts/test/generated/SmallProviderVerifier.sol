// SPDX-License-Identifier: Apache-2.0 OR MIT
// Generated from proofs/vectors/provider-2x16x1.json by `cargo run -p holdfast-contracts --bin generate-verifier`. Never edit.
pragma solidity 0.8.37;

import {IGroth16Verifier} from "../../src/proof/IGroth16Verifier.sol";

/// @title Groth16 verifier over BN254 for one verifying key with 4 public inputs
/// @notice A proof is eight words as the EVM's precompiles read points (EIP-197): A.x, A.y, B.x imaginary,
/// B.x real, B.y imaginary, B.y real, C.x, C.y.
/// @dev Checked is e(A, B) · e(alpha, -beta) · e(IC0 + sum x_i IC_i, -gamma) · e(C, -delta) = 1, or for a batch the
/// random linear combination of such equations. Every precompile call carries its own gas cap (EIP-1108 prices
/// and a margin), because a precompile that refuses its input burns all the gas it was given.
contract SmallProviderVerifier is IGroth16Verifier {
    /// @notice True if the key's trapdoor is known to everybody; such a verifier refuses to exist on public mainnets.
    bool public constant DEVELOPMENT_KEY = true;
    /// @notice Hash of the verifying key's canonical encoding, part of every batch's randomness.
    bytes32 public constant VERIFYING_KEY_HASH = 0x06529509b6c086607c2d002ceb7adb3fbf4b22d76f4a29b1ddaa58265e8973ff;
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
                mstore(add(pairs, 0x100), 0x240b890e6aae396cb016063fff7ea3f6ef2f810a1a09fd23c6f53916b5982675)
                mstore(add(pairs, 0x120), 0x22b82d737fd07d80f95d0f10a3803b6e9ae87326f450ce7a335e73ab8c8ff267)
                mstore(add(pairs, 0x140), 0x18a5461c49cddbca36a05bee72a24a102db7cc62875ad3adb7315e8fa49a3f0c)
                mstore(add(pairs, 0x160), 0x12f51293dea20c3737b318e8c59f72385c147bed8468e1f5b0d0de5217b048a3)
                mstore(add(pairs, 0x1c0), 0x198e9393920d483a7260bfb731fb5d25f1aa493335a9e71297e485b7aef312c2)
                mstore(add(pairs, 0x1e0), 0x1800deef121f1e76426a00665e5c4479674322d4f75edadd46debd5cd992f6ed)
                mstore(add(pairs, 0x200), 0x275dc4a288d1afb3cbb1ac09187524c7db36395df7be3b99e673b13a075a65ec)
                mstore(add(pairs, 0x220), 0x1d9befcd05a5323e6da4d435f3b617cdb3af83285c2df711ef39c01571827f9d)
                mstore(add(pairs, 0x280), 0x0cefbf5613bfbcd8f91cc169f9d33e268fd50b84ad74352cc0d7d8f9b779dfb4)
                mstore(add(pairs, 0x2a0), 0x21d0e459bcb5a78b325a522a8203093e1a1c6d2c53d56e2aadf2e040ec47f2db)
                mstore(add(pairs, 0x2c0), 0x020936e1d222d91bde59d33e983f6648b6e24842ff7aa40a2c08d77f76f4824b)
                mstore(add(pairs, 0x2e0), 0x2017e8e0951d28c7f887f8fe6654551c67884132e807b00fc318dc53fed51b42)
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
            mstore(combined, 0x2c871353acdf9e4103af57dc8ca84349b1dd0c671bb343d7f6b092df4ef04a42)
            mstore(add(combined, 0x20), 0x15bfd9262e920f26b312722344bb7616f920bab9db1ed81c81882bff2fc9572e)
            addTerm(combined, scratch, 0x2f0df7d90c815fbf82318501394f69d4a8b0558f8da360dbb02b36a8f549a8ca, 0x0f050877af34d23240e8f0c0360bf3fcd1001f92032f60ae64662be2a5ae7fdf, readInput(inputs, 0))
            addTerm(combined, scratch, 0x1cce9f9d944ea946a69d51fe6418c719ade5fa101bb15bb62c24506f3e60de72, 0x0626548dd6aad03c40fa3e98732d5a91209c9f81e5d275ce25123c448b312b9d, readInput(inputs, 1))
            addTerm(combined, scratch, 0x1aef5f7e6f215024714fd11c27763d142cb74c4a8c0282e90615fd6139ac96ac, 0x06f9db32cb6a2f1f27a6210ba484cfa5c076d6f07264239e33c04eeec75d92a7, readInput(inputs, 2))
            addTerm(combined, scratch, 0x27b03d84081b0dc4f94d56b1501b4c141829df571f0085bed41e07a6a9b31514, 0x26ff5d4849aea5b2996682c1085fa6217039c47ee549a0a0cad65d653b32e9a6, readInput(inputs, 3))
            mstore(add(pairs, 0xc0), 0x10470a5ad0e7915b9c6e87f7e06a4efbc4232ab29c09f2e773015273a42a8b21)
            mstore(add(pairs, 0xe0), 0x1b35245fac523a5a62555cb47c47acd7e72aa52fa66ac3801b7731c9b5e4789a)
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
                mstore(add(pairs, 0x100), 0x240b890e6aae396cb016063fff7ea3f6ef2f810a1a09fd23c6f53916b5982675)
                mstore(add(pairs, 0x120), 0x22b82d737fd07d80f95d0f10a3803b6e9ae87326f450ce7a335e73ab8c8ff267)
                mstore(add(pairs, 0x140), 0x18a5461c49cddbca36a05bee72a24a102db7cc62875ad3adb7315e8fa49a3f0c)
                mstore(add(pairs, 0x160), 0x12f51293dea20c3737b318e8c59f72385c147bed8468e1f5b0d0de5217b048a3)
                mstore(add(pairs, 0x1c0), 0x198e9393920d483a7260bfb731fb5d25f1aa493335a9e71297e485b7aef312c2)
                mstore(add(pairs, 0x1e0), 0x1800deef121f1e76426a00665e5c4479674322d4f75edadd46debd5cd992f6ed)
                mstore(add(pairs, 0x200), 0x275dc4a288d1afb3cbb1ac09187524c7db36395df7be3b99e673b13a075a65ec)
                mstore(add(pairs, 0x220), 0x1d9befcd05a5323e6da4d435f3b617cdb3af83285c2df711ef39c01571827f9d)
                mstore(add(pairs, 0x280), 0x0cefbf5613bfbcd8f91cc169f9d33e268fd50b84ad74352cc0d7d8f9b779dfb4)
                mstore(add(pairs, 0x2a0), 0x21d0e459bcb5a78b325a522a8203093e1a1c6d2c53d56e2aadf2e040ec47f2db)
                mstore(add(pairs, 0x2c0), 0x020936e1d222d91bde59d33e983f6648b6e24842ff7aa40a2c08d77f76f4824b)
                mstore(add(pairs, 0x2e0), 0x2017e8e0951d28c7f887f8fe6654551c67884132e807b00fc318dc53fed51b42)
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
            mstore(combined, 0x2c871353acdf9e4103af57dc8ca84349b1dd0c671bb343d7f6b092df4ef04a42)
            mstore(add(combined, 0x20), 0x15bfd9262e920f26b312722344bb7616f920bab9db1ed81c81882bff2fc9572e)
            scaleInPlace(combined, scratch, sum)
            addTerm(combined, scratch, 0x2f0df7d90c815fbf82318501394f69d4a8b0558f8da360dbb02b36a8f549a8ca, 0x0f050877af34d23240e8f0c0360bf3fcd1001f92032f60ae64662be2a5ae7fdf, mload(add(sums, 0x20)))
            addTerm(combined, scratch, 0x1cce9f9d944ea946a69d51fe6418c719ade5fa101bb15bb62c24506f3e60de72, 0x0626548dd6aad03c40fa3e98732d5a91209c9f81e5d275ce25123c448b312b9d, mload(add(sums, 0x40)))
            addTerm(combined, scratch, 0x1aef5f7e6f215024714fd11c27763d142cb74c4a8c0282e90615fd6139ac96ac, 0x06f9db32cb6a2f1f27a6210ba484cfa5c076d6f07264239e33c04eeec75d92a7, mload(add(sums, 0x60)))
            addTerm(combined, scratch, 0x27b03d84081b0dc4f94d56b1501b4c141829df571f0085bed41e07a6a9b31514, 0x26ff5d4849aea5b2996682c1085fa6217039c47ee549a0a0cad65d653b32e9a6, mload(add(sums, 0x80)))
            mstore(tail, 0x10470a5ad0e7915b9c6e87f7e06a4efbc4232ab29c09f2e773015273a42a8b21)
            mstore(add(tail, 0x20), 0x1b35245fac523a5a62555cb47c47acd7e72aa52fa66ac3801b7731c9b5e4789a)
            scaleInPlace(tail, scratch, sum)
            mcopy(add(tail, 0x180), total, 0x40)
            storeKey(sub(tail, 0xc0))
            checkPairing(pairs, add(n, 3))
        }
    }
}
