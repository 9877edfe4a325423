// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import {Governed} from "../governance/Governed.sol";

/// @title The roots of owners' access lists, which zero-knowledge access proofs are checked against
/// @notice A list is known by a number its owner chose; its root commits to keys and says nothing about whose they are.
/// Its version rises with each change, so that a proof against a revoked list is seen to be old.
contract AccessLists is Governed {
    struct List {
        bytes32 root; // zero: nobody has access
        uint64 version;
        uint64 changedAt; // block
    }

    mapping(address owner => mapping(uint256 list => List)) private _lists;

    event AccessListSet(address indexed owner, uint256 indexed list, bytes32 root, uint64 version);

    function initialize(address admin) external initializer {
        _initializeGoverned(admin);
    }

    /// @notice Replaces the root of one of the caller's lists.
    function set(uint256 list, bytes32 root) external {
        List storage it = _lists[msg.sender][list];
        it.version += 1;
        (it.root, it.changedAt) = (root, uint64(block.number));
        emit AccessListSet(msg.sender, list, root, it.version);
    }

    /// @notice A list of an owner; all zero if it never was set.
    function listOf(address owner, uint256 list) external view returns (List memory) {
        return _lists[owner][list];
    }
}
