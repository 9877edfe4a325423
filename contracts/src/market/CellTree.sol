// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

/// @title The SHA-256 tree over a slot's cells, which disputes are settled against
/// @notice Binary, of fixed depth; a leaf is SHA-256(0x00, cell) and a node SHA-256(0x01, left, right), as in RFC 6962, so
/// that no node passes for a cell. A cell is 496 bytes; a slot shorter than 2^21 cells is padded with cells of zeros.
library CellTree {
    /// @notice Bytes of a cell.
    uint256 internal constant CELL_BYTES = 496;
    /// @notice Levels above the leaves.
    uint256 internal constant DEPTH = 21;
    /// @notice Cells of a slot.
    uint256 internal constant CELLS = 1 << DEPTH;

    /// @notice True if `cell` is the cell at `index` under `root`.
    function verify(bytes32 root, uint256 index, bytes calldata cell, bytes32[] calldata path)
        internal
        pure
        returns (bool)
    {
        if (cell.length != CELL_BYTES || path.length != DEPTH || index >= CELLS) return false;
        bytes32 node = sha256(abi.encodePacked(uint8(0), cell));
        for (uint256 level = 0; level < DEPTH; level++) {
            bytes32 sibling = path[level];
            node = index & 1 == 0
                ? sha256(abi.encodePacked(uint8(1), node, sibling))
                : sha256(abi.encodePacked(uint8(1), sibling, node));
            index >>= 1;
        }
        return node == root;
    }
}
