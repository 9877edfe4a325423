// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import {IGroth16Verifier, ISlotVerifier, IProviderVerifier} from "../../src/proof/IGroth16Verifier.sol";
import {ToyVerifier2} from "../generated/ToyVerifier2.sol";
import {ToyVerifier4} from "../generated/ToyVerifier4.sol";
import {Test} from "../support/Test.sol";
import {ToyProver} from "../support/ToyProver.sol";

/// @dev The generated verifier on keys whose trapdoor is known, so that every statement has an honest proof.
contract VerifierTest is Test {
    uint256 internal constant R = ToyProver.R;
    uint256 internal constant P = ToyProver.P;
    /// @dev What a refusal may cost: an honest verification and the margins of the gas caps.
    uint256 internal constant REFUSAL_GAS = 240_000;

    ISlotVerifier internal slot;
    IProviderVerifier internal provider;

    function setUp() public {
        slot = ISlotVerifier(address(new ToyVerifier2()));
        provider = IProviderVerifier(address(new ToyVerifier4()));
    }

    function test_accepts_honest_proofs() public view {
        uint256[2] memory inputs = [uint256(5), 6];
        slot.verify(ToyProver.prove(inputs, 7), inputs);
        slot.verify(ToyProver.prove(inputs, 8), inputs);
        uint256[4] memory four = [uint256(1), 2, 3, R - 1];
        provider.verify(ToyProver.prove(four, 9), four);
    }

    function testFuzz_accepts_every_honest_proof(uint256 x, uint256 y, uint256 c) public view {
        uint256[2] memory inputs = [x % R, y % R];
        slot.verify(ToyProver.prove(inputs, bound(c, 1, R - 1)), inputs);
    }

    function test_gas_of_one_proof() public {
        uint256[2] memory inputs = [R - 5, R - 6];
        bytes memory data = abi.encodeCall(ISlotVerifier.verify, (ToyProver.prove(inputs, R - 7), inputs));
        (bool ok, uint256 gas,) = measure(address(slot), data);
        vm.assertTrue(ok, "accepted");
        vm.snapshotValue("verifier", "slot form, execution", gas);
        vm.assertLe(gas, 200_000, "one proof, two inputs");
        uint256[4] memory four = [R - 1, R - 2, R - 3, R - 4];
        (ok, gas,) =
            measure(address(provider), abi.encodeCall(IProviderVerifier.verify, (ToyProver.prove(four, R - 9), four)));
        vm.assertTrue(ok, "accepted");
        vm.snapshotValue("verifier", "provider form, execution", gas);
        vm.assertLe(gas, 215_000, "one proof, four inputs");
    }

    function test_gas_of_a_batch() public {
        uint256[4] memory sizes = [uint256(1), 4, 16, 64];
        for (uint256 i = 0; i < 4; i++) {
            (uint256[8][] memory proofs, uint256[2][] memory inputs) = batch(sizes[i]);
            (bool ok, uint256 gas,) =
                measure(address(slot), abi.encodeCall(ISlotVerifier.verifyBatch, (proofs, inputs)));
            vm.assertTrue(ok, "accepted");
            string memory name = string.concat("slot form, batch of ", vm.toString(sizes[i]), ", execution a proof");
            vm.snapshotValue("verifier", name, gas / sizes[i]);
            if (sizes[i] == 16) vm.assertLe(gas, 16 * 62_000, "a batch of 16");
        }
    }

    // --- Bad input: each has its own error, and none burns the caller's gas. ---

    function test_refuses_aliased_inputs() public view {
        for (uint256 i = 0; i < 2; i++) {
            uint256[2] memory inputs = [uint256(5), 6];
            uint256[8] memory proof = ToyProver.prove(inputs, 7);
            inputs[i] += R;
            refused(proof, inputs, abi.encodeWithSelector(IGroth16Verifier.InputOutOfField.selector, i));
            inputs[i] = type(uint256).max;
            refused(proof, inputs, abi.encodeWithSelector(IGroth16Verifier.InputOutOfField.selector, i));
        }
        uint256[4] memory four = [uint256(1), 2, 3, 4];
        uint256[8] memory honest = ToyProver.prove(four, 7);
        for (uint256 i = 0; i < 4; i++) {
            four[i] += R;
            (bool ok,, bytes memory why) =
                measure(address(provider), abi.encodeCall(IProviderVerifier.verify, (honest, four)));
            vm.assertTrue(!ok, "refused");
            same(why, abi.encodeWithSelector(IGroth16Verifier.InputOutOfField.selector, i));
            four[i] -= R;
        }
    }

    function test_refuses_other_statements() public view {
        uint256[2] memory inputs = [uint256(5), 6];
        uint256[8] memory proof = ToyProver.prove(inputs, 7);
        bytes memory rejected = abi.encodeWithSelector(IGroth16Verifier.ProofRejected.selector);
        refused(proof, [uint256(50), 6], rejected); // wrong root
        refused(proof, [uint256(5), 60], rejected); // wrong seed
        refused(proof, [uint256(6), 5], rejected); // swapped
        refused(proof, [uint256(0), 0], rejected);
        refused(ToyProver.prove([uint256(5), 7], 7), inputs, rejected); // another's proof
    }

    function test_refuses_changed_points() public view {
        uint256[2] memory inputs = [uint256(5), 6];
        bytes memory rejected = abi.encodeWithSelector(IGroth16Verifier.ProofRejected.selector);
        uint256[8] memory proof = ToyProver.prove(inputs, 7);
        proof[1] = P - proof[1];
        refused(proof, inputs, rejected); // negated A
        proof = ToyProver.prove(inputs, 7);
        (proof[4], proof[5]) = (P - proof[4], P - proof[5]);
        refused(proof, inputs, rejected); // negated B
        proof = ToyProver.prove(inputs, 7);
        proof[7] = P - proof[7];
        refused(proof, inputs, rejected); // negated C
        proof = ToyProver.prove(inputs, 7);
        (proof[0], proof[1], proof[6], proof[7]) = (proof[6], proof[7], proof[0], proof[1]);
        refused(proof, inputs, rejected); // A and C swapped
    }

    function test_refuses_points_off_their_curve() public view {
        uint256[2] memory inputs = [uint256(5), 6];
        uint256[8] memory which = [uint256(0), 0, 1, 1, 1, 1, 2, 2];
        for (uint256 i = 0; i < 8; i++) {
            bytes memory why = abi.encodeWithSelector(IGroth16Verifier.PointNotOnCurve.selector, which[i]);
            uint256[8] memory proof = ToyProver.prove(inputs, 7);
            proof[i] ^= 1;
            refused(proof, inputs, why);
            proof = ToyProver.prove(inputs, 7);
            proof[i] += P; // the same element of the field, not its canonical encoding
            refused(proof, inputs, why);
            proof[i] = type(uint256).max;
            refused(proof, inputs, why);
        }
    }

    /// @dev y^2 has two parts; each alone is made wrong.
    function test_refuses_half_of_the_twists_equation() public view {
        uint256[2] memory inputs = [uint256(5), 6];
        bytes memory why = abi.encodeWithSelector(IGroth16Verifier.PointNotOnCurve.selector, 1);
        uint256[8] memory proof = ToyProver.prove(inputs, 7);
        proof[4] = P - proof[4]; // the real part, yr^2 - yi^2, stays
        refused(proof, inputs, why);
        proof = ToyProver.prove(inputs, 7);
        (proof[4], proof[5]) = (mulmod(proof[4], (P + 1) / 2, P), mulmod(proof[5], 2, P)); // 2 yr yi stays
        refused(proof, inputs, why);
    }

    function test_refuses_infinity() public view {
        uint256[2] memory inputs = [uint256(5), 6];
        bytes4 off = IGroth16Verifier.PointNotOnCurve.selector;
        uint256[8] memory proof = ToyProver.prove(inputs, 7);
        (proof[0], proof[1]) = (0, 0);
        refused(proof, inputs, abi.encodeWithSelector(off, 0));
        proof = ToyProver.prove(inputs, 7);
        (proof[2], proof[3], proof[4], proof[5]) = (0, 0, 0, 0);
        refused(proof, inputs, abi.encodeWithSelector(off, 1));
        proof = ToyProver.prove(inputs, 7);
        (proof[6], proof[7]) = (0, 0);
        refused(proof, inputs, abi.encodeWithSelector(off, 2));
    }

    function test_refuses_a_point_of_the_twist_outside_the_subgroup() public view {
        uint256[2] memory inputs = [uint256(5), 6];
        uint256[8] memory proof = ToyProver.prove(inputs, 7);
        // x = 1 on the twist; its order does not divide r.
        proof[2] = 0;
        proof[3] = 1;
        proof[4] = 0x0d1271953ed9ea0836846e70a1934187998c7f790cb4d7511b7f8da82de048a4;
        proof[5] = 0x2869111d5381f072f8e2728fdb825a51aadd70e52c9830e9ab4b871c0531f1bb;
        refused(proof, inputs, abi.encodeWithSelector(IGroth16Verifier.PointNotInSubgroup.selector));
    }

    function test_refuses_a_truncated_call() public view {
        uint256[2] memory inputs = [uint256(5), 6];
        bytes memory data = abi.encodeCall(ISlotVerifier.verify, (ToyProver.prove(inputs, 7), inputs));
        assembly ("memory-safe") {
            mstore(data, sub(mload(data), 1))
        }
        (bool ok, uint256 gas,) = measure(address(slot), data);
        vm.assertTrue(!ok, "refused");
        vm.assertLe(gas, REFUSAL_GAS, "gas of a refusal");
    }

    function testFuzz_refuses_every_flipped_bit(uint256 bit) public view {
        bit = bound(bit, 0, 10 * 256 - 1);
        uint256[2] memory inputs = [uint256(5), 6];
        uint256[8] memory proof = ToyProver.prove(inputs, 7);
        if (bit < 2048) proof[bit / 256] ^= 1 << (bit % 256);
        else inputs[(bit - 2048) / 256] ^= 1 << (bit % 256);
        (bool ok, uint256 gas,) = measure(address(slot), abi.encodeCall(ISlotVerifier.verify, (proof, inputs)));
        vm.assertTrue(!ok, "refused");
        vm.assertLe(gas, REFUSAL_GAS, "gas of a refusal");
    }

    // --- Batches ---

    function test_batch_accepts_up_to_its_limit() public view {
        for (uint256 n = 1; n <= 64; n = n * 4) {
            (uint256[8][] memory proofs, uint256[2][] memory inputs) = batch(n);
            slot.verifyBatch(proofs, inputs);
        }
        uint256[8][] memory three = new uint256[8][](3);
        uint256[4][] memory statements = new uint256[4][](3);
        for (uint256 i = 0; i < 3; i++) {
            statements[i] = [i, i + 1, i + 2, i + 3];
            three[i] = ToyProver.prove(statements[i], i + 1);
        }
        provider.verifyBatch(three, statements);
    }

    function test_batch_refuses_wrong_sizes() public {
        (uint256[8][] memory proofs, uint256[2][] memory inputs) = batch(65);
        vm.expectRevert(abi.encodeWithSelector(IGroth16Verifier.BatchSize.selector, 65, 65));
        slot.verifyBatch(proofs, inputs);
        (proofs,) = batch(2);
        vm.expectRevert(abi.encodeWithSelector(IGroth16Verifier.BatchSize.selector, 2, 65));
        slot.verifyBatch(proofs, inputs);
        vm.expectRevert(abi.encodeWithSelector(IGroth16Verifier.BatchSize.selector, 0, 0));
        slot.verifyBatch(new uint256[8][](0), new uint256[2][](0));
    }

    function test_batch_refuses_one_bad_member() public view {
        bytes memory rejected = abi.encodeWithSelector(IGroth16Verifier.ProofRejected.selector);
        for (uint256 bad = 0; bad < 3; bad++) {
            (uint256[8][] memory proofs, uint256[2][] memory inputs) = batch(3);
            inputs[bad][0] += 1;
            refusedBatch(proofs, inputs, rejected);
            (proofs, inputs) = batch(3);
            inputs[bad][1] += R;
            refusedBatch(proofs, inputs, abi.encodeWithSelector(IGroth16Verifier.InputOutOfField.selector, 1));
            (proofs, inputs) = batch(3);
            proofs[bad][7] ^= 1;
            refusedBatch(proofs, inputs, abi.encodeWithSelector(IGroth16Verifier.PointNotOnCurve.selector, 2));
            (proofs, inputs) = batch(3);
            proofs[bad][1] = P - proofs[bad][1];
            refusedBatch(proofs, inputs, rejected);
        }
    }

    /// @dev Errors that cancel in an unweighted sum do not cancel in the weighted one.
    function test_batch_refuses_errors_that_cancel_without_weights() public view {
        bytes memory rejected = abi.encodeWithSelector(IGroth16Verifier.ProofRejected.selector);
        (uint256[8][] memory proofs, uint256[2][] memory inputs) = batch(2);
        for (uint256 word = 6; word < 8; word++) {
            (proofs[0][word], proofs[1][word]) = (proofs[1][word], proofs[0][word]);
        }
        refusedBatch(proofs, inputs, rejected);
        (proofs, inputs) = batch(2);
        (inputs[0][0], inputs[1][0]) = (inputs[1][0], inputs[0][0]);
        refusedBatch(proofs, inputs, rejected);
        (proofs, inputs) = batch(2);
        (inputs[0][0], inputs[1][0]) = (inputs[0][0] + 1, inputs[1][0] - 1);
        refusedBatch(proofs, inputs, rejected);
    }

    /// @dev Were the proofs, or the inputs, left out of what the weights are drawn from, their errors could be chosen after
    /// the weights so that they cancel.
    function test_the_weights_depend_on_all_proofs_and_all_inputs() public view {
        bytes memory rejected = abi.encodeWithSelector(IGroth16Verifier.ProofRejected.selector);
        bytes32 key = ToyVerifier2(address(slot)).VERIFYING_KEY_HASH();
        (uint256[8][] memory proofs, uint256[2][] memory inputs) = batch(2);
        (uint256 first, uint256 second) = weights(keccak256(abi.encode(key, inputs)));
        (proofs[0][6], proofs[0][7]) = ToyProver.multiple(addmod(secretOf(0), second, R));
        (proofs[1][6], proofs[1][7]) = ToyProver.multiple(addmod(secretOf(1), R - first, R));
        refusedBatch(proofs, inputs, rejected);
        (proofs, inputs) = batch(2);
        (first, second) = weights(keccak256(abi.encode(key, proofs)));
        inputs[0][0] = addmod(inputs[0][0], second, R);
        inputs[1][0] = addmod(inputs[1][0], R - first, R);
        refusedBatch(proofs, inputs, rejected);
    }

    function test_a_development_key_refuses_public_mainnets() public {
        uint256[4] memory chains = [uint256(1), 56, 10, 42161];
        for (uint256 i = 0; i < chains.length; i++) {
            vm.chainId(chains[i]);
            vm.expectRevert(abi.encodeWithSelector(IGroth16Verifier.DevelopmentKeyOnMainnet.selector, chains[i]));
            new ToyVerifier2();
        }
        vm.chainId(31337);
        new ToyVerifier2();
    }

    function batch(uint256 n) private view returns (uint256[8][] memory proofs, uint256[2][] memory inputs) {
        proofs = new uint256[8][](n);
        inputs = new uint256[2][](n);
        for (uint256 i = 0; i < n; i++) {
            inputs[i] = [uint256(keccak256(abi.encode(i, "root"))) % R, uint256(keccak256(abi.encode(i, "seed"))) >> 8];
            proofs[i] = ToyProver.prove(inputs[i], secretOf(i));
        }
    }

    /// @dev The discrete logarithm of C in the i-th proof of a batch.
    function secretOf(uint256 i) private pure returns (uint256) {
        return uint256(keccak256(abi.encode(i, "c"))) % R;
    }

    /// @dev The weights of a batch's first two members, as the verifier draws them from the hash of the whole.
    function weights(bytes32 hash) private pure returns (uint256, uint256) {
        bytes32 state = keccak256(abi.encode(hash));
        return (uint256(keccak256(abi.encode(state, 0))) >> 128, uint256(keccak256(abi.encode(state, 1))) >> 128);
    }

    function refused(uint256[8] memory proof, uint256[2] memory inputs, bytes memory expected) private view {
        (bool ok, uint256 gas, bytes memory why) =
            measure(address(slot), abi.encodeCall(ISlotVerifier.verify, (proof, inputs)));
        vm.assertTrue(!ok, "refused");
        same(why, expected);
        vm.assertLe(gas, REFUSAL_GAS, "gas of a refusal");
    }

    function refusedBatch(uint256[8][] memory proofs, uint256[2][] memory inputs, bytes memory expected) private view {
        (bool ok,, bytes memory why) =
            measure(address(slot), abi.encodeCall(ISlotVerifier.verifyBatch, (proofs, inputs)));
        vm.assertTrue(!ok, "refused");
        same(why, expected);
    }

    function same(bytes memory left, bytes memory right) private pure {
        vm.assertEq(keccak256(left), keccak256(right), "the reason");
    }
}
