// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

/// @title The SHA-256 tree over a slot's cells, which disputes are settled against
/// @notice Eight children a node, seven levels; a cell's hash is SHA-256(0x00, cell) and a node's SHA-256(0x01, eight
/// hashes), so that no node passes for a cell. A cell is 496 bytes; a slot shorter than 8^7 cells is padded with zeros.
library CellTree {
    /// @notice Bytes of a cell.
    uint256 internal constant CELL_BYTES = 496;
    /// @notice Levels above the cells.
    uint256 internal constant LEVELS = 7;
    /// @notice Cells of a slot.
    uint256 internal constant CELLS = 1 << (3 * LEVELS);
    /// @notice Hashes of a path: seven siblings a level, in order, from the cell up.
    uint256 internal constant PATH = 7 * LEVELS;

    /// @notice True if `cell` is the cell at `index` under `root`.
    function verify(bytes32 root, uint256 index, bytes calldata cell, bytes32[] calldata path)
        internal
        pure
        returns (bool)
    {
        if (cell.length != CELL_BYTES || path.length != PATH || index >= CELLS) return false;
        bytes32 node = sha256(abi.encodePacked(uint8(0), cell));
        for (uint256 level = 0; level < LEVELS; level++) {
            uint256 first = 7 * level;
            uint256 child = first + (index & 7);
            node = sha256(abi.encodePacked(uint8(1), path[first:child], node, path[child:first + 7]));
            index >>= 3;
        }
        return node == root;
    }
}
