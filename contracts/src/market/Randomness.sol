// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

/// @title Where the randomness of a window comes from: one implementation for each kind of chain
interface IRandomness {
    /// @notice The block's hash can no longer be had, or the evidence does not fit it.
    error NoRandomness(uint256 blockNumber);

    /// @notice The random value that a block in the past fixed for ever; reverts if it cannot be had.
    function randomAt(uint256 blockNumber, bytes calldata evidence) external view returns (bytes32);
}

/// @dev Hashes of past blocks: 256 by the opcode, 8,191 by the system contract of EIP-2935 where it exists.
abstract contract PastBlocks is IRandomness {
    address private constant HISTORY = 0x0000F90827F1C53a10cb7A02335B175320002935;

    function _hashOf(uint256 blockNumber) internal view returns (bytes32 hash) {
        hash = blockhash(blockNumber);
        if (hash != 0) return hash;
        if (blockNumber >= block.number) revert NoRandomness(blockNumber);
        (bool ok, bytes memory answer) = HISTORY.staticcall{gas: 30_000}(abi.encode(blockNumber));
        if (!ok || answer.length != 32) revert NoRandomness(blockNumber);
        hash = abi.decode(answer, (bytes32));
        if (hash == 0) revert NoRandomness(blockNumber);
    }
}

/// @title Randomness from the hash of a block, for chains without an unbiased beacon (BNB Smart Chain, local chains)
/// @notice Whoever makes that block can make it again until its hash pleases: assume 20 to 30 bits of choice, and choose
/// the number of challenged cells accordingly.
contract BlockhashRandomness is PastBlocks {
    /// @inheritdoc IRandomness
    function randomAt(uint256 blockNumber, bytes calldata) external view returns (bytes32) {
        return keccak256(abi.encode(_hashOf(blockNumber)));
    }
}

/// @title Randomness from a block's RANDAO mix, for Ethereum since the merge (EIP-4399)
/// @notice The evidence is the block's RLP header; its mixHash is the beacon chain's RANDAO, which a proposer can bias by
/// one bit for each slot at the epoch's end that it holds back. BNB Smart Chain has no such mix: do not use this there.
contract PrevrandaoRandomness is PastBlocks {
    /// @dev A header is shorter than this; longer evidence is refused before it is hashed.
    uint256 private constant HEADER_LIMIT = 2_048;
    /// @dev Fields before mixHash: parent, uncles, coinbase, state, transactions, receipts, bloom, difficulty, number,
    /// gas limit, gas used, time, extra data.
    uint256 private constant FIELDS_BEFORE_MIX = 13;

    /// @inheritdoc IRandomness
    function randomAt(uint256 blockNumber, bytes calldata header) external view returns (bytes32) {
        if (header.length > HEADER_LIMIT || keccak256(header) != _hashOf(blockNumber)) {
            revert NoRandomness(blockNumber);
        }
        // The hash vouches that this is a well-formed header, so its items may be skipped without further checks.
        uint256 place = uint8(header[0]) - 0xf6;
        for (uint256 field = 0; field < FIELDS_BEFORE_MIX; field++) {
            place += _itemLength(header, place);
        }
        return keccak256(header[place + 1:place + 33]);
    }

    /// @dev Length of an RLP string with its prefix.
    function _itemLength(bytes calldata header, uint256 place) private pure returns (uint256) {
        uint256 prefix = uint8(header[place]);
        if (prefix < 0x80) return 1;
        if (prefix <= 0xb7) return prefix - 0x7f;
        uint256 width = prefix - 0xb7;
        uint256 length = uint256(bytes32(header[place + 1:])) >> (8 * (32 - width));
        return 1 + width + length;
    }
}
